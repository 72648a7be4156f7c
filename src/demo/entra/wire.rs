//! HTTP/1.1 with kept connections, and the headers the provisioning service sends.

use super::watch::{Operation, Record, Watch};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Nobody has documented how long Entra waits; a minute is what servers report.
const PATIENCE: Duration = Duration::from_secs(60);

/// What went wrong with an operation, in the words of a provisioning log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No answer, or half of one.
    #[error("no answer: {0}")]
    Broken(String),
    /// An answer that Entra does not expect: an error, or a success of the wrong kind.
    #[error("status {status}: {detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// `detail` of the SCIM error, else the beginning of the body.
        detail: String,
    },
    /// More than one match; Entra calls it `DuplicateTargetEntries` and writes nothing.
    #[error("{0} resources match")]
    Several(usize),
    /// A Tenant URL that is none.
    #[error("the Tenant URL must be http://host[:port]/path, not {0:?}")]
    TenantUrl(String),
    /// An answer that cannot be read as SCIM.
    #[error("the answer is not readable as SCIM: {0}")]
    Unreadable(String),
}

/// The connections of one job.
pub(super) struct Wire {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    token: String,
    watch: Arc<dyn Watch>,
}

/// An answer of an expected status.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// Null when there was none.
    pub(super) body: Value,
}

impl Wire {
    pub(super) fn new(tenant_url: &str, token: &str, watch: Arc<dyn Watch>) -> Result<Self, Fault> {
        let refuse = || Fault::TenantUrl(tenant_url.to_owned());
        let url: Uri = tenant_url.parse().map_err(|_| refuse())?;
        if url.scheme_str() != Some("http") {
            return Err(refuse());
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            base: url.to_string().trim_end_matches('/').to_owned(),
            token: token.to_owned(),
            watch,
        })
    }

    pub(super) fn watch(&self) -> &dyn Watch {
        &*self.watch
    }

    /// Sends one request, once. Anything but a status in `fine` is a fault.
    pub(super) async fn send(
        &self,
        operation: Operation,
        method: Method,
        path: &str,
        body: Option<&Value>,
        fine: &[u16],
    ) -> Result<Reply, Fault> {
        let started = Instant::now();
        let exchanged = tokio::time::timeout(PATIENCE, self.exchange(method, path, body)).await;
        let latency = started.elapsed();
        let answer = exchanged.unwrap_or_else(|_| Err(Fault::Broken("a minute has passed".into())));
        let status = answer.as_ref().ok().map(|(status, _)| *status);
        let reply = answer.and_then(|(status, body)| Reply::read(status, &body, fine));
        let failure = reply.as_ref().err().map(Fault::to_string);
        self.watch.operation(Record {
            operation,
            latency,
            status,
            failure,
        });
        reply
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Bytes), Fault> {
        let request = self.request(method, path, body)?;
        let answer = self.client.request(request).await.map_err(broken)?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(broken)?;
        Ok((status, body.to_bytes()))
    }

    /// As recorded: no `User-Agent`, no `Accept-Encoding`, and a charset on what has none.
    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, Fault> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.token))
            .header("accept", "application/scim+json");
        if body.is_some() {
            request = request.header("content-type", "application/scim+json; charset=utf-8");
        }
        let body = body
            .map(|body| Bytes::from(body.to_string()))
            .unwrap_or_default();
        request.body(Full::new(body)).map_err(broken)
    }
}

impl Reply {
    fn read(status: u16, body: &[u8], fine: &[u16]) -> Result<Self, Fault> {
        if !fine.contains(&status) {
            let detail = detail(body);
            return Err(Fault::Refused { status, detail });
        }
        if body.is_empty() || status == 404 {
            return Ok(Self {
                status,
                body: Value::Null,
            });
        }
        let body = serde_json::from_slice(body);
        let body = body.map_err(|error| Fault::Unreadable(error.to_string()))?;
        Ok(Self { status, body })
    }

    /// The resources of a list response.
    pub(super) fn resources(&self) -> Result<impl Iterator<Item = &Value>, Fault> {
        let total = self.body.get("totalResults").and_then(Value::as_u64);
        if total.is_none() {
            return Err(self.unreadable("a list response without totalResults"));
        }
        let resources = self.body.get("Resources").and_then(Value::as_array);
        Ok(resources.into_iter().flatten())
    }

    /// The one match, if there is any.
    pub(super) fn only_one(self) -> Result<Option<Value>, Fault> {
        match self.resources()?.count() {
            0 => Ok(None),
            1 => Ok(self.resources()?.next().cloned()),
            several => Err(Fault::Several(several)),
        }
    }

    /// The resource's `id`, which Entra keeps as the anchor of its link.
    pub(super) fn id(&self) -> Result<String, Fault> {
        id(&self.body).ok_or_else(|| self.unreadable("a resource without id"))
    }

    pub(super) fn unreadable(&self, what: &str) -> Fault {
        Fault::Unreadable(what.to_owned())
    }
}

/// The `id` of a resource.
pub(super) fn id(resource: &Value) -> Option<String> {
    let id = resource.get("id")?.as_str()?;
    (!id.is_empty()).then(|| id.to_owned())
}

fn broken(error: impl std::error::Error) -> Fault {
    let cause = error.source().map(|cause| format!(": {cause}"));
    Fault::Broken(format!("{error}{}", cause.unwrap_or_default()))
}

fn detail(body: &[u8]) -> String {
    let error: Option<Value> = serde_json::from_slice(body).ok();
    let detail = error
        .as_ref()
        .and_then(|error| error.get("detail")?.as_str());
    detail.map_or_else(
        || String::from_utf8_lossy(body).chars().take(200).collect(),
        str::to_owned,
    )
}
