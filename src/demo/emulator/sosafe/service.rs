//! The front door: who calls, may they, and which row do they mean.

use super::directory::Directory;
use super::lookup::{Lookup, Paging};
use super::refusal::Refusal;
use super::route::Route;
use super::user::Changes;
use super::{Limits, Options, seed};
use crate::demo::emulator::kit::{Answer, Call, RateLimiter, Refused, Vendor};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The number of the first customer.
const FIRST_CLIENT: u64 = 4711;
/// The id of the first user, of whichever customer.
const FIRST_ID: u64 = 18001;

/// All customers behind one address.
pub(super) struct Service {
    started: Options,
    limits: Limits,
    directories: Vec<Directory>,
    used: Vec<RateLimiter>,
    next_id: u64,
}

impl Service {
    pub(super) fn new(options: Options) -> Self {
        let clients = (FIRST_CLIENT..).zip(options.clients.iter().cloned());
        Self {
            limits: options.limits.clone(),
            directories: clients
                .map(|(number, client)| Directory::new(number, client))
                .collect(),
            used: vec![RateLimiter::default(); options.clients.len()],
            next_id: FIRST_ID,
            started: options,
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
        let place = self.customer(call).ok_or_else(Refusal::bad_key)?;
        let (Some(directory), Some(used)) =
            (self.directories.get_mut(place), self.used.get_mut(place))
        else {
            return Err(Refusal::bad_key());
        };
        let idp_tenant = call.header("x-idp-tenant").unwrap_or_default();
        if !idp_tenant.eq_ignore_ascii_case(&directory.client.idp_tenant) {
            return Err(Refusal::wrong_idp_tenant());
        }
        let free = self
            .limits
            .rate
            .map(|rate| used.take(rate, now))
            .transpose();
        let free = free.map_err(Refusal::too_many_calls)?;
        let answer = if self.limits.first_sync_running {
            Err(Refusal::first_sync_running())
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
    Ok(match Route::of(call) {
        Route::Activate(id) => Answer::json(200, directory.activate(id, now)?),
        Route::Client => about(directory),
        Route::CreateUser => {
            let user = directory.create(*next_id, Changes::parse(&object(call)?)?, now)?;
            *next_id += 1;
            Answer::json(201, user)
        }
        Route::Deactivate(id) => Answer::json(200, directory.deactivate(id, now)?),
        Route::DeleteGroup(name) => {
            directory.delete_group(&name, now)?;
            Answer::empty(204)
        }
        Route::DeleteUser(id) => {
            directory.archive(id, now)?;
            Answer::empty(204)
        }
        Route::GetUser(id) => Answer::json(200, directory.user(id)?),
        Route::ListGroups => Answer::json(200, &Paging::of(call).cut(directory.list_groups())),
        Route::ListUsers => Answer::json(
            200,
            &Paging::of(call).cut(directory.find(&Lookup::of(call))),
        ),
        Route::NoSuchPath => return Err(Refusal::no_such_path()),
        Route::PatchUser(id) => Answer::json(
            200,
            directory.patch(id, Changes::parse(&object(call)?)?, now)?,
        ),
        Route::PutGroup(name) => {
            let (group, new) = directory.put_group(&name)?;
            Answer::json(if new { 201 } else { 200 }, &group)
        }
        Route::RenameGroup(name) => {
            let body = object(call)?;
            let to = body.get("to").and_then(Value::as_str).unwrap_or_default();
            Answer::json(200, &directory.rename_group(&name, to, now)?)
        }
        Route::Restore(id) => Answer::json(200, directory.restore(id, now)?),
        Route::WrongMethod => return Err(Refusal::wrong_method()),
    })
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
    serde_json::from_slice(&call.body).map_err(|_| Refusal::not_json())
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
        Route::of(call).template()
    }

    fn works_on(&self, call: &Call) -> Option<String> {
        let (client, id) = (self.customer(call)?, Route::of(call).written_user()?);
        Some(format!("{client}/{id}"))
    }

    fn busy(&self, _: &Call) -> Answer {
        Refusal::locked().into()
    }

    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        self.enter(call, now).unwrap_or_else(Answer::from)
    }

    /// Another row of the same customer; a made-up one when there is no other.
    fn wrong_user(&self, call: &Call, answer: Answer) -> Answer {
        let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) else {
            return answer;
        };
        let directory = self
            .customer(call)
            .and_then(|place| self.directories.get(place));
        match body.get_mut("data").and_then(Value::as_array_mut) {
            Some(rows) => rows.iter_mut().for_each(|row| swap(directory, row)),
            None => swap(directory, &mut body),
        }
        Answer {
            body: body.to_string().into(),
            ..answer
        }
    }

    fn state(&self) -> Value {
        seed::state(&self.directories)
    }

    fn seed(&mut self, rows: Value, now: Timestamp) -> Result<(), Refused> {
        let (mut directories, mut next_id) = (self.directories.clone(), self.next_id);
        seed::plant(&mut directories, &mut next_id, rows, now)?;
        (self.directories, self.next_id) = (directories, next_id);
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
