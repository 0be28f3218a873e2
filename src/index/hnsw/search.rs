//! Walking the graph: greedy descent over the upper levels, then a beam on
//! level 0 (algorithms 2 and 5 of the HNSW paper, with one sorted pool).
//!
//! A step gathers the neighbours it has not met, starts loading their rows a
//! few ahead, and only then computes distances: the order that pyglass, zvec
//! and VSAG found to matter most. Walks are generic over [`Store`], so that
//! searches and builds share them.

use super::Graph;
use super::links::{Entry, Store, ids};
use crate::index::pool::{candidate, node_of};
use crate::index::visited::Visited;
use crate::index::{Beam, Control, Outcome, Scratch, Space};
use crate::util::bits::SlotBits;

/// Rows whose loading runs ahead of the distance computations.
const AHEAD: usize = 8;
/// Expansions between two questions to the [`Control`].
const STEPS_BETWEEN_CHECKS: usize = 64;

impl Graph {
    /// Finds candidates near `query` (a code as `space` holds them), leaving
    /// them in `scratch.pool`, nearest first, ties by slot. Slots in `dead`
    /// lead the way but are no candidates. `space` must be the one the graph
    /// was built on, or one with the same rows under the same slots.
    pub fn search(
        &self,
        space: &Space,
        query: &[u8],
        beam: Beam,
        dead: &SlotBits,
        scratch: &mut Scratch,
        control: &dyn Control,
    ) -> Outcome {
        let dead = (!dead.is_empty()).then_some(dead);
        let walk = Walk { store: self, space, query, dead };
        let Some(entry) = self.entry() else {
            scratch.pool.reset(beam, 0.0);
            return Outcome::default();
        };
        let start = walk.descend(entry, 0, scratch);
        walk.beam(0, start, beam, scratch, control)
    }
}

/// A query on its way through a graph.
pub(super) struct Walk<'a, S> {
    pub(super) store: &'a S,
    pub(super) space: &'a Space,
    pub(super) query: &'a [u8],
    /// Slots that lead the way but are no candidates; `None` when there are none.
    pub(super) dead: Option<&'a SlotBits>,
}

impl<S: Store> Walk<'_, S> {
    /// Distance of the query to a node.
    #[inline]
    fn distance(&self, level: usize, node: u32) -> Option<f32> {
        self.space.distance(self.query, self.store.slot(level, node)?)
    }

    #[inline]
    fn prefetch(&self, level: usize, node: u32) {
        if let Some(slot) = self.store.slot(level, node) {
            self.space.prefetch(slot, self.query.len());
        }
    }

    /// Leaves in `gathered` the neighbours of `node` that are new to `visited`.
    #[inline]
    fn gather(&self, level: usize, node: u32, visited: &mut Visited, gathered: &mut Vec<u32>) {
        let links = self.store.links(level, node);
        gathered.resize(links.len() / 4, 0);
        let new = visited.insert_all(ids(links), gathered);
        gathered.truncate(new);
    }

    /// Goes down greedily from the entry point; returns the node of `level` to
    /// start from. `level` must not be above the entry point.
    pub(super) fn descend(&self, entry: Entry, level: usize, scratch: &mut Scratch) -> u32 {
        if entry.level == 0 {
            return entry.slot;
        }
        let mut node = entry.ordinal;
        let mut nearest = self.distance(entry.level, node).map_or(u64::MAX, |d| candidate(d, node));
        scratch.distances += 1;
        // A node met before was no nearer than the nearest known then, so one
        // set serves all levels.
        scratch.visited_above.reset(self.store.end(1));
        scratch.visited_above.insert(node);
        for from in (level + 1..=entry.level).rev() {
            while self.step_nearer(from, &mut node, &mut nearest, scratch) {}
        }
        if level == 0 { self.store.slot(1, node).unwrap_or(entry.slot) } else { node }
    }

    /// Moves to the nearest neighbour of `node` if that is nearer.
    fn step_nearer(&self, level: usize, node: &mut u32, nearest: &mut u64, scratch: &mut Scratch) -> bool {
        let Scratch { visited_above, gathered, distances, .. } = scratch;
        self.gather(level, *node, visited_above, gathered);
        gathered.iter().for_each(|&id| self.prefetch(level, id));
        let before = *nearest;
        for &id in gathered.iter() {
            *distances += 1;
            let Some(distance) = self.distance(level, id) else { continue };
            *nearest = (*nearest).min(candidate(distance, id));
        }
        *node = if *nearest < before { node_of(*nearest) } else { *node };
        *nearest < before
    }

    /// Beam search on one level from `start`, into the pool.
    ///
    /// On level 0 the entry point is offered too: every node is reachable from
    /// there, but perhaps not from `start`, so a beam as wide as the graph finds
    /// everything. It costs one distance.
    pub(super) fn beam(
        &self,
        level: usize,
        start: u32,
        beam: Beam,
        scratch: &mut Scratch,
        control: &dyn Control,
    ) -> Outcome {
        let entry = self.store.entry();
        let origin = beam.adaptive.and(entry).map_or(0.0, |entry| self.space.origin(self.query, entry.slot));
        scratch.pool.reset(beam, origin);
        scratch.visited.reset(self.store.end(level));
        let entry = entry.filter(|_| level == 0).map(|entry| entry.slot);
        let Scratch { visited, gathered, .. } = &mut *scratch;
        gathered.clear();
        gathered.extend([Some(start), entry].into_iter().flatten().filter(|&node| visited.insert(node)));
        self.offer_gathered(level, scratch);
        let mut steps = 0;
        while let Some(next) = scratch.pool.next() {
            let Scratch { visited, gathered, .. } = &mut *scratch;
            self.gather(level, node_of(next), visited, gathered);
            self.offer_gathered(level, scratch);
            steps += 1;
            if steps % STEPS_BETWEEN_CHECKS == 0 && control.stop() {
                return Outcome { stopped_early: true };
            }
        }
        Outcome::default()
    }

    /// Computes the distances of the gathered nodes and offers them to the pool.
    #[inline]
    fn offer_gathered(&self, level: usize, scratch: &mut Scratch) {
        let Scratch { pool, gathered, distances, .. } = scratch;
        gathered.iter().take(AHEAD).for_each(|&id| self.prefetch(level, id));
        for (i, &id) in gathered.iter().enumerate() {
            if let Some(&later) = gathered.get(i + AHEAD) {
                self.prefetch(level, later);
            }
            let Some(distance) = self.distance(level, id) else { continue };
            *distances += 1;
            let offer = candidate(distance, id);
            let kept = match self.dead {
                Some(dead) if dead.get(id) => pool.insert_dead(offer),
                _ => pool.insert(offer),
            };
            if kept && level == 0 {
                self.store.prefetch_links(id);
            }
        }
    }
}
