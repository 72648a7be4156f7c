//! Tokens that Entra makes itself when *Secret Token* is left empty.

use serde_json::{Value, json};

use super::federation::{ENTRA, claims as federated, header, now, request};
use super::is_refused;
use super::issuer::{Issuer, Key};
use crate::harness::{Options, Tenant, TestGateway, person};

/// The audience of all custom applications, of all customers.
const EVERYBODYS: &str = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";
const PROVISIONING: &str = "00000014-0000-0000-c000-000000000000";

/// Tenant a takes the tokens of its Entra tenant; b has another section, or none.
async fn gateway(issuer: &Issuer, b: &str) -> TestGateway {
    let a = format!(
        "[entra_tokens]\nentra_tenant = \"{}\"\nkeys_url = \"{}\"\n",
        ENTRA[0], issuer.keys_url
    );
    TestGateway::start_with(Options {
        sections: [a, b.to_owned()],
        ..Options::default()
    })
    .await
}

/// What Entra says in the token that it makes for the customer of this place.
pub(crate) fn claims(place: usize) -> Value {
    json!({
        "iss": format!("https://sts.windows.net/{}/", ENTRA[place]),
        "aud": EVERYBODYS,
        "tid": ENTRA[place],
        "appid": PROVISIONING,
        "oid": "dddd0000-1111-4222-8333-444455556666",
        "sub": "dddd0000-1111-4222-8333-444455556666",
        "ver": "1.0",
        "iat": now(),
        "nbf": now(),
        "exp": now() + 3600,
    })
}

fn with(gateway: &TestGateway, path: &str, token: &str) -> Tenant {
    Tenant::at(gateway.a.address, path, token)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_good_for_the_tenant_that_allows_them_and_for_no_other() {
    let key = Key::number(0);
    let issuer = Issuer::start(&[&key]).await;
    let gateway = gateway(&issuer, "").await;
    let token = key.sign(&header(&key), &claims(0));
    let id = with(&gateway, "/t/a/scim/v2", &token)
        .make("/Users", &person())
        .await;
    assert_eq!(gateway.a.get(&format!("/Users/{id}")).await.status, 200);
    assert_eq!(issuer.fetches(), 1);
    // Not switched on; no tenant; no tenant named: the token alone says none.
    for path in ["/t/b/scim/v2", "/t/nobody/scim/v2", "/scim/v2"] {
        let refused = with(&gateway, path, &token).get("/Users").await;
        assert_eq!(refused.status, 401, "{path}");
    }
    // Nor does it open the token endpoint.
    let refused = with(&gateway, "/t/a/scim/v2", "")
        .send(request("/t/a/scim/v2/oauth2/token", "a", &token))
        .await;
    is_refused(&refused, 401, "invalid_client");
    gateway.log_never_says([token]);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_customers_token_with_the_same_audience_opens_nothing() {
    let (key, other) = (Key::number(0), Key::number(1));
    let issuer = Issuer::start(&[&key]).await;
    let b = format!(
        "[federation]\nentra_tenant = \"{}\"\nsubject = \"s\"\naudiences = [\"{EVERYBODYS}\"]\nkeys_url = \"{}\"\n",
        ENTRA[1], issuer.keys_url
    );
    let gateway = gateway(&issuer, &b).await;
    let saying = |name: &str, value: Value| {
        let mut claims = claims(0);
        claims[name] = value;
        key.sign(&header(&key), &claims)
    };
    let without = |name: &str| {
        let mut claims = claims(0);
        claims.as_object_mut().unwrap().remove(name);
        key.sign(&header(&key), &claims)
    };
    let elsewhere = format!("https://sts.windows.net/{}/", ENTRA[1]);
    let unsigned = key.sign(&header(&key), &claims(0));
    let (said, _) = unsigned.rsplit_once('.').unwrap();
    for (name, token) in [
        ("another customer's", key.sign(&header(&key), &claims(1))),
        ("iss of another customer", saying("iss", json!(elsewhere))),
        ("tid of another customer", saying("tid", json!(ENTRA[1]))),
        ("no tid", without("tid")),
        ("another application", saying("appid", json!(ENTRA[0]))),
        ("no application", without("appid")),
        ("another audience", saying("aud", json!("api://other"))),
        ("no audience", without("aud")),
        ("past its end", saying("exp", json!(now() - 400))),
        ("before its time", saying("nbf", json!(now() + 400))),
        (
            "good for a month",
            saying("exp", json!(now() + 30 * 86_400)),
        ),
        ("another's signature", other.sign(&header(&key), &claims(0))),
        ("no signature", format!("{said}.")),
        ("alg none", {
            let none = json!({"alg": "none", "kid": key.kid});
            key.sign(&none, &claims(0))
        }),
        ("an assertion of federation", {
            key.sign(&header(&key), &federated())
        }),
    ] {
        for path in ["/t/a/scim/v2", "/t/b/scim/v2", "/scim/v2"] {
            let refused = with(&gateway, path, &token).get("/Users").await;
            assert_eq!(refused.status, 401, "{name} at {path}");
        }
    }
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_cannot_be_had_are_no_401() {
    let key = Key::number(0);
    let issuer = Issuer::start(&[&key]).await;
    issuer.set_down(true);
    let gateway = gateway(&issuer, "").await;
    let token = key.sign(&header(&key), &claims(0));
    let refused = with(&gateway, "/t/a/scim/v2", &token).get("/Users").await;
    assert_eq!(refused.status, 503, "{refused}");
    assert_eq!(refused.retry_after(), Some(300));
    gateway.end().await;
}
