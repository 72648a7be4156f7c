//! `externalId` belongs to the client (RFC 7643 §3.1): the gateway does not keep it unique.

use serde_json::{Value, json};

use super::play::{Play, everywhere, operation};
use super::vendors::{ALL, GROUPED};
use crate::harness::{group, person, unique};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_users_may_have_one_external_id() {
    everywhere(ALL, |play| async move {
        both_are_there(&play, "/Users", [person(), person()]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_groups_may_have_one_external_id() {
    everywhere(GROUPED, |play| async move {
        both_are_there(&play, "/Groups", [group(&[]), group(&[])]).await;
    })
    .await;
}

async fn both_are_there(play: &Play, endpoint: &str, bodies: [Value; 2]) {
    let shared = unique("shared-");
    let [first, second] = bodies.map(|mut body| {
        body["externalId"] = shared.clone().into();
        body
    });
    let made = play.post(endpoint, &first).await;
    made.is(201, "the first");
    let other = play.post(endpoint, &second).await;
    other.is(201, "the second");
    assert_ne!(made.id(), other.id(), "one object for two");
    for (id, body) in [(made.id(), &first), (other.id(), &second)] {
        let held = play.tenant.get(&format!("{endpoint}/{id}")).await;
        assert_eq!(held.status, 200, "{held}");
        for name in ["userName", "displayName", "externalId"] {
            assert_eq!(held.json()[name], body[name], "{name}");
        }
    }
    let mut ids = [made.id(), other.id()];
    ids.sort();
    let mut found = play.found(endpoint, "externalId", &shared).await;
    found.sort();
    assert_eq!(found, ids, "externalId eq");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_external_id_may_become_that_of_another() {
    everywhere(ALL, |play| async move {
        becomes_that_of_another(&play, "/Users", [person(), person()], 200).await;
        if play.vendor.has_groups {
            let done = play.changed_group();
            becomes_that_of_another(&play, "/Groups", [group(&[]), group(&[])], done).await;
        }
    })
    .await;
}

async fn becomes_that_of_another(play: &Play, endpoint: &str, bodies: [Value; 2], done: u16) {
    let [first, second] = bodies;
    play.make(endpoint, &first).await;
    let path = format!("{endpoint}/{}", play.make(endpoint, &second).await);
    let external_id = first["externalId"].clone();
    let operations = json!([{"op": "replace", "path": "externalId", "value": external_id}]);
    play.patch(&path, operations).await.is(done, endpoint);
    let held = play.tenant.get(&path).await;
    assert_eq!(held.json()["externalId"], external_id, "{held}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_in_one_bulk_request_may_have_one_external_id() {
    everywhere(ALL, |play| async move {
        let mut bodies = vec![("/Users", person()), ("/Users", person())];
        if play.vendor.has_groups {
            bodies.extend([("/Groups", group(&[])), ("/Groups", group(&[]))]);
        }
        let shared = unique("shared-");
        let operations = bodies.into_iter().map(|(endpoint, mut body)| {
            body["externalId"] = shared.clone().into();
            operation("POST", endpoint, &body)
        });
        let operations = operations.collect();
        for (place, answer) in play.bulk(operations).await.iter().enumerate() {
            answer.is(201, &format!("operation {place}"));
        }
    })
    .await;
}
