//! Filters
//!
//! A filter says which rows a search may return. It is made once and used by any number of
//! searches, from any thread; what it said about a row is remembered, so use the same one
//! again rather than making another. It remembers for the database that it was used with
//! last: one filter that takes turns between several is asked anew at each turn. It keeps a quarter of a byte for each
//! row of that database and 256 KiB more, which count as working memory of searches (VDB_OPT_MAX_MEMORY), until it is
//! freed. The first search after rows changed asks about the new ones, and others with the same filter wait for that.

use super::args::{out, read};
use super::boundary::{boundary, gone_failure, pin};
use super::error::{Failure, no_memory, vdb_error_t};
use super::handle::{Gone, Table};
use super::status::{vdb_status, vdb_status_t};
use crate::db::Filter;
use std::ffi::c_int;
use std::ptr;

/// A filter. Any thread may use it, several at a time.
pub struct vdb_filter {
    _private: (),
}

pub(super) static FILTERS: Table<Filter, 1> = Table::new(4);

/// The filter behind an optional argument. A call keeps its own reference, so that
/// freeing the handle meanwhile is harmless.
pub(super) fn filter_from(filter: *const vdb_filter) -> Result<Option<Filter>, Failure> {
    match filter.is_null() {
        true => Ok(None),
        false => Ok(Some(pin(&FILTERS, filter, "filter")?.clone())),
    }
}

/// Makes a filter that only the `count` rows of `ids` pass (`allow` not 0), or all rows but these
/// (`allow` 0). Ids need not exist, and may stand more than once. They are copied. Free it with
/// vdb_filter_free.
///
/// On failure `*out_filter` is NULL. Errors (item = place in `ids`): INVALID_ARGUMENT (VDB_ID_NONE),
/// OUT_OF_RANGE (count), NO_MEMORY, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_filter_ids(
    ids: *const u64,
    count: usize,
    allow: c_int,
    out_filter: *mut *mut vdb_filter,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = || {
        // SAFETY: R3.
        let place = unsafe { out(out_filter, "out_filter") }?;
        *place = ptr::null_mut();
        // SAFETY: R3.
        let filter = Filter::ids(unsafe { read(ids, count, "ids") }?, allow != 0)?;
        let token = FILTERS.insert(filter).map_err(|_| no_memory("a handle", 1024))?;
        *place = ptr::without_provenance_mut(token as usize);
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { boundary(error, body) }
}

/// Frees a filter. A call that uses it goes on. NULL and a filter that was freed already do
/// nothing. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_filter_free(filter: *mut vdb_filter) {
    let body = || match FILTERS.take(filter.addr() as u64) {
        Ok(_) | Err(Gone::Forked) => Ok(vdb_status::VDB_OK),
        Err(gone) => Err(gone_failure(gone, "filter")),
    };
    // SAFETY: NULL is a record nobody wants.
    unsafe { boundary(ptr::null_mut(), body) };
}
