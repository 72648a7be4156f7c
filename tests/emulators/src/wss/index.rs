//! What look-ups and lists see: the rows as they were a while ago.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// Rows by key, and those that become visible later.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    rows: BTreeMap<String, Value>,
    coming: VecDeque<(Timestamp, String, Option<Value>)>,
    as_of: Option<Timestamp>,
}

impl Index {
    /// Notes a row, or its end (`None`), written `at` and seen `lag_ms` later.
    pub(super) fn note(&mut self, key: &str, row: Option<Value>, at: Timestamp, lag_ms: u64) {
        let lag = SignedDuration::from_millis(i64::try_from(lag_ms).unwrap_or(i64::MAX));
        let seen = at.checked_add(lag).unwrap_or(Timestamp::MAX);
        self.coming.push_back((seen, key.to_owned(), row));
    }

    /// Goes on to `now`. What was noted later is not seen sooner.
    pub(super) fn catch_up(&mut self, now: Timestamp) {
        while self.coming.front().is_some_and(|(seen, ..)| *seen <= now)
            && let Some((_, key, row)) = self.coming.pop_front()
        {
            match row {
                Some(row) => drop(self.rows.insert(key, row)),
                None => drop(self.rows.remove(&key)),
            }
        }
        self.as_of = Some(now);
    }

    /// The rows, in the order of their keys.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.rows.iter()
    }

    /// When it was last brought up to date.
    pub(super) fn as_of(&self) -> String {
        self.as_of.unwrap_or_default().to_string()
    }
}
