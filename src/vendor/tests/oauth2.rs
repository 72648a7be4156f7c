//! Calls with a token that has to be asked for, against a vendor that counts.

use std::sync::atomic::{AtomicUsize, Ordering};

use secrecy::SecretString;

use super::server::Vendor;
use super::*;
use crate::adapter::manifest::ClientPlace;

/// A token endpoint and an API behind it.
#[derive(Default)]
struct Endpoint {
    /// The number of the token that is good now; 0 before the first.
    good: AtomicUsize,
    /// What refreshing gets: 200, or the status of a refusal.
    refresh_status: AtomicUsize,
    /// What the full grant gets.
    grant_status: AtomicUsize,
    /// `expires_in`.
    life: AtomicUsize,
    refreshed: AtomicUsize,
    granted: AtomicUsize,
}

impl Endpoint {
    fn new() -> Arc<Self> {
        let endpoint = Self::default();
        endpoint.refresh_status.store(200, Ordering::SeqCst);
        endpoint.grant_status.store(200, Ordering::SeqCst);
        endpoint.life.store(300, Ordering::SeqCst);
        Arc::new(endpoint)
    }

    /// What was given so far is worth nothing any more.
    fn revoke(&self) {
        self.good.fetch_add(1, Ordering::SeqCst);
    }

    /// Grants in full, refreshes.
    fn asked(&self) -> (usize, usize) {
        let count = |n: &AtomicUsize| n.load(Ordering::SeqCst);
        (count(&self.granted), count(&self.refreshed))
    }

    fn answer(&self, request: &str) -> String {
        if request.starts_with("POST /api/v1/auth/token") {
            let refreshing = request.contains("grant_type=refresh_token");
            let (counter, status) = match refreshing {
                true => (&self.refreshed, &self.refresh_status),
                false => (&self.granted, &self.grant_status),
            };
            counter.fetch_add(1, Ordering::SeqCst);
            return match status.load(Ordering::SeqCst) {
                200 => self.give(),
                status => http(status, r#"{"error":"invalid_grant"}"#),
            };
        }
        let good = format!(
            "authorization: Bearer t{}\r\n",
            self.good.load(Ordering::SeqCst)
        );
        match request.to_lowercase().contains(&good.to_lowercase()) {
            true => http(200, "{}"),
            false => http(401, "{}"),
        }
    }

    fn give(&self) -> String {
        let number = self.good.fetch_add(1, Ordering::SeqCst) + 1;
        let life = self.life.load(Ordering::SeqCst);
        let body = format!(
            r#"{{"access_token":"t{number}","token_type":"Bearer","expires_in":{life},"refresh_token":"r{number}"}}"#
        );
        http(200, &body)
    }
}

fn http(status: usize, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}")
}

async fn vendor(endpoint: &Arc<Endpoint>) -> Vendor {
    let endpoint = Arc::clone(endpoint);
    Vendor::answering(move |request| endpoint.answer(request)).await
}

fn client(vendor: &Vendor, password: &str) -> OAuth2Client {
    OAuth2Client {
        token_url: format!("{}/auth/token", vendor.base_url).parse().unwrap(),
        grant: Grant::Password {
            username: SecretString::from("svc@msp.example"),
            password: SecretString::from(password),
        },
        place: ClientPlace::Basic,
        client_id: SecretString::from("client&1"),
        client_secret: SecretString::from("s3cret"),
        scope: Some("*".to_owned()),
    }
}

/// The destination of one tenant.
fn tenant_of(vendor: &Vendor, tokens: &AccessTokens, client: OAuth2Client) -> Destination {
    Destination {
        credential: Credential::OAuth2(tokens.share(client)),
        deadlines: Deadlines {
            connect_ms: 2_000,
            call_ms: 5_000,
        },
        ..destination(&vendor.base_url)
    }
}

fn network_of(vendor: &Vendor, tokens: &AccessTokens, client: OAuth2Client) -> Network {
    Network::new(pool(), Arc::new(tenant_of(vendor, tokens, client)))
}

async fn status(network: &Network) -> Result<u16, CallFault> {
    let reply = send(network, Verb::Post, "/targets").await;
    reply.map(|reply| reply.status)
}

/// Twenty calls, five on each of four threads with connections of their own.
fn at_once(to: Destination) -> Vec<Result<u16, CallFault>> {
    let to = Arc::new(to);
    let thread = |to: Arc<Destination>| {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_all().build().unwrap();
            runtime.block_on(async {
                let network = Network::new(pool(), to);
                let one = || status(&network);
                <[_; 5]>::from(tokio::join!(one(), one(), one(), one(), one()))
            })
        })
    };
    let threads: Vec<_> = (0..4).map(|_| thread(Arc::clone(&to))).collect();
    threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect()
}

#[tokio::test]
async fn the_request_is_that_of_rfc_6749() {
    let endpoint = Endpoint::new();
    let vendor = vendor(&endpoint).await;
    let tokens = AccessTokens::default();
    let body = OAuth2Client {
        grant: Grant::ClientCredentials,
        place: ClientPlace::Body,
        ..client(&vendor, "pw")
    };
    assert_eq!(
        status(&network_of(&vendor, &tokens, client(&vendor, "p w&"))).await,
        Ok(200)
    );
    assert_eq!(status(&network_of(&vendor, &tokens, body)).await, Ok(200));
    let requests = vendor.requests();
    // `client%261:s3cret`: quoted before Basic (RFC 6749 §2.3.1).
    assert!(
        requests[0].contains("authorization: Basic Y2xpZW50JTI2MTpzM2NyZXQ=\r\n"),
        "{}",
        requests[0]
    );
    assert!(
        requests[0].contains("user-agent: scimgate/"),
        "{}",
        requests[0]
    );
    let form = "grant_type=password&username=svc%40msp.example&password=p+w%26&scope=*";
    assert!(requests[0].ends_with(form), "{}", requests[0]);
    let form = "grant_type=client_credentials&scope=*&client_id=client%261&client_secret=s3cret";
    assert!(requests[2].ends_with(form), "{}", requests[2]);
    assert!(!requests[2].contains("authorization"), "{}", requests[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_threads_together_ask_once() {
    let endpoint = Endpoint::new();
    let vendor = vendor(&endpoint).await;
    let to = tenant_of(&vendor, &AccessTokens::default(), client(&vendor, "pw"));
    let all = |to: Destination| tokio::task::spawn_blocking(move || at_once(to));
    assert_eq!(all(to.clone()).await.unwrap(), vec![Ok(200); 20]);
    assert_eq!(endpoint.asked(), (1, 0));
    endpoint.revoke();
    assert_eq!(all(to).await.unwrap(), vec![Ok(200); 20]);
    assert_eq!(endpoint.asked(), (1, 1), "one refresh for all of them");
}

#[tokio::test]
async fn a_refused_refresh_is_followed_by_one_full_grant() {
    let endpoint = Endpoint::new();
    let vendor = vendor(&endpoint).await;
    let network = network_of(&vendor, &AccessTokens::default(), client(&vendor, "pw"));
    assert_eq!(status(&network).await, Ok(200));
    endpoint.revoke();
    endpoint.refresh_status.store(400, Ordering::SeqCst);
    assert_eq!(status(&network).await, Ok(200));
    assert_eq!(endpoint.asked(), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_sent_once_for_all_and_told_as_our_credential() {
    let endpoint = Endpoint::new();
    endpoint.grant_status.store(400, Ordering::SeqCst);
    let vendor = vendor(&endpoint).await;
    let to = tenant_of(&vendor, &AccessTokens::default(), client(&vendor, "pw"));
    let all = tokio::task::spawn_blocking(move || at_once(to))
        .await
        .unwrap();
    assert_eq!(all, vec![Err(CallFault::Credential); 20]);
    let (granted, _) = endpoint.asked();
    assert!(granted <= 4, "the account would be locked: {granted}");
}

#[tokio::test]
async fn tokens_that_never_help_end_as_our_credential() {
    let endpoint = Endpoint::new();
    let vendor = Vendor::answering({
        let endpoint = Arc::clone(&endpoint);
        move |request| match request.starts_with("POST /api/v1/auth/token") {
            true => endpoint.answer(request),
            false => http(401, "{}"),
        }
    });
    let vendor = vendor.await;
    let network = network_of(&vendor, &AccessTokens::default(), client(&vendor, "pw"));
    assert_eq!(status(&network).await, Err(CallFault::Credential));
    assert_eq!(endpoint.asked(), (2, 1), "first grant, refresh, full grant");
    assert_eq!(status(&network).await, Err(CallFault::Credential));
    assert_eq!(endpoint.asked(), (2, 1), "and not again for a minute");
}

#[tokio::test]
async fn a_token_near_its_end_is_renewed_before_a_call_meets_it() {
    let endpoint = Endpoint::new();
    endpoint.life.store(0, Ordering::SeqCst);
    let vendor = vendor(&endpoint).await;
    let network = network_of(&vendor, &AccessTokens::default(), client(&vendor, "pw"));
    for _ in 0..3 {
        assert_eq!(status(&network).await, Ok(200));
    }
    assert_eq!(endpoint.asked(), (1, 2));
    let refused = vendor.requests().len() - 6;
    assert_eq!(refused, 0, "no call went out with a token that had ended");
}

#[tokio::test]
async fn equal_clients_share_a_token_and_others_never() {
    let endpoint = Endpoint::new();
    let vendor = vendor(&endpoint).await;
    let tokens = AccessTokens::default();
    let (a, b) = (client(&vendor, "pw"), client(&vendor, "pw"));
    let (a, b) = (
        network_of(&vendor, &tokens, a),
        network_of(&vendor, &tokens, b),
    );
    assert_eq!(status(&a).await, Ok(200));
    assert_eq!(status(&b).await, Ok(200));
    assert_eq!(endpoint.asked(), (1, 0), "two sites of one client");
    let other = OAuth2Client {
        client_id: SecretString::from("client2"),
        ..client(&vendor, "pw")
    };
    let _ = status(&network_of(&vendor, &tokens, other)).await;
    assert_eq!(endpoint.asked(), (2, 0), "another client id");
    let _ = status(&network_of(&vendor, &tokens, client(&vendor, "guessed"))).await;
    assert_eq!(endpoint.asked(), (3, 0), "another password");
}

#[tokio::test]
async fn an_endpoint_in_trouble_is_no_refusal() {
    for (status_of, expect_busy) in [(503, false), (500, false), (429, true)] {
        let endpoint = Endpoint::new();
        endpoint.grant_status.store(status_of, Ordering::SeqCst);
        let vendor = vendor(&endpoint).await;
        let network = network_of(&vendor, &AccessTokens::default(), client(&vendor, "pw"));
        let fault = status(&network).await.unwrap_err();
        match expect_busy {
            true => assert!(matches!(fault, CallFault::Busy { .. }), "{fault:?}"),
            false => assert!(matches!(fault, CallFault::NotSent(_)), "{fault:?}"),
        }
        let called = vendor.requests().iter().any(|it| it.contains("/targets"));
        assert!(!called, "the call did not go out");
    }
}
