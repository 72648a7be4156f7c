//! From bytes to a SCIM request: bounded in size, in time and in shape.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, IF_MATCH, IF_NONE_MATCH};
use hyper::{HeaderMap, Method};
use tokio::time::{Instant, timeout_at};

use super::bodies::BodyCharge;
use super::edge::HttpRequest;
use super::limits::Limits;
use super::rescue::Rejection;
use super::route::Route;
use crate::scim::bulk;
use crate::scim::request::{allowed_methods, is_bulk, needs_body};
use crate::scim::{self, ScimError, Service};
use crate::turns;

/// Reads the body, if the method has one, and parses the request.
///
/// # Errors
/// 400, 404, 405, 408, 413, 415 or 501, each with a text for Entra's administrator.
pub(super) async fn decode(
    request: HttpRequest,
    service: &Service,
    limits: &Limits,
    weight: &mut BodyCharge,
    tenant: &str,
) -> Result<scim::Message, Rejection> {
    let (head, body) = request.into_parts();
    let route = Route::of(head.uri.path()).ok_or(Rejection::NoSuchPath)?;
    let method = match head.method {
        Method::HEAD => "GET",
        ref method => method.as_str(),
    };
    let body = match allowed_methods(route.rest, service) {
        Some(allow) if !allow.split(", ").any(|known| known == method) => {
            return Err(Rejection::MethodNotAllowed { allow });
        }
        Some(_) if needs_body(method) => {
            require_json(&head.headers)?;
            let most = most_bytes(route.rest, limits);
            let document = read(body, most, limits, weight, tenant).await?;
            if document.len() > LONG {
                turns::pass(tenant, turns::REST).await;
            }
            weight.grow_by_values(&document)?;
            let body = scim::json::read(&document)?;
            if document.len() > LONG {
                turns::pass(tenant, turns::REST).await;
            }
            Some(body)
        }
        // A body of GET or DELETE has no meaning (RFC 9110 §9.3.1), nor has one
        // sent nowhere: it is left unread.
        _ => None,
    };
    let query = head.uri.query();
    let message = scim::Message::parse(method, route.rest, query, body, service)?;
    let header = |name| joined(&head.headers, name);
    let (if_match, if_none_match) = (header(IF_MATCH)?, header(IF_NONE_MATCH)?);
    Ok(message.under(if_match.as_deref(), if_none_match.as_deref())?)
}

/// The lines of a list header as one (RFC 9110 §5.3).
fn joined(headers: &HeaderMap, name: HeaderName) -> Result<Option<String>, ScimError> {
    let lines = headers.get_all(&name).iter().map(|line| line.to_str());
    let lines: Vec<&str> = lines
        .collect::<Result<_, _>>()
        .map_err(|_| plain(400, &format!("{name} is not text.")))?;
    Ok((!lines.is_empty()).then(|| lines.join(", ")))
}

/// RFC 7644 §3.1 names `application/scim+json`; RFC 7644 §8.1 lets
/// `application/json` stand for it. A body without any is taken for SCIM.
fn require_json(headers: &HeaderMap) -> Result<(), ScimError> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let text = value.to_str().unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let fits = ["application/scim+json", "application/json"];
    if !fits.iter().any(|fit| media_type.eq_ignore_ascii_case(fit)) {
        return Err(plain(
            415,
            "Send the body as application/scim+json or application/json.",
        ));
    }
    match parts.all(is_readable) {
        true => Ok(()),
        false => Err(plain(
            415,
            "Send the body in UTF-8; its Content-Type names another charset.",
        )),
    }
}

/// Whether a parameter of the media type leaves the body what JSON is: UTF-8 (RFC 8259 §8.1), of
/// which ASCII is a part.
fn is_readable(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let value = value.trim().trim_matches('"');
    !name.trim().eq_ignore_ascii_case("charset")
        || ["utf-8", "utf8", "us-ascii"]
            .iter()
            .any(|known| value.eq_ignore_ascii_case(known))
}

/// The largest body, and what says so: a bulk request's is promised by the
/// ServiceProviderConfig (RFC 7644 §3.7.4), whatever other bodies may be.
fn most_bytes(path: &str, limits: &Limits) -> (usize, &'static str) {
    match is_bulk(path) {
        true => (bulk::MAX_PAYLOAD, "maxPayloadSize, "),
        false => (limits.body_bytes, ""),
    }
}

/// Frames a body may come in beside one for each [`CRUMB`] bytes.
const FRAMES: usize = 1024;
/// The least a frame holds on average.
const CRUMB: usize = 64;
/// What is set aside for a body before any of it has come.
const AT_FIRST: usize = 64 * 1024;
/// A body that is longer is read on in turns with whatever else takes long.
const LONG: usize = 16 * 1024;

/// Reads a body into one buffer, each frame as it comes, and counts it as taken.
pub(super) async fn read(
    mut body: Incoming,
    most: (usize, &'static str),
    limits: &Limits,
    weight: &mut BodyCharge,
    tenant: &str,
) -> Result<Vec<u8>, Rejection> {
    let announced = body.size_hint().lower();
    // An announced size is judged before a byte is taken (and before hyper
    // answers `Expect: 100-continue`).
    if announced > most.0 as u64 {
        return Err(too_large(most).into());
    }
    let mut whole = Vec::with_capacity(AT_FIRST.min(announced as usize));
    let begun = Instant::now();
    let mut frames = 0;
    loop {
        let on_pace = Duration::from_secs_f64(whole.len() as f64 / f64::from(limits.pace.max(1)));
        let due = begun + limits.body.min(limits.body_delay + on_pace);
        let Ok(next) = timeout_at(due, body.frame()).await else {
            return Err(plain(408, "The request body did not arrive in time.").into());
        };
        let Some(frame) = next else { return Ok(whole) };
        let frame =
            frame.map_err(|_| plain(400, "The request body ended early or is malformed."))?;
        let Ok(data) = frame.into_data() else {
            return Err(plain(400, "Trailers are not accepted.").into());
        };
        frames += 1;
        if data.len() > most.0 - whole.len() {
            return Err(too_large(most).into());
        }
        weight.grow(data.len())?;
        whole.extend_from_slice(&data);
        if whole.len() > LONG {
            turns::pass(tenant, Duration::ZERO).await;
        }
        if frames > FRAMES + whole.len() / CRUMB {
            return Err(plain(400, "The request body came in too many small pieces.").into());
        }
    }
}

fn too_large((bytes, limit): (usize, &str)) -> ScimError {
    let kib = bytes / 1024;
    plain(
        413,
        &format!("The request body is larger than {limit}{kib} KiB. Send fewer values at once."),
    )
}

fn plain(status: u16, detail: &str) -> ScimError {
    ScimError::new(status, None, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[track_caller]
    fn check(content_type: &'static str, fits: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        assert_eq!(require_json(&headers).is_ok(), fits, "{content_type}");
    }

    #[test]
    fn json_by_either_name_with_any_parameters() {
        check("application/scim+json", true);
        check("application/scim+json; charset=utf-8", true);
        check("Application/JSON ;odata=x", true);
        check("application/json; charset=\"UTF-8\"", true);
        check("application/json; charset=US-ASCII", true);
        check("text/plain", false);
        check("application/scim+json; charset=iso-8859-1", false);
        check("application/json; x=y; Charset = utf-16", false);
        check("application/json; charset=", false);
        check("application/jsonp", false);
        check("", false);
        assert!(require_json(&HeaderMap::new()).is_ok());
    }
}
