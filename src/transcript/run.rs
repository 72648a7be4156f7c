//! Running a transcript against an adapter: the whole gateway but for its
//! sockets, on a store in memory.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::LocalOptions;
use tokio::time::Instant;

use super::compare::{Mode, Variables, differences, fill, fill_value};
use super::replay::Replay;
use super::{Ask, Body, Exchange, ExpectedResponse, Transcript};
use crate::adapter::ids::IdCache;
use crate::adapter::locks::Locks;
use crate::adapter::operations::{self, Operation};
use crate::adapter::settings::Settings;
use crate::adapter::story::Story;
use crate::adapter::{Adapter, Batches, Failure, Memory, Recent, TenantId};
use crate::scim::{self, Bulk, CursorKey, Message, Response, ScimError, Service};
use crate::server::told;
use crate::store::Store;

/// The Tenant URL in transcripts.
const BASE_URL: &str = "https://gateway.example/scim/v2";

/// What came of a transcript.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Vendor calls made.
    pub calls: usize,
    /// What did not fit; empty when it passed.
    pub misfits: Vec<String>,
}

/// What Entra got.
struct Got {
    status: u16,
    headers: Vec<(String, String)>,
    body: Option<Value>,
}

/// Runs a transcript.
///
/// # Errors
/// The store in memory or the event loop could not be made.
pub fn run(transcript: &Transcript, adapter: &Arc<Adapter>) -> anyhow::Result<Outcome> {
    let player = Player::new(transcript, adapter)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build_local(LocalOptions::default())?;
    Ok(runtime.block_on(player.play(transcript)))
}

/// One tenant without a network.
struct Player {
    tenant: TenantId,
    adapter: Arc<Adapter>,
    service: Arc<Service>,
    settings: Arc<Settings>,
    group_priority: Arc<BTreeMap<String, i64>>,
    memory: Arc<dyn Memory>,
    locks: Arc<Locks>,
    batches: Arc<Batches>,
    recent: Arc<Recent>,
    ids: Arc<IdCache>,
}

impl Player {
    fn new(transcript: &Transcript, adapter: &Arc<Adapter>) -> anyhow::Result<Self> {
        let tenant =
            TenantId::parse("transcript").ok_or_else(|| anyhow::anyhow!("no tenant name"))?;
        let settings = settings(transcript, adapter);
        let adapter = &adapter.for_tenant(&settings).map_err(anyhow::Error::msg)?;
        Ok(Self {
            tenant,
            adapter: Arc::clone(adapter),
            service: Arc::new(adapter.service(transcript.profile)),
            settings: Arc::new(settings),
            group_priority: Arc::new(transcript.priority.clone()),
            memory: Arc::new(Store::in_memory()?),
            locks: Arc::default(),
            batches: Arc::new(Batches::new(&adapter.manifest, None)),
            recent: Arc::default(),
            ids: Arc::default(),
        })
    }

    async fn play(&self, transcript: &Transcript) -> Outcome {
        let mut outcome = Outcome {
            calls: 0,
            misfits: Vec::new(),
        };
        let mut variables = Variables::new();
        for exchange in &transcript.exchanges {
            let replay = Rc::new(Replay::new(exchange.calls.clone(), variables.clone()));
            let got = self
                .ask(&exchange.asks, &variables, Rc::clone(&replay))
                .await;
            let (calls, misfits) = replay.end();
            outcome.calls += calls;
            outcome.misfits.extend(misfits);
            outcome
                .misfits
                .extend(judge(exchange, &got, &mut variables));
        }
        outcome
    }

    async fn ask(&self, ask: &Ask, variables: &Variables, backend: Rc<Replay>) -> Got {
        match self.response(ask, variables, backend).await {
            Ok(response) => Got::of_response(response),
            Err(failure) => {
                let told = told(failure, "transcript");
                let wait = told
                    .retry_after
                    .map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
                Got {
                    status: told.error.status,
                    headers: wait.into_iter().collect(),
                    body: Some(told.error.body()),
                }
            }
        }
    }

    async fn response(
        &self,
        ask: &Ask,
        variables: &Variables,
        backend: Rc<Replay>,
    ) -> Result<Response, Failure> {
        let target = fill(&ask.target, variables);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target.as_str(), None),
        };
        let body = body(&ask.body, variables)?;
        let message = Message::parse(&ask.method, path, query, body, &self.service)?;
        let header = |name| ask.header(name).map(|value| fill(value, variables));
        let (if_match, if_none_match) = (header("if-match"), header("if-none-match"));
        let operation = self.operation(backend);
        match message.under(if_match.as_deref(), if_none_match.as_deref())? {
            Message::Single(request) => operation.perform(request).await,
            Message::Bulk(bulk) => Ok(self.bulk(bulk, &operation).await),
        }
    }

    async fn bulk(&self, bulk: Bulk, operation: &Operation) -> Response {
        let one = async |request| {
            let result = operation.perform(request).await;
            result.map_err(|failure| told(failure, "transcript").error)
        };
        operations::bulk(bulk, &self.service, BASE_URL, operation.deadline, one).await
    }

    fn operation(&self, backend: Rc<Replay>) -> Operation {
        Operation {
            tenant: self.tenant.clone(),
            adapter: Arc::clone(&self.adapter),
            service: Arc::clone(&self.service),
            settings: Arc::clone(&self.settings),
            group_priority: Arc::clone(&self.group_priority),
            backend,
            memory: Arc::clone(&self.memory),
            locks: Arc::clone(&self.locks),
            batches: Arc::clone(&self.batches),
            recent: Arc::clone(&self.recent),
            ids: Arc::clone(&self.ids),
            cursors: CursorKey::new([0; 32]),
            base_url: BASE_URL.to_owned(),
            deadline: Instant::now() + Duration::from_secs(45),
            story: Story::unheard_of(&self.tenant),
        }
    }
}

impl Got {
    fn of_response(response: Response) -> Self {
        let location = response
            .location
            .map(|location| ("location".to_owned(), location));
        let version = response.version.map(|version| ("etag".to_owned(), version));
        Self {
            status: response.status,
            headers: location.into_iter().chain(version).collect(),
            body: response.body,
        }
    }
}

/// The tenant's settings: those of the transcript, the manifest's defaults, and
/// their own names for the rest.
fn settings(transcript: &Transcript, adapter: &Adapter) -> Settings {
    let values = adapter.manifest.settings.iter().map(|(name, setting)| {
        let written = transcript
            .settings
            .get(name)
            .map(|text| Value::from(text.as_str()));
        let default = setting
            .default
            .as_ref()
            .and_then(|value| serde_json::to_value(value).ok());
        (
            name.clone(),
            written.or(default).unwrap_or_else(|| name.as_str().into()),
        )
    });
    Settings::new(values.collect())
}

fn body(body: &Body, variables: &Variables) -> Result<Option<Value>, ScimError> {
    let text = match body {
        Body::None => return Ok(None),
        Body::Json(value) => fill_value(value, variables).to_string(),
        Body::Text(text) => fill(text, variables),
    };
    scim::json::read(text.as_bytes()).map(Some)
}

fn judge(exchange: &Exchange, got: &Got, variables: &mut Variables) -> Vec<String> {
    let ExpectedResponse {
        line,
        status,
        headers,
        body,
    } = &exchange.gets;
    let mut misfits = Vec::new();
    if got.status != *status {
        let detail = got
            .body
            .as_ref()
            .and_then(|body| body.get("detail"))
            .and_then(Value::as_str);
        let detail = detail
            .map(|detail| format!(" ({detail})"))
            .unwrap_or_default();
        misfits.push(format!(
            "line {line}: expected status {status}, got {}{detail}",
            got.status
        ));
    }
    for (name, value) in headers {
        let found = got
            .headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str());
        if found != Some(fill(value, variables).as_str()) {
            misfits.push(format!(
                "line {line}: expected {name}: {value}, got {}",
                found.unwrap_or("none")
            ));
        }
    }
    match (body, &got.body) {
        (Body::Json(expected), Some(found)) => {
            let expected = fill_value(expected, variables);
            let found = differences(&expected, found, Mode::AtLeast, variables);
            misfits.extend(found.into_iter().map(|text| format!("line {line}: {text}")));
        }
        (Body::Json(_), None) => misfits.push(format!("line {line}: expected a body, got none")),
        (Body::None, Some(_)) if got.status == 204 => {
            misfits.push(format!("line {line}: 204 with a body"))
        }
        _ => {}
    }
    misfits
}
