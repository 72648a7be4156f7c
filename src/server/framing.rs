//! What hyper lets through and we do not: requests on whose meaning two HTTP
//! implementations in a row could disagree, which is how requests are smuggled
//! past the one in front (RFC 9112 §11.2).
//!
//! `Content-Length` beside `Transfer-Encoding` cannot be seen here: hyper drops
//! the former as RFC 9112 §6.3 has it.

use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName,
    HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{Method, Request, Version};

use super::rescue::Rejection;
use crate::scim::ScimError;

/// Bytes of a request target.
const URI_BYTES: usize = 8 * 1024;
/// Bytes of an `Authorization` value.
const CREDENTIAL_BYTES: usize = 8 * 1024;

/// Headers that mean one thing and must not come twice.
const SINGLETONS: [HeaderName; 4] = [AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST];

/// Refuses an ambiguous, oversized or tunnelling request: 400, 414 or 415.
pub(super) fn screen<B>(request: &Request<B>) -> Result<(), Rejection> {
    let fault = if target_bytes(request) > URI_BYTES {
        (414, "The request's URL is longer than 8 KiB.")
    } else if let Some(detail) = ambiguity(request) {
        (400, detail)
    } else if request.headers().contains_key(CONTENT_ENCODING) {
        (415, "The request body must not be compressed.")
    } else {
        return Ok(());
    };
    Err(Rejection::Framing(ScimError::new(fault.0, None, fault.1)))
}

fn target_bytes<B>(request: &Request<B>) -> usize {
    let uri = request.uri();
    uri.path_and_query()
        .map_or(0, |target| target.as_str().len())
}

fn ambiguity<B>(request: &Request<B>) -> Option<&'static str> {
    let headers = request.headers();
    if SINGLETONS
        .iter()
        .any(|name| headers.get_all(name).iter().count() > 1)
    {
        return Some("A header that must stand once stands twice.");
    }
    if !has_one_authority(request) {
        return Some("The request must name one host.");
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    if codings.next().is_some_and(|coding| !is_chunked(coding)) || codings.next().is_some() {
        return Some("The only transfer coding is chunked, and once.");
    }
    let credential = headers.get(AUTHORIZATION);
    if credential.is_some_and(|value| value.len() > CREDENTIAL_BYTES) {
        return Some("The Authorization header is longer than 8 KiB.");
    }
    if headers.contains_key(UPGRADE) || asks_for_upgrade(request) {
        return Some("This server changes to no other protocol.");
    }
    matches!(*request.method(), Method::CONNECT | Method::TRACE)
        .then_some("The method is not one of SCIM.")
}

/// RFC 9112 §3.2: one `Host`, and in absolute form the same as the URL's.
/// RFC 9113 §8.3.1: `:authority`, and a `Host` only if it says the same.
fn has_one_authority<B>(request: &Request<B>) -> bool {
    let host = request.headers().get(HOST).map(|host| host.as_bytes());
    let authority = request.uri().authority().map(|it| it.as_str().as_bytes());
    match (host, authority) {
        (Some(host), Some(authority)) => host.eq_ignore_ascii_case(authority),
        (Some(host), None) => !host.is_empty(),
        (None, Some(_)) => request.version() >= Version::HTTP_2,
        (None, None) => false,
    }
}

fn asks_for_upgrade<B>(request: &Request<B>) -> bool {
    let mut options = request.headers().get_all(CONNECTION).iter();
    options.any(|option| {
        let text = option.to_str().unwrap_or_default();
        text.split(',')
            .any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
    })
}
