//! Whoever should get no token, and whose token should open nothing: one table of requests for
//! each door. Each is refused as the RFC has it, nothing is fetched or asked of the vendor for
//! it, and all who are refused for the same reason are told the same, whoever else exists.

mod forms;
mod signed;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use scimgate::adapter::keys::TenantId;
use scimgate::tenant::oauth::{Clients, Generation};
use scimgate::tenant::token::{KeyId, Pepper, SecretToken, TokenBook as _, TokenKind, TokenRecord};
use secrecy::ExposeSecret as _;

use super::federation::{TYPE, claims, federated, header, now, request};
use super::issuer::{Issuer, Key};
use super::{Client, basic, form, is_refused, raw};
use crate::harness::{Request, TestGateway};
use forms::{malformed, odd_headers, other_grants};
use signed::assertions;

const SHARED: &str = "/scim/v2/oauth2/token";
const OWN: &str = "/t/a/scim/v2/oauth2/token";

/// A row: what is tried, the request, and the answer.
struct Case {
    name: &'static str,
    request: Request,
    status: u16,
    error: &'static str,
}

fn case(name: &'static str, request: Request, status: u16, error: &'static str) -> Case {
    Case {
        name,
        request,
        status,
        error,
    }
}

/// Sends each row on a connection of its own and gives how many were refused.
async fn refuse_all(gateway: &TestGateway, cases: Vec<Case>) -> usize {
    let client = Client::of(gateway, "b").await;
    let asked = gateway.vendor.state().to_string();
    let mut strangers = BTreeSet::new();
    let mut names = BTreeSet::new();
    for case in &cases {
        let answer = client.send(case.request.clone()).await;
        let body = is_refused(&answer, case.status, case.error);
        if case.error == "invalid_client" {
            assert_eq!(
                answer.header("www-authenticate"),
                "Basic realm=\"scimgate\""
            );
            strangers.insert(body.to_string());
        }
        assert!(names.insert(case.name), "{} stands twice", case.name);
    }
    assert_eq!(
        strangers.len(),
        1,
        "strangers hear different things: {strangers:?}"
    );
    assert_eq!(
        gateway.vendor.state().to_string(),
        asked,
        "the vendor was asked"
    );
    assert_eq!(client.ask().await.status, 200, "the good client is served");
    cases.len()
}

/// A secret whose time is over, as the store has it.
pub(crate) async fn expired(gateway: &TestGateway) -> String {
    let pepper = Pepper::open(&gateway.pepper()).unwrap();
    let secret = SecretToken::mint(TokenKind::ClientSecret).unwrap();
    let at = |second| Timestamp::from_second(now() + second).unwrap();
    let tenant = TenantId::parse("a").unwrap();
    let record = TokenRecord::new(&secret, &pepper, tenant, at(-9), Some(at(-1)));
    gateway.store.insert(record).await.unwrap().unwrap();
    secret.reveal().to_owned()
}

async fn revoked(gateway: &TestGateway) -> Client {
    let client = Client::of(gateway, "a").await;
    client.revoke(gateway).await;
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_without_a_good_secret_get_no_token() {
    let gateway = TestGateway::start().await;
    let (a, b) = (
        Client::of(&gateway, "a").await,
        Client::of(&gateway, "b").await,
    );
    let (old, late) = (revoked(&gateway).await, expired(&gateway).await);
    let admitted = a.admitted().await;
    let mut cases = malformed(&a);
    cases.extend(other_grants(&a));
    let strangers = [
        (
            "a wrong secret",
            "a",
            SecretToken::mint(TokenKind::ClientSecret)
                .unwrap()
                .reveal()
                .to_owned(),
        ),
        ("a mistyped secret", "a", mistyped(&a.secret)),
        ("a cut secret", "a", a.secret[..61].to_owned()),
        ("a longer secret", "a", format!("{}0", a.secret)),
        ("a secret with a space", "a", format!("{} ", a.secret)),
        ("a secret in capitals", "a", a.secret.to_uppercase()),
        ("a revoked secret", "a", old.secret.clone()),
        ("an expired secret", "a", late),
        ("a bearer token", "a", gateway.a.token.clone()),
        ("an access token", "a", admitted.token.clone()),
        (
            "an administrator's token",
            "a",
            SecretToken::mint(TokenKind::Admin)
                .unwrap()
                .reveal()
                .to_owned(),
        ),
        (
            "a secret under a token's prefix",
            "a",
            a.secret.replace("scs_", "scg_"),
        ),
        ("another client's secret", "a", b.secret.clone()),
        ("another client's id", "b", a.secret.clone()),
        ("nobody's id", "nobody", a.secret.clone()),
        ("an id in capitals", "A", a.secret.clone()),
        ("an id with a space", "a ", a.secret.clone()),
        ("an id with a zero byte", "a\0b", a.secret.clone()),
        ("an id with a path", "../a", a.secret.clone()),
        (
            "an id of 4 KiB",
            &*"a".repeat(4096).leak(),
            a.secret.clone(),
        ),
        (
            "the key id for an id",
            &*a.key.clone().leak(),
            a.secret.clone(),
        ),
        ("a secret of 8 KiB", "a", "s".repeat(8192)),
        ("SQL for a secret", "a", "' OR '1'='1".to_owned()),
        ("a wild card", "%", a.secret.clone()),
    ];
    for (name, id, secret) in strangers {
        let pairs = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", &secret),
        ];
        cases.push(case(name, form(SHARED, &pairs), 401, "invalid_client"));
    }
    for (name, path) in [
        ("another tenant's endpoint", "/t/b/scim/v2/oauth2/token"),
        ("nobody's endpoint", "/t/nobody/scim/v2/oauth2/token"),
        ("an endpoint without a tenant", "/t//scim/v2/oauth2/token"),
        (
            "an endpoint in percent signs",
            "/t/%61/scim/v2/oauth2/token",
        ),
    ] {
        cases.push(case(name, form(path, &a.pairs()), 401, "invalid_client"));
    }
    cases.extend(odd_headers(&a, &gateway.a.token));
    let tried = refuse_all(&gateway, cases).await;
    assert!(tried >= 60, "{tried}");
    gateway.log_never_says([&a.secret, &b.secret, &old.secret]);
    gateway.end().await;
}

fn mistyped(secret: &str) -> String {
    let wrong = if secret.contains("_a") { 'b' } else { 'a' };
    format!("{}{wrong}{}", &secret[..13], &secret[14..])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assertions_that_entra_would_not_make_get_no_token() {
    let (key, other) = (Key::number(0), Key::number(1));
    let issuer = Issuer::start(&[&key]).await;
    let tables = assertions(&key, &other, &issuer);
    let tried = tables.len();
    assert!(tried >= 80, "{tried}");
    // A network is told so often that it is not accepted; then it is told to wait.
    for part in tables.chunks(60) {
        let gateway = federated(&issuer).await;
        let before = issuer.fetches();
        let cases = part.iter().map(|(name, assertion)| {
            case(name, request(SHARED, "a", assertion), 401, "invalid_client")
        });
        refuse_all(&gateway, cases.collect()).await;
        let good = key.sign(&header(&key), &claims());
        let client = Client::of(&gateway, "a").await;
        assert_eq!(client.send(request(SHARED, "a", &good)).await.status, 200);
        assert!(issuer.fetches() - before <= 1, "keys are fetched once");
        gateway.log_never_says(
            part.iter()
                .map(|(_, text)| text)
                .filter(|text| text.len() > 40),
        );
        gateway.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_assertion_in_a_bad_request_gets_no_token() {
    let key = Key::number(0);
    let issuer = Issuer::start(&[&key]).await;
    let gateway = federated(&issuer).await;
    let a = Client::of(&gateway, "a").await;
    let good = key.sign(&header(&key), &claims());
    let grant = ("grant_type", "client_credentials");
    let (kind, shown) = (
        ("client_assertion_type", TYPE),
        ("client_assertion", good.as_str()),
    );
    let saml = (
        "client_assertion_type",
        "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
    );
    let (id, secret) = (("client_id", "a"), ("client_secret", a.secret.as_str()));
    let header = basic("a", &a.secret);
    let large = format!("{good}.{}", "x".repeat(1 << 20));
    let jwt = ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (bad, who) = ("invalid_request", "invalid_client");
    let cases = vec![
        case(
            "an assertion of no type",
            form(SHARED, &[grant, id, shown]),
            400,
            bad,
        ),
        case(
            "a type without an assertion",
            form(SHARED, &[grant, id, kind]),
            400,
            bad,
        ),
        case(
            "an empty assertion",
            form(SHARED, &[grant, id, kind, ("client_assertion", "")]),
            400,
            bad,
        ),
        case(
            "an assertion as SAML",
            form(SHARED, &[grant, id, saml, shown]),
            400,
            bad,
        ),
        case(
            "two assertions",
            form(SHARED, &[grant, id, kind, shown, shown]),
            400,
            bad,
        ),
        case(
            "assertion and secret",
            form(SHARED, &[grant, id, kind, shown, secret]),
            400,
            bad,
        ),
        case(
            "assertion and header",
            form(SHARED, &[grant, id, kind, shown]).header("Authorization", &header),
            400,
            bad,
        ),
        case(
            "an assertion of nobody",
            form(SHARED, &[grant, kind, shown]),
            400,
            bad,
        ),
        case(
            "an assertion of 1 MB",
            request(SHARED, "a", &large),
            413,
            bad,
        ),
        case(
            "the grant of RFC 7523",
            form(SHARED, &[jwt, ("assertion", &good)]),
            400,
            "unsupported_grant_type",
        ),
        case("for another client", request(SHARED, "b", &good), 401, who),
        case("for nobody", request(SHARED, "nobody", &good), 401, who),
        case(
            "at another tenant's endpoint",
            request("/t/b/scim/v2/oauth2/token", "a", &good),
            401,
            who,
        ),
        case(
            "another client at its own endpoint",
            request("/t/b/scim/v2/oauth2/token", "b", &good),
            401,
            who,
        ),
        case(
            "for a client in capitals",
            request(SHARED, "A", &good),
            401,
            who,
        ),
    ];
    refuse_all(&gateway, cases).await;
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_access_token_of_the_tenant_opens_nothing() {
    let gateway = TestGateway::start().await;
    let elsewhere = TestGateway::start().await;
    let a = Client::of(&gateway, "a").await;
    let token = a.admitted().await.token;
    let foreign = Client::of(&elsewhere, "a").await.admitted().await.token;
    let at_once = Clients::new(gateway.tokens.clone(), Duration::ZERO);
    let key = KeyId::parse(&a.key).unwrap();
    let ended = at_once.grant(
        TenantId::parse("a").unwrap(),
        Generation::Secret(key.clone()),
    );
    let lasting = Clients::new(gateway.tokens.clone(), Duration::from_secs(3600));
    let federated = lasting.grant(
        TenantId::parse("a").unwrap(),
        Generation::Federation(key.clone()),
    );
    let gone = lasting.grant(TenantId::parse("gone").unwrap(), Generation::Secret(key));
    let issuer = Key::number(0);
    let parts: Vec<&str> = token.split('.').collect();
    let rows = [
        ("a client secret", a.secret.clone()),
        ("an assertion", issuer.sign(&header(&issuer), &claims())),
        ("of another gateway", foreign),
        ("past its end", ended.token.expose_secret().to_owned()),
        (
            "of a tenant without federation",
            federated.token.expose_secret().to_owned(),
        ),
        (
            "of a tenant that is gone",
            gone.token.expose_secret().to_owned(),
        ),
        ("for another tenant", token.replacen("sco_a.", "sco_b.", 1)),
        ("for longer", token.replacen(parts[1], "9999999999", 1)),
        (
            "of another secret",
            token.replacen(parts[2], "s00000000", 1),
        ),
        ("of federation", token.replacen(".s", ".f", 1)),
        ("cut", token[..token.len() - 1].to_owned()),
        ("longer", format!("{token}0")),
        ("with a dot", format!("{token}.")),
        (
            "without a proof",
            format!("{}.{}.{}.", parts[0], parts[1], parts[2]),
        ),
        ("under another prefix", token.replacen("sco_", "scg_", 1)),
        ("in capitals", token.to_uppercase()),
        ("the prefix", "sco_".to_owned()),
        ("of 7 KiB", format!("sco_{}", "a".repeat(7 << 10))),
        ("twice in a line", format!("{token}, {token}")),
    ];
    let tenant = a.with(&token);
    for (name, shown) in &rows {
        let refused = a.with(shown).get("/Users").await;
        assert_eq!(refused.status, 401, "{name}: {refused}");
        let challenge = refused.header("www-authenticate");
        assert!(challenge.contains("invalid_token"), "{name}: {refused}");
        assert_eq!(refused.header("content-type"), "application/scim+json");
    }
    let good = tenant.request("GET", "/Users");
    let mut twice = good.clone();
    twice
        .headers
        .push(("Authorization".to_owned(), format!("Bearer {token}")));
    let in_query = Request::new(
        "GET",
        &format!("{}/Users?access_token={token}", tenant.base),
    );
    let in_form = raw(
        &format!("{}/Users", tenant.base),
        format!("access_token={token}"),
    );
    for (name, request, status) in [
        ("two headers", twice, 400),
        ("in the URL", in_query, 401),
        ("in a form", in_form, 401),
        (
            "as Basic",
            good.clone().header("Authorization", &basic("a", &token)),
            401,
        ),
        (
            "without a scheme",
            good.clone().header("Authorization", &token),
            401,
        ),
    ] {
        assert_eq!(tenant.send(request).await.status, status, "{name}");
    }
    assert_eq!(tenant.get("/Users").await.status, 200);
    elsewhere.end().await;
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_assertion_is_no_access_token() {
    let key = Key::number(0);
    let issuer = Issuer::start(&[&key]).await;
    let gateway = federated(&issuer).await;
    let a = Client::of(&gateway, "a").await;
    let good = key.sign(&header(&key), &claims());
    let refused = a.with(&good).get("/Users").await;
    assert_eq!(refused.status, 401, "{refused}");
    assert_eq!(issuer.fetches(), 0);
    assert_eq!(a.send(request(SHARED, "a", &good)).await.status, 200);
    gateway.end().await;
}
