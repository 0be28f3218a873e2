//! Product quantisation (Jégou, Douze and Schmid, 2011) with sixteen centroids a subspace: the components are cut
//! into runs, and of each run a row keeps the number of the nearest centroid, half a byte.
//!
//! The query becomes a table of its distances to all centroids, a byte each (André et al., "Cache locality is not
//! enough", VLDB 2015), so that a distance is a sum of looked-up bytes. Vectors are not rotated: what
//! neighbouring components have in common is what the centroids learn.

use super::codec::Code;
use super::sq8::{Space, inverse_length};
use crate::kernel::{Form, Kernel, Metric, code_kernel};
use crate::util::memory::{AllocError, collected, filled, with_room};
use std::ops::Range;

/// Centroids of a subspace.
const CENTROIDS: usize = 16;
/// Subspaces whose half bytes, and whose tables, lie together.
const GROUP: usize = 32;
/// Bytes of a query before its tables: what a byte is worth, and what is added to all distances.
const QUERY_HEAD: usize = 8;
/// Bytes of [`Pq::to_bytes`] before the centroids.
const FIELDS: usize = 12;
/// Rows that centroids are made of, spread evenly over the sample, and how often they are moved.
const ROWS_MAX: usize = 4096;
const ROUNDS: usize = 12;
/// Components of a subspace where the caller leaves their number open.
pub const WIDTH: usize = 4;

/// A trained product quantiser.
#[derive(Clone, Debug, PartialEq)]
pub struct Pq {
    space: Space,
    /// Vectors are scaled to length 1 first (cosine).
    unit: bool,
    subspaces: usize,
    /// For each component its value in each of the centroids of its subspace.
    centroids: Vec<[f32; CENTROIDS]>,
}

impl Pq {
    /// Trains on `sample`, rows of `dim` components back to back; 0 subspaces means one for each [`WIDTH`]
    /// components. `None` for metrics of bits.
    pub(super) fn train(
        metric: Metric,
        dim: usize,
        subspaces: usize,
        sample: &[f32],
    ) -> Result<Option<Pq>, AllocError> {
        let (space, unit) = match metric {
            Metric::L2sq => (Space::L2, false),
            Metric::Cosine => (Space::L2, true),
            Metric::Ip => (Space::Dot, false),
            Metric::L1 => (Space::L1, false),
            Metric::Hamming | Metric::Jaccard => return Ok(None),
        };
        let subspaces = if subspaces == 0 { dim.div_ceil(WIDTH) } else { subspaces.min(dim) };
        let rows = sample.len() / dim;
        let step = rows.div_ceil(ROWS_MAX).max(1);
        let mut factors = with_room(rows.div_ceil(step))?;
        factors.extend(sample.chunks_exact(dim).step_by(step).map(|row| if unit { inverse_length(row) } else { 1.0 }));
        let mut pq = Pq { space, unit, subspaces, centroids: filled([0.0; CENTROIDS], dim)? };
        for subspace in 0..subspaces {
            let range = pq.range(subspace);
            let mut parts = with_room(factors.len() * range.len())?;
            for (row, factor) in sample.chunks_exact(dim).step_by(step).zip(&factors) {
                parts.extend(row[range.clone()].iter().map(|x| x * factor));
            }
            cluster(&parts, &mut pq.centroids[range])?;
        }
        Ok(Some(pq).filter(Pq::is_finite))
    }

    fn is_finite(&self) -> bool {
        self.centroids.iter().flatten().all(|x| x.is_finite())
    }

    fn dim(&self) -> usize {
        self.centroids.len()
    }

    /// The components of a subspace.
    fn range(&self, subspace: usize) -> Range<usize> {
        let (dim, count) = (self.dim(), self.subspaces);
        subspace * dim / count..(subspace + 1) * dim / count
    }

    /// What a query's part adds to the distance of rows with each centroid.
    #[inline(always)]
    fn terms(&self, v: &[f32], range: Range<usize>) -> [f32; CENTROIDS] {
        let mut terms = [0.0; CENTROIDS];
        for (x, values) in v[range.clone()].iter().zip(&self.centroids[range]) {
            for (term, value) in terms.iter_mut().zip(values) {
                *term += match self.space {
                    Space::L2 => (x - value) * (x - value),
                    Space::L1 => (x - value).abs(),
                    Space::Dot => -x * value,
                };
            }
        }
        terms
    }

    fn place(&self, v: &mut [f32]) {
        assert_eq!(v.len(), self.dim(), "vector of the wrong dimension");
        if self.unit {
            let factor = inverse_length(v);
            v.iter_mut().for_each(|x| *x *= factor);
        }
    }

    /// The centroid that a code names for a subspace.
    fn centroid(code: &[u8], subspace: usize) -> usize {
        let (byte, shift) = Pq::half(subspace);
        (code[byte] >> shift & 15) as usize
    }

    /// Place of a subspace's half byte: the byte, and how far up.
    fn half(subspace: usize) -> (usize, u32) {
        let within = subspace % GROUP;
        (subspace / GROUP * GROUP / 2 + within % (GROUP / 2), if within < GROUP / 2 { 0 } else { 4 })
    }
}

/// Moves sixteen centroids, given by component, to the middles of what is nearest to each (Lloyd). The first ones are
/// rows spread evenly; where nothing is nearest to one, it goes to the row farthest from its own.
fn cluster(parts: &[f32], centroids: &mut [[f32; CENTROIDS]]) -> Result<(), AllocError> {
    let width = centroids.len();
    let rows = parts.len() / width.max(1);
    let mut sums = filled([0.0f64; CENTROIDS], width)?;
    for (i, values) in centroids.iter_mut().enumerate() {
        *values = std::array::from_fn(|c| parts[c * (rows - 1) / (CENTROIDS - 1) * width + i]);
    }
    for _ in 0..ROUNDS {
        let (mut counts, mut farthest) = ([0u32; CENTROIDS], (0.0, 0));
        sums.fill([0.0; CENTROIDS]);
        for (row, part) in parts.chunks_exact(width).enumerate() {
            let (centroid, distance) = nearest(part, centroids);
            counts[centroid] += 1;
            sums.iter_mut().zip(part).for_each(|(sum, x)| sum[centroid] += *x as f64);
            if distance > farthest.0 {
                farthest = (distance, row);
            }
        }
        let mut spare = Some(farthest.1);
        for (centroid, count) in counts.into_iter().enumerate() {
            if count > 0 {
                let middle = |sum: f64| (sum / count as f64) as f32;
                centroids.iter_mut().zip(&sums).for_each(|(values, sum)| values[centroid] = middle(sum[centroid]));
            } else if let Some(row) = spare.take() {
                let part = &parts[row * width..][..width];
                centroids.iter_mut().zip(part).for_each(|(values, x)| values[centroid] = *x);
            }
        }
    }
    Ok(())
}

/// The centroid nearest to a part of a vector, the first of several, and its squared distance.
#[inline(always)]
fn nearest(part: &[f32], centroids: &[[f32; CENTROIDS]]) -> (usize, f32) {
    let mut distances = [0.0; CENTROIDS];
    for (x, values) in part.iter().zip(centroids) {
        for (distance, value) in distances.iter_mut().zip(values) {
            *distance += (x - value) * (x - value);
        }
    }
    let mut best = (0, distances[0]);
    for (centroid, &distance) in distances.iter().enumerate() {
        if distance < best.1 {
            best = (centroid, distance);
        }
    }
    best
}

impl Code for Pq {
    const TAG: u8 = 4;

    fn code_bytes(&self) -> usize {
        Form::Lookups.row_bytes(self.query_bytes())
    }

    fn query_bytes(&self) -> usize {
        Form::Lookups.query_bytes(self.subspaces)
    }

    fn kernel(&self) -> Kernel {
        code_kernel(Form::Lookups, self.space.metric()).expect("the form has the metric of every space")
    }

    /// Centroids of other rows are others.
    fn is_close_to(&self, other: &Pq) -> bool {
        self == other
    }

    fn encode_row(&self, v: &mut [f32], out: &mut [u8]) {
        assert_eq!(out.len(), self.code_bytes(), "code row of the wrong length");
        self.place(v);
        out.fill(0);
        for subspace in 0..self.subspaces {
            let range = self.range(subspace);
            let (centroid, _) = nearest(&v[range.clone()], &self.centroids[range]);
            let (byte, shift) = Pq::half(subspace);
            out[byte] |= (centroid as u8) << shift;
        }
    }

    fn encode_query(&self, v: &mut [f32], out: &mut [u8]) {
        assert_eq!(out.len(), self.query_bytes(), "query of the wrong length");
        self.place(v);
        let (head, tables) = out.split_at_mut(QUERY_HEAD);
        let (mut widest, mut bias) = (0.0f32, 0.0f64);
        for subspace in 0..self.subspaces {
            let terms = self.terms(v, self.range(subspace));
            let (least, most) = limits(&terms);
            widest = widest.max(most - least);
            bias += least as f64;
        }
        let step = widest / 255.0;
        let per_step = if step > 0.0 && step.recip().is_finite() { step.recip() } else { 0.0 };
        if !self.subspaces.is_multiple_of(GROUP) {
            tables.fill(0);
        }
        for subspace in 0..self.subspaces {
            let terms = self.terms(v, self.range(subspace));
            let least = limits(&terms).0;
            let table = &mut tables[subspace / GROUP * GROUP * CENTROIDS + subspace % GROUP..];
            for (byte, term) in table.iter_mut().step_by(GROUP).zip(terms) {
                *byte = ((term - least) * per_step + 0.5) as u8;
            }
        }
        let bias = bias + if self.space == Space::Dot { 1.0 } else { 0.0 };
        head[..4].copy_from_slice(&step.to_le_bytes());
        head[4..].copy_from_slice(&(bias as f32).to_le_bytes());
    }

    fn decode(&self, code: &[u8], out: &mut [f32]) {
        for subspace in 0..self.subspaces {
            let centroid = Pq::centroid(code, subspace);
            for i in self.range(subspace) {
                out[i] = self.centroids[i][centroid];
            }
        }
    }

    /// What two centroids are apart only the quantiser knows.
    fn pairs(&self) -> Option<Kernel> {
        None
    }

    fn error(&self, placed: &[f32], code: &[u8]) -> f64 {
        let mut sum = 0.0;
        for subspace in 0..self.subspaces {
            let centroid = Pq::centroid(code, subspace);
            for i in self.range(subspace) {
                let difference = (placed[i] - self.centroids[i][centroid]) as f64;
                sum += if self.space == Space::L1 { difference.abs() } else { difference * difference };
            }
        }
        if self.space == Space::L1 { sum } else { sum.sqrt() }
    }

    /// Tag 4, space (1 dot, 2 L2, 3 L1), 1 if vectors are scaled to unit length, 0, dimension (u32), subspaces
    /// (u32), and for each component its value (f32) in the sixteen centroids of its subspace.
    fn to_bytes(&self) -> Result<Vec<u8>, AllocError> {
        let mut bytes = with_room(FIELDS + 4 * CENTROIDS * self.dim())?;
        bytes.extend([Self::TAG, self.space as u8, self.unit as u8, 0]);
        bytes.extend((self.dim() as u32).to_le_bytes());
        bytes.extend((self.subspaces as u32).to_le_bytes());
        self.centroids.iter().flatten().for_each(|value| bytes.extend(value.to_le_bytes()));
        Ok(bytes)
    }

    fn from_bytes(dim: usize, bytes: &[u8]) -> Result<Option<Pq>, AllocError> {
        let Some((fields, values)) = bytes.split_first_chunk::<FIELDS>() else { return Ok(None) };
        let &[tag, space, unit, reserved, d0, d1, d2, d3, s0, s1, s2, s3] = fields;
        let Some(space) = Space::of(space) else { return Ok(None) };
        let subspaces = u32::from_le_bytes([s0, s1, s2, s3]) as usize;
        let sound = (tag, reserved) == (Self::TAG, 0)
            && unit <= u8::from(space == Space::L2)
            && u32::try_from(dim).is_ok_and(|dim| dim == u32::from_le_bytes([d0, d1, d2, d3]))
            && (1..=dim).contains(&subspaces)
            && dim.checked_mul(4 * CENTROIDS) == Some(values.len());
        if !sound {
            return Ok(None);
        }
        let value = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes);
        let component = |bytes: &[u8; 4 * CENTROIDS]| {
            let mut values = [0.0; CENTROIDS];
            values.iter_mut().zip(bytes.as_chunks().0).for_each(|(to, bytes)| *to = value(bytes));
            values
        };
        let centroids = collected(values.as_chunks().0.iter().map(component))?;
        Ok(Some(Pq { space, unit: unit == 1, subspaces, centroids }).filter(Pq::is_finite))
    }
}

/// The least and the largest of the terms.
#[inline(always)]
fn limits(terms: &[f32; CENTROIDS]) -> (f32, f32) {
    terms.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), x| (least.min(*x), most.max(*x)))
}
