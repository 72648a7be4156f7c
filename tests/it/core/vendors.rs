//! In what the vendors differ, as far as tests must know it.

use serde_json::Value;

use super::stand::Edit;

/// One vendor.
pub(super) struct Vendor {
    /// The adapter's name.
    pub(super) name: &'static str,
    pub(super) has_groups: bool,
    /// Ids that could be users' and are nobody's: of the vendor's form, and of none.
    pub(super) strangers: [&'static str; 2],
    /// Whether the vendor refuses a second account with an e-mail address.
    pub(super) unique_email: bool,
    /// The vendor call that makes a user, as the counters name it, and a group.
    pub(super) create: [&'static str; 2],
    /// Where the emulator's state has the users.
    pub(super) users: &'static str,
    /// Where a user's row has the userName.
    pub(super) login: &'static str,
    /// How many memberships the emulator's state has.
    pub(super) joined: fn(&Value) -> usize,
    /// Whether a row is in use.
    pub(super) is_active: fn(&Value) -> bool,
    /// Limits of the emulator that let tests go on, as JSON.
    pub(super) limits: Option<&'static str>,
    /// What is written in another way in the adapter's files for the same reason.
    pub(super) edits: &'static [Edit],
}

const NO_SUCH_ISSUED: &str = "5f0a1c52-3d5e-4c0b-9d42-8f6b8f1f7a10";

pub(super) static REFERENCE: Vendor = Vendor {
    name: "reference",
    has_groups: true,
    strangers: ["p999999", "nobody"],
    unique_email: false,
    create: ["POST /people", "POST /teams"],
    users: "/people",
    login: "/userName",
    joined: |state| members(state, "/teams", "/members"),
    is_active: |row| row["active"] == true,
    limits: None,
    edits: &[],
};

pub(super) static SOSAFE: Vendor = Vendor {
    name: "sosafe",
    has_groups: true,
    strangers: ["999999", "nobody"],
    unique_email: true,
    create: ["POST /users", "PUT /user-groups/{name}"],
    users: "/clients/0/users",
    login: "/login",
    joined: |state| {
        let users = state["clients"][0]["users"].as_array().unwrap();
        let joined = users.iter().filter(|user| !user["user_group"].is_null());
        joined.count()
    },
    is_active: |row| row["status"] == "ACTIVE",
    limits: None,
    edits: &[],
};

pub(super) static PALOALTO: Vendor = Vendor {
    name: "paloalto",
    has_groups: true,
    strangers: [NO_SUCH_ISSUED, "nobody"],
    unique_email: false,
    create: ["create user", "create group"],
    users: "/directories/0/users",
    login: "/attrs/User Principal Name",
    joined: |state| members(state, "/directories/0/groups", "/members"),
    is_active: |row| row["attrs"]["UserAccountControl"] == "512",
    limits: None,
    edits: &[],
};

pub(super) static WEBROOT: Vendor = Vendor {
    name: "webroot",
    has_groups: true,
    strangers: ["9f2d7d0e-3f0d-4c71-9a1b-0000000fffff", "nobody"],
    unique_email: true,
    create: ["POST /targets", "POST /targetgroups"],
    users: "/sites/0/Targets",
    login: "/UserName",
    joined: |state| members(state, "/sites/0/TargetGroups", "/Members"),
    is_active: |row| {
        let tags = row["Tags"].as_array().unwrap();
        !tags.contains(&"scim:suspended".into())
    },
    limits: None,
    edits: &[],
};

pub(super) static WSS: Vendor = Vendor {
    name: "wss",
    has_groups: true,
    strangers: ["u-ffffff", "nobody"],
    unique_email: false,
    create: ["POST /jobs", "POST /jobs"],
    users: "/accounts/0/users",
    login: "/loginName",
    joined: |state| members(state, "/accounts/0/groups", "/members"),
    is_active: |row| row["state"] == "ENABLED",
    // Look-ups that lag have tests of their own.
    limits: Some(
        r#"{"submits_per_minute": 600000, "reads_per_minute": 600000, "job_ms": 2,
            "poll_after_ms": 4, "index_lag_ms": 0}"#,
    ),
    // So has the pace of batches.
    edits: &[(
        "toml",
        "batches_per_minute = 6\n",
        "batches_per_minute = 600000\n",
    )],
};

pub(super) static WEDO: Vendor = Vendor {
    name: "wedo",
    has_groups: false,
    strangers: [NO_SUCH_ISSUED, "nobody"],
    unique_email: true,
    create: ["mutation createUser", "no such call"],
    users: "/networks/0/users",
    login: "/login",
    joined: |_| 0,
    is_active: |row| row["status"] != "DEACTIVATED",
    limits: None,
    edits: &[],
};

fn members(state: &Value, groups: &str, members: &str) -> usize {
    let groups = state.pointer(groups).and_then(Value::as_array).unwrap();
    let members = groups.iter().map(|group| group.pointer(members));
    members
        .filter_map(|list| Some(list?.as_array()?.len()))
        .sum()
}

/// All vendors.
pub(super) const ALL: &[&Vendor] = &[&REFERENCE, &SOSAFE, &PALOALTO, &WEBROOT, &WSS, &WEDO];

/// Those that have groups.
pub(super) const GROUPED: &[&Vendor] = &[&REFERENCE, &SOSAFE, &PALOALTO, &WEBROOT, &WSS];
