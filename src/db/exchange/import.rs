//! Import: the rows of a file into a database, in batches.
//!
//! The file is read twice. The first time every row is checked and none is written, so a file with
//! anything wrong in it changes nothing. What can go wrong the second time is not the file's
//! fault: a full disk, a limit on memory, a cancelled task, a key that another row has. Then the batches
//! before it are there.
//!
//! Rows with an id replace those of the same id, so an import can be repeated. Rows of arrays without ids are
//! numbered on, above all ids there are; lines without an id mean the row with their key, or a new one. Of a file with
//! both, lines with an id are written first: an id that was just given away must not be one that comes later.

use super::Batch;
use super::arrays::{Arrays, Named};
use super::format::Format;
use super::lines::{Lines, Skip};
use crate::db::error::{Error, ErrorKind, Result, fail};
use crate::db::task::Task;
use crate::db::types::{ID_NONE, Vectors};
use crate::db::{Database, pace};
use crate::kernel::Scalar;
use crate::storage::{ReadFile, outside};
use crate::util::memory::{collected, filled};
use std::path::Path;

/// A file to be imported, and that of its ids.
pub struct Opened<'a> {
    pub format: Format,
    pub name: &'a str,
    pub file: &'a dyn ReadFile,
    pub ids: Option<(&'a str, &'a dyn ReadFile)>,
}

/// See [`crate::Database::import`].
pub fn import(db: &Database, path: &Path, format: Option<&str>, task: Option<&Task>) -> Result<u64> {
    db.core.check_writable()?;
    let format = Format::of(format, path)?;
    let name = outside::shown(path);
    let Some(file) = outside::open_existing(path)? else {
        return fail(ErrorKind::NotFound, format!("{name} does not exist"));
    };
    let ids_path = format.ids_path(path);
    let ids_name = ids_path.as_deref().map(outside::shown).unwrap_or_default();
    let ids = ids_path.map_or(Ok(None), |path| outside::open_existing(&path))?;
    let ids = ids.as_deref().map(|file| (ids_name.as_str(), file));
    rows(db, &Opened { format, name: &name, file: file.as_ref(), ids }, task)
}

/// Imports a file that is open; returns the number of its rows.
pub fn rows(db: &Database, from: &Opened<'_>, task: Option<&Task>) -> Result<u64> {
    let survey = survey(db, from, task)?;
    let mut writing = Writing { db, from, task, next_id: survey.first_id(db, from)?, done: 0 };
    let is_mixed = survey.others.iter().all(|&count| count > 0);
    let turns = if is_mixed { &[Some(Skip::WithoutId), Some(Skip::WithId)][..] } else { &[None] };
    writing.run(turns).map_err(|error| writing.stopped(error))?;
    // Too late to cancel: the rows are there.
    if let Some(task) = task {
        task.finished(task.progress().1);
    }
    Ok(writing.done)
}

/// What the first reading found.
#[derive(Default)]
struct Survey {
    /// Rows of an array without ids.
    unnumbered: u64,
    /// Rows that leave their id open, and rows that have one.
    others: [u64; 2],
    largest_id: Option<u64>,
}

impl Survey {
    /// The id of the first row of an array without ids. An error where rows that want ids could be too many.
    fn first_id(&self, db: &Database, from: &Opened<'_>) -> Result<u64> {
        let view = db.core.view.load();
        let above = view.id_map.last().max(self.largest_id).map_or(0, |id| id.saturating_add(1));
        let first = above.max(view.next_id.unwrap_or(0));
        let wanted = self.unnumbered + self.others[0];
        if wanted > ID_NONE - first {
            let message =
                format!("{}: from {first} on there are not {wanted} ids left for rows without one", from.name);
            return fail(ErrorKind::Limit, message);
        }
        Ok(first)
    }
}

/// Checks every row as a write would.
fn survey(db: &Database, from: &Opened<'_>, task: Option<&Task>) -> Result<Survey> {
    let mut survey = Survey::default();
    each_batch(db, from, None, |batch, position, total| {
        let unnumbered;
        let ids = if batch.ids.is_empty() {
            survey.unnumbered += batch.count as u64;
            unnumbered = filled(0, batch.count)?;
            &unnumbered
        } else {
            batch.ids.iter().for_each(|&id| survey.others[(id != ID_NONE) as usize] += 1);
            survey.largest_id = batch.ids.iter().copied().filter(|&id| id != ID_NONE).max().max(survey.largest_id);
            &batch.ids
        };
        db.prepared(ids, vectors(db, batch)?, &batch.records()?)?;
        match task {
            Some(task) if !task.step(position, 2 * total) => {
                fail(ErrorKind::Cancelled, "cancelled; nothing was changed")
            }
            _ => Ok(()),
        }
    })?;
    Ok(survey)
}

/// The second reading.
struct Writing<'a> {
    db: &'a Database,
    from: &'a Opened<'a>,
    task: Option<&'a Task>,
    next_id: u64,
    /// Rows that are in the database.
    done: u64,
}

impl Writing<'_> {
    /// Goes through the file once for each of `turns`.
    fn run(&mut self, turns: &[Option<Skip>]) -> Result<()> {
        let (db, task) = (self.db, self.task);
        for (turn, &skip) in turns.iter().enumerate() {
            each_batch(db, self.from, skip, |batch, position, total| {
                let read = (turn as u64 * total + position) / turns.len() as u64;
                let goes_on = || task.is_none_or(|task| task.step(total + read, 2 * total));
                if !goes_on() {
                    return fail(ErrorKind::Cancelled, "cancelled");
                }
                pace::wait(&db.core, &goes_on)?;
                let count = batch.count as u64;
                if batch.ids.is_empty() {
                    // They were free when they were chosen: nothing is to be replaced.
                    let ids = collected((self.next_id..).take(batch.count))?;
                    db.write_rows(&ids, vectors(db, batch)?, batch.records()?, false)?;
                    self.next_id += count;
                } else {
                    db.write_rows(&batch.ids, vectors(db, batch)?, batch.records()?, true)?;
                }
                self.done += count;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// An error in the middle: what is there by now.
    fn stopped(&self, error: Error) -> Error {
        let message = format!("{} rows of {} are in the database: {}", self.done, self.from.name, error.message());
        Error::new(error.kind(), message).with_os(error.os_error()).at(self.done)
    }
}

/// The vectors of a batch.
fn vectors<'a>(db: &Database, batch: &'a Batch) -> Result<Vectors<'a>> {
    let scalar = batch.scalar.unwrap_or(Scalar::F32);
    Vectors::new(&batch.rows, scalar, db.core.shape.dim, batch.count, 0)
}

/// Reads the file from its beginning, but for lines that are to be passed over. `each` gets a batch, how far the file
/// was read, and how long it is.
fn each_batch(
    db: &Database,
    from: &Opened<'_>,
    skip: Option<Skip>,
    mut each: impl FnMut(&Batch, u64, u64) -> Result<()>,
) -> Result<()> {
    let named = Named { file: from.file, name: from.name };
    let ids = from.ids.map(|(name, file)| Named { file, name });
    let mut source = match from.format {
        Format::Lines => Source::Lines(Lines::open(named, &db.core.shape, skip)),
        format => Source::Arrays(Arrays::open(named, ids, format, &db.core.shape)?),
    };
    let (total, mut batch) = (from.file.size()?, Batch::default());
    loop {
        source.next(&mut batch)?;
        if batch.count == 0 {
            return Ok(());
        }
        each(&batch, source.position().min(total), total).map_err(|error| batch.blame(from.name, error))?;
    }
}

enum Source<'a> {
    Arrays(Arrays<'a>),
    Lines(Lines<'a>),
}

impl Source<'_> {
    fn next(&mut self, batch: &mut Batch) -> Result<()> {
        match self {
            Source::Arrays(arrays) => arrays.next(batch),
            Source::Lines(lines) => lines.next(batch),
        }
    }

    fn position(&self) -> u64 {
        match self {
            Source::Arrays(arrays) => arrays.position(),
            Source::Lines(lines) => lines.position(),
        }
    }
}
