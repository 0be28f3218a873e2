//! Chunks of rows behind one dense slot number.

use super::bounds::within;
use super::rows::Rows;
use super::shared::SharedSlice;

/// Rows addressed by slot: chunk `slot >> shift`, row `slot & mask`.
/// A chunk may hold fewer rows than `1 << shift`; the missing ones do not exist.
#[derive(Clone, Debug)]
pub struct RowTable {
    chunks: SharedSlice<Rows>,
    shift: u32,
}

impl RowTable {
    /// A table over `chunks` of at most `1 << shift` rows each.
    pub fn new(chunks: Vec<Rows>, shift: u32) -> RowTable {
        assert!(shift < 32 && chunks.iter().all(|c| c.len() <= 1 << shift), "a chunk holds more than 2^{shift} rows");
        RowTable { chunks: chunks.into(), shift }
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
        let (chunk, row) = ((slot >> self.shift) as usize, (slot & ((1 << self.shift) - 1)) as usize);
        let exists = within(chunk, self.chunks.len()) && within(row, self.chunks[chunk].len());
        exists.then(|| self.chunks[chunk].row(row))
    }

    /// The row of `slot`.
    ///
    /// # Panics
    /// When the slot does not exist.
    #[inline]
    pub fn row(&self, slot: u32) -> &[u8] {
        self.chunks[(slot >> self.shift) as usize].row((slot & ((1 << self.shift) - 1)) as usize)
    }

    /// The address of the row of `slot`, for prefetching; nothing is read.
    #[inline]
    pub fn peek(&self, slot: u32) -> Option<*const u8> {
        let chunk = (slot >> self.shift) as usize;
        if !within(chunk, self.chunks.len()) {
            return None;
        }
        self.chunks[chunk].peek((slot & ((1 << self.shift) - 1)) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::{Budget, RowsMut};

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
        assert!(table.get(6).is_none() && table.get(11).is_none() && table.get(u32::MAX).is_none());
    }
}
