//! One connection, from its first byte to its end.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::body::AnswerBody;
use super::edge::{Edge, HttpRequest};
use super::limits::Limits;
use super::socket::{Activity, PREFACE, Protocol, Socket};
use super::standing::Standing;

/// What every connection of one worker thread needs.
pub(super) struct Connections {
    pub(super) limits: Rc<Limits>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) edge: Edge,
    /// True once the gateway stops.
    pub(super) stopping: watch::Receiver<bool>,
}

impl Connections {
    /// Answers a connection's requests until it ends, by whatever side and for
    /// whatever reason: a connection's own mishaps are nobody else's news.
    pub(super) async fn serve(&self, stream: TcpStream, standing: &Arc<Standing>) {
        let result = tokio::select! {
            result = self.open(stream, standing) => result,
            // All places are taken, and it has had its own for longest without a request.
            () = standing.ended() => Ok(()),
        };
        if let Err(error) = result {
            tracing::debug!(%error, "connection ended");
        }
    }

    async fn open(&self, stream: TcpStream, standing: &Arc<Standing>) -> io::Result<()> {
        // A short answer would otherwise wait 40 ms for the peer's ACK.
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            let protocol = timeout(self.limits.first_bytes, sniff(&stream)).await??;
            return self.answer(stream, protocol, standing).await;
        };
        let stream = timeout(self.limits.handshake, tls.accept(stream)).await??;
        let protocol = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        self.answer(stream, protocol, standing).await
    }

    async fn answer<S>(
        &self,
        stream: S,
        protocol: Protocol,
        standing: &Arc<Standing>,
    ) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let activity = Activity::of(Arc::clone(standing), &self.limits);
        let io = TokioIo::new(Socket::new(
            stream,
            protocol,
            activity.clone(),
            &self.limits,
        ));
        let edge = self.edge.clone();
        let counted = activity.clone();
        let standing = Arc::clone(standing);
        let stopping = self.stopping.clone();
        let service = service_fn(move |request: HttpRequest| {
            let busy = counted.begin();
            let answer = edge.call(request, Arc::clone(&standing));
            let stopping = stopping.clone();
            async move {
                let mut answer = answer.await.map(|it| it.map(|body| busy.until_sent(body)));
                // Whoever is told so takes its next request to another of us. In HTTP/2 it is not
                // a header that tells.
                if protocol == Protocol::Http1 && *stopping.borrow() {
                    let headers = answer.as_mut().map(|answer| answer.headers_mut());
                    let _ =
                        headers.map(|it| it.insert(CONNECTION, HeaderValue::from_static("close")));
                }
                answer
            }
        });
        let result = match protocol {
            Protocol::Http1 => {
                self.live(http1().serve_connection(io, service), &activity)
                    .await
            }
            Protocol::Http2 => {
                self.live(http2().serve_connection(io, service), &activity)
                    .await
            }
        };
        result.map_err(io::Error::other)
    }

    /// Drives a connection until it ends, or until it is asked to end and had
    /// its time to finish what it was doing.
    async fn live<C: Connection>(&self, connection: C, activity: &Activity) -> hyper::Result<()> {
        let mut connection = pin!(connection);
        let patience = tokio::select! {
            result = connection.as_mut() => return result,
            () = self.stopped() => self.limits.drain,
            // There is nothing to finish but a farewell that the peer may not even answer.
            () = activity.idle(&self.limits) => self.limits.first_bytes,
            () = sleep(jittered(self.limits.age)) => self.limits.drain,
            () = activity.overdue() => Duration::ZERO,
        };
        connection.as_mut().finish();
        timeout(patience, connection).await.unwrap_or(Ok(()))
    }

    async fn stopped(&self) {
        // A sender that is gone means the same as one that says stop.
        let _ = self.stopping.clone().wait_for(|stopping| *stopping).await;
        // A request may be on its way on a connection that looks idle.
        sleep(self.limits.farewell).await;
    }
}

/// Tells HTTP/2 with prior knowledge (RFC 9113 §3.3) from HTTP/1 without taking
/// a byte. hyper-util's own detection waits for ever for the second byte.
async fn sniff(stream: &TcpStream) -> io::Result<Protocol> {
    let mut seen = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut seen).await?;
        let seen = seen.get(..count).unwrap_or_default();
        match seen {
            [] => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ if seen == PREFACE => return Ok(Protocol::Http2),
            _ if !PREFACE.starts_with(seen) => return Ok(Protocol::Http1),
            // The bytes stay where they are, so the socket stays readable and
            // waiting for it would spin.
            _ => sleep(Duration::from_millis(10)).await,
        }
    }
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // Heads are timed by `Socket`, which also knows idle connections.
        .header_read_timeout(None)
        .max_buf_size(64 * 1024)
        .max_headers(64);
    builder
}

fn http2() -> http2::Builder<LocalExecutor> {
    let mut builder = http2::Builder::new(LocalExecutor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(256 * 1024)
        .max_header_list_size(16 * 1024)
        .header_table_size(4096)
        .max_pending_accept_reset_streams(20)
        // Streams that the client makes us reset cost as much as those it resets itself.
        .max_local_error_reset_streams(20)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

/// Up to a tenth longer, so that connections opened together do not end together.
fn jittered(span: Duration) -> Duration {
    let mut byte = [0; 1];
    let _ = getrandom::fill(&mut byte);
    span + span.mul_f64(f64::from(byte[0]) / 2560.0)
}

/// What hyper's two connection types have in common.
trait Connection: Future<Output = hyper::Result<()>> {
    /// Takes no further request; what is being answered is answered.
    fn finish(self: Pin<&mut Self>);
}

impl<I, S> Connection for http1::Connection<I, S>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
    S: hyper::service::HttpService<Incoming, ResBody = AnswerBody>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S> Connection for http2::Connection<I, S, LocalExecutor>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
    S: hyper::service::HttpService<Incoming, ResBody = AnswerBody>,
    S::Future: 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Runs HTTP/2 streams on the connection's own thread.
#[derive(Clone, Copy)]
struct LocalExecutor;

impl<F> hyper::rt::Executor<F> for LocalExecutor
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}
