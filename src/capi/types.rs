//! Numbers that cross the boundary. They arrive as integers, never as Rust enums (an
//! unknown value in one is undefined behaviour), and are checked where they are used.
//! Their agreement with the engine's own enums is tested in `tests/abi_numbers.rs`.

/// The one id that cannot be stored; marks unused places in results.
pub const VDB_ID_NONE: u64 = u64::MAX;

/// What "near" means. The smaller distance is always the nearer.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_metric {
    /// Squared Euclidean distance.
    VDB_METRIC_L2SQ = 1,
    /// 1 - dot product.
    VDB_METRIC_IP = 2,
    /// 1 - cosine.
    VDB_METRIC_COSINE = 3,
    /// Sum of absolute differences.
    VDB_METRIC_L1 = 4,
    /// Number of differing bits.
    VDB_METRIC_HAMMING = 5,
    /// 1 - |a & b| / |a | b|, 0 when both are empty.
    VDB_METRIC_JACCARD = 6,
}

/// A scalar type, one of `enum vdb_scalar`.
pub type vdb_scalar_t = u32;

/// Type of a component. Rows are packed, little-endian, of any alignment.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_scalar {
    /// IEEE 754 binary32.
    VDB_SCALAR_F32 = 1,
    /// IEEE 754 binary16.
    VDB_SCALAR_F16 = 2,
    /// The upper half of a binary32.
    VDB_SCALAR_BF16 = 3,
    /// Signed byte.
    VDB_SCALAR_I8 = 4,
    /// One bit, lowest bit of a byte first. Bits past the dimension are ignored on the way in
    /// and zero on the way out.
    VDB_SCALAR_B1 = 5,
    /// Unsigned byte.
    VDB_SCALAR_U8 = 6,
}

/// The codes the graph is walked on. Distances returned are exact whatever the codes, unless
/// VDB_OPT_ORIGINALS says DROP: the best candidates are ranked again on the stored vectors. `bytes_codes` in vdb_stats_t has what they take.
/// Vectors of bytes and bits are walked as they are in any case.
///
/// From SQ4 on codes are for memory, not speed: links are chosen by the stored vectors, so building
/// takes longer and reads them, and searches have to go further for the same recall.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_quant {
    /// One byte for each component where a measurement on the data finds that codes rank it
    /// well, else none.
    VDB_QUANT_AUTO = 0,
    /// No codes: the graph is walked on the vectors themselves.
    VDB_QUANT_NONE = 1,
    /// One byte for each component, without the measurement. dim bytes a row, rounded up to 32.
    VDB_QUANT_SQ8 = 2,
    /// Half a byte for each component: dim / 2 bytes a row, rounded up to 32.
    VDB_QUANT_SQ4 = 3,
    /// Half a byte for each of VDB_OPT_PQ_SUBSPACES: so many / 2 bytes a row, rounded up to 16.
    VDB_QUANT_PQ = 4,
    /// A bit for each component and eight bytes: dim / 8 + 8 bytes a row, rounded up to 8. Not for L1.
    VDB_QUANT_RABITQ = 5,
}

/// What becomes of the vectors of rows that have codes (VDB_OPT_ORIGINALS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_originals {
    /// They are kept: distances are exact, and codes are made anew as the data grows.
    VDB_ORIGINALS_KEEP = 1,
    /// They are given up, in memory and on the disk: from then on a row is what its code stands
    /// for. Distances, exact searches, vdb_get_batch, measured recall and repairs refer to that;
    /// under VDB_METRIC_COSINE its length is about 1. For VDB_QUANT_SQ8 (any metric), SQ4 (but IP)
    /// and RABITQ (L2SQ, COSINE), with vectors of F32, F16 or BF16; anything else is
    /// VDB_ERR_UNSUPPORTED in vdb_open.
    ///
    /// A chunk of rows (16 MiB of vectors or fewer, but 1,024 rows at least) gives them up when the graph has its rows and
    /// has begun on the next chunk, and none does before there are more than 4096 rows. So rows that
    /// wait for the graph, and those of the last chunk, are exact. The codes are made for the rows
    /// there are when the first vectors go, and cannot be changed afterwards: later rows should be
    /// like them. `bytes_vectors` and `decoded` in vdb_stats_t tell how far it has come.
    VDB_ORIGINALS_DROP = 2,
}

/// How much work goes into a graph: what VDB_OPT_M and VDB_OPT_EF_CONSTRUCTION are when
/// they are not set.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_profile {
    /// M = 16, ef_construction = 200.
    VDB_PROFILE_DEFAULT = 0,
    /// M = 16, ef_construction = 64: built in 0.6 of the time; searches for a high recall go
    /// farther.
    VDB_PROFILE_FAST = 1,
    /// M = 24, ef_construction = 400: the reverse, with half as much memory again for links.
    VDB_PROFILE_QUALITY = 2,
}

/// What a kill or a power cut can take back of a batch after its call returned.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_durability {
    /// A kill may lose batches since the last checkpoint; whole batches only.
    VDB_DURABILITY_NONE = 1,
    /// A kill loses nothing; a power cut may lose the last batches.
    VDB_DURABILITY_PROCESS = 2,
    /// Neither loses anything. The default.
    VDB_DURABILITY_FULL = 3,
}

/// What a call that inserts or replaces rows does while too many of before wait for the graph.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_when_behind {
    /// It waits until there are fewer; its task can end the wait (VDB_ERR_CANCELLED).
    VDB_WHEN_BEHIND_BLOCK = 1,
    /// It is VDB_ERR_BUSY and changes nothing: try again later.
    VDB_WHEN_BEHIND_BUSY = 2,
}

/// An option, one of `enum vdb_option`.
pub type vdb_option_t = u32;

/// Options. vdb_option_at has names, limits and defaults. 1xx schema (fixed when the
/// database is created, as are M, EF_CONSTRUCTION, SEED and PROFILE), 2xx graph, 3xx storage, 4xx run time.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_option {
    /// Components of a vector, 1-65536. Needed to create a database.
    VDB_OPT_DIM = 101,
    /// One of `enum vdb_metric`; default L2SQ.
    VDB_OPT_METRIC = 102,
    /// One of `enum vdb_scalar`: how components are stored; default F32.
    VDB_OPT_SCALAR = 103,
    /// One of `enum vdb_quant`; default AUTO.
    VDB_OPT_QUANT = 104,
    /// Subspaces of VDB_QUANT_PQ, at most one for each component; 0 = one for each four; default 0.
    VDB_OPT_PQ_SUBSPACES = 105,
    /// One of `enum vdb_originals`; default KEEP.
    VDB_OPT_ORIGINALS = 106,
    /// Columns of metadata with their types, a text as in "year i64, tags string[], author.name string, place geo"
    /// (vdb_options_set_text, vdb_option_get_text); default: none.
    ///
    /// Paths are those of filters (docs/filters.md). Types are string, i64, f64, bool, timestamp (whole milliseconds since
    /// 1970-01-01 UTC), string[] and geo (an object with lat and lon in degrees). A call that writes a row whose
    /// metadata has a value of another type at such a path is VDB_ERR_INVALID_ARGUMENT and changes nothing; missing values
    /// and null are of any type. The background thread reads these columns out of the JSON before a filter asks for
    /// them, as far as VDB_OPT_COLUMN_BYTES has room. At most 256; their order does not matter.
    VDB_OPT_COLUMNS = 107,
    /// Links of a node on upper levels, twice as many on level 0; 2-256, default 16.
    VDB_OPT_M = 201,
    /// Breadth of the search that finds the links of a new node; 8-4096, default 200.
    VDB_OPT_EF_CONSTRUCTION = 202,
    /// Breadth of a search that gives none of its own; 1-100000, default 64.
    VDB_OPT_EF_SEARCH = 203,
    /// Seed of the level of each row; default 42.
    VDB_OPT_SEED = 204,
    /// Rows from which on a graph is built; below, searches scan; default 2000.
    VDB_OPT_GRAPH_MIN_ROWS = 205,
    /// Share of dead nodes at which the graph is consolidated; 0.01-1, default 0.1.
    VDB_OPT_CONSOLIDATE_RATIO = 206,
    /// Recall of a search that gives neither an ef nor a recall of its own, see
    /// vdb_search_params_t.target_recall; 0-0.9999, default 0 (by ef).
    VDB_OPT_TARGET_RECALL = 207,
    /// One of `enum vdb_profile`: what M and EF_CONSTRUCTION are when they are not set; default
    /// DEFAULT. A database keeps those numbers, not the profile: it reports the profile that
    /// they belong to, DEFAULT where that is none.
    VDB_OPT_PROFILE = 208,
    /// 1 = vdb_open creates a database that is not there; default 1.
    VDB_OPT_CREATE = 301,
    /// 1 = vdb_open only reads, beside the process that writes: it creates, locks and
    /// changes nothing, and vdb_refresh moves the handle on; default 0.
    VDB_OPT_READ_ONLY = 302,
    /// 1 = files are mapped, 0 = read into memory (for files you do not trust); default 1.
    VDB_OPT_MMAP = 303,
    /// One of `enum vdb_durability`; default FULL.
    VDB_OPT_DURABILITY = 304,
    /// Size of the write-ahead log that starts a checkpoint; from 1 MiB, default 256 MiB.
    VDB_OPT_WAL_LIMIT_BYTES = 305,
    /// 1 = vdb_open reads and checks every byte before it returns; default 0: each block at its first use, and what
    /// fits a quarter of memory in the background, so that damage nobody asks for shows as VDB_ERR_CORRUPT too.
    VDB_OPT_VERIFY_ON_OPEN = 307,
    /// Share of dead rows at which a chunk is rewritten; 0.05-1, default 0.3.
    VDB_OPT_COMPACT_RATIO = 308,
    /// Longest metadata of a row in bytes, up to 16776701; longer ones are VDB_ERR_LIMIT; default 1 MiB.
    VDB_OPT_MAX_META_BYTES = 309,
    /// Rows that may wait for the graph (`unindexed` in vdb_stats_t) when a call inserts or replaces
    /// more, 0 = any number; default 0.
    ///
    /// Rows are written faster than they are linked, and those not linked are scanned by every
    /// search. With a limit a call that finds more of them than this does what
    /// VDB_OPT_WHEN_BEHIND says. It is looked at when a call begins, so its own batch, and those of calls
    /// beside it, may pass the limit; so may rows that graph work leaves for its next step (up to
    /// VDB_OPT_GRAPH_MIN_ROWS at first, then a sixteenth of the graph, but 1024 to 16384 rows, from a million rows on a
    /// 64th) or has no memory for. Deletes never wait.
    VDB_OPT_MAX_UNINDEXED = 310,
    /// One of `enum vdb_when_behind`: what a call does while more than VDB_OPT_MAX_UNINDEXED rows
    /// wait for the graph; default BLOCK.
    VDB_OPT_WHEN_BEHIND = 311,
    /// Threads that build the graph, share large batches of queries and verify files after an open, 0 = one for each core; default 0.
    VDB_OPT_THREADS = 401,
    /// Bytes of memory the database may take, 0 = no limit, else from 16 MiB; default 0.
    ///
    /// Counted is what grows with the data: rows, ids, codes, graph, batches on their way,
    /// working memory of searches (an eighth of the limit is theirs). Mapped files are not:
    /// the system takes their pages back when it needs them. A batch that does not fit is
    /// VDB_ERR_LIMIT and changes nothing; before that, what is in checkpoint files is left to
    /// them, so that a database on disk can be many times the limit; near it a batch may wait
    /// for a checkpoint and for the graph work under way. Reads and deletes go on.
    /// Graph work that does not fit is put off (`unindexed` in vdb_stats_t; such rows are
    /// scanned) and vdb_wait_indexed is VDB_ERR_LIMIT. Not counted, so that the process may
    /// take as much more: 16 MiB, 1 MiB a thread, 1 bit a row, 300 bytes a chunk of rows, and
    /// in vdb_open the longest record of the log.
    VDB_OPT_MAX_MEMORY = 405,
    /// 1 = what searches walk (codes and links) is copied from mapped files into memory, in
    /// huge pages, by the background thread and once after vdb_open, when searches have computed
    /// as many distances as the graph has nodes; 0 = they go on in the files; default 1.
    ///
    /// Searches are faster then. Nothing is copied where it takes more than a
    /// quarter of the machine's memory or half of what VDB_OPT_MAX_MEMORY leaves, and where the
    /// database is only read.
    VDB_OPT_RESIDENT = 406,
    /// Bytes of answers that are kept for searches that ask the same again, 0 = none, else from 64 KiB; default 0.
    ///
    /// For vdb_search, vdb_search_exact and vdb_search_range where the same queries come often and writes seldom: an
    /// answer is used again for the same query, parameters and filter handle, until a row or the graph changes, so it is
    /// never out of date. Answers are the same as without. Those that are VDB_PARTIAL are not kept. The memory counts as
    /// the database's (VDB_OPT_MAX_MEMORY), is taken as answers come, and is given back first where memory is short.
    VDB_OPT_CACHE_BYTES = 407,
    /// Microseconds from which on a search (vdb_search, vdb_search_exact, vdb_search_range; a call, however many
    /// queries it has) is counted in `slow_queries` of vdb_stats_t and has a line in the log; default 0: never.
    VDB_OPT_SLOW_QUERY_US = 408,
    /// Bytes of log lines that wait for vdb_log_read, 0 = no log, else from 1 KiB; default 65536. Memory is
    /// taken as lines come. Where more come, the oldest go and are counted.
    VDB_OPT_LOG_BYTES = 409,
    /// How much a line matters at least to be in the log, one of `enum vdb_log_level`; default INFO: all lines.
    VDB_OPT_LOG_LEVEL = 410,
    /// Bytes of columns that are kept of metadata: what filters (vdb_filter_parse) look at is read out of the JSON once
    /// and kept for the next filter, some 1 to 4 bytes a row and the distinct values, or 4 to 8 bytes a row of numbers that
    /// differ (vdb_columns_get); the least recently used go first; 0 keeps none; default 256 MiB, which count as working memory of searches (VDB_OPT_MAX_MEMORY).
    VDB_OPT_COLUMN_BYTES = 420,
}

/// How the value of an option is set and read.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_option_type {
    /// A whole number: vdb_options_set_u64.
    VDB_OPTION_TYPE_U64 = 1,
    /// A fraction: vdb_options_set_f64.
    VDB_OPTION_TYPE_F64 = 2,
    /// One of a few numbers with names: vdb_options_set_u64.
    VDB_OPTION_TYPE_ENUM = 3,
    /// A text: vdb_options_set_text.
    VDB_OPTION_TYPE_TEXT = 4,
}

/// Bits of vdb_option_info_t.flags.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_option_flag {
    /// Fixed when the database is created.
    VDB_OPTION_FLAG_SCHEMA = 1,
}

/// Bits of vdb_search_params_t.flags.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_search_flag {
    /// Compare with every row instead of walking the graph.
    VDB_SEARCH_EXACT = 1,
    /// Neither take the answer from the cache (VDB_OPT_CACHE_BYTES) nor leave it there.
    VDB_SEARCH_NO_CACHE = 2,
}

/// A kind of call, one of `enum vdb_call`.
pub type vdb_call_t = u32;

/// Kinds of calls whose times are kept: vdb_latency_get.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_call {
    /// vdb_search, vdb_search_exact and vdb_search_ids for one query.
    VDB_CALL_SEARCH = 1,
    /// The same for several queries in one call.
    VDB_CALL_SEARCH_BATCH = 2,
    /// vdb_search_range.
    VDB_CALL_SEARCH_RANGE = 3,
    /// vdb_insert_batch and vdb_insert_records.
    VDB_CALL_INSERT = 4,
    /// vdb_upsert_batch and vdb_upsert_records.
    VDB_CALL_UPSERT = 5,
    /// vdb_delete_batch, vdb_delete_keys and vdb_delete_where.
    VDB_CALL_DELETE = 6,
    /// vdb_get_batch, vdb_get_meta, vdb_keys_of_ids and vdb_ids_of_keys.
    VDB_CALL_GET = 7,
    /// vdb_count.
    VDB_CALL_COUNT = 8,
    /// vdb_sync.
    VDB_CALL_SYNC = 9,
    /// A checkpoint that had something to write: vdb_checkpoint, vdb_close and those in the background.
    VDB_CALL_CHECKPOINT = 10,
    /// vdb_refresh.
    VDB_CALL_REFRESH = 11,
    /// vdb_update_meta_batch and vdb_update_meta_where.
    VDB_CALL_UPDATE_META = 12,
    /// vdb_recommend.
    VDB_CALL_RECOMMEND = 13,
    /// vdb_search_diverse.
    VDB_CALL_DIVERSE = 14,
    /// vdb_search_groups.
    VDB_CALL_GROUPS = 15,
    /// A page of a cursor: vdb_cursor_next.
    VDB_CALL_PAGE = 16,
}

/// How much a line of the log matters (VDB_OPT_LOG_LEVEL).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_log_level {
    /// Something is lost or does not work any more: damage, a write of unknown fate.
    VDB_LOG_ERROR = 1,
    /// Something works worse than it could: a limit was reached, a search was slow.
    VDB_LOG_WARN = 2,
    /// What the database does by itself: recovery, checkpoints, compaction, training.
    VDB_LOG_INFO = 3,
}

/// How much vdb_check looks at. Each level includes those before it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub enum vdb_check_level {
    /// Every byte of the live files, the log included, is read from disk and verified.
    VDB_CHECK_CHECKSUMS = 1,
    /// Ids lead to their rows and back, deletions and the graph agree with the rows.
    VDB_CHECK_STRUCTURE = 2,
    /// The recall of the graph is measured on stored rows.
    VDB_CHECK_RECALL = 3,
}
