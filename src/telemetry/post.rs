//! How traces and metrics reach their receiver: OTLP over HTTP.
//!
//! The SDK exports from threads of its own that have no reactor, on which an
//! async HTTP library panics and everything is silently lost. So there is one
//! thread with a reactor, that does nothing else: whoever exports waits for it,
//! at start-up, while serving and after the drain alike.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::vendor::TlsOptions;

/// A receiver that takes longer counts as one that does not answer: OTLP's default.
const LONGEST: Duration = Duration::from_secs(10);

/// A receiver's answer is a few bytes.
const MOST_BODY: usize = 64 * 1024;

/// The thread, and the connections that belong to it. It ends when this is dropped.
pub(super) struct Office {
    handle: Handle,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    _open: oneshot::Sender<()>,
}

impl Office {
    /// Starts the thread. Receivers are believed by the roots of `tls`.
    ///
    /// # Errors
    /// The operating system has no thread left.
    pub(super) fn open(tls: &TlsOptions) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (open, closed) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("telemetry".to_owned());
        thread.spawn(move || {
            let _ = runtime.block_on(closed);
        })?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.config())
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self {
            handle,
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(Duration::from_secs(20))
                .build(connector),
            _open: open,
        })
    }
}

/// The way of one signal, and how it fares.
pub(super) struct Post {
    office: Arc<Office>,
    signal: &'static str,
    failures: AtomicU64,
    is_failing: AtomicBool,
}

impl Post {
    /// Of `traces` or `metrics`.
    pub(super) fn new(office: Arc<Office>, signal: &'static str) -> Arc<Self> {
        Arc::new(Self {
            office,
            signal,
            failures: AtomicU64::new(0),
            is_failing: AtomicBool::new(false),
        })
    }

    pub(super) fn signal(&self) -> &'static str {
        self.signal
    }

    /// Tries that the receiver did not take.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Tells the first failure of a row and its end. Nobody else would: the SDK keeps
    /// its faults to itself.
    fn note(&self, fault: Option<String>) {
        let signal = self.signal;
        match fault {
            Some(reason) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                if !self.is_failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        signal,
                        reason,
                        action = "check OTEL_EXPORTER_OTLP_ENDPOINT and that the receiver takes http/protobuf",
                        "telemetry is not accepted"
                    );
                }
            }
            None => {
                if self.is_failing.swap(false, Ordering::Relaxed) {
                    tracing::info!(signal, "telemetry is accepted again");
                }
            }
        }
    }
}

/// What the OTLP exporter is given: it owns what it is given, and [`Post`] is shared.
#[derive(Clone)]
pub(super) struct Carrier(pub(super) Arc<Post>);

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Carrier({})", self.0.signal)
    }
}

/// What `async_trait` makes of the trait's method.
type Sent<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Carrier {
    fn send_bytes<'a, 'b>(&'a self, request: Request<Bytes>) -> Sent<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let client = self.0.office.client.clone();
            let sending = self.0.office.handle.spawn(async move {
                match timeout(LONGEST, send(client, request)).await {
                    Ok(answered) => answered,
                    Err(_) => Err(format!("no answer in {LONGEST:?}").into()),
                }
            });
            let answered = sending.await.unwrap_or_else(|gone| Err(gone.into()));
            self.0.note(match &answered {
                Ok(response) if response.status().is_success() => None,
                Ok(response) => Some(format!("status {}", response.status().as_u16())),
                Err(error) => Some(innermost(&**error)),
            });
            answered
        })
    }
}

async fn send(
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HttpError> {
    let response = client.request(request.map(Full::new)).await?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MOST_BODY).collect().await?.to_bytes();
    Ok(Response::from_parts(head, body))
}

/// The root of the matter; it names no address.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
