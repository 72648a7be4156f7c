//! Running a transcript against an adapter: the whole gateway but for its
//! sockets, on a store in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::LocalOptions;
use tokio::time::Instant;

use super::compare::{Mode, Variables, differences, fill, fill_value};
use super::login::PlayedLogin;
use super::replay::Replay;
use super::{Ask, Body, Exchange, Misfit, Transcript};
use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::adapter::settings::Settings;
use crate::problem::Difference;
use crate::provisioning::batch::Batches;
use crate::provisioning::ids::{IdCache, KnownIds};
use crate::provisioning::intents::Intents;
use crate::provisioning::locks::Locks;
use crate::provisioning::memory::Memory;
use crate::provisioning::recent::Recent;
use crate::provisioning::trace::Story;
use crate::provisioning::{self, Operation, Process};
use crate::scim::{self, Bulk, CursorKey, Message, Response, ScimError, Service};
use crate::script::call::{Backend, VendorCall};
use crate::script::fault::Failure;
use crate::script::once::{LookUps, TenantLookUps};
use crate::script::printed;
use crate::server::error_answer;
use crate::store::Store;

/// The Tenant URL in transcripts.
const BASE_URL: &str = "https://gateway.example/scim/v2";

/// What came of a transcript.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Vendor calls made.
    pub calls: usize,
    /// What did not fit; empty when it passed.
    pub misfits: Vec<Misfit>,
    /// Where the failure arose because of which it did not pass, and what it is. What did not fit
    /// is then only the answer that says so: all else follows from it.
    pub cause: Option<String>,
    /// What the script printed.
    pub printed: Vec<String>,
}

/// What came of one exchange.
#[derive(Debug)]
pub(super) struct Happened {
    /// The calls of the vendor.
    pub(super) came: Vec<VendorCall>,
    /// What Entra got.
    pub(super) got: Got,
    /// What did not fit.
    pub(super) misfits: Vec<Misfit>,
    /// The names that had values when it began.
    pub(super) before: Variables,
}

/// What Entra got.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    /// Where a failure arose and what it was, if it was no refusal.
    pub(crate) cause: Option<String>,
}

/// Runs a transcript.
///
/// # Errors
/// The store in memory or the event loop could not be made.
pub fn run(transcript: &Transcript, adapter: &Arc<Adapter>) -> anyhow::Result<Outcome> {
    let (happened, printed) = printed::collect(|| play(transcript, adapter));
    let happened = happened?;
    let failed = happened.iter().find(|one| one.failed());
    let (cause, misfits) = match failed {
        Some(failed) => (failed.got.cause.clone(), failed.answer_misfits()),
        None => (
            None,
            happened
                .iter()
                .flat_map(|one| one.misfits.clone())
                .collect(),
        ),
    };
    Ok(Outcome {
        calls: happened.iter().map(|one| one.came.len()).sum(),
        misfits,
        cause,
        printed,
    })
}

impl Happened {
    /// Whether it failed where the transcript has another answer. A call that is not written, or
    /// that got the answer to another one, is told by itself: the failure follows from it.
    fn failed(&self) -> bool {
        let has = |code| self.misfits.iter().any(|misfit| misfit.code == code);
        self.got.cause.is_some()
            && !has("transcript::extra-call")
            && !has("transcript::call")
            && !self.answer_misfits().is_empty()
    }

    fn answer_misfits(&self) -> Vec<Misfit> {
        let of_answer = self.misfits.iter();
        let of_answer = of_answer.filter(|misfit| misfit.code == "transcript::status");
        of_answer.cloned().collect()
    }
}

/// Runs a transcript and tells what came of each exchange.
pub(super) fn play(
    transcript: &Transcript,
    adapter: &Arc<Adapter>,
) -> anyhow::Result<Vec<Happened>> {
    let player = Player::new(transcript, adapter)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build_local(LocalOptions::default())?;
    Ok(runtime.block_on(player.play(transcript)))
}

/// One tenant without a network.
pub(crate) struct Player {
    pub(crate) tenant: TenantId,
    pub(crate) adapter: Arc<Adapter>,
    pub(crate) service: Arc<Service>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) group_priority: Arc<BTreeMap<String, i64>>,
    pub(crate) memory: Arc<dyn Memory>,
    pub(crate) locks: Arc<Locks>,
    pub(crate) batches: Arc<Batches>,
    pub(crate) recent: Arc<Recent>,
    pub(crate) intents: Arc<Intents>,
    pub(crate) known: Arc<KnownIds>,
    pub(crate) look_ups: TenantLookUps,
    pub(crate) ids: Arc<IdCache>,
}

impl Player {
    fn new(transcript: &Transcript, adapter: &Arc<Adapter>) -> anyhow::Result<Self> {
        let tenant =
            TenantId::parse("transcript").ok_or_else(|| anyhow::anyhow!("no tenant name"))?;
        let settings = settings(&transcript.settings, adapter);
        let adapter = &adapter.for_tenant(&settings).map_err(anyhow::Error::msg)?;
        Ok(Self {
            tenant,
            adapter: Arc::clone(adapter),
            service: adapter.service(transcript.profile),
            settings: Arc::new(settings),
            group_priority: Arc::new(transcript.priority.clone()),
            memory: Arc::new(Store::in_memory()?),
            locks: Arc::default(),
            batches: Arc::new(Batches::new(&adapter.manifest, None)),
            recent: Arc::default(),
            intents: Arc::default(),
            known: Arc::default(),
            look_ups: LookUps::default().of("transcript"),
            ids: Arc::default(),
        })
    }

    async fn play(&self, transcript: &Transcript) -> Vec<Happened> {
        let mut happened = Vec::new();
        let mut variables = Variables::new();
        let login = transcript.login.as_deref();
        let login = login.and_then(|name| PlayedLogin::new(&self.adapter, &self.settings, name));
        for exchange in &transcript.exchanges {
            let before = variables.clone();
            let replay = Replay::new(exchange.asks.line, exchange.calls.clone(), before.clone());
            let replay = Rc::new(replay);
            let backend: Rc<dyn Backend> = match &login {
                Some(login) => Rc::new(login.before(replay.clone())),
                None => replay.clone(),
            };
            let story = Story::unheard_of(&self.tenant);
            let got = self.ask(&exchange.asks, &before, backend, story).await;
            let (came, mut misfits) = replay.end();
            // After a call that has no answer in the file, the body is the player's own failure.
            let is_cut = (misfits.iter()).any(|misfit| misfit.code == "transcript::extra-call");
            let judged = judge(exchange, &got, &mut variables).into_iter();
            misfits.extend(judged.filter(|misfit| !is_cut || misfit.code == "transcript::status"));
            happened.push(Happened {
                came,
                got,
                misfits,
                before,
            });
        }
        happened
    }

    /// Carries one request out, with the vendor that `backend` is.
    pub(crate) async fn ask(
        &self,
        ask: &Ask,
        variables: &Variables,
        backend: Rc<dyn Backend>,
        story: Rc<Story>,
    ) -> Got {
        let response = self
            .response(ask, variables, backend, Rc::clone(&story))
            .await;
        story.taken();
        match response {
            Ok((response, cause)) => Got {
                cause,
                ..Got::of_response(response)
            },
            Err(failure) => {
                let cause = failure.cause();
                let answer = error_answer(failure);
                let wait = answer
                    .retry_after
                    .map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
                Got {
                    status: answer.error.status,
                    headers: wait.into_iter().collect(),
                    body: Some(answer.error.body()),
                    cause,
                }
            }
        }
    }

    async fn response(
        &self,
        ask: &Ask,
        variables: &Variables,
        backend: Rc<dyn Backend>,
        story: Rc<Story>,
    ) -> Result<(Response, Option<String>), Failure> {
        let target = fill(&ask.target, variables);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target.as_str(), None),
        };
        let body = body(&ask.body, variables)?;
        let message = Message::parse(&ask.method, path, query, body, &self.service)?;
        let header = |name| ask.header(name).map(|value| fill(value, variables));
        let (if_match, if_none_match) = (header("if-match"), header("if-none-match"));
        let operation = self.operation(backend, story);
        match message.under(if_match.as_deref(), if_none_match.as_deref())? {
            Message::Single(request) => Ok((operation.perform(request).await?, None)),
            Message::Bulk(bulk) => Ok(self.bulk(bulk, &operation).await),
        }
    }

    /// The answer, and the first cause for which one of the operations failed.
    async fn bulk(&self, bulk: Bulk, operation: &Operation) -> (Response, Option<String>) {
        let cause = RefCell::new(None);
        let one = async |request| {
            let result = operation.perform(request).await;
            result.map_err(|failure| {
                let mut first = cause.borrow_mut();
                *first = first.take().or_else(|| failure.cause());
                error_answer(failure).error
            })
        };
        let (service, due) = (&self.service, operation.deadline);
        let response = provisioning::bulk(bulk, service, BASE_URL, due, one).await;
        (response, cause.into_inner())
    }

    fn operation(&self, backend: Rc<dyn Backend>, story: Rc<Story>) -> Operation {
        Operation {
            tenant: self.tenant.clone(),
            adapter: Arc::clone(&self.adapter),
            service: Arc::clone(&self.service),
            settings: Arc::clone(&self.settings),
            group_priority: Arc::clone(&self.group_priority),
            process: Process::of_transcripts(),
            backend,
            memory: Arc::clone(&self.memory),
            locks: Arc::clone(&self.locks),
            batches: Arc::clone(&self.batches),
            recent: Arc::clone(&self.recent),
            intents: Arc::clone(&self.intents),
            known: Arc::clone(&self.known),
            look_ups: self.look_ups.clone(),
            ids: Arc::clone(&self.ids),
            cursors: CursorKey::new([0; 32]),
            base_url: BASE_URL.to_owned(),
            deadline: Instant::now() + Duration::from_secs(45),
            story,
        }
    }
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The status, and why it is none that was wished for: the cause, or what Entra is told.
    fn status_and_why(&self) -> String {
        let body = self.body.as_ref();
        let detail = body.and_then(|body| body.get("detail")?.as_str());
        match self.cause.as_deref().or(detail) {
            Some(detail) => format!("{} ({detail})", self.status),
            None => self.status.to_string(),
        }
    }

    fn of_response(response: Response) -> Self {
        let location = response
            .location
            .map(|location| ("location".to_owned(), location));
        let version = response.version.map(|version| ("etag".to_owned(), version));
        Self {
            status: response.status,
            headers: location.into_iter().chain(version).collect(),
            body: response.body.map(crate::scim::Body::into_tree),
            cause: None,
        }
    }
}

/// The tenant's settings: those of the transcript, the manifest's defaults, and
/// their own names for the rest.
pub(crate) fn settings(written: &BTreeMap<String, String>, adapter: &Adapter) -> Settings {
    let values = adapter.manifest.settings.iter().map(|(name, setting)| {
        let written = written.get(name).map(|text| Value::from(text.as_str()));
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

fn judge(exchange: &Exchange, got: &Got, variables: &mut Variables) -> Vec<Misfit> {
    let gets = &exchange.gets;
    let misfit = |code, subject: &str, expected: Option<String>, found| Misfit {
        code,
        line: gets.line,
        subject: subject.to_owned(),
        path: String::new(),
        expected,
        found,
    };
    let mut misfits = Vec::new();
    if got.status != gets.status {
        let found = Some(got.status_and_why());
        let expected = Some(gets.status.to_string());
        misfits.push(misfit("transcript::status", "status", expected, found));
    }
    for (name, value) in &gets.headers {
        let (wanted, found) = (fill(value, variables), got.header(name));
        if found != Some(wanted.as_str()) {
            let found = found.map(str::to_owned);
            misfits.push(misfit("transcript::header", name, Some(wanted), found));
        }
    }
    let different = match (&gets.body, &got.body) {
        (Body::Json(expected), Some(found)) => {
            let expected = fill_value(expected, variables);
            differences(&expected, found, Mode::AtLeast, variables)
        }
        (Body::Json(expected), None) => vec![Difference {
            what: "body".to_owned(),
            expected: Some(expected.to_string()),
            found: None,
        }],
        (Body::None, Some(found)) if got.status == 204 => vec![Difference {
            what: "body".to_owned(),
            expected: None,
            found: Some(found.to_string()),
        }],
        _ => Vec::new(),
    };
    misfits.extend(different.into_iter().map(|it| Misfit {
        path: it.what.clone(),
        ..misfit("transcript::body", &it.what, it.expected, it.found)
    }));
    misfits
}
