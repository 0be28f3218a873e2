//! The candidates of one search, sorted by (distance, node).
//!
//! One sorted array serves as result list and as frontier, as in pyglass and
//! zvec; two heaps, as in the HNSW paper, cost more per insertion. A candidate
//! is one u64 - ordered distance above, node and an `expanded` flag below - so
//! that one integer comparison gives a total order: NaN sorts last, and equal
//! distances are decided by the node, never by arrival.
//!
//! Only live candidates take places. Dead nodes, which route but are no
//! results, wait in a heap beside the array until they are expanded, so a pool
//! holds as many live candidates as it was asked for whenever they exist.

use super::{Adaptive, Beam};
use crate::arena::AllocError;
use crate::util::memory;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const EXPANDED: u64 = 1;

/// `distance` as an unsigned integer of the same order; every NaN is last.
#[inline]
pub(super) fn ordered(distance: f32) -> u32 {
    if distance.is_nan() {
        return u32::MAX;
    }
    // Adding zero turns -0.0 into 0.0: the two must tie.
    let bits = (distance + 0.0).to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

/// The distance that [`ordered`] was given.
#[inline]
pub(super) fn unordered(order: u32) -> f32 {
    f32::from_bits(if order >> 31 == 1 { order & !(1 << 31) } else { !order })
}

/// A candidate as one integer that sorts by (distance, node). `node < 2^31`.
#[inline]
pub(super) fn candidate(distance: f32, node: u32) -> u64 {
    (ordered(distance) as u64) << 32 | (node as u64) << 1
}

/// The node of a candidate.
#[inline]
pub(super) fn node_of(candidate: u64) -> u32 {
    candidate as u32 >> 1
}

/// The distance of a candidate.
#[inline]
pub(super) fn distance_of(candidate: u64) -> f32 {
    unordered((candidate >> 32) as u32)
}

/// A bounded list of live candidates, nearest first, and the dead ones that
/// still lead somewhere.
#[derive(Debug, Default)]
pub struct Pool {
    live: Vec<u64>,
    /// Dead and not expanded, nearest on top.
    dead: BinaryHeap<Reverse<u64>>,
    ef: usize,
    capacity: usize,
    adaptive: Option<Adaptive>,
    /// What distance counts as zero for the adaptive stop.
    origin: f32,
    /// No live candidate before this index is unexpanded.
    cursor: usize,
    /// Candidates at or beyond this one are of no use: neither kept nor expanded.
    keep_below: u64,
    /// A dead candidate found no memory since the last reset.
    starved: bool,
    /// Dead ones that may wait at once; whether some were left out for it.
    most_waiting: usize,
    left_out: bool,
}

impl Pool {
    /// Empties the pool for a search of `beam` among at most `nodes` candidates;
    /// ratios of distances refer to `origin`.
    pub(super) fn reset(&mut self, beam: Beam, origin: f32, nodes: usize) -> Result<(), AllocError> {
        self.live.clear();
        self.dead.clear();
        self.ef = beam.ef.max(1);
        self.capacity = self.ef.saturating_add(beam.slack);
        self.adaptive = beam.adaptive.filter(|a| a.k > 0 && a.k <= self.ef);
        self.origin = origin;
        self.cursor = 0;
        self.keep_below = u64::MAX;
        self.starved = false;
        (self.most_waiting, self.left_out) = (usize::MAX, false);
        memory::make_room(&mut self.live, self.capacity.min(nodes))
    }

    /// Bytes that the live candidates of a search of `beam` among `nodes` take.
    pub(super) fn bytes(beam: Beam, nodes: u32) -> u64 {
        (beam.ef.max(1) as u64).saturating_add(beam.slack as u64).min(nodes as u64) * 8
    }

    /// An error when a dead candidate had to be left out for want of memory.
    pub(super) fn check_memory(&self) -> Result<(), AllocError> {
        match self.starved {
            false => Ok(()),
            true => Err(AllocError::System { bytes: 16 * self.dead.len() as u64 }),
        }
    }

    /// Lets no more than `most` dead candidates wait until the next reset.
    pub(super) fn limit_waiting(&mut self, most: usize) {
        self.most_waiting = most;
    }

    /// Whether dead candidates were left out because too many waited.
    pub(super) fn has_left_out(&self) -> bool {
        self.left_out
    }

    /// Number of candidates.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether there is no candidate.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// The candidates as (distance, slot), nearest first, ties by slot.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (f32, u32)> + Clone + '_ {
        self.live.iter().map(|&c| (distance_of(c), node_of(c)))
    }

    /// The candidates, nearest first.
    pub(super) fn candidates(&self) -> impl Iterator<Item = u64> + '_ {
        self.live.iter().map(|&c| c & !EXPANDED)
    }

    /// The distance beyond which no candidate is of use; NaN while all are.
    #[inline]
    pub(super) fn reach(&self) -> f32 {
        distance_of(self.keep_below)
    }

    /// Adds a live candidate that is not in the pool; whether it found a place.
    #[inline]
    pub(super) fn insert(&mut self, candidate: u64) -> bool {
        // Most offers end here, so only this much is inlined into the walk.
        let useful = candidate < self.keep_below;
        if useful {
            self.place(candidate);
        }
        useful
    }

    #[inline(never)]
    fn place(&mut self, candidate: u64) {
        if self.live.len() == self.capacity {
            self.live.pop();
        }
        let at = self.live.partition_point(|&c| c < candidate);
        self.live.insert(at, candidate);
        self.cursor = self.cursor.min(at);
        self.update_bound(at);
    }

    /// Adds a dead candidate, which will be expanded but is no result.
    pub(super) fn insert_dead(&mut self, candidate: u64) -> bool {
        let useful = candidate < self.keep_below;
        if useful && self.dead.len() >= self.most_waiting {
            self.left_out = true;
            return false;
        }
        if useful && self.dead.len() == self.dead.capacity() {
            self.starved |= self.dead.try_reserve(1).is_err();
        }
        if useful && !self.starved {
            self.dead.push(Reverse(candidate));
        }
        useful
    }

    /// Takes the nearest candidate worth expanding, live or dead.
    #[inline]
    pub(super) fn next(&mut self) -> Option<u64> {
        let beam = self.live.len().min(self.ef);
        while self.cursor < beam && self.live[self.cursor] & EXPANDED != 0 {
            self.cursor += 1;
        }
        let live = if self.cursor < beam { self.live[self.cursor] } else { u64::MAX };
        let stop_at = self.expand_below();
        if let Some(&Reverse(dead)) = self.dead.peek()
            && dead < live.min(stop_at)
        {
            self.dead.pop();
            return Some(dead);
        }
        if live >= stop_at {
            return None;
        }
        self.live[self.cursor] |= EXPANDED;
        Some(live)
    }

    /// Candidates at or beyond this one are not expanded.
    fn expand_below(&self) -> u64 {
        let beam_end = if self.live.len() < self.ef { u64::MAX } else { self.live[self.ef - 1] | EXPANDED };
        beam_end.min(self.adaptive_stop())
    }

    /// The first candidate past the reach of the adaptive stop.
    fn adaptive_stop(&self) -> u64 {
        let Some(Adaptive { k, stretch }) = self.adaptive else { return u64::MAX };
        let Some(&kth) = self.live.get(k - 1) else { return u64::MAX };
        let away = distance_of(kth) - self.origin;
        if away >= 0.0 { (ordered(self.origin + away * stretch) as u64) << 32 | u32::MAX as u64 } else { u64::MAX }
    }

    /// The least [`Adaptive::stretch`] at which `candidate` is still expanded
    /// in a search for `k`; minus infinity while fewer than `k` are known.
    pub(super) fn stretch_of(&self, candidate: u64, k: usize) -> f32 {
        let Some(&kth) = self.live.get(k - 1) else { return f32::NEG_INFINITY };
        let (away, next) = (distance_of(kth) - self.origin, distance_of(candidate) - self.origin);
        match away > 0.0 {
            true => next / away,
            false if next > away => f32::INFINITY,
            false => 1.0,
        }
    }

    /// Live candidates that are nearer than `candidate`.
    pub(super) fn rank_of(&self, candidate: u64) -> usize {
        self.live.partition_point(|&c| c & !EXPANDED < candidate & !EXPANDED)
    }

    /// Recomputes `keep_below` after an insertion at `at`.
    #[inline]
    fn update_bound(&mut self, at: usize) {
        if self.live.len() == self.capacity {
            self.keep_below = self.live[self.capacity - 1];
        }
        let Some(Adaptive { k, .. }) = self.adaptive else { return };
        // What the rerank wants is kept even beyond the adaptive stop.
        let wanted = k + (self.capacity - self.ef);
        if at < wanted && self.live.len() >= wanted {
            self.keep_below = self.keep_below.min(self.adaptive_stop().max(self.live[wanted - 1]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn order_is_total_and_reversible() {
        let sorted = [f32::NEG_INFINITY, -2.5, -1e-40, 0.0, 1e-40, 1.0, f32::MAX, f32::INFINITY];
        for pair in sorted.windows(2) {
            assert!(ordered(pair[0]) < ordered(pair[1]), "{pair:?}");
        }
        assert!(sorted.iter().all(|&d| unordered(ordered(d)) == d));
        assert_eq!(ordered(-0.0), ordered(0.0));
        for nan in [f32::NAN, -f32::NAN] {
            assert!(ordered(nan) > ordered(f32::INFINITY));
            assert!(unordered(ordered(nan)).is_nan());
        }
    }

    #[test]
    fn a_candidate_keeps_its_parts() {
        let last = candidate(-1.5, (1 << 31) - 1);
        assert_eq!((distance_of(last), node_of(last | EXPANDED)), (-1.5, (1 << 31) - 1));
    }

    /// Feeds `offers` (distance, dead) as nodes 0.. and expands now and then;
    /// returns the live survivors and the expansions, in order.
    fn run(offers: &[(u8, bool)], beam: Beam, expand_every: usize) -> (Vec<u64>, Vec<u64>) {
        let mut pool = Pool::default();
        pool.reset(beam, 0.0, 1000).unwrap();
        let mut expanded = Vec::new();
        for (node, &(distance, dead)) in offers.iter().enumerate() {
            let c = candidate(distance as f32, node as u32);
            if dead {
                pool.insert_dead(c)
            } else {
                pool.insert(c)
            };
            if node % expand_every == 0 {
                expanded.extend(pool.next());
            }
        }
        while let Some(c) = pool.next() {
            expanded.push(c);
        }
        (pool.candidates().collect(), expanded)
    }

    proptest! {
        #[test]
        fn keeps_what_a_sorted_list_keeps(
            offers in proptest::collection::vec((0u8..20, any::<bool>()), 0..120),
            ef in 1usize..12, slack in 0usize..6, every in 1usize..9,
        ) {
            let (kept, expanded) = run(&offers, Beam::new(ef, slack), every);
            let all = offers.iter().enumerate();
            let mut live: Vec<u64> =
                all.clone().filter(|(_, o)| !o.1).map(|(n, o)| candidate(o.0 as f32, n as u32)).collect();
            live.sort_unstable();
            let end = live.get(ef - 1).map_or(u64::MAX, |&c| c + 1);
            live.truncate(ef + slack);
            prop_assert_eq!(&kept, &live);
            // Everything, dead or live, that is nearer than the ef-th live one was expanded, once.
            let mut due: Vec<u64> = all.map(|(n, o)| candidate(o.0 as f32, n as u32)).filter(|&c| c < end).collect();
            due.sort_unstable();
            let mut done = expanded.clone();
            done.sort_unstable();
            done.dedup();
            prop_assert_eq!(done.len(), expanded.len());
            prop_assert!(due.iter().all(|c| done.binary_search(c).is_ok()));
        }

        #[test]
        fn the_adaptive_stop_keeps_the_wanted_and_expands_no_farther(
            offers in proptest::collection::vec((0u8..200, any::<bool>()), 1..120),
            k in 1usize..5, slack in 0usize..5, stretch in 1.0f32..3.0,
        ) {
            let beam = Beam { ef: 50, slack, adaptive: Some(Adaptive { k, stretch }) };
            let (kept, expanded) = run(&offers, beam, offers.len());
            let all = offers.iter().enumerate();
            let mut live: Vec<u64> = all.filter(|(_, o)| !o.1).map(|(n, o)| candidate(o.0 as f32, n as u32)).collect();
            live.sort_unstable();
            let wanted = live.len().min(k + slack);
            prop_assert_eq!(&kept[..wanted], &live[..wanted]);
            if let Some(&kth) = live.get(k - 1) {
                // The very first offer is expanded before anything is known.
                prop_assert!(expanded.iter().skip(1).all(|&c| distance_of(c) <= distance_of(kth) * stretch));
            }
        }
    }
}
