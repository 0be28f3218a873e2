//! The one container for every immutable part file: a header, page-aligned
//! sections of fixed-stride rows, and a footer with one CRC per [block](Blocks).
//!
//! Written once, front to back, with a buffer of 64 KiB; never changed.
//! Opening reads the header and the footer only, so it takes the same time
//! whatever the number of rows: blocks are verified when they are first
//! touched, or all at once where the caller prefers that. The footer's CRC
//! covers the block CRCs, so the one number in a [`PartRef`] pins every byte.
//!
//! This is the block-checksum idea of ZFS and SSTables, kept in a footer
//! instead of in the blocks, so that rows stay at their natural stride.

mod copy;
mod footer;
mod reader;
mod salvage;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use copy::copy;
pub use reader::Part;
pub use salvage::{Columns, Cursor, Identity, Salvage, identify, most_rows};
pub use verify::{check_footer, verify};
pub use writer::PartWriter;

use super::checksum::FileId;
use super::format::{BLOCK_SHIFT, SHORT_BLOCKS, read_u32, read_u64};
use super::names::{FileName, PartKind};
use serde::{Deserialize, Serialize};

/// Sections start at multiples of this; a page, so that they can be advised
/// and dropped from memory one by one.
pub const SECTION_ALIGN: u64 = 4096;
/// Largest number of sections of one part.
pub const SECTIONS_MAX: usize = 1024;

const ENTRY_LEN: usize = 24;
const TRAILER_LEN: usize = 24;
const END_MAGIC: u32 = u32::from_le_bytes(*b"VEND");

/// The unit of checksums in a part. How many blocks there are tells a reader which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocks {
    /// 64 KiB: for what is read in order, or little at a time. The checksums, all of which
    /// are read when the part is opened, are a 16,000th of it.
    Long,
    /// 4 KiB: for what walks jump about in, which would otherwise begin with reading sixteen
    /// times as much as they need. The checksums are a thousandth.
    Short,
}

impl Blocks {
    const ALL: [Blocks; 2] = [Blocks::Long, Blocks::Short];

    /// Bytes of a block as a power of two.
    pub const fn shift(self) -> u32 {
        match self {
            Blocks::Long => BLOCK_SHIFT,
            Blocks::Short => 12,
        }
    }

    /// Bytes of a block; the last one may have less.
    pub const fn bytes(self) -> usize {
        1 << self.shift()
    }

    /// Blocks of `data_len` bytes.
    fn count(self, data_len: u64) -> u64 {
        data_len.div_ceil(self.bytes() as u64)
    }

    /// What a reader of such a part must understand.
    pub fn features(self) -> u32 {
        match self {
            Blocks::Long => 0,
            Blocks::Short => SHORT_BLOCKS,
        }
    }
}

/// How a manifest names a part: enough to tell it from every other file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRef {
    /// What it holds.
    pub kind: PartKind,
    /// File number, never used twice in one database.
    pub number: u64,
    /// Generation of the manifest it was written for.
    pub generation: u64,
    /// Length of the file in bytes.
    pub len: u64,
    /// CRC of the footer, which covers all other checksums of the file.
    pub crc: u32,
}

impl PartRef {
    /// The name of the file.
    pub fn file_name(&self) -> String {
        FileName::Part(self.kind, self.number).to_string()
    }

    fn id(&self) -> FileId {
        FileId { kind: self.kind.into(), generation: self.generation, number: self.number }
    }
}

/// Rows of one tag inside a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Section {
    tag: u32,
    stride: u32,
    offset: u64,
    rows: u64,
}

impl Section {
    fn encode(&self) -> [u8; ENTRY_LEN] {
        let mut out = [0; ENTRY_LEN];
        out[0..4].copy_from_slice(&self.tag.to_le_bytes());
        out[4..8].copy_from_slice(&self.stride.to_le_bytes());
        out[8..16].copy_from_slice(&self.offset.to_le_bytes());
        out[16..24].copy_from_slice(&self.rows.to_le_bytes());
        out
    }

    fn decode(entry: &[u8]) -> Section {
        Section {
            tag: read_u32(entry, 0),
            stride: read_u32(entry, 4),
            offset: read_u64(entry, 8),
            rows: read_u64(entry, 16),
        }
    }

    /// One past its last byte, if that is a number.
    fn end(&self) -> Option<u64> {
        self.rows.checked_mul(self.stride.into())?.checked_add(self.offset)
    }
}

/// Seeded like a block that no file has.
fn footer_crc(id: FileId, footer: &[u8]) -> u32 {
    id.block_crc(u64::MAX, footer)
}
