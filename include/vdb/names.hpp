/* Names of vdb.hpp. Made from vdb.h by bindings/gen/gen.py; include vdb.hpp and not this file. */

#ifndef VDB_HPP_NAMES
#define VDB_HPP_NAMES

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <vdb.h>

namespace vdbpp {
inline namespace VDB_HPP_NAMESPACE {

/// Status numbers. They never change; new ones are added.
enum class Status : std::int32_t {
    /// Success.
    Ok = VDB_OK,
    /// There is nothing more to enumerate.
    Done = VDB_DONE,
    /// Not all of it: a search stopped by its deadline or task or kept to its max_memory, whose results so far
    /// are valid, or a repair that could not save every row.
    Partial = VDB_PARTIAL,
    /// An argument has no meaning here; the message says which.
    ErrInvalidArgument = VDB_ERR_INVALID_ARGUMENT,
    /// A pointer that must not be NULL is NULL.
    ErrNullArgument = VDB_ERR_NULL_ARGUMENT,
    /// The vectors do not have the dimension of the database.
    ErrDimension = VDB_ERR_DIMENSION,
    /// A number, flag or combination that this version does not know.
    ErrUnsupported = VDB_ERR_UNSUPPORTED,
    /// No option has this number or name.
    ErrUnknownOption = VDB_ERR_UNKNOWN_OPTION,
    /// A value is outside its limits or cannot be represented.
    ErrOutOfRange = VDB_ERR_OUT_OF_RANGE,
    /// A component is NaN or infinite, or a vector is zero, or nearly so (R10), under cosine.
    ErrNotFinite = VDB_ERR_NOT_FINITE,
    /// A text is no filter; item is the byte where that shows.
    ErrFilterSyntax = VDB_ERR_FILTER_SYNTAX,
    /// The buffer is too small; the length needed was written.
    ErrBufferTooSmall = VDB_ERR_BUFFER_TOO_SMALL,
    /// There is no such database, row or file.
    ErrNotFound = VDB_ERR_NOT_FOUND,
    /// An id, a key, a file or a directory is there already, or an id or a key twice in the batch.
    ErrAlreadyExists = VDB_ERR_ALREADY_EXISTS,
    /// The handle was closed or freed, or never was one.
    ErrClosed = VDB_ERR_CLOSED,
    /// A write through a handle that only reads (VDB_OPT_READ_ONLY).
    ErrReadOnly = VDB_ERR_READ_ONLY,
    /// Called from inside a progress function, where it would wait for itself; or rows to be written
    /// while too many of before wait for the graph (VDB_OPT_WHEN_BEHIND).
    ErrBusy = VDB_ERR_BUSY,
    /// A write failed halfway earlier, so writes are refused: close and open again.
    ErrPoisoned = VDB_ERR_POISONED,
    /// The handle belongs to the parent process (R6).
    ErrForked = VDB_ERR_FORKED,
    /// The task was cancelled; nothing was changed.
    ErrCancelled = VDB_ERR_CANCELLED,
    /// Reserved: a deadline passed before there was any result.
    ErrDeadline = VDB_ERR_DEADLINE,
    /// An option contradicts what the database was created with, a snapshot or an earlier backup is
    /// of another database, or bits were given for numbers.
    ErrMismatch = VDB_ERR_MISMATCH,
    /// The operating system refused; os_error holds its number.
    ErrIo = VDB_ERR_IO,
    /// The database is open already, here or in another process.
    ErrLocked = VDB_ERR_LOCKED,
    /// The disk is full; nothing was changed, and writes work again when there is space (after
    /// a sync that failed they answer VDB_ERR_POISONED until the database is reopened).
    ErrNoSpace = VDB_ERR_NO_SPACE,
    /// A file is damaged; the message says which and where. See vdb_repair.
    ErrCorrupt = VDB_ERR_CORRUPT,
    /// The files were written by a newer version.
    ErrFormatTooNew = VDB_ERR_FORMAT_TOO_NEW,
    /// Reserved: the files were written by a version no longer supported.
    ErrFormatTooOld = VDB_ERR_FORMAT_TOO_OLD,
    /// Memory could not be had; nothing was changed.
    ErrNoMemory = VDB_ERR_NO_MEMORY,
    /// A published limit was exceeded.
    ErrLimit = VDB_ERR_LIMIT,
    /// The library failed inside and the failure was caught (R7).
    ErrPanic = VDB_ERR_PANIC,
    /// The library found a broken invariant of its own: please report it.
    ErrInternal = VDB_ERR_INTERNAL,
};

/// What "near" means. The smaller distance is always the nearer.
enum class Metric : std::uint32_t {
    /// Squared Euclidean distance.
    L2sq = VDB_METRIC_L2SQ,
    /// 1 - dot product.
    Ip = VDB_METRIC_IP,
    /// 1 - cosine.
    Cosine = VDB_METRIC_COSINE,
    /// Sum of absolute differences.
    L1 = VDB_METRIC_L1,
    /// Number of differing bits.
    Hamming = VDB_METRIC_HAMMING,
    /// 1 - |a & b| / |a | b|, 0 when both are empty.
    Jaccard = VDB_METRIC_JACCARD,
};

/// Type of a component. Rows are packed, little-endian, of any alignment.
enum class Scalar : std::uint32_t {
    /// IEEE 754 binary32.
    F32 = VDB_SCALAR_F32,
    /// IEEE 754 binary16.
    F16 = VDB_SCALAR_F16,
    /// The upper half of a binary32.
    Bf16 = VDB_SCALAR_BF16,
    /// Signed byte.
    I8 = VDB_SCALAR_I8,
    /// One bit, lowest bit of a byte first. Bits past the dimension are ignored on the way in
    /// and zero on the way out.
    B1 = VDB_SCALAR_B1,
    /// Unsigned byte.
    U8 = VDB_SCALAR_U8,
};

/// The codes the graph is walked on. Distances returned are exact whatever the codes, unless
/// VDB_OPT_ORIGINALS says DROP: the best candidates are ranked again on the stored vectors. `bytes_codes` in vdb_stats_t has what they take.
/// Vectors of bytes and bits are walked as they are in any case.
///
/// From SQ4 on codes are for memory, not speed: links are chosen by the stored vectors, so building
/// takes longer and reads them, and searches have to go further for the same recall.
enum class Quant : std::uint32_t {
    /// One byte for each component where a measurement on the data finds that codes rank it
    /// well, else none.
    Auto = VDB_QUANT_AUTO,
    /// No codes: the graph is walked on the vectors themselves.
    None = VDB_QUANT_NONE,
    /// One byte for each component, without the measurement. dim bytes a row, rounded up to 32.
    Sq8 = VDB_QUANT_SQ8,
    /// Half a byte for each component: dim / 2 bytes a row, rounded up to 32.
    Sq4 = VDB_QUANT_SQ4,
    /// Half a byte for each of VDB_OPT_PQ_SUBSPACES: so many / 2 bytes a row, rounded up to 16.
    Pq = VDB_QUANT_PQ,
    /// A bit for each component and eight bytes: dim / 8 + 8 bytes a row, rounded up to 8. Not for L1.
    Rabitq = VDB_QUANT_RABITQ,
};

/// What becomes of the vectors of rows that have codes (VDB_OPT_ORIGINALS).
enum class Originals : std::uint32_t {
    /// They are kept: distances are exact, and codes are made anew as the data grows.
    Keep = VDB_ORIGINALS_KEEP,
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
    Drop = VDB_ORIGINALS_DROP,
};

/// How much work goes into a graph: what VDB_OPT_M and VDB_OPT_EF_CONSTRUCTION are when
/// they are not set.
enum class Profile : std::uint32_t {
    /// M = 16, ef_construction = 200.
    Default = VDB_PROFILE_DEFAULT,
    /// M = 16, ef_construction = 64: built in 0.6 of the time; searches for a high recall go
    /// farther.
    Fast = VDB_PROFILE_FAST,
    /// M = 24, ef_construction = 400: the reverse, with half as much memory again for links.
    Quality = VDB_PROFILE_QUALITY,
};

/// What a kill or a power cut can take back of a batch after its call returned.
enum class Durability : std::uint32_t {
    /// A kill may lose batches since the last checkpoint; whole batches only.
    None = VDB_DURABILITY_NONE,
    /// A kill loses nothing; a power cut may lose the last batches.
    Process = VDB_DURABILITY_PROCESS,
    /// Neither loses anything. The default.
    Full = VDB_DURABILITY_FULL,
};

/// What a call that inserts or replaces rows does while too many of before wait for the graph.
enum class WhenBehind : std::uint32_t {
    /// It waits until there are fewer; its task can end the wait (VDB_ERR_CANCELLED).
    Block = VDB_WHEN_BEHIND_BLOCK,
    /// It is VDB_ERR_BUSY and changes nothing: try again later.
    Busy = VDB_WHEN_BEHIND_BUSY,
};

/// Options. vdb_option_at has names, limits and defaults. 1xx schema (fixed when the
/// database is created, as are M, EF_CONSTRUCTION, SEED and PROFILE), 2xx graph, 3xx storage, 4xx run time.
enum class Option : std::uint32_t {
    /// Components of a vector, 1-65536. Needed to create a database.
    Dim = VDB_OPT_DIM,
    /// One of `enum vdb_metric`; default L2SQ.
    Metric = VDB_OPT_METRIC,
    /// One of `enum vdb_scalar`: how components are stored; default F32.
    Scalar = VDB_OPT_SCALAR,
    /// One of `enum vdb_quant`; default AUTO.
    Quant = VDB_OPT_QUANT,
    /// Subspaces of VDB_QUANT_PQ, at most one for each component; 0 = one for each four; default 0.
    PqSubspaces = VDB_OPT_PQ_SUBSPACES,
    /// One of `enum vdb_originals`; default KEEP.
    Originals = VDB_OPT_ORIGINALS,
    /// Columns of metadata with their types, a text as in "year i64, tags string[], author.name string, place geo"
    /// (vdb_options_set_text, vdb_option_get_text); default: none.
    ///
    /// Paths are those of filters (docs/filters.md). Types are string, i64, f64, bool, timestamp (whole milliseconds since
    /// 1970-01-01 UTC), string[] and geo (an object with lat and lon in degrees). A call that writes a row whose
    /// metadata has a value of another type at such a path is VDB_ERR_INVALID_ARGUMENT and changes nothing; missing values
    /// and null are of any type. The background thread reads these columns out of the JSON before a filter asks for
    /// them, as far as VDB_OPT_COLUMN_BYTES has room. At most 256; their order does not matter.
    Columns = VDB_OPT_COLUMNS,
    /// Links of a node on upper levels, twice as many on level 0; 2-256, default 16.
    M = VDB_OPT_M,
    /// Breadth of the search that finds the links of a new node; 8-4096, default 200.
    EfConstruction = VDB_OPT_EF_CONSTRUCTION,
    /// Breadth of a search that gives none of its own; 1-100000, default 64.
    EfSearch = VDB_OPT_EF_SEARCH,
    /// Seed of the level of each row; default 42.
    Seed = VDB_OPT_SEED,
    /// Rows from which on a graph is built; below, searches scan; default 2000.
    GraphMinRows = VDB_OPT_GRAPH_MIN_ROWS,
    /// Share of dead nodes at which the graph is consolidated; 0.01-1, default 0.1.
    ConsolidateRatio = VDB_OPT_CONSOLIDATE_RATIO,
    /// Recall of a search that gives neither an ef nor a recall of its own, see
    /// vdb_search_params_t.target_recall; 0-0.9999, default 0 (by ef).
    TargetRecall = VDB_OPT_TARGET_RECALL,
    /// One of `enum vdb_profile`: what M and EF_CONSTRUCTION are when they are not set; default
    /// DEFAULT. A database keeps those numbers, not the profile: it reports the profile that
    /// they belong to, DEFAULT where that is none.
    Profile = VDB_OPT_PROFILE,
    /// 1 = vdb_open creates a database that is not there; default 1.
    Create = VDB_OPT_CREATE,
    /// 1 = vdb_open only reads, beside the process that writes: it creates, locks and
    /// changes nothing, and vdb_refresh moves the handle on; default 0.
    ReadOnly = VDB_OPT_READ_ONLY,
    /// 1 = files are mapped, 0 = read into memory (for files you do not trust); default 1.
    Mmap = VDB_OPT_MMAP,
    /// One of `enum vdb_durability`; default FULL.
    Durability = VDB_OPT_DURABILITY,
    /// Size of the write-ahead log that starts a checkpoint; from 1 MiB, default 256 MiB.
    WalLimitBytes = VDB_OPT_WAL_LIMIT_BYTES,
    /// 1 = vdb_open reads and checks every byte before it returns; default 0: each block at its first use, and what
    /// fits a quarter of memory in the background, so that damage nobody asks for shows as VDB_ERR_CORRUPT too.
    VerifyOnOpen = VDB_OPT_VERIFY_ON_OPEN,
    /// Share of dead rows at which a chunk is rewritten; 0.05-1, default 0.3.
    CompactRatio = VDB_OPT_COMPACT_RATIO,
    /// Longest metadata of a row in bytes, up to 16776701; longer ones are VDB_ERR_LIMIT; default 1 MiB.
    MaxMetaBytes = VDB_OPT_MAX_META_BYTES,
    /// Rows that may wait for the graph (`unindexed` in vdb_stats_t) when a call inserts or replaces
    /// more, 0 = any number; default 0.
    ///
    /// Rows are written faster than they are linked, and those not linked are scanned by every
    /// search. With a limit a call that finds more of them than this does what
    /// VDB_OPT_WHEN_BEHIND says. It is looked at when a call begins, so its own batch, and those of calls
    /// beside it, may pass the limit; so may rows that graph work leaves for its next step (up to
    /// VDB_OPT_GRAPH_MIN_ROWS at first, then a sixteenth of the graph, but 1024 to 16384 rows, from a million rows on a
    /// 64th) or has no memory for. Deletes never wait.
    MaxUnindexed = VDB_OPT_MAX_UNINDEXED,
    /// One of `enum vdb_when_behind`: what a call does while more than VDB_OPT_MAX_UNINDEXED rows
    /// wait for the graph; default BLOCK.
    WhenBehind = VDB_OPT_WHEN_BEHIND,
    /// Threads that build the graph, share large batches of queries and verify files after an open, 0 = one for each core; default 0.
    Threads = VDB_OPT_THREADS,
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
    MaxMemory = VDB_OPT_MAX_MEMORY,
    /// 1 = what searches walk (codes and links) is copied from mapped files into memory, in
    /// huge pages, by the background thread and once after vdb_open, when searches have computed
    /// as many distances as the graph has nodes; 0 = they go on in the files; default 1.
    ///
    /// Searches are faster then. Nothing is copied where it takes more than a
    /// quarter of the machine's memory or half of what VDB_OPT_MAX_MEMORY leaves, and where the
    /// database is only read.
    Resident = VDB_OPT_RESIDENT,
    /// Bytes of answers that are kept for searches that ask the same again, 0 = none, else from 64 KiB; default 0.
    ///
    /// For vdb_search, vdb_search_exact and vdb_search_range where the same queries come often and writes seldom: an
    /// answer is used again for the same query, parameters and filter handle, until a row or the graph changes, so it is
    /// never out of date. Answers are the same as without. Those that are VDB_PARTIAL are not kept. The memory counts as
    /// the database's (VDB_OPT_MAX_MEMORY), is taken as answers come, and is given back first where memory is short.
    CacheBytes = VDB_OPT_CACHE_BYTES,
    /// Microseconds from which on a search (vdb_search, vdb_search_exact, vdb_search_range; a call, however many
    /// queries it has) is counted in `slow_queries` of vdb_stats_t and has a line in the log; default 0: never.
    SlowQueryUs = VDB_OPT_SLOW_QUERY_US,
    /// Bytes of log lines that wait for vdb_log_read, 0 = no log, else from 1 KiB; default 65536. Memory is
    /// taken as lines come. Where more come, the oldest go and are counted.
    LogBytes = VDB_OPT_LOG_BYTES,
    /// How much a line matters at least to be in the log, one of `enum vdb_log_level`; default INFO: all lines.
    LogLevel = VDB_OPT_LOG_LEVEL,
    /// Bytes of columns that are kept of metadata: what filters (vdb_filter_parse) look at is read out of the JSON once
    /// and kept for the next filter, some 1 to 4 bytes a row and the distinct values, or 4 to 8 bytes a row of numbers that
    /// differ (vdb_columns_get); the least recently used go first; 0 keeps none; default 256 MiB, which count as working memory of searches (VDB_OPT_MAX_MEMORY).
    ColumnBytes = VDB_OPT_COLUMN_BYTES,
};

/// How the value of an option is set and read.
enum class OptionType : std::uint32_t {
    /// A whole number: vdb_options_set_u64.
    U64 = VDB_OPTION_TYPE_U64,
    /// A fraction: vdb_options_set_f64.
    F64 = VDB_OPTION_TYPE_F64,
    /// One of a few numbers with names: vdb_options_set_u64.
    Enum = VDB_OPTION_TYPE_ENUM,
    /// A text: vdb_options_set_text.
    Text = VDB_OPTION_TYPE_TEXT,
};

/// Bits of vdb_option_info_t.flags.
enum class OptionFlag : std::uint32_t {
    /// Fixed when the database is created.
    Schema = VDB_OPTION_FLAG_SCHEMA,
};

/// Bits of vdb_search_params_t.flags.
enum class SearchFlag : std::uint32_t {
    /// Compare with every row instead of walking the graph.
    Exact = VDB_SEARCH_EXACT,
    /// Neither take the answer from the cache (VDB_OPT_CACHE_BYTES) nor leave it there.
    NoCache = VDB_SEARCH_NO_CACHE,
};

/// How much vdb_check looks at. Each level includes those before it.
enum class CheckLevel : std::uint32_t {
    /// Every byte of the live files, the log included, is read from disk and verified.
    Checksums = VDB_CHECK_CHECKSUMS,
    /// Ids lead to their rows and back, deletions and the graph agree with the rows.
    Structure = VDB_CHECK_STRUCTURE,
    /// The recall of the graph is measured on stored rows.
    Recall = VDB_CHECK_RECALL,
};

/// Kinds of calls whose times are kept: vdb_latency_get.
enum class Call : std::uint32_t {
    /// vdb_search, vdb_search_exact and vdb_search_ids for one query.
    Search = VDB_CALL_SEARCH,
    /// The same for several queries in one call.
    SearchBatch = VDB_CALL_SEARCH_BATCH,
    /// vdb_search_range.
    SearchRange = VDB_CALL_SEARCH_RANGE,
    /// vdb_insert_batch and vdb_insert_records.
    Insert = VDB_CALL_INSERT,
    /// vdb_upsert_batch and vdb_upsert_records.
    Upsert = VDB_CALL_UPSERT,
    /// vdb_delete_batch, vdb_delete_keys and vdb_delete_where.
    Delete = VDB_CALL_DELETE,
    /// vdb_get_batch, vdb_get_meta, vdb_keys_of_ids and vdb_ids_of_keys.
    Get = VDB_CALL_GET,
    /// vdb_count.
    Count = VDB_CALL_COUNT,
    /// vdb_sync.
    Sync = VDB_CALL_SYNC,
    /// A checkpoint that had something to write: vdb_checkpoint, vdb_close and those in the background.
    Checkpoint = VDB_CALL_CHECKPOINT,
    /// vdb_refresh.
    Refresh = VDB_CALL_REFRESH,
    /// vdb_update_meta_batch and vdb_update_meta_where.
    UpdateMeta = VDB_CALL_UPDATE_META,
    /// vdb_recommend.
    Recommend = VDB_CALL_RECOMMEND,
    /// vdb_search_diverse.
    Diverse = VDB_CALL_DIVERSE,
    /// vdb_search_groups.
    Groups = VDB_CALL_GROUPS,
    /// A page of a cursor: vdb_cursor_next.
    Page = VDB_CALL_PAGE,
};

/// How much a line of the log matters (VDB_OPT_LOG_LEVEL).
enum class LogLevel : std::uint32_t {
    /// Something is lost or does not work any more: damage, a write of unknown fate.
    Error = VDB_LOG_ERROR,
    /// Something works worse than it could: a limit was reached, a search was slow.
    Warn = VDB_LOG_WARN,
    /// What the database does by itself: recovery, checkpoints, compaction, training.
    Info = VDB_LOG_INFO,
};

class Filter;
class Snapshot;
class Task;

/// How a search runs; as it stands, by the defaults.
struct SearchParams {
    /// Breadth of the graph search, at most 100000; 0 means VDB_OPT_EF_SEARCH. At least k is used.
    std::uint32_t ef = 0;
    /// Candidates whose exact distance is computed, at most VDB_MAX_K; 0 means max(2k, k + 10), and with
    /// VDB_QUANT_PQ and VDB_QUANT_RABITQ max(10k, k + 50, ef).
    /// At least k is used.
    std::uint32_t rerank = 0;
    /// Share of the true neighbours to find on average, above 0 and at most 0.9999, instead of
    /// an ef: how far the search must go for it is measured on the data as the graph grows.
    /// 0 means VDB_OPT_TARGET_RECALL. Not together with ef.
    float target_recall = 0;
    /// Time limit in microseconds; 0 means none. The search then returns VDB_PARTIAL.
    std::uint64_t deadline_us = 0;
    /// Cancels the search, which then returns VDB_PARTIAL; may be NULL.
    Task *task = nullptr;
    /// Rows that may be results; NULL means all. Where k rows pass, k are found.
    const Filter *filter = nullptr;
    /// State to search, of this handle; NULL means the newest.
    const Snapshot *snapshot = nullptr;
    /// Bytes of working memory that each query may take; 0 means no limit but VDB_OPT_MAX_MEMORY.
    ///
    /// Counted are 16 bytes a result, the query itself in three forms (some 10 bytes a component), 8 bytes a candidate
    /// (ef and rerank) and two bits a row of the graph; not what a filter keeps for later searches, nor the caller's
    /// arrays. A search that would need more first goes without what only saves time: sketches, more threads, comparing by codes.
    /// Then it walks with fewer candidates and returns VDB_PARTIAL. Where no walk fits at all, all rows that
    /// pass are compared, which finds everything and takes longer: set a deadline too. Where not even the k results
    /// fit it is VDB_ERR_LIMIT. vdb_search_range returns VDB_PARTIAL with the nearest rows where more are within the
    /// distance than fit.
    std::uint64_t max_memory = 0;
    /// Compare with every row instead of walking the graph.
    bool exact = false;
    /// Neither take the answer from the cache (VDB_OPT_CACHE_BYTES) nor leave it there.
    bool no_cache = false;
};

namespace detail {
/// A template, so that the classes of handles need not be complete yet.
template <class Params> vdb_search_params_t to_c(const Params &from) {
    vdb_search_params_t to = VDB_SEARCH_PARAMS_INIT;
    to.ef = from.ef;
    to.rerank = from.rerank;
    to.target_recall = from.target_recall;
    to.deadline_us = from.deadline_us;
    to.task = from.task ? from.task->capi() : nullptr;
    to.filter = from.filter ? from.filter->capi() : nullptr;
    to.snapshot = from.snapshot ? from.snapshot->capi() : nullptr;
    to.max_memory = from.max_memory;
    if (from.exact) to.flags |= VDB_SEARCH_EXACT;
    if (from.no_cache) to.flags |= VDB_SEARCH_NO_CACHE;
    return to;
}
} // namespace detail

namespace detail {
template <class T> using NoEnum = std::enable_if_t<!std::is_enum_v<T>>;
} // namespace detail

/// The options by name, as members of Options.
template <class Self> class OptionSetters {
public:
    /// Components of a vector, 1-65536. Needed to create a database.
    template <class T, class = detail::NoEnum<T>> Self &dim(T value) & { return self().set(Option::Dim, value); }
    template <class T, class = detail::NoEnum<T>> Self dim(T value) && { return std::move(self().set(Option::Dim, value)); }
    /// One of `enum vdb_metric`; default L2SQ.
    Self &metric(Metric value) & { return self().set(Option::Metric, value); }
    Self metric(Metric value) && { return std::move(self().set(Option::Metric, value)); }
    /// One of `enum vdb_scalar`: how components are stored; default F32.
    Self &scalar(Scalar value) & { return self().set(Option::Scalar, value); }
    Self scalar(Scalar value) && { return std::move(self().set(Option::Scalar, value)); }
    /// One of `enum vdb_quant`; default AUTO.
    Self &quant(Quant value) & { return self().set(Option::Quant, value); }
    Self quant(Quant value) && { return std::move(self().set(Option::Quant, value)); }
    /// Subspaces of VDB_QUANT_PQ, at most one for each component; 0 = one for each four; default 0.
    template <class T, class = detail::NoEnum<T>> Self &pq_subspaces(T value) & { return self().set(Option::PqSubspaces, value); }
    template <class T, class = detail::NoEnum<T>> Self pq_subspaces(T value) && { return std::move(self().set(Option::PqSubspaces, value)); }
    /// One of `enum vdb_originals`; default KEEP.
    Self &originals(Originals value) & { return self().set(Option::Originals, value); }
    Self originals(Originals value) && { return std::move(self().set(Option::Originals, value)); }
    /// Columns of metadata with their types, a text as in "year i64, tags string[], author.name string, place geo"
    /// (vdb_options_set_text, vdb_option_get_text); default: none.
    ///
    /// Paths are those of filters (docs/filters.md). Types are string, i64, f64, bool, timestamp (whole milliseconds since
    /// 1970-01-01 UTC), string[] and geo (an object with lat and lon in degrees). A call that writes a row whose
    /// metadata has a value of another type at such a path is VDB_ERR_INVALID_ARGUMENT and changes nothing; missing values
    /// and null are of any type. The background thread reads these columns out of the JSON before a filter asks for
    /// them, as far as VDB_OPT_COLUMN_BYTES has room. At most 256; their order does not matter.
    Self &columns(const std::string &value) & { return self().set(Option::Columns, value); }
    Self columns(const std::string &value) && { return std::move(self().set(Option::Columns, value)); }
    /// Links of a node on upper levels, twice as many on level 0; 2-256, default 16.
    template <class T, class = detail::NoEnum<T>> Self &m(T value) & { return self().set(Option::M, value); }
    template <class T, class = detail::NoEnum<T>> Self m(T value) && { return std::move(self().set(Option::M, value)); }
    /// Breadth of the search that finds the links of a new node; 8-4096, default 200.
    template <class T, class = detail::NoEnum<T>> Self &ef_construction(T value) & { return self().set(Option::EfConstruction, value); }
    template <class T, class = detail::NoEnum<T>> Self ef_construction(T value) && { return std::move(self().set(Option::EfConstruction, value)); }
    /// Breadth of a search that gives none of its own; 1-100000, default 64.
    template <class T, class = detail::NoEnum<T>> Self &ef_search(T value) & { return self().set(Option::EfSearch, value); }
    template <class T, class = detail::NoEnum<T>> Self ef_search(T value) && { return std::move(self().set(Option::EfSearch, value)); }
    /// Seed of the level of each row; default 42.
    template <class T, class = detail::NoEnum<T>> Self &seed(T value) & { return self().set(Option::Seed, value); }
    template <class T, class = detail::NoEnum<T>> Self seed(T value) && { return std::move(self().set(Option::Seed, value)); }
    /// Rows from which on a graph is built; below, searches scan; default 2000.
    template <class T, class = detail::NoEnum<T>> Self &graph_min_rows(T value) & { return self().set(Option::GraphMinRows, value); }
    template <class T, class = detail::NoEnum<T>> Self graph_min_rows(T value) && { return std::move(self().set(Option::GraphMinRows, value)); }
    /// Share of dead nodes at which the graph is consolidated; 0.01-1, default 0.1.
    template <class T, class = detail::NoEnum<T>> Self &consolidate_ratio(T value) & { return self().set(Option::ConsolidateRatio, value); }
    template <class T, class = detail::NoEnum<T>> Self consolidate_ratio(T value) && { return std::move(self().set(Option::ConsolidateRatio, value)); }
    /// Recall of a search that gives neither an ef nor a recall of its own, see
    /// vdb_search_params_t.target_recall; 0-0.9999, default 0 (by ef).
    template <class T, class = detail::NoEnum<T>> Self &target_recall(T value) & { return self().set(Option::TargetRecall, value); }
    template <class T, class = detail::NoEnum<T>> Self target_recall(T value) && { return std::move(self().set(Option::TargetRecall, value)); }
    /// One of `enum vdb_profile`: what M and EF_CONSTRUCTION are when they are not set; default
    /// DEFAULT. A database keeps those numbers, not the profile: it reports the profile that
    /// they belong to, DEFAULT where that is none.
    Self &profile(Profile value) & { return self().set(Option::Profile, value); }
    Self profile(Profile value) && { return std::move(self().set(Option::Profile, value)); }
    /// 1 = vdb_open creates a database that is not there; default 1.
    template <class T, class = detail::NoEnum<T>> Self &create(T value) & { return self().set(Option::Create, value); }
    template <class T, class = detail::NoEnum<T>> Self create(T value) && { return std::move(self().set(Option::Create, value)); }
    /// 1 = vdb_open only reads, beside the process that writes: it creates, locks and
    /// changes nothing, and vdb_refresh moves the handle on; default 0.
    template <class T, class = detail::NoEnum<T>> Self &read_only(T value) & { return self().set(Option::ReadOnly, value); }
    template <class T, class = detail::NoEnum<T>> Self read_only(T value) && { return std::move(self().set(Option::ReadOnly, value)); }
    /// 1 = files are mapped, 0 = read into memory (for files you do not trust); default 1.
    template <class T, class = detail::NoEnum<T>> Self &mmap(T value) & { return self().set(Option::Mmap, value); }
    template <class T, class = detail::NoEnum<T>> Self mmap(T value) && { return std::move(self().set(Option::Mmap, value)); }
    /// One of `enum vdb_durability`; default FULL.
    Self &durability(Durability value) & { return self().set(Option::Durability, value); }
    Self durability(Durability value) && { return std::move(self().set(Option::Durability, value)); }
    /// Size of the write-ahead log that starts a checkpoint; from 1 MiB, default 256 MiB.
    template <class T, class = detail::NoEnum<T>> Self &wal_limit_bytes(T value) & { return self().set(Option::WalLimitBytes, value); }
    template <class T, class = detail::NoEnum<T>> Self wal_limit_bytes(T value) && { return std::move(self().set(Option::WalLimitBytes, value)); }
    /// 1 = vdb_open reads and checks every byte before it returns; default 0: each block at its first use, and what
    /// fits a quarter of memory in the background, so that damage nobody asks for shows as VDB_ERR_CORRUPT too.
    template <class T, class = detail::NoEnum<T>> Self &verify_on_open(T value) & { return self().set(Option::VerifyOnOpen, value); }
    template <class T, class = detail::NoEnum<T>> Self verify_on_open(T value) && { return std::move(self().set(Option::VerifyOnOpen, value)); }
    /// Share of dead rows at which a chunk is rewritten; 0.05-1, default 0.3.
    template <class T, class = detail::NoEnum<T>> Self &compact_ratio(T value) & { return self().set(Option::CompactRatio, value); }
    template <class T, class = detail::NoEnum<T>> Self compact_ratio(T value) && { return std::move(self().set(Option::CompactRatio, value)); }
    /// Longest metadata of a row in bytes, up to 16776701; longer ones are VDB_ERR_LIMIT; default 1 MiB.
    template <class T, class = detail::NoEnum<T>> Self &max_meta_bytes(T value) & { return self().set(Option::MaxMetaBytes, value); }
    template <class T, class = detail::NoEnum<T>> Self max_meta_bytes(T value) && { return std::move(self().set(Option::MaxMetaBytes, value)); }
    /// Rows that may wait for the graph (`unindexed` in vdb_stats_t) when a call inserts or replaces
    /// more, 0 = any number; default 0.
    ///
    /// Rows are written faster than they are linked, and those not linked are scanned by every
    /// search. With a limit a call that finds more of them than this does what
    /// VDB_OPT_WHEN_BEHIND says. It is looked at when a call begins, so its own batch, and those of calls
    /// beside it, may pass the limit; so may rows that graph work leaves for its next step (up to
    /// VDB_OPT_GRAPH_MIN_ROWS at first, then a sixteenth of the graph, but 1024 to 16384 rows, from a million rows on a
    /// 64th) or has no memory for. Deletes never wait.
    template <class T, class = detail::NoEnum<T>> Self &max_unindexed(T value) & { return self().set(Option::MaxUnindexed, value); }
    template <class T, class = detail::NoEnum<T>> Self max_unindexed(T value) && { return std::move(self().set(Option::MaxUnindexed, value)); }
    /// One of `enum vdb_when_behind`: what a call does while more than VDB_OPT_MAX_UNINDEXED rows
    /// wait for the graph; default BLOCK.
    Self &when_behind(WhenBehind value) & { return self().set(Option::WhenBehind, value); }
    Self when_behind(WhenBehind value) && { return std::move(self().set(Option::WhenBehind, value)); }
    /// Threads that build the graph, share large batches of queries and verify files after an open, 0 = one for each core; default 0.
    template <class T, class = detail::NoEnum<T>> Self &threads(T value) & { return self().set(Option::Threads, value); }
    template <class T, class = detail::NoEnum<T>> Self threads(T value) && { return std::move(self().set(Option::Threads, value)); }
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
    template <class T, class = detail::NoEnum<T>> Self &max_memory(T value) & { return self().set(Option::MaxMemory, value); }
    template <class T, class = detail::NoEnum<T>> Self max_memory(T value) && { return std::move(self().set(Option::MaxMemory, value)); }
    /// 1 = what searches walk (codes and links) is copied from mapped files into memory, in
    /// huge pages, by the background thread and once after vdb_open, when searches have computed
    /// as many distances as the graph has nodes; 0 = they go on in the files; default 1.
    ///
    /// Searches are faster then. Nothing is copied where it takes more than a
    /// quarter of the machine's memory or half of what VDB_OPT_MAX_MEMORY leaves, and where the
    /// database is only read.
    template <class T, class = detail::NoEnum<T>> Self &resident(T value) & { return self().set(Option::Resident, value); }
    template <class T, class = detail::NoEnum<T>> Self resident(T value) && { return std::move(self().set(Option::Resident, value)); }
    /// Bytes of answers that are kept for searches that ask the same again, 0 = none, else from 64 KiB; default 0.
    ///
    /// For vdb_search, vdb_search_exact and vdb_search_range where the same queries come often and writes seldom: an
    /// answer is used again for the same query, parameters and filter handle, until a row or the graph changes, so it is
    /// never out of date. Answers are the same as without. Those that are VDB_PARTIAL are not kept. The memory counts as
    /// the database's (VDB_OPT_MAX_MEMORY), is taken as answers come, and is given back first where memory is short.
    template <class T, class = detail::NoEnum<T>> Self &cache_bytes(T value) & { return self().set(Option::CacheBytes, value); }
    template <class T, class = detail::NoEnum<T>> Self cache_bytes(T value) && { return std::move(self().set(Option::CacheBytes, value)); }
    /// Microseconds from which on a search (vdb_search, vdb_search_exact, vdb_search_range; a call, however many
    /// queries it has) is counted in `slow_queries` of vdb_stats_t and has a line in the log; default 0: never.
    template <class T, class = detail::NoEnum<T>> Self &slow_query_us(T value) & { return self().set(Option::SlowQueryUs, value); }
    template <class T, class = detail::NoEnum<T>> Self slow_query_us(T value) && { return std::move(self().set(Option::SlowQueryUs, value)); }
    /// Bytes of log lines that wait for vdb_log_read, 0 = no log, else from 1 KiB; default 65536. Memory is
    /// taken as lines come. Where more come, the oldest go and are counted.
    template <class T, class = detail::NoEnum<T>> Self &log_bytes(T value) & { return self().set(Option::LogBytes, value); }
    template <class T, class = detail::NoEnum<T>> Self log_bytes(T value) && { return std::move(self().set(Option::LogBytes, value)); }
    /// How much a line matters at least to be in the log, one of `enum vdb_log_level`; default INFO: all lines.
    Self &log_level(LogLevel value) & { return self().set(Option::LogLevel, value); }
    Self log_level(LogLevel value) && { return std::move(self().set(Option::LogLevel, value)); }
    /// Bytes of columns that are kept of metadata: what filters (vdb_filter_parse) look at is read out of the JSON once
    /// and kept for the next filter, some 1 to 4 bytes a row and the distinct values, or 4 to 8 bytes a row of numbers that
    /// differ (vdb_columns_get); the least recently used go first; 0 keeps none; default 256 MiB, which count as working memory of searches (VDB_OPT_MAX_MEMORY).
    template <class T, class = detail::NoEnum<T>> Self &column_bytes(T value) & { return self().set(Option::ColumnBytes, value); }
    template <class T, class = detail::NoEnum<T>> Self column_bytes(T value) && { return std::move(self().set(Option::ColumnBytes, value)); }

private:
    Self &self() { return static_cast<Self &>(*this); }
};

/// Calls visit(name, value) for each field.
template <class F> void for_each_field(const vdb_stats_t &from, F visit) {
    visit("dim", from.dim);
    visit("live", from.live);
    visit("deleted", from.deleted);
    visit("unindexed", from.unindexed);
    visit("graph_nodes", from.graph_nodes);
    visit("graph_unreachable", from.graph_unreachable);
    visit("bytes_vectors", from.bytes_vectors);
    visit("bytes_codes", from.bytes_codes);
    visit("bytes_graph", from.bytes_graph);
    visit("bytes_ids", from.bytes_ids);
    visit("bytes_wal", from.bytes_wal);
    visit("bytes_mapped", from.bytes_mapped);
    visit("searches", from.searches);
    visit("distance_computations", from.distance_computations);
    visit("lsn", from.lsn);
    visit("checkpoint_lsn", from.checkpoint_lsn);
    visit("checkpoints", from.checkpoints);
    visit("compactions", from.compactions);
    visit("chunks", from.chunks);
    visit("bytes_memory", from.bytes_memory);
    visit("bytes_memory_max", from.bytes_memory_max);
    visit("originals", from.originals);
    visit("decoded", from.decoded);
    visit("bytes_records", from.bytes_records);
    visit("bytes_columns", from.bytes_columns);
    visit("snapshots", from.snapshots);
    visit("checkpoint_unix_ms", from.checkpoint_unix_ms);
    visit("slow_queries", from.slow_queries);
    visit("log_lines_dropped", from.log_lines_dropped);
    visit("cache_hits", from.cache_hits);
    visit("cache_misses", from.cache_misses);
    visit("bytes_cache", from.bytes_cache);
}

/// Calls visit(name, value) for each field.
template <class F> void for_each_field(const vdb_latency_t &from, F visit) {
    visit("call", from.call);
    visit("count", from.count);
    visit("mean_ns", from.mean_ns);
    visit("p50_ns", from.p50_ns);
    visit("p95_ns", from.p95_ns);
    visit("p99_ns", from.p99_ns);
    visit("max_ns", from.max_ns);
    visit("sum_ns", from.sum_ns);
}

} // namespace VDB_HPP_NAMESPACE
} // namespace vdbpp

#endif // VDB_HPP_NAMES
