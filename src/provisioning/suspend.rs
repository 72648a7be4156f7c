//! Users who are switched off at a vendor that cannot switch anybody off, but goes on with
//! whoever is in a group (`inactive = "leave"`): they leave their groups, the gateway keeps the
//! memberships, and Entra goes on seeing and changing them as if nothing had happened.

use std::collections::HashSet;

use super::locks::LockKey;
use super::memory::Membership;
use super::operation::Operation;
use super::outcome::{NotDone, Outcome, Subject};
use super::run::{Run, Target};
use crate::adapter::keys::ScimId;
use crate::scim::ResourceKind;

impl Operation {
    /// The members a vendor tells, and those it must not know of.
    pub(super) async fn with_suspended(
        &self,
        group: &ScimId,
        mut members: Vec<ScimId>,
    ) -> Outcome<Vec<ScimId>> {
        if self.suspends() {
            let key = self.key(ResourceKind::Group, group);
            let mut suspended = self.memory.members(&key).await?;
            let told: HashSet<_> = members.iter().cloned().collect();
            suspended.retain(|member| !told.contains(member));
            members.extend(suspended);
        }
        Ok(members)
    }
}

impl Run<'_> {
    /// Takes the user out of all groups. Each membership is noted before it ends at the vendor,
    /// so that a try that is cut short loses none. A group that is gone need not be left.
    pub(super) async fn leave_all_groups(&mut self) -> Outcome<()> {
        let operation = self.operation;
        let target = self.target()?;
        target.remembered.suspended = true;
        let target = target.clone();
        operation
            .memory
            .remember(&target.key, target.remembered)
            .await?;
        let natives = operation.fetch_memberships(&target.native).await?;
        let groups = operation
            .scim_ids(ResourceKind::Group, natives.clone())
            .await?;
        for (group, native) in groups.iter().zip(natives) {
            let key = operation.key(ResourceKind::Group, group);
            let user = vec![target.key.id.clone()];
            operation.memory.add_members(&key, user.clone()).await?;
            let left = operation
                .remove_from_group(&native, std::slice::from_ref(&target.native))
                .await;
            match left {
                Err(absent) if absent.is_absent(&Subject::native(ResourceKind::Group, &native)) => {
                    operation.memory.remove_members(&key, user).await?;
                }
                left => left?,
            }
        }
        Ok(())
    }

    /// Puts the user back into the groups; those that are gone by now are passed over.
    pub(super) async fn rejoin(&mut self) -> Outcome<()> {
        let operation = self.operation;
        let target = self.target()?.clone();
        let held = operation
            .memory
            .memberships(&operation.tenant, &target.key.id)
            .await?;
        if operation.adapter.holds_memberships() {
            self.rejoin_each(&target, held).await?;
        } else {
            operation.tell_foremost(&target.native, &[], &held).await?;
        }
        let target = self.target()?;
        if std::mem::take(&mut target.remembered.suspended) {
            let remembered = target.remembered.clone();
            operation.memory.remember(&target.key, remembered).await?;
        }
        Ok(())
    }

    async fn rejoin_each(&self, target: &Target, held: Vec<Membership>) -> Outcome<()> {
        let operation = self.operation;
        for held in held {
            let key = operation.key(ResourceKind::Group, &held.group);
            match operation.native_id(ResourceKind::Group, &held.group).await {
                Err(NotDone::Absent(_)) => {}
                native => {
                    let native = native?;
                    let gone = Subject::native(ResourceKind::Group, &native);
                    let exists = operation
                        .fetch(ResourceKind::Group, &native)
                        .await?
                        .is_some();
                    let users = [target.native.clone()];
                    let joined = match exists {
                        true => operation.add_to_group(&native, &users).await,
                        false => Ok(()),
                    };
                    match joined {
                        Err(absent) if absent.is_absent(&gone) => {}
                        joined => joined?,
                    }
                }
            }
            let user = vec![target.key.id.clone()];
            operation.memory.remove_members(&key, user).await?;
        }
        Ok(())
    }

    /// Locks users whose memberships are about to change, so that nobody is suspended in
    /// between.
    pub(super) async fn lock_members(
        &mut self,
        users: impl Iterator<Item = &ScimId>,
    ) -> Outcome<()> {
        if !self.operation.suspends() {
            return Ok(());
        }
        let locks = users.map(|user| LockKey::User(user.to_string()));
        Ok(self.locks.take(locks.collect()).await?)
    }

    /// Users who are in use; memberships of the others are only noted, or their end.
    pub(super) async fn split_off_suspended(
        &mut self,
        users: Vec<ScimId>,
        joining: bool,
    ) -> Outcome<Vec<ScimId>> {
        let operation = self.operation;
        if !operation.suspends() {
            return Ok(users);
        }
        let remembered = operation
            .memory
            .recall_page(&operation.tenant, ResourceKind::User, users.clone())
            .await?;
        let (mut in_use, mut suspended) = (Vec::new(), Vec::new());
        for (user, remembered) in users.into_iter().zip(remembered) {
            match remembered.is_some_and(|remembered| remembered.suspended) {
                true => suspended.push(user),
                false => in_use.push(user),
            }
        }
        if !suspended.is_empty() {
            let group = &self.target()?.key;
            match joining {
                true => operation.memory.add_members(group, suspended).await?,
                false => operation.memory.remove_members(group, suspended).await?,
            }
        }
        Ok(in_use)
    }
}
