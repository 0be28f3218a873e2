//! Damage to files, and what of a part file it reaches.

use super::model::expected;
use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::Path;

/// Bytes that have a checksum of their own.
pub const BLOCK: usize = 1 << 16;

/// One kind of damage, done to the bytes of a file; `None` removes it.
#[derive(Clone, Debug)]
pub enum Damage {
    Remove,
    Cut(usize),
    Flip(usize),
    Zero(Range<usize>),
}

impl Damage {
    pub fn apply(&self, file: &Path) {
        let mut bytes = fs::read(file).unwrap();
        match self {
            Damage::Remove => return fs::remove_file(file).unwrap(),
            Damage::Cut(len) => bytes.truncate(*len),
            Damage::Flip(at) => bytes[*at] ^= 0x10,
            Damage::Zero(range) => bytes[range.clone()].fill(0),
        }
        fs::write(file, bytes).unwrap();
    }

    /// The bytes that it changes, of a file of `len`.
    pub fn touched(&self, len: usize) -> Range<usize> {
        match self {
            Damage::Remove => 0..len,
            Damage::Cut(at) => *at..len,
            Damage::Flip(at) => *at..at + 1,
            Damage::Zero(range) => range.clone(),
        }
    }
}

pub fn u64_at(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

/// Where things are in a part file, read as docs/file-format.md says.
pub struct Layout {
    pub data_len: usize,
    /// Stride, offset, rows.
    pub sections: Vec<(usize, usize, usize)>,
    pub len: usize,
}

impl Layout {
    pub fn read(bytes: &[u8]) -> Layout {
        let len = bytes.len();
        let (data_len, sections) = (u64_at(bytes, len - 24), bytes[len - 16] as usize);
        let entry = |i: usize| &bytes[data_len + i * 24..][..24];
        let stride = |i: usize| u32::from_le_bytes(entry(i)[4..8].try_into().unwrap()) as usize;
        let sections = (0..sections).map(|i| (stride(i), u64_at(entry(i), 8), u64_at(entry(i), 16))).collect();
        Layout { data_len, sections, len }
    }

    /// Damage to header, each section, padding, table, checksums, trailer, and by blocks and lengths.
    pub fn damages(&self) -> Vec<Damage> {
        let mut all = vec![Damage::Remove, Damage::Cut(0), Damage::Cut(self.len / 2), Damage::Cut(self.data_len - 1)];
        all.extend([self.data_len, self.data_len + 30, self.len - 1].map(Damage::Cut));
        all.extend([17, 70].map(Damage::Flip));
        all.extend(self.sections.iter().map(|(stride, offset, rows)| Damage::Flip(offset + stride * rows / 2)));
        all.extend([self.data_len + 17, self.len - 26, self.len - 6, self.len - 1].map(Damage::Flip));
        all.push(Damage::Zero(0..BLOCK.min(self.data_len)));
        all.push(Damage::Zero(self.data_len.min(BLOCK)..self.data_len.min(2 * BLOCK)));
        all.push(Damage::Zero(self.data_len..self.len));
        all
    }
}

/// The live rows of a chunk that the bytes in `blocks` are a part of.
pub fn rows_in_blocks(chunk: &[u8], blocks: Range<usize>) -> BTreeSet<u64> {
    let layout = Layout::read(chunk);
    let ((stride, from, rows), (_, ids, _)) = (layout.sections[0], layout.sections[1]);
    let live = expected(&BTreeSet::new(), 0);
    let in_blocks = |row: &usize| {
        let first = from + row * stride;
        first / BLOCK < blocks.end && (first + stride - 1) / BLOCK >= blocks.start
    };
    let is_live = |row: usize| {
        let id = u64_at(chunk, ids + row * 8) as u64;
        let bytes = &chunk[from + row * stride..][..stride];
        let same = live.get(&id).is_some_and(|v| v.iter().flat_map(|x| x.to_le_bytes()).eq(bytes.iter().copied()));
        same.then_some(id)
    };
    (0..rows).filter(in_blocks).filter_map(is_live).collect()
}
