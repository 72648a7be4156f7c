//! The cases of the token endpoint and of tokens that Entra signs. Entra's part is an issuer of
//! our own with real keys.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::Case;
use super::hold::{Held, Played, same, that};
use super::world::World;
use crate::harness::Options;
use crate::oauth::federation::{AUDIENCES, ENTRA, SUBJECTS, header, now};
use crate::oauth::hostile::expired;
use crate::oauth::issuer::{Issuer, Key};
use crate::oauth::{Client, form};

/// Whether a case is about signing in, and so needs a client and an issuer.
pub(super) fn is_about(case: &Case) -> bool {
    let tells = |text: &str| text.contains("token_endpoint") || text.contains("{{jwt:");
    tells(&case.path) || case.headers.values().flatten().any(|value| tells(value))
}

/// Tenant A trusts the issuer in both ways that Entra signs, for its own Entra tenant alone.
pub(super) fn options(issuer: &Issuer) -> Options {
    let (entra, url) = (ENTRA[0], &issuer.keys_url);
    let a = format!(
        "[federation]\nentra_tenant = \"{entra}\"\nsubject = \"{}\"\naudiences = [\"{}\"]\nkeys_url = \"{url}\"\n\n[entra_tokens]\nentra_tenant = \"{entra}\"\nkeys_url = \"{url}\"\n",
        SUBJECTS[0], AUDIENCES[0],
    );
    Options {
        sections: [a, String::new()],
        ..Options::default()
    }
}

/// What the cases call the client, its secrets and the two Entra tenants.
pub(super) async fn variables(world: &World) -> Vec<(&'static str, String)> {
    let client = Client::of(&world.gateway, "a").await;
    vec![
        ("token_endpoint", "/oauth2/token".to_owned()),
        ("client_id", client.id),
        ("client_secret", client.secret),
        ("expired_secret", expired(&world.gateway).await),
        ("tidA", ENTRA[0].to_owned()),
        ("tidB", ENTRA[1].to_owned()),
        ("audA", AUDIENCES[0].to_owned()),
        ("subA", SUBJECTS[0].to_owned()),
    ]
}

/// `base64(NAME:NAME)` or `jwt:CLAIM=TEXT,CLAIM=TEXT`; `None` for what is neither.
pub(super) fn made(world: &World, text: &str) -> Option<Result<String, String>> {
    let names = text
        .strip_prefix("base64(")
        .and_then(|rest| rest.strip_suffix(')'));
    if let Some(names) = names {
        let values: Result<Vec<_>, _> = names.split(':').map(|name| world.value(name)).collect();
        return Some(values.map(|values| BASE64_STANDARD.encode(values.join(":"))));
    }
    text.strip_prefix("jwt:").map(|claims| jwt(world, claims))
}

/// Signed with the issuer's key. What a case does not say is as Entra has it: times of now, `tid`
/// as in `iss`, and somebody as `sub`.
fn jwt(world: &World, text: &str) -> Result<String, String> {
    let mut claims = Map::new();
    for claim in text.split(',') {
        let (name, value) = claim.split_once('=').ok_or("a claim without a value")?;
        claims.insert(name.to_owned(), world.braced(value)?.into());
    }
    let issuer = claims.get("iss").and_then(Value::as_str);
    let tid = issuer.and_then(|issuer| issuer.split('/').nth(3));
    let usual = json!({
        "tid": tid, "sub": SUBJECTS[0], "iat": now(), "nbf": now(), "exp": now() + 3600,
    });
    for (name, value) in usual.as_object().into_iter().flatten() {
        claims.entry(name.as_str()).or_insert_with(|| value.clone());
    }
    let key = Key::number(0);
    Ok(key.sign(&header(&key), &claims.into()))
}

impl Played {
    /// The token that was given opens tenant A.
    pub(super) async fn token_admits(&self, here: &Value) -> Held {
        let mut tenant = self.world.gateway.a.clone();
        tenant.token = here["access_token"].as_str().unwrap_or_default().to_owned();
        same(&tenant.get("/Users?count=1").await.status, &200, "status")
    }

    /// No token came, and another secret of the client gets one.
    pub(super) async fn other_secret_works(&self, here: &Value) -> Held {
        no_token(here)?;
        let pairs = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", self.world.value("client_id")?),
            ("client_secret", self.world.value("client_secret")?),
        ];
        let tenant = self.world.tenant();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        let path = format!("{}/oauth2/token", tenant.base);
        let given = tenant.send(form(&path, &pairs)).await;
        same(&given.status, &200, "status with the other secret")
    }

    /// The same token of tenant A's own Entra tenant is taken: it was refused for that alone.
    pub(super) async fn own_token_is_taken(&self) -> Held {
        let claims = "jwt:iss=https://sts.windows.net/{tidA}/,aud=8adf8e6e-67b2-4cf2-a259-e3dc5476c621,appid=00000014-0000-0000-c000-000000000000";
        let mut tenant = self.world.gateway.a.clone();
        tenant.token = self.world.expand(&format!("{{{{{claims}}}}}"))?;
        same(&tenant.get("/Users?count=1").await.status, &200, "status")
    }
}

pub(super) fn no_token(here: &Value) -> Held {
    let error = here["error"].as_str().unwrap_or_default();
    let is_refused = here["access_token"].is_null() && error == "invalid_client";
    that(is_refused, || format!("the error is `{error}`"))
}
