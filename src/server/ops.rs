//! Probes and metrics, on a port of their own. Nobody has to log in, and nothing of people is
//! told there; tenants are named in metrics as `telemetry.tenant_label` says.
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

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use tokio::time::timeout;

use super::body::AnswerBody;
use super::edge::HttpResponse;
use super::side::{Side, SidePort, few};
use crate::script::call::LocalBoxFuture;

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
    let mut response = HttpResponse::new(AnswerBody::new(body));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::runtime::{Builder, LocalOptions};

    use super::*;

    struct Fake {
        alive: bool,
        ready: Rc<Cell<Result<(), &'static str>>>,
        answers: bool,
    }

    impl Health for Fake {
        fn is_alive(&self) -> bool {
            self.alive
        }

        fn ready(&self) -> LocalBoxFuture<'_, Result<(), &'static str>> {
            Box::pin(async {
                if !self.answers {
                    std::future::pending::<()>().await;
                }
                self.ready.get()
            })
        }
    }

    struct One;

    impl Metrics for One {
        fn text(&self) -> String {
            "up 1\n".to_owned()
        }
    }

    #[track_caller]
    fn check(ops: &Ops, path: &str, expect: u16) {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build_local(LocalOptions::default())
            .unwrap();
        let response = runtime.block_on(ops.answer(&Method::GET, path));
        assert_eq!(response.status().as_u16(), expect, "{path}");
    }

    fn ops(alive: bool, answers: bool) -> (Ops, Rc<Cell<Result<(), &'static str>>>) {
        let ready = Rc::new(Cell::new(Ok(())));
        let health = Fake {
            alive,
            ready: Rc::clone(&ready),
            answers,
        };
        (Ops::new(Box::new(health), None), ready)
    }

    #[test]
    fn once_ready_it_has_started_whatever_comes() {
        let (ops, ready) = ops(true, true);
        ready.set(Err("not yet"));
        check(&ops, "/startupz", 503);
        check(&ops, "/readyz", 503);
        ready.set(Ok(()));
        check(&ops, "/readyz", 200);
        ready.set(Err("stopping"));
        check(&ops, "/readyz", 503);
        check(&ops, "/startupz", 200);
        check(&ops, "/livez", 200);
    }

    #[test]
    fn a_thread_that_hangs_is_told_and_a_store_that_hangs_is_waited_for_in_vain() {
        let (ops, _) = ops(false, false);
        check(&ops, "/livez", 503);
        check(&ops, "/readyz", 503);
        check(&ops, "/metrics", 404);
        check(&ops, "/", 404);
    }

    #[test]
    fn metrics_are_told_as_prometheus_reads_them() {
        let (Ops { health, .. }, _) = ops(true, true);
        let ops = Ops::new(health, Some(Box::new(One)));
        check(&ops, "/metrics", 200);
        let kind = prometheus(One.text()).headers()[CONTENT_TYPE].clone();
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    }
}
