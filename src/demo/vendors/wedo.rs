//! WEDO: what its rows must say, field by field, in plain tables.

use super::{Holdings, Row, Showcase};
use crate::demo::emulator::kit::Emulator;
use crate::demo::emulator::wedo::{Network, Options, start};
use crate::demo::wanted::{Directory, ExpectedUser, Outcome, WantedUser, path};
use serde_json::Value;
use std::io;
use std::time::Duration;

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
pub(super) struct Wedo;

impl Showcase for Wedo {
    fn name(&self) -> &'static str {
        "wedo"
    }

    fn title(&self) -> &'static str {
        "WEDO"
    }

    fn start(&self, latency: Duration) -> io::Result<Emulator> {
        start(Options {
            latency,
            ..Options::default()
        })
    }

    /// Without the manifest's calls a minute: nobody watches a demo for minutes. Two hundred
    /// invented people are not invited.
    fn tenant_file(&self, emulator: &Emulator) -> String {
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
    fn mapped(&self, mut directory: Directory) -> Directory {
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

    fn expected(&self, outcome: &Outcome) -> Holdings {
        let there = outcome.users.values().filter(|user| !user.deleted);
        there
            .map(|user| (("user", login(user)), row(user)))
            .collect()
    }

    fn found(&self, state: &Value) -> Holdings {
        let networks = state.get("networks").and_then(Value::as_array);
        let users = networks
            .into_iter()
            .flatten()
            .filter_map(|it| it.get("users")?.as_array());
        let rows = users.flatten().map(held);
        rows.map(|row| (("user", row.get("login").cloned().unwrap_or_default()), row))
            .collect()
    }
}

fn login(expected: &ExpectedUser) -> String {
    let name = expected.user.get(path::USER_NAME);
    name.unwrap_or_default().to_lowercase()
}

fn row(expected: &ExpectedUser) -> Row {
    let user = &expected.user;
    let mut row = Row::new();
    let mut set = |field: &str, value: Option<&str>| {
        row.extend(value.map(|value| (field.to_owned(), value.to_owned())));
    };
    set("login", Some(&login(expected)));
    set("email", user.get(path::EMAIL).or(user.get(path::USER_NAME)));
    set("firstName", user.get(path::GIVEN_NAME));
    set("lastName", user.get(path::FAMILY_NAME));
    set("preferredName", preferred_name(user));
    set("function", user.get(path::TITLE));
    set("locale", user.get(path::LANGUAGE).and_then(locale));
    set("accountType", Some(account_type(user)));
    set(
        "status",
        Some(if user.enabled {
            "NOT_INVITED"
        } else {
            "DEACTIVATED"
        }),
    );
    row
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

/// The fields that are set, without what WEDO adds by itself.
fn held(user: &Value) -> Row {
    const OWN: [&str; 7] = [
        "id",
        "fullName",
        "purgeAt",
        "version",
        "createdAt",
        "updatedAt",
        "openTasks",
    ];
    let fields = user.as_object().into_iter().flatten();
    let fields = fields.filter(|(field, _)| !OWN.contains(&field.as_str()));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    fields
        .filter_map(|(field, value)| Some((field.clone(), text(value)?)))
        .collect()
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
        let expected = ExpectedUser {
            user,
            deleted: false,
            groups: Vec::new(),
        };
        let found = row(&expected).get(field).cloned().unwrap_or_default();
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
