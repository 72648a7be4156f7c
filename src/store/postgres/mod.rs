//! PostgreSQL: one database that several replicas share.
//!
//! Some threads write and some read, each with a connection of its own that is made when it is
//! first needed, and made again when it is lost. One more keeps the [`locks`] and the lease. Every
//! write is a transaction; writes of one turn (a tenant's, the log's) wait for each other at the
//! database, so that a replica finds what another one acknowledged, as it would with SQLite's one
//! writer. What a request writes is committed only while its lease has its number.
//!
//! Ours is the schema `scimgate`; the role needs the right to create it once. The connection must
//! be a session's own: it is set up once and not for each transaction.

mod address;
mod fault;
mod locks;
mod pool;
mod queues;
mod schema;
#[cfg(test)]
#[path = "../../../tests/it/harness/postgres.rs"]
mod server;
mod session;
#[cfg(test)]
pub(crate) mod tests;
mod tls;
mod value;

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::lane::{Commands, Turn};
use super::sql::Db;
use super::tokens;
use crate::provisioning::lease::Replica;
use crate::provisioning::memory::MemoryError;
pub use address::{Address, AddressFault};
pub(super) use fault::Fault;
pub(super) use locks::Locks;
use pool::Access;
pub(super) use session::Session;

/// What [`serve`] began.
pub(super) struct Served {
    pub(super) locks: Arc<Locks>,
    pub(super) held_tokens: bool,
}

/// Brings the tables up to date and starts the threads.
pub(super) fn serve(
    address: Address,
    writes: Commands,
    reads: Commands,
) -> Result<Served, MemoryError> {
    let address = Arc::new(address);
    let held_tokens = prepared(Arc::clone(&address))?;
    let replica = Arc::<Replica>::default();
    pool::start(&address, &replica, writes, Access::Write)?;
    pool::start(&address, &replica, reads, Access::Read)?;
    Ok(Served {
        locks: Locks::start(address, replica)?,
        held_tokens,
    })
}

/// Starts the threads that read, and nothing else.
pub(super) fn serve_to_read(address: Address, reads: Commands) -> Result<(), MemoryError> {
    pool::start(&Arc::new(address), &Arc::default(), reads, Access::Read)
}

/// Migrates, and says whether there were tokens. On a thread of its own: the caller may be in an
/// event loop already.
fn prepared(address: Arc<Address>) -> Result<bool, MemoryError> {
    let prepare = move || {
        let session = Session::open(&address, &Arc::default())?;
        schema::migrate(&session)?;
        tokens::any(&Db::Postgres(&session)).map_err(super::lane::unavailable)
    };
    let thread = std::thread::spawn(prepare);
    thread
        .join()
        .unwrap_or_else(|_| Err(super::lane::stopped()))
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
        Turn::Log => Some(number(&["turn", "log"])),
        Turn::Any => None,
    }
}
