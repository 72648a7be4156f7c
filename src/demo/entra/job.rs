//! The provisioning job: what is sent in a cycle, and in which order.
//!
//! Users first, then groups, then what refers to them: managers and members are written once the
//! ids they need are known. An object that fails is left for the next cycle; nothing is retried.

use super::patch::Dialect;
use super::resource::{changes, manager_change};
use super::watch::Watch;
use super::wire::id;
use super::{Entra, Fault, ScimId};
use crate::demo::wanted::{Directory, ObjectId, WantedGroup, WantedUser};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::JoinSet;

/// How many PATCHes for one group are on their way at once.
const IN_FLIGHT: usize = 5;
/// With more members to add than this, several go into one PATCH.
const MANY: usize = 50;
/// How many then do.
const BATCH: usize = 20;

/// The job's memory from one cycle to the next.
#[derive(Debug)]
pub struct Job {
    entra: Entra,
    /// The objects as the last cycle that had no trouble with them saw them.
    synchronised: Directory,
    users: BTreeMap<ObjectId, ScimId>,
    groups: BTreeMap<ObjectId, ScimId>,
    /// The manager the server knows of, by user.
    managers: BTreeMap<ObjectId, ObjectId>,
    /// The members the server knows of, by group.
    members: BTreeMap<ObjectId, BTreeSet<ObjectId>>,
}

impl Job {
    /// A job that has never run.
    pub fn new(entra: Entra) -> Self {
        Self {
            entra,
            synchronised: Directory::default(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            managers: BTreeMap::new(),
            members: BTreeMap::new(),
        }
    }

    /// A cycle: whatever differs between `wanted` and the last cycle is looked up, compared and
    /// written. The first one is the initial cycle.
    pub async fn run(&mut self, wanted: &Directory) {
        self.synchronise_users(wanted).await;
        self.synchronise_groups(wanted).await;
        self.write_managers(wanted).await;
        self.write_members(wanted).await;
    }

    /// The SCIM ids of the users that are linked.
    pub fn users(&self) -> &BTreeMap<ObjectId, ScimId> {
        &self.users
    }

    /// The SCIM ids of the groups that are linked.
    pub fn groups(&self) -> &BTreeMap<ObjectId, ScimId> {
        &self.groups
    }

    async fn synchronise_users(&mut self, wanted: &Directory) {
        let known = &self.synchronised.users;
        let gone = known.keys().filter(|id| !wanted.users.contains_key(*id));
        let gone: Vec<ObjectId> = gone.cloned().collect();
        let changed: Vec<&WantedUser> = wanted
            .users
            .values()
            .filter(|user| {
                known
                    .get(&user.object_id)
                    .is_none_or(|known| !same(known, user))
            })
            .collect();
        self.watch().phase("users", gone.len() + changed.len());
        for (number, user) in changed.into_iter().enumerate() {
            // A failure is in the watcher's records; the next cycle tries again.
            if self
                .synchronise_user(user, self.speaking(number))
                .await
                .is_ok()
            {
                self.synchronised
                    .users
                    .insert(user.object_id.clone(), user.clone());
            }
            self.watch().object();
        }
        for gone in gone {
            self.delete_user(&gone).await;
            self.watch().object();
        }
    }

    /// By id if linked, else by a matching query; what is found is compared, what is not is
    /// created unless it is disabled.
    async fn synchronise_user(&mut self, user: &WantedUser, entra: Entra) -> Result<(), Fault> {
        let found = match self.users.get(&user.object_id) {
            Some(id) => entra.user(id).await?,
            None => None,
        };
        let found = match found {
            Some(found) => Some(found),
            None => entra.match_user(user.user_name()).await?,
        };
        match found {
            Some(found) => {
                let id = id(&found).ok_or_else(no_id)?;
                self.users.insert(user.object_id.clone(), id.clone());
                let changes = changes(user, &found);
                entra.update_user(&id, &changes).await?;
            }
            None if user.enabled => {
                let id = entra.create_user(user).await?;
                self.users.insert(user.object_id.clone(), id);
            }
            None => {}
        }
        Ok(())
    }

    async fn delete_user(&mut self, user: &ObjectId) {
        if let Some(id) = self.users.remove(user) {
            let _ = self.entra.delete_user(&id).await;
        }
        self.synchronised.users.remove(user);
        self.managers.remove(user);
        for members in self.members.values_mut() {
            members.remove(user);
        }
    }

    async fn synchronise_groups(&mut self, wanted: &Directory) {
        let gone = self
            .groups
            .keys()
            .filter(|id| !wanted.groups.contains_key(*id));
        let gone: Vec<ObjectId> = gone.cloned().collect();
        let changed: Vec<&WantedGroup> = wanted
            .groups
            .values()
            .filter(|group| self.is_new_or_renamed(group))
            .collect();
        self.watch().phase("groups", gone.len() + changed.len());
        for (number, group) in changed.into_iter().enumerate() {
            if self
                .synchronise_group(group, self.speaking(number))
                .await
                .is_ok()
            {
                self.synchronised
                    .groups
                    .insert(group.object_id.clone(), group.clone());
            }
            self.watch().object();
        }
        for gone in gone {
            self.delete_group(&gone).await;
            self.watch().object();
        }
    }

    fn is_new_or_renamed(&self, group: &WantedGroup) -> bool {
        let known = self.synchronised.groups.get(&group.object_id);
        known.is_none_or(|known| known.display_name != group.display_name)
    }

    async fn synchronise_group(&mut self, group: &WantedGroup, entra: Entra) -> Result<(), Fault> {
        let found = match self.groups.get(&group.object_id) {
            Some(id) => entra.group(id).await?,
            None => entra.match_group(&group.display_name).await?,
        };
        let Some(found) = found else {
            let id = entra.create_group(group).await?;
            self.groups.insert(group.object_id.clone(), id);
            return Ok(());
        };
        let id = id(&found).ok_or_else(no_id)?;
        self.groups.insert(group.object_id.clone(), id.clone());
        let name = found.get("displayName").and_then(Value::as_str);
        if name != Some(&group.display_name) {
            entra.rename_group(&id, &group.display_name).await?;
        }
        Ok(())
    }

    async fn delete_group(&mut self, group: &ObjectId) {
        if let Some(id) = self.groups.remove(group) {
            let _ = self.entra.delete_group(&id).await;
        }
        self.synchronised.groups.remove(group);
        self.members.remove(group);
    }

    async fn write_managers(&mut self, wanted: &Directory) {
        let changed = |user: &&WantedUser| {
            let linked = self.users.contains_key(&user.object_id);
            linked && self.managers.get(&user.object_id) != user.manager.as_ref()
        };
        let changed: Vec<&WantedUser> = wanted.users.values().filter(changed).collect();
        self.watch().phase("managers", changed.len());
        for (number, user) in changed.into_iter().enumerate() {
            if self
                .write_manager(user, self.speaking(number))
                .await
                .is_ok()
            {
                self.managers.remove(&user.object_id);
                let manager = user.manager.clone();
                self.managers
                    .extend(manager.map(|manager| (user.object_id.clone(), manager)));
            }
            self.watch().object();
        }
    }

    /// A manager that is not linked is left out; nobody writes it later until a restart.
    async fn write_manager(&self, user: &WantedUser, entra: Entra) -> Result<(), Fault> {
        let Some(id) = self.users.get(&user.object_id) else {
            return Ok(());
        };
        let manager = user.manager.as_ref();
        let wanted = manager
            .and_then(|manager| self.users.get(manager))
            .map(String::as_str);
        let Some(found) = entra.user(id).await? else {
            return Ok(());
        };
        let change = manager_change(wanted, &found);
        entra.update_user(id, change.as_slice()).await
    }

    async fn write_members(&mut self, wanted: &Directory) {
        self.watch().phase("members", wanted.groups.len());
        for (number, group) in wanted.groups.values().enumerate() {
            if let Some(id) = self.groups.get(&group.object_id).cloned() {
                self.write_members_of(group, &id, &self.speaking(number))
                    .await;
            }
            self.watch().object();
        }
    }

    async fn write_members_of(&mut self, group: &WantedGroup, id: &str, entra: &Entra) {
        let sent = self.members.entry(group.object_id.clone()).or_default();
        let old = sent
            .iter()
            .filter(|user| !group.members.contains_key(*user));
        let old = linked(&self.users, old);
        let new = group.members.keys().filter(|user| !sent.contains(*user));
        let new = linked(&self.users, new);
        for (user, _) in send_members(entra, id, old, Membership::Remove).await {
            sent.remove(&user);
        }
        let added = send_members(entra, id, new, Membership::Add).await;
        sent.extend(added.into_iter().map(|(user, _)| user));
    }

    /// Every second object in the other dialect, as with provisioning on demand in between.
    fn speaking(&self, number: usize) -> Entra {
        let dialect = if number.is_multiple_of(2) {
            Dialect::Legacy
        } else {
            Dialect::Compliant
        };
        self.entra.speaking(dialect)
    }

    fn watch(&self) -> &dyn Watch {
        self.entra.wire.watch()
    }
}

#[derive(Clone, Copy, Debug)]
enum Membership {
    Add,
    Remove,
}

/// A user and the SCIM id it is linked to.
type Linked = (ObjectId, ScimId);

fn linked<'a>(
    links: &BTreeMap<ObjectId, ScimId>,
    users: impl Iterator<Item = &'a ObjectId>,
) -> Vec<Linked> {
    users
        .filter_map(|user| Some((user.clone(), links.get(user)?.clone())))
        .collect()
}

/// Sends the PATCHes for one group; the users of those that succeeded come back.
async fn send_members(
    entra: &Entra,
    group: &str,
    users: Vec<Linked>,
    membership: Membership,
) -> Vec<Linked> {
    let batch = if users.len() > MANY { BATCH } else { 1 };
    let (mut flying, mut done) = (JoinSet::new(), Vec::new());
    for users in users.chunks(batch) {
        flying.spawn(send_batch(
            entra.clone(),
            group.to_owned(),
            users.to_vec(),
            membership,
        ));
        if flying.len() >= IN_FLIGHT {
            done.extend(
                flying
                    .join_next()
                    .await
                    .and_then(Result::ok)
                    .unwrap_or_default(),
            );
        }
    }
    done.extend(flying.join_all().await.into_iter().flatten());
    done
}

async fn send_batch(
    entra: Entra,
    group: String,
    users: Vec<Linked>,
    membership: Membership,
) -> Vec<Linked> {
    let ids: Vec<ScimId> = users.iter().map(|(_, id)| id.clone()).collect();
    let sent = match membership {
        Membership::Add => entra.add_members(&group, &ids).await,
        Membership::Remove => entra.remove_members(&group, &ids).await,
    };
    sent.map_or_else(|_| Vec::new(), |()| users)
}

fn no_id() -> Fault {
    Fault::Unreadable("a resource without id".to_owned())
}

/// Whether two states of a user ask for the same, managers aside.
fn same(one: &WantedUser, other: &WantedUser) -> bool {
    (one.enabled, &one.attributes) == (other.enabled, &other.attributes)
}
