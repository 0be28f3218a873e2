//! How far a walk must go for a wanted recall, measured on the data itself.
//!
//! Rows whose exact neighbours are known are looked for with a walk that goes
//! far. A walk that stops earlier is the beginning of the same walk: the order
//! of expansion does not depend on where it ends. So one walk for each row tells,
//! for every setting of the stop at once, what would have been found. It ends when all is
//! found: most rows need a small part of the way that the hardest ones need. (Going on could
//! only push a right answer whose code is bad out of the candidates that are looked at exactly:
//! the table leaves that out.)

use super::Graph;
use super::search::Walk;
use crate::arena::{AllocError, ScratchPool, SlotBits};
use crate::index::{Adaptive, Beam, Pool, Scratch, Space};
use rayon::ThreadPool;
use rayon::prelude::*;

/// A row to look for: not in the graph, or the walk would find it too easily.
#[derive(Debug)]
pub struct Probe {
    /// Its code, as a query.
    pub query: Vec<u8>,
    /// Slots of its nearest rows, ascending: the right answers.
    pub answers: Vec<u32>,
}

/// Settings of the stop to be measured, ascending.
#[derive(Clone, Copy, Debug)]
pub enum Stops<'a> {
    /// [`Adaptive::stretch`].
    Stretch(&'a [f32]),
    /// [`Beam::ef`].
    Ef(&'a [f32]),
    /// The same, where all candidates of the beam are ranked again.
    Whole(&'a [f32]),
}

impl<'a> Stops<'a> {
    fn settings(self) -> &'a [f32] {
        let (Stops::Stretch(settings) | Stops::Ef(settings) | Stops::Whole(settings)) = self;
        settings
    }

    /// Candidates that are ranked again at a setting, `depth` or more.
    fn depth(self, depth: usize, setting: f32) -> usize {
        if matches!(self, Stops::Whole(_)) { depth.max(setting as usize) } else { depth }
    }
}

/// What the probes found at one setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Right answers found, summed over the probes.
    pub sum: u64,
    /// The squares of each probe's number, summed.
    pub squares: u64,
}

impl Graph {
    /// What walks for the nearest `k` find of the probes' answers at each of
    /// `stops`, when the best `depth` candidates are ranked again. `limit`
    /// bounds the breadth of a walk. The outcome does not depend on the threads.
    pub fn calibrate(
        &self,
        space: &Space,
        dead: &SlotBits,
        probes: &[Probe],
        (k, depth, limit): (usize, usize, usize),
        stops: Stops<'_>,
        pool: &ThreadPool,
    ) -> Result<Vec<Found>, AllocError> {
        let settings = stops.settings();
        let scratch = ScratchPool::<Scratch>::default();
        let one = |probe: &Probe| {
            let mut curve = vec![Found::default(); settings.len()];
            let (Some(&last), Some(entry)) = (settings.last(), self.entry) else { return Ok(curve) };
            let beam = match stops {
                Stops::Stretch(_) => {
                    Beam { ef: limit, slack: depth - k, adaptive: Some(Adaptive { k, stretch: last }) }
                }
                Stops::Ef(_) | Stops::Whole(_) => Beam::new((last as usize).min(limit), depth),
            };
            let blocked = (!dead.is_empty()).then_some(dead);
            let walk = Walk { blocked, ..Walk::new(self, space, &probe.query) };
            let scratch = &mut *scratch.take();
            let start = walk.descend(entry, 0, scratch)?;
            let (mut passed, mut complete) = (0, false);
            walk.beam(0, start, beam, scratch, &mut |pool: &Pool, next, _| {
                let needed = match stops {
                    Stops::Stretch(_) => pool.stretch_of(next, k),
                    Stops::Ef(_) | Stops::Whole(_) => pool.rank_of(next) as f32 + 1.0,
                };
                while let Some(&stop) = settings.get(passed).filter(|&&stop| needed > stop) {
                    curve[passed] = right_answers(pool, probe, k, stops.depth(depth, stop));
                    complete = curve[passed].sum == k as u64;
                    passed += 1;
                }
                passed < settings.len() && !complete
            })?;
            for (curve, &stop) in curve.iter_mut().zip(settings).skip(passed) {
                *curve = right_answers(&scratch.pool, probe, k, stops.depth(depth, stop));
            }
            Ok(curve)
        };
        let add = |mut a: Vec<Found>, b: Vec<Found>| {
            for (a, b) in a.iter_mut().zip(b) {
                *a = Found { sum: a.sum + b.sum, squares: a.squares + b.squares };
            }
            a
        };
        let none = || vec![Found::default(); settings.len()];
        pool.install(|| probes.par_iter().map(one).try_reduce(none, |a, b| Ok(add(a, b))))
    }
}

/// The right answers among the candidates that would be ranked again.
fn right_answers(pool: &Pool, probe: &Probe, k: usize, depth: usize) -> Found {
    let right = pool.iter().take(depth).filter(|(_, slot)| probe.answers.binary_search(slot).is_ok()).count();
    let right = right.min(k) as u64;
    Found { sum: right, squares: right * right }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::testing::*;
    use crate::index::{Params, Terms, Unlimited};
    use crate::kernel::{Metric, Scalar};

    /// One long walk tells the same as a walk for each setting.
    #[test]
    fn one_walk_stands_for_all_settings() {
        let (rows, queries) = (clustered(3000, 16, 30, 1), clustered(40, 16, 30, 2));
        let space = space(&rows, Metric::L2sq, Scalar::F32);
        let graph = extended(&Graph::empty(Params { m: 6, ..PARAMS }), &space, 3000, &dead([]));
        let gone = dead((0..3000).filter(|slot| slot % 7 == 0));
        let (k, depth) = (10, 20);
        let probe = |row: &Vec<f32>| {
            let query = packed(row, Scalar::F32);
            let mut answers = exact(&space, &query, 3000, &gone, k);
            answers.sort_unstable();
            Probe { query, answers }
        };
        let probes: Vec<Probe> = queries.iter().map(probe).collect();
        let widths = [10.0, 14.0, 25.0, 60.0];
        let settings = [(true, false, [1.0, 1.1, 1.3, 1.8]), (false, false, widths), (false, true, widths)];
        for (stretch, whole, stops) in settings {
            let measured = |threads| {
                let by_width = if whole { Stops::Whole(&stops) } else { Stops::Ef(&stops) };
                let stops = if stretch { Stops::Stretch(&stops) } else { by_width };
                graph.calibrate(&space, &gone, &probes, (k, depth, 500), stops, &self::threads(threads)).unwrap()
            };
            let curve = measured(2);
            assert_eq!(curve, measured(1));
            assert!(curve[0].sum < curve[3].sum && curve[3].sum > 360, "{curve:?}");
            for (&stop, curve) in stops.iter().zip(&curve) {
                let beam = match stretch {
                    true => Beam { ef: 500, slack: depth - k, adaptive: Some(Adaptive { k, stretch: stop }) },
                    false => Beam::new(stop as usize, depth),
                };
                let mut scratch = Scratch::default();
                let each = probes.iter().map(|probe| {
                    graph.search(&space, &probe.query, beam, &Terms::new(&gone, &Unlimited), &mut scratch).unwrap();
                    right_answers(&scratch.pool, probe, k, if whole { depth.max(stop as usize) } else { depth })
                });
                let (sum, squares) = each.fold((0, 0), |(s, q), f| (s + f.sum, q + f.squares));
                assert_eq!(*curve, Found { sum, squares }, "at {stop}");
            }
        }
    }
}
