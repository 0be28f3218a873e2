//! Range search: all rows within a distance, found as the nearest few, and more of them until one
//! lies beyond it.
//!
//! So filters, rows behind the graph, targets of recall and the choice between walking and
//! scanning are those of any other search. Each step asks for four times as many rows, which makes all
//! steps together cost little more than the last.

use super::core::Core;
use super::error::{ErrorKind, Result, fail};
use super::reader::{Limits, finish, search_alone, take_query};
use super::types::{ID_NONE, Outcome, SearchParams, Vectors};

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
    if query.count() != 1 || max_distance.is_nan() || ids.len() != distances.len() {
        let (queries, places) = (query.count(), (ids.len(), distances.len()));
        let message = format!("{queries} queries, distance {max_distance}, places for {places:?} ids and distances");
        return fail(ErrorKind::InvalidArgument, message);
    }
    core.shape.accepts(&query)?;
    let view = core.view_at(params.snapshot.as_ref())?;
    let limits = Limits::of(params);
    let mut scratch = core.scratch.take();
    take_query(core, &query, 0, &mut scratch)?;
    ids.fill(ID_NONE);
    distances.fill(f32::INFINITY);
    let most = ids.len().saturating_add(1);
    let (mut k, mut found) = (FIRST.min(most), 0);
    let complete = loop {
        let complete = search_alone(core, &view, k, params, &limits, &mut scratch)?;
        let nearest = scratch.best.sorted().take_while(|&(distance, ..)| distance <= max_distance);
        let within = nearest.clone().count();
        // One that was stopped may have found less than the one before.
        if complete || within > found {
            found = within;
            for ((id, distance), hit) in ids.iter_mut().zip(distances.iter_mut()).zip(nearest) {
                (*distance, _, *id) = hit;
            }
        }
        // Fewer than were asked for: one lies beyond, or there are no more.
        if !complete || within < k || k == most {
            break complete;
        }
        k = k.saturating_mul(GROWTH).min(most);
    };
    finish(core, &view, std::mem::take(&mut scratch.walk.distances), 1)?;
    Ok((if complete { Outcome::Complete } else { Outcome::Partial }, found))
}
