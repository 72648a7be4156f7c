//! What must have become of the directory at any vendor, in Entra's terms.

use super::{Directory, ObjectId, WantedUser};
use std::collections::BTreeMap;

/// What a vendor must hold once all states are synchronised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The users it was told of, by object id; deleted ones too.
    pub users: BTreeMap<ObjectId, ExpectedUser>,
    /// The groups there are.
    pub groups: BTreeMap<ObjectId, ExpectedGroup>,
}

/// A user the vendor was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedUser {
    /// As last seen in Entra.
    pub user: WantedUser,
    /// Whether Entra had it deleted.
    pub deleted: bool,
    /// The display names of its groups, the oldest membership first.
    pub groups: Vec<String>,
}

/// A group the vendor must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedGroup {
    /// Its name.
    pub display_name: String,
    /// Its members that the vendor was told of.
    pub members: Vec<ObjectId>,
}

impl Outcome {
    /// Of these states, oldest first.
    ///
    /// A user disabled from the start is not created until it is enabled (Entra's
    /// how-provisioning-works); its memberships count from then on.
    pub fn of(states: &[Directory]) -> Self {
        let mut outcome = Self::default();
        let mut told = BTreeMap::new();
        for (number, state) in states.iter().enumerate() {
            outcome.see(number, state, &mut told);
        }
        if let Some(last) = states.last() {
            outcome.assemble(last, &told);
        }
        outcome
    }

    fn see(&mut self, number: usize, state: &Directory, told: &mut BTreeMap<ObjectId, usize>) {
        for expected in self.users.values_mut() {
            expected.deleted = !state.users.contains_key(&expected.user.object_id);
        }
        for (id, user) in &state.users {
            if user.enabled {
                told.entry(id.clone()).or_insert(number);
            }
            if told.contains_key(id) {
                self.users.insert(id.clone(), ExpectedUser::new(user));
            }
        }
    }

    fn assemble(&mut self, last: &Directory, told: &BTreeMap<ObjectId, usize>) {
        let mut joined = BTreeMap::<&ObjectId, Vec<(usize, &str)>>::new();
        for (id, group) in &last.groups {
            let mut members = Vec::new();
            for (member, since) in &group.members {
                let Some(known) = told.get(member) else {
                    continue;
                };
                members.push(member.clone());
                let since = *since.max(known);
                joined
                    .entry(member)
                    .or_default()
                    .push((since, &group.display_name));
            }
            let display_name = group.display_name.clone();
            self.groups.insert(
                id.clone(),
                ExpectedGroup {
                    display_name,
                    members,
                },
            );
        }
        for (member, mut groups) in joined {
            // Stable: of one age, the group Entra created first was told first.
            groups.sort_by_key(|(since, _)| *since);
            if let Some(expected) = self.users.get_mut(member) {
                expected.groups = groups
                    .into_iter()
                    .map(|(_, name)| name.to_owned())
                    .collect();
            }
        }
    }
}

impl ExpectedUser {
    pub(in crate::demo) fn new(user: &WantedUser) -> Self {
        Self {
            user: user.clone(),
            deleted: false,
            groups: Vec::new(),
        }
    }
}
