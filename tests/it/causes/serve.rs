//! The table, served: what Entra gets, what `explain` says, what the tenant's conditions say.

use scimgate::provisioning::trace::{Event, Fault, tell};
use scimgate::store::log::{Filter, Order};
use serde_json::json;
use tokio::task::JoinSet;

use super::table::{Ask, Case, HERE, scripts, vendors, ways};
use crate::harness::{Options, Response, Tenant, TestGateway, group, person};

/// So many gateways at once.
const AT_ONCE: usize = 6;

async fn walk(cases: Vec<Case>) {
    let mut running = JoinSet::new();
    for case in cases {
        if running.len() >= AT_ONCE {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(check(case));
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test]
async fn a_script_that_fails_is_told_with_its_place() {
    walk(scripts()).await;
}

#[tokio::test]
async fn a_vendor_that_fails_is_told_with_what_it_answered() {
    walk(vendors()).await;
}

#[tokio::test]
async fn a_way_that_leads_nowhere_and_a_wrong_request_are_told_apart() {
    walk(ways()).await;
}

async fn check(case: Case) {
    let name = case.name;
    let options = Options {
        script: case.script,
        ..Options::default()
    };
    let gateway = TestGateway::start_with((case.options)(options, "")).await;
    // What is there before it begins to fail; where it fails from the start there is nothing.
    let id = match case.ask {
        Ask::Create | Ask::List => "17".to_owned(),
        _ => gateway.a.make("/Users", &person()).await,
    };
    if let Some(fault) = case.vendor {
        gateway.a.make("/Users", &person()).await;
        gateway.faults([fault()]);
    }
    let answer = ask(&gateway.a, case.ask, &id).await;
    assert_eq!(answer.status, case.status, "{name}: {answer}");
    let detail = answer.json()["detail"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(!detail.is_empty(), "{name}: {answer}");
    let event = event_of(&gateway, answer.header("x-request-id")).await;
    let story = tell::story(&event);
    assert_eq!(event.fault, Some(case.fault), "{name}: {story}");
    blames_only(&story, case.fault, name);
    let cause = event.reason.clone().unwrap_or_default();
    for words in case.says {
        assert!(
            cause.contains(words),
            "{name}: {words:?} is not in {cause:?}"
        );
        if case.fault == Fault::Script {
            assert!(!detail.contains(words), "{name}: Entra is shown {detail}");
        }
    }
    if let Some(place) = place(&case) {
        assert!(
            cause.contains(&place),
            "{name}: {place:?} is not in {cause:?}"
        );
    }
    if !cause.is_empty() {
        assert!(
            story.contains(&format!("Cause: {cause}\n")),
            "{name}: {story}"
        );
        assert!(
            told_in_log(&gateway, &cause),
            "{name}: the log does not say {cause:?}"
        );
    }
    holds_as_condition(&gateway, &case, &cause);
    gateway.end().await;
}

/// `sosafe.rhai:61:` of the mark in the edited script.
fn place(case: &Case) -> Option<String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/sosafe.rhai");
    let text = (case.script)(std::fs::read_to_string(file).unwrap());
    let (before, _) = text.split_once(HERE)?;
    // A wrong shape is told at the function that gave it, everything else where it arose.
    Some(format!("sosafe.rhai:{}", before.matches('\n').count() + 1))
}

/// Only the one at fault stands in the story as such.
fn blames_only(story: &str, fault: Fault, name: &str) {
    assert!(
        story.contains(&format!("At fault: {}\n", fault.whose())),
        "{name}: {story}"
    );
    assert!(story.contains("What to do: "), "{name}: {story}");
    let others = Fault::ALL.map(Fault::whose);
    for other in others.iter().filter(|other| **other != fault.whose()) {
        assert!(
            !story.contains(&format!("At fault: {other}\n")),
            "{name}: {story}"
        );
    }
}

/// A failure that is not the request's own is the matter with the tenant now.
fn holds_as_condition(gateway: &TestGateway, case: &Case, cause: &str) {
    let held = gateway.conditions();
    match (case.fault, held.as_slice()) {
        // Once is no sign of anything.
        (Fault::Client | Fault::Busy, []) => {}
        (_, [one]) => {
            assert_eq!(one.cause, cause, "{}", case.name);
            assert!(
                !one.remedy.is_empty() && one.count == 1,
                "{}: {one:?}",
                case.name
            );
        }
        (_, held) => panic!("{}: {held:?}", case.name),
    }
}

fn told_in_log(gateway: &TestGateway, cause: &str) -> bool {
    let quoted = serde_json::to_string(cause).unwrap();
    gateway.logged().contains(&format!("\"cause\":{quoted}"))
}

async fn event_of(gateway: &TestGateway, request_id: &str) -> Event {
    for _ in 0..1_000 {
        let mut found = gateway.store.event(request_id).await.unwrap();
        if let Some(event) = found.pop() {
            return event;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the log does not have {request_id}");
}

async fn ask(tenant: &Tenant, ask: Ask, id: &str) -> Response {
    let user = format!("/Users/{id}");
    match ask {
        Ask::Get => tenant.get(&user).await,
        Ask::GetUnknown => {
            let title = json!([{"op": "Replace", "path": "title", "value": "x"}]);
            tenant.patch("/Users/99999999", title).await
        }
        Ask::Find => tenant.get("/Users?filter=userName+eq+%22nobody%22").await,
        Ask::List => tenant.get("/Users?count=5").await,
        Ask::Create => {
            let mut user = person();
            user["title"] = json!("Boss");
            tenant.post("/Users", &user).await
        }
        Ask::CreateNameless => {
            let mut user = person();
            user.as_object_mut().unwrap().remove("userName");
            tenant.post("/Users", &user).await
        }
        Ask::CreateTwice => {
            let user = person();
            tenant.make("/Users", &user).await;
            tenant.post("/Users", &user).await
        }
        Ask::Rename => {
            let name = json!([{"op": "Replace", "path": "displayName", "value": "Another"}]);
            tenant.patch(&user, name).await
        }
        Ask::Delete => tenant.delete(&user).await,
        Ask::FindGroup => {
            tenant
                .get("/Groups?filter=displayName+eq+%22nobody%22")
                .await
        }
        Ask::JoinUnknown => {
            let team = tenant.make("/Groups", &group(&[id])).await;
            let join = json!([{"op": "Add", "path": "members", "value": [{"value": "99999999"}]}]);
            tenant.patch(&format!("/Groups/{team}"), join).await
        }
    }
}

#[tokio::test]
async fn who_joins_and_leaves_a_group_is_told_and_found() {
    let gateway = TestGateway::start().await;
    let user = gateway.a.make("/Users", &person()).await;
    let team = gateway.a.make("/Groups", &group(&[])).await;
    for (op, joins, told) in [("Add", true, "added"), ("Remove", false, "removed")] {
        let change = json!([{"op": op, "path": "members", "value": [{"value": user}]}]);
        let answer = gateway.a.patch(&format!("/Groups/{team}"), change).await;
        assert_eq!(answer.status, 204, "{answer}");
        let event = event_of(&gateway, answer.header("x-request-id")).await;
        let [membership] = event.members.as_slice() else {
            panic!("{event:?}");
        };
        assert!(membership.member == user && membership.joins == joins);
        let story = tell::story(&event);
        assert!(
            story.contains(&format!("  members {told}: {user}\n")),
            "{story}"
        );
        let filter = Filter {
            target_id: Some(user.clone()),
            ..Filter::default()
        };
        let found = gateway
            .store
            .events(filter, Order::Newest, 10)
            .await
            .unwrap();
        let ids: Vec<_> = found.events.iter().map(|found| &found.request_id).collect();
        assert!(ids.contains(&&event.request_id), "{ids:?}");
    }
    let nobody = Filter {
        target_id: Some("%".to_owned()),
        ..Filter::default()
    };
    let found = gateway
        .store
        .events(nobody, Order::Newest, 10)
        .await
        .unwrap();
    assert!(found.events.is_empty());
    gateway.end().await;
}
