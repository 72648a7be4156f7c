//! Peers that take their time.

use super::super::TenantLimits;
use super::*;

/// Sends `bytes`, then nothing, and says when the server had enough.
async fn patience(server: &Fixture, bytes: &[u8]) -> Duration {
    let mut stream = server.connect().await;
    stream.write_all(bytes).await.unwrap();
    time_to_close(&mut stream).await
}

#[track_caller]
fn check(taken: Duration, limit: Duration) {
    assert!(
        taken >= limit.mul_f64(0.9),
        "closed after {taken:?}, before {limit:?}"
    );
    assert!(
        // Well before any other clock of `short` would have closed it, and late
        // enough for a machine that is busy with other tests.
        taken < limit + Duration::from_secs(4),
        "open for {taken:?}, over {limit:?}"
    );
}

#[tokio::test]
async fn no_byte_and_half_a_preface() {
    let server = Fixture::start(short());
    for start in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
        check(patience(&server, start).await, short().first_bytes);
    }
}

#[tokio::test]
async fn half_a_head() {
    let server = Fixture::start(short());
    check(
        patience(&server, b"GET /scim/v2/Users HTTP/1.1\r\nHo").await,
        short().head,
    );
}

#[tokio::test]
async fn a_head_that_drips() {
    let server = Fixture::start(short());
    let (mut reading, mut writing) = server.connect().await.into_split();
    let drip = tokio::spawn(async move {
        for byte in get("ok", "/scim/v2/Users").bytes() {
            sleep(Duration::from_millis(50)).await;
            if writing.write_all(&[byte]).await.is_err() {
                break;
            }
        }
    });
    let begun = Instant::now();
    let mut rest = Vec::new();
    reading.read_to_end(&mut rest).await.ok();
    check(begun.elapsed(), short().head);
    drip.abort();
}

#[tokio::test]
async fn a_second_head_has_a_clock_of_its_own() {
    let server = Fixture::start(short());
    let mut stream = server.connect().await;
    let request = get("ok", "/scim/v2/Users");
    stream.write_all(request.as_bytes()).await.unwrap();
    Reply::read(&mut stream).await;
    // Longer than a head may take: an idle connection is not a slow one.
    sleep(short().head * 2).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(Reply::read(&mut stream).await.status, 200);
    stream.write_all(b"GET /").await.unwrap();
    check(time_to_close(&mut stream).await, short().head);
}

#[tokio::test]
async fn a_body_that_does_not_come() {
    let server = Fixture::start(Limits {
        request: Duration::from_secs(5),
        ..short()
    });
    let request = post("ok", "").replace("Length: 0", "Length: 10");
    let begun = Instant::now();
    server.ask(&request).await.is_error(408);
    check(begun.elapsed(), short().body);
    assert_eq!(server.begun(), 0);
}

#[tokio::test]
async fn a_connection_without_requests_ends() {
    let idle = Duration::from_millis(300);
    let server = Fixture::start(Limits { idle, ..short() });
    let mut stream = server.connect().await;
    let request = get("ok", "/scim/v2/Users");
    stream.write_all(request.as_bytes()).await.unwrap();
    Reply::read(&mut stream).await;
    check(time_to_close(&mut stream).await, idle);
}

#[tokio::test]
async fn a_request_being_answered_is_not_idle() {
    let idle = Duration::from_millis(100);
    let request = Duration::from_secs(5);
    let server = Fixture::start(Limits {
        idle,
        request,
        ..short()
    });
    let reply = server.get("slow", "/scim/v2/Users").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("connection"), None);
}

#[tokio::test]
async fn an_old_connection_ends_between_requests() {
    let age = Duration::from_millis(50);
    let server = Fixture::start(Limits { age, ..short() });
    let mut stream = server.connect().await;
    stream
        .write_all(get("brief", "/scim/v2/Users").as_bytes())
        .await
        .unwrap();
    let reply = Reply::read(&mut stream).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("connection"), Some("close"));
    time_to_close(&mut stream).await;
}

/// In HTTP/2 the client says how many bytes it wants, and where it wants none nothing is written.
#[tokio::test]
async fn an_answer_that_is_not_asked_on_for_is_given_up_and_holds_a_place_until_then() {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let server = Fixture::start(Limits {
        pace: 64 << 20,
        tenant: TenantLimits {
            in_flight: 1,
            ..TenantLimits::default()
        },
        ..short()
    });
    let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1)
        .handshake::<_, String>(TokioIo::new(server.connect().await))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get("http://scim.test/scim/v2/Users");
    let request = request.header("authorization", "Bearer big");
    let begun = Instant::now();
    let answer = sender.send_request(request.body(String::new()).unwrap());
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(server.get("ok", "/scim/v2/Users").await.status, 429);
    let ended = timeout(Duration::from_secs(10), connection).await;
    assert!(ended.is_ok(), "it is still being answered");
    check(begun.elapsed(), short().stall);
    // The place is given back with the connection, of which the client hears a moment before.
    while server.get("ok", "/scim/v2/Users").await.status != 200 {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "its place is taken"
        );
    }
    drop(answer);
}

/// Of large answers a tenant has no more waiting to be read than of bodies being sent.
#[tokio::test]
async fn answers_that_nobody_reads_take_the_tenants_memory() {
    let server = Fixture::start(Limits {
        stall: Duration::from_secs(20),
        request: Duration::from_secs(20),
        ..short()
    });
    let ask = get("large", "/scim/v2/Users");
    let mut unread = server.connect().await;
    unread.write_all(ask.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    unread.read_exact(&mut first).await.unwrap();
    assert_eq!(first, *b"HTTP/1.1 200");
    let refused = server.get("large", "/scim/v2/Users").await;
    refused.is_error(429);
    assert!(refused.detail().contains("read their answers"));
    assert_eq!(server.get("ok", "/scim/v2/Users").await.status, 200);
}

#[tokio::test]
async fn an_answer_nobody_reads_is_given_up() {
    let server = Fixture::start(Limits {
        connections: 1,
        ..short()
    });
    let mut stream = server.connect().await;
    stream
        .write_all(get("big", "/scim/v2/Users").as_bytes())
        .await
        .unwrap();
    // The only connection there may be: the next is served once it is given up.
    let begun = Instant::now();
    assert_eq!(server.get("ok", "/scim/v2/Users").await.status, 200);
    check(begun.elapsed(), short().stall);
}
