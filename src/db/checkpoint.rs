//! Checkpoints: the state of one view as immutable files named by a manifest.
//!
//! Everything a view holds is immutable, so a checkpoint runs beside writers
//! and graph work: it begins a new log file, writes what is not in a file yet
//! from the pinned view, and switches the manifest; only then do older logs
//! and parts go. Full chunks are written once in their life.

use super::column::Piece;
use super::commit::broken;
use super::core::{Core, Store};
use super::error::{Error, ErrorKind, Result, fail};
use super::ids::IdMap;
use super::latency::Call;
use super::log::Frequent;
use super::options::{Quant, Settings};
use super::records::RecordPiece;
use super::task::Task;
use super::view::View;
use crate::arena::Rows;
use crate::storage::format::RECORDS;
use crate::storage::wal::WalPosition;
use crate::storage::{Blocks, Extra, Live, Manifest, Part, PartEntry, PartKind, PartRef, PartWriter, Storage};
use crate::util::clock::unix_ms;
use crate::util::memory::filled;
use crate::util::sync::lock;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Sections of a chunk part.
pub const VECTORS: u32 = 1;
pub const IDS: u32 = 2;
/// Section of a codes part.
pub const CODES: u32 = 1;
/// Section of a graph part beside those of the graph itself.
pub const GRAPH_HEADER: u32 = 100;
/// Sections of an ids part.
pub const SORTED_IDS: u32 = 1;
pub const SLOTS: u32 = 2;
/// Section of a tombstones part: one bit a slot, a row per chunk.
pub const BITS: u32 = 1;
/// Small blobs in the manifest.
pub const EXTRA_CODEC: u32 = 1;
pub const EXTRA_TRAINED: u32 = 2;
pub const EXTRA_CALIBRATION: u32 = 3;
pub const EXTRA_CODE_ERROR: u32 = 4;
pub const EXTRA_PQ_SUBSPACES: u32 = 5;
pub const EXTRA_NEXT_ID: u32 = 6;
pub const EXTRA_COLUMNS: u32 = 7;
/// Stands in a backup that nobody has written to; no bytes.
pub const EXTRA_BACKUP: u32 = 16;
/// Sections of a records part.
pub const ENTRIES: u32 = 1;
pub const HEAP: u32 = 2;
pub const OWNERS: u32 = 3;

/// Bytes written between two looks at the task.
const PIECE: usize = 8 << 20;

/// What the files hold now, and what is in which.
#[derive(Clone, Default)]
pub struct Checkpoints {
    /// The live generation. Its numbers also count failed attempts.
    pub manifest: Manifest,
    /// What CURRENT may say. More than one where it is not known whether the last switch came through.
    pub live: Vec<Live>,
    /// Part of each chunk that was written: content (serial, rows) to file.
    pub chunks: HashMap<(u64, usize), PartRef>,
    /// Version of the index in the files.
    pub index_version: u64,
    /// Parts that backups read, by number, with how many: they are not removed.
    pub read_by: HashMap<u64, u32>,
}

impl Checkpoints {
    /// Whether the files hold all of `view`.
    pub fn has(&self, view: &View) -> bool {
        let same_id = view.next_id.is_none() || view.next_id == super::schema::next_id(&self.manifest);
        view.lsn == self.manifest.lsn && view.index.version == self.index_version && same_id
    }
}

/// Writes what is new since the last checkpoint. Nothing new: does nothing.
pub fn checkpoint(core: &Core, task: Option<&Task>) -> Result<()> {
    let Some(store) = &core.store else { return Ok(()) };
    let mut done = lock(&store.checkpoints);
    let start = Instant::now();
    let Some((view, log)) = begin(core, store, &done)? else { return Ok(()) };
    const CANCELLED: &str = "the checkpoint was cancelled; the previous one stands";
    let mut work = Work::new(core, store.storage.as_ref(), &mut done, &view, (task, CANCELLED));
    work.write_parts()?;
    core.check_faults()?;
    let bytes = work.written;
    let (manifest, written) = work.finish(log)?;
    manifest.write_after(store.storage.as_ref(), &mut done.live)?;
    store.tells_of_records.fetch_or(manifest.features & RECORDS != 0, Relaxed);
    done.manifest = manifest;
    done.index_version = view.index.version;
    done.chunks = written.into_iter().filter_map(|(key, entry)| Some((key?, entry.part))).collect();
    core.counters.checkpoints.fetch_add(1, Relaxed);
    core.counters.checkpoint_lsn.store(done.manifest.lsn, Relaxed);
    core.counters.checkpoint_ms.store(unix_ms(), Relaxed);
    // The generation is live whatever comes now; a file too many does no harm
    // and is removed by the next checkpoint.
    let _ = done.manifest.remove_obsolete_but(store.storage.as_ref(), &|number| done.read_by.contains_key(&number));
    if core.settings.mmap {
        let full = view.chunks.vectors.len().saturating_sub(1);
        map_records(core, store, &view, &done, full)?;
    }
    // Only reranking reads the vectors where the graph is walked on codes. Where it walks
    // on the vectors themselves they stay in (huge) pages of memory.
    if core.settings.mmap && view.index.codec.is_some() {
        map_chunks(core, store, &view, &done)?;
    }
    let (took, Manifest { lsn, generation, parts, .. }) = (start.elapsed(), &done.manifest);
    core.latencies.add(Call::Checkpoint, took);
    let parts = parts.len();
    core.log.info(format_args!(
        "checkpoint lsn={lsn} generation={generation} parts={parts} bytes_written={bytes} us={}",
        took.as_micros()
    ));
    Ok(())
}

/// The feature bit of a view that only readers who know of records can go on from.
fn of_records(view: &View) -> u32 {
    let has_records = view.next_id.is_some() || view.records.chunks().iter().any(Option::is_some);
    if has_records { RECORDS } else { 0 }
}

/// Lets the live manifest tell of records, once and for all. Durable before the first of them gets into the log:
/// a library that knows none would take it for damage.
pub fn tell_of_records(core: &Core) -> Result<()> {
    let Some(store) = core.store.as_ref().filter(|store| !store.tells_of_records.load(Relaxed)) else {
        return Ok(());
    };
    let mut done = lock(&store.checkpoints);
    if store.tells_of_records.load(Relaxed) {
        return Ok(());
    }
    // A number that a failed attempt had may be on the disk.
    done.manifest.generation += 1;
    let manifest = Manifest { features: done.manifest.features | RECORDS, ..done.manifest.clone() };
    manifest.write_after(store.storage.as_ref(), &mut done.live)?;
    done.manifest = manifest;
    store.tells_of_records.store(true, Relaxed);
    // What a failed checkpoint wrote is for the next one, though no manifest names it yet.
    let is_kept = |number| done.read_by.contains_key(&number) || done.chunks.values().any(|part| part.number == number);
    let _ = done.manifest.remove_obsolete_but(store.storage.as_ref(), &is_kept);
    Ok(())
}

/// What names the content of the records of a chunk among all chunks.
pub fn records_key(piece: &RecordPiece) -> (u64, usize) {
    (piece.serial, piece.entries.len() + piece.heap.len() as usize)
}

/// Lets the files stand in for the records of the first `count` chunks. Those of the last one, which grows, may be
/// among them: what comes is written behind what is mapped.
pub fn map_records(core: &Core, store: &Store, view: &View, done: &Checkpoints, count: usize) -> Result<()> {
    let mut mapped = Vec::new();
    for (chunk, piece) in view.records.chunks().iter().take(count).enumerate() {
        let Some(piece) = piece.as_ref().filter(|piece| !piece.entries.is_mapped()) else { continue };
        let Some(part) = done.chunks.get(&records_key(piece)) else { continue };
        let part = Part::open(store.storage.as_ref(), part, &core.faults, false)?;
        mapped.push((chunk, super::parts::records_in(&part, piece.serial)?));
    }
    if mapped.is_empty() {
        return Ok(());
    }
    let mut writer = core.writer.lock().map_err(|_| broken())?;
    for (chunk, piece) in &mapped {
        writer.records.swap(*chunk, piece);
    }
    if writer.failed.is_none() { core.publish(&mut writer) } else { Ok(()) }
}

/// Pins the view to be written and begins the log that goes on from it.
fn begin(core: &Core, store: &Store, done: &Checkpoints) -> Result<Option<(Arc<View>, WalPosition)>> {
    let mut writer = core.writer.lock().map_err(|_| broken())?;
    writer.check_usable()?;
    let view = core.view.load_full();
    if done.has(&view) {
        return Ok(None);
    }
    let writer = &mut *writer;
    let Some(log) = writer.log.as_mut() else { return Ok(None) };
    // Before the first file that would be theirs.
    Live::check(store.storage.as_ref(), &done.live)?;
    if let Err(error) = log.rotate(store.storage.as_ref()) {
        let error = Error::from(error);
        if log.has_failed() {
            core.refuse_writes(writer, &error);
        }
        return Err(error);
    }
    Ok(Some((view, log.durable())))
}

/// Parts of a generation; chunks with the key they are found by.
pub type Parts = Vec<(Option<(u64, usize)>, PartEntry)>;

/// The next generation under way, in a checkpoint or in a backup.
pub struct Work<'a> {
    core: &'a Core,
    /// Where parts are written.
    storage: &'a dyn Storage,
    /// What there is already, beside what is written.
    done: &'a mut Checkpoints,
    view: &'a View,
    task: Option<&'a Task>,
    /// What is said when the task ends it.
    cancelled: &'static str,
    written: u64,
    parts: Parts,
}

impl<'a> Work<'a> {
    /// Begins the generation behind that of `done`; `cancelled` is what is said when the task ends it.
    pub fn new(
        core: &'a Core,
        storage: &'a dyn Storage,
        done: &'a mut Checkpoints,
        view: &'a View,
        (task, cancelled): (Option<&'a Task>, &'static str),
    ) -> Work<'a> {
        done.manifest.generation += 1;
        Work { core, storage, done, view, task, cancelled, written: 0, parts: Parts::new() }
    }

    /// Finds or writes all parts of the view.
    pub fn write_parts(&mut self) -> Result<()> {
        if self.done.has(self.view) {
            self.parts = self.done.manifest.parts.iter().map(|&entry| (None, entry)).collect();
            return Ok(());
        }
        let (view, index) = (self.view, &self.view.index);
        for (position, (vectors, ids)) in view.chunks.vectors.iter().zip(&view.chunks.ids).enumerate() {
            let sections = [(VECTORS, &vectors.rows), (IDS, &ids.rows)];
            // A chunk without vectors has one section.
            let sections = &sections[vectors.rows.is_hollow() as usize..];
            self.chunk(PartKind::Chunk, position, vectors, sections)?;
        }
        for (position, codes) in index.codes.iter().enumerate() {
            self.chunk(PartKind::Codes, position, codes, &[(CODES, &codes.rows)])?;
        }
        for (position, piece) in view.records.chunks().iter().enumerate() {
            if let (Some(piece), Some(ids)) = (piece, view.chunks.ids.get(position)) {
                self.records(position, piece, &ids.rows)?;
            }
        }
        self.graph()?;
        self.ids()?;
        self.keys()?;
        self.tombstones()
    }

    /// The parts of the generation, once they were written.
    pub fn parts(&self) -> Vec<PartEntry> {
        self.parts.iter().map(|&(_, entry)| entry).collect()
    }

    /// The manifest of the generation, whose log begins at `log`, and its parts.
    pub fn finish(self, log: WalPosition) -> Result<(Manifest, Parts)> {
        let before = &self.done.manifest;
        let manifest = Manifest {
            lsn: self.view.lsn,
            wal: log.number,
            wal_durable: log,
            parts: self.parts(),
            extra: extras(self.core, self.view)?,
            format: before.format,
            features: self.core.settings.features() | before.features | of_records(self.view),
            generation: before.generation,
            schema: before.schema.clone(),
            next_file: before.next_file,
            salt: before.salt,
        };
        Ok((manifest, self.parts))
    }

    /// A chunk, unless its content is in a file already.
    fn chunk(&mut self, kind: PartKind, position: usize, piece: &Piece, sections: &[(u32, &Rows)]) -> Result<()> {
        if piece.rows.is_empty() {
            return Ok(());
        }
        let key = (piece.serial, piece.rows.len());
        let part = match self.done.chunks.get(&key) {
            Some(part) => *part,
            None => self
                .part(kind, |part, work| sections.iter().try_for_each(|&(tag, rows)| work.section(part, tag, rows)))?,
        };
        // A failed checkpoint keeps what it wrote: the next one uses it.
        self.done.chunks.insert(key, part);
        self.parts.push((Some(key), PartEntry { position: position as u64, part }));
        Ok(())
    }

    /// The records of a chunk, unless they are in a file already.
    fn records(&mut self, position: usize, piece: &RecordPiece, ids: &Rows) -> Result<()> {
        let key = records_key(piece);
        let part = match self.done.chunks.get(&key) {
            Some(part) => *part,
            None => self.part(PartKind::Records, |part, work| {
                work.section(part, ENTRIES, &piece.entries)?;
                part.begin(HEAP, 1)?;
                work.bytes(part, &piece.heap.base)?;
                work.bytes(part, &piece.heap.more)?;
                // So that repair can tell whose they are without a manifest.
                work.section(part, OWNERS, &ids.truncated(piece.entries.len()))
            })?,
        };
        self.done.chunks.insert(key, part);
        self.parts.push((Some(key), PartEntry { position: position as u64, part }));
        Ok(())
    }

    fn graph(&mut self) -> Result<()> {
        let graph = &self.view.index.graph;
        if graph.is_empty() {
            return Ok(());
        }
        let live = self.done.manifest.parts.iter().find(|entry| entry.part.kind == PartKind::Graph);
        let entry = match live {
            Some(&entry) if self.view.index.version == self.done.index_version => entry,
            _ => {
                let part = self.part(PartKind::Graph, |part, work| {
                    part.section(GRAPH_HEADER, 1, [graph.header()])?;
                    graph.sections().iter().try_for_each(|section| work.section(part, section.tag, &section.rows))
                })?;
                PartEntry { position: 0, part }
            }
        };
        self.parts.push((None, entry));
        Ok(())
    }

    fn ids(&mut self) -> Result<()> {
        let view = self.view;
        if view.live() == 0 {
            return Ok(());
        }
        self.id_map(PartKind::Ids, &view.id_map)
    }

    fn keys(&mut self) -> Result<()> {
        let view = self.view;
        let live = |slot| (!view.dead.get(slot)).then_some(slot);
        if view.keys.entries(&live).next().is_none() { Ok(()) } else { self.id_map(PartKind::Keys, &view.keys) }
    }

    fn id_map(&mut self, kind: PartKind, map: &IdMap) -> Result<()> {
        let dead = &self.view.dead;
        // Merged on the way to the file, once for each section: it may be memory that is short.
        let live = |slot| (!dead.get(slot)).then_some(slot);
        let part = self.part(kind, |part, work| {
            work.rows(part, SORTED_IDS, map.entries(&live).map(|(id, _)| id.to_le_bytes()))?;
            work.rows(part, SLOTS, map.entries(&live).map(|(_, slot)| slot.to_le_bytes()))
        })?;
        self.parts.push((None, PartEntry { position: 0, part }));
        Ok(())
    }

    fn tombstones(&mut self) -> Result<()> {
        let dead = &self.view.dead;
        if dead.is_empty() {
            return Ok(());
        }
        let words = 1usize << (self.core.shift - 6);
        let none = filled(0u64, words)?;
        let part = self.part(PartKind::Tombstones, |part, _| {
            let chunks = 0..self.view.chunks.vectors.len();
            let bits = chunks.map(|chunk| bytemuck::cast_slice::<u64, u8>(dead.chunk(chunk).unwrap_or(&none)));
            Ok(part.section(BITS, words * 8, bits)?)
        })?;
        self.parts.push((None, PartEntry { position: 0, part }));
        Ok(())
    }

    /// Writes one part under the next file number.
    fn part(&mut self, kind: PartKind, fill: impl FnOnce(&mut PartWriter, &mut Self) -> Result<()>) -> Result<PartRef> {
        let number = self.done.manifest.next_file;
        let blocks = self.blocks(kind);
        self.done.manifest.next_file += 1;
        // From the first such part on: those that come later keep it in use.
        self.done.manifest.features |= blocks.features();
        let mut part = PartWriter::create(self.storage, kind, self.done.manifest.generation, number, blocks)?;
        fill(&mut part, self)?;
        Ok(part.finish()?)
    }

    /// Short ones for what walks read: the first search after an open verifies a thousand of them.
    /// By the settings alone, so that the same rows make the same files.
    fn blocks(&self, kind: PartKind) -> Blocks {
        match kind {
            PartKind::Graph | PartKind::Codes => Blocks::Short,
            PartKind::Chunk if self.core.settings.walks_vectors() => Blocks::Short,
            PartKind::Chunk | PartKind::Ids | PartKind::Tombstones | PartKind::Records | PartKind::Keys => Blocks::Long,
        }
    }

    /// A section, in pieces small enough for progress and cancelling.
    fn section(&mut self, part: &mut PartWriter, tag: u32, rows: &Rows) -> Result<()> {
        part.begin(tag, rows.stride())?;
        self.bytes(part, rows)
    }

    /// More of the section that was begun.
    fn bytes(&mut self, part: &mut PartWriter, rows: &Rows) -> Result<()> {
        // Empty ones may have no stride.
        let step = (PIECE / rows.stride().max(1)).max(1);
        for from in (0..rows.len()).step_by(step) {
            let bytes = rows.slice(from..rows.len().min(from + step));
            part.push(bytes)?;
            self.advance(bytes.len() as u64)?;
        }
        Ok(())
    }

    /// A section of rows that are made on the way, with as many looks at the task.
    fn rows<const N: usize>(
        &mut self,
        part: &mut PartWriter,
        tag: u32,
        mut rows: impl Iterator<Item = [u8; N]>,
    ) -> Result<()> {
        part.begin(tag, N)?;
        loop {
            let mut bytes = 0;
            for row in rows.by_ref().take(PIECE / N) {
                part.push(&row)?;
                bytes += N as u64;
            }
            if bytes == 0 {
                return Ok(());
            }
            self.advance(bytes)?;
        }
    }

    /// Counts `bytes` more, and asks the task whether to go on.
    pub fn advance(&mut self, bytes: u64) -> Result<()> {
        self.written += bytes;
        if self.task.is_some_and(|task| !task.step(self.written, self.total())) {
            return fail(ErrorKind::Cancelled, self.cancelled);
        }
        Ok(())
    }

    /// Bytes of the view: an upper bound for what will be written.
    fn total(&self) -> u64 {
        let pieces = self.view.chunks.vectors.iter().chain(&self.view.chunks.ids).chain(&self.view.index.codes);
        let rows: u64 = pieces.map(|piece| (piece.rows.len() * piece.rows.stride()) as u64).sum();
        (rows + self.view.records.size() + self.view.index.graph.bytes() as u64 + self.view.id_map.bytes())
            .max(self.written)
    }
}

/// What the schema has no field for.
pub fn schema_extras(settings: &Settings) -> Vec<Extra> {
    let subspaces = (settings.quant == Quant::Pq).then_some(settings.pq_subspaces);
    let subspaces = subspaces.map(|count| Extra { tag: EXTRA_PQ_SUBSPACES, bytes: count.to_le_bytes().to_vec() });
    let columns = Some(&settings.columns).filter(|columns| !columns.is_empty());
    let columns = columns.map(|columns| Extra { tag: EXTRA_COLUMNS, bytes: columns.to_string().into_bytes() });
    subspaces.into_iter().chain(columns).collect()
}

fn extras(core: &Core, view: &View) -> Result<Vec<Extra>> {
    let mut extra = schema_extras(&core.settings);
    extra.push(Extra { tag: EXTRA_TRAINED, bytes: view.index.trained.to_le_bytes().to_vec() });
    let next_id = view.next_id.map(|id| Extra { tag: EXTRA_NEXT_ID, bytes: id.to_le_bytes().to_vec() });
    extra.extend(next_id);
    let index = &view.index;
    if let Some(codec) = &index.codec {
        extra.push(Extra { tag: EXTRA_CODEC, bytes: codec.to_bytes()? });
    }
    let error = index.code_error.filter(|_| index.codec.is_some());
    extra.extend(error.map(|error| Extra { tag: EXTRA_CODE_ERROR, bytes: error.to_le_bytes().to_vec() }));
    extra.extend(index.calibration.as_ref().map(|c| Extra { tag: EXTRA_CALIBRATION, bytes: c.to_bytes() }));
    Ok(extra)
}

/// Lets the files stand in for full chunks, so that their memory can go.
pub fn map_chunks(core: &Core, store: &Store, view: &View, done: &Checkpoints) -> Result<()> {
    let full = view.chunks.vectors.len().saturating_sub(1);
    let mut mapped = Vec::new();
    for (vectors, ids) in view.chunks.vectors.iter().zip(&view.chunks.ids).take(full) {
        let known = done.chunks.get(&(vectors.serial, vectors.rows.len()));
        let is_left = vectors.rows.is_mapped() || (vectors.rows.is_hollow() && ids.rows.is_mapped());
        let Some(part) = known.filter(|_| !is_left) else { continue };
        let part = Part::open(store.storage.as_ref(), part, &core.faults, false)?;
        let rows = match vectors.rows.is_hollow() {
            true => Some(vectors.rows.clone()),
            false => part.rows(VECTORS, vectors.rows.stride())?,
        };
        if let (Some(v), Some(i)) = (rows, part.rows(IDS, 8)?) {
            mapped.push((Piece { rows: v, ..*vectors }, Piece { rows: i, ..*ids }));
        }
    }
    if mapped.is_empty() {
        return Ok(());
    }
    let mut writer = core.writer.lock().map_err(|_| broken())?;
    for (vectors, ids) in &mapped {
        // Where the vectors were given up meanwhile, the file with them must not be held for the ids.
        if writer.vectors.swap(vectors) {
            writer.ids.swap(ids);
        }
    }
    if writer.failed.is_none() { core.publish(&mut writer) } else { Ok(()) }
}

/// The checkpointer's work: called when the log has grown past its limit.
pub fn work(core: &Core, _all: bool) -> Result<()> {
    let done = if core.is_closing() { Ok(()) } else { checkpoint(core, None) };
    if let Err(error) = &done {
        let why = error.message();
        core.log.warn_now_and_then(Frequent::Checkpoint, format_args!("checkpoint_failed why={why:?}"));
    }
    done
}
