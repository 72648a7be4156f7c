//! Entity tags and conditional requests (RFC 7644 §3.14), and what an answer shows (§3.9).

use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{Response, Tenant, TestGateway, group, person};

async fn send(tenant: &Tenant, request: &str, header: &str, tag: &str) -> Response {
    let (method, path) = request.split_once(' ').unwrap();
    let request = tenant.request(method, path).header(header, tag);
    let operation = json!({ "op": "replace", "path": "title", "value": "Conditional" });
    let request = match method {
        "PATCH" => request.json(&json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation],
        })),
        "PUT" => request.json(&person()),
        _ => request,
    };
    tenant.send(request).await
}

/// One request under one condition: the status and how many vendor calls it may cost.
#[track_caller]
fn check<'a>(
    gateway: &'a TestGateway,
    request: &'a str,
    header: &'a str,
    tag: &'a str,
    want: (u16, usize),
) -> impl Future<Output = ()> + 'a {
    let place = std::panic::Location::caller();
    async move {
        let before = calls(gateway);
        let got = send(&gateway.a, request, header, tag).await;
        let got = (got.status, calls(gateway) - before);
        assert_eq!(got, want, "{place}: {request} with {header}: {tag}");
    }
}

fn calls(gateway: &TestGateway) -> usize {
    gateway.vendor.journal().len()
}

#[tokio::test]
async fn the_entity_tag_is_the_version_wherever_one_resource_is_answered() {
    // R95
    let gateway = TestGateway::start().await;
    let made = gateway.a.post("/Users", &person()).await;
    let path = format!("/Users/{}", made.json()["id"].as_str().unwrap());
    let got = gateway.a.get(&path).await;
    let title = json!([{ "op": "add", "path": "title", "value": "Engineer" }]);
    let patched = gateway.a.patch(&path, title.clone()).await;
    let again = gateway.a.patch(&path, title).await;
    for answer in [&made, &got, &patched, &again] {
        let tag = answer.header("etag");
        assert!(tag.starts_with("W/\""), "{answer}");
        assert_eq!(answer.json()["meta"]["version"], tag);
    }
    assert_eq!(made.header("etag"), got.header("etag"));
    assert_ne!(got.header("etag"), patched.header("etag"));
    assert_eq!(patched.header("etag"), again.header("etag")); // R174
    let listed = gateway.a.get("/Users").await.json();
    assert_eq!(
        listed["Resources"][0]["meta"]["version"],
        patched.header("etag")
    );
}

#[tokio::test]
async fn a_read_under_a_condition() {
    // R96
    let gateway = TestGateway::start().await;
    let id = gateway.a.make("/Users", &person()).await;
    let path = format!("/Users/{id}");
    let got = gateway.a.get(&path).await;
    let tag = got.header("etag");
    let request = format!("GET {path}");
    let same = send(&gateway.a, &request, "If-None-Match", tag).await;
    assert_eq!((same.status, same.header("etag")), (304, tag), "{same}");
    assert!(same.body.is_empty() && same.header("content-type").is_empty());
    let strong = tag.trim_start_matches("W/");
    check(&gateway, &request, "If-None-Match", strong, (304, 1)).await;
    check(&gateway, &request, "If-None-Match", "\"other\"", (200, 1)).await;
    check(&gateway, &request, "If-Match", tag, (200, 1)).await;
    check(&gateway, &request, "If-Match", "\"other\"", (412, 1)).await;
    check(&gateway, &request, "If-Match", "other", (400, 0)).await;
    check(&gateway, "GET /Users", "If-None-Match", "*", (200, 1)).await;
    check(
        &gateway,
        "GET /Users/999999",
        "If-None-Match",
        "*",
        (404, 1),
    )
    .await;
}

#[tokio::test]
async fn a_write_under_a_condition_that_does_not_hold_changes_nothing() {
    // R97-R99
    let gateway = TestGateway::start().await;
    let id = gateway.a.make("/Users", &person()).await;
    let before = gateway.row(&id);
    for method in ["PUT", "PATCH", "DELETE"] {
        let request = format!("{method} /Users/{id}");
        check(
            &gateway,
            &request,
            "If-Match",
            "W/\"0000000000000000\"",
            (412, 1),
        )
        .await;
        check(&gateway, &request, "If-None-Match", "*", (412, 1)).await;
        let refused = send(&gateway.a, &request, "If-Match", "\"x\"").await.json();
        assert_eq!(refused["status"], "412");
        assert!(
            refused["detail"]
                .as_str()
                .unwrap()
                .contains("Read it again")
        );
    }
    assert_eq!(gateway.row(&id), before);
}

#[tokio::test]
async fn a_write_under_a_condition_that_holds_is_carried_out() {
    // R100
    let gateway = TestGateway::start().await;
    let id = gateway.a.make("/Users", &person()).await;
    let path = format!("/Users/{id}");
    let tag = gateway.a.get(&path).await.header("etag").to_owned();
    let patch = format!("PATCH {path}");
    check(
        &gateway,
        &patch,
        "If-Match",
        &format!("\"x\", {tag}"),
        (200, 2),
    )
    .await;
    check(&gateway, &patch, "If-Match", &tag, (412, 1)).await; // that was the version before
    check(
        &gateway,
        &format!("DELETE {path}"),
        "If-Match",
        "*",
        (204, 2),
    )
    .await;
    check(&gateway, &patch, "If-Match", "*", (404, 1)).await;
}

#[tokio::test]
async fn of_many_writers_with_one_version_one_wins() {
    let gateway = TestGateway::start().await;
    let id = gateway.a.make("/Users", &person()).await;
    let path = format!("/Users/{id}");
    let tag = gateway.a.get(&path).await.header("etag").to_owned();
    let patch = format!("PATCH {path}");
    let mut writers = JoinSet::new();
    for _ in 0..8 {
        let (tenant, patch, tag) = (gateway.a.clone(), patch.clone(), tag.clone());
        writers.spawn(async move { send(&tenant, &patch, "If-Match", &tag).await.status });
    }
    let statuses = writers.join_all().await;
    let won = statuses.iter().filter(|status| **status == 200).count();
    let lost = statuses.iter().filter(|status| **status == 412).count();
    assert_eq!((won, lost), (1, 7), "{statuses:?}");
}

#[tokio::test]
async fn a_version_covers_the_members() {
    let gateway = TestGateway::start().await;
    let user = gateway.a.make("/Users", &person()).await;
    let id = gateway.a.make("/Groups", &group(&[])).await;
    let path = format!("/Groups/{id}");
    let empty = gateway.a.get(&path).await.header("etag").to_owned();
    let join = json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]);
    assert_eq!(gateway.a.patch(&path, join).await.status, 204);
    let full = gateway.a.get(&path).await.header("etag").to_owned();
    assert_ne!(empty, full);
    let without = gateway
        .a
        .get(&format!("{path}?excludedAttributes=members"))
        .await;
    assert_eq!(without.header("etag"), full, "{without}");
    assert_eq!(without.json().get("members"), None);
    check(
        &gateway,
        &format!("DELETE {path}"),
        "If-Match",
        &empty,
        (412, 1),
    )
    .await;
}

#[tokio::test]
async fn a_write_answers_what_was_asked_for() {
    // R33, R81
    let gateway = TestGateway::start().await;
    let made = gateway
        .a
        .post("/Users?attributes=userName", &person())
        .await;
    let names = |answer: &Response| {
        let answer = answer.json();
        let names = answer.as_object().unwrap().keys();
        names.cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&made), "schemas id userName", "{made}");
    assert!(!made.header("location").is_empty() && !made.header("etag").is_empty());
    let path = format!("/Users/{}", made.json()["id"].as_str().unwrap());
    let title = json!([{ "op": "add", "path": "title", "value": "Engineer" }]);
    let patched = gateway
        .a
        .patch(&format!("{path}?attributes=TITLE,name.givenName"), title)
        .await;
    assert_eq!(names(&patched), "schemas id title name", "{patched}");
    let put = gateway
        .a
        .put(
            &format!("{path}?excludedAttributes=emails,name,id"),
            &person(),
        )
        .await;
    assert!(
        !names(&put).contains("emails") && names(&put).contains("id"),
        "{put}"
    );
    let team = gateway
        .a
        .post("/Groups?excludedAttributes=members", &group(&[]))
        .await;
    let path = format!("/Groups/{}", team.json()["id"].as_str().unwrap());
    let rename = json!([{ "op": "replace", "path": "externalId", "value": "e" }]);
    let silent = gateway.a.patch(&path, rename.clone()).await;
    assert_eq!((silent.status, silent.body.len()), (204, 0));
    let asked = gateway
        .a
        .patch(&format!("{path}?attributes=externalId"), rename)
        .await;
    assert_eq!(
        (asked.status, names(&asked).as_str()),
        (200, "schemas id externalId")
    );
}
