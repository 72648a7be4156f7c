//! What the call port, the control port and the owner of an [`super::Emulator`] look at together.

use super::clock::Clock;
use super::counters::Counters;
use super::fault::{FaultTable, Plan};
use super::journal::{Journal, JournalEntry, Line};
use super::vendor::{Answer, Call, Refused, Vendor};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One lock over everything: no step takes longer than a few microseconds, and no state is seen
/// between two of them.
pub(super) struct Shared(Mutex<Desk>);

/// Makes the vendor as it was started.
type Make = Box<dyn Fn() -> Box<dyn Vendor> + Send>;

pub(super) struct Desk {
    pub(super) vendor: Box<dyn Vendor>,
    make: Make,
    pub(super) faults: FaultTable,
    pub(super) journal: Journal,
    pub(super) counters: Counters,
    pub(super) clock: Clock,
    pub(super) latency: Duration,
    started_latency: Duration,
    in_work: HashSet<String>,
}

/// A call that was let in.
pub(super) struct Admitted {
    pub(super) line: Line,
    pub(super) plan: Plan,
    pub(super) latency: Duration,
}

impl Shared {
    pub(super) fn new(make: Make, latency: Duration) -> Self {
        Self(Mutex::new(Desk {
            vendor: make(),
            make,
            faults: FaultTable::default(),
            journal: Journal::default(),
            counters: Counters::default(),
            clock: Clock::default(),
            latency,
            started_latency: latency,
            in_work: HashSet::new(),
        }))
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// Writes the call into the books and looks which faults it meets.
    pub(super) fn admit(&mut self, call: &Call) -> Admitted {
        let client = self.vendor.client(call);
        let route = self.vendor.route(call);
        self.counters.arrived(route, self.vendor.is_write(call));
        let plan = self.faults.meet(call, route, client.as_deref());
        let line = self.journal.arrived(call, self.clock.now(), route, client);
        if let Some(name) = plan.name {
            self.journal.met_fault(line, name);
        }
        Admitted {
            line,
            plan,
            latency: self.latency,
        }
    }

    /// Claims what the call works on, until [`Desk::work`]; `Err` is the vendor's word that another call has it.
    pub(super) fn claim(&mut self, call: &Call, line: Line) -> Result<Option<String>, Answer> {
        let key = self.vendor.works_on(call);
        match &key {
            Some(key) if !self.in_work.insert(key.clone()) => {
                let answer = self.vendor.busy();
                Err(self.decided(line, answer))
            }
            _ => Ok(key),
        }
    }

    /// Does the work and lets go of the claim.
    pub(super) fn work(&mut self, call: &Call, claim: Option<String>, line: Line) -> Answer {
        if let Some(key) = claim {
            self.in_work.remove(&key);
        }
        let now = self.clock.now();
        let answer = self.vendor.answer(call, now);
        self.decided(line, answer)
    }

    pub(super) fn entries(&self, bodies: bool) -> Vec<JournalEntry> {
        self.journal.entries(self.vendor.secret_headers(), bodies)
    }

    /// All of the rows, or none.
    pub(super) fn seed(&mut self, rows: Value) -> Result<(), Refused> {
        let mut vendor = self.vendor.copied();
        vendor.seed(rows, self.clock.now())?;
        self.vendor = vendor;
        Ok(())
    }

    pub(super) fn reset(&mut self) {
        self.vendor = (self.make)();
        self.faults = FaultTable::default();
        self.journal.clear();
        self.counters = Counters::default();
        self.clock = Clock::default();
        self.latency = self.started_latency;
    }

    fn decided(&mut self, line: Line, answer: Answer) -> Answer {
        self.journal.decided(line, answer.status);
        self.counters.decided(answer.status, answer.duplicate);
        answer
    }
}
