//! Exact search: every live row of a range is compared. Serves the tail that
//! no graph covers yet, filters that few rows pass, and exact queries.
//!
//! Order is (distance, key): the caller names the key, usually the row's id,
//! so that ties come out the same wherever a row happens to lie. NaN is last.

use super::pool::{ordered, unordered};
use super::{Control, Outcome, Space};
use crate::arena::AllocError;
use crate::arena::{SlotBits, ones};
use crate::util::memory;
use std::ops::Range;

/// Rows compared by one kernel call: a power of two, from 64 up.
const BLOCK: u32 = 256;
/// Blocks with fewer than one live row in so many are compared row by row.
const SPARSE: u32 = 3;

/// A scan that its control ended.
const STOPPED: Outcome = Outcome { stopped_early: true, gave_up: false, left_out: false };

/// A slot and its distance, ordered by (distance, key): these and the slot from the upper bits down,
/// so that one comparison of numbers orders them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Hit(u128);

impl Hit {
    #[inline]
    fn new(order: u32, key: u64, slot: u32) -> Hit {
        Hit(u128::from(order) << 96 | u128::from(key) << 32 | u128::from(slot))
    }

    #[inline]
    fn order(self) -> u32 {
        (self.0 >> 96) as u32
    }

    #[inline]
    fn key(self) -> u64 {
        (self.0 >> 32) as u64
    }

    /// As (distance, slot, key).
    #[inline]
    fn parts(self) -> (f32, u32, u64) {
        (unordered(self.order()), self.0 as u32, self.key())
    }
}

/// The best `k` of all hits offered, in memory that is reused. Once there are more than `k` a heap with
/// the worst hit on top, so `k` may be millions; until then in any order, for they may be all.
#[derive(Debug, Default)]
pub struct TopK {
    hits: Vec<Hit>,
    k: usize,
    is_heap: bool,
    /// Hits up to this one, as (order, key), are not wanted. No distance has the order 0.
    after: (u32, u64),
}

impl TopK {
    /// Empties the list for the best `k`.
    pub fn reset(&mut self, k: usize) -> Result<(), AllocError> {
        self.reset_after(k, None)
    }

    /// Empties the list for the best `k` that come after a distance and key.
    pub fn reset_after(&mut self, k: usize, after: Option<(f32, u64)>) -> Result<(), AllocError> {
        self.hits.clear();
        self.is_heap = false;
        self.k = 0;
        memory::make_room(&mut self.hits, k)?;
        self.k = k;
        self.after = after.map_or((0, 0), |(distance, key)| (ordered(distance), key));
        Ok(())
    }

    /// Bytes that a list of the best `k` takes.
    pub fn bytes(k: usize) -> u64 {
        (k as u64).saturating_mul(size_of::<Hit>() as u64)
    }

    /// Number of hits kept.
    pub fn len(&self) -> usize {
        self.hits.len()
    }

    /// Whether there is no hit.
    pub fn is_empty(&self) -> bool {
        self.hits.is_empty()
    }

    /// The distance a further hit must not exceed to be kept, once `k` are.
    pub fn bound(&mut self) -> Option<f32> {
        if self.k == 0 || self.hits.len() < self.k {
            return None;
        }
        self.make_heap();
        self.heap_bound()
    }

    /// The same as far as it is known without making a heap of hits that may be all there are.
    #[inline]
    fn heap_bound(&self) -> Option<f32> {
        self.is_heap.then(|| unordered(self.hits[0].order()))
    }

    /// Offers a hit; `key` is asked only when the distance does not rule it out.
    #[inline]
    pub fn offer(&mut self, distance: f32, slot: u32, key: &dyn Fn(u32) -> u64) {
        let order = ordered(distance);
        if order <= self.after.0 && (order, key(slot)) <= self.after {
            return;
        }
        if self.hits.len() < self.k {
            self.hits.push(Hit::new(order, key(slot), slot));
        } else if self.k > 0 {
            self.make_heap();
            if order > self.hits[0].order() {
                return;
            }
            let hit = Hit::new(order, key(slot), slot);
            if hit < self.hits[0] {
                self.hits[0] = hit;
                self.sift_down(0);
            }
        }
    }

    /// Sorts the hits and returns them as (distance, slot, key), best first.
    /// Further offers need a [`TopK::reset`].
    pub fn sorted(&mut self) -> impl ExactSizeIterator<Item = (f32, u32, u64)> + Clone + '_ {
        self.hits.sort_unstable();
        self.is_heap = false;
        self.k = 0;
        self.hits.iter().map(|hit| hit.parts())
    }

    /// Hit number `i` of those that [`TopK::sorted`] returned.
    pub fn get(&self, i: usize) -> Option<(f32, u32, u64)> {
        self.hits.get(i).map(|hit| hit.parts())
    }

    /// How many of those come no later than a distance and key.
    pub fn up_to(&self, (distance, key): (f32, u64)) -> usize {
        let last = (ordered(distance), key);
        self.hits.partition_point(|hit| (hit.order(), hit.key()) <= last)
    }

    /// Puts the worst of the hits on top, and under each the better ones.
    #[inline]
    fn make_heap(&mut self) {
        if !self.is_heap {
            (0..self.hits.len() / 2).rev().for_each(|parent| self.sift_down(parent));
            self.is_heap = true;
        }
    }

    fn sift_down(&mut self, mut parent: usize) {
        loop {
            let left = 2 * parent + 1;
            let Some(first) = self.hits.get(left) else { return };
            let child = left + self.hits.get(left + 1).is_some_and(|second| second > first) as usize;
            if self.hits[child] <= self.hits[parent] {
                return;
            }
            self.hits.swap(child, parent);
            parent = child;
        }
    }
}

/// Offers every row of `slots` that exists and is not in `dead` to `top`.
pub fn scan(
    space: &Space,
    query: &[u8],
    slots: Range<u32>,
    dead: &SlotBits,
    key: &dyn Fn(u32) -> u64,
    top: &mut TopK,
    control: &dyn Control,
) -> Outcome {
    for block in blocks(space, slots) {
        if control.stop() {
            return STOPPED;
        }
        scan_block(space, query, block, dead, key, top);
    }
    Outcome::default()
}

/// As [`scan`] for many queries, each with its own list: a block of rows is
/// compared with all of them while it is in the cache.
pub fn scan_many(
    space: &Space,
    queries: &[Vec<u8>],
    slots: Range<u32>,
    dead: &SlotBits,
    key: &dyn Fn(u32) -> u64,
    tops: &mut [TopK],
) {
    for block in blocks(space, slots) {
        for (query, top) in queries.iter().zip(&mut *tops) {
            scan_block(space, query, block.clone(), dead, key, top);
        }
    }
}

/// `slots` as far as they exist, cut where a block or a chunk ends.
fn blocks(space: &Space, slots: Range<u32>) -> impl Iterator<Item = Range<u32>> {
    let shift = space.rows.shift();
    let end = slots.end.min(space.rows.end());
    let mut at = slots.start;
    std::iter::from_fn(move || {
        let first = at;
        if first >= end {
            return None;
        }
        let last = (first | (BLOCK - 1)).min(first | ((1 << shift) - 1)).min(end - 1);
        at = last + 1;
        Some(first..at)
    })
}

/// As [`scan`], for slots of one chunk and one block.
fn scan_block(
    space: &Space,
    query: &[u8],
    slots: Range<u32>,
    dead: &SlotBits,
    key: &dyn Fn(u32) -> u64,
    top: &mut TopK,
) {
    let live = live_slots(dead, &slots);
    let block = slots.start & !(BLOCK - 1);
    let count = live.iter().map(|word| word.count_ones()).sum::<u32>();
    if count * SPARSE < slots.len() as u32 {
        let live = live.iter().zip(0..).flat_map(|(&word, i)| ones(word).map(move |bit| block + 64 * i + bit));
        for slot in live {
            if let Some(distance) = space.distance(query, slot) {
                top.offer(distance, slot, key);
            }
        }
        return;
    }
    let shift = space.rows.shift();
    let Some(chunk) = space.rows.chunks().get((slots.start >> shift) as usize) else { return };
    let first = (slots.start & ((1 << shift) - 1)) as usize;
    let rows = first..(first + slots.len()).min(chunk.len());
    if rows.is_empty() || chunk.stride() < space.row_bytes(query.len()) {
        return;
    }
    let mut distances = [0.0; BLOCK as usize];
    let distances = &mut distances[..rows.len()];
    (space.kernel.scan)(query, chunk.slice(rows), chunk.stride(), distances);
    let mut bound = top.heap_bound();
    for (slot, &distance) in slots.zip(&*distances) {
        // Nearly every row ends at this one comparison; NaN does not.
        if bound.is_some_and(|bound| distance > bound) {
            continue;
        }
        let bit = slot - block;
        if live[bit as usize >> 6] >> (bit & 63) & 1 != 0 {
            top.offer(distance, slot, key);
            bound = top.heap_bound();
        }
    }
}

/// A bit for each slot of the block of `slots` that is one of them and not dead.
fn live_slots(dead: &SlotBits, slots: &Range<u32>) -> [u64; BLOCK as usize / 64] {
    let block = slots.start & !(BLOCK - 1);
    std::array::from_fn(|i| {
        let first = block + 64 * i as u32;
        if first >= slots.end {
            return 0;
        }
        let chunk = dead.chunk((first >> dead.shift()) as usize);
        let dead = chunk.map_or(0, |words| words[(first & ((1 << dead.shift()) - 1)) as usize >> 6]);
        let bit = |slot: u32| slot.saturating_sub(first).min(64);
        let below = |bit: u32| if bit == 64 { u64::MAX } else { (1 << bit) - 1 };
        below(bit(slots.end)) & !below(bit(slots.start)) & !dead
    })
}

/// Offers the row of each of `slots` that exists to `top`.
pub fn scan_slots(
    space: &Space,
    query: &[u8],
    slots: &[u32],
    key: &dyn Fn(u32) -> u64,
    top: &mut TopK,
    control: &dyn Control,
) -> Outcome {
    for slots in slots.chunks(BLOCK as usize) {
        if control.stop() {
            return STOPPED;
        }
        let slots = slots.iter().map(|&slot| (slot, slot));
        space.each(query, slots, |slot, distance| top.offer(distance, slot, key));
    }
    Outcome::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Unlimited;
    use crate::index::testing::*;
    use crate::kernel::{Metric, Scalar, kernel};
    use proptest::prelude::*;

    /// Keys that do not follow the slots.
    fn key(slot: u32) -> u64 {
        (slot as u64 * 7919) % 1009
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn both_scans_are_brute_force_with_ties_by_key(
            values in proptest::collection::vec((0u8..6, any::<bool>()), 1..700),
            (from, to) in (0u32..300, 0u32..900), k in 0usize..40,
            dead_until in 0usize..600, shift in 5u32..10,
        ) {
            // Stretches that are wholly or mostly dead take other paths than live ones.
            let values: Vec<(u8, bool)> = values
                .iter()
                .enumerate()
                .map(|(i, v)| (v.0, if i < dead_until { i % 32 != 9 || v.1 } else { v.1 }))
                .collect();
            let rows: Vec<Vec<u8>> = values.iter().map(|v| vec![v.0, 3]).collect();
            let space = Space { rows: table(&rows, shift), kernel: kernel(Metric::L2sq, Scalar::U8).unwrap() };
            let gone = dead((0..rows.len() as u32).filter(|&s| values[s as usize].1));
            let end = to.min(rows.len() as u32);
            let mut expected: Vec<(f32, u64, u32)> = (from..end.max(from))
                .filter(|&slot| !gone.get(slot))
                .map(|slot| (space.distance(&[2, 1], slot).unwrap(), key(slot), slot))
                .collect();
            expected.sort_by(|a, b| a.partial_cmp(b).unwrap());
            expected.truncate(k);
            let mut top = TopK::default();
            top.reset(k).unwrap();
            let _ = scan(&space, &[2, 1], from..to, &gone, &key, &mut top, &Unlimited);
            prop_assert_eq!(top.bound(), (k > 0 && expected.len() == k).then(|| expected[k - 1].0));
            let got: Vec<_> = top.sorted().map(|(d, slot, key)| (d, key, slot)).collect();
            prop_assert_eq!(&got, &expected);
            let mut both = [TopK::default(), TopK::default()];
            both.iter_mut().for_each(|top| top.reset(k).unwrap());
            scan_many(&space, &[vec![2, 1], vec![2, 1]], from..to, &gone, &key, &mut both);
            for mut top in both {
                prop_assert_eq!(&top.sorted().map(|(d, slot, key)| (d, key, slot)).collect::<Vec<_>>(), &expected);
            }
            top.reset(k).unwrap();
            let live: Vec<u32> = (from..to).filter(|&slot| !gone.get(slot)).collect();
            let _ = scan_slots(&space, &[2, 1], &live, &key, &mut top, &Unlimited);
            prop_assert_eq!(&top.sorted().map(|(d, slot, key)| (d, key, slot)).collect::<Vec<_>>(), &expected);
            // The same in pieces, each after the one before.
            let (mut pieces, mut after) = (Vec::new(), None);
            for _ in 0..=expected.len() {
                top.reset_after(3, after).unwrap();
                let _ = scan(&space, &[2, 1], from..to, &gone, &key, &mut top, &Unlimited);
                let found: Vec<_> = top.sorted().collect();
                prop_assert!((0..4).all(|i| top.get(i) == found.get(i).copied()));
                pieces.extend(found.iter().map(|&(d, slot, key)| (d, key, slot)));
                after = pieces.last().map(|&(d, key, _)| (d, key));
                prop_assert_eq!(after.map_or(0, |last| top.up_to(last)), found.len());
            }
            prop_assert_eq!(&pieces[..expected.len()], &expected[..]);
        }
    }

    #[test]
    fn a_huge_k_is_no_trouble() {
        let mut top = TopK::default();
        top.reset(200_000).unwrap();
        let mut random = Random(3);
        (0..400_000).for_each(|slot| top.offer(random.below(1000) as f32, slot, &u64::from));
        let order: Vec<(f32, u64)> = top.sorted().map(|(d, _, key)| (d, key)).collect();
        assert_eq!(order.len(), 200_000);
        assert!(order.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn nan_comes_last_and_is_replaced_first() {
        let rows: Vec<Vec<u8>> =
            [f32::NAN, 3.0, -f32::NAN, 1.0, 2.0].iter().map(|x| x.to_le_bytes().to_vec()).collect();
        let space = Space { rows: table(&rows, 5), kernel: kernel(Metric::L2sq, Scalar::F32).unwrap() };
        let mut top = TopK::default();
        for (k, expected) in [(5, vec![3, 4, 1, 0, 2]), (2, vec![3, 4])] {
            top.reset(k).unwrap();
            scan(&space, &0f32.to_le_bytes(), 0..5, &dead([]), &u64::from, &mut top, &Unlimited);
            assert_eq!(top.sorted().map(|(_, slot, _)| slot).collect::<Vec<_>>(), expected);
        }
    }
}
