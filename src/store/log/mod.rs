//! The provisioning log: what became of each request, for as long as it is kept.
//!
//! [`Log`] is the [`Witness`] that writes it. Worker threads lay ended stories down, wake nobody
//! and go on; a request that only read bumps a count. A thread of the log's own looks ten times a
//! second, makes events of what lies there, and hands them to the store many at a time. When
//! there is no room left events are lost, counted and told: the log never slows a request down.
//! [`Store::events`] and [`Store::event`] read it, [`Store::health`] judges it.

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use super::Store;
use super::health::Tallies;
use crate::adapter::keys::TenantId;
use crate::provisioning::memory::MemoryError;
use crate::provisioning::trace::{Deed, End, Ended, Witness};
pub use read::{Filter, Order, Page};

/// Stories that may wait to be written: some seconds of all that one machine can serve.
const ROOM: usize = 8192;

/// The part of the room that one tenant's stories may take.
const SHARE: usize = 4;
/// A tenant over its rate is told of once in this time; the counts tell of the rest.
const REFUSAL_EVERY: Duration = Duration::from_secs(60);

/// What is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Which requests that only read.
    pub reads: Reads,
    /// How long.
    pub retention: Duration,
    /// How many events at most; the oldest go first.
    pub most: u64,
}

/// Which reading requests are kept. Writes always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// All. Entra reads each user in every cycle.
    All,
    /// Those that failed.
    Failures,
    /// None.
    None,
}

/// The writing end of the provisioning log.
pub struct Log {
    desk: Arc<Desk>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Where worker threads lay down what the log's thread picks up.
struct Desk {
    reads: Reads,
    room: usize,
    heard: Mutex<Heard>,
    lost: AtomicU64,
}

/// What was heard since it was last picked up.
#[derive(Default)]
struct Heard {
    stories: Vec<Arc<Ended>>,
    /// How many of them are whose.
    waiting: HashMap<TenantId, usize>,
    /// When a tenant over its rate was last told of.
    refusals: HashMap<TenantId, Instant>,
    tallies: Tallies,
    closed: bool,
}

impl Log {
    /// Starts the log's thread, which writes to `store` and removes what `rules` no longer keep.
    ///
    /// # Errors
    /// The operating system has no thread left.
    pub fn open(store: Store, rules: Rules) -> Result<Arc<Self>, MemoryError> {
        let desk = Arc::new(Desk::new(rules.reads, ROOM));
        let writer = write::Writer::new(store, rules, Arc::clone(&desk))?;
        let thread = thread::Builder::new()
            .name("provisioning-log".into())
            .spawn(move || writer.run())
            .map_err(|error| MemoryError(format!("no thread for the provisioning log: {error}")))?;
        Ok(Arc::new(Self {
            desk,
            thread: Mutex::new(Some(thread)),
        }))
    }

    /// How many events were lost because there was no room or the store did not take them.
    pub fn lost(&self) -> u64 {
        self.desk.lost.load(Ordering::Relaxed)
    }

    /// Writes what waits and ends the thread. What is heard later is lost. Blocks.
    pub fn close(&self) {
        self.desk.heard().closed = true;
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

impl Witness for Log {
    fn ended(&self, story: &Arc<Ended>) {
        self.desk.ended(story);
    }

    fn refused(&self, tenant: &TenantId) {
        self.desk.refused(tenant, SystemTime::now());
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.close();
    }
}

impl Desk {
    fn new(reads: Reads, room: usize) -> Self {
        Self {
            reads,
            room,
            heard: Mutex::default(),
            lost: AtomicU64::new(0),
        }
    }

    fn ended(&self, story: &Arc<Ended>) {
        let mut heard = self.heard();
        heard.tallies.ended(story);
        if !is_kept(story, self.reads) || heard.is_one_of_many(story) {
            return;
        }
        let has_room = !heard.closed && heard.stories.len() < self.room;
        match has_room && heard.waits(story, (self.room / SHARE).max(1)) {
            true => heard.stories.push(Arc::clone(story)),
            false => self.lose(1),
        }
    }

    fn refused(&self, tenant: &TenantId, at: SystemTime) {
        self.heard().tallies.refused(tenant, at);
    }

    fn lose(&self, events: usize) {
        self.lost.fetch_add(events as u64, Ordering::Relaxed);
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    /// Whether one more of its tenant's stories may wait; it is counted then.
    fn waits(&mut self, story: &Ended, most: usize) -> bool {
        let waiting = self.waiting.entry(story.asked.tenant.clone()).or_default();
        let has_room = *waiting < most;
        *waiting += usize::from(has_room);
        has_room
    }

    /// Whether it is a request over its tenant's rate, and not the first of late: they are as many
    /// as somebody likes to send, and tell nothing but their number.
    fn is_one_of_many(&mut self, story: &Ended) -> bool {
        let is_refusal = story.subject.deed == Deed::Unread
            && matches!(story.end, End::Failed { status: 429, .. });
        if !is_refusal {
            return false;
        }
        let told = self.refusals.get(&story.asked.tenant);
        if told.is_some_and(|told| told.elapsed() < REFUSAL_EVERY) {
            return true;
        }
        let tenant = story.asked.tenant.clone();
        self.refusals.insert(tenant, Instant::now());
        false
    }
}

/// Reading leaves nothing behind, and Entra reads each user in every cycle: kept, reads would
/// push what changed somebody out of the log.
fn is_kept(story: &Ended, reads: Reads) -> bool {
    story.is_write()
        || match reads {
            Reads::All => true,
            Reads::Failures => story.is_failure(),
            Reads::None => false,
        }
}
