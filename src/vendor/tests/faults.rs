//! Sent or not sent: what each way of failing is told as.

use std::io::{Read, Write};

use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use scimgate_emulators::kit::refusing_address;

use super::connect::Connector;
use super::exchange::{Broken, broken};
use super::server::{Act, FINE, Vendor};
use super::*;

const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"id\":";
const HALF_CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"id\"\r\n";
const TOO_LONG: &str = "HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n{";

/// A POST that meets `act` is lost, sent once, and leaves a connection that is
/// not used again.
async fn check_lost(act: Act, why: &str) {
    let vendor = Vendor::start([act]).await;
    let network = network(&vendor.base_url);
    let began = Instant::now();
    let fault = send(&network, Verb::Post, "/users").await.unwrap_err();
    assert!(
        matches!(&fault, CallFault::Lost(told) if told.contains(why)),
        "{why}: {fault:?}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{why}: {:?}",
        began.elapsed()
    );
    assert_eq!(vendor.requests().len(), 1, "{why}");
    assert!(send(&network, Verb::Post, "/users").await.is_ok(), "{why}");
    assert_eq!(vendor.connections(), 2, "{why}");
}

#[tokio::test]
async fn after_the_request_was_written_everything_is_lost() {
    check_lost(Act::SayAndReset(""), "").await;
    check_lost(Act::SayAndClose(""), "").await;
    check_lost(
        Act::SayAndReset("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"),
        "cut",
    )
    .await;
    check_lost(Act::SayAndReset("HTTP/1.1 200 OK\r\nConte"), "").await;
    check_lost(Act::SayAndClose(HALF), "cut").await;
    check_lost(Act::SayAndReset(HALF), "cut").await;
    check_lost(Act::SayAndClose(HALF_CHUNKED), "cut").await;
    check_lost(Act::SayAndClose("SSH-2.0-OpenSSH_9.6\r\n"), "").await;
    check_lost(Act::Say("\0\x01\x02 nonsense \r\n\r\n"), "").await;
    check_lost(Act::Silence, "in time").await;
    check_lost(Act::Say(HALF), "in time").await;
    check_lost(
        Act::Drip("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"),
        "in time",
    )
    .await;
    check_lost(Act::Drip("HTTP/1.1 200 OK\r\nX-Slow: "), "in time").await;
    check_lost(Act::Say(TOO_LONG), "longer").await;
    check_lost(Act::Flood, "longer").await;
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let network = network(&format!("http://{}", refusing_address().unwrap()));
    let fault = send(&network, Verb::Post, "/users").await.unwrap_err();
    assert!(
        matches!(&fault, CallFault::NotSent(why) if why.contains("refused")),
        "{fault:?}"
    );
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_not_sent() {
    let network = network("http://vendor.invalid");
    let fault = send(&network, Verb::Post, "/users").await.unwrap_err();
    assert!(matches!(fault, CallFault::NotSent(_)), "{fault:?}");
}

/// The url crate reads the number as 169.254.169.254.
#[tokio::test]
async fn the_clouds_metadata_is_no_vendor() {
    for base_url in ["http://169.254.169.254", "http://2852039166"] {
        let fault = send(&network(base_url), Verb::Post, "/users")
            .await
            .unwrap_err();
        assert!(
            matches!(&fault, CallFault::NotSent(why) if why.contains("never a vendor's")),
            "{fault:?}"
        );
    }
}

/// A vendor that closes idle connections must not cost a POST its certainty.
#[tokio::test]
async fn a_call_on_a_connection_that_was_closed_meanwhile_goes_over_a_new_one() {
    let vendor = Vendor::start([Act::SayAndClose(FINE)]).await;
    let network = network(&vendor.base_url);
    for _ in 0..2 {
        send(&network, Verb::Post, "/users").await.unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert_eq!((vendor.requests().len(), vendor.connections()), (2, 2));
}

/// Vendors close such a connection sooner or later, many without a word.
#[tokio::test]
async fn a_connection_without_a_call_is_not_kept_for_long() {
    let vendor = Vendor::start([]).await;
    let network = network(&vendor.base_url);
    for pause in [1, 5, 0] {
        send(&network, Verb::Post, "/users").await.unwrap();
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
    assert_eq!((vendor.requests().len(), vendor.connections()), (3, 2));
}

/// The case hyper calls "canceled": connection task and call wake together, and
/// the task finds the connection closed before it takes the call. With hyper's
/// own second attempt switched off, it must come out as not sent.
#[tokio::test]
async fn a_call_that_was_queued_on_a_dying_connection_is_not_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri: hyper::Uri = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let (close, told_to_close) = std::sync::mpsc::channel();
    let vendor = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 4096]).unwrap();
        socket.write_all(FINE.as_bytes()).unwrap();
        told_to_close.recv().unwrap();
    });
    let connector = Connector::new(
        TlsOptions::load(None).unwrap().for_tenant(),
        Duration::from_secs(1),
    );
    let connections = Client::builder(TokioExecutor::new())
        .retry_canceled_requests(false)
        .build::<_, Full<Bytes>>(connector);
    let reply = connections.get(uri.clone()).await.unwrap();
    reply.into_body().collect().await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    // Blocks the runtime. Then the runtime learns of the end, and as it runs its
    // first future before its tasks, the call is queued before hyper learns.
    close.send(()).unwrap();
    vendor.join().unwrap();
    tokio::task::yield_now().await;
    let fault = broken(connections.get(uri).await.unwrap_err());
    assert_eq!(fault, Broken::Unsent("connection closed".into()));
}

/// The same without a pause: the close and the next call race. It may be lost,
/// then the vendor may have it; it is never sent twice.
#[tokio::test]
async fn a_call_that_races_with_the_close_is_never_sent_twice() {
    for _ in 0..50 {
        let vendor = Vendor::start([Act::SayAndClose(FINE)]).await;
        let network = network(&vendor.base_url);
        send(&network, Verb::Post, "/users").await.unwrap();
        let second = send(&network, Verb::Post, "/users").await;
        match (&second, vendor.requests().len()) {
            (Ok(_), 2) | (Err(CallFault::Lost(_)), 1) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_deadline_that_is_over_is_not_sent() {
    let vendor = Vendor::start([]).await;
    let network = network(&vendor.base_url);
    let fault = network
        .call(call(Verb::Get, "/users"), Instant::now())
        .await
        .unwrap_err();
    assert!(matches!(fault, CallFault::NotSent(_)), "{fault:?}");
    assert_eq!(vendor.connections(), 0);
}

#[tokio::test]
async fn the_deadline_cuts_a_call_short_whatever_the_call_limit() {
    let vendor = Vendor::start([Act::Silence]).await;
    let network = network(&vendor.base_url);
    let deadline = Instant::now() + Duration::from_millis(100);
    let fault = network
        .call(call(Verb::Get, "/users"), deadline)
        .await
        .unwrap_err();
    assert!(matches!(fault, CallFault::Lost(_)), "{fault:?}");
    assert!(
        deadline.elapsed() < Duration::from_millis(60),
        "{:?}",
        deadline.elapsed()
    );
}

#[tokio::test]
async fn a_path_that_is_not_quoted_is_a_script_bug_and_not_sent() {
    let vendor = Vendor::start([]).await;
    let network = network(&vendor.base_url);
    for path in ["@evil.example/", "/../admin", "/users?q=a b"] {
        let fault = send(&network, Verb::Get, path).await.unwrap_err();
        assert!(
            matches!(&fault, CallFault::NotSent(why) if why.contains("segment()")),
            "{fault:?}"
        );
    }
    assert_eq!(vendor.connections(), 0);
}
