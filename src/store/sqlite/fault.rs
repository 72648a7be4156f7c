//! From an error of SQLite to a sentence an operator can act on.

use rusqlite::{Error, ErrorCode};

use crate::provisioning::memory::MemoryError;

/// Names the remedy, then what SQLite said. SQLite's text holds names of
/// tables and columns and never a value, so that it may go to the log.
pub(in crate::store) fn unavailable(error: Error) -> MemoryError {
    let remedy = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full; make room where store.path lies",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "the file or its directory cannot be written; \
             set store.path to a place this user may write"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process held the database for 5 s; find it with `fuser` and stop it"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the file is damaged or no database of ours; restore a backup or set another store.path"
        }
        Some(ErrorCode::SystemIoFailure) => "the disk reports errors; see the kernel's log",
        _ => "unexpected; please report it",
    };
    MemoryError(format!("{remedy} ({error})"))
}
