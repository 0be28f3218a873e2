//! Databases
//!
//! Opening, closing, settings in force.

use super::args::{out, put_text, write};
use super::boundary::{Access, OpenDatabase, POISONED, boundary, gone_failure, on_database, refuse_inside_callback};
use super::error::{Failure, Outcome, no_memory, refuse, vdb_error_t};
use super::handle::{Gone, Table};
use super::options::{options_from, vdb_options};
use super::status::{vdb_status, vdb_status_t};
use super::types::vdb_option_t;
use crate::db::{Database, OptionInfo, Value};
use std::ffi::{CStr, c_char};
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// An open database. Every function may be called from any thread at any time (R4).
pub struct vdb {
    _private: (),
}

/// Calls are counted in 32 groups: enough that 64 threads share a counter in pairs.
pub(super) static DATABASES: Table<OpenDatabase, 32> = Table::new(1);

/// Opens the database in the directory `path`, or a new one in memory if `path` is NULL.
///
/// `path` is a text of the system's encoding. Its last directory is made if need be, its
/// parent must exist; files of other names in the directory are left alone. `options` may
/// be NULL; it is copied and can be freed. A new database needs VDB_OPT_DIM; one that
/// exists knows its own, and options that contradict it are VDB_ERR_MISMATCH. On failure
/// `*out_db` is NULL and there is nothing to close.
///
/// One handle in one process writes. With VDB_OPT_READ_ONLY any number of handles, in any
/// processes, read the same directory beside it, or without it: see vdb_refresh.
///
/// A directory that is moved, emptied or replaced while it is open is not to be lost, nor what comes in its place: batches go
/// on into the log that is open, and checkpoints, and the close, are VDB_ERR_IO. Open it again where it is then. `path` means
/// what it meant here, whatever the current directory becomes.
///
/// Errors: NOT_FOUND (VDB_OPT_CREATE is 0, VDB_OPT_READ_ONLY is 1, or the parent directory is missing), LOCKED,
/// MISMATCH, CORRUPT (see vdb_repair), FORMAT_TOO_NEW, IO, NO_SPACE, NO_MEMORY, LIMIT
/// (VDB_OPT_MAX_MEMORY), UNSUPPORTED (the metric has
/// no meaning for the scalar type), INVALID_ARGUMENT (no VDB_OPT_DIM, an empty path),
/// NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_open(
    path: *const c_char,
    options: *const vdb_options,
    out_db: *mut *mut vdb,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = || {
        // SAFETY: R3: one place to write a pointer to.
        let place = unsafe { out(out_db, "out_db") }?;
        *place = ptr::null_mut();
        refuse_inside_callback()?;
        // SAFETY: R3: NULL or a terminated text.
        let path = unsafe { path_from(path) }?;
        let options = options_from(options)?;
        let database = Database::open(path.as_deref(), &options)?;
        let open = OpenDatabase { database, poisoned: Arc::new(AtomicBool::new(false)) };
        let token = DATABASES.insert(open).map_err(|_| no_memory("a handle", 4096))?;
        *place = ptr::without_provenance_mut(token as usize);
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { boundary(error, body) }
}

/// A path in the system's own encoding; `None` for NULL.
pub(super) unsafe fn path_from(path: *const c_char) -> Result<Option<PathBuf>, Failure> {
    if path.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL; the caller vouches for the terminator.
    let path = unsafe { CStr::from_ptr(path) };
    if path.is_empty() {
        return refuse(
            vdb_status::VDB_ERR_INVALID_ARGUMENT,
            "a path is empty: name a file or a directory (a database in memory is opened with no path at all)",
        );
    }
    #[cfg(unix)]
    let path = {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(path.to_bytes()))
    };
    #[cfg(not(unix))]
    let path = match path.to_str() {
        Ok(text) => PathBuf::from(text),
        Err(_) => return refuse(vdb_status::VDB_ERR_INVALID_ARGUMENT, "path is not UTF-8"),
    };
    Ok(Some(path))
}

/// Closes: waits for calls in progress, stops background work, makes everything durable
/// and writes a checkpoint. The handle is gone whatever is returned; calls made
/// after this one began get VDB_ERR_CLOSED. Cursors of the database go on, with all of its memory, until they are
/// freed; the directory can be opened again meanwhile. NULL is OK. In a forked child, a handle of
/// the parent is only forgotten.
///
/// Errors: CLOSED, IO, NO_SPACE (what was acknowledged stays in the log),
/// POISONED (closed without a checkpoint: the next open recovers), BUSY (called from a
/// progress function; the one case that leaves the handle open). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_close(db: *mut vdb, error: *mut vdb_error_t) -> vdb_status_t {
    // SAFETY: R2.
    unsafe { boundary(error, || close(db)) }
}

fn close(db: *mut vdb) -> Outcome {
    if db.is_null() {
        return Ok(vdb_status::VDB_OK);
    }
    refuse_inside_callback()?;
    let open = match DATABASES.take(db.addr() as u64) {
        Ok(open) => open,
        // Forgetting a parent's handle is all that closing it can mean here.
        Err(Gone::Forked) => return Ok(vdb_status::VDB_OK),
        Err(gone) => return Err(gone_failure(gone, "db")),
    };
    if open.poisoned.load(SeqCst) {
        open.database.abandon();
        return refuse(vdb_status::VDB_ERR_POISONED, POISONED);
    }
    open.database.close()?;
    Ok(vdb_status::VDB_OK)
}

/// Value in force of an option that is a whole number, a switch or an enum: the database's
/// own, what was set, or the default (which may stand for "decided inside", as AUTO does).
///
/// Errors: UNKNOWN_OPTION, INVALID_ARGUMENT (the option is a fraction or a text), CLOSED, FORKED.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_option_get_u64(
    db: *const vdb,
    option: vdb_option_t,
    value: *mut u64,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R3.
        let value = unsafe { out(value, "value") }?;
        match setting(database, option)? {
            Value::U64(v) => *value = v,
            Value::F64(v) => return wrong_type(option, &format!("a fraction ({v}): read it with vdb_option_get_f64")),
            Value::Text(_) => return wrong_type(option, "a text: read it with vdb_option_get_text"),
        }
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// Value in force of an option that is a fraction.
///
/// Errors: UNKNOWN_OPTION, INVALID_ARGUMENT (the option is no fraction), CLOSED, FORKED.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_option_get_f64(
    db: *const vdb,
    option: vdb_option_t,
    value: *mut f64,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R3.
        let value = unsafe { out(value, "value") }?;
        match setting(database, option)? {
            Value::F64(v) => *value = v,
            Value::U64(v) => {
                return wrong_type(option, &format!("a whole number ({v}): read it with vdb_option_get_u64"));
            }
            Value::Text(_) => return wrong_type(option, "a text: read it with vdb_option_get_text"),
        }
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// Value in force of any option, as vdb_options_set_text takes it: a text, a number, or the name of a value.
///
/// Writes a terminated text into `text`, which has `cap` bytes, and its length without the terminator to `*len`. With cap = 0
/// (`text` may be NULL) only the length.
///
/// Errors: UNKNOWN_OPTION, BUFFER_TOO_SMALL (`*len` is set), NULL_ARGUMENT, CLOSED, FORKED. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_option_get_text(
    db: *const vdb,
    option: vdb_option_t,
    text: *mut c_char,
    cap: usize,
    len: *mut usize,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R3.
        let (text, len) = unsafe { (write(text.cast::<u8>(), cap, "text")?, out(len, "len")?) };
        let shown = OptionInfo::by_number(option)?.shown(&setting(database, option)?);
        put_text(&shown, text, len, "text")
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

fn setting(database: &Database, option: vdb_option_t) -> Result<Value, Failure> {
    let info = OptionInfo::by_number(option)?;
    Ok(database.settings().get(info.id))
}

fn wrong_type(option: vdb_option_t, is: &str) -> Outcome {
    let name = OptionInfo::by_number(option)?.name;
    refuse(vdb_status::VDB_ERR_INVALID_ARGUMENT, format!("{name} is {is}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capi::{vdb_count, vdb_insert_batch};

    /// A database of two dimensions at `path`.
    fn open_at(path: &CStr) -> *mut vdb {
        let (mut options, mut db) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: all pointers are to locals, or NULL where that is allowed.
        unsafe {
            assert_eq!(crate::capi::vdb_options_new(&mut options, ptr::null_mut()), 0);
            assert_eq!(crate::capi::vdb_options_set_u64(options, 101, 2, ptr::null_mut()), 0);
            assert_eq!(vdb_open(path.as_ptr(), options, &mut db, ptr::null_mut()), 0);
            crate::capi::vdb_options_free(options);
        }
        db
    }

    fn insert(db: *mut vdb, id: u64) -> vdb_status_t {
        let row = [1.0f32, 2.0];
        // SAFETY: one id, one row of two floats.
        unsafe { vdb_insert_batch(db, &id, row.as_ptr().cast(), 1, 2, 0, 1, ptr::null_mut(), ptr::null_mut()) }
    }

    fn count(db: *mut vdb) -> u64 {
        let mut count = u64::MAX;
        // SAFETY: a local to write to.
        assert_eq!(unsafe { vdb_count(db, ptr::null(), &mut count, ptr::null_mut()) }, 0);
        count
    }

    #[test]
    fn a_panic_stops_writes_until_the_database_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = std::ffi::CString::new(dir.path().join("db").to_str().unwrap()).unwrap();
        let db = open_at(&path);
        assert_eq!(insert(db, 1), 0);
        // SAFETY: no error record.
        let status = unsafe { on_database(db, Access::Read, ptr::null_mut(), |_| panic!("a defect")) };
        assert_eq!(status, vdb_status::VDB_ERR_PANIC.number());
        assert_eq!(insert(db, 2), vdb_status::VDB_ERR_POISONED.number());
        assert_eq!(count(db), 1, "reads go on");
        // SAFETY: no error record.
        assert_eq!(unsafe { vdb_close(db, ptr::null_mut()) }, vdb_status::VDB_ERR_POISONED.number());

        let db = open_at(&path);
        assert_eq!((count(db), insert(db, 2), count(db)), (1, 0, 2));
        // SAFETY: no error record.
        assert_eq!(unsafe { vdb_close(db, ptr::null_mut()) }, 0);
    }
}
