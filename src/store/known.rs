//! Which keys have a row, in memory: whoever asks for one that has none is answered without a
//! hop to the store's thread.
//!
//! A key that has a row is always here. One whose membership rows went one by one, or whose id
//! was taken over by another, may be here without a row until it is forgotten or the gateway
//! starts again; asking for it costs a hop and finds nothing.
//!
//! A row that is on its way in counts from before it is queued, so that who removes it is not
//! told that there is none; one on its way out, until it has gone. For each key 16 bytes are
//! kept and not the key: two hashes of 64 bits, keyed anew in every process. That two keys share
//! both is less likely than that the disk errs.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use super::sql::{Db, Result, Row};

/// Parts that are locked apart, so that one which grows holds few up.
const PARTS: usize = 64;

/// A table (one of the next three), a tenant, `user` or `group`, and a SCIM id.
pub(super) type Key<'a> = [&'a str; 4];

/// What is remembered of an object.
pub(super) const REMEMBERED: &str = "remembered";
/// The native key behind an id.
pub(super) const ISSUED_ID: &str = "issued_id";
/// A group's members, or a user's groups.
pub(super) const MEMBERSHIP: &str = "membership";

const ALL: &str = "SELECT 'remembered', tenant, kind, id FROM remembered
     UNION ALL SELECT 'issued_id', tenant, kind, id FROM issued_id
     UNION ALL SELECT DISTINCT 'membership', tenant, 'group', group_id FROM membership
     UNION ALL SELECT DISTINCT 'membership', tenant, 'user', member FROM membership";

/// The keys of one database that has no other writer.
pub(super) struct Known {
    keyed: [RandomState; 2],
    parts: [RwLock<Part>; PARTS],
}

/// What stands for a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Mark(u128);

#[derive(Default)]
struct Part {
    there: HashSet<Mark>,
    coming: HashMap<Mark, usize>,
}

impl Known {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            keyed: [RandomState::new(), RandomState::new()],
            parts: std::array::from_fn(|_| RwLock::default()),
        }
    }

    /// Whether a key may have a row, now or soon.
    pub(super) fn may_have(&self, key: Key<'_>) -> bool {
        let mark = self.mark(key);
        let part = self.part(mark).read();
        let part = part.unwrap_or_else(PoisonError::into_inner);
        part.there.contains(&mark) || part.coming.contains_key(&mark)
    }

    /// What stands for a key.
    pub(super) fn mark(&self, key: Key<'_>) -> Mark {
        let [high, low] = self.keyed.each_ref().map(|by| u128::from(by.hash_one(key)));
        Mark(high << 64 | low)
    }

    /// Takes all keys of the database in the place of those before.
    pub(super) fn load(&self, db: &Db<'_>) -> Result<()> {
        let mut found: [HashSet<Mark>; PARTS] = std::array::from_fn(|_| HashSet::new());
        let read =
            |row: &Row<'_>| Ok(self.mark([row.text(0)?, row.text(1)?, row.text(2)?, row.text(3)?]));
        for mark in db.rows(ALL, &[], read)? {
            found[place(mark)].insert(mark);
        }
        for (part, marks) in self.parts.iter().zip(found) {
            part.write().unwrap_or_else(PoisonError::into_inner).there = marks;
        }
        Ok(())
    }

    /// Takes note of keys whose rows a commit removed. For the writing thread, as
    /// [`Coming::arrived`]: what is known changes in the order of what was written.
    pub(super) fn gone(&self, marks: &[Mark]) {
        for mark in marks {
            self.change(*mark).there.remove(mark);
        }
    }

    /// Counts keys as having a row for as long as what is given back lives.
    pub(super) fn coming<'a>(self: &Arc<Self>, keys: impl Iterator<Item = Key<'a>>) -> Coming {
        let marks: Vec<_> = keys.map(|key| self.mark(key)).collect();
        for mark in &marks {
            *self.change(*mark).coming.entry(*mark).or_default() += 1;
        }
        Coming {
            known: Arc::clone(self),
            marks,
        }
    }

    fn change(&self, mark: Mark) -> RwLockWriteGuard<'_, Part> {
        let part = self.part(mark).write();
        part.unwrap_or_else(PoisonError::into_inner)
    }

    fn part(&self, mark: Mark) -> &RwLock<Part> {
        &self.parts[place(mark)]
    }
}

/// Rows on their way in.
pub(super) struct Coming {
    known: Arc<Known>,
    marks: Vec<Mark>,
}

impl Coming {
    /// Takes note that a commit put them in.
    pub(super) fn arrived(&self) {
        for mark in &self.marks {
            self.known.change(*mark).there.insert(*mark);
        }
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        for mark in &self.marks {
            let mut part = self.known.change(*mark);
            if let Entry::Occupied(mut count) = part.coming.entry(*mark) {
                *count.get_mut() -= 1;
                if *count.get() == 0 {
                    count.remove();
                }
            }
        }
    }
}

fn place(mark: Mark) -> usize {
    mark.0 as usize % PARTS
}
