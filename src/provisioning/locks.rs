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

use super::lease::Lease;
use super::memory::Recall;
use crate::adapter::keys::{ScimId, TenantId};
use crate::scim::ResourceKind;
use crate::script::fault::{Failure, GatewayFault};

/// How many requests may wait for one object.
const WAITERS: usize = 32;

/// The dead entries are swept when the map has grown to this.
const SWEEP_AT: usize = 1024;

/// What is locked, within one tenant, in the order in which locks are taken.
///
/// [`LockSet`] enforces the order, so no two requests ever hold what the other waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LockKey {
    /// The changes of one object that come by its SCIM id. A create never takes it, so that it may
    /// be held while a create is waited for.
    Changes(ResourceKind, String),
    /// A value that names an object: attribute and native value, folded.
    Name(ResourceKind, String, String),
    /// One membership, where a vendor takes changes of members by the batch: group and user.
    Membership(String, String),
    /// A group by its SCIM id.
    Group(String),
    /// A user by their SCIM id.
    User(String),
}

impl LockKey {
    /// What whoever changes or deletes an object takes first, so that the change that came last is
    /// the last one carried out, however long those before it wait or read. A PATCH that only adds and
    /// removes members at a vendor with batches does not: it would keep others from the same batch.
    pub(super) fn changes(kind: ResourceKind, id: &ScimId) -> Self {
        Self::Changes(kind, id.to_string())
    }

    /// The key of an object.
    pub(super) fn object(kind: ResourceKind, id: &str) -> Self {
        match kind {
            ResourceKind::User => Self::User(id.to_owned()),
            ResourceKind::Group => Self::Group(id.to_owned()),
        }
    }

    /// A text that no other key has.
    pub fn name(&self) -> String {
        match self {
            Self::Changes(kind, id) => format!("changes {} {id}", kind.snake()),
            Self::Name(kind, attribute, value) => {
                format!("value {} {attribute} {value}", kind.snake())
            }
            Self::Membership(group, user) => format!("value group members {group} {user}"),
            Self::Group(id) => format!("object group {id}"),
            Self::User(id) => format!("object user {id}"),
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

    /// The lease under which locks are taken now.
    fn lease(&self) -> Lease;
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

/// The locks that one request holds, until it is dropped.
///
/// Keys are taken in ascending order: changes, names, memberships, groups, users. A key that is held
/// already is not taken again. Asking for a smaller key than the largest one held is a mistake in the
/// gateway that could block two requests for ever: it panics where assertions are on, and fails
/// the request otherwise.
#[derive(Debug)]
pub(super) struct LockSet {
    locks: Arc<Locks>,
    deadline: Instant,
    held: Vec<(LockKey, Guard)>,
}

/// One lock, held until dropped.
#[derive(Debug)]
pub(super) struct Guard {
    /// First, so that whoever is next here finds it free.
    _shared: Option<SharedHeld>,
    _own: OwnedMutexGuard<()>,
}

impl LockSet {
    /// An empty set. `deadline` is when the request must be answered.
    pub(super) fn new(locks: Arc<Locks>, deadline: Instant) -> Self {
        Self {
            locks,
            deadline,
            held: Vec::new(),
        }
    }

    /// Waits for `keys` and holds them with the others.
    ///
    /// # Errors
    /// `Overloaded` when too many wait already; `DeadlineExceeded`; `StoreUnavailable` where
    /// locks are shared; `Internal` for a key out of order.
    pub(super) async fn take(&mut self, mut keys: Vec<LockKey>) -> Result<(), Failure> {
        keys.sort();
        keys.dedup();
        for key in keys {
            if self.holds(&key) {
                continue;
            }
            self.check_order(&key)?;
            let guard = self.locks.acquire(&key, self.deadline).await?;
            self.held.push((key, guard));
        }
        Ok(())
    }

    /// Waits for one more key, which is held only until the guard is dropped; `None` if the set
    /// holds it already. Whoever has such a guard takes no further lock.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(super) async fn take_for_a_moment(&self, key: LockKey) -> Result<Option<Guard>, Failure> {
        if self.holds(&key) {
            return Ok(None);
        }
        self.check_order(&key)?;
        self.locks.acquire(&key, self.deadline).await.map(Some)
    }

    fn holds(&self, key: &LockKey) -> bool {
        // They are in ascending order.
        self.held
            .binary_search_by(|(held, _)| held.cmp(key))
            .is_ok()
    }

    fn check_order(&self, key: &LockKey) -> Result<(), Failure> {
        let in_order = self.held.last().is_none_or(|(largest, _)| largest < key);
        debug_assert!(in_order, "lock {key:?} out of order, held: {:?}", self.held);
        match in_order {
            true => Ok(()),
            false => Err(GatewayFault::Internal.into()),
        }
    }
}

impl Locks {
    /// Those of a tenant whose requests come to several gateways, if `shared` says so.
    pub fn of(tenant: &TenantId, shared: Option<Arc<dyn SharedLocks>>) -> Self {
        Self {
            held: Mutex::default(),
            shared: shared.map(|shared| (tenant.clone(), shared)),
        }
    }

    /// Whether other gateways have the same tenant.
    pub(super) fn are_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Waits for one key, first come, first served within this gateway.
    async fn acquire(&self, key: &LockKey, deadline: Instant) -> Result<Guard, Failure> {
        let lock = self.lock(key);
        if Arc::strong_count(&lock) > WAITERS + 1 {
            return Err(GatewayFault::Overloaded.into());
        }
        let own = timeout_at(deadline, lock.lock_owned()).await;
        let own = own.map_err(|_| GatewayFault::DeadlineExceeded)?;
        let shared = match &self.shared {
            None => None,
            Some((tenant, shared)) => {
                let lock = timeout_at(deadline, shared.take(tenant, key)).await;
                let lock = lock.map_err(|_| GatewayFault::DeadlineExceeded)?;
                Some(lock.map_err(|error| {
                    tracing::error!(%error, "a lock cannot be taken");
                    GatewayFault::StoreUnavailable("a lock cannot be taken".to_owned())
                })?)
            }
        };
        Ok(Guard {
            _shared: shared,
            _own: own,
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
        LockKey::Group(id.to_owned())
    }

    async fn take(locks: &Arc<Locks>, keys: Vec<LockKey>) -> Result<LockSet, Failure> {
        let soon = Instant::now() + Duration::from_secs(5);
        let mut set = LockSet::new(Arc::clone(locks), soon);
        set.take(keys).await?;
        Ok(set)
    }

    #[tokio::test]
    async fn the_first_to_come_is_the_first_served() {
        let locks = Arc::new(Locks::default());
        let order = Arc::new(Mutex::new(Vec::new()));
        let first = take(&locks, vec![object("g")]).await.unwrap();
        let mut waiting = Vec::new();
        for turn in 0..10 {
            let (locks, order) = (Arc::clone(&locks), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                let _held = take(&locks, vec![object("g")]).await.unwrap();
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
        let first = take(&locks, vec![object("g")]).await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..WAITERS {
            let locks = Arc::clone(&locks);
            waiting.push(tokio::spawn(async move {
                take(&locks, vec![object("g")]).await.is_ok()
            }));
            tokio::task::yield_now().await;
        }
        let refused = take(&locks, vec![object("g")]).await.unwrap_err();
        assert_eq!(refused, GatewayFault::Overloaded.into());
        assert!(take(&locks, vec![object("other")]).await.is_ok());
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
                let held = take(&locks, keys).await;
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
        let locks = Arc::new(Locks::default());
        for n in 0..100_000 {
            drop(take(&locks, vec![object(&n.to_string())]).await.unwrap());
        }
        assert!(locks.held.lock().unwrap().len() <= 4 * SWEEP_AT);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_counts_against_the_deadline() {
        let locks = Arc::new(Locks::default());
        let _held = take(&locks, vec![object("g")]).await.unwrap();
        let late = take(&locks, vec![object("g")]).await.unwrap_err();
        assert_eq!(late, GatewayFault::DeadlineExceeded.into());
    }

    #[tokio::test]
    async fn what_is_held_is_not_waited_for_again() {
        let locks = Arc::new(Locks::default());
        let mut set = take(&locks, vec![object("g")]).await.unwrap();
        let user = LockKey::User("u".to_owned());
        set.take(vec![user.clone(), object("g")]).await.unwrap();
        assert!(set.take_for_a_moment(user).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn names_come_before_groups_and_groups_before_users() {
        let name = LockKey::Name(ResourceKind::User, "userName".to_owned(), "z".to_owned());
        let membership = LockKey::Membership("z".to_owned(), "z".to_owned());
        let (group, user) = (object("a"), LockKey::User("a".to_owned()));
        assert!(name < membership && membership < group && group < user);
    }

    #[tokio::test]
    #[should_panic(expected = "out of order")]
    async fn a_smaller_key_is_never_taken_later() {
        let locks = Arc::new(Locks::default());
        let mut set = take(&locks, vec![object("b")]).await.unwrap();
        let _ = set.take(vec![object("a")]).await;
    }
}
