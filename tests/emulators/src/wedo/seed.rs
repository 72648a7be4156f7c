//! The whole state out, and rows in.
//!
//! `{"networks": [{"network": "acme", "users": [row, …]}]}`, rows as WEDO shows them and with
//! `openTasks`. In a seed `network` is the first one unless named, and a row needs only `login`
//! and `email`; without `status` it is `ACTIVE`. What WEDO makes by itself is not looked at.

use super::directory::Directory;
use super::user::{Status, User};
use crate::kit::Refused;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    networks: Vec<NetworkSeed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkSeed {
    network: Option<String>,
    #[serde(default)]
    users: Vec<Map<String, Value>>,
}

pub(super) fn state(directories: &[Directory]) -> Value {
    let user = |user: &User| {
        let mut row = user.shown();
        row["openTasks"] = user.open_tasks.into();
        row
    };
    let network = |directory: &Directory| {
        let users: Vec<_> = directory.users().map(user).collect();
        json!({"network": directory.network.name, "users": users})
    };
    json!({"networks": directories.iter().map(network).collect::<Vec<_>>()})
}

/// Adds the rows, numbered on.
pub(super) fn plant(
    directories: &mut [Directory],
    next_number: &mut u64,
    seed: Value,
    now: Timestamp,
) -> Result<(), Refused> {
    let seed: Seed = serde_json::from_value(seed)?;
    for part in seed.networks {
        let wanted = |directory: &&mut Directory| {
            let name = part.network.as_ref();
            name.is_none_or(|name| *name == directory.network.name)
        };
        let directory = directories.iter_mut().find(wanted);
        let directory = directory.ok_or_else(|| Refused("no such network".to_owned()))?;
        for row in part.users {
            let user = read(row, *next_number, now)?;
            *next_number += 1;
            let free = directory.must_be_free(&user);
            free.map_err(|refusal| Refused(format!("user {}: {refusal}", user.login)))?;
            directory.store(user);
        }
    }
    Ok(())
}

fn read(mut row: Map<String, Value>, number: u64, now: Timestamp) -> Result<User, Refused> {
    for made in [
        "id",
        "fullName",
        "purgeAt",
        "version",
        "createdAt",
        "updatedAt",
    ] {
        row.shift_remove(made);
    }
    let mut user = User::new(number, now);
    let status = row.shift_remove("status");
    let tasks = row.shift_remove("openTasks");
    user.apply(&row)
        .map_err(|refusal| Refused(format!("user {number}: {refusal}")))?;
    user.status = status.map_or(Ok(Status::Active), serde_json::from_value)?;
    user.open_tasks = tasks.map_or(Ok(0), serde_json::from_value)?;
    if user.status == Status::Deactivated {
        let grace = SignedDuration::from_hours(30 * 24);
        user.purge_at = now.checked_add(grace).ok();
    }
    Ok(user)
}
