//! Walking the graph: greedy descent over the upper levels, then a beam on
//! level 0 (algorithms 2 and 5 of the HNSW paper, with one sorted pool).
//!
//! A step gathers the neighbours it has not met, and only then has their distances
//! computed, four at a time with the loading a few ahead (`Space::stream`): the order that
//! pyglass, zvec and VSAG found to matter most. Walks are generic over [`Store`], so that
//! searches and builds share them.

use super::Graph;
use super::links::{Entry, Store, ids, places};
use crate::arena::{AllocError, Below, SlotBits, Visited};
use crate::index::pool::{candidate, node_of};
use crate::index::{Beam, Outcome, Over, Past, Pool, Scratch, Space, Terms};
use crate::util::memory;

/// Expansions between two questions to the [`Control`].
const STEPS_BETWEEN_CHECKS: u64 = 64;

impl Graph {
    /// Finds candidates near `query` (a code as `space` holds them), leaving
    /// them in `scratch.pool`, nearest first, ties by slot. Blocked slots may
    /// lead the way but are no candidates. `space` must be the one the graph
    /// was built on, or one with the same rows under the same slots.
    pub fn search(
        &self,
        space: &Space,
        query: &[u8],
        beam: Beam,
        terms: &Terms<'_>,
        scratch: &mut Scratch,
    ) -> Result<Outcome, AllocError> {
        let blocked = (!terms.blocked.is_empty()).then_some(terms.blocked);
        let Terms { past_blocked, most_waiting, .. } = *terms;
        let walk = Walk { store: self, space, query, blocked, past_blocked, most_waiting };
        let Some(entry) = self.entry() else {
            scratch.pool.reset(beam, 0.0, 0)?;
            return Ok(Outcome::default());
        };
        let end = scratch.distances.saturating_add(terms.most_distances);
        let start = walk.descend(entry, 0, scratch)?;
        let (mut steps, mut outcome) = (0u64, Outcome::default());
        walk.beam(0, start, beam, scratch, &mut |_, _, distances| {
            steps += 1;
            outcome.stopped_early = steps.is_multiple_of(STEPS_BETWEEN_CHECKS) && terms.control.stop();
            outcome.gave_up = distances >= end;
            !outcome.stopped_early && !outcome.gave_up
        })?;
        scratch.expanded = steps;
        outcome.left_out = scratch.pool.has_left_out();
        Ok(outcome)
    }
}

/// Lets a walk run to its own end.
pub(super) fn to_the_end(_: &Pool, _: u64, _: u64) -> bool {
    true
}

/// A query on its way through a graph.
pub(super) struct Walk<'a, S> {
    pub(super) store: &'a S,
    pub(super) space: &'a Space,
    pub(super) query: &'a [u8],
    /// Slots that are no candidates; `None` when there are none.
    pub(super) blocked: Option<&'a SlotBits>,
    /// How to get past them on level 0.
    pub(super) past_blocked: Past,
    /// How many of them may wait at once.
    pub(super) most_waiting: usize,
}

impl<'a, S: Store> Walk<'a, S> {
    /// A walk to which all nodes are candidates.
    pub(super) fn new(store: &'a S, space: &'a Space, query: &'a [u8]) -> Walk<'a, S> {
        Walk { store, space, query, blocked: None, past_blocked: Past::Through, most_waiting: usize::MAX }
    }

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

    /// The neighbours on level 0 of `node` that are new and not blocked, and for those that are blocked
    /// theirs, while they are no more than two rows of links.
    fn gather_over(
        &self,
        node: u32,
        blocked: &SlotBits,
        visited: &mut Visited,
        over: &mut Over,
    ) -> Result<(), AllocError> {
        let Over { found, blocked: through } = over;
        found.clear();
        through.clear();
        let links = self.store.links(0, node);
        let row = places(links);
        let most = 2 * row.len();
        memory::make_room(found, most)?;
        memory::make_room(through, row.len())?;
        for near in ids(links) {
            if !blocked.get(near) {
                found.extend(visited.insert(near).then_some(near));
            } else if !visited.contains(near) {
                self.store.prefetch_links(near);
                through.push(near);
            }
        }
        // One that there is no room for is met again from elsewhere.
        for &near in through.iter().filter(|&&near| near < self.store.end(0)) {
            if found.len() >= most {
                break;
            }
            visited.insert(near);
            for next in ids(self.store.links(0, near)).take(most - found.len()) {
                if !blocked.get(next) && visited.insert(next) {
                    found.push(next);
                }
            }
        }
        Ok(())
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
    /// before each expansion, and is shown the pool, the candidate and the distances computed.
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
        go_on: &mut impl FnMut(&Pool, u64, u64) -> bool,
    ) -> Result<(), AllocError> {
        let entry = self.store.entry();
        let origin = beam.adaptive.and(entry).map_or(0.0, |entry| self.space.origin(self.query, entry.slot));
        scratch.pool.reset(beam, origin, self.store.end(level) as usize)?;
        scratch.pool.limit_waiting(self.most_waiting);
        scratch.visited.reset(self.store.end(level))?;
        let entry = entry.filter(|_| level == 0).map(|entry| entry.slot);
        let Scratch { pool, visited, distances, over, .. } = scratch;
        let step_over = self.blocked.filter(|_| level == 0 && self.past_blocked == Past::Over);
        for start in [Some(start), entry].into_iter().flatten().filter(|&node| visited.insert(node)) {
            *distances += 1;
            if let Some(distance) = self.distance(level, start) {
                self.offer(level, start, distance, pool);
            }
        }
        while let Some(next) = pool.next() {
            if !go_on(pool, next, *distances) {
                break;
            }
            if let Some(blocked) = step_over {
                self.gather_over(node_of(next), blocked, visited, over)?;
                *distances += over.found.len() as u64;
                let slots = over.found.iter().map(|&node| (node, node));
                self.space.each(self.query, slots, |node, distance| self.offer(level, node, distance, pool));
                continue;
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
        let kept = match self.blocked {
            Some(blocked) if blocked.get(node) => pool.insert_dead(offer),
            _ => pool.insert(offer),
        };
        if kept && level == 0 {
            self.store.prefetch_links(node);
        }
    }
}
