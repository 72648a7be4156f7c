//! What is sent again, and when nothing is sent at all.

use scimgate_emulators::kit::refusing_address;

use super::server::{Act, FINE, Vendor};
use super::*;

const DOWN: &str = "HTTP/1.1 503 Down\r\nContent-Length: 6\r\n\r\n<html>";
const SLOW_DOWN: &str = "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
const COME_BACK_LATER: &str = "HTTP/1.1 429 Slow\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n";
const WHO_ARE_YOU: &str = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n";
const NOT_THAT: &str = "HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n";
const NOT_YOU: &str = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_repeatable_call_survives_a_reset_and_a_503() {
    let check = async |method| {
        let vendor = Vendor::start([Act::SayAndReset(""), Act::Say(DOWN), Act::Say(FINE)]).await;
        let reply = send(&network(&vendor.base_url), method, "/users/1")
            .await
            .unwrap();
        assert_eq!(
            (reply.status, vendor.requests().len()),
            (200, 3),
            "{method:?}"
        );
    };
    tokio::join!(
        check(Verb::Get),
        check(Verb::Put),
        check(Verb::Patch),
        check(Verb::Delete)
    );
}

#[tokio::test]
async fn three_tries_and_then_the_last_answer() {
    let vendor = Vendor::start([Act::Say(DOWN), Act::Say(DOWN), Act::Say(DOWN)]).await;
    let reply = send(&network(&vendor.base_url), Verb::Get, "/users")
        .await
        .unwrap();
    assert_eq!((reply.status, vendor.requests().len()), (503, 3));
    assert_eq!(reply.body, "<html>");
}

#[tokio::test]
async fn a_post_that_failed_is_the_adapters_to_judge() {
    let vendor = Vendor::start([Act::Say(DOWN)]).await;
    let reply = send(&network(&vendor.base_url), Verb::Post, "/users")
        .await
        .unwrap();
    assert_eq!((reply.status, vendor.requests().len()), (503, 1));
}

#[tokio::test]
async fn a_post_that_was_turned_away_waits_as_asked_and_goes_again() {
    let vendor = Vendor::start([Act::Say(SLOW_DOWN)]).await;
    let began = Instant::now();
    let reply = send(&network(&vendor.base_url), Verb::Post, "/users")
        .await
        .unwrap();
    assert_eq!((reply.status, vendor.requests().len()), (200, 2));
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn v16_a_wait_told_in_the_body_of_a_200_is_kept() {
    const BUSY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 54\r\n\r\n{\"errors\":[{\"code\":\"RATE_LIMITED\",\"waitMs\":1000    }]}";
    let vendor = Vendor::start([Act::Say(BUSY)]).await;
    let replies = toml::from_str(
        r#"
        code = "/errors/0/code"
        retry_after_ms = "/errors/0/waitMs"
        errors = [{ code = "RATE_LIMITED", means = "busy" }]
        "#,
    );
    let destination = Destination {
        replies: replies.unwrap(),
        ..destination(&vendor.base_url)
    };
    let network = Network::new(pool(), Arc::new(destination));
    let began = Instant::now();
    let reply = send(&network, Verb::Post, "/graphql").await.unwrap();
    assert_eq!((reply.status, vendor.requests().len()), (200, 2));
    let waited = began.elapsed();
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
}

#[tokio::test]
async fn a_long_wait_is_passed_on() {
    let vendor = Vendor::start([Act::Say(COME_BACK_LATER)]).await;
    let fault = send(&network(&vendor.base_url), Verb::Get, "/users")
        .await
        .unwrap_err();
    let retry_after = Some(Duration::from_secs(60));
    assert_eq!(fault, CallFault::Busy { retry_after });
    assert_eq!(vendor.requests().len(), 1);
}

#[tokio::test]
async fn a_refused_credential_is_not_shown_again() {
    let vendor = Vendor::start([Act::Say(WHO_ARE_YOU)]).await;
    let pool = pool();
    let refused = destination(&vendor.base_url);
    let network = Network::new(Rc::clone(&pool), Arc::new(refused.clone()));
    for _ in 0..3 {
        let fault = send(&network, Verb::Get, "/users").await.unwrap_err();
        assert_eq!(fault, CallFault::Credential);
    }
    assert_eq!(vendor.requests().len(), 1);
    let renewed = Destination {
        credential: Credential::Bearer("renewed".into()),
        ..refused
    };
    let network = Network::new(pool, Arc::new(renewed));
    assert!(send(&network, Verb::Get, "/users").await.is_ok());
}

/// A request may begin with a call that the vendor refuses for what it asks.
#[tokio::test]
async fn a_credential_is_good_again_once_the_vendor_judges_a_call() {
    for judged in [
        NOT_THAT,
        NOT_YOU,
        "HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n",
    ] {
        let vendor = Vendor::start([Act::Say(WHO_ARE_YOU), Act::Say(judged)]).await;
        let network = network(&vendor.base_url);
        let fault = send(&network, Verb::Delete, "/teams/1").await.unwrap_err();
        assert_eq!(fault, CallFault::Credential);
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(60)).await;
        tokio::time::resume();
        let refused = send(&network, Verb::Delete, "/teams/1").await.unwrap();
        assert!(judged.contains(&refused.status.to_string()), "{judged}");
        let next = send(&network, Verb::Get, "/teams/1/members").await;
        assert_eq!(next.map(|reply| reply.status), Ok(200), "{judged}");
    }
}

#[tokio::test]
async fn a_vendor_that_cannot_be_reached_is_left_alone() {
    let network = network(&format!("http://{}", refusing_address().unwrap()));
    let calls = || send(&network, Verb::Get, "/users");
    let _ = tokio::join!(calls(), calls(), calls(), calls(), calls());
    let began = Instant::now();
    let fault = send(&network, Verb::Get, "/users").await.unwrap_err();
    assert!(
        matches!(&fault, CallFault::NotSent(why) if why.contains("circuit")),
        "{fault:?}"
    );
    assert!(began.elapsed() < Duration::from_millis(50));
}

#[tokio::test]
async fn whether_a_vendor_works_again_is_found_out_by_one_call_that_is_sent_once() {
    let vendor = Vendor::answering(|_| DOWN.to_owned()).await;
    let network = network(&vendor.base_url);
    for _ in 0..20 {
        send(&network, Verb::Post, "/users").await.unwrap();
    }
    let before = vendor.requests().len();
    assert_eq!(before, 20);
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    let calls = || send(&network, Verb::Get, "/users");
    let _ = tokio::join!(calls(), calls(), calls(), calls(), calls());
    assert_eq!(vendor.requests().len() - before, 1);
}

#[tokio::test]
async fn no_more_calls_are_in_flight_than_the_vendor_takes() {
    let vendor = Vendor::start([Act::Silence]).await;
    let limits = Limits {
        concurrency: Some(1),
        ..Limits::default()
    };
    let network = Network::new(
        pool(),
        Arc::new(Destination {
            state: Arc::new(VendorState::new(limits)),
            ..destination(&vendor.base_url)
        }),
    );
    let began = Instant::now();
    let (first, second) = tokio::join!(
        send(&network, Verb::Post, "/users"),
        send(&network, Verb::Post, "/users")
    );
    assert!(first.is_err());
    assert!(second.is_ok());
    assert!(
        began.elapsed() >= Duration::from_millis(300),
        "the second waited for the first"
    );
}
