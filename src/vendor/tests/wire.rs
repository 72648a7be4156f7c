//! What goes over the wire, over which connection, and what the log learns.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use tracing::subscriber::NoSubscriber;

use super::server::{Act, Vendor};
use super::*;
use crate::provisioning::trace::{Ended, Witness};

#[tokio::test]
async fn a_request_carries_what_it_must_and_nothing_else() {
    let vendor = Vendor::start([]).await;
    let fixed = |name, value| (name, HeaderValue::from_static(value));
    let destination = Destination {
        headers: vec![
            fixed(HeaderName::from_static("x-customer"), "42"),
            fixed(AUTHORIZATION, "Basic forged"),
        ],
        ..destination(&vendor.base_url)
    };
    let network = Network::new(pool(), Arc::new(destination));
    send(&network, Verb::Post, "/users?notify=false")
        .await
        .unwrap();
    let host = vendor.base_url["http://".len()..]
        .split('/')
        .next()
        .unwrap();
    let expect = format!(
        "POST /api/v1/users?notify=false HTTP/1.1\r\nuser-agent: scimgate/{}\r\n\
         accept: application/json\r\nx-customer: 42\r\nauthorization: Bearer s3cret\r\n\
         content-type: application/json\r\nhost: {host}\r\ncontent-length: 16\r\n\r\n\
         {{\"login\":\"jane\"}}",
        env!("CARGO_PKG_VERSION")
    );
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&vendor.requests()[0]), sorted(&expect));
}

#[tokio::test]
async fn a_redirect_is_a_reply_and_never_followed() {
    let elsewhere = Vendor::start([]).await;
    let location = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
        elsewhere.base_url
    );
    let vendor = Vendor::start([Act::Say(location.leak())]).await;
    let reply = send(&network(&vendor.base_url), Verb::Get, "/users")
        .await
        .unwrap();
    assert_eq!(reply.status, 302);
    assert_eq!((vendor.requests().len(), elsewhere.connections()), (1, 0));
}

#[tokio::test]
async fn a_connection_is_kept_for_its_tenant_and_shared_with_no_other() {
    let vendor = Vendor::start([]).await;
    let pool = pool();
    let of = |tenant: &str| {
        let destination = Destination {
            tenant: TenantId::parse(tenant).unwrap(),
            ..destination(&vendor.base_url)
        };
        Network::new(Rc::clone(&pool), Arc::new(destination))
    };
    for _ in 0..5 {
        send(&of("acme"), Verb::Get, "/users").await.unwrap();
        send(&of("globex"), Verb::Get, "/users").await.unwrap();
    }
    assert_eq!((vendor.requests().len(), vendor.connections()), (10, 2));
}

#[tokio::test(start_paused = true)]
async fn connections_of_a_tenant_that_is_silent_for_ten_minutes_are_dropped() {
    let pool = pool();
    let of = |tenant: &str| Destination {
        tenant: TenantId::parse(tenant).unwrap(),
        ..destination("http://vendor.example")
    };
    pool.connections(&of("acme"));
    tokio::time::advance(Duration::from_secs(599)).await;
    pool.connections(&of("globex"));
    assert_eq!(pool.tenants(), 2);
    tokio::time::advance(Duration::from_secs(61)).await;
    pool.connections(&of("globex"));
    assert_eq!(pool.tenants(), 1);
}

#[tokio::test]
async fn the_log_learns_neither_secrets_nor_people() {
    let vendor = Vendor::start([Act::SayAndReset("")]).await;
    let network = network(&vendor.base_url);
    // With one subscriber in the process tracing asks only the thread that first
    // comes by whether an event is wanted, and other tests' threads say no.
    let _second = tracing::Dispatch::new(NoSubscriber::new());
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    send(&network, Verb::Patch, "/users/jane.doe?q=jane%40doe")
        .await
        .unwrap();
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("tenant=acme") && text.contains("path=\"users\""),
        "{text}"
    );
    assert!(
        text.contains("attempt=2") && text.contains("status=200"),
        "{text}"
    );
    for secret in ["s3cret", "jane", "login"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Counts the stories it hears.
#[derive(Default)]
struct Ear(AtomicUsize);

impl Witness for Ear {
    fn ended(&self, _: &Arc<Ended>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A batch is led on after the leader's own request has ended.
#[tokio::test]
async fn what_is_no_single_requests_keeps_no_story_from_its_end() {
    let ear = Arc::<Ear>::default();
    let story = story(vec![Arc::clone(&ear) as _]);
    let of_request = network("http://127.0.0.1:1/").noting(story);
    let apart = of_request.apart().unwrap();
    drop(of_request);
    assert_eq!(ear.0.load(Ordering::Relaxed), 1);
    drop(apart);
}

#[tokio::test]
async fn a_vendor_that_repeats_what_it_was_sent_shows_no_credential() {
    let vendor = Vendor::answering(|request| {
        let body = request.replace(['\r', '\n'], " ");
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nX-Echo: {body}\r\nContent-Length: {length}\r\n\r\n{body}")
    })
    .await;
    let reply = send(&network(&vendor.base_url), Verb::Get, "/users").await;
    let reply = reply.unwrap();
    let body = String::from_utf8_lossy(&reply.body);
    assert!(vendor.requests()[0].contains("s3cret"));
    assert!(body.contains("Bearer ***"), "{body}");
    assert!(!format!("{reply:?}").contains("s3cret"), "{reply:?}");
}
