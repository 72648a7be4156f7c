//! WSS: what its rows must say, field by field.

use super::{Holdings, Row, Showcase};
use crate::demo::emulator::kit::Emulator;
use crate::demo::emulator::wss::{Account, Limits, Options, start};
use crate::demo::wanted::{ExpectedGroup, ExpectedUser, Outcome, WantedUser, path};
use serde_json::Value;
use std::io;
use std::time::Duration;

/// The WSS showcase.
pub(super) struct Wss;

impl Showcase for Wss {
    fn name(&self) -> &'static str {
        "wss"
    }

    fn title(&self) -> &'static str {
        "Symantec WSS"
    }

    /// Ten jobs a second in place of six a minute: nobody watches a demo for an hour. The index
    /// lags as the contract says.
    fn start(&self, latency: Duration) -> io::Result<Emulator> {
        start(Options {
            latency,
            limits: Limits {
                submits_per_minute: 600,
                reads_per_minute: 600_000,
                job_ms: 5,
                poll_after_ms: 8,
                ..Limits::default()
            },
            ..Options::default()
        })
    }

    fn tenant_file(&self, emulator: &Emulator) -> String {
        let Account {
            account_id,
            username,
            password,
            ..
        } = Account::default();
        let base_url = emulator.base_url();
        format!(
            r#"adapter = "wss"
base_url = "{base_url}"
settings = {{ account = "{account_id}" }}
limits = {{ per_minute = 600_000, concurrency = 64, batches_per_minute = 600 }}
[credential]
username = {{ value = "{username}" }}
password = {{ value = "{password}" }}
"#
        )
    }

    fn expected(&self, outcome: &Outcome) -> Holdings {
        let there = outcome.users.values().filter(|user| !user.deleted);
        let users = there.map(|user| (("user", login(user)), row(user, outcome)));
        let groups = outcome.groups.iter().map(|(id, group)| {
            let key = ("group", group.display_name.clone());
            (key, group_row(id, group, outcome))
        });
        users.chain(groups).collect()
    }

    fn found(&self, state: &Value) -> Holdings {
        let rows = |name: &'static str| {
            let accounts = state.get("accounts").and_then(Value::as_array);
            let lists = accounts
                .into_iter()
                .flatten()
                .filter_map(move |account| account.get(name)?.as_array());
            lists.flatten()
        };
        let users = rows("users").map(|row| (("user", text(row, "loginName")), held(row)));
        let groups = rows("groups").map(|row| (("group", text(row, "groupName")), held(row)));
        users.chain(groups).collect()
    }
}

/// Fields that take a value as it is.
const AS_THEY_ARE: [(&str, &str); 8] = [
    ("loginName", path::USER_NAME),
    ("displayName", path::DISPLAY_NAME),
    ("firstName", path::GIVEN_NAME),
    ("lastName", path::FAMILY_NAME),
    ("fullName", path::FORMATTED_NAME),
    ("city", path::CITY),
    ("jobTitle", path::TITLE),
    ("department", path::DEPARTMENT),
];

/// A country's code by any of its spellings in the directory.
const COUNTRIES: [(&str, &[&str]); 7] = [
    ("AT", &["AT", "Austria", "Österreich"]),
    ("CH", &["CH", "Switzerland", "Schweiz"]),
    ("DE", &["DE", "Germany", "Deutschland"]),
    ("FR", &["FR", "France", "Frankreich"]),
    ("GB", &["GB", "United Kingdom"]),
    ("IT", &["IT", "Italy", "Italien"]),
    ("NL", &["NL", "Netherlands", "Niederlande"]),
];

fn login(expected: &ExpectedUser) -> String {
    let login = expected.user.get(path::USER_NAME);
    login.unwrap_or_default().to_owned()
}

fn row(expected: &ExpectedUser, outcome: &Outcome) -> Row {
    let user = &expected.user;
    let mut row = Row::new();
    let mut set = |field: &str, value: Option<String>| {
        let value = value.filter(|value| !value.is_empty());
        row.extend(value.map(|value| (field.to_owned(), value)));
    };
    for (field, path) in AS_THEY_ARE {
        set(field, user.get(path).map(str::to_owned));
    }
    let state = if user.enabled { "ENABLED" } else { "SUSPENDED" };
    set("state", Some(state.to_owned()));
    set("externalRef", Some(user.object_id.clone()));
    set("email", user.get(path::EMAIL).map(email));
    set("lang", user.get(path::LANGUAGE).map(language));
    let street = user.get(path::STREET);
    set("street", street.map(|street| street.replace('\n', ", ")));
    set("countryCode", country(user).map(str::to_owned));
    set("phone", user.get(path::PHONE).map(phone));
    let manager = user.manager.as_ref().and_then(|id| outcome.users.get(id));
    let manager = manager.filter(|manager| !manager.deleted);
    set("managerLogin", manager.map(login));
    row
}

/// The domain in lower case.
fn email(address: &str) -> String {
    match address.split_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => address.to_owned(),
    }
}

/// Two letters, upper case.
fn language(tag: &str) -> String {
    tag.chars().take(2).collect::<String>().to_uppercase()
}

fn country(user: &WantedUser) -> Option<&'static str> {
    let spelling = user.get(path::COUNTRY)?;
    let mut countries = COUNTRIES.into_iter();
    let found = countries.find(|(_, spellings)| spellings.contains(&spelling));
    found.map(|(code, _)| code)
}

/// A plus and digits.
fn phone(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    match (number.starts_with('+'), digits.strip_prefix("00")) {
        (true, _) => format!("+{digits}"),
        (false, Some(abroad)) => format!("+{abroad}"),
        (false, None) => digits,
    }
}

fn group_row(id: &str, group: &ExpectedGroup, outcome: &Outcome) -> Row {
    let members = group.members.iter().filter_map(|id| outcome.users.get(id));
    let mut members: Vec<_> = members.filter(|user| !user.deleted).map(login).collect();
    members.sort();
    let mut row = Row::new();
    row.insert("groupName".to_owned(), group.display_name.clone());
    row.insert("externalRef".to_owned(), id.to_owned());
    if !members.is_empty() {
        row.insert("members".to_owned(), members.join(" "));
    }
    row
}

/// The fields that are set, without the key.
fn held(row: &Value) -> Row {
    let fields = row.as_object().into_iter().flatten();
    let fields = fields.filter(|(field, _)| *field != "key");
    fields
        .map(|(field, _)| (field.clone(), text(row, field)))
        .filter(|(_, text)| !text.is_empty())
        .collect()
}

fn text(row: &Value, field: &str) -> String {
    match row.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => {
            let texts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            texts.join(" ")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(user: WantedUser, field: &str, expect: &str) {
        let expected = ExpectedUser {
            user,
            deleted: false,
            groups: Vec::new(),
        };
        let row = row(&expected, &Outcome::default());
        let found = row.get(field).cloned().unwrap_or_default();
        assert_eq!(found, expect);
    }

    #[test]
    fn fields_are_as_the_contract_says() {
        let ada = || WantedUser::new("o1", "ada@example.com");
        check(ada(), "state", "ENABLED");
        check(ada(), "externalRef", "o1");
        check(
            ada().with(path::EMAIL, "ADA@EXAMPLE.COM"),
            "email",
            "ADA@example.com",
        );
        check(ada().with(path::LANGUAGE, "de-CH"), "lang", "DE");
        check(ada().with(path::COUNTRY, "Schweiz"), "countryCode", "CH");
        check(ada().with(path::COUNTRY, "Atlantis"), "countryCode", "");
        check(ada().with(path::PHONE, "0041 44 268"), "phone", "+4144268");
        check(ada().with(path::PHONE, "intern 12"), "phone", "12");
    }

    #[test]
    fn rows_are_read_from_the_state() {
        let state = json!({"accounts": [{"accountId": "1",
            "users": [{"key": "u-1", "loginName": "ada", "managerLogin": null}],
            "groups": [{"key": "g-1", "groupName": "A", "members": ["ada", "bob"]}]}]});
        let found = Wss.found(&state);
        let user = found.get(&("user", "ada".to_owned())).cloned();
        assert_eq!(user.unwrap_or_default().len(), 1);
        let group = found.get(&("group", "A".to_owned())).cloned();
        let group = group.unwrap_or_default();
        assert_eq!(group.get("members").map(String::as_str), Some("ada bob"));
    }
}
