//! Search for rows that are near a query and not too near to each other: maximal marginal relevance (Carbonell and
//! Goldstein, 1998), with distances in the place of similarities.
//!
//! A search finds candidates. The nearest is chosen, then one after the other whichever is best by its distance to
//! the query, less its distance to the nearest one chosen so far. Both are exact, so the choice is that of the plain definition.

use super::cap;
use super::core::Core;
use super::error::{ErrorKind, Result, fail};
use super::latency::Call;
use super::reader::{Limits, Scratch, stored_row};
use super::single::{Single, check_one};
use super::types::{ID_NONE, Outcome, SearchParams, Vectors};
use super::view::View;
use crate::arena::Lease;
use crate::index::Control;
use crate::index::flat::TopK;
use crate::kernel::Kernel;
use crate::util::memory;

/// Candidates for each result where the caller does not say.
const CANDIDATES_PER_RESULT: usize = 4;
/// Rows compared between two looks at whether to go on.
const BLOCK: usize = 1024;

/// See [`super::Database::search_diverse`].
pub fn search(
    core: &Core,
    query: Vectors<'_>,
    (candidates, lambda): (usize, f32),
    params: &SearchParams,
    ids: &mut [u64],
    distances: &mut [f32],
) -> Result<(Outcome, usize)> {
    check_one(&query, ids, distances)?;
    if !(0.0..=1.0).contains(&lambda) {
        return fail(ErrorKind::OutOfRange, format!("lambda = {lambda} is outside 0..1"));
    }
    let mut single = Single::of(core, Call::Diverse, &query, params)?;
    ids.fill(ID_NONE);
    distances.fill(f32::INFINITY);
    let wanted = if candidates == 0 { ids.len().saturating_mul(CANDIDATES_PER_RESULT) } else { candidates };
    let wanted = if ids.is_empty() { 0 } else { wanted.max(ids.len()) };
    let each = TopK::bytes(1) + (core.shape.row_bytes() + size_of::<Candidate>()) as u64;
    let most = cap::most_of(core, &single.view, params.max_memory, each);
    if most < ids.len() {
        let (places, limit) = (ids.len(), params.max_memory);
        let message = format!("{places} candidates of {each} bytes each do not fit into max_memory = {limit}");
        return fail(ErrorKind::Limit, message);
    }
    let k = wanted.min(most);
    let (mut complete, plan) = single.search(k)?;
    let mut choice = Choice::among(core, &single.view, &mut single.scratch)?;
    // There may have been more to choose from.
    complete &= k == wanted || choice.candidates.len() < k;
    let mut count = 0;
    while count < ids.len()
        && let Some(best) = choice.best(lambda)
    {
        let Candidate { distance, id, .. } = choice.candidates[best];
        (ids[count], distances[count]) = (id, distance);
        count += 1;
        // The last one has nobody to be compared with.
        if count < ids.len() && !choice.choose(best, &single.limits) {
            complete = false;
            break;
        }
    }
    Ok((single.end(complete, &plan, choice.compared)?, count))
}

/// A row that may be chosen.
struct Candidate {
    id: u64,
    /// To the query.
    distance: f32,
    /// To the nearest one chosen; minus infinity once it is chosen itself.
    apart: f32,
}

/// The candidates of a search, nearest first, and their vectors.
struct Choice {
    candidates: Vec<Candidate>,
    rows: Vec<u8>,
    row_bytes: usize,
    kernel: Kernel,
    row: Vec<u8>,
    /// Distances computed.
    compared: u64,
    _lease: Lease,
}

impl Choice {
    /// Those that a search has left in the scratch.
    fn among(core: &Core, view: &View, scratch: &mut Scratch) -> Result<Choice> {
        let row_bytes = core.shape.row_bytes();
        let Scratch { best, decoded, .. } = scratch;
        let hits = best.sorted();
        let lease = Lease::new(&core.search_budget);
        core.cover_search(&lease, (hits.len() as u64 + 1) * (row_bytes + size_of::<Candidate>()) as u64)?;
        let mut candidates = memory::with_room(hits.len())?;
        let mut rows = memory::with_room(hits.len() * row_bytes)?;
        for (distance, slot, id) in hits {
            rows.extend_from_slice(stored_row(core, view, slot, decoded)?);
            candidates.push(Candidate { id, distance, apart: f32::INFINITY });
        }
        let row = memory::filled(0, row_bytes)?;
        Ok(Choice { candidates, rows, row_bytes, kernel: view.stored.kernel, row, compared: 0, _lease: lease })
    }

    /// The one to choose next: the first of those that are as good.
    fn best(&self, lambda: f32) -> Option<usize> {
        let lambda = f64::from(lambda);
        let badness = |candidate: &Candidate| match candidate.apart {
            // None is chosen yet.
            f32::INFINITY => f64::from(candidate.distance),
            apart => lambda * f64::from(candidate.distance) - (1.0 - lambda) * f64::from(apart),
        };
        let left = self.candidates.iter().enumerate().filter(|(_, candidate)| candidate.apart > f32::NEG_INFINITY);
        left.min_by(|(_, a), (_, b)| badness(a).total_cmp(&badness(b))).map(|(i, _)| i)
    }

    /// Takes a candidate out and compares the others with it; false where that was stopped.
    fn choose(&mut self, chosen: usize, limits: &Limits<'_>) -> bool {
        let Choice { candidates, rows, row_bytes, kernel, row, compared, .. } = self;
        row.copy_from_slice(&rows[chosen * *row_bytes..][..*row_bytes]);
        candidates[chosen].apart = f32::NEG_INFINITY;
        let mut distances = [0.0; BLOCK];
        for (candidates, rows) in candidates.chunks_mut(BLOCK).zip(rows.chunks(BLOCK * *row_bytes)) {
            if limits.stop() {
                return false;
            }
            let distances = &mut distances[..candidates.len()];
            (kernel.scan)(row, rows, *row_bytes, distances);
            *compared += candidates.len() as u64;
            for (candidate, &distance) in candidates.iter_mut().zip(&*distances) {
                candidate.apart = candidate.apart.min(distance);
            }
        }
        true
    }
}
