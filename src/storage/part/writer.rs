//! Writing a part: sections are streamed, checksums gathered on the way.

use super::{Blocks, END_MAGIC, ENTRY_LEN, PartRef, SECTION_ALIGN, SECTIONS_MAX, Section, TRAILER_LEN, footer_crc};
use crate::storage::error::{Result, StorageError};
use crate::storage::format::{self, BLOCK, Header};
use crate::storage::names::PartKind;
use crate::storage::{File, Storage};
use crate::util::memory::{make_room, with_room};

/// Writes one part file, front to back.
///
/// Call [`begin`](PartWriter::begin) and [`push`](PartWriter::push) for each
/// section (or [`section`](PartWriter::section) for both), then
/// [`finish`](PartWriter::finish). A part that was not finished is a leftover
/// that [`Manifest::remove_obsolete`](crate::storage::Manifest::remove_obsolete) removes.
pub struct PartWriter {
    file: Box<dyn File>,
    part: PartRef,
    blocks: Blocks,
    /// Bytes handed over so far; those since the last multiple of [`BLOCK`] are in `pending`.
    position: u64,
    pending: Vec<u8>,
    /// CRC of each finished block.
    crcs: Vec<u32>,
    sections: Vec<Section>,
}

impl PartWriter {
    /// Creates the file of part `number`. Its name becomes durable with the
    /// manifest that names it.
    pub fn create(
        storage: &dyn Storage,
        kind: PartKind,
        generation: u64,
        number: u64,
        blocks: Blocks,
    ) -> Result<PartWriter> {
        let part = PartRef { kind, number, generation, len: 0, crc: 0 };
        let file = storage.create(&part.file_name())?;
        let features = blocks.features();
        let header = Header { features, kind: kind.into(), generation, number, ..Header::default() };
        let pending = with_room(BLOCK)?;
        let (crcs, sections) = (Vec::new(), Vec::new());
        let mut writer = PartWriter { file, part, blocks, position: 0, pending, crcs, sections };
        writer.write(&header.encode(format::PART))?;
        Ok(writer)
    }

    /// Begins the section `tag` of rows of `stride` bytes (not 0), ending the
    /// previous one. A tag occurs once in a part.
    pub fn begin(&mut self, tag: u32, stride: usize) -> Result<()> {
        let stride = match u32::try_from(stride) {
            Ok(stride) if stride > 0 => stride,
            _ => {
                return Err(StorageError::Limit { what: "row stride", value: stride as u64, max: u32::MAX.into() });
            }
        };
        if self.sections.iter().any(|s| s.tag == tag) {
            return Err(StorageError::Misuse { what: "a section tag occurs twice in one part" });
        }
        if self.sections.len() == SECTIONS_MAX {
            let count = SECTIONS_MAX as u64;
            return Err(StorageError::Limit { what: "sections of a part", value: count + 1, max: count });
        }
        self.end_section()?;
        self.sections.push(Section { tag, stride, offset: self.position, rows: 0 });
        Ok(())
    }

    /// Appends rows, or pieces of rows, to the section.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if self.sections.is_empty() {
            return Err(StorageError::Misuse { what: "rows before the first section of a part" });
        }
        self.write(bytes)
    }

    /// A whole section; `pieces` are rows or pieces of rows.
    pub fn section<P: AsRef<[u8]>>(
        &mut self,
        tag: u32,
        stride: usize,
        pieces: impl IntoIterator<Item = P>,
    ) -> Result<()> {
        self.begin(tag, stride)?;
        pieces.into_iter().try_for_each(|piece| self.push(piece.as_ref()))
    }

    /// Writes the footer and syncs the file.
    pub fn finish(mut self) -> Result<PartRef> {
        self.end_section()?;
        let data_len = self.position;
        self.flush()?;
        let mut footer = with_room(self.sections.len() * ENTRY_LEN + self.crcs.len() * 4 + TRAILER_LEN)?;
        self.sections.iter().for_each(|s| footer.extend(s.encode()));
        self.crcs.iter().for_each(|crc| footer.extend(crc.to_le_bytes()));
        footer.extend(data_len.to_le_bytes());
        footer.extend((self.sections.len() as u32).to_le_bytes());
        footer.extend((self.crcs.len() as u32).to_le_bytes());
        self.part.crc = footer_crc(self.part.id(), &footer);
        footer.extend(self.part.crc.to_le_bytes());
        footer.extend(END_MAGIC.to_le_bytes());
        self.file.write_all(&[&footer])?;
        self.part.len = data_len + footer.len() as u64;
        if self.file.size()? != self.part.len {
            return Err(StorageError::Misuse { what: "a part is finished after one of its writes failed" });
        }
        self.file.sync()?;
        Ok(self.part)
    }

    /// Counts the rows of the open section and pads to the next page.
    fn end_section(&mut self) -> Result<()> {
        if let Some(section) = self.sections.last_mut() {
            let bytes = self.position - section.offset;
            if !bytes.is_multiple_of(section.stride.into()) {
                return Err(StorageError::Misuse { what: "a section ends inside a row" });
            }
            section.rows = bytes / u64::from(section.stride);
        }
        let pad = self.position.next_multiple_of(SECTION_ALIGN) - self.position;
        self.write(&[0; SECTION_ALIGN as usize][..pad as usize])
    }

    /// Appends bytes. As many as fill the buffer go out without a copy.
    fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.position += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.pending.is_empty() && bytes.len() >= BLOCK {
                let (whole, rest) = bytes.split_at(bytes.len() & !(BLOCK - 1));
                self.sum(whole)?;
                self.file.write_all(&[whole])?;
                bytes = rest;
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == BLOCK {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        self.sum(&pending)?;
        self.file.write_all(&[&pending])?;
        self.pending = pending;
        self.pending.clear();
        Ok(())
    }

    /// Takes the checksums of whole blocks, or of the last ones.
    fn sum(&mut self, bytes: &[u8]) -> Result<()> {
        let blocks = bytes.chunks(self.blocks.bytes());
        make_room(&mut self.crcs, blocks.len())?;
        for block in blocks {
            self.crcs.push(self.part.id().block_crc(self.crcs.len() as u64, block));
        }
        Ok(())
    }
}
