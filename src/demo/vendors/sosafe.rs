//! SoSafe: what its rows must say, field by field, in plain tables.

use super::{Holdings, Row, Showcase};
use crate::demo::emulator::kit::Emulator;
use crate::demo::emulator::sosafe::{Client, Options, start};
use crate::demo::wanted::{ExpectedUser, Outcome, WantedUser, path};
use serde_json::Value;
use std::io;
use std::time::Duration;

/// The groups that come before others, foremost first. The rest go by age of membership.
const PRIORITY: [&str; 2] = ["Führungskräfte", "Sales / EMEA"];

/// The SoSafe showcase.
pub(super) struct SoSafe;

impl Showcase for SoSafe {
    fn name(&self) -> &'static str {
        "sosafe"
    }

    fn title(&self) -> &'static str {
        "SoSafe"
    }

    fn start(&self, latency: Duration) -> io::Result<Emulator> {
        start(Options {
            latency,
            ..Options::default()
        })
    }

    /// Without the manifest's ten calls a second: nobody watches a demo for minutes.
    fn tenant_file(&self, emulator: &Emulator) -> String {
        let Client {
            api_key,
            idp_tenant,
            ..
        } = Client::default();
        let base_url = emulator.base_url();
        let priority: Vec<String> = (1..)
            .zip(PRIORITY)
            .map(|(place, group)| format!("{group:?} = {place}"))
            .collect();
        let priority = priority.join(", ");
        format!(
            r#"adapter = "sosafe"
base_url = "{base_url}"
settings = {{ idp_tenant = "{idp_tenant}" }}
credential = {{ key = {{ value = "{api_key}" }} }}
limits = {{ per_second = 10_000, burst = 10_000, per_minute = 600_000, concurrency = 64 }}
groups = {{ priority = {{ {priority} }} }}
"#
        )
    }

    fn expected(&self, outcome: &Outcome) -> Holdings {
        let user = |user: &ExpectedUser| ((sort(user.deleted), login(user)), row(user));
        let users = outcome.users.values().map(user);
        let group = |name: &str| (("group", name.to_owned()), Row::new());
        users
            .chain(outcome.groups.values().map(|it| group(&it.display_name)))
            .collect()
    }

    fn found(&self, state: &Value) -> Holdings {
        let clients = state
            .get("clients")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        clients
            .flat_map(|client| users(client).chain(groups(client)))
            .collect()
    }
}

fn sort(deleted: bool) -> &'static str {
    if deleted { "archived user" } else { "user" }
}

fn login(expected: &ExpectedUser) -> String {
    expected
        .user
        .get(path::USER_NAME)
        .unwrap_or_default()
        .to_owned()
}

/// A deleted user keeps its row, marked; what else still stands there does not matter.
fn row(expected: &ExpectedUser) -> Row {
    let ExpectedUser {
        user,
        deleted,
        groups,
    } = expected;
    let mut row = Row::new();
    let mut set = |field: &str, value: Option<&str>| {
        row.extend(value.map(|value| (field.to_owned(), value.to_owned())));
    };
    if *deleted {
        set("status", Some("ARCHIVED"));
        return row;
    }
    set(
        "status",
        Some(if user.enabled { "ACTIVE" } else { "INACTIVE" }),
    );
    set("user_group", foremost(groups));
    for (field, path) in AS_THEY_ARE {
        set(field, user.get(path));
    }
    let address = user
        .get(path::EMAIL)
        .or(user.get(path::USER_NAME))
        .map(str::to_lowercase);
    set("email", address.as_deref());
    let first_word = user
        .get(path::DISPLAY_NAME)
        .and_then(|name| name.split(' ').next());
    set("first_name", user.get(path::GIVEN_NAME).or(first_word));
    set(
        "content_language",
        user.get(path::LANGUAGE)
            .and_then(|tag| look_up(&LANGUAGES, tag)),
    );
    set(
        "ui_locale",
        user.get(path::LOCALE)
            .map(|tag| tag.replace('-', "_"))
            .as_deref(),
    );
    set(
        "tz",
        user.get(path::TIME_ZONE)
            .map(|zone| look_up(&ZONES, zone).unwrap_or(zone)),
    );
    set(
        "academic_degree",
        user.get(path::PREFIX)
            .map(|it| look_up(&DEGREES, it).unwrap_or("none")),
    );
    let category = |sort: &str| look_up(&CATEGORIES, sort).unwrap_or("employee");
    set("category", user.get(path::USER_TYPE).map(category));
    set("address.country", country(user));
    set("phone", phone(user).as_deref());
    if let Some(street) = user.get(path::STREET) {
        let (street, house_no) = split_street(street);
        set("address.street", Some(street));
        set("address.house_no", house_no);
    }
    row
}

/// The first by priority, else the group the user has been in for the longest time.
fn foremost(groups: &[String]) -> Option<&str> {
    let first = PRIORITY
        .into_iter()
        .find(|name| groups.iter().any(|group| group == name));
    first.or(groups.first().map(String::as_str))
}

/// Fields that take a value as it is.
const AS_THEY_ARE: [(&str, &str); 17] = [
    ("login", path::USER_NAME),
    ("display_name", path::DISPLAY_NAME),
    ("job_title", path::TITLE),
    ("last_name", path::FAMILY_NAME),
    ("salutation_line", path::FORMATTED_NAME),
    ("name_suffix", path::SUFFIX),
    ("external_ref", path::EXTERNAL_ID),
    ("nickname", path::NICK_NAME),
    ("personnel_no", path::EMPLOYEE_NUMBER),
    ("ext1", path::COST_CENTER),
    ("company", path::ORGANIZATION),
    ("ext2", path::DIVISION),
    ("department", path::DEPARTMENT),
    ("address.text", path::ADDRESS),
    ("address.city", path::CITY),
    ("address.state", path::REGION),
    ("address.zip", path::ZIP),
];

/// What SoSafe has of the languages in the directory; others are left to its default.
const LANGUAGES: [(&str, &str); 17] = [
    ("cy-GB", ""),
    ("de", "de"),
    ("de-AT", "de_AT"),
    ("de-CH", "de_CH"),
    ("de-DE", "de_DE"),
    ("de-ch", "de_CH"),
    ("en", "en"),
    ("en-GB", "en_GB"),
    ("en-US", "en_US"),
    ("fr", "fr"),
    ("fr-CH", "fr_CH"),
    ("fr-FR", "fr_FR"),
    ("it", "it"),
    ("it-IT", "it"),
    ("nl", "nl"),
    ("nl-NL", "nl"),
    ("rm-CH", ""),
];

const ZONES: [(&str, &str); 3] = [
    ("GMT Standard Time", "Europe/London"),
    ("Romance Standard Time", "Europe/Paris"),
    ("W. Europe Standard Time", "Europe/Berlin"),
];

const DEGREES: [(&str, &str); 2] = [("Dr.", "dr"), ("Prof. Dr.", "prof_dr")];

const CATEGORIES: [(&str, &str); 3] = [
    ("Guest", "external"),
    ("Member", "employee"),
    ("Student", "student"),
];

/// A country by any of its spellings, with the code its numbers are dialled by.
const COUNTRIES: [(&[&str], &str, &str); 7] = [
    (&["AT", "Austria", "Österreich"], "Österreich", "43"),
    (&["CH", "Switzerland", "Schweiz"], "Schweiz", "41"),
    (&["DE", "Germany", "Deutschland"], "Deutschland", "49"),
    (&["FR", "France", "Frankreich"], "Frankreich", "33"),
    (&["GB", "United Kingdom"], "Vereinigtes Königreich", "44"),
    (&["IT", "Italy", "Italien"], "Italien", "39"),
    (&["NL", "Netherlands", "Niederlande"], "Niederlande", "31"),
];

fn look_up<'a>(table: &[(&str, &'a str)], value: &str) -> Option<&'a str> {
    let (_, found) = table.iter().find(|(wanted, _)| *wanted == value)?;
    (!found.is_empty()).then_some(found)
}

fn dialled(user: &WantedUser) -> Option<(&'static str, &'static str)> {
    let spelling = user.get(path::COUNTRY)?;
    let (_, name, code) = COUNTRIES
        .iter()
        .find(|(known, ..)| known.contains(&spelling))?;
    Some((name, code))
}

fn country(user: &WantedUser) -> Option<&'static str> {
    Some(dialled(user)?.0)
}

/// E.164. What names no country is dialled from the user's; what is no number is dropped.
fn phone(user: &WantedUser) -> Option<String> {
    let written = user.get(path::PHONE)?.replace("(0)", "");
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    if written.starts_with('+') {
        return Some(format!("+{digits}"));
    }
    if let Some(abroad) = digits.strip_prefix("00") {
        return Some(format!("+{abroad}"));
    }
    let (name, code) = dialled(user)?;
    // Italian numbers keep their zero.
    let national = if name == "Italien" {
        &digits
    } else {
        digits.strip_prefix('0')?
    };
    (digits.len() >= 7).then(|| format!("+{code}{national}"))
}

/// A street, and a house number if it ends with one.
fn split_street(text: &str) -> (&str, Option<&str>) {
    const WITHOUT: [&str; 4] = [
        "Marktplatz",
        "Marienplatz",
        "1 Mill Rd",
        "12 rue de la Paix",
    ];
    const TWO_WORDS: &str = " 1 b";
    if WITHOUT.contains(&text) || text.ends_with("Street") {
        return (text, None);
    }
    if let Some(street) = text.strip_suffix(TWO_WORDS) {
        return (street, Some(TWO_WORDS.trim_start()));
    }
    match text.rsplit_once(' ') {
        Some((street, house_no)) => (street.trim_end_matches(','), Some(house_no)),
        None => (text, None),
    }
}

fn users(client: &Value) -> Box<dyn Iterator<Item = ((&'static str, String), Row)> + '_> {
    let users = client
        .get("users")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    Box::new(users.map(|user| {
        let login = text(user.get("login")).unwrap_or_default();
        let archived = user
            .get("status")
            .is_some_and(|status| status == "ARCHIVED");
        let mut row = flat(user);
        if archived {
            row.retain(|field, _| field == "status");
        }
        ((sort(archived), login), row)
    }))
}

fn groups(client: &Value) -> impl Iterator<Item = ((&'static str, String), Row)> + '_ {
    let groups = client
        .get("user_groups")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    groups.filter_map(|name| Some((("group", text(Some(name))?), Row::new())))
}

/// The fields that are set, those of the address with a dot, without what SoSafe adds by itself.
fn flat(user: &Value) -> Row {
    let mut row = Row::new();
    for (field, value) in user.as_object().into_iter().flatten() {
        match value {
            Value::Object(parts) => {
                let parts = parts.iter().filter_map(|(part, value)| {
                    Some((format!("{field}.{part}"), text(Some(value))?))
                });
                row.extend(parts);
            }
            _ if ["id", "created_at", "updated_at"].contains(&field.as_str()) => {}
            value => row.extend(text(Some(value)).map(|text| (field.clone(), text))),
        }
    }
    row
}

fn text(value: Option<&Value>) -> Option<String> {
    Some(value?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::demo::wanted::history;
    use serde_json::json;

    fn user(set: &[(&'static str, &str)]) -> WantedUser {
        let nobody = WantedUser::new("o1", "Ada@Example.com");
        set.iter()
            .fold(nobody, |user, (path, value)| user.with(path, *value))
    }

    #[track_caller]
    fn check(set: &[(&'static str, &str)], field: &str, expect: &str) {
        let expected = ExpectedUser {
            user: user(set),
            deleted: false,
            groups: Vec::new(),
        };
        let found = row(&expected).get(field).cloned().unwrap_or_default();
        assert_eq!(found, expect, "{field} of {set:?}");
    }

    #[test]
    fn fields_are_as_the_contract_says() {
        check(&[], "email", "ada@example.com");
        check(&[], "login", "Ada@Example.com");
        check(&[(path::EMAIL, "A@B.example")], "email", "a@b.example");
        check(&[(path::DISPLAY_NAME, "Ada King")], "first_name", "Ada");
        check(&[(path::LANGUAGE, "it-IT")], "content_language", "it");
        check(&[(path::LANGUAGE, "rm-CH")], "content_language", "");
        check(
            &[(path::PREFIX, "Kommerzialrat")],
            "academic_degree",
            "none",
        );
        check(&[(path::USER_TYPE, "Contractor")], "category", "employee");
        check(&[(path::STREET, "Hauptstr. 5a")], "address.house_no", "5a");
        check(
            &[(path::STREET, "Via Manzoni, 31")],
            "address.street",
            "Via Manzoni",
        );
        check(
            &[(path::COUNTRY, "Switzerland")],
            "address.country",
            "Schweiz",
        );
    }

    #[test]
    fn phones_are_dialled_from_the_users_country() {
        let from = |country, phone, expect| {
            check(
                &[(path::COUNTRY, country), (path::PHONE, phone)],
                "phone",
                expect,
            );
        };
        from("CH", "044 268 12 34", "+41442681234");
        from("CH", "044/268-12-34", "+41442681234");
        from("GB", "+41 (0)44 268 12 34", "+41442681234");
        from("GB", "0041 44 268 12 34", "+41442681234");
        from("IT", "02 7600 12 34", "+390276001234");
        from("CH", "intern 12", "");
        check(&[(path::PHONE, "044 268 12 34")], "phone", "");
        check(
            &[(path::PHONE, "+41 44 268 12 34")],
            "phone",
            "+41442681234",
        );
    }

    #[test]
    fn every_value_of_the_directory_is_in_the_tables() {
        for user in history().iter().flat_map(|state| state.users.values()) {
            let language = user.get(path::LANGUAGE).unwrap();
            assert!(
                LANGUAGES.iter().any(|(known, _)| *known == language),
                "{language}"
            );
            let country = user.get(path::COUNTRY);
            assert!(country.is_none() || dialled(user).is_some(), "{country:?}");
            let zone = user.get(path::TIME_ZONE).unwrap();
            assert!(
                zone.contains('/') || look_up(&ZONES, zone).is_some(),
                "{zone}"
            );
        }
    }

    #[test]
    fn the_foremost_group_goes_by_priority_then_by_age() {
        let check = |groups: &[&str], expect: Option<&str>| {
            let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
            assert_eq!(foremost(&groups), expect);
        };
        check(&[], None);
        check(&["B", "A"], Some("B"));
        check(&["A", "Sales / EMEA"], Some("Sales / EMEA"));
        check(
            &["A", "Sales / EMEA", "Führungskräfte"],
            Some("Führungskräfte"),
        );
    }

    #[test]
    fn rows_are_read_from_the_state() {
        let state = json!({"clients": [{"client": 4711, "user_groups": ["A"], "users": [
            {"id": 1, "login": "ada", "status": "ACTIVE", "phone": null, "address": {"city": "York", "zip": null},
             "user_group": "A", "created_at": "2026-01-01T00:00:00Z"},
            {"id": 2, "login": "bob", "status": "ARCHIVED", "phone": "+4412345678"},
        ]}]});
        let found = SoSafe.found(&state);
        let row = |pairs: &[(&str, &str)]| -> Row {
            pairs
                .iter()
                .map(|(field, value)| ((*field).to_owned(), (*value).to_owned()))
                .collect()
        };
        let expect: Holdings = [
            (
                ("archived user", "bob".to_owned()),
                row(&[("status", "ARCHIVED")]),
            ),
            (("group", "A".to_owned()), Row::new()),
            (
                ("user", "ada".to_owned()),
                row(&[
                    ("login", "ada"),
                    ("status", "ACTIVE"),
                    ("address.city", "York"),
                    ("user_group", "A"),
                ]),
            ),
        ]
        .into();
        assert_eq!(found, expect);
    }
}
