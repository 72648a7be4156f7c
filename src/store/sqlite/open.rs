//! Connections to a database file.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::fault;
use crate::provisioning::memory::MemoryError;

/// How long a connection waits for another process, such as the command line
/// minting a token beside a running gateway.
const BUSY: Duration = Duration::from_secs(5);

/// Takes a database for the one process that serves from it, until the file is dropped or the process
/// ends, in whatever way. Creates directory and file.
pub(in crate::store) fn take(path: &Path) -> Result<File, MemoryError> {
    let beside = path.with_extension("lock");
    create(path).map_err(|error| unwritable(path, &error))?;
    create(&beside).map_err(|error| unwritable(&beside, &error))?;
    let file = OpenOptions::new().write(true).open(&beside);
    let file = file.map_err(|error| unwritable(&beside, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(MemoryError(format!(
            "another scimgate serves from {}; stop it first, or set store.path to another file. \
             Several that serve together need PostgreSQL",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(unwritable(&beside, &error)),
    }
}

/// The one connection that writes. Creates directory and file.
pub(super) fn writer(path: &Path) -> Result<Connection, MemoryError> {
    create(path).map_err(|error| unwritable(path, &error))?;
    let connection = connect(path)?;
    let set_up = || {
        connection.pragma_update(None, "foreign_keys", true)?;
        // FULL: an acknowledged write survives a power cut. With NORMAL a WAL
        // commit survives only the death of the process, and Entra never
        // repeats what it got a 2xx for. Group commit shares the price.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))
    };
    match set_up().map_err(fault::unavailable)?.as_str() {
        "wal" => Ok(connection),
        // Without WAL readers and the writer would lock each other out.
        mode => Err(MemoryError(format!(
            "{} lies on a file system that only allows journal mode `{mode}`; \
             set store.path to a local disk",
            path.display()
        ))),
    }
}

/// A connection that refuses to write. It is not opened read-only: in WAL even
/// a reader updates the shared-memory file.
pub(super) fn reader(path: &Path) -> Result<Connection, MemoryError> {
    let connection = connect(path)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(fault::unavailable)?;
    Ok(connection)
}

/// A connection to a database that is there, which leaves no trace: not even what waits in the
/// write-ahead log is moved.
pub(super) fn onlooker(path: &Path) -> Result<Connection, MemoryError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault::unavailable)?;
    connection.busy_timeout(BUSY).map_err(fault::unavailable)?;
    Ok(connection)
}

/// SQLite gives its `-wal` and `-shm` files the mode of the database file.
fn create(path: &Path) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn connect(path: &Path) -> Result<Connection, MemoryError> {
    // No mutex: a connection lives on one thread. No URI: a path is a path,
    // whatever characters it has.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault::unavailable)?;
    connection.busy_timeout(BUSY).map_err(fault::unavailable)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn unwritable(path: &Path, error: &io::Error) -> MemoryError {
    MemoryError(format!(
        "cannot create {}: {error}; set store.path to a place this user may write",
        path.display()
    ))
}
