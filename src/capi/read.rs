//! Point reads

use super::args::{Layout, out, read, write};
use super::boundary::{Access, on_database};
use super::error::vdb_error_t;
use super::filter::{filter_from, vdb_filter};
use super::open::vdb;
use super::status::{vdb_status, vdb_status_t};
use super::types::vdb_scalar_t;
use crate::db::Database;
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
    let body = |database: &Database| {
        let layout = Layout::new(scalar, count, (dim, database.settings().dim), stride, "vectors")?;
        // SAFETY: R3.
        let (ids, found, bytes) = unsafe {
            (read(ids, count, "ids")?, write(found, count, "found")?, layout.bytes_mut(vectors.cast(), "vectors")?)
        };
        database.get_batch(ids, layout.scalar, bytes, layout.stride, found)?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
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
        *count = match &filter {
            Some(filter) => database.count_passing(filter)?,
            None => database.count()?,
        };
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}
