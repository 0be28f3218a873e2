//! Which rows are live. A chunk keeps the rows that were deleted or replaced,
//! and they must not come back.
//!
//! Two parts tell, each by itself: the tombstones, a bit a slot, and the id
//! map, the ids of all live rows with their slots. Either may be damaged in
//! places, so each answers "not known" where it cannot answer. Memory: 16
//! bytes for each live row of the id map.

use super::report::RepairReport;
use super::source::{ID_COLUMNS, Single, Source, tombstone_columns};
use crate::db::error::Result;
use crate::db::view::read_id;
use crate::storage::part::{Columns, Cursor, Salvage};
use crate::storage::{Storage, StorageError};
use std::collections::BTreeMap;
use std::ops::Range;

/// Stands for a slot that could not be read.
const NO_SLOT: u32 = u32::MAX;

/// What the id map says of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Its live row is in this slot.
    At(u32),
    /// It has a live row; the slot could not be read.
    Somewhere,
    /// It has none.
    Gone,
    /// It may be one of those that could not be read.
    Unknown,
}

/// What could be read of the id map.
#[derive(Default)]
pub struct IdTable {
    /// Ids in order, and their slots.
    ids: Vec<u64>,
    slots: Vec<u32>,
    /// Indices of the above, by slot.
    by_slot: Vec<u32>,
    /// Slots of live rows whose id could not be read, in order.
    without_id: Vec<u32>,
    /// Ids that may be missing, in order; bounds included.
    gaps: Vec<Range<u64>>,
}

impl IdTable {
    /// Reads the id map of `source`.
    pub fn read(storage: &dyn Storage, source: &Source, report: &mut RepairReport) -> Result<IdTable> {
        let part = match source.ids {
            Single::Nothing => return Ok(IdTable::default()),
            Single::Lost => return Ok(IdTable::unknown()),
            Single::Part(part) => part,
        };
        report.files += 1;
        let mut salvage = match Salvage::open(storage, &part, ID_COLUMNS) {
            Ok(salvage) => salvage,
            Err(damage) => {
                report.take(damage, "; the id map is made again from the rows")?;
                return Ok(IdTable::unknown());
            }
        };
        let mut table = IdTable::default();
        let (mut ids, mut slots) = (salvage.cursor(0)?, salvage.cursor(1)?);
        let mut gap_from = None;
        for i in 0..salvage.rows() {
            let slot = slots.row(i).ok().map(|slot| u32::from_le_bytes(slot.try_into().unwrap_or([0xff; 4])));
            match (ids.row(i).ok().map(read_id), slot) {
                (Some(id), slot) => {
                    if let Some(from) = gap_from.take() {
                        table.gaps.push(from..id);
                    }
                    table.ids.push(id);
                    table.slots.push(slot.unwrap_or(NO_SLOT));
                }
                (None, Some(slot)) => table.without_id.push(slot),
                (None, None) => {
                    gap_from.get_or_insert(table.ids.last().map_or(0, |last| last.saturating_add(1)));
                }
            }
        }
        table.gaps.extend(gap_from.map(|from| from..u64::MAX));
        let damage = merged(ids, slots);
        for damage in damage.into_values().chain(salvage.damage()) {
            report.take(damage, "; the id map is made again from the rows")?;
        }
        table.sort();
        Ok(table)
    }

    fn unknown() -> IdTable {
        IdTable { gaps: std::iter::once(0..u64::MAX).collect(), ..IdTable::default() }
    }

    fn sort(&mut self) {
        if !self.ids.is_sorted() {
            // Only a forged file: an order that lookups can rely on is made.
            let mut entries: Vec<_> = self.ids.iter().copied().zip(self.slots.iter().copied()).collect();
            entries.sort_unstable();
            (self.ids, self.slots) = entries.into_iter().unzip();
        }
        self.by_slot = (0..self.ids.len() as u32).filter(|&i| self.slots[i as usize] != NO_SLOT).collect();
        self.by_slot.sort_unstable_by_key(|&i| self.slots[i as usize]);
        self.without_id.sort_unstable();
    }

    /// Whether it answers for every id and every slot.
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty() && self.by_slot.len() == self.ids.len()
    }

    /// Every id that is known to have had a live row.
    pub fn ids(&self) -> &[u64] {
        &self.ids
    }

    /// Number of live rows known to lie in the slots of `range`: with a known id, and without.
    pub fn count_in(&self, range: Range<u32>) -> (u64, u64) {
        let with_id = |slot| self.by_slot.partition_point(|&i| self.slots[i as usize] < slot);
        let without_id = |slot| self.without_id.partition_point(|&s| s < slot);
        let count = |below: &dyn Fn(u32) -> usize| (below(range.end) - below(range.start)) as u64;
        (count(&with_id), count(&without_id))
    }

    /// The slot that the live row of `id` lies in.
    pub fn slot_of(&self, id: u64) -> Option<u32> {
        match self.told(id) {
            Told::At(slot) => Some(slot),
            _ => None,
        }
    }

    /// The id of the live row in `slot`.
    pub fn id_at(&self, slot: u32) -> Option<u64> {
        let found = self.by_slot.binary_search_by_key(&slot, |&i| self.slots[i as usize]).ok()?;
        Some(self.ids[self.by_slot[found] as usize])
    }

    /// Whether the row with this id in this slot is live; `None` = not known.
    /// Where only the id is known to live, its last row is the one.
    pub fn is_live(&self, slot: Option<u32>, id: Option<u64>) -> Option<bool> {
        if slot.is_some_and(|slot| self.without_id.binary_search(&slot).is_ok()) {
            return Some(true);
        }
        match id.map(|id| self.told(id)) {
            Some(Told::At(at)) => Some(slot == Some(at)),
            Some(Told::Somewhere) => Some(true),
            Some(Told::Gone) => Some(false),
            Some(Told::Unknown) => None,
            // A slot that the whole map does not name.
            None => (slot.is_some() && self.is_complete()).then_some(false),
        }
    }

    fn told(&self, id: u64) -> Told {
        if let Ok(at) = self.ids.binary_search(&id) {
            return if self.slots[at] == NO_SLOT { Told::Somewhere } else { Told::At(self.slots[at]) };
        }
        let gap = self.gaps.get(self.gaps.partition_point(|gap| gap.end < id));
        if gap.is_some_and(|gap| gap.start <= id) { Told::Unknown } else { Told::Gone }
    }
}

/// Damaged blocks of both columns of a part, each once.
fn merged(one: Cursor<'_>, other: Cursor<'_>) -> BTreeMap<u64, StorageError> {
    let mut all = one.into_damage();
    all.extend(other.into_damage());
    all
}

/// The dead marks, as far as they can be read.
pub enum Tombstones {
    /// No row was deleted.
    None,
    /// Marks in a part.
    Part { salvage: Salvage, shift: u32 },
    /// Nothing is known.
    Lost,
}

/// The dead marks of one chunk.
pub enum Marks {
    None,
    Bits(Vec<u8>),
    Unknown,
}

impl Tombstones {
    /// Opens the tombstones of `source`.
    pub fn open(storage: &dyn Storage, source: &Source, report: &mut RepairReport) -> Result<Tombstones> {
        let part = match source.tombstones {
            Single::Nothing => return Ok(Tombstones::None),
            Single::Lost => return Ok(Tombstones::Lost),
            Single::Part(part) => part,
        };
        report.files += 1;
        let columns = tombstone_columns(source.shift);
        let columns: Columns<'_> = &columns;
        match Salvage::open(storage, &part, columns) {
            Ok(mut salvage) => {
                salvage.damage().map_or(Ok(()), |damage| report.take(damage, "; the marks are made again"))?;
                Ok(Tombstones::Part { salvage, shift: source.shift })
            }
            Err(damage) => {
                report.take(damage, "; which rows are dead is taken from the id map")?;
                Ok(Tombstones::Lost)
            }
        }
    }

    /// The marks of the chunk that begins with slot `first`, which is not known
    /// where a chunk was found by its name: then the only chunk is the first.
    pub fn of_chunk(&self, first: Option<u32>, chunks: usize, report: &mut RepairReport) -> Result<Marks> {
        let (salvage, shift) = match self {
            Tombstones::None => return Ok(Marks::None),
            Tombstones::Lost => return Ok(Marks::Unknown),
            Tombstones::Part { salvage, shift } => (salvage, shift),
        };
        let only = (chunks == 1 && salvage.rows() == 1).then_some(0);
        let Some(first) = first.or(only).filter(|first| u64::from(first >> shift) < salvage.rows()) else {
            return Ok(Marks::Unknown);
        };
        let mut cursor = salvage.cursor(0)?;
        let bits = cursor.row(u64::from(first >> shift)).map(<[u8]>::to_vec);
        for damage in cursor.into_damage().into_values() {
            report.take(damage, "; which rows are dead is taken from the id map")?;
        }
        Ok(bits.map_or(Marks::Unknown, Marks::Bits))
    }
}

impl Marks {
    /// Whether row `row` of the chunk is dead; `None` = not known.
    pub fn is_dead(&self, row: u64) -> Option<bool> {
        match self {
            Marks::None => Some(false),
            Marks::Bits(bits) => Some(bits.get(row as usize / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)),
            Marks::Unknown => None,
        }
    }

    /// Number of dead rows.
    pub fn count(&self) -> u64 {
        match self {
            Marks::Bits(bits) => bits.iter().map(|byte| u64::from(byte.count_ones())).sum(),
            Marks::None | Marks::Unknown => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partly_read_map_says_what_it_knows_and_no_more() {
        let mut table = IdTable {
            ids: vec![10, 20, 50],
            slots: vec![3, NO_SLOT, 1],
            without_id: vec![7],
            gaps: std::iter::once(21..50).collect(),
            ..IdTable::default()
        };
        table.sort();
        let live = |slot, id| table.is_live(slot, id);
        assert_eq!(
            (live(Some(3), Some(10)), live(Some(4), Some(10)), live(None, Some(10))),
            (Some(true), Some(false), Some(false))
        );
        assert_eq!(
            (live(Some(9), Some(20)), live(Some(9), Some(11)), live(Some(9), Some(60))),
            (Some(true), Some(false), Some(false))
        );
        assert_eq!(
            (live(Some(9), Some(30)), live(Some(7), Some(30)), live(Some(7), None)),
            (None, Some(true), Some(true))
        );
        assert_eq!(
            (live(Some(9), None), table.id_at(1), table.id_at(9), table.count_in(0..8)),
            (None, Some(50), None, (2, 1))
        );
        assert!(!table.is_complete() && IdTable::default().is_live(Some(0), None) == Some(false));
        assert_eq!(IdTable::unknown().is_live(Some(0), Some(u64::MAX - 1)), None);
    }
}
