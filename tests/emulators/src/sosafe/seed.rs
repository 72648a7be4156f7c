//! The whole state out, and rows in.
//!
//! `{"clients": [{"client": 4711, "licences": {…}, "user_groups": ["Finance"], "users": [row, …]}]}`.
//! In a seed `client` is the first one unless named, `licences` is not looked at, and a row may
//! leave out `id`, `status` (then `ACTIVE`) and the two times. Mandatory fields may be missing and
//! domains be foreign, as in rows from before there was a rule; names and values must be right.

use super::directory::Directory;
use super::user::{Changes, Status, User};
use crate::kit::Refused;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    clients: Vec<ClientSeed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientSeed {
    client: Option<u64>,
    #[serde(rename = "licences")]
    _licences: Option<Value>,
    #[serde(default)]
    user_groups: Vec<String>,
    #[serde(default)]
    users: Vec<Map<String, Value>>,
}

/// What a row says beside its fields.
#[derive(Deserialize)]
struct Frame {
    id: Option<u64>,
    status: Option<Status>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

pub(super) fn state(directories: &[Directory]) -> Value {
    let client = |directory: &Directory| {
        json!({
            "client": directory.number,
            "licences": {"total": directory.client.licences_total, "used": directory.licences_used()},
            "user_groups": directory.groups.values().collect::<Vec<_>>(),
            "users": directory.users().collect::<Vec<_>>(),
        })
    };
    json!({"clients": directories.iter().map(client).collect::<Vec<_>>()})
}

/// Adds the rows; `next_id` moves past the highest id given.
pub(super) fn plant(
    directories: &mut [Directory],
    next_id: &mut u64,
    seed: Value,
    now: Timestamp,
) -> Result<(), Refused> {
    let seed: Seed = serde_json::from_value(seed)?;
    let users = directories.iter().flat_map(Directory::users);
    let mut ids: HashSet<u64> = users.map(|user| user.id).collect();
    for part in seed.clients {
        let directory = choose(directories, part.client)?;
        for group in &part.user_groups {
            directory.ensure_group(group);
        }
        for row in part.users {
            let user = read(row, next_id, now)?;
            if !ids.insert(user.id) {
                return Err(Refused(format!("id {} is taken", user.id)));
            }
            plant_user(directory, user)?;
        }
    }
    Ok(())
}

fn choose(directories: &mut [Directory], number: Option<u64>) -> Result<&mut Directory, Refused> {
    let mut fitting = directories
        .iter_mut()
        .filter(|d| number.is_none_or(|n| n == d.number));
    fitting
        .next()
        .ok_or_else(|| Refused(format!("no client {number:?}")))
}

fn plant_user(directory: &mut Directory, mut user: User) -> Result<(), Refused> {
    let free = directory.must_be_free(&user);
    free.map_err(|refusal| Refused(format!("user {}: {refusal}", user.id)))?;
    user.user_group = user.user_group.map(|group| directory.ensure_group(&group));
    directory.store(user);
    Ok(())
}

fn read(mut row: Map<String, Value>, next_id: &mut u64, now: Timestamp) -> Result<User, Refused> {
    let frame = ["id", "status", "created_at", "updated_at"];
    let frame: Map<_, _> = frame
        .iter()
        .filter_map(|name| row.shift_remove_entry(*name))
        .collect();
    let frame: Frame = serde_json::from_value(Value::Object(frame))?;
    let id = frame.id.unwrap_or(*next_id);
    *next_id = (*next_id).max(id.saturating_add(1));
    row.retain(|_, value| !value.is_null());
    let mut user = User::new(id, now);
    user.apply(Changes::parse(&row).map_err(|refusal| Refused(format!("user {id}: {refusal}")))?);
    user.status = frame.status.unwrap_or(Status::Active);
    user.created_at = time(frame.created_at, now)?;
    user.updated_at = time(frame.updated_at, now)?;
    Ok(user)
}

fn time(text: Option<String>, now: Timestamp) -> Result<Timestamp, Refused> {
    text.map_or(Ok(now), |text| {
        text.parse()
            .map_err(|_| Refused(format!("no time: {text}")))
    })
}
