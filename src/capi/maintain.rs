//! Maintenance
//!
//! None of these is needed for correct answers. Long calls take a task.

use super::boundary::{Access, on_database};
use super::error::vdb_error_t;
use super::open::vdb;
use super::status::{vdb_status, vdb_status_t};
use super::task::{task_from, vdb_task};
use crate::db::Database;

/// Makes all batches so far as safe as VDB_DURABILITY_FULL would have. For a database in
/// memory it does nothing.
///
/// Errors: IO, NO_SPACE, READ_ONLY, POISONED, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_sync(db: *mut vdb, error: *mut vdb_error_t) -> vdb_status_t {
    let body = |database: &Database| {
        database.sync()?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Write, error, body) }
}

/// Writes the current state as immutable files and shortens the log, as the background
/// work does by itself when the log reaches VDB_OPT_WAL_LIMIT_BYTES. With nothing new, and
/// for a database in memory, it does nothing.
///
/// Errors: CANCELLED, IO, NO_SPACE, NO_MEMORY, READ_ONLY, POISONED, CLOSED, FORKED,
/// NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_checkpoint(db: *mut vdb, task: *mut vdb_task, error: *mut vdb_error_t) -> vdb_status_t {
    let body = |database: &Database| {
        database.checkpoint(task_from(task)?.as_ref())?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Write, error, body) }
}

/// Waits until the background work has put every row into the graph. Rows can be found
/// before that too, by a scan; waiting is for measurements. A read-only handle has no
/// background work: it returns at once.
///
/// Errors: CANCELLED (only the wait), NO_MEMORY, LIMIT (VDB_OPT_MAX_MEMORY leaves no room
/// for the graph; rows are scanned), POISONED, CLOSED, FORKED, NULL_ARGUMENT.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_wait_indexed(db: *mut vdb, task: *mut vdb_task, error: *mut vdb_error_t) -> vdb_status_t {
    let body = |database: &Database| {
        database.wait_indexed(task_from(task)?.as_ref())?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Write, error, body) }
}

/// Moves a read-only handle to the newest state that the writer has committed. VDB_OK also
/// when there is none newer; vdb_stats_get tells the LSN.
///
/// Batches are seen whole or not at all, and what was seen stays. Calls in progress keep the
/// state they began with. A batch may be seen before the writer's call has returned, that
/// is, before it is durable; one that the writer keeps in memory (VDB_DURABILITY_NONE) is
/// seen later. On failure the handle stays as it was. The writer may have ended. On a
/// handle that writes, or in memory, it does nothing.
///
/// Errors: CORRUPT, MISMATCH (the directory holds another database by now), NOT_FOUND, IO,
/// NO_MEMORY, LIMIT (VDB_OPT_MAX_MEMORY), FORMAT_TOO_NEW, POISONED, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_refresh(db: *mut vdb, error: *mut vdb_error_t) -> vdb_status_t {
    let body = |database: &Database| {
        database.refresh()?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Write, error, body) }
}
