//! Webroot: what its rows must say, field by field.

use super::{Holdings, Row, Showcase};
use crate::demo::emulator::kit::Emulator;
use crate::demo::emulator::webroot::{Account, Options, Site, start};
use crate::demo::wanted::{Directory, ExpectedGroup, ExpectedUser, Outcome, path};
use serde_json::Value;
use std::io;
use std::time::Duration;

/// The Webroot showcase.
pub(super) struct Webroot;

impl Showcase for Webroot {
    fn name(&self) -> &'static str {
        "webroot"
    }

    fn title(&self) -> &'static str {
        "Webroot Security Awareness Training"
    }

    fn start(&self, latency: Duration) -> io::Result<Emulator> {
        start(Options {
            latency,
            ..Options::default()
        })
    }

    /// Without the manifest's calls a minute: nobody watches a demo for minutes.
    fn tenant_file(&self, emulator: &Emulator) -> String {
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
    fn mapped(&self, mut directory: Directory) -> Directory {
        for user in directory.users.values_mut() {
            user.manager = None;
            user.attributes.retain(|path, _| MAPPED.contains(path));
        }
        directory
    }

    fn expected(&self, outcome: &Outcome) -> Holdings {
        let there = outcome.users.values().filter(|user| !user.deleted);
        let users = there.map(|user| (("user", email(user).to_owned()), row(user)));
        let groups = outcome.groups.iter().map(|(id, group)| {
            let key = ("group", group.display_name.clone());
            (key, group_row(id, group, outcome))
        });
        users.chain(groups).collect()
    }

    fn found(&self, state: &Value) -> Holdings {
        let rows = |name: &'static str| {
            let sites = state.get("sites").and_then(Value::as_array);
            let lists = sites
                .into_iter()
                .flatten()
                .filter_map(move |site| site.get(name)?.as_array());
            lists.flatten()
        };
        let users = rows("Targets").map(|row| (("user", text(row, "EmailAddress")), held(row)));
        let groups = rows("TargetGroups").map(|row| (("group", text(row, "GroupName")), held(row)));
        users.chain(groups).collect()
    }
}

const MAPPED: [&str; 5] = [
    path::EMAIL,
    path::EXTERNAL_ID,
    path::FAMILY_NAME,
    path::GIVEN_NAME,
    path::USER_NAME,
];

fn email(expected: &ExpectedUser) -> &str {
    let user = &expected.user;
    let email = user.get(path::EMAIL).or(user.get(path::USER_NAME));
    email.unwrap_or_default()
}

fn row(expected: &ExpectedUser) -> Row {
    let user = &expected.user;
    let mut row = Row::new();
    let mut set = |field: &str, value: Option<String>| {
        row.extend(value.map(|value| (field.to_owned(), value)));
    };
    set("EmailAddress", Some(email(expected).to_owned()));
    set("UserName", user.get(path::USER_NAME).map(str::to_owned));
    set("FirstName", user.get(path::GIVEN_NAME).map(name));
    set("LastName", user.get(path::FAMILY_NAME).map(name));
    let suspended = if user.enabled { "" } else { " scim:suspended" };
    set("Tags", Some(format!("aad:{}{suspended}", user.object_id)));
    row
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
    let members = group
        .members
        .iter()
        .filter_map(|id| outcome.users.get(id))
        .filter(|member| member.user.enabled && !member.deleted);
    let mut members: Vec<_> = members.map(email).collect();
    members.sort_unstable();
    let mut row = Row::new();
    row.insert("GroupName".to_owned(), group.display_name.clone());
    row.insert("GroupDescription".to_owned(), format!("[aad:{id}]"));
    if !members.is_empty() {
        row.insert("Members".to_owned(), members.join(" "));
    }
    row
}

/// The fields that are set, without what Webroot adds by itself; lists in one text.
fn held(row: &Value) -> Row {
    const OWN: [&str; 4] = ["TargetId", "GroupId", "CreatedUtc", "RowVersion"];
    let fields = row.as_object().into_iter().flatten();
    let fields = fields.filter(|(field, _)| !OWN.contains(&field.as_str()));
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
    use crate::demo::wanted::WantedUser;
    use serde_json::json;

    #[track_caller]
    fn check(user: WantedUser, field: &str, expect: &str) {
        let expected = ExpectedUser {
            user,
            deleted: false,
            groups: Vec::new(),
        };
        let found = row(&expected).get(field).cloned().unwrap_or_default();
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
        let found = Webroot.found(&state);
        let user = found.get(&("user", "a@b.c".to_owned())).cloned();
        let user = user.unwrap_or_default();
        assert_eq!(user.get("Tags").map(String::as_str), Some("x y"));
        assert_eq!(user.len(), 2);
        assert!(found.contains_key(&("group", "A".to_owned())));
    }
}
