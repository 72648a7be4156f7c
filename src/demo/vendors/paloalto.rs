//! Palo Alto Networks: what its entries must say, attribute by attribute, in plain tables.

use super::{Holdings, Row, Showcase};
use crate::demo::emulator::kit::Emulator;
use crate::demo::emulator::paloalto::{Client, Options, start};
use crate::demo::wanted::{Directory, ExpectedGroup, ExpectedUser, Outcome, WantedUser, path};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

/// The Palo Alto Networks showcase.
pub(super) struct PaloAlto;

impl Showcase for PaloAlto {
    fn name(&self) -> &'static str {
        "paloalto"
    }

    fn title(&self) -> &'static str {
        "Palo Alto Networks SCIM Connector"
    }

    fn start(&self, latency: Duration) -> io::Result<Emulator> {
        start(Options {
            latency,
            ..Options::default()
        })
    }

    fn tenant_file(&self, emulator: &Emulator) -> String {
        let Client {
            user,
            password,
            directory,
            ..
        } = Client::default();
        let base_url = emulator.base_url();
        format!(
            r#"adapter = "paloalto"
base_url = "{base_url}"
settings = {{ directory = "{directory}", custom_attributes = ["Badge"] }}
credential = {{ username = {{ value = "{user}" }}, password = {{ value = "{password}" }} }}
limits = {{ concurrency = 64 }}
"#
        )
    }

    /// Both names are required, and one person has no given name: `name.givenName` has a default
    /// value in Entra's mapping.
    fn mapped(&self, mut directory: Directory) -> Directory {
        for user in directory.users.values_mut() {
            if user.get(path::GIVEN_NAME).is_none() {
                user.set(path::GIVEN_NAME, "-");
            }
        }
        directory
    }

    fn expected(&self, outcome: &Outcome) -> Holdings {
        let users = outcome.users.values().filter(|user| !user.deleted);
        let users = users.map(|expected| {
            (
                ("user", entry_name(&expected.user)),
                user_row(outcome, expected),
            )
        });
        let groups = outcome.groups.values();
        let groups = groups.map(|group| {
            (
                ("group", group.display_name.clone()),
                group_row(outcome, group),
            )
        });
        users.chain(groups).collect()
    }

    fn found(&self, state: &Value) -> Holdings {
        let directories = rows(state, "directories");
        directories
            .flat_map(|directory| users(directory).chain(groups(directory)))
            .collect()
    }
}

fn entry_name(user: &WantedUser) -> String {
    user.get(path::USER_NAME).unwrap_or_default().to_lowercase()
}

fn user_row(outcome: &Outcome, expected: &ExpectedUser) -> Row {
    let user = &expected.user;
    let mut row = Row::new();
    let mut set = |field: &str, value: Option<&str>| {
        row.extend(value.map(|value| (field.to_owned(), value.to_owned())));
    };
    for (field, path) in AS_THEY_ARE {
        set(field, user.get(path));
    }
    set(
        "UserAccountControl",
        Some(if user.enabled { "512" } else { "514" }),
    );
    set("Country", country(user));
    let manager = user
        .manager
        .as_ref()
        .and_then(|manager| outcome.users.get(manager));
    let manager =
        manager.map(|manager| format!("CN={},DC=example,DC=com", entry_name(&manager.user)));
    set("Manager", manager.as_deref());
    row
}

/// Attributes that take a value as it is.
const AS_THEY_ARE: [(&str, &str); 20] = [
    ("User Principal Name", path::USER_NAME),
    ("Name", path::DISPLAY_NAME),
    ("Title", path::TITLE),
    ("Mail", path::EMAIL),
    ("PreferredLanguage", path::LANGUAGE),
    ("Given Name", path::GIVEN_NAME),
    ("Sur Name", path::FAMILY_NAME),
    ("Common-Name", path::FORMATTED_NAME),
    ("HonorificPrefix", path::PREFIX),
    ("HonorificSuffix", path::SUFFIX),
    ("CompanyName", path::ADDRESS),
    ("StreetAddress", path::STREET),
    ("Location", path::CITY),
    ("State", path::REGION),
    ("PostalCode", path::ZIP),
    ("BusinessPhone", path::PHONE),
    ("MobilePhone", path::MOBILE),
    ("ExternalId", path::EXTERNAL_ID),
    ("EmployeeId", path::EMPLOYEE_NUMBER),
    ("Department", path::DEPARTMENT),
];

/// A country by any of its spellings in the directory.
const COUNTRIES: [(&[&str], &str); 7] = [
    (&["AT", "Austria", "Österreich"], "AUSTRIA"),
    (&["CH", "Switzerland", "Schweiz"], "SWITZERLAND"),
    (&["DE", "Germany", "Deutschland"], "GERMANY"),
    (&["FR", "France", "Frankreich"], "FRANCE"),
    (&["GB", "United Kingdom"], "UNITED KINGDOM"),
    (&["IT", "Italy", "Italien"], "ITALY"),
    (&["NL", "Netherlands", "Niederlande"], "NETHERLANDS"),
];

fn country(user: &WantedUser) -> Option<&'static str> {
    let spelling = user.get(path::COUNTRY)?;
    let found = COUNTRIES
        .iter()
        .find(|(known, _)| known.contains(&spelling))?;
    Some(found.1)
}

fn group_row(outcome: &Outcome, group: &ExpectedGroup) -> Row {
    let users = group.members.iter().filter_map(|id| outcome.users.get(id));
    let names = users
        .filter(|user| !user.deleted)
        .map(|user| entry_name(&user.user));
    members(names.collect())
}

fn members(names: BTreeSet<String>) -> Row {
    let names: Vec<String> = names.into_iter().collect();
    let row = (!names.is_empty()).then(|| ("members".to_owned(), names.join(" ")));
    row.into_iter().collect()
}

type Found = ((&'static str, String), Row);

fn users(directory: &Value) -> Box<dyn Iterator<Item = Found> + '_> {
    Box::new(rows(directory, "users").map(|user| {
        let attributes = user
            .get("attrs")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        let row = attributes.map(|(name, value)| (name.clone(), text(Some(value))));
        (("user", text(user.get("name"))), row.collect())
    }))
}

fn groups(directory: &Value) -> impl Iterator<Item = Found> + '_ {
    rows(directory, "groups").map(|group| {
        let names = rows(group, "members").map(|name| text(Some(name)));
        (
            ("group", text(group.get("display-name"))),
            members(names.collect()),
        )
    })
}

fn rows<'a>(holder: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    holder
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::wanted::history;
    use serde_json::json;

    #[test]
    fn every_country_of_the_directory_is_in_the_table() {
        for user in history().iter().flat_map(|state| state.users.values()) {
            assert_eq!(user.get(path::COUNTRY).is_some(), country(user).is_some());
        }
    }

    #[test]
    fn rows_are_read_from_the_state() {
        let state = json!({"directories": [{
            "users": [{"name": "ada", "attrs": {"Title": "Engineer"}}],
            "groups": [{"name": "A_B", "display-name": "A B", "members": ["bob", "ada"]}],
        }]});
        let row = |name: &str, value: &str| Row::from([(name.to_owned(), value.to_owned())]);
        let expect = Holdings::from([
            (("user", "ada".to_owned()), row("Title", "Engineer")),
            (("group", "A B".to_owned()), row("members", "ada bob")),
        ]);
        assert_eq!(PaloAlto.found(&state), expect);
    }
}
