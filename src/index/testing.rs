//! Data and plain references for the tests of this part.

use super::{Beam, Graph, Params, Scratch, Space, Terms, Unlimited, flat};
use crate::arena::{Budget, RowTable, RowsMut, SlotBits};
use crate::kernel::{Metric, Scalar, kernel};
use crate::util::hash::mix;
use rayon::ThreadPool;

/// Numbers that depend on the seed alone.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0, 7)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Standard normal, near enough: a sum of uniforms.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| (self.next() >> 40) as f32 / (1 << 24) as f32).sum::<f32>() - 6.0
    }
}

/// `count` rows of `dim` components in `clusters` gaussian clusters.
pub(super) fn clustered(count: usize, dim: usize, clusters: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut centres = Random(99);
    let centres: Vec<Vec<f32>> = (0..clusters).map(|_| (0..dim).map(|_| 2.0 * centres.normal()).collect()).collect();
    let mut random = Random(seed << 32);
    (0..count)
        .map(|_| {
            let centre = &centres[random.below(clusters)];
            centre.iter().map(|c| c + random.normal()).collect()
        })
        .collect()
}

/// `row` brought to `length`.
pub(super) fn of_length(row: &[f32], length: f32) -> Vec<f32> {
    let factor = length / row.iter().map(|x| x * x).sum::<f32>().sqrt();
    row.iter().map(|x| x * factor).collect()
}

/// Components as stored: f32, i8, or the sign as one bit.
pub(super) fn packed(row: &[f32], scalar: Scalar) -> Vec<u8> {
    match scalar {
        Scalar::F32 => row.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Scalar::I8 => row.iter().map(|x| (x * 12.0).clamp(-127.0, 127.0) as i8 as u8).collect(),
        Scalar::B1 => row.chunks(8).map(|c| c.iter().rev().fold(0, |b, x| b << 1 | (*x > 0.0) as u8)).collect(),
        other => unreachable!("no test packs {other:?}"),
    }
}

/// Rows in chunks of `1 << shift`.
pub(super) fn table(rows: &[Vec<u8>], shift: u32) -> RowTable {
    let chunk = |rows: &[Vec<u8>]| {
        let mut chunk = RowsMut::zeroed(rows.len(), rows[0].len(), &Budget::default()).unwrap();
        chunk.bytes_mut().copy_from_slice(&rows.concat());
        chunk.freeze()
    };
    RowTable::new(rows.chunks(1 << shift).map(chunk).collect(), shift)
}

pub(super) fn space(rows: &[Vec<f32>], metric: Metric, scalar: Scalar) -> Space {
    let packed: Vec<Vec<u8>> = rows.iter().map(|r| packed(r, scalar)).collect();
    Space { rows: table(&packed, 9), kernel: kernel(metric, scalar).unwrap() }
}

pub(super) fn threads(count: usize) -> ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap()
}

pub(super) fn dead(slots: impl IntoIterator<Item = u32>) -> SlotBits {
    let mut dead = SlotBits::new(9);
    slots.into_iter().for_each(|slot| {
        dead.set(slot).unwrap();
    });
    dead
}

pub(super) const PARAMS: Params = Params { m: 8, ef_construction: 60, seed: 5 };

/// `graph` and the slots up to `upto`, on two threads.
pub(super) fn extended(graph: &Graph, space: &Space, upto: u32, dead: &SlotBits) -> Graph {
    graph.extend(space, &u64::from, upto, dead, &threads(2), &()).unwrap()
}

/// The exact `k` nearest live slots below `end`.
pub(super) fn exact(space: &Space, query: &[u8], end: u32, dead: &SlotBits, k: usize) -> Vec<u32> {
    let mut top = flat::TopK::default();
    top.reset(k).unwrap();
    flat::scan(space, query, 0..end, dead, &u64::from, &mut top, &Unlimited);
    top.sorted().map(|(_, slot, _)| slot).collect()
}

/// What `graph` finds, nearest first.
pub(super) fn found(graph: &Graph, space: &Space, query: &[u8], ef: usize, dead: &SlotBits) -> Vec<(f32, u32)> {
    let mut scratch = Scratch::default();
    graph.search(space, query, Beam::new(ef, 0), &Terms::new(dead, &Unlimited), &mut scratch).unwrap();
    scratch.pool.iter().collect()
}

/// Share of the exact 10 nearest that `graph` finds with `ef`, over `queries`.
/// A result as near as the tenth counts: ties are no misses.
pub(super) fn recall(graph: &Graph, space: &Space, queries: &[Vec<u8>], ef: usize, dead: &SlotBits) -> f64 {
    let mut right = 0;
    let mut wanted = 0;
    for query in queries {
        let truth = exact(space, query, graph.len(), dead, 10);
        let Some(limit) = truth.last().and_then(|&slot| space.distance(query, slot)) else { continue };
        wanted += truth.len();
        let hits = found(graph, space, query, ef, dead);
        right += hits.iter().take(10).filter(|&&(distance, _)| distance <= limit).count();
    }
    right as f64 / wanted as f64
}
