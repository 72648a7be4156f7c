//! SQLite: one file, no server.
//!
//! Two threads, each with one connection: one writes, one reads. Writes that wait together share
//! one commit and one `fsync`, each in its own savepoint, so that a failing one takes none of its
//! neighbours along. A read that starts after a write was acknowledged sees it (WAL: a read begins
//! on the newest commit). What was written moves from the log to the file once a second, between
//! two commits ([`upkeep`]).

mod fault;
mod open;
mod schema;
mod upkeep;

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, MAIN_DB, Transaction, TransactionBehavior};

use super::known::Known;
use super::lane::{self, Command, Commands};
use super::sql::Db;
use crate::provisioning::memory::MemoryError;
pub(super) use fault::unavailable;
pub(super) use open::take;
use upkeep::Upkeep;

/// Commands of one transaction at most: some 5 ms of work, so that the first
/// of them does not wait long for the commit of the last. Measured on a local
/// disk with 8,000 `fsync`/s, debug build: each write in its own transaction
/// 5,000/s; together 22,000/s when 8 wait and 42,000/s when 64 do.
const BATCH: usize = 256;

/// A connection, and what its transactions begin with.
pub(super) struct Link {
    connection: Connection,
    behavior: TransactionBehavior,
    /// Of the one that writes to a file.
    upkeep: Option<Upkeep>,
}

impl Link {
    /// The one that writes. Creates directory, file and tables.
    pub(super) fn writer(path: &Path) -> Result<Self, MemoryError> {
        let mut connection = open::writer(path)?;
        schema::migrate(&mut connection)?;
        // On a read-only file system SQLite opens the file to read it, and says so only when asked.
        if connection.is_readonly(MAIN_DB).map_err(unavailable)? {
            let read_only = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY);
            return Err(unavailable(rusqlite::Error::SqliteFailure(read_only, None)));
        }
        Ok(Self {
            upkeep: Some(Upkeep::of(&connection)?),
            connection,
            behavior: TransactionBehavior::Immediate,
        })
    }

    /// One that refuses to write.
    pub(super) fn reader(path: &Path) -> Result<Self, MemoryError> {
        Ok(Self {
            connection: open::reader(path)?,
            behavior: TransactionBehavior::Deferred,
            upkeep: None,
        })
    }

    /// One that leaves no trace.
    pub(super) fn onlooker(path: &Path) -> Result<Self, MemoryError> {
        Ok(Self {
            connection: open::onlooker(path)?,
            behavior: TransactionBehavior::Deferred,
            upkeep: None,
        })
    }

    /// One to a database of its own that is gone with it.
    pub(super) fn in_memory() -> Result<Self, MemoryError> {
        let mut connection = Connection::open_in_memory().map_err(unavailable)?;
        schema::migrate(&mut connection)?;
        Ok(Self {
            connection,
            behavior: TransactionBehavior::Immediate,
            upkeep: None,
        })
    }

    /// The keys that have a row, for whoever hands commands to this one.
    pub(super) fn known(&mut self) -> Result<Arc<Known>, MemoryError> {
        let known = Arc::new(Known::new());
        known.load(&self.db()).map_err(lane::unavailable)?;
        if let Some(upkeep) = &mut self.upkeep {
            upkeep.known = Some(Arc::clone(&known));
        }
        Ok(known)
    }

    /// The database outside a transaction.
    pub(super) fn db(&self) -> Db<'_> {
        Db::Sqlite(&self.connection)
    }

    /// Starts the thread that carries out `commands`.
    pub(super) fn serve(mut self, name: &str, mut commands: Commands) -> Result<(), MemoryError> {
        lane::thread(name, move || {
            let mut batch = Vec::with_capacity(BATCH);
            while self.receive(&mut commands, &mut batch) {
                if !batch.is_empty() {
                    let committed = self.transact(&mut batch).map_err(unavailable);
                    for command in batch.drain(..) {
                        command.answer(&committed);
                    }
                }
                if let Some(upkeep) = &mut self.upkeep {
                    upkeep.tend(&self.connection);
                }
            }
        })
    }

    /// Waits for commands, or until the upkeep is due; `false` when none will come any more.
    fn receive(&mut self, commands: &mut Commands, batch: &mut Vec<Box<dyn Command>>) -> bool {
        match &mut self.upkeep {
            Some(upkeep) => upkeep.receive(commands, batch, BATCH),
            None => commands.blocking_recv_many(batch, BATCH) > 0,
        }
    }

    /// Runs whatever waits as one transaction.
    fn transact(&mut self, batch: &mut [Box<dyn Command>]) -> rusqlite::Result<()> {
        let mut transaction = self.connection.transaction_with_behavior(self.behavior)?;
        for command in batch {
            attempt(&mut transaction, command.as_mut())?;
        }
        transaction.commit()
    }
}

/// Runs one command; what a failing or panicking one did is undone.
fn attempt(transaction: &mut Transaction<'_>, command: &mut dyn Command) -> rusqlite::Result<()> {
    let savepoint = transaction.savepoint()?;
    if lane::attempt(command, &Db::Sqlite(&savepoint)) {
        return savepoint.commit();
    }
    drop(savepoint);
    still_open(transaction)
}

/// A full disk or an I/O error makes SQLite roll back the whole transaction by
/// itself (sqlite.org/lang_transaction.html §3.2). Going on would commit the
/// rest of the batch piecemeal and then call all of it failed.
fn still_open(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    if transaction.is_autocommit() {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR),
            Some("the transaction was rolled back".into()),
        ));
    }
    Ok(())
}
