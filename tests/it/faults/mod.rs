//! What goes wrong, and what Entra hears of it.
//!
//! A fault keeps its meaning: an outage never looks like "no such user", the
//! vendor refusing our credential never like Entra's bad token; what was not
//! carried out is told with a time to come back; and nothing is half written.
//! The vendor's own state is the judge, and every gateway's log is searched
//! for secrets and personal data when its test ends.

mod by_hand;
mod hang_up;
mod lost_replies;
mod outage;
mod refusals;
mod requests;

use serde_json::{Value, json};

use crate::harness::{Request, Response, Tenant, TestGateway, group, person};

/// Asserts a SCIM error (RFC 7644 §3.12) of this status, in the right media type.
#[track_caller]
fn is_error(response: &Response, status: u16, scim_type: Option<&str>, what: &str) {
    assert_eq!(response.status, status, "{what}: {response}");
    let body = response.json();
    assert_eq!(
        response.header("content-type"),
        "application/scim+json",
        "{what}"
    );
    assert_eq!(
        body["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:Error"]),
        "{what}: {response}"
    );
    assert_eq!(body["status"], status.to_string(), "{what}: {response}");
    assert_eq!(body["scimType"].as_str(), scim_type, "{what}: {response}");
    let detail = body["detail"].as_str().unwrap_or_default();
    assert!(!detail.is_empty(), "{what}: {response}");
    assert!(
        !response.header("x-request-id").is_empty(),
        "{what}: {response}"
    );
}

/// Asserts that Entra is told to come back, within what it takes for soon.
#[track_caller]
fn is_later(response: &Response, statuses: &[u16], what: &str) {
    assert!(statuses.contains(&response.status), "{what}: {response}");
    is_error(response, response.status, None, what);
    let wait = response.retry_after();
    assert!(
        wait.is_some_and(|seconds| (1..=60).contains(&seconds)),
        "{what}: {response}"
    );
}

/// One request of every kind that reaches the vendor, each on objects of its
/// own, so that none waits for another.
async fn one_of_each(gateway: &TestGateway) -> Vec<(&'static str, Request)> {
    let a = &gateway.a;
    let mut users = Vec::new();
    for _ in 0..7 {
        users.push(a.make("/Users", &person()).await);
    }
    let mut groups = Vec::new();
    for member in &users[5..7] {
        groups.push(a.make("/Groups", &group(&[member])).await);
    }
    let user = |place: usize| format!("/Users/{}", users[place]);
    let name = person()["userName"].as_str().unwrap().replace('@', "%40");
    let search = format!("/Users?filter=userName+eq+%22{name}%22");
    let rename = json!([{"op": "Replace", "path": "displayName", "value": "Renamed"}]);
    let disable = json!([{"op": "Replace", "path": "active", "value": "False"}]);
    let join = json!([{"op": "Add", "path": "members", "value": [{"value": users[4]}]}]);
    vec![
        ("list", a.request("GET", "/Users?count=5")),
        ("search", a.request("GET", &search)),
        ("read", a.request("GET", &user(0))),
        ("create", a.request("POST", "/Users").json(&person())),
        ("change", patch(a, &user(1), rename)),
        ("disable", patch(a, &user(2), disable)),
        ("delete", a.request("DELETE", &user(3))),
        (
            "read group",
            a.request("GET", &format!("/Groups/{}", groups[0])),
        ),
        (
            "create group",
            a.request("POST", "/Groups").json(&group(&[])),
        ),
        ("join", patch(a, &format!("/Groups/{}", groups[0]), join)),
        (
            "delete group",
            a.request("DELETE", &format!("/Groups/{}", groups[1])),
        ),
    ]
}

fn patch(tenant: &Tenant, path: &str, operations: Value) -> Request {
    tenant.request("PATCH", path).json(&json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    }))
}

/// Sends all at once.
async fn send_all(
    gateway: &TestGateway,
    requests: Vec<(&'static str, Request)>,
) -> Vec<(&'static str, Response)> {
    let mut sending = tokio::task::JoinSet::new();
    for (name, request) in requests {
        let tenant = gateway.a.clone();
        sending.spawn(async move { (name, tenant.send(request).await) });
    }
    sending.join_all().await
}
