//! Declared columns (`schema.columns`), made behind the callers' backs after an open and as rows come, so that the first
//! filter that looks at one does not have to read the JSON of all rows.
//!
//! They are kept like those that filters make, but push none of them out: what has no room within
//! `runtime.column_bytes` waits for a filter that wants it. A filter never waits for this work; what is not there yet
//! it reads itself. Must never change an answer.

use super::columns::ChunkColumns;
use super::core::Core;
use super::error::Result;
use super::view::View;
use crate::util::memory::collected;
use crate::util::sync::lock;
use std::sync::Mutex;

/// Rows without columns that are worth waking the thread: a filter reads fewer in a few milliseconds.
const STEP_MIN: usize = 4096;

/// What the thread has gone through: the serial numbers of the records of each chunk (0 = none) and its rows.
#[derive(Default)]
pub struct GoneThrough(Mutex<Vec<(u64, usize)>>);

/// Whether so many rows have no columns yet that the thread should make them.
pub fn is_due(core: &Core, view: &View) -> bool {
    waiting(core, view) >= STEP_MIN
}

/// Whether there is anything to make, after an open.
pub fn is_due_at_open(core: &Core, view: &View) -> bool {
    waiting(core, view) > 0
}

/// Rows that the thread has not gone through.
fn waiting(core: &Core, view: &View) -> usize {
    if core.settings.columns.is_empty() || core.settings.column_bytes == 0 {
        return 0;
    }
    let gone = lock(&core.columns_ahead.0);
    let known = gone.iter().copied().chain(std::iter::repeat((0, 0)));
    let fresh = |((serial, rows), (known, before)): ((u64, usize), (u64, usize))| match serial {
        0 => 0,
        _ if serial == known => rows.saturating_sub(before),
        _ => rows,
    };
    contents(view).zip(known).map(fresh).sum()
}

/// The records of each chunk and its rows.
fn contents(view: &View) -> impl Iterator<Item = (u64, usize)> + '_ {
    let serial = |chunk| view.records.chunk(chunk).map_or(0, |records| records.serial);
    view.chunks.ids.iter().enumerate().map(move |(chunk, piece)| (serial(chunk), piece.rows.len()))
}

/// The thread's work.
pub fn work(core: &Core, _all: bool) -> Result<()> {
    let view = core.view.load_full();
    if waiting(core, &view) == 0 {
        return Ok(());
    }
    let mut has_room = true;
    for (chunk, piece) in view.chunks.ids.iter().enumerate() {
        let Some(records) = view.records.chunk(chunk) else { continue };
        let columns = ChunkColumns { core, view: &view, records, rows: piece.rows.len() };
        for lane in core.settings.columns.columns().iter().flat_map(|column| column.lanes()) {
            if core.is_closing() {
                return Ok(());
            }
            has_room = has_room && columns.make(&lane)?;
        }
    }
    // What had no room is not tried again before there are other rows.
    *lock(&core.columns_ahead.0) = collected(contents(&view))?;
    Ok(())
}
