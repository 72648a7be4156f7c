//! A lane: one connection on one thread, and the queue before it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::fault;
use crate::adapter::memory::MemoryError;

/// Commands that may wait; the next caller waits in its own future instead,
/// where its deadline counts.
const QUEUE: usize = 1024;

/// Commands of one transaction at most: some 5 ms of work, so that the first
/// of them does not wait long for the commit of the last. Measured on a local
/// disk with 8,000 `fsync`/s, debug build: each write in its own transaction
/// 5,000/s; together 22,000/s when 8 wait and 42,000/s when 64 do.
const BATCH: usize = 256;

/// Where commands are handed in.
#[derive(Clone)]
pub(super) struct Lane {
    queue: mpsc::Sender<Box<dyn Command>>,
    faults: Arc<AtomicU64>,
}

impl Lane {
    /// Starts the thread, which counts commands that fail in `faults`. It ends when the last `Lane` is dropped and the queue is empty.
    pub(super) fn start(
        name: &str,
        connection: Connection,
        behavior: TransactionBehavior,
        faults: Arc<AtomicU64>,
    ) -> Result<Self, MemoryError> {
        let (queue, commands) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name(name.into())
            .spawn(move || serve(connection, behavior, commands))
            .map_err(|error| MemoryError(format!("no thread for the store: {error}")))?;
        Ok(Self { queue, faults })
    }

    /// Queues `work` and waits for its result, which comes after the commit.
    pub(super) async fn ask<T, F>(&self, work: F) -> Result<T, MemoryError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let result = self.attend(work).await;
        if result.is_err() {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    async fn attend<T, F>(&self, work: F) -> Result<T, MemoryError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let asked = Asked {
            work: Some(work),
            done: None,
            answer,
        };
        let queued = self.queue.send(Box::new(asked)).await;
        queued.map_err(|_| fault::stopped())?;
        answered.await.unwrap_or_else(|_| Err(fault::stopped()))
    }
}

/// Takes whatever waits, runs it as one transaction, answers each command.
fn serve(
    mut connection: Connection,
    behavior: TransactionBehavior,
    mut commands: mpsc::Receiver<Box<dyn Command>>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while commands.blocking_recv_many(&mut batch, BATCH) > 0 {
        let committed = transact(&mut connection, behavior, &mut batch).map_err(fault::unavailable);
        for command in batch.drain(..) {
            command.answer(&committed);
        }
    }
}

fn transact(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    batch: &mut [Box<dyn Command>],
) -> rusqlite::Result<()> {
    let mut transaction = connection.transaction_with_behavior(behavior)?;
    for command in batch {
        attempt(&mut transaction, command.as_mut())?;
    }
    transaction.commit()
}

/// Runs one command; what a failing or panicking one did is undone.
fn attempt(transaction: &mut Transaction<'_>, command: &mut dyn Command) -> rusqlite::Result<()> {
    let savepoint = transaction.savepoint()?;
    // The command sees the database only through the savepoint, which is
    // dropped (rolled back) after a panic: nothing half-changed is left to see.
    let succeeded = catch_unwind(AssertUnwindSafe(|| command.run(&savepoint))).unwrap_or_default();
    if succeeded {
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

/// One command in the queue: run inside the transaction, answered after it.
trait Command: Send {
    /// Whether it succeeded and its changes shall stay.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Sends the result to the waiter, if it still waits.
    fn answer(self: Box<Self>, committed: &Result<(), MemoryError>);
}

struct Asked<T, F> {
    work: Option<F>,
    done: Option<rusqlite::Result<T>>,
    answer: oneshot::Sender<Result<T, MemoryError>>,
}

impl<T, F> Command for Asked<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        self.done = self.work.take().map(|work| work(connection));
        matches!(self.done, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: &Result<(), MemoryError>) {
        let result = match (self.done, committed) {
            (Some(Err(error)), _) => Err(fault::unavailable(error)),
            (_, Err(MemoryError(text))) => Err(MemoryError(text.clone())),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(MemoryError("a command failed inside; see the log".into())),
        };
        // The waiter may have run into its deadline.
        let _ = self.answer.send(result);
    }
}
