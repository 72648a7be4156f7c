//! A key that is exchanged for user name and password.

use super::server::{Act, FINE, Vendor};
use super::*;

const KEY_ONE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"key\":\"one\"}";
const KEY_TWO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"key\":\"two\"}";
const NO_KEY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
const REFUSED: &str = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";

fn destination(vendor: &Vendor, password: &str) -> Destination {
    let exchange = KeyExchange {
        header: hyper::header::HeaderName::from_static("x-key"),
        path: "/keys/".into(),
        form: [
            ("password", "{password}"),
            ("type", "keygen"),
            ("user", "{username}"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        key: "/key".into(),
        username: "svc".into(),
        password: password.into(),
    };
    Destination {
        credential: Credential::KeyExchange(Box::new(exchange)),
        ..super::destination(&vendor.base_url)
    }
}

/// What of each request shows the key, or asks for one.
fn shown(vendor: &Vendor) -> Vec<String> {
    let shown = |request: String| {
        let key = request
            .lines()
            .find(|line| line.to_lowercase().starts_with("x-key:"));
        match key {
            Some(line) => line[6..].trim().to_owned(),
            None => request.lines().last().unwrap_or_default().to_owned(),
        }
    };
    vendor.requests().into_iter().map(shown).collect()
}

#[tokio::test]
async fn ten_calls_at_once_need_one_exchange() {
    let vendor = Vendor::start([Act::Say(KEY_ONE)]).await;
    let network = Network::new(pool(), Arc::new(destination(&vendor, "a&b")));
    let call = || send(&network, Verb::Post, "/users");
    let calls = tokio::join!(call(), call(), call(), call(), call());
    let more = tokio::join!(call(), call(), call(), call(), call());
    assert!(calls.0.is_ok() && calls.4.is_ok() && more.0.is_ok() && more.4.is_ok());
    let shown = shown(&vendor);
    assert_eq!(shown[0], "password=a%26b&type=keygen&user=svc");
    assert_eq!(shown[1..], ["one"; 10].map(str::to_owned));
}

#[tokio::test]
async fn a_refused_key_is_exchanged_once_and_the_call_goes_again() {
    let script = [KEY_ONE, FINE, REFUSED, KEY_TWO, FINE].map(Act::Say);
    let vendor = Vendor::start(script).await;
    let network = Network::new(pool(), Arc::new(destination(&vendor, "p")));
    for _ in 0..2 {
        assert!(send(&network, Verb::Post, "/users").await.is_ok());
    }
    let asked = "password=p&type=keygen&user=svc";
    assert_eq!(shown(&vendor), [asked, "one", "one", asked, "two"]);
}

#[tokio::test]
async fn a_fresh_key_that_is_refused_too_is_our_credential() {
    let vendor = Vendor::start([KEY_ONE, REFUSED, KEY_TWO, REFUSED].map(Act::Say)).await;
    let network = Network::new(pool(), Arc::new(destination(&vendor, "p")));
    for _ in 0..3 {
        let fault = send(&network, Verb::Get, "/users").await.unwrap_err();
        assert_eq!(fault, CallFault::Credential);
    }
    assert_eq!(vendor.requests().len(), 4, "and not tried again at once");
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_however_many_wait() {
    let vendor = Vendor::start([Act::Say(REFUSED)]).await;
    let refused = destination(&vendor, "wrong");
    let network = Network::new(pool(), Arc::new(refused.clone()));
    let call = || send(&network, Verb::Get, "/users");
    let (one, two, three) = tokio::join!(call(), call(), call());
    for result in [one, two, three, call().await] {
        assert_eq!(result.unwrap_err(), CallFault::Credential);
    }
    assert_eq!(vendor.requests().len(), 1);
    let mended = Destination {
        state: refused.state,
        ..destination(&vendor, "right")
    };
    let network = Network::new(pool(), Arc::new(mended));
    let fault = send(&network, Verb::Get, "/users").await.unwrap_err();
    assert!(
        matches!(fault, CallFault::NotSent(_)),
        "{fault:?}: `{{}}` holds no key"
    );
}

#[tokio::test]
async fn without_a_key_nothing_is_sent() {
    let vendor = Vendor::start([NO_KEY, NO_KEY, NO_KEY].map(Act::Say)).await;
    let network = Network::new(pool(), Arc::new(destination(&vendor, "p")));
    let fault = send(&network, Verb::Post, "/users").await.unwrap_err();
    assert!(matches!(fault, CallFault::NotSent(_)), "{fault:?}");
    let asked = "password=p&type=keygen&user=svc";
    assert_eq!(shown(&vendor), [asked; 3]);
}
