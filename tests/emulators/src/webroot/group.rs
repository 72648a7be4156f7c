//! A group of targets, and the memberships in it.

use super::refusal::Refusal;
use super::target::text;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A row as it goes over the wire.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Group {
    pub(super) group_id: String,
    pub(super) group_name: String,
    pub(super) group_description: Option<String>,
    pub(super) row_version: String,
    /// By number.
    #[serde(skip)]
    pub(super) memberships: BTreeMap<u64, Membership>,
}

/// A membership as it goes over the wire.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Membership {
    pub(super) membership_id: String,
    pub(super) target_id: String,
}

/// What a POST or PUT says of a group.
pub(super) struct Said {
    pub(super) name: String,
    pub(super) description: Option<String>,
}

impl Said {
    pub(super) fn parse(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let name = text(body, "GroupName")?;
        let name = name.filter(|name| (1..=100).contains(&name.chars().count()));
        let refusal = || Refusal::invalid("GroupName", "A group name has 1 to 100 characters.");
        Ok(Self {
            name: name.ok_or_else(refusal)?,
            description: text(body, "GroupDescription")?,
        })
    }
}

impl Group {
    pub(super) fn has(&self, target: &str) -> bool {
        let mut members = self.memberships.values();
        members.any(|membership| membership.target_id == target)
    }
}
