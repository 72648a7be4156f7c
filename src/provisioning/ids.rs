//! Which vendor object a SCIM id names, remembered for a moment.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use crate::adapter::keys::{NativeId, ObjectKey, TenantId};
use crate::scim::ResourceKind;

const CAPACITY: u64 = 100_000;
const TIME_TO_LIVE: Duration = Duration::from_secs(30);
const COUNTERS: usize = 1024;

/// SCIM id to vendor id, shared by all threads and tenants, at most 30 s and
/// 100,000 entries.
///
/// A load that began before a write must not put the old value back after it.
/// So each tenant's resource type has a write epoch: a load notes it before it
/// looks ([`epoch`](Self::epoch)), and what it found is only taken, and only
/// answered, while no write has come ([`bump`](Self::bump)) in between.
#[derive(Debug)]
pub struct IdCache {
    entries: Cache<ObjectKey, Entry>,
    /// Tenants share counters by hash, so that they need no map and no lock. Two
    /// that meet cost each other a look-up, never a wrong answer.
    counters: Box<[AtomicU64]>,
    /// Always the same, so that a simulation replays: tenants and kinds are no strangers' choice.
    hasher: BuildHasherDefault<DefaultHasher>,
}

/// The number of writes so far, as a load saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u64);

#[derive(Clone, Debug)]
struct Entry {
    native: NativeId,
    epoch: Epoch,
}

impl IdCache {
    /// Empty.
    pub fn new() -> Self {
        Self::lasting(TIME_TO_LIVE)
    }

    /// One that remembers nothing, for a store that other gateways change too: a native key that
    /// one of them has renamed would be looked for under its old name here, and not be found.
    pub fn none() -> Self {
        Self::lasting(Duration::ZERO)
    }

    fn lasting(time: Duration) -> Self {
        let entries = Cache::builder().max_capacity(CAPACITY).time_to_live(time);
        Self {
            entries: entries.build(),
            counters: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
            hasher: BuildHasherDefault::default(),
        }
    }

    /// To be noted before a load.
    pub fn epoch(&self, tenant: &TenantId, kind: ResourceKind) -> Epoch {
        Epoch(self.counter(tenant, kind).load(Ordering::Acquire))
    }

    /// The vendor's id, if it is known and no write has come since it was loaded.
    pub fn get(&self, key: &ObjectKey) -> Option<NativeId> {
        let entry = self.entries.get(key)?;
        // Compared with the epoch now, after the entry was read: a `bump` that
        // happened before this call is seen even if an insert raced with it.
        (entry.epoch == self.epoch(&key.tenant, key.kind)).then_some(entry.native)
    }

    /// Takes what a load found, unless a write came after `seen` was noted.
    pub fn insert_if(&self, key: &ObjectKey, native: NativeId, seen: Epoch) -> bool {
        let current = seen == self.epoch(&key.tenant, key.kind);
        if current {
            let entry = Entry {
                native,
                epoch: seen,
            };
            self.entries.insert(key.clone(), entry);
        }
        current
    }

    /// Forgets all ids of the tenant's resource type and refuses loads under
    /// way. Called when an id ends or comes to name another object: after a
    /// delete or a change of a native key, not after every write.
    pub fn bump(&self, tenant: &TenantId, kind: ResourceKind) {
        self.counter(tenant, kind).fetch_add(1, Ordering::AcqRel);
    }

    fn counter(&self, tenant: &TenantId, kind: ResourceKind) -> &AtomicU64 {
        let place = self.hasher.hash_one((tenant, kind)) as usize % COUNTERS;
        &self.counters[place]
    }
}

impl Default for IdCache {
    fn default() -> Self {
        Self::new()
    }
}

/// How long an object that was seen at the vendor counts as being there.
const SEEN: Duration = Duration::from_secs(600);

/// How many objects had been seen at some time: a clock that never stands still between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// The objects that tenants have read or written at their vendors lately. A user among them is not
/// asked for again before they become a member of a group, and none of them can be what a create
/// has made that began later.
#[derive(Debug)]
pub struct KnownIds {
    /// When each was seen first.
    seen: Cache<(TenantId, ResourceKind, NativeId), Moment>,
    /// Those that were seen to be this owner's.
    own: Cache<(TenantId, ResourceKind, NativeId, String), ()>,
    moment: AtomicU64,
}

impl KnownIds {
    /// Empty.
    pub fn new() -> Self {
        let cache = Cache::builder().max_capacity(CAPACITY).time_to_live(SEEN);
        Self {
            seen: cache.build(),
            own: Cache::builder()
                .max_capacity(CAPACITY)
                .time_to_live(SEEN)
                .build(),
            moment: AtomicU64::new(0),
        }
    }

    /// Now, for [`Self::was_known`].
    pub(super) fn moment(&self) -> Moment {
        Moment(self.moment.load(Ordering::Acquire))
    }

    /// An object was read or written.
    pub(super) fn saw(&self, tenant: &TenantId, kind: ResourceKind, id: &NativeId) {
        let key = (tenant.clone(), kind, id.clone());
        if !self.seen.contains_key(&key) {
            let moment = Moment(self.moment.fetch_add(1, Ordering::AcqRel));
            self.seen.insert(key, moment);
        }
    }

    /// An object was seen to be `owner`'s, who is the tenant by its settings.
    pub(super) fn owns(&self, tenant: &TenantId, kind: ResourceKind, id: &NativeId, owner: &str) {
        let key = (tenant.clone(), kind, id.clone(), owner.to_owned());
        self.own.insert(key, ());
    }

    /// Whether it was, not long ago.
    pub(super) fn is_own(
        &self,
        tenant: &TenantId,
        kind: ResourceKind,
        id: &NativeId,
        owner: &str,
    ) -> bool {
        let key = (tenant.clone(), kind, id.clone(), owner.to_owned());
        self.own.contains_key(&key)
    }

    /// The vendor has no such object any more.
    pub(super) fn gone(&self, tenant: &TenantId, kind: ResourceKind, id: &NativeId) {
        self.seen.invalidate(&(tenant.clone(), kind, id.clone()));
    }

    /// Whether an object was there not long ago.
    pub(super) fn is_known(&self, tenant: &TenantId, kind: ResourceKind, id: &NativeId) -> bool {
        self.seen.contains_key(&(tenant.clone(), kind, id.clone()))
    }

    /// Whether an object was there before a [`moment`](Self::moment) of the last ten minutes.
    pub(super) fn was_known(
        &self,
        tenant: &TenantId,
        kind: ResourceKind,
        id: &NativeId,
        before: Moment,
    ) -> bool {
        let seen = self.seen.get(&(tenant.clone(), kind, id.clone()));
        seen.is_some_and(|seen| seen < before)
    }
}

impl Default for KnownIds {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {

    use super::*;
    use crate::adapter::keys::ScimId;

    fn key(tenant: &str, id: &str) -> ObjectKey {
        ObjectKey {
            tenant: TenantId::parse(tenant).unwrap(),
            kind: ResourceKind::User,
            id: ScimId::new(id),
        }
    }

    #[test]
    fn none_remembers_nothing() {
        let (cache, key) = (IdCache::none(), key("acme", "1"));
        let seen = cache.epoch(&key.tenant, key.kind);
        assert!(cache.insert_if(&key, old(), seen));
        assert_eq!(cache.get(&key), None);
    }

    fn old() -> NativeId {
        NativeId::new("old")
    }

    #[test]
    fn what_was_inserted_is_found_by_its_tenant_only() {
        let (cache, key, other) = (IdCache::new(), key("acme", "1"), key("globex", "1"));
        let seen = cache.epoch(&key.tenant, key.kind);
        assert!(cache.insert_if(&key, old(), seen));
        assert_eq!(cache.get(&key), Some(old()));
        assert_eq!(cache.get(&other), None);
    }

    #[test]
    fn a_load_under_way_cannot_resurrect_what_a_write_ended() {
        let (cache, key) = (IdCache::new(), key("acme", "1"));
        let seen = cache.epoch(&key.tenant, key.kind);
        cache.bump(&key.tenant, key.kind);
        assert!(!cache.insert_if(&key, old(), seen));
        assert_eq!(cache.get(&key), None);
    }

    #[test]
    fn a_write_between_check_and_insert_is_seen_by_the_reader() {
        let (cache, key) = (IdCache::new(), key("acme", "1"));
        let seen = cache.epoch(&key.tenant, key.kind);
        cache.bump(&key.tenant, key.kind);
        let entry = Entry {
            native: old(),
            epoch: seen,
        };
        cache.entries.insert(key.clone(), entry);
        assert_eq!(cache.get(&key), None);
    }

    #[test]
    fn a_write_ends_what_was_known() {
        let (cache, key) = (IdCache::new(), key("acme", "1"));
        assert!(cache.insert_if(&key, old(), cache.epoch(&key.tenant, key.kind)));
        cache.bump(&key.tenant, key.kind);
        assert_eq!(cache.get(&key), None);
        assert!(cache.insert_if(&key, old(), cache.epoch(&key.tenant, key.kind)));
        assert_eq!(cache.get(&key), Some(old()));
    }

    #[test]
    fn loads_and_writes_in_parallel_never_show_a_value_older_than_the_last_write() {
        let (cache, key) = (IdCache::new(), key("acme", "1"));
        let truth = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let seen = cache.epoch(&key.tenant, key.kind);
                        let loaded = truth.load(Ordering::Acquire).to_string();
                        cache.insert_if(&key, NativeId::new(&loaded), seen);
                    }
                });
            }
            for write in 1..2_000 {
                truth.store(write, Ordering::Release);
                cache.bump(&key.tenant, key.kind);
                let found = cache.get(&key);
                assert!(found.is_none_or(|id| id.as_str() == write.to_string()));
            }
        });
    }
}
