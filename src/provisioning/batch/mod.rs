//! Batches: a vendor that takes writes by the job gets many requests' writes in one.
//!
//! A script's write function hands its operation to [`batch(name, item)`](crate::script::host) and is
//! suspended. The items of one tenant, from all threads, wait together for a short window; then
//! the script's `run_<name>(items)` carries them out on a fiber of its own, and each waiter gets
//! its own result. While it runs, and while the vendor's pace forbids another one, further items
//! gather for the next.
//!
//! # Promises
//! - *Neighbours*: an item's result is its waiter's alone; a batch that fails as a whole fails for
//!   all in it, each by the same fault.
//! - *Once*: an item is in one batch at most. What was taken into one and got no result has an
//!   unknown outcome, and the operation looks before anything is sent again.
//! - *Time*: who waits gives up before its own deadline. What no batch has taken by then is taken
//!   by none.
//! - *Leader*: the task that gathers belongs to no request, so it goes on when a client hangs up.
//!   Where it dies with its thread, those whose items were not taken begin again on their own.
//! - *Generation*: items are gathered among requests of one generation of the catalog; only the
//!   pace outlives a reload.

mod crew;
mod pace;
mod queue;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use crew::Crew;
use pace::Pace;
pub use pace::{BatchCounts, Limit};
use queue::Queue;

use crate::adapter::manifest::Manifest;

/// The batches of one tenant and generation, shared by all threads.
#[derive(Default)]
pub struct Batches {
    queues: BTreeMap<String, Arc<Queue>>,
}

impl Batches {
    /// Those a manifest has; without a limit the vendor takes any number of them.
    pub fn new(manifest: &Manifest, limit: Option<Limit>) -> Self {
        Self::default().under(manifest, limit)
    }

    /// Those of the next generation: nothing waits in them, and what is in flight still counts.
    #[must_use]
    pub fn under(&self, manifest: &Manifest, limit: Option<Limit>) -> Self {
        let queues = manifest.batch.iter().map(|(name, spec)| {
            let before = self.queues.get(name).map(|queue| &queue.pace);
            let pace = before.filter(|pace| pace.is(spec.in_flight, limit.as_ref()));
            let pace = pace.cloned();
            let pace = pace.unwrap_or_else(|| Arc::new(Pace::new(spec.in_flight, limit.clone())));
            (name.clone(), Arc::new(Queue::new(name, *spec, pace)))
        });
        Self {
            queues: queues.collect(),
        }
    }

    fn queue(&self, name: &str) -> Option<&Arc<Queue>> {
        self.queues.get(name)
    }
}
