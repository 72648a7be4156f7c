//! A caller for the emulators' tests: one request, one connection, the whole reply.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// The JSON body, `null` when there is none.
    pub(super) fn value(&self) -> Value {
        match self.body.is_empty() {
            true => Value::Null,
            false => self.json(),
        }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends a JSON body, none for `null`, and must be answered within ten seconds.
pub(super) fn send_json(method: &str, url: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let patience = Duration::from_secs(10);
    send(method, url, headers, body.as_bytes(), patience).unwrap()
}

/// Sends one request. `Err` is what a broken or silent connection looks like; silence is given up after `patience`.
pub(super) fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    patience: Duration,
) -> Result<Reply, String> {
    let mut request = Request::builder().method(method).uri(
        url.parse::<Uri>()
            .unwrap()
            .path_and_query()
            .unwrap()
            .as_str(),
    );
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .header("host", "emulator")
        .body(Full::new(Bytes::copy_from_slice(body)))
        .unwrap();
    let authority = url.parse::<Uri>().unwrap().authority().unwrap().to_string();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(patience, exchange(&authority, request))
            .await
            .map_err(|_| "silence".to_owned())?
    })
}

async fn exchange(authority: &str, request: Request<Full<Bytes>>) -> Result<Reply, String> {
    let text = |error: hyper::Error| format!("broken: {error}");
    let stream = TcpStream::connect(authority)
        .await
        .map_err(|error| error.to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(text)?;
    tokio::spawn(connection);
    let (parts, body) = sender
        .send_request(request)
        .await
        .map_err(text)?
        .into_parts();
    let body = body.collect().await.map_err(text)?.to_bytes();
    Ok(Reply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    })
}
