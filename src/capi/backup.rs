//! Backups
//!
//! A backup is a directory that opens like any database: restoring one is opening it, or a copy of it.

use super::boundary::{Access, on_database};
use super::error::{refuse, vdb_error_t};
use super::open::{path_from, vdb};
use super::status::{vdb_status, vdb_status_t};
use super::task::{task_from, vdb_task};
use crate::db::Database;
use std::ffi::c_char;

/// Makes a backup of the newest state in the directory `path`, which must be empty, or not there while
/// its parent is. Searches, writes, checkpoints and compaction go on; every batch that was
/// acknowledged before the call is in it, others whole or not at all. Everything is durable
/// when the call returns. On failure there is no backup and `path` is as it was; what a killed process leaves
/// is a subdirectory `unfinished`, and vdb_open finds no database beside it.
///
/// Files of a database never change once they are written, so where `path` is on its file system they are shared
/// with it (hard links): that takes neither time nor space, removing or repairing the database does
/// not touch the backup, but a disk that damages such a file damages both. Elsewhere they are copied, verified
/// on the way. `previous`, an earlier backup of the same database or NULL, makes it incremental: files
/// that it has too are shared with it, after every byte of them was read and verified; what is damaged there is copied.
/// Each backup is whole by itself, and any of them can be removed. Do not open a
/// backup for writing that is to be a `previous`; the files in it must not be changed by hand.
///
/// Works for databases in memory (`previous` NULL) and for read-only handles, as far as these have read. Until a copy
/// is done, files that checkpoints replace stay on the disk. `task` counts bytes, roughly.
///
/// Errors: ALREADY_EXISTS (`path` is not empty), NOT_FOUND (no parent of `path`, no `previous`), MISMATCH (`previous` is of another database,
/// or was opened and written), INVALID_ARGUMENT (`path` lies in the database or in `previous`; `previous` for a database in memory; an empty path),
/// LOCKED (`previous` is open for writing), CORRUPT, FORMAT_TOO_NEW (`previous`), CANCELLED, NO_SPACE, IO, NO_MEMORY, LIMIT,
/// POISONED (after VDB_ERR_PANIC), CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_backup(
    db: *mut vdb,
    path: *const c_char,
    previous: *const c_char,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R3: NULL or terminated texts.
        let (path, previous) = unsafe { (path_from(path)?, path_from(previous)?) };
        let Some(path) = path else { return refuse(vdb_status::VDB_ERR_NULL_ARGUMENT, "path is NULL") };
        database.backup(&path, previous.as_deref(), task_from(task)?.as_ref())?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Write, error, body) }
}
