//! Members of groups: always differences, never a whole list read, changed and written back,
//! which is how members are lost when two requests meet.
//!
//! Where the vendor holds memberships, its script is told the differences. Where it takes one
//! group a user, the gateway holds them ([`super::exclusive`]).

use std::collections::HashSet;

use serde_json::Value;

use super::locks::LockKey;
use super::operation::Operation;
use super::outcome::{NotDone, Outcome};
use super::run::{Run, Target};
use super::wish::Wish;
use crate::adapter::keys::{NativeId, ScimId};
use crate::adapter::manifest::InactiveMembers;
use crate::scim::{
    MemberChanges, Object, PatchRequest, Preconditions, ResourceKind, ScimError, Stop,
};
use crate::script::fault::{Failure, GatewayFault};

/// What changes of a group's members.
#[derive(Default)]
pub(super) struct MembersPlan {
    pub(super) join: Vec<ScimId>,
    pub(super) leave: Vec<ScimId>,
    /// Whether the users who join are looked for before anything is written. A plain `add` is
    /// judged by the vendor, which takes those it knows.
    pub(super) resolve: bool,
}

impl MembersPlan {
    pub(super) fn is_empty(&self) -> bool {
        self.join.is_empty() && self.leave.is_empty()
    }
}

impl Operation {
    /// The members of a group, as Entra calls them.
    pub(super) async fn members_of(
        &self,
        group: &ScimId,
        native: &NativeId,
    ) -> Outcome<Vec<ScimId>> {
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

    /// The differences of a group's members, where that is all a PATCH is about and writes are
    /// gathered: they may come together, for differences about different members are in no order.
    pub(super) fn gathers_members(
        &self,
        kind: ResourceKind,
        wish: &Wish,
        conditions: &Preconditions,
    ) -> Option<MemberChanges> {
        let manifest = &self.adapter.manifest;
        let gathers = kind == ResourceKind::Group
            && !manifest.batch.is_empty()
            && self.adapter.holds_memberships()
            && manifest.groups.inactive == InactiveMembers::Stay
            && conditions.is_empty();
        let Wish::Patch(patch) = wish else {
            return None;
        };
        if !gathers {
            return None;
        }
        let (rest, changes) = patch.clone().split_members();
        (rest.operations.is_empty() && !changes.from_empty).then_some(changes)
    }

    /// What a request changes of a group's members. Only where it names the whole list, or what
    /// only the list can tell, the members are read.
    pub(super) async fn plan_members(
        &self,
        run: &mut Run<'_>,
        wish: &Wish,
    ) -> Outcome<MembersPlan> {
        if run.kind != ResourceKind::Group {
            return Ok(MembersPlan::default());
        }
        let target = run.target()?.clone();
        match wish {
            Wish::Replace(incoming) if !incoming.gives("members") => Ok(MembersPlan::default()),
            Wish::Replace(incoming) => {
                let now = self.members_of(&target.key.id, &target.native).await?;
                Ok(replacing(&now, &member_ids(&incoming.resource)))
            }
            Wish::Patch(patch) => self.plan_patched_members(&target, patch).await,
        }
    }

    async fn plan_patched_members(
        &self,
        target: &Target,
        patch: &PatchRequest,
    ) -> Outcome<MembersPlan> {
        let (rest, changes) = patch.clone().split_members();
        let by_list = rest.operations.iter().any(|it| it.is_about("members"));
        if !by_list && !changes.from_empty {
            let as_ids = |ids: &[String]| ids.iter().map(|id| ScimId::new(id)).collect();
            return Ok(MembersPlan {
                join: as_ids(&changes.add),
                leave: as_ids(&changes.remove),
                resolve: !rest.operations.is_empty(),
            });
        }
        let now = self.members_of(&target.key.id, &target.native).await?;
        if !by_list {
            return Ok(replacing(&now, &changes.add));
        }
        let mut group = Object::from_iter([("members".to_owned(), self.member_values(&now))]);
        let types = &self.mapping(ResourceKind::Group)?.resource_type;
        let applied = patch.apply(&mut group, types, self.service.profile);
        applied.map_err(|stop| match stop {
            Stop::Refused(error) => error.into(),
            Stop::NeedsRead => NotDone::from(GatewayFault::Internal),
        })?;
        Ok(replacing(&now, &member_ids(&group)))
    }

    /// Refuses users who do not exist. Those who were seen at the vendor lately are not asked
    /// for.
    ///
    /// # Errors
    /// `Refused` names them.
    pub(super) async fn refuse_unknown(&self, users: &[ScimId]) -> Outcome<()> {
        let kind = ResourceKind::User;
        let mut unknown = Vec::new();
        for user in users {
            let exists = match self.user(user).await? {
                None => false,
                Some(native) if self.is_known(kind, &native) => true,
                Some(native) => {
                    self.fetch_plain(kind, &native).await?.is_some() || self.is_kept(user).await?
                }
            };
            if !exists {
                unknown.push(user.as_str());
            }
        }
        match unknown.is_empty() {
            true => Ok(()),
            false => Err(no_users(&unknown, false)),
        }
    }

    /// The vendor's id of a member; `None` for what can be no user: an id of
    /// the wrong form, or that of a group (groups in groups are not flattened
    /// by Entra, and such a vendor has no place for them).
    pub(super) async fn user(&self, member: &ScimId) -> Outcome<Option<NativeId>> {
        let group = self.key(ResourceKind::Group, member);
        if self.is_issued(ResourceKind::Group) && self.memory.native_id(&group).await?.is_some() {
            return Ok(None);
        }
        match self.native_id(ResourceKind::User, member).await {
            Ok(native) => Ok(Some(native)),
            Err(NotDone::Absent(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

impl Run<'_> {
    /// Makes users members. All are tried; those who do not exist are named in one refusal at
    /// the end, so that one of them does not keep the others out for ever.
    pub(super) async fn add_members(&mut self, users: Vec<ScimId>) -> Outcome<()> {
        if !self.operation.adapter.holds_memberships() {
            return self.join_exclusively(&users).await;
        }
        let users = self.split_off_suspended(users, true).await?;
        let (mut natives, mut unknown) = (Vec::new(), Vec::new());
        for user in &users {
            match self.operation.user(user).await? {
                Some(native) if self.operation.passes(ResourceKind::User, &native).await? => {
                    natives.push(native);
                }
                _ => unknown.push(user.as_str()),
            }
        }
        let group = self.target()?.native.clone();
        match self.operation.add_to_group(&group, &natives).await {
            Ok(()) if unknown.is_empty() => Ok(()),
            Ok(()) => Err(no_users(&unknown, !natives.is_empty())),
            Err(not_done) => self.add_those_who_exist(&group, &users, not_done).await,
        }
    }

    /// After the vendor refused members: makes those members who exist, and names the others.
    async fn add_those_who_exist(
        &self,
        group: &NativeId,
        users: &[ScimId],
        not_done: NotDone,
    ) -> Outcome<()> {
        let (NotDone::Refused(refusal) | NotDone::Unknown(Failure::Client(refusal))) = &not_done
        else {
            return Err(not_done);
        };
        // A vendor that names them has told what became of the others, too.
        if users
            .iter()
            .any(|user| refusal.detail.contains(user.as_str()))
        {
            return Err(not_done);
        }
        let (mut natives, mut unknown) = (Vec::new(), Vec::new());
        for user in users {
            let native = self.operation.user(user).await?;
            let exists = match &native {
                Some(native) => {
                    let found = self.operation.fetch_plain(ResourceKind::User, native);
                    found.await?.is_some()
                }
                None => false,
            };
            match native.filter(|_| exists) {
                Some(native) => natives.push(native),
                None => unknown.push(user.as_str()),
            }
        }
        if unknown.is_empty() {
            return Err(not_done);
        }
        self.operation.add_to_group(group, &natives).await?;
        Err(no_users(&unknown, !natives.is_empty()))
    }

    /// Ends memberships. Who is gone has left already.
    pub(super) async fn remove_members(&mut self, users: Vec<ScimId>) -> Outcome<()> {
        if !self.operation.adapter.holds_memberships() {
            return self.leave_exclusively(&users).await;
        }
        // The vendor is told of all: a suspension that was cut short may have left somebody there.
        self.split_off_suspended(users.clone(), false).await?;
        let mut natives = Vec::new();
        for user in &users {
            natives.extend(self.operation.user(user).await?);
        }
        let group = self.target()?.native.clone();
        self.operation.remove_from_group(&group, &natives).await
    }

    /// Moves everybody out of a group that is about to go.
    pub(super) async fn empty(&mut self) -> Outcome<()> {
        if self.operation.adapter.holds_memberships() {
            return Ok(());
        }
        let target = self.target()?.clone();
        let members = self
            .operation
            .members_of(&target.key.id, &target.native)
            .await?;
        self.leave_exclusively(&members).await
    }
}

/// What makes of the members `now` those of a whole list.
fn replacing(now: &[ScimId], wanted: &[String]) -> MembersPlan {
    let wanted_ids: HashSet<_> = wanted.iter().map(String::as_str).collect();
    let members: HashSet<_> = now.iter().map(ScimId::as_str).collect();
    let is_wanted = |member: &&ScimId| wanted_ids.contains(member.as_str());
    let is_new = |id: &&String| !members.contains(id.as_str());
    MembersPlan {
        join: wanted
            .iter()
            .filter(is_new)
            .map(|id| ScimId::new(id))
            .collect(),
        leave: now.iter().filter(|it| !is_wanted(it)).cloned().collect(),
        resolve: true,
    }
}

/// One lock a member, so that what is said of one is done in the order it was said.
pub(super) fn memberships_of(group: &ScimId, changes: &MemberChanges) -> Vec<LockKey> {
    let members = changes.add.iter().chain(&changes.remove);
    members
        .map(|member| LockKey::Membership(group.to_string(), member.clone()))
        .collect()
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

/// 400 for members who are no users; `others_set` says whether the rest were made members.
pub(super) fn no_users(ids: &[&str], others_set: bool) -> NotDone {
    let names = ids.join(", ");
    let others = match others_set {
        true => " The other members were set.",
        false => "",
    };
    let text =
        format!("members: there is no user with the id {names}. Groups cannot be members.{others}");
    NotDone::Refused(ScimError::invalid_value(text))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::script::fiber::cpu_of;

    #[test]
    fn a_list_of_very_many_members_is_compared_at_once() {
        let ids = |from: usize| (from..from + 20_000).map(|number| format!("u{number}"));
        let now: Vec<_> = ids(0).map(|id| ScimId::new(&id)).collect();
        let wanted: Vec<_> = ids(10_000).collect();
        let (plan, cpu) = cpu_of(|| replacing(&now, &wanted));
        assert_eq!((plan.join.len(), plan.leave.len()), (10_000, 10_000));
        assert!(cpu < Duration::from_secs(1), "{cpu:?}");
    }
}
