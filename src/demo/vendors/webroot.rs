//! Webroot: what its rows must say, field by field.

use super::{Holdings, Row, Showcase, held, holdings, members, named_by, rows};
use crate::demo::emulator::kit::Emulator;
use crate::demo::emulator::webroot::{Account, Options, Site, start};
use crate::demo::wanted::{Directory, ExpectedGroup, ExpectedUser, Outcome, path};
use serde_json::Value;

/// The Webroot showcase.
pub(super) const WEBROOT: Showcase = Showcase {
    name: "webroot",
    title: "Webroot Security Awareness Training",
    start: |latency| start(Options::with_latency(latency)),
    tenant_file,
    mapped,
    expected,
    found,
};

/// Without the manifest's calls a minute: nobody watches a demo for minutes.
fn tenant_file(emulator: &Emulator) -> String {
    let Account {
        client_id,
        client_secret,
        username,
        password,
        gsm_key,
        ..
    } = Account::default();
    let (base_url, site_id) = (emulator.base_url(), Site::default().site_id);
    format!(
        r#"adapter = "webroot"
base_url = "{base_url}"
settings = {{ gsm_key = "{gsm_key}", site_id = "{site_id}" }}
limits = {{ per_second = 10_000, burst = 10_000, per_minute = 600_000, concurrency = 64 }}
[credential]
client_id = {{ value = "{client_id}" }}
client_secret = {{ value = "{client_secret}" }}
username = {{ value = "{username}" }}
password = {{ value = "{password}" }}
"#
    )
}

/// The five attributes there are, as the page for administrators asks for, and `active`.
fn mapped(mut directory: Directory) -> Directory {
    for user in directory.users.values_mut() {
        user.manager = None;
        user.attributes.retain(|path, _| MAPPED.contains(path));
    }
    directory
}

fn expected(outcome: &Outcome) -> Holdings {
    holdings(outcome, email, row, |id, group| {
        group_row(id, group, outcome)
    })
}

fn found(state: &Value) -> Holdings {
    const OWN: [&str; 4] = ["TargetId", "GroupId", "CreatedUtc", "RowVersion"];
    let [users, groups] = [
        ("user", "Targets", "EmailAddress"),
        ("group", "TargetGroups", "GroupName"),
    ]
    .map(|(sort, list, name)| {
        let rows = rows(state, "sites", list);
        rows.map(move |row| ((sort, named_by(row, name)), held(row, &OWN)))
    });
    users.chain(groups).collect()
}

const MAPPED: [&str; 5] = [
    path::EMAIL,
    path::EXTERNAL_ID,
    path::FAMILY_NAME,
    path::GIVEN_NAME,
    path::USER_NAME,
];

fn email(expected: &ExpectedUser) -> String {
    let user = &expected.user;
    user.get(path::EMAIL).unwrap_or(user.user_name()).to_owned()
}

fn row(expected: &ExpectedUser) -> Row {
    let user = &expected.user;
    let suspended = if user.enabled { "" } else { " scim:suspended" };
    super::row([
        ("EmailAddress", Some(email(expected))),
        ("UserName", Some(user.user_name().to_owned())),
        ("FirstName", user.get(path::GIVEN_NAME).map(name)),
        ("LastName", user.get(path::FAMILY_NAME).map(name)),
        ("Tags", Some(format!("aad:{}{suspended}", user.object_id))),
    ])
}

/// Two to thirty characters.
fn name(name: &str) -> String {
    let name: String = name.trim().chars().take(30).collect();
    match name.chars().count() {
        1 => format!("{name}."),
        _ => name,
    }
}

/// Whoever is disabled is in no group there.
fn group_row(id: &str, group: &ExpectedGroup, outcome: &Outcome) -> Row {
    let enabled = |member: &ExpectedUser| member.user.enabled.then(|| email(member));
    super::row([
        ("GroupName", Some(group.display_name.clone())),
        ("GroupDescription", Some(format!("[aad:{id}]"))),
        ("Members", members(outcome, group, enabled)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::wanted::WantedUser;
    use serde_json::json;

    #[track_caller]
    fn check(user: WantedUser, field: &str, expect: &str) {
        let found = row(&ExpectedUser::new(&user))
            .get(field)
            .cloned()
            .unwrap_or_default();
        assert_eq!(found, expect);
    }

    #[test]
    fn fields_are_as_the_contract_says() {
        let ada = || WantedUser::new("o1", "Ada@Example.com");
        check(ada(), "EmailAddress", "Ada@Example.com");
        check(
            ada().with(path::EMAIL, "a@b.example"),
            "EmailAddress",
            "a@b.example",
        );
        check(ada().with(path::GIVEN_NAME, " Ø"), "FirstName", "Ø.");
        check(
            ada().with(path::FAMILY_NAME, "x".repeat(45)),
            "LastName",
            &"x".repeat(30),
        );
        check(ada(), "Tags", "aad:o1");
        let mut disabled = ada();
        disabled.enabled = false;
        check(disabled, "Tags", "aad:o1 scim:suspended");
    }

    #[test]
    fn rows_are_read_from_the_state() {
        let state = json!({"sites": [{"SiteId": "s",
            "Targets": [{"TargetId": "t", "EmailAddress": "a@b.c", "UserName": null, "Tags": ["x", "y"]}],
            "TargetGroups": [{"GroupId": "g", "GroupName": "A", "Members": []}]}]});
        let found = found(&state);
        let user = found.get(&("user", "a@b.c".to_owned())).cloned();
        let user = user.unwrap_or_default();
        assert_eq!(user.get("Tags").map(String::as_str), Some("x y"));
        assert_eq!(user.len(), 2);
        assert!(found.contains_key(&("group", "A".to_owned())));
    }
}
