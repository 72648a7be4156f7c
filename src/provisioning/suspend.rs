//! Users who are switched off at a vendor that cannot switch anybody off, but goes on with
//! whoever is in a group (`inactive = "leave"`): they leave their groups, the gateway keeps the
//! memberships, and Entra goes on seeing and changing them as if nothing had happened.

use super::Operation;
use super::change::Subject;
use super::locks::LockKey;
use crate::adapter::keys::{NativeId, ObjectKey, ScimId};
use crate::adapter::manifest::InactiveMembers;
use crate::scim::ResourceKind;
use crate::script::fault::Failure;

impl Operation {
    /// Whether whoever is switched off leaves the groups.
    pub(super) fn suspends(&self) -> bool {
        self.adapter.manifest.groups.inactive == InactiveMembers::Leave
    }

    /// Takes a user out of all groups. Each membership is noted before it ends at the vendor, so
    /// that a try that is cut short loses none.
    pub(super) async fn suspend(&self, subject: &mut Subject) -> Result<(), Failure> {
        if !self.suspends() {
            return Ok(());
        }
        subject.remembered.suspended = true;
        let remembered = subject.remembered.clone();
        self.memory.remember(&subject.key, remembered).await?;
        let natives = self.fetch_memberships(&subject.native).await?;
        let groups = self.scim_ids(ResourceKind::Group, natives.clone()).await?;
        for (group, native) in groups.iter().zip(natives) {
            let key = self.key(ResourceKind::Group, group);
            let user = vec![subject.key.id.clone()];
            self.memory.add_members(&key, user).await?;
            self.regroup("remove_members", &native, vec![subject.native.clone()])
                .await?;
        }
        Ok(())
    }

    /// Puts a user back into the groups; those that are gone by now are passed over.
    pub(super) async fn resume(&self, subject: &mut Subject) -> Result<(), Failure> {
        if !self.suspends() {
            return Ok(());
        }
        for held in self
            .memory
            .memberships(&self.tenant, &subject.key.id)
            .await?
        {
            let key = self.key(ResourceKind::Group, &held.group);
            let native = self.native_id(ResourceKind::Group, &held.group).await?;
            if self.fetch(ResourceKind::Group, &native).await?.is_some() {
                self.regroup("add_members", &native, vec![subject.native.clone()])
                    .await?;
            }
            let user = vec![subject.key.id.clone()];
            self.memory.remove_members(&key, user).await?;
        }
        subject.remembered.suspended = false;
        let remembered = subject.remembered.clone();
        Ok(self.memory.remember(&subject.key, remembered).await?)
    }

    /// The members a vendor tells, and those it must not know of.
    pub(super) async fn with_suspended(
        &self,
        group: &ScimId,
        mut members: Vec<ScimId>,
    ) -> Result<Vec<ScimId>, Failure> {
        if self.suspends() {
            let key = self.key(ResourceKind::Group, group);
            let mut suspended = self.memory.members(&key).await?;
            suspended.retain(|member| !members.contains(member));
            members.extend(suspended);
        }
        Ok(members)
    }

    /// Tells the vendor the differences, but for suspended users, whose memberships are only
    /// noted. Their locks are held, so that nobody is suspended in between.
    pub(super) async fn tell_active(
        &self,
        group: &ScimId,
        native: &NativeId,
        leaving: Vec<ScimId>,
        joining: Vec<ScimId>,
    ) -> Result<(), Failure> {
        if !self.suspends() {
            return self.tell_differences(native, &leaving, &joining).await;
        }
        let users = leaving.iter().chain(&joining);
        let locks = users.map(|user| LockKey::Object(ResourceKind::User, user.to_string()));
        let _held = self.lock(locks.collect()).await?;
        let key = self.key(ResourceKind::Group, group);
        let leaving = self.split_off_suspended(leaving).await?;
        let joining = self.split_off_suspended(joining).await?;
        self.note_suspended(&key, leaving.suspended, joining.suspended)
            .await?;
        self.tell_differences(native, &leaving.active, &joining.active)
            .await
    }

    async fn split_off_suspended(&self, users: Vec<ScimId>) -> Result<Split, Failure> {
        let kind = ResourceKind::User;
        let remembered = self
            .memory
            .recall_page(&self.tenant, kind, users.clone())
            .await?;
        let mut split = Split::default();
        for (user, remembered) in users.into_iter().zip(remembered) {
            match remembered.is_some_and(|remembered| remembered.suspended) {
                true => split.suspended.push(user),
                false => split.active.push(user),
            }
        }
        Ok(split)
    }

    async fn note_suspended(
        &self,
        group: &ObjectKey,
        leaving: Vec<ScimId>,
        joining: Vec<ScimId>,
    ) -> Result<(), Failure> {
        if !leaving.is_empty() {
            self.memory.remove_members(group, leaving).await?;
        }
        if !joining.is_empty() {
            self.memory.add_members(group, joining).await?;
        }
        Ok(())
    }
}

/// Users by whether the vendor may have them in a group.
#[derive(Default)]
struct Split {
    active: Vec<ScimId>,
    suspended: Vec<ScimId>,
}
