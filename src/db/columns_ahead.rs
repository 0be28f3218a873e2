//! Declared columns (`schema.columns`), made behind the callers' backs after an open and as rows come, so that the first
//! filter that looks at one does not have to read the JSON of all rows.
//!
//! They are kept like those that filters make, but push none of them out: what has no room within
//! `runtime.column_bytes` waits for a filter that wants it. A filter never waits for this work; what is not there yet
//! it reads itself. After each round the thread rests: one record that changes makes the columns of its chunk anew,
//! and programs change one record after the other. Must never change an answer.

use super::columns::ChunkColumns;
use super::core::Core;
use super::error::Result;
use super::view::View;
use crate::meta::Lane;
use crate::util::memory::collected;
use crate::util::sync::lock;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// Rows without columns that are worth waking the thread: a filter reads fewer in a few milliseconds.
const STEP_MIN: usize = 4096;

/// The thread rests so many times as long as it worked.
const REST: u32 = 4;
/// While it rests it looks so often whether the database is to close.
const NAP: Duration = Duration::from_millis(10);

/// What the thread has gone through.
#[derive(Default)]
pub struct GoneThrough(Mutex<Gone>);

#[derive(Default)]
struct Gone {
    /// The serial numbers of the records of each chunk (0 = none) and its rows.
    chunks: Vec<(u64, usize)>,
    /// How long the thread rests.
    until: Option<Instant>,
}

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
    let known = gone.chunks.iter().copied().chain(std::iter::repeat((0, 0)));
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
pub fn work(core: &Core, all: bool) -> Result<()> {
    if !all {
        rest(core);
    }
    let (start, view) = (Instant::now(), core.view.load_full());
    if waiting(core, &view) == 0 {
        return Ok(());
    }
    let done = make(core, &view);
    lock(&core.columns_ahead.0).until = Some(Instant::now() + REST * start.elapsed());
    done
}

/// Waits until the thread has rested, or the database is to close.
fn rest(core: &Core) {
    let until = lock(&core.columns_ahead.0).until;
    while let Some(left) = until.and_then(|until| until.checked_duration_since(Instant::now()))
        && !core.is_closing()
    {
        thread::sleep(left.min(NAP));
    }
}

/// Makes what is not there.
fn make(core: &Core, view: &View) -> Result<()> {
    let mut has_room = true;
    let lanes: Vec<Lane> = core.settings.columns.columns().iter().flat_map(|column| column.lanes()).collect();
    for (chunk, piece) in view.chunks.ids.iter().enumerate() {
        let Some(records) = view.records.chunk(chunk) else { continue };
        let columns = ChunkColumns { core, view, records, rows: piece.rows.len(), wanted: &lanes };
        for lane in &lanes {
            if core.is_closing() {
                return Ok(());
            }
            has_room = has_room && columns.make(lane)?;
        }
    }
    // What had no room is not tried again before there are other rows.
    lock(&core.columns_ahead.0).chunks = collected(contents(view))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Database, Options, Records, Texts, Vectors};

    #[test]
    fn the_thread_rests_after_a_round() {
        let options = Options::new().dim(1).columns("a string");
        let db = Database::open_on(None, &options, Some(6)).unwrap();
        // Too few to wake the thread itself.
        let put = |first: u64| {
            let (mut ids, zeros) = ((first..first + 1000).collect::<Vec<u64>>(), vec![0.0; 1000]);
            let offsets: Vec<u64> = (0..=1000).map(|i| 10 * i).collect();
            let bytes = b"{\"a\":\"xy\"}".repeat(1000);
            let meta = Some(Texts::new(&bytes, &offsets).unwrap());
            db.insert_records(&mut ids, Vectors::f32(&zeros, 1).unwrap(), &Records { keys: None, meta }, None).unwrap();
        };
        let until = || lock(&db.core.columns_ahead.0).until;
        // A round on a busy machine may be interrupted for longer than it is to rest for: not every one.
        let rests = (0..100).any(|round| {
            put(1000 * round);
            let (start, rested) = (Instant::now(), until());
            work(&db.core, false).unwrap();
            let (end, rest) = (Instant::now(), until().unwrap());
            assert!(rested.is_none_or(|rested| end > rested), "it did not rest for as long as it was told to");
            assert_eq!(waiting(&db.core, &db.core.view.load()), 0);
            assert!(rest <= end + REST * (end - start));
            rested.is_some() && rest > end
        });
        assert!(rests);
        // Whoever waits for the columns does not wait for that, nor does who closes the database.
        let far = Instant::now() + Duration::from_secs(3600);
        lock(&db.core.columns_ahead.0).until = Some(far);
        put(1_000_000);
        work(&db.core, true).unwrap();
        assert_eq!(waiting(&db.core, &db.core.view.load()), 0);
        lock(&db.core.columns_ahead.0).until = Some(far);
        db.core.closing.store(true, std::sync::atomic::Ordering::Relaxed);
        work(&db.core, false).unwrap();
    }
}
