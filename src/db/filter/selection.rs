//! The answer of a filter for one view: bits of the slots that are no results, and a list of the others where they are few.

use crate::arena::{Budget, Lease, SlotBits, ones};
use crate::db::error::Result;
use crate::db::view::View;
use crate::util::memory::{collected, filled};

/// Selections of so many rows at most have a list of them: four bytes each, and what a search
/// compares them by without looking at the bits of all others.
const LIST_MAX: u64 = 1 << 16;

/// The rows of one view that a filter lets pass.
#[derive(Debug)]
pub struct Selection {
    /// Slots that are no results: dead, missing, or not what the filter looks for.
    pub blocked: SlotBits,
    /// The others.
    pub passing: u64,
    /// These, ascending, unless they are very many.
    pub slots: Option<Vec<u32>>,
    /// Serial number of the view, and one past its last slot.
    pub view: u64,
    end: u32,
    _lease: Lease,
}

impl Selection {
    /// The slots of `view` but for those whose bits are set in word `i` of a chunk.
    pub fn of(view: &View, budget: &Budget, blocked_word: impl Fn(usize, usize) -> u64) -> Result<Selection> {
        let (end, shift) = (view.end(), view.dead.shift());
        let lease = budget.take(bytes_of_bits(end))?;
        let mut blocked = SlotBits::new(shift);
        let mut words = filled(0u64, 1 << (shift - 6))?;
        let mut passing = 0;
        for chunk in 0..end.div_ceil(1 << shift) as usize {
            let first = (chunk as u64) << shift;
            for (i, place) in words.iter_mut().enumerate() {
                // Slots past the end are blocked.
                let left = (end as u64).saturating_sub(first + 64 * i as u64).min(64);
                let missing = if left == 64 { 0 } else { u64::MAX << left };
                *place = blocked_word(chunk, i) | missing;
                passing += place.count_zeros() as u64;
            }
            blocked.put_chunk(chunk, &words)?;
        }
        let mut slots = None;
        if passing <= LIST_MAX {
            lease.cover(bytes_of_bits(end) + 4 * passing)?;
            slots = Some(collected(clear_bits(&blocked, end))?);
        }
        Ok(Selection { blocked, passing, slots, view: view.serial, end, _lease: lease })
    }

    /// The slots that pass, ascending.
    pub fn passing_slots(&self) -> impl Iterator<Item = u32> + '_ {
        clear_bits(&self.blocked, self.end)
    }

    /// The rows of `view` that pass (`None`: all of them), but for those of the slots `taken`.
    pub fn without(view: &View, selection: Option<&Selection>, taken: &SlotBits, budget: &Budget) -> Result<Selection> {
        let blocked = selection.map_or(&view.dead, |selection| &selection.blocked);
        Selection::of(view, budget, |chunk, i| word(blocked, chunk, i) | word(taken, chunk, i))
    }
}

/// Word `i` of a chunk.
pub fn word(bits: &SlotBits, chunk: usize, i: usize) -> u64 {
    bits.chunk(chunk).map_or(0, |words| words[i])
}

/// Bytes of a bit for each slot.
pub fn bytes_of_bits(end: u32) -> u64 {
    end as u64 / 8
}

/// The slots below `end` whose bit is not set.
fn clear_bits(bits: &SlotBits, end: u32) -> impl Iterator<Item = u32> + '_ {
    let shift = bits.shift();
    (0..end.div_ceil(1 << shift) as usize).flat_map(move |chunk| {
        let words = bits.chunk(chunk).unwrap_or_default();
        words.iter().enumerate().flat_map(move |(i, &word)| {
            let first = ((chunk as u32) << shift) + 64 * i as u32;
            ones(!word).map(move |bit| first + bit)
        })
    })
}
