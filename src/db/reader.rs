//! The reading side: point reads and searches on one pinned view.
//!
//! A search scans what the graph does not cover (the tail, stray nodes) with
//! exact distances, of all rows or of those that their sketches point to, walks the graph on codes, reranks the best candidates on
//! the stored vectors (or what stands in for those that were given up), and merges by (distance, id). It takes no lock, waits
//! for nobody, and in the steady state allocates nothing: its working memory
//! comes from a pool that grows with the number of callers.

use super::cache::{Asking, Wanted};
use super::cap::Fit;
use super::core::Core;
use super::ended::Ended;
use super::error::{Error, ErrorKind, Result, fail};
use super::input::convert;
use super::latency;
use super::plan::{Covered, Plan, Walk};
use super::resident;
use super::scan;
use super::task::Task;
use super::trace::{Stage, Trace};
use super::types::{Hits, ID_NONE, Outcome, SearchParams, Vectors};
use super::view::{Decoded, View};
use crate::arena::Lease;
use crate::index::flat::{self, TopK};
use crate::index::sketched::Estimates;
use crate::index::{self, Control, Space, Terms, Unlimited};
use crate::kernel::Scalar;
use crate::util::memory;
use crate::util::sync::lock;
use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Instant;

/// A batch has a thread for each so many queries, up to `runtime.threads`: starting one costs as much as one query or two.
const QUERIES_PER_THREAD: usize = 16;
/// Queries that a thread takes at a time.
const PORTION: usize = 8;

/// Working memory of one search.
#[derive(Default)]
pub struct Scratch {
    pub(super) walk: index::Scratch,
    pub(super) best: TopK,
    pub(super) estimates: Estimates,
    /// Rows that pass a filter, by their codes.
    picked: TopK,
    pub(super) query: Vec<u8>,
    code: Vec<u8>,
    pub(super) wide: Vec<f32>,
    pub(super) decoded: Decoded,
    /// What was taken from the budget of searches for all of it.
    lease: Option<Lease>,
}

impl Scratch {
    /// Counts what a search of `plan` will need; nothing to do where an earlier one needed as much.
    pub(super) fn cover(&mut self, core: &Core, view: &View, plan: &Plan) -> Result<()> {
        self.cover_beside(TopK::bytes(plan.k), core, view, plan)
    }

    /// As [`Scratch::cover`] where results will take `best` bytes.
    pub(super) fn cover_beside(&mut self, best: u64, core: &Core, view: &View, plan: &Plan) -> Result<()> {
        let bytes = plan.bytes_beside(best, core, view);
        let lease = self.lease.get_or_insert_with(|| Lease::new(&core.search_budget));
        Ok(core.cover_search(lease, bytes)?)
    }
}

/// The deadline and the task of one call.
pub struct Limits<'a> {
    deadline: Option<Instant>,
    task: Option<&'a Task>,
}

impl<'a> Limits<'a> {
    pub(super) fn of(params: &'a SearchParams) -> Limits<'a> {
        let deadline = params.deadline.and_then(|time| Instant::now().checked_add(time));
        Limits { deadline, task: params.task.as_ref() }
    }
}

impl Control for Limits<'_> {
    fn stop(&self) -> bool {
        self.task.is_some_and(Task::is_cancelled) || self.deadline.is_some_and(|end| Instant::now() >= end)
    }
}

/// Searches one view, the newest or that of a snapshot, for all `queries`.
pub fn search(core: &Core, queries: Vectors<'_>, k: usize, params: &SearchParams, hits: Hits<'_>) -> Result<Outcome> {
    search_in(core, &*core.view_at(params.snapshot.as_ref())?, queries, k, params, hits)
}

/// As [`search`], on a view that the caller has pinned.
pub(super) fn search_in(
    core: &Core,
    view: &View,
    queries: Vectors<'_>,
    k: usize,
    params: &SearchParams,
    hits: Hits<'_>,
) -> Result<Outcome> {
    let wanted = check_places(queries.count(), k, &hits)?;
    if wanted > 0 {
        core.shape.accepts(&queries)?;
    }
    answer_all(core, view, Queries::Given(&queries), k, params, hits)
}

/// Searches one view for the rows nearest to each of the rows `ids`, which is left out itself.
pub fn search_ids(core: &Core, ids: &[u64], k: usize, params: &SearchParams, hits: Hits<'_>) -> Result<Outcome> {
    check_places(ids.len(), k, &hits)?;
    let view = core.view_at(params.snapshot.as_ref())?;
    let lease = Lease::new(&core.search_budget);
    core.cover_search(&lease, 4 * ids.len() as u64)?;
    let mut slots = memory::with_room(ids.len())?;
    for (&id, i) in ids.iter().zip(0..) {
        slots.push(slot_of(&view, id).map_err(|e| e.at(i))?);
    }
    answer_all(core, &view, Queries::Rows(&slots), k, params, hits)
}

/// The slot of a row that must be there.
pub(super) fn slot_of(view: &View, id: u64) -> Result<u32> {
    view.slot_of(id).ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no row with the id {id}")))
}

/// The number of places for results, where there are as many.
pub(super) fn check_places(count: usize, k: usize, hits: &Hits<'_>) -> Result<usize> {
    let places = k.checked_mul(count).ok_or_else(|| {
        Error::new(ErrorKind::OutOfRange, format!("k {k} times {count} queries passes the address space"))
    })?;
    if hits.ids.len() < places || hits.distances.len() < places || hits.counts.len() < count {
        return fail(ErrorKind::InvalidArgument, format!("result buffers are smaller than {count} x {k}"));
    }
    Ok(places)
}

fn answer_all(
    core: &Core,
    view: &View,
    queries: Queries<'_>,
    k: usize,
    params: &SearchParams,
    hits: Hits<'_>,
) -> Result<Outcome> {
    let (start, count) = (Instant::now(), queries.count());
    let places = count * k;
    if places == 0 {
        hits.counts[..count].fill(0);
        return Ok(Outcome::Complete);
    }
    let limits = Limits::of(params);
    let mut plan = Plan::new(core, view, queries.results(k), params, &limits)?;
    if count == 1 {
        plan.threads = core.threads();
    }
    let wanted = Wanted::Nearest { k: plan.k, threads: if plan.sketched { plan.threads } else { 0 } };
    // Rows that are asked about are left out themselves: another answer than to their vectors.
    let asking = Asking::new(core, view, params, wanted).filter(|_| matches!(queries, Queries::Given(_)));
    let call = Call { core, view, plan: &plan, limits: &limits, queries, asking: asking.as_ref() };
    // All queries are checked before the first result is written; one alone is, when it is taken.
    if count > 1 {
        call.check()?;
    }
    let outcome = call.answer_all(&mut hits.ids[..places], &mut hits.distances[..places], &mut hits.counts[..count])?;
    core.counters.searches.fetch_add(count as u64, Relaxed);
    core.check_faults()?;
    let call = if count == 1 { latency::Call::Search } else { latency::Call::SearchBatch };
    Ended { view, plan: &plan, call, queries: count, outcome }.note(core, start);
    Ok(outcome)
}

/// Counts searches that are done, and the distances that they computed; an error where they met damage.
pub(super) fn finish(core: &Core, view: &View, distances: u64, searches: u64) -> Result<()> {
    resident::count(core, view, distances);
    core.counters.searches.fetch_add(searches, Relaxed);
    core.check_faults()
}

/// What the queries of a call are.
#[derive(Clone, Copy)]
enum Queries<'a> {
    /// Vectors of the caller.
    Given(&'a Vectors<'a>),
    /// The rows of slots, each of which is no answer to itself.
    Rows(&'a [u32]),
}

impl Queries<'_> {
    fn count(&self) -> usize {
        match self {
            Queries::Given(vectors) => vectors.count(),
            Queries::Rows(slots) => slots.len(),
        }
    }

    /// Results to look for where `k` are wanted.
    fn results(&self, k: usize) -> usize {
        match self {
            Queries::Given(_) => k,
            Queries::Rows(_) => k.saturating_add(1),
        }
    }

    /// The slot that is no answer to query `i`.
    fn itself(&self, i: usize) -> Option<u32> {
        match self {
            Queries::Given(_) => None,
            Queries::Rows(slots) => Some(slots[i]),
        }
    }

    /// Puts query `i` into the scratch.
    fn take(&self, core: &Core, view: &View, i: usize, scratch: &mut Scratch) -> Result<()> {
        match self {
            Queries::Given(vectors) => take_query(core, vectors, i, scratch),
            Queries::Rows(slots) => take_row(core, view, slots[i], scratch),
        }
    }
}

/// The queries of one call, and what they are answered with.
#[derive(Clone, Copy)]
struct Call<'a> {
    core: &'a Core,
    view: &'a View,
    plan: &'a Plan,
    limits: &'a Limits<'a>,
    queries: Queries<'a>,
    asking: Option<&'a Asking<'a>>,
}

impl Call<'_> {
    /// An error for the first vector that cannot be looked for. Rows can be.
    fn check(&self) -> Result<()> {
        let Queries::Given(vectors) = self.queries else { return Ok(()) };
        let mut scratch = self.core.scratch.take();
        (0..vectors.count()).try_for_each(|i| take_query(self.core, vectors, i, &mut scratch))
    }

    /// Answers all queries, on more than one thread where there are many. Which thread takes
    /// which changes nothing: each query is answered for itself.
    fn answer_all(&self, ids: &mut [u64], distances: &mut [f32], counts: &mut [u32]) -> Result<Outcome> {
        let wanted = counts.len() / QUERIES_PER_THREAD;
        let helpers = if wanted < 2 { 0 } else { wanted.min(self.core.threads()) - 1 };
        // Before any thread that helps, or it could take the memory that this one cannot do without.
        let mut own = self.core.scratch.take();
        own.cover(self.core, self.view, self.plan)?;
        if helpers == 0 {
            return self.answer_some(0, ids, distances, counts, &mut own);
        }
        let k = ids.len() / counts.len();
        let places = ids.chunks_mut(PORTION * k).zip(distances.chunks_mut(PORTION * k)).zip(counts.chunks_mut(PORTION));
        let portions = Mutex::new(places.enumerate());
        let work = |scratch: &mut Scratch| {
            let mut outcome = Outcome::Complete;
            while let Some((portion, ((ids, distances), counts))) = next(&portions) {
                match self.answer_some(portion * PORTION, ids, distances, counts, scratch)? {
                    Outcome::Complete => {}
                    Outcome::Partial => outcome = Outcome::Partial,
                }
            }
            Ok(outcome)
        };
        let help = || {
            let mut scratch = self.core.scratch.take();
            // Without memory for one more search at a time, the others do its part.
            let covered = scratch.cover(self.core, self.view, self.plan).is_ok();
            if covered { work(&mut scratch) } else { Ok(Outcome::Complete) }
        };
        on_threads(helpers, &help, || work(&mut own))
    }

    /// Answers the queries from `first` on that there are `counts` for.
    fn answer_some(
        &self,
        first: usize,
        ids: &mut [u64],
        distances: &mut [f32],
        counts: &mut [u32],
        scratch: &mut Scratch,
    ) -> Result<Outcome> {
        let k = ids.len() / counts.len();
        let mut outcome = Outcome::Complete;
        for (i, count) in counts.iter_mut().enumerate() {
            let places = i * k..(i + 1) * k;
            let (complete, found) =
                self.answer(first + i, scratch, &mut ids[places.clone()], &mut distances[places])?;
            *count = found;
            outcome = if complete { outcome } else { Outcome::Partial };
        }
        resident::count(self.core, self.view, std::mem::take(&mut scratch.walk.distances));
        Ok(outcome)
    }

    /// Answers query `i`; whether it went to its end, and the number of results.
    fn answer(&self, i: usize, scratch: &mut Scratch, ids: &mut [u64], distances: &mut [f32]) -> Result<(bool, u32)> {
        self.queries.take(self.core, self.view, i, scratch)?;
        // A walk asks only now and then: short ones, many in one call, would never stop.
        if self.limits.stop() {
            scratch.best.reset(0)?;
            return Ok((false, write_hits(&mut scratch.best, |_| true, ids, distances)));
        }
        if let Some(found) = self.asking.and_then(|asking| asking.look_up(&scratch.query, ids, distances)) {
            return Ok((true, found as u32));
        }
        let complete = search_one(self.core, self.view, self.plan, self.limits, scratch)?;
        let itself = self.queries.itself(i);
        let found = write_hits(&mut scratch.best, |slot| Some(slot) != itself, ids, distances);
        if let Some(asking) = self.asking.filter(|_| complete) {
            let (ids, distances) = (&ids[..found as usize], &distances[..found as usize]);
            asking.keep(&scratch.query, found.into(), ids, distances);
        }
        Ok((complete, found))
    }
}

/// The next item of an iterator that threads share. A function, so that the lock is free again at its end.
fn next<T>(items: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    lock(items).next()
}

/// Does `work` on this thread and `help` on up to `helpers` more: where one cannot be started,
/// the others do its part.
fn on_threads(
    helpers: usize,
    help: &(impl Fn() -> Result<Outcome> + Sync),
    work: impl FnOnce() -> Result<Outcome>,
) -> Result<Outcome> {
    thread::scope(|scope| {
        let start = |_| thread::Builder::new().name("vdb-search".into()).spawn_scoped(scope, help).ok();
        let others: Vec<_> = (0..helpers).map_while(start).collect();
        let mut outcome = work();
        for other in others {
            let theirs = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            outcome = match (outcome, theirs) {
                (Ok(Outcome::Complete), theirs) => theirs,
                (Ok(Outcome::Partial), Err(error)) => Err(error),
                (ours, _) => ours,
            };
        }
        outcome
    })
}

/// Query `i`, as a stored row would be, into the scratch.
pub(super) fn take_query(core: &Core, queries: &Vectors<'_>, i: usize, scratch: &mut Scratch) -> Result<()> {
    let Scratch { query, wide, .. } = scratch;
    memory::resize(query, core.shape.row_bytes(), 0)?;
    core.shape.store(queries.scalar(), queries.row(i), wide, query).map_err(|e| e.at(i as u64))?;
    core.shape.check(query).map_err(|e| e.at(i as u64))
}

/// The row of `slot`, or what stands in for it, as the query of the scratch.
fn take_row(core: &Core, view: &View, slot: u32, scratch: &mut Scratch) -> Result<()> {
    let Scratch { query, decoded, .. } = scratch;
    let row = stored_row(core, view, slot, decoded)?;
    memory::resize(query, row.len(), 0)?;
    query.copy_from_slice(row);
    Ok(())
}

/// The vector of a slot that has one.
pub(super) fn stored_row<'a>(core: &Core, view: &'a View, slot: u32, out: &'a mut Decoded) -> Result<&'a [u8]> {
    let row = view.vector(&core.shape, slot, out)?.filter(|row| row.len() == core.shape.row_bytes());
    row.ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("row {} has no vector", view.id_of(slot))))
}

/// Fills `scratch.best` for the query in the scratch; false when it was stopped early or kept to its memory.
pub(super) fn search_one(
    core: &Core,
    view: &View,
    plan: &Plan,
    limits: &Limits<'_>,
    scratch: &mut Scratch,
) -> Result<bool> {
    search_traced(core, view, plan, limits, scratch, &mut ())
}

/// As [`search_one`], telling `trace` of each stage.
pub(super) fn search_traced(
    core: &Core,
    view: &View,
    plan: &Plan,
    limits: &Limits<'_>,
    scratch: &mut Scratch,
    trace: &mut impl Trace,
) -> Result<bool> {
    plan.reset(&mut scratch.best)?;
    if plan.k == 0 {
        return Ok(!plan.stopped);
    }
    let from = if plan.covered == Covered::Scan { 0 } else { view.index.graph.len() };
    let scanned = scan::scan(core, view, plan, from..view.end(), limits, scratch)?;
    trace.ended(Stage::Scan, scratch.walk.distances);
    let covered = match plan.covered {
        Covered::Scan => index::Outcome::default(),
        Covered::Pick => pick(core, view, plan, limits, scratch, trace)?,
        Covered::Walk(walk) => walk_graph(core, view, plan, walk, limits, scratch, trace)?,
    };
    Ok(!scanned.stopped_early && !covered.stopped_early && !covered.left_out && plan.fit != Fit::Narrower)
}

/// Walks the graph on codes, and takes the best candidates over into `best`. Where a filter makes that
/// cost more than comparing all rows that pass, or where it led to fewer than were wanted, these
/// are compared instead.
fn walk_graph(
    core: &Core,
    view: &View,
    plan: &Plan,
    walk: Walk,
    limits: &Limits<'_>,
    scratch: &mut Scratch,
    trace: &mut impl Trace,
) -> Result<index::Outcome> {
    let Scratch { walk: walking, best, query, code, wide, .. } = scratch;
    let code = view.index.query_code(&core.shape, query, wide, code)?;
    let (space, asked) = if by_vectors(view, wide) { (&view.stored, &query[..]) } else { (&view.coded, code) };
    let Walk { beam, past_blocked, most_distances } = walk;
    let (blocked, most_waiting) = (plan.blocked(view), plan.most_waiting);
    let terms = Terms { blocked, past_blocked, most_distances, most_waiting, control: limits };
    let outcome = view.index.graph.search(space, asked, beam, &terms, walking)?;
    let short = best.len() + walking.pool.len() < plan.k;
    trace.walked(outcome, short);
    trace.ended(Stage::Walk, walking.distances);
    if plan.is_filtered() && !outcome.stopped_early && (outcome.gave_up || short) {
        return pick(core, view, plan, limits, scratch, trace);
    }
    rerank(core, view, plan, scratch)?;
    trace.ended(Stage::Rerank, scratch.walk.distances);
    Ok(outcome)
}

/// Whether a query, in `wide`, is out of the reach of the codes: the vectors are compared then, as far as they are all
/// there. Sentence embeddings (384 components) under squared L2, asked with queries ten times as long as rows:
/// recall@10 is 0.94 by codes, however far the walk goes, and 1.0 by vectors.
fn by_vectors(view: &View, wide: &[f32]) -> bool {
    view.hollow == 0 && !view.index.code_reaches(wide)
}

/// Compares the rows of the graph that pass the filter, by their codes first or all of them exactly.
fn pick(
    core: &Core,
    view: &View,
    plan: &Plan,
    limits: &Limits<'_>,
    scratch: &mut Scratch,
    trace: &mut impl Trace,
) -> Result<index::Outcome> {
    let Scratch { walk, best, picked, query, code, wide, decoded, .. } = scratch;
    let covered = 0..view.index.graph.len();
    let key = |slot| view.id_of(slot);
    let mut compare = |space: &Space, query: &[u8], key: &dyn Fn(u32) -> u64, top: &mut TopK| match plan.passing() {
        Some(slots) => {
            let slots = &slots[..slots.partition_point(|&slot| slot < covered.end)];
            walk.distances += slots.len() as u64;
            flat::scan_slots(space, query, slots, key, top, limits)
        }
        None => {
            walk.distances += covered.len() as u64;
            flat::scan(space, query, covered.clone(), plan.blocked(view), key, top, limits)
        }
    };
    if !plan.by_code {
        let outcome = compare(&view.stored, query, &key, best);
        trace.ended(Stage::Pick, walk.distances);
        return Ok(outcome);
    }
    let code = view.index.query_code(&core.shape, query, wide, code)?;
    if by_vectors(view, wide) {
        let outcome = compare(&view.stored, query, &key, best);
        trace.ended(Stage::Pick, walk.distances);
        return Ok(outcome);
    }
    picked.reset(plan.rerank)?;
    let outcome = compare(&view.coded, code, &u64::from, picked);
    trace.ended(Stage::Pick, walk.distances);
    let nearest = picked.sorted().map(|(_, slot, _)| slot);
    walk.distances += nearest.len() as u64;
    view.each_exact(&core.shape, query, nearest, decoded, |slot, distance| best.offer(distance, slot, &key))?;
    trace.ended(Stage::Rerank, walk.distances);
    Ok(outcome)
}

/// Takes the best candidates of the pool over into `best`, with exact distances.
fn rerank(core: &Core, view: &View, plan: &Plan, scratch: &mut Scratch) -> Result<()> {
    let Scratch { walk, best, query, decoded, .. } = scratch;
    let key = |slot| view.id_of(slot);
    if view.index.codec.is_none() {
        walk.pool.iter().for_each(|(distance, slot)| best.offer(distance, slot, &key));
        return Ok(());
    }
    let nearest = walk.pool.iter().take(plan.rerank).map(|(_, slot)| slot);
    walk.distances += nearest.len() as u64;
    view.each_exact(&core.shape, query, nearest, decoded, |slot, distance| best.offer(distance, slot, &key))?;
    Ok(())
}

/// A stored row's bytes to look for, and the slot that is no answer.
pub type Query<'a> = (&'a [u8], Option<u32>);

/// Distances of the `k` rows that a search of `view` finds nearest to `query`, nearest first. For
/// audits: not in the statistics; a cancelled task ends it early.
pub fn nearest(
    core: &Core,
    view: &View,
    (query, itself): Query<'_>,
    k: usize,
    params: &SearchParams,
    task: Option<&Task>,
) -> Result<Vec<f32>> {
    let plan = Plan::new(core, view, k.saturating_add(itself.is_some() as usize), params, &Unlimited)?;
    found_by(core, view, &plan, (query, itself), k, task)
}

/// As [`nearest`] by a walk of the default breadth even where a search would scan: it is the graph
/// that is audited.
pub fn nearest_in_graph(core: &Core, view: &View, query: Query<'_>, k: usize, task: Option<&Task>) -> Result<Vec<f32>> {
    let plan =
        Plan::new(core, view, k + query.1.is_some() as usize, &SearchParams::default(), &Unlimited)?.walking(core);
    found_by(core, view, &plan, query, k, task)
}

fn found_by(
    core: &Core,
    view: &View,
    plan: &Plan,
    (query, itself): Query<'_>,
    k: usize,
    task: Option<&Task>,
) -> Result<Vec<f32>> {
    let mut scratch = core.scratch.take();
    scratch.cover(core, view, plan)?;
    memory::resize(&mut scratch.query, query.len(), 0)?;
    scratch.query.copy_from_slice(query);
    search_one(core, view, plan, &Limits { deadline: None, task }, &mut scratch)?;
    scratch.walk.distances = 0;
    let others = scratch.best.sorted().filter(|&(_, slot, _)| Some(slot) != itself);
    Ok(memory::collected(others.map(|(distance, ..)| distance).take(k))?)
}

/// Writes the results whose slots are `wanted`, nearest first, and marks the unused places.
pub(super) fn write_hits(best: &mut TopK, wanted: impl Fn(u32) -> bool, ids: &mut [u64], distances: &mut [f32]) -> u32 {
    let mut count = 0;
    let places = ids.iter_mut().zip(distances.iter_mut());
    for ((id, distance), hit) in places.zip(best.sorted().filter(|&(_, slot, _)| wanted(slot))) {
        (*distance, _, *id) = hit;
        count += 1;
    }
    ids[count..].fill(ID_NONE);
    distances[count..].fill(f32::INFINITY);
    count as u32
}

/// Copies vectors of `view` by id; see [`super::Database::get_batch`].
pub fn get_batch(
    core: &Core,
    view: &View,
    ids: &[u64],
    scalar: Scalar,
    out: &mut [u8],
    stride: usize,
    found: &mut [u8],
) -> Result<()> {
    let row_bytes = scalar.row_bytes(core.shape.dim);
    let stride = if stride == 0 { row_bytes } else { stride };
    let needed = ids.len().saturating_sub(1).checked_mul(stride).and_then(|b| b.checked_add(row_bytes));
    if stride < row_bytes || found.len() < ids.len() || (!ids.is_empty() && needed.is_none_or(|n| n > out.len())) {
        let message = format!("buffers are smaller than {} rows of {row_bytes} bytes at stride {stride}", ids.len());
        return fail(ErrorKind::InvalidArgument, message);
    }
    if (scalar == Scalar::B1) != (core.shape.scalar == Scalar::B1) {
        let message = format!("{:?} vectors cannot be read as {scalar:?}", core.shape.scalar);
        return fail(ErrorKind::Mismatch, message);
    }
    let (mut wide, mut decoded) = (Vec::new(), Decoded::default());
    for (i, &id) in ids.iter().enumerate() {
        let row = view.slot_of(id).map(|slot| view.vector(&core.shape, slot, &mut decoded)).transpose()?.flatten();
        found[i] = row.is_some() as u8;
        let Some(row) = row else { continue };
        let place = &mut out[i * stride..][..row_bytes];
        if scalar == core.shape.scalar {
            place.copy_from_slice(row);
        } else {
            convert(core.shape.scalar, row, scalar, core.shape.dim, &mut wide, place).map_err(|e| e.at(i as u64))?;
        }
    }
    core.check_faults()
}
