//! Sketches of the rows that no graph covers yet, made behind the writers' backs, so that a
//! search right after a large load does not read all of its vectors.
//!
//! Graph work takes some 100 us a row, a sketch one: a burst that the graph follows for many
//! seconds is sketched within a fraction of one. Sketches are in memory only, are dropped as
//! the graph covers their rows, and are never missed: a search compares exactly what has none.
//!
//! Must never change what a search may find, only how it gets there.

use super::column::{Column, table};
use super::commit::broken;
use super::core::Core;
use super::error::Result;
use super::view::View;
use crate::arena::RowTable;
use crate::index::sketched;
use crate::kernel::{self, LANES};
use crate::quant::Sketcher;
use crate::util::memory::{filled, resize, with_room};
use crate::util::sync::lock;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

/// Slots of a block.
const BLOCK: u32 = LANES as u32;
/// A block is 32 slots.
const BLOCK_SHIFT: u32 = BLOCK.ilog2();
/// Rows without graph or sketch that are worth waking the thread.
const STEP_MIN: u32 = 4096;
/// Rows sketched between two publications.
const STEP_MAX: u32 = 64 << 10;
/// Blocks in a chunk of memory, as a power of two: 64 Ki rows.
const CHUNK_SHIFT: u32 = 11;
/// Shorter vectors are compared as quickly as their sketches.
const ROW_BYTES_MIN: usize = 256;
/// Rows that the centre is the mean of.
const SAMPLE: u32 = 1024;
/// The part of the room within a limit on memory that sketches may take.
const ROOM_SHARE: u64 = 8;

/// Sketches as a view shows them.
pub struct Sketches {
    sketcher: Arc<Sketcher>,
    blocks: RowTable,
    first_block: u32,
}

impl Sketches {
    /// The slots that have one.
    pub fn slots(&self) -> Range<u32> {
        self.first_block << BLOCK_SHIFT..(self.first_block + self.blocks.end()) << BLOCK_SHIFT
    }

    /// For a search.
    pub fn as_searched(&self) -> sketched::Sketches<'_> {
        sketched::Sketches { sketcher: &self.sketcher, blocks: &self.blocks, first_block: self.first_block }
    }
}

/// What only the thread that makes them touches.
#[derive(Default)]
pub struct Making(Mutex<Option<Made>>);

/// The writing end of [`Sketches`].
struct Made {
    sketcher: Arc<Sketcher>,
    blocks: Column,
    first_block: u32,
    /// Compactions when it was begun: each gives rows new slots.
    numbering: u64,
}

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Sketch these blocks; those before are done or of no use.
    Make(Range<u32>),
    /// The graph covers all of them.
    Drop,
}

/// Whether the thread has anything to do.
pub fn is_due(core: &Core, view: &View) -> bool {
    step(core, view).is_some()
}

fn step(core: &Core, view: &View) -> Option<Step> {
    let shape = &core.shape;
    if core.follower.is_some() || shape.row_bytes() < ROW_BYTES_MIN || !Sketcher::serves(shape.metric, shape.dim) {
        return None;
    }
    let covered = view.index.graph.len();
    let made = view.sketches.as_ref().map_or(0, |sketches| sketches.slots().end);
    if view.sketches.is_some() && covered >= made {
        return Some(Step::Drop);
    }
    let first = covered.max(made) >> BLOCK_SHIFT;
    let end = view.end() >> BLOCK_SHIFT;
    let rows = end.saturating_sub(first) << BLOCK_SHIFT;
    // Some two bits a component with all that goes with it.
    let bytes = rows as u64 * (shape.dim as u64 / 4);
    (rows >= STEP_MIN && bytes <= core.budget.room() / ROOM_SHARE)
        .then(|| Step::Make(first..end.min(first + (STEP_MAX >> BLOCK_SHIFT))))
}

/// The thread's work.
pub fn work(core: &Core, _all: bool) -> Result<()> {
    let mut made = lock(&core.sketching.0);
    while !core.is_closing() {
        let (view, numbering) = {
            let _writer = core.writer.lock().map_err(|_| broken())?;
            (core.view.load_full(), core.counters.compactions.load(Relaxed))
        };
        // What the writer let go of, or of rows that have other slots by now, is begun anew.
        if view.sketches.is_none() || made.as_ref().is_some_and(|made| made.numbering != numbering) {
            *made = None;
        }
        match step(core, &view) {
            None => return Ok(()),
            Some(Step::Drop) => {
                *made = None;
                show(core, None, numbering)?;
            }
            Some(Step::Make(blocks)) => {
                let state = match made.take() {
                    Some(made) => made,
                    None => match begin(core, &view, blocks.start, numbering)? {
                        Some(made) => made,
                        None => return Ok(()),
                    },
                };
                let state = made.insert(state);
                let sketches = state.extend(core, &view, blocks)?;
                show(core, Some(Arc::new(sketches)), numbering)?;
            }
        }
    }
    Ok(())
}

/// Lets go of all sketches: the first memory to give back, as searches go on without them.
pub fn let_go(core: &Core) -> Result<()> {
    *lock(&core.sketching.0) = None;
    let mut writer = core.writer.lock().map_err(|_| broken())?;
    match writer.sketches.take() {
        Some(_) if writer.failed.is_none() => core.publish(&mut writer),
        _ => Ok(()),
    }
}

/// Publishes, unless rows got other slots meanwhile.
fn show(core: &Core, sketches: Option<Arc<Sketches>>, numbering: u64) -> Result<()> {
    let mut writer = core.writer.lock().map_err(|_| broken())?;
    if core.counters.compactions.load(Relaxed) != numbering || writer.failed.is_some() {
        return Ok(());
    }
    writer.sketches = sketches;
    core.publish(&mut writer)
}

/// An empty column from a block on, with the mean of rows of the tail for a centre.
fn begin(core: &Core, view: &View, first_block: u32, numbering: u64) -> Result<Option<Made>> {
    let dim = core.shape.dim;
    let slots = first_block << BLOCK_SHIFT..view.end();
    let step = (slots.len() as u32 / SAMPLE).max(1) as usize;
    let values = slots.len().div_ceil(step) * dim;
    let _working = core.budget.take(4 * values as u64)?;
    let mut sample = with_room(values)?;
    for slot in slots.step_by(step) {
        let Some(row) = view.stored.rows.get(slot) else { continue };
        let at = sample.len();
        resize(&mut sample, at + dim, 0.0)?;
        kernel::widen(core.shape.scalar, row, &mut sample[at..]);
    }
    let Some(sketcher) = Sketcher::train(core.shape.metric, dim, &sample)? else { return Ok(None) };
    let blocks = Column::new(CHUNK_SHIFT, sketcher.block_bytes(), &core.budget)?;
    Ok(Some(Made { sketcher: Arc::new(sketcher), blocks, first_block, numbering }))
}

impl Made {
    /// Sketches `blocks`; lets go of whole chunks before them that the graph covers.
    fn extend(&mut self, core: &Core, view: &View, blocks: Range<u32>) -> Result<Sketches> {
        let dim = core.shape.dim;
        let count = blocks.len();
        let (mut wide, mut scratch) = (filled(0.0, dim)?, filled(0.0, dim)?);
        self.blocks.reserve(count)?;
        let mut failed = Ok(());
        self.blocks.append(count, |from, room| {
            for (i, block) in room.chunks_exact_mut(self.sketcher.block_bytes()).enumerate() {
                block.fill(0);
                let first = (blocks.start + (from + i) as u32) << BLOCK_SHIFT;
                for lane in 0..LANES {
                    // A hole stays zero: it is dead.
                    let Some(row) = view.stored.rows.get(first + lane as u32) else { continue };
                    kernel::widen(core.shape.scalar, row, &mut wide);
                    failed = failed.and(self.sketcher.encode(&wide, lane, block, &mut scratch));
                }
            }
        });
        failed?;
        self.forget(core, view.index.graph.len())?;
        let blocks = table(&self.blocks.pieces(), CHUNK_SHIFT);
        Ok(Sketches { sketcher: self.sketcher.clone(), blocks, first_block: self.first_block })
    }

    fn forget(&mut self, core: &Core, covered: u32) -> Result<()> {
        let mut pieces = self.blocks.pieces();
        let useless = ((covered >> BLOCK_SHIFT).saturating_sub(self.first_block) >> CHUNK_SHIFT) as usize;
        let useless = useless.min(pieces.len() - 1);
        if useless > 0 {
            pieces.drain(..useless);
            self.first_block += (useless as u32) << CHUNK_SHIFT;
            self.blocks = Column::from_pieces(CHUNK_SHIFT, self.sketcher.block_bytes(), pieces, &core.budget)?;
        }
        Ok(())
    }
}
