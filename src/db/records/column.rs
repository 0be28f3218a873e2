//! The writing end of the records: what the next view will be made of.
//!
//! As with all of a batch, room is made first (may fail, and changes nothing that can be seen), then
//! the records are put there (cannot fail).

use super::{ENTRY, HEAP_MAX, Heap, RecordPiece, RecordTable, entry, place};
use crate::arena::{Appender, Budget, Rows, RowsMut};
use crate::db::column::next_serial;
use crate::db::error::{ErrorKind, Result, fail};
use crate::util::memory::make_room;
use std::ops::Range;

/// Room that entries and heap of a chunk begin with: rows, and bytes.
const FIRST_ENTRIES: usize = 64;
const FIRST_HEAP: usize = 1 << 12;
/// A heap is written anew when less than half of it is of use, and so many bytes are not.
const WASTE: u64 = 1 << 20;

/// The record that a slot is to have: so many bytes, none for no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub slot: u32,
    /// Where its bytes lie: among those of all changes, or in which slot.
    pub from: usize,
    /// How many there are.
    pub len: usize,
}

/// Rows that are frozen, or that can be appended to.
enum Tail {
    Frozen(Rows),
    Open(Appender),
}

impl Tail {
    fn len(&self) -> usize {
        match self {
            Tail::Frozen(rows) => rows.len(),
            Tail::Open(rows) => rows.len(),
        }
    }

    fn rows(&mut self) -> Rows {
        match self {
            Tail::Frozen(rows) => rows.clone(),
            Tail::Open(rows) => rows.rows(),
        }
    }

    /// Makes room for `more` rows of `stride` bytes, in `first` at least.
    fn reserve(&mut self, more: usize, stride: usize, first: usize, budget: &Budget) -> Result<()> {
        if more == 0 {
            return Ok(());
        }
        let needed = self.len() + more;
        if let Tail::Open(rows) = self
            && rows.capacity() >= needed
        {
            return Ok(rows.reserve(more)?);
        }
        let old = self.rows();
        let mut next = Appender::new(needed.max(2 * old.len()).max(first), stride, budget)?;
        next.reserve(needed)?;
        // Rows without any are hollow, and have no stride.
        next.append(old.len(), |room| room.copy_from_slice(old.bytes()));
        *self = Tail::Open(next);
        Ok(())
    }

    fn append(&mut self, count: usize, fill: impl FnOnce(&mut [u8])) {
        if count > 0 {
            let Tail::Open(rows) = self else { unreachable!("reserve opened it") };
            rows.append(count, fill).expect("reserve made room");
        }
    }

    fn give_back(&mut self) {
        if let Tail::Open(rows) = self {
            rows.give_back();
        }
    }
}

/// The records of one chunk.
struct Cell {
    entries: Tail,
    base: Rows,
    more: Tail,
    serial: u64,
}

impl Cell {
    fn new() -> Cell {
        let nothing = || Tail::Frozen(Rows::hollow(0));
        Cell { entries: nothing(), base: Rows::hollow(0), more: nothing(), serial: next_serial() }
    }

    fn from_piece(piece: RecordPiece) -> Cell {
        let RecordPiece { entries, heap, serial } = piece;
        Cell { entries: Tail::Frozen(entries), base: heap.base, more: Tail::Frozen(heap.more), serial }
    }

    fn heap_len(&self) -> u64 {
        (self.base.len() + self.more.len()) as u64
    }

    fn piece(&mut self) -> RecordPiece {
        let heap = Heap { base: self.base.clone(), more: self.more.rows() };
        RecordPiece { entries: self.entries.rows(), heap, serial: self.serial }
    }
}

/// What is ready for the changes of one chunk.
struct Ready {
    chunk: usize,
    /// Which of the changes.
    changes: Range<usize>,
    /// All entries of the chunk, where some that are there change.
    entries: Option<RowsMut>,
    /// A heap with nothing but what is of use.
    heap: Option<Appender>,
}

/// Room for the changes of one batch.
#[derive(Default)]
pub struct Reserved {
    chunks: Vec<Ready>,
}

/// The writing end of the records.
pub struct RecordColumn {
    shift: u32,
    budget: Budget,
    chunks: Vec<Option<Cell>>,
}

impl RecordColumn {
    /// No records, for chunks of `1 << shift` rows.
    pub fn new(shift: u32, budget: &Budget) -> RecordColumn {
        RecordColumn { shift, budget: budget.clone(), chunks: Vec::new() }
    }

    /// Records that continue `pieces`.
    pub fn from_pieces(shift: u32, pieces: Vec<Option<RecordPiece>>, budget: &Budget) -> RecordColumn {
        let chunks = pieces.into_iter().map(|piece| piece.map(Cell::from_piece)).collect();
        RecordColumn { shift, budget: budget.clone(), chunks }
    }

    /// Whether no row has a record.
    pub fn is_empty(&self) -> bool {
        self.chunks.iter().all(Option::is_none)
    }

    /// The records as they are now.
    pub fn table(&mut self) -> RecordTable {
        RecordTable::new(self.chunks.iter_mut().map(|cell| cell.as_mut().map(Cell::piece)).collect(), self.shift)
    }

    /// Makes room for `changes`, which ascend by slot and name each once. Slots from `fresh` on are in no view yet:
    /// whatever they get, the records of the others stay the same.
    pub fn reserve(&mut self, changes: &[Change], fresh: u32) -> Result<Reserved> {
        let mut reserved = Reserved::default();
        let mut from = 0;
        while let Some(first) = changes.get(from) {
            let chunk = (first.slot >> self.shift) as usize;
            let to = from + changes[from..].partition_point(|change| (change.slot >> self.shift) as usize == chunk);
            if let Some(ready) = self.reserve_chunk(chunk, &changes[from..to], from..to, fresh)? {
                make_room(&mut reserved.chunks, 1)?;
                reserved.chunks.push(ready);
            }
            from = to;
        }
        Ok(reserved)
    }

    fn reserve_chunk(
        &mut self,
        chunk: usize,
        changes: &[Change],
        range: Range<usize>,
        fresh: u32,
    ) -> Result<Option<Ready>> {
        let mask = (1u32 << self.shift) - 1;
        let row = |change: &Change| (change.slot & mask) as usize;
        let added: usize = changes.iter().map(|change| change.len).sum();
        if self.chunks.len() <= chunk {
            let more = chunk + 1 - self.chunks.len();
            make_room(&mut self.chunks, more)?;
            self.chunks.resize_with(chunk + 1, || None);
        }
        if self.chunks[chunk].is_none() && added == 0 {
            return Ok(None);
        }
        let cell = self.chunks[chunk].get_or_insert_with(Cell::new);
        if cell.heap_len() + added as u64 > HEAP_MAX {
            return fail(
                ErrorKind::Limit,
                format!("the records of one chunk pass the limit of {HEAP_MAX} bytes: rows with less metadata fit"),
            );
        }
        let (there, last) = (cell.entries.len(), changes.last().map_or(0, &row));
        let mut ready = Ready { chunk, changes: range, entries: None, heap: None };
        if changes.first().is_some_and(|change| row(change) < there || change.slot < fresh) {
            let old = cell.entries.rows();
            let mut entries = RowsMut::zeroed(there.max(last + 1), ENTRY, &self.budget)?;
            entries.bytes_mut()[..there * ENTRY].copy_from_slice(old.bytes());
            for change in changes.iter().filter(|change| row(change) < there) {
                entries.row_mut(row(change)).fill(0);
            }
            ready.heap = cell.without_waste(&mut entries, added, &self.budget)?;
            ready.entries = Some(entries);
        } else {
            cell.entries.reserve(last + 1 - there, ENTRY, FIRST_ENTRIES, &self.budget)?;
        }
        if ready.heap.is_none() {
            cell.more.reserve(added, 1, FIRST_HEAP, &self.budget)?;
        }
        Ok(Some(ready))
    }

    /// Puts the records of `changes`, whose bytes `bytes` gives, where `reserved` made room for them.
    pub fn apply<'b>(&mut self, changes: &[Change], bytes: impl Fn(&Change) -> &'b [u8], reserved: Reserved) {
        let mask = (1u32 << self.shift) - 1;
        for Ready { chunk, changes: range, entries, heap } in reserved.chunks {
            let Some(cell) = self.chunks[chunk].as_mut() else { continue };
            let changes = &changes[range];
            if let Some(heap) = heap {
                (cell.base, cell.more) = (Rows::hollow(0), Tail::Open(heap));
            }
            let mut at = cell.heap_len();
            let added: usize = changes.iter().map(|change| change.len).sum();
            cell.more.append(added, |mut room| {
                for change in changes {
                    let (record, rest) = room.split_at_mut(change.len);
                    record.copy_from_slice(bytes(change));
                    room = rest;
                }
            });
            let mut entry_of = |change: &Change| {
                at += change.len as u64;
                if change.len == 0 { 0 } else { entry(at - change.len as u64, change.len) }.to_le_bytes()
            };
            let row = |change: &Change| (change.slot & mask) as usize;
            if let Some(mut entries) = entries {
                changes.iter().for_each(|change| entries.row_mut(row(change)).copy_from_slice(&entry_of(change)));
                (cell.entries, cell.serial) = (Tail::Frozen(entries.freeze()), next_serial());
                continue;
            }
            let there = cell.entries.len();
            let count = changes.last().map_or(0, |change| row(change) + 1 - there);
            cell.entries.append(count, |room| {
                room.fill(0);
                for change in changes {
                    room[(row(change) - there) * ENTRY..][..ENTRY].copy_from_slice(&entry_of(change));
                }
            });
        }
    }

    /// Gives back the room that was made and not used. A chunk that got none of the records it was made for has
    /// none: there would be nothing to write of it.
    pub fn give_back(&mut self) {
        for place in &mut self.chunks {
            place.take_if(|cell| cell.entries.len() == 0);
            let Some(cell) = place else { continue };
            cell.entries.give_back();
            cell.more.give_back();
        }
    }

    /// Puts a twin out of a file in the place of the records of a chunk, where they are still the same.
    pub fn swap(&mut self, chunk: usize, twin: &RecordPiece) {
        if let Some(Some(cell)) = self.chunks.get_mut(chunk)
            && (cell.serial, cell.heap_len()) == (twin.serial, twin.heap.len())
        {
            *cell = Cell::from_piece(twin.clone());
        }
    }
}

impl Cell {
    /// A heap of what `entries` name alone, with room for `added` bytes more, where the present one is mostly
    /// waste. The entries then lead there.
    fn without_waste(&mut self, entries: &mut RowsMut, added: usize, budget: &Budget) -> Result<Option<Appender>> {
        let used = |row: &[u8]| place(u64::from_le_bytes(row.try_into().unwrap_or_default()));
        let live: u64 = entries.bytes().chunks_exact(ENTRY).map(|row| used(row).end - used(row).start).sum();
        if self.heap_len() <= 2 * live + WASTE {
            return Ok(None);
        }
        let old = Heap { base: self.base.clone(), more: self.more.rows() };
        let capacity = (2 * (live as usize + added)).max(FIRST_HEAP);
        let mut heap = Appender::new(capacity, 1, budget)?;
        heap.reserve(live as usize + added)?;
        for row in entries.bytes_mut().chunks_exact_mut(ENTRY) {
            let record = old.get(used(row)).filter(|record| !record.is_empty());
            let Some(record) = record else {
                row.fill(0);
                continue;
            };
            let offset = heap.len() as u64;
            heap.append(record.len(), |room| room.copy_from_slice(record)).expect("reserved above");
            row.copy_from_slice(&entry(offset, record.len()).to_le_bytes());
        }
        Ok(Some(heap))
    }
}

impl RecordColumn {
    /// Copies records of `table`: of each pair of `slots`, whose second numbers ascend, the record in the first slot
    /// to the second one. None of these may have any, and nobody may see them yet.
    pub fn copy(&mut self, table: &RecordTable, slots: impl Iterator<Item = (u32, u32)>) -> Result<()> {
        let mut changes = Vec::new();
        for (from, slot) in slots {
            let len = table.bytes(from).len();
            if len > 0 {
                make_room(&mut changes, 1)?;
                changes.push(Change { slot, from: from as usize, len });
            }
        }
        let _working = self.budget.take((changes.len() * size_of::<Change>()) as u64)?;
        let reserved = self.reserve(&changes, 0)?;
        self.apply(&changes, |change| table.bytes(change.from as u32), reserved);
        Ok(())
    }

    /// Takes the chunks of `others` that have records in the place of those of the same numbers.
    pub fn take_chunks(&mut self, others: RecordColumn) {
        for (chunk, cell) in others.chunks.into_iter().enumerate().filter(|(_, cell)| cell.is_some()) {
            if self.chunks.len() <= chunk {
                self.chunks.resize_with(chunk + 1, || None);
            }
            self.chunks[chunk] = cell;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn put(column: &mut RecordColumn, rows: &[(u32, Vec<u8>)]) {
        let mut bytes = Vec::new();
        let changes: Vec<Change> = rows
            .iter()
            .map(|(slot, record)| {
                bytes.extend_from_slice(record);
                Change { slot: *slot, from: bytes.len() - record.len(), len: record.len() }
            })
            .collect();
        let reserved = column.reserve(&changes, 0).unwrap();
        column.apply(&changes, |change| &bytes[change.from..][..change.len], reserved);
    }

    proptest! {
        /// Records that come, change and go against a map; views keep what they had.
        #[test]
        fn agrees_with_a_map(batches in proptest::collection::vec(
            proptest::collection::btree_map(0u32..300, 0usize..40, 1..30), 1..25)) {
            let budget = Budget::default();
            let (mut column, mut model) = (RecordColumn::new(6, &budget), BTreeMap::new());
            let mut views = Vec::new();
            for (round, batch) in batches.iter().enumerate() {
                let rows: Vec<(u32, Vec<u8>)> =
                    batch.iter().map(|(&slot, &len)| (slot, vec![round as u8 ^ slot as u8; len])).collect();
                put(&mut column, &rows);
                model.extend(rows);
                let table = column.table();
                views.push((table.clone(), model.clone()));
                if round % 7 == 3 {
                    column = RecordColumn::from_pieces(6, table.chunks().to_vec(), &budget);
                }
            }
            for (table, model) in &views {
                for slot in 0..320 {
                    prop_assert_eq!(table.bytes(slot), model.get(&slot).map_or(&[][..], |r| &r[..]));
                }
            }
        }
    }

    #[test]
    fn what_changes_again_and_again_is_not_kept_for_ever() {
        let mut column = RecordColumn::new(6, &Budget::default());
        put(&mut column, &[(3, vec![1; 10]), (9, vec![2; 1000])]);
        for round in 0..3000u32 {
            put(&mut column, &[(9, vec![round as u8; 1000])]);
        }
        let table = column.table();
        assert!(table.size() < 2 * WASTE, "{} bytes", table.size());
        assert_eq!((table.bytes(3), table.bytes(9)), (&[1; 10][..], &[2999u32 as u8; 1000][..]));
        assert_eq!(table.bytes(4), &[] as &[u8]);
    }

    #[test]
    fn a_chunk_without_records_takes_nothing() {
        let mut column = RecordColumn::new(6, &Budget::default());
        put(&mut column, &[(100, vec![])]);
        assert!(column.is_empty() && column.table().size() == 0);
        put(&mut column, &[(200, vec![7])]);
        let table = column.table();
        assert!(table.chunk(0).is_none() && table.chunk(3).is_some());
        assert_eq!(table.chunk(3).unwrap().entries.len(), 9);
    }
}
