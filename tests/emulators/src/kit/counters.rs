//! How often what was asked and refused: the oracle for "one operation, one call".

use serde::Serialize;
use std::collections::BTreeMap;

/// Totals since the start or the last reset. Faults do not count as refusals; the vendor's own answers do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Calls that arrived.
    pub calls: u64,
    /// Calls meant to change something, whatever became of them.
    pub writes: u64,
    /// Calls the vendor refused with 4xx: the caller's own mistakes.
    pub refused: u64,
    /// Second accounts or groups of the same name that the vendor refused.
    pub duplicates: u64,
    /// Calls by `METHOD /path/{template}`.
    pub by_route: BTreeMap<&'static str, u64>,
}

impl Counters {
    /// Calls of one route; 0 when there was none.
    pub fn of(&self, route: &str) -> u64 {
        self.by_route.get(route).copied().unwrap_or(0)
    }

    pub(super) fn arrived(&mut self, route: &'static str, write: bool) {
        self.calls += 1;
        self.writes += u64::from(write);
        *self.by_route.entry(route).or_default() += 1;
    }

    pub(super) fn decided(&mut self, status: u16, duplicate: bool) {
        self.refused += u64::from((400..500).contains(&status));
        self.duplicates += u64::from(duplicate);
    }
}
