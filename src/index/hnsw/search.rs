//! Walking the graph: greedy descent over the upper levels, then a beam on
//! level 0 (algorithms 2 and 5 of the HNSW paper, with one sorted pool).
//!
//! A step gathers the neighbours it has not met, and only then has their distances
//! computed, four at a time with the loading a few ahead (`Space::stream`): the order that
//! pyglass, zvec and VSAG found to matter most. Walks are generic over [`Store`], so that
//! searches and builds share them.

use super::Graph;
use super::links::{Entry, Store, places};
use crate::arena::{AllocError, Below, SlotBits, Visited};
use crate::index::pool::{candidate, node_of};
use crate::index::{Beam, Control, Outcome, Pool, Scratch, Space};

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
    ) -> Result<Outcome, AllocError> {
        let dead = (!dead.is_empty()).then_some(dead);
        let walk = Walk { store: self, space, query, dead };
        let Some(entry) = self.entry() else {
            scratch.pool.reset(beam, 0.0, 0)?;
            return Ok(Outcome::default());
        };
        let start = walk.descend(entry, 0, scratch)?;
        let (mut steps, mut stopped_early) = (0, false);
        walk.beam(0, start, beam, scratch, &mut |_, _| {
            steps += 1;
            stopped_early = steps % STEPS_BETWEEN_CHECKS == 0 && control.stop();
            !stopped_early
        })?;
        Ok(Outcome { stopped_early })
    }
}

/// Lets a walk run to its own end.
pub(super) fn to_the_end(_: &Pool, _: u64) -> bool {
    true
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

    /// The neighbours of `node` that are new to `visited`.
    #[inline]
    fn gather<'v>(&self, level: usize, node: u32, visited: &'v mut Visited) -> Below<'v> {
        visited.insert_all(places(self.store.links(level, node)))
    }

    /// Distances of the query to nodes; those without a row are left out.
    #[inline]
    fn each(&self, level: usize, nodes: Below<'_>, found: impl FnMut(u32, f32)) {
        if level == 0 {
            return self.space.each_met(self.query, nodes, found);
        }
        let slots = nodes.nodes().iter().filter_map(|&node| Some((self.store.slot(level, node)?, node)));
        self.space.each(self.query, slots, found);
    }

    /// Goes down greedily from the entry point; returns the node of `level` to
    /// start from. `level` must not be above the entry point.
    pub(super) fn descend(&self, entry: Entry, level: usize, scratch: &mut Scratch) -> Result<u32, AllocError> {
        if entry.level == 0 {
            return Ok(entry.slot);
        }
        let mut node = entry.ordinal;
        let mut nearest = self.distance(entry.level, node).map_or(u64::MAX, |d| candidate(d, node));
        scratch.distances += 1;
        // A node met before was no nearer than the nearest known then, so one
        // set serves all levels.
        scratch.visited_above.reset(self.store.end(1))?;
        scratch.visited_above.insert(node);
        for from in (level + 1..=entry.level).rev() {
            while self.step_nearer(from, &mut node, &mut nearest, scratch) {}
        }
        Ok(if level == 0 { self.store.slot(1, node).unwrap_or(entry.slot) } else { node })
    }

    /// Moves to the nearest neighbour of `node` if that is nearer.
    fn step_nearer(&self, level: usize, node: &mut u32, nearest: &mut u64, scratch: &mut Scratch) -> bool {
        let Scratch { visited_above, distances, .. } = scratch;
        let gathered = self.gather(level, *node, visited_above);
        *distances += gathered.nodes().len() as u64;
        let before = *nearest;
        self.each(level, gathered, |id, distance| *nearest = (*nearest).min(candidate(distance, id)));
        *node = if *nearest < before { node_of(*nearest) } else { *node };
        *nearest < before
    }

    /// Beam search on one level from `start`, into the pool. `go_on` is asked
    /// before each expansion, and is shown the pool and the candidate.
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
        go_on: &mut impl FnMut(&Pool, u64) -> bool,
    ) -> Result<(), AllocError> {
        let entry = self.store.entry();
        let origin = beam.adaptive.and(entry).map_or(0.0, |entry| self.space.origin(self.query, entry.slot));
        scratch.pool.reset(beam, origin, self.store.end(level) as usize)?;
        scratch.visited.reset(self.store.end(level))?;
        let entry = entry.filter(|_| level == 0).map(|entry| entry.slot);
        let Scratch { pool, visited, distances, .. } = scratch;
        for start in [Some(start), entry].into_iter().flatten().filter(|&node| visited.insert(node)) {
            *distances += 1;
            if let Some(distance) = self.distance(level, start) {
                self.offer(level, start, distance, pool);
            }
        }
        while let Some(next) = pool.next() {
            if !go_on(pool, next) {
                break;
            }
            let gathered = self.gather(level, node_of(next), visited);
            *distances += gathered.nodes().len() as u64;
            self.each(level, gathered, |node, distance| self.offer(level, node, distance, pool));
        }
        pool.check_memory()
    }

    /// Offers a node at a distance to the pool.
    #[inline(always)]
    fn offer(&self, level: usize, node: u32, distance: f32, pool: &mut Pool) {
        // Most offers end at this one comparison, so only this much is inlined; NaN passes it.
        if distance > pool.reach() {
            return;
        }
        self.keep(level, node, distance, pool);
    }

    #[inline(never)]
    fn keep(&self, level: usize, node: u32, distance: f32, pool: &mut Pool) {
        let offer = candidate(distance, node);
        let kept = match self.dead {
            Some(dead) if dead.get(node) => pool.insert_dead(offer),
            _ => pool.insert(offer),
        };
        if kept && level == 0 {
            self.store.prefetch_links(node);
        }
    }
}
