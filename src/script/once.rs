//! What `once` keeps: look-ups of scripts that rarely change, such as those of roles, states and
//! the ids of fields.
//!
//! Of all who ask for the same thing at once, one looks up; the others wait for it and have what it
//! found. If it failed, the next one looks up: a fault is not kept. What is kept ends with its time,
//! and with the version of the tenant and its adapter that it was looked up for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache;
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Of all tenants together, in bytes. What is asked for most stays.
const CAPACITY: u64 = 64 << 20;

/// What each entry counts at least, so that there are no more than 64 Ki of them.
const LEAST: usize = 1 << 10;

/// The longest JSON of one value that is kept.
const LARGEST: usize = 256 << 10;

/// The longest time that something is kept.
pub(crate) const LONGEST: Duration = Duration::from_secs(86_400);

/// How long a look-up is waited for: longer than any request lives.
const UNDER_WAY: Duration = Duration::from_secs(600);

/// What the scripts of all tenants have looked up.
#[derive(Clone, Default)]
pub struct LookUps(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Made when it is first needed, which at most vendors is never.
    slots: LazySlots,
    versions: AtomicU64,
}

type Slots = Cache<Key, Arc<Slot>>;

struct LazySlots(LazyLock<Slots>);

impl Default for LazySlots {
    fn default() -> Self {
        Self(LazyLock::new(|| {
            let slots = Cache::builder().max_capacity(CAPACITY);
            let slots = slots.weigher(|key: &Key, slot: &Arc<Slot>| {
                let size = LEAST + key.name.len() + slot.size();
                u32::try_from(size).unwrap_or(u32::MAX)
            });
            slots.expire_after(AsLongAsSaid).build()
        }))
    }
}

/// Whose look-up it is, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    tenant: Arc<str>,
    version: u64,
    name: String,
}

/// One thing that is looked up.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    turn: Arc<Mutex<()>>,
    kept: OnceLock<Kept>,
}

#[derive(Debug)]
struct Kept {
    value: Value,
    size: usize,
    time: Duration,
}

/// The right to look up, which one has at a time.
pub(crate) type Turn = OwnedMutexGuard<()>;

impl Slot {
    /// What was found.
    pub(crate) fn kept(&self) -> Option<&Value> {
        self.kept.get().map(|kept| &kept.value)
    }

    /// The turn, if nobody has it.
    pub(crate) fn try_turn(&self) -> Option<Turn> {
        Arc::clone(&self.turn).try_lock_owned().ok()
    }

    /// The turn, when whoever has it is done.
    pub(crate) fn turn(&self) -> impl Future<Output = Turn> + use<> {
        Arc::clone(&self.turn).lock_owned()
    }

    fn size(&self) -> usize {
        self.kept.get().map_or(0, |kept| kept.size)
    }
}

/// What the scripts of one tenant have looked up, in one version of the tenant and its adapter.
#[derive(Clone)]
pub struct TenantLookUps {
    all: LookUps,
    tenant: Arc<str>,
    version: u64,
}

impl LookUps {
    /// Those of a version of a tenant: nothing is kept for it yet.
    pub fn of(&self, tenant: &str) -> TenantLookUps {
        TenantLookUps {
            all: self.clone(),
            tenant: tenant.into(),
            version: self.0.versions.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl TenantLookUps {
    /// The place of what is called so.
    pub(crate) fn slot(&self, name: &str) -> Arc<Slot> {
        let slots = &self.all.0.slots.0;
        slots.get_with(self.key(name), Arc::default)
    }

    /// Keeps what was found for so long; not what is too large.
    pub(crate) fn keep(&self, name: &str, slot: Arc<Slot>, value: Value, time: Duration) {
        let size = value.to_string().len();
        if size > LARGEST {
            tracing::warn!(tenant = %self.tenant, name, size,
                action = "let the script keep only what it needs of it",
                "what once() looked up is too large to be kept");
            return;
        }
        let time = time.min(LONGEST);
        if slot.kept.set(Kept { value, size, time }).is_ok() {
            // Again, for it counts more now, and ends sooner or later.
            self.all.0.slots.0.insert(self.key(name), slot);
        }
    }

    fn key(&self, name: &str) -> Key {
        Key {
            tenant: Arc::clone(&self.tenant),
            version: self.version,
            name: name.to_owned(),
        }
    }
}

/// An entry lives as long as the script said.
struct AsLongAsSaid;

impl AsLongAsSaid {
    fn time(slot: &Slot) -> Option<Duration> {
        Some(slot.kept.get().map_or(UNDER_WAY, |kept| kept.time))
    }
}

impl Expiry<Key, Arc<Slot>> for AsLongAsSaid {
    fn expire_after_create(&self, _: &Key, slot: &Arc<Slot>, _: Instant) -> Option<Duration> {
        Self::time(slot)
    }

    fn expire_after_update(
        &self,
        _: &Key,
        slot: &Arc<Slot>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Self::time(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_a_tenant_has_only_its_own() {
        let all = LookUps::default();
        let (one, other) = (all.of("acme"), all.of("globex"));
        one.keep("roles", one.slot("roles"), Value::from(1), LONGEST);
        assert_eq!(one.slot("roles").kept(), Some(&Value::from(1)));
        assert_eq!(one.clone().slot("roles").kept(), Some(&Value::from(1)));
        for stranger in [other, all.of("acme")] {
            assert_eq!(stranger.slot("roles").kept(), None);
        }
    }

    #[test]
    fn it_ends_with_its_time_and_what_is_too_large_is_not_kept() {
        let tenant = LookUps::default().of("acme");
        let soon = Duration::from_millis(1);
        tenant.keep("soon", tenant.slot("soon"), Value::from(1), soon);
        while tenant.slot("soon").kept().is_some() {
            std::thread::yield_now();
        }
        let large = Value::from("a".repeat(LARGEST));
        tenant.keep("large", tenant.slot("large"), large, LONGEST);
        assert_eq!(tenant.slot("large").kept(), None);
    }

    #[test]
    fn all_together_is_bounded() {
        let tenant = LookUps::default().of("acme");
        let value = Value::from("a".repeat(LARGEST - 2));
        for number in 0..400 {
            let name = number.to_string();
            tenant.keep(&name, tenant.slot(&name), value.clone(), LONGEST);
        }
        let slots = &tenant.all.0.slots.0;
        slots.run_pending_tasks();
        assert!(
            slots.weighted_size() <= CAPACITY,
            "{}",
            slots.weighted_size()
        );
        assert!(slots.entry_count() > 100, "{}", slots.entry_count());
    }
}
