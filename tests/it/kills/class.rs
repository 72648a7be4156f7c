//! The classes of consistency that a manifest can declare, each as a vendor of its own with the
//! adapter for it.

use std::time::Duration;

/// The vendor's limit of a call. What a call does it does within this time, whatever became of
/// its reply, so that whoever waits so long and looks knows.
pub(super) const CALL: Duration = Duration::from_secs(2);

/// How long look-ups of class C may lag, as the manifest says.
pub(super) const LAG: Duration = Duration::from_millis(900);

/// What a vendor promises, and what it has a place for.
#[derive(Debug)]
pub(super) struct Class {
    /// Of the adapter, and of its only tenant.
    pub(super) name: &'static str,
    /// `consistency` of the manifest.
    pub(super) consistency: char,
    /// It refuses a second object of the same name.
    pub(super) unique: bool,
    /// It knows a POST again by its request token.
    pub(super) token: bool,
    /// It has a place for `externalId`.
    pub(super) external: bool,
    /// A person is in one team at most, which is a field of the person.
    pub(super) exclusive: bool,
}

/// All that can be declared, each with a place for `externalId` and without.
pub(super) const CLASSES: [Class; 8] = [
    class("a", 'A', true, false, true),
    class("a-bare", 'A', true, false, false),
    class("b", 'B', false, false, true),
    class("b-bare", 'B', false, false, false),
    class("c", 'C', true, false, true),
    class("c-bare", 'C', true, false, false),
    class("c-token", 'C', false, true, true),
    class("c-token-bare", 'C', false, true, false),
];

const fn class(
    name: &'static str,
    consistency: char,
    unique: bool,
    token: bool,
    external: bool,
) -> Class {
    Class {
        name,
        consistency,
        unique,
        token,
        external,
        exclusive: false,
    }
}

/// Members of a team come and go one by one, or a person has one team.
pub(super) const DELTA: Class = class("delta", 'A', true, false, true);
pub(super) const EXCLUSIVE: Class = Class {
    exclusive: true,
    ..class("exclusive", 'A', true, false, true)
};

/// The header that carries request tokens.
pub(super) const TOKEN: &str = "x-request-token";

const MANIFEST: &str = r#"
title = "Small"
consistency = "CLASS"
EXTRA

[credential]
kind = "header"
header = "X-Key"

[deadlines]
call_ms = CALL

[paging]
style = "offset"
size = 100

[ids]
user = { field = "id" }
group = { field = "id" }

[groups]
membership = "MEMBERSHIP"

[replies]
code = "/code"

[[replies.errors]]
code = "absent"
means = "absent"

[[replies.errors]]
code = "taken"
means = "conflict"

[[replies.errors]]
code = "no_person"
means = "invalid"
attribute = "members"
"#;

const SCRIPT: &str = r#"
// allow: lint::unmapped-attribute A vendor with room for little.
fn user_attributes() {
    [
        attr("userName",    "login").required().lookup("login")UNIQUE,
        attr("externalId"EXTERNAL),
        attr("active",      "active"),
        attr("displayName", "name"),
    ]
}

fn find_user(field, value)   { get("/people", query(field, value)).items }
fn get_user(id)              { get(`/people/${id}`) }
fn list_users(page)          { rows(get("/people", #{ limit: page.size, offset: page.offset })) }
fn create_user(user)         { POST("/people", user) }
fn update_user(id, changes)  { patch(`/people/${id}`, changes) }
fn delete_user(id)           { delete(`/people/${id}`) }

fn group_attributes() {
    [
        attr("displayName", "label").required().lookup("label")UNIQUE,
        attr("externalId"EXTERNAL),
        attr("members"),
    ]
}

fn find_group(field, value)  { get("/teams", query(field, value)).items }
fn get_group(id)             { get(`/teams/${id}`) }
fn list_groups(page)         { rows(get("/teams", #{ limit: page.size, offset: page.offset })) }
fn create_group(group)       { POST("/teams", group) }
fn update_group(id, changes) { patch(`/teams/${id}`, changes) }
fn delete_group(id)          { delete(`/teams/${id}`) }

fn rows(page) { #{ rows: page.items, total: page.total } }
"#;

const MEMBERS: &str = r#"
fn add_members(id, people)    { post_again(`/teams/${id}/members`, #{ add: people }) }
fn remove_members(id, people) { post_again(`/teams/${id}/members`, #{ remove: people }) }
fn list_members(id)           { get(`/teams/${id}/members`).items }
"#;

const ONE_TEAM: &str = r#"
fn assign_group(person, team) { patch(`/people/${person}`, #{ team: team }) }
"#;

impl Class {
    /// The class of this name.
    pub(super) fn named(name: &str) -> &'static Self {
        let found = CLASSES.iter().find(|class| class.name == name);
        found.unwrap_or_else(|| panic!("no class {name}"))
    }

    /// How long its look-ups lag at most.
    pub(super) fn lag(&self) -> Option<Duration> {
        (self.consistency == 'C').then_some(LAG)
    }

    pub(super) fn manifest(&self, lag: Option<Duration>) -> String {
        let lag = lag.map(|lag| format!("index_lag_ms = {}\n", lag.as_millis()));
        let token = self.token.then(|| format!("request_token = \"{TOKEN}\"\n"));
        let extra = [lag, token].into_iter().flatten().collect::<String>();
        MANIFEST
            .replace("CLASS", &self.consistency.to_string())
            .replace("EXTRA", &extra)
            .replace(
                "MEMBERSHIP",
                if self.exclusive {
                    "exclusive"
                } else {
                    "vendor"
                },
            )
            .replace("CALL", &CALL.as_millis().to_string())
    }

    pub(super) fn script(&self) -> String {
        let external = r#", "external").lookup("external""#;
        let members = if self.exclusive { ONE_TEAM } else { MEMBERS };
        format!("{SCRIPT}{members}")
            .replace("UNIQUE", if self.unique { ".unique()" } else { "" })
            .replace("EXTERNAL", if self.external { external } else { "" })
            .replace("POST", if self.token { "post_once" } else { "post" })
    }
}
