//! Point reads

use super::args::{Layout, out, read, write};
use super::boundary::{Access, on_database};
use super::error::{Outcome, vdb_error_t};
use super::filter::{filter_from, vdb_filter};
use super::open::vdb;
use super::status::{vdb_status, vdb_status_t};
use super::types::vdb_scalar_t;
use crate::db::{Database, Snapshot};
use std::ffi::c_void;

/// Copies out the vectors of `count` ids.
///
/// Row i of `vectors` (`dim` components of type `scalar`, rows `stride` bytes apart, 0 =
/// packed) receives the vector of `ids[i]`, and `found[i]` 1; for an id that is not there
/// `found[i]` is 0 and the row is left alone. Under VDB_METRIC_COSINE vectors come back as
/// they were stored, not normalised.
///
/// Errors: DIMENSION, UNSUPPORTED (scalar type), OUT_OF_RANGE (a component cannot be
/// converted to it), MISMATCH (bits and numbers), CORRUPT, CLOSED, FORKED, INVALID_ARGUMENT
/// (stride), NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_get_batch(
    db: *const vdb,
    ids: *const u64,
    count: usize,
    dim: usize,
    scalar: vdb_scalar_t,
    vectors: *mut c_void,
    stride: usize,
    found: *mut u8,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let raw = RawRead { ids, count, dim, scalar, vectors, stride, found };
    // SAFETY: R2, R3.
    unsafe { on_database(db, Access::Read, error, |database| raw.run(database, None)) }
}

/// A point read as the caller passed it. Whoever makes one vouches for the pointers (R3).
pub(super) struct RawRead {
    pub ids: *const u64,
    pub count: usize,
    pub dim: usize,
    pub scalar: vdb_scalar_t,
    pub vectors: *mut c_void,
    pub stride: usize,
    pub found: *mut u8,
}

impl RawRead {
    /// # Safety
    /// The pointers are NULL or what R3 says.
    pub unsafe fn run(&self, database: &Database, snapshot: Option<&Snapshot>) -> Outcome {
        let layout = Layout::new(self.scalar, self.count, (self.dim, database.settings().dim), self.stride, "vectors")?;
        // SAFETY: passed on from the caller.
        let (ids, found, bytes) = unsafe {
            (
                read(self.ids, self.count, "ids")?,
                write(self.found, self.count, "found")?,
                layout.bytes_mut(self.vectors.cast(), "vectors")?,
            )
        };
        database.get_batch_at(snapshot, ids, layout.scalar, bytes, layout.stride, found)?;
        Ok(vdb_status::VDB_OK)
    }
}

/// Number of rows a search can return: all, or with a filter those that it lets pass.
///
/// Errors: NO_MEMORY and LIMIT (with a filter), CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_count(
    db: *const vdb,
    filter: *const vdb_filter,
    count: *mut u64,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        let filter = filter_from(filter)?;
        // SAFETY: R3.
        let count = unsafe { out(count, "count") }?;
        *count = database.count_at(None, filter.as_ref())?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}
