//! SoSafe: what its rows must say, field by field, in plain tables.

use super::{Holdings, Row, Showcase, as_they_are, country, held, look_up, named_by, rows, text};
use crate::demo::emulator::kit::Emulator;
use crate::demo::emulator::sosafe::{Client, Options, start};
use crate::demo::wanted::{ExpectedUser, Outcome, WantedUser, path};
use serde_json::Value;

/// The groups that come before others, foremost first. The rest go by age of membership.
const PRIORITY: [&str; 2] = ["Führungskräfte", "Sales / EMEA"];

/// The SoSafe showcase.
pub(super) const SOSAFE: Showcase = Showcase {
    name: "sosafe",
    title: "SoSafe",
    start: |latency| start(Options::with_latency(latency)),
    tenant_file,
    mapped: |directory| directory,
    expected,
    found,
};

/// Without the manifest's ten calls a second: nobody watches a demo for minutes.
fn tenant_file(emulator: &Emulator) -> String {
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

fn expected(outcome: &Outcome) -> Holdings {
    let user = |it: &ExpectedUser| {
        let login = it.user.user_name().to_owned();
        ((sort(it.deleted), login), row(it))
    };
    let users = outcome.users.values().map(user);
    let groups = outcome.groups.values();
    let groups = groups.map(|it| (("group", it.display_name.clone()), Row::new()));
    users.chain(groups).collect()
}

fn found(state: &Value) -> Holdings {
    let users = rows(state, "clients", "users").map(|user| {
        let (login, archived) = (named_by(user, "login"), user["status"] == "ARCHIVED");
        ((sort(archived), login), flat(user, archived))
    });
    let groups = rows(state, "clients", "user_groups").filter_map(text);
    let groups = groups.map(|name| (("group", name), Row::new()));
    users.chain(groups).collect()
}

fn sort(deleted: bool) -> &'static str {
    if deleted { "archived user" } else { "user" }
}

/// A deleted user keeps its row, marked; what else still stands there does not matter.
fn row(expected: &ExpectedUser) -> Row {
    let ExpectedUser {
        user,
        deleted,
        groups,
    } = expected;
    if *deleted {
        return super::row([("status", Some("ARCHIVED".to_owned()))]);
    }
    let get = |path: &str| user.get(path);
    let first_word = get(path::DISPLAY_NAME).and_then(|name| name.split(' ').next());
    let (street, house_no) = get(path::STREET).map(split_street).unzip();
    let (country, _) = dialled(user).unzip();
    let address = get(path::EMAIL).unwrap_or(user.user_name()).to_lowercase();
    let ui_locale = get(path::LOCALE).map(|tag| tag.replace('-', "_"));
    let phone = phone(user);
    let degree = |prefix| look_up(&DEGREES, prefix).unwrap_or("none");
    let category = |sort| look_up(&CATEGORIES, sort).unwrap_or("employee");
    let others = [
        (
            "status",
            Some(if user.enabled { "ACTIVE" } else { "INACTIVE" }),
        ),
        ("user_group", foremost(groups)),
        ("email", Some(&*address)),
        ("first_name", get(path::GIVEN_NAME).or(first_word)),
        (
            "content_language",
            get(path::LANGUAGE).and_then(|tag| look_up(&LANGUAGES, tag)),
        ),
        ("ui_locale", ui_locale.as_deref()),
        (
            "tz",
            get(path::TIME_ZONE).map(|zone| look_up(&ZONES, zone).unwrap_or(zone)),
        ),
        ("academic_degree", get(path::PREFIX).map(degree)),
        ("category", get(path::USER_TYPE).map(category)),
        ("address.country", country),
        ("phone", phone.as_deref()),
        ("address.street", street),
        ("address.house_no", house_no.flatten()),
    ];
    let others = others.map(|(field, value)| (field, value.map(str::to_owned)));
    super::row(as_they_are(user, &AS_THEY_ARE).chain(others))
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

/// A country's name, and the code its numbers are dialled by.
const COUNTRIES: [(&str, &str, &str); 7] = [
    ("AT", "Österreich", "43"),
    ("CH", "Schweiz", "41"),
    ("DE", "Deutschland", "49"),
    ("FR", "Frankreich", "33"),
    ("GB", "Vereinigtes Königreich", "44"),
    ("IT", "Italien", "39"),
    ("NL", "Niederlande", "31"),
];

fn dialled(user: &WantedUser) -> Option<(&'static str, &'static str)> {
    let country = country(user)?;
    let mut countries = COUNTRIES.into_iter();
    let found = countries.find(|(code, ..)| *code == country);
    found.map(|(_, name, dial)| (name, dial))
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

/// The fields that are set, those of the address with a dot, without what SoSafe adds by itself;
/// of a deleted user only that it is one.
fn flat(user: &Value, archived: bool) -> Row {
    let mut row = held(user, &["id", "created_at", "updated_at"]);
    let address = held(&user["address"], &[]);
    row.extend(
        address
            .into_iter()
            .map(|(part, text)| (format!("address.{part}"), text)),
    );
    row.retain(|field, _| !archived || field == "status");
    row
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
        let found = row(&ExpectedUser::new(&user(set)))
            .get(field)
            .cloned()
            .unwrap_or_default();
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
        let found = found(&state);
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
