//! What is done when the limit on memory (`runtime.max_memory`) is reached.
//!
//! All memory that grows with the data is taken from a budget; what does not
//! fit is refused where it is asked for, before anything has changed. Here is
//! what comes then: files are left to stand in for what was written to them,
//! and graph work that has no room is put off until there is more.
//!
//! Data and searches have shares of their own, so that writers who fill theirs
//! never make a search fail, and a search for a million rows never a write.

use super::checkpoint::{self, Checkpoints};
use super::column::Piece;
use super::commit::broken;
use super::core::{Core, Store};
use super::error::Result;
use super::ids::IdMap;
use super::indexer::{self, IndexState};
use super::log::Frequent;
use super::parts::{graph_in, run_in, section};
use super::sketches;
use super::view::{Index, View};
use crate::arena::{Budget, release_freed_memory};
use crate::storage::{Part, PartKind};
use crate::util::sync::lock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The working memory of searches may take this part of the limit.
const SEARCH_SHARE: u64 = 8;

/// The memory of rows, ids, codes, graph and batches under a limit (0 = none).
pub fn data_budget(max_memory: u64) -> Budget {
    Budget::new(max_memory - max_memory / SEARCH_SHARE)
}

/// The working memory of searches under the same limit.
pub fn search_budget(max_memory: u64) -> Budget {
    Budget::new(max_memory / SEARCH_SHARE)
}

/// Graph work that found no memory: it is not tried again, write after write,
/// before there is clearly more room than was not enough.
#[derive(Default)]
pub struct PutOff {
    /// The room that was not enough; 0 = nothing is put off.
    room: AtomicU64,
}

impl PutOff {
    /// Whether it is worth trying.
    pub fn may_try(&self, budget: &Budget) -> bool {
        let short = self.room.load(Relaxed);
        short == 0 || budget.room() > short.saturating_add(short / 8)
    }

    /// Whether anything is put off.
    pub fn is_set(&self) -> bool {
        self.room.load(Relaxed) > 0
    }

    /// Notes that a step did not fit into `room`.
    pub fn note(&self, room: u64) {
        self.room.fetch_max(room.max(1), Relaxed);
    }

    /// Notes that a step went through.
    pub fn clear(&self) {
        self.room.store(0, Relaxed);
    }
}

/// Gives back what memory can be given back; returns whether any was. Waits
/// for the step of graph work under way, whose draft is the largest piece.
pub fn relieve(core: &Core) -> Result<bool> {
    let mut state = indexer::lock_state(core);
    relieve_for_step(core, &mut state)
}

/// As [`relieve`], for graph work itself.
pub fn relieve_for_step(core: &Core, state: &mut IndexState) -> Result<bool> {
    let (before, max) = (core.budget.used(), core.settings.max_memory);
    let given_back = give_back(core, state);
    let back = before.saturating_sub(core.budget.used());
    let line = format_args!("memory_limit max={max} bytes_used={before} bytes_given_back={back}");
    core.log.warn_now_and_then(Frequent::Memory, line);
    given_back.map(|()| back > 0)
}

fn give_back(core: &Core, state: &mut IndexState) -> Result<()> {
    if let Some(cache) = &core.cache {
        cache.clear();
    }
    sketches::let_go(core)?;
    let Some(store) = core.store.as_ref().filter(|_| core.settings.mmap) else { return Ok(()) };
    let left = checkpoint::checkpoint(core, None).and_then(|()| leave_to_files(core, store, state));
    release_freed_memory();
    match left {
        // A checkpoint takes next to nothing, but that may be what is missing.
        Err(error) if error.is_over_budget() => Ok(()),
        left => left,
    }
}

/// Puts mapped files in the place of all that the last checkpoint wrote. Slower
/// to walk than memory in huge pages, so only done when memory is short.
fn leave_to_files(core: &Core, store: &Store, state: &mut IndexState) -> Result<()> {
    // What is short would be so again.
    core.residence.settle();
    let done = lock(&store.checkpoints);
    let view = core.view.load_full();
    // Metadata may be all of the memory there is, in one chunk.
    checkpoint::map_records(core, store, &view, &done, usize::MAX)?;
    checkpoint::map_chunks(core, store, &view, &done)?;
    let files = Files { core, store, view: &view, done: &done };
    let index = files.index()?;
    let (id_map, keys) = (files.id_map(PartKind::Ids, &view.id_map)?, files.id_map(PartKind::Keys, &view.keys)?);
    let mut writer = core.writer.lock().map_err(|_| broken())?;
    writer.check_usable()?;
    // No graph work goes on beside this, but writers do.
    if let Some(index) = index.filter(|index| index.version == writer.index.version) {
        writer.index = Arc::new(index);
        state.codes = None;
    }
    if writer.lsn == done.manifest.lsn {
        writer.id_map = id_map.unwrap_or_else(|| writer.id_map.clone());
        writer.keys = keys.unwrap_or_else(|| writer.keys.clone());
    }
    core.publish(&mut writer)
}

/// The last checkpoint, as far as it is the state of `view`.
struct Files<'a> {
    core: &'a Core,
    store: &'a Store,
    view: &'a View,
    done: &'a Checkpoints,
}

impl Files<'_> {
    fn open(&self, kind: PartKind) -> Result<Option<Part>> {
        let entry = self.done.manifest.parts.iter().find(|entry| entry.part.kind == kind);
        let open = |part| Part::open(self.store.storage.as_ref(), part, &self.core.faults, false);
        Ok(entry.map(|entry| open(&entry.part)).transpose()?)
    }

    /// The index with its graph and codes in files.
    fn index(&self) -> Result<Option<Index>> {
        let present = &self.view.index;
        let all_mapped = present.graph.is_mapped() && present.codes.iter().all(|piece| piece.rows.is_mapped());
        if present.version != self.done.index_version || present.graph.is_empty() || all_mapped {
            return Ok(None);
        }
        let Some(part) = self.open(PartKind::Graph)? else { return Ok(None) };
        let mut index = Index { graph: graph_in(&part, &self.core.budget)?, ..Index::clone(present) };
        for piece in index.codes.iter_mut().filter(|piece| !piece.rows.is_mapped()) {
            let Some(part) = self.done.chunks.get(&(piece.serial, piece.rows.len())) else { continue };
            let part = Part::open(self.store.storage.as_ref(), part, &self.core.faults, false)?;
            let rows = section(&part, checkpoint::CODES, piece.rows.stride())?;
            *piece = Piece { rows, serial: piece.serial };
        }
        Ok(Some(index))
    }

    /// An id map as a file has it.
    fn id_map(&self, kind: PartKind, present: &IdMap) -> Result<Option<IdMap>> {
        let same = self.view.lsn == self.done.manifest.lsn && self.view.index.version == self.done.index_version;
        if !same || present.is_mapped() {
            return Ok(None);
        }
        let part = self.open(kind)?;
        Ok(part.map(|part| run_in(&part)).transpose()?.map(|run| IdMap::from_run(Some(run))))
    }
}

#[cfg(test)]
mod tests {
    use super::indexer;
    use crate::db::{Database, Options, Vectors};
    use std::thread;
    use std::time::Duration;

    const DIM: usize = 4;

    fn open(max_memory: u64) -> Database {
        let options = Options::new().dim(DIM as u32).max_memory(max_memory);
        Database::open(None, &options.graph_min_rows(1000).ef_construction(8).m(4).threads(1)).unwrap()
    }

    fn insert(db: &Database, ids: std::ops::Range<u64>) {
        let ids: Vec<u64> = ids.collect();
        let values: Vec<f32> =
            ids.iter().flat_map(|&id| [id as f32, (id % 97) as f32, (id % 31) as f32, 1.0]).collect();
        db.insert_batch(&ids, Vectors::f32(&values, DIM).unwrap(), None).unwrap();
    }

    #[test]
    fn a_batch_is_tried_again_when_graph_work_let_go_of_its_memory_meanwhile() {
        let db = open(16 << 20);
        // A step of graph work whose draft takes all there is.
        let step = indexer::lock_state(&db.core);
        let draft = db.core.budget.take(db.core.budget.room()).unwrap();
        thread::scope(|scope| {
            let writer = scope.spawn(|| insert(&db, 0..100));
            thread::sleep(Duration::from_millis(200));
            assert!(!writer.is_finished(), "the batch fits beside the draft");
            drop(draft);
            drop(step);
            writer.join().unwrap();
        });
    }

    #[test]
    fn who_wants_memory_back_waits_for_one_step_of_graph_work_only() {
        const ROWS: u64 = 40_000;
        let db = open(0);
        let held = indexer::lock_state(&db.core);
        for first in (0..ROWS).step_by(5000) {
            insert(&db, first..first + 5000);
        }
        drop(held);
        while db.core.view.load().index.graph.is_empty() {
            thread::yield_now();
        }
        let _held = indexer::lock_state(&db.core);
        let linked = db.core.view.load().index.graph.len();
        assert!(u64::from(linked) < ROWS / 2, "came in behind {linked} rows of graph work");
    }
}
