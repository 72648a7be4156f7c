//! The provisioning log: what became of each request, for as long as it is kept.
//!
//! [`Log`] is the [`Witness`] that writes it. Worker threads put ended stories into a bounded
//! queue and go on; a thread of the log's own makes events of them and hands them to the store
//! many at a time. When the queue is full events are lost and counted: the log never slows a
//! request down. [`Store::events`] and [`Store::event`] read it, [`Store::health`] judges it.

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use super::Store;
use crate::adapter::keys::TenantId;
use crate::provisioning::memory::MemoryError;
use crate::provisioning::trace::{Ended, Witness};
pub use read::{Filter, Order, Page};

/// Stories that may wait to be written: some seconds of all that one machine can serve.
const QUEUE: usize = 8192;

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
    queue: SyncSender<Heard>,
    lost: Arc<AtomicU64>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the log's thread is told.
enum Heard {
    Ended(Arc<Ended>),
    Refused(TenantId, SystemTime),
    /// Write what waits, and end.
    Close,
}

impl Log {
    /// Starts the log's thread, which writes to `store` and removes what `rules` no longer keep.
    ///
    /// # Errors
    /// The operating system has no thread left.
    pub fn open(store: Store, rules: Rules) -> Result<Arc<Self>, MemoryError> {
        let (queue, heard) = sync_channel(QUEUE);
        let lost = Arc::<AtomicU64>::default();
        let writer = write::Writer::new(store, rules, Arc::clone(&lost))?;
        let thread = thread::Builder::new()
            .name("provisioning-log".into())
            .spawn(move || writer.run(&heard))
            .map_err(|error| MemoryError(format!("no thread for the provisioning log: {error}")))?;
        Ok(Arc::new(Self {
            queue,
            lost,
            thread: Mutex::new(Some(thread)),
        }))
    }

    /// How many events were lost because the queue was full or the store did not take them.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes what waits and ends the thread. What is heard later is lost. Blocks.
    pub fn close(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = self.queue.send(Heard::Close);
            let _ = thread.join();
        }
    }

    fn hear(&self, heard: Heard) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.queue.try_send(heard)
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Witness for Log {
    fn ended(&self, story: &Arc<Ended>) {
        self.hear(Heard::Ended(Arc::clone(story)));
    }

    fn refused(&self, tenant: &TenantId) {
        self.hear(Heard::Refused(tenant.clone(), SystemTime::now()));
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.close();
    }
}
