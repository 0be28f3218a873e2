//! The writing side: what the next view will be made of.
//!
//! Every batch goes through *plan* (may fail, changes nothing), *log* (may
//! fail, is rolled back) and *apply* (cannot fail). So a batch is there as a
//! whole or not at all, in memory as on disk. Used under one lock only; does
//! no graph work, so ingest runs at the speed of memory and disk.

use super::column::{Column, Piece, hollow, table};
use super::error::{Error, ErrorKind, Result, fail};
use super::filter::Filter;
use super::ids::IdMap;
use super::input::{Shape, Stored};
use super::record;
use super::records::column::RecordColumn;
use super::records::given::{Given, Texts};
use super::records::keys::Lookup;
use super::records::resolve::{Assigned, Planned, Row};
use super::sketches::Sketches;
use super::types::ID_NONE;
use super::view::{Chunks, Index, View, ViewParts, read_id};
use crate::arena::{Budget, FaultCell, Lease, RowsMut, SlotBits};
use crate::storage::StorageError;
use crate::storage::wal::WalWriter;
use crate::util::memory::{collected, filled, make_room, with_room};
use std::borrow::Cow;
use std::sync::Arc;

/// Rows of a database, dead ones included: as many as the graph can number.
pub const MAX_SLOTS: u64 = crate::index::hnsw::MAX_SLOTS as u64;

/// One batch.
pub enum Batch<'a> {
    /// Rows to insert; with `replace` ids that are there already are replaced. [`ID_NONE`] asks for an id.
    Put { ids: Cow<'a, [u64]>, rows: Stored<'a>, replace: bool, records: Given<'a> },
    /// Rows to delete; unknown ids are passed over.
    Delete { ids: Cow<'a, [u64]> },
    /// The same by keys.
    DeleteKeys { keys: Texts<'a> },
    /// Rows that get other metadata; unknown ids are passed over.
    Meta { ids: Cow<'a, [u64]>, records: Given<'a> },
    /// The rows that pass a filter get this metadata, or are deleted where there is none.
    Where { filter: Filter, meta: Option<Cow<'a, [u8]>> },
}

/// What came of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Rows inserted, replaced, deleted or changed.
    pub changed: u64,
    /// The ids of its rows, where some were asked for.
    pub ids: Option<Vec<u64>>,
}

impl Batch<'_> {
    /// A copy of the batch in memory taken from `budget`.
    pub fn to_owned(&self, shape: &Shape, budget: &Budget) -> Result<(Batch<'static>, Lease)> {
        let lease = budget.take(8 * self.ids().len() as u64 + self.texts())?;
        let ids = Cow::Owned(collected(self.ids().iter().copied())?);
        let batch = match self {
            Batch::Put { rows, replace, records, .. } => Batch::Put {
                ids,
                rows: rows.to_owned(shape.row_bytes(), budget)?,
                replace: *replace,
                records: records.to_owned()?,
            },
            Batch::Delete { .. } => Batch::Delete { ids },
            Batch::DeleteKeys { keys } => Batch::DeleteKeys { keys: keys.to_owned()? },
            Batch::Meta { records, .. } => Batch::Meta { ids, records: records.to_owned()? },
            Batch::Where { filter, meta } => {
                let own = |meta: &Cow<'_, [u8]>| collected(meta.iter().copied()).map(Cow::Owned);
                Batch::Where { filter: filter.clone(), meta: meta.as_ref().map(own).transpose()? }
            }
        };
        Ok((batch, lease))
    }

    fn ids(&self) -> &[u64] {
        match self {
            Batch::Put { ids, .. } | Batch::Delete { ids } | Batch::Meta { ids, .. } => ids,
            Batch::DeleteKeys { .. } | Batch::Where { .. } => &[],
        }
    }

    /// Whether it may leave something in the log that only readers who know of records understand. A batch of
    /// vectors alone that replaces rows with records does too, but then others brought those.
    pub fn brings_records(&self) -> bool {
        match self {
            Batch::Put { ids, records: Given::Fields(records), .. } => !records.is_empty() || ids.contains(&ID_NONE),
            Batch::Put { records, .. } => !matches!(records, Given::Nothing),
            Batch::Meta { .. } | Batch::Where { meta: Some(_), .. } => true,
            Batch::Delete { .. } | Batch::DeleteKeys { .. } | Batch::Where { meta: None, .. } => false,
        }
    }

    /// Bytes that a copy of keys and metadata takes.
    fn texts(&self) -> u64 {
        match self {
            Batch::Put { records, .. } | Batch::Meta { records, .. } => records.size(),
            Batch::DeleteKeys { keys } => keys.size(),
            Batch::Where { meta, .. } => meta.as_ref().map_or(0, |meta| meta.len() as u64),
            Batch::Delete { .. } => 0,
        }
    }
}

/// What applying a batch will change.
struct Plan {
    dead: SlotBits,
    id_map: IdMap,
    /// Rows of the batch to append, in order; `None` = all of them.
    kept: Option<Vec<usize>>,
    /// Rows inserted, replaced, deleted or changed.
    changed: u64,
    /// The ids of the batch, where they are not the ones it came with.
    ids: Option<Vec<u64>>,
    /// Whether some of these were given by us.
    assigned: bool,
    /// The next id to be given.
    next_id: u64,
    records: Option<Planned>,
    /// The key map, where it changes.
    keys: Option<IdMap>,
}

/// Everything the next view is made of.
pub struct Writer {
    pub shape: Shape,
    pub shift: u32,
    pub vectors: Column,
    pub ids: Column,
    pub dead: SlotBits,
    pub holes: u64,
    pub id_map: IdMap,
    pub records: RecordColumn,
    /// Numbers of keys to slots.
    pub keys: IdMap,
    /// What keys are hashed with.
    pub key_salt: u64,
    /// Above every id there was; and whether any was given by us, so that it must be kept.
    pub next_id: u64,
    pub assigned: bool,
    pub index: Arc<Index>,
    pub sketches: Option<Arc<Sketches>>,
    pub lsn: u64,
    /// `None` in memory.
    pub log: Option<WalWriter>,
    /// Why writing is over until the database is opened again.
    pub failed: Option<Error>,
    /// What all of this is taken from.
    pub budget: Budget,
    /// Damage that was met in what lies in files.
    pub faults: Arc<FaultCell>,
}

/// Bytes that planning a batch takes for each of its rows: the sorted ids, the
/// entries of the id map, the rows that are replaced.
const PLAN_BYTES: u64 = 40;

impl Writer {
    /// The picture as it is now.
    pub fn view(&mut self) -> Result<View> {
        let parts = ViewParts {
            chunks: Chunks { vectors: self.vectors.pieces(), ids: self.ids.pieces() },
            dead: self.dead.clone(),
            holes: self.holes,
            id_map: self.id_map.clone(),
            records: self.records.table(),
            keys: self.keys.clone(),
            key_salt: self.key_salt,
            next_id: self.assigned.then_some(self.next_id),
            index: self.index.clone(),
            sketches: self.sketches.clone(),
            lsn: self.lsn,
            shift: self.shift,
        };
        View::new(&self.shape, parts)
    }

    /// An error once a write failed in a way that leaves its fate unknown: from
    /// then on the writer is ahead of what readers may see.
    pub fn check_usable(&self) -> Result<()> {
        match &self.failed {
            None => Ok(()),
            Some(why) => {
                fail(ErrorKind::Poisoned, format!("writing stopped after an error: {why}; reopen the database"))
            }
        }
    }

    /// An error when a damaged block was read. A plan that carries over what rows have must ask: what it read would
    /// be written as if it were whole.
    pub fn check_faults(&self) -> Result<()> {
        self.faults.get().map_or(Ok(()), |fault| Err(StorageError::from(fault).into()))
    }

    /// Gives up the vectors of chunks that end before slot `end`, all of which have codes. Their ids
    /// are taken out of files that the next checkpoint writes without the vectors: whoever maps a
    /// file keeps all of it on the disk.
    pub fn hollow_out(&mut self, end: u32) -> Result<()> {
        let ended = (end.saturating_sub(1) >> self.shift) as usize;
        let before = hollow(&self.vectors.pieces());
        let mut copies = Vec::new();
        for piece in self.ids.pieces().iter().take(ended).skip(before).filter(|piece| piece.rows.is_mapped()) {
            let mut copy = RowsMut::zeroed(piece.rows.len(), piece.rows.stride(), &self.budget)?;
            copy.bytes_mut().copy_from_slice(piece.rows.bytes());
            copies.push(Piece { rows: copy.freeze(), serial: piece.serial });
        }
        for copy in &copies {
            self.ids.swap(copy);
        }
        self.vectors.hollow_out(end);
        Ok(())
    }

    /// Logs and applies one batch. The record is in the log's hands, not durable yet.
    pub fn write(&mut self, batch: &Batch<'_>) -> Result<Reply> {
        self.check_usable()?;
        let plan = self.plan(batch)?;
        if plan.changed == 0 {
            return Ok(Reply { changed: 0, ids: plan.ids });
        }
        if let Err(error) = self.log(batch, &plan) {
            self.give_back();
            return Err(error);
        }
        Ok(self.apply(batch, plan))
    }

    /// Applies a batch that the log already holds.
    pub fn replay(&mut self, lsn: u64, batch: &Batch<'_>) -> Result<()> {
        let plan = self.plan(batch)?;
        self.apply(batch, plan);
        self.lsn = lsn;
        Ok(())
    }

    fn plan(&mut self, batch: &Batch<'_>) -> Result<Plan> {
        let planned = match batch {
            Batch::Put { ids, rows, replace, records } => self.plan_put(ids, rows, *replace, records),
            Batch::Delete { ids } => self.plan_delete(ids),
            Batch::DeleteKeys { keys } => {
                let ids = self.ids_of_keys(keys)?;
                self.plan_delete(&ids).map(|plan| Plan { ids: Some(ids), ..plan })
            }
            Batch::Meta { ids, records } => self.plan_meta(ids, records),
            Batch::Where { .. } => fail(ErrorKind::Internal, "a filter was not asked before its batch was planned"),
        };
        if planned.is_err() {
            self.give_back();
        }
        planned
    }

    /// Gives back the room of a batch that does not come.
    fn give_back(&mut self) {
        self.vectors.give_back();
        self.ids.give_back();
        self.records.give_back();
    }

    /// The slot of a live row.
    pub fn find(&self, id: u64) -> Option<u32> {
        self.id_map.find(id).filter(|&slot| slot < self.vectors.end() && !self.dead.get(slot))
    }

    /// The ids of the rows that there are with one of `keys`.
    fn ids_of_keys(&mut self, keys: &Texts<'_>) -> Result<Vec<u64>> {
        let (records, ids) = (self.records.table(), table(&self.ids.pieces(), self.shift));
        let lookup = Lookup { keys: &self.keys, records: &records, salt: self.key_salt };
        let is_live = |slot: u32| slot < ids.end() && !self.dead.get(slot);
        let slots = (0..keys.count()).filter_map(|i| lookup.find(keys.get(i), &is_live));
        let found = collected(slots.map(|slot| read_id(ids.row(slot))))?;
        self.check_faults()?;
        Ok(found)
    }

    fn plan_put(&mut self, ids: &[u64], rows: &Stored<'_>, replace: bool, records: &Given<'_>) -> Result<Plan> {
        let Some(Assigned { ids, next }) = self.assign(ids, records, replace)? else {
            return self.plan_rows(ids, rows, replace, records);
        };
        let assigned = self.assigned || next > self.next_id;
        let plan = self.plan_rows(&ids, rows, replace, records)?;
        Ok(Plan { ids: Some(ids), next_id: next.max(plan.next_id), assigned, ..plan })
    }

    /// Where in the batch rows stand that there are already, and their slots; in the order of the batch. An error for the first
    /// one where they are not to be replaced.
    fn replaced(&self, sorted: &[(u64, usize)], replace: bool) -> Result<Vec<(usize, u32)>> {
        let there = sorted.iter().filter_map(|&(id, at)| Some((at, id, self.find(id)?)));
        if replace {
            let mut replaced = collected(there.map(|(at, _, slot)| (at, slot)))?;
            replaced.sort_unstable();
            return Ok(replaced);
        }
        let Some((at, id, _)) = there.min() else { return Ok(Vec::new()) };
        let message = format!("id {id} exists already; use upsert to replace it");
        Err(Error::new(ErrorKind::AlreadyExists, message).at(at as u64))
    }

    fn plan_rows(&mut self, ids: &[u64], rows: &Stored<'_>, replace: bool, records: &Given<'_>) -> Result<Plan> {
        // The next open holds the record in memory while it applies the batch: what passes
        // the limit then must not pass it now.
        let record = if self.log.is_some() { 8 + self.shape.row_bytes() as u64 } else { 0 };
        let _working = self.budget.take(ids.len() as u64 * (PLAN_BYTES + record))?;
        let (sorted, kept) = order(ids, replace)?;
        let replaced = self.replaced(&sorted, replace)?;
        let base = self.vectors.end();
        if base as u64 + sorted.len() as u64 > MAX_SLOTS {
            let message = format!(
                "{base} rows, dead ones included, and {} more pass the limit of {MAX_SLOTS}: wait until the space of dead ones \
                 is reclaimed (vdb_wait_indexed), or keep rows in another database",
                sorted.len()
            );
            return fail(ErrorKind::Limit, message);
        }
        self.vectors.reserve(sorted.len())?;
        self.ids.reserve(sorted.len())?;
        debug_assert_eq!(rows.count(), ids.len());
        let mut dead = self.dead.clone();
        for &(_, slot) in &replaced {
            dead.set(slot)?;
        }
        // Rows keep their order in the batch; `kept` lists them when some are dropped.
        let place = |at: usize| kept.as_ref().map_or(at, |kept| kept.partition_point(|&k| k < at));
        let entries = collected(sorted.iter().map(|&(id, at)| (id, base + place(at) as u32)))?;
        let id_map = self.id_map.with(&entries, &|slot| dead.get(slot), &self.budget)?;
        let row = |nth: usize, at: usize| {
            let old = replaced.binary_search_by_key(&at, |&(at, _)| at).ok().map(|i| replaced[i].1);
            Row { at, slot: base + nth as u32, old }
        };
        let found = match &kept {
            Some(kept) => {
                let rows = kept.iter().enumerate().map(|(nth, &at)| row(nth, at));
                self.resolve(ids.len(), rows, records, &dead)?
            }
            None => self.resolve(ids.len(), (0..ids.len()).map(|at| row(at, at)), records, &dead)?,
        };
        let (records, keys) = found.unzip();
        let next_id = self.next_id.max(sorted.last().map_or(0, |&(id, _)| id.saturating_add(1)));
        let changed = sorted.len() as u64;
        Ok(Plan { dead, id_map, kept, changed, ids: None, assigned: self.assigned, next_id, records, keys })
    }

    fn plan_delete(&mut self, ids: &[u64]) -> Result<Plan> {
        let mut dead = self.dead.clone();
        let mut changed = 0;
        for slot in ids.iter().filter_map(|&id| self.find(id)) {
            changed += dead.set(slot)? as u64;
        }
        Ok(Plan { dead, changed, ..self.unchanged() })
    }

    fn plan_meta(&mut self, ids: &[u64], records: &Given<'_>) -> Result<Plan> {
        let record = if self.log.is_some() { 8 } else { 0 };
        let _working = self.budget.take(ids.len() as u64 * (PLAN_BYTES + record))?;
        let (ids, records, keys) = self.resolve_meta(ids, records)?;
        Ok(Plan { changed: ids.len() as u64, ids: Some(ids), records: Some(records), keys, ..self.unchanged() })
    }

    /// A plan that leaves all as it is.
    fn unchanged(&self) -> Plan {
        Plan {
            dead: self.dead.clone(),
            id_map: self.id_map.clone(),
            kept: None,
            changed: 0,
            ids: None,
            assigned: self.assigned,
            next_id: self.next_id,
            records: None,
            keys: None,
        }
    }

    /// Hands the record of `batch` to the log, whole or not at all.
    fn log(&mut self, batch: &Batch<'_>, plan: &Plan) -> Result<()> {
        let Some(log) = self.log.as_mut() else { return Ok(()) };
        let lsn = self.lsn + 1;
        let ids = plan.ids.as_deref().unwrap_or(batch.ids());
        let count = (ids.len() as u64).to_le_bytes();
        let head: [&[u8]; 2] = [&count, bytemuck::cast_slice(ids)];
        let mut parts: Vec<&[u8]> = with_room(4)?;
        parts.extend(head);
        let mut kind = record::DELETE;
        if let Batch::Put { rows, .. } = batch {
            kind = record::PUT;
            match rows.packed() {
                Some(packed) => parts.push(packed),
                None => {
                    make_room(&mut parts, rows.count() + 2)?;
                    parts.extend((0..rows.count()).map(|i| rows.row(i)));
                }
            }
        }
        let none;
        match (&plan.records, batch) {
            (Some(records), _) => {
                kind = if kind == record::PUT { record::PUT_RECORDS } else { record::META };
                parts.extend([bytemuck::cast_slice(&records.lens), &records.bytes[..]]);
            }
            // So that replay knows that ids were given, and gives none of them again.
            (None, Batch::Put { .. }) if plan.assigned && plan.ids.is_some() => {
                kind = record::PUT_RECORDS;
                none = filled(0u32, ids.len())?;
                parts.push(bytemuck::cast_slice(&none));
            }
            _ => {}
        }
        let written = log.append(lsn, kind, &parts);
        let Err(error) = written else { return Ok(()) };
        let error = Error::from(error);
        // The log took the record back, unless that failed too.
        if log.has_failed() {
            self.failed = Some(error.clone());
        }
        Err(error)
    }

    fn apply(&mut self, batch: &Batch<'_>, plan: Plan) -> Reply {
        if let Batch::Put { ids, rows, .. } = batch {
            let ids = plan.ids.as_deref().unwrap_or(ids);
            let count = plan.kept.as_ref().map_or(ids.len(), Vec::len);
            let source = |i: usize| plan.kept.as_ref().map_or(i, |kept| kept[i]);
            let stride = self.vectors.stride();
            self.vectors.append(count, |from, room| match (rows.packed(), &plan.kept) {
                (Some(packed), None) => room.copy_from_slice(&packed[from * stride..][..room.len()]),
                _ => {
                    for (i, row) in room.chunks_exact_mut(stride).enumerate() {
                        row.copy_from_slice(rows.row(source(from + i)));
                    }
                }
            });
            self.ids.append(count, |from, room| {
                for (i, row) in room.chunks_exact_mut(8).enumerate() {
                    row.copy_from_slice(&ids[source(from + i)].to_le_bytes());
                }
            });
        }
        if let Some(Planned { bytes, changes, reserved, .. }) = plan.records {
            self.records.apply(&changes, |change| &bytes[change.from..][..change.len], reserved);
        }
        if let Some(keys) = plan.keys {
            self.keys = keys;
        }
        self.dead = plan.dead;
        self.id_map = plan.id_map;
        (self.next_id, self.assigned) = (plan.next_id, plan.assigned);
        self.lsn += 1;
        Reply { changed: plan.changed, ids: plan.ids }
    }
}

/// Ids with the row of the batch that each stands in, sorted by id.
type SortedIds = Vec<(u64, usize)>;

/// The ids of a batch, each once; and, when an id
/// stood twice, the rows that are kept (the last of each id wins). Twice is an
/// error unless rows may be replaced.
fn order(ids: &[u64], replace: bool) -> Result<(SortedIds, Option<Vec<usize>>)> {
    let mut sorted: SortedIds = collected(ids.iter().enumerate().map(|(at, &id)| (id, at)))?;
    if !sorted.is_sorted() {
        sorted.sort_unstable();
    }
    let repeat = sorted.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1).min();
    match repeat {
        None => Ok((sorted, None)),
        Some(at) if !replace => {
            Err(Error::new(ErrorKind::AlreadyExists, format!("id {} stands twice in the batch", ids[at])).at(at as u64))
        }
        Some(_) => {
            let mut last: SortedIds = with_room(sorted.len())?;
            for (id, at) in sorted {
                match last.last_mut() {
                    Some(previous) if previous.0 == id => *previous = (id, at),
                    _ => last.push((id, at)),
                }
            }
            let mut kept = collected(last.iter().map(|&(_, at)| at))?;
            kept.sort_unstable();
            Ok((last, Some(kept)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_repeated_id_wins_or_is_refused() {
        let (sorted, kept) = order(&[5, 3, 5, 1], true).unwrap();
        assert_eq!((sorted, kept), (vec![(1, 3), (3, 1), (5, 2)], Some(vec![1, 2, 3])));
        let refused = order(&[5, 3, 5, 3], false).unwrap_err();
        assert_eq!((refused.kind(), refused.item()), (ErrorKind::AlreadyExists, Some(2)));
        assert_eq!(order(&[2, 1], false).unwrap(), (vec![(1, 1), (2, 0)], None));
    }
}
