//! The plan of a write: its steps as data, made before anything is sent.
//!
//! A plan is complete before its first write, so that what can be refused is refused while
//! nothing has changed. Its order is safe to stop after each step: sent again, the request goes
//! on from there. An account is switched off first and switched on last, members are added before
//! others are removed, and a rename comes after the members.

use std::fmt;

use super::name::Name;
use super::trace::Membership;
use crate::adapter::keys::ScimId;
use crate::adapter::mapping::Native;

/// The steps of one write, in order.
#[derive(Debug, Default)]
pub(super) struct Plan {
    steps: Vec<Step>,
}

/// One step of a write.
#[derive(Debug)]
pub(super) enum Step {
    /// Looks whether another object has one of these names: then the request is refused.
    Look(Vec<Name>),
    /// Looks whether these users exist: if not, the request is refused.
    Resolve(Vec<ScimId>),
    /// Creates the object.
    Create(Native),
    /// Changes fields of the object.
    Update(Native),
    /// Switches the account on or off by the vendor's own call.
    Switch(bool),
    /// Takes a user out of all groups, where a vendor goes on with whoever is in one.
    LeaveAllGroups,
    /// Puts a user back into the groups that they left when they were switched off.
    Rejoin,
    /// Makes users members of the group.
    AddMembers(Vec<ScimId>),
    /// Ends memberships of the group.
    RemoveMembers(Vec<ScimId>),
    /// Moves everybody out of a group that is about to go.
    Empty,
    /// Removes the object.
    Delete,
    /// Keeps what the vendor cannot hold.
    Remember,
    /// Reads the object.
    Reread,
}

impl Step {
    /// Whether it only finds out whether the request can be carried out.
    pub(super) fn is_judgement(&self) -> bool {
        matches!(self, Self::Look(_) | Self::Resolve(_))
    }

    /// Whether it changes something at the vendor.
    fn is_write(&self) -> bool {
        match self {
            Self::Look(_) | Self::Resolve(_) | Self::Remember | Self::Reread => false,
            Self::Update(native) => !native.fields.is_empty(),
            _ => true,
        }
    }
}

impl Plan {
    /// Adds a step. Judgements come before the first write.
    pub(super) fn then(&mut self, step: Step) {
        debug_assert!(
            !(step.is_judgement() && self.steps.iter().any(Step::is_write)),
            "{step} after a write"
        );
        self.steps.push(step);
    }

    /// Adds a step about users unless there are none.
    pub(super) fn then_for(&mut self, users: Vec<ScimId>, step: fn(Vec<ScimId>) -> Step) {
        if !users.is_empty() {
            self.then(step(users));
        }
    }

    /// Whether something changes at the vendor.
    pub(super) fn writes(&self) -> bool {
        self.steps.iter().any(Step::is_write)
    }

    /// Each step in words, for the request trace.
    pub(super) fn described(&self) -> Vec<String> {
        let told = |step: &&Step| match step {
            Step::Update(native) => !native.fields.is_empty(),
            _ => true,
        };
        let told = self.steps.iter().filter(told);
        told.map(ToString::to_string).collect()
    }

    /// Who joins and who leaves, as far as one event of the log holds it.
    pub(super) fn memberships(&self) -> Vec<Membership> {
        const MOST: usize = 1_000;
        let told = |users: &[ScimId], joins: bool| -> Vec<_> {
            let told = users.iter().map(|user| Membership {
                member: user.as_str().to_owned(),
                joins,
            });
            told.collect()
        };
        let each = self.steps.iter().flat_map(|step| match step {
            Step::AddMembers(users) => told(users, true),
            Step::RemoveMembers(users) => told(users, false),
            _ => Vec::new(),
        });
        each.take(MOST).collect()
    }

    /// The judgements, and the steps after them.
    pub(super) fn split(self) -> (Vec<Step>, Vec<Step>) {
        self.steps.into_iter().partition(Step::is_judgement)
    }
}

impl fmt::Display for Step {
    /// Names and numbers only, never a person's value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = |native: &Native| {
            let names = native.fields.keys().map(ToString::to_string);
            names.collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::Look(names) => {
                let attributes: Vec<_> = names.iter().map(|name| &*name.attribute).collect();
                write!(
                    f,
                    "look whether another object has this {}",
                    attributes.join(", ")
                )
            }
            Self::Resolve(users) => write!(f, "look for users: {}", list(users)),
            Self::Create(native) => write!(f, "create with {}", fields(native)),
            Self::Update(native) => write!(f, "change {}", fields(native)),
            Self::Switch(true) => f.write_str("switch on"),
            Self::Switch(false) => f.write_str("switch off"),
            Self::LeaveAllGroups => f.write_str("leave all groups"),
            Self::Rejoin => f.write_str("join the groups again"),
            Self::AddMembers(users) => write!(f, "add members: {}", list(users)),
            Self::RemoveMembers(users) => write!(f, "remove members: {}", list(users)),
            Self::Empty => f.write_str("remove all members"),
            Self::Delete => f.write_str("delete"),
            Self::Remember => f.write_str("store what the vendor cannot"),
            Self::Reread => f.write_str("read"),
        }
    }
}

/// The first ids, and how many there are beside them.
fn list(users: &[ScimId]) -> String {
    const SHOWN: usize = 5;
    let ids: Vec<_> = users.iter().take(SHOWN).map(ScimId::as_str).collect();
    match users.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        Some(more) => format!("{} and {more} more", ids.join(", ")),
        None => ids.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(count: usize) -> Vec<ScimId> {
        (1..=count).map(|id| ScimId::new(&id.to_string())).collect()
    }

    #[test]
    fn a_plan_is_told_in_words() {
        let mut plan = Plan::default();
        plan.then_for(users(2), Step::Resolve);
        plan.then_for(users(7), Step::AddMembers);
        plan.then_for(users(0), Step::RemoveMembers);
        plan.then(Step::Reread);
        assert_eq!(
            plan.described(),
            [
                "look for users: 1, 2",
                "add members: 1, 2, 3, 4, 5 and 2 more",
                "read"
            ]
        );
    }

    #[test]
    #[should_panic(expected = "after a write")]
    fn what_can_be_refused_is_judged_before_the_first_write() {
        let mut plan = Plan::default();
        plan.then(Step::Switch(false));
        plan.then_for(users(1), Step::Resolve);
    }
}
