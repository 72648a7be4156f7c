//! The vendors of the simulation: what each promises, and the adapter that says so.

use std::sync::Arc;
use std::time::Duration;

use scimgate::adapter::Adapter;
use scimgate::adapter::compile::Files;

/// The vendor's limit of a call.
pub(crate) const CALL: Duration = Duration::from_secs(4);

/// The header that carries request tokens.
pub(crate) const TOKEN: &str = "x-request-token";

/// How a vendor holds groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Groups {
    /// Any number a user.
    Many,
    /// Any number, and whoever is switched off must leave them.
    Leave,
    /// One a user; a group is its name.
    One,
}

/// What a vendor promises and what it has a place for.
#[derive(Debug)]
pub(crate) struct Class {
    pub(crate) name: &'static str,
    /// `consistency` of the manifest.
    pub(crate) consistency: char,
    /// It refuses a second object of the same name.
    pub(crate) unique: bool,
    /// It knows a POST again by its request token.
    pub(crate) token: bool,
    /// It has a place for `externalId`.
    pub(crate) external: bool,
    /// A change is a POST, which is not repeated when its reply is lost.
    pub(crate) posts: bool,
    /// Accounts are switched by calls of their own.
    pub(crate) switch: bool,
    pub(crate) groups: Groups,
    /// How long look-ups lag at most.
    pub(crate) lag: Option<Duration>,
    /// How long a create whose reply was lost may still take effect, if longer than a call.
    pub(crate) settles: Option<Duration>,
    /// It removes disabled users by itself.
    pub(crate) expires: bool,
    /// Changes of members go to it by the job.
    pub(crate) batched: bool,
}

const PLAIN: Class = Class {
    name: "unique",
    consistency: 'A',
    unique: true,
    token: false,
    external: true,
    posts: false,
    switch: false,
    groups: Groups::Many,
    lag: None,
    settles: None,
    expires: false,
    batched: false,
};

const LAG: Option<Duration> = Some(Duration::from_secs(6));
const SETTLES: Option<Duration> = Some(Duration::from_secs(9));

/// All of them. A seed chooses one.
pub(crate) const CLASSES: [Class; 10] = [
    PLAIN,
    Class {
        name: "unique-bare",
        external: false,
        posts: true,
        switch: true,
        ..PLAIN
    },
    Class {
        name: "open",
        consistency: 'B',
        unique: false,
        posts: true,
        ..PLAIN
    },
    Class {
        name: "open-bare",
        consistency: 'B',
        unique: false,
        external: false,
        switch: true,
        settles: SETTLES,
        ..PLAIN
    },
    Class {
        name: "lagging",
        consistency: 'C',
        posts: true,
        lag: LAG,
        ..PLAIN
    },
    Class {
        name: "lagging-token",
        consistency: 'C',
        unique: false,
        token: true,
        external: false,
        switch: true,
        lag: LAG,
        ..PLAIN
    },
    Class {
        name: "exclusive",
        external: false,
        switch: true,
        groups: Groups::One,
        ..PLAIN
    },
    Class {
        name: "expiring",
        groups: Groups::One,
        expires: true,
        ..PLAIN
    },
    Class {
        name: "leaving",
        switch: true,
        groups: Groups::Leave,
        ..PLAIN
    },
    Class {
        name: "batched",
        batched: true,
        token: true,
        ..PLAIN
    },
];

const MANIFEST: &str = r#"
title = "Small"
consistency = "CONSISTENCY"
EXTRA
[credential]
kind = "none"

[deadlines]
call_ms = CALL

[paging]
style = "offset"
size = 100

[ids]
user = { field = "id"USER }
group = { field = "id"GROUP }

[groups]
MEMBERSHIP

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
BATCH
"#;

const USERS: &str = r#"
fn user_attributes() {
    [
        attr("userName",    "login").required().to(|name| name.to_lower()).lookup("login")UNIQUE,
        attr("externalId"EXTERNAL),
        attr("active",      "active"),
        attr("displayName", "name"),
        attr("title",       "tag"),
    ]
}

fn find_user(field, value)   { get("/people", query(field, value)).items }
fn get_user(id)              { get(`/people/${id}`) }
fn list_users(page)          { rows(get("/people", #{ limit: page.size, offset: page.offset })) }
fn create_user(user)         { POST("/people", user) }
fn update_user(id, changes)  { CHANGE(`/people/${id}`, changes) }
fn delete_user(id)           { delete(`/people/${id}`) }

fn group_attributes() {
    [
        attr("displayName", "label").required().lookup("label")TEAM,
        attr("externalId"EXTERNAL),
        attr("members"),
    ]
}

fn find_group(field, value)  { get("/teams", query(field, value)).items }
fn get_group(id)             { get(`/teams/${segment(id)}`) }
fn list_groups(page)         { rows(get("/teams", #{ limit: page.size, offset: page.offset })) }
fn delete_group(id)          { delete(`/teams/${segment(id)}`) }

fn rows(page) { #{ rows: page.items, total: page.total } }
"#;

const SWITCH: &str = r#"
fn activate_user(id)   { post_again(`/people/${id}/on`) }
fn deactivate_user(id) { post_again(`/people/${id}/off`) }
"#;

const TEAMS: &str = r#"
fn create_group(group)       { POST("/teams", group) }
fn update_group(id, changes) { CHANGE(`/teams/${id}`, changes) }
fn list_members(id)          { get(`/teams/${id}/members`).items }
"#;

const DIFFERENCES: &str = r#"
fn add_members(id, people)    { post_again(`/teams/${id}/members`, #{ add: people }) }
fn remove_members(id, people) { post_again(`/teams/${id}/members`, #{ remove: people }) }
"#;

const JOBS: &str = r#"
fn add_members(id, people)    { for person in people { change(#{ team: id, add: person }) } }
fn remove_members(id, people) { for person in people { change(#{ team: id, remove: person }) } }
fn change(item)               { judged(batch("jobs", item)) }

fn run_jobs(items) {
    try {
        return post_once("/jobs", #{ items: items }).results;
    } catch (fault) {
        if fault.means == "fault" { throw unknown_outcome() }
        throw fault
    }
}
"#;

/// A group is its name: it is put in place, and a rename gives it another key.
const NAMED_TEAMS: &str = r#"
fn create_group(group)       { put(`/teams/${segment(group.label)}`, group) }
fn update_group(id, changes) {
    if "label" in changes && changes.label != id {
        return post(`/teams/${segment(id)}/rename`, #{ to: changes.label });
    }
    get_group(id)
}
fn key_group(group)          { if "label" in group { group.label } }
fn assign_group(user, group) { patch(`/people/${user}`, #{ team: group }) }
"#;

const MEMBERSHIPS: &str = r#"
fn list_memberships(user) { get(`/people/${user}/teams`).items }
"#;

const BATCH: &str = r#"
[batch.jobs]
window_ms = 40
max_items = 20
in_flight = 1
longest_ms = 8_000
"#;

impl Class {
    /// How long the effect of a create may come after its call began.
    pub(crate) fn latest_effect(&self) -> Duration {
        self.settles.unwrap_or_default().max(CALL)
    }

    fn manifest(&self) -> String {
        let millis = |span: Option<Duration>| span.map(|span| span.as_millis());
        let mut extra = String::new();
        if let Some(lag) = millis(self.lag) {
            extra += &format!("index_lag_ms = {lag}\n");
        }
        if let Some(settles) = millis(self.settles) {
            extra += &format!("settles_ms = {settles}\n");
        }
        if self.token {
            extra += &format!("request_token = \"{TOKEN}\"\n");
        }
        let (named, membership) = match self.groups {
            Groups::Many => ("", "membership = \"vendor\""),
            Groups::Leave => ("", "membership = \"vendor\"\ninactive = \"leave\""),
            Groups::One => (", issued = true", "membership = \"exclusive\""),
        };
        let user = match self.expires {
            true => ", issued = true, expires = true",
            false => "",
        };
        MANIFEST
            .replace("CONSISTENCY", &self.consistency.to_string())
            .replace("EXTRA", &extra)
            .replace("CALL", &CALL.as_millis().to_string())
            .replace("USER", user)
            .replace("GROUP", named)
            .replace("MEMBERSHIP", membership)
            .replace("BATCH", if self.batched { BATCH } else { "" })
    }

    fn script(&self) -> String {
        let external = r#", "external").lookup("external""#;
        let mut script = USERS.to_owned();
        match self.groups {
            Groups::One => script += NAMED_TEAMS,
            _ => {
                script += TEAMS;
                script += if self.batched { JOBS } else { DIFFERENCES };
            }
        }
        if self.groups == Groups::Leave {
            script += MEMBERSHIPS;
        }
        if self.switch {
            script += SWITCH;
        }
        // What is put in place is never refused for its name.
        let keeps_teams_unique = self.unique && self.groups != Groups::One;
        script
            .replace("TEAM", if keeps_teams_unique { ".unique()" } else { "" })
            .replace("UNIQUE", if self.unique { ".unique()" } else { "" })
            .replace("EXTERNAL", if self.external { external } else { "" })
            .replace("CHANGE", if self.posts { "post" } else { "patch" })
            .replace("POST", if self.token { "post_once" } else { "post" })
    }

    /// The adapter, compiled as those on disk are.
    pub(crate) fn adapter(&self) -> Arc<Adapter> {
        let files = Files {
            name: self.name.to_owned(),
            manifest: (format!("{}.toml", self.name), self.manifest()),
            script: (format!("{}.rhai", self.name), self.script()),
        };
        Arc::new(Adapter::compile(files).unwrap_or_else(|problems| panic!("{problems:#?}")))
    }
}
