//! Records: what a row has beside its vector and its id: a text key and a JSON object (its
//! metadata), both optional.
//!
//! The record of a row is one run of bytes in the heap of its chunk, `key length u16, key,
//! metadata`; an entry of eight bytes for each row says where (40 bits) and how long (24 bits).
//! Entry 0 is a row without a record, and so is a row behind the last entry: a database that has
//! no records pays nothing for them, and a chunk begins to pay with its first one.
//!
//! A heap only grows. What changes the record of a row that is there writes a new one and copies the
//! entries of that chunk, so that views keep the ones that they were made with.
//!
//! | file | owns |
//! |---|---|
//! | `column` | the writing end |
//! | `given` | what callers give: texts, checked |
//! | `keys` | keys to slots |
//! | `resolve` | what the rows of a batch will have |
//! | `access` | reading and changing records by id and by key |

pub mod access;
pub mod column;
pub mod given;
pub mod keys;
pub mod resolve;

use crate::arena::Rows;
use crate::util::memory::{AllocError, make_room};
use std::ops::Range;

/// Bytes of an entry.
pub const ENTRY: usize = 8;
/// Bits of an entry that say how long the record is.
const LEN_BITS: u32 = 24;
/// Longest record.
pub const RECORD_MAX: usize = (1 << LEN_BITS) - 1;
/// Longest heap of a chunk.
pub const HEAP_MAX: u64 = 1 << (64 - LEN_BITS);

/// Where a record lies in the heap.
pub fn entry(offset: u64, len: usize) -> u64 {
    offset << LEN_BITS | len as u64
}

/// The place that an entry names.
pub fn place(entry: u64) -> Range<u64> {
    let offset = entry >> LEN_BITS;
    offset..offset + (entry & RECORD_MAX as u64)
}

/// The parts of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// The key; empty = none.
    pub key: &'a [u8],
    /// The JSON object; empty = none.
    pub meta: &'a [u8],
}

impl<'a> Record<'a> {
    /// The record in `bytes`; `None` where they are none, which only a forged file has.
    pub fn read(bytes: &'a [u8]) -> Option<Record<'a>> {
        if bytes.is_empty() {
            return Some(Record::default());
        }
        let (len, rest) = bytes.split_first_chunk::<2>()?;
        let (key, meta) = rest.split_at_checked(u16::from_le_bytes(*len).into())?;
        Some(Record { key, meta })
    }

    /// Bytes that it takes in a heap.
    pub fn bytes(&self) -> usize {
        if self.is_empty() { 0 } else { 2 + self.key.len() + self.meta.len() }
    }

    /// Whether there is neither key nor metadata.
    pub fn is_empty(&self) -> bool {
        self.key.is_empty() && self.meta.is_empty()
    }

    /// Appends it to `out`.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), AllocError> {
        if self.is_empty() {
            return Ok(());
        }
        make_room(out, self.bytes())?;
        out.extend_from_slice(&(self.key.len() as u16).to_le_bytes());
        out.extend_from_slice(self.key);
        out.extend_from_slice(self.meta);
        Ok(())
    }
}

/// Bytes of records: what came from a file, and what was written behind it.
#[derive(Clone, Debug)]
pub struct Heap {
    /// From a file, or empty.
    pub base: Rows,
    /// Behind it.
    pub more: Rows,
}

impl Heap {
    /// Bytes in all.
    pub fn len(&self) -> u64 {
        (self.base.len() + self.more.len()) as u64
    }

    /// Some of them; `None` where they are not there. Nothing lies across the two parts.
    pub fn get(&self, range: Range<u64>) -> Option<&[u8]> {
        let (start, end, base) = (range.start as usize, range.end as usize, self.base.len());
        if end <= base {
            Some(self.base.slice(start..end))
        } else {
            let (start, end) = (start.checked_sub(base)?, end - base);
            (end <= self.more.len()).then(|| self.more.slice(start..end))
        }
    }
}

/// The records of one chunk. Serial number and length of the heap name the content for ever.
#[derive(Clone, Debug)]
pub struct RecordPiece {
    /// Where the record of each row lies; rows behind the last have none.
    pub entries: Rows,
    /// The records.
    pub heap: Heap,
    /// Unique among all pieces of the process.
    pub serial: u64,
}

impl RecordPiece {
    /// The bytes of the record of row `row`; `None` where a forged file leads out of the heap.
    pub fn bytes(&self, row: usize) -> Option<&[u8]> {
        if row >= self.entries.len() {
            return Some(&[]);
        }
        let entry = u64::from_le_bytes(self.entries.row(row).try_into().ok()?);
        self.heap.get(place(entry))
    }

    /// The record of row `row`.
    pub fn get(&self, row: usize) -> Option<Record<'_>> {
        Record::read(self.bytes(row)?)
    }

    /// Bytes that it takes.
    pub fn size(&self) -> u64 {
        (self.entries.len() * ENTRY) as u64 + self.heap.len()
    }
}

/// The records of a view, by slot.
#[derive(Clone, Debug, Default)]
pub struct RecordTable {
    chunks: Vec<Option<RecordPiece>>,
    shift: u32,
}

impl RecordTable {
    /// Of chunks of `1 << shift` rows.
    pub fn new(chunks: Vec<Option<RecordPiece>>, shift: u32) -> RecordTable {
        RecordTable { chunks, shift }
    }

    /// The chunks, as many as reach to the last one with a record at least.
    pub fn chunks(&self) -> &[Option<RecordPiece>] {
        &self.chunks
    }

    /// The records of a chunk, where it has any.
    pub fn chunk(&self, chunk: usize) -> Option<&RecordPiece> {
        self.chunks.get(chunk)?.as_ref()
    }

    /// The bytes of the record in `slot`, none for a row without one.
    pub fn bytes(&self, slot: u32) -> &[u8] {
        let row = (slot & ((1u32 << self.shift) - 1)) as usize;
        self.chunk((slot >> self.shift) as usize).and_then(|piece| piece.bytes(row)).unwrap_or_default()
    }

    /// The record in `slot`. What a forged file holds there is no record.
    pub fn get(&self, slot: u32) -> Record<'_> {
        Record::read(self.bytes(slot)).unwrap_or_default()
    }

    /// Bytes that they take.
    pub fn size(&self) -> u64 {
        self.chunks.iter().flatten().map(RecordPiece::size).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut bytes = Vec::new();
        let record = Record { key: b"k1", meta: b"{\"a\":1}" };
        record.write(&mut bytes).unwrap();
        assert_eq!((bytes.len(), Record::read(&bytes)), (record.bytes(), Some(record)));
        assert_eq!(Record::read(&[]), Some(Record::default()));
        assert_eq!((Record::read(&[1]), Record::read(&[5, 0, 1])), (None, None));
        let mut nothing = Vec::new();
        Record::default().write(&mut nothing).unwrap();
        assert!(nothing.is_empty());
    }

    #[test]
    fn an_entry_names_its_place() {
        assert_eq!(place(entry(0, 0)), 0..0);
        let far = HEAP_MAX - 1 - RECORD_MAX as u64;
        assert_eq!(place(entry(far, RECORD_MAX)), far..far + RECORD_MAX as u64);
    }
}
