//! The front door: who calls, may they, and which row do they mean.

use super::directory::Directory;
use super::lookup::{Lookup, Paging};
use super::refusal::Refusal;
use super::user::Changes;
use super::{Limits, Options, seed};
use crate::kit::{Answer, Call, RateLimiter, Refused, Route, Vendor, WRONG_METHOD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The number of the first customer.
const FIRST_CLIENT: u64 = 4711;
/// The id of the first user, of whichever customer.
const FIRST_ID: u64 = 18001;

/// The calls of the contract.
const CALLS: [&str; 13] = [
    "GET /client",
    "GET /users",
    "POST /users",
    "GET /users/{id}",
    "PATCH /users/{id}",
    "DELETE /users/{id}",
    "POST /users/{id}/activate",
    "POST /users/{id}/deactivate",
    "POST /users/{id}/restore",
    "GET /user-groups",
    "PUT /user-groups/{name}",
    "DELETE /user-groups/{name}",
    "POST /user-groups/{name}/rename",
];

/// All customers behind one address.
#[derive(Clone)]
pub(super) struct Service {
    limits: Limits,
    directories: Vec<Directory>,
    used: Vec<RateLimiter>,
    next_id: u64,
}

impl Service {
    pub(super) fn new(options: &Options) -> Self {
        let clients = (FIRST_CLIENT..).zip(options.clients.iter().cloned());
        Self {
            limits: options.limits.clone(),
            directories: clients
                .map(|(number, client)| Directory::new(number, client))
                .collect(),
            used: vec![RateLimiter::default(); options.clients.len()],
            next_id: FIRST_ID,
        }
    }

    /// The place of the customer with the call's key.
    fn customer(&self, call: &Call) -> Option<usize> {
        let key = call.header("x-api-key")?;
        self.directories
            .iter()
            .position(|directory| directory.client.api_key == key)
    }

    /// The order is the vendor's: key, identity provider, rate, first sync, then the call itself.
    fn enter(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        let place = self.customer(call).ok_or(Refusal::BAD_KEY)?;
        let (Some(directory), Some(used)) =
            (self.directories.get_mut(place), self.used.get_mut(place))
        else {
            return Err(Refusal::BAD_KEY);
        };
        let idp_tenant = call.header("x-idp-tenant").unwrap_or_default();
        if !idp_tenant.eq_ignore_ascii_case(&directory.client.idp_tenant) {
            return Err(Refusal::WRONG_IDP_TENANT);
        }
        let free = self
            .limits
            .rate
            .map(|rate| used.take(rate, now))
            .transpose();
        let free = free.map_err(Refusal::too_many_calls)?;
        let answer = if self.limits.first_sync_running {
            Err(Refusal::FIRST_SYNC_RUNNING)
        } else {
            perform(directory, &mut self.next_id, call, now)
        };
        let answer = answer.unwrap_or_else(Answer::from);
        Ok(match free {
            Some(free) => answer.header("x-ratelimit-remaining", free),
            None => answer,
        })
    }
}

fn perform(
    directory: &mut Directory,
    next_id: &mut u64,
    call: &Call,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let route = route(call);
    let name = route.argument(0);
    let id = number(name);
    Ok(match route.template {
        "GET /client" => about(directory),
        "GET /users" => Answer::json(
            200,
            &Paging::of(call).cut(directory.find(&Lookup::of(call))),
        ),
        "POST /users" => {
            let user = directory.create(*next_id, Changes::parse(&object(call)?)?, now)?;
            *next_id += 1;
            Answer::json(201, user)
        }
        "GET /users/{id}" => Answer::json(200, directory.user(id)?),
        "PATCH /users/{id}" => Answer::json(
            200,
            directory.patch(id, Changes::parse(&object(call)?)?, now)?,
        ),
        "DELETE /users/{id}" => {
            directory.archive(id, now)?;
            Answer::empty(204)
        }
        "POST /users/{id}/activate" => Answer::json(200, directory.activate(id, now)?),
        "POST /users/{id}/deactivate" => Answer::json(200, directory.deactivate(id, now)?),
        "POST /users/{id}/restore" => Answer::json(200, directory.restore(id, now)?),
        "GET /user-groups" => Answer::json(200, &Paging::of(call).cut(directory.list_groups())),
        "PUT /user-groups/{name}" => {
            let (group, new) = directory.put_group(name)?;
            Answer::json(if new { 201 } else { 200 }, &group)
        }
        "DELETE /user-groups/{name}" => {
            directory.delete_group(name, now)?;
            Answer::empty(204)
        }
        "POST /user-groups/{name}/rename" => {
            let body = object(call)?;
            let to = body.get("to").and_then(Value::as_str).unwrap_or_default();
            Answer::json(200, &directory.rename_group(name, to, now)?)
        }
        WRONG_METHOD => return Err(Refusal::WRONG_METHOD),
        _ => return Err(Refusal::NO_SUCH_PATH),
    })
}

fn route(call: &Call) -> Route {
    Route::of("", &CALLS, call)
}

/// An id that is no number is 0, which no user has.
fn number(id: &str) -> u64 {
    let digits = id.bytes().all(|b| b.is_ascii_digit());
    id.parse().ok().filter(|_| digits).unwrap_or(0)
}

fn about(directory: &Directory) -> Answer {
    let client = &directory.client;
    let licences = json!({"total": client.licences_total, "used": directory.licences_used()});
    let about = json!({
        "client": directory.number,
        "domains": client.domains,
        "licences": licences,
        "group_by": client.group_by,
    });
    Answer::json(200, &about)
}

fn object(call: &Call) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(&call.body).map_err(|_| Refusal::NOT_JSON)
}

impl Vendor for Service {
    fn base_path(&self) -> &'static str {
        "/provisioning/v1"
    }

    fn secret_headers(&self) -> &'static [&'static str] {
        &["x-api-key"]
    }

    fn client(&self, call: &Call) -> Option<String> {
        let directory = self.directories.get(self.customer(call)?)?;
        Some(directory.number.to_string())
    }

    fn route(&self, call: &Call) -> &'static str {
        route(call).template
    }

    /// One write on one user at a time.
    fn works_on(&self, call: &Call) -> Option<String> {
        let (client, route) = (self.customer(call)?, route(call));
        let is_write = self.is_write(call) && route.template.contains("/users/{id}");
        is_write.then(|| format!("{client}/{}", number(route.argument(0))))
    }

    fn busy(&self) -> Answer {
        Refusal::LOCKED.into()
    }

    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        self.enter(call, now).unwrap_or_else(Answer::from)
    }

    /// Another row of the same customer; a made-up one when there is no other.
    fn wrong_user(&self, call: &Call, answer: Answer) -> Answer {
        let place = self.customer(call);
        let directory = place.and_then(|place| self.directories.get(place));
        answer.each_row("data", |row| swap(directory, row))
    }

    fn state(&self) -> Value {
        seed::state(&self.directories)
    }

    fn seed(&mut self, rows: Value, now: Timestamp) -> Result<(), Refused> {
        seed::plant(&mut self.directories, &mut self.next_id, rows, now)
    }

    fn set_limits(&mut self, limits: Value) -> Result<(), Refused> {
        self.limits = serde_json::from_value(limits)?;
        Ok(())
    }
}

/// Puts somebody else in the place of a user row; leaves alone what is none.
fn swap(directory: Option<&Directory>, row: &mut Value) {
    let Some(right) = row.get("id").and_then(Value::as_u64) else {
        return;
    };
    let other = directory.and_then(|directory| directory.users().find(|user| user.id != right));
    match (other.and_then(|user| serde_json::to_value(user).ok()), row) {
        (Some(other), row) => *row = other,
        (None, Value::Object(row)) => {
            row.insert("id".to_owned(), json!(1));
            row.insert("login".to_owned(), json!("stranger"));
            row.insert("email".to_owned(), json!("stranger@example.invalid"));
            row.insert("external_ref".to_owned(), Value::Null);
        }
        _ => {}
    }
}
