//! What every [`Memory`] must do, whatever database is behind it. Each check
//! has tenants of its own, so that all may run on one store.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::task::Poll;

use serde_json::json;

use crate::adapter::keys::{NativeId, ObjectKey, ScimId, TenantId};
use crate::adapter::remembered::{Remembered, ValueOverride};
use crate::provisioning::memory::{Membership, Memory, MemoryError, Recall};
use crate::scim::ResourceKind::{self, Group, User};

/// Runs every check.
pub(crate) async fn check(memory: &dyn Memory) {
    remembers_and_forgets(memory).await;
    recalls_a_page_in_the_order_asked(memory).await;
    keeps_any_text(memory).await;
    issues_ids_once(memory).await;
    never_uses_an_id_again(memory).await;
    rebinds(memory).await;
    settles_what_is_in_doubt_only(memory).await;
    keeps_members_by_age(memory).await;
    forgets_the_right_side_of_memberships(memory).await;
    keeps_tenants_apart(memory).await;
    keeps_kinds_apart(memory).await;
    issues_one_id_to_many_at_once(memory).await;
    gives_many_at_once_distinct_ages(memory).await;
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

fn key(tenant_name: &str, kind: ResourceKind, id: &str) -> ObjectKey {
    ObjectKey {
        tenant: tenant(tenant_name),
        kind,
        id: ScimId::new(id),
    }
}

fn ids(texts: &[&str]) -> Vec<ScimId> {
    texts.iter().map(|text| ScimId::new(text)).collect()
}

fn said(text: &str) -> Remembered {
    let kept = ValueOverride {
        value: Some(json!(text)),
        native: json!({ "native": [text, null, 1.5] }),
    };
    Remembered {
        overrides: [(format!("leaf of {text}"), kept)].into(),
        extra: [(text.to_owned(), json!(text))].into_iter().collect(),
        becoming: Some(format!("key of {text}")),
        kept: [("userName".to_owned(), json!(text))].into_iter().collect(),
        suspended: true,
    }
}

async fn issue(memory: &dyn Memory, of: &str, kind: ResourceKind, native: &str) -> ScimId {
    let issued = memory
        .issue_ids(&tenant(of), kind, vec![NativeId::new(native)])
        .await;
    issued.unwrap().remove(0)
}

async fn native(memory: &dyn Memory, of: &str, id: &ScimId) -> Option<String> {
    let found = memory.native_id(&key(of, User, id.as_str())).await.unwrap();
    found.map(|native| native.to_string())
}

async fn remembers_and_forgets(memory: &dyn Memory) {
    let user = key("remember", User, "1");
    assert_eq!(memory.recall(&user).await.unwrap(), None);
    for value in [said("a"), said("b")] {
        memory.remember(&user, value.clone()).await.unwrap();
        assert_eq!(memory.recall(&user).await.unwrap(), Some(value));
    }
    memory.remember(&user, Remembered::default()).await.unwrap();
    assert_eq!(memory.recall(&user).await.unwrap(), None);
    memory.remember(&user, said("c")).await.unwrap();
    memory.forget(&user).await.unwrap();
    memory.forget(&user).await.unwrap();
    assert_eq!(memory.recall(&user).await.unwrap(), None);
}

async fn recalls_a_page_in_the_order_asked(memory: &dyn Memory) {
    for id in ["1", "3"] {
        memory
            .remember(&key("page", User, id), said(id))
            .await
            .unwrap();
    }
    let page = memory
        .recall_page(&tenant("page"), User, ids(&["3", "2", "1", "3"]))
        .await;
    let expect = [Some(said("3")), None, Some(said("1")), Some(said("3"))];
    assert_eq!(page.unwrap(), expect);
    let none = memory.recall_page(&tenant("page"), User, Vec::new()).await;
    assert_eq!(none.unwrap(), []);
}

async fn keeps_any_text(memory: &dyn Memory) {
    let long = "x".repeat(10_000);
    let texts = [
        "",
        "a",
        "A",
        "a ",
        "ä",
        "a\u{308}",
        "'; DROP TABLE x; --",
        "%",
        "_",
        "\u{1F600}",
        "a\0b",
        "a\u{1}0b",
        &long,
    ];
    for text in texts {
        memory
            .remember(&key("text", User, text), said(text))
            .await
            .unwrap();
    }
    for text in texts {
        let found = memory.recall(&key("text", User, text)).await.unwrap();
        assert_eq!(found, Some(said(text)), "{text:?}");
    }
    let mut issued = BTreeSet::new();
    for text in texts {
        let id = issue(memory, "text", User, text).await;
        assert_eq!(native(memory, "text", &id).await.as_deref(), Some(text));
        assert!(issued.insert(id), "{text:?} shares an id");
    }
}

async fn issues_ids_once(memory: &dyn Memory) {
    let natives = ["7", "8", "7", "9"].map(NativeId::new).to_vec();
    let first = memory
        .issue_ids(&tenant("issue"), User, natives.clone())
        .await
        .unwrap();
    assert_eq!(first[0], first[2]);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 3);
    let again = memory
        .issue_ids(&tenant("issue"), User, natives)
        .await
        .unwrap();
    assert_eq!(first, again);
    assert_eq!(
        native(memory, "issue", &first[1]).await.as_deref(),
        Some("8")
    );
    assert_eq!(native(memory, "issue", &ScimId::new("8")).await, None);
}

async fn never_uses_an_id_again(memory: &dyn Memory) {
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        let id = issue(memory, "again", User, "7").await;
        memory
            .forget(&key("again", User, id.as_str()))
            .await
            .unwrap();
        assert_eq!(native(memory, "again", &id).await, None);
        assert!(seen.insert(id));
    }
}

async fn rebinds(memory: &dyn Memory) {
    let id = issue(memory, "rebind", User, "old").await;
    let listed_early = issue(memory, "rebind", User, "new").await;
    let bind = |id: &ScimId| memory.rebind(&key("rebind", User, id.as_str()), NativeId::new("new"));
    bind(&ScimId::new("never issued")).await.unwrap();
    assert_eq!(issue(memory, "rebind", User, "new").await, listed_early);
    bind(&id).await.unwrap();
    assert_eq!(native(memory, "rebind", &id).await.as_deref(), Some("new"));
    assert_eq!(native(memory, "rebind", &listed_early).await, None);
    assert_eq!(issue(memory, "rebind", User, "new").await, id);
    assert_ne!(issue(memory, "rebind", User, "old").await, id);
}

async fn settles_what_is_in_doubt_only(memory: &dyn Memory) {
    let id = issue(memory, "settle", User, "old").await;
    let key = key("settle", User, id.as_str());
    let becoming = NativeId::new("key of doubt");
    memory.remember(&key, said("doubt")).await.unwrap();
    memory.settle(&key, NativeId::new("other")).await.unwrap();
    assert_eq!(native(memory, "settle", &id).await.as_deref(), Some("old"));
    memory.settle(&key, becoming.clone()).await.unwrap();
    let settled = Remembered {
        becoming: None,
        ..said("doubt")
    };
    assert_eq!(
        native(memory, "settle", &id).await.as_deref(),
        Some("key of doubt")
    );
    assert_eq!(memory.recall(&key).await.unwrap(), Some(settled));
    let later = Remembered {
        becoming: None,
        ..said("later")
    };
    memory.remember(&key, later.clone()).await.unwrap();
    memory.rebind(&key, NativeId::new("newer")).await.unwrap();
    memory.settle(&key, becoming).await.unwrap();
    assert_eq!(
        native(memory, "settle", &id).await.as_deref(),
        Some("newer")
    );
    assert_eq!(memory.recall(&key).await.unwrap(), Some(later));
}

async fn keeps_members_by_age(memory: &dyn Memory) {
    let (first, second) = (key("age", Group, "g1"), key("age", Group, "g2"));
    memory.add_members(&first, ids(&["c", "a"])).await.unwrap();
    memory.add_members(&second, ids(&["a"])).await.unwrap();
    memory
        .add_members(&first, ids(&["b", "c", "b"]))
        .await
        .unwrap();
    assert_eq!(memory.members(&first).await.unwrap(), ids(&["c", "a", "b"]));
    memory
        .remove_members(&first, ids(&["c", "nobody"]))
        .await
        .unwrap();
    memory.add_members(&first, ids(&["c"])).await.unwrap();
    assert_eq!(memory.members(&first).await.unwrap(), ids(&["a", "b", "c"]));
    let of_a = memory
        .memberships(&tenant("age"), &ScimId::new("a"))
        .await
        .unwrap();
    let groups: Vec<&str> = of_a
        .iter()
        .map(|Membership { group, .. }| group.as_str())
        .collect();
    assert_eq!(groups, ["g1", "g2"]);
    assert!(of_a[0].order < of_a[1].order);
}

async fn forgets_the_right_side_of_memberships(memory: &dyn Memory) {
    let group = |id| key("side", Group, id);
    for id in ["7", "8"] {
        memory
            .add_members(&group(id), ids(&["7", "9"]))
            .await
            .unwrap();
    }
    memory.forget(&group("7")).await.unwrap();
    assert_eq!(memory.members(&group("7")).await.unwrap(), []);
    assert_eq!(memory.members(&group("8")).await.unwrap(), ids(&["7", "9"]));
    memory.forget(&key("side", User, "7")).await.unwrap();
    assert_eq!(memory.members(&group("8")).await.unwrap(), ids(&["9"]));
    let gone = memory.memberships(&tenant("side"), &ScimId::new("7")).await;
    assert_eq!(gone.unwrap(), []);
}

async fn keeps_tenants_apart(memory: &dyn Memory) {
    let (ours, theirs) = (key("apart-1", Group, "1"), key("apart-2", Group, "1"));
    memory.remember(&ours, said("ours")).await.unwrap();
    memory.add_members(&ours, ids(&["1"])).await.unwrap();
    let id = issue(memory, "apart-1", User, "1").await;
    assert_eq!(memory.recall(&theirs).await.unwrap(), None);
    assert_eq!(memory.members(&theirs).await.unwrap(), []);
    let foreign = memory.memberships(&theirs.tenant, &ScimId::new("1")).await;
    assert_eq!(foreign.unwrap(), []);
    assert_eq!(native(memory, "apart-2", &id).await, None);
    assert_ne!(issue(memory, "apart-2", User, "1").await, id);
    let stolen = key("apart-2", User, id.as_str());
    memory.rebind(&stolen, NativeId::new("2")).await.unwrap();
    memory.remember(&theirs, said("theirs")).await.unwrap();
    memory.remove_members(&theirs, ids(&["1"])).await.unwrap();
    memory.forget(&theirs).await.unwrap();
    memory.forget(&stolen).await.unwrap();
    assert_eq!(memory.recall(&ours).await.unwrap(), Some(said("ours")));
    assert_eq!(memory.members(&ours).await.unwrap(), ids(&["1"]));
    assert_eq!(native(memory, "apart-1", &id).await.as_deref(), Some("1"));
}

async fn keeps_kinds_apart(memory: &dyn Memory) {
    memory
        .remember(&key("kinds", User, "1"), said("user"))
        .await
        .unwrap();
    assert_eq!(
        memory.recall(&key("kinds", Group, "1")).await.unwrap(),
        None
    );
    memory.forget(&key("kinds", Group, "1")).await.unwrap();
    let left = memory.recall(&key("kinds", User, "1")).await.unwrap();
    assert_eq!(left, Some(said("user")));
    let user = issue(memory, "kinds", User, "1").await;
    assert_ne!(issue(memory, "kinds", Group, "1").await, user);
}

async fn issues_one_id_to_many_at_once(memory: &dyn Memory) {
    let of = tenant("many");
    let asked = (0..64).map(|_| memory.issue_ids(&of, User, vec![NativeId::new("7")]));
    let issued: BTreeSet<_> = together(asked)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(issued.len(), 1);
}

async fn gives_many_at_once_distinct_ages(memory: &dyn Memory) {
    let groups: Vec<String> = (0..64).map(|number| format!("g{number}")).collect();
    let groups: Vec<ObjectKey> = groups.iter().map(|id| key("ages", Group, id)).collect();
    let adding = groups
        .iter()
        .map(|group| memory.add_members(group, ids(&["7"])));
    assert!(together(adding).await.iter().all(Result::is_ok));
    let found = memory
        .memberships(&tenant("ages"), &ScimId::new("7"))
        .await
        .unwrap();
    let orders: BTreeSet<i64> = found.iter().map(|membership| membership.order).collect();
    assert_eq!(orders.len(), 64);
}

/// Starts all of them before waiting for any.
pub(crate) async fn together<'a, T>(
    recalls: impl Iterator<Item = Recall<'a, T>>,
) -> Vec<Result<T, MemoryError>> {
    let mut waiting: Vec<_> = recalls.map(|recall| (recall, None)).collect();
    poll_fn(|context| {
        for (recall, done) in waiting.iter_mut().filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(result) = recall.as_mut().poll(context) {
                *done = Some(result);
            }
        }
        match waiting.iter().all(|(_, done)| done.is_some()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    waiting.into_iter().filter_map(|(_, done)| done).collect()
}
