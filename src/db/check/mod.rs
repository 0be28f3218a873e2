//! The check behind `vdb_check`: whether an open database is whole, in three
//! levels. It only reads: the files of the live generation as they lie on
//! disk, and one pinned view, so writers and searches go on meanwhile.
//!
//! A level is looked at only when those before it found nothing. What damaged
//! bytes would make a deeper level find follows from the damage, and a mapped
//! file that was cut short must not be touched at all (SIGBUS).
//!
//! Reads of files go through [`part::verify`] and the log's own replay, never
//! through what was verified at first touch. While files are read checkpoints
//! wait, so that no file goes away under the check.
//!
//! Idea from SQLite's `PRAGMA integrity_check` and RocksDB's `VerifyChecksum`.

mod report;

pub use report::{CheckLevel, CheckReport, Place, Problem};

pub(super) use report::add_problems;

use super::core::Core;
use super::error::{Error, ErrorKind, Result, fail};
use super::records::given::{META_MAX, MetaRules, check_key};
use super::records::keys::Lookup;
use super::task::Task;
use super::types::SearchParams;
use super::view::{Decoded, View, read_id};
use super::{reader, record};
use crate::storage::wal::{self, WalStart};
use crate::storage::{Manifest, Storage, StorageError, part};
use crate::util::sync::lock;
use std::sync::PoisonError;

/// Stored rows whose neighbours are looked for, and how many of them.
const RECALL_QUERIES: u32 = 100;
const RECALL_K: usize = 10;

/// Checks the newest view and the files behind it. The error says that the
/// check could not be made; what it found is in the report.
pub fn check(core: &Core, level: CheckLevel, task: Option<&Task>) -> Result<CheckReport> {
    let view = core.view.load_full();
    let mut audit = Audit::new(core, &view, level, task);
    audit.advance(0)?;
    audit.files()?;
    audit.known_damage();
    if level >= CheckLevel::Structure && audit.report.is_sound() {
        audit.report.completed = CheckLevel::Structure;
        audit.structure()?;
        audit.known_damage();
    }
    if level >= CheckLevel::Recall && audit.report.is_sound() {
        audit.report.completed = CheckLevel::Recall;
        audit.recall()?;
        audit.known_damage();
    }
    Ok(audit.finish())
}

/// One check under way. Its unit of progress is the byte looked at.
struct Audit<'a> {
    core: &'a Core,
    view: &'a View,
    task: Option<&'a Task>,
    done: u64,
    total: u64,
    report: CheckReport,
}

/// Why reading a file ended.
enum Halt {
    Damage(Problem),
    Failed(Error),
}

impl From<StorageError> for Halt {
    fn from(error: StorageError) -> Halt {
        Problem::from_damage(error).map_or_else(|other| Halt::Failed(other.into()), Halt::Damage)
    }
}

impl<'a> Audit<'a> {
    fn new(core: &'a Core, view: &'a View, level: CheckLevel, task: Option<&'a Task>) -> Audit<'a> {
        let report = CheckReport {
            level,
            completed: CheckLevel::Checksums,
            problem_count: 0,
            problems: Vec::new(),
            files: 0,
            bytes: 0,
            log_records: 0,
            lsn: view.lsn,
            rows: view.live(),
            graph_nodes: view.index.graph.nodes().into(),
            recall: None,
            recall_queries: 0,
        };
        let mut total = 0;
        if let Some(store) = &core.store {
            total += lock(&store.checkpoints).manifest.parts.iter().map(|entry| entry.part.len).sum::<u64>();
        }
        if level >= CheckLevel::Structure {
            total += view.end() as u64 * 8 + view.records.size();
        }
        if level >= CheckLevel::Recall && report.graph_nodes > 0 {
            total += RECALL_QUERIES as u64 * scan_bytes(view);
        }
        Audit { core, view, task, done: 0, total, report }
    }

    /// Notes `bytes` more looked at; an error when the task was cancelled.
    fn advance(&mut self, bytes: u64) -> Result<()> {
        // What was planned is an estimate: a log has no length while it grows.
        self.done += bytes;
        self.total = self.total.max(self.done);
        match self.task {
            Some(task) if !task.step(self.done, self.total) => fail(ErrorKind::Cancelled, "the check was cancelled"),
            _ => Ok(()),
        }
    }

    fn finish(self) -> CheckReport {
        // Too late to cancel: the report is there.
        self.task.map(|task| task.step(self.total, self.total));
        self.report
    }

    fn add(&mut self, what: impl Into<String>) {
        self.report.add(Problem::new(what));
    }

    /// Takes damage into the report; any other failure ends the check.
    fn take(&mut self, result: std::result::Result<(), Halt>) -> Result<()> {
        match result {
            Ok(()) => Ok(()),
            Err(Halt::Damage(problem)) => {
                self.report.add(problem);
                Ok(())
            }
            Err(Halt::Failed(error)) => Err(error),
        }
    }

    /// What a call met since the database was opened, and this check did not:
    /// it still makes every call fail.
    fn known_damage(&mut self) {
        let Some(fault) = self.core.faults.get() else { return };
        let place = Place { file: fault.file, block: fault.block, offset: fault.offset };
        let same = |known: &Place| (&known.file, known.block) == (&place.file, place.block);
        if !self.report.problems.iter().filter_map(|problem| problem.place.as_ref()).any(same) {
            let what = "damage met while the database was in use; close it and open it again".into();
            self.report.add(Problem { place: Some(place), what });
        }
    }
}

/// Level 1: the files.
impl Audit<'_> {
    fn files(&mut self) -> Result<()> {
        if let Some(store) = &self.core.store {
            let done = lock(&store.checkpoints);
            return self.generation(store.storage.as_ref(), &done.manifest).map(drop);
        }
        let Some(follower) = &self.core.follower else { return Ok(()) };
        // The writer, another process, does not wait: it may remove what is being read.
        loop {
            let before = self.report.clone();
            let checked = self.generation(follower.storage(), &follower.manifest())?;
            if self.report.is_sound() || Manifest::live_generation(follower.storage())? == Some(checked) {
                return Ok(());
            }
            self.report = before;
        }
    }

    /// The files of the live generation; `used` is the one that the view came from.
    /// Returns its number.
    fn generation(&mut self, storage: &dyn Storage, used: &Manifest) -> Result<u64> {
        let manifest = match self.manifest(storage, used)? {
            Some(live) => live,
            // The parts can still be checked against what is known of them.
            None => used.clone(),
        };
        for entry in &manifest.parts {
            let mut read = |bytes: &[u8], damage: Option<StorageError>| {
                let bytes = bytes.len() as u64;
                self.report.bytes += bytes;
                if let Some(damage) = damage {
                    self.report.add(Problem::from_damage(damage).map_err(Error::from).map_err(Halt::Failed)?);
                }
                self.advance(bytes).map_err(Halt::Failed)
            };
            let result = part::verify(storage, &entry.part, &mut read);
            self.report.files += 1;
            self.take(result)?;
        }
        self.log(storage, manifest.wal_start())?;
        Ok(manifest.generation)
    }

    /// CURRENT and the manifest it names, which must not be behind the one in use.
    fn manifest(&mut self, storage: &dyn Storage, used: &Manifest) -> Result<Option<Manifest>> {
        let found = Manifest::load(storage).map_err(Halt::from);
        let what = match found {
            Ok(Some(live)) if live.salt == used.salt && live.lsn >= used.lsn => return Ok(Some(live)),
            Ok(Some(_)) => "names a manifest that is older than the one in use, or of another database",
            Ok(None) => "missing",
            Err(halt) => return self.take(Err(halt)).map(|()| None),
        };
        let place = Place { file: crate::storage::names::CURRENT.into(), block: 0, offset: 0 };
        self.report.add(Problem { place: Some(place), what: what.into() });
        Ok(None)
    }

    /// The log, which ends no earlier than where the writer has written to. How far another
    /// process has written is not known: there a damaged end is taken for a torn one.
    fn log(&mut self, storage: &dyn Storage, start: WalStart) -> Result<()> {
        let writer = self.core.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writer.log.as_ref().map_or(start.durable, |log| log.written());
        drop(writer);
        let row_bytes = self.core.shape.row_bytes();
        let read = |found: wal::Record<'_>| {
            self.report.log_records += 1;
            match record::decode(found.kind, found.payload, row_bytes) {
                Ok(_) => {}
                Err(odd) if matches!(odd.kind(), ErrorKind::Corrupt | ErrorKind::FormatTooNew) => {
                    self.add(format!("log record {}: {odd}", found.lsn));
                }
                // For want of memory it was not looked at: that says nothing about the record.
                Err(failed) => return Err(Halt::Failed(failed)),
            }
            self.advance(found.payload.len() as u64).map_err(Halt::Failed)
        };
        let result = wal::replay(storage, &WalStart { durable: written, ..start }, read);
        self.take(result.map(drop))
    }
}

/// Level 2: the view.
impl Audit<'_> {
    fn structure(&mut self) -> Result<()> {
        self.chunks();
        self.slots_to_ids()?;
        self.ids_to_slots()?;
        self.records()?;
        self.keys();
        self.graph()
    }

    /// Columns of equal lengths; dead marks where rows are or compaction left a hole.
    fn chunks(&mut self) {
        let (view, shift) = (self.view, self.core.shift);
        let (vectors, ids) = (&view.chunks.vectors, &view.chunks.ids);
        if vectors.len() != ids.len() {
            self.add(format!("{} chunks of vectors, {} of ids", vectors.len(), ids.len()));
        }
        let (mut holes, mut dead) = (0, 0);
        for (chunk, (vectors, ids)) in vectors.iter().zip(ids).enumerate() {
            let (rows, last) = (vectors.rows.len(), chunk + 1 == view.chunks.vectors.len());
            if rows != ids.rows.len() || rows > 1 << shift {
                self.add(format!("chunk {chunk} has {rows} vectors and {} ids", ids.rows.len()));
            }
            dead += view.dead.count_chunk(chunk);
            // Past the last row nothing can be dead; in a hole before it all is.
            let first = (chunk << shift) as u32;
            let missing = (rows as u32)..1 << shift;
            let marked = missing.clone().filter(|&row| view.dead.get(first + row)).count();
            if marked != if last { 0 } else { missing.len() } {
                self.add(format!("chunk {chunk} has {rows} rows, and {marked} dead marks behind them"));
            }
            holes += marked as u64;
        }
        if holes != view.holes || dead != view.dead.count() {
            let (known, marks) = (view.holes, view.dead.count());
            self.add(format!("{holes} holes and {dead} dead marks, where {known} and {marks} are counted"));
        }
    }

    /// Every live row is the one that its id leads to; so no id is there twice.
    fn slots_to_ids(&mut self) -> Result<()> {
        const STEP: usize = 1 << 14;
        let view = self.view;
        for from in (0..view.end()).step_by(STEP) {
            let to = view.end().min(from.saturating_add(STEP as u32));
            for slot in (from..to).filter(|&slot| !view.dead.get(slot)) {
                match view.ids.get(slot).map(read_id) {
                    None => self.add(format!("live slot {slot} has no id")),
                    Some(id) => match view.id_map.find(id) {
                        Some(found) if found == slot => {}
                        found => self.add(format!("id {id} in slot {slot} leads to {found:?}")),
                    },
                }
            }
            self.advance((to - from) as u64 * 8)?;
        }
        Ok(())
    }

    /// Every id that leads to a live slot is the id of that slot.
    fn ids_to_slots(&mut self) -> Result<()> {
        let view = self.view;
        let live = |slot| (!view.dead.get(slot)).then_some(slot);
        let (mut previous, mut entries) = (None, 0);
        for (id, slot) in view.id_map.entries(&live) {
            if previous.is_some_and(|previous| previous >= id) {
                self.add(format!("id {id} is out of order in the id map"));
            }
            if view.ids.get(slot).map(read_id) != Some(id) {
                self.add(format!("id {id} leads to slot {slot}, which is not its row"));
            }
            (previous, entries) = (Some(id), entries + 1);
        }
        if entries != view.live() {
            self.add(format!("{entries} ids lead to rows, of which there are {}", view.live()));
        }
        Ok(())
    }

    /// Records that can be read, metadata that is a JSON object with values of declared types, keys that lead to their rows.
    fn records(&mut self) -> Result<()> {
        const STEP: u64 = 1 << 20;
        let view = self.view;
        let core = self.core;
        let mut checker = MetaRules { most: META_MAX, ..core.settings.meta_rules() }.checker();
        let (mut looked_at, mut found) = (0, 0u64);
        for slot in (0..view.end()).filter(|&slot| !view.dead.get(slot)) {
            let (chunk, row) = ((slot >> self.core.shift) as usize, slot & ((1 << self.core.shift) - 1));
            let Some(piece) = view.records.chunk(chunk) else { continue };
            let Some(record) = piece.get(row as usize) else {
                self.add(format!("the record of slot {slot} cannot be read"));
                continue;
            };
            if let Err(odd) = check_key(record.key).and_then(|()| checker.check(record.meta)) {
                self.add(format!("the record of slot {slot}: {}", odd.message()));
            }
            if !record.key.is_empty() {
                found += 1;
                if view.slot_of_key(record.key) != Some(slot) {
                    self.add(format!("the key of slot {slot} leads to {:?}", view.slot_of_key(record.key)));
                }
            }
            looked_at += record.bytes() as u64;
            if looked_at >= STEP {
                self.advance(std::mem::take(&mut looked_at))?;
            }
        }
        let live = |slot| (!view.dead.get(slot)).then_some(slot);
        let entries = view.keys.entries(&live).count() as u64;
        if entries != found {
            self.add(format!("{entries} numbers lead to rows with keys, of which there are {found}"));
        }
        self.advance(looked_at)
    }

    /// Numbers of keys lead to rows that have such keys.
    fn keys(&mut self) {
        let view = self.view;
        let lookup = Lookup { keys: &view.keys, records: &view.records, salt: view.key_salt };
        let live = |slot| (slot < view.end() && !view.dead.get(slot)).then_some(slot);
        for (number, slot) in view.keys.entries(&live) {
            let key = view.records.get(slot).key;
            if key.is_empty() || !lookup.leads_to(number, key) {
                self.add(format!("number {number} of the key map leads to slot {slot}, whose key is another"));
            }
        }
    }

    /// The graph itself, and whether it is a graph of these rows.
    fn graph(&mut self) -> Result<()> {
        let (view, graph) = (self.view, &self.view.index.graph);
        let audit = graph.check()?;
        if let Some(problem) = &audit.problem {
            let (gone, alone, twice) = (audit.dangling, audit.self_links, audit.duplicate_links);
            self.add(format!(
                "graph: {problem} ({gone} links to nowhere, {alone} to their own node, {twice} repeated, {} \
                 nodes out of reach, {} faults of its arrays)",
                audit.unreachable, audit.malformed
            ));
        }
        for slot in 0..graph.len() {
            let (live, node) = (slot < view.end() && !view.dead.get(slot), graph.contains(slot));
            if live && !node {
                self.add(format!("live slot {slot} is below the graph's end but not in the graph"));
            }
            if node && (!view.stored.rows.contains(slot) || !view.coded.rows.contains(slot)) {
                self.add(format!("node {slot} of the graph has no row, or no code"));
            }
        }
        self.advance(0)
    }
}

/// Level 3: the answers.
impl Audit<'_> {
    fn recall(&mut self) -> Result<()> {
        let (core, view, graph) = (self.core, self.view, &self.view.index.graph);
        let step = (graph.len() / RECALL_QUERIES).max(1);
        let (mut found, mut wanted, mut decoded) = (0, 0, Decoded::default());
        for from in (0..graph.len()).step_by(step as usize).take(RECALL_QUERIES as usize) {
            let range = from..graph.len().min(from + step);
            let Some(slot) = range.into_iter().find(|&slot| !view.dead.get(slot)) else { continue };
            let Some(row) = view.vector(&core.shape, slot, &mut decoded)? else { continue };
            let (query, exact) = ((row, None), SearchParams { exact: true, ..SearchParams::default() });
            let truth = reader::nearest(core, view, query, RECALL_K, &exact, self.task)?;
            let walked = reader::nearest_in_graph(core, view, query, RECALL_K, self.task)?;
            self.advance(scan_bytes(view))?;
            // Rows at equal distance are equally good answers.
            let farthest = truth.last().copied().unwrap_or(f32::NEG_INFINITY);
            found += walked.iter().filter(|&&distance| distance <= farthest).count().min(truth.len());
            wanted += truth.len();
            self.report.recall_queries += 1;
        }
        self.report.recall = (wanted > 0).then(|| found as f64 / wanted as f64);
        Ok(())
    }
}

/// Bytes that one exact scan reads.
fn scan_bytes(view: &View) -> u64 {
    view.chunks.vectors.iter().map(|piece| (piece.rows.len() * piece.rows.stride()) as u64).sum()
}
