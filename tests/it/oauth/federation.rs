//! Clients with an assertion of their identity provider: what Entra does with workload identity
//! federation.

use serde_json::{Value, json};

use super::issuer::{Issuer, Key};
use super::{form, is_refused};
use crate::harness::{Options, Request, Tenant, TestGateway, person};

pub(crate) const ENTRA: [&str; 2] = [
    "aaaa1111-2222-4333-8444-555566667777",
    "bbbb1111-2222-4333-8444-555566667777",
];
pub(crate) const SUBJECTS: [&str; 2] = [
    "aaaa0000-1111-4222-8333-444455556666",
    "bbbb0000-1111-4222-8333-444455556666",
];
pub(crate) const AUDIENCES: [&str; 2] =
    ["api://scimgate-a", "cccc0000-1111-4222-8333-444455556666"];
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A gateway whose two tenants trust the same place, each another customer of it.
pub(super) async fn federated(issuer: &Issuer) -> TestGateway {
    let sections = [0, 1].map(|place| {
        format!(
            "[federation]\nentra_tenant = \"{}\"\nsubject = \"{}\"\naudiences = {:?}\nkeys_url = \"{}\"\n",
            ENTRA[place], SUBJECTS[place], AUDIENCES, issuer.keys_url
        )
    });
    TestGateway::start_with(Options {
        sections,
        ..Options::default()
    })
    .await
}

pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// What Entra says of tenant a's client.
pub(super) fn claims() -> Value {
    json!({
        "iss": format!("https://login.microsoftonline.com/{}/v2.0", ENTRA[0]),
        "tid": ENTRA[0],
        "sub": SUBJECTS[0],
        "oid": SUBJECTS[0],
        "aud": AUDIENCES[0],
        "ver": "2.0",
        "iat": now(),
        "nbf": now(),
        "exp": now() + 3600,
    })
}

pub(crate) fn header(key: &Key) -> Value {
    json!({"alg": "RS256", "typ": "JWT", "kid": key.kid})
}

pub(crate) fn request(path: &str, client_id: &str, assertion: &str) -> Request {
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
        ("scope", "api://scimgate-a/.default"),
    ];
    form(path, &pairs)
}

fn anybody(gateway: &TestGateway) -> Tenant {
    Tenant::at(gateway.a.address, "/t/a/scim/v2", "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assertion_gives_access_to_its_own_tenant_and_is_in_no_log() {
    let key = Key::number(0);
    let issuer = Issuer::start(&[&key]).await;
    let gateway = federated(&issuer).await;
    let anybody = anybody(&gateway);
    for (place, audience) in AUDIENCES.iter().enumerate() {
        let mut claims = claims();
        claims["aud"] = json!(audience);
        let assertion = key.sign(&header(&key), &claims);
        let path = ["/scim/v2/oauth2/token", "/t/a/scim/v2/oauth2/token"][place];
        let given = anybody.send(request(path, "a", &assertion)).await;
        assert_eq!(given.status, 200, "{given}");
        let token = given.json()["access_token"].as_str().unwrap().to_owned();
        let admitted = Tenant {
            token: token.clone(),
            ..anybody.clone()
        };
        let id = admitted.make("/Users", &person()).await;
        assert_eq!(gateway.a.get(&format!("/Users/{id}")).await.status, 200);
        let elsewhere = Tenant {
            base: gateway.b.base.clone(),
            ..admitted
        };
        assert_eq!(elsewhere.get("/Users").await.status, 401);
        gateway.log_never_says([assertion, token]);
    }
    assert_eq!(issuer.fetches(), 1, "keys are kept");
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_its_path_names_need_not_name_itself() {
    let key = Key::number(0);
    let issuer = Issuer::start(&[&key]).await;
    let gateway = federated(&issuer).await;
    let assertion = key.sign(&header(&key), &claims());
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion.as_str()),
    ];
    let anybody = anybody(&gateway);
    let given = anybody
        .send(form("/t/a/scim/v2/oauth2/token", &pairs))
        .await;
    assert_eq!(given.status, 200, "{given}");
    let refused = anybody.send(form("/scim/v2/oauth2/token", &pairs)).await;
    is_refused(&refused, 400, "invalid_request");
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_cannot_be_had_are_no_fault_of_the_client() {
    let key = Key::number(0);
    let issuer = Issuer::start(&[&key]).await;
    issuer.set_down(true);
    let gateway = federated(&issuer).await;
    let assertion = key.sign(&header(&key), &claims());
    let request = request("/scim/v2/oauth2/token", "a", &assertion);
    for _ in 0..5 {
        let refused = anybody(&gateway).send(request.clone()).await;
        is_refused(&refused, 503, "temporarily_unavailable");
        assert_eq!(refused.retry_after(), Some(300));
    }
    assert_eq!(issuer.fetches(), 1, "one try in five minutes");
    assert!(gateway.logged().contains("cannot be fetched"));
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_differs_stands_in_the_log_and_not_in_the_answer() {
    let key = Key::number(0);
    let issuer = Issuer::start(&[&key]).await;
    let gateway = federated(&issuer).await;
    let mut answers = Vec::new();
    for (claim, value, told) in [
        ("iss", "https://sts.windows.net/x/", "federation.issuer"),
        ("tid", ENTRA[1], "federation.entra_tenant"),
        ("aud", "api://other", "federation.audiences"),
        ("sub", SUBJECTS[1], "federation.subject"),
    ] {
        let mut claims = claims();
        claims[claim] = json!(value);
        let assertion = key.sign(&header(&key), &claims);
        let request = request("/scim/v2/oauth2/token", "a", &assertion);
        let refused = anybody(&gateway).send(request).await;
        answers.push(is_refused(&refused, 401, "invalid_client"));
        let log = gateway.logged();
        assert!(
            log.contains(&format!("than {told}")) || log.contains(&format!("in {told}")),
            "{told}"
        );
        assert!(log.contains("client a: the assertion"), "{told}");
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(issuer.fetches(), 0, "for none of them a key is fetched");
    gateway.end().await;
}
