//! Reading what is left of a damaged part, block by block.
//!
//! Only bytes that a checksum proves are handed out. Where the footer is
//! damaged too, three things can stand in for it: the length that the manifest
//! gives says where everything was, for the layout of a part follows from its
//! number of rows; the checksums of blocks that survived in the footer prove
//! their blocks one by one; and the manifest's checksum of the footer proves a
//! footer that is made again from the blocks, if all of them are whole.
//!
//! A part whose end is lost for good, blocks and all, proves nothing: none of
//! its rows can be told from rubbish, and none is handed out.

use super::footer::{Footer, check_len, missing};
use super::{Blocks, ENTRY_LEN, PartRef, SECTION_ALIGN, Section, TRAILER_LEN, footer_crc};
use crate::storage::error::{Result, StorageError};
use crate::storage::format::{self, HEADER_LEN, Header, read_u32, read_u64};
use crate::storage::names::{FileName, PartKind};
use crate::storage::{ReadFile, Storage, resize};
use std::collections::BTreeMap;
use std::ops::Range;

/// Tag and stride of each section that a kind of part has, all of as many rows.
pub type Columns<'a> = &'a [(u32, u32)];

/// A part that may be damaged.
pub struct Salvage {
    file: Box<dyn ReadFile>,
    part: PartRef,
    data_len: u64,
    blocks: Blocks,
    sections: Vec<Section>,
    /// Checksum of each block, `None` where it is lost.
    crcs: Vec<Option<u32>>,
    damage: Option<StorageError>,
}

/// The file that a part was found in by its name, without a manifest.
pub struct Identity {
    /// What a manifest would say of it, as far as the file itself tells.
    pub part: PartRef,
    /// Stride of its first section, where the footer is whole.
    pub stride: Option<u32>,
}

/// What the file of part `number` says it is. The header must be whole.
pub fn identify(storage: &dyn Storage, kind: PartKind, number: u64) -> Result<Identity> {
    let name = FileName::Part(kind, number).to_string();
    let file = storage.open_read(&name)?;
    let (size, mut header) = (file.size()?, [0; HEADER_LEN]);
    let got = file.read_at(0, &mut header)?;
    let header = Header::decode(&name, format::PART, &header[..got])?;
    if (header.kind, header.number) != (kind.into(), number) {
        return Err(StorageError::corrupt(name, 0, "another part than its name says"));
    }
    let mut trailer = [0; TRAILER_LEN];
    // Damage here shows when the part is opened.
    let _ = file.read_at(size.saturating_sub(TRAILER_LEN as u64), &mut trailer);
    let part = PartRef { kind, number, generation: header.generation, len: size, crc: read_u32(&trailer, 16) };
    let stride = whole_footer(file.as_ref(), &part).ok().and_then(|(_, s, _)| s.first().map(|s| s.stride));
    Ok(Identity { part, stride })
}

/// As many rows as the part can have had, by its length.
pub fn most_rows(part: &PartRef, columns: Columns<'_>) -> u64 {
    let rows = |(_, data_len)| possible_rows(columns, data_len).end.saturating_sub(1);
    places(part.len, columns).map(rows).max().unwrap_or(0)
}

impl Salvage {
    /// Opens the file that `part` names. The error tells why no row of it can be read.
    pub fn open(storage: &dyn Storage, part: &PartRef, columns: Columns<'_>) -> Result<Salvage> {
        let file = storage.open_read(&part.file_name()).map_err(missing)?;
        let size = file.size()?;
        match whole_footer(file.as_ref(), part) {
            Ok((footer, all, bytes)) => {
                let sections = wanted(part, &all, columns)?;
                let crcs = (0..footer.count).map(|block| Some(footer.block_crc(block, &bytes))).collect();
                let (data_len, blocks, damage) = (footer.data_len as u64, footer.blocks, check_len(part, size).err());
                Ok(Salvage { file, part: *part, data_len, blocks, sections, crcs, damage })
            }
            Err(damage) if damage.is_damage() => {
                for (blocks, data_len) in places(part.len, columns).filter(|&(_, len)| len <= size) {
                    if let Some((sections, crcs)) = remade_footer(file.as_ref(), part, columns, (blocks, data_len))? {
                        let damage = Some(damage);
                        return Ok(Salvage { file, part: *part, data_len, blocks, sections, crcs, damage });
                    }
                }
                Err(damage)
            }
            Err(other) => Err(other),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.sections.first().map_or(0, |section| section.rows)
    }

    /// Damage outside the blocks that did not prevent reading them.
    pub fn damage(&mut self) -> Option<StorageError> {
        self.damage.take()
    }

    /// Reads the rows of the column `index` in order.
    pub fn cursor(&self, index: usize) -> Result<Cursor<'_>> {
        let (mut bytes, mut row) = (Vec::new(), Vec::new());
        let section = self.sections[index];
        resize(&mut bytes, self.blocks.bytes() as u64)?;
        resize(&mut row, section.stride.into())?;
        Ok(Cursor { part: self, section, block: None, bytes, row, damage: BTreeMap::new() })
    }

    fn read_block(&self, block: u64, into: &mut Vec<u8>) -> Result<()> {
        let from = block << self.blocks.shift();
        let bad = |offset, what: &str| {
            let (file, what) = (self.part.file_name(), what.into());
            StorageError::Corrupt { file, block, offset, what }
        };
        resize(into, (self.blocks.bytes() as u64).min(self.data_len.saturating_sub(from)))?;
        let got = self.file.read_at(from, into)?;
        if got < into.len() {
            return Err(bad(from + got as u64, "the file ends inside this block"));
        }
        match self.crcs.get(block as usize).copied().flatten() {
            Some(crc) if crc == self.part.id().block_crc(block, into) => Ok(()),
            Some(_) => Err(bad(from, "checksum of the block differs")),
            None => Err(bad(from, "the checksum of this block is lost")),
        }
    }
}

/// The rows of one column. Blocks are read and verified one at a time, so rows
/// are cheap when they are asked for in order.
pub struct Cursor<'a> {
    part: &'a Salvage,
    section: Section,
    /// The block in `bytes`.
    block: Option<u64>,
    bytes: Vec<u8>,
    row: Vec<u8>,
    damage: BTreeMap<u64, StorageError>,
}

impl Cursor<'_> {
    /// Row `i`, or the first damaged block that it lies in.
    pub fn row(&mut self, i: u64) -> Result<&[u8], u64> {
        let mut row = std::mem::take(&mut self.row);
        let read = self.read(self.section.offset + i * u64::from(self.section.stride), &mut row);
        self.row = row;
        read.map(|()| &self.row[..])
    }

    /// Rows `rows` back to back in `out`, or the first damaged block that they lie in; false where there are
    /// not so many.
    pub fn span(&mut self, rows: Range<u64>, out: &mut Vec<u8>) -> Result<bool, u64> {
        let stride = u64::from(self.section.stride);
        if rows.start > rows.end || rows.end > self.section.rows {
            return Ok(false);
        }
        let bytes = (rows.end - rows.start) * stride;
        if resize(out, bytes).is_err() {
            return Ok(false);
        }
        self.read(self.section.offset + rows.start * stride, out).map(|()| true)
    }

    /// The bytes of the file from `at` on.
    fn read(&mut self, mut at: u64, out: &mut [u8]) -> Result<(), u64> {
        let mut done = 0;
        while done < out.len() {
            let shift = self.part.blocks.shift();
            let block = at >> shift;
            self.load(block)?;
            let from = (at - (block << shift)) as usize;
            let piece = (out.len() - done).min(self.bytes.len() - from);
            out[done..done + piece].copy_from_slice(&self.bytes[from..from + piece]);
            (at, done) = (at + piece as u64, done + piece);
        }
        Ok(())
    }

    /// The damaged blocks that were met.
    pub fn into_damage(self) -> BTreeMap<u64, StorageError> {
        self.damage
    }

    fn load(&mut self, block: u64) -> Result<(), u64> {
        if self.damage.contains_key(&block) {
            return Err(block);
        }
        if self.block != Some(block) {
            self.block = None;
            if let Err(damage) = self.part.read_block(block, &mut self.bytes) {
                self.damage.insert(block, damage);
                return Err(block);
            }
            self.block = Some(block);
        }
        Ok(())
    }
}

/// The footer of a part whose end is whole: places, sections, its bytes.
fn whole_footer(file: &dyn ReadFile, part: &PartRef) -> Result<(Footer, Vec<Section>, Vec<u8>)> {
    let cut = |at| StorageError::corrupt(part.file_name(), at, "the file ends before its trailer");
    let mut end = [0; TRAILER_LEN];
    let size = file.size()?;
    let at = part.len.checked_sub(TRAILER_LEN as u64).filter(|_| part.len <= size).ok_or_else(|| cut(size))?;
    file.read_at(at, &mut end)?;
    let footer = Footer::locate(part, &end)?;
    let mut bytes = Vec::new();
    resize(&mut bytes, part.len - footer.data_len as u64)?;
    if file.read_at(footer.data_len as u64, &mut bytes)? < bytes.len() {
        return Err(cut(size));
    }
    let sections = footer.check(part, &bytes)?;
    Ok((footer, sections, bytes))
}

/// The sections that `columns` asks for.
fn wanted(part: &PartRef, all: &[Section], columns: Columns<'_>) -> Result<Vec<Section>> {
    let find = |&(tag, stride): &(u32, u32)| all.iter().find(|s| s.tag == tag && s.stride == stride).copied();
    let sections: Option<Vec<Section>> = columns.iter().map(find).collect();
    let alike = |sections: &Vec<Section>| sections.windows(2).all(|pair| pair[0].rows == pair[1].rows);
    sections.filter(alike).ok_or_else(|| {
        let has: Vec<_> = all.iter().map(|s| format!("{} rows of {} bytes", s.rows, s.stride)).collect();
        StorageError::corrupt(part.file_name(), part.len, format!("not the sections expected: {}", has.join(", ")))
    })
}

/// Sections and block checksums of a part whose footer is damaged, as far as
/// they can be proved or are consistent in themselves.
#[expect(clippy::type_complexity, reason = "two lists that are used once")]
fn remade_footer(
    file: &dyn ReadFile,
    part: &PartRef,
    columns: Columns<'_>,
    (blocks, data_len): (Blocks, u64),
) -> Result<Option<(Vec<Section>, Vec<Option<u32>>)>> {
    let (mut footer, count) = (Vec::new(), blocks.count(data_len));
    resize(&mut footer, part.len - data_len)?;
    let have = file.read_at(data_len, &mut footer).unwrap_or(0);
    let table = columns.len() * ENTRY_LEN;
    let stored =
        |block: u64| (table + 4 * block as usize + 4 <= have).then(|| read_u32(&footer, table + 4 * block as usize));
    let stored: Vec<Option<u32>> = (0..count).map(stored).collect();
    let told = (have >= table).then(|| read_u64(&footer, 16)).filter(|&rows| {
        layout(columns, rows).is_some_and(|(sections, end)| end == data_len && encode(&sections) == footer[..table])
    });
    let candidates = told.map_or_else(|| possible_rows(columns, data_len), |rows| rows..rows + 1);
    for crcs in [stored.clone(), computed(file, part, blocks, data_len)?] {
        let Some(known) = crcs.iter().copied().collect::<Option<Vec<u32>>>() else { continue };
        for rows in candidates.clone() {
            let Some((sections, _)) = layout(columns, rows) else { break };
            if footer_crc(part.id(), &footer_bytes(&sections, &known, data_len)) == part.crc {
                return Ok(Some((sections, crcs)));
            }
        }
    }
    Ok(told.and_then(|rows| layout(columns, rows)).map(|(sections, _)| (sections, stored)))
}

/// Checksum of each block as it is now, `None` where it cannot be read.
fn computed(file: &dyn ReadFile, part: &PartRef, blocks: Blocks, data_len: u64) -> Result<Vec<Option<u32>>> {
    let mut bytes = Vec::new();
    let mut crcs = Vec::new();
    for block in 0..blocks.count(data_len) {
        let from = block << blocks.shift();
        resize(&mut bytes, (blocks.bytes() as u64).min(data_len - from))?;
        let whole = file.read_at(from, &mut bytes).is_ok_and(|got| got == bytes.len());
        crcs.push(whole.then(|| part.id().block_crc(block, &bytes)));
    }
    Ok(crcs)
}

/// The footer up to its checksum.
fn footer_bytes(sections: &[Section], crcs: &[u32], data_len: u64) -> Vec<u8> {
    let mut bytes = encode(sections);
    crcs.iter().for_each(|crc| bytes.extend(crc.to_le_bytes()));
    bytes.extend(data_len.to_le_bytes());
    bytes.extend((sections.len() as u32).to_le_bytes());
    bytes.extend((crcs.len() as u32).to_le_bytes());
    bytes
}

fn encode(sections: &[Section]) -> Vec<u8> {
    sections.iter().flat_map(Section::encode).collect()
}

/// Where the sections of `rows` rows lie, and where the data ends.
fn layout(columns: Columns<'_>, rows: u64) -> Option<(Vec<Section>, u64)> {
    let mut end = SECTION_ALIGN;
    let mut sections = Vec::with_capacity(columns.len());
    for &(tag, stride) in columns {
        let section = Section { tag, stride, offset: end, rows };
        end = section.end()?.checked_next_multiple_of(SECTION_ALIGN)?;
        sections.push(section);
    }
    Some((sections, end))
}

/// The numbers of rows whose data ends at `data_len`.
fn possible_rows(columns: Columns<'_>, data_len: u64) -> Range<u64> {
    let first = |past: &dyn Fn(u64) -> bool| {
        let (mut low, mut high) = (0, data_len);
        while low < high {
            let middle = low + (high - low) / 2;
            let is_past = layout(columns, middle).is_none_or(|(_, end)| past(end));
            (low, high) = if is_past { (low, middle) } else { (middle + 1, high) };
        }
        low
    };
    first(&|end| end >= data_len)..first(&|end| end > data_len)
}

/// Blocks that a file of `len` bytes with such sections can have, and where its data ends then.
fn places(len: u64, columns: Columns<'_>) -> impl Iterator<Item = (Blocks, u64)> {
    let rest = len.checked_sub((columns.len() * ENTRY_LEN + TRAILER_LEN) as u64);
    Blocks::ALL.into_iter().filter_map(move |blocks| {
        let count = rest?.div_ceil(blocks.bytes() as u64 + 4);
        let data_len = rest?.checked_sub(count * 4)?;
        (blocks.count(data_len) == count && data_len.is_multiple_of(SECTION_ALIGN)).then_some((blocks, data_len))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sim::SimStorage;
    use crate::storage::{File, PartWriter};

    const COLUMNS: Columns<'static> = &[(1, 1000), (2, 8)];
    const ROWS: u64 = 300;

    fn bytes_of(tag: u64, row: u64, len: usize) -> Vec<u8> {
        (0..len as u64).map(|i| (tag * 31 + row * 7 + i * i) as u8).collect()
    }

    /// A part of 5 long or 76 short blocks, its file after `damage`.
    fn damaged(blocks: Blocks, damage: impl FnOnce(&mut Vec<u8>)) -> (SimStorage, PartRef) {
        let disk = SimStorage::new();
        let mut writer = PartWriter::create(&disk, PartKind::Chunk, 2, 7, blocks).unwrap();
        for &(tag, stride) in COLUMNS {
            writer
                .section(tag, stride as usize, (0..ROWS).map(|row| bytes_of(tag.into(), row, stride as usize)))
                .unwrap();
        }
        let part = writer.finish().unwrap();
        let mut bytes = disk.read(&part.file_name(), 1 << 20).unwrap();
        damage(&mut bytes);
        disk.remove(&part.file_name()).unwrap();
        let mut file: Box<dyn File> = disk.create(&part.file_name()).unwrap();
        file.write_all(&[&bytes]).unwrap();
        (disk, part)
    }

    /// Rows of each column that can be read; each is what was written.
    fn readable(disk: &SimStorage, part: &PartRef) -> Result<[Vec<u64>; 2]> {
        let salvage = Salvage::open(disk, part, COLUMNS)?;
        assert_eq!(salvage.rows(), ROWS);
        Ok([0, 1].map(|column| {
            let mut cursor = salvage.cursor(column).unwrap();
            let (tag, stride) = COLUMNS[column];
            let read = |row: &u64| match cursor.row(*row) {
                Ok(bytes) => {
                    assert_eq!(bytes, bytes_of(tag.into(), *row, stride as usize));
                    true
                }
                Err(_) => false,
            };
            (0..ROWS).filter(read).collect()
        }))
    }

    fn all() -> [Vec<u64>; 2] {
        [(0..ROWS).collect(), (0..ROWS).collect()]
    }

    /// Where the data of the part ends, and the file.
    fn ends(blocks: Blocks) -> (usize, usize) {
        let len = damaged(blocks, |_| {}).1.len;
        let (_, data) = places(len, COLUMNS).find(|&(found, _)| found == blocks).unwrap();
        (data as usize, len as usize)
    }

    #[test]
    fn a_damaged_block_takes_its_own_rows_and_no_other() {
        for blocks in Blocks::ALL {
            let (disk, part) = damaged(blocks, |bytes| bytes[2 * blocks.bytes() + 99] ^= 1);
            let [vectors, ids] = readable(&disk, &part).unwrap();
            let touches = |row: &u64| {
                let from = 4096 + row * 1000;
                from >> blocks.shift() <= 2 && (from + 999) >> blocks.shift() >= 2
            };
            assert_eq!(vectors, (0..ROWS).filter(|row| !touches(row)).collect::<Vec<_>>());
            assert!(vectors.len() < ROWS as usize);
            assert_eq!(ids.len() as u64, ROWS);
        }
    }

    #[test]
    fn a_lost_footer_is_made_again_from_whole_blocks() {
        for blocks in Blocks::ALL {
            let (data, len) = ends(blocks);
            for cut in [len - 1, len - 20, data + 60, data + 10, data] {
                let (disk, part) = damaged(blocks, |bytes| bytes.truncate(cut));
                assert_eq!(readable(&disk, &part).unwrap(), all(), "cut to {cut} of {len} bytes");
            }
            for at in data..len {
                let (disk, part) = damaged(blocks, |bytes| bytes[at] ^= 0x40);
                assert_eq!(readable(&disk, &part).unwrap(), all(), "flipped byte {at} of {len}");
            }
            let (disk, part) = damaged(blocks, |bytes| bytes[data..].fill(0));
            assert_eq!(readable(&disk, &part).unwrap(), all());
            let (disk, part) = damaged(blocks, |bytes| bytes.extend([7; 100]));
            assert_eq!(readable(&disk, &part).unwrap(), all());
        }
    }

    #[test]
    fn checksums_that_survive_prove_their_blocks() {
        for blocks in Blocks::ALL {
            let (data, _) = ends(blocks);
            let row_in = |block: usize| ((block * blocks.bytes() + blocks.bytes() / 2 - 4096) / 1000) as u64;
            // Block 2 is damaged, and so is the checksum of block 3.
            let (disk, part) = damaged(blocks, |bytes| {
                bytes[2 * blocks.bytes() + 5] ^= 1;
                bytes[data + 2 * ENTRY_LEN + 3 * 4] ^= 1;
            });
            let [vectors, ids] = readable(&disk, &part).unwrap();
            let found = [1, 2, 3, 4].map(|block| vectors.contains(&row_in(block)));
            // The fifth long block has the end of the vectors.
            assert_eq!(found[..3], [true, false, false]);
            assert!(found[3] || blocks == Blocks::Long);
            assert_eq!(ids.len() as u64, ROWS);
            // Damaged block and damaged table: the checksum of the footer tells the number of rows.
            let (disk, part) = damaged(blocks, |bytes| {
                bytes[2 * blocks.bytes() + 5] ^= 1;
                bytes[data + 16] ^= 1;
            });
            assert_eq!(readable(&disk, &part).unwrap()[1].len() as u64, ROWS);
        }
    }

    #[test]
    fn what_nothing_proves_is_not_handed_out() {
        for blocks in Blocks::ALL {
            let (data, _) = ends(blocks);
            let (disk, part) = damaged(blocks, |bytes| bytes.truncate(data - 1));
            assert!(readable(&disk, &part).unwrap_err().is_damage());
            let (disk, part) = damaged(blocks, |bytes| {
                bytes[blocks.bytes()] ^= 1;
                bytes[data..].fill(0);
            });
            assert!(Salvage::open(&disk, &part, COLUMNS).is_err());
            let (disk, part) = damaged(blocks, |_| {});
            assert!(Salvage::open(&disk, &part, &[(1, 999), (2, 8)]).is_err());
        }
    }

    #[test]
    fn a_file_says_what_it_is() {
        let (disk, part) = damaged(Blocks::Short, |_| {});
        let found = identify(&disk, PartKind::Chunk, 7).unwrap();
        assert_eq!((found.part, found.stride), (part, Some(1000)));
        assert!(most_rows(&part, COLUMNS) >= ROWS);
        let (disk, _) = damaged(Blocks::Short, |bytes| bytes[30] ^= 1);
        assert!(identify(&disk, PartKind::Chunk, 7).is_err());
        let (disk, _) = damaged(Blocks::Short, |bytes| bytes.truncate(100));
        assert_eq!(identify(&disk, PartKind::Chunk, 7).unwrap().stride, None);
    }
}
