//! W3C trace context: taken up from requests, handed on to vendors.
//!
//! `traceparent` only. `tracestate` and baggage are a stranger's text, and the
//! specification lets them be dropped.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const PARENT: HeaderName = HeaderName::from_static("traceparent");

/// Makes `span` part of the trace that `headers` name. Gives the trace's id, where
/// there are traces.
pub(super) fn take_up(span: &Span, headers: &HeaderMap) -> Option<String> {
    if headers.contains_key(PARENT) {
        let parent = TraceContextPropagator::new().extract(&Incoming(headers));
        // Without traces there is nothing to set it on.
        let _ = span.set_parent(parent);
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| context.trace_id().to_string())
}

/// Tells in `headers` which trace `span` is part of.
pub(super) fn hand_on(span: &Span, headers: &mut HeaderMap) {
    if !span.is_disabled() {
        TraceContextPropagator::new().inject_context(&span.context(), &mut Outgoing(headers));
    }
}

struct Incoming<'a>(&'a HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = (key == PARENT.as_str()).then(|| self.0.get(PARENT))??;
        value.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

struct Outgoing<'a>(&'a mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        if key == PARENT.as_str()
            && let Ok(value) = HeaderValue::try_from(value)
        {
            self.0.insert(PARENT, value);
        }
    }
}
