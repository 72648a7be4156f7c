//! One user row, and the changes an input asks for.

use super::refusal::Refusal;
use crate::kit::base64;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A row as stored.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) number: u64,
    pub(super) login: String,
    pub(super) email: String,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) preferred_name: Option<String>,
    pub(super) function: Option<String>,
    /// The network's default if unset.
    pub(super) locale: Option<Locale>,
    pub(super) account_type: AccountType,
    pub(super) status: Status,
    /// What a deactivated user comes back to.
    pub(super) before: Status,
    pub(super) purge_at: Option<Timestamp>,
    pub(super) version: u64,
    /// Not shown: who has some is not deactivated without a hand-over.
    pub(super) open_tasks: u64,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// Where a user stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Status {
    /// Has logged in.
    Active,
    /// Hidden, and purged after 30 days.
    Deactivated,
    /// Was sent a mail and has not logged in.
    Invited,
    /// Was sent nothing.
    NotInvited,
}

/// What a user may do, the mightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum AccountType {
    Administrator,
    User,
    External,
    Light,
}

/// The languages there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Locale {
    De,
    En,
    Fr,
}

impl User {
    pub(super) fn new(number: u64, now: Timestamp) -> Self {
        Self {
            number,
            login: String::new(),
            email: String::new(),
            first_name: None,
            last_name: None,
            preferred_name: None,
            function: None,
            locale: None,
            account_type: AccountType::User,
            status: Status::NotInvited,
            before: Status::NotInvited,
            purge_at: None,
            version: 1,
            open_tasks: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// The global id: base64 of `User:421`.
    pub(super) fn id(&self) -> String {
        base64(format!("User:{}", self.number))
    }

    /// Where a list goes on after this row.
    pub(super) fn cursor(&self) -> String {
        base64(format!("cursor:{}", self.number))
    }

    pub(super) fn full_name(&self) -> String {
        let names = [&self.first_name, &self.last_name];
        let names: Vec<_> = names.into_iter().flatten().map(String::as_str).collect();
        names.join(" ")
    }

    /// As WEDO shows it, every field present.
    pub(super) fn shown(&self) -> Value {
        json!({
            "id": self.id(), "login": self.login, "email": self.email,
            "firstName": self.first_name, "lastName": self.last_name, "fullName": self.full_name(),
            "preferredName": self.preferred_name, "function": self.function, "locale": self.locale,
            "accountType": self.account_type, "status": self.status,
            "purgeAt": self.purge_at.map(|time| format!("{time:.0}")), "version": self.version,
            "createdAt": format!("{:.0}", self.created_at), "updatedAt": format!("{:.0}", self.updated_at),
        })
    }

    /// Sets and clears what an input names; VALIDATION names the first field that is wrong.
    pub(super) fn apply(&mut self, input: &Map<String, Value>) -> Result<(), Refusal> {
        for (name, value) in input {
            match name.as_str() {
                "login" => self.login = mandatory(name, value)?.to_lowercase(),
                "email" => self.email = address(name, value)?,
                "firstName" => self.first_name = text(name, value)?,
                "lastName" => self.last_name = text(name, value)?,
                "preferredName" => self.preferred_name = text(name, value)?,
                "function" => self.function = text(name, value)?,
                "locale" => self.locale = one_of(name, value)?,
                "accountType" => self.account_type = one_of(name, value)?,
                _ => return Err(Refusal::validation(name, "unknown field")),
            }
        }
        Ok(())
    }
}

fn text(name: &str, value: &Value) -> Result<Option<String>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => {
            Err(Refusal::validation(name, "must not be empty"))
        }
        Value::String(text) if text.chars().count() > 200 => {
            Err(Refusal::validation(name, "at most 200 characters"))
        }
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(Refusal::validation(name, "must be a string")),
    }
}

fn mandatory(name: &str, value: &Value) -> Result<String, Refusal> {
    text(name, value)?.ok_or_else(|| Refusal::validation(name, "must not be null"))
}

fn address(name: &str, value: &Value) -> Result<String, Refusal> {
    let text = mandatory(name, value)?;
    match text.contains('@') {
        true => Ok(text),
        false => Err(Refusal::validation(name, "must be an e-mail address")),
    }
}

fn one_of<T: serde::de::DeserializeOwned>(name: &str, value: &Value) -> Result<T, Refusal> {
    serde_json::from_value(value.clone())
        .map_err(|_| Refusal::validation(name, "none of the possible values"))
}
