//! Snapshots
//!
//! A snapshot is the state of a database at one moment: what is asked of it gets the same answer
//! however much is written, deleted, checkpointed and compacted meanwhile. Making one copies
//! nothing and takes no time, whatever the size. What it shows stays in memory and on the disk until it
//! is freed, though the database has moved on: `bytes_memory` in vdb_stats_t has the memory (which counts
//! against VDB_OPT_MAX_MEMORY), `snapshots` how many there are.
//!
//! vdb_search_params_t.snapshot takes one, and so do the functions below and vdb_cursor_scan_at. It is of use
//! with the handle that it was made from, and any number of threads may use it. vdb_close waits for none: what
//! is left of a snapshot then can only be freed, and another handle, also one of the same directory,
//! refuses it with VDB_ERR_MISMATCH.

use super::args::{out, write};
use super::boundary::{Access, boundary, gone_failure, on_database, pin};
use super::error::{Failure, no_memory, vdb_error_t};
use super::filter::{filter_from, vdb_filter};
use super::handle::{Gone, Table};
use super::open::vdb;
use super::read::RawRead;
use super::records::{RawTexts, required_texts};
use super::status::{vdb_status, vdb_status_t};
use super::types::vdb_scalar_t;
use crate::db::{Database, Snapshot};
use std::ffi::{c_char, c_void};
use std::ptr;

/// A snapshot. Any thread may use it, several at a time.
pub struct vdb_snapshot {
    _private: (),
}

pub(super) static SNAPSHOTS: Table<Snapshot, 1> = Table::new(6);

/// The snapshot behind an optional argument. A call keeps its own reference, so that
/// freeing the handle meanwhile is harmless.
pub(super) fn snapshot_from(snapshot: *const vdb_snapshot) -> Result<Option<Snapshot>, Failure> {
    match snapshot.is_null() {
        true => Ok(None),
        false => Ok(Some(pin(&SNAPSHOTS, snapshot, "snapshot")?.clone())),
    }
}

/// Makes a snapshot of the state that a search begun now would see. Free it with vdb_snapshot_free.
///
/// On failure `*out_snapshot` is NULL. Errors: NO_MEMORY, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_snapshot_new(
    db: *const vdb,
    out_snapshot: *mut *mut vdb_snapshot,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    // Also where the handle is no good.
    if out_snapshot.is_aligned() && !out_snapshot.is_null() {
        // SAFETY: R3: one place to write a pointer to.
        unsafe { *out_snapshot = ptr::null_mut() };
    }
    let body = |database: &Database| {
        // SAFETY: R3.
        let place = unsafe { out(out_snapshot, "out_snapshot") }?;
        let token = SNAPSHOTS.insert(database.snapshot()).map_err(|_| no_memory("a handle", 1024))?;
        *place = ptr::without_provenance_mut(token as usize);
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// Frees a snapshot, before or after its database is closed. A call that uses it goes on. NULL and
/// a snapshot that was freed already do nothing. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_snapshot_free(snapshot: *mut vdb_snapshot) {
    let body = || match SNAPSHOTS.take(snapshot.addr() as u64) {
        Ok(_) | Err(Gone::Forked) => Ok(vdb_status::VDB_OK),
        Err(gone) => Err(gone_failure(gone, "snapshot")),
    };
    // SAFETY: NULL is a record nobody wants.
    unsafe { boundary(ptr::null_mut(), body) };
}

/// As vdb_count, of the state that `snapshot` shows; NULL for the newest.
///
/// Errors: as vdb_count, and MISMATCH (a snapshot of another handle). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_count_at(
    db: *const vdb,
    snapshot: *const vdb_snapshot,
    filter: *const vdb_filter,
    count: *mut u64,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        let (snapshot, filter) = (snapshot_from(snapshot)?, filter_from(filter)?);
        // SAFETY: R3.
        let count = unsafe { out(count, "count") }?;
        *count = database.count_at(snapshot.as_ref(), filter.as_ref())?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// As vdb_get_batch, of the state that `snapshot` shows; NULL for the newest.
///
/// Errors: as vdb_get_batch, and MISMATCH (a snapshot of another handle). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_get_batch_at(
    db: *const vdb,
    snapshot: *const vdb_snapshot,
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
    let body = |database: &Database| {
        let snapshot = snapshot_from(snapshot)?;
        // SAFETY: R3.
        unsafe { raw.run(database, snapshot.as_ref()) }
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// As vdb_ids_of_keys, of the state that `snapshot` shows; NULL for the newest.
///
/// Errors: as vdb_ids_of_keys, and MISMATCH (a snapshot of another handle). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_ids_of_keys_at(
    db: *const vdb,
    snapshot: *const vdb_snapshot,
    keys: *const c_char,
    key_offsets: *const u64,
    count: usize,
    ids: *mut u64,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        let snapshot = snapshot_from(snapshot)?;
        // SAFETY: R3.
        let (keys, ids) = unsafe { (required_texts(keys, key_offsets, count, "keys")?, write(ids, count, "ids")?) };
        database.ids_of_keys_at(snapshot.as_ref(), &keys, ids)?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// As vdb_keys_of_ids, of the state that `snapshot` shows; NULL for the newest. With one, a call that asked for the
/// length and the next one see the same keys.
///
/// Errors: as vdb_keys_of_ids, and MISMATCH (a snapshot of another handle). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_keys_of_ids_at(
    db: *const vdb,
    snapshot: *const vdb_snapshot,
    ids: *const u64,
    count: usize,
    keys: *mut c_char,
    cap: usize,
    key_offsets: *mut u64,
    len: *mut usize,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let raw = RawTexts { ids, count, bytes: keys, cap, offsets: key_offsets, len, name: "keys" };
    let body = |database: &Database| {
        let snapshot = snapshot_from(snapshot)?;
        // SAFETY: R3.
        unsafe { raw.fill(database, snapshot.as_ref(), Database::keys_of_ids_at) }
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// As vdb_get_meta, of the state that `snapshot` shows; NULL for the newest.
///
/// Errors: as vdb_get_meta, and MISMATCH (a snapshot of another handle). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_get_meta_at(
    db: *const vdb,
    snapshot: *const vdb_snapshot,
    ids: *const u64,
    count: usize,
    meta: *mut c_char,
    cap: usize,
    meta_offsets: *mut u64,
    len: *mut usize,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let raw = RawTexts { ids, count, bytes: meta, cap, offsets: meta_offsets, len, name: "meta" };
    let body = |database: &Database| {
        let snapshot = snapshot_from(snapshot)?;
        // SAFETY: R3.
        unsafe { raw.fill(database, snapshot.as_ref(), Database::meta_batch_at) }
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}
