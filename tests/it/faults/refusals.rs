//! What the vendor says no to: credentials, rates, locks, licences, values.

use std::time::{Duration, Instant};

use scimgate::demo::emulator::kit::{Action, Fault, Status};
use scimgate::demo::emulator::sosafe;
use serde_json::json;

use super::{is_error, is_later, one_of_each, send_all};
use crate::harness::{Options, Request, TestGateway, group, person};

/// The vendor refuses what the gateway shows it: 503 for everything, never the
/// 401 or 403 that would make Entra doubt its own token, and no hammering that
/// would lock the service account.
async fn refused_credential(options: Options) {
    let gateway = TestGateway::start_with(options).await;
    let a = &gateway.a;
    let requests: Vec<(&str, Request)> = vec![
        ("list", a.request("GET", "/Users")),
        ("read", a.request("GET", "/Users/18001")),
        ("create", a.request("POST", "/Users").json(&person())),
        ("delete", a.request("DELETE", "/Users/18001")),
        (
            "create group",
            a.request("POST", "/Groups").json(&group(&[])),
        ),
    ];
    for (kind, request) in requests {
        let response = a.send(request).await;
        is_later(&response, &[503], kind);
        let detail = response.json()["detail"].to_string();
        assert!(
            detail.contains("backend credentials rejected"),
            "{kind}: {detail}"
        );
    }
    assert_eq!(
        gateway.vendor.counters().calls,
        1,
        "asked once and then believed"
    );
    assert_eq!(
        gateway.b.get("/Users").await.status,
        200,
        "the other tenant goes on"
    );
}

#[tokio::test]
async fn a_refused_key_is_a_503() {
    let options = Options {
        wrong_key: Some("expired-key".into()),
        ..Options::default()
    };
    refused_credential(options).await;
}

#[tokio::test]
async fn a_refused_identity_provider_is_a_503() {
    let options = Options {
        wrong_idp_tenant: Some("cccccccc-1111-4222-8333-444444444444".into()),
        ..Options::default()
    };
    refused_credential(options).await;
}

fn slow_down(seconds: &str) -> Action {
    Action::Status(Status {
        headers: [("retry-after".to_owned(), seconds.to_owned())].into(),
        body: r#"{"error": {"code": "E0429", "message": "Zu viele Anfragen."}}"#.to_owned(),
        ..Status::from(429)
    })
}

#[tokio::test]
async fn a_short_wait_is_waited() {
    let gateway = TestGateway::start().await;
    gateway.faults([Fault::new("POST", "/users", slow_down("1")).nth(1)]);
    let begun = Instant::now();
    gateway.a.make("/Users", &person()).await;
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(gateway.living_rows().len(), 1);
}

#[tokio::test]
async fn a_long_wait_is_passed_on_and_shortened() {
    for (asked, told) in [("30", 30), ("3600", 60)] {
        let gateway = TestGateway::start().await;
        let requests = one_of_each(&gateway).await;
        let before = gateway.vendor.state();
        gateway.faults([Fault::new("*", "/**", slow_down(asked))]);
        let begun = Instant::now();
        for (kind, response) in send_all(&gateway, requests).await {
            is_later(&response, &[429], kind);
            assert_eq!(response.retry_after(), Some(told), "{kind}: {response}");
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "it was waited");
        assert_eq!(gateway.vendor.state(), before);
    }
}

#[tokio::test]
async fn the_vendors_own_rate_is_kept() {
    let gateway = TestGateway::start_with(Options {
        vendor_limits: "per_second = 20\nburst = 5\nper_minute = 600\nconcurrency = 8\n",
        ..Options::default()
    })
    .await;
    let rate = scimgate::demo::emulator::kit::Rate {
        per_second: 20,
        // More than the gateway takes at once: on a busy machine calls bunch up on their way.
        burst: 15,
        per_minute: 600,
    };
    let limits = sosafe::Limits {
        rate: Some(rate),
        ..sosafe::Limits::default()
    };
    gateway.vendor.set_limits(limits).unwrap();
    let asks = (0..25)
        .map(|_| ("list", gateway.a.request("GET", "/Users")))
        .collect();
    for (_, response) in send_all(&gateway, asks).await {
        assert_eq!(response.status, 200, "{response}");
    }
    assert_eq!(
        gateway.vendor.counters().refused,
        0,
        "the vendor never had to say no"
    );
}

fn locked() -> Action {
    Action::Status(Status {
        body: r#"{"error": {"code": "E1901", "message": "gesperrt (LOCKED)"}}"#.to_owned(),
        ..Status::from(409)
    })
}

#[tokio::test]
async fn a_locked_row_is_tried_again() {
    let gateway = TestGateway::start().await;
    let user = gateway.a.make("/Users", &person()).await;
    let rename = json!([{"op": "Replace", "path": "title", "value": "Chief"}]);
    gateway.faults([Fault::new("PATCH", "/users/*", locked()).nth(1)]);
    let changed = gateway
        .a
        .patch(&format!("/Users/{user}"), rename.clone())
        .await;
    assert_eq!(changed.status, 200, "{changed}");
    assert_eq!(gateway.row(&user)["job_title"], "Chief");
    gateway.faults([Fault::new("PATCH", "/users/*", locked())]);
    let changed = gateway.a.patch(&format!("/Users/{user}"), rename).await;
    is_later(&changed, &[503], "always locked");
}

#[tokio::test]
async fn a_vendor_in_its_first_sync_is_a_503() {
    let gateway = TestGateway::start().await;
    let requests = one_of_each(&gateway).await;
    let before = gateway.vendor.state();
    let limits = sosafe::Limits {
        first_sync_running: true,
        ..sosafe::Limits::default()
    };
    gateway.vendor.set_limits(limits).unwrap();
    for (kind, response) in send_all(&gateway, requests).await {
        is_later(&response, &[503], kind);
    }
    assert_eq!(gateway.vendor.state(), before);
}

/// The account exists and waits; the next try finishes it instead of making
/// another.
#[tokio::test]
async fn no_licence_left_is_told_and_healed() {
    let gateway = TestGateway::start_with(Options {
        licences: 1,
        ..Options::default()
    })
    .await;
    let first = gateway.a.make("/Users", &person()).await;
    let wanted = person();
    let refused = gateway.a.post("/Users", &wanted).await;
    is_error(&refused, 400, Some("invalidValue"), "no licence");
    assert!(
        refused.json()["detail"].to_string().contains("licence"),
        "{refused}"
    );
    let freed = json!([{"op": "Replace", "path": "active", "value": false}]);
    gateway.a.patch(&format!("/Users/{first}"), freed).await;
    let made = gateway.a.post("/Users", &wanted).await;
    assert_eq!(made.status, 201, "{made}");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(gateway.row(&id)["status"], "ACTIVE");
    assert_eq!(gateway.rows().len(), 2);
}

#[tokio::test]
async fn an_account_that_is_not_to_be_active_needs_no_licence() {
    let gateway = TestGateway::start_with(Options {
        licences: 0,
        ..Options::default()
    })
    .await;
    let mut wanted = person();
    wanted["active"] = json!(false);
    let made = gateway.a.post("/Users", &wanted).await;
    assert_eq!(made.status, 201, "{made}");
    assert_eq!(made.json()["active"], false);
}

#[tokio::test]
async fn a_foreign_domain_is_told_as_a_wrong_value() {
    let gateway = TestGateway::start_with(Options {
        domains: vec!["example.org".into()],
        ..Options::default()
    })
    .await;
    let refused = gateway.a.post("/Users", &person()).await;
    is_error(&refused, 400, Some("invalidValue"), "foreign domain");
    assert!(
        refused.json()["detail"].to_string().contains("emails"),
        "{refused}"
    );
    assert_eq!(gateway.rows(), [] as [serde_json::Value; 0]);
}
