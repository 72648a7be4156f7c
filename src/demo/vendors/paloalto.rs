//! Palo Alto Networks: what its entries must say, attribute by attribute, in plain tables.

use super::{
    Holdings, Row, Showcase, as_they_are, country, held, holdings, look_up, members, named_by, rows,
};
use crate::demo::emulator::kit::Emulator;
use crate::demo::emulator::paloalto::{Client, Options, start};
use crate::demo::wanted::{Directory, ExpectedUser, Outcome, WantedUser, path};
use serde_json::Value;

/// The Palo Alto Networks showcase.
pub(super) const PALOALTO: Showcase = Showcase {
    name: "paloalto",
    title: "Palo Alto Networks SCIM Connector",
    start: |latency| start(Options::with_latency(latency)),
    tenant_file,
    mapped,
    expected,
    found,
};

fn tenant_file(emulator: &Emulator) -> String {
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
fn mapped(mut directory: Directory) -> Directory {
    for user in directory.users.values_mut() {
        if user.get(path::GIVEN_NAME).is_none() {
            user.set(path::GIVEN_NAME, "-");
        }
    }
    directory
}

fn expected(outcome: &Outcome) -> Holdings {
    let name = |it: &ExpectedUser| entry_name(&it.user);
    let user = |it: &ExpectedUser| user_row(outcome, &it.user);
    holdings(outcome, name, user, |_, group| {
        super::row([("members", members(outcome, group, |it| Some(name(it))))])
    })
}

fn found(state: &Value) -> Holdings {
    const OWN: [&str; 5] = ["name", "unique-id", "created", "changed", "display-name"];
    let users = rows(state, "directories", "users");
    let users = users.map(|it| (("user", named_by(it, "name")), held(&it["attrs"], &[])));
    let groups = rows(state, "directories", "groups");
    let groups = groups.map(|it| (("group", named_by(it, "display-name")), held(it, &OWN)));
    users.chain(groups).collect()
}

fn entry_name(user: &WantedUser) -> String {
    user.user_name().to_lowercase()
}

fn user_row(outcome: &Outcome, user: &WantedUser) -> Row {
    let control = if user.enabled { "512" } else { "514" };
    let country = country(user).and_then(|code| look_up(&COUNTRIES, code));
    let manager = user.manager.as_ref().and_then(|id| outcome.users.get(id));
    let manager = manager.map(|it| format!("CN={},DC=example,DC=com", entry_name(&it.user)));
    let others = [
        ("UserAccountControl", Some(control.to_owned())),
        ("Country", country.map(str::to_owned)),
        ("Manager", manager),
    ];
    super::row(as_they_are(user, &AS_THEY_ARE).chain(others))
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

/// Countries by their codes.
const COUNTRIES: [(&str, &str); 7] = [
    ("AT", "AUSTRIA"),
    ("CH", "SWITZERLAND"),
    ("DE", "GERMANY"),
    ("FR", "FRANCE"),
    ("GB", "UNITED KINGDOM"),
    ("IT", "ITALY"),
    ("NL", "NETHERLANDS"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
        assert_eq!(found(&state), expect);
    }
}
