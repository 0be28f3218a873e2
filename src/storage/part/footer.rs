//! The end of a part file: where everything is, and the checksums. The same
//! checks serve an opened part, which is mapped, and one that is only read.

use super::{Blocks, END_MAGIC, ENTRY_LEN, PartRef, SECTION_ALIGN, SECTIONS_MAX, Section, TRAILER_LEN, footer_crc};
use crate::storage::error::{Result, StorageError};
use crate::storage::format::{self, HEADER_LEN, Header, read_u32, read_u64};
use crate::util::memory::with_room;
use std::ops::Range;

/// The file must have the length that the manifest says.
pub(super) fn check_len(part: &PartRef, len: u64) -> Result<()> {
    if len == part.len {
        return Ok(());
    }
    let what = format!("{len} bytes long, the manifest says {}", part.len);
    Err(StorageError::corrupt(part.file_name(), part.len.min(len), what))
}

/// The header in the first of `bytes`, which must be that of `part`.
pub(super) fn check_header(part: &PartRef, bytes: &[u8]) -> Result<Header> {
    let header = Header::decode(&part.file_name(), format::PART, bytes)?;
    if (header.kind, header.generation, header.number) == (part.kind.into(), part.generation, part.number) {
        return Ok(header);
    }
    Err(StorageError::corrupt(part.file_name(), 0, "another part than the manifest names"))
}

/// A missing file of the live generation is damage.
pub(super) fn missing(error: StorageError) -> StorageError {
    match error {
        StorageError::NotFound { file } => StorageError::corrupt(file, 0, "named by the manifest, but missing"),
        other => other,
    }
}

/// Where things are in a part file whose lengths add up.
#[derive(Clone, Copy)]
pub(super) struct Footer {
    /// Bytes before the footer.
    pub data_len: usize,
    /// What is checked at once.
    pub blocks: Blocks,
    /// Number of blocks.
    pub count: usize,
    sections: usize,
}

impl Footer {
    /// Reads the last bytes of the file of `part`, of which `end` is the last piece.
    pub fn locate(part: &PartRef, end: &[u8]) -> Result<Footer> {
        let bad = |what| StorageError::corrupt(part.file_name(), part.len, what);
        let Some((_, trailer)) = end.split_last_chunk::<TRAILER_LEN>() else {
            return Err(bad("ends inside its trailer"));
        };
        if read_u32(trailer, 20) != END_MAGIC {
            return Err(bad("does not end in a trailer"));
        }
        let data_len = read_u64(trailer, 0);
        let (sections, count) = (u64::from(read_u32(trailer, 8)), u64::from(read_u32(trailer, 12)));
        // Neither product can overflow: both counts have 32 bits.
        let footer_len = sections * ENTRY_LEN as u64 + count * 4 + TRAILER_LEN as u64;
        let fits = data_len.checked_add(footer_len) == Some(part.len)
            && data_len >= HEADER_LEN as u64
            && sections <= SECTIONS_MAX as u64;
        // Where both lengths of blocks give one block, it is the same one.
        let blocks = Blocks::ALL.into_iter().find(|blocks| fits && blocks.count(data_len) == count);
        let Some(blocks) = blocks else {
            return Err(bad("the lengths in its trailer do not add up"));
        };
        // `fits` bounds all of these by the length of the file.
        Ok(Footer { data_len: data_len as usize, blocks, count: count as usize, sections: sections as usize })
    }

    /// The header must tell of short blocks: who does not know them is to refuse the file.
    pub fn check_features(&self, part: &PartRef, header: &Header) -> Result<()> {
        if self.count <= 1 || header.features == self.blocks.features() {
            return Ok(());
        }
        Err(StorageError::corrupt(part.file_name(), 12, "its header tells of other blocks than its trailer"))
    }

    /// Checks `footer`, the bytes from `data_len` to the end, and returns the
    /// section table. Sections lie in order, aligned, apart, inside the data.
    pub fn check(&self, part: &PartRef, footer: &[u8]) -> Result<Vec<Section>> {
        let bad = |at, what: String| StorageError::corrupt(part.file_name(), at, what);
        let crc = footer_crc(part.id(), &footer[..footer.len() - 8]);
        if crc != read_u32(footer, footer.len() - 8) {
            return Err(bad(part.len, "checksum of the footer differs".into()));
        }
        if crc != part.crc {
            let what = "another file than the manifest names (checksum of the footer)";
            return Err(bad(part.len, what.into()));
        }
        let mut sections: Vec<Section> = with_room(self.sections)?;
        let mut free_from = HEADER_LEN as u64;
        for entry in footer[..self.sections * ENTRY_LEN].chunks_exact(ENTRY_LEN) {
            let section = Section::decode(entry);
            let end = section.end().filter(|&end| end <= self.data_len as u64);
            let Some(end) = end.filter(|_| {
                section.stride > 0
                    && section.offset >= free_from
                    && section.offset.is_multiple_of(SECTION_ALIGN)
                    && sections.iter().all(|s| s.tag != section.tag)
            }) else {
                return Err(bad(self.data_len as u64, format!("impossible section {}", section.tag)));
            };
            free_from = end;
            sections.push(section);
        }
        Ok(sections)
    }

    /// Where block `block` lies in the file.
    pub fn range(&self, block: usize) -> Range<usize> {
        let start = block << self.blocks.shift();
        start..self.data_len.min(start + self.blocks.bytes())
    }

    /// Whether `bytes` are those of block `block`, as `footer` has its checksum.
    pub fn is_intact(&self, part: &PartRef, block: usize, bytes: &[u8], footer: &[u8]) -> bool {
        part.id().block_crc(block as u64, bytes) == self.block_crc(block, footer)
    }

    /// The checksum that `footer` has for block `block`.
    pub fn block_crc(&self, block: usize, footer: &[u8]) -> u32 {
        read_u32(footer, self.sections * ENTRY_LEN + block * 4)
    }
}
