//! The front door: who calls, may they, how often, and what is asked.

use super::directory::Directory;
use super::index::Index;
use super::job::{Jobs, name};
use super::refusal::Refusal;
use super::{Limits, Options, operation, seed};
use crate::kit::{Answer, Bucket, Call, NO_SUCH_PATH, Refused, Route, Vendor, WRONG_METHOD, basic};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// One publication in so long.
const PUBLISHED_EVERY: SignedDuration = SignedDuration::from_mins(15);

const ACCOUNT: &str = "GET /accounts/{acct}";
const SUBMIT: &str = "POST /jobs";
const CANCEL: &str = "DELETE /jobs/{id}";
const PUBLISH: &str = "POST /publish";
/// The other calls about an account.
const CALLS: [&str; 9] = [
    SUBMIT,
    CANCEL,
    PUBLISH,
    "GET /jobs/{id}",
    "GET /users",
    "GET /users/{key}",
    "GET /groups",
    "GET /groups/{key}",
    "GET /groups/{key}/members",
];

/// All accounts behind one address.
#[derive(Clone)]
pub(super) struct Service {
    limits: Limits,
    desks: Vec<Desk>,
}

/// One account and what is under way in it.
#[derive(Clone)]
struct Desk {
    directory: Directory,
    jobs: Jobs,
    submits: Bucket,
    reads: Bucket,
    published: Option<Timestamp>,
}

impl Service {
    pub(super) fn new(options: &Options) -> Self {
        let desks = options.clients.iter().map(|account| Desk {
            directory: Directory::new(account.clone()),
            jobs: Jobs::default(),
            submits: Bucket::default(),
            reads: Bucket::default(),
            published: None,
        });
        Self {
            limits: options.limits.clone(),
            desks: desks.collect(),
        }
    }

    /// The place of the account whose credential the call bears.
    fn place(&self, call: &Call) -> Option<usize> {
        let given = call.header("authorization")?;
        let mut desks = self.desks.iter();
        desks.position(|desk| {
            let account = &desk.directory.account;
            given == basic(&account.username, &account.password)
        })
    }

    /// The order is the vendor's: password, role and account, path, rate, then the call itself.
    fn enter(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        let place = self.place(call).ok_or(Refusal::WrongPassword)?;
        let desk = self.desks.get_mut(place).ok_or(Refusal::WrongPassword)?;
        let route = route(call);
        match route.template {
            NO_SUCH_PATH => return Err(Refusal::NO_SUCH_PATH),
            WRONG_METHOD => return Err(Refusal::WRONG_METHOD),
            _ => {}
        }
        let holder = &desk.directory.account;
        if !holder.has_role || holder.account_id != route.argument(0) {
            return Err(Refusal::NoRole);
        }
        desk.count(&route, &self.limits, now)?;
        desk.go_on(&mut self.limits, now);
        desk.perform(&route, call, &self.limits, now)
    }
}

impl Desk {
    fn count(&mut self, route: &Route, limits: &Limits, now: Timestamp) -> Result<(), Refusal> {
        let is_free = match route.template {
            SUBMIT => is_free(&mut self.submits, limits.submits_per_minute, now),
            CANCEL | PUBLISH => true,
            _ => is_free(&mut self.reads, limits.reads_per_minute, now),
        };
        match is_free {
            true => Ok(()),
            false => Err(Refusal::TOO_MANY_CALLS),
        }
    }

    fn go_on(&mut self, limits: &mut Limits, now: Timestamp) {
        self.jobs.go_on(&mut self.directory, limits, now);
        self.directory.catch_up(now);
    }

    fn perform(
        &mut self,
        route: &Route,
        call: &Call,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let directory = &self.directory;
        let shown = |row: Option<Value>| {
            let row = row.ok_or(Refusal::NOT_FOUND)?;
            Ok(Answer::json(200, &row))
        };
        let key = route.argument(1);
        match route.template {
            ACCOUNT => {
                let account = &directory.account;
                let body = json!({"accountId": account.account_id, "name": "Example", "roles": ["DIRSYNC"]});
                Ok(Answer::json(200, &body))
            }
            SUBMIT => self.submit(call, limits, now),
            "GET /jobs/{id}" => {
                let number = |name| call.parameter(name).and_then(|text| text.parse().ok());
                let (from, max) = (number("from").unwrap_or(0), number("max").unwrap_or(100));
                shown(Some(self.jobs.shown(key, from, max)?))
            }
            CANCEL => self.jobs.cancel(key).map(|()| Answer::empty(204)),
            "GET /users/{key}" => shown(directory.user(key)),
            "GET /groups/{key}" => shown(directory.group(key)),
            "GET /users" => Ok(search(&directory.user_index, call, USER_KEYS, "users")),
            "GET /groups" => Ok(search(&directory.group_index, call, GROUP_KEYS, "groups")),
            "GET /groups/{key}/members" => {
                let members = directory.members(key).ok_or(Refusal::NOT_FOUND)?;
                let members = members.map(|key| (key, Value::from(key.as_str())));
                Ok(page(call, members, "members"))
            }
            PUBLISH => self.publish(now),
            _ => Err(Refusal::NO_SUCH_PATH),
        }
    }

    fn submit(&mut self, call: &Call, limits: &Limits, now: Timestamp) -> Result<Answer, Refusal> {
        let operations = operation::read(&call.body)?;
        let token = call.header("x-request-token");
        let number = self.jobs.submit(operations, token, limits, now)?;
        let id = name(number);
        let account = &self.directory.account.account_id;
        let body = json!({"jobId": id, "state": "QUEUED", "pollAfterMs": limits.poll_after_ms});
        let location = format!("{BASE}/accounts/{account}/jobs/{id}");
        Ok(Answer::json(202, &body).header("location", location))
    }

    fn publish(&mut self, now: Timestamp) -> Result<Answer, Refusal> {
        let is_early = |at: Timestamp| now.duration_since(at) < PUBLISHED_EVERY;
        if self.published.is_some_and(is_early) {
            return Err(Refusal::TOO_MANY_CALLS);
        }
        self.published = Some(now);
        Ok(Answer::empty(202))
    }
}

/// So many a minute, all of them at once after a pause.
fn is_free(bucket: &mut Bucket, per_minute: u32, now: Timestamp) -> bool {
    let most = f64::from(per_minute);
    // A hair more, for a caller that counts in the same steps.
    bucket.take(most / 60.0, most + 0.01, now).is_ok()
}

const BASE: &str = "/api/rest/dirsync/v1";

/// What users and groups can be looked up by; names are without case.
const USER_KEYS: &[&str] = &["loginName", "email", "externalRef"];
const GROUP_KEYS: &[&str] = &["groupName", "externalRef"];

/// A look-up, or a page of the list if the call looks nothing up.
fn search(index: &Index, call: &Call, keys: &[&str], list: &str) -> Answer {
    let asked = call
        .parameters()
        .find(|(name, _)| keys.contains(&name.as_str()));
    let Some((field, value)) = asked else {
        let rows = index.rows().map(|(key, row)| (key, row.clone()));
        return page(call, rows, list);
    };
    let folded = |text: &str| match field.as_str() {
        "externalRef" => text.to_owned(),
        _ => text.to_lowercase(),
    };
    let has = |row: &Value| {
        let held = row.get(&field).and_then(Value::as_str);
        held.is_some_and(|held| folded(held) == folded(&value))
    };
    let matches: Vec<_> = index
        .rows()
        .map(|(_, row)| row)
        .filter(|row| has(row))
        .collect();
    Answer::json(
        200,
        &json!({"matches": matches, "indexedAt": index.as_of()}),
    )
}

/// A page from behind the token on; the headers tell whether and how it goes on.
fn page<'k>(call: &Call, rows: impl Iterator<Item = (&'k String, Value)>, name: &str) -> Answer {
    let token = call.parameter("token").filter(|token| token != "none");
    let max = call.parameter("max").and_then(|max| max.parse().ok());
    let max = max.unwrap_or(200_usize).clamp(1, 200);
    let behind = |key: &String| token.as_ref().is_none_or(|token| key > token);
    let mut rest = rows.filter(|(key, _)| behind(key));
    let page: Vec<_> = rest.by_ref().take(max).collect();
    let status = if rest.next().is_some() {
        "more"
    } else {
        "done"
    };
    let last = page
        .last()
        .map_or_else(String::new, |(key, _)| (*key).clone());
    let rows: Vec<_> = page.into_iter().map(|(_, row)| row).collect();
    Answer::json(200, &json!({ name: rows }))
        .header("x-sync-token", last)
        .header("x-sync-status", status)
}

fn route(call: &Call) -> Route {
    let account = Route::of("", &[ACCOUNT], call);
    match account.template {
        NO_SUCH_PATH => Route::of("accounts/{acct}", &CALLS, call),
        _ => account,
    }
}

impl Vendor for Service {
    fn base_path(&self) -> &'static str {
        BASE
    }

    fn client(&self, call: &Call) -> Option<String> {
        let desk = self.desks.get(self.place(call)?)?;
        Some(desk.directory.account.account_id.clone())
    }

    fn route(&self, call: &Call) -> &'static str {
        route(call).template
    }

    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        self.enter(call, now).unwrap_or_else(Answer::from)
    }

    /// The same answer with another key in the place of the right one.
    fn wrong_user(&self, _: &Call, answer: Answer) -> Answer {
        answer.replaced("\"key\":\"u-", "\"key\":\"u-f")
    }

    fn state(&self) -> Value {
        seed::state(self.desks.iter().map(|desk| &desk.directory))
    }

    fn seed(&mut self, rows: Value, now: Timestamp) -> Result<(), Refused> {
        let directories = self.desks.iter_mut().map(|desk| &mut desk.directory);
        seed::plant(directories, rows, now)
    }

    fn set_limits(&mut self, limits: Value) -> Result<(), Refused> {
        self.limits = serde_json::from_value(limits)?;
        Ok(())
    }
}
