//! Measuring recall: what searches find of what an exact search finds, on one
//! view, with a confidence interval.

use super::core::Core;
use super::error::{ErrorKind, Result, fail};
use super::reader;
use super::task::Task;
use super::types::{SearchParams, Vectors};
use super::view::{Decoded, View};

/// Quantile of the normal distribution for an interval that holds the true value 19 times of 20.
const Z: f64 = 1.96;

/// Measured recall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recall {
    /// Share of the true neighbours that was found.
    pub recall: f64,
    /// Lower end of the 95 % confidence interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Queries that had an answer.
    pub queries: u64,
}

/// What queries have found so far.
#[derive(Default)]
struct Tally {
    queries: f64,
    wanted: f64,
    found: f64,
    /// Squares of each query's share.
    squares: f64,
}

/// Looks for the nearest `k` of each of `queries`.
pub fn of_queries(
    core: &Core,
    queries: Vectors<'_>,
    k: usize,
    params: &SearchParams,
    task: Option<&Task>,
) -> Result<Recall> {
    core.shape.accepts(&queries)?;
    let view = core.view_at(params.snapshot.as_ref())?;
    let mut tally = Tally::default();
    let (mut wide, mut row) = (Vec::new(), vec![0; core.shape.row_bytes()]);
    for i in 0..queries.count() {
        step(task, i as u64, queries.count() as u64)?;
        core.shape.store(queries.scalar(), queries.row(i), &mut wide, &mut row).map_err(|e| e.at(i as u64))?;
        core.shape.check(&row).map_err(|e| e.at(i as u64))?;
        tally.add(core, &view, (&row, None), k, params)?;
    }
    finish(core, tally, task, queries.count())
}

/// Looks for the nearest `k` of `count` stored rows, spread evenly, apart from themselves. These are
/// found more easily than rows that are not there.
pub fn of_stored_rows(
    core: &Core,
    count: usize,
    k: usize,
    params: &SearchParams,
    task: Option<&Task>,
) -> Result<Recall> {
    let view = core.view_at(params.snapshot.as_ref())?;
    let (mut tally, mut decoded) = (Tally::default(), Decoded::default());
    let step_by = (view.end() as usize).div_ceil(count.max(1)).max(1);
    for (i, from) in (0..view.end()).step_by(step_by).take(count).enumerate() {
        step(task, i as u64, count as u64)?;
        let range = from..view.end().min(from.saturating_add(step_by as u32));
        let Some(slot) = range.into_iter().find(|&slot| !view.dead.get(slot)) else { continue };
        let Some(row) = view.vector(&core.shape, slot, &mut decoded)? else { continue };
        tally.add(core, &view, (row, Some(slot)), k, params)?;
    }
    finish(core, tally, task, count)
}

fn step(task: Option<&Task>, done: u64, total: u64) -> Result<()> {
    match task {
        Some(task) if !task.step(done, total) => fail(ErrorKind::Cancelled, "the measurement was cancelled"),
        _ => Ok(()),
    }
}

fn finish(core: &Core, tally: Tally, task: Option<&Task>, total: usize) -> Result<Recall> {
    core.check_faults()?;
    if let Some(task) = task {
        task.finished(total as u64);
    }
    Ok(tally.recall())
}

impl Tally {
    fn add(
        &mut self,
        core: &Core,
        view: &View,
        query: reader::Query<'_>,
        k: usize,
        params: &SearchParams,
    ) -> Result<()> {
        let exact = SearchParams { exact: true, filter: params.filter.clone(), ..SearchParams::default() };
        let truth = reader::nearest(core, view, query, k, &exact, None)?;
        let Some(&farthest) = truth.last() else { return Ok(()) };
        let answer = reader::nearest(core, view, query, k, params, None)?;
        // Rows at equal distance are equally good answers.
        let found = answer.iter().filter(|&&distance| distance <= farthest).count().min(truth.len()) as f64;
        let wanted = truth.len() as f64;
        self.queries += 1.0;
        self.wanted += wanted;
        self.found += found;
        self.squares += (found / wanted).powi(2);
        Ok(())
    }

    /// Wilson's score interval. Neighbours of one query are missed together, so they count as fewer
    /// than they are: by the variance between queries over that of independent draws.
    fn recall(&self) -> Recall {
        if self.wanted == 0.0 {
            return Recall { recall: 1.0, low: 0.0, high: 1.0, queries: 0 };
        }
        let share = self.found / self.wanted;
        let per_query = self.wanted / self.queries;
        let between = (self.squares / self.queries - share * share).max(0.0);
        let alone = share * (1.0 - share) / per_query;
        let n = if alone > 0.0 { self.wanted / (between / alone).max(1.0) } else { self.wanted };
        let centre = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        Recall {
            recall: share,
            low: (centre - half).clamp(0.0, share),
            high: (centre + half).clamp(share, 1.0),
            queries: self.queries as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(shares: &[(f64, usize)]) -> Recall {
        let mut tally = Tally::default();
        for &(share, times) in shares {
            let times = times as f64;
            tally.queries += times;
            tally.wanted += 10.0 * times;
            tally.found += 10.0 * share * times;
            tally.squares += share * share * times;
        }
        tally.recall()
    }

    #[test]
    fn intervals_hold_the_share_and_narrow_with_queries() {
        let few = tally(&[(1.0, 80), (0.5, 20)]);
        assert!((few.recall - 0.9).abs() < 1e-9 && few.low < 0.9 && few.high > 0.9 && few.queries == 100);
        let many = tally(&[(1.0, 8000), (0.5, 2000)]);
        assert!(many.high - many.low < (few.high - few.low) / 8.0);
        // Misses that come together tell less than as many spread out.
        let spread = tally(&[(0.9, 100)]);
        let lumped = tally(&[(1.0, 90), (0.0, 10)]);
        assert!(lumped.high - lumped.low > 2.0 * (spread.high - spread.low));
        let perfect = tally(&[(1.0, 100)]);
        assert!((perfect.recall, perfect.high) == (1.0, 1.0) && (0.99..1.0).contains(&perfect.low));
        assert_eq!(tally(&[]), Recall { recall: 1.0, low: 0.0, high: 1.0, queries: 0 });
    }
}
