//! How much is taken on.

use super::super::TenantLimits;
use super::*;

/// Whom the kernel turns away comes again after a second.
#[tokio::test]
async fn hundreds_may_wait_to_be_accepted() {
    let server = Fixture::start(Limits {
        connections: 1,
        ..short()
    });
    let begun = Instant::now();
    let mut waiting = Vec::new();
    for _ in 0..300 {
        waiting.push(server.connect().await);
    }
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn over_the_total_is_shed_and_a_write_holds_its_place_to_its_end() {
    let server = Fixture::start(Limits {
        in_flight: 1,
        ..short()
    });
    let late = server.ask(&post("slow", USER)).await;
    late.is_error(503);
    assert!(late.detail().contains("too long"));
    let shed = server.get("ok", "/scim/v2/Users").await;
    shed.is_error(503);
    assert!(shed.detail().contains("overloaded"));
    assert_eq!(shed.header("retry-after"), Some("5"));
    server.until_ended(1).await;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(server.get("ok", "/scim/v2/Users").await.status, 200);
}

#[tokio::test]
async fn a_tenant_over_its_rate_is_told_when_to_come_back() {
    let tenant = TenantLimits {
        per_second: 1,
        burst: 2,
        in_flight: 10,
    };
    let server = Fixture::start(Limits { tenant, ..short() });
    for _ in 0..2 {
        assert_eq!(server.get("ok", "/scim/v2/Users").await.status, 200);
    }
    let reply = server.get("ok", "/scim/v2/Users").await;
    reply.is_error(429);
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn a_network_over_its_share_of_connections_is_not_served() {
    let server = Fixture::start(Limits {
        connections_per_source: 1,
        ..short()
    });
    let mut first = server.connect().await;
    let request = get("ok", "/scim/v2/Users");
    first.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(Reply::read(&mut first).await.status, 200);
    let mut second = server.connect().await;
    assert!(time_to_close(&mut second).await < Duration::from_millis(200));
    drop(first);
    sleep(Duration::from_millis(300)).await;
    assert_eq!(server.ask(&request).await.status, 200);
}
