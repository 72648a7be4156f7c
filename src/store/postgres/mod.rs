//! PostgreSQL: one database that several replicas share.
//!
//! One thread runs all connections: a [`pool`] of those that write, one of those that read, and one
//! connection that keeps the [`locks`] and the lease. Commands wait on other threads. Every write is a transaction; writes of one turn (a tenant's, the log's) wait for each other at the
//! database, so that a replica finds what another one acknowledged, as it would with SQLite's one
//! writer. What a request writes is committed only while its lease has its number.
//!
//! Ours is the schema `scimgate`; the role needs the right to create it once. The connection must
//! be a session's own: it is set up once and not for each transaction.

mod address;
mod fault;
mod locks;
mod pool;
mod schema;
#[cfg(test)]
#[path = "../../../tests/it/harness/postgres.rs"]
mod server;
mod session;
#[cfg(test)]
pub(crate) mod tests;
mod tls;
mod value;

use std::sync::{Arc, mpsc};

use sha2::{Digest, Sha256};
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;

use super::lane::{self, Commands, Turn};
use super::sql::Db;
use super::tokens;
use crate::provisioning::lease::Replica;
use crate::provisioning::memory::MemoryError;
pub use address::{Address, AddressFault};
pub(super) use fault::Fault;
pub(super) use locks::Locks;
use pool::{Access, Desk};
pub(super) use session::Session;

/// What [`serve`] began.
pub(super) struct Served {
    pub(super) locks: Arc<Locks>,
    pub(super) held_tokens: bool,
}

/// Brings the tables up to date, and serves from then on. Blocks until the tables are.
pub(super) fn serve(
    address: Address,
    writes: Commands,
    reads: Commands,
) -> Result<Served, MemoryError> {
    let (address, replica) = (Arc::new(address), Arc::<Replica>::default());
    let writing = Desk::new(&address, &replica, Access::Write)?;
    let reading = Desk::new(&address, &replica, Access::Read)?;
    let (locks, keeper) = Locks::new(address, replica);
    let (told, telling) = mpsc::channel();
    on_event_loop(async move {
        let prepared = prepared(&writing).await;
        let is_good = prepared.is_ok();
        let _ = told.send(prepared);
        if is_good {
            tokio::join!(writing.serve(writes), reading.serve(reads), keeper.run());
        }
    })?;
    let prepared = telling.recv().unwrap_or_else(|_| Err(lane::stopped()));
    Ok(Served {
        locks,
        held_tokens: prepared?,
    })
}

/// Serves what is read, and nothing else.
pub(super) fn serve_to_read(address: Address, reads: Commands) -> Result<(), MemoryError> {
    let reading = Desk::new(&Arc::new(address), &Arc::default(), Access::Read)?;
    on_event_loop(reading.serve(reads))
}

/// A thread of its own: the caller may be in an event loop already.
fn on_event_loop(work: impl Future<Output = ()> + Send + 'static) -> Result<(), MemoryError> {
    lane::thread("store", move || {
        let mut event_loop = Builder::new_current_thread();
        match event_loop.enable_all().thread_name("store-work").build() {
            Ok(event_loop) => event_loop.block_on(work),
            Err(error) => tracing::error!(%error, "the store's thread cannot start"),
        }
    })
}

/// Migrates, and says whether there were tokens.
async fn prepared(desk: &Desk) -> Result<bool, MemoryError> {
    let session = desk
        .begun_with(&schema::opening(), schema::PATIENCE)
        .await?;
    let prepare = move || -> Result<bool, MemoryError> {
        let held_tokens = schema::migrate(&session)
            .and_then(|()| tokens::any(&Db::Postgres(&session)).map_err(lane::unavailable));
        let ended = session.end(held_tokens.is_ok());
        let held_tokens = held_tokens?;
        ended?;
        Ok(held_tokens)
    };
    let prepared = spawn_blocking(prepare).await;
    prepared.unwrap_or_else(|_| Err(lane::stopped()))
}

/// The number under which all replicas know a lock: 64 bits of a digest.
fn number(parts: &[&str]) -> i64 {
    let mut digest = Sha256::new();
    for part in ["scimgate"].iter().chain(parts) {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(digest.finalize());
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The lock that writes of a turn take.
fn turn(turn: &Turn) -> Option<i64> {
    match turn {
        Turn::Tenant(tenant) => Some(number(&["turn", "tenant", tenant.as_str()])),
        Turn::Tenants => Some(number(&["turn", "tenants"])),
        Turn::Log => Some(number(&["turn", "log"])),
        Turn::Any => None,
    }
}
