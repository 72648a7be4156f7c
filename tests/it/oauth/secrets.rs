//! Clients with a secret: what they are given, how it ends, and how secrets take turns.

use std::time::{Duration, Instant};

use scimgate::adapter::keys::TenantId;
use serde_json::json;

use super::{Client, basic, form, is_private, is_refused};
use crate::harness::{Request, Tenant, TestGateway, person};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_shows_itself_in_both_ways_at_both_endpoints_and_then_provisions() {
    let gateway = TestGateway::start().await;
    let client = Client::of(&gateway, "a").await;
    let grant = [("grant_type", "client_credentials")];
    let header = basic(&client.id, &client.secret);
    let own = client.endpoint();
    for path in ["/scim/v2/oauth2/token", &own] {
        let post = form(path, &client.pairs());
        let in_header = form(path, &grant).header("Authorization", &header);
        let named = [("client_id", client.id.as_str()), grant[0]];
        let in_both = form(path, &named).header("Authorization", &header);
        for request in [post, in_header, in_both] {
            let given = client.send(request).await;
            assert_eq!(given.status, 200, "{given}");
            is_private(&given);
            let body = given.json();
            assert_eq!(body["token_type"], "Bearer");
            assert_eq!(body["expires_in"], 3600);
            assert_eq!(body["scope"], "scim");
            let token = body["access_token"].as_str().unwrap();
            assert!(token.starts_with("sco_") && token.len() < 256, "{token}");
            let tenant = client.with(token);
            assert_eq!(tenant.get("/Users").await.status, 200);
            gateway.log_never_says([token]);
        }
    }
    let tenant = client.admitted().await;
    let id = tenant.make("/Users", &person()).await;
    assert_eq!(gateway.a.get(&format!("/Users/{id}")).await.status, 200);
    gateway.log_never_says([&client.secret, &header]);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scope_is_taken_as_it_is_asked_for() {
    let gateway = TestGateway::start().await;
    let client = Client::of(&gateway, "a").await;
    for scope in ["scim", "api://scimgate/.default", "users groups"] {
        let mut pairs = client.pairs();
        pairs.push(("scope", scope));
        let given = client.send(form(&client.endpoint(), &pairs)).await;
        assert_eq!(given.status, 200, "{given}");
        assert_eq!(given.json()["scope"], scope);
    }
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_reaches_its_own_tenant_by_both_forms_of_url_and_no_other() {
    let gateway = TestGateway::start().await;
    let admitted = Client::of(&gateway, "a").await.admitted().await;
    let theirs = gateway.b.base.clone();
    for (base, status) in [
        ("/scim/v2", 200),
        ("/t/a/scim/v2", 200),
        (theirs.as_str(), 401),
        ("/t/A/scim/v2", 401),
        ("/t/%61/scim/v2", 401),
        ("/t//scim/v2", 401),
        ("/t/a.b/scim/v2", 401),
        ("/t/a/../b/scim/v2", 404),
        ("/t/b/../a/scim/v2", 404),
    ] {
        let mut tenant = admitted.clone();
        tenant.base = base.to_owned();
        let answer = tenant.get("/Users").await;
        assert_eq!(answer.status, status, "{base}: {answer}");
    }
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_secret_takes_its_access_tokens_along_within_a_second() {
    let gateway = TestGateway::start().await;
    let (client, other) = (
        Client::of(&gateway, "a").await,
        Client::of(&gateway, "a").await,
    );
    let (ends, stays) = (client.admitted().await, other.admitted().await);
    assert_eq!(ends.get("/Users").await.status, 200);
    client.revoke(&gateway).await;
    is_refused(&client.ask().await, 401, "invalid_client");
    let revoked = Instant::now();
    while ends.get("/Users").await.status != 401 {
        assert!(revoked.elapsed() < Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let refused = ends.get("/Users").await;
    assert!(
        refused.header("www-authenticate").contains("invalid_token"),
        "{refused}"
    );
    assert_eq!(stays.get("/Users").await.status, 200);
    gateway.end().await;
}

/// What Entra has been given: a client's secret, or a token of the tenant in its place.
#[derive(Clone)]
struct Given {
    client: Client,
    is_token: bool,
}

impl Given {
    async fn of(gateway: &TestGateway, is_token: bool) -> Self {
        let client = match is_token {
            false => Client::of(gateway, "a").await,
            true => {
                let id = TenantId::parse("a").unwrap();
                let token = gateway.tokens.issue(id, None).await.unwrap();
                Client {
                    tenant: gateway.a.clone(),
                    id: "a".to_owned(),
                    secret: token.reveal().to_owned(),
                    key: token.key_id().to_string(),
                }
            }
        };
        Self { client, is_token }
    }

    async fn admitted(&self) -> Tenant {
        match self.is_token {
            false => self.client.admitted().await,
            true => self.client.with(&self.client.secret),
        }
    }
}

/// Four senders go on while ten secrets take turns.
async fn take_turns(is_token: bool) {
    let gateway = TestGateway::start().await;
    let first = Given::of(&gateway, is_token).await;
    let (told, mut hear) = tokio::sync::watch::channel(first);
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let heard = told.subscribe();
        senders.spawn(async move {
            let mut sent = 0;
            while heard.has_changed().is_ok() {
                let given = heard.borrow().clone();
                let answer = given.admitted().await.get("/Users").await;
                assert_eq!(answer.status, 200, "{answer}");
                sent += 1;
            }
            sent
        });
    }
    for _ in 0..10 {
        let next = Given::of(&gateway, is_token).await;
        let last = told.send_replace(next);
        // Until whoever had the old one has used it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        last.client.revoke(&gateway).await;
    }
    hear.borrow_and_update();
    drop(told);
    let sent: usize = senders.join_all().await.into_iter().sum();
    assert!(sent > 20, "{sent} requests");
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_take_turns_under_load_and_no_request_is_refused() {
    take_turns(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_take_turns_under_load_and_no_request_is_refused() {
    take_turns(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_leads_to_the_endpoints_and_tells_nothing_of_tenants() {
    let gateway = TestGateway::start().await;
    let client = Client::of(&gateway, "a").await;
    let origin = format!("http://{}", gateway.a.address);
    let published = "/.well-known/oauth-authorization-server";
    for (issuer, below) in [
        ("", "/scim/v2"),
        ("/scim/v2", "/scim/v2"),
        ("/t/a/scim/v2", "/t/a/scim/v2"),
        ("/t/nobody/scim/v2", "/t/nobody/scim/v2"),
    ] {
        let path = format!("{published}{issuer}");
        let told = client.send(Request::new("GET", &path)).await;
        assert_eq!(told.status, 200, "{told}");
        let told = told.json();
        let endpoint = format!("{origin}{below}/oauth2/token");
        assert_eq!(told["issuer"], format!("{origin}{issuer}"));
        assert_eq!(told["token_endpoint"], endpoint);
        assert_eq!(told["grant_types_supported"], json!(["client_credentials"]));
    }
    for (method, path, status) in [
        ("POST", published, 405),
        ("GET", "/.well-known/oauth-authorization-server/x", 404),
        ("GET", "/.well-known/openid-configuration", 404),
    ] {
        let answer = client.send(Request::new(method, path)).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer}");
    }
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_guesses_is_slowed_down_and_a_good_client_is_not() {
    let gateway = TestGateway::start().await;
    let client = Client::of(&gateway, "a").await;
    let wrong = Client {
        secret: client.secret.replace("scs_", "scs-"),
        ..client.clone()
    };
    let mut answers = Vec::new();
    for _ in 0..150 {
        answers.push(wrong.ask().await);
    }
    let slowed = answers.iter().filter(|answer| answer.status == 429);
    let slowed: Vec<_> = slowed.collect();
    assert!(slowed.len() >= 20, "{}", slowed.len());
    is_refused(slowed[0], 429, "temporarily_unavailable");
    assert!(slowed[0].retry_after().is_some());
    assert_eq!(client.ask().await.status, 200);
    gateway.end().await;
}
