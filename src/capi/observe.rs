//! Seeing inside
//!
//! What a database holds and what its calls take. The library prints nothing: whoever wants to know asks.

use super::args::{Sized32, out, put_text, write, write_struct};
use super::boundary::{Access, on_database};
use super::error::{refuse, vdb_error_t};
use super::open::vdb;
use super::search::{check_k, params_from, query_layout, vdb_search_params_t};
use super::status::{vdb_status, vdb_status_t};
use super::types::vdb_call_t;
use crate::db::{Call, Database, Latency, Stats};
use std::ffi::{c_char, c_void};

/// Bytes that are enough for every text of vdb_explain.
pub const VDB_EXPLAIN_MAX: usize = 8192;
const _: () = assert!(VDB_EXPLAIN_MAX == Database::EXPLAIN_MAX + 1);

/// Searches for the `k` nearest rows of one query as vdb_search would, and tells how it went and why.
///
/// `query` and `params` as for vdb_search. Writes a terminated JSON text into `json`, which has `cap` bytes, and its length
/// without the terminator to `*len`. With cap = 0 (`json` may be NULL) nothing is searched, and `*len` is
/// VDB_EXPLAIN_MAX - 1, which no text passes: times differ, so no two are of one length. The search counts in no statistics,
/// takes nothing from the cache and leaves nothing there.
///
/// Members of the object; more may come:
/// `plan`: "scan" (all rows are compared), "pick" (those that pass the filter are), "walk" (the graph is walked), "walk through" and
/// "walk over" (the same, and how it gets past rows that do not pass); `why`: what decided, in words; `costs`: what was expected
/// of each way under a filter, in distances (`pick`, `walk_through`, `walk_over`), or null;
/// `complete` (false: VDB_PARTIAL), `k` (no more than there are rows), `found`, `lsn`;
/// `rows`: `live`, `passing` (the filter), `in_graph`, `unindexed` (not in the graph yet), `chunks`;
/// `filter`: `selectivity` (share of the live rows that pass), `expected_selectivity` (what the ids of the filter, or the statistics of
/// the columns that it looks at, let expect, or null), `chunks_skipped` (those that these statistics decide, so that no row of them
/// is looked at; null for ids), or null;
/// `scan`: `rows` compared one by one (the tail behind the graph, or all), how many by `sketches` first, `vectors` read for that,
/// `threads`;
/// `walk`, or null: `ef`, `spare` (candidates kept beyond it for the rerank), `stretch` (of the adaptive stop, or null), `past_blocked` ("through", "over", or null), `nodes`
/// visited, `most_distances` (after which it is given up for a pick, or null), `gave_up`, `short` (it led to fewer than k rows; a pick follows
/// under a filter), `left_out` (max_memory kept it from some nodes);
/// `read`: `codes`, `vectors` (all stages), `rerank` (candidates to be ranked again), `reranked` (vectors read for that);
/// `time_us`: `filter`, `scan`, `walk`, `pick`, `rerank`, `total`;
/// `recall`: `target`, `calibrated_nodes` (of the graph that recall was measured on), `best_measured`, each or null;
/// `memory`: `bytes` of working memory, `limit` (max_memory, or null), `fit` ("whole", "slower" or "narrower" to keep to it);
/// `cache`: "off", "hit" (vdb_search would have the answer from there), "miss" or "skipped" (VDB_SEARCH_NO_CACHE);
/// `advice`: texts on what would help, most important first; often none.
///
/// Errors: as vdb_search for one query, and BUFFER_TOO_SMALL. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_explain(
    db: *const vdb,
    query: *const c_void,
    dim: usize,
    k: usize,
    params: *const vdb_search_params_t,
    json: *mut c_char,
    cap: usize,
    len: *mut usize,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R9.
        let (params, scalar) = unsafe { params_from(params) }?;
        check_k(k)?;
        let layout = query_layout(database, scalar, 1, dim, 0)?;
        // SAFETY: R3.
        let (query, json, len) = unsafe {
            (layout.vectors(query.cast(), "query")?, write(json.cast::<u8>(), cap, "json")?, out(len, "len")?)
        };
        if cap == 0 {
            *len = Database::EXPLAIN_MAX;
            return Ok(vdb_status::VDB_OK);
        }
        put_text(&database.explain(query, k, &params)?, json, len, "json")
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// Tells about the columns of metadata: those that were declared (VDB_OPT_COLUMNS), and those that filters looked at.
///
/// Writes a terminated JSON text into `json`, which has `cap` bytes, and its length without the terminator to `*len`. With
/// cap = 0 (`json` may be NULL) only the length, as it is now; columns come and grow, so the next text may be longer.
///
/// Members of the object; more may come: `rows` of the database, deleted ones whose space is not reclaimed included; `bytes` of all columns;
/// `columns`, by name, each with:
/// `name` (a path, as a filter has it), `type` (of VDB_OPT_COLUMNS; of a column that was not declared what is in it: "string", "number", "bool",
/// "mixed", or "none" for nothing but null; with "[]" where filters look at the elements of arrays), `declared`;
/// `rows` that it has been made of so far; all that follows is about these: `nulls` (missing or null; of arrays, rows without any element),
/// `distinct` values (within 1 % where there are more than 65536), `min` and `max` (null where there is none, or values of
/// several kinds; long strings are cut and end in "..."; of geo objects with lat and lon, and `distinct` is null), `bytes`, `bytes_per_row`.
///
/// Errors: BUFFER_TOO_SMALL (`*len` is set), CORRUPT, NO_MEMORY, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_columns_get(
    db: *const vdb,
    json: *mut c_char,
    cap: usize,
    len: *mut usize,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R3.
        let (json, len) = unsafe { (write(json.cast::<u8>(), cap, "json")?, out(len, "len")?) };
        put_text(&database.columns()?, json, len, "json")
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// A picture of a database. Grows at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vdb_stats_t {
    /// Set by the caller to sizeof(vdb_stats_t).
    pub struct_size: u32,
    /// Components of a vector.
    pub dim: u32,
    /// Rows that a search can return.
    pub live: u64,
    /// Deleted and replaced rows whose space is not reclaimed yet.
    pub deleted: u64,
    /// Live rows that are not in the graph yet and are scanned.
    pub unindexed: u64,
    /// Nodes of the graph, deleted ones that are still linked included.
    pub graph_nodes: u64,
    /// Nodes that a walk through the whole graph did not reach, 0 if all is well; UINT64_MAX
    /// while there is work on the graph and nothing was walked yet.
    pub graph_unreachable: u64,
    /// Bytes of vectors.
    pub bytes_vectors: u64,
    /// Bytes of codes.
    pub bytes_codes: u64,
    /// Bytes of links.
    pub bytes_graph: u64,
    /// Bytes of ids.
    pub bytes_ids: u64,
    /// Bytes of the write-ahead log.
    pub bytes_wal: u64,
    /// Bytes mapped from files; they are not counted against the process until touched.
    pub bytes_mapped: u64,
    /// Queries since the database was opened.
    pub searches: u64,
    /// Distances computed by them.
    pub distance_computations: u64,
    /// Number of the last batch that was acknowledged.
    pub lsn: u64,
    /// Number of the last batch that is in checkpoint files.
    pub checkpoint_lsn: u64,
    /// Checkpoints written since the database was opened.
    pub checkpoints: u64,
    /// Chunks rewritten since then to reclaim the space of deleted rows.
    pub compactions: u64,
    /// Chunks the rows are stored in.
    pub chunks: u64,
    /// Bytes of memory in use, as VDB_OPT_MAX_MEMORY counts them.
    pub bytes_memory: u64,
    /// The limit on them, VDB_OPT_MAX_MEMORY; 0 = none.
    pub bytes_memory_max: u64,
    /// VDB_OPT_ORIGINALS, one of `enum vdb_originals`.
    pub originals: u64,
    /// Rows that a search can return and whose vectors were given up: what their codes stand for is
    /// returned and compared.
    pub decoded: u64,
    /// Bytes of keys and metadata, what was replaced and is not reclaimed yet included.
    pub bytes_records: u64,
    /// Bytes of columns of metadata that filters look at (VDB_OPT_COLUMN_BYTES).
    pub bytes_columns: u64,
    /// Snapshots that are not freed.
    pub snapshots: u64,
    /// When the last checkpoint since the database was opened was written, in milliseconds since 1970-01-01 UTC; 0 =
    /// none was.
    pub checkpoint_unix_ms: u64,
    /// Searches that took VDB_OPT_SLOW_QUERY_US or longer.
    pub slow_queries: u64,
    /// Lines of the log that went unread because it was full (VDB_OPT_LOG_BYTES).
    pub log_lines_dropped: u64,
    /// Queries that were answered from the cache (VDB_OPT_CACHE_BYTES).
    pub cache_hits: u64,
    /// Queries that looked there and found nothing.
    pub cache_misses: u64,
    /// Bytes that the cache takes, a part of `bytes_memory`.
    pub bytes_cache: u64,
}

// SAFETY: `repr(C)`, 2 x 4 + 31 x 8 bytes without padding, integers.
unsafe impl Sized32 for vdb_stats_t {
    const NAME: &'static str = "vdb_stats_t";
}

impl From<Stats> for vdb_stats_t {
    fn from(s: Stats) -> vdb_stats_t {
        vdb_stats_t {
            struct_size: 0,
            dim: s.dim,
            live: s.live,
            deleted: s.deleted,
            unindexed: s.unindexed,
            graph_nodes: s.graph_nodes,
            graph_unreachable: s.graph_unreachable,
            bytes_vectors: s.bytes_vectors,
            bytes_codes: s.bytes_codes,
            bytes_graph: s.bytes_graph,
            bytes_ids: s.bytes_ids,
            bytes_wal: s.bytes_wal,
            bytes_mapped: s.bytes_mapped,
            searches: s.searches,
            distance_computations: s.distance_computations,
            lsn: s.lsn,
            checkpoint_lsn: s.checkpoint_lsn,
            checkpoints: s.checkpoints,
            compactions: s.compactions,
            chunks: s.chunks,
            bytes_memory: s.bytes_memory,
            bytes_memory_max: s.bytes_memory_max,
            originals: s.originals as u64,
            decoded: s.decoded,
            bytes_records: s.bytes_records,
            bytes_columns: s.bytes_columns,
            snapshots: s.snapshots,
            checkpoint_unix_ms: s.checkpoint_ms,
            slow_queries: s.slow_queries,
            log_lines_dropped: s.log_lines_dropped,
            cache_hits: s.cache_hits,
            cache_misses: s.cache_misses,
            bytes_cache: s.bytes_cache,
        }
    }
}

/// Statistics at this moment.
///
/// Errors: CLOSED, FORKED, NULL_ARGUMENT, INVALID_ARGUMENT (struct_size). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_stats_get(
    db: *const vdb,
    stats: *mut vdb_stats_t,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        let filled = database.stats()?.into();
        // SAFETY: R9.
        unsafe { write_struct(stats, &filled) }?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// How long calls of one kind took since the database was opened, in nanoseconds; those that failed are left out.
/// A search that ended by its deadline has not failed. Grows at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vdb_latency_t {
    /// Set by the caller to sizeof(vdb_latency_t).
    pub struct_size: u32,
    /// The kind, one of `enum vdb_call`.
    pub call: vdb_call_t,
    /// Number of calls.
    pub count: u64,
    /// Their mean.
    pub mean_ns: u64,
    /// Half of the calls took no longer. This and the next two are at most 3.2 % off.
    pub p50_ns: u64,
    /// 95 of 100 calls took no longer.
    pub p95_ns: u64,
    /// 99 of 100 calls took no longer.
    pub p99_ns: u64,
    /// The longest call.
    pub max_ns: u64,
    /// All calls together: the difference between two readings, over that of `count`, is a mean of what was between.
    pub sum_ns: u64,
}

// SAFETY: `repr(C)`, 2 x 4 + 7 x 8 bytes without padding, integers.
unsafe impl Sized32 for vdb_latency_t {
    const NAME: &'static str = "vdb_latency_t";
}

/// Times of one kind of call, from inside the library: without waiting for anything, beside calls that go
/// on. With no calls all is 0. Times are always kept and cost two looks at the clock a call.
///
/// Errors: UNSUPPORTED (`call`), CLOSED, FORKED, NULL_ARGUMENT, INVALID_ARGUMENT (struct_size). Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_latency_get(
    db: *const vdb,
    call: vdb_call_t,
    latency: *mut vdb_latency_t,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        let Some(kind) = Call::from_number(call) else {
            return refuse(vdb_status::VDB_ERR_UNSUPPORTED, format!("kind of call {call} is not known"));
        };
        let Latency { count, mean_ns, p50_ns, p95_ns, p99_ns, max_ns, sum_ns } = database.latency(kind);
        let filled = vdb_latency_t { struct_size: 0, call, count, mean_ns, p50_ns, p95_ns, p99_ns, max_ns, sum_ns };
        // SAFETY: R9.
        unsafe { write_struct(latency, &filled) }?;
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// Bytes that are enough for any line of the log, with a terminator.
pub const VDB_LOG_LINE_MAX: usize = 513;
const _: () = assert!(VDB_LOG_LINE_MAX == Database::LOG_LINE_MAX + 1);

/// Takes the oldest lines out of the log of a database: whole lines, each with its end, as many as `cap` bytes hold with a
/// terminator. `*len` receives their length without it, 0 when nothing waits; so a caller reads until then. With cap = 0 (`buf`
/// may be NULL) nothing is taken, and `*len` is the length of all that waits.
///
/// A line is a time (UTC), a level (`error`, `warn`, `info`), an event and its numbers as `name=value`; a value with
/// spaces is in double quotes. Levels, events and names stay as they are; more will come. For example
/// `2025-01-31T08:15:30.123Z info checkpoint lsn=7 generation=2 parts=4 bytes_written=81920 us=5120`.
/// Events: create, open, open_to_read (with what was replayed from the log), refresh, checkpoint, checkpoint_failed, compact,
/// consolidate, codes_trained, codes_refused, calibrated, resident, not_resident, memory_limit, graph_work_put_off,
/// graph_work_failed, write_failed, damage, slow_search (a search or a page of a cursor: VDB_OPT_SLOW_QUERY_US), and log, whose
/// `unread_lines_dropped` tells how many lines went before the next one because the log was full (VDB_OPT_LOG_BYTES).
/// What would come with every call is told once a second at most.
///
/// Any number of threads may read; each line goes to one of them. Errors: BUFFER_TOO_SMALL (the first line does not
/// fit: VDB_LOG_LINE_MAX bytes are always enough; `*len` is as for cap = 0), CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_log_read(
    db: *mut vdb,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
    error: *mut vdb_error_t,
) -> vdb_status_t {
    let body = |database: &Database| {
        // SAFETY: R3.
        let (buf, len) = unsafe { (write(buf.cast::<u8>(), cap, "buf")?, out(len, "len")?) };
        let Some(most) = cap.checked_sub(1) else {
            *len = database.log_waiting();
            return Ok(vdb_status::VDB_OK);
        };
        let text = database.read_log(most);
        if text.is_empty() && most < Database::LOG_LINE_MAX {
            *len = database.log_waiting();
            if *len > 0 {
                let message = format!("buf has {cap} bytes, the first line is longer: {VDB_LOG_LINE_MAX} are enough");
                return refuse(vdb_status::VDB_ERR_BUFFER_TOO_SMALL, message);
            }
        }
        put_text(&text, buf, len, "buf")
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}

/// Forgets the answers that are kept for later searches (VDB_OPT_CACHE_BYTES) and gives their memory back. No answer is ever
/// out of date, so this is for measurements and for memory only; without a cache it does nothing.
///
/// Errors: CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdb_cache_clear(db: *mut vdb, error: *mut vdb_error_t) -> vdb_status_t {
    let body = |database: &Database| {
        database.clear_cache();
        Ok(vdb_status::VDB_OK)
    };
    // SAFETY: R2.
    unsafe { on_database(db, Access::Read, error, body) }
}
