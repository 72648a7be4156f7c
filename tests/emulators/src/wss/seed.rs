//! The whole state out, and rows in.
//!
//! `{"accounts": [{"accountId": "70021", "users": [row, …], "groups": [{…, "members": ["ada@…"]}]}]}`,
//! rows as WSS shows them, members by login name. In a seed `accountId` is the first account unless
//! named, keys are not looked at, a manager stands before whoever reports to it, and the index
//! knows all of it at once.

use super::directory::{Directory, Moment};
use super::refusal::Failed;
use crate::kit::Refused;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    accounts: Vec<AccountSeed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccountSeed {
    account_id: Option<String>,
    #[serde(default)]
    users: Vec<Map<String, Value>>,
    #[serde(default)]
    groups: Vec<Map<String, Value>>,
}

pub(super) fn state<'d>(directories: impl Iterator<Item = &'d Directory>) -> Value {
    json!({"accounts": directories.map(account).collect::<Vec<_>>()})
}

fn account(directory: &Directory) -> Value {
    let users: Vec<_> = directory
        .user_keys()
        .filter_map(|key| directory.user(key))
        .collect();
    let groups: Vec<_> = directory
        .group_keys()
        .filter_map(|key| group(directory, key))
        .collect();
    json!({"accountId": directory.account.account_id, "users": users, "groups": groups})
}

fn group(directory: &Directory, key: &str) -> Option<Value> {
    let mut row = directory.group(key)?;
    let members = directory
        .members(key)?
        .filter_map(|key| directory.user(key));
    let mut logins: Vec<String> = members
        .filter_map(|user| Some(user.get("loginName")?.as_str()?.to_owned()))
        .collect();
    logins.sort();
    row["members"] = json!(logins);
    Some(row)
}

pub(super) fn plant<'d>(
    directories: impl Iterator<Item = &'d mut Directory>,
    seed: Value,
    now: Timestamp,
) -> Result<(), Refused> {
    let seed: Seed = serde_json::from_value(seed)?;
    let mut directories: Vec<_> = directories.collect();
    for part in seed.accounts {
        let mut fitting = directories.iter_mut().filter(|directory| {
            let id = part.account_id.as_ref();
            id.is_none_or(|id| *id == directory.account.account_id)
        });
        let directory = fitting.next();
        let directory = directory.ok_or_else(|| Refused("no such account".to_owned()))?;
        let when = Moment { at: now, lag_ms: 0 };
        for mut row in part.users {
            row.shift_remove("key");
            directory.create_user(&row, when).map_err(refused)?;
        }
        for row in part.groups {
            plant_group(directory, row, when)?;
        }
        directory.catch_up(now);
    }
    Ok(())
}

fn plant_group(
    directory: &mut Directory,
    mut row: Map<String, Value>,
    when: Moment,
) -> Result<(), Refused> {
    row.shift_remove("key");
    let members = row.shift_remove("members").unwrap_or_default();
    let group = directory.create_group(&row, when).map_err(refused)?;
    let logins = members.as_array().into_iter().flatten();
    for login in logins.filter_map(Value::as_str) {
        let key = directory.by_login(login).cloned();
        let key = key.ok_or_else(|| Refused(format!("no user {login}")))?;
        directory.add_member(&group, &key).map_err(refused)?;
    }
    Ok(())
}

fn refused(failed: Failed) -> Refused {
    Refused(failed.shown().to_string())
}
