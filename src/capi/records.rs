//! Records
//!
//! A row may have a key and metadata beside its id and its vector. A key is a text (UTF-8, 1 to
//! VDB_KEY_MAX bytes) that no other row has. Metadata is one JSON object, kept and given back byte by byte;
//! filters (vdb_filter_parse) look into it. Both are atomic and durable with the batch that brings them.
//!
//! Texts of several rows are passed back to back, with `count` + 1 offsets: text i is the bytes from
//! `offsets[i]` up to `offsets[i + 1]`. They need no terminators.

use super::args::{Layout, out, read, write};
use super::boundary::{Access, on_database};
use super::error::{Failure, Outcome, refuse, vdb_error_t};
use super::filter::{required_filter, vdb_filter};
use super::open::vdb;
use super::status::{vdb_status, vdb_status_t};
use super::task::{task_from, vdb_task};
use super::types::vdb_scalar_t;
use crate::db::{Database, ID_NONE, KEY_MAX, Records, Result as DbResult, Snapshot, Task, TextBuffer, Texts, Vectors};
use std::ffi::{c_char, c_void};

/// Longest key in bytes.
pub const VDB_KEY_MAX: u32 = 512;
const _: () = assert!(VDB_KEY_MAX as usize == KEY_MAX);

/// Inserts `count` rows with keys and metadata.
///
/// Vectors and `task` as for vdb_insert_batch. `ids`: `count` ids; VDB_ID_NONE asks for one, which is above those
/// of all rows and was never given before, and replaces it when the call succeeds. `ids` may be NULL: each row gets one then, and
/// keys are how to find it. `keys` and `key_offsets`: the key of each row, empty for none; both NULL means no row has one.
/// `meta` and `meta_offsets`: the metadata of each row in the same way.
///
/// Errors: as vdb_insert_batch, and ALREADY_EXISTS (a key that a row has, or twice in the batch),
/// INVALID_ARGUMENT (offsets that go back, a key that is not UTF-8, metadata that is no JSON object, or has a value of another type
/// than VDB_OPT_COLUMNS declares), LIMIT (a key above VDB_KEY_MAX, metadata above VDB_OPT_MAX_META_BYTES, no id left
/// to give). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_insert_records(
    db: *mut vdb,
    ids: *mut u64,
    keys: *const c_char,
    key_offsets: *const u64,
    vectors: *const c_void,
    count: usize,
    dim: usize,
    stride: usize,
    scalar: vdb_scalar_t,
    meta: *const c_char,
    meta_offsets: *const u64,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let rows = RawRecords { ids, keys, key_offsets, vectors, count, dim, stride, scalar, meta, meta_offsets };
    // SAFETY: R2, R3.
    unsafe { write_records(db, rows, task, error, Database::insert_records) }
}

/// As vdb_insert_records, but rows that there are get the new vectors. VDB_ID_NONE asks for the id
/// of the row that has the key, or for a new one where none has.
///
/// What the call does not bring stays: with `keys` NULL a row keeps its key, with `meta` NULL its metadata. An
/// empty text takes it away. Where an id stands twice in the batch the last of its rows wins.
///
/// Errors: as vdb_insert_records; ALREADY_EXISTS for a key that a row with another id has. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_upsert_records(
    db: *mut vdb,
    ids: *mut u64,
    keys: *const c_char,
    key_offsets: *const u64,
    vectors: *const c_void,
    count: usize,
    dim: usize,
    stride: usize,
    scalar: vdb_scalar_t,
    meta: *const c_char,
    meta_offsets: *const u64,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let rows = RawRecords { ids, keys, key_offsets, vectors, count, dim, stride, scalar, meta, meta_offsets };
    // SAFETY: R2, R3.
    unsafe { write_records(db, rows, task, error, Database::upsert_records) }
}

/// The rows of a batch as the caller passed them.
struct RawRecords {
    ids: *mut u64,
    keys: *const c_char,
    key_offsets: *const u64,
    vectors: *const c_void,
    count: usize,
    dim: usize,
    stride: usize,
    scalar: vdb_scalar_t,
    meta: *const c_char,
    meta_offsets: *const u64,
}

type WriteRecords = fn(&Database, &mut [u64], Vectors<'_>, &Records<'_>, Option<&Task>) -> DbResult<()>;

/// # Safety
/// R2 for `error`, R3 for the pointers in `rows`.
unsafe fn write_records(
    db: *mut vdb,
    rows: RawRecords,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
    insert: WriteRecords,
) -> vdb_status_t {
    let body = |database: &Database| {
        let dims = (rows.dim, database.settings().dim);
        let layout = Layout::new(rows.scalar, rows.count, dims, rows.stride, "vectors")?;
        // SAFETY: passed on from the caller.
        let vectors = unsafe { layout.vectors(rows.vectors.cast(), "vectors") }?;
        // SAFETY: passed on from the caller.
        let records = unsafe {
            Records {
                keys: texts(rows.keys, rows.key_offsets, rows.count, "keys")?,
                meta: texts(rows.meta, rows.meta_offsets, rows.count, "meta")?,
            }
        };
        let mut unwanted = Vec::new();
        let ids = match rows.ids.is_null() {
            // SAFETY: passed on from the caller.
            false => unsafe { write(rows.ids, rows.count, "ids") }?,
            true => {
                unwanted.try_reserve_exact(rows.count).map_err(|_| super::error::no_memory("ids", 8 * rows.count))?;
                unwanted.resize(rows.count, ID_NONE);
                &mut unwanted[..]
            }
        };
        insert(database, ids, vectors, &records, task_from(task)?.as_ref())?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: passed on from the caller.
    unsafe { on_database(db, Access::Write, error, body) }
}

/// `count` texts; `None` where both pointers are NULL.
///
/// # Safety
/// R3 for both: `count` + 1 offsets, and as many bytes as the last of them says.
unsafe fn texts<'a>(
    bytes: *const c_char,
    offsets: *const u64,
    count: usize,
    name: &str,
) -> Result<Option<Texts<'a>>, Failure> {
    if offsets.is_null() && bytes.is_null() {
        return Ok(None);
    }
    // SAFETY: passed on from the caller.
    unsafe { required_texts(bytes, offsets, count, name) }.map(Some)
}

/// `count` texts.
///
/// # Safety
/// As for [`texts`].
pub(super) unsafe fn required_texts<'a>(
    bytes: *const c_char,
    offsets: *const u64,
    count: usize,
    name: &str,
) -> Result<Texts<'a>, Failure> {
    if count == 0 {
        return Ok(Texts::new(&[], &[0])?);
    }
    let Some(places) = count.checked_add(1) else {
        return refuse(vdb_status::VDB_ERR_OUT_OF_RANGE, format!("{name}: {count} texts overflow the address space"));
    };
    // SAFETY: passed on from the caller.
    let offsets = unsafe { read(offsets, places, name) }?;
    let Ok(len) = usize::try_from(offsets[count]) else {
        return refuse(vdb_status::VDB_ERR_OUT_OF_RANGE, format!("{name}: {} bytes overflow", offsets[count]));
    };
    // SAFETY: passed on from the caller.
    Ok(Texts::new(unsafe { read(bytes.cast::<u8>(), len, name) }?, offsets)?)
}

/// Gives `count` rows other metadata, all in one batch. Vectors, keys and the graph stay as they are.
///
/// Row i is the one with `ids[i]`; ids that are not there count 0, and of an id that stands twice the last
/// counts. `meta` and `meta_offsets` as for vdb_insert_records; an empty text takes the metadata away. `updated`
/// receives the number of rows; it may be NULL.
///
/// Errors: INVALID_ARGUMENT and LIMIT as vdb_insert_records, NO_SPACE, NO_MEMORY, IO, READ_ONLY, POISONED, CLOSED,
/// FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_update_meta_batch(
    db: *mut vdb,
    ids: *const u64,
    count: usize,
    meta: *const c_char,
    meta_offsets: *const u64,
    updated: *mut u64,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R3.
        let (ids, meta) = unsafe { (read(ids, count, "ids")?, required_texts(meta, meta_offsets, count, "meta")?) };
        // SAFETY: R3.
        unsafe { counted(updated, "updated", || Ok(database.update_meta_batch(ids, &meta)?)) }
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Write, error, body) }
}

/// Gives the rows that `filter` lets pass at this moment the metadata `meta` of `len` bytes (0 = none), all in one
/// batch. `updated` receives their number; it may be NULL. `task` may be NULL; once the writing has begun it
/// is too late to cancel.
///
/// Errors: as vdb_update_meta_batch, and CANCELLED. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_update_meta_where(
    db: *mut vdb,
    filter: *const vdb_filter,
    meta: *const c_char,
    len: usize,
    updated: *mut u64,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        let (filter, task) = (required_filter(filter)?, task_from(task)?);
        // SAFETY: R3.
        let meta = unsafe { read(meta.cast::<u8>(), len, "meta") }?;
        let update = || Ok(database.update_meta_where(&filter, meta, task.as_ref())?);
        // SAFETY: R3.
        unsafe { counted(updated, "updated", update) }
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Write, error, body) }
}

/// Deletes the rows that `filter` lets pass at this moment, all in one batch. `deleted` receives their number; it
/// may be NULL. `task` may be NULL; once the writing has begun it is too late to cancel.
///
/// Errors: NO_SPACE, NO_MEMORY, LIMIT, IO, READ_ONLY, POISONED, CANCELLED, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_delete_where(
    db: *mut vdb,
    filter: *const vdb_filter,
    deleted: *mut u64,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        let (filter, task) = (required_filter(filter)?, task_from(task)?);
        // SAFETY: R3.
        unsafe { counted(deleted, "deleted", || Ok(database.delete_where(&filter, task.as_ref())?)) }
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Write, error, body) }
}

/// Deletes the rows that have one of `count` keys, all in one batch. Keys that no row has count 0. `deleted`
/// receives the number of rows; it may be NULL.
///
/// Errors: as vdb_delete_batch, INVALID_ARGUMENT (offsets), OUT_OF_RANGE (count). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_delete_keys(
    db: *mut vdb,
    keys: *const c_char,
    key_offsets: *const u64,
    count: usize,
    deleted: *mut u64,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R3.
        let keys = unsafe { required_texts(keys, key_offsets, count, "keys") }?;
        // SAFETY: R3.
        unsafe { counted(deleted, "deleted", || Ok(database.delete_keys(&keys)?)) }
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Write, error, body) }
}

/// Does `change`, and puts the number of rows where the caller wants it, if he does.
///
/// # Safety
/// R3 for `place`.
unsafe fn counted(place: *mut u64, name: &str, change: impl FnOnce() -> Result<u64, Failure>) -> Outcome {
    // Checked before anything changes.
    // SAFETY: passed on from the caller.
    let place = if place.is_null() { None } else { Some(unsafe { out(place, name) }?) };
    let number = change()?;
    if let Some(place) = place {
        *place = number;
    }
    Ok(vdb_status::VDB_OK)
}

/// Finds the rows that have `count` keys: `ids[i]` receives the id of the row with key i, or VDB_ID_NONE
/// where no row has it.
///
/// Errors: INVALID_ARGUMENT (offsets), OUT_OF_RANGE (count), CORRUPT, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_ids_of_keys(
    db: *const vdb,
    keys: *const c_char,
    key_offsets: *const u64,
    count: usize,
    ids: *mut u64,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R3.
        let (keys, ids) = unsafe { (required_texts(keys, key_offsets, count, "keys")?, write(ids, count, "ids")?) };
        database.ids_of_keys(&keys, ids)?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// Copies out the keys of `count` rows, back to back and without terminators: the key of `ids[i]` is the bytes of
/// `keys` from `key_offsets[i]` up to `key_offsets[i + 1]`, none for a row without a key and for an id that is not there.
///
/// `keys` has `cap` bytes, `key_offsets` `count` + 1 places; `*len` receives the bytes of all keys. With cap = 0
/// (`keys` may be NULL) only offsets and length are written, and the same, against R1, with VDB_ERR_BUFFER_TOO_SMALL.
/// VDB_KEY_MAX for each row is always enough. All of it is of one moment.
///
/// Errors: BUFFER_TOO_SMALL, OUT_OF_RANGE (count), CORRUPT, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_keys_of_ids(
    db: *const vdb,
    ids: *const u64,
    count: usize,
    keys: *mut c_char,
    cap: usize,
    key_offsets: *mut u64,
    len: *mut usize,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let raw = RawTexts { ids, count, bytes: keys, cap, offsets: key_offsets, len, name: "keys" };
    // SAFETY: R2, R3.
    unsafe { on_database(db, Access::Read, error, |database| raw.fill(database, None, Database::keys_of_ids_at)) }
}

/// Copies out the metadata of `count` rows as vdb_keys_of_ids does their keys: byte by byte what was stored.
///
/// Errors: as vdb_keys_of_ids. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_get_meta(
    db: *const vdb,
    ids: *const u64,
    count: usize,
    meta: *mut c_char,
    cap: usize,
    meta_offsets: *mut u64,
    len: *mut usize,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let raw = RawTexts { ids, count, bytes: meta, cap, offsets: meta_offsets, len, name: "meta" };
    // SAFETY: R2, R3.
    unsafe { on_database(db, Access::Read, error, |database| raw.fill(database, None, Database::meta_batch_at)) }
}

/// Where texts of rows go, as the caller passed it. Whoever makes one vouches for the pointers (R3).
pub(super) struct RawTexts {
    pub ids: *const u64,
    pub count: usize,
    pub bytes: *mut c_char,
    pub cap: usize,
    pub offsets: *mut u64,
    pub len: *mut usize,
    pub name: &'static str,
}

type ReadTexts = fn(&Database, Option<&Snapshot>, &[u64], &mut TextBuffer<'_>) -> DbResult<()>;

impl RawTexts {
    /// # Safety
    /// The pointers are NULL or what R3 says.
    pub unsafe fn fill(&self, database: &Database, snapshot: Option<&Snapshot>, fill: ReadTexts) -> Outcome {
        let Some(places) = self.count.checked_add(1) else {
            return refuse(vdb_status::VDB_ERR_OUT_OF_RANGE, format!("{} ids overflow the address space", self.count));
        };
        // SAFETY: passed on from the caller.
        let (ids, bytes, offsets, len) = unsafe {
            (
                read(self.ids, self.count, "ids")?,
                write(self.bytes.cast::<u8>(), self.cap, self.name)?,
                write(self.offsets, places, "offsets")?,
                out(self.len, "len")?,
            )
        };
        fill(database, snapshot, ids, &mut TextBuffer { bytes, offsets })?;
        *len = offsets[self.count] as usize;
        if self.cap > 0 && *len > self.cap {
            let message = format!("{} has {} bytes, {} are needed", self.name, self.cap, *len);
            return refuse(vdb_status::VDB_ERR_BUFFER_TOO_SMALL, message);
        }
        Ok(vdb_status::VDB_OK)
    }
}
