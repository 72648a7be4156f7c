//! A lane: a queue of commands, which a database carries out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::sql::{self, Db};
use crate::adapter::keys::TenantId;
use crate::provisioning::lease::Lease;
use crate::provisioning::memory::MemoryError;

/// Commands that may wait; the next caller waits in its own future instead,
/// where its deadline counts.
const QUEUE: usize = 1024;

/// What is waiting for a lane's threads.
pub(super) type Commands = mpsc::Receiver<Box<dyn Command>>;

/// Writes of one turn come one after another, whichever replica asks for them. SQLite has one
/// writer, so that all come one after another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Turn {
    /// What belongs to a tenant.
    Tenant(TenantId),
    /// Which tenants there are: their revisions grow in the order of their commits.
    Tenants,
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

    /// Queues `work` and waits for its result, which comes after the commit and after `then`,
    /// which sees it on the lane's thread, in the order of what was committed.
    ///
    /// With a lease, the work is done only while that is valid.
    pub(super) async fn ask<T, F, N>(
        &self,
        turn: Turn,
        lease: Lease,
        work: F,
        then: N,
    ) -> Result<T, MemoryError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> sql::Result<T> + Send + 'static,
        N: FnOnce(&T) + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let asked = Asked {
            turn,
            lease: lease.number(),
            work: Some(work),
            done: None,
            then,
            answer,
        };
        let result = match lease.is_valid() {
            false => Err(ended()),
            true => match self.queue.send(Box::new(asked)).await {
                Ok(()) => answered.await.unwrap_or_else(|_| Err(stopped())),
                Err(_) => Err(stopped()),
            },
        };
        if result.is_err() {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
        result
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

/// Others may do by now what this replica was doing.
fn ended() -> MemoryError {
    MemoryError(
        "this replica's lease has expired, because it could not reach PostgreSQL for several seconds; it is \
         renewed when the database answers"
            .into(),
    )
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

    /// The number of the lease under which it may be done, if it needs one.
    fn lease(&self) -> Option<i64>;

    /// Whether it succeeded and its changes shall stay.
    fn run(&mut self, db: &Db<'_>) -> bool;

    /// Sends the result to the waiter, if it still waits.
    fn answer(self: Box<Self>, committed: &Result<(), MemoryError>);
}

struct Asked<T, F, N> {
    turn: Turn,
    lease: Option<i64>,
    work: Option<F>,
    done: Option<sql::Result<T>>,
    then: N,
    answer: oneshot::Sender<Result<T, MemoryError>>,
}

impl<T, F, N> Command for Asked<T, F, N>
where
    T: Send,
    F: FnOnce(&Db<'_>) -> sql::Result<T> + Send,
    N: FnOnce(&T) + Send,
{
    fn turn(&self) -> &Turn {
        &self.turn
    }

    fn lease(&self) -> Option<i64> {
        self.lease
    }

    fn run(&mut self, db: &Db<'_>) -> bool {
        self.done = self.work.take().map(|work| work(db));
        matches!(self.done, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: &Result<(), MemoryError>) {
        let result = match (self.done, committed) {
            (Some(Err(error)), _) => Err(unavailable(error)),
            (_, Err(MemoryError(text))) => Err(MemoryError(text.clone())),
            (Some(Ok(value)), Ok(())) => {
                (self.then)(&value);
                Ok(value)
            }
            (None, Ok(())) => Err(MemoryError("a command failed inside; see the log".into())),
        };
        // The waiter may have run into its deadline.
        let _ = self.answer.send(result);
    }
}
