//! Carries out a lane's commands, each on a connection from a pool.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Pool, RecycleError, RecycleResult};
use tokio::sync::Mutex;
use tokio::task::{JoinSet, spawn_blocking};
use tokio_postgres::Client;

use super::session::{ANSWER, connect};
use super::{Address, Fault, Session};
use crate::provisioning::lease::Replica;
use crate::provisioning::memory::MemoryError;
use crate::store::lane::{self, Command, Commands, Turn};
use crate::store::sql::Db;

/// Connections that write, and that read.
const EACH: usize = 4;

/// How many commands of one turn may wait.
const MOST: usize = 512;

const WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// What is done with the connections of a pool.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Makes connections, and drops those that are of no more use: one whose transaction did not end, too, which
/// `deadpool-postgres` would hand out again.
pub(super) struct Connector(Arc<Address>);

/// A connection in the pool.
pub(super) struct Link {
    pub(super) client: Client,
    /// A transaction was begun and has not ended as it was to.
    pub(super) is_open: bool,
}

impl Manager for Connector {
    type Type = Link;
    type Error = Fault;

    async fn create(&self) -> Result<Link, Fault> {
        let client = connect(&self.0).await?;
        Ok(Link {
            client,
            is_open: false,
        })
    }

    async fn recycle(&self, link: &mut Link, _: &Metrics) -> RecycleResult<Fault> {
        match link.client.is_closed() || link.is_open {
            true => Err(RecycleError::message("of no more use")),
            false => Ok(()),
        }
    }
}

/// Where the commands of one lane are carried out.
pub(super) struct Desk {
    connections: Pool<Connector>,
    replica: Arc<Replica>,
    access: Access,
}

impl Desk {
    pub(super) fn new(
        address: &Arc<Address>,
        replica: &Arc<Replica>,
        access: Access,
    ) -> Result<Arc<Self>, MemoryError> {
        let pool = Pool::builder(Connector(Arc::clone(address))).max_size(EACH);
        let connections = pool
            .build()
            .map_err(|error| MemoryError(format!("no pool for the store: {error}")))?;
        Ok(Arc::new(Self {
            connections,
            replica: Arc::clone(replica),
            access,
        }))
    }

    /// Carries out commands until there will be none any more. Those of one turn wait for each
    /// other, so that one tenant takes one connection, however much it has written.
    pub(super) async fn serve(self: Arc<Self>, mut commands: Commands) {
        let mut turns = HashMap::<Turn, Arc<Mutex<()>>>::new();
        let mut running = JoinSet::new();
        while let Some(command) = commands.recv().await {
            let turn = match command.turn() {
                Turn::Any => Arc::default(),
                turn => Arc::clone(turns.entry(turn.clone()).or_default()),
            };
            if Arc::strong_count(&turn) > MOST {
                let many = "too many writes of one tenant wait for PostgreSQL";
                command.answer(&Err(MemoryError(many.to_owned())));
                continue;
            }
            let desk = Arc::clone(&self);
            running.spawn(async move {
                let _turn = turn.lock().await;
                desk.carry_out(command).await;
            });
            while running.try_join_next().is_some() {}
        }
        running.join_all().await;
    }

    async fn carry_out(&self, mut command: Box<dyn Command>) {
        let opening = match self.access {
            Access::Write => opening(command.as_ref()),
            Access::Read => READ.to_owned(),
        };
        let session = match self.begun(&opening).await {
            Ok(session) => session,
            Err(fault) => return command.answer(&Err(fault.into())),
        };
        let access = self.access;
        let work = move || {
            let succeeded = lane::attempt(command.as_mut(), &Db::Postgres(&session));
            match access {
                // What was read does not depend on how the transaction ends.
                Access::Read => {
                    command.answer(&Ok(()));
                    let _ = session.end(false);
                }
                Access::Write => command.answer(&session.end(succeeded).map_err(Into::into)),
            }
        };
        let _ = spawn_blocking(work).await;
    }

    /// A connection in a new transaction, unless the database is known to be gone. Where one was
    /// lost unnoticed, those of its time are dropped: nothing was done in them yet.
    pub(super) async fn begun(&self, opening: &str) -> Result<Session, Fault> {
        self.begun_with(opening, ANSWER).await
    }

    /// The same, where each statement may take longer to be answered.
    pub(super) async fn begun_with(
        &self,
        opening: &str,
        patience: Duration,
    ) -> Result<Session, Fault> {
        match Session::begun(&self.connections, &self.replica, opening, patience).await {
            Err(fault) if fault.lost && !self.replica.is_cut_off() => {
                self.connections.retain(|_, _| false);
                Session::begun(&self.connections, &self.replica, opening, patience).await
            }
            begun => begun,
        }
    }
}

/// Begins a write, waits for its turn, and fails if its lease is nobody's any more. From then on
/// nobody can take over before the transaction has ended.
fn opening(command: &dyn Command) -> String {
    let mut opening = WRITE.to_owned();
    if let Some(number) = super::turn(command.turn()) {
        let _ = write!(opening, "; SELECT pg_advisory_xact_lock({number})");
    }
    if let Some(lease) = command.lease() {
        let _ = write!(
            opening,
            "; SELECT 1 / count(*) FROM \
             (SELECT 1 FROM replica WHERE number = {lease} FOR KEY SHARE) AS valid"
        );
    }
    opening
}
