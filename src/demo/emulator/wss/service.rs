//! The front door: who calls, may they, how often, and what is asked.

use super::bucket::Bucket;
use super::directory::Directory;
use super::index::Index;
use super::job::{Jobs, name};
use super::refusal::Refusal;
use super::route::Route;
use super::{Limits, Options, operation, seed};
use crate::demo::emulator::kit::{Answer, Call, Refused, Vendor};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// One publication in so long.
const PUBLISHED_EVERY: SignedDuration = SignedDuration::from_mins(15);

/// All accounts behind one address.
pub(super) struct Service {
    started: Options,
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
    pub(super) fn new(options: Options) -> Self {
        let desks = options.accounts.iter().map(|account| Desk {
            directory: Directory::new(account.clone()),
            jobs: Jobs::default(),
            submits: Bucket::default(),
            reads: Bucket::default(),
            published: None,
        });
        Self {
            limits: options.limits.clone(),
            desks: desks.collect(),
            started: options,
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
        let (account, route) = Route::of(call);
        match route {
            Route::NoSuchPath => return Err(Refusal::no_such_path()),
            Route::WrongMethod => return Err(Refusal::wrong_method()),
            _ => {}
        }
        let holder = &desk.directory.account;
        if !holder.has_role || holder.account_id != account {
            return Err(Refusal::NoRole);
        }
        desk.count(&route, &self.limits, now)?;
        desk.go_on(&mut self.limits, now);
        desk.perform(&route, call, &self.limits, now)
    }
}

impl Desk {
    fn count(&mut self, route: &Route, limits: &Limits, now: Timestamp) -> Result<(), Refusal> {
        let is_free = match route {
            Route::SubmitJob => self.submits.take(limits.submits_per_minute, now),
            Route::CancelJob(_) | Route::Publish => true,
            _ => self.reads.take(limits.reads_per_minute, now),
        };
        match is_free {
            true => Ok(()),
            false => Err(Refusal::too_many_calls()),
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
            let row = row.ok_or_else(Refusal::not_found)?;
            Ok(Answer::json(200, &row))
        };
        match route {
            Route::Account => {
                let account = &directory.account;
                let body = json!({"accountId": account.account_id, "name": "Example", "roles": ["DIRSYNC"]});
                Ok(Answer::json(200, &body))
            }
            Route::SubmitJob => self.submit(call, limits, now),
            Route::GetJob(id) => {
                let number = |name| parameter(call, name).and_then(|text| text.parse().ok());
                let (from, max) = (number("from").unwrap_or(0), number("max").unwrap_or(100));
                shown(Some(self.jobs.shown(id, from, max)?))
            }
            Route::CancelJob(id) => self.jobs.cancel(id).map(|()| Answer::empty(204)),
            Route::GetUser(key) => shown(directory.user(key)),
            Route::GetGroup(key) => shown(directory.group(key)),
            Route::Users => Ok(search(&directory.user_index, call, USER_KEYS, "users")),
            Route::Groups => Ok(search(&directory.group_index, call, GROUP_KEYS, "groups")),
            Route::Members(key) => {
                let members = directory.members(key).ok_or_else(Refusal::not_found)?;
                let members = members.map(|key| (key, Value::from(key.as_str())));
                Ok(page(call, members, "members"))
            }
            Route::Publish => self.publish(now),
            Route::NoSuchPath | Route::WrongMethod => Err(Refusal::no_such_path()),
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
            return Err(Refusal::too_many_calls());
        }
        self.published = Some(now);
        Ok(Answer::empty(202))
    }
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
    let token = parameter(call, "token").filter(|token| token != "none");
    let max = parameter(call, "max").and_then(|max| max.parse().ok());
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

fn parameter(call: &Call, wanted: &str) -> Option<String> {
    let mut found = call.parameters().filter(|(name, _)| name == wanted);
    found.next().map(|(_, value)| value)
}

/// `Authorization: Basic` (RFC 7617).
fn basic(username: &str, password: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = "Basic ".to_owned();
    for three in format!("{username}:{password}").as_bytes().chunks(3) {
        let bits = three
            .iter()
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = LETTERS[bits >> (18 - 6 * place) & 63];
            text.push(if place <= three.len() {
                letter.into()
            } else {
                '='
            });
        }
    }
    text
}

impl Vendor for Service {
    fn base_path(&self) -> &'static str {
        BASE
    }

    fn secret_headers(&self) -> &'static [&'static str] {
        &[]
    }

    fn client(&self, call: &Call) -> Option<String> {
        let desk = self.desks.get(self.place(call)?)?;
        Some(desk.directory.account.account_id.clone())
    }

    fn route(&self, call: &Call) -> &'static str {
        Route::of(call).1.template()
    }

    /// Jobs wait for each other by themselves.
    fn works_on(&self, _: &Call) -> Option<String> {
        None
    }

    fn busy(&self, _: &Call) -> Answer {
        Refusal::too_many_calls().into()
    }

    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        self.enter(call, now).unwrap_or_else(Answer::from)
    }

    /// The same answer with another key in the place of the right one.
    fn wrong_user(&self, _: &Call, answer: Answer) -> Answer {
        let text = String::from_utf8_lossy(&answer.body);
        let wrong = text.replace("\"key\":\"u-", "\"key\":\"u-f");
        Answer {
            body: wrong.into(),
            ..answer
        }
    }

    fn state(&self) -> Value {
        seed::state(self.desks.iter().map(|desk| &desk.directory))
    }

    fn seed(&mut self, rows: Value, now: Timestamp) -> Result<(), Refused> {
        let mut desks = self.desks.clone();
        seed::plant(desks.iter_mut().map(|desk| &mut desk.directory), rows, now)?;
        self.desks = desks;
        Ok(())
    }

    fn set_limits(&mut self, limits: Value) -> Result<(), Refused> {
        self.limits = serde_json::from_value(limits)?;
        Ok(())
    }

    fn reset(&mut self) {
        *self = Self::new(self.started.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::basic;

    #[test]
    fn basic_is_as_the_rfc_has_it() {
        // RFC 7617 §2.
        assert_eq!(
            basic("Aladdin", "open sesame"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(basic("a", "bc"), "Basic YTpiYw==");
        assert_eq!(basic("ab", "cde"), "Basic YWI6Y2Rl");
    }
}
