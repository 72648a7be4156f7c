//! A lane: a queue, and the threads behind it that carry out what is queued.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::sql::{self, Db};
use crate::adapter::keys::TenantId;
use crate::provisioning::memory::MemoryError;

/// Commands that may wait; the next caller waits in its own future instead,
/// where its deadline counts.
const QUEUE: usize = 1024;

/// What is waiting for a lane's threads.
pub(super) type Commands = mpsc::Receiver<Box<dyn Command>>;

/// Writes of one turn come one after another, whichever replica asks for them. SQLite has one
/// writer, so that all come one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// What belongs to a tenant.
    Tenant(TenantId),
    /// The provisioning log.
    Log,
    /// One statement that needs no other's help.
    Any,
}

impl Turn {
    pub(super) fn of(tenant: &TenantId) -> Self {
        Self::Tenant(tenant.clone())
    }
}

/// Where commands are handed in.
#[derive(Clone)]
pub(super) struct Lane {
    queue: mpsc::Sender<Box<dyn Command>>,
    faults: Arc<AtomicU64>,
}

impl Lane {
    /// A lane that counts commands that fail in `faults`, and its other end.
    pub(super) fn new(faults: Arc<AtomicU64>) -> (Self, Commands) {
        let (queue, commands) = mpsc::channel(QUEUE);
        (Self { queue, faults }, commands)
    }

    /// Queues `work` and waits for its result, which comes after the commit.
    pub(super) async fn ask<T, F>(&self, turn: Turn, work: F) -> Result<T, MemoryError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> sql::Result<T> + Send + 'static,
    {
        let result = self.attend(turn, work).await;
        if result.is_err() {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    async fn attend<T, F>(&self, turn: Turn, work: F) -> Result<T, MemoryError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> sql::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let asked = Asked {
            turn,
            work: Some(work),
            done: None,
            answer,
        };
        let queued = self.queue.send(Box::new(asked)).await;
        queued.map_err(|_| stopped())?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}

/// Starts a thread of the store's. One that reads from a lane ends when the last [`Lane`] is
/// dropped and the queue is empty.
///
/// # Errors
/// The operating system has none left.
pub(super) fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), MemoryError> {
    let started = thread::Builder::new().name(name.into()).spawn(body);
    started
        .map(drop)
        .map_err(|error| MemoryError(format!("no thread for the store: {error}")))
}

/// The threads are gone: the process is going down, or one could not go on.
pub(super) fn stopped() -> MemoryError {
    MemoryError("its thread has stopped; restart the gateway".into())
}

/// From an error of a statement to a sentence an operator can act on. It holds no value.
pub(super) fn unavailable(error: sql::Error) -> MemoryError {
    match error {
        sql::Error::Sqlite(error) => super::sqlite::unavailable(error),
        sql::Error::Postgres(fault) => fault.into(),
        other => MemoryError(other.to_string()),
    }
}

/// Runs a command; whether it succeeded and its changes shall stay. One that panics has not:
/// what it changed is in a transaction that the caller takes back.
pub(super) fn attempt(command: &mut dyn Command, db: &Db<'_>) -> bool {
    catch_unwind(AssertUnwindSafe(|| command.run(db))).unwrap_or_default()
}

/// One command in the queue: run inside the transaction, answered after it.
pub(super) trait Command: Send {
    /// With whom it waits.
    fn turn(&self) -> &Turn;

    /// Whether it succeeded and its changes shall stay.
    fn run(&mut self, db: &Db<'_>) -> bool;

    /// Sends the result to the waiter, if it still waits.
    fn answer(self: Box<Self>, committed: &Result<(), MemoryError>);
}

struct Asked<T, F> {
    turn: Turn,
    work: Option<F>,
    done: Option<sql::Result<T>>,
    answer: oneshot::Sender<Result<T, MemoryError>>,
}

impl<T, F> Command for Asked<T, F>
where
    T: Send,
    F: FnOnce(&Db<'_>) -> sql::Result<T> + Send,
{
    fn turn(&self) -> &Turn {
        &self.turn
    }

    fn run(&mut self, db: &Db<'_>) -> bool {
        self.done = self.work.take().map(|work| work(db));
        matches!(self.done, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: &Result<(), MemoryError>) {
        let result = match (self.done, committed) {
            (Some(Err(error)), _) => Err(unavailable(error)),
            (_, Err(MemoryError(text))) => Err(MemoryError(text.clone())),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(MemoryError("a command failed inside; see the log".into())),
        };
        // The waiter may have run into its deadline.
        let _ = self.answer.send(result);
    }
}
