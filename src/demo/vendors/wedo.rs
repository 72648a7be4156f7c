//! WEDO: what its rows must say, field by field, in plain tables.

use super::{Holdings, Row, Showcase, held, holdings, named_by, rows};
use crate::demo::emulator::kit::Emulator;
use crate::demo::emulator::wedo::{Network, Options, start};
use crate::demo::wanted::{Directory, ExpectedUser, Outcome, WantedUser, path};
use serde_json::Value;

/// What is mapped in Entra: the rest has no place at WEDO.
const MAPPED: [&str; 9] = [
    path::EXTERNAL_ID,
    path::USER_NAME,
    path::DISPLAY_NAME,
    path::TITLE,
    path::EMAIL,
    path::GIVEN_NAME,
    path::FAMILY_NAME,
    path::LANGUAGE,
    path::USER_TYPE,
];

/// The WEDO showcase.
pub(super) const WEDO: Showcase = Showcase {
    name: "wedo",
    title: "WEDO",
    start: |latency| start(Options::with_latency(latency)),
    tenant_file,
    mapped,
    expected,
    found,
};

/// Without the manifest's calls a minute: nobody watches a demo for minutes. Two hundred
/// invented people are not invited.
fn tenant_file(emulator: &Emulator) -> String {
    let Network { token, name, .. } = Network::default();
    let base_url = emulator.base_url();
    format!(
        r#"adapter = "wedo"
base_url = "{base_url}"
settings = {{ network = "{name}", invite = "no" }}
credential = {{ token = {{ value = "{token}" }} }}
limits = {{ per_minute = 600_000, concurrency = 64 }}
"#
    )
}

/// The nine attributes, no groups, and `Switch([userType], [userType], "Student", "Light")`:
/// WEDO refuses what it does not know.
fn mapped(mut directory: Directory) -> Directory {
    directory.groups.clear();
    for user in directory.users.values_mut() {
        user.manager = None;
        user.attributes.retain(|path, _| MAPPED.contains(path));
        if user.get(path::USER_TYPE) == Some("Student") {
            user.set(path::USER_TYPE, "Light");
        }
    }
    directory
}

/// It has no groups.
fn expected(outcome: &Outcome) -> Holdings {
    holdings(outcome, login, row, |_, _| Row::new())
}

/// Without what WEDO adds by itself.
fn found(state: &Value) -> Holdings {
    const OWN: [&str; 7] = [
        "id",
        "fullName",
        "purgeAt",
        "version",
        "createdAt",
        "updatedAt",
        "openTasks",
    ];
    let users = rows(state, "networks", "users");
    let users = users.map(|row| (("user", named_by(row, "login")), held(row, &OWN)));
    users.collect()
}

fn login(expected: &ExpectedUser) -> String {
    expected.user.user_name().to_lowercase()
}

fn row(expected: &ExpectedUser) -> Row {
    let user = &expected.user;
    let status = if user.enabled {
        "NOT_INVITED"
    } else {
        "DEACTIVATED"
    };
    let fields = [
        ("login", Some(&*login(expected))),
        ("email", user.get(path::EMAIL).or(Some(user.user_name()))),
        ("firstName", user.get(path::GIVEN_NAME)),
        ("lastName", user.get(path::FAMILY_NAME)),
        ("preferredName", preferred_name(user)),
        ("function", user.get(path::TITLE)),
        ("locale", user.get(path::LANGUAGE).and_then(locale)),
        ("accountType", Some(account_type(user))),
        ("status", Some(status)),
    ];
    super::row(fields.map(|(field, value)| (field, value.map(str::to_owned))))
}

/// None where the names say the same.
fn preferred_name(user: &WantedUser) -> Option<&str> {
    let names = [path::GIVEN_NAME, path::FAMILY_NAME].map(|name| user.get(name));
    let names: Vec<_> = names.into_iter().flatten().collect();
    let shown = user.get(path::DISPLAY_NAME);
    shown.filter(|shown| *shown != names.join(" "))
}

fn locale(tag: &str) -> Option<&'static str> {
    match tag.get(..2)? {
        "de" => Some("DE"),
        "en" => Some("EN"),
        "fr" => Some("FR"),
        _ => None,
    }
}

fn account_type(user: &WantedUser) -> &'static str {
    match user.get(path::USER_TYPE) {
        Some("Guest") => "EXTERNAL",
        Some("Light") => "LIGHT",
        _ => "USER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(set: &[(&'static str, &str)], field: &str, expect: &str) {
        let nobody = WantedUser::new("o1", "Ada@Example.com");
        let user = set
            .iter()
            .fold(nobody, |user, (path, value)| user.with(path, *value));
        let found = row(&ExpectedUser::new(&user))
            .get(field)
            .cloned()
            .unwrap_or_default();
        assert_eq!(found, expect, "{field} of {set:?}");
    }

    #[test]
    fn fields_are_as_the_contract_says() {
        check(&[], "login", "ada@example.com");
        check(&[], "email", "Ada@Example.com");
        check(&[], "accountType", "USER");
        check(&[(path::USER_TYPE, "Guest")], "accountType", "EXTERNAL");
        check(&[(path::LANGUAGE, "fr-CH")], "locale", "FR");
        check(&[(path::LANGUAGE, "rm-CH")], "locale", "");
        let names = [(path::GIVEN_NAME, "Ada"), (path::FAMILY_NAME, "King")];
        let shown = |name| [names[0], names[1], (path::DISPLAY_NAME, name)];
        check(&shown("Ada King"), "preferredName", "");
        check(&shown("Countess"), "preferredName", "Countess");
    }
}
