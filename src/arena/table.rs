//! Chunks of rows behind one dense slot number.
//!
//! A walk of a graph reads hundreds of rows, each named by a number that may come from a
//! file. [`Visited`](super::Visited) compares that number with the end of the graph anyway,
//! so where all rows up to there exist in memory, none needs another look: neither at the
//! number of chunks nor at the lengths of chunk and row, nor whether the chunk is mapped.

use super::bounds::within;
use super::rows::Rows;
use super::shared::SharedSlice;
use super::visited::Below;

/// Rows addressed by slot: chunk `slot >> shift`, row `slot & mask`.
/// A chunk may hold fewer rows than `1 << shift`; the missing ones do not exist.
#[derive(Clone, Debug)]
pub struct RowTable {
    chunks: SharedSlice<Rows>,
    shift: u32,
    /// Slots below this exist, in rows like the first, none of them mapped. It ends before the
    /// first chunk that is mapped, and with the rows of the first that is partly filled.
    direct: u32,
}

impl RowTable {
    /// A table over `chunks` of at most `1 << shift` rows each.
    pub fn new(chunks: Vec<Rows>, shift: u32) -> RowTable {
        assert!(shift < 32 && chunks.iter().all(|c| c.len() <= 1 << shift), "a chunk holds more than 2^{shift} rows");
        let direct = direct(&chunks, shift);
        RowTable { chunks: chunks.into(), shift, direct }
    }

    /// Rows per chunk as a power of two.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// The chunks.
    pub fn chunks(&self) -> &[Rows] {
        &self.chunks
    }

    /// One past the highest slot that exists (0 when there is none).
    pub fn end(&self) -> u32 {
        let Some(last) = self.chunks.len().checked_sub(1) else { return 0 };
        ((last << self.shift) + self.chunks[last].len()) as u32
    }

    /// The row of `slot`, `None` when it does not exist.
    #[inline]
    pub fn get(&self, slot: u32) -> Option<&[u8]> {
        let (chunk, row) = place(slot, self.shift);
        let exists = within(chunk, self.chunks.len()) && within(row, self.chunks[chunk].len());
        exists.then(|| self.chunks[chunk].row(row))
    }

    /// The first `bytes` bytes of the row of `slot`, `None` when there are not so many.
    #[inline]
    pub fn prefix(&self, slot: u32, bytes: usize) -> Option<&[u8]> {
        self.get(slot)?.get(..bytes)
    }

    /// The first `bytes` bytes of the rows of nodes, slots all of them, each with its slot;
    /// `None` unless it is plain that they are there and in memory. Then nothing is checked
    /// for any of them.
    #[inline]
    pub fn prefixes<'a>(
        &'a self,
        nodes: Below<'a>,
        bytes: usize,
    ) -> Option<impl Iterator<Item = (&'a [u8], u32)> + use<'a>> {
        let stride = self.chunks.first().map_or(0, Rows::stride);
        if nodes.end() > self.direct || bytes > stride {
            return None;
        }
        Some(nodes.nodes().iter().map(move |&slot| {
            let (chunk, row) = place(slot, self.shift);
            // SAFETY: the slot is below the end of `nodes` (`Visited`), so below `direct`: its chunk
            // exists and has its row, rows are of `stride` bytes, not less than `bytes`, and not mapped.
            let prefix = unsafe { self.chunks.get_unchecked(chunk).prefix_unchecked(row, stride, bytes) };
            (prefix, slot)
        }))
    }

    /// The row of `slot`.
    ///
    /// # Panics
    /// When the slot does not exist.
    #[inline]
    pub fn row(&self, slot: u32) -> &[u8] {
        let (chunk, row) = place(slot, self.shift);
        self.chunks[chunk].row(row)
    }

    /// Whether `slot` exists. Not by [`within`]: the answer may well be no.
    pub fn contains(&self, slot: u32) -> bool {
        let (chunk, row) = place(slot, self.shift);
        self.chunks.get(chunk).is_some_and(|rows| row < rows.len())
    }
}

/// Chunk and row of `slot`.
#[inline(always)]
fn place(slot: u32, shift: u32) -> (usize, usize) {
    ((slot >> shift) as usize, (slot & ((1 << shift) - 1)) as usize)
}

/// See [`RowTable::direct`].
fn direct(chunks: &[Rows], shift: u32) -> u32 {
    let mut slots = 0u32;
    for chunk in chunks {
        if chunk.is_mapped() || chunk.stride() != chunks[0].stride() {
            break;
        }
        slots = slots.saturating_add(chunk.len() as u32);
        if chunk.len() < 1 << shift {
            break;
        }
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::{Backing, Budget, RowsMut, Visited};
    use std::sync::Arc;

    struct Heap([u8; 12]);
    // SAFETY: the bytes are never changed and lie behind the `Arc` that rows are cut from.
    unsafe impl Backing for Heap {
        fn bytes(&self) -> &[u8] {
            &self.0
        }
    }

    #[test]
    fn slots_reach_across_chunks_and_skip_holes() {
        let chunk = |len: usize, fill: u8| {
            let mut rows = RowsMut::zeroed(len, 2, &Budget::default()).unwrap();
            rows.bytes_mut().fill(fill);
            rows.freeze()
        };
        let table = RowTable::new(vec![chunk(4, 1), chunk(2, 2), chunk(3, 3)], 2);
        assert_eq!(table.end(), 11);
        assert_eq!((table.row(3)[0], table.row(4)[0], table.row(10)[0]), (1, 2, 3));
        assert!(table.contains(5) && !table.contains(6) && !table.contains(11) && !table.contains(u32::MAX));
        assert!(table.get(6).is_none() && table.get(11).is_none() && table.get(u32::MAX).is_none());
    }

    #[test]
    fn prefixes_are_the_beginnings_of_rows() {
        let rows = |len: usize, stride: usize, first: u8| {
            let mut rows = RowsMut::zeroed(len, stride, &Budget::default()).unwrap();
            rows.bytes_mut().iter_mut().enumerate().for_each(|(i, byte)| *byte = first + i as u8);
            rows.freeze()
        };
        let whole = vec![rows(4, 3, 0), rows(4, 3, 50), rows(1, 3, 100)];
        let holes = vec![rows(4, 3, 0), rows(2, 3, 50), rows(4, 3, 100)];
        let strides = vec![rows(4, 3, 0), rows(4, 2, 50), rows(4, 3, 100)];
        let mapped = || Rows::from_backing(&Arc::new(Heap([7; 12])), 0, 4, 3, None).unwrap();
        let later = vec![rows(4, 3, 0), mapped(), rows(4, 3, 100)];
        let first = vec![mapped(), rows(4, 3, 0)];
        let empty = vec![rows(0, 3, 0), rows(4, 3, 0)];
        let tables = [(whole, 9), (holes, 6), (strides, 4), (later, 4), (first, 0), (empty, 0), (Vec::new(), 0)];
        for (chunks, direct) in tables {
            let stride = chunks.first().map_or(0, Rows::stride);
            let table = RowTable::new(chunks, 2);
            assert_eq!(table.direct, direct);
            for (bytes, end) in (0..5).flat_map(|bytes| [0, 1, 4, 6, 9, 20].map(|end| (bytes, end))) {
                let mut set = Visited::default();
                set.reset(end).unwrap();
                let links: Vec<[u8; 4]> = (0..20u32).rev().map(u32::to_le_bytes).collect();
                let nodes = set.insert_all(&links);
                let found = table.prefixes(nodes, bytes).map(|rows| rows.collect::<Vec<_>>());
                assert_eq!(found.is_some(), end <= direct && bytes <= stride);
                let expected = || (0..end).rev().map(|slot| (table.prefix(slot, bytes).unwrap(), slot));
                assert!(found.is_none_or(|found| found.into_iter().eq(expected())), "{bytes} bytes below {end}");
            }
        }
    }
}
