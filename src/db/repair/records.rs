//! Keys and metadata out of records parts, as far as checksums prove them.

use super::report::RepairReport;
use super::source::{ChunkPart, HEAP_COLUMN, RECORD_COLUMNS, Source};
use crate::db::error::Result;
use crate::db::records::{Record, place};
use crate::db::view::read_id;
use crate::storage::part::{Cursor, Salvage};
use crate::storage::{PartRef, Storage};

/// An open records part: its entries and the ids that they belong to, and the heap.
pub struct RecordsPart {
    rows: Salvage,
    heap: Salvage,
}

/// Reads the records of a chunk row by row.
pub struct RecordCursor<'a> {
    part: Option<PartCursor<'a>>,
    /// The record of every row where there is no part; `None` is one that is lost.
    otherwise: Option<&'static [u8]>,
}

struct PartCursor<'a> {
    entries: Cursor<'a>,
    heap: Cursor<'a>,
    rows: u64,
    bytes: Vec<u8>,
}

/// What there is of the records of a chunk.
pub enum Found {
    /// Its rows have none.
    Nothing,
    /// This part.
    Part(Box<RecordsPart>),
    /// There is or may be a part that cannot be read.
    Lost,
}

/// What the loss of a part means.
const LOST: &str = "; keys and metadata of its rows are lost";

impl RecordsPart {
    /// The records of `chunk`, whose ids are `ids`.
    pub fn find(
        storage: &dyn Storage,
        source: &Source,
        chunk: &ChunkPart,
        ids: &Salvage,
        id_column: usize,
        report: &mut RepairReport,
    ) -> Result<Found> {
        if let Some(part) = &chunk.records {
            return RecordsPart::open(storage, part, report);
        }
        let mut may_be_lost = source.records_unreadable;
        for part in &source.loose_records {
            match Salvage::open(storage, part, RECORD_COLUMNS) {
                Ok(found) if found.rows() <= ids.rows() && is_same(&found, ids, id_column)? => {
                    return RecordsPart::open(storage, part, report);
                }
                Ok(_) => {}
                Err(damage) => {
                    report.take(damage, LOST)?;
                    may_be_lost = true;
                }
            }
        }
        Ok(if may_be_lost { Found::Lost } else { Found::Nothing })
    }

    fn open(storage: &dyn Storage, part: &PartRef, report: &mut RepairReport) -> Result<Found> {
        report.files += 1;
        match (Salvage::open(storage, part, RECORD_COLUMNS), Salvage::open(storage, part, HEAP_COLUMN)) {
            (Ok(rows), Ok(heap)) => Ok(Found::Part(Box::new(RecordsPart { rows, heap }))),
            (Err(damage), _) | (_, Err(damage)) => {
                report.take(damage, LOST)?;
                Ok(Found::Lost)
            }
        }
    }

    fn cursor(&self) -> Result<PartCursor<'_>> {
        let (entries, heap) = (self.rows.cursor(0)?, self.heap.cursor(0)?);
        Ok(PartCursor { entries, heap, rows: self.rows.rows(), bytes: Vec::new() })
    }
}

impl Found {
    /// Reads them.
    pub fn cursor(&self) -> Result<RecordCursor<'_>> {
        Ok(match self {
            Found::Part(part) => RecordCursor { part: Some(part.cursor()?), otherwise: None },
            Found::Nothing => RecordCursor { part: None, otherwise: Some(&[]) },
            // Those of a part that cannot be opened are lost with all rows that it could have.
            Found::Lost => RecordCursor { part: None, otherwise: None },
        })
    }
}

/// Whether the rows of a records part are the first ones of the chunk with these ids, as far as both can be read.
fn is_same(records: &Salvage, ids: &Salvage, id_column: usize) -> Result<bool> {
    let (mut owners, mut ids) = (records.cursor(1)?, ids.cursor(id_column)?);
    let mut is_known = false;
    for row in 0..records.rows() {
        match (owners.row(row).map(read_id), ids.row(row).map(read_id)) {
            (Ok(owner), Ok(id)) if owner != id => return Ok(false),
            (Ok(_), Ok(_)) => is_known = true,
            _ => {}
        }
    }
    Ok(is_known)
}

impl RecordCursor<'_> {
    /// The bytes of the record of row `row`, empty for none; `None` where they are lost.
    pub fn row(&mut self, row: u64) -> Option<&[u8]> {
        self.part.as_mut().map_or(self.otherwise, |part| part.row(row))
    }

    /// Takes what was damaged into the report.
    pub fn report(self, report: &mut RepairReport) -> Result<()> {
        self.part.map_or(Ok(()), |part| part.report(report))
    }
}

impl PartCursor<'_> {
    fn row(&mut self, row: u64) -> Option<&[u8]> {
        if row >= self.rows {
            return Some(&[]);
        }
        let entry = self.entries.row(row).ok().map(read_id)?;
        let found = self.heap.span(place(entry), &mut self.bytes).ok()?;
        (found && Record::read(&self.bytes).is_some()).then_some(&self.bytes)
    }

    fn report(self, report: &mut RepairReport) -> Result<()> {
        let damage = self.entries.into_damage().into_values().chain(self.heap.into_damage().into_values());
        for damage in damage {
            report.take(damage, "; keys and metadata are lost with it")?;
        }
        Ok(())
    }
}
