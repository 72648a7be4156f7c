//! WSS: what its rows must say, field by field.

use super::{
    Holdings, Row, Showcase, as_they_are, country, held, holdings, members, named_by, rows,
};
use crate::demo::emulator::kit::Emulator;
use crate::demo::emulator::wss::{Account, Limits, Options, start};
use crate::demo::wanted::{ExpectedGroup, ExpectedUser, Outcome, path};
use serde_json::Value;
use std::io;
use std::time::Duration;

/// The WSS showcase.
pub(super) const WSS: Showcase = Showcase {
    name: "wss",
    title: "Symantec Web Security Service (WSS)",
    start: start_fast,
    tenant_file,
    mapped: |directory| directory,
    expected,
    found,
};

/// Ten jobs a second in place of six a minute: nobody watches a demo for an hour. The index
/// lags as the contract says.
fn start_fast(latency: Duration) -> io::Result<Emulator> {
    let limits = Limits {
        submits_per_minute: 600,
        reads_per_minute: 600_000,
        job_ms: 5,
        poll_after_ms: 8,
        ..Limits::default()
    };
    start(Options {
        limits,
        ..Options::with_latency(latency)
    })
}

fn tenant_file(emulator: &Emulator) -> String {
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

fn expected(outcome: &Outcome) -> Holdings {
    let user = |user: &ExpectedUser| row(user, outcome);
    holdings(outcome, login, user, |id, group| {
        group_row(id, group, outcome)
    })
}

fn found(state: &Value) -> Holdings {
    let [users, groups] = [
        ("user", "users", "loginName"),
        ("group", "groups", "groupName"),
    ]
    .map(|(sort, list, name)| {
        let rows = rows(state, "accounts", list);
        rows.map(move |row| ((sort, named_by(row, name)), held(row, &["key"])))
    });
    users.chain(groups).collect()
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

fn login(expected: &ExpectedUser) -> String {
    expected.user.user_name().to_owned()
}

fn row(expected: &ExpectedUser, outcome: &Outcome) -> Row {
    let user = &expected.user;
    let state = if user.enabled { "ENABLED" } else { "SUSPENDED" };
    let street = user.get(path::STREET);
    let manager = user.manager.as_ref().and_then(|id| outcome.users.get(id));
    let manager = manager.filter(|manager| !manager.deleted);
    let others = [
        ("state", Some(state.to_owned())),
        ("externalRef", Some(user.object_id.clone())),
        ("email", user.get(path::EMAIL).map(email)),
        ("lang", user.get(path::LANGUAGE).map(language)),
        ("street", street.map(|street| street.replace('\n', ", "))),
        ("countryCode", country(user).map(str::to_owned)),
        ("phone", user.get(path::PHONE).map(phone)),
        ("managerLogin", manager.map(login)),
    ];
    super::row(as_they_are(user, &AS_THEY_ARE).chain(others))
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
    super::row([
        ("groupName", Some(group.display_name.clone())),
        ("externalRef", Some(id.to_owned())),
        ("members", members(outcome, group, |it| Some(login(it)))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::wanted::WantedUser;
    use serde_json::json;

    #[track_caller]
    fn check(user: WantedUser, field: &str, expect: &str) {
        let row = row(&ExpectedUser::new(&user), &Outcome::default());
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
        let found = found(&state);
        let user = found.get(&("user", "ada".to_owned())).cloned();
        assert_eq!(user.unwrap_or_default().len(), 1);
        let group = found.get(&("group", "A".to_owned())).cloned();
        let group = group.unwrap_or_default();
        assert_eq!(group.get("members").map(String::as_str), Some("ada bob"));
    }
}
