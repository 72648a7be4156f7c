//! Who hears of every request at the edge.

use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use tokio::time::Instant;
use tracing::Span;

use super::edge::HttpRequest;
use super::route;

/// Hears of every request at the edge, for metrics and traces. All threads share one.
pub trait RequestObserver: Send + Sync {
    /// A request came in. `span` is its own and nobody has entered it yet; `headers`
    /// may name the trace it is part of. Gives the trace's id, for log lines, where
    /// there are traces.
    fn began(&self, request: &Seen, span: &Span, headers: &HeaderMap) -> Option<String>;

    /// It was answered with `status`, or the client hung up before that.
    fn ended(&self, request: &Seen, status: Option<u16>, elapsed: Duration);
}

/// A request as metrics may show it: nothing a stranger wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, …, or `other`.
    pub method: &'static str,
    /// `/scim/v2/Users/{id}`, in both forms of Tenant URL, or `other`.
    pub route: &'static str,
    /// `http` or `https`.
    pub scheme: &'static str,
}

/// Watches requests for whoever wants to hear of them.
#[derive(Clone)]
pub(super) struct Watch {
    pub(super) observer: Option<Arc<dyn RequestObserver>>,
    pub(super) scheme: &'static str,
}

impl Watch {
    /// A request begins, in `span`.
    pub(super) fn begin(&self, request: &HttpRequest, span: &Span) -> Watched {
        let seen = Seen {
            method: route::method_name(request.method()),
            route: route::full(request.uri().path()),
            scheme: self.scheme,
        };
        let observer = self.observer.clone();
        let trace = observer
            .as_ref()
            .and_then(|observer| observer.began(&seen, span, request.headers()));
        if let Some(id) = &trace {
            span.record("trace_id", id);
        }
        Watched {
            observer,
            seen,
            began: Instant::now(),
            is_traced: trace.is_some(),
            status: None,
        }
    }
}

/// One request under way. Dropped, it has ended.
pub(super) struct Watched {
    observer: Option<Arc<dyn RequestObserver>>,
    seen: Seen,
    began: Instant,
    is_traced: bool,
    status: Option<u16>,
}

impl Watched {
    /// The answer is there; the current span is the request's.
    pub(super) fn answered(mut self, status: u16) {
        self.status = Some(status);
        if self.is_traced {
            Span::current().record("status", i64::from(status));
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.ended(&self.seen, self.status, self.began.elapsed());
        }
    }
}
