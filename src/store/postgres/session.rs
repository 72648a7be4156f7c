//! One connection of a pool, spoken to from a thread that waits.

use std::cell::Cell as Flag;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::managed::{Object, Pool, PoolError};
use rusqlite::types::Value;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::pool::Connector;
use super::value::{Cell, Place};
use super::{Address, Fault};
use crate::provisioning::lease::Replica;

/// How long to wait for an answer. The server gives up earlier, see [`SETTINGS`].
pub(super) const ANSWER: Duration = Duration::from_secs(15);

/// How often a wait looks whether the database is reached at all.
const LOOK: Duration = Duration::from_millis(250);

/// Statements that are under way together at most.
const TOGETHER: usize = 256;

/// A replica that is stopped in the middle of a transaction holds the others up for less than they
/// wait for a lock.
const SETTINGS: &str = "SET search_path TO scimgate; \
    SET statement_timeout TO '10s'; \
    SET lock_timeout TO '5s'; \
    SET idle_in_transaction_session_timeout TO '3s'; \
    SET tcp_keepalives_idle TO 10; \
    SET tcp_keepalives_interval TO 5; \
    SET tcp_keepalives_count TO 3";

/// Connects, and lets the connection work on the caller's event loop until it is dropped.
pub(super) async fn connect(address: &Address) -> Result<Client, Fault> {
    let connected = address.config.connect(address.tls.clone()).await;
    let (client, connection) = connected.map_err(|error| Fault::unreachable(&error))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(reason = %Fault::from(&error), "a connection to PostgreSQL ended");
        }
    });
    let set = client.batch_execute(SETTINGS).await;
    set.map_err(|error| Fault::unreachable(&error))?;
    Ok(client)
}

/// A connection in a transaction.
pub(in crate::store) struct Session {
    link: Object<Connector>,
    /// Whether a statement has failed.
    failed: Flag<bool>,
    replica: Arc<Replica>,
    /// How long each statement may take to be answered.
    patience: Duration,
    /// On which the connection works.
    runtime: Handle,
}

impl Session {
    /// Waits for a connection, and begins a transaction with `opening`. To be called on the event
    /// loop.
    pub(super) async fn begun(
        connections: &Pool<Connector>,
        replica: &Arc<Replica>,
        opening: &str,
        patience: Duration,
    ) -> Result<Self, Fault> {
        if replica.is_cut_off() {
            return Err(Fault::cut_off());
        }
        let got = async {
            connections.get().await.map_err(|error| match error {
                PoolError::Backend(fault) => fault,
                other => Fault::lost(other.to_string()),
            })
        };
        let mut link = answered(replica, ANSWER, got).await?;
        link.is_open = true;
        let begun = link.client.batch_execute(opening);
        answered(replica, patience, async {
            begun.await.map_err(|error| Fault::from(&error))
        })
        .await?;
        Ok(Self {
            link,
            failed: Flag::new(false),
            replica: Arc::clone(replica),
            patience,
            runtime: Handle::current(),
        })
    }

    /// Ends the transaction; whether it was committed, where it was to be.
    pub(super) fn end(mut self, commit: bool) -> Result<(), Fault> {
        let commits = commit && !self.failed.get();
        self.batch(match commits {
            true => "COMMIT",
            false => "ROLLBACK",
        })?;
        self.link.is_open = false;
        match commit == commits {
            true => Ok(()),
            // The server answers such a COMMIT with success and takes everything back.
            false => Err(Fault::of_statement(
                "a statement failed unnoticed; please report it",
            )),
        }
    }

    /// Several statements without values.
    pub(super) fn batch(&self, sql: &str) -> Result<(), Fault> {
        self.run(self.link.client.batch_execute(sql))
    }

    /// The statement with each of `rows`, one after another; how many rows it changed.
    pub(in crate::store) fn execute(&self, sql: &str, rows: &[Vec<Value>]) -> Result<usize, Fault> {
        let sql = dollars(sql);
        let mut changed = 0;
        for rows in rows.chunks(TOGETHER) {
            let (client, sql) = (&self.link.client, sql.as_str());
            let one = move |row| async move {
                let values = typed(row as &Vec<Value>);
                client.execute_typed(sql, &borrowed(&values)).await
            };
            let counts = self.run(together(rows.iter().map(one)))?;
            changed += counts.into_iter().sum::<u64>() as usize;
        }
        Ok(changed)
    }

    /// What the query finds for each of `asked`.
    pub(in crate::store) fn query(
        &self,
        sql: &str,
        asked: &[Vec<Value>],
    ) -> Result<Vec<Vec<Vec<Value>>>, Fault> {
        let sql = dollars(sql);
        let mut found = Vec::with_capacity(asked.len());
        for asked in asked.chunks(TOGETHER) {
            let (client, sql) = (&self.link.client, sql.as_str());
            let one = move |row| async move {
                let values = typed(row as &Vec<Value>);
                client.query_typed(sql, &borrowed(&values)).await
            };
            for rows in self.run(together(asked.iter().map(one)))? {
                let rows = rows.iter().map(cells).collect::<Result<_, _>>();
                found.push(rows.map_err(|error| Fault::from(&error))?);
            }
        }
        Ok(found)
    }

    fn run<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
        let work = async { work.await.map_err(|error| Fault::from(&error)) };
        let answered = self
            .runtime
            .block_on(answered(&self.replica, self.patience, work));
        answered.inspect_err(|_| self.failed.set(true))
    }
}

/// Waits until the database has answered, or is known not to.
async fn answered<T>(
    replica: &Replica,
    patience: Duration,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let until = Instant::now() + patience;
    let mut work = std::pin::pin!(work);
    loop {
        match timeout(LOOK, &mut work).await {
            Ok(answered) => return answered,
            Err(_) if replica.is_cut_off() => return Err(Fault::cut_off()),
            Err(_) if Instant::now() > until => return Err(silent(patience)),
            Err(_) => {}
        }
    }
}

fn silent(patience: Duration) -> Fault {
    Fault::lost(format!(
        "PostgreSQL has not answered for {} s; see whether it and the way to it are alive",
        patience.as_secs()
    ))
}

/// `?1` is `$1` here.
fn dollars(sql: &str) -> String {
    sql.replace('?', "$")
}

fn typed(row: &[Value]) -> Vec<(Place<'_>, Type)> {
    let places = row.iter().map(Place);
    places
        .map(|place| {
            let kind = place.kind();
            (place, kind)
        })
        .collect()
}

fn borrowed<'a>(values: &'a [(Place<'a>, Type)]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    let one = |(place, kind): &'a (Place<'a>, Type)| (place as &(dyn ToSql + Sync), kind.clone());
    values.iter().map(one).collect()
}

fn cells(row: &Row) -> Result<Vec<Value>, Error> {
    let columns = 0..row.len();
    columns
        .map(|column| Ok(row.try_get::<_, Cell>(column)?.0))
        .collect()
}

/// Sends all before it waits for the first answer. The server works in the order of sending.
async fn together<T>(
    work: impl Iterator<Item = impl Future<Output = Result<T, Error>>>,
) -> Result<Vec<T>, Error> {
    let mut waiting: Vec<_> = work.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut ready = true;
        for (one, done) in waiting.iter_mut().filter(|(_, done)| done.is_none()) {
            match one.as_mut().poll(context) {
                std::task::Poll::Ready(result) => *done = Some(result),
                std::task::Poll::Pending => ready = false,
            }
        }
        match ready {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    waiting.into_iter().filter_map(|(_, done)| done).collect()
}
