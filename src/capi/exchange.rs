//! Export and import
//!
//! Rows as files of other programs. `format` is a text, or NULL for what the name of the file ends in:
//!
//! npy     an array of NumPy, a row for each vector: numpy.load reads it. F32 and BF16 as <f4, F16 as <f2, I8 as |i1,
//!         U8 as |u1, B1 as |u1 with eight bits a byte (numpy.unpackbits, bitorder='little'). Read are also <f8 and <i4.
//! jsonl   a line {"id":7,"key":"a","vector":[0.5,1.0],"meta":{"n":1}} for each row, without key and meta where
//!         it has none; bits are 0 and 1. Numbers come back the same, metadata but for line breaks between its members.
//! fvecs   the number of components before each vector, 32 bits; components are floats, or with ivecs whole
//!         numbers of 32 bits, with bvecs bytes. Not for B1.
//! fbin    the numbers of vectors and components, 32 bits each, then floats; with u8bin and i8bin bytes.
//!         Not for B1.
//!
//! All but jsonl have no place for keys and metadata, nor for ids. These are an array of NumPy (<u8) in a second
//! file beside the first: x.ids.npy for x.npy, x.fvecs.ids.npy for x.fvecs. Components that the other side cannot hold exactly
//! (0.5 in a byte) are an error; floats are rounded to shorter ones.

use super::args::text;
use super::boundary::{Access, on_database};
use super::error::{Failure, refuse, vdb_error_t};
use super::filter::{filter_from, vdb_filter};
use super::open::{path_from, vdb};
use super::status::{vdb_status, vdb_status_t};
use super::task::{task_from, vdb_task};
use crate::db::Database;
use std::ffi::c_char;
use std::path::PathBuf;

/// Writes the rows of the newest state, or those that `filter` (may be NULL) lets pass, in the order of their ids as the new file `path`
/// and, where ids need it, a second one. Both are there, durable, when the call returns VDB_OK, and
/// neither is after an error; until then they have other names (`.unfinished`). No file is
/// overwritten. Searches and writes go on. `task` counts rows.
///
/// Errors (item = row of the file): UNSUPPORTED (`format`, or B1 in it), OUT_OF_RANGE (a component has no place in it), ALREADY_EXISTS (a file is
/// there, or an attempt that was killed), NOT_FOUND (no such directory), LIMIT (more rows than fbin can count, and with a
/// filter VDB_OPT_MAX_MEMORY), CANCELLED, NO_SPACE, IO, NO_MEMORY, CORRUPT, INVALID_ARGUMENT (an empty path), CLOSED, FORKED,
/// NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_export(
    db: *const vdb,
    path: *const c_char,
    format: *const c_char,
    filter: *const vdb_filter,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R3: NULL or terminated texts.
        let (path, format) = unsafe { place(path, format) }?;
        database.export(&path, format, filter_from(filter)?.as_ref(), task_from(task)?.as_ref())?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// Reads the file `path` and writes its rows, in batches. Rows with an id are inserted, or replace the row
/// of that id. Rows of an array without ids are numbered on above all ids there are: 0, 1, ... in a database that
/// never had a row. A line without an id is the row with its key, or a new one, as VDB_ID_NONE in vdb_upsert_records. A line is all of its
/// row: where it has no key or metadata, the row has none either; an array leaves those of a row that is there. Vectors are
/// converted as vdb_insert_batch does.
///
/// The file is read twice, and checked as a whole before the first row is written: with anything wrong in it
/// nothing is changed. An error of the writing (disk, memory, a key that another row has) or a cancelled task leaves the
/// batches before it in the database; item is then the number of rows that are in. Importing the file once more
/// completes it where its rows have ids or keys, and would write the others twice. (Of lines with and without ids those with
/// ids are written first.) `task` counts bytes, each twice.
///
/// Errors (item = row of the file, from 0; the message has row and byte, or the line): INVALID_ARGUMENT (not a file of that format, cut
/// short, VDB_ID_NONE; an empty path), UNSUPPORTED (`format`, type of entries), DIMENSION, MISMATCH (bits and numbers), NOT_FINITE, OUT_OF_RANGE (a component),
/// LIMIT (a line of more than 32 MiB, no ids left; as vdb_upsert_records), NOT_FOUND, CANCELLED, ALREADY_EXISTS (a key, or a
/// new id that was taken meanwhile), NO_SPACE, IO, NO_MEMORY, READ_ONLY, POISONED, CLOSED, FORKED, NULL_ARGUMENT. While too many rows wait for the graph
/// it waits, whatever VDB_OPT_WHEN_BEHIND says. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_import(
    db: *mut vdb,
    path: *const c_char,
    format: *const c_char,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R3: NULL or terminated texts.
        let (path, format) = unsafe { place(path, format) }?;
        database.import(&path, format, task_from(task)?.as_ref())?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Write, error, body) }
}

/// Path and format of a call.
///
/// # Safety
/// Both are NULL or terminated texts.
unsafe fn place<'a>(path: *const c_char, format: *const c_char) -> Result<(PathBuf, Option<&'a str>), Failure> {
    // SAFETY: passed on from the caller.
    let Some(path) = unsafe { path_from(path) }? else {
        return refuse(vdb_status::VDB_ERR_NULL_ARGUMENT, "path is NULL");
    };
    if format.is_null() {
        return Ok((path, None));
    }
    // SAFETY: passed on from the caller.
    Ok((path, Some(unsafe { text(format, "format") }?)))
}
