//! A key that is exchanged for user name and password.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

use super::server::{Act, FINE, Vendor};
use super::*;

const KEY_ONE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"key\":\"one\"}";
const KEY_TWO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"key\":\"two\"}";
const NO_KEY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
const REFUSED: &str = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n";

fn destination(vendor: &Vendor, password: &str) -> Destination {
    let form = r#"form = { password = "{password}", type = "keygen", user = "{username}" }"#;
    exchanging(vendor, &format!("{form}\nkey = \"/key\""), password)
}

/// A vendor whose key is asked for as a manifest says.
fn exchanging(vendor: &Vendor, login: &str, password: &str) -> Destination {
    let login = format!("header = \"x-key\"\npath = \"/keys/\"\n{login}");
    let values = [("username", "svc"), ("password", password)];
    let exchange = KeyExchange {
        header: hyper::header::HeaderName::from_static("x-key"),
        login: toml::from_str(&login).unwrap(),
        values: values
            .map(|(name, value)| (name.to_owned(), value.into()))
            .into(),
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
    let corrected = Destination {
        state: refused.state,
        ..destination(&vendor, "right")
    };
    let network = Network::new(pool(), Arc::new(corrected));
    let fault = send(&network, Verb::Get, "/users").await.unwrap_err();
    assert!(
        matches!(fault, CallFault::Login(_)),
        "{fault:?}: `{{}}` holds no key"
    );
}

#[tokio::test]
async fn without_a_key_nothing_is_sent() {
    let vendor = Vendor::start([NO_KEY].map(Act::Say)).await;
    let network = Network::new(pool(), Arc::new(destination(&vendor, "p")));
    let fault = send(&network, Verb::Post, "/users").await.unwrap_err();
    let CallFault::Login(why) = fault else {
        panic!("{fault:?}");
    };
    assert!(why.contains("answered 200 without a key at /key"), "{why}");
    assert_eq!(shown(&vendor), ["password=p&type=keygen&user=svc"]);
}

/// A vendor that gives keys or does not, and counts how often it was asked.
async fn giving(answer: &'static str) -> Vendor {
    Vendor::answering(move |request| {
        let asked = request.starts_with("POST /api/v1/keys/");
        if asked { answer } else { FINE }.to_owned()
    })
    .await
}

/// The key's trouble is not the call's: it has not gone out.
#[tokio::test]
async fn an_exchange_in_trouble_is_no_refusal() {
    let meet = async |answer| {
        let vendor = giving(answer).await;
        let network = Network::new(pool(), Arc::new(destination(&vendor, "p")));
        let fault = send(&network, Verb::Post, "/users").await.unwrap_err();
        let called = vendor.requests().iter().any(|it| it.contains("/users"));
        assert!(!called, "{answer}: the call went out without a key");
        fault
    };
    let (down, failed, absent, nonsense, busy) = tokio::join!(
        meet("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"),
        meet("HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"),
        meet("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"),
        meet("SSH-2.0-OpenSSH_9.6\r\n"),
        meet("HTTP/1.1 429 X\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"),
    );
    for fault in [down, failed, nonsense] {
        assert!(matches!(fault, CallFault::NotSent(_)), "{fault:?}");
    }
    let CallFault::Login(why) = absent else {
        panic!("{absent:?}");
    };
    assert!(why.contains("the login at /keys/ answered 404"), "{why}");
    let retry_after = Some(Duration::from_secs(60));
    assert_eq!(busy, CallFault::Busy { retry_after });
}

#[tokio::test]
async fn a_lost_exchange_is_made_again_and_then_the_call_goes_out() {
    let script = [Act::SayAndReset(""), Act::Say(KEY_ONE), Act::Say(FINE)];
    let vendor = Vendor::start(script).await;
    let network = Network::new(pool(), Arc::new(destination(&vendor, "p")));
    assert!(send(&network, Verb::Post, "/users").await.is_ok());
    let asked = "password=p&type=keygen&user=svc";
    assert_eq!(shown(&vendor), [asked, asked, "one"]);
}

/// A reload keeps the key of an account and forgets that of another one.
#[tokio::test]
async fn a_key_belongs_to_the_account_it_was_given_for() {
    let vendor = Vendor::start([KEY_ONE, FINE, FINE, KEY_TWO].map(Act::Say)).await;
    let first = destination(&vendor, "first");
    let pool = pool();
    let of = |password| {
        let reloaded = Destination {
            state: Arc::clone(&first.state),
            ..destination(&vendor, password)
        };
        Network::new(Rc::clone(&pool), Arc::new(reloaded))
    };
    for password in ["first", "first", "second"] {
        assert!(send(&of(password), Verb::Post, "/users").await.is_ok());
    }
    let asked = |password| format!("password={password}&type=keygen&user=svc");
    let expected = [&asked("first"), "one", "one", &asked("second"), "two"];
    assert_eq!(shown(&vendor), expected);
}

#[tokio::test]
async fn no_tenant_is_served_with_the_key_of_another() {
    let vendor = giving(KEY_ONE).await;
    for _ in 0..2 {
        let network = Network::new(pool(), Arc::new(destination(&vendor, "p")));
        assert!(send(&network, Verb::Post, "/users").await.is_ok());
    }
    let asked = "password=p&type=keygen&user=svc";
    assert_eq!(shown(&vendor), [asked, "one", asked, "one"]);
}

#[tokio::test]
async fn whoever_waits_for_a_key_gives_up_at_the_deadline() {
    let vendor = Vendor::start([Act::Silence]).await;
    let network = Network::new(pool(), Arc::new(destination(&vendor, "p")));
    let order = RefCell::new(Vec::new());
    let give_up = async |name: &'static str, after: u64| {
        let deadline = Instant::now() + Duration::from_millis(after);
        let fault = network.call(call(Verb::Post, "/users"), deadline).await;
        order.borrow_mut().push(name);
        assert!(matches!(fault, Err(CallFault::NotSent(_))), "{fault:?}");
    };
    // Whoever asks has more time than whoever waits for it.
    tokio::join!(give_up("who asks", 290), give_up("who waits", 50));
    assert_eq!(*order.borrow(), ["who waits", "who asks"]);
    assert_eq!(vendor.requests().len(), 1, "one exchange, and no call");
}

/// As a vendor has it that writes XML and wants headers of its own with every request.
#[tokio::test]
async fn a_key_is_read_as_the_vendor_writes_and_asked_for_like_anything_else() {
    let xml = "<response status=\"success\"><result><key>LUFRPT1</key></result></response>";
    let given = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{xml}",
        xml.len()
    );
    let vendor = giving(given.leak()).await;
    let login = "form = { user = \"{username}\" }\nkey = \"/response/result/key/#text\"";
    let plain = exchanging(&vendor, login, "p");
    let xml = Destination {
        headers: vec![(
            hyper::header::HeaderName::from_static("x-customer"),
            hyper::header::HeaderValue::from_static("42"),
        )],
        replies: toml::from_str("format = \"xml\"").unwrap(),
        ..plain
    };
    let network = Network::new(pool(), Arc::new(xml));
    assert!(send(&network, Verb::Get, "/users").await.is_ok());
    assert_eq!(shown(&vendor)[1], "LUFRPT1");
    for request in vendor.requests() {
        assert!(request.contains("x-customer: 42"), "{request}");
    }
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_none() {
    let vendor = giving("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"key\":\"a\\nb\"}").await;
    let network = Network::new(pool(), Arc::new(destination(&vendor, "p")));
    let fault = send(&network, Verb::Post, "/users").await.unwrap_err();
    assert!(
        matches!(&fault, CallFault::Login(why) if why.contains("no header can carry")),
        "{fault:?}"
    );
    let called = vendor.requests().iter().any(|it| it.contains("/users"));
    assert!(!called);
}

#[tokio::test]
async fn a_tree_is_posted_and_the_key_is_in_a_header() {
    const KEY: &str = "HTTP/1.1 201 Created\r\nX-Subject-Token: one\r\nContent-Length: 0\r\n\r\n";
    let vendor = Vendor::start([KEY, FINE].map(Act::Say)).await;
    let login = r#"
        scheme = "Key"
        body = { auth = [{ user = "{username}", word = "a {password}" }] }
        key_header = "X-Subject-Token"
    "#;
    let to = exchanging(&vendor, login, "p\"{username}");
    let network = Network::new(pool(), Arc::new(to));
    assert!(send(&network, Verb::Post, "/users").await.is_ok());
    let posted = r#"{"auth":[{"user":"svc","word":"a p\"{username}"}]}"#;
    assert_eq!(shown(&vendor), [posted, "Key one"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_renewed_before_it_ends() {
    const KEY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n{\"key\":\"one\",\"for\":3600}";
    for lifetime in ["lifetime = \"/for\"", "lifetime_s = 3600"] {
        let vendor = giving(KEY).await;
        let login = format!("form = {{ user = \"{{username}}\" }}\nkey = \"/key\"\n{lifetime}");
        let network = Network::new(pool(), Arc::new(exchanging(&vendor, &login, "p")));
        let asked = |vendor: &Vendor| {
            let shown = shown(vendor);
            shown.iter().filter(|it| it.contains("user=svc")).count()
        };
        for (minutes, expect) in [(0, 1), (58, 1), (2, 2), (1, 2)] {
            tokio::time::advance(Duration::from_secs(minutes * 60)).await;
            assert!(send(&network, Verb::Post, "/users").await.is_ok());
            assert_eq!(asked(&vendor), expect, "{lifetime}, {minutes}");
        }
    }
}

/// However many calls learn at once that the key has ended.
#[tokio::test]
async fn a_key_that_is_refused_to_many_at_once_is_exchanged_once() {
    let ended = Arc::new(AtomicBool::new(false));
    let is_ended = Arc::clone(&ended);
    let vendor = Vendor::answering(move |request| {
        let is_ended = is_ended.load(Ordering::SeqCst);
        let answer = match request.starts_with("POST /api/v1/keys/") {
            true if is_ended => KEY_TWO,
            true => KEY_ONE,
            false if is_ended && request.to_lowercase().contains("x-key: one") => REFUSED,
            false => FINE,
        };
        answer.to_owned()
    })
    .await;
    let network = Network::new(pool(), Arc::new(destination(&vendor, "p")));
    let call = || send(&network, Verb::Post, "/users");
    assert!(call().await.is_ok());
    ended.store(true, Ordering::SeqCst);
    let (a, b, c, d, e) = tokio::join!(call(), call(), call(), call(), call());
    assert!([a, b, c, d, e].iter().all(Result::is_ok));
    let shown = shown(&vendor);
    let count = |what: &str| shown.iter().filter(|it| it.contains(what)).count();
    assert_eq!((count("password=p"), count("two")), (2, 5), "{shown:?}");
    assert!(count("one") > 2, "nobody met the old key: {shown:?}");
}
