//! Repair

use super::args::{out, put_text, write};
use super::boundary::without_database;
use super::error::{refuse, vdb_error_t};
use super::open::path_from;
use super::options::{options_from, vdb_options};
use super::status::{vdb_status, vdb_status_t};
use super::task::{task_from, vdb_task};
use crate::db::{RepairReport, repair};
use std::ffi::c_char;

/// Bytes that are enough for every report of vdb_repair.
pub const VDB_REPAIR_REPORT_MAX: usize = 16384;
const _: () = assert!(VDB_REPAIR_REPORT_MAX == RepairReport::JSON_MAX);

/// Makes a new database in the directory `to` out of all that can be read of the damaged one
/// in the directory `from`. `from` is only read and must not be open for writing; `to` must be
/// empty, or not there while its parent is. On failure there is no new database and `to` is
/// as it was.
///
/// A row is saved when a checksum proves its bytes. Rows that were deleted stay deleted as
/// long as the tombstones or the id map can be read. Batches of the log are applied up to the
/// first that is damaged, and none behind it. The graph is made again in the background when
/// `to` is opened. `options` may be NULL; VDB_OPT_DIM, VDB_OPT_METRIC and VDB_OPT_SCALAR are
/// needed (and the others that were set at creation wanted) only when no manifest is whole. They are
/// then believed: only a size of rows that contradicts the files is noticed.
///
/// Returns VDB_OK when every row was saved, whatever was damaged, and VDB_PARTIAL when rows
/// or batches were lost, or deleted rows may be back. The report, a terminated JSON text, is
/// written into `report`, which has `cap` bytes, VDB_REPAIR_REPORT_MAX or more, and its length
/// without the terminator into `*len`; with cap = 0 (`report` may be NULL) only the length is.
///
/// The JSON object has `complete` (boolean: VDB_OK), `rows` (of the new database), `rows_lost`
/// with the lowest 100 of their ids in `lost_ids`, `rows_lost_without_id` (those of them whose id
/// is not known, at most), `rows_uncertain` (saved, but may have been deleted), `generation`
/// (of the manifest used, or null), `files` (read), `files_damaged`, `log_records` (applied),
/// `log_complete` (boolean), `log_records_lost`, `log_bytes_lost`, `problem_count`, and in
/// `problems` the first few, each with `what` and, where a file is to blame, `file`, `block`
/// (of 64 KiB) and `offset`.
///
/// Errors: NOT_FOUND (no database in `from`, or no parent of `to`), ALREADY_EXISTS (`to` is
/// not empty), LOCKED (`from` is open for writing), INVALID_ARGUMENT (the options are needed;
/// `to` lies in `from`; an empty path), MISMATCH (the options contradict the files), CANCELLED,
/// BUFFER_TOO_SMALL (before anything was done), FORMAT_TOO_NEW, IO, NO_SPACE, NO_MEMORY,
/// CLOSED (options or task), NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_repair(
    from: *const c_char,
    to: *const c_char,
    options: *const vdb_options,
    report: *mut c_char,
    cap: usize,
    len: *mut usize,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = || {
        // SAFETY: R3: NULL or terminated texts.
        let (from, to) = unsafe { (path_from(from)?, path_from(to)?) };
        let (Some(from), Some(to)) = (from, to) else {
            return refuse(vdb_status::VDB_ERR_NULL_ARGUMENT, "from or to is NULL: both are directories");
        };
        // SAFETY: R3.
        let (buf, len) = unsafe { (write(report.cast::<u8>(), cap, "report")?, out(len, "len")?) };
        // A repair that is done cannot be asked for its report again.
        if (1..VDB_REPAIR_REPORT_MAX).contains(&cap) {
            *len = VDB_REPAIR_REPORT_MAX - 1;
            let message = format!("report has {cap} bytes, VDB_REPAIR_REPORT_MAX ({VDB_REPAIR_REPORT_MAX}) are needed");
            return refuse(vdb_status::VDB_ERR_BUFFER_TOO_SMALL, message);
        }
        let done = repair(&from, &to, &options_from(options)?, task_from(task)?.as_ref())?;
        put_text(&done.to_json(), buf, len, "report")?;
        Ok(if done.is_complete() { vdb_status::VDB_OK } else { vdb_status::VDB_PARTIAL })
    };
    // SAFETY: R2.
    unsafe { without_database(error, body) }
}
