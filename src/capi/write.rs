//! Writes
//!
//! A batch is atomic: all of its rows or none. On failure `error->item` is the first row
//! to blame. Writers queue; they never make a search wait.
//!
//! Under VDB_DURABILITY_FULL a call waits for the disk once, however many rows it has: batches of 1,000 to
//! 10,000 rows, or a few MB, take hundreds of times less for each row than rows one by one. Threads that
//! write at the same time share that wait.

use super::args::{Layout, out, read};
use super::boundary::{Access, on_database};
use super::error::{Failure, vdb_error_t};
use super::open::vdb;
use super::status::{vdb_status, vdb_status_t};
use super::task::{task_from, vdb_task};
use super::types::vdb_scalar_t;
use crate::db::{Database, Result as DbResult, Task, Vectors};
use std::ffi::c_void;

/// Inserts `count` rows; an id that is in the database already, or twice in the batch,
/// fails the batch.
///
/// `ids`: `count` ids, any but VDB_ID_NONE. `vectors`: `count` vectors of `dim` components
/// of type `scalar`, `stride` bytes apart (0 = packed); they are converted to the scalar
/// type of the database, to I8 and U8 only when every component is a whole number in range.
/// `task` may be NULL; once the writing has begun it is too late to cancel. Both arrays are
/// copied. Rows can be found as soon as the call returns.
///
/// Errors: ALREADY_EXISTS, DIMENSION, NOT_FINITE, OUT_OF_RANGE (a component cannot be
/// converted, a vector is too long (R10), `count` rows pass the address space), MISMATCH
/// (bits for a database of numbers or the reverse), UNSUPPORTED (scalar type),
/// INVALID_ARGUMENT (VDB_ID_NONE, stride), CANCELLED, BUSY (VDB_OPT_WHEN_BEHIND), LIMIT (rows of the database, bytes of
/// the batch, VDB_OPT_MAX_MEMORY), NO_SPACE, NO_MEMORY, IO, READ_ONLY, POISONED, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_insert_batch(
    db: *mut vdb,
    ids: *const u64,
    vectors: *const c_void,
    count: usize,
    dim: usize,
    stride: usize,
    scalar: vdb_scalar_t,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let rows = RawRows { ids, vectors, count, dim, stride, scalar };
    // SAFETY: R2, R3.
    unsafe { write_rows(db, rows, task, error, Database::insert_batch) }
}

/// As vdb_insert_batch, but an id that is in the database already gets the new vector, and
/// where an id stands twice in the batch the last of its rows wins. It never returns
/// VDB_ERR_ALREADY_EXISTS. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_upsert_batch(
    db: *mut vdb,
    ids: *const u64,
    vectors: *const c_void,
    count: usize,
    dim: usize,
    stride: usize,
    scalar: vdb_scalar_t,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let rows = RawRows { ids, vectors, count, dim, stride, scalar };
    // SAFETY: R2, R3.
    unsafe { write_rows(db, rows, task, error, Database::upsert_batch) }
}

/// The rows of a batch as the caller passed them.
struct RawRows {
    ids: *const u64,
    vectors: *const c_void,
    count: usize,
    dim: usize,
    stride: usize,
    scalar: vdb_scalar_t,
}

impl RawRows {
    /// Checked slices of the caller's memory.
    ///
    /// # Safety
    /// The pointers are NULL or what R3 says.
    unsafe fn checked<'a>(&self, database: &Database) -> Result<(&'a [u64], Vectors<'a>), Failure> {
        let dims = (self.dim, database.settings().dim);
        let layout = Layout::new(self.scalar, self.count, dims, self.stride, "vectors")?;
        // SAFETY: passed on from the caller.
        unsafe { Ok((read(self.ids, self.count, "ids")?, layout.vectors(self.vectors.cast(), "vectors")?)) }
    }
}

type WriteRows = fn(&Database, &[u64], Vectors<'_>, Option<&Task>) -> DbResult<()>;

/// # Safety
/// R2 for `error`, R3 for the pointers in `rows`.
unsafe fn write_rows(
    db: *mut vdb,
    rows: RawRows,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
    write: WriteRows,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: passed on from the caller.
        let (ids, vectors) = unsafe { rows.checked(database) }?;
        write(database, ids, vectors, task_from(task)?.as_ref())?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: passed on from the caller.
    unsafe { on_database(db, Access::Write, error, body) }
}

/// Deletes `count` rows by id. Ids that are not there count 0.
///
/// `deleted` receives the number of rows deleted; it may be NULL. Deleted rows are never
/// returned again; their space is reclaimed in the background.
///
/// Errors: NO_SPACE, NO_MEMORY, IO, READ_ONLY, POISONED, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_delete_batch(
    db: *mut vdb,
    ids: *const u64,
    count: usize,
    deleted: *mut u64,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R3.
        let ids = unsafe { read(ids, count, "ids") }?;
        // Checked before anything is deleted.
        // SAFETY: R3.
        let deleted = if deleted.is_null() { None } else { Some(unsafe { out(deleted, "deleted") }?) };
        let number = database.delete_batch(ids)?;
        if let Some(deleted) = deleted {
            *deleted = number;
        }
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Write, error, body) }
}
