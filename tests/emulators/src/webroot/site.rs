//! One site's rows, and the rules between them.

use super::Site as Settings;
use super::group::{self, Group, Membership};
use super::refusal::Refusal;
use super::target::{self, Target};
use crate::kit::base64;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// No customer owns these.
const PUBLIC: [&str; 5] = [
    "gmail.com",
    "hotmail.com",
    "outlook.com",
    "yahoo.com",
    "gmx.net",
];

/// The targets and groups of one site, by number. No method sees another's.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) settings: Settings,
    pub(super) targets: BTreeMap<u64, Target>,
    pub(super) groups: BTreeMap<u64, Group>,
}

/// Ids and versions: one sequence for all sites, so that no id is ever another's.
#[derive(Clone, Debug)]
pub(super) struct Sequence(u64);

impl Sequence {
    pub(super) fn new() -> Self {
        Self(2000)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }

    /// Eight bytes in base64, as a database writes its row versions.
    pub(super) fn version(&mut self) -> String {
        base64(self.next().to_be_bytes())
    }
}

/// A GUID of a number.
pub(super) fn guid(sort: u32, number: u64) -> String {
    format!("{sort:08x}-3f0d-4c71-9a1b-{number:012x}")
}

impl Site {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            targets: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    // === targets ===

    pub(super) fn target(&self, id: &str) -> Result<&Target, Refusal> {
        let mut targets = self.targets.values();
        let found = targets.find(|target| target.target_id == id);
        found.ok_or(Refusal::NOT_FOUND)
    }

    pub(super) fn create_target(
        &mut self,
        said: target::Said,
        sequence: &mut Sequence,
        now: Timestamp,
    ) -> Result<&Target, Refusal> {
        self.must_be_ours(&said)?;
        self.must_be_free(&said.email_address, None)?;
        let number = sequence.next();
        let id = guid(0x9f2d_7d0e, number);
        let target = said.into_target(id, sequence.version(), now.to_string());
        Ok(self.targets.entry(number).or_insert(target))
    }

    pub(super) fn replace_target(
        &mut self,
        id: &str,
        said: target::Said,
        version: Option<&str>,
        sequence: &mut Sequence,
    ) -> Result<&Target, Refusal> {
        let held = self.target(id)?;
        must_be_latest(version, &held.row_version)?;
        if !held.email_address.eq_ignore_ascii_case(&said.email_address) {
            self.must_be_ours(&said)?;
        }
        self.must_be_free(&said.email_address, Some(id))?;
        let mut targets = self.targets.values_mut();
        let held = targets.find(|target| target.target_id == id);
        let held = held.ok_or(Refusal::NOT_FOUND)?;
        *held = held.replaced(said, sequence.version());
        Ok(held)
    }

    /// With its memberships.
    pub(super) fn delete_target(&mut self, id: &str) -> Result<(), Refusal> {
        self.target(id)?;
        self.targets.retain(|_, target| target.target_id != id);
        for group in self.groups.values_mut() {
            group.memberships.retain(|_, it| it.target_id != id);
        }
        Ok(())
    }

    fn must_be_ours(&self, said: &target::Said) -> Result<(), Refusal> {
        let domain = said.domain();
        if PUBLIC.contains(&domain.as_str()) {
            return Err(Refusal::PUBLIC_DOMAIN);
        }
        let domains = &self.settings.domains;
        match domains.is_empty() || domains.contains(&domain) {
            true => Ok(()),
            false => Err(Refusal::FOREIGN_DOMAIN),
        }
    }

    fn must_be_free(&self, email: &str, of: Option<&str>) -> Result<(), Refusal> {
        let mut others = self
            .targets
            .values()
            .filter(|target| Some(target.target_id.as_str()) != of);
        match others.any(|other| other.email_address.eq_ignore_ascii_case(email)) {
            true => Err(Refusal::EMAIL_TAKEN),
            false => Ok(()),
        }
    }

    // === groups ===

    pub(super) fn group(&self, id: &str) -> Result<&Group, Refusal> {
        let found = self.groups.values().find(|group| group.group_id == id);
        found.ok_or(Refusal::NOT_FOUND)
    }

    fn group_mut(&mut self, id: &str) -> Result<&mut Group, Refusal> {
        let found = self.groups.values_mut().find(|group| group.group_id == id);
        found.ok_or(Refusal::NOT_FOUND)
    }

    pub(super) fn create_group(
        &mut self,
        said: group::Said,
        sequence: &mut Sequence,
    ) -> Result<&Group, Refusal> {
        self.must_be_named(&said.name, None)?;
        let number = sequence.next();
        let group = Group {
            group_id: guid(0x70a1_0000, number),
            group_name: said.name,
            group_description: said.description,
            row_version: sequence.version(),
            memberships: BTreeMap::new(),
        };
        Ok(self.groups.entry(number).or_insert(group))
    }

    pub(super) fn replace_group(
        &mut self,
        id: &str,
        said: group::Said,
        version: Option<&str>,
        sequence: &mut Sequence,
    ) -> Result<&Group, Refusal> {
        must_be_latest(version, &self.group(id)?.row_version)?;
        self.must_be_named(&said.name, Some(id))?;
        let group = self.group_mut(id)?;
        group.group_name = said.name;
        group.group_description = said.description;
        group.row_version = sequence.version();
        Ok(group)
    }

    /// The members go to `heir`, if one is named.
    pub(super) fn delete_group(
        &mut self,
        id: &str,
        heir: Option<&str>,
        sequence: &mut Sequence,
    ) -> Result<(), Refusal> {
        let members = self.group(id)?.memberships.clone();
        match heir {
            None if !members.is_empty() => return Err(Refusal::GROUP_NOT_EMPTY),
            None => {}
            Some(heir) => {
                for membership in members.values() {
                    let added = self.add_member(heir, &membership.target_id, sequence);
                    // Whoever is in the heir already stays there.
                    drop(added);
                }
            }
        }
        self.groups.retain(|_, group| group.group_id != id);
        Ok(())
    }

    fn must_be_named(&self, name: &str, of: Option<&str>) -> Result<(), Refusal> {
        let mut others = self
            .groups
            .values()
            .filter(|group| Some(group.group_id.as_str()) != of);
        match others.any(|other| other.group_name.to_lowercase() == name.to_lowercase()) {
            true => Err(Refusal::GROUP_TAKEN),
            false => Ok(()),
        }
    }

    pub(super) fn add_member(
        &mut self,
        group: &str,
        target: &str,
        sequence: &mut Sequence,
    ) -> Result<&Membership, Refusal> {
        if self.target(target).is_err() {
            let message = "There is no such target.";
            return Err(Refusal::invalid("TargetId", message));
        }
        let group = self.group_mut(group)?;
        if group.has(target) {
            return Err(Refusal::ALREADY_MEMBER);
        }
        let number = sequence.next();
        let membership = Membership {
            membership_id: guid(0x3e3b_0000, number),
            target_id: target.to_owned(),
        };
        Ok(group.memberships.entry(number).or_insert(membership))
    }

    pub(super) fn remove_member(&mut self, group: &str, membership: &str) -> Result<(), Refusal> {
        let group = self.group_mut(group)?;
        let before = group.memberships.len();
        group
            .memberships
            .retain(|_, it| it.membership_id != membership);
        match group.memberships.len() < before {
            true => Ok(()),
            false => Err(Refusal::NOT_FOUND),
        }
    }
}

fn must_be_latest(version: Option<&str>, held: &str) -> Result<(), Refusal> {
    match version {
        None => Err(Refusal::invalid(
            "RowVersion",
            "The row version is missing.",
        )),
        Some(version) if version != held => Err(Refusal::STALE),
        Some(_) => Ok(()),
    }
}
