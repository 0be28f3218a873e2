//! Rows out of the chunks and the log into the new database, and the account
//! of those that could not be had.
//!
//! Chunks are read one by one in the order of their slots, so that of several
//! rows of one id, where none is known to be dead, the last one stays: a row
//! is only ever replaced by one in a higher slot.

use super::chunk::{Block, ChunkCursor, OpenChunk};
use super::live::{IdTable, Marks, Tombstones};
use super::records::{RecordCursor, RecordsPart};
use super::report::RepairReport;
use super::sink::Sink;
use super::source::{ChunkPart, Source, chunk_columns, code_columns};
use crate::db::check::Problem;
use crate::db::error::{Error, ErrorKind, Result, fail};
use crate::db::input::Shape;
use crate::db::record::{self, Record};
use crate::db::records::given::Resolved;
use crate::db::schema::shape_of;
use crate::db::task::Task;
use crate::db::view::read_id;
use crate::storage::part::{self, Salvage};
use crate::storage::{Storage, StorageError, wal};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Rows after which a task is asked.
const STEP: u64 = 4096;

/// One repair under way. Its unit of progress is the byte read.
pub struct Rescue<'a> {
    pub storage: &'a dyn Storage,
    pub source: &'a Source,
    pub sink: Sink<'a>,
    pub report: &'a mut RepairReport,
    pub task: Option<&'a Task>,
    done: u64,
    total: u64,
    shape: Shape,
    row_bytes: usize,
    /// Codes parts that were read in the place of vectors.
    stood_in: HashSet<u64>,
    table: IdTable,
    /// Ids of rows that were saved without their records.
    records_lost: HashSet<u64>,
    /// Ids whose last row could not be read.
    lost: HashSet<u64>,
    /// Rows without a known id that could not be read.
    lost_without_id: u64,
    /// Ids of which a row is in the new database that may have been deleted.
    uncertain: HashSet<u64>,
    /// Ids of which a row is in the new database that was replaced or deleted.
    stale: HashSet<u64>,
}

/// What is known of a row.
struct Found<'a> {
    id: Option<u64>,
    /// The vector, or the damaged block that kept it from being read.
    vector: std::result::Result<&'a [u8], Block>,
    is_live: Option<bool>,
    /// The record; `None` where it could not be read.
    record: Option<&'a [u8]>,
}

impl<'a> Rescue<'a> {
    /// Reads the id map and gets ready.
    pub fn new(
        storage: &'a dyn Storage,
        source: &'a Source,
        sink: Sink<'a>,
        report: &'a mut RepairReport,
        task: Option<&'a Task>,
    ) -> Result<Rescue<'a>> {
        let shape = shape_of(&source.settings)?;
        let row_bytes = shape.row_bytes();
        let table = IdTable::read(storage, source, report)?;
        let total = source.chunks.iter().map(|chunk| chunk.part.len).sum();
        Ok(Rescue {
            storage,
            source,
            sink,
            report,
            task,
            done: 0,
            total,
            shape,
            row_bytes,
            stood_in: HashSet::new(),
            table,
            records_lost: HashSet::new(),
            lost: HashSet::new(),
            lost_without_id: 0,
            uncertain: HashSet::new(),
            stale: HashSet::new(),
        })
    }

    /// Reads everything; the new database is closed on return.
    pub fn run(mut self) -> Result<()> {
        self.advance(0)?;
        let tombstones = Tombstones::open(self.storage, self.source, self.report)?;
        for chunk in self.chunks_in_order()? {
            let marks = tombstones.of_chunk(chunk.first, self.source.chunks.len(), self.report)?;
            self.chunk(&chunk, &marks)?;
        }
        self.settle()?;
        self.log()?;
        self.derived()?;
        self.advance(0)?;
        self.account()
    }

    /// Notes `bytes` more read; an error when the task was cancelled.
    fn advance(&mut self, bytes: u64) -> Result<()> {
        self.done += bytes;
        self.total = self.total.max(self.done);
        match self.task {
            Some(task) if !task.step(self.done, self.total) => fail(ErrorKind::Cancelled, "the repair was cancelled"),
            _ => Ok(()),
        }
    }

    /// The chunks by their first slots; those for which it is not known come last, as written.
    fn chunks_in_order(&self) -> Result<Vec<ChunkPart>> {
        let mut chunks = Vec::with_capacity(self.source.chunks.len());
        for chunk in &self.source.chunks {
            let first = match chunk.first {
                None => self.first_slot(chunk)?,
                known => known,
            };
            chunks.push(ChunkPart { first, ..*chunk });
        }
        chunks.sort_by_key(|chunk| (chunk.first.unwrap_or(u32::MAX), chunk.part.number));
        Ok(chunks)
    }

    /// Where a chunk lies, by the slots that the id map has for its ids: most of
    /// them differ from their rows by the same number.
    fn first_slot(&self, chunk: &ChunkPart) -> Result<Option<u32>> {
        let Ok(salvage) = Salvage::open(self.storage, &chunk.part, &chunk_columns(self.row_bytes)) else {
            return Ok(None);
        };
        let mut votes: HashMap<u32, u64> = HashMap::new();
        let mut ids = salvage.cursor(1)?;
        for row in 0..salvage.rows() {
            let slot = ids.row(row).ok().and_then(|id| self.table.slot_of(read_id(id)));
            let first = slot.and_then(|slot| slot.checked_sub(row as u32));
            // A chunk has 2^6 rows at least.
            if let Some(first) = first.filter(|first| first.is_multiple_of(64)) {
                *votes.entry(first).or_default() += 1;
            }
        }
        Ok(votes.into_iter().max_by_key(|&(first, votes)| (votes, first)).map(|(first, _)| first))
    }

    /// A chunk, and the codes that stand in for its vectors where they were given up.
    fn open_chunk(&mut self, chunk: &ChunkPart) -> std::result::Result<OpenChunk, StorageError> {
        let columns = chunk_columns(self.row_bytes);
        let whole = Salvage::open(self.storage, &chunk.part, &columns);
        let (Err(_), Some(codec), Some(codes)) = (&whole, &self.source.codec, &chunk.codes) else {
            return whole.map(|part| OpenChunk { part, codes: None });
        };
        // The ids alone make a file of another length: none passes for the other.
        match Salvage::open(self.storage, &chunk.part, &columns[1..]) {
            Ok(part) => {
                self.stood_in.insert(codes.number);
                self.report.files += 1;
                let codes = Some(Salvage::open(self.storage, codes, &code_columns(codec))?);
                Ok(OpenChunk { part, codes })
            }
            Err(_) => whole.map(|part| OpenChunk { part, codes: None }),
        }
    }

    /// The rows of one chunk.
    fn chunk(&mut self, chunk: &ChunkPart, marks: &Marks) -> Result<()> {
        self.report.files += 1;
        let mut open = match self.open_chunk(chunk) {
            Ok(open) => open,
            Err(damage) => {
                let (known, unknown) = self.whole_chunk_lost(chunk, marks);
                self.lost_without_id += unknown;
                let effect = format!("; no row of it can be proved whole, {} are lost", known + unknown);
                self.report.take(damage, &effect)?;
                return self.advance(chunk.part.len);
            }
        };
        let (part, column) = (&open.part, open.id_column());
        let records = RecordsPart::find(self.storage, self.source, chunk, part, column, self.report)?;
        let (mut columns, mut records) = (open.cursor(self.source.codec.as_ref())?, records.cursor()?);
        let lost_in = self.rows(chunk.first, open.rows(), marks, &mut columns, &mut records)?;
        records.report(self.report)?;
        for (block, damage) in columns.into_damage() {
            let rows = lost_in.get(&block).copied().unwrap_or(0);
            self.report.take(damage, &format!("; {rows} rows are lost with it"))?;
        }
        for damage in open.damage_around() {
            self.report.take(damage, "; its rows are told by what is left of it")?;
        }
        Ok(())
    }

    /// Saves what can be saved of the `rows` rows from slot `first` on; returns how many are lost with each damaged block.
    fn rows(
        &mut self,
        first: Option<u32>,
        rows: u64,
        marks: &Marks,
        columns: &mut ChunkCursor<'_>,
        records: &mut RecordCursor<'_>,
    ) -> Result<BTreeMap<Block, u64>> {
        let mut lost_in = BTreeMap::new();
        for row in 0..rows {
            let slot = first.and_then(|first| first.checked_add(row as u32));
            let id = columns.id(row);
            let known = id.ok().or_else(|| slot.and_then(|slot| self.table.id_at(slot)));
            let is_live = match marks.is_dead(row) {
                Some(dead) => Some(!dead),
                None => self.table.is_live(slot, known),
            };
            let vector = columns.vector(row, &self.shape)?;
            let damaged = vector.err().or(id.err());
            let is_saved = self.row(Found { id: known, vector, is_live, record: records.row(row) })?;
            if let Some(block) = damaged.filter(|_| !is_saved) {
                *lost_in.entry(block).or_default() += 1;
            }
            if row % STEP == STEP - 1 {
                self.advance(STEP * (self.row_bytes as u64 + 8))?;
            }
        }
        Ok(lost_in)
    }

    /// Saves a row if it can; false when a row that is or may be live is lost.
    fn row(&mut self, found: Found<'_>) -> Result<bool> {
        match (found.id, found.vector) {
            (None, _) if found.is_live == Some(false) => Ok(true),
            (None, _) => {
                self.lost_without_id += 1;
                Ok(false)
            }
            (Some(id), _) if found.is_live == Some(false) => {
                // What is behind an older row of unknown state proves it dead.
                if self.uncertain.remove(&id) {
                    self.stale.insert(id);
                }
                Ok(true)
            }
            (Some(id), Ok(vector)) => {
                self.lost.remove(&id);
                self.stale.remove(&id);
                match found.is_live {
                    Some(_) => self.uncertain.remove(&id),
                    None => self.uncertain.insert(id),
                };
                match found.record {
                    Some(_) => self.records_lost.remove(&id),
                    None => self.records_lost.insert(id),
                };
                self.sink.put(id, vector, Some(found.record.unwrap_or_default()))?;
                Ok(true)
            }
            (Some(id), Err(_)) => {
                self.lost.insert(id);
                Ok(false)
            }
        }
    }

    /// How many rows a chunk of which nothing can be read had: those whose ids
    /// are known, and at most so many more.
    fn whole_chunk_lost(&self, chunk: &ChunkPart, marks: &Marks) -> (u64, u64) {
        let rows = 1 << self.source.shift;
        let count = |first: u32| self.table.count_in(first..first.saturating_add(rows));
        let (known, without_id) = chunk.first.map_or((0, 0), count);
        if self.table.is_complete() {
            return (known, without_id);
        }
        let most = part::most_rows(&chunk.part, &chunk_columns(self.row_bytes)).min(rows.into());
        (known, most.saturating_sub(marks.count()).saturating_sub(known))
    }

    /// Takes back older rows of ids whose last one is lost or dead, and finds
    /// the rows that the id map names and no chunk had.
    fn settle(&mut self) -> Result<()> {
        self.sink.flush()?;
        self.note_refused();
        let gone: Vec<u64> = self.lost.union(&self.stale).copied().collect();
        for ids in gone.chunks(STEP as usize) {
            self.sink.delete(ids)?;
        }
        self.uncertain.retain(|id| !self.lost.contains(id));
        for &id in self.table.ids() {
            if !self.sink.contains(id)? {
                self.lost.insert(id);
            }
        }
        Ok(())
    }

    /// Applies the log up to the first hole.
    fn log(&mut self) -> Result<()> {
        let Some(start) = self.source.log else {
            self.report.add(Problem::new("there is no log file whose header is whole: batches may be missing"));
            return Ok(());
        };
        let storage = self.storage;
        let found = wal::salvage(storage, &start, |record| self.record(&record))?;
        self.sink.flush()?;
        self.note_refused();
        self.report.log_records = found.records;
        self.report.log_complete = found.rest.is_none();
        let mut effect = String::new();
        if let Some(rest) = found.rest {
            (self.report.log_records_lost, self.report.log_bytes_lost) = (rest.records, rest.bytes);
            let lsns = rest.lsns.map_or_else(String::new, |(low, high)| format!(" (LSN {low} to {high})"));
            effect = format!("; not applied: {} bytes, {} records{lsns} from here on", rest.bytes, rest.records);
        }
        let ended = found.damage.len().checked_sub(1).filter(|_| found.rest.is_some());
        for (i, damage) in found.damage.into_iter().enumerate() {
            self.report.take(damage, if Some(i) == ended { &effect } else { "; each of its records proves itself" })?;
        }
        Ok(())
    }

    /// Applies one record; false where it makes no sense.
    fn record(&mut self, found: &wal::Record<'_>) -> Result<bool> {
        let Ok(batch) = record::decode(found.kind, found.payload, self.row_bytes) else { return Ok(false) };
        match &batch {
            Record::Put { ids, rows, records } => {
                self.now_known(ids);
                if records.is_some() {
                    // Such records are written from the first id on that was given.
                    self.sink.give_none_up_to(ids.iter().copied().max().unwrap_or(0))?;
                }
                let rows = rows.chunks_exact(self.row_bytes);
                let texts = records.as_ref().map(|records| records.resolved());
                let mut texts = texts.iter().flat_map(Resolved::iter);
                let mut next = || if records.is_some() { texts.next() } else { None };
                ids.iter().zip(rows).try_for_each(|(&id, row)| self.sink.put(id, row, next()))?;
            }
            Record::Delete { ids } => {
                self.now_known(ids);
                self.sink.delete(ids)?;
            }
            // Of rows that could not be read it says nothing; of the others it has all there is to say.
            Record::Meta { ids, records } => {
                ids.iter().for_each(|id| _ = self.records_lost.remove(id));
                self.sink.meta(ids, records.resolved())?;
            }
        }
        self.advance(found.payload.len() as u64)?;
        Ok(true)
    }

    /// Whatever these ids were, the log says what they are.
    fn now_known(&mut self, ids: &[u64]) {
        for id in ids {
            self.lost.remove(id);
            self.uncertain.remove(id);
            // A put without records is one of a row that has none.
            self.records_lost.remove(id);
        }
    }

    /// Graph, codes and the key map are made again; what is damaged of them is told.
    fn derived(&mut self) -> Result<()> {
        for part in self.source.derived.iter().filter(|part| !self.stood_in.contains(&part.number)) {
            self.report.files += 1;
            const EFFECT: &str = "; it is made again from the rows";
            let read = part::verify::<Error>(self.storage, part, &mut |_, damage| {
                damage.map_or(Ok(()), |damage| Ok(self.report.take(damage, EFFECT)?))
            });
            match read {
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    self.report.add(Problem::new(format!("{}{EFFECT}", error.message())));
                    self.report.damaged_files.insert(part.file_name());
                }
                result => result?,
            }
        }
        Ok(())
    }

    fn note_refused(&mut self) {
        for refused in self.sink.refused() {
            self.lost.insert(refused.id);
            self.report.add(Problem::new(format!("the row of id {} cannot be stored: {}", refused.id, refused.why)));
        }
    }

    /// Closes the new database and sums up.
    fn account(mut self) -> Result<()> {
        for id in self.sink.without_key() {
            self.report.add(Problem::new(format!("the key of id {id} is that of a later row, which has it now")));
            self.records_lost.insert(id);
        }
        let mut records_lost = 0;
        for &id in &self.records_lost {
            records_lost += self.sink.contains(id)? as u64;
        }
        self.report.rows = self.sink.finish()?;
        self.report.rows_lost = self.lost.len() as u64 + self.lost_without_id;
        self.report.rows_lost_without_id = self.lost_without_id;
        self.report.rows_uncertain = self.uncertain.len() as u64;
        self.report.records_lost = records_lost;
        let mut ids: Vec<u64> = self.lost.into_iter().collect();
        ids.sort_unstable();
        ids.truncate(RepairReport::LOST_IDS_MAX);
        self.report.lost_ids = ids;
        if self.report.rows_uncertain > 0 {
            let what = "neither tombstones nor id map could be read for some rows: deleted ones may be back, and of \
                        rows of one id the last one was taken";
            self.report.add(Problem::new(what));
        }
        Ok(())
    }
}
