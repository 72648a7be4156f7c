//! Writes are brought to their end; reads end with their client.

use super::*;

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_a_write() {
    let server = Fixture::start(Limits {
        request: Duration::from_secs(5),
        ..short()
    });
    let mut stream = server.connect().await;
    stream
        .write_all(post("slow", USER).as_bytes())
        .await
        .unwrap();
    while server.begun() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    assert_eq!(server.ended(), 0);
    server.until_ended(1).await;
}

#[tokio::test]
async fn a_late_answer_does_not_stop_a_write() {
    let server = Fixture::start(short());
    let reply = server.ask(&post("slow", USER)).await;
    reply.is_error(503);
    assert_eq!(reply.header("retry-after"), Some("30"));
    assert_eq!((server.begun(), server.ended()), (1, 0));
    server.until_ended(1).await;
}

#[tokio::test]
async fn a_write_has_an_end_of_its_own() {
    let server = Fixture::start(Limits {
        write: Duration::from_millis(200),
        ..short()
    });
    server.ask(&post("for-ever", USER)).await.is_error(503);
}

#[tokio::test]
async fn a_read_ends_with_its_client_or_its_deadline() {
    let server = Fixture::start(short());
    let mut stream = server.connect().await;
    stream
        .write_all(get("slow", "/scim/v2/Users").as_bytes())
        .await
        .unwrap();
    while server.begun() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    server.get("slow", "/scim/v2/Users").await.is_error(503);
    sleep(Duration::from_millis(1500)).await;
    assert_eq!((server.begun(), server.ended()), (2, 0));
}
