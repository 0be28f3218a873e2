//! Repair: a new database out of what is left of a damaged one.
//!
//! The damaged directory is only read, and kept from writers meanwhile; the
//! new one is filled in a subdirectory and appears when it is whole, so a
//! repair that fails or is cancelled costs nothing. What is taken:
//!
//! * rows of chunks whose bytes, vector and id, a checksum proves (`storage::part::Salvage`);
//! * of these the live ones, by tombstones or else by the id map (`live`);
//! * the batches of the log up to the first hole (`storage::wal::salvage`).
//!
//! Graph, codes, id map and tombstones come out of the rows again. What is
//! lost is in the report; nothing is guessed silently.
//!
//! | file | owns |
//! |---|---|
//! | `source` | which files there are to read, and the schema |
//! | `live` | which rows are live |
//! | `chunk`, `records` | vectors and ids; keys and metadata |
//! | `rows` | the way of the rows, and the account of the lost ones |
//! | `sink` | the new database |
//! | `report` | what is told |

mod chunk;
mod live;
mod records;
mod report;
mod rows;
mod sink;
mod source;

pub use report::RepairReport;

use super::error::{ErrorKind, Result, fail};
use super::options::Options;
use super::task::Task;
use crate::storage::{OsStorage, Staging};
use rows::Rescue;
use sink::Sink;
use source::Source;
use std::path::Path;

/// Makes a new database in the directory `to`, which must be empty or not there,
/// out of all that can be read of the damaged one in `from`, which is not changed
/// and must not be open for writing.
///
/// The schema is that of `from`. Only where no manifest of it is whole, `options`
/// must have its dimension, metric and scalar type (and should have all else that
/// was set when it was created). What was lost is in the report; an error says
/// that there is no new database, and leaves `to` as it was.
///
/// ```
/// # use vdb::{Database, Options, Vectors};
/// # let dir = tempfile::tempdir()?;
/// # let (damaged, repaired) = (dir.path().join("a"), dir.path().join("b"));
/// let db = Database::open(Some(&damaged), &Options::new().dim(2))?;
/// db.insert_batch(&[7], Vectors::f32(&[1., 2.], 2)?, None)?;
/// db.close()?;
/// std::fs::remove_file(damaged.join("CURRENT"))?;
///
/// let report = vdb::repair(&damaged, &repaired, &Options::new(), None)?;
/// assert!(report.is_complete() && report.rows == 1 && report.damaged_files.contains("CURRENT"));
/// assert_eq!(Database::open(Some(&repaired), &Options::new())?.count()?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn repair(from: &Path, to: &Path, options: &Options, task: Option<&Task>) -> Result<RepairReport> {
    options.validate()?;
    let storage = OsStorage::open(from, false, false)?;
    let _no_writer = storage.keep_writers_out()?;
    check_apart(from, to)?;
    let staging = Staging::new(to)?;
    let mut report = RepairReport::default();
    let source = Source::find(&storage, options, &mut report)?;
    let sink = Sink::new(&staging, &source.settings, source.shift, source.next_id)?;
    Rescue::new(&storage, &source, sink, &mut report, task)?.run()?;
    staging.finish()?;
    // Too late to cancel: the new database is there.
    if let Some(task) = task {
        task.finished(task.progress().1);
    }
    Ok(report)
}

/// Refuses a new directory inside the damaged one, which would be changed by it.
fn check_apart(from: &Path, to: &Path) -> Result<()> {
    match lies_within(to, from) {
        true => fail(
            ErrorKind::InvalidArgument,
            "the repaired database cannot be made inside the damaged one: name another directory",
        ),
        false => Ok(()),
    }
}

/// Whether `path`, which need not exist, is the directory `outer` or lies in it.
pub fn lies_within(path: &Path, outer: &Path) -> bool {
    // What does not exist yet lies where its parent does; an empty parent is the current directory.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (outer.canonicalize(), path.canonicalize().or_else(|_| parent.canonicalize())) {
        (Ok(outer), Ok(path)) => path.starts_with(&outer),
        _ => false,
    }
}
