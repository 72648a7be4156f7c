//! The token endpoint (RFC 6749 §3.2) and what is published about it (RFC 8414).
//!
//! Whoever asks here has no token yet, so that its body is read before anybody is known: a form
//! of 16 KiB at most. What goes wrong is answered as RFC 6749 §5.2 has it.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, PRAGMA};
use hyper::{Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::authenticate::ours;
use super::body::AnswerBody;
use super::decode::read;
use super::edge::{HttpRequest, HttpResponse};
use super::handle::Front;
use super::rescue::Rejection;
use super::route::{Endpoint, Route};
use super::standing::Standing;
use crate::adapter::keys::TenantId;
use crate::tenant::oauth::{Claim, Proof, TOKEN_PATH};
use crate::tenant::token::AuthFault;

/// Bytes of a form; below what a body may weigh without being counted.
const FORM_BYTES: usize = 16 * 1024;
/// Parameters of a form, also those that nobody knows.
const PARAMETERS: usize = 32;
/// Bytes of a scope.
const SCOPE_BYTES: usize = 1024;
/// What a client may do that does not ask for less: all that SCIM has, in its own tenant.
const SCOPE: &str = "scim";
/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Why a client gets no token (RFC 6749 §5.2).
#[derive(Clone, Debug)]
pub(super) enum Refused {
    /// The request is not one.
    Request(&'static str),
    /// Nobody shows himself, or nobody of ours; the reason is for our log.
    Client(String),
    /// It is another grant than that of clients.
    GrantType,
    /// The scope has not the form of one.
    Scope,
    /// The keys that an assertion is checked with cannot be had.
    Later,
}

impl Refused {
    /// Status, error code and a text for whoever set the client up.
    pub(super) fn told(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Request(detail) => (400, "invalid_request", detail),
            Self::Client(_) => (
                401,
                "invalid_client",
                "The client is not accepted. Enter client id and secret again as they were given out, and this tenant's own token endpoint. Of an assertion, compare its claims with the tenant's file.",
            ),
            Self::GrantType => (
                400,
                "unsupported_grant_type",
                "The grant type must be client_credentials.",
            ),
            Self::Scope => (
                400,
                "invalid_scope",
                "A scope is made of words of visible ASCII characters, 1024 in all. It may be left out.",
            ),
            Self::Later => (
                503,
                "temporarily_unavailable",
                "The keys of the identity provider cannot be fetched now. Ask again in five minutes.",
            ),
        }
    }
}

impl From<Refused> for Rejection {
    fn from(refused: Refused) -> Self {
        Self::Token(refused)
    }
}

/// Answers a request to `endpoint`.
pub(super) async fn answer(
    front: &Front,
    request: HttpRequest,
    endpoint: Endpoint<'_>,
    standing: &Standing,
) -> Result<HttpResponse, Rejection> {
    match endpoint {
        Endpoint::Metadata(issuer) => metadata(front, &request, issuer),
        Endpoint::Token(route) => {
            let answer = token(front, request, route).await;
            if answer.is_ok() {
                standing.admit();
            }
            answer.map_err(|rejection| front.refused(rejection, standing))
        }
    }
}

async fn token(
    front: &Front,
    request: HttpRequest,
    route: Route<'_>,
) -> Result<HttpResponse, Rejection> {
    let (head, body) = request.into_parts();
    if head.method != Method::POST {
        return Err(Rejection::MethodNotAllowed { allow: "POST" });
    }
    if head.uri.query().is_some() {
        let detail = "Send the parameters as the body, not in the URL.";
        return Err(Refused::Request(detail).into());
    }
    require_form(&head.headers)?;
    let mut weight = front.gates.unauthenticated();
    // No form is so long that it waits for a tenant's turn.
    let body = read(body, (FORM_BYTES, ""), &front.limits, &mut weight, "").await?;
    let form = Form::read(&body)?;
    form.require_grant()?;
    let scope = form.scope()?;
    let basic = Basic::read(&head.headers)?;
    let claim = form.claim(basic.as_ref(), route.tenant)?;
    let granted = front.application.grant(&claim).await;
    let (admission, granted) = granted.map_err(|fault| refusal_of(fault, &claim))?;
    let _turn = front.gates.admit(admission.tenant())?;
    tracing::Span::current().record("tenant", admission.tenant().as_str());
    // All scopes mean the same here, so that the one asked for is the one that is given.
    Ok(private(
        StatusCode::OK,
        &json!({
            "access_token": granted.token.expose_secret(),
            "token_type": "Bearer",
            "expires_in": granted.life.as_secs(),
            "scope": scope,
        }),
    ))
}

fn require_form(headers: &HeaderMap) -> Result<(), Refused> {
    let value = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let media_type = value.and_then(|value| value.split(';').next());
    let is_form = media_type.is_some_and(|it| {
        it.trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    match is_form {
        true => Ok(()),
        false => Err(Refused::Request(
            "Send the body as application/x-www-form-urlencoded.",
        )),
    }
}

/// The parameters of a request, each there once and not empty (RFC 6749 §3.2).
struct Form<'b>(HashMap<Cow<'b, str>, Cow<'b, str>>);

impl<'b> Form<'b> {
    fn read(body: &'b [u8]) -> Result<Self, Refused> {
        let mut form = HashMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            if form.insert(name, value).is_some() {
                let detail = "A parameter that may stand once stands twice.";
                return Err(Refused::Request(detail));
            }
            if form.len() > PARAMETERS {
                return Err(Refused::Request("There are more than 32 parameters."));
            }
        }
        form.retain(|_, value| !value.is_empty());
        Ok(Self(form))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(AsRef::as_ref)
    }

    fn require_grant(&self) -> Result<(), Refused> {
        match self.get("grant_type") {
            Some("client_credentials") => Ok(()),
            Some(_) => Err(Refused::GrantType),
            None => Err(Refused::Request("The parameter grant_type is missing.")),
        }
    }

    /// RFC 6749 §3.3.
    fn scope(&self) -> Result<&str, Refused> {
        let scope = self.get("scope").unwrap_or(SCOPE);
        let fits = |c: u8| matches!(c, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
        let is_scope = scope.len() <= SCOPE_BYTES && scope.bytes().all(fits);
        is_scope.then_some(scope).ok_or(Refused::Scope)
    }

    /// RFC 7521 §4.2.
    fn assertion(&self) -> Result<Option<&str>, Refused> {
        let assertion = self.get("client_assertion");
        match (assertion, self.get("client_assertion_type")) {
            (Some(assertion), Some(ASSERTION_TYPE)) => Ok(Some(assertion)),
            (None, None) => Ok(None),
            _ => Err(Refused::Request(
                "An assertion needs client_assertion and the client_assertion_type of RFC 7523.",
            )),
        }
    }

    /// Who the client says it is, and what it shows for it; in one way only (RFC 6749 §2.3).
    fn claim<'a>(
        &'a self,
        basic: Option<&'a Basic>,
        path: Option<&'a str>,
    ) -> Result<Claim<'a>, Refused> {
        let named = self.get("client_id");
        let shown = (basic, self.get("client_secret"), self.assertion()?);
        let (client_id, proof) = match shown {
            (Some(basic), None, None) => (Some(basic.id.as_str()), Proof::Secret(&basic.secret)),
            (None, Some(secret), None) => (named, Proof::Secret(secret)),
            // RFC 7523 §3 has no need of a client id; the path may name the client.
            (None, None, Some(assertion)) => (named.or(path), Proof::Assertion(assertion)),
            (None, None, None) => {
                return Err(Refused::Client("no client credentials".to_owned()));
            }
            _ => {
                let detail = "Show the client in one way: header, secret or assertion.";
                return Err(Refused::Request(detail));
            }
        };
        if named.is_some() && named != client_id {
            let detail = "The client_id of the body is another than that of the header.";
            return Err(Refused::Request(detail));
        }
        let Some(client_id) = client_id else {
            return Err(Refused::Request("The parameter client_id is missing."));
        };
        if path.is_some_and(|path| path != client_id) {
            let reason = "the client is another than the path names";
            return Err(Refused::Client(reason.to_owned()));
        }
        Ok(Claim { client_id, proof })
    }
}

/// The reason goes to the log with the client's name, unless that is no name: it may be a secret
/// in the wrong field.
fn refusal_of(fault: AuthFault, claim: &Claim<'_>) -> Rejection {
    if fault == AuthFault::KeysUnavailable {
        return Refused::Later.into();
    }
    let client = TenantId::parse(claim.client_id);
    let client = client.map_or_else(String::new, |id| format!("client {id}: "));
    ours(fault).unwrap_or_else(|| Refused::Client(format!("{client}{fault}")).into())
}

/// Client id and secret of the header. RFC 6749 §2.3.1 has them quoted as in a form first, which
/// changes no id and no secret of ours.
struct Basic {
    id: String,
    secret: String,
}

impl Basic {
    /// `None` where there is no `Authorization`.
    fn read(headers: &HeaderMap) -> Result<Option<Self>, Refused> {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Ok(None);
        };
        let read = || {
            let (scheme, pair) = value.to_str().ok()?.split_once(' ')?;
            let pair = BASE64_STANDARD.decode(pair.trim()).ok()?;
            let pair = String::from_utf8(pair).ok()?;
            let (id, secret) = pair.split_once(':')?;
            scheme.eq_ignore_ascii_case("basic").then(|| Self {
                id: id.to_owned(),
                secret: secret.to_owned(),
            })
        };
        let refused = || Refused::Client("the Authorization header is not Basic".to_owned());
        read().map(Some).ok_or_else(refused)
    }
}

/// RFC 8414 §2. It follows from the path alone, and so tells nothing of tenants.
fn metadata(
    front: &Front,
    request: &HttpRequest,
    issuer: Option<Route<'_>>,
) -> Result<HttpResponse, Rejection> {
    if request.method() != Method::GET {
        return Err(Rejection::MethodNotAllowed { allow: "GET" });
    }
    let origin = front.origin(request);
    let base = issuer.map_or("", |route| route.base);
    let below = issuer.map_or(Route::SHARED, |route| route.base);
    Ok(private(
        StatusCode::OK,
        &json!({
            "issuer": format!("{origin}{base}"),
            "token_endpoint": format!("{origin}{below}{TOKEN_PATH}"),
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": [SCOPE],
            "token_endpoint_auth_methods_supported":
                ["client_secret_basic", "client_secret_post", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        }),
    ))
}

/// The answer to a client that gets nothing (RFC 6749 §5.2); of what is no fault of its own, with
/// the codes of §4.1.2.1, as there are no others.
pub(super) fn refusal(status: u16, code: Option<&str>, detail: &str) -> HttpResponse {
    let code = code.unwrap_or(match status {
        429 | 503 => "temporarily_unavailable",
        500.. => "server_error",
        _ => "invalid_request",
    });
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    private(
        status,
        &json!({ "error": code, "error_description": detail }),
    )
}

/// An answer that nobody may keep (RFC 6749 §5.1).
fn private(status: StatusCode, body: &Value) -> HttpResponse {
    let mut http = HttpResponse::new(AnswerBody::new(body.to_string()));
    *http.status_mut() = status;
    let headers = http.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    http
}
