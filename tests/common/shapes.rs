//! Generated data, in the shapes that graph and codes find hard. Fixed seeds: the
//! same values on every machine.

use super::rows::Rows;
use vdb::kernel::Scalar;

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 <= value < `below`.
    pub fn below(&mut self, below: usize) -> usize {
        (self.next() % below as u64) as usize
    }

    /// Evenly from [0, 1).
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Roughly normal, mean 0 and deviation 1 (sum of twelve even ones).
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }
}

/// How the rows lie in space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Normal clouds around random centres, overlapping.
    Clusters,
    /// 20 clouds whose width is a thousandth of the space between them.
    TightClusters,
    /// One normal cloud far from the origin: all rows point the same way.
    Offset,
    /// One normal cloud, lengths spread from 0.1 to 10.
    Lengths,
    /// 50 distinct rows, each stored over and over.
    Duplicates,
}

impl Shape {
    /// `count` vectors of `dim` plain values.
    fn values(self, rng: &mut Rng, centres: &[f32], dim: usize, count: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(count * dim);
        for _ in 0..count {
            let centre = &centres[rng.below(centres.len() / dim) * dim..][..dim];
            let length = if self == Shape::Lengths { 10f32.powf(2.0 * rng.unit() - 1.0) } else { 1.0 };
            values.extend(centre.iter().map(|c| match self {
                Shape::Clusters => c + 0.5 * rng.normal(),
                Shape::TightClusters => 100.0 * c + 0.1 * rng.normal(),
                Shape::Offset => 100.0 + rng.normal(),
                Shape::Lengths => length * rng.normal(),
                Shape::Duplicates => *c,
            }));
        }
        values
    }

    /// Rows and queries of one scalar type, drawn alike.
    pub fn rows(self, scalar: Scalar, dim: usize, count: usize, queries: usize) -> (Rows, Rows) {
        let mut rng = Rng(dim as u64);
        let centres = match self {
            Shape::TightClusters => 20,
            Shape::Duplicates => 50,
            _ => 40,
        };
        let centres: Vec<f32> = (0..centres * dim).map(|_| rng.normal()).collect();
        let mut values = self.values(&mut rng, &centres, dim, count + queries);
        to_range(scalar, &mut values);
        let rows = Rows::encode(scalar, dim, &values);
        (rows.slice(0, count), rows.slice(count, queries))
    }
}

/// Scales the values to the whole numbers an integer type holds; leaves floats alone.
fn to_range(scalar: Scalar, values: &mut [f32]) {
    let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let largest = high.max(-low);
    match scalar {
        Scalar::I8 => values.iter_mut().for_each(|v| *v = (*v / largest * 127.0).round()),
        Scalar::U8 => values.iter_mut().for_each(|v| *v = ((*v - low) / (high - low) * 255.0).round()),
        Scalar::F32 | Scalar::F16 | Scalar::Bf16 | Scalar::B1 => {}
    }
}
