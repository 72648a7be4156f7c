//! What the writing thread does beside writing, once a second and between two commits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::super::known::Known;
use super::super::lane::{self, Command, Commands};
use super::super::sql::Db;
use super::unavailable;
use crate::provisioning::memory::MemoryError;

const EVERY: Duration = Duration::from_secs(1);

/// The state of it.
pub(super) struct Upkeep {
    /// What is read again when somebody else has written.
    pub(super) known: Option<Arc<Known>>,
    /// To wait with until it is due; it has no threads and no I/O.
    runtime: Runtime,
    tended: Instant,
    /// Pages may wait in the write-ahead log.
    written: bool,
    /// SQLite's number of what others committed.
    others: i64,
}

impl Upkeep {
    /// For a connection to a file. From now on no commit moves pages from the log to the file.
    pub(super) fn of(connection: &Connection) -> Result<Self, MemoryError> {
        let runtime = Builder::new_current_thread().enable_time().build();
        connection
            .pragma_update(None, "wal_autocheckpoint", 0)
            .map_err(unavailable)?;
        Ok(Self {
            known: None,
            runtime: runtime
                .map_err(|error| MemoryError(format!("no timer for the store: {error}")))?,
            tended: Instant::now(),
            written: true,
            others: others(connection).map_err(unavailable)?,
        })
    }

    /// Waits for commands, or until there is something to do; `false` when none will come any
    /// more.
    pub(super) fn receive(
        &mut self,
        commands: &mut Commands,
        batch: &mut Vec<Box<dyn Command>>,
        most: usize,
    ) -> bool {
        let waiting = async { timeout(EVERY, commands.recv_many(batch, most)).await };
        let received = self.runtime.block_on(waiting);
        self.written |= received.is_ok();
        received != Ok(0)
    }

    /// Does what is due.
    pub(super) fn tend(&mut self, connection: &Connection) {
        if self.tended.elapsed() < EVERY {
            return;
        }
        self.tended = Instant::now();
        if let Err(error) = self.read_again(connection) {
            tracing::warn!(%error, "changes that other processes made in the store are not seen yet");
        }
        if self.written {
            match checkpoint(connection) {
                Ok(is_done) => self.written = !is_done,
                Err(error) => {
                    let error = unavailable(error);
                    tracing::warn!(%error, "the store's write-ahead log grows");
                }
            }
        }
    }

    /// A file has one writer, but for commands that are run beside it, and a gateway that ends
    /// while the next begins.
    fn read_again(&mut self, connection: &Connection) -> Result<(), MemoryError> {
        let found = others(connection).map_err(unavailable)?;
        if let Some(known) = self.known.as_ref().filter(|_| found != self.others) {
            known
                .load(&Db::Sqlite(connection))
                .map_err(lane::unavailable)?;
        }
        self.others = found;
        Ok(())
    }
}

/// Changes when another connection has committed.
fn others(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA data_version", [], |row| row.get(0))
}

/// Moves what it can without waiting for readers. Gives whether that was all.
fn checkpoint(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        Ok(row.get::<_, i64>(1)? == row.get::<_, i64>(2)?)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_moved_once_a_second_and_not_by_commits() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        let connection = super::super::open::writer(&path).unwrap();
        let mut upkeep = Upkeep::of(&connection).unwrap();
        let pages = || std::fs::metadata(&path).unwrap().len();
        connection.execute("CREATE TABLE a (x BLOB)", []).unwrap();
        checkpoint(&connection).unwrap();
        let before = pages();
        // Twice as much as SQLite by itself lets gather.
        for _ in 0..2000 {
            let sql = "INSERT INTO a VALUES (zeroblob(4096))";
            connection.execute(sql, []).unwrap();
        }
        assert_eq!(pages(), before);
        upkeep.tended = Instant::now();
        upkeep.tend(&connection);
        assert_eq!(pages(), before);
        upkeep.tended = Instant::now().checked_sub(EVERY).unwrap();
        upkeep.tend(&connection);
        assert!(pages() > before && !upkeep.written);
    }
}
