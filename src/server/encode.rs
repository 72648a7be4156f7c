//! From a SCIM response to bytes.

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION};
use serde_json::Value;

use super::body::AnswerBody;
use super::edge::HttpResponse;
use crate::scim;

/// The one media type of every answer (RFC 7644 §8.1), whatever `Accept` says.
const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

/// Room for a user, so that writing one moves nothing.
const ENOUGH: usize = 2048;

/// Writes a response out: body, `Location` (RFC 7644 §3.3) and `ETag` (§3.14).
pub(super) fn encode(response: scim::Response) -> HttpResponse {
    let body = response.body.map(|body| match body {
        scim::Body::Tree(tree) => written(&tree),
        scim::Body::Text(text) => text.into(),
    });
    let mut http = of_bytes(response.status, body);
    set(&mut http, LOCATION, response.location.as_deref());
    set(&mut http, ETAG, response.version.as_deref());
    http
}

/// An answer of `status` with a JSON body or none.
pub(super) fn answer(status: u16, body: Option<&Value>) -> HttpResponse {
    of_bytes(status, body.map(written))
}

fn of_bytes(status: u16, body: Option<Bytes>) -> HttpResponse {
    let has_body = body.is_some();
    let mut http = HttpResponse::new(AnswerBody::new(body.unwrap_or_default()));
    *http.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if has_body {
        http.headers_mut().insert(CONTENT_TYPE, SCIM_JSON);
    }
    http
}

/// `Value`'s `Display` writes through a formatter, piece by piece: 2.5 times as slow.
fn written(body: &Value) -> Bytes {
    let mut bytes = Vec::with_capacity(ENOUGH);
    // A `Vec` takes all, and a `Value` has no key that is no text.
    let _ = serde_json::to_writer(&mut bytes, body);
    bytes.into()
}

/// A value that no header can hold is left out: the body says the same.
fn set(http: &mut HttpResponse, name: HeaderName, value: Option<&str>) {
    if let Some(value) = value.and_then(|text| HeaderValue::from_str(text).ok()) {
        http.headers_mut().insert(name, value);
    }
}
