//! From ids to slots: a few immutable sorted runs, merged as they grow.
//!
//! A new batch adds a run; neighbouring runs of similar size are merged, so n
//! ids lie in O(log n) runs and a lookup is a few binary searches. Runs are
//! never changed, so a view keeps its answer by holding the list, a mapped
//! file is a run like any other, and the map costs 12 bytes an id.
//!
//! Only live slots count: every older slot of an id is dead (a row replaced or
//! deleted is tombstoned in the same batch), so the first hit from the newest
//! run backwards is the row, if it is live, and a dead entry may be dropped by
//! any merge.

use super::error::Result;
use crate::arena::{Budget, Rows, RowsMut};
use std::sync::Arc;

/// Entries sorted by id; one id at most once.
#[derive(Clone, Debug)]
pub struct Run {
    ids: Rows,
    slots: Rows,
    first: u64,
    last: u64,
}

impl Run {
    /// A run over sorted ids (8 bytes each) and their slots (4 bytes each).
    /// `None` when the two lengths differ or there is no entry.
    pub fn new(ids: Rows, slots: Rows) -> Option<Run> {
        if ids.is_empty() || ids.len() != slots.len() || ids.stride() != 8 || slots.stride() != 4 {
            return None;
        }
        let (first, last) = (read_u64(ids.row(0)), read_u64(ids.row(ids.len() - 1)));
        Some(Run { ids, slots, first, last })
    }

    /// A run of `entries`, sorted by id and without repeats, `most` at most.
    fn from_sorted(entries: impl Iterator<Item = (u64, u32)>, most: usize, budget: &Budget) -> Result<Option<Run>> {
        let mut ids = RowsMut::zeroed(most, 8, budget)?;
        let mut slots = RowsMut::zeroed(most, 4, budget)?;
        let places = ids.bytes_mut().chunks_exact_mut(8).zip(slots.bytes_mut().chunks_exact_mut(4));
        let mut count = 0;
        for ((id, slot), (id_place, slot_place)) in entries.zip(places) {
            id_place.copy_from_slice(&id.to_le_bytes());
            slot_place.copy_from_slice(&slot.to_le_bytes());
            count += 1;
        }
        Ok(Run::new(ids.freeze().truncated(count), slots.freeze().truncated(count)))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    fn entry(&self, i: usize) -> (u64, u32) {
        (read_u64(self.ids.row(i)), read_u32(self.slots.row(i)))
    }

    /// (id, slot) of each entry, by id.
    pub fn entries(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let ids = self.ids.bytes().chunks_exact(8).map(read_u64);
        ids.zip(self.slots.bytes().chunks_exact(4).map(read_u32))
    }

    fn find(&self, id: u64) -> Option<u32> {
        if id < self.first || id > self.last {
            return None;
        }
        let at = self.first_from(id);
        (at < self.ids.len()).then(|| self.entry(at)).filter(|e| e.0 == id).map(|e| e.1)
    }

    /// Place of the first entry whose id is not below `id`.
    fn first_from(&self, id: u64) -> usize {
        let (mut low, mut high) = (0, self.ids.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if read_u64(self.ids.row(middle)) < id { low = middle + 1 } else { high = middle }
        }
        low
    }
}

fn read_u64(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("id rows are 8 bytes"))
}

fn read_u32(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("slot rows are 4 bytes"))
}

/// The id map of a view: runs from oldest to newest.
#[derive(Clone, Debug, Default)]
pub struct IdMap {
    runs: Arc<Vec<Run>>,
}

impl IdMap {
    /// A map of one run (from a file), or of none.
    pub fn from_run(run: Option<Run>) -> IdMap {
        IdMap { runs: Arc::new(run.into_iter().collect()) }
    }

    /// The newest slot recorded for `id`. It is the row of `id` if it is live,
    /// and there is none otherwise.
    pub fn find(&self, id: u64) -> Option<u32> {
        self.runs.iter().rev().find_map(|run| run.find(id))
    }

    /// The largest id that any entry has, dead ones included.
    pub fn last(&self) -> Option<u64> {
        self.runs.iter().map(|run| run.last).max()
    }

    /// Bytes the map takes.
    pub fn bytes(&self) -> u64 {
        self.runs.iter().map(|r| r.len() as u64 * 12).sum()
    }

    /// Whether all runs lie in mapped files.
    pub fn is_mapped(&self) -> bool {
        self.runs.iter().all(|run| run.ids.is_mapped())
    }

    /// The map with `entries` (sorted by id, no repeats) added. Entries whose
    /// slot is `dead` may be dropped on the way.
    pub fn with(&self, entries: &[(u64, u32)], dead: &dyn Fn(u32) -> bool, budget: &Budget) -> Result<IdMap> {
        let newest = Run::from_sorted(entries.iter().copied(), entries.len(), budget)?;
        let Some(newest) = newest else { return Ok(self.clone()) };
        let mut runs = self.runs.as_ref().clone();
        // Binary-counter merging: each entry is moved O(log n) times in all.
        let mut count = newest.len();
        let mut parts = vec![newest];
        while let Some(older) = runs.pop_if(|older| older.len() < 2 * count) {
            count += older.len();
            parts.insert(0, older);
        }
        if parts.len() > 1 {
            let live = |slot| (!dead(slot)).then_some(slot);
            let whole = Run::from_sorted(merged(&parts, &live), count, budget)?;
            parts = whole.into_iter().collect();
        }
        runs.extend(parts);
        Ok(IdMap { runs: Arc::new(runs) })
    }

    /// All live entries, sorted by id, under new slot numbers (`None` drops the
    /// entry). Where two runs have a live entry of one id, the newer one's.
    pub fn entries<'a>(&'a self, new_slot: &'a dyn Fn(u32) -> Option<u32>) -> impl Iterator<Item = (u64, u32)> + 'a {
        merged(&self.runs, new_slot)
    }

    /// As [`IdMap::entries`] from the id `from` on, for a few of them: each is read as it comes.
    pub fn entries_from<'a>(
        &'a self,
        from: u64,
        new_slot: &'a dyn Fn(u32) -> Option<u32>,
    ) -> impl Iterator<Item = (u64, u32)> + 'a {
        let rest = move |run: &'a Run| (run.first_from(from)..run.len()).map(|i| run.entry(i));
        merged_from(self.runs.iter().map(rest), new_slot)
    }

    /// The live entries as one run.
    pub fn rebuilt(&self, new_slot: &dyn Fn(u32) -> Option<u32>, live: u64, budget: &Budget) -> Result<IdMap> {
        let most = self.runs.iter().map(Run::len).sum::<usize>().min(usize::try_from(live).unwrap_or(usize::MAX));
        Ok(IdMap::from_run(Run::from_sorted(self.entries(new_slot), most, budget)?))
    }
}

/// The live entries of `runs` (from oldest to newest), sorted by id; of two of one id the newer.
fn merged<'a>(runs: &'a [Run], new_slot: &'a dyn Fn(u32) -> Option<u32>) -> impl Iterator<Item = (u64, u32)> + 'a {
    merged_from(runs.iter().map(Run::entries), new_slot)
}

/// The same of what is left of each run.
fn merged_from<'a>(
    runs: impl Iterator<Item = impl Iterator<Item = (u64, u32)> + 'a>,
    new_slot: &'a dyn Fn(u32) -> Option<u32>,
) -> impl Iterator<Item = (u64, u32)> + 'a {
    let head = |run| {
        let mut rest = Iterator::filter_map(run, move |(id, slot)| Some((id, new_slot(slot)?)));
        Head { next: rest.next(), rest }
    };
    Merged { heads: runs.map(head).collect() }
}

/// A merge of runs that takes no memory of its own: there are few runs, so
/// the smallest head is found by looking at all of them.
struct Merged<I> {
    /// From oldest to newest: the rest of each run.
    heads: Vec<Head<I>>,
}

/// One run on its way through a merge.
struct Head<I> {
    next: Option<(u64, u32)>,
    rest: I,
}

impl<I: Iterator<Item = (u64, u32)>> Iterator for Merged<I> {
    type Item = (u64, u32);

    fn next(&mut self) -> Option<(u64, u32)> {
        let id = self.heads.iter().filter_map(|head| head.next).map(|(id, _)| id).min()?;
        let mut newest = None;
        for head in self.heads.iter_mut().filter(|head| head.next.is_some_and(|entry| entry.0 == id)) {
            newest = head.next;
            head.next = head.rest.next();
        }
        newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        /// Batches of upserts and deletes against a map: the newest live slot wins.
        #[test]
        fn agrees_with_a_map(batches in proptest::collection::vec(
            proptest::collection::btree_set(0u64..200, 1..40), 1..30), deletes in any::<u64>()) {
            let (mut map, mut model) = (IdMap::default(), BTreeMap::new());
            let mut dead = BTreeSet::new();
            let mut slot = 0u32;
            for (round, batch) in batches.iter().enumerate() {
                let entries: Vec<_> = batch.iter().map(|&id| { slot += 1; (id, slot) }).collect();
                for &(id, slot) in &entries {
                    dead.extend(model.insert(id, slot));
                }
                map = map.with(&entries, &|s| dead.contains(&s), &Budget::default()).unwrap();
                if deletes >> (round % 64) & 1 == 1 {
                    let id = batch.iter().next().copied().unwrap();
                    dead.extend(model.remove(&id));
                }
            }
            let live = |slot: &u32| !dead.contains(slot);
            for id in 0..200 {
                prop_assert_eq!(map.find(id).filter(live), model.get(&id).copied());
            }
            let renamed = |s| live(&s).then_some(s + 1000);
            prop_assert!(map.entries(&renamed).eq(model.iter().map(|(&id, &s)| (id, s + 1000))));
            for from in [0, 1, deletes % 200, 199, 200, u64::MAX] {
                let rest = model.range(from..).map(|(&id, &s)| (id, s + 1000));
                prop_assert!(map.entries_from(from, &renamed).eq(rest));
            }
            let whole = map.rebuilt(&renamed, model.len() as u64, &Budget::default()).unwrap();
            prop_assert_eq!(whole.bytes(), 12 * model.len() as u64);
            prop_assert!(model.iter().all(|(&id, &s)| whole.find(id) == Some(s + 1000)));
        }
    }

    #[test]
    fn single_row_batches_leave_few_runs() {
        let mut map = IdMap::default();
        for id in 0..1000u32 {
            map = map.with(&[(id as u64 * 7919 % 1000, id)], &|_| false, &Budget::default()).unwrap();
        }
        assert!(map.runs.len() <= 10, "{} runs", map.runs.len());
        assert!((0..1000).all(|id| map.find(id).is_some()));
        assert_eq!((map.find(1000), map.find(u64::MAX)), (None, None));
        assert_eq!(map.bytes(), 12_000);
    }
}
