//! What Entra asks, with each of its vendor calls going wrong in turn, in every way a call can.
//!
//! The answer to that is true or tells Entra to come back: no fault becomes 401, 403, 404 or a 2xx
//! that is not so. Once the vendor is well again, one more try reaches the wanted state, and nothing
//! is made twice or removed that was not to be.
//!
//! `cargo test` plays every fifth kind of request, one fault for each of its calls, and none that is
//! waited for for a minute; with `SCIMGATE_EVERY_FAULT` each call of each kind meets all of them,
//! once, and as often as the gateway tries it. `SCIMGATE_CASE` chooses those whose names
//! contain it and begin with vendor and request.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use scimgate::demo::emulator::kit::{Action, Drip, Fault, Status};
use scimgate::scim::Profile;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::stand::{Edit, Stand};
use super::vendors::{ALL, Vendor};
use crate::harness::{Request, Response, group, members_in, person};
use crate::kills::from_environment;

/// How many are played at a time: they mostly wait. `SCIMGATE_AT_ONCE` says otherwise.
const AT_ONCE: u64 = 24;

/// Of so many kinds of requests one is played, unless all are.
const ONE_OF: usize = 5;

/// How long a vendor may take for a call.
const CALL_MS: u64 = 1500;

/// The longest an answer may take: Entra waits for a minute.
const LATEST: Duration = Duration::from_secs(46);

/// How long the next try may be put off: a refused credential is tried again after a minute.
const PUT_OFF: Duration = Duration::from_secs(100);

/// How often the gateway tries a call.
const TRIES: u64 = 3;

/// Short enough to wait for.
fn edits(vendor: &Vendor) -> Vec<Edit> {
    match vendor.name {
        "reference" => vec![],
        "wss" => vec![
            ("toml", "call_ms = 10_000", "call_ms = 1_500"),
            ("toml", "longest_ms = 30_000", "longest_ms = 5_000"),
            ("toml", "index_lag_ms = 15_000", "index_lag_ms = 100"),
        ],
        _ => vec![("toml", "call_ms = 20000", "call_ms = 1500")],
    }
}

/// What goes wrong with a call: before it took effect, after it, or late.
fn faults() -> Vec<(&'static str, Action)> {
    let says = |code: u16, body: &str, after| {
        let headers = match code {
            429 => [("retry-after", "1")].as_slice(),
            _ => &[("content-type", "text/html")],
        };
        let headers = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        let headers = headers.collect();
        Action::Status(Status {
            code,
            headers,
            body: body.to_owned(),
            after,
        })
    };
    let page = "<html><body>Something else</body></html>";
    let elsewhere = "http://127.0.0.1:9/elsewhere".to_owned();
    let drip = Drip {
        bytes: 1,
        every_ms: 400,
    };
    vec![
        ("never answered", Action::BlackHole),
        ("reset before", Action::DropBefore),
        ("page 502", Action::Html502),
        ("redirect", Action::Redirect(elsewhere)),
        ("500", says(500, "", false)),
        ("503", says(503, "", false)),
        ("504", says(504, "", false)),
        ("429", says(429, "", false)),
        ("401", says(401, "", false)),
        ("403", says(403, "", false)),
        ("404 of somebody else", says(404, page, false)),
        ("page 200", says(200, page, false)),
        ("done late", Action::DelayMs(CALL_MS + 300)),
        ("done, answered late", Action::DelayAfterMs(2 * CALL_MS)),
        ("done, reset", Action::DropAfter),
        ("done, cut", Action::Truncate(7)),
        ("done, trickling", Action::Drip(drip)),
        ("done, endless", Action::Huge(9 << 20)),
        ("done, 500", says(500, "", true)),
        ("done, 502", says(502, "", true)),
        ("done, 504", says(504, "", true)),
        ("done, page 200", says(200, page, true)),
        ("done, somebody else's row", Action::WrongUser),
    ]
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ask {
    List,
    Find,
    Read,
    Create,
    Change,
    Replace,
    Disable,
    Enable,
    Delete,
    ReadGroup,
    CreateGroup,
    RenameGroup,
    Join,
    Leave,
    DeleteGroup,
}

const OF_USERS: [Ask; 9] = [
    Ask::List,
    Ask::Find,
    Ask::Read,
    Ask::Create,
    Ask::Change,
    Ask::Replace,
    Ask::Disable,
    Ask::Enable,
    Ask::Delete,
];

const OF_GROUPS: [Ask; 6] = [
    Ask::ReadGroup,
    Ask::CreateGroup,
    Ask::RenameGroup,
    Ask::Join,
    Ask::Leave,
    Ask::DeleteGroup,
];

/// A user in no group, and one in a group.
struct Stage {
    stand: Stand,
    ask: Ask,
    user: Value,
    id: String,
    member: Value,
    member_id: String,
    group_id: String,
    /// What is made.
    new: Value,
}

impl Stage {
    async fn set(vendor: &'static Vendor, ask: Ask) -> Self {
        let stand = Stand::edited(vendor, Profile::Entra, &edits(vendor)).await;
        let (user, member) = (person(), person());
        let id = stand.tenant.make("/Users", &user).await;
        let member_id = stand.tenant.make("/Users", &member).await;
        let group_id = match vendor.has_groups {
            true => stand.tenant.make("/Groups", &group(&[&member_id])).await,
            false => String::new(),
        };
        let new = match ask {
            Ask::CreateGroup => group(&[&id]),
            Ask::RenameGroup => group(&[]),
            _ => person(),
        };
        let stage = Self {
            stand,
            ask,
            user,
            id,
            member,
            member_id,
            group_id,
            new,
        };
        if ask == Ask::Enable {
            let off = stage.stand.tenant.send(stage.switch("False")).await;
            assert_eq!(off.status, 200, "{off}");
        }
        stage
    }

    fn switch(&self, active: &str) -> Request {
        self.patch_user(json!([{"op": "Replace", "path": "active", "value": active}]))
    }

    fn patch_user(&self, operations: Value) -> Request {
        self.patch(&format!("/Users/{}", self.id), operations)
    }

    fn patch_group(&self, operations: Value) -> Request {
        self.patch(&format!("/Groups/{}", self.group_id), operations)
    }

    fn patch(&self, path: &str, operations: Value) -> Request {
        self.stand.tenant.request("PATCH", path).json(&json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        }))
    }

    fn changed(&self) -> Value {
        let mut user = self.user.clone();
        user["name"]["givenName"] = "Changed".into();
        user
    }

    fn request(&self) -> Request {
        let (tenant, id, group) = (&self.stand.tenant, &self.id, &self.group_id);
        let name = self.user["userName"].as_str().unwrap().replace('@', "%40");
        match self.ask {
            Ask::List => tenant.request("GET", "/Users"),
            Ask::Find => tenant.request("GET", &format!("/Users?filter=userName+eq+%22{name}%22")),
            Ask::Read => tenant.request("GET", &format!("/Users/{id}")),
            Ask::Create => tenant.request("POST", "/Users").json(&self.new),
            Ask::Change => self.patch_user(
                json!([{"op": "Replace", "path": "name.givenName", "value": "Changed"}]),
            ),
            Ask::Replace => tenant
                .request("PUT", &format!("/Users/{id}"))
                .json(&self.changed()),
            Ask::Disable => self.switch("False"),
            Ask::Enable => self.switch("True"),
            Ask::Delete => tenant.request("DELETE", &format!("/Users/{id}")),
            Ask::ReadGroup => tenant.request("GET", &format!("/Groups/{group}")),
            Ask::CreateGroup => tenant.request("POST", "/Groups").json(&self.new),
            Ask::RenameGroup => self.patch_group(
                json!([{"op": "Replace", "path": "displayName", "value": self.new["displayName"]}]),
            ),
            Ask::Join => self
                .patch_group(json!([{"op": "Add", "path": "members", "value": [{"value": id}]}])),
            Ask::Leave => self.patch_group(
                json!([{"op": "Remove", "path": "members", "value": [{"value": self.member_id}]}]),
            ),
            Ask::DeleteGroup => tenant.request("DELETE", &format!("/Groups/{group}")),
        }
    }

    /// What is not so although the answer says that it was done.
    async fn broken(&self, answer: &Response) -> Result<(), String> {
        let tenant = &self.stand.tenant;
        let read = async |path: String| tenant.get(&path).await;
        let user = read(format!("/Users/{}", self.id)).await;
        let body = answer.json();
        let shown = |what: &Value, wanted: &Value, is: &str| match what == wanted {
            true => Ok(()),
            false => Err(format!("{is} is {what}, wanted {wanted}")),
        };
        let here: usize = match self.ask {
            Ask::List | Ask::Find => {
                let names = body["Resources"].as_array().cloned().unwrap_or_default();
                let names: Vec<_> = names.iter().map(|found| found["id"].clone()).collect();
                let mut wanted = vec![json!(self.id), json!(self.member_id)];
                wanted.truncate(if self.ask == Ask::Find { 1 } else { 2 });
                if names.len() != wanted.len() || wanted.iter().any(|id| !names.contains(id)) {
                    return Err(format!("found {names:?}, wanted {wanted:?}"));
                }
                2
            }
            Ask::Read => {
                shown(&body["userName"], &self.user["userName"], "the name read")?;
                2
            }
            Ask::Create => {
                let name = self.new["userName"].as_str().unwrap();
                let found = self.stand.found("/Users", "userName", name).await;
                shown(&json!(found.len()), &json!(1), "how many have the name")?;
                shown(
                    &json!(self.stand.is_active(&self.new["userName"])),
                    &json!(true),
                    "active",
                )?;
                3
            }
            Ask::Change | Ask::Replace => {
                shown(
                    &user.json()["name"]["givenName"],
                    &json!("Changed"),
                    "the first name",
                )?;
                2
            }
            Ask::Disable | Ask::Enable => {
                let wanted = json!(self.ask == Ask::Enable);
                shown(&user.json()["active"], &wanted, "active")?;
                let active = self.stand.is_active(&self.user["userName"]);
                shown(&json!(active), &wanted, "active at the vendor")?;
                2
            }
            Ask::Delete => {
                shown(
                    &json!(user.status),
                    &json!(404),
                    "the status of who was deleted",
                )?;
                return self.is_untouched();
            }
            _ => {
                self.group_is_broken(&body).await?;
                2
            }
        };
        shown(
            &json!(self.stand.users()),
            &json!(here),
            "the number of users",
        )?;
        self.is_untouched()
    }

    async fn group_is_broken(&self, answer: &Value) -> Result<(), String> {
        let tenant = &self.stand.tenant;
        let (mut name, mut wanted) = (Value::Null, vec![self.member_id.clone()]);
        let mut path = format!("/Groups/{}", self.group_id);
        let mut joined = 1;
        match self.ask {
            Ask::ReadGroup if members_in(answer) != wanted => {
                return Err(format!("members read: {answer}"));
            }
            Ask::CreateGroup => {
                name = self.new["displayName"].clone();
                let found = tenant_found(&self.stand, &name).await?;
                path = format!("/Groups/{found}");
                wanted = vec![self.id.clone()];
                joined = 2;
            }
            Ask::RenameGroup => name = self.new["displayName"].clone(),
            Ask::Join => {
                wanted.push(self.id.clone());
                joined = 2;
            }
            Ask::Leave => {
                wanted.clear();
                joined = 0;
            }
            Ask::DeleteGroup => joined = 0,
            _ => {}
        }
        wanted.sort();
        let held = tenant.get(&path).await;
        if (self.ask == Ask::DeleteGroup) != (held.status == 404) {
            return Err(format!("the group: {held}"));
        }
        let held = held.json();
        if self.ask != Ask::DeleteGroup && members_in(&held) != wanted {
            return Err(format!(
                "members are {:?}, wanted {wanted:?}",
                members_in(&held)
            ));
        }
        if !name.is_null() && held["displayName"] != name {
            return Err(format!(
                "the name is {}, wanted {name}",
                held["displayName"]
            ));
        }
        match self.stand.joined() {
            at_vendor if at_vendor == joined => Ok(()),
            other => Err(format!(
                "the vendor has {other} memberships, wanted {joined}"
            )),
        }
    }

    /// Nothing else was disabled or removed.
    fn is_untouched(&self) -> Result<(), String> {
        match self.stand.is_active(&self.member["userName"]) {
            true => Ok(()),
            false => Err("somebody else is not in use any more".to_owned()),
        }
    }
}

async fn tenant_found(stand: &Stand, name: &Value) -> Result<String, String> {
    let mut found = stand
        .found("/Groups", "displayName", name.as_str().unwrap())
        .await;
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (one, others) => Err(format!("{one:?} and {others} others are called {name}")),
    }
}

/// One thing that goes wrong.
#[derive(Clone)]
struct Case {
    vendor: &'static Vendor,
    ask: Ask,
    /// Which call, from 1.
    call: u64,
    name: &'static str,
    action: Action,
    /// How many calls.
    times: u64,
}

/// What came of one: the first answer's status, and how long it took.
struct Came {
    status: u16,
    took: Duration,
    why: Option<String>,
}

impl Case {
    async fn play(self) -> Came {
        let what = self.to_string();
        let came = match tokio::spawn(self.carry_out()).await {
            Ok(came) => came,
            Err(panic) => Came {
                status: 0,
                took: Duration::ZERO,
                why: Some(panic.to_string()),
            },
        };
        let why = came
            .why
            .map(|why| format!("{what}: first {}: {why}", came.status));
        Came { why, ..came }
    }

    async fn carry_out(self) -> Came {
        let stage = Stage::set(self.vendor, self.ask).await;
        let fault = Fault::new("*", "/**", self.action.clone());
        let which = self.call..self.call + self.times;
        let faults = which.map(|call| fault.clone().nth(call)).collect();
        stage.stand.emulator.faults(faults);
        let began = Instant::now();
        let first = stage.stand.tenant.send(stage.request()).await;
        let took = began.elapsed();
        stage.stand.emulator.faults(Vec::new());
        let status = first.status;
        let why = self.judge(&stage, first, took).await.err();
        Came { status, took, why }
    }

    async fn judge(&self, stage: &Stage, first: Response, took: Duration) -> Result<(), String> {
        if took > LATEST {
            return Err(format!("answered after {took:?}"));
        }
        if first.status < 300 {
            return stage.broken(&first).await;
        }
        is_later(&first)?;
        let began = Instant::now();
        let next = loop {
            let next = stage.stand.tenant.send(stage.request()).await;
            if next.status != 503 && next.status != 429 {
                break next;
            }
            is_later(&next)?;
            if began.elapsed() > PUT_OFF {
                return Err(format!("put off again and again: {next}"));
            }
            sleep(Duration::from_secs(1)).await;
        };
        let is_delete = matches!(self.ask, Ask::Delete | Ask::DeleteGroup);
        match next.status {
            200..300 => stage.broken(&next).await,
            404 if is_delete => stage.broken(&next).await,
            _ => Err(format!("the next try: {next}")),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            vendor,
            ask,
            call,
            name,
            times,
            ..
        } = self;
        let vendor = vendor.name;
        write!(
            f,
            "{vendor}, {ask:?}, call {call} meets \"{name}\" {times} times"
        )
    }
}

fn is_later(answer: &Response) -> Result<(), String> {
    let wait = answer.retry_after();
    match (answer.status, wait) {
        (503 | 429, Some(1..=60)) => Ok(()),
        _ => Err(format!("no way to come back: {answer}")),
    }
}

/// How many vendor calls it takes while nothing goes wrong.
async fn calls_of(vendor: &'static Vendor, ask: Ask) -> u64 {
    let stage = Stage::set(vendor, ask).await;
    let before = stage.stand.emulator.counters().calls;
    let answer = stage.stand.tenant.send(stage.request()).await;
    let calls = stage.stand.emulator.counters().calls - before;
    let well = match answer.status {
        200..300 => stage.broken(&answer).await,
        _ => Err(answer.to_string()),
    };
    assert_eq!(well, Ok(()), "{} {ask:?}", vendor.name);
    calls
}

fn plays_every() -> bool {
    std::env::var_os("SCIMGATE_EVERY_FAULT").is_some()
}

/// All kinds of requests there are at the vendors.
fn kinds() -> Vec<(&'static Vendor, Ask)> {
    let asks = |vendor: &'static Vendor| {
        let of_groups = OF_GROUPS.iter().filter(|_| vendor.has_groups);
        let asks = OF_USERS.iter().chain(of_groups);
        asks.map(move |ask| (vendor, *ask))
    };
    ALL.iter().copied().flat_map(asks).collect()
}

/// All cases, or one fault for each call of a part of the requests.
async fn cases() -> Vec<Case> {
    let every = plays_every();
    let (faults, mut calls) = (faults(), 0);
    let mut cases = Vec::new();
    let wanted = std::env::var("SCIMGATE_CASE").unwrap_or_default();
    for (vendor, ask) in kinds().into_iter().step_by(if every { 1 } else { ONE_OF }) {
        let kind = format!("{}, {ask:?},", vendor.name);
        if !wanted.is_empty() && !wanted.contains(&kind) {
            continue;
        }
        for call in 1..=calls_of(vendor, ask).await {
            calls += 1;
            let turn = calls % faults.len();
            let is_long = ["401", "403", "never answered"].contains(&faults[turn].0);
            let meant = |at: &usize| every || *at == turn && !is_long;
            for at in (0..faults.len()).filter(meant) {
                let (name, action) = faults[at].clone();
                // Nobody can tell a list that leaves somebody out from a true one.
                if matches!(ask, Ask::List | Ask::Find) && matches!(action, Action::WrongUser) {
                    continue;
                }
                let case = Case {
                    vendor,
                    ask,
                    call,
                    name,
                    action,
                    times: TRIES,
                };
                if every {
                    cases.push(Case {
                        times: 1,
                        ..case.clone()
                    });
                }
                cases.push(case);
            }
        }
    }
    cases.retain(|case| case.to_string().contains(&wanted));
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_call_goes_wrong_the_next_try_reaches_the_wanted_state() {
    play(cases().await).await;
}

/// Names tell whom a reply is about, and what it is about must exist.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_to_a_write_about_something_else_is_not_followed() {
    let stranger = faults().into_iter().last().unwrap();
    let writes = kinds()
        .into_iter()
        .filter(|(_, ask)| matches!(ask, Ask::Create | Ask::CreateGroup | Ask::RenameGroup));
    let case = |(vendor, ask)| {
        let (name, action) = stranger.clone();
        // The first call looks, or writes. A fault that ends lets the next one tell the truth.
        [1, TRIES].map(|times| Case {
            vendor,
            ask,
            call: 1,
            name,
            action: action.clone(),
            times,
        })
    };
    play(writes.flat_map(case).collect()).await;
}

async fn play(mut cases: Vec<Case>) {
    let at_once = from_environment("SCIMGATE_AT_ONCE", AT_ONCE) as usize;
    let count = cases.len();
    let mut playing = JoinSet::new();
    let (mut failures, mut answers) = (Vec::new(), BTreeMap::<u16, u64>::new());
    let mut longest = Duration::ZERO;
    while !cases.is_empty() || !playing.is_empty() {
        while playing.len() < at_once
            && let Some(case) = cases.pop()
        {
            playing.spawn(case.play());
        }
        match playing.join_next().await {
            Some(Ok(came)) => {
                *answers.entry(came.status).or_default() += 1;
                longest = longest.max(came.took);
                came.why.iter().for_each(|why| eprintln!("{why}"));
                failures.extend(came.why);
            }
            Some(Err(panic)) => failures.push(panic.to_string()),
            None => {}
        }
        if plays_every() && cases.len().is_multiple_of(100) {
            eprintln!("{} are left", cases.len());
        }
    }
    eprintln!(
        "{} faults, {count} calls went wrong; first answers {answers:?}, the slowest after {longest:?}; {} fail",
        faults().len(),
        failures.len()
    );
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
