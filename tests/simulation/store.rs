//! The gateway's store: what is committed outlives the process, what waits for its commit does not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use scimgate::adapter::keys::{NativeId, ObjectKey, ScimId, TenantId};
use scimgate::adapter::remembered::Remembered;
use scimgate::provisioning::intent::Intent;
use scimgate::provisioning::memory::{Completion, Membership, Memory, MemoryError, Recall};
use scimgate::provisioning::recent::RecentWrite;
use scimgate::scim::ResourceKind;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::dice::Dice;

type Key = (&'static str, ScimId);

/// What is on the disk.
#[derive(Default)]
pub(crate) struct Committed {
    pub(crate) remembered: BTreeMap<Key, Remembered>,
    pub(crate) issued: BTreeMap<Key, NativeId>,
    /// Group, member and the age of the membership.
    pub(crate) members: Vec<(ScimId, ScimId, i64)>,
    pub(crate) intents: Vec<Intent>,
    recent: Vec<RecentWrite>,
    made: u64,
}

/// The disk, which all processes share, one after another.
#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) committed: Mutex<Committed>,
    /// Nothing can be written.
    pub(crate) full: Mutex<bool>,
}

type Work = Box<dyn FnOnce(&mut Committed) -> Told + Send>;
type Told = Box<dyn FnOnce() + Send>;

/// A write that waits for its commit, and whoever hears that it failed.
struct Write {
    work: Work,
}

/// The store of one process.
pub(crate) struct Store {
    pub(crate) disk: Arc<Disk>,
    queue: Mutex<Vec<Write>>,
    waiting: Notify,
    dice: Mutex<Dice>,
    /// When something was committed last; none where that failed.
    fresh: Mutex<Option<Instant>>,
}

impl Store {
    pub(crate) fn new(disk: Arc<Disk>, dice: Dice) -> Self {
        Self {
            disk,
            queue: Mutex::default(),
            waiting: Notify::new(),
            dice: Mutex::new(dice),
            fresh: Mutex::default(),
        }
    }

    /// Commits what waits, again and again. It ends with its process.
    pub(crate) async fn commit(self: Arc<Self>) {
        loop {
            self.waiting.notified().await;
            self.pause(25).await;
            let writes = std::mem::take(&mut *self.queue.lock().unwrap());
            let is_full = *self.disk.full.lock().unwrap();
            *self.fresh.lock().unwrap() = (!is_full).then(Instant::now);
            let told: Vec<_> = match is_full {
                // Dropped, a write says that it failed.
                true => Vec::new(),
                false => {
                    let mut committed = self.committed();
                    writes
                        .into_iter()
                        .map(|write| (write.work)(&mut committed))
                        .collect()
                }
            };
            self.pause(4).await;
            told.into_iter().for_each(|told| told());
        }
    }

    async fn pause(&self, most: usize) {
        let millis = self.dice.lock().unwrap().below(most) as u64;
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    fn committed(&self) -> MutexGuard<'_, Committed> {
        self.disk.committed.lock().unwrap()
    }

    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Committed) -> T + Send + 'static,
    ) -> Recall<'_, T> {
        Box::pin(async move {
            let (tell, told) = oneshot::channel();
            let work = |committed: &mut Committed| {
                let given = work(committed);
                Box::new(move || drop(tell.send(given))) as Told
            };
            self.queue.lock().unwrap().push(Write {
                work: Box::new(work),
            });
            self.waiting.notify_one();
            told.await
                .map_err(|_| MemoryError("the disk is full".to_owned()))
        })
    }

    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Committed) -> T + Send + 'static,
    ) -> Recall<'_, T> {
        Box::pin(async move {
            if self.dice.lock().unwrap().below(3) == 0 {
                self.pause(3).await;
            } else {
                tokio::task::yield_now().await;
            }
            Ok(work(&self.committed()))
        })
    }
}

fn key_of(key: &ObjectKey) -> Key {
    (key.kind.snake(), key.id.clone())
}

impl Committed {
    /// What the vendor calls the users who are kept for being disabled.
    pub(crate) fn kept(&self) -> Vec<String> {
        let kept = self
            .remembered
            .iter()
            .filter(|(_, held)| !held.kept.is_empty());
        kept.filter_map(|(key, _)| self.issued.get(key).map(ToString::to_string))
            .collect()
    }

    fn issued_id(&self, kind: ResourceKind, native: &NativeId) -> Option<ScimId> {
        let is_it = |((of, _), held): &(&Key, &NativeId)| *of == kind.snake() && *held == native;
        self.issued
            .iter()
            .find(is_it)
            .map(|((_, id), _)| id.clone())
    }

    fn issue(&mut self, kind: ResourceKind, native: &NativeId, new: Option<ScimId>) -> ScimId {
        if let Some(id) = self.issued_id(kind, native) {
            return id;
        }
        self.made += 1;
        let id = new.unwrap_or_else(|| ScimId::new(&format!("listed-{}", self.made)));
        self.issued
            .insert((kind.snake(), id.clone()), native.clone());
        id
    }

    fn remember(&mut self, key: Key, remembered: Remembered) {
        match remembered.is_empty() {
            true => drop(self.remembered.remove(&key)),
            false => drop(self.remembered.insert(key, remembered)),
        }
    }

    fn rebind(&mut self, key: &Key, native: NativeId) {
        if self.issued.contains_key(key) {
            self.issued
                .retain(|(kind, _), held| *kind != key.0 || *held != native);
            self.issued.insert(key.clone(), native);
        }
    }
}

impl Memory for Store {
    fn recall(&self, key: &ObjectKey) -> Recall<'_, Option<Remembered>> {
        let key = key_of(key);
        self.read(move |all| all.remembered.get(&key).cloned())
    }

    fn recall_page(
        &self,
        _: &TenantId,
        kind: ResourceKind,
        ids: Vec<ScimId>,
    ) -> Recall<'_, Vec<Option<Remembered>>> {
        self.read(move |all| {
            let found = ids
                .into_iter()
                .map(|id| all.remembered.get(&(kind.snake(), id)).cloned());
            found.collect()
        })
    }

    fn remember(&self, key: &ObjectKey, remembered: Remembered) -> Recall<'_, ()> {
        let key = key_of(key);
        self.write(move |all| all.remember(key, remembered))
    }

    fn forget(&self, key: &ObjectKey) -> Recall<'_, ()> {
        let (key, kind) = (key_of(key), key.kind);
        self.write(move |all| {
            all.remembered.remove(&key);
            all.issued.remove(&key);
            all.members.retain(|(group, member, _)| match kind {
                ResourceKind::User => *member != key.1,
                ResourceKind::Group => *group != key.1,
            });
        })
    }

    fn issue_ids(
        &self,
        _: &TenantId,
        kind: ResourceKind,
        natives: Vec<NativeId>,
    ) -> Recall<'_, Vec<ScimId>> {
        Box::pin(async move {
            let asked = natives.clone();
            let known = self.read(move |all| {
                let ids = asked.iter().map(|native| all.issued_id(kind, native));
                ids.collect::<Option<Vec<_>>>()
            });
            match known.await? {
                Some(ids) => Ok(ids),
                None => {
                    let issued = self.write(move |all| {
                        let ids = natives.iter().map(|native| all.issue(kind, native, None));
                        ids.collect()
                    });
                    issued.await
                }
            }
        })
    }

    fn native_id(&self, key: &ObjectKey) -> Recall<'_, Option<NativeId>> {
        let key = key_of(key);
        self.read(move |all| all.issued.get(&key).cloned())
    }

    fn rebind(&self, key: &ObjectKey, native: NativeId) -> Recall<'_, ()> {
        let key = key_of(key);
        self.write(move |all| all.rebind(&key, native))
    }

    fn settle(&self, key: &ObjectKey, becoming: NativeId) -> Recall<'_, ()> {
        let key = key_of(key);
        self.write(move |all| {
            let mut held = all.remembered.get(&key).cloned().unwrap_or_default();
            if held.becoming.as_deref() == Some(becoming.as_str()) {
                all.rebind(&key, becoming);
                held.becoming = None;
                all.remember(key, held);
            }
        })
    }

    fn members(&self, group: &ObjectKey) -> Recall<'_, Vec<ScimId>> {
        let group = group.id.clone();
        self.read(move |all| {
            let rows = all.members.iter().filter(|(of, ..)| *of == group);
            rows.map(|(_, member, _)| member.clone()).collect()
        })
    }

    fn memberships(&self, _: &TenantId, member: &ScimId) -> Recall<'_, Vec<Membership>> {
        let member = member.clone();
        self.read(move |all| {
            let rows = all.members.iter().filter(|(_, of, _)| *of == member);
            let held = rows.map(|(group, _, order)| Membership {
                group: group.clone(),
                order: *order,
            });
            held.collect()
        })
    }

    fn add_members(&self, group: &ObjectKey, members: Vec<ScimId>) -> Recall<'_, ()> {
        let group = group.id.clone();
        self.write(move |all| {
            for member in members {
                let is_there =
                    |(of, one, _): &(ScimId, ScimId, i64)| *of == group && *one == member;
                if !all.members.iter().any(is_there) {
                    let order = all.members.iter().map(|row| row.2).max().unwrap_or(0) + 1;
                    all.members.push((group.clone(), member, order));
                }
            }
        })
    }

    fn remove_members(&self, group: &ObjectKey, members: Vec<ScimId>) -> Recall<'_, ()> {
        let group = group.id.clone();
        self.write(move |all| {
            all.members
                .retain(|(of, member, _)| *of != group || !members.contains(member));
        })
    }

    fn issued_id(
        &self,
        _: &TenantId,
        kind: ResourceKind,
        native: &NativeId,
    ) -> Recall<'_, Option<ScimId>> {
        let native = native.clone();
        self.read(move |all| all.issued_id(kind, &native))
    }

    fn complete(&self, _: &TenantId, completion: Completion) -> Recall<'_, ScimId> {
        if !completion.issued && completion.remembered.is_empty() {
            return Box::pin(async move { Ok(ScimId::new(completion.native.as_str())) });
        }
        self.write(move |all| {
            let Completion {
                kind,
                native,
                reserved,
                ..
            } = completion;
            let id = match (completion.issued, completion.rebinds, reserved) {
                (false, ..) => ScimId::new(native.as_str()),
                (true, true, Some(id)) => id,
                (true, _, reserved) => all.issue(kind, &native, reserved),
            };
            let key = (kind.snake(), id.clone());
            if completion.rebinds {
                all.rebind(&key, native);
            }
            all.remember(key, completion.remembered);
            id
        })
    }

    fn ready_to_write(&self) -> Recall<'_, ()> {
        let fresh = *self.fresh.lock().unwrap();
        match fresh.is_some_and(|at| at.elapsed() < Duration::from_secs(1)) {
            true => Box::pin(async { Ok(()) }),
            false => self.write(|_| ()),
        }
    }

    fn intents(&self, _: &TenantId) -> Recall<'_, Vec<Intent>> {
        self.read(|all| all.intents.clone())
    }

    fn begin_intent(&self, _: &TenantId, intent: Intent, ended: Vec<String>) -> Recall<'_, ()> {
        self.write(move |all| {
            all.intents.retain(|intent| !ended.contains(&intent.id));
            all.intents.push(intent);
        })
    }

    fn change_intent(&self, _: &TenantId, intent: Intent) -> Recall<'_, ()> {
        self.write(move |all| {
            if let Some(kept) = all.intents.iter_mut().find(|kept| kept.id == intent.id) {
                *kept = intent;
            }
        })
    }

    fn end_intents(&self, _: &TenantId, ended: Vec<String>) -> Recall<'_, ()> {
        self.write(move |all| all.intents.retain(|intent| !ended.contains(&intent.id)))
    }

    fn recent(&self, _: &TenantId, _: u64) -> Recall<'_, Vec<RecentWrite>> {
        self.read(|all| all.recent.clone())
    }

    fn keep_recent(&self, _: &TenantId, write: RecentWrite) -> Recall<'_, ()> {
        self.write(move |all| {
            let is_it = |kept: &RecentWrite| kept.kind == write.kind && kept.native == write.native;
            all.recent.retain(|kept| !is_it(kept));
            all.recent.push(write);
        })
    }
}
