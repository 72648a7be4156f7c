//! Asking a running gateway over its admin port.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use rustls::crypto::aws_lc_rs;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::Trouble;
use crate::config::Config;
use crate::gateway;
use crate::server::admin::BASE;
use crate::tenant::token::LocalPass;

/// Holds an admin token, for where no pass of the host's own will do.
const TOKEN: &str = "SCIMGATE_ADMIN_TOKEN";
/// A reload compiles and plays everything; more than this is a hang.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest answer that is read: an export of events may be some MiB.
const ANSWER_MAX: usize = 64 << 20;

/// Which gateway.
#[derive(Debug, clap::Args)]
pub(super) struct Whereabouts {
    /// Admin port of the gateway to ask; default: the one in the configuration. Its token is read
    /// from SCIMGATE_ADMIN_TOKEN. On the gateway's own host, with its configuration, none is needed.
    #[arg(long, value_name = "URL", env = "SCIMGATE_ADMIN")]
    admin: Option<String>,
}

/// A running gateway, or so we hope: nothing is sent before it is asked.
pub(super) struct Remote {
    base: String,
    pass: Pass,
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Runtime,
}

/// As whom we ask.
enum Pass {
    Token(SecretString),
    /// Whoever may read the pepper.
    Local(LocalPass),
}

#[derive(Deserialize)]
struct Refused {
    error: Reason,
}

#[derive(Deserialize)]
struct Reason {
    message: String,
    help: String,
}

impl Remote {
    /// Finds out where the gateway is and as whom to ask it.
    pub(super) fn of(config: &Config, whereabouts: &Whereabouts) -> Result<Self, Trouble> {
        match (&whereabouts.admin, config.admin.listen) {
            (Some(url), _) => Self::at(config, url),
            (None, Some(address)) => Self::at(config, &format!("http://{address}")),
            (None, None) => {
                let help =
                    "admin.listen: it is switched off; set it, or name a gateway with --admin";
                Err(Trouble::Config(anyhow!(help)))
            }
        }
    }

    /// The gateway whose admin port this is.
    pub(super) fn at(config: &Config, url: &str) -> Result<Self, Trouble> {
        let base = url.trim_end_matches('/').to_owned();
        let pass = pass(config, &base).map_err(Trouble::Config)?;
        let runtime = super::event_loop()?;
        let http = http().map_err(Trouble::Internal)?;
        Ok(Self {
            base,
            pass,
            http,
            runtime,
        })
    }

    /// What the gateway answers to a GET of a path below `/admin/v1`.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        self.ask(Method::GET, path, None)
    }

    /// What it answers to a POST.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Trouble> {
        self.ask(Method::POST, path, body)
    }

    /// Waits, as between two looks.
    pub(super) fn pause(&self, span: Duration) {
        // Inside, for a timer is made on a running loop only.
        self.runtime
            .block_on(async { tokio::time::sleep(span).await });
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Trouble> {
        let request = self.request(method, path, body).map_err(Trouble::Config)?;
        let (status, body) = self
            .runtime
            .block_on(async { tokio::time::timeout(PATIENCE, self.exchange(request)).await })
            .unwrap_or_else(|_| Err(anyhow!("no answer within {} s", PATIENCE.as_secs())))
            .map_err(|error| self.unreachable(&error))?;
        if (200..300).contains(&status) {
            let body: &[u8] = if body.is_empty() { b"null" } else { &body };
            let read = serde_json::from_slice(body)
                .context("the answer comes from another version of Scimgate");
            return read.map_err(|error| self.unreachable(&error));
        }
        let Ok(Refused { error }) = serde_json::from_slice(&body) else {
            let error = anyhow!("it answered {status}; that is not an answer of Scimgate");
            return Err(self.unreachable(&error));
        };
        Err(Trouble::Refused(anyhow!(
            "{}\n  {}",
            error.message,
            error.help
        )))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Request<Full<Bytes>>> {
        let uri: Uri = format!("{}{BASE}{path}", self.base)
            .parse()
            .with_context(|| format!("--admin: {} is no URL", self.base))?;
        let pass = match &self.pass {
            Pass::Token(token) => token.clone(),
            Pass::Local(pass) => pass.issue(Timestamp::now()),
        };
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", pass.expose_secret()))
            .with_context(|| format!("{TOKEN} has no token in it"))?;
        bearer.set_sensitive(true);
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(AUTHORIZATION, bearer)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(bytes.into()))?;
        Ok(request)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> anyhow::Result<(u16, Bytes)> {
        let response = self.http.request(request).await.map_err(innermost)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect();
        let body = body.await.map_err(anyhow::Error::from_boxed)?;
        Ok((status, body.to_bytes()))
    }

    fn unreachable(&self, error: &anyhow::Error) -> Trouble {
        Trouble::Unreachable(anyhow!(
            "no gateway answers at {}: {error:#}\n  start it with `scimgate serve`, or name \
             another one with --admin",
            self.base
        ))
    }
}

/// What the operating system or the other side said; the layers above only say who heard it.
fn innermost(error: impl std::error::Error + Send + Sync + 'static) -> anyhow::Error {
    let error = anyhow::Error::new(error);
    anyhow!("{}", error.root_cause())
}

/// A token that was given, or else a pass that the pepper gives. A pass goes
/// only to this host: elsewhere it opens nothing and would only be seen.
fn pass(config: &Config, base: &str) -> anyhow::Result<Pass> {
    if let Ok(token) = std::env::var(TOKEN) {
        return Ok(Pass::Token(token.trim().to_owned().into()));
    }
    let pepper = gateway::pepper_file(config);
    if !is_loopback(base) {
        return Err(anyhow!(
            "{base} is another host: set {TOKEN} to an admin token"
        ));
    }
    if !pepper.exists() {
        return Err(anyhow!(
            "no gateway has run here: {} is missing; run this with the gateway's own \
             configuration, or set {TOKEN}",
            pepper.display()
        ));
    }
    Ok(Pass::Local(LocalPass::of(&gateway::pepper(config, true)?)))
}

fn is_loopback(base: &str) -> bool {
    let uri = base.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn http() -> anyhow::Result<Client<HttpsConnector<HttpConnector>, Full<Bytes>>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let tls = HttpsConnectorBuilder::new().with_provider_and_webpki_roots(provider)?;
    let connector = tls.https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_stays_on_this_host() {
        for (base, expect) in [
            ("http://127.0.0.1:9091", true),
            ("http://[::1]:9091", true),
            ("http://localhost:9091", true),
            ("http://192.0.2.1:9091", false),
            ("https://localhost.example.com", false),
            ("http://127.0.0.1@192.0.2.1", false),
            ("no URL", false),
        ] {
            assert_eq!(is_loopback(base), expect, "{base}");
        }
    }
}
