//! Opening a part: what the footer says is checked before it is used, and the
//! rows only when somebody looks at them.

use super::footer::{Footer, check_header, check_len, missing};
use super::{PartRef, Section};
use crate::arena::{Fault, FaultCell, Rows, VerifyMap};
use crate::storage::error::{Result, StorageError};
use crate::storage::mmap::Mapping;
use crate::storage::{ReadFile, Storage};
use std::ops::Range;
use std::sync::Arc;

/// An open part file.
#[derive(Clone)]
pub struct Part {
    part: PartRef,
    mapping: Arc<Mapping>,
    footer: Footer,
    sections: Vec<Section>,
    verify: Arc<VerifyMap>,
}

impl Part {
    /// Opens the file that `part` names and checks header, footer and section
    /// bounds. Blocks are verified at first touch and trip `faults`, or all
    /// here with `verify_all`.
    pub fn open(storage: &dyn Storage, part: &PartRef, faults: &Arc<FaultCell>, verify_all: bool) -> Result<Part> {
        let name = part.file_name();
        let mapping = storage.map(&name).map_err(missing)?;
        let bytes = mapping.bytes();
        check_len(part, bytes.len() as u64)?;
        let header = check_header(part, bytes)?;
        let footer = Footer::locate(part, bytes)?;
        footer.check_features(part, &header)?;
        let sections = footer.check(part, &bytes[footer.data_len..])?;
        let (this, map) = (*part, mapping.clone());
        let check = move |block: usize| {
            let bytes = map.bytes();
            footer.is_intact(&this, block, &bytes[footer.range(block)], &bytes[footer.data_len..])
        };
        let verify = VerifyMap::new(name, footer.count, footer.blocks.shift(), faults.clone(), Box::new(check))?;
        let opened = Part { part: *part, mapping, footer, sections, verify: Arc::new(verify) };
        if verify_all {
            opened.verify_all()?;
        }
        Ok(opened)
    }

    /// How the manifest names this part.
    pub fn part_ref(&self) -> &PartRef {
        &self.part
    }

    /// The rows of section `tag`, or `None` when the part has no such section.
    /// The stride is part of the contract between writer and reader, so
    /// another one than `stride` is corruption.
    pub fn rows(&self, tag: u32, stride: usize) -> Result<Option<Rows>> {
        let Some(section) = self.sections.iter().find(|s| s.tag == tag) else { return Ok(None) };
        let bad = |what: String| StorageError::corrupt(self.part.file_name(), section.offset, what);
        if section.stride as usize != stride {
            return Err(bad(format!("rows of {} bytes where {stride} are expected (section {tag})", section.stride)));
        }
        let verify = Some(self.verify.clone());
        let rows = Rows::from_backing(&self.mapping, section.offset as usize, section.rows as usize, stride, verify);
        rows.map(Some).ok_or_else(|| bad("section reaches past the file".into()))
    }

    /// Number of rows and stride of section `tag`.
    pub fn shape(&self, tag: u32) -> Option<(u64, u32)> {
        self.sections.iter().find(|s| s.tag == tag).map(|s| (s.rows, s.stride))
    }

    /// Reads and verifies every block.
    pub fn verify_all(&self) -> Result<()> {
        if self.verify.verify_all() {
            return Ok(());
        }
        let (footer, bytes) = (self.footer, self.mapping.bytes());
        let intact = |b: usize| footer.is_intact(&self.part, b, &bytes[footer.range(b)], &bytes[footer.data_len..]);
        let block = (0..footer.count).find(|&block| !intact(block)).unwrap_or(0);
        let offset = footer.range(block).start as u64;
        Err(Fault { file: self.part.file_name(), block: block as u64, offset }.into())
    }

    /// The file, readable also when its name is gone.
    pub fn file(&self) -> &dyn ReadFile {
        self.mapping.as_ref()
    }

    /// Bytes of the file that are verified.
    pub fn bytes(&self) -> usize {
        self.footer.data_len
    }

    /// Verifies the blocks that `range` of these bytes touches and that were not yet; damage
    /// goes where that of a first touch goes.
    pub fn verify(&self, range: Range<usize>) {
        let range = range.start.min(self.bytes())..range.end.min(self.bytes());
        if !range.is_empty() {
            self.verify.touch(range.start, range.len());
        }
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Part({}, {} sections)", self.part.file_name(), self.sections.len())
    }
}
