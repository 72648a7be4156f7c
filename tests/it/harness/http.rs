//! A small HTTP/1.1 side of Entra: what a test writes as request target and
//! headers goes out byte for byte, and nothing else does.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{HeaderMap, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Beyond Entra's own patience, so that a hang is a failure and not a stuck run.
const PATIENCE: Duration = Duration::from_secs(58);

/// A request, written out.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query, percent-encoded as they go out.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// With this header in place of one of the same name.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without this header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(held, _)| !held.eq_ignore_ascii_case(name));
        self
    }

    /// With a body in Entra's media type.
    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        let typed = self.header("Content-Type", "application/scim+json; charset=utf-8");
        Self {
            body: Some(body.into()),
            ..typed
        }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }
}

/// Secrets are not worth a failure report.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)?;
        match &self.body {
            Some(body) => write!(f, "\n{}", String::from_utf8_lossy(body)),
            None => Ok(()),
        }
    }
}

/// A response, whole.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Response {
    /// The body; null for an empty one.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// A header's text; empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap_or_default())
    }

    /// `Retry-After` in seconds.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.header("retry-after").parse().ok()
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        write!(f, "{}", String::from_utf8_lossy(&self.body))
    }
}

/// A connection that is kept open.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::try_open(address).await.expect("the gateway listens")
    }

    /// Where nobody may listen.
    pub(crate) async fn try_open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(Self {
            sender,
            host: address.to_string(),
        })
    }

    pub(crate) async fn send(&mut self, request: &Request) -> Response {
        self.try_send(request).await.expect("a whole answer")
    }

    /// Where the connection may break before the answer is whole.
    pub(crate) async fn try_send(&mut self, request: &Request) -> hyper::Result<Response> {
        let whole = async {
            let written = self.written(request);
            self.sender.ready().await?;
            let sent = self.sender.send_request(written);
            let (head, body) = sent.await?.into_parts();
            Ok(Response {
                status: head.status.as_u16(),
                headers: head.headers,
                body: body.collect().await?.to_bytes(),
            })
        };
        timeout(PATIENCE, whole)
            .await
            .expect("an answer within 58 s")
    }

    fn written(&self, request: &Request) -> hyper::Request<Full<Bytes>> {
        let target = Uri::builder().path_and_query(request.target.as_str());
        let mut written = hyper::Request::builder()
            .method(request.method.as_str())
            .uri(target.build().unwrap())
            .header("Host", &self.host);
        for (name, value) in &request.headers {
            written = written.header(name, value);
        }
        let body = request.body.clone().unwrap_or_default();
        written.body(Full::new(body.into())).unwrap()
    }
}
