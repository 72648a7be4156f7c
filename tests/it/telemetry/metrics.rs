//! What Prometheus reads after a known run, exactly.

use std::collections::BTreeSet;

use expect_test::expect;
use scimgate::config::TenantLabel;
use scimgate::demo::emulator::kit::{Action, Fault};
use serde_json::json;
use tokio::time::{Duration, Instant, sleep};

use crate::harness::{Options, Request, TestGateway, person};

/// Counts and what stands now: every sample but times and sizes.
fn counts(text: &str) -> BTreeSet<String> {
    const VARYING: [&str; 4] = ["_bucket{", "_sum", "process_memory", "target_info"];
    let samples = text.lines().filter(|line| {
        !line.starts_with('#') && !VARYING.iter().any(|varying| line.contains(varying))
    });
    let version = env!("CARGO_PKG_VERSION");
    samples
        .map(|line| match line.split_once("server_port=\"") {
            Some((before, port)) => {
                let after = port.split_once('"').unwrap().1;
                format!("{before}server_port=\"…\"{after}")
            }
            None => line.replace(version, "…"),
        })
        .collect()
}

/// Waits until a sample is there: a request is counted after its answer.
async fn until(gateway: &TestGateway, sample: &str) -> String {
    let patience = Instant::now() + Duration::from_secs(5);
    loop {
        let text = gateway.metrics();
        if text.lines().any(|line| line == sample) {
            return text;
        }
        assert!(Instant::now() < patience, "no {sample} in\n{text}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_run_is_counted_exactly() {
    let gateway = TestGateway::start().await;
    let a = &gateway.a;
    let id = a.make("/Users", &person()).await;
    let path = format!("/Users/{id}");
    let rename = json!([{"op": "Replace", "path": "displayName", "value": "Renamed"}]);
    assert_eq!(a.patch(&path, rename).await.status, 200);
    let disable = json!([{"op": "Replace", "path": "active", "value": "False"}]);
    assert_eq!(a.patch(&path, disable).await.status, 200);
    assert_eq!(a.get("/Users/999999").await.status, 404);
    assert_eq!(a.get("/Schemas").await.status, 200);
    let stranger = Request::new("GET", "/scim/v2/Users");
    assert_eq!(a.send(stranger).await.status, 401);
    gateway.faults([Fault::new("GET", "/users/*", Action::DropAfter)]);
    assert_eq!(a.get(&path).await.status, 503);
    until(&gateway, r#"scimgate_tenant_quarantine_risk{tenant="a"} 0"#).await;
    let last = r#"scimgate_provisioning_events_total{action="other",code="InternalServerError",resource="User",status="failure",tenant="a"} 1"#;
    let text = until(&gateway, last).await;
    let counts: Vec<String> = counts(&text).into_iter().collect();
    expect![[r#"
        http_client_request_duration_seconds_count{error_type="404",http_request_method="GET",http_response_status_code="404",server_address="127.0.0.1",server_port="…"} 1
        http_client_request_duration_seconds_count{error_type="reply_lost",http_request_method="GET",server_address="127.0.0.1",server_port="…"} 3
        http_client_request_duration_seconds_count{http_request_method="PATCH",http_response_status_code="200",server_address="127.0.0.1",server_port="…"} 1
        http_client_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200",server_address="127.0.0.1",server_port="…"} 2
        http_client_request_duration_seconds_count{http_request_method="POST",http_response_status_code="201",server_address="127.0.0.1",server_port="…"} 1
        http_server_active_requests{http_request_method="GET",url_scheme="http"} 0
        http_server_active_requests{http_request_method="PATCH",url_scheme="http"} 0
        http_server_active_requests{http_request_method="POST",url_scheme="http"} 0
        http_server_request_duration_seconds_count{error_type="503",http_request_method="GET",http_response_status_code="503",http_route="/scim/v2/Users/{id}",url_scheme="http"} 1
        http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/scim/v2/Schemas",url_scheme="http"} 1
        http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="401",http_route="/scim/v2/Users",url_scheme="http"} 1
        http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="404",http_route="/scim/v2/Users/{id}",url_scheme="http"} 1
        http_server_request_duration_seconds_count{http_request_method="PATCH",http_response_status_code="200",http_route="/scim/v2/Users/{id}",url_scheme="http"} 2
        http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="201",http_route="/scim/v2/Users",url_scheme="http"} 1
        scimgate_breaker_state{tenant="a"} 0
        scimgate_breaker_state{tenant="b"} 0
        scimgate_build_info{version="…"} 1
        scimgate_log_events_lost_total 0
        scimgate_provisioning_events_total{action="create",code="none",resource="User",status="success",tenant="a"} 1
        scimgate_provisioning_events_total{action="disable",code="none",resource="User",status="success",tenant="a"} 1
        scimgate_provisioning_events_total{action="other",code="InternalServerError",resource="User",status="failure",tenant="a"} 1
        scimgate_provisioning_events_total{action="other",code="none",resource="User",status="skipped",tenant="a"} 1
        scimgate_provisioning_events_total{action="other",code="none",resource="none",status="success",tenant="a"} 1
        scimgate_provisioning_events_total{action="update",code="none",resource="User",status="success",tenant="a"} 1
        scimgate_queue_depth{tenant="a"} 0
        scimgate_queue_depth{tenant="b"} 0
        scimgate_script_duration_seconds_count{function="activate_user",vendor="sosafe"} 1
        scimgate_script_duration_seconds_count{function="create_user",vendor="sosafe"} 1
        scimgate_script_duration_seconds_count{function="deactivate_user",vendor="sosafe"} 1
        scimgate_script_duration_seconds_count{function="get_user",vendor="sosafe"} 2
        scimgate_script_duration_seconds_count{function="update_user",vendor="sosafe"} 1
        scimgate_script_operations_count{function="activate_user",vendor="sosafe"} 1
        scimgate_script_operations_count{function="create_user",vendor="sosafe"} 1
        scimgate_script_operations_count{function="deactivate_user",vendor="sosafe"} 1
        scimgate_script_operations_count{function="get_user",vendor="sosafe"} 2
        scimgate_script_operations_count{function="update_user",vendor="sosafe"} 1
        scimgate_store_errors_total 0
        scimgate_tenant_condition{condition="vendor_unusable",tenant="a"} 1
        scimgate_tenant_quarantine_risk{tenant="a"} 0
        scimgate_tenant_quarantine_risk{tenant="b"} 0
        scimgate_vendor_credential_refused{tenant="a"} 0
        scimgate_vendor_credential_refused{tenant="b"} 0"#]].assert_eq(&counts.join("\n"));
}

#[tokio::test]
async fn a_circuit_that_opens_stands_in_the_metrics() {
    let options = Options {
        base_url: Some("http://127.0.0.1:1/".to_owned()),
        ..Options::default()
    };
    let gateway = TestGateway::start_with(options).await;
    for _ in 0..5 {
        assert_eq!(gateway.a.get("/Users/1").await.status, 503);
    }
    let text = until(&gateway, r#"scimgate_breaker_state{tenant="a"} 1"#).await;
    assert!(
        text.contains(r#"scimgate_breaker_state{tenant="b"} 0"#),
        "{text}"
    );
}

#[tokio::test]
async fn tenants_and_hosts_are_named_as_configured() {
    for (rule, name) in [
        (TenantLabel::Hash, "ca978112ca1b"),
        (TenantLabel::Off, "off"),
    ] {
        let options = Options {
            tenant_label: rule,
            ..Options::default()
        };
        let gateway = TestGateway::start_with(options).await;
        gateway.a.make("/Users", &person()).await;
        let sample = format!(
            r#"scimgate_provisioning_events_total{{action="create",code="none",resource="User",status="success",tenant="{name}"}} 1"#
        );
        let text = until(&gateway, &sample).await;
        assert!(!text.contains(r#"tenant="a""#), "{text}");
        assert!(!text.contains("127.0.0.1"), "{text}");
    }
}
