//! Members of groups: always differences, never a whole list read, changed and
//! written back, which is how members are lost when two requests meet.
//!
//! Where the vendor holds memberships, its script is told the differences.
//! Where it takes one group a user (`membership = "exclusive"`), the gateway
//! holds them and tells the vendor each user's foremost group: the one with the
//! smallest priority, then the oldest membership.

use serde_json::Value;

use super::Operation;
use super::locks::LockKey;
use super::memory::Membership;
use crate::adapter::keys::{NativeId, ScimId};
use crate::adapter::manifest::InactiveMembers;
use crate::scim::{MemberChanges, Object, PatchRequest, Preconditions, ResourceKind, ScimError};
use crate::script::fault::Failure;

impl Operation {
    /// The members of a group, as Entra calls them.
    pub(super) async fn members_of(
        &self,
        group: &ScimId,
        native: &NativeId,
    ) -> Result<Vec<ScimId>, Failure> {
        if self.adapter.holds_memberships() {
            let members = self.fetch_members(native).await?;
            let members = self.scim_ids(ResourceKind::User, members).await?;
            return self.with_suspended(group, members).await;
        }
        Ok(self
            .memory
            .members(&self.key(ResourceKind::Group, group))
            .await?)
    }

    /// The members a new group comes with.
    pub(super) async fn fill_new(&self, group: &ScimId, resource: &Object) -> Result<(), Failure> {
        let changes = MemberChanges {
            add: member_ids(resource),
            ..MemberChanges::default()
        };
        let native = self.native_id(ResourceKind::Group, group).await?;
        self.change_members(group, &native, changes).await
    }

    /// The differences of a group's members, where that is all a PATCH is about and writes are
    /// gathered: they may come together, for differences about different members are in no order.
    pub(super) fn gathers_members(
        &self,
        kind: ResourceKind,
        patch: &PatchRequest,
        conditions: &Preconditions,
    ) -> Option<MemberChanges> {
        let manifest = &self.adapter.manifest;
        let gathers = kind == ResourceKind::Group
            && !manifest.batch.is_empty()
            && self.adapter.holds_memberships()
            && manifest.groups.inactive == InactiveMembers::Stay
            && conditions.is_empty();
        if !gathers {
            return None;
        }
        let (rest, changes) = patch.clone().split_members();
        (rest.operations.is_empty() && !changes.from_empty).then_some(changes)
    }

    /// Carries the differences out. All are tried; members that are no users
    /// are named in one refusal at the end, so that one of them does not keep
    /// the others out for ever.
    ///
    /// # Errors
    /// 400 `invalidValue` naming the members that do not exist.
    pub(super) async fn change_members(
        &self,
        group: &ScimId,
        native: &NativeId,
        changes: MemberChanges,
    ) -> Result<(), Failure> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut leaving: Vec<ScimId> = changes.remove.iter().map(|id| ScimId::new(id)).collect();
        let joining: Vec<ScimId> = changes.add.iter().map(|id| ScimId::new(id)).collect();
        if changes.from_empty {
            let now = self.members_of(group, native).await?;
            leaving = now
                .into_iter()
                .filter(|member| !joining.contains(member))
                .collect();
        }
        if self.adapter.holds_memberships() {
            return self.tell_active(group, native, leaving, joining).await;
        }
        for member in &leaving {
            self.leave(group, member).await?;
        }
        let mut missing = Vec::new();
        for member in &joining {
            if !self.join(group, member).await? {
                missing.push(member.as_str());
            }
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(no_users(&missing))
        }
    }

    /// Moves everybody out of a group that is about to go.
    pub(super) async fn empty(&self, group: &ScimId, native: &NativeId) -> Result<(), Failure> {
        if self.adapter.holds_memberships() {
            return Ok(());
        }
        for member in self.members_of(group, native).await? {
            self.leave(group, &member).await?;
        }
        Ok(())
    }

    pub(super) async fn tell_differences(
        &self,
        group: &NativeId,
        leaving: &[ScimId],
        joining: &[ScimId],
    ) -> Result<(), Failure> {
        for (function, members) in [("remove_members", leaving), ("add_members", joining)] {
            let mut natives = Vec::with_capacity(members.len());
            for member in members {
                match self.native_id(ResourceKind::User, member).await {
                    Ok(native) => natives.push(native),
                    Err(failure) if failure.is_absent() && function == "remove_members" => {}
                    Err(failure) if failure.is_absent() => {
                        return Err(no_users(&[member.as_str()]));
                    }
                    Err(failure) => return Err(failure),
                }
            }
            if !natives.is_empty() {
                self.regroup(function, group, natives).await?;
            }
        }
        Ok(())
    }

    /// Makes a user a member; `false` if there is no such user.
    async fn join(&self, group: &ScimId, member: &ScimId) -> Result<bool, Failure> {
        let _held = self.lock_user(member).await?;
        let Some(native) = self.user(member).await? else {
            return Ok(false);
        };
        let before = self.memory.memberships(&self.tenant, member).await?;
        if before.iter().any(|membership| membership.group == *group) {
            return Ok(true);
        }
        let mut after = before.clone();
        after.push(Membership {
            group: group.clone(),
            order: i64::MAX,
        });
        if !before.is_empty() {
            tracing::info!(tenant = %self.tenant, groups = after.len(),
                action = "set group priorities in the tenant if another group should count",
                "a user is in several groups, and the vendor takes one");
        }
        match self.tell_foremost(&native, &before, &after).await {
            Err(failure) if failure.is_absent() => return Ok(false),
            other => other?,
        }
        self.memory
            .add_members(&self.key(ResourceKind::Group, group), vec![member.clone()])
            .await?;
        Ok(true)
    }

    /// Ends a membership; one that is not there, or of a user that is gone, is
    /// as good as ended.
    async fn leave(&self, group: &ScimId, member: &ScimId) -> Result<(), Failure> {
        let _held = self.lock_user(member).await?;
        let before = self.memory.memberships(&self.tenant, member).await?;
        let after: Vec<_> = before
            .iter()
            .filter(|membership| membership.group != *group)
            .cloned()
            .collect();
        if after.len() == before.len() {
            return Ok(());
        }
        if let Some(native) = self.user(member).await? {
            match self.tell_foremost(&native, &before, &after).await {
                Err(failure) if failure.is_absent() => {}
                other => other?,
            }
        }
        Ok(self
            .memory
            .remove_members(&self.key(ResourceKind::Group, group), vec![member.clone()])
            .await?)
    }

    /// One write per user at a time.
    async fn lock_user(
        &self,
        member: &ScimId,
    ) -> Result<crate::provisioning::locks::Held, Failure> {
        let key = LockKey::Object(ResourceKind::User, member.to_string());
        self.lock(vec![key]).await
    }

    /// The vendor's id of a member; `None` for what can be no user: an id of
    /// the wrong form, or that of a group (groups in groups are not flattened
    /// by Entra, and such a vendor has no place for them).
    async fn user(&self, member: &ScimId) -> Result<Option<NativeId>, Failure> {
        let group = self.key(ResourceKind::Group, member);
        if self.is_issued(ResourceKind::Group) && self.memory.native_id(&group).await?.is_some() {
            return Ok(None);
        }
        match self.native_id(ResourceKind::User, member).await {
            Ok(native) => Ok(Some(native)),
            Err(failure) if failure.is_absent() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Tells the vendor the user's group if another one is foremost now.
    async fn tell_foremost(
        &self,
        user: &NativeId,
        before: &[Membership],
        after: &[Membership],
    ) -> Result<(), Failure> {
        let (was, is) = (self.foremost(before).await?, self.foremost(after).await?);
        if was == is {
            Ok(())
        } else {
            self.assign(user, is).await
        }
    }

    async fn foremost(&self, memberships: &[Membership]) -> Result<Option<NativeId>, Failure> {
        let mut ranked = Vec::with_capacity(memberships.len());
        for membership in memberships {
            let native = match self.native_id(ResourceKind::Group, &membership.group).await {
                Err(failure) if failure.is_absent() => continue,
                other => other?,
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

/// One lock a member, so that what is said of one is done in the order it was said.
pub(super) fn memberships_of(group: &str, changes: &MemberChanges) -> Vec<LockKey> {
    let members = changes.add.iter().chain(&changes.remove);
    let key = |member: &String| {
        let membership = format!("{group} {member}");
        LockKey::Value(ResourceKind::Group, "members", membership)
    };
    members.map(key).collect()
}

/// The ids in a group's `members`.
pub(super) fn member_ids(group: &Object) -> Vec<String> {
    let members = group
        .get("members")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    members
        .filter_map(|member| Some(member.get("value")?.as_str()?.to_owned()))
        .collect()
}

fn no_users(ids: &[&str]) -> Failure {
    let names = ids.join(", ");
    ScimError::invalid_value(format!(
        "members: there is no user with the id {names}. Groups cannot be members. The other members were set."
    ))
    .into()
}
