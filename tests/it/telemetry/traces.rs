//! The spans of requests, exactly, and what must not be in them.

use expect_test::{Expect, expect};
use opentelemetry_sdk::trace::SpanData;
use scimgate::demo::emulator::kit::{Action, Fault};
use serde_json::json;
use tokio::time::{Duration, Instant, sleep};

use crate::harness::traces::Trace;
use crate::harness::{Request, TestGateway, person};

/// Sends a request as part of a trace, and waits for its span, which ends after all others.
async fn traced(gateway: &TestGateway, request: Request) -> (Trace, u16) {
    let trace = Trace::new();
    let request = request
        .header("traceparent", &trace.parent())
        .header("tracestate", "stranger=words");
    let status = gateway.a.send(request).await.status;
    let patience = Instant::now() + Duration::from_secs(5);
    while !trace.spans().iter().any(|span| span.parent_span_is_remote) {
        assert!(Instant::now() < patience, "{:#?}", trace.spans());
        sleep(Duration::from_millis(10)).await;
    }
    (trace, status)
}

/// The tree, a line a span: kind, name, attributes and status.
fn tree(spans: &[SpanData]) -> String {
    let mut text = String::new();
    for span in spans {
        let depth = ancestors(spans, span);
        let mut attributes: Vec<String> = span
            .attributes
            .iter()
            .map(|it| match it.key.as_str() {
                "server.port" | "scimgate.request_id" => format!("{}=…", it.key),
                _ => format!("{}={}", it.key, it.value),
            })
            .collect();
        attributes.sort();
        text += &format!(
            "{:indent$}{:?} {} [{}] {:?}\n",
            "",
            span.span_kind,
            span.name,
            attributes.join(" "),
            span.status,
            indent = 2 * depth,
        );
        assert!(span.events.is_empty() && span.links.is_empty(), "{span:?}");
    }
    text
}

fn ancestors(spans: &[SpanData], span: &SpanData) -> usize {
    let parent = spans
        .iter()
        .find(|other| other.span_context.span_id() == span.parent_span_id);
    parent.map_or(0, |parent| 1 + ancestors(spans, parent))
}

#[track_caller]
fn check(trace: &Trace, expect: &Expect) {
    let spans = trace.spans();
    assert_eq!(spans[0].parent_span_id.to_string(), "00f067aa0ba902b7");
    assert!(spans[0].parent_span_is_remote);
    expect.assert_eq(&tree(&spans));
}

#[tokio::test]
async fn a_create_is_a_request_its_scripts_and_their_calls() {
    let gateway = TestGateway::start().await;
    let request = gateway.a.request("POST", "/Users").json(&person());
    let (trace, status) = traced(&gateway, request).await;
    assert_eq!(status, 201);
    check(
        &trace,
        &expect![[r#"
            Server POST /scim/v2/Users [http.request.method=POST http.response.status_code=201 http.route=/scim/v2/Users scimgate.request_id=… scimgate.tenant=a] Unset
              Internal script create_user [scimgate.function=create_user scimgate.vendor=sosafe] Unset
                Client POST [http.request.method=POST http.response.status_code=201 server.address=127.0.0.1 server.port=…] Unset
              Internal script activate_user [scimgate.function=activate_user scimgate.vendor=sosafe] Unset
                Client POST [http.request.method=POST http.response.status_code=200 server.address=127.0.0.1 server.port=…] Unset
        "#]],
    );
    let calls = gateway.vendor.journal();
    let call_spans: Vec<_> = trace
        .spans()
        .into_iter()
        .filter(|span| span.name == "GET" || span.name == "POST")
        .collect();
    assert_eq!(calls.len(), call_spans.len());
    for (call, span) in calls.iter().zip(call_spans) {
        let sent = format!("00-{}-{}-01", trace.id(), span.span_context.span_id());
        assert_eq!(call.headers.get("traceparent"), Some(&sent), "{call:?}");
        assert_eq!(call.headers.get("tracestate"), None);
    }
}

#[tokio::test]
async fn a_vendor_that_fails_shows_in_its_call_and_in_the_request() {
    let gateway = TestGateway::start().await;
    gateway.faults([Fault::new("GET", "/users/*", Action::DropAfter)]);
    let request = gateway.a.request("GET", "/Users/1");
    let (trace, status) = traced(&gateway, request).await;
    assert_eq!(status, 503);
    check(
        &trace,
        &expect![[r#"
        Server GET /scim/v2/Users/{id} [error.type=503 http.request.method=GET http.response.status_code=503 http.route=/scim/v2/Users/{id} scimgate.request_id=… scimgate.tenant=a] Error { description: "" }
          Internal script get_user [scimgate.function=get_user scimgate.vendor=sosafe] Unset
            Client GET [error.type=reply_lost http.request.method=GET server.address=127.0.0.1 server.port=…] Error { description: "" }
            Client GET [error.type=reply_lost http.request.method=GET server.address=127.0.0.1 server.port=…] Error { description: "" }
            Client GET [error.type=reply_lost http.request.method=GET server.address=127.0.0.1 server.port=…] Error { description: "" }
    "#]],
    );
}

#[tokio::test]
async fn a_request_without_a_good_token_is_a_span_of_its_own() {
    let gateway = TestGateway::start().await;
    let request = Request::new("GET", "/scim/v2/anna@example.com")
        .header("Authorization", "Bearer scg_anna-token");
    let (trace, status) = traced(&gateway, request).await;
    assert_eq!(status, 401);
    check(
        &trace,
        &expect![[r#"
        Server GET [http.request.method=GET http.response.status_code=401 scimgate.request_id=…] Unset
    "#]],
    );
}

#[tokio::test]
async fn nothing_of_people_and_no_secret_is_in_a_span() {
    let gateway = TestGateway::start().await;
    let body = person();
    let name = body["userName"].as_str().unwrap().to_owned();
    let request = gateway.a.request("POST", "/Users").json(&body);
    let (created, _) = traced(&gateway, request).await;
    let filter = format!("/Users?filter=userName+eq+%22{name}%22");
    let (found, _) = traced(&gateway, gateway.a.request("GET", &filter)).await;
    let change = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "displayName", "value": "Zaphod Nobody"}],
    });
    let id = gateway.rows()[0]["id"].to_string();
    let path = format!("/Users/{id}");
    let request = gateway.a.request("PATCH", &path).json(&change);
    let (changed, _) = traced(&gateway, request).await;
    let spans = [created.spans(), found.spans(), changed.spans()].concat();
    let told = format!("{spans:?}");
    let secret = [
        name.as_str(),
        name.split('@').next().unwrap(),
        "Zaphod",
        "filter=",
        "userName",
        gateway.a.token.as_str(),
        "stranger",
    ];
    for word in secret {
        assert!(!told.contains(word), "{word}: {told}");
    }
    // Else the search above would find nothing and mean nothing.
    assert!(told.contains("/scim/v2/Users/{id}"), "{told}");
}

#[tokio::test]
async fn log_lines_name_the_trace() {
    let gateway = TestGateway::start().await;
    let from = crate::harness::logs::capture();
    let (trace, _) = traced(&gateway, gateway.a.request("GET", "/Schemas")).await;
    let log = crate::harness::logs::since(from);
    let line = log
        .lines()
        .find(|line| line.contains("\"answered\"") && line.contains(trace.id()));
    assert!(
        line.is_some_and(|line| line.contains("\"trace_id\"")),
        "{log}"
    );
}
