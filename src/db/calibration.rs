//! Recall as a setting: the stop of a walk for a wanted recall, as measured on
//! rows of this database that were not in its graph yet.
//!
//! Before the graph takes new rows in, some of them are looked for in it. Their
//! true neighbours come from a scan, so the share that a walk finds is a fair
//! sample of what searches will find. A distance-adaptive stop (arXiv
//! 2505.15636) is not portable between data sets: the stretch that finds 99 %
//! of one finds 90 % of another, which is why it is measured here and not a
//! constant.
//!
//! The outcome is a function of the rows and the graph alone, so it may be part
//! of a checkpoint.

use super::core::Core;
use super::error::Result;
use super::view::{Decoded, Index, View};
use crate::index::flat::{self, TopK};
use crate::index::{Adaptive, Beam, Found, Probe, Space, Stops};
use crate::util::memory::{collected, with_room};
use rayon::ThreadPool;
use rayon::prelude::*;

/// Rows looked for, and the least number that tells anything.
const PROBES: usize = 200;
const PROBES_MIN: usize = 50;
/// Results per query that are measured. What lies between is interpolated.
const RESULTS: [usize; 3] = [1, 10, 100];
/// Measured again when this share of the nodes is new.
const NEW_SHARE: f64 = 0.5;
/// Largest breadth of a walk that ends by its stretch.
const BREADTH_MAX: usize = 2048;
/// Breadth of the walks that are tried first, and what they must find on the average for walks
/// of the full breadth, which cost four times as much, to be left out. Who wants more than was
/// found gets the last stop, which is far.
const BREADTH_FIRST: usize = 512;
const ENOUGH: f64 = 0.999;
/// Candidates by code whose exact distance is compared, for each true neighbour.
const CANDIDATES: usize = 2;
/// Settings of the stop: each this factor above the one before.
const STRETCH_STEP: f32 = 1.03;
const STRETCHES: usize = 33;
const EF_STEP: f32 = 1.2;
/// Version of [`Calibration::to_bytes`].
const TAG: u8 = 1;

/// How far walks must go, by recall wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Whether `stop` is a stretch of distances, else the breadth of the beam for each result.
    by_stretch: bool,
    /// Nodes of the graph it was measured on.
    pub nodes: u32,
    /// One for each of [`RESULTS`] that there were rows enough for, ascending.
    curves: Vec<Curve>,
}

/// What is found of the `k` nearest, by setting of the stop.
#[derive(Clone, Debug, PartialEq)]
struct Curve {
    k: u32,
    /// Ascending in `stop`.
    points: Vec<Point>,
}

/// Recall at one setting.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    stop: f32,
    recall: f32,
    /// Standard error of the recall.
    error: f32,
}

impl Point {
    /// The recall that may be promised for `target`: less the error of the
    /// measurement, as far as that error is small against what may be missed.
    fn promised(&self, target: f32) -> f32 {
        self.recall - self.error.min((1.0 - target) / 4.0)
    }
}

impl Curve {
    /// The least stop that keeps `target`, between settings by interpolation; the last if none does.
    fn stop_for(&self, target: f32) -> f32 {
        let Some(at) = self.points.iter().position(|p| p.promised(target) >= target) else {
            return self.points.last().map_or(1.0, |p| p.stop);
        };
        let here = self.points[at];
        let Some(before) = at.checked_sub(1).map(|before| self.points[before]) else { return here.stop };
        let (low, high) = (before.promised(target), here.promised(target));
        before.stop + (here.stop - before.stop) * ((target - low) / (high - low)).clamp(0.0, 1.0)
    }
}

impl Calibration {
    /// The beam that finds `target` of the `k` nearest rows, keeping `depth` candidates for the rerank.
    pub fn beam(&self, k: usize, depth: usize, target: f32) -> Beam {
        let stop = self.stop_for(k, target);
        let slack = depth.saturating_sub(k);
        if self.by_stretch {
            let ef = BREADTH_MAX.max(4 * k);
            return Beam { ef, slack, adaptive: Some(Adaptive { k, stretch: stop }) };
        }
        let ef = ((stop * k as f32).ceil() as usize).max(k);
        Beam::new(ef, (k + slack).saturating_sub(ef))
    }

    /// The most that any setting found of the `k` nearest rows, by the curves around `k`.
    pub fn best_recall(&self, k: usize) -> f32 {
        let after = self.curves.iter().position(|curve| curve.k as usize >= k).unwrap_or(self.curves.len() - 1);
        let around = &self.curves[after.saturating_sub(1)..=after];
        around.iter().filter_map(|curve| curve.points.last()).map(|point| point.recall).fold(1.0, f32::min)
    }

    /// The stop between the two curves around `k`, on a logarithmic scale of `k`.
    fn stop_for(&self, k: usize, target: f32) -> f32 {
        let after = self.curves.iter().position(|curve| curve.k as usize >= k);
        let (low, high) = match after {
            Some(0) => return self.curves[0].stop_for(target),
            Some(after) => (&self.curves[after - 1], &self.curves[after]),
            None => return self.curves.last().map_or(1.0, |curve| curve.stop_for(target)),
        };
        let share = (k as f32 / low.k as f32).ln() / (high.k as f32 / low.k as f32).ln();
        low.stop_for(target) + share * (high.stop_for(target) - low.stop_for(target))
    }

    /// Little-endian: tag 1, 1 if by stretch, number of curves (u16), nodes (u32); for each curve k and
    /// number of points (u32), for each point stop, recall, error (f32).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![TAG, self.by_stretch as u8];
        bytes.extend((self.curves.len() as u16).to_le_bytes());
        bytes.extend(self.nodes.to_le_bytes());
        for curve in &self.curves {
            bytes.extend(curve.k.to_le_bytes());
            bytes.extend((curve.points.len() as u32).to_le_bytes());
            for point in &curve.points {
                [point.stop, point.recall, point.error].iter().for_each(|value| bytes.extend(value.to_le_bytes()));
            }
        }
        bytes
    }

    /// Reads [`Calibration::to_bytes`]; `None` unless every field makes sense. What is not
    /// understood is measured again.
    pub fn from_bytes(bytes: &[u8]) -> Option<Calibration> {
        let (&[tag, by_stretch], rest) = bytes.split_first_chunk()?;
        let (curves, rest) = rest.split_first_chunk()?;
        let (nodes, mut rest) = rest.split_first_chunk()?;
        let mut read = Calibration { by_stretch: by_stretch == 1, nodes: u32::from_le_bytes(*nodes), curves: vec![] };
        for _ in 0..u16::from_le_bytes(*curves) {
            let (k, after) = rest.split_first_chunk()?;
            let (count, after) = after.split_first_chunk()?;
            let length = (u32::from_le_bytes(*count) as usize).checked_mul(12)?;
            let (points, after) = after.split_at_checked(length)?;
            let value = |at: &[u8]| f32::from_le_bytes(at.try_into().expect("4 bytes of 12"));
            let point = |p: &[u8; 12]| Point { stop: value(&p[..4]), recall: value(&p[4..8]), error: value(&p[8..]) };
            let points: Vec<Point> = points.as_chunks().0.iter().map(point).collect();
            read.curves.push(Curve { k: u32::from_le_bytes(*k), points });
            rest = after;
        }
        let sound_point = |p: &Point| {
            (1.0..=1e6).contains(&p.stop) && (0.0..=1.0).contains(&p.recall) && (0.0..=1.0).contains(&p.error)
        };
        let ascending = |curve: &Curve| curve.points.is_sorted_by(|a, b| a.stop < b.stop);
        let sound_curve = |c: &Curve| c.k > 0 && !c.points.is_empty() && c.points.iter().all(sound_point);
        let sound = (tag, rest.is_empty(), read.curves.is_empty()) == (TAG, true, false)
            && by_stretch <= 1
            && read.curves.iter().all(|curve| sound_curve(curve) && ascending(curve))
            && read.curves.is_sorted_by(|a, b| a.k < b.k);
        sound.then_some(read)
    }
}

/// Whether extending the graph of `index` should be used to measure.
pub fn is_due(index: &Index) -> bool {
    let nodes = index.graph.nodes() as f64;
    let known = index.calibration.as_ref().map_or(0.0, |calibration| calibration.nodes as f64);
    nodes > 0.0 && (known == 0.0 || nodes >= known * (1.0 + NEW_SHARE) || index.linked as f64 >= nodes * NEW_SHARE)
}

/// Measures on the rows from the end of the graph to slot `upto`, which have codes in `index`.
/// `None` where these are too few to tell.
pub fn measure(core: &Core, view: &View, index: &Index, upto: u32, pool: &ThreadPool) -> Result<Option<Calibration>> {
    let coded = index.space(&view.stored, core.shift);
    let from = index.graph.len();
    let exists = |&slot: &u32| !view.dead.get(slot) && view.stored.rows.get(slot).is_some();
    let tail = collected((from..upto).filter(exists))?;
    let live = index.graph.nodes() as u64 - view.dead_nodes();
    if tail.len() < PROBES_MIN || live < RESULTS[1] as u64 {
        return Ok(None);
    }
    let slots = collected(tail.iter().copied().step_by(tail.len().div_ceil(PROBES)))?;
    let results: Vec<usize> = RESULTS.into_iter().filter(|&k| k as u64 * 10 <= live).collect();
    let mut truths = truths(core, view, index, &coded, &slots, results.last().copied().unwrap_or(1), pool)?;
    truths.retain(|truth| !truth.is_copy);
    if truths.len() < PROBES_MIN {
        return Ok(None);
    }
    let by_stretch = coded.has_ratios(slots.iter().copied());
    let curve = |&k: &usize| {
        let mut probes = with_room(truths.len())?;
        for truth in &truths {
            probes.push(truth.probe(k)?);
        }
        let stops = stops(by_stretch, k);
        let depth = super::plan::rerank_depth(&coded, k);
        let stops_as = |settings| match by_stretch {
            true => Stops::Stretch(settings),
            false if coded.kernel.form.is_rough() => Stops::Whole(settings),
            false => Stops::Ef(settings),
        };
        let walks = |breadth: usize| {
            let limits = (k, depth, breadth.max(4 * k));
            index.graph.calibrate(&coded, &view.dead, &probes, limits, stops_as(&stops), pool)
        };
        let mut found = walks(BREADTH_FIRST)?;
        if found.last().is_some_and(|found| (found.sum as f64) < ENOUGH * (probes.len() * k) as f64) {
            found = walks(BREADTH_MAX)?;
        }
        let per_result = if by_stretch { 1.0 } else { k as f32 };
        let points = stops.iter().zip(&found).map(|(&stop, found)| point(stop / per_result, found, probes.len(), k));
        Ok(Curve { k: k as u32, points: points.collect() })
    };
    let curves = results.iter().map(curve).collect::<Result<_>>()?;
    Ok(Some(Calibration { by_stretch, nodes: index.graph.nodes(), curves }))
}

/// The settings to be measured for `k` results.
fn stops(by_stretch: bool, k: usize) -> Vec<f32> {
    if by_stretch {
        return (0..STRETCHES).map(stretch).collect();
    }
    let widths = std::iter::successors(Some(k as f32), |width| Some(width * EF_STEP));
    widths.take_while(|&width| width <= BREADTH_MAX.max(4 * k) as f32).map(f32::ceil).collect()
}

/// `STRETCH_STEP` to the power of `n`, rounded once: `powi` rounds as each compiler likes, and the
/// outcome is part of a checkpoint.
fn stretch(n: usize) -> f32 {
    (0..n).fold(1.0, |power, _| power * f64::from(STRETCH_STEP)) as f32
}

/// Mean and standard error of the recall.
fn point(stop: f32, found: &Found, probes: usize, k: usize) -> Point {
    let (n, k) = (probes as f64, k as f64);
    let mean = found.sum as f64 / n;
    let variance = (found.squares as f64 / n - mean * mean).max(0.0);
    Point { stop, recall: (mean / k) as f32, error: ((variance / n).sqrt() / k) as f32 }
}

/// A row with its nearest ones, nearest first.
struct Truth {
    query: Vec<u8>,
    nearest: Vec<(f32, u32)>,
    /// Whether the graph has the same row already. Copies lead to each other at once and tell nothing about other
    /// queries: where each row is there ten times, a walk that found all of its copies finds 69 % for another query.
    is_copy: bool,
}

impl Truth {
    /// All rows as near as the `k`-th are right answers.
    fn probe(&self, k: usize) -> Result<Probe> {
        let limit = self.nearest.get(k - 1).map_or(f32::INFINITY, |&(distance, _)| distance);
        let right = self.nearest.iter().take_while(|&&(distance, _)| distance <= limit);
        let mut answers = collected(right.map(|&(_, slot)| slot))?;
        answers.sort_unstable();
        Ok(Probe { query: collected(self.query.iter().copied())?, answers })
    }
}

/// The `k` nearest rows below the end of the graph of each row in `slots`.
fn truths(
    core: &Core,
    view: &View,
    index: &Index,
    coded: &Space,
    slots: &[u32],
    k: usize,
    pool: &ThreadPool,
) -> Result<Vec<Truth>> {
    let share = slots.len().div_ceil(pool.current_num_threads()).max(1);
    let some = |slots: &[u32]| truths_of(core, view, index, coded, slots, k);
    // One part for each thread.
    let parts = pool.install(|| slots.par_chunks(share).map(some).collect::<Result<Vec<_>>>())?;
    let mut all = with_room(slots.len())?;
    parts.into_iter().for_each(|part| all.extend(part));
    Ok(all)
}

/// As [`truths`], on one thread. Codes choose the candidates, stored vectors rank them; where codes
/// are too short for that, stored vectors do both, if they are all there.
fn truths_of(core: &Core, view: &View, index: &Index, coded: &Space, slots: &[u32], k: usize) -> Result<Vec<Truth>> {
    let by_code = coded.kernel.form.is_symmetric() || view.hollow > 0;
    let scanned = if by_code { coded } else { &view.stored };
    let (mut wide, mut decoded) = (Vec::new(), Decoded::default());
    let row = |slot: u32| view.stored.rows.get(slot).unwrap_or_default();
    let (mut queries, mut scans, mut best, mut truths) =
        (with_room(slots.len())?, with_room(slots.len())?, with_room(slots.len())?, with_room(slots.len())?);
    for &slot in slots {
        let mut code = Vec::new();
        let query = index.query_code(&core.shape, row(slot), &mut wide, &mut code)?;
        scans.push(collected(if by_code { query } else { row(slot) }.iter().copied())?);
        queries.push(collected(query.iter().copied())?);
        let mut top = TopK::default();
        top.reset(CANDIDATES * k)?;
        best.push(top);
    }
    flat::scan_many(scanned, &scans, 0..index.graph.len(), &view.dead, &u64::from, &mut best);
    for ((&slot, query), mut best) in slots.iter().zip(queries).zip(best) {
        let mut nearest = with_room(best.len())?;
        let near = collected(best.sorted().map(|(_, near, _)| near))?;
        view.each_exact(&core.shape, row(slot), near.iter().copied(), &mut decoded, |near, distance| {
            nearest.push((distance, near));
        })?;
        nearest.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let is_copy = nearest.first().is_some_and(|&(_, near)| view.stored.rows.get(near) == Some(row(slot)));
        truths.push(Truth { query, nearest, is_copy });
    }
    Ok(truths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration() -> Calibration {
        let point = |stop, recall| Point { stop, recall, error: 0.01 };
        let curve = |k, lift: f32| Curve {
            k,
            points: vec![point(1.0, 0.5 + lift), point(1.2, 0.9 + lift), point(1.5, 0.95 + lift), point(2.0, 0.99)],
        };
        Calibration { by_stretch: true, nodes: 5000, curves: vec![curve(1, 0.0), curve(10, 0.02)] }
    }

    #[test]
    fn bytes_are_read_back_and_nothing_else_is() {
        let calibration = calibration();
        let bytes = calibration.to_bytes();
        assert_eq!(Calibration::from_bytes(&bytes), Some(calibration));
        assert!((0..bytes.len()).all(|len| Calibration::from_bytes(&bytes[..len]).is_none()));
        assert!(Calibration::from_bytes(&[&bytes[..], &[0]].concat()).is_none());
        for (at, value) in [(0, 2), (1, 2), (2, 3), (8, 0), (12, 200), (19, 0xff), (23, 0xff)] {
            let mut broken = bytes.clone();
            broken[at] = value;
            assert_eq!(Calibration::from_bytes(&broken), None, "byte {at}");
        }
    }

    #[test]
    fn stops_rise_with_the_target_and_lie_between_their_neighbours() {
        let calibration = calibration();
        let stop = |k, target| calibration.stop_for(k, target);
        assert_eq!(stop(1, 0.2), 1.0);
        assert!(1.0 < stop(1, 0.6) && stop(1, 0.6) < 1.2);
        assert!((1.2..1.5).contains(&stop(1, 0.92)) && stop(10, 0.92) < stop(1, 0.92));
        assert!(stop(10, 0.92) < stop(3, 0.92) && stop(3, 0.92) < stop(1, 0.92));
        assert_eq!((stop(1, 0.999), stop(500, 0.999)), (2.0, 2.0));
        let beam = calibration.beam(10, 20, 0.92);
        assert_eq!((beam.slack, beam.adaptive.unwrap().k), (10, 10));
        let by_ef = Calibration { by_stretch: false, ..calibration };
        assert_eq!(by_ef.beam(10, 20, 0.999), Beam::new(20, 0));
        assert_eq!(by_ef.beam(10, 20, 0.2), Beam::new(10, 10));
    }
}
