//! Chooses space and scale of the codes for a sample of rows, and decides whether
//! the codes are good enough.
//!
//! The choice rests on two measurements over the sample: the ranking of probe
//! rows' neighbours by codes against the exact one, and how far apart neighbours are
//! compared with the error of a code. The first says the codes work for the rows at
//! hand; the second keeps a reserve for the rows to come, which lie closer together.

use super::Gate;
use super::sq8::{STEPS, Space, Sq8, inverse_length, reach};
use crate::kernel::{Kernel, Metric, Scalar, kernel};
use crate::util::memory::{AllocError, collected, filled, make_room, with_room};

/// Below this, rows are short enough to walk on directly, and the few components
/// leave too few distinct distances.
const DIM_MIN: usize = 32;

/// Fewer rows cannot tell a good ranking from a lucky one.
const ROWS_MIN: usize = 64;

/// Values looked at for mean and scale.
const VALUES_MAX: usize = 4 << 20;

/// Share of values within the code range. The few clamped ones cost less than the
/// resolution that a range up to the maximum takes from all others.
const QUANTILE: f64 = 0.9999;

/// Centring must narrow the range of unit vectors by this much before the
/// cheaper signed dot product is given up for it.
const CENTRING_GAIN: f32 = 1.5;

/// Rows whose neighbours are ranked both ways.
const PROBES: usize = 128;

/// Neighbours that must be found, and how many the codes may name: the walk
/// ranks more rows again than it returns.
const NEIGHBOURS: usize = 10;
const NAMED: usize = 15;

/// Least share of neighbours found.
const OVERLAP_MIN: f64 = 0.99;

/// Least distance to the tenth neighbour, in errors of a code row. Among 16,384 rows it is about
/// 100 for WordNet embeddings (384-d) and 56 to 75 for SIFT descriptors (128-d), and it shrinks
/// slowly as rows are added. Near 1, a neighbourhood collapses into one code.
const RESERVE: f64 = 4.0;

/// Bytes of rows ranked at a time, so that they stay in the cache for all probes.
const BLOCK_BYTES: usize = 256 << 10;

/// Memory that training takes: two copies of the values looked at, and the probes with their blocks.
pub(super) fn working_bytes(components: usize) -> u64 {
    (2 * 4 * components.min(2 * VALUES_MAX) + 4 * BLOCK_BYTES) as u64 + (components as u64) / 2
}

/// See [`Sq8::train`].
pub(super) fn train(metric: Metric, dim: usize, sample: &[f32], gate: Gate) -> Result<Option<Sq8>, AllocError> {
    let too_little = gate == Gate::Measured && (dim < DIM_MIN || sample.len() / dim < ROWS_MIN);
    if too_little || sample.is_empty() {
        return Ok(None);
    }
    let sq8 = match metric {
        Metric::L2sq => centred(dim, Space::L2, sample)?,
        Metric::L1 => centred(dim, Space::L1, sample)?,
        Metric::Ip => {
            // Answers are rows of large norm: none of their components may be clamped.
            let largest = sample.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
            Sq8::new(dim, Space::Dot, false, largest / STEPS, Vec::new())
        }
        Metric::Cosine => unit(dim, sample)?,
        Metric::Hamming | Metric::Jaccard => None,
    };
    match (sq8, gate) {
        (Some(sq8), Gate::Measured) => {
            let ranking = Ranking::measure(metric, dim, sample, &sq8)?;
            Ok(ranking.is_some_and(|ranking| ranking.is_good_enough()).then_some(sq8))
        }
        (sq8, _) => Ok(sq8),
    }
}

fn centred(dim: usize, space: Space, sample: &[f32]) -> Result<Option<Sq8>, AllocError> {
    let mut rows = Vec::new();
    for row in some_rows(dim, sample) {
        make_room(&mut rows, dim)?;
        rows.extend_from_slice(row);
    }
    let centre = mean(dim, &rows)?;
    let reach = reach_around(&rows, &centre)?;
    Ok(Sq8::new(dim, space, false, reach / STEPS, centre))
}

/// Codes of vectors scaled to length 1: signed around zero, unless the vectors have much in common.
fn unit(dim: usize, sample: &[f32]) -> Result<Option<Sq8>, AllocError> {
    let mut rows = Vec::new();
    for row in some_rows(dim, sample) {
        let factor = inverse_length(row);
        make_room(&mut rows, dim)?;
        rows.extend(row.iter().map(|x| x * factor));
    }
    let centre = mean(dim, &rows)?;
    let (plain, centred) = (reach_around(&rows, &filled(0.0, dim)?)?, reach_around(&rows, &centre)?);
    let sq8 = if plain > CENTRING_GAIN * centred {
        Sq8::new(dim, Space::L2, true, centred / STEPS, centre)
    } else {
        Sq8::new(dim, Space::Dot, true, plain / STEPS, Vec::new())
    };
    Ok(sq8)
}

/// Rows spread evenly over the sample, about [`VALUES_MAX`] components of them.
pub(super) fn some_rows(dim: usize, sample: &[f32]) -> impl Iterator<Item = &[f32]> {
    sample.chunks_exact(dim).step_by(sample.len().div_ceil(VALUES_MAX))
}

/// Mean of each dimension.
fn mean(dim: usize, rows: &[f32]) -> Result<Vec<f32>, AllocError> {
    let mut sums = filled(0.0f64, dim)?;
    for row in rows.chunks_exact(dim) {
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum += *x as f64;
        }
    }
    let count = (rows.len() / dim) as f64;
    collected(sums.iter().map(|sum| (sum / count) as f32))
}

/// The distance from the centre that [`QUANTILE`] of all components keep.
fn reach_around(rows: &[f32], centre: &[f32]) -> Result<f32, AllocError> {
    let mut differences = with_room(rows.len())?;
    for row in rows.chunks_exact(centre.len()) {
        differences.extend(row.iter().zip(centre).map(|(x, mean)| x - mean));
    }
    Ok(reach(&mut differences, QUANTILE))
}

/// How codes rank the sample.
struct Ranking {
    /// Share of the probes' nearest [`NEIGHBOURS`] among the [`NAMED`] nearest by code.
    overlap: f64,
    /// Median distance of a probe to its last neighbour, as a length.
    neighbour_distance: f64,
    /// Root mean square distance of a probe to its own code, as a length.
    error: f64,
}

/// A row seen from a probe.
#[derive(Clone, Copy)]
struct Seen {
    row: usize,
    exact: f32,
    by_code: f32,
}

/// The two rankings of one probe.
struct Probe {
    row: usize,
    bytes: Vec<u8>,
    code: Vec<u8>,
    nearest: Vec<Seen>,
    named: Vec<Seen>,
}

impl Ranking {
    fn is_good_enough(&self) -> bool {
        let lengths = self.neighbour_distance.is_finite() && self.neighbour_distance > 0.0;
        lengths && self.overlap >= OVERLAP_MIN && self.neighbour_distance >= RESERVE * self.error
    }

    fn measure(metric: Metric, dim: usize, sample: &[f32], sq8: &Sq8) -> Result<Option<Ranking>, AllocError> {
        let rows: Vec<&[f32]> = collected(sample.chunks_exact(dim))?;
        let Some(exact) = kernel(metric, Scalar::F32) else { return Ok(None) };
        let mut probes: Vec<Probe> = with_room(PROBES)?;
        for row in probe_rows(rows.len()) {
            probes.push(Probe::new(row, rows[row], sq8)?);
        }
        rank(&rows, &mut probes, &exact, sq8)?;

        let count = probes.len() as f64;
        let overlap = probes.iter().map(Probe::overlap).sum::<f64>() / count;
        let mut distances: Vec<f64> = probes.iter().filter_map(|probe| probe.length(metric, &rows)).collect();
        distances.sort_by(f64::total_cmp);
        let mut code = filled(0, sq8.code_bytes())?;
        let squares = probes.iter().map(|probe| {
            sq8.encode_row(rows[probe.row], &mut code);
            sq8.error(rows[probe.row], &code).powi(2)
        });
        let error = (squares.sum::<f64>() / count).sqrt();
        let middle = distances.get(distances.len() / 2);
        Ok(middle.map(|&neighbour_distance| Ranking { overlap, neighbour_distance, error }))
    }
}

/// Probes spread evenly over the sample.
fn probe_rows(rows: usize) -> impl Iterator<Item = usize> {
    let count = rows.min(PROBES);
    (0..count).map(move |i| i * rows / count)
}

/// Shows every row to every probe, a block of rows at a time.
fn rank(rows: &[&[f32]], probes: &mut [Probe], exact: &Kernel, sq8: &Sq8) -> Result<(), AllocError> {
    let by_code = sq8.kernel();
    let (row_bytes, code_bytes) = (rows[0].len() * 4, sq8.code_bytes());
    let per_block = (BLOCK_BYTES / row_bytes).max(1);
    let (mut bytes, mut codes) = (filled(0, per_block * row_bytes)?, filled(0, per_block * code_bytes)?);
    let (mut exact_out, mut code_out) = (filled(0.0, per_block)?, filled(0.0, per_block)?);
    for (block, rows) in rows.chunks(per_block).enumerate() {
        for (i, row) in rows.iter().enumerate() {
            write_floats(row, &mut bytes[i * row_bytes..][..row_bytes]);
            sq8.encode_row(row, &mut codes[i * code_bytes..][..code_bytes]);
        }
        for probe in probes.iter_mut() {
            (exact.scan)(&probe.bytes, &bytes, row_bytes, &mut exact_out[..rows.len()]);
            (by_code.scan)(&probe.code, &codes, code_bytes, &mut code_out[..rows.len()]);
            for i in 0..rows.len() {
                probe.see(Seen { row: block * per_block + i, exact: exact_out[i], by_code: code_out[i] });
            }
        }
    }
    Ok(())
}

/// A row in the layout of [`Scalar::F32`].
fn write_floats(row: &[f32], bytes: &mut [u8]) {
    for (bytes, x) in bytes.as_chunks_mut().0.iter_mut().zip(row) {
        *bytes = x.to_le_bytes();
    }
}

impl Probe {
    fn new(row: usize, v: &[f32], sq8: &Sq8) -> Result<Probe, AllocError> {
        let (mut bytes, mut code) = (filled(0, v.len() * 4)?, filled(0, sq8.code_bytes())?);
        write_floats(v, &mut bytes);
        sq8.encode_query(v, &mut code);
        Ok(Probe { row, bytes, code, nearest: Vec::new(), named: Vec::new() })
    }

    fn see(&mut self, seen: Seen) {
        if seen.row != self.row {
            keep_best(&mut self.nearest, NEIGHBOURS, seen, |seen| seen.exact);
            keep_best(&mut self.named, NAMED, seen, |seen| seen.by_code);
        }
    }

    /// Share of neighbours named. Any row as near as the last neighbour is one: equal rows are
    /// no fault of the codes.
    fn overlap(&self) -> f64 {
        let Some(last) = self.nearest.last() else { return 0.0 };
        let found = self.named.iter().filter(|named| named.exact <= last.exact).count();
        found.min(self.nearest.len()) as f64 / self.nearest.len() as f64
    }

    /// Distance to the last neighbour as a length, comparable with [`Sq8::error`]. Inner product has none
    /// of its own and takes the Euclidean one.
    fn length(&self, metric: Metric, rows: &[&[f32]]) -> Option<f64> {
        let last = self.nearest.last()?;
        Some(match metric {
            Metric::L1 => last.exact as f64,
            Metric::Cosine => (2.0 * last.exact.max(0.0) as f64).sqrt(),
            Metric::Ip => {
                let pairs = rows[self.row].iter().zip(rows[last.row]);
                pairs.map(|(x, y)| ((x - y) as f64).powi(2)).sum::<f64>().sqrt()
            }
            _ => (last.exact as f64).sqrt(),
        })
    }
}

/// Inserts into a list sorted by `key`, `limit` long at most.
fn keep_best(best: &mut Vec<Seen>, limit: usize, seen: Seen, key: impl Fn(&Seen) -> f32) {
    if best.len() == limit && best.last().is_some_and(|last| key(last) <= key(&seen)) {
        return;
    }
    let place = best.partition_point(|other| key(other) <= key(&seen));
    best.insert(place, seen);
    best.truncate(limit);
}
