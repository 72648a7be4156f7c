//! Entra gives up in the middle: the write is brought to its end all the same.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::outage::until_active;
use crate::harness::{Options, TestGateway, person};

#[tokio::test]
async fn a_create_whose_client_hangs_up_is_completed() {
    let gateway = TestGateway::start_with(Options {
        latency: Duration::from_millis(150),
        ..Options::default()
    })
    .await;
    let wanted = person();
    let body = wanted.to_string();
    let request = format!(
        "POST {}/Users HTTP/1.1\r\nHost: scim.test\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
        gateway.a.base,
        gateway.a.token,
        body.len()
    );
    let mut stream = TcpStream::connect(gateway.a.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    until_called(&gateway).await;
    drop(stream);
    until_active(&gateway, &wanted).await;
    let again = gateway.a.post("/Users", &wanted).await;
    assert_eq!(again.status, 201, "{again}");
    assert_eq!(gateway.rows().len(), 1);
}

/// A stopping gateway ends what it has begun.
#[tokio::test]
async fn a_create_under_way_outlives_the_order_to_stop() {
    let mut gateway = TestGateway::start_with(Options {
        latency: Duration::from_millis(150),
        ..Options::default()
    })
    .await;
    let wanted = person();
    let tenant = gateway.a.clone();
    let body = wanted.clone();
    let asking = tokio::spawn(async move { tenant.post("/Users", &body).await });
    until_called(&gateway).await;
    gateway.stop().await;
    let made = asking.await.unwrap();
    assert_eq!(made.status, 201, "{made}");
    assert_eq!(gateway.rows()[0]["status"], json!("ACTIVE"));
}

async fn until_called(gateway: &TestGateway) {
    for _ in 0..500 {
        if gateway.vendor.counters().calls > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the vendor is never called");
}
