//! HTTP as Entra speaks it, and what can be said of an answer.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, USER_AGENT};
use hyper::{Method, Request};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{AGENT, Finding, Misfit, Target};

/// Longer answers are none to these questions.
const BODY_MAX: usize = 4 << 20;

/// How much of a strange answer is shown.
const SHOWN: usize = 200;

/// The way to the endpoint.
pub(super) struct Wire {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    token: SecretString,
    patience: Duration,
}

/// What the endpoint answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) media_type: String,
    /// Null when there was none.
    pub(super) body: Value,
    text: String,
}

impl Wire {
    pub(super) fn new(target: &Target) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(target.tls.clone())
            .https_or_http()
            .enable_http1()
            .build();
        let mut url = target.tenant_url.clone();
        // A flag for Entra may hang on it, such as ?aadOptscim062020.
        url.set_query(None);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            base: url.as_str().trim_end_matches('/').to_owned(),
            token: target.token.clone(),
            patience: target.patience,
        }
    }

    pub(super) async fn get(&self, path: &str) -> Finding<Answer> {
        self.send(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Finding<Answer> {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    pub(super) async fn post_text(&self, path: &str, body: &str) -> Finding<Answer> {
        self.send(Method::POST, path, Some(body.to_owned())).await
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> Finding<Answer> {
        self.send(Method::PATCH, path, Some(body.to_string())).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Finding<Answer> {
        self.send(Method::PUT, path, Some(body.to_string())).await
    }

    pub(super) async fn delete(&self, path: &str) -> Finding<Answer> {
        self.send(Method::DELETE, path, None).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<String>) -> Finding<Answer> {
        let token = self.token.expose_secret();
        self.send_as(token, method, path, body).await
    }

    /// With a token of one's own.
    pub(super) async fn get_as(&self, token: &str, path: &str) -> Finding<Answer> {
        self.send_as(token, Method::GET, path, None).await
    }

    async fn send_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Finding<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header("accept", "application/scim+json")
            .header(USER_AGENT, AGENT);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/scim+json; charset=utf-8");
        }
        let request = request
            .body(Full::from(body.unwrap_or_default()))
            .map_err(|error| {
                Misfit::new(error.to_string(), "Check the Tenant URL and the token.")
            })?;
        match tokio::time::timeout(self.patience, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Misfit::new(
                format!("no answer within {} s", self.patience.as_secs()),
                "Entra gives up after about a minute and tries again later.",
            )),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Finding<Answer> {
        let answer = self.client.request(request).await.map_err(|error| {
            let mut reason = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                reason = format!("{reason}: {cause}");
                source = cause.source();
            }
            Misfit::new(
                reason,
                "The endpoint must be reachable. Entra needs it on the internet, over https, with a certificate of a public authority.",
            )
        })?;
        let (head, body) = answer.into_parts();
        let header = |name| {
            let value = head.headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let bytes = Limited::new(body, BODY_MAX).collect().await;
        let bytes = bytes
            .map_err(|error| {
                Misfit::new(
                    error.to_string(),
                    "The answer must be complete, and smaller than 4 MiB.",
                )
            })?
            .to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer {
            status: head.status.as_u16(),
            location: header(LOCATION),
            media_type: header(CONTENT_TYPE).unwrap_or_default(),
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        })
    }
}

impl Answer {
    /// The answer, if it has one of these statuses.
    pub(super) fn expect(self, fine: &[u16], advice: &'static str) -> Finding<Self> {
        if fine.contains(&self.status) {
            return Ok(self);
        }
        let wanted: Vec<_> = fine.iter().map(u16::to_string).collect();
        Err(Misfit::new(
            format!("{} instead of {}", self.described(), wanted.join(" or ")),
            advice,
        ))
    }

    /// Status and what the endpoint says about it.
    pub(super) fn described(&self) -> String {
        let said = match self.body.get("detail").and_then(Value::as_str) {
            Some(detail) => detail,
            None => &self.text,
        };
        // It goes to a terminal, and must not steer it.
        let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
        let shown: String = said.chars().take(SHOWN).map(plain).collect();
        match shown.trim() {
            "" => format!("status {}", self.status),
            shown => format!("status {} ({shown})", self.status),
        }
    }

    /// The resources of a ListResponse.
    pub(super) fn resources(&self) -> Finding<&[Value]> {
        const ADVICE: &str = "A query must be answered with a ListResponse (RFC 7644 section 3.4.2), also if it finds one resource or none.";
        let total = self.body.get("totalResults").and_then(Value::as_u64);
        let total = total
            .ok_or_else(|| Misfit::new(format!("no totalResults: {}", self.described()), ADVICE))?;
        match self.body.get("Resources").and_then(Value::as_array) {
            Some(resources) => Ok(resources),
            None if total == 0 => Ok(&[]),
            None => Err(Misfit::new(
                format!("totalResults {total} and no Resources"),
                ADVICE,
            )),
        }
    }
}
