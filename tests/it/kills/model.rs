//! A vendor of one class, on a loopback port: people and teams as JSON. It answers when it likes,
//! may lose its replies, and keeps whatever was ever made, for the oracle.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use url::form_urlencoded;

use super::class::{Class, TOKEN};
use super::fate::{Fate, Loss, Manner};

/// The header that says which replica sent a call.
pub(super) const REPLICA: &str = "x-replica";

/// A running vendor. It ends with the runtime it was started on.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) base_url: String,
    shared: Arc<Shared>,
}

struct Shared {
    class: &'static Class,
    /// How long its look-ups lag; less than what the manifest promises.
    lag: Duration,
    state: Mutex<State>,
}

struct State {
    manner: Manner,
    /// Fates of the next creates, before those of the manner.
    next: VecDeque<Fate>,
    accounts: Vec<Account>,
    /// By request token: the place of what it made.
    tokens: HashMap<String, usize>,
    /// How often a call was made of an object.
    counts: HashMap<String, u64>,
    tally: Tally,
}

/// What was asked of a vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) calls: u64,
    /// Calls that change something.
    pub(super) writes: u64,
    /// When each create came.
    pub(super) creates: Vec<Instant>,
    /// When each call that changes something came, and from which replica.
    pub(super) sent: Vec<(String, Instant)>,
}

/// A person or a team that was made.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) id: String,
    /// `people` or `teams`.
    pub(super) sort: String,
    pub(super) fields: Map<String, Value>,
    pub(super) members: BTreeSet<String>,
    made: Instant,
    pub(super) ended: Option<Instant>,
}

/// One call, read whole.
struct Call {
    method: Method,
    /// `["people", "17"]`.
    path: Vec<String>,
    query: HashMap<String, String>,
    token: Option<String>,
    /// Which one sent it, as its manifest says.
    replica: String,
    body: Value,
}

/// Status and body.
type Answer = (u16, Value);

/// The connection is to break.
#[derive(Debug, thiserror::Error)]
#[error("lost on purpose")]
struct Lost;

impl Model {
    /// A calm one.
    pub(super) async fn start(class: &'static Class, lag: Option<Duration>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            class,
            lag: lag.unwrap_or_default().mul_f64(0.8),
            state: Mutex::new(State {
                manner: Manner::Calm(Duration::from_millis(5)),
                next: VecDeque::new(),
                accounts: Vec::new(),
                tokens: HashMap::new(),
                counts: HashMap::new(),
                tally: Tally::default(),
            }),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { base_url, shared }
    }

    /// How it behaves from now on.
    pub(super) fn behave(&self, manner: Manner) {
        self.shared.state().manner = manner;
    }

    /// What becomes of the next create.
    pub(super) fn next_create(&self, latency: Duration, loss: Loss) {
        self.shared.state().next.push_back(Fate { latency, loss });
    }

    pub(super) fn tally(&self) -> Tally {
        self.shared.state().tally.clone()
    }

    /// All that was ever made.
    pub(super) fn accounts(&self) -> Vec<Account> {
        self.shared.state().accounts.clone()
    }

    /// Whatever has this name.
    pub(super) fn named(&self, sort: &str, name: &str) -> Vec<Account> {
        let mut accounts = self.accounts();
        accounts.retain(|account| account.sort == sort && account.name() == name);
        accounts
    }
}

impl Account {
    pub(super) fn name(&self) -> &str {
        self.fields[name_field(&self.sort)].as_str().unwrap()
    }

    fn row(&self) -> Value {
        let mut row = self.fields.clone();
        row.insert("id".to_owned(), self.id.clone().into());
        row.into()
    }

    fn answers_to(&self, field: &str, value: &str) -> bool {
        let held = self.fields.get(field).and_then(Value::as_str);
        held.is_some_and(|held| held.eq_ignore_ascii_case(value))
    }
}

fn name_field(sort: &str) -> &'static str {
    match sort {
        "people" => "login",
        _ => "label",
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, Arc::clone(&shared)));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    let twin = stream.try_clone()?;
    let stream = TokioIo::new(TcpStream::from_std(stream)?);
    let service = service_fn(|request| answer(Arc::clone(&shared), request));
    let served = http1::Builder::new()
        .serve_connection(stream, service)
        .await;
    if served.is_err() {
        // Closed by a reset, whatever was still to be sent.
        TcpStream::from_std(twin)?.set_zero_linger()?;
    }
    Ok(())
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Lost> {
    let call = Call::read(request).await?;
    // A caller that is killed does not stop what it asked for.
    let carried = tokio::spawn(carry_out(shared, call));
    let (status, body) = carried.await.map_err(|_| Lost)??;
    let bytes = match body {
        Value::Null => Bytes::new(),
        body => body.to_string().into(),
    };
    let mut response = Response::new(Full::new(bytes));
    *response.status_mut() = status.try_into().unwrap_or_default();
    Ok(response)
}

async fn carry_out(shared: Arc<Shared>, call: Call) -> Result<Answer, Lost> {
    let Fate { latency, loss } = shared.admit(&call);
    sleep(latency).await;
    match loss {
        Loss::None => Ok(shared.work(&call)),
        Loss::Before => Err(Lost),
        Loss::After => {
            shared.work(&call);
            Err(Lost)
        }
        Loss::Late(after) => {
            tokio::spawn(async move {
                sleep(after).await;
                shared.work(&call);
            });
            Err(Lost)
        }
    }
}

impl Call {
    async fn read(request: Request<Incoming>) -> Result<Self, Lost> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
        let path = head.uri.path().split('/').filter(|part| !part.is_empty());
        let query = head.uri.query().unwrap_or_default().as_bytes();
        let token = head.headers.get(TOKEN);
        let replica = head.headers.get(REPLICA);
        Ok(Self {
            method: head.method,
            path: path.map(str::to_owned).collect(),
            query: form_urlencoded::parse(query).into_owned().collect(),
            token: token.map(|token| String::from_utf8_lossy(token.as_bytes()).into_owned()),
            replica: replica.map_or_else(String::new, |replica| {
                String::from_utf8_lossy(replica.as_bytes()).into_owned()
            }),
            body: serde_json::from_slice(&body).unwrap_or_default(),
        })
    }

    fn sort(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }

    fn is_create(&self) -> bool {
        self.method == Method::POST && self.path.len() == 1
    }

    /// What the call is about, as it is the same in every run: names, and not ids.
    fn subject(&self, state: &State) -> String {
        let named = self.path.get(1).and_then(|id| state.find(self.sort(), id));
        let name = match named {
            Some(account) => account.name(),
            None => self.body[name_field(self.sort())]
                .as_str()
                .unwrap_or_default(),
        };
        let mut query: Vec<_> = self.query.iter().collect();
        query.sort();
        format!("{} {name} {query:?}", self.sort())
    }
}

impl State {
    fn find(&self, sort: &str, id: &str) -> Option<&Account> {
        let mut accounts = self.accounts.iter();
        accounts.find(|account| account.sort == sort && account.id == id && account.ended.is_none())
    }

    fn find_mut(&mut self, sort: &str, id: &str) -> Option<&mut Account> {
        let mut accounts = self.accounts.iter_mut();
        accounts.find(|account| account.sort == sort && account.id == id && account.ended.is_none())
    }

    /// Whether somebody else of this sort has the name.
    fn is_taken(&self, sort: &str, name: &str, by_other_than: Option<&str>) -> bool {
        let mut accounts = self.accounts.iter();
        accounts.any(|account| {
            account.ended.is_none()
                && account.sort == sort
                && Some(account.id.as_str()) != by_other_than
                && account.answers_to(name_field(sort), name)
        })
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call and says what becomes of it.
    fn admit(&self, call: &Call) -> Fate {
        let mut state = self.state();
        state.tally.calls += 1;
        state.tally.writes += u64::from(call.method != Method::GET);
        if call.method != Method::GET {
            let sent = (call.replica.clone(), Instant::now());
            state.tally.sent.push(sent);
        }
        if call.is_create() {
            state.tally.creates.push(Instant::now());
            if let Some(fate) = state.next.pop_front() {
                return fate;
            }
        }
        let subject = call.subject(&state);
        let count = state.counts.entry(format!("{} {subject}", call.method));
        let count = *count.and_modify(|count| *count += 1).or_insert(0);
        let creates = call.is_create();
        state.manner.fate(&call.method, creates, &subject, count)
    }

    /// What the call does.
    fn work(&self, call: &Call) -> Answer {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        match (call.method.as_str(), path.as_slice()) {
            (_, [sort, ..]) if !["people", "teams"].contains(sort) => absent(),
            ("GET", [sort]) => self.look_up(sort, &call.query),
            ("POST", [sort]) => self.create(sort, call),
            ("GET", [sort, id]) => match self.state().find(sort, id) {
                Some(account) => (200, account.row()),
                None => absent(),
            },
            ("PATCH", [sort, id]) => self.change(sort, id, &call.body),
            ("DELETE", [sort, id]) => match self.state().find_mut(sort, id) {
                Some(account) => {
                    account.ended = Some(Instant::now());
                    (204, Value::Null)
                }
                None => absent(),
            },
            ("GET", ["teams", id, "members"]) => match self.state().find("teams", id) {
                Some(team) => (200, json!({"items": team.members})),
                None => absent(),
            },
            ("POST", ["teams", id, "members"]) => self.change_members(id, &call.body),
            _ => (405, json!({"code": "no_such_call"})),
        }
    }

    /// What the index has: what was made or removed lately is not in it, or still.
    fn look_up(&self, sort: &str, query: &HashMap<String, String>) -> Answer {
        let state = self.state();
        let is_old = |moment: Instant| moment.elapsed() >= self.lag;
        let fits = |account: &&Account| {
            let mut named = query
                .iter()
                .filter(|(field, _)| !["limit", "offset"].contains(&field.as_str()));
            account.sort == sort
                && is_old(account.made)
                && !account.ended.is_some_and(is_old)
                && named.all(|(field, value)| account.answers_to(field, value))
        };
        let found: Vec<Value> = state
            .accounts
            .iter()
            .filter(fits)
            .map(Account::row)
            .collect();
        let number = |name: &str, default: usize| {
            let given = query.get(name).and_then(|text| text.parse().ok());
            given.unwrap_or(default)
        };
        let page = found.iter().skip(number("offset", 0));
        let page: Vec<_> = page.take(number("limit", 100)).collect();
        (200, json!({"items": page, "total": found.len()}))
    }

    fn create(&self, sort: &str, call: &Call) -> Answer {
        let mut state = self.state();
        let known = call
            .token
            .as_ref()
            .and_then(|token| state.tokens.get(token));
        if let Some(place) = known {
            return (201, state.accounts[*place].row());
        }
        let (Some(fields), Some(name)) =
            (call.body.as_object(), call.body[name_field(sort)].as_str())
        else {
            return (400, json!({"code": "no_name"}));
        };
        if !self.class.external && fields.contains_key("external") {
            return (400, json!({"code": "no_such_field"}));
        }
        if self.class.unique && state.is_taken(sort, name, None) {
            return (409, json!({"code": "taken"}));
        }
        let place = state.accounts.len();
        let account = Account {
            id: format!("{}{}", &sort[..1], place + 1),
            sort: sort.to_owned(),
            fields: fields.clone(),
            members: BTreeSet::new(),
            made: Instant::now(),
            ended: None,
        };
        let row = account.row();
        state.accounts.push(account);
        if let Some(token) = call.token.as_ref().filter(|_| self.class.token) {
            state.tokens.insert(token.clone(), place);
        }
        (201, row)
    }

    fn change(&self, sort: &str, id: &str, changes: &Value) -> Answer {
        let mut state = self.state();
        let renamed = changes[name_field(sort)].as_str();
        let taken = renamed.is_some_and(|name| state.is_taken(sort, name, Some(id)));
        let Some(account) = state.find_mut(sort, id) else {
            return absent();
        };
        if self.class.unique && taken {
            return (409, json!({"code": "taken"}));
        }
        for (field, value) in changes.as_object().into_iter().flatten() {
            account.fields.insert(field.clone(), value.clone());
        }
        (200, account.row())
    }

    fn change_members(&self, id: &str, body: &Value) -> Answer {
        let mut state = self.state();
        let ids = |name: &str| -> Vec<String> {
            let ids = body[name].as_array().into_iter().flatten();
            ids.filter_map(|id| id.as_str().map(str::to_owned))
                .collect()
        };
        let (joiners, leavers) = (ids("add"), ids("remove"));
        if joiners
            .iter()
            .any(|person| state.find("people", person).is_none())
        {
            return (422, json!({"code": "no_person"}));
        }
        let Some(team) = state.find_mut("teams", id) else {
            return absent();
        };
        team.members.extend(joiners);
        team.members.retain(|person| !leavers.contains(person));
        (200, json!({}))
    }
}

fn absent() -> Answer {
    (404, json!({"code": "absent"}))
}
