//! Cursors
//!
//! The rows of a database one page after the other: nearest to a query first, or by id. A cursor goes through the
//! state that the database had when it was made: what is written, deleted or cleaned up meanwhile changes nothing, and
//! closing the database does not end it. Until it is freed, it keeps the memory of that state, and the disk space of
//! files that were removed meanwhile.

use super::args::{out, write};
use super::boundary::{Access, OpenDatabase, boundary, gone_failure, on_open, pin, refuse_inside_callback, watched};
use super::error::{Failure, Outcome, no_memory, refuse, vdb_error_t};
use super::filter::{filter_from, vdb_filter};
use super::handle::{Gone, Table};
use super::open::vdb;
use super::search::{params_from, query_layout, vdb_search_params_t};
use super::snapshot::{snapshot_from, vdb_snapshot};
use super::status::{vdb_status, vdb_status_t};
use crate::db::{Cursor, Page};
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

/// A cursor. Threads that use one at the same time take turns.
pub struct vdb_cursor {
    _private: (),
}

/// A cursor and whether a panic went through its database.
pub(super) struct OpenCursor {
    cursor: Mutex<Cursor>,
    poisoned: Arc<AtomicBool>,
}

pub(super) static CURSORS: Table<OpenCursor, 1> = Table::new(5);

/// Makes a cursor through all rows in the order of their distance to one query, nearest first, ties by id.
///
/// `query`: one vector of `dim` components, of type `params->query_scalar`. `params` as for vdb_search, copied;
/// a filter and a task that they name may be freed. The filter is asked at the first page, `deadline_us` is the
/// time limit of each page, `task` cancels them.
///
/// No row comes twice, and every row that passes the filter comes once. They come in strict order, with one
/// exception: where the graph is walked, a row may be found only after farther ones were returned. Such rows come
/// last, after all others, in order among themselves and in pages of their own; with VDB_SEARCH_EXACT there are none.
///
/// The first pages cost about as much as searches for twice as many rows. Farther down, from about a fortieth of the
/// rows on, all rows are compared, and again for each eighth of them (VDB_OPT_MAX_MEMORY and `max_memory` may make
/// that more often; pages are not VDB_PARTIAL for it). To `max_memory` comes a bit for each row of the database. Free it
/// with vdb_cursor_free.
///
/// On failure `*out_cursor` is NULL. Errors: as vdb_search for one query. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_cursor_search(
    db: *const vdb,
    query: *const c_void,
    dim: usize,
    params: *const vdb_search_params_t,
    out_cursor: *mut *mut vdb_cursor,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let make = |open: &OpenDatabase| {
        // SAFETY: R9.
        let (params, scalar) = unsafe { params_from(params) }?;
        let layout = query_layout(&open.database, scalar, 1, dim, 0)?;
        // SAFETY: R3.
        let query = unsafe { layout.vectors(query.cast(), "query") }?;
        Ok(open.database.cursor(query, &params)?)
    };
    // SAFETY: R2, R3.
    unsafe { new_cursor(db, out_cursor, error, make) }
}

/// Makes a cursor through the rows that `filter` lets pass (NULL: all), in the order of their ids.
///
/// Every row comes once. Free it with vdb_cursor_free.
///
/// On failure `*out_cursor` is NULL. Errors: INVALID_ARGUMENT (a filter whose parameters have no values), NO_MEMORY,
/// LIMIT (the filter's answer is too large for VDB_OPT_MAX_MEMORY), CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_cursor_scan(
    db: *const vdb,
    filter: *const vdb_filter,
    out_cursor: *mut *mut vdb_cursor,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let make = |open: &OpenDatabase| Ok(open.database.scan(filter_from(filter)?.as_ref())?);
    // SAFETY: R2, R3.
    unsafe { new_cursor(db, out_cursor, error, make) }
}

/// As vdb_cursor_scan, of the state that `snapshot` shows; NULL for the newest. The cursor keeps that state: the
/// snapshot may be freed.
///
/// Errors: as vdb_cursor_scan, and MISMATCH (a snapshot of another handle). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_cursor_scan_at(
    db: *const vdb,
    snapshot: *const vdb_snapshot,
    filter: *const vdb_filter,
    out_cursor: *mut *mut vdb_cursor,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let make = |open: &OpenDatabase| {
        let (snapshot, filter) = (snapshot_from(snapshot)?, filter_from(filter)?);
        Ok(open.database.scan_at(snapshot.as_ref(), filter.as_ref())?)
    };
    // SAFETY: R2, R3.
    unsafe { new_cursor(db, out_cursor, error, make) }
}

/// The body of a function that makes a cursor.
///
/// # Safety
/// `error` is what R2 says, `out_cursor` NULL or a place to write to (R3).
unsafe fn new_cursor(
    db: *const vdb,
    out_cursor: *mut *mut vdb_cursor,
    error: *mut vdb_error_t,
    make: impl FnOnce(&OpenDatabase) -> Result<Cursor, Failure>,
) -> vdb_status_t {
    let body = || {
        // SAFETY: passed on from the caller.
        let place = unsafe { out(out_cursor, "out_cursor") }?;
        *place = ptr::null_mut();
        on_open(db, Access::Read, |open| {
            let cursor = OpenCursor { cursor: Mutex::new(make(open)?), poisoned: open.poisoned.clone() };
            let token = CURSORS.insert(cursor).map_err(|_| no_memory("a handle", 4096))?;
            *place = ptr::without_provenance_mut(token as usize);
            Ok(vdb_status::VDB_OK)
        })
    };
    // SAFETY: passed on from the caller.
    unsafe { boundary(error, body) }
}

/// Writes the next rows of a cursor, `cap` at most.
///
/// `ids` and `distances` have `cap` places; those left over become VDB_ID_NONE and +INFINITY. `distances` may be
/// NULL; where rows come by id they are 0. `*count` receives the number of rows: a page may be short though more
/// rows follow. VDB_DONE, with `*count` 0, says that there are no more. With `cap` 0 nothing is done.
///
/// Returns VDB_PARTIAL, with the rows that there were, when the deadline passed or the task was cancelled: the next
/// call goes on from there. What the deadline broke off is then begun again, so one that is too short for a single
/// search gets nowhere. After an error no row is lost: the next call returns the same page. Errors: CORRUPT,
/// IO, NO_MEMORY, LIMIT (too large for VDB_OPT_MAX_MEMORY), POISONED (an earlier call on the cursor failed inside the
/// library (R7)), CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_cursor_next(
    cursor: *mut vdb_cursor,
    cap: usize,
    ids: *mut u64,
    distances: *mut f32,
    count: *mut usize,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |cursor: &mut Cursor| {
        // SAFETY: R3.
        let (ids, count) = unsafe { (write(ids, cap, "ids")?, out(count, "count")?) };
        let distances = match distances.is_null() {
            true => None,
            // SAFETY: R3.
            false => Some(unsafe { write(distances, cap, "distances") }?),
        };
        let (status, rows) = match cursor.next_page(ids, distances)? {
            Page::Rows(rows) => (vdb_status::VDB_OK, rows),
            Page::Done => (vdb_status::VDB_DONE, 0),
            Page::Partial(rows) => (vdb_status::VDB_PARTIAL, rows),
        };
        *count = rows;
        Ok(status)
    };
    // SAFETY: R2.
    unsafe { boundary(error, || on_cursor(cursor, body)) }
}

/// Runs `body` on the cursor behind a handle.
fn on_cursor(cursor: *const vdb_cursor, body: impl FnOnce(&mut Cursor) -> Outcome) -> Outcome {
    refuse_inside_callback()?;
    let open = pin(&CURSORS, cursor, "cursor")?;
    watched(&open.poisoned, || match open.cursor.lock() {
        Ok(mut cursor) => body(&mut cursor),
        Err(_) => {
            refuse(vdb_status::VDB_ERR_POISONED, "an earlier call failed inside the library; make another cursor")
        }
    })
}

/// Frees a cursor, and what it kept of a database that was closed meanwhile. Waits for calls in progress on it.
/// NULL and a cursor that was freed already do nothing. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_cursor_free(cursor: *mut vdb_cursor) {
    let body = || match CURSORS.take(cursor.addr() as u64) {
        Ok(_) | Err(Gone::Forked) => Ok(vdb_status::VDB_OK),
        Err(gone) => Err(gone_failure(gone, "cursor")),
    };
    // SAFETY: NULL is a record nobody wants.
    unsafe { boundary(ptr::null_mut(), body) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Database, Options, Vectors};

    #[test]
    fn a_panic_ends_the_cursor_and_the_writes_of_its_database() {
        let database = Database::open(None, &Options::new().dim(1)).unwrap();
        database.insert_batch(&[1], Vectors::f32(&[1.0], 1).unwrap(), None).unwrap();
        let poisoned = Arc::new(AtomicBool::new(false));
        let cursor = OpenCursor { cursor: Mutex::new(database.scan(None).unwrap()), poisoned: poisoned.clone() };
        let token = CURSORS.insert(cursor).ok().unwrap();
        let handle: *mut vdb_cursor = ptr::without_provenance_mut(token as usize);
        let (mut id, mut count) = (0, 7);
        // SAFETY: locals to write to.
        let mut next = || unsafe { vdb_cursor_next(handle, 1, &mut id, ptr::null_mut(), &mut count, ptr::null_mut()) };
        assert_eq!(next(), vdb_status::VDB_OK.number());
        // SAFETY: no error record.
        let status = unsafe { boundary(ptr::null_mut(), || on_cursor(handle, |_| panic!("a defect"))) };
        assert_eq!(status, vdb_status::VDB_ERR_PANIC.number());
        assert!(poisoned.load(std::sync::atomic::Ordering::SeqCst));
        assert_eq!(next(), vdb_status::VDB_ERR_POISONED.number());
        // SAFETY: a handle that was never given out otherwise.
        unsafe { vdb_cursor_free(handle) };
        assert_eq!(next(), vdb_status::VDB_ERR_CLOSED.number());
    }
}
