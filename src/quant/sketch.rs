//! Sketches: one bit a component, in blocks of 32 rows, for scans that only have to
//! say which few rows are worth a look at their vectors.
//!
//! A row is centred and rotated; its bits are the signs of what comes out, and two numbers
//! beside them make the estimate of a distance unbiased, as in [`super::Rabitq`], whose estimator this is: its
//! error has a known deviation.
//! 56 bytes a row of 384 components; some 2 ns a row to scan.
//!
//! Sketches are never stored in files: what a row's sketch is may change with any version.

use super::frame::Frame;
use super::sq8::Space;
use crate::kernel::{GROUP_BYTES, LANES, Metric, block_sums};
use crate::util::memory::{AllocError, resize};

/// Components of a group of codes.
const GROUP: usize = 4;
/// Below this the estimate is too coarse to save much.
const DIM_MIN: usize = 64;
/// Deviation of an estimate, in weights of the row times the length of the query: sqrt(1 - 2 / pi),
/// as |r|_1 is close to sqrt(2 / pi * dim) |r| for rotated vectors.
const DEVIATION: f32 = 0.603;
/// Floats of a row beside its signs.
const FACTORS: usize = 2;

/// What makes sketches of vectors of one dimension.
#[derive(Clone, Debug)]
pub struct Sketcher {
    frame: Frame,
    /// Squared distances times this are those of the metric: 1/2 makes 1 - cos of unit vectors.
    factor: f32,
}

/// A query ready to be compared with sketches. Reused from query to query.
#[derive(Debug, Default)]
pub struct SketchedQuery {
    tables: Vec<u8>,
    rotated: Vec<f32>,
    /// <s, q> is `step` times the sum of the tables' entries, plus `low`.
    step: f32,
    low: f32,
    /// What all estimates have in common.
    base: f32,
    length: f32,
}

impl Sketcher {
    /// Whether rows of this kind can be sketched.
    pub fn serves(metric: Metric, dim: usize) -> bool {
        dim >= DIM_MIN && matches!(metric, Metric::L2sq | Metric::Ip | Metric::Cosine)
    }

    /// Centres on the mean of `sample`, rows of `dim` components back to back. `None` where
    /// [`Sketcher::serves`] says no, or where there is no finite mean.
    pub fn train(metric: Metric, dim: usize, sample: &[f32]) -> Result<Option<Sketcher>, AllocError> {
        if !Sketcher::serves(metric, dim) || sample.len() < dim {
            return Ok(None);
        }
        let factor = if metric == Metric::Cosine { 0.5 } else { 1.0 };
        Ok(Frame::around(metric, dim, sample)?.map(|frame| Sketcher { frame, factor }))
    }

    fn code_bytes(&self) -> usize {
        self.frame.dim().div_ceil(GROUP) * GROUP_BYTES
    }

    /// Bytes of a block of 32 rows.
    pub fn block_bytes(&self) -> usize {
        self.code_bytes() + LANES * FACTORS * size_of::<f32>()
    }

    /// Puts the sketch of `v` into a lane of a block that was all zeros. `scratch` is working memory.
    pub fn encode(&self, v: &[f32], lane: usize, block: &mut [u8], scratch: &mut Vec<f32>) -> Result<(), AllocError> {
        resize(scratch, v.len(), 0.0)?;
        scratch.copy_from_slice(v);
        self.frame.place_row(scratch);
        let (codes, factors) = block.split_at_mut(self.code_bytes());
        let shift = lane / GROUP_BYTES * GROUP;
        for (code, group) in codes.iter_mut().skip(lane % GROUP_BYTES).step_by(GROUP_BYTES).zip(scratch.chunks(GROUP)) {
            let number = group.iter().enumerate().map(|(i, x)| u8::from(*x >= 0.0) << i).sum::<u8>();
            *code |= number << shift;
        }
        let (squares, sum) = squares_and_magnitudes(scratch);
        let weight = if sum > 0.0 { squares / sum } else { 0.0 };
        let (base, weight) = match self.frame.space {
            Space::Dot => (0.0, weight),
            _ => (self.factor * squares, 2.0 * self.factor * weight),
        };
        // Beyond what floats can say the estimate is that the row is near: its vector is looked at.
        let (base, weight) = if base.is_finite() && weight.is_finite() { (base, weight) } else { (f32::MIN, 0.0) };
        let (bases, weights) = factors.as_chunks_mut().0.split_at_mut(LANES);
        (bases[lane], weights[lane]) = (base.to_le_bytes(), weight.to_le_bytes());
        Ok(())
    }

    /// Makes a query ready.
    pub fn prepare(&self, v: &[f32], query: &mut SketchedQuery) -> Result<(), AllocError> {
        let SketchedQuery { tables, rotated, .. } = query;
        resize(rotated, v.len(), 0.0)?;
        rotated.copy_from_slice(v);
        self.frame.place_query(rotated);
        let (squares, magnitudes) = squares_and_magnitudes(rotated);
        query.length = squares.sqrt();
        query.base = match self.frame.space {
            // What all rows have in common was taken out of them alone.
            Space::Dot => 1.0 - rotated.iter().zip(&self.frame.centre).map(|(x, mean)| x * mean).sum::<f32>(),
            _ => self.factor * squares,
        };
        // The entries of a group reach from -sum|q| to +sum|q|.
        let reach = |group: &[f32]| group.iter().map(|x| x.abs()).sum::<f32>();
        let widest = rotated.chunks(GROUP).map(reach).fold(0.0, f32::max);
        query.step = if widest > 0.0 { 2.0 * widest / 255.0 } else { 1.0 };
        query.low = -magnitudes;
        resize(tables, self.code_bytes(), 0)?;
        for (table, group) in tables.as_chunks_mut::<GROUP_BYTES>().0.iter_mut().zip(rotated.chunks(GROUP)) {
            fill_table(table, group, query.step.recip());
        }
        Ok(())
    }

    /// Estimates of the distances of `query` to the rows of a block. Their unit is that of the metric.
    pub fn estimates(&self, query: &SketchedQuery, block: &[u8], out: &mut [f32; LANES]) {
        let (codes, factors) = block.split_at(self.code_bytes());
        let mut sums = [0; LANES];
        block_sums()(&query.tables, codes, &mut sums);
        let (bases, weights) = factors.as_chunks().0.split_at(LANES);
        for i in 0..LANES {
            let product = query.step * sums[i] as f32 + query.low;
            out[i] = f32::from_le_bytes(bases[i]) + query.base - f32::from_le_bytes(weights[i]) * product;
        }
    }

    /// Standard deviation of the estimate for a row.
    pub fn deviation(&self, query: &SketchedQuery, block: &[u8], lane: usize) -> f32 {
        let weights = block.split_at(self.code_bytes()).1.as_chunks().0;
        DEVIATION * f32::from_le_bytes(weights[LANES + lane]) * query.length
    }
}

/// |v|^2 and |v|_1, in lanes that need not wait for each other.
fn squares_and_magnitudes(v: &[f32]) -> (f32, f32) {
    let (whole, rest) = v.as_chunks::<16>();
    let (mut squares, mut magnitudes) = ([0.0; 16], [0.0; 16]);
    for chunk in whole {
        for i in 0..16 {
            squares[i] += chunk[i] * chunk[i];
            magnitudes[i] += chunk[i].abs();
        }
    }
    for (i, x) in rest.iter().enumerate() {
        squares[i] += x * x;
        magnitudes[i] += x.abs();
    }
    (squares.iter().sum(), magnitudes.iter().sum())
}

/// The sixteen sums of signed components, in steps above the lowest.
fn fill_table(table: &mut [u8; GROUP_BYTES], group: &[f32], per_step: f32) {
    let low = group.iter().map(|x| x.abs()).sum::<f32>();
    for (number, entry) in table.iter_mut().enumerate() {
        let signed = |(i, x): (usize, &f32)| if number >> i & 1 != 0 { *x } else { -*x };
        let sum = group.iter().enumerate().map(signed).sum::<f32>() + low;
        *entry = (sum * per_step + 0.5) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Scalar, kernel};
    use crate::util::hash::mix;

    const ROWS: usize = 400;

    /// Rows in a few clouds, with an offset that all share.
    fn rows(dim: usize, seed: u64) -> Vec<f32> {
        let unit = |key: u64| (mix(key, seed) >> 40) as f32 / (1 << 24) as f32 - 0.5;
        let cloud = |row: usize, i: usize| unit((row % 7 * 100_000 + i) as u64);
        let value = |at: usize| 0.3 + cloud(at / dim, at % dim) + unit(1 << 32 | at as u64);
        (0..ROWS * dim).map(value).collect()
    }

    fn bytes(v: &[f32]) -> Vec<u8> {
        v.iter().flat_map(|x| x.to_le_bytes()).collect()
    }

    fn blocks(sketcher: &Sketcher, rows: &[f32]) -> Vec<Vec<u8>> {
        let mut scratch = Vec::new();
        let block = |rows: &[f32]| {
            let mut block = vec![0; sketcher.block_bytes()];
            for (lane, row) in rows.chunks_exact(sketcher.frame.dim()).enumerate() {
                sketcher.encode(row, lane, &mut block, &mut scratch).unwrap();
            }
            block
        };
        rows.chunks(LANES * sketcher.frame.dim()).map(block).collect()
    }

    #[test]
    fn estimates_are_unbiased_and_deviate_as_they_say() {
        for metric in [Metric::L2sq, Metric::Ip, Metric::Cosine] {
            for dim in [64, 100, 384, 1100] {
                let rows = rows(dim, dim as u64);
                let sketcher = Sketcher::train(metric, dim, &rows).unwrap().unwrap();
                let exact = kernel(metric, Scalar::F32).unwrap();
                let blocks = blocks(&sketcher, &rows);
                let (mut bias, mut inside, mut count) = (0.0, 0, 0);
                let mut query = SketchedQuery::default();
                for asked in rows.chunks_exact(dim).step_by(41) {
                    sketcher.prepare(asked, &mut query).unwrap();
                    for (block, rows) in blocks.iter().zip(rows.chunks(LANES * dim)) {
                        let mut estimates = [0.0; LANES];
                        sketcher.estimates(&query, block, &mut estimates);
                        for (lane, row) in rows.chunks_exact(dim).enumerate() {
                            let error = estimates[lane] - (exact.distance)(&bytes(asked), &bytes(row));
                            let deviation = sketcher.deviation(&query, block, lane);
                            bias += error / deviation;
                            inside += i32::from(error.abs() < 2.0 * deviation);
                            count += 1;
                        }
                    }
                }
                let (bias, inside) = (bias / count as f32, inside as f32 / count as f32);
                assert!(bias.abs() < 0.2, "{metric:?} {dim}: bias {bias} deviations");
                assert!(inside > 0.93, "{metric:?} {dim}: {inside} within two deviations");
            }
        }
    }

    #[test]
    fn rows_beyond_floats_are_estimated_to_be_near() {
        let rows = rows(64, 3);
        let sketcher = Sketcher::train(Metric::L2sq, 64, &rows).unwrap().unwrap();
        let mut huge = rows[..2 * 64].to_vec();
        huge[7] = 1e30;
        let block = &blocks(&sketcher, &huge)[0];
        let (mut query, mut estimates) = (SketchedQuery::default(), [0.0; LANES]);
        sketcher.prepare(&rows[64..128], &mut query).unwrap();
        sketcher.estimates(&query, block, &mut estimates);
        assert!(estimates[0] < -1e30 && estimates[1].abs() < 10.0, "{estimates:?}");
    }

    #[test]
    fn what_cannot_be_sketched_is_refused() {
        let rows = rows(64, 1);
        assert!(Sketcher::train(Metric::L1, 64, &rows).unwrap().is_none());
        assert!(Sketcher::train(Metric::L2sq, 63, &rows).unwrap().is_none());
        assert!(Sketcher::train(Metric::L2sq, 64, &[]).unwrap().is_none());
        assert!(Sketcher::train(Metric::L2sq, 64, &[f32::MAX; 128]).unwrap().is_none());
    }

    #[test]
    fn a_zero_query_has_finite_estimates() {
        let rows = rows(64, 2);
        for metric in [Metric::L2sq, Metric::Ip, Metric::Cosine] {
            let sketcher = Sketcher::train(metric, 64, &rows).unwrap().unwrap();
            let (mut query, mut estimates) = (SketchedQuery::default(), [0.0; LANES]);
            sketcher.prepare(&[0.0; 64], &mut query).unwrap();
            sketcher.estimates(&query, &blocks(&sketcher, &rows)[0], &mut estimates);
            assert!(estimates.iter().all(|x| x.is_finite()), "{metric:?}: {estimates:?}");
        }
    }
}
