//! What a call meets on its walk (`client.rs`), and what is told of it.

use std::sync::Mutex;

use hyper::header::HeaderValue;
use hyper::{HeaderMap, Method};
use tracing::Span;

use scimgate_emulators::kit::refusing_address;

use super::server::{Act, FINE, Vendor};
use super::*;
use crate::provisioning::trace::{Step, Wait};
use crate::script::call::RequestToken;

const DOWN: &str = "HTTP/1.1 503 Down\r\nContent-Length: 6\r\n\r\n<html>";
const GONE: &str = "HTTP/1.1 404 Gone\r\nContent-Length: 2\r\n\r\n{}";
const WHO_ARE_YOU: &str = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n";

fn later() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn with_token(header: &str) -> VendorCall {
    VendorCall {
        token: Some(RequestToken {
            header: header.to_owned(),
            value: "t-17".to_owned(),
        }),
        ..call(Verb::Post, "/users")
    }
}

#[tokio::test]
async fn a_post_with_a_token_goes_again_with_the_same_one() {
    let vendor = Vendor::start([Act::SayAndReset(""), Act::Say(DOWN), Act::Say(FINE)]).await;
    let network = network(&vendor.base_url);
    let reply = network.call(with_token("X-Request-Token"), later()).await;
    assert_eq!(reply.unwrap().status, 200);
    let requests = vendor.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert!(request.contains("x-request-token: t-17\r\n"), "{request}");
    }
}

#[tokio::test]
async fn what_no_header_can_carry_is_never_sent() {
    let vendor = Vendor::start([]).await;
    let unfit = Destination {
        credential: Credential::Bearer("a\r\nX-Admin: 1".into()),
        ..destination(&vendor.base_url)
    };
    let network = Network::new(pool(), Arc::new(unfit));
    let fault = send(&network, Verb::Get, "/users").await.unwrap_err();
    assert!(
        matches!(&fault, CallFault::NotSent(why) if why.contains("secret") && !why.contains("Admin")),
        "{fault:?}"
    );
    let network = super::network(&vendor.base_url);
    let fault = network.call(with_token("no header"), later()).await;
    assert!(matches!(fault, Err(CallFault::NotSent(_))), "{fault:?}");
    assert_eq!(vendor.connections(), 0);
}

/// A fault that no further try can help costs no probe of the breakers.
#[tokio::test]
async fn a_wrong_path_does_not_count_against_the_vendor() {
    let vendor = Vendor::start([]).await;
    let to = Arc::new(destination(&vendor.base_url));
    let network = Network::new(pool(), Arc::clone(&to));
    for _ in 0..6 {
        assert!(send(&network, Verb::Get, "/a b").await.is_err());
    }
    assert!(!to.state.is_paused());
    assert!(send(&network, Verb::Get, "/users").await.is_ok());
}

#[tokio::test]
async fn what_the_vendor_writes_is_what_it_is_asked_for() {
    let vendor = Vendor::start([]).await;
    let xml = Destination {
        replies: toml::from_str("format = \"xml\"").unwrap(),
        ..destination(&vendor.base_url)
    };
    let network = Network::new(pool(), Arc::new(xml));
    send(&network, Verb::Get, "/users").await.unwrap();
    let request = &vendor.requests()[0];
    assert!(
        request.contains("accept: application/xml, text/xml\r\n"),
        "{request}"
    );
}

#[tokio::test]
async fn an_absence_after_a_lost_delete_says_so() {
    for (script, after_loss) in [
        (vec![Act::SayAndReset(""), Act::Say(GONE)], true),
        (vec![Act::Say(GONE)], false),
    ] {
        let vendor = Vendor::start(script).await;
        let network = network(&vendor.base_url);
        let reply = send(&network, Verb::Delete, "/users/1").await.unwrap();
        assert_eq!((reply.status, reply.after_loss), (404, after_loss));
    }
}

#[tokio::test]
async fn how_a_vendor_stands_follows_its_answers() {
    let vendor = Vendor::start([Act::Say(WHO_ARE_YOU), Act::Say(FINE)]).await;
    let to = Arc::new(destination(&vendor.base_url));
    let network = Network::new(pool(), Arc::clone(&to));
    assert!(send(&network, Verb::Get, "/users").await.is_err());
    let standing = to.state.standing();
    assert!(standing.credential_refused && !standing.circuit_open);
    let renewed = Destination {
        credential: Credential::Bearer("renewed".into()),
        ..Destination::clone(&to)
    };
    let network = Network::new(pool(), Arc::new(renewed));
    assert!(send(&network, Verb::Get, "/users").await.is_ok());
    assert!(!to.state.standing().credential_refused);

    let away = Arc::new(destination(&format!(
        "http://{}",
        refusing_address().unwrap()
    )));
    let network = Network::new(pool(), Arc::clone(&away));
    let calls = || send(&network, Verb::Get, "/users");
    let _ = tokio::join!(calls(), calls(), calls(), calls(), calls());
    assert!(away.state.is_paused() && away.state.standing().circuit_open);
}

#[tokio::test]
async fn another_time_limit_for_connecting_begins_new_connections() {
    let vendor = Vendor::start([]).await;
    let pool = pool();
    for (connect_ms, connections) in [(200, 1), (200, 1), (500, 2)] {
        let reloaded = Destination {
            deadlines: Deadlines {
                connect_ms,
                call_ms: 300,
            },
            ..destination(&vendor.base_url)
        };
        let network = Network::new(Rc::clone(&pool), Arc::new(reloaded));
        send(&network, Verb::Get, "/users").await.unwrap();
        assert_eq!(vendor.connections(), connections, "{connect_ms}");
    }
}

#[tokio::test]
async fn a_story_has_each_retry_with_its_reason() {
    let vendor = Vendor::start([Act::SayAndReset(""), Act::Say(DOWN), Act::Say(FINE)]).await;
    let story = story(Vec::new());
    let network = network(&vendor.base_url).noting(Rc::clone(&story));
    send(&network, Verb::Get, "/users").await.unwrap();
    let retries = story.steps().into_iter().filter_map(|moment| {
        let Step::Retry {
            attempt, because, ..
        } = moment.step
        else {
            return None;
        };
        Some((attempt, because.into_owned()))
    });
    let retries: Vec<_> = retries.collect();
    let expected = [(1, "the reply was lost".to_owned()), (2, "503".to_owned())];
    assert_eq!(retries, expected);
}

#[tokio::test]
async fn a_story_has_what_was_waited_for() {
    let check = async |limits: Limits, waited: Wait| {
        let vendor = Vendor::start([]).await;
        let to = Destination {
            state: Arc::new(VendorState::new(limits)),
            ..destination(&vendor.base_url)
        };
        let story = story(Vec::new());
        let network = Network::new(pool(), Arc::new(to)).noting(Rc::clone(&story));
        let one = || send(&network, Verb::Get, "/users");
        let (first, second, third) = tokio::join!(one(), one(), one());
        assert!(first.is_ok() && second.is_ok() && third.is_ok());
        let waits = story.steps().into_iter().filter_map(|moment| {
            let Step::Waited { wait, .. } = moment.step else {
                return None;
            };
            Some(wait)
        });
        assert!(waits.into_iter().any(|wait| wait == waited), "{waited:?}");
    };
    let rate = Limits {
        per_second: Some(20),
        burst: Some(1),
        ..Limits::default()
    };
    check(rate, Wait::Rate).await;
    // The second has the only place and waits for the rate with it, and the third for the place.
    let place = Limits {
        concurrency: Some(1),
        ..rate
    };
    check(place, Wait::Place).await;
}

/// Host, port, method and result of a try.
type Heard = (String, u16, Method, Result<u16, &'static str>);

/// Keeps what it hears, and puts every try into a trace.
#[derive(Default)]
struct Ear(Mutex<Vec<Heard>>);

impl CallObserver for Ear {
    fn sending(&self, _: &Span, headers: &mut HeaderMap) {
        headers.insert("traceparent", HeaderValue::from_static("00-1-2-01"));
    }

    fn tried(&self, tried: &Try<'_>) {
        self.0.lock().unwrap().push((
            tried.host.to_owned(),
            tried.port,
            tried.method.clone(),
            tried.result,
        ));
    }
}

#[tokio::test]
async fn whoever_observes_hears_of_every_try() {
    let ear = Arc::<Ear>::default();
    let observed =
        Rc::new(Pool::new(TlsOptions::load(None).unwrap()).observed_by(Arc::clone(&ear) as _));
    let vendor = Vendor::start([Act::SayAndReset(""), Act::Say(FINE)]).await;
    let network = Network::new(
        Rc::clone(&observed),
        Arc::new(destination(&vendor.base_url)),
    );
    send(&network, Verb::Patch, "/users/jane").await.unwrap();
    let of = |base_url: &str| {
        let url = url::Url::parse(base_url).unwrap();
        (url.host_str().unwrap().to_owned(), url.port().unwrap())
    };
    let (host, port) = of(&vendor.base_url);
    let heard = std::mem::take(&mut *ear.0.lock().unwrap());
    let tried = |result| (host.clone(), port, Method::PATCH, result);
    assert_eq!(heard, [tried(Err("reply_lost")), tried(Ok(200))]);
    for request in vendor.requests() {
        assert!(request.contains("traceparent: 00-1-2-01\r\n"), "{request}");
    }

    let away = format!("http://{}", refusing_address().unwrap());
    let network = Network::new(
        observed,
        Arc::new(Destination {
            tenant: TenantId::parse("globex").unwrap(),
            ..destination(&away)
        }),
    );
    send(&network, Verb::Post, "/users").await.unwrap_err();
    let heard = ear.0.lock().unwrap();
    assert_eq!(heard.len(), 3, "all tries");
    let (host, port) = of(&away);
    assert_eq!(heard[0], (host, port, Method::POST, Err("not_sent")));
}
