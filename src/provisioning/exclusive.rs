//! Vendors that take one group a user (`membership = "exclusive"`): the gateway holds the
//! memberships and tells the vendor each user's foremost group, the one with the smallest
//! priority, then the oldest membership.

use super::locks::LockKey;
use super::members::no_users;
use super::memory::Membership;
use super::operation::Operation;
use super::outcome::{NotDone, Outcome, Subject};
use super::run::{Run, Target};
use crate::adapter::keys::{NativeId, ScimId};
use crate::scim::ResourceKind;

impl Run<'_> {
    /// Makes users members; those who do not exist are named in one refusal at the end.
    pub(super) async fn join_exclusively(&mut self, users: &[ScimId]) -> Outcome<()> {
        let group = self.target()?.clone();
        let mut unknown = Vec::new();
        for user in users {
            if !self.join(&group, user).await? {
                unknown.push(user.as_str());
            }
        }
        match unknown.is_empty() {
            true => Ok(()),
            false => Err(no_users(&unknown, unknown.len() < users.len())),
        }
    }

    /// Ends memberships.
    pub(super) async fn leave_exclusively(&mut self, users: &[ScimId]) -> Outcome<()> {
        let group = self.target()?.clone();
        for user in users {
            self.leave(&group, user).await?;
        }
        Ok(())
    }

    /// Makes a user a member; `false` if there is no such user.
    async fn join(&self, group: &Target, member: &ScimId) -> Outcome<bool> {
        let operation = self.operation;
        let _held = self.one_user(member).await?;
        let Some(native) = operation.user(member).await? else {
            return Ok(false);
        };
        let before = operation
            .memory
            .memberships(&operation.tenant, member)
            .await?;
        if before
            .iter()
            .any(|membership| membership.group == group.key.id)
        {
            return Ok(true);
        }
        let mut after = before.clone();
        after.push(Membership {
            group: group.key.id.clone(),
            order: i64::MAX,
        });
        if !before.is_empty() {
            tracing::info!(tenant = %operation.tenant, groups = after.len(),
                action = "set group priorities in the tenant if another group should count",
                "a user is in several groups, and the vendor stores only one");
        }
        let gone = Subject::native(ResourceKind::User, &native);
        match operation.tell_foremost(&native, &before, &after).await {
            // Who is created again is told the vendor then.
            Err(absent) if absent.is_absent(&gone) => {
                if !operation.is_kept(member).await? {
                    return Ok(false);
                }
            }
            told => told?,
        }
        operation
            .memory
            .add_members(&group.key, vec![member.clone()])
            .await?;
        Ok(true)
    }

    /// Ends a membership; one that is not there, or of a user that is gone, is
    /// as good as ended.
    async fn leave(&self, group: &Target, member: &ScimId) -> Outcome<()> {
        let operation = self.operation;
        let _held = self.one_user(member).await?;
        let before = operation
            .memory
            .memberships(&operation.tenant, member)
            .await?;
        let after: Vec<_> = before
            .iter()
            .filter(|membership| membership.group != group.key.id)
            .cloned()
            .collect();
        if after.len() == before.len() {
            return Ok(());
        }
        if let Some(native) = operation.user(member).await? {
            let gone = Subject::native(ResourceKind::User, &native);
            match operation.tell_foremost(&native, &before, &after).await {
                Err(absent) if absent.is_absent(&gone) => {}
                told => told?,
            }
        }
        Ok(operation
            .memory
            .remove_members(&group.key, vec![member.clone()])
            .await?)
    }

    /// One write per user at a time.
    async fn one_user(&self, member: &ScimId) -> Outcome<Option<super::locks::Guard>> {
        let key = LockKey::User(member.to_string());
        Ok(self.locks.take_for_a_moment(key).await?)
    }
}

impl Operation {
    /// Tells the vendor the user's group if another one is foremost now.
    pub(super) async fn tell_foremost(
        &self,
        user: &NativeId,
        before: &[Membership],
        after: &[Membership],
    ) -> Outcome<()> {
        let (was, mut is) = (self.foremost(before).await?, self.foremost(after).await?);
        if was == is {
            return Ok(());
        }
        loop {
            let told = self.assign(user, is.clone()).await;
            let is_refused = told.as_ref().is_err_and(NotDone::is_refusal);
            if !is_refused {
                return told;
            }
            // The group may have another name since it was looked up.
            let now = self.foremost(after).await?;
            if now == is {
                return told;
            }
            is = now;
        }
    }

    async fn foremost(&self, memberships: &[Membership]) -> Outcome<Option<NativeId>> {
        let mut ranked = Vec::with_capacity(memberships.len());
        for membership in memberships {
            let native = match self.native_id(ResourceKind::Group, &membership.group).await {
                Err(NotDone::Absent(_)) => continue,
                native => native?,
            };
            let priority = self
                .group_priority
                .get(native.as_str())
                .copied()
                .unwrap_or(i64::MAX);
            ranked.push((priority, membership.order, native));
        }
        Ok(ranked.into_iter().min().map(|(_, _, native)| native))
    }
}
