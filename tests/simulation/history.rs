//! What a vendor holds and held: objects, each with all its versions, and what calls did to them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub(crate) type Fields = Map<String, Value>;

/// A sort of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    Person,
    Team,
}

impl Sort {
    /// The field that names an object of this sort.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Person => "login",
            Self::Team => "label",
        }
    }
}

/// What an object was from a moment on.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// Milliseconds since the world began.
    pub(crate) at: u64,
    /// When look-ups show it.
    pub(crate) seen: u64,
    /// `None` once it is removed.
    pub(crate) fields: Option<Fields>,
    /// The vendor removed it by itself.
    pub(crate) expired: bool,
}

/// One object, from its making on. Its place in [`Vendor::objects`] is its name for the oracle.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) sort: Sort,
    pub(crate) versions: Vec<Version>,
}

impl Object {
    pub(crate) fn now(&self) -> Option<&Fields> {
        self.versions.last()?.fields.as_ref()
    }

    /// What it was between two moments, the one at the first included.
    pub(crate) fn between(&self, from: u64, to: u64) -> impl Iterator<Item = &Version> {
        let first = self.versions.iter().rposition(|version| version.at < from);
        let versions = self.versions.iter().skip(first.unwrap_or(0));
        versions.take_while(move |version| version.at <= to)
    }

    /// Whether it was there at each moment between two.
    pub(crate) fn was_there_throughout(&self, from: u64, to: u64) -> bool {
        let began = self.versions.first().is_some_and(|first| first.at < from);
        began
            && self
                .between(from, to)
                .all(|version| version.fields.is_some())
    }

    /// What look-ups show of it.
    pub(crate) fn indexed(&self, now: u64) -> Option<&Fields> {
        let seen = self.versions.iter().rfind(|version| version.seen <= now);
        seen?.fields.as_ref()
    }

    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.now()?.get(field)?.as_str()
    }
}

/// What one call changed.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) by: u32,
    pub(crate) what: String,
    /// It disables somebody, or takes them out of a group.
    pub(crate) disables: bool,
    /// It makes somebody a member.
    pub(crate) joins: bool,
}

/// The members a team holds.
pub(crate) fn members(fields: Option<&Fields>) -> BTreeSet<String> {
    let members = fields.and_then(|fields| fields.get("members")?.as_array());
    let members = members.into_iter().flatten();
    members
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect()
}

/// Whether an object has a name.
pub(crate) fn holds(fields: Option<&Fields>, sort: Sort, name: &str) -> bool {
    let held = fields.and_then(|fields| fields.get(sort.name())?.as_str());
    held.is_some_and(|held| held.eq_ignore_ascii_case(name))
}

/// Whether a field is what it is wanted to be, in whatever letter case.
pub(crate) fn same(held: Option<&Value>, wanted: &Value) -> bool {
    match (held.and_then(Value::as_str), wanted.as_str()) {
        (Some(held), Some(wanted)) => held.eq_ignore_ascii_case(wanted),
        _ => held.unwrap_or(&Value::Null) == wanted,
    }
}

/// The first field of which a resource says something else than the vendor holds.
pub(crate) fn differs(sort: Sort, held: &Fields, resource: &Value) -> Option<&'static str> {
    let pairs: &[(&str, &str)] = match sort {
        Sort::Person => &[
            ("login", "userName"),
            ("name", "displayName"),
            ("tag", "title"),
            ("active", "active"),
        ],
        Sort::Team => &[("label", "displayName")],
    };
    let differs =
        |(field, attribute): &&(&'static str, &str)| !same(held.get(*field), &resource[*attribute]);
    pairs.iter().find(differs).map(|(field, _)| *field)
}
