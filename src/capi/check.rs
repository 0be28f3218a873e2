//! Integrity check

use super::args::{out, put_text, write};
use super::boundary::{Access, on_database};
use super::error::{Failure, refuse, vdb_error_t};
use super::open::vdb;
use super::status::{vdb_status, vdb_status_t};
use super::task::{task_from, vdb_task};
use crate::db::{CheckLevel, CheckReport, Database};
use std::ffi::c_char;

/// Bytes that are enough for every report of vdb_check.
pub const VDB_CHECK_REPORT_MAX: usize = 16384;
const _: () = assert!(VDB_CHECK_REPORT_MAX == CheckReport::JSON_MAX);

/// Checks whether a database is whole, beside searches and writes. Changes nothing.
///
/// `level` is one of `enum vdb_check_level`; a level is looked at only when those before it
/// found nothing. In memory there are no files to check. Works also after damage was met and
/// other calls fail. Checkpoints and vdb_stats_get wait while files are read.
///
/// Returns VDB_OK when nothing is wrong, and VDB_ERR_CORRUPT when something is, with the
/// first problem in `error`. In both cases, against R1, the report is written: into `report`,
/// which has `cap` bytes, a terminated JSON text, and into `*len` its length without the
/// terminator. VDB_CHECK_REPORT_MAX bytes are always enough, so that one call will do. With
/// cap = 0 (`report` may be NULL) or too small a buffer (`*len` >= cap) only the length is.
///
/// The JSON object has `sound` (boolean), `level` and `completed` (how far it was looked:
/// "checksums", "structure" or "recall"), `files`, `bytes`, `log_records`, `lsn`, `rows`,
/// `graph_nodes`, `recall_at_10` (a measurement, not judged: the share of the 10 nearest rows
/// that a search with the default ef finds in the graph, or null; stored rows are found more
/// easily than others) over `recall_queries` stored rows, `problem_count`, and in `problems`
/// the first few, each with `what` and, where a file is to blame, `file`, `block` (of 4 or 64 KiB)
/// and `offset`.
///
/// Errors: CORRUPT, BUFFER_TOO_SMALL (when nothing is wrong), CANCELLED, UNSUPPORTED (level),
/// IO, NO_MEMORY, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_check(
    db: *const vdb,
    level: u32,
    report: *mut c_char,
    cap: usize,
    len: *mut usize,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        let Some(level) = CheckLevel::from_number(level) else {
            let message = format!("check level {level} is not known");
            return Err(Failure::new(vdb_status::VDB_ERR_UNSUPPORTED, message));
        };
        // SAFETY: R3.
        let (buf, len) = unsafe { (write(report.cast::<u8>(), cap, "report")?, out(len, "len")?) };
        let found = database.check(level, task_from(task)?.as_ref())?;
        let written = put_text(&found.to_json(), buf, len, "report");
        match found.problems.first() {
            None => written,
            Some(problem) => refuse(vdb_status::VDB_ERR_CORRUPT, problem.to_string()),
        }
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}
