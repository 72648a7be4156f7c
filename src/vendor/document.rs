//! Documents that somebody publishes, such as the keys of an identity provider: fetched by the
//! rules for calls to vendors, with no credential and rarely.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{ACCEPT, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use url::Url;

use super::client::AGENT;
use super::connect::Connector;
use super::exchange::innermost;
use super::tls::TlsOptions;
use crate::tenant::oauth::{Fetched, KeySource};

/// Bytes of one document.
const MOST: usize = 256 * 1024;
/// For a connection; how long all may take is the caller's matter.
const CONNECT: Duration = Duration::from_secs(2);

/// Fetches documents.
pub struct Documents(TlsOptions);

impl Documents {
    /// Of whoever is believed by these roots.
    pub fn new(tls: TlsOptions) -> Self {
        Self(tls)
    }

    /// On a connection of its own; a redirect is no document.
    async fn get(&self, url: &Url) -> Result<Vec<u8>, String> {
        let connector = Connector::new(self.0.for_tenant(), CONNECT);
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build::<_, Full<Bytes>>(connector);
        let mut request = Request::new(Full::default());
        *request.uri_mut() = url.as_str().parse().map_err(|_| "the URL is none")?;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let response = client.request(request).await;
        let response = response.map_err(|error| innermost(&error))?;
        if response.status() != StatusCode::OK {
            return Err(format!("status {}", response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), MOST).collect().await;
        let body = body.map_err(|_| format!("more than {MOST} bytes, or an early end"))?;
        Ok(body.to_bytes().to_vec())
    }
}

impl KeySource for Documents {
    fn fetch<'a>(&'a self, url: &'a Url) -> Fetched<'a> {
        Box::pin(self.get(url))
    }
}
