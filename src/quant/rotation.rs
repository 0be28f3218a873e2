//! A rotation that spreads what a vector holds evenly over its components, so that
//! few bits a component serve all of them alike.
//!
//! Four rounds, each of random signs and a fast Hadamard transform, in turn over the
//! first and over the last components: the largest power of two of them, so that any
//! dimension rotates in O(dim log dim) without padding. "FhtKac" of RaBitQ
//! (Gao et al., arXiv 2409.09913) has the same shape; Ailon and Chazelle's fast
//! Johnson-Lindenstrauss transform is the origin.
//!
//! The signs follow from the dimension alone: rows encoded by any version of the library
//! must meet queries rotated by any other.

use crate::util::hash::mix;
use crate::util::memory::{AllocError, collected};

const ROUNDS: usize = 4;

/// The rotation of one dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotation {
    /// +1 or -1, already divided by the length that a transform adds: a row of them per round.
    signs: Vec<f32>,
    dim: usize,
    /// Components that a transform covers: the largest power of two within `dim`.
    block: usize,
}

impl Rotation {
    /// The rotation of vectors of `dim` components, 1 or more.
    pub fn new(dim: usize) -> Result<Rotation, AllocError> {
        let block = 1 << dim.ilog2();
        let norm = (block as f32).sqrt().recip();
        let sign = |(round, i): (usize, usize)| {
            let covered = block_of(round, dim, block).contains(&i);
            let positive = mix(i as u64, round as u64) >> 63 == 0;
            (if positive { 1.0 } else { -1.0 }) * if covered { norm } else { 1.0 }
        };
        let places = (0..ROUNDS).flat_map(|round| (0..dim).map(move |i| (round, i)));
        Ok(Rotation { signs: collected(places.map(sign))?, dim, block })
    }

    /// Rotates `v`, of as many components as the rotation has. Lengths and angles stay.
    pub fn apply(&self, v: &mut [f32]) {
        assert_eq!(v.len(), self.dim, "vector of the wrong dimension");
        for (round, signs) in self.signs.chunks_exact(self.dim).enumerate() {
            v.iter_mut().zip(signs).for_each(|(x, sign)| *x *= sign);
            hadamard(&mut v[block_of(round, self.dim, self.block)]);
        }
    }

    /// Takes [`Rotation::apply`] back: each round is its own inverse but for the order of its two halves.
    pub fn undo(&self, v: &mut [f32]) {
        assert_eq!(v.len(), self.dim, "vector of the wrong dimension");
        for (round, signs) in self.signs.chunks_exact(self.dim).enumerate().rev() {
            hadamard(&mut v[block_of(round, self.dim, self.block)]);
            v.iter_mut().zip(signs).for_each(|(x, sign)| *x *= sign);
        }
    }
}

/// The components that the transform of a round covers.
fn block_of(round: usize, dim: usize, block: usize) -> std::ops::Range<usize> {
    if round.is_multiple_of(2) { 0..block } else { dim - block..dim }
}

/// The Walsh-Hadamard transform of a power of two of components, without its norm.
fn hadamard(v: &mut [f32]) {
    // The first steps pair neighbours: written out, for vector registers are wider than their strides.
    let (fours, rest) = v.as_chunks_mut::<4>();
    for four in fours {
        let [a, b, c, d] = *four;
        let (sum, difference) = ([a + b, a - b], [c + d, c - d]);
        *four = [sum[0] + difference[0], sum[1] + difference[1], sum[0] - difference[0], sum[1] - difference[1]];
    }
    if let [a, b] = rest {
        (*a, *b) = (*a + *b, *a - *b);
    }
    step::<4>(v);
    step::<8>(v);
    let mut half = 16;
    while half < v.len() {
        for pair in v.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (a, b) in low.as_chunks_mut::<16>().0.iter_mut().zip(high.as_chunks_mut::<16>().0) {
                butterflies(a, b);
            }
        }
        half *= 2;
    }
}

/// One step of the transform; nothing where there are fewer than two times `HALF` components.
#[inline(always)]
fn step<const HALF: usize>(v: &mut [f32]) {
    let (halves, _) = v.as_chunks_mut::<HALF>();
    for pair in halves.chunks_exact_mut(2) {
        let [a, b] = pair else { return };
        butterflies(a, b);
    }
}

/// Sums in the place of the first, differences in that of the second.
#[inline(always)]
fn butterflies<const N: usize>(a: &mut [f32; N], b: &mut [f32; N]) {
    for i in 0..N {
        (a[i], b[i]) = (a[i] + b[i], a[i] - b[i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(v: &[f32]) -> f64 {
        v.iter().map(|x| (*x as f64).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn lengths_and_distances_stay() {
        for dim in [1, 2, 3, 31, 64, 100, 384, 1000] {
            let rotation = Rotation::new(dim).unwrap();
            let make = |seed: u64| (0..dim).map(|i| (mix(i as u64, seed) >> 40) as f32 / 1e6 - 8.0).collect::<Vec<_>>();
            let (mut a, mut b) = (make(1), make(2));
            let difference = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x - y).collect::<Vec<_>>();
            let before = (length(&a), length(&difference(&a, &b)));
            rotation.apply(&mut a);
            rotation.apply(&mut b);
            let after = (length(&a), length(&difference(&a, &b)));
            assert!((before.0 - after.0).abs() < 1e-5 * before.0, "{dim}: {before:?} {after:?}");
            assert!((before.1 - after.1).abs() <= 1e-5 * before.0, "{dim}: {before:?} {after:?}");
        }
    }

    #[test]
    fn a_rotation_can_be_taken_back() {
        for dim in [1, 2, 3, 31, 64, 100, 384, 1000] {
            let rotation = Rotation::new(dim).unwrap();
            let v: Vec<f32> = (0..dim).map(|i| (mix(i as u64, 1) >> 40) as f32 / 1e6 - 8.0).collect();
            let mut back = v.clone();
            rotation.apply(&mut back);
            rotation.undo(&mut back);
            let largest = v.iter().zip(&back).fold(0.0f32, |largest, (x, y)| largest.max((x - y).abs()));
            assert!(largest < 1e-4, "{dim}: {largest}");
        }
    }

    #[test]
    fn the_transform_is_the_plain_one() {
        for size in [1, 2, 4, 8, 16, 32, 256] {
            let v: Vec<f32> = (0..size).map(|i| (mix(i, 5) >> 60) as f32).collect();
            let sign = |i: usize, j: usize| if (i & j).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
            let entry = |i| v.iter().enumerate().map(|(j, x)| sign(i, j) * x).sum::<f32>();
            let expected: Vec<f32> = (0..v.len()).map(entry).collect();
            let mut got = v.clone();
            hadamard(&mut got);
            assert_eq!(got, expected, "{size} components");
        }
    }

    #[test]
    fn one_component_is_spread_over_all() {
        for dim in [48, 96, 384, 1000] {
            let rotation = Rotation::new(dim).unwrap();
            for at in [0, dim / 2, dim - 1] {
                let mut v = vec![0.0; dim];
                v[at] = 1.0;
                rotation.apply(&mut v);
                let largest = v.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
                assert!(largest < 6.0 / (dim as f32).sqrt(), "{dim}, {at}: {largest}");
            }
        }
    }

    #[test]
    fn the_signs_are_the_same_for_ever() {
        let mut v = vec![1.0, 2.0, 3.0];
        Rotation::new(3).unwrap().apply(&mut v);
        assert_eq!(v.iter().map(|x| (x * 1e4) as i32).collect::<Vec<_>>(), [26464, -21035, 16035]);
    }
}
