//! Probes and metrics, on a port of their own. Nothing of tenants or people is
//! told there, so that nobody has to log in.
//!
//! | path | 200 means |
//! |---|---|
//! | `/livez` | every thread's event loop turns |
//! | `/readyz` | requests can be served here |
//! | `/startupz` | that has been so once |
//! | `/metrics` | Prometheus text |

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use http_body_util::Full;
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use tokio::time::timeout;

use super::side::{Side, SidePort, few};
use super::stack::HttpResponse;
use crate::adapter::LocalBoxFuture;

/// A kubelet waits for one second by default.
const PATIENCE: Duration = Duration::from_millis(800);

/// Whether the gateway can do its work.
pub trait Health {
    /// Whether its threads are alive.
    fn is_alive(&self) -> bool;

    /// Whether requests can be served here and now. It never depends on a
    /// vendor, whose own pod may wait for ours, nor on the last reload.
    ///
    /// # Errors
    /// Why not, in a few words without any name.
    fn ready(&self) -> LocalBoxFuture<'_, Result<(), &'static str>>;
}

/// What the instruments show.
pub trait Metrics {
    /// In Prometheus' text format, version 0.0.4.
    fn text(&self) -> String;
}

/// What stands behind the ops port.
pub struct Ops {
    health: Box<dyn Health>,
    metrics: Option<Box<dyn Metrics>>,
    started: Cell<bool>,
}

impl Ops {
    /// Without metrics, `/metrics` is 404.
    pub fn new(health: Box<dyn Health>, metrics: Option<Box<dyn Metrics>>) -> Self {
        Self {
            health,
            metrics,
            started: Cell::new(false),
        }
    }

    /// Serves `port` on this thread, which must be that of a `LocalRuntime`.
    ///
    /// # Errors
    /// There is no event queue left for the listener.
    pub fn start(self, port: SidePort) -> io::Result<Side> {
        let ops = Rc::new(self);
        port.start(few(), move |_, request| {
            let ops = Rc::clone(&ops);
            Box::pin(async move { Ok(ops.answer(request.method(), request.uri().path()).await) })
        })
    }

    async fn answer(&self, method: &Method, path: &str) -> HttpResponse {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut response = text(405, "only GET and HEAD\n");
            let allow = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, allow);
            return response;
        }
        match path {
            "/livez" if self.health.is_alive() => text(200, "alive\n"),
            "/livez" => text(503, "a thread does not turn any more\n"),
            "/readyz" => probe(self.ready().await),
            "/startupz" if self.started.get() => text(200, "ready\n"),
            "/startupz" => probe(self.ready().await),
            "/metrics" => match &self.metrics {
                Some(metrics) => prometheus(metrics.text()),
                None => text(404, "there are no metrics\n"),
            },
            _ => text(404, "here are /livez, /readyz, /startupz and /metrics\n"),
        }
    }

    async fn ready(&self) -> Result<(), &'static str> {
        let asked = timeout(PATIENCE, self.health.ready()).await;
        asked.unwrap_or(Err("the store does not answer in time"))?;
        self.started.set(true);
        Ok(())
    }
}

fn probe(ready: Result<(), &'static str>) -> HttpResponse {
    match ready {
        Ok(()) => text(200, "ready\n"),
        Err(reason) => text(503, format!("{reason}\n")),
    }
}

fn text(status: u16, body: impl Into<Bytes>) -> HttpResponse {
    plain(status, "text/plain; charset=utf-8", body.into())
}

fn prometheus(body: String) -> HttpResponse {
    plain(200, "text/plain; version=0.0.4; charset=utf-8", body.into())
}

fn plain(status: u16, kind: &'static str, body: Bytes) -> HttpResponse {
    let mut response = HttpResponse::new(Full::new(body));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
