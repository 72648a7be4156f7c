//! What the gateway keeps on disk: SQLite, one file, no server.
//!
//! [`Store`] is a handle that every thread may clone. Behind it stand two
//! threads of its own, each with one connection: one writes, one reads. A
//! caller's future waits on a oneshot and belongs to no reactor, so that it
//! works from any worker's runtime, from the command line and from tests.
//!
//! - A write is acknowledged after its commit reached the disk; a read that
//!   starts after that sees it (WAL: a read begins on the newest commit).
//! - Writes that wait together share one commit and one `fsync`, each in its
//!   own savepoint, so that a failing one takes none of its neighbours along.
//! - A caller that stops waiting does not undo a write that is already queued.
//!
//! [`log`] is the provisioning log, [`health`] what it says of a tenant. Intents
//! (reliability: the fence before a non-idempotent vendor call) become one more file
//! here, with a migration; nothing else has to change for them.

mod admins;
mod fault;
pub mod health;
mod lane;
pub mod log;
mod memory;
mod open;
mod schema;
mod tokens;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use rusqlite::{Connection, TransactionBehavior};

use crate::adapter::memory::{MemoryError, Recall};
use lane::Lane;

/// A handle to the gateway's database. Cloning is cheap; the threads end with
/// the last clone, after what was queued.
#[derive(Clone)]
pub struct Store {
    writes: Lane,
    reads: Lane,
    held_tokens: bool,
    faults: Arc<AtomicU64>,
}

impl Store {
    /// Opens the database at `path`, creating the directory (0700), the file
    /// (0600) and the tables where they are missing. Blocks; meant for start-up.
    ///
    /// # Errors
    /// The place cannot be written, the file is no database, its schema is
    /// newer than this program, or its file system has no shared memory for
    /// WAL (network file systems). The text names the path and the remedy.
    pub fn open(path: &Path) -> Result<Self, MemoryError> {
        let mut writer = open::writer(path)?;
        schema::migrate(&mut writer)?;
        let faults = Arc::<AtomicU64>::default();
        Ok(Self {
            held_tokens: tokens::any(&writer)?,
            writes: Lane::start(
                "store-write",
                writer,
                TransactionBehavior::Immediate,
                Arc::clone(&faults),
            )?,
            reads: Lane::start(
                "store-read",
                open::reader(path)?,
                TransactionBehavior::Deferred,
                Arc::clone(&faults),
            )?,
            faults,
        })
    }

    /// An empty database that is gone with the last handle.
    ///
    /// # Errors
    /// No memory or no thread to be had.
    pub fn in_memory() -> Result<Self, MemoryError> {
        let mut connection = Connection::open_in_memory().map_err(fault::unavailable)?;
        schema::migrate(&mut connection)?;
        let faults = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&faults);
        let lane = Lane::start("store", connection, TransactionBehavior::Immediate, counted)?;
        Ok(Self {
            writes: lane.clone(),
            reads: lane,
            held_tokens: false,
            faults,
        })
    }

    /// Whether there were tokens in the database when it was opened.
    pub fn held_tokens(&self) -> bool {
        self.held_tokens
    }

    /// Commands that could not be carried out so far; the count outlives the handle and
    /// keeps no thread.
    pub fn faults(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.faults)
    }

    /// Whether the database answers: for readiness.
    ///
    /// # Errors
    /// What keeps it from answering.
    pub async fn reachable(&self) -> Result<(), MemoryError> {
        self.read(|db| db.query_row("SELECT 1", [], |_| Ok(())))
            .await
    }

    /// Runs `work` in a transaction; the answer comes after the commit.
    fn write<T, F>(&self, work: F) -> Recall<'_, T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        Box::pin(self.writes.ask(work))
    }

    /// Runs `work` on one consistent state that holds every write acknowledged so far.
    fn read<T, F>(&self, work: F) -> Recall<'_, T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        Box::pin(self.reads.ask(work))
    }
}
