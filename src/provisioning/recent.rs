//! A tenant's own recent writes, where the vendor's look-ups lag behind them.
//!
//! What was written a moment ago is in no index yet, or in its old shape, or still there although
//! it is gone. So a look-up is completed with what was written under the same value, and whatever
//! was written lately is read by its key, which does not lag. Nothing here is answered to Entra:
//! it only says what to read.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::name::Name;
use crate::adapter::keys::NativeId;
use crate::scim::ResourceKind;

/// Most entries of each sort; the oldest make room.
const MOST: usize = 20_000;

/// How long it is kept in mind which user a value names.
const LONG: Duration = Duration::from_secs(600);

/// How far apart the clocks of replicas may be: a write that is kept after those that were read
/// last may, by another replica's clock, count until so much earlier.
const OVERLAP: Duration = Duration::from_secs(60);

/// A write that look-ups may not show yet, as it is kept over a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentWrite {
    /// Of which resource type the object is.
    pub kind: ResourceKind,
    /// What the vendor calls it.
    pub native: NativeId,
    /// The names it was given; `None` if it was removed.
    pub names: Option<Vec<Name>>,
    /// Until when look-ups may not show it: milliseconds since 1970.
    pub until: u64,
}

impl RecentWrite {
    pub(super) fn of(
        kind: ResourceKind,
        native: &NativeId,
        names: Option<Vec<Name>>,
        lag: Duration,
        now: u64,
    ) -> Self {
        Self {
            kind,
            native: native.clone(),
            names,
            until: now + u64::try_from(lag.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// One tenant's recent writes, shared by all threads; bounded, and each for a while only.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Notes>);

/// The names that an object was given lately, and until when they count.
type Given = Vec<(Instant, Name)>;

#[derive(Debug, Default)]
struct Notes {
    loaded: bool,
    named: Expiring<Name, Vec<NativeId>>,
    /// `None` of what was removed.
    written: Expiring<(ResourceKind, NativeId), Option<Given>>,
    known: Expiring<Name, NativeId>,
    /// The name under which an object is in `known`.
    known_as: HashMap<NativeId, Name>,
    /// The latest `until` of what was read from the store.
    read_until: u64,
}

impl Recent {
    /// Whether [`Self::load`] was called.
    pub(super) fn is_loaded(&self) -> bool {
        self.notes().loaded
    }

    /// Until when what is in the store and not known here may count at least.
    pub(super) fn read_since(&self) -> u64 {
        let overlap = u64::try_from(OVERLAP.as_millis()).unwrap_or(u64::MAX);
        self.notes().read_until.saturating_sub(overlap)
    }

    /// Takes what is in the store: from before a restart, or from other replicas. What was noted
    /// here since it was read stays. `now` in milliseconds since 1970.
    pub(super) fn load(&self, writes: Vec<RecentWrite>, now: u64) {
        let mut notes = self.notes();
        notes.loaded = true;
        for write in writes {
            notes.read_until = notes.read_until.max(write.until);
            let lag = Duration::from_millis(write.until.saturating_sub(now));
            if !lag.is_zero() {
                notes.note((write.kind, write.native), write.names, lag);
            }
        }
    }

    /// Takes note of a write that was carried out: whose, and the names it gave. Returns all that
    /// the object was given lately: a change that gives no name takes away none that it has.
    pub(crate) fn wrote(
        &self,
        kind: ResourceKind,
        id: &NativeId,
        names: Vec<Name>,
        lag: Duration,
    ) -> Vec<Name> {
        self.notes().note((kind, id.clone()), Some(names), lag)
    }

    /// Takes note of an object's end.
    pub(crate) fn removed(&self, kind: ResourceKind, id: &NativeId, lag: Duration) {
        self.notes().note((kind, id.clone()), None, lag);
    }

    /// What was written under a name, and perhaps has it.
    pub(crate) fn named(&self, name: &Name) -> Vec<NativeId> {
        self.notes().named.get(name).cloned().unwrap_or_default()
    }

    /// Whether an object was written so lately that its key alone tells the truth.
    pub(crate) fn is_fresh(&self, kind: ResourceKind, id: &NativeId) -> bool {
        self.notes().written.get(&(kind, id.clone())).is_some()
    }

    /// Whether an object was removed, whatever an index says.
    pub(crate) fn is_gone(&self, kind: ResourceKind, id: &NativeId) -> bool {
        self.notes().written.get(&(kind, id.clone())) == Some(&None)
    }

    /// Takes note of who has a name, for references by it.
    pub(crate) fn know(&self, name: Name, id: NativeId) {
        let mut notes = self.notes();
        // Whoever is renamed has one name.
        if let Some(before) = notes.known_as.insert(id.clone(), name.clone())
            && before != name
            && notes.known.get(&before) == Some(&id)
        {
            notes.known.remove(&before);
        }
        notes.known.insert(name, id, Instant::now() + LONG);
        if notes.known_as.len() > 2 * MOST {
            let Notes {
                known, known_as, ..
            } = &mut *notes;
            known_as.retain(|id, name| known.get(name) == Some(id));
        }
    }

    /// Who had a name not long ago.
    pub(crate) fn known(&self, name: &Name) -> Option<NativeId> {
        self.notes().known.get(name).cloned()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    /// Takes note of an object's write, or of its end where there are no `names`; gives the names
    /// of late. A write that counts for longer than this one came after it.
    fn note(
        &mut self,
        object: (ResourceKind, NativeId),
        names: Option<Vec<Name>>,
        lag: Duration,
    ) -> Vec<Name> {
        let now = Instant::now();
        let until = now + lag;
        if names.is_none()
            && let Some(name) = self.known_as.remove(&object.1)
            && self.known.get(&name) == Some(&object.1)
        {
            self.known.remove(&name);
        }
        for name in names.iter().flatten() {
            let (longest, mut ids) = self.named.lasting(name).unwrap_or((until, Vec::new()));
            if !ids.contains(&object.1) {
                ids.push(object.1.clone());
            }
            self.named.insert(name.clone(), ids, longest.max(until));
        }
        let (longest, before) = self.written.lasting(&object).unwrap_or((until, None));
        let given = match (longest > until, before, names) {
            (true, None, _) | (false, _, None) => None,
            (_, before, names) => {
                let mut given = before.unwrap_or_default();
                given.retain(|(until, _)| now < *until);
                for name in names.into_iter().flatten() {
                    match given.iter_mut().find(|(_, known)| *known == name) {
                        Some((known, _)) => *known = until.max(*known),
                        None => given.push((until, name)),
                    }
                }
                Some(given)
            }
        };
        let names = given.iter().flatten().map(|(_, name)| name.clone());
        let lately = names.collect();
        self.written.insert(object, given, longest.max(until));
        lately
    }
}

/// A map whose entries end.
#[derive(Debug)]
struct Expiring<K, V> {
    entries: HashMap<K, (Instant, V)>,
    /// Keys in the order they came; one that came again stands here twice.
    order: VecDeque<(Instant, K)>,
}

impl<K, V> Default for Expiring<K, V> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Expiring<K, V> {
    fn insert(&mut self, key: K, value: V, until: Instant) {
        self.sweep();
        self.entries.insert(key.clone(), (until, value));
        self.order.push_back((until, key));
    }

    fn get(&self, key: &K) -> Option<&V> {
        let (until, value) = self.entries.get(key)?;
        (Instant::now() < *until).then_some(value)
    }

    /// What is kept under a key, and until when.
    fn lasting(&self, key: &K) -> Option<(Instant, V)> {
        let entry = self.entries.get(key);
        entry.filter(|(until, _)| Instant::now() < *until).cloned()
    }

    fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }

    /// Drops what has ended, and the oldest beyond [`MOST`].
    fn sweep(&mut self) {
        let now = Instant::now();
        while let Some((until, _)) = self.order.front()
            && (*until <= now || self.order.len() >= MOST)
            && let Some((until, key)) = self.order.pop_front()
        {
            // A later entry of the same key is another one.
            if self
                .entries
                .get(&key)
                .is_some_and(|(held, _)| *held == until)
            {
                self.entries.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_secs(5);

    fn name(value: &str) -> Name {
        Name {
            kind: ResourceKind::User,
            attribute: "userName".to_owned(),
            value: value.to_owned(),
            native: value.into(),
        }
    }

    fn id(text: &str) -> NativeId {
        NativeId::new(text)
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_is_kept_in_mind_for_as_long_as_look_ups_lag() {
        let recent = Recent::default();
        recent.wrote(ResourceKind::User, &id("u1"), vec![name("ada")], LAG);
        assert_eq!(recent.named(&name("ada")), [id("u1")]);
        assert!(recent.is_fresh(ResourceKind::User, &id("u1")));
        assert!(!recent.is_fresh(ResourceKind::Group, &id("u1")));
        tokio::time::advance(LAG).await;
        assert!(recent.named(&name("ada")).is_empty());
        assert!(!recent.is_fresh(ResourceKind::User, &id("u1")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_write_lasts_longer_and_two_may_have_had_a_name() {
        let recent = Recent::default();
        recent.wrote(ResourceKind::User, &id("u1"), vec![name("ada")], LAG);
        tokio::time::advance(LAG / 2).await;
        recent.wrote(ResourceKind::User, &id("u2"), vec![name("ada")], LAG);
        tokio::time::advance(LAG / 2).await;
        recent.wrote(ResourceKind::User, &id("u3"), vec![name("bob")], LAG);
        assert_eq!(recent.named(&name("ada")), [id("u1"), id("u2")]);
        assert!(!recent.is_fresh(ResourceKind::User, &id("u1")));
        assert!(recent.is_fresh(ResourceKind::User, &id("u2")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_gives_no_name_leaves_those_of_the_write_before() {
        let recent = Recent::default();
        let wrote = |names| recent.wrote(ResourceKind::User, &id("u1"), names, LAG);
        assert_eq!(wrote(vec![name("ada")]), [name("ada")]);
        tokio::time::advance(LAG / 2).await;
        assert_eq!(wrote(vec![name("king")]), [name("ada"), name("king")]);
        assert_eq!(wrote(vec![name("ada")]), [name("ada"), name("king")]);
        let other = recent.wrote(ResourceKind::User, &id("u2"), Vec::new(), LAG);
        assert!(other.is_empty());
        tokio::time::advance(LAG / 2).await;
        assert_eq!(wrote(Vec::new()), [name("ada"), name("king")]);
        tokio::time::advance(LAG / 2).await;
        assert!(wrote(Vec::new()).is_empty());
        recent.removed(ResourceKind::User, &id("u1"), LAG);
        assert!(wrote(Vec::new()).is_empty());
    }

    #[test]
    fn what_was_removed_is_gone_whatever_an_index_says() {
        let recent = Recent::default();
        recent.wrote(ResourceKind::User, &id("u1"), vec![name("ada")], LAG);
        recent.know(name("ada"), id("u1"));
        recent.removed(ResourceKind::User, &id("u1"), LAG);
        assert!(recent.is_gone(ResourceKind::User, &id("u1")));
        assert!(!recent.is_gone(ResourceKind::User, &id("u2")));
        assert_eq!(recent.known(&name("ada")), None);
    }

    #[test]
    fn whoever_is_renamed_has_one_name() {
        let recent = Recent::default();
        recent.know(name("ada"), id("u1"));
        recent.know(name("ada.king"), id("u1"));
        assert_eq!(recent.known(&name("ada")), None);
        assert_eq!(recent.known(&name("ada.king")), Some(id("u1")));
        // Another one has the name now, and the former bearer goes.
        recent.know(name("ada.king"), id("u2"));
        recent.removed(ResourceKind::User, &id("u1"), LAG);
        assert_eq!(recent.known(&name("ada.king")), Some(id("u2")));
    }

    #[test]
    fn however_much_is_written_only_so_much_is_kept() {
        let recent = Recent::default();
        for number in 0..MOST + 100 {
            let number = number.to_string();
            recent.wrote(ResourceKind::User, &id(&number), vec![name(&number)], LAG);
        }
        let notes = recent.notes();
        assert!(notes.named.entries.len() <= MOST);
        assert!(notes.named.order.len() <= MOST);
    }

    #[test]
    fn nothing_is_searched_among_all_that_was_written() {
        let recent = Recent::default();
        let names: Vec<_> = (0..MOST).map(|number| number.to_string()).collect();
        let ((), cpu) = crate::script::fiber::cpu_of(|| {
            for number in &names {
                recent.wrote(ResourceKind::User, &id(number), vec![name(number)], LAG);
            }
            for number in &names {
                assert_eq!(recent.named(&name(number)).len(), 1);
                assert!(recent.is_fresh(ResourceKind::User, &id(number)));
            }
        });
        assert!(cpu < Duration::from_secs(2), "{cpu:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_kept_over_a_restart_counts_for_the_rest_of_its_time() {
        let recent = Recent::default();
        let write = RecentWrite::of(
            ResourceKind::User,
            &id("u1"),
            Some(vec![name("ada")]),
            LAG,
            7,
        );
        let removed = RecentWrite::of(ResourceKind::User, &id("u2"), None, LAG, 7);
        recent.load(vec![write, removed], 7);
        assert_eq!(recent.named(&name("ada")), [id("u1")]);
        assert!(recent.is_gone(ResourceKind::User, &id("u2")));
        tokio::time::advance(LAG).await;
        assert!(recent.named(&name("ada")).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_before_a_later_write_takes_nothing_from_it() {
        let (user, recent) = (ResourceKind::User, Recent::default());
        let write = |native, names| RecentWrite::of(user, &id(native), names, LAG, 0);
        let read = vec![
            write("u1", Some(vec![name("ada")])),
            write("u2", Some(vec![name("bob")])),
        ];
        tokio::time::advance(LAG / 2).await;
        recent.wrote(user, &id("u1"), vec![name("king")], LAG);
        recent.removed(user, &id("u2"), LAG);
        recent.load(read, u64::try_from((LAG / 2).as_millis()).unwrap_or(0));
        assert_eq!(recent.named(&name("ada")), [id("u1")]);
        assert!(recent.is_gone(user, &id("u2")));
        tokio::time::advance(LAG / 2).await;
        assert!(recent.is_fresh(user, &id("u1")) && recent.is_gone(user, &id("u2")));
        assert_eq!(recent.named(&name("king")), [id("u1")]);
    }
}
