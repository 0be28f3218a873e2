//! Range search: all rows within a distance, found as the nearest few, and more of them until one
//! lies beyond it.
//!
//! So filters, rows behind the graph, targets of recall and the choice between walking and
//! scanning are those of any other search. Each step asks for four times as many rows, which makes all
//! steps together cost little more than the last.

use super::cache::{Asking, Wanted};
use super::cap;
use super::core::Core;
use super::error::{ErrorKind, Result, fail};
use super::latency::Call;
use super::plan::Plan;
use super::reader::{Limits, Scratch, finish, search_one};
use super::single::{Single, check_one};
use super::types::{ID_NONE, Outcome, SearchParams, Vectors};
use super::view::View;
use crate::index::Control;

/// Rows asked for first, and how many times more each time.
const FIRST: usize = 64;
const GROWTH: usize = 4;

/// See [`super::Database::search_range`].
pub fn search(
    core: &Core,
    query: Vectors<'_>,
    max_distance: f32,
    params: &SearchParams,
    ids: &mut [u64],
    distances: &mut [f32],
) -> Result<(Outcome, usize)> {
    if max_distance.is_nan() {
        return fail(ErrorKind::InvalidArgument, "max_distance is NaN, which no distance is within");
    }
    check_one(&query, ids, distances)?;
    let mut single = Single::of(core, Call::SearchRange, &query, params)?;
    let Single { view, limits, scratch, start, .. } = &mut single;
    let asking = Asking::new(core, view, params, Wanted::Within { radius: max_distance, places: ids.len() });
    let asking = asking.filter(|_| !limits.stop());
    if let Some(found) = asking.as_ref().and_then(|asking| asking.look_up(&scratch.query, ids, distances)) {
        finish(core, view, 0, 1)?;
        core.latencies.add(Call::SearchRange, start.elapsed());
        return Ok((Outcome::Complete, found as usize));
    }
    let range = Range { core, view, params, limits, max_distance };
    let (complete, plan, found) = range.fill(scratch, ids, distances)?;
    if let Some(asking) = asking.filter(|_| complete) {
        let kept = found.min(ids.len());
        asking.keep(&scratch.query, found as u64, &ids[..kept], &distances[..kept]);
    }
    Ok((single.end(complete, &plan, 0)?, found))
}

/// What a range search works on.
struct Range<'a> {
    core: &'a Core,
    view: &'a View,
    params: &'a SearchParams,
    limits: &'a Limits<'a>,
    max_distance: f32,
}

impl Range<'_> {
    /// Fills the places with the nearest rows within the distance; whether these are all there are places for, what
    /// was done last, and the number of rows found.
    fn fill(&self, scratch: &mut Scratch, ids: &mut [u64], distances: &mut [f32]) -> Result<(bool, Plan, usize)> {
        let Range { core, view, params, limits, max_distance } = *self;
        ids.fill(ID_NONE);
        distances.fill(f32::INFINITY);
        // One more than there are places for tells that there are more.
        let wanted = ids.len().saturating_add(1);
        let most = wanted.min(cap::most_results(core, view, params.max_memory)).max(1);
        let (mut k, mut found) = (FIRST.min(most), 0);
        loop {
            let mut plan = Plan::new(core, view, k, params, limits)?;
            plan.threads = core.threads();
            scratch.cover(core, view, &plan)?;
            if limits.stop() {
                return Ok((false, plan, found));
            }
            let complete = search_one(core, view, &plan, limits, scratch)?;
            let nearest = scratch.best.sorted().take_while(|&(distance, ..)| distance <= max_distance);
            let within = nearest.clone().count();
            // One that was stopped, or kept to its memory, may have found less than the one before.
            if complete || within > found {
                found = within;
                for ((id, distance), hit) in ids.iter_mut().zip(distances.iter_mut()).zip(nearest) {
                    (*distance, _, *id) = hit;
                }
            }
            // Fewer than were asked for: one lies beyond, or there are no more.
            let stopped = !complete && limits.stop();
            if stopped || within < k || k == most {
                return Ok((complete && (within < k || k == wanted), plan, found));
            }
            k = k.saturating_mul(GROWTH).min(most);
        }
    }
}
