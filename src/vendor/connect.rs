//! Opening a connection: TCP, TLS, and a limit on both together.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower_service::Service;

use super::egress::{BoxError, Resolver, permit_host};

/// hyper's connectors under one time limit. Not tower's
/// `Timeout`: hyper-util wants the future `Unpin`.
#[derive(Clone)]
pub(super) struct Connector {
    inner: HttpsConnector<HttpConnector<Resolver>>,
    limit: Duration,
}

impl Connector {
    pub(super) fn new(tls: ClientConfig, limit: Duration) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(15)));
        // HTTP/1.1 only: one call a connection at a time, so that a connection
        // can be thrown away with the call that spoilt it, and "was it written?"
        // has an answer.
        let https = HttpsConnectorBuilder::new().with_tls_config(tls);
        let inner = https.https_or_http().enable_http1().wrap_connector(tcp);
        Self { inner, limit }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let permitted = permit_host(uri.host().unwrap_or_default());
        let (connecting, limit) = (self.inner.call(uri), self.limit);
        let began = Instant::now();
        Box::pin(async move {
            permitted?;
            match tokio::time::timeout(limit, connecting).await {
                // A process that was stopped meanwhile finds it ready, however late it is.
                Ok(connected) if began.elapsed() <= limit => connected,
                _ => Err(format!("no connection within {limit:?}").into()),
            }
        })
    }
}
