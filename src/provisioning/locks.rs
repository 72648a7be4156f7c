//! One writer at a time per object, in the order of arrival.
//!
//! Entra sends several PATCHes of one group at once and repeats requests whose
//! answers it lost; without order, members are lost and accounts doubled. Each
//! tenant has its own [`Locks`], so no lock is shared by all tenants.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as FairMutex, OwnedMutexGuard};
use tokio::time::{Instant, timeout_at};

use super::memory::Recall;
use crate::adapter::keys::TenantId;
use crate::scim::ResourceKind;
use crate::script::fault::{Failure, GatewayFault};

/// How many requests may wait for one object.
const WAITERS: usize = 32;

/// The dead entries are swept when the map has grown to this.
const SWEEP_AT: usize = 1024;

/// What is locked, within one tenant.
///
/// Who takes several takes them in this order, also one after the other: names
/// before objects, a group before its users. So no two requests ever hold what
/// the other waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LockKey {
    /// A value that must be unique, folded: attribute and value.
    Value(ResourceKind, &'static str, String),
    /// A resource by its id.
    Object(ResourceKind, String),
}

impl LockKey {
    /// A text that no other key has.
    pub fn name(&self) -> String {
        match self {
            Self::Value(kind, attribute, value) => {
                format!("value {} {attribute} {value}", kind.snake())
            }
            Self::Object(kind, id) => format!("object {} {id}", kind.snake()),
        }
    }
}

/// Locks that several gateways respect, where they share a store.
pub trait SharedLocks: fmt::Debug + Send + Sync {
    /// Waits for the lock of `key`, however long that takes. One gateway asks for a key only once
    /// at a time.
    ///
    /// # Errors
    /// The store does not answer.
    fn take(&self, tenant: &TenantId, key: &LockKey) -> Recall<'_, SharedHeld>;
}

/// A shared lock, released when dropped.
pub type SharedHeld = Box<dyn fmt::Debug + Send>;

/// The locks of one tenant.
#[derive(Debug, Default)]
pub struct Locks {
    held: Mutex<HashMap<LockKey, Weak<FairMutex<()>>>>,
    /// What is taken besides, where other gateways have the same tenant.
    shared: Option<(TenantId, Arc<dyn SharedLocks>)>,
}

/// Held until dropped.
#[derive(Debug)]
pub struct Held {
    /// First, so that whoever is next here finds them free.
    _shared: Vec<SharedHeld>,
    _guards: Vec<OwnedMutexGuard<()>>,
}

impl Locks {
    /// Those of a tenant whose requests come to several gateways, if `shared` says so.
    pub fn of(tenant: &TenantId, shared: Option<Arc<dyn SharedLocks>>) -> Self {
        Self {
            held: Mutex::default(),
            shared: shared.map(|shared| (tenant.clone(), shared)),
        }
    }

    /// Waits for all of `keys`, first come, first served within this gateway.
    ///
    /// They are taken in sorted order, so that two requests never hold what the
    /// other waits for.
    ///
    /// # Errors
    /// `Overloaded` when too many wait already; `DeadlineExceeded`; `StoreUnavailable` where
    /// locks are shared.
    pub async fn acquire(
        &self,
        mut keys: Vec<LockKey>,
        deadline: Instant,
    ) -> Result<Held, Failure> {
        keys.sort();
        keys.dedup();
        let mut guards = Vec::with_capacity(keys.len());
        let mut taken = Vec::new();
        for key in keys {
            let lock = self.lock(&key);
            if Arc::strong_count(&lock) > WAITERS + 1 {
                return Err(GatewayFault::Overloaded.into());
            }
            let guard = timeout_at(deadline, lock.lock_owned()).await;
            guards.push(guard.map_err(|_| GatewayFault::DeadlineExceeded)?);
            if let Some((tenant, shared)) = &self.shared {
                let lock = timeout_at(deadline, shared.take(tenant, &key)).await;
                let lock = lock.map_err(|_| GatewayFault::DeadlineExceeded)?;
                taken.push(lock.map_err(|error| {
                    tracing::error!(%error, "a lock cannot be taken");
                    GatewayFault::StoreUnavailable
                })?);
            }
        }
        Ok(Held {
            _shared: taken,
            _guards: guards,
        })
    }

    /// The lock of a key. It lives as long as somebody holds or awaits it: the
    /// map has only a weak hold, and the map's mutex makes drop and re-creation
    /// one step.
    fn lock(&self, key: &LockKey) -> Arc<FairMutex<()>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = held.get(key).and_then(Weak::upgrade) {
            return lock;
        }
        if held.len() >= SWEEP_AT && held.len() == held.capacity() {
            held.retain(|_, lock| lock.strong_count() > 0);
        }
        let lock = Arc::new(FairMutex::new(()));
        held.insert(key.clone(), Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn object(id: &str) -> LockKey {
        LockKey::Object(ResourceKind::Group, id.to_owned())
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[tokio::test]
    async fn the_first_to_come_is_the_first_served() {
        let locks = Arc::new(Locks::default());
        let order = Arc::new(Mutex::new(Vec::new()));
        let first = locks.acquire(vec![object("g")], soon()).await.unwrap();
        let mut waiting = Vec::new();
        for turn in 0..10 {
            let (locks, order) = (Arc::clone(&locks), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                let _held = locks.acquire(vec![object("g")], soon()).await.unwrap();
                order.lock().unwrap().push(turn);
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for task in waiting {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn more_than_32_waiters_are_told_to_come_back() {
        let locks = Arc::new(Locks::default());
        let first = locks.acquire(vec![object("g")], soon()).await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..WAITERS {
            let locks = Arc::clone(&locks);
            waiting.push(tokio::spawn(async move {
                locks.acquire(vec![object("g")], soon()).await.is_ok()
            }));
            tokio::task::yield_now().await;
        }
        let refused = locks.acquire(vec![object("g")], soon()).await.unwrap_err();
        assert_eq!(refused, GatewayFault::Overloaded.into());
        assert!(locks.acquire(vec![object("other")], soon()).await.is_ok());
        drop(first);
        for task in waiting {
            assert!(task.await.unwrap());
        }
    }

    #[tokio::test]
    async fn keys_in_any_order_do_not_block_each_other_for_ever() {
        let locks = Arc::new(Locks::default());
        let mut tasks = Vec::new();
        for turn in 0..50 {
            let locks = Arc::clone(&locks);
            tasks.push(tokio::spawn(async move {
                let mut keys = vec![object("a"), object("b"), object("c")];
                keys.rotate_left(turn % 3);
                let held = locks.acquire(keys, soon()).await;
                tokio::task::yield_now().await;
                held.is_ok()
            }));
            if turn % 20 == 19 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        for task in tasks {
            assert!(task.await.unwrap());
        }
    }

    #[tokio::test]
    async fn idle_keys_leave_nothing_behind() {
        let locks = Locks::default();
        for n in 0..100_000 {
            drop(
                locks
                    .acquire(vec![object(&n.to_string())], soon())
                    .await
                    .unwrap(),
            );
        }
        assert!(locks.held.lock().unwrap().len() <= 4 * SWEEP_AT);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_counts_against_the_deadline() {
        let locks = Locks::default();
        let _held = locks.acquire(vec![object("g")], soon()).await.unwrap();
        let late = locks.acquire(vec![object("g")], soon()).await.unwrap_err();
        assert_eq!(late, GatewayFault::DeadlineExceeded.into());
    }
}
