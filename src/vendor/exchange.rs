//! One try on the wire. Its one hard question: may the vendor have got it?

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{DATE, HeaderMap, RETRY_AFTER};
use hyper::{Request, Response};
use hyper_util::client::legacy::Error;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::blot::Secrets;
use super::intake::Intake;
use super::observer::Watched;
use super::pool::Connections;
use crate::script::call::VendorReply;

const LONGEST_SPAN: Duration = Duration::from_secs(86_400);

/// Why a try has no reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Not a byte of it was written.
    Unsent(String),
    /// It was handed to a connection.
    Lost(String),
}

/// Sends `request` and reads the whole reply, head and body, by `ends`.
/// Redirects are replies like any other. A connection whose reply was not read
/// to its end is closed by hyper when the body is dropped here.
pub(super) async fn exchange(
    connections: &Connections,
    mut request: Request<Full<Bytes>>,
    ends: Instant,
) -> Result<VendorReply, Broken> {
    let watched = Watched::begin(connections.observer.as_ref(), &mut request);
    let tried = exchanged(connections, request, ends)
        .instrument(watched.span.clone())
        .await;
    watched.over(&tried);
    tried
}

async fn exchanged(
    connections: &Connections,
    mut request: Request<Full<Bytes>>,
    ends: Instant,
) -> Result<VendorReply, Broken> {
    let connection = capture_connection(&mut request);
    let secrets = Secrets::of(request.headers());
    let whole = async {
        let response = connections.request(request).await.map_err(broken)?;
        let reply = read(response, &connections.intake).await;
        reply.map_err(Broken::Lost)
    };
    match timeout_at(ends, whole).await {
        Ok(result) => result.map(|mut reply| {
            secrets.blot(&mut reply);
            reply
        }),
        Err(_) if connection.connection_metadata().is_none() => {
            Err(Broken::Unsent("no connection in time".into()))
        }
        Err(_) => Err(Broken::Lost("no whole reply in time".into())),
    }
}

/// hyper-util 0.1 has a public test for connect errors only. Its other unsent
/// case ("canceled": the connection closed before the request was taken from
/// the queue) carries hyper's own canceled error, which hyper 1 makes only where
/// it hands the unwritten request back. Everything else counts as written.
pub(super) fn broken(error: Error) -> Broken {
    let canceled = error
        .source()
        .and_then(|e| e.downcast_ref::<hyper::Error>());
    let unsent = error.is_connect() || canceled.is_some_and(hyper::Error::is_canceled);
    let why = innermost(&error);
    match unsent {
        true => Broken::Unsent(why),
        false => Broken::Lost(why),
    }
}

/// The root of the matter; the errors around it only say "client error".
pub(super) fn innermost(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

async fn read(response: Response<Incoming>, intake: &Intake) -> Result<VendorReply, String> {
    let (head, body) = response.into_parts();
    Ok(VendorReply {
        status: head.status.as_u16(),
        retry_after: retry_after(&head.headers),
        headers: head.headers,
        body: intake.take(body).await?,
        after_loss: false,
    })
}

/// RFC 9110 §10.2.3: seconds, or a date, which is measured against the reply's
/// own `Date`, as the vendor's clock is not ours. At most a day.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.trim());
    let date = |name| httpdate::parse_http_date(text(name)?).ok();
    let span = match text(RETRY_AFTER)?.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let (until, now) = (date(RETRY_AFTER)?, date(DATE)?);
            until.duration_since(now).unwrap_or_default()
        }
    };
    Some(span.min(LONGEST_SPAN))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expect: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        assert_eq!(
            retry_after(&headers),
            expect.map(Duration::from_secs),
            "{value}"
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("Sun, 06 Nov 1994 08:50:37 GMT", Some(60));
        check("Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
        check("18446744073709551615", Some(86_400));
        check("soon", None);
        check("-5", None);
        check("1.5", None);
    }
}
