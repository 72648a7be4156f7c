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

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use super::Store;
use super::health::Tallies;
use crate::adapter::keys::TenantId;
use crate::provisioning::memory::MemoryError;
use crate::provisioning::trace::{Ended, Witness};
pub use read::{Filter, Order, Page};

/// Stories that may wait to be written: some seconds of all that one machine can serve.
const ROOM: usize = 8192;

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
        if is_kept(story, self.reads) {
            match heard.closed || heard.stories.len() >= self.room {
                true => self.lose(1),
                false => heard.stories.push(Arc::clone(story)),
            }
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
