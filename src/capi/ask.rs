//! Other ways to ask
//!
//! Searches that begin with rows instead of vectors, whose results keep apart from each other, or that go over
//! several databases.

use super::args::{out, read, write};
use super::boundary::{Access, boundary, on_database, on_databases};
use super::error::{Failure, vdb_error_t};
use super::open::vdb;
use super::search::{RawHits, Unwanted, check_k, params_from, query_layout, status_of, vdb_search_params_t};
use super::status::{vdb_status, vdb_status_t};
use crate::db::{Database, Error, ErrorKind, first_unlike, search_many};
use std::ffi::{c_char, c_void};

/// Finds the `k` rows nearest to each of the `count` rows `row_ids`, which is left out itself.
///
/// As vdb_search with the vectors of these rows as queries: row i of the results belongs to `row_ids[i]`, and all are
/// of one consistent state. `params->query_scalar` is not looked at. The filter applies to results, not to
/// `row_ids`.
///
/// Returns VDB_PARTIAL when the deadline passed or the task was cancelled. Errors (item = place in `row_ids`):
/// NOT_FOUND (there is no such row), and as vdb_search. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_search_ids(
    db: *const vdb,
    row_ids: *const u64,
    count: usize,
    k: usize,
    params: *const vdb_search_params_t,
    ids: *mut u64,
    distances: *mut f32,
    counts: *mut u32,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let raw = RawHits { queries: count, k, ids, distances, counts };
    let body = |database: &Database| {
        // SAFETY: R9.
        let (params, _) = unsafe { params_from(params) }?;
        let mut unwanted = Unwanted::default();
        // SAFETY: R3.
        let (row_ids, hits) = unsafe { (read(row_ids, count, "row_ids")?, raw.open(&mut unwanted)?) };
        if hits.ids.is_empty() {
            hits.counts.fill(0);
            return Ok(vdb_status::VDB_OK);
        }
        Ok(status_of(database.search_ids(row_ids, k, &params, hits)?))
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// Finds the `k` rows that are most like the rows `positive` and unlike the rows `negative`; none of these is a result.
///
/// They are the rows nearest to one point, and distances are to that point: the mean p of the positive
/// examples, or 2p - n where n is the mean of the negative ones. One positive example is needed. One that stands
/// twice counts twice. Under VDB_METRIC_COSINE examples count by their directions, whatever their
/// lengths. The point has the type of rows. In databases of bytes it is rounded, under cosine after it was made as
/// long as bytes can hold. In databases of bits p and n are the shares of examples that have a bit, and it is set
/// where 2p - n is above 1/2: where the positive examples are divided, the negative ones decide.
///
/// `ids` and `distances` have `k` places; those left over become VDB_ID_NONE and +INFINITY. `count` receives the
/// number of results and may be NULL. `params` as for vdb_search; `query_scalar` is not looked at. The filter applies
/// to results, not to examples.
///
/// Returns VDB_PARTIAL when the deadline passed or the task was cancelled. Errors (item = place in `positive`, or
/// `positive_count` + place in `negative`): NOT_FOUND (there is no such row), INVALID_ARGUMENT (no positive example),
/// NOT_FINITE (under cosine: the examples cancel each other out), OUT_OF_RANGE (the point is too far out (R10)),
/// and as vdb_search. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_recommend(
    db: *const vdb,
    positive: *const u64,
    positive_count: usize,
    negative: *const u64,
    negative_count: usize,
    k: usize,
    params: *const vdb_search_params_t,
    ids: *mut u64,
    distances: *mut f32,
    count: *mut u32,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R9.
        let (params, _) = unsafe { params_from(params) }?;
        check_k(k)?;
        // SAFETY: R3.
        let (positive, negative) =
            unsafe { (read(positive, positive_count, "positive")?, read(negative, negative_count, "negative")?) };
        // SAFETY: R3.
        let (ids, distances) = unsafe { (write(ids, k, "ids")?, write(distances, k, "distances")?) };
        let (outcome, found) = database.recommend(positive, negative, &params, ids, distances)?;
        // SAFETY: R3.
        unsafe { put_count(count, found) }?;
        Ok(status_of(outcome))
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// Chooses `k` rows that are near one query and not too near to each other.
///
/// Of the nearest `candidates` rows (0: 4k; at least k) the nearest is chosen first, then one after the other
/// always the row with the least
/// `lambda * (distance to the query) - (1 - lambda) * (distance to the nearest one chosen)`
/// (maximal marginal relevance). `lambda` 1 gives the nearest rows, 0 those farthest apart. All these distances
/// are exact. Results are in the order in which they were chosen, so `distances`, which are to the query, go up
/// and down. It costs a search for `candidates` rows and `k * candidates` distances.
///
/// `query`: one vector of `dim` components. `ids` and `distances` have `k` places; those left over become
/// VDB_ID_NONE and +INFINITY. `count` receives the number of results and may be NULL. `params` as for vdb_search.
///
/// To what a search takes of `max_memory` come the vector and 16 bytes for each candidate; there are fewer where
/// that is too much.
///
/// Returns VDB_PARTIAL when the deadline passed, the task was cancelled or there were fewer candidates for want of
/// memory. Errors: as vdb_search, and OUT_OF_RANGE (`lambda` is not in 0..1), LIMIT (`candidates` above VDB_MAX_K, or
/// `max_memory` too small for k of them). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_search_diverse(
    db: *const vdb,
    query: *const c_void,
    dim: usize,
    k: usize,
    candidates: usize,
    lambda: f32,
    params: *const vdb_search_params_t,
    ids: *mut u64,
    distances: *mut f32,
    count: *mut u32,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R9.
        let (params, scalar) = unsafe { params_from(params) }?;
        check_k(k)?;
        check_k(candidates)?;
        let layout = query_layout(database, scalar, 1, dim, 0)?;
        // SAFETY: R3.
        let (ids, distances) = unsafe { (write(ids, k, "ids")?, write(distances, k, "distances")?) };
        // SAFETY: R3.
        let query = unsafe { layout.vectors(query.cast(), "query") }?;
        let (outcome, found) = database.search_diverse(query, candidates, lambda, &params, ids, distances)?;
        // SAFETY: R3.
        unsafe { put_count(count, found) }?;
        Ok(status_of(outcome))
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// Finds the best groups of rows, and of each the best rows. Rows that have the same string, number or boolean
/// at `path` of their metadata are one group; the others are in none.
///
/// `path` of `path_len` bytes is written as in a filter: `author.name`. When all rows are gone through nearest first,
/// group 0 is the first one met, group 1 the next, and so on, `groups` at most; each has its `per_group` nearest rows. `ids`
/// and `distances` have `groups * per_group` places: those of group i begin at `i * per_group`, and those left over
/// become VDB_ID_NONE and +INFINITY. `counts` has `groups` places and receives the number of rows of each; `group_count`
/// receives the number of groups, and may be NULL. `query`, `dim` and `params` as for vdb_search_range. Where a
/// group has fewer than `per_group` rows, or there are fewer groups, all rows that pass are looked at.
///
/// Returns VDB_PARTIAL when the deadline passed or the task was cancelled. Errors: as vdb_search, and FILTER_SYNTAX
/// (item = byte of `path`), LIMIT (`groups * per_group` above VDB_MAX_K). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_search_groups(
    db: *const vdb,
    query: *const c_void,
    dim: usize,
    path: *const c_char,
    path_len: usize,
    groups: usize,
    per_group: usize,
    params: *const vdb_search_params_t,
    ids: *mut u64,
    distances: *mut f32,
    counts: *mut u32,
    group_count: *mut u32,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let raw = RawHits { queries: groups, k: per_group, ids, distances, counts };
    let body = |database: &Database| {
        // SAFETY: R9.
        let (params, scalar) = unsafe { params_from(params) }?;
        check_k(raw.places()?)?;
        let layout = query_layout(database, scalar, 1, dim, 0)?;
        let mut unwanted = Unwanted::default();
        // SAFETY: R3.
        let (path, query) =
            unsafe { (read(path.cast::<u8>(), path_len, "path")?, layout.vectors(query.cast(), "query")?) };
        let path = std::str::from_utf8(path).map_err(|odd| {
            let message = format!("the path is not UTF-8 from byte {} on", odd.valid_up_to());
            Error::new(ErrorKind::FilterSyntax, message).at_byte(odd.valid_up_to())
        })?;
        // SAFETY: R3.
        let mut hits = unsafe { raw.open(&mut unwanted) }?;
        if hits.ids.is_empty() {
            hits.counts = &mut [];
        }
        let (outcome, found) = database.search_groups(query, path, per_group, &params, hits)?;
        // SAFETY: R3.
        unsafe { put_count(group_count, found) }?;
        Ok(status_of(outcome))
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// Writes the number of results, no more than VDB_MAX_K, where it is wanted.
///
/// # Safety
/// `count` is NULL or a place to write to (R3).
unsafe fn put_count(count: *mut u32, found: usize) -> Result<(), Failure> {
    if !count.is_null() {
        // SAFETY: passed on from the caller.
        *unsafe { out(count, "count") }? = found as u32;
    }
    Ok(())
}

/// Finds the `k` nearest rows of each query among those of all `db_count` databases, as if they were one.
///
/// As vdb_search, of each of `dbs` with `params`, and merged: nearest first, ties by the place of the database in `dbs`
/// and then by id. `sources` has as many places as `ids` and receives the places in `dbs`; those left over become
/// UINT32_MAX. Ids are those of each database, so the same one may stand there several times. All databases must
/// have the same metric and dimension; scalar types may differ: each takes the queries as its own, and
/// `query_scalar` 0 means the type that the first one stores. Each is searched in the state that it had when the
/// call began. `deadline_us` and `task` are those of the whole call. A filter applies to each database's own rows.
/// No databases are no error: nothing is found.
///
/// Returns VDB_PARTIAL when the deadline passed or the task was cancelled. Errors: as vdb_search, naming the
/// database in the message, and MISMATCH and CLOSED (item = place in `dbs`). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_search_many(
    dbs: *const *const vdb,
    db_count: usize,
    queries: *const c_void,
    query_count: usize,
    dim: usize,
    stride: usize,
    k: usize,
    params: *const vdb_search_params_t,
    ids: *mut u64,
    distances: *mut f32,
    sources: *mut u32,
    counts: *mut u32,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let raw = RawHits { queries: query_count, k, ids, distances, counts };
    let search = |databases: &[&Database]| {
        // SAFETY: R9.
        let (params, scalar) = unsafe { params_from(params) }?;
        if let Some((place, error)) = first_unlike(databases) {
            return Err(Failure { item: Some(place as u64), ..error.into() });
        }
        let layout =
            databases.first().map(|first| query_layout(first, scalar, query_count, dim, stride)).transpose()?;
        let mut unwanted = Unwanted::default();
        // SAFETY: R3.
        let (hits, sources) = unsafe { (raw.open(&mut unwanted)?, write(sources, raw.places()?, "sources")?) };
        let Some(layout) = layout.filter(|_| !hits.ids.is_empty()) else {
            hits.ids.fill(super::types::VDB_ID_NONE);
            hits.distances.fill(f32::INFINITY);
            sources.fill(u32::MAX);
            hits.counts.fill(0);
            return Ok(vdb_status::VDB_OK);
        };
        // SAFETY: R3.
        let queries = unsafe { layout.vectors(queries.cast(), "queries") }?;
        Ok(status_of(search_many(databases, queries, k, &params, hits, sources)?))
    };
    // SAFETY: R3.
    let body = || on_databases(unsafe { read(dbs, db_count, "dbs") }?, search);
    // SAFETY: R2.
    unsafe { boundary(error, body) }
}
