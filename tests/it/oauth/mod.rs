//! OAuth 2.0 in front, as an identity provider uses it, and as whoever should get no token does.

pub(crate) mod entra_tokens;
pub(crate) mod federation;
pub(crate) mod hostile;
pub(crate) mod issuer;
mod rollover;
mod secrets;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use scimgate::adapter::keys::TenantId;
use scimgate::tenant::token::KeyId;
use serde_json::Value;

use crate::harness::{Request, Response, Tenant, TestGateway};

const FORM: &str = "application/x-www-form-urlencoded";

/// The client of a tenant, as an identity provider has it.
#[derive(Clone)]
pub(crate) struct Client {
    /// With a token that is none.
    tenant: Tenant,
    pub(crate) id: String,
    pub(crate) secret: String,
    key: String,
}

impl Client {
    /// Of tenant `name`, with a secret of its own.
    pub(crate) async fn of(gateway: &TestGateway, name: &str) -> Self {
        let id = TenantId::parse(name).unwrap();
        let minted = gateway.tokens.issue_secret(id, None).await.unwrap().0;
        Self {
            tenant: Tenant::at(gateway.a.address, &format!("/t/{name}/scim/v2"), ""),
            id: name.to_owned(),
            secret: minted.reveal().to_owned(),
            key: minted.key_id().to_string(),
        }
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        vec![
            ("grant_type", "client_credentials"),
            ("client_id", &self.id),
            ("client_secret", &self.secret),
        ]
    }

    async fn send(&self, request: Request) -> Response {
        self.tenant.send(request).await
    }

    /// `client_secret_post` at the tenant's own endpoint.
    pub(crate) async fn ask(&self) -> Response {
        let request = form(&self.endpoint(), &self.pairs());
        self.send(request).await
    }

    /// Revokes its secret.
    pub(crate) async fn revoke(&self, gateway: &TestGateway) {
        let tenant = TenantId::parse(&self.id).unwrap();
        let key = KeyId::parse(&self.key).unwrap();
        assert!(gateway.tokens.revoke(&tenant, &key).await.unwrap());
    }

    fn endpoint(&self) -> String {
        format!("{}/oauth2/token", self.tenant.base)
    }

    /// The tenant, with an access token.
    pub(crate) async fn admitted(&self) -> Tenant {
        let given = self.ask().await;
        assert_eq!(given.status, 200, "{given}");
        self.with(given.json()["access_token"].as_str().unwrap())
    }

    fn with(&self, token: &str) -> Tenant {
        Tenant {
            token: token.to_owned(),
            ..self.tenant.clone()
        }
    }
}

/// A POST of a form.
pub(crate) fn form(path: &str, pairs: &[(&str, &str)]) -> Request {
    let mut written = url::form_urlencoded::Serializer::new(String::new());
    written.extend_pairs(pairs);
    raw(path, written.finish())
}

/// A POST of what may be a form.
fn raw(path: &str, body: impl Into<Vec<u8>>) -> Request {
    Request::new("POST", path)
        .body(body)
        .header("Content-Type", FORM)
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

/// Asserts that nobody keeps this answer and that it is RFC 6749's.
#[track_caller]
fn is_private(response: &Response) {
    assert_eq!(response.header("cache-control"), "no-store", "{response}");
    assert_eq!(response.header("pragma"), "no-cache", "{response}");
    assert_eq!(
        response.header("content-type"),
        "application/json",
        "{response}"
    );
}

/// Asserts RFC 6749 §5.2's error of that status and code.
#[track_caller]
fn is_refused(response: &Response, status: u16, code: &str) -> Value {
    assert_eq!(response.status, status, "{response}");
    is_private(response);
    let body = response.json();
    assert_eq!(body["error"], code, "{response}");
    let text = body["error_description"].as_str().unwrap();
    let fits = |byte: u8| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
    assert!(!text.is_empty() && text.bytes().all(fits), "{response}");
    assert!(body.get("access_token").is_none(), "{response}");
    body
}
