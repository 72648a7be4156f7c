//! One part: what serves of it, and what was last seen of it on disk.

use crate::catalog::disk::Seen;
use crate::catalog::fingerprint::Fingerprint;
use crate::catalog::standing::{Finding, Part, State, now};

/// One vendor, tenant or certificate.
#[derive(Clone, Debug)]
pub(super) struct Slot<T> {
    running: Option<(T, Seen)>,
    disk: Option<Seen>,
    findings: Vec<Finding>,
    since: String,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            running: None,
            disk: None,
            findings: Vec::new(),
            since: now(),
        }
    }
}

impl<T> Slot<T> {
    /// What serves.
    pub(super) fn running(&self) -> Option<&T> {
        self.running.as_ref().map(|(value, _)| value)
    }

    /// The same, to be put right without a new version.
    pub(super) fn running_mut(&mut self) -> Option<&mut T> {
        self.running.as_mut().map(|(value, _)| value)
    }

    /// Of what serves, as it may be shown.
    pub(super) fn shown(&self) -> Option<Fingerprint> {
        self.running.as_ref().map(|(_, seen)| seen.shown)
    }

    /// Whether this is something else than what was last tried.
    pub(super) fn is_new(&self, seen: Seen) -> bool {
        self.disk.is_none_or(|tried| tried.all != seen.all)
    }

    /// Whether what serves is what lies on disk.
    pub(super) fn is_live(&self) -> bool {
        self.state() == State::Live
    }

    /// A good version, with what there is to say of it all the same.
    pub(super) fn take(&mut self, value: T, seen: Seen, findings: Vec<Finding>) {
        self.running = Some((value, seen));
        self.disk = Some(seen);
        self.findings = findings;
        self.since = now();
    }

    /// No good version: a broken one, or with `None` nothing at all. What serves stays.
    pub(super) fn refuse(&mut self, seen: Option<Seen>, findings: Vec<Finding>) {
        if self.disk != seen {
            self.since = now();
        }
        self.disk = seen;
        self.findings = findings;
    }

    /// What else there is to say of it.
    pub(super) fn remark(&mut self, findings: Vec<Finding>) {
        self.findings.extend(findings);
    }

    fn state(&self) -> State {
        match (&self.running, self.disk) {
            (None, _) => State::Unusable,
            (Some((_, running)), Some(disk)) if running.all == disk.all => State::Live,
            (Some(_), _) => State::Kept,
        }
    }

    /// For people.
    pub(super) fn part(&self) -> Part {
        Part {
            state: self.state(),
            running: self.shown().map(|shown| shown.to_string()),
            disk: self.disk.map(|seen| seen.shown.to_string()),
            since: self.since.clone(),
            problems: self.findings.clone(),
            transcripts: None,
            built_in: false,
        }
    }
}
