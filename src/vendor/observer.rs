//! Who hears of every try on the wire.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{HeaderMap, Method, Request, Uri};
use tokio::time::Instant;
use tracing::Span;
use tracing::field::Empty;

use super::exchange::Broken;
use crate::provisioning::TRACE_ONLY;
use crate::script::call::VendorReply;

/// Hears of every try on the wire, token requests too, for metrics and traces.
/// All threads share one.
pub trait CallObserver: Send + Sync {
    /// A request is about to be sent within `span`: puts the trace it is part of
    /// into `headers`, where there are traces.
    fn sending(&self, span: &Span, headers: &mut HeaderMap);

    /// A try is over.
    fn tried(&self, tried: &Try<'_>);
}

/// One try on the wire, without anything that names a person: the path is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try<'a> {
    /// The vendor's host.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// `GET`, …
    pub method: &'a Method,
    /// The reply's status, or `not_sent`, or `reply_lost`.
    pub result: Result<u16, &'static str>,
    /// How long it took.
    pub elapsed: Duration,
}

/// A try under way.
pub(super) struct Watched {
    observer: Option<Arc<dyn CallObserver>>,
    /// What the try belongs into.
    pub(super) span: Span,
    uri: Uri,
    method: Method,
    began: Instant,
}

impl Watched {
    pub(super) fn begin(
        observer: Option<&Arc<dyn CallObserver>>,
        request: &mut Request<Full<Bytes>>,
    ) -> Self {
        let (uri, method) = (request.uri().clone(), request.method().clone());
        let span = tracing::info_span!(
            target: TRACE_ONLY,
            "call",
            method = method.as_str(),
            host = uri.host(),
            port = i64::from(port(&uri)),
            status = Empty,
            fault = Empty,
        );
        if let Some(observer) = observer {
            observer.sending(&span, request.headers_mut());
        }
        Self {
            observer: observer.cloned(),
            span,
            uri,
            method,
            began: Instant::now(),
        }
    }

    pub(super) fn over(self, tried: &Result<VendorReply, Broken>) {
        let result = match tried {
            Ok(reply) => Ok(reply.status),
            Err(Broken::Unsent(_)) => Err("not_sent"),
            Err(Broken::Lost(_)) => Err("reply_lost"),
        };
        match result {
            Ok(status) => self.span.record("status", i64::from(status)),
            Err(fault) => self.span.record("fault", fault),
        };
        if let Some(observer) = &self.observer {
            observer.tried(&Try {
                host: self.uri.host().unwrap_or_default(),
                port: port(&self.uri),
                method: &self.method,
                result,
                elapsed: self.began.elapsed(),
            });
        }
    }
}

fn port(uri: &Uri) -> u16 {
    let usual = if uri.scheme_str() == Some("http") {
        80
    } else {
        443
    };
    uri.port_u16().unwrap_or(usual)
}
