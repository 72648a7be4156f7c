//! What the gateway keeps: in SQLite, one file and no server, or in PostgreSQL, where several
//! replicas share it.
//!
//! [`Store`] is a handle that every thread may clone. Behind it stand threads of its own. A caller's
//! future waits on a oneshot and belongs to no reactor, so that it works from any worker's runtime,
//! from the command line and from tests.
//!
//! - A write is acknowledged after its commit reached the disk; a read that
//!   starts after that sees it.
//! - Writes of one tenant come one after another, also those of other replicas.
//! - What has no row is not asked for where the database has one writer ([`known`]).
//! - A caller that stops waiting does not undo a write that is already queued.
//!
//! [`sql`] lets the statements be written once; [`sqlite`] and [`postgres`] are what differs.
//! [`log`] is the provisioning log, [`health`] what it says of a tenant, [`intents`] what is
//! begun at vendors and whether anything can be written.

mod admins;
mod batch_counts;
mod commits;
pub mod health;
mod intents;
mod known;
mod lane;
pub mod log;
mod memory;
pub mod postgres;
mod rehearsal;
mod sql;
mod sqlite;
mod tenants;
mod tokens;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::provisioning::lease::Lease;
use crate::provisioning::locks::SharedLocks;
use crate::provisioning::memory::{MemoryError, Recall};
use commits::Commits;
use known::Known;
use lane::{Lane, Turn};
use postgres::Address;
use sql::Db;

/// A handle to the gateway's database. Cloning is cheap; the threads end with
/// the last clone, after what was queued.
#[derive(Clone)]
pub struct Store {
    writes: Lane,
    reads: Lane,
    /// What need not be asked for; `None` where others write too.
    known: Option<Arc<Known>>,
    locks: Option<Arc<postgres::Locks>>,
    /// What is written is written under it.
    lease: Lease,
    held_tokens: bool,
    faults: Arc<AtomicU64>,
    commits: Arc<Commits>,
    /// Keeps other processes from serving from the same file.
    _taken: Option<Arc<File>>,
}

impl Store {
    /// Opens the SQLite database at `path`, creating the directory (0700), the file
    /// (0600) and the tables where they are missing. Blocks; meant for start-up.
    ///
    /// # Errors
    /// The place cannot be written, the file is no database, its schema is
    /// newer than this program, or its file system has no shared memory for
    /// WAL (network file systems). The text names the path and the remedy.
    pub fn open(path: &Path) -> Result<Self, MemoryError> {
        let faults = Arc::<AtomicU64>::default();
        let (writes, written) = Lane::new(Arc::clone(&faults));
        let (reads, read) = Lane::new(Arc::clone(&faults));
        let mut writer = sqlite::Link::writer(path)?;
        let held_tokens = tokens::any(&writer.db()).map_err(lane::unavailable)?;
        let known = writer.known()?;
        writer.serve("store-write", written)?;
        sqlite::Link::reader(path)?.serve("store-read", read)?;
        Ok(Self {
            writes,
            reads,
            known: Some(known),
            locks: None,
            lease: Lease::default(),
            held_tokens,
            faults,
            commits: Arc::default(),
            _taken: None,
        })
    }

    /// The same for the process that serves from it: what is in the database is known in memory, so
    /// that each of two would miss what the other one writes.
    ///
    /// # Errors
    /// As for [`open`](Self::open), or another process serves from it.
    pub fn open_to_serve(path: &Path) -> Result<Self, MemoryError> {
        let taken = sqlite::take(path)?;
        Ok(Self {
            _taken: Some(Arc::new(taken)),
            ..Self::open(path)?
        })
    }

    /// Opens a SQLite database that is there, to read from it only: also beside a running gateway.
    ///
    /// # Errors
    /// There is none at `path`, or it cannot be read. Every write fails.
    pub fn open_to_read(path: &Path) -> Result<Self, MemoryError> {
        Self::of_one(sqlite::Link::onlooker(path)?, None)
    }

    /// An empty database that is gone with the last handle.
    ///
    /// # Errors
    /// No memory or no thread to be had.
    pub fn in_memory() -> Result<Self, MemoryError> {
        let mut link = sqlite::Link::in_memory()?;
        let known = link.known()?;
        Self::of_one(link, Some(known))
    }

    /// Connects to a PostgreSQL database, which other replicas may share, and creates the tables
    /// where they are missing. Blocks; meant for start-up.
    ///
    /// # Errors
    /// It cannot be reached, refuses us, or its schema is newer than this program. The text names
    /// the remedy and never the password.
    pub fn connect(address: Address) -> Result<Self, MemoryError> {
        let faults = Arc::<AtomicU64>::default();
        let (writes, written) = Lane::new(Arc::clone(&faults));
        let (reads, read) = Lane::new(Arc::clone(&faults));
        let served = postgres::serve(address, written, read)?;
        Ok(Self {
            writes,
            reads,
            known: None,
            locks: Some(served.locks),
            lease: Lease::default(),
            held_tokens: served.held_tokens,
            faults,
            commits: Arc::default(),
            _taken: None,
        })
    }

    /// Connects to a PostgreSQL database, to read from it only. Blocks.
    ///
    /// # Errors
    /// It cannot be reached or refuses us. Every write fails.
    pub fn connect_to_read(address: Address) -> Result<Self, MemoryError> {
        let faults = Arc::<AtomicU64>::default();
        let (reads, read) = Lane::new(Arc::clone(&faults));
        postgres::serve_to_read(address, read)?;
        Ok(Self {
            writes: reads.clone(),
            reads,
            known: None,
            locks: None,
            lease: Lease::default(),
            held_tokens: false,
            faults,
            commits: Arc::default(),
            _taken: None,
        })
    }

    fn of_one(link: sqlite::Link, known: Option<Arc<Known>>) -> Result<Self, MemoryError> {
        let faults = Arc::<AtomicU64>::default();
        let (lane, commands) = Lane::new(Arc::clone(&faults));
        link.serve("store", commands)?;
        Ok(Self {
            writes: lane.clone(),
            reads: lane,
            known,
            locks: None,
            lease: Lease::default(),
            held_tokens: false,
            faults,
            commits: Arc::default(),
            _taken: None,
        })
    }

    /// Whether there were tokens in the database when it was opened.
    pub fn held_tokens(&self) -> bool {
        self.held_tokens
    }

    /// Makes this process one of the replicas that share this database, and gives the locks that
    /// they all respect; `None` where the database is one gateway's own. Blocks until the database
    /// answers, for ten seconds at most.
    pub fn shared_locks(&self) -> Option<Arc<dyn SharedLocks>> {
        let locks = self.locks.clone()?;
        locks.join();
        Some(locks)
    }

    /// The same store for one request: it writes nothing once `lease` has ended.
    #[must_use]
    pub fn under(&self, lease: Lease) -> Self {
        Self {
            lease,
            ..self.clone()
        }
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
        self.read(|db| db.row("SELECT 1", &[], |_| Ok(())).map(drop))
            .await
    }

    /// Runs `work` in a transaction when it is its turn; the answer comes after the commit.
    fn write<T, F>(&self, turn: Turn, work: F) -> Recall<'_, T>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> sql::Result<T> + Send + 'static,
    {
        self.write_then(turn, work, |_| ())
    }

    /// The same, with something to do right after the commit, on the thread that writes.
    fn write_then<T, F, N>(&self, turn: Turn, work: F, then: N) -> Recall<'_, T>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> sql::Result<T> + Send + 'static,
        N: FnOnce(&T) + Send + 'static,
    {
        Box::pin(async move {
            let lease = self.lease.clone();
            let written = self.writes.ask(turn, lease, work, then).await;
            self.commits.note(written.is_ok());
            written
        })
    }

    /// Runs `work` on one consistent state that holds every write acknowledged so far.
    fn read<T, F>(&self, work: F) -> Recall<'_, T>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> sql::Result<T> + Send + 'static,
    {
        Box::pin(self.reads.ask(Turn::Any, Lease::default(), work, |_| ()))
    }
}
