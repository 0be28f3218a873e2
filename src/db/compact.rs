//! Compaction: chunks that are mostly dead are rewritten without their dead
//! rows, and every slot behind them moves down.
//!
//! A group of neighbouring chunks is copied at a time, so the extra memory is
//! a fraction of the database. Only rows without a graph node are dropped
//! (consolidation took their links out first), so the graph keeps its shape
//! and is merely renumbered. The numbering is monotone: rows keep their order.
//!
//! The copy is made from a pinned view while writers go on; what they changed
//! meanwhile is carried over under the writer lock.

use super::column::{Column, Piece};
use super::commit::broken;
use super::core::Core;
use super::error::Result;
use super::indexer::{IndexState, built, next_index};
use super::records::RecordTable;
use super::records::column::RecordColumn;
use super::view::{Index, View};
use super::writer::Writer;
use crate::arena::{Budget, Rows, SlotBits};
use crate::util::memory::{collected, filled};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// A chunk is left alone while it could lose less than this part of it.
const DROP_SHARE: u64 = 256;
/// The records of a group may take this part of what is left of a limit on memory.
const RECORDS_SHARE: u64 = 4;
/// At most this part of all chunks is copied at a time (two at least).
const GROUP_SHARE: usize = 8;

/// Chunks worth rewriting: the first that has too many dead rows, with those
/// behind it that have too, or are only partly filled.
pub fn candidate(core: &Core, view: &View) -> Option<Range<usize>> {
    let capacity = 1u64 << core.shift;
    let least = (capacity / DROP_SHARE).max(8);
    // Rows that could go, in all chunks. Asked after every write, so most answers end here.
    if view.dead.count().saturating_sub(view.holes + view.dead_nodes()) < least {
        return None;
    }
    let chunks = view.stored.rows.chunks();
    let ratio = core.settings.compact_ratio;
    let last = chunks.len() - 1;
    let holes = |chunk: usize| if chunk == last { 0 } else { capacity - chunks[chunk].len() as u64 };
    // Chunks whose vectors were given up are at the beginning, never the last, and stay apart from others.
    let hollow = (view.hollow >> core.shift) as usize;
    let alike = |a: usize, b: usize| (a < hollow) == (b < hollow);
    // Records are copied: where there is no room for that, rows can still be taken into the graph.
    let room = core.budget.room() / RECORDS_SHARE;
    let bytes = |chunk: usize| view.records.chunk(chunk).map_or(0, |records| records.heap.len());
    let wasteful = |chunk: usize| {
        if hollow > 0 && chunk == last || bytes(chunk) > room {
            return false;
        }
        let dead = view.dead.count_chunk(chunk) - holes(chunk);
        let enough = |count: u64| count >= least && count as f64 >= ratio * chunks[chunk].len() as f64;
        enough(dead) && enough(droppable(core, view, chunk))
    };
    let first = (0..chunks.len()).find(|&chunk| wasteful(chunk))?;
    // Partly filled chunks before it are filled up on the way.
    let mut start = first;
    while start > 0 && holes(start - 1) > 0 && alike(start - 1, first) {
        start -= 1;
    }
    let most = (chunks.len() / GROUP_SHARE).max(2);
    let rest = (first + 1..chunks.len()).take(most - 1);
    let rest = rest.take_while(|&chunk| alike(chunk, first) && (holes(chunk) > 0 || wasteful(chunk)));
    let end = first + 1 + rest.count();
    // As many as there is room for: of those before it that are filled up, and of those behind it.
    let mut group = first..first + 1;
    let mut taken = bytes(first);
    let mut fits = |chunk: usize| {
        taken = taken.saturating_add(bytes(chunk));
        taken <= room
    };
    let before = (start..first).rev().take_while(|&chunk| fits(chunk)).count();
    group.start -= before;
    group.end += (first + 1..end).take_while(|&chunk| fits(chunk)).count();
    Some(group)
}

/// Dead rows of a chunk that the graph does not need.
fn droppable(core: &Core, view: &View, chunk: usize) -> u64 {
    let first = (chunk << core.shift) as u32;
    let slots = first..first + view.stored.rows.chunks()[chunk].len() as u32;
    slots.filter(|&slot| is_droppable(view, slot)).count() as u64
}

fn is_droppable(view: &View, slot: u32) -> bool {
    view.dead.get(slot) && !view.index.graph.contains(slot)
}

/// Where each slot of the pinned view goes.
struct Renumbering {
    shift: u32,
    /// Slots of the rewritten chunks.
    group: Range<u32>,
    /// Whether the group reaches to the end of the view.
    to_end: bool,
    /// End of the view.
    end: u32,
    /// Bit = the slot of the group is kept; `ranks` = kept ones before each word.
    keep: Vec<u64>,
    ranks: Vec<u32>,
    /// The kept slots of the group, ascending.
    kept: Vec<u32>,
}

impl Renumbering {
    fn new(core: &Core, view: &View, chunks: &Range<usize>) -> Result<Renumbering> {
        let table = view.stored.rows.chunks();
        let to_end = chunks.end == table.len();
        let first = (chunks.start << core.shift) as u32;
        let group = first..if to_end { view.end() } else { (chunks.end << core.shift) as u32 };
        let exists = |slot: u32| {
            let row = (slot & ((1 << core.shift) - 1)) as usize;
            row < table[(slot >> core.shift) as usize].len()
        };
        let kept = collected(group.clone().filter(|&s| exists(s) && !is_droppable(view, s)))?;
        let mut keep = filled(0u64, group.len().div_ceil(64))?;
        for at in kept.iter().map(|slot| slot - first) {
            keep[at as usize / 64] |= 1 << (at % 64);
        }
        let mut before = 0;
        let rank = |word: &u64| {
            before += word.count_ones();
            before - word.count_ones()
        };
        let ranks = collected(keep.iter().map(rank))?;
        Ok(Renumbering { shift: core.shift, group, to_end, end: view.end(), keep, ranks, kept })
    }

    /// Kept slots of the group below `slot`.
    fn rank(&self, slot: u32) -> u32 {
        let at = slot - self.group.start;
        match self.keep.get(at as usize / 64) {
            Some(word) => self.ranks[at as usize / 64] + (word & ((1 << (at % 64)) - 1)).count_ones(),
            None => self.kept.len() as u32,
        }
    }

    /// Slots by which everything behind the group moves down.
    fn moved(&self) -> u32 {
        let chunk = 1usize << self.shift;
        (self.group.len() - self.kept.len().div_ceil(chunk) * chunk) as u32
    }

    /// New number of a boundary between slots.
    fn boundary(&self, slot: u32) -> u32 {
        if slot <= self.group.start {
            slot
        } else if slot < self.group.end || self.to_end {
            self.group.start + self.rank(slot.min(self.group.end)) + slot.saturating_sub(self.end)
        } else {
            slot - self.moved()
        }
    }

    /// New end of a graph over slots `0..len`. Where it ends with the group it ends with the last
    /// kept row: the hole behind that has no codes, and a graph never covers more than the codes do.
    fn covered(&self, len: u32) -> u32 {
        if len == self.group.end { self.group.start + self.kept.len() as u32 } else { self.boundary(len) }
    }

    /// The kept slots of the group that are not `dead`, with their new numbers.
    fn live<'a>(&'a self, dead: &'a SlotBits) -> impl Iterator<Item = (u32, u32)> + 'a {
        let live = self.kept.iter().copied().filter(|&slot| !dead.get(slot));
        live.filter_map(|slot| Some((slot, self.slot(slot)?)))
    }

    /// New number of a slot, `None` when its row is dropped.
    fn slot(&self, slot: u32) -> Option<u32> {
        let at = slot.wrapping_sub(self.group.start);
        let dropped = self.group.contains(&slot) && self.keep[at as usize / 64] >> (at % 64) & 1 == 0;
        (!dropped).then(|| self.boundary(slot))
    }
}

/// Rewrites one group of chunks and publishes the view without their dead rows.
pub fn compact(core: &Core, state: &mut IndexState, view: &View) -> Result<()> {
    let Some(chunks) = candidate(core, view) else { return Ok(()) };
    let start = Instant::now();
    // Kept slots, bits and ranks; and, when the graph is renumbered, its levels.
    let slots = ((chunks.len() << core.shift) as u64).min(view.end().into());
    let _working = core.budget.take(slots * 5 + view.index.graph.len() as u64)?;
    let numbers = Renumbering::new(core, view, &chunks)?;
    let vectors = match numbers.group.start < view.hollow {
        true => hollow_pieces(numbers.kept.len(), core.shift),
        false => copied(core, &numbers.kept, &|slot| view.stored.rows.row(slot), core.shape.row_bytes())?,
    };
    let ids = copied(core, &numbers.kept, &|slot| view.ids.row(slot), 8)?;
    let mut records = RecordColumn::new(core.shift, &core.budget);
    records.copy(&view.records, numbers.live(&view.dead))?;
    let (index, codes) = renumbered(core, view, &chunks, &numbers)?;
    core.check_faults()?;
    let mut writer = core.writer.lock().map_err(|_| broken())?;
    writer.check_usable()?;
    replace_rows(&mut writer, &numbers, Group { chunks: chunks.clone(), view, vectors, ids, records })?;
    writer.index = Arc::new(index);
    state.codes = codes;
    core.counters.compactions.fetch_add(1, Relaxed);
    core.publish(&mut writer)?;
    drop(writer);
    let (chunks, kept, us) = (chunks.len(), numbers.kept.len(), start.elapsed().as_micros());
    core.log.info(format_args!("compact chunks={chunks} rows_kept={kept} us={us}"));
    Ok(())
}

/// The rows of `slots`, in chunks of their own.
fn copied<'a>(core: &Core, slots: &[u32], row: &dyn Fn(u32) -> &'a [u8], stride: usize) -> Result<Vec<Piece>> {
    if slots.is_empty() {
        return Ok(Vec::new());
    }
    let mut column = Column::new(core.shift, stride, &core.budget)?;
    column.reserve(slots.len())?;
    column.append(slots.len(), |from, room| {
        for (place, &slot) in room.chunks_exact_mut(stride).zip(&slots[from..]) {
            place.copy_from_slice(row(slot));
        }
    });
    Ok(column.pieces())
}

/// Chunks for `rows` rows without vectors.
fn hollow_pieces(rows: usize, shift: u32) -> Vec<Piece> {
    let chunk = 1usize << shift;
    (0..rows).step_by(chunk).map(|from| Piece::new(Rows::hollow(chunk.min(rows - from)))).collect()
}

/// The index under the new numbers, and the column its codes go on in.
fn renumbered(
    core: &Core,
    view: &View,
    chunks: &Range<usize>,
    numbers: &Renumbering,
) -> Result<(Index, Option<Column>)> {
    let mut index = next_index(view);
    let graph = &view.index.graph;
    let mut covered = numbers.covered(graph.len());
    let mut column = None;
    if let Some(codec) = &view.index.codec {
        let (stride, coded) = (codec.code_bytes(), view.coded.rows.end());
        let old = &view.index.codes;
        let slots = &numbers.kept[..numbers.kept.partition_point(|&slot| slot < coded)];
        let group = copied(core, slots, &|slot| view.coded.rows.row(slot), stride)?;
        let before = old.iter().take(chunks.start);
        index.codes = before.chain(&group).chain(old.iter().skip(chunks.end)).cloned().collect();
        // Behind the last code there can only be holes, and the graph needs none of them.
        covered = covered.min(index.coded_end(core.shift));
        column = Some(Column::from_pieces(core.shift, stride, index.codes.clone(), &core.budget)?);
    }
    index.graph = graph.renumber(covered, &|slot| numbers.slot(slot)).map_err(built)?;
    index.check_whole(core.shift)?;
    Ok((index, column))
}

/// The chunks that are rewritten, and the copies made of their rows as they were in `view`.
struct Group<'a> {
    chunks: Range<usize>,
    view: &'a View,
    vectors: Vec<Piece>,
    ids: Vec<Piece>,
    records: RecordColumn,
}

/// Puts the rewritten chunks in their place, with all that was written since
/// the view was pinned. Fails before it changes anything.
fn replace_rows(writer: &mut Writer, numbers: &Renumbering, group: Group<'_>) -> Result<()> {
    let budget = writer.budget.clone();
    let Group { chunks, view, vectors, ids, records } = group;
    let chunks = &chunks;
    let (vectors, new_vectors) = spliced(&mut writer.vectors, &budget, writer.shift, chunks, numbers, vectors)?;
    let (ids, _) = spliced(&mut writer.ids, &budget, writer.shift, chunks, numbers, ids)?;
    let records = moved_records(writer, chunks, numbers, view, records)?;
    let holes: Vec<Range<u32>> = holes(&new_vectors, writer.shift);
    let mut dead = SlotBits::new(writer.shift);
    let group = chunks.start..if numbers.to_end { usize::MAX } else { chunks.end };
    for chunk in 0..(writer.vectors.end() as usize).div_ceil(1 << writer.shift) {
        let Some(words) = writer.dead.chunk(chunk) else { continue };
        if !group.contains(&chunk) {
            // Whole chunks keep their inner order, holes included.
            let to = numbers.boundary((chunk << writer.shift) as u32) >> writer.shift;
            dead.put_chunk(to as usize, words)?;
            continue;
        }
        let first = (chunk << writer.shift) as u32;
        for bit in (0..words.len() * 64).filter(|bit| words[bit / 64] >> (bit % 64) & 1 != 0) {
            numbers.slot(first + bit as u32).map(|slot| dead.set(slot)).transpose()?;
        }
    }
    for slot in holes.iter().cloned().flatten() {
        dead.set(slot)?;
    }
    let now_dead = &writer.dead;
    let new_slot = |slot| if now_dead.get(slot) { None } else { numbers.slot(slot) };
    let live = writer.vectors.end() as u64 - writer.dead.count();
    let keys = writer.keys.rebuilt(&new_slot, live, &budget)?;
    writer.id_map = writer.id_map.rebuilt(&new_slot, live, &budget)?;
    (writer.vectors, writer.ids, writer.dead, writer.sketches) = (vectors, ids, dead, None);
    (writer.records, writer.keys) = (records, keys);
    writer.holes = holes.iter().map(|h| h.len() as u64).sum();
    Ok(())
}

/// The records under the new numbers. Those of the group were `copied` from `view`, and are again where any was
/// changed since; those of other chunks stay as they are.
fn moved_records(
    writer: &mut Writer,
    chunks: &Range<usize>,
    numbers: &Renumbering,
    view: &View,
    copied: RecordColumn,
) -> Result<RecordColumn> {
    let (shift, end) = (writer.shift, writer.vectors.end());
    let present = writer.records.table();
    let mut pieces = Vec::new();
    let group = chunks.start..if numbers.to_end { usize::MAX } else { chunks.end };
    for (chunk, piece) in present.chunks().iter().enumerate().filter(|(chunk, _)| !group.contains(chunk)) {
        let to = (numbers.boundary((chunk << shift) as u32) >> shift) as usize;
        pieces.resize_with(pieces.len().max(to + 1), || None);
        pieces[to] = piece.clone();
    }
    let mut column = RecordColumn::from_pieces(shift, pieces, &writer.budget);
    // What is appended to a chunk leaves its serial number, and the records that it had.
    let serial = |table: &RecordTable, chunk| table.chunk(chunk).map(|piece| piece.serial);
    match chunks.clone().all(|chunk| serial(&present, chunk) == serial(&view.records, chunk)) {
        true => column.take_chunks(copied),
        false => column.copy(&present, numbers.live(&writer.dead))?,
    }
    if numbers.to_end {
        let later = (numbers.end..end).filter(|&slot| !writer.dead.get(slot));
        column.copy(&present, later.filter_map(|slot| Some((slot, numbers.slot(slot)?))))?;
    }
    writer.check_faults()?;
    Ok(column)
}

/// `column` with `group` in the place of `chunks`, and its chunks.
fn spliced(
    column: &mut Column,
    budget: &Budget,
    shift: u32,
    chunks: &Range<usize>,
    numbers: &Renumbering,
    group: Vec<Piece>,
) -> Result<(Column, Vec<Piece>)> {
    let (stride, end) = (column.stride(), column.end());
    let present = column.pieces();
    let mut pieces = present[..chunks.start].to_vec();
    pieces.extend(group);
    if !numbers.to_end {
        pieces.extend_from_slice(&present[chunks.end..]);
        return Ok((Column::from_pieces(shift, stride, pieces.clone(), budget)?, pieces));
    }
    // Rows written since the view was pinned go behind the rewritten ones.
    let mut next = Column::from_pieces(shift, stride, pieces, budget)?;
    let later = super::column::table(&present, shift);
    let count = (end - numbers.end) as usize;
    next.reserve(count)?;
    next.append(count, |from, room| {
        for (i, place) in room.chunks_exact_mut(stride).enumerate() {
            place.copy_from_slice(later.row(numbers.end + (from + i) as u32));
        }
    });
    let pieces = next.pieces();
    Ok((next, pieces))
}

/// Slots that do not exist because a chunk before the last is partly filled.
fn holes(pieces: &[Piece], shift: u32) -> Vec<Range<u32>> {
    let before_last = pieces.len().saturating_sub(1);
    let hole =
        |(chunk, piece): (usize, &Piece)| ((chunk << shift) + piece.rows.len()) as u32..((chunk + 1) << shift) as u32;
    pieces[..before_last].iter().enumerate().map(hole).filter(|hole| !hole.is_empty()).collect()
}
