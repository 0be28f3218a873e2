//! Federated search: the nearest rows of several databases, as if they were one.
//!
//! Every database answers for itself, with its own graph, filter and settings; what they find is merged. So all must
//! measure alike: the same metric, and vectors of the same length.

use super::Database;
use super::error::{Error, ErrorKind, Result, fail};
use super::reader;
use super::types::{Hits, ID_NONE, Outcome, SearchParams, Vectors};
use super::view::View;
use crate::arena::Lease;
use crate::util::memory;
use std::sync::Arc;
use std::time::Instant;

/// Results of one database that are held at a time before they are merged, unless one query has more.
const PLACES: usize = 1 << 16;

/// Finds the `k` nearest rows of each query among those of all `databases`, nearest first, ties by the place of the
/// database and then by id; `sources` has the places, as many as `hits` has ids.
///
/// Every database is searched with `params`, each in the state that it had when the call began; the deadline is that
/// of the whole call. A filter is asked by each database about its own rows. Databases that
/// differ in metric or dimension are [`ErrorKind::Mismatch`].
///
/// ```
/// use vdb::{Database, Hits, Options, SearchParams, Vectors, search_many};
///
/// let open = || Database::open(None, &Options::new().dim(1));
/// let (one, two) = (open()?, open()?);
/// one.insert_batch(&[7], Vectors::f32(&[3.0], 1)?, None)?;
/// two.insert_batch(&[7, 8], Vectors::f32(&[1.0, 9.0], 1)?, None)?;
///
/// let (mut ids, mut distances, mut counts, mut sources) = ([0; 2], [0.; 2], [0; 1], [0; 2]);
/// let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
/// search_many(&[&one, &two], Vectors::f32(&[0.0], 1)?, 2, &SearchParams::default(), hits, &mut sources)?;
/// assert_eq!((ids, distances, sources), ([7, 7], [1., 9.], [1, 0]));
/// # Ok::<(), vdb::Error>(())
/// ```
pub fn search_many(
    databases: &[&Database],
    queries: Vectors<'_>,
    k: usize,
    params: &SearchParams,
    hits: Hits<'_>,
    sources: &mut [u32],
) -> Result<Outcome> {
    let places = reader::check_places(queries.count(), k, &hits)?;
    if sources.len() < places || u32::try_from(databases.len()).is_err() {
        let message =
            format!("{} databases, {} places for sources of {places} results", databases.len(), sources.len());
        return fail(ErrorKind::InvalidArgument, message);
    }
    if let Some((_, error)) = first_unlike(databases) {
        return Err(error);
    }
    let Hits { ids, distances, counts } = hits;
    counts[..queries.count()].fill(0);
    ids[..places].fill(ID_NONE);
    distances[..places].fill(f32::INFINITY);
    sources[..places].fill(u32::MAX);
    if places == 0 {
        return Ok(Outcome::Complete);
    }
    // All at one moment, as far as that can be.
    let mut views: Vec<Arc<View>> = memory::with_room(databases.len())?;
    for (source, database) in databases.iter().enumerate() {
        let view = database.core.pinned_at(params.snapshot.as_ref());
        views.push(view.map_err(|error| error.about(format_args!("database {source}")))?);
    }
    let start = Instant::now();
    let (mut all, mut outcome) = (Merged { ids, distances, sources, counts, k }, Outcome::Complete);
    for (source, (database, view)) in databases.iter().zip(&views).enumerate() {
        let told = |error: Error| error.about(format_args!("database {source}"));
        let mut answer = Answer::new(database, queries.count(), k).map_err(told)?;
        for first in (0..queries.count()).step_by(answer.queries) {
            let part = queries.part(first..queries.count().min(first + answer.queries));
            let deadline = params.deadline.map(|deadline| deadline.saturating_sub(start.elapsed()));
            let params = SearchParams { deadline, ..params.clone() };
            let found = reader::search_in(&database.core, view, part, k, &params, answer.hits());
            let found = found.map_err(|e| match e.item() {
                Some(item) => told(e).at(first as u64 + item),
                None => told(e),
            })?;
            outcome = if found == Outcome::Complete { outcome } else { found };
            (0..part.count()).for_each(|i| all.merge(first + i, source as u32, &mut answer, i));
        }
    }
    Ok(outcome)
}

/// The first database whose distances mean something else than those of the first of all, and what is wrong with it.
pub(crate) fn first_unlike(databases: &[&Database]) -> Option<(usize, Error)> {
    let like = |database: &Database| (database.settings().metric, database.settings().dim);
    let first = like(databases.first()?);
    let place = databases.iter().position(|other| like(other) != first)?;
    let ((metric, dim), (before, dim_before)) = (like(databases[place]), first);
    let message = format!("{metric:?} over {dim} components; the first database has {before:?} over {dim_before}");
    Some((place, Error::new(ErrorKind::Mismatch, message).about(format_args!("database {place}"))))
}

/// What one database finds for some of the queries, and room to merge a row of it.
struct Answer {
    /// How many queries.
    queries: usize,
    k: usize,
    ids: Vec<u64>,
    distances: Vec<f32>,
    counts: Vec<u32>,
    merged: Vec<(f32, u32, u64)>,
    _lease: Lease,
}

impl Answer {
    /// For searches of `database`, in its share of memory.
    fn new(database: &Database, queries: usize, k: usize) -> Result<Answer> {
        let queries = queries.min((PLACES / k).max(1));
        let places = queries * k;
        let core = &database.core;
        let lease = Lease::new(&core.search_budget);
        core.cover_search(&lease, (12 * places + 16 * k + 4 * queries) as u64)?;
        let (ids, distances) = (memory::filled(0, places)?, memory::filled(0.0, places)?);
        let (counts, merged) = (memory::filled(0, queries)?, memory::with_room(k)?);
        Ok(Answer { queries, k, ids, distances, counts, merged, _lease: lease })
    }

    fn hits(&mut self) -> Hits<'_> {
        Hits { ids: &mut self.ids, distances: &mut self.distances, counts: &mut self.counts }
    }
}

/// The results of all databases so far.
struct Merged<'a> {
    ids: &'a mut [u64],
    distances: &'a mut [f32],
    sources: &'a mut [u32],
    counts: &'a mut [u32],
    k: usize,
}

impl Merged<'_> {
    /// Takes row `i` of an answer in among the results of `query`. It is of a later database than these, so
    /// of equal distances theirs come first.
    fn merge(&mut self, query: usize, source: u32, answer: &mut Answer, i: usize) {
        let places = query * self.k..(query + 1) * self.k;
        let ids = &mut self.ids[places.clone()];
        let (distances, sources) = (&mut self.distances[places.clone()], &mut self.sources[places]);
        let (from, to) = (i * answer.k, i * answer.k + answer.counts[i] as usize);
        let mut new = answer.ids[from..to].iter().zip(&answer.distances[from..to]).peekable();
        let known = self.counts[query] as usize;
        let mut old = (0..known).peekable();
        answer.merged.clear();
        while answer.merged.len() < self.k {
            let newer = match (old.peek(), new.peek()) {
                (Some(&old), Some((_, distance))) => **distance < distances[old],
                (None, Some(_)) => true,
                (Some(_), None) => false,
                (None, None) => break,
            };
            let next = match newer {
                true => new.next().map(|(&id, &distance)| (distance, source, id)),
                false => old.next().map(|i| (distances[i], sources[i], ids[i])),
            };
            answer.merged.extend(next);
        }
        for (i, &hit) in answer.merged.iter().enumerate() {
            (distances[i], sources[i], ids[i]) = hit;
        }
        self.counts[query] = answer.merged.len() as u32;
    }
}
