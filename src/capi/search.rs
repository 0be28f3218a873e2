//! Search
//!
//! Row i of the results fills `ids[i * k]` and `distances[i * k]` onwards, nearest first,
//! ties by id; `counts[i] <= k` of them. Places left over are VDB_ID_NONE and +INFINITY.

use super::args::{Layout, Sized32, out, read_struct, write};
use super::boundary::{Access, on_database};
use super::error::{Failure, Outcome, no_memory, refuse, vdb_error_t};
use super::filter::{filter_from, vdb_filter};
use super::open::vdb;
use super::snapshot::{snapshot_from, vdb_snapshot};
use super::status::{vdb_status, vdb_status_t};
use super::task::{task_from, vdb_task};
use super::types::{vdb_scalar_t, vdb_search_flag};
use crate::db::{Database, Hits, OptionId, OptionInfo, SearchParams, Value};
use std::ffi::c_void;
use std::time::Duration;

/// Largest `k` of a search.
pub const VDB_MAX_K: u32 = 16777216;

/// How a search runs. All zero after struct_size means the defaults; see
/// VDB_SEARCH_PARAMS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vdb_search_params_t {
    /// Set by the caller to sizeof(vdb_search_params_t).
    pub struct_size: u32,
    /// Breadth of the graph search, at most 100000; 0 means VDB_OPT_EF_SEARCH. At least k is used.
    pub ef: u32,
    /// Type of the query components; 0 means the type the database stores.
    pub query_scalar: vdb_scalar_t,
    /// Bits of `enum vdb_search_flag`.
    pub flags: u32,
    /// Candidates whose exact distance is computed, at most VDB_MAX_K; 0 means max(2k, k + 10), and with
    /// VDB_QUANT_PQ and VDB_QUANT_RABITQ max(10k, k + 50, ef).
    /// At least k is used.
    pub rerank: u32,
    /// Share of the true neighbours to find on average, above 0 and at most 0.9999, instead of
    /// an ef: how far the search must go for it is measured on the data as the graph grows.
    /// 0 means VDB_OPT_TARGET_RECALL. Not together with ef.
    pub target_recall: f32,
    /// Time limit in microseconds; 0 means none. The search then returns VDB_PARTIAL.
    pub deadline_us: u64,
    /// Cancels the search, which then returns VDB_PARTIAL; may be NULL.
    pub task: *mut vdb_task,
    /// Rows that may be results; NULL means all. Where k rows pass, k are found.
    pub filter: *const vdb_filter,
    /// State to search, of this handle; NULL means the newest.
    pub snapshot: *const vdb_snapshot,
    /// Bytes of working memory that each query may take; 0 means no limit but VDB_OPT_MAX_MEMORY.
    ///
    /// Counted are 16 bytes a result, the query itself in three forms (some 10 bytes a component), 8 bytes a candidate
    /// (ef and rerank) and two bits a row of the graph; not what a filter keeps for later searches, nor the caller's
    /// arrays. A search that would need more first goes without what only saves time: sketches, more threads, comparing by codes.
    /// Then it walks with fewer candidates and returns VDB_PARTIAL. Where no walk fits at all, all rows that
    /// pass are compared, which finds everything and takes longer: set a deadline too. Where not even the k results
    /// fit it is VDB_ERR_LIMIT. vdb_search_range returns VDB_PARTIAL with the nearest rows where more are within the
    /// distance than fit.
    pub max_memory: u64,
}

// SAFETY: `repr(C)`, 6 x 4 + 5 x 8 bytes without padding; a NULL task, filter and snapshot are valid.
unsafe impl Sized32 for vdb_search_params_t {
    const NAME: &'static str = "vdb_search_params_t";
}

/// Finds the `k` nearest rows of each query.
///
/// `queries`: `query_count` vectors of `dim` components, `stride` bytes apart (0 = packed),
/// of type `params->query_scalar`; like rows they are converted to the scalar type of the
/// database, so U8 rows want queries of whole numbers. `params` may be NULL. `ids` and
/// `distances` have `query_count * k` places, `counts` has `query_count` or is NULL. All
/// queries see one consistent state of the database. 32 or more are shared by up to
/// VDB_OPT_THREADS threads, which end before the call returns. k = 0
/// and an empty database are not errors, and a k above the number of rows returns all rows.
///
/// Returns VDB_PARTIAL when the deadline passed, the task was cancelled or `max_memory` was in the way: the results
/// so far are valid; of the queries, later ones may have none. Errors (item = query): DIMENSION, NOT_FINITE, UNSUPPORTED (scalar type
/// or flag), OUT_OF_RANGE (query_count * k, ef, rerank, a query that cannot be converted or
/// is too long (R10)), MISMATCH (bits and numbers, a snapshot of another handle), LIMIT (k above VDB_MAX_K, or
/// too large for VDB_OPT_MAX_MEMORY or `max_memory`),
/// INVALID_ARGUMENT (stride), CORRUPT, IO, NO_MEMORY, CLOSED, FORKED, NULL_ARGUMENT.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_search(
    db: *const vdb,
    queries: *const c_void,
    query_count: usize,
    dim: usize,
    stride: usize,
    k: usize,
    params: *const vdb_search_params_t,
    ids: *mut u64,
    distances: *mut f32,
    counts: *mut u32,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let hits = RawHits { queries: query_count, k, ids, distances, counts };
    let raw = RawSearch { queries, dim, stride, params, hits, exact: false };
    // SAFETY: R2, R3, R9.
    unsafe { on_database(db, Access::Read, error, |database| raw.run(database)) }
}

/// As vdb_search, but compares each query with every row: the answer that the results of
/// vdb_search are measured against. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_search_exact(
    db: *const vdb,
    queries: *const c_void,
    query_count: usize,
    dim: usize,
    stride: usize,
    k: usize,
    params: *const vdb_search_params_t,
    ids: *mut u64,
    distances: *mut f32,
    counts: *mut u32,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let hits = RawHits { queries: query_count, k, ids, distances, counts };
    let raw = RawSearch { queries, dim, stride, params, hits, exact: true };
    // SAFETY: R2, R3, R9.
    unsafe { on_database(db, Access::Read, error, |database| raw.run(database)) }
}

/// Finds all rows whose distance to one query is at most `max_distance`, nearest first, ties by id.
///
/// `query`: one vector of `dim` components. `ids` and `distances` have `cap` places; those left over
/// become VDB_ID_NONE and +INFINITY. `count` receives the number of rows found, or `cap` + 1 where
/// there are more than `cap`: the nearest are in the places then. `cap` 0 asks whether there is any. With
/// `params` as for vdb_search: a graph is walked, so of rows near the edge some may be missed unless
/// VDB_SEARCH_EXACT is set.
///
/// Returns VDB_PARTIAL as vdb_search does. Errors: as vdb_search, and
/// INVALID_ARGUMENT (`max_distance` is NaN), LIMIT (`cap` above VDB_MAX_K). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_search_range(
    db: *const vdb,
    query: *const c_void,
    dim: usize,
    max_distance: f32,
    cap: usize,
    params: *const vdb_search_params_t,
    ids: *mut u64,
    distances: *mut f32,
    count: *mut usize,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R9.
        let (params, scalar) = unsafe { params_from(params) }?;
        check_k(cap)?;
        let layout = query_layout(database, scalar, 1, dim, 0)?;
        // SAFETY: R3.
        let (ids, distances, count) =
            unsafe { (write(ids, cap, "ids")?, write(distances, cap, "distances")?, out(count, "count")?) };
        // SAFETY: R3.
        let query = unsafe { layout.vectors(query.cast(), "query") }?;
        let (outcome, found) = database.search_range(query, max_distance, &params, ids, distances)?;
        *count = found;
        Ok(status_of(outcome))
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// Measures the recall of searches: the share of the true `k` nearest rows that vdb_search finds
/// with `params`, by comparing with an exact search of each query.
///
/// `queries` as for vdb_search. With `queries` NULL some `query_count` stored rows are looked for
/// instead, each apart from itself; these are found a little more easily than queries that are no
/// rows. `recall` receives the share, 0 to 1; `low` and `high` the ends of its 95 % confidence
/// interval, and may be NULL. Takes as long as `query_count` exact searches; `deadline_us` and
/// `task` of `params` are not looked at, and `dim` is not where `queries` is NULL. With nothing
/// to find (k = 0, no rows, no queries) the recall is 1, somewhere between 0 and 1.
///
/// Errors: as vdb_search, and CANCELLED. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_measure_recall(
    db: *const vdb,
    queries: *const c_void,
    query_count: usize,
    dim: usize,
    stride: usize,
    k: usize,
    params: *const vdb_search_params_t,
    recall: *mut f64,
    low: *mut f64,
    high: *mut f64,
    task: *mut vdb_task,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R9.
        let (params, scalar) = unsafe { params_from(params) }?;
        check_k(k)?;
        // SAFETY: R3.
        let recall = unsafe { out(recall, "recall") }?;
        let task = task_from(task)?;
        let found = if queries.is_null() {
            database.measure_recall_of_rows(query_count, k, &params, task.as_ref())?
        } else {
            let layout = query_layout(database, scalar, query_count, dim, stride)?;
            // SAFETY: R3.
            let queries = unsafe { layout.vectors(queries.cast(), "queries") }?;
            database.measure_recall(queries, k, &params, task.as_ref())?
        };
        *recall = found.recall;
        for (place, value) in [(low, found.low), (high, found.high)] {
            if !place.is_null() {
                // SAFETY: R3.
                *unsafe { out(place, "low and high") }? = value;
            }
        }
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

pub(super) fn status_of(outcome: crate::db::Outcome) -> vdb_status {
    match outcome {
        crate::db::Outcome::Complete => vdb_status::VDB_OK,
        crate::db::Outcome::Partial => vdb_status::VDB_PARTIAL,
    }
}

/// Where the queries of a call lie.
pub(super) fn query_layout(
    db: &Database,
    scalar: vdb_scalar_t,
    count: usize,
    dim: usize,
    stride: usize,
) -> Result<Layout, Failure> {
    let settings = db.settings();
    let scalar = if scalar == 0 { settings.scalar as vdb_scalar_t } else { scalar };
    Layout::new(scalar, count, (dim, settings.dim), stride, "queries")
}

pub(super) fn check_k(k: usize) -> Result<(), Failure> {
    if k > VDB_MAX_K as usize {
        return refuse(
            vdb_status::VDB_ERR_LIMIT,
            format!("k = {k} is above the limit of {VDB_MAX_K}; ask for the rest with a cursor"),
        );
    }
    Ok(())
}

/// A search as the caller passed it. Whoever makes one vouches for the pointers (R3, R9).
struct RawSearch {
    queries: *const c_void,
    dim: usize,
    stride: usize,
    params: *const vdb_search_params_t,
    hits: RawHits,
    exact: bool,
}

impl RawSearch {
    /// # Safety
    /// The pointers are NULL or what R3 and R9 say.
    unsafe fn run(&self, database: &Database) -> Outcome {
        // SAFETY: passed on from the caller.
        let (mut params, scalar) = unsafe { params_from(self.params) }?;
        params.exact |= self.exact;
        let layout = query_layout(database, scalar, self.hits.queries, self.dim, self.stride)?;
        let mut unwanted = Unwanted::default();
        // SAFETY: passed on from the caller.
        let hits = unsafe { self.hits.open(&mut unwanted) }?;
        if hits.ids.is_empty() {
            hits.counts.fill(0);
            return Ok(vdb_status::VDB_OK);
        }
        // SAFETY: passed on from the caller.
        let queries = unsafe { layout.vectors(self.queries.cast(), "queries") }?;
        Ok(status_of(database.search(queries, self.hits.k, &params, hits)?))
    }
}

/// Where the results of a call go, as the caller passed it: `k` places for each of `queries`. Whoever makes one
/// vouches for the pointers (R3).
pub(super) struct RawHits {
    pub queries: usize,
    pub k: usize,
    pub ids: *mut u64,
    pub distances: *mut f32,
    pub counts: *mut u32,
}

/// Room for counts that the caller does not want.
#[derive(Default)]
pub(super) struct Unwanted {
    one: [u32; 1],
    many: Vec<u32>,
}

impl RawHits {
    /// The places. Counts that the caller does not want go to `unwanted`.
    ///
    /// # Safety
    /// The pointers are NULL or what R3 says.
    pub unsafe fn open<'a>(&self, unwanted: &'a mut Unwanted) -> Result<Hits<'a>, Failure> {
        let places = self.places()?;
        // SAFETY: passed on from the caller.
        let (ids, distances) =
            unsafe { (write(self.ids, places, "ids")?, write(self.distances, places, "distances")?) };
        let counts = match self.counts.is_null() {
            // SAFETY: passed on from the caller.
            false => unsafe { write(self.counts, self.queries, "counts") }?,
            // Without places no row of `queries` is read, so their number vouches for no memory.
            true if places == 0 => &mut [],
            // The usual search allocates nothing.
            true if self.queries == 1 => &mut unwanted.one,
            true => {
                let many = &mut unwanted.many;
                many.try_reserve_exact(self.queries).map_err(|_| no_memory("counts", 4 * self.queries))?;
                many.resize(self.queries, 0);
                &mut many[..]
            }
        };
        Ok(Hits { ids, distances, counts })
    }

    /// Number of results there is room for.
    pub fn places(&self) -> Result<usize, Failure> {
        let (k, queries) = (self.k, self.queries);
        match k.checked_mul(queries) {
            // Ids are the largest of the three arrays.
            Some(places) if places <= isize::MAX as usize / size_of::<u64>() => {
                check_k(k)?;
                Ok(places)
            }
            _ => refuse(vdb_status::VDB_ERR_OUT_OF_RANGE, format!("{queries} queries x k = {k} overflow")),
        }
    }
}

/// Found once, not in every search.
const EF_SEARCH: &OptionInfo = OptionId::EfSearch.info();
const TARGET_RECALL: &OptionInfo = OptionId::TargetRecall.info();

/// The parameters for the database, and the number of the query's scalar type.
///
/// # Safety
/// `params` is NULL or what R9 says.
pub(super) unsafe fn params_from(params: *const vdb_search_params_t) -> Result<(SearchParams, vdb_scalar_t), Failure> {
    if params.is_null() {
        return Ok((SearchParams::default(), 0));
    }
    // SAFETY: passed on from the caller.
    let p = unsafe { read_struct(params) }?;
    let has = |flag: vdb_search_flag| p.flags & flag as u32 != 0;
    let known = vdb_search_flag::VDB_SEARCH_EXACT as u32 | vdb_search_flag::VDB_SEARCH_NO_CACHE as u32;
    if p.flags & !known != 0 {
        return refuse(vdb_status::VDB_ERR_UNSUPPORTED, format!("search flags {:#x} are not known", p.flags & !known));
    }
    let recall_max = TARGET_RECALL.max.as_f64() as f32;
    if !(0.0..=recall_max).contains(&p.target_recall) {
        let message =
            format!("target_recall = {} is outside 0..{recall_max}; use an exact search for all", p.target_recall);
        return refuse(vdb_status::VDB_ERR_OUT_OF_RANGE, message);
    }
    if p.ef != 0 && p.target_recall != 0.0 {
        let message = format!("ef = {} and target_recall = {} exclude each other", p.ef, p.target_recall);
        return refuse(vdb_status::VDB_ERR_INVALID_ARGUMENT, message);
    }
    if Value::U64(p.ef.into()) > EF_SEARCH.max {
        let max = &EF_SEARCH.max;
        return refuse(vdb_status::VDB_ERR_OUT_OF_RANGE, format!("ef = {} is above {max}", p.ef));
    }
    if p.rerank > VDB_MAX_K {
        return refuse(vdb_status::VDB_ERR_OUT_OF_RANGE, format!("rerank = {} is above {VDB_MAX_K}", p.rerank));
    }
    let parsed = SearchParams {
        ef: p.ef as usize,
        target_recall: p.target_recall,
        rerank: p.rerank as usize,
        exact: has(vdb_search_flag::VDB_SEARCH_EXACT),
        no_cache: has(vdb_search_flag::VDB_SEARCH_NO_CACHE),
        filter: filter_from(p.filter)?,
        snapshot: snapshot_from(p.snapshot)?,
        max_memory: p.max_memory,
        deadline: (p.deadline_us != 0).then(|| Duration::from_micros(p.deadline_us)),
        task: task_from(p.task)?,
    };
    Ok((parsed, p.query_scalar))
}
