//! Many operations in one request: each fares as it would alone.

use super::*;

fn many(token: &str, count: usize) -> String {
    let operation = json!({ "method": "DELETE", "path": "/Users/1" });
    let body = json!({ "Operations": vec![operation; count] });
    post(token, &body.to_string()).replace("/scim/v2/Users", "/scim/v2/Bulk")
}

fn statuses(reply: &Reply) -> Vec<&str> {
    assert_eq!(reply.status, 200, "{}\n{}", reply.head, reply.body);
    let operations = reply.body["Operations"].as_array().unwrap();
    operations
        .iter()
        .map(|it| it["status"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_failure_is_told_in_the_words_of_a_single_request() {
    let server = Fixture::start(short());
    for (deed, status) in [
        ("unreachable", "503"),
        ("unknown-outcome", "503"),
        ("panic", "500"),
    ] {
        let reply = server.ask(&many(deed, 2)).await;
        assert_eq!(statuses(&reply), [status; 2], "{deed}");
        let id = reply.header("x-request-id").unwrap();
        let told = &reply.body["Operations"][0]["response"];
        assert_eq!(told["status"], status);
        assert!(told["detail"].as_str().unwrap().contains(id), "{told}");
    }
}

#[tokio::test]
async fn when_time_is_short_what_was_done_is_told() {
    // Each takes 150 ms, and the answer is due after 1,600.
    let server = Fixture::start(Limits {
        request: Duration::from_millis(1600),
        ..short()
    });
    let reply = server.ask(&many("brief", 20)).await;
    let statuses = statuses(&reply);
    let done = statuses.iter().filter(|status| **status != "503").count();
    assert!((5..=10).contains(&done), "{statuses:?}");
    assert_eq!(statuses.len(), 20);
    assert_eq!((server.begun(), server.ended()), (done, done));
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_it_half_way() {
    let server = Fixture::start(Limits {
        request: Duration::from_secs(5),
        ..short()
    });
    let mut stream = server.connect().await;
    let request = many("brief", 5);
    stream.write_all(request.as_bytes()).await.unwrap();
    while server.begun() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    server.until_ended(5).await;
}

#[tokio::test]
async fn its_payload_has_a_limit_of_its_own() {
    // R115
    let server = Fixture::start(Limits {
        body_bytes: 1024,
        ..short()
    });
    let announced = |path: &str, bytes: usize| {
        post("ok", USER).replace("/scim/v2/Users", path).replace(
            &format!("Length: {}", USER.len()),
            &format!("Length: {bytes}"),
        )
    };
    let reply = server
        .ask(&announced("/scim/v2/Bulk", 1024 * 1024 + 1))
        .await;
    reply.is_error(413);
    assert!(
        reply.detail().contains("maxPayloadSize"),
        "{}",
        reply.detail()
    );
    assert!(reply.detail().contains("1024 KiB"), "{}", reply.detail());
    server
        .ask(&announced("/scim/v2/Users", 1025))
        .await
        .is_error(413);
    let reply = server.ask(&many("ok", 40)).await;
    assert_eq!(statuses(&reply).len(), 40);
    server.get("ok", "/scim/v2/Bulk").await.is_error(405);
}
