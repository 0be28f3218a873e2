//! Filters
//!
//! A filter says which rows a search may return. It is made once and used by any number of
//! searches, from any thread; what it said about a row is remembered, so use the same one
//! again rather than making another. It remembers for the database that it was used with
//! last: one filter that takes turns between several is asked anew at each turn. It keeps a quarter of a byte for each
//! row of that database and 256 KiB more (half as much again once it was used with a snapshot), which count as working memory of searches
//! (VDB_OPT_MAX_MEMORY), until it is freed. The first search after rows changed asks about the new ones, and others with the same filter wait for that.

use super::args::{out, read};
use super::boundary::{boundary, gone_failure, pin};
use super::error::{Failure, Outcome, no_memory, refuse, vdb_error_t};
use super::handle::{Gone, Table};
use super::status::{vdb_status, vdb_status_t};
use crate::db::{Error, ErrorKind, Filter};
use std::ffi::{c_char, c_int};
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

/// The filter behind an argument that must be there.
pub(super) fn required_filter(filter: *const vdb_filter) -> Result<Filter, Failure> {
    match filter_from(filter)? {
        Some(filter) => Ok(filter),
        None => refuse(vdb_status::VDB_ERR_NULL_ARGUMENT, "filter is NULL"),
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
        unsafe { made(out_filter, || Ok(Filter::ids(read(ids, count, "ids")?, allow != 0)?)) }
    };
    // SAFETY: R2.
    unsafe { boundary(error, body) }
}

/// Makes a filter out of a condition on metadata: `text` of `len` bytes, UTF-8, such as
/// `year >= 1990 and genre in ('jazz', 'soul')`. docs/filters.md describes the language. Where the text has
/// parameters ($1, $2, ...) the filter must be given values by vdb_filter_bind before it is used. Free it
/// with vdb_filter_free.
///
/// On failure `*out_filter` is NULL. Errors: FILTER_SYNTAX (item = byte of the text where it shows), NO_MEMORY,
/// NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_filter_parse(
    text: *const c_char,
    len: usize,
    out_filter: *mut *mut vdb_filter,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = || {
        // SAFETY: R3.
        unsafe {
            made(out_filter, || {
                let bytes = read(text.cast::<u8>(), len, "text")?;
                match std::str::from_utf8(bytes) {
                    Ok(text) => Ok(Filter::parse(text)?),
                    Err(odd) => {
                        let at = odd.valid_up_to();
                        let message = format!("the filter is not UTF-8 from byte {at} on");
                        Err(Error::new(ErrorKind::FilterSyntax, message).at_byte(at).into())
                    }
                }
            })
        }
    };
    // SAFETY: R2.
    unsafe { boundary(error, body) }
}

/// Makes a filter out of another one that has parameters: `values` is a JSON array of `len` bytes, whose first element
/// stands for $1. A value is a string, a number or a boolean; after `in` it may be an array of these. Any number
/// of filters can be made out of one, also by several threads; each is freed by itself.
///
/// On failure `*out_filter` is NULL. Errors: INVALID_ARGUMENT (no such array, too few or too many values, a value
/// of another kind than its place wants, a filter of ids), NO_MEMORY, CLOSED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_filter_bind(
    filter: *const vdb_filter,
    values: *const c_char,
    len: usize,
    out_filter: *mut *mut vdb_filter,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = || {
        // SAFETY: R3.
        unsafe { made(out_filter, || Ok(required_filter(filter)?.bind(read(values.cast::<u8>(), len, "values")?)?)) }
    };
    // SAFETY: R2.
    unsafe { boundary(error, body) }
}

/// Puts a handle of the filter that `make` makes at `out_filter`, NULL where it makes none.
///
/// # Safety
/// R3 for `out_filter`.
unsafe fn made(out_filter: *mut *mut vdb_filter, make: impl FnOnce() -> Result<Filter, Failure>) -> Outcome {
    // SAFETY: passed on from the caller.
    let place = unsafe { out(out_filter, "out_filter") }?;
    *place = ptr::null_mut();
    let token = FILTERS.insert(make()?).map_err(|_| no_memory("a handle", 1024))?;
    *place = ptr::without_provenance_mut(token as usize);
    Ok(vdb_status::VDB_OK)
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
