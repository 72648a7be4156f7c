//! What can be found out without a write is found out before the first one.

use serde_json::{Value, json};

use super::play::{Play, everywhere, with_each};
use super::vendors::{ALL, GROUPED, SOSAFE, WEBROOT, WEDO};
use crate::harness::{group, person, unique};

const MAIL: &str = "emails[type eq \"work\"].value";

/// How a name is spelt that somebody else has.
const SPELLINGS: [fn(&str) -> String; 2] = [str::to_owned, str::to_uppercase];

fn replace(path: &str, value: impl Into<Value>) -> Value {
    let value: Value = value.into();
    json!({"op": "replace", "path": path, "value": value})
}

/// All pairs.
fn each_of<A: Copy, B: Copy>(all: &[A], with: &[B]) -> Vec<(A, B)> {
    let pairs = all.iter().flat_map(|a| with.iter().map(|b| (*a, *b)));
    pairs.collect()
}

/// PATCHes that give a user a userName.
const RENAMES: &[fn(&str) -> Value] = &[
    |name| json!([replace("userName", name)]),
    |name| json!([{"op": "replace", "value": {"userName": name}}]),
    |name| json!([{"op": "replace", "value": {"userName": name, "displayName": "New"}}]),
    |name| json!([replace("displayName", "New"), replace("userName", name)]),
    |name| json!([replace("userName", name), replace("displayName", "New")]),
    |name| json!([replace("name.givenName", "New"), replace("userName", name)]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_name_that_is_taken_is_refused_before_anything_is_changed() {
    everywhere(ALL, |play| async move {
        let inputs = each_of(RENAMES, &SPELLINGS);
        with_each(&play, inputs, |play, (rename, spelt)| async move {
            let (first, path) = (
                person(),
                format!("/Users/{}", play.make("/Users", &person()).await),
            );
            play.make("/Users", &first).await;
            let input = rename(&spelt(first["userName"].as_str().unwrap()));
            let what = format!("PATCH {input}");
            let refused = async { play.patch(&path, input).await.is_taken(&what) };
            play.unchanged_by(&what, refused).await;
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_with_a_user_name_that_is_taken_changes_nothing() {
    everywhere(ALL, |play| async move {
        with_each(&play, SPELLINGS, |play, spelt| async move {
            let (first, mut body) = (person(), person());
            play.make("/Users", &first).await;
            let path = format!("/Users/{}", play.make("/Users", &body).await);
            body["userName"] = spelt(first["userName"].as_str().unwrap()).into();
            body["displayName"] = "New".into();
            let what = format!("PUT userName {}", body["userName"]);
            let refused = async { play.put(&path, &body).await.is_taken(&what) };
            play.unchanged_by(&what, refused).await;
        })
        .await;
    })
    .await;
}

/// PATCHes that give a user an address.
const MOVES: &[fn(&str) -> Value] = &[
    |taken| json!([replace(MAIL, taken)]),
    |taken| json!([replace("userName", new_name()), replace(MAIL, taken)]),
    |taken| json!([replace(MAIL, taken), replace("userName", new_name())]),
    |taken| json!([replace("emails", json!([{"type": "work", "value": taken}]))]),
];

fn new_name() -> String {
    format!("{}@example.com", unique("new"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_taken_is_refused_before_anything_is_changed() {
    everywhere(&[&SOSAFE, &WEBROOT, &WEDO], |play| async move {
        assert!(play.vendor.unique_email);
        with_each(
            &play,
            each_of(MOVES, &SPELLINGS),
            |play, (moved, spelt)| async move {
                let (first, path) = (
                    person(),
                    format!("/Users/{}", play.make("/Users", &person()).await),
                );
                play.make("/Users", &first).await;
                let input = moved(&spelt(first["emails"][0]["value"].as_str().unwrap()));
                let what = format!("PATCH {input}");
                let refused = async { play.patch(&path, input).await.is_taken(&what) };
                play.unchanged_by(&what, refused).await;
            },
        )
        .await;
    })
    .await;
}

/// PATCHes that give a group a name, and change its members or not.
const GROUP_RENAMES: &[fn(&str, &Value) -> Value] = &[
    |name, _| json!([replace("displayName", name)]),
    |name, _| json!([{"op": "replace", "value": {"displayName": name}}]),
    |name, list| json!([{"op": "replace", "value": {"displayName": name, "members": list}}]),
    |name, _| json!([replace("externalId", "new"), replace("displayName", name)]),
    |name, list| json!([replace("displayName", name), add(list)]),
    |name, list| json!([add(list), replace("displayName", name)]),
    |name, list| {
        json!([
            replace("members", list.clone()),
            replace("displayName", name)
        ])
    },
    |name, _| json!([{"op": "remove", "path": "members"}, replace("displayName", name)]),
];

fn add(list: &Value) -> Value {
    json!({"op": "add", "path": "members", "value": list})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_name_that_is_taken_is_refused_before_anybody_joins_or_leaves() {
    everywhere(GROUPED, |play| async move {
        let inputs = each_of(GROUP_RENAMES, &SPELLINGS);
        with_each(&play, inputs, |play, (rename, spelt)| async move {
            let named = Named::set(&play).await;
            let input = rename(&spelt(&named.taken), &named.list);
            let what = format!("PATCH {input}");
            let refused = async { play.patch(&named.path, input).await.is_taken(&what) };
            play.unchanged_by(&what, refused).await;
            play.remove(&named.path).await;
            play.remove(&named.other).await;
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_with_a_group_name_that_is_taken_changes_nothing() {
    everywhere(GROUPED, |play| async move {
        let inputs = each_of(&[false, true], &SPELLINGS);
        with_each(&play, inputs, |play, (is_empty, spelt)| async move {
            let named = Named::set(&play).await;
            let mut body = named.body;
            body["displayName"] = spelt(&named.taken).into();
            body["members"] = if is_empty { json!([]) } else { named.list };
            let what = format!("PUT {body}");
            let refused = async { play.put(&named.path, &body).await.is_taken(&what) };
            play.unchanged_by(&what, refused).await;
        })
        .await;
    })
    .await;
}

/// A group of one, and the name of another group.
struct Named {
    path: String,
    body: Value,
    /// The other one's.
    other: String,
    taken: String,
    /// Members that are users and not in the group.
    list: Value,
}

impl Named {
    async fn set(play: &Play) -> Self {
        let member = play.make("/Users", &person()).await;
        let loner = play.make("/Users", &person()).await;
        let (other, body) = (group(&[]), group(&[&member]));
        Self {
            other: format!("/Groups/{}", play.make("/Groups", &other).await),
            path: format!("/Groups/{}", play.make("/Groups", &body).await),
            body,
            taken: other["displayName"].as_str().unwrap().to_owned(),
            list: json!([{"value": loner}]),
        }
    }
}

/// PATCHes that set a list of objects to a text.
const TEXTS: &[fn(&str) -> Value] = &[
    |text| json!([replace("emails", text)]),
    |text| json!([{"op": "replace", "value": {"emails": text}}]),
    |text| json!([replace("displayName", "New"), replace("emails", text)]),
];

/// Taken as it is, it would leave no address at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_is_no_list_of_addresses() {
    everywhere(ALL, |play| async move {
        let inputs = each_of(TEXTS, &["x", "x@example.com"]);
        with_each(&play, inputs, |play, (input, text)| async move {
            let path = format!("/Users/{}", play.make("/Users", &person()).await);
            let what = format!("PATCH {}", input(text));
            let refused = async { play.patch(&path, input(text)).await.is(400, &what) };
            play.unchanged_by(&what, refused).await;
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_a_text_for_a_list_of_addresses_is_refused() {
    everywhere(ALL, |play| async move {
        with_each(&play, ["x", "x@example.com"], |play, text| async move {
            let path = format!("/Users/{}", play.make("/Users", &person()).await);
            let mut body = person();
            body["emails"] = text.into();
            let what = format!("PUT and POST emails {text:?}");
            let refused = async {
                play.put(&path, &body).await.is(400, &what);
                play.post("/Users", &body).await.is(400, &what);
            };
            play.unchanged_by(&what, refused).await;
        })
        .await;
    })
    .await;
}
