/* vdb 0.1.0: the vector database you link.
 *
 * Made from src/capi by `make header`; edit there. A short program is in examples/quickstart.c.
 *
 * Rules that hold for every function, whatever its own text says less about:
 *
 * R1 Status. 0 is success, above 0 success with something to know, below 0 an error. After an
 *    error a handle to be made is NULL and single results are untouched; arrays for results may
 *    be partly overwritten. A batch that fails has changed nothing in the database. Lists of
 *    errors leave out VDB_ERR_. Whether listed or not, any function may return what follows from
 *    R2-R9: NULL_ARGUMENT, INVALID_ARGUMENT (struct_size, alignment), CLOSED, FORKED, BUSY (from
 *    inside a progress function), PANIC and INTERNAL.
 * R2 Error record. Last parameter of all but a few small functions. It may be NULL, is owned by
 *    the caller, who sets struct_size first (VDB_ERROR_INIT), and is filled by every call, also on
 *    success (message "", item UINT64_MAX). With a struct_size below 8 (an all-zero record, for
 *    one) the call does nothing and returns VDB_ERR_INVALID_ARGUMENT.
 * R3 Pointers. What goes in is read during the call only, and copied if kept. What comes out goes
 *    into the caller's buffers, which overlap no other argument; nothing returned is to be passed
 *    to free(). Arrays are aligned for their type; vectors need no alignment. Where a count is 0
 *    the pointer may be NULL. Texts called static live as long as the library is loaded.
 * R4 Threads. A vdb, a vdb_filter and a vdb_snapshot may be used by any number of threads at any time. Writers queue;
 *    a search works on one consistent state and never waits for a writer. vdb_task_cancel and vdb_task_progress:
 *    any thread. Threads that use one vdb_cursor take turns. vdb_options, vdb_error_t and other structs: one thread
 *    at a time.
 * R5 Handles. Each is given back once, by its own _close or _free, for which NULL is fine. A handle
 *    is a number and not an address: one that was closed, or never was a handle, is
 *    VDB_ERR_CLOSED and never undefined behaviour. Closing waits for calls in progress. Cursors outlive the
 *    database they were made from.
 * R6 Fork. In a child process handles of the parent are VDB_ERR_FORKED, and closing or freeing
 *    one only forgets it. Handles made in the child work; a directory can be opened there once
 *    the parent has closed it.
 * R7 Failures inside. A panic of the library is caught and returned as VDB_ERR_PANIC; writes to
 *    that database are then VDB_ERR_POISONED until it is opened again. What cannot be caught:
 *    the system ending the process for lack of memory, no memory for an allocation of less than
 *    4 KiB (larger ones are VDB_ERR_NO_MEMORY), a stack overflow, and another program
 *    truncating a mapped file (SIGBUS; VDB_OPT_MMAP 0 avoids it). The library never prints,
 *    exits or installs signal handlers.
 * R8 Enums are passed as integers of fixed width. Unknown values are an error, never undefined
 *    behaviour. Numbers never change their meaning.
 * R9 A struct with struct_size may grow at the end. The library reads and writes no more than
 *    struct_size says. Fields it does not know must be zero on the way in (VDB_ERR_UNSUPPORTED
 *    otherwise) and are zeroed on the way out.
 * R10 Limits. 65,536 components of a vector; 2^31 rows of a database, with deleted and replaced
 *    rows whose space is not reclaimed yet; 64 GiB for a batch; VDB_MAX_K results of a query.
 *    Vectors of numbers: a squared length of at most FLT_MAX / 4 (8.5e37), whatever the metric;
 *    under cosine, at least FLT_MIN (1.2e-38).
 */

#ifndef VDB_H
#define VDB_H

#include <stddef.h>
#include <stdint.h>

/** Version of this header; vdb_version_number() is the library's. */
#define VDB_VERSION_MAJOR 0
#define VDB_VERSION_MINOR 1
#define VDB_VERSION_PATCH 0
#define VDB_VERSION_NUMBER \
  (((uint32_t)VDB_VERSION_MAJOR << 16) | ((uint32_t)VDB_VERSION_MINOR << 8) | VDB_VERSION_PATCH)
#define VDB_VERSION_STRING "0.1.0"

/** Beginning of an error record: vdb_error_t error = VDB_ERROR_INIT; */
#define VDB_ERROR_INIT { (uint32_t)sizeof(vdb_error_t), 0, 0, 0, 0, {0} }

/** Default search: vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT; */
#define VDB_SEARCH_PARAMS_INIT { (uint32_t)sizeof(vdb_search_params_t), 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0 }

/** The one id that cannot be stored; marks unused places in results. */
#define VDB_ID_NONE UINT64_MAX

/**
 * Number of the binary interface, the N of libvdb.so.N: it changes when a program built
 * against another header could break. Compare it with vdb_abi_version() after loading.
 */
#define VDB_ABI_VERSION 1

/** Longest key in bytes. */
#define VDB_KEY_MAX 512

/** Largest `k` of a search. */
#define VDB_MAX_K 16777216

/** Bytes that are enough for every report of vdb_check. */
#define VDB_CHECK_REPORT_MAX 16384

/** Bytes that are enough for every report of vdb_repair. */
#define VDB_REPAIR_REPORT_MAX 16384

/** Bytes that are enough for every text of vdb_explain. */
#define VDB_EXPLAIN_MAX 8192

/** Bytes that are enough for any line of the log, with a terminator. */
#define VDB_LOG_LINE_MAX 513

/** Status numbers. They never change; new ones are added. */
typedef enum vdb_status {
  /** Success. */
  VDB_OK = 0,
  /** There is nothing more to enumerate. */
  VDB_DONE = 1,
  /**
   * Not all of it: a search stopped by its deadline or task or kept to its max_memory, whose results so far
   * are valid, or a repair that could not save every row.
   */
  VDB_PARTIAL = 2,
  /** An argument has no meaning here; the message says which. */
  VDB_ERR_INVALID_ARGUMENT = -1,
  /** A pointer that must not be NULL is NULL. */
  VDB_ERR_NULL_ARGUMENT = -2,
  /** The vectors do not have the dimension of the database. */
  VDB_ERR_DIMENSION = -3,
  /** A number, flag or combination that this version does not know. */
  VDB_ERR_UNSUPPORTED = -4,
  /** No option has this number or name. */
  VDB_ERR_UNKNOWN_OPTION = -5,
  /** A value is outside its limits or cannot be represented. */
  VDB_ERR_OUT_OF_RANGE = -6,
  /** A component is NaN or infinite, or a vector is zero, or nearly so (R10), under cosine. */
  VDB_ERR_NOT_FINITE = -7,
  /** A text is no filter; item is the byte where that shows. */
  VDB_ERR_FILTER_SYNTAX = -8,
  /** The buffer is too small; the length needed was written. */
  VDB_ERR_BUFFER_TOO_SMALL = -9,
  /** There is no such database, row or file. */
  VDB_ERR_NOT_FOUND = -20,
  /** An id, a key, a file or a directory is there already, or an id or a key twice in the batch. */
  VDB_ERR_ALREADY_EXISTS = -21,
  /** The handle was closed or freed, or never was one. */
  VDB_ERR_CLOSED = -22,
  /** A write through a handle that only reads (VDB_OPT_READ_ONLY). */
  VDB_ERR_READ_ONLY = -23,
  /**
   * Called from inside a progress function, where it would wait for itself; or rows to be written
   * while too many of before wait for the graph (VDB_OPT_WHEN_BEHIND).
   */
  VDB_ERR_BUSY = -24,
  /** A write failed halfway earlier, so writes are refused: close and open again. */
  VDB_ERR_POISONED = -25,
  /** The handle belongs to the parent process (R6). */
  VDB_ERR_FORKED = -26,
  /** The task was cancelled; nothing was changed. */
  VDB_ERR_CANCELLED = -27,
  /** Reserved: a deadline passed before there was any result. */
  VDB_ERR_DEADLINE = -28,
  /**
   * An option contradicts what the database was created with, a snapshot or an earlier backup is
   * of another database, or bits were given for numbers.
   */
  VDB_ERR_MISMATCH = -29,
  /** The operating system refused; os_error holds its number. */
  VDB_ERR_IO = -40,
  /** The database is open already, here or in another process. */
  VDB_ERR_LOCKED = -41,
  /**
   * The disk is full; nothing was changed, and writes work again when there is space (after
   * a sync that failed they answer VDB_ERR_POISONED until the database is reopened).
   */
  VDB_ERR_NO_SPACE = -42,
  /** A file is damaged; the message says which and where. See vdb_repair. */
  VDB_ERR_CORRUPT = -50,
  /** The files were written by a newer version. */
  VDB_ERR_FORMAT_TOO_NEW = -51,
  /** Reserved: the files were written by a version no longer supported. */
  VDB_ERR_FORMAT_TOO_OLD = -52,
  /** Memory could not be had; nothing was changed. */
  VDB_ERR_NO_MEMORY = -60,
  /** A published limit was exceeded. */
  VDB_ERR_LIMIT = -61,
  /** The library failed inside and the failure was caught (R7). */
  VDB_ERR_PANIC = -90,
  /** The library found a broken invariant of its own: please report it. */
  VDB_ERR_INTERNAL = -91,
} vdb_status;

/** What "near" means. The smaller distance is always the nearer. */
typedef enum vdb_metric {
  /** Squared Euclidean distance. */
  VDB_METRIC_L2SQ = 1,
  /** 1 - dot product. */
  VDB_METRIC_IP = 2,
  /** 1 - cosine. */
  VDB_METRIC_COSINE = 3,
  /** Sum of absolute differences. */
  VDB_METRIC_L1 = 4,
  /** Number of differing bits. */
  VDB_METRIC_HAMMING = 5,
  /** 1 - |a & b| / |a | b|, 0 when both are empty. */
  VDB_METRIC_JACCARD = 6,
} vdb_metric;

/** Type of a component. Rows are packed, little-endian, of any alignment. */
typedef enum vdb_scalar {
  /** IEEE 754 binary32. */
  VDB_SCALAR_F32 = 1,
  /** IEEE 754 binary16. */
  VDB_SCALAR_F16 = 2,
  /** The upper half of a binary32. */
  VDB_SCALAR_BF16 = 3,
  /** Signed byte. */
  VDB_SCALAR_I8 = 4,
  /**
   * One bit, lowest bit of a byte first. Bits past the dimension are ignored on the way in
   * and zero on the way out.
   */
  VDB_SCALAR_B1 = 5,
  /** Unsigned byte. */
  VDB_SCALAR_U8 = 6,
} vdb_scalar;

/**
 * The codes the graph is walked on. Distances returned are exact whatever the codes, unless
 * VDB_OPT_ORIGINALS says DROP: the best candidates are ranked again on the stored vectors. `bytes_codes` in vdb_stats_t has what they take.
 * Vectors of bytes and bits are walked as they are in any case.
 *
 * From SQ4 on codes are for memory, not speed: links are chosen by the stored vectors, so building
 * takes longer and reads them, and searches have to go further for the same recall.
 */
typedef enum vdb_quant {
  /**
   * One byte for each component where a measurement on the data finds that codes rank it
   * well, else none.
   */
  VDB_QUANT_AUTO = 0,
  /** No codes: the graph is walked on the vectors themselves. */
  VDB_QUANT_NONE = 1,
  /** One byte for each component, without the measurement. dim bytes a row, rounded up to 32. */
  VDB_QUANT_SQ8 = 2,
  /** Half a byte for each component: dim / 2 bytes a row, rounded up to 32. */
  VDB_QUANT_SQ4 = 3,
  /** Half a byte for each of VDB_OPT_PQ_SUBSPACES: so many / 2 bytes a row, rounded up to 16. */
  VDB_QUANT_PQ = 4,
  /** A bit for each component and eight bytes: dim / 8 + 8 bytes a row, rounded up to 8. Not for L1. */
  VDB_QUANT_RABITQ = 5,
} vdb_quant;

/** What becomes of the vectors of rows that have codes (VDB_OPT_ORIGINALS). */
typedef enum vdb_originals {
  /** They are kept: distances are exact, and codes are made anew as the data grows. */
  VDB_ORIGINALS_KEEP = 1,
  /**
   * They are given up, in memory and on the disk: from then on a row is what its code stands
   * for. Distances, exact searches, vdb_get_batch, measured recall and repairs refer to that;
   * under VDB_METRIC_COSINE its length is about 1. For VDB_QUANT_SQ8 (any metric), SQ4 (but IP)
   * and RABITQ (L2SQ, COSINE), with vectors of F32, F16 or BF16; anything else is
   * VDB_ERR_UNSUPPORTED in vdb_open.
   *
   * A chunk of rows (16 MiB of vectors or fewer, but 1,024 rows at least) gives them up when the graph has its rows and
   * has begun on the next chunk, and none does before there are more than 4096 rows. So rows that
   * wait for the graph, and those of the last chunk, are exact. The codes are made for the rows
   * there are when the first vectors go, and cannot be changed afterwards: later rows should be
   * like them. `bytes_vectors` and `decoded` in vdb_stats_t tell how far it has come.
   */
  VDB_ORIGINALS_DROP = 2,
} vdb_originals;

/**
 * How much work goes into a graph: what VDB_OPT_M and VDB_OPT_EF_CONSTRUCTION are when
 * they are not set.
 */
typedef enum vdb_profile {
  /** M = 16, ef_construction = 200. */
  VDB_PROFILE_DEFAULT = 0,
  /**
   * M = 16, ef_construction = 64: built in 0.6 of the time; searches for a high recall go
   * farther.
   */
  VDB_PROFILE_FAST = 1,
  /** M = 24, ef_construction = 400: the reverse, with half as much memory again for links. */
  VDB_PROFILE_QUALITY = 2,
} vdb_profile;

/** What a kill or a power cut can take back of a batch after its call returned. */
typedef enum vdb_durability {
  /** A kill may lose batches since the last checkpoint; whole batches only. */
  VDB_DURABILITY_NONE = 1,
  /** A kill loses nothing; a power cut may lose the last batches. */
  VDB_DURABILITY_PROCESS = 2,
  /** Neither loses anything. The default. */
  VDB_DURABILITY_FULL = 3,
} vdb_durability;

/** What a call that inserts or replaces rows does while too many of before wait for the graph. */
typedef enum vdb_when_behind {
  /** It waits until there are fewer; its task can end the wait (VDB_ERR_CANCELLED). */
  VDB_WHEN_BEHIND_BLOCK = 1,
  /** It is VDB_ERR_BUSY and changes nothing: try again later. */
  VDB_WHEN_BEHIND_BUSY = 2,
} vdb_when_behind;

/**
 * Options. vdb_option_at has names, limits and defaults. 1xx schema (fixed when the
 * database is created, as are M, EF_CONSTRUCTION, SEED and PROFILE), 2xx graph, 3xx storage, 4xx run time.
 */
typedef enum vdb_option {
  /** Components of a vector, 1-65536. Needed to create a database. */
  VDB_OPT_DIM = 101,
  /** One of `enum vdb_metric`; default L2SQ. */
  VDB_OPT_METRIC = 102,
  /** One of `enum vdb_scalar`: how components are stored; default F32. */
  VDB_OPT_SCALAR = 103,
  /** One of `enum vdb_quant`; default AUTO. */
  VDB_OPT_QUANT = 104,
  /** Subspaces of VDB_QUANT_PQ, at most one for each component; 0 = one for each four; default 0. */
  VDB_OPT_PQ_SUBSPACES = 105,
  /** One of `enum vdb_originals`; default KEEP. */
  VDB_OPT_ORIGINALS = 106,
  /**
   * Columns of metadata with their types, a text as in "year i64, tags string[], author.name string, place geo"
   * (vdb_options_set_text, vdb_option_get_text); default: none.
   *
   * Paths are those of filters (docs/filters.md). Types are string, i64, f64, bool, timestamp (whole milliseconds since
   * 1970-01-01 UTC), string[] and geo (an object with lat and lon in degrees). A call that writes a row whose
   * metadata has a value of another type at such a path is VDB_ERR_INVALID_ARGUMENT and changes nothing; missing values
   * and null are of any type. The background thread reads these columns out of the JSON before a filter asks for
   * them, as far as VDB_OPT_COLUMN_BYTES has room. At most 256; their order does not matter.
   */
  VDB_OPT_COLUMNS = 107,
  /** Links of a node on upper levels, twice as many on level 0; 2-256, default 16. */
  VDB_OPT_M = 201,
  /** Breadth of the search that finds the links of a new node; 8-4096, default 200. */
  VDB_OPT_EF_CONSTRUCTION = 202,
  /** Breadth of a search that gives none of its own; 1-100000, default 64. */
  VDB_OPT_EF_SEARCH = 203,
  /** Seed of the level of each row; default 42. */
  VDB_OPT_SEED = 204,
  /** Rows from which on a graph is built; below, searches scan; default 2000. */
  VDB_OPT_GRAPH_MIN_ROWS = 205,
  /** Share of dead nodes at which the graph is consolidated; 0.01-1, default 0.1. */
  VDB_OPT_CONSOLIDATE_RATIO = 206,
  /**
   * Recall of a search that gives neither an ef nor a recall of its own, see
   * vdb_search_params_t.target_recall; 0-0.9999, default 0 (by ef).
   */
  VDB_OPT_TARGET_RECALL = 207,
  /**
   * One of `enum vdb_profile`: what M and EF_CONSTRUCTION are when they are not set; default
   * DEFAULT. A database keeps those numbers, not the profile: it reports the profile that
   * they belong to, DEFAULT where that is none.
   */
  VDB_OPT_PROFILE = 208,
  /** 1 = vdb_open creates a database that is not there; default 1. */
  VDB_OPT_CREATE = 301,
  /**
   * 1 = vdb_open only reads, beside the process that writes: it creates, locks and
   * changes nothing, and vdb_refresh moves the handle on; default 0.
   */
  VDB_OPT_READ_ONLY = 302,
  /** 1 = files are mapped, 0 = read into memory (for files you do not trust); default 1. */
  VDB_OPT_MMAP = 303,
  /** One of `enum vdb_durability`; default FULL. */
  VDB_OPT_DURABILITY = 304,
  /** Size of the write-ahead log that starts a checkpoint; from 1 MiB, default 256 MiB. */
  VDB_OPT_WAL_LIMIT_BYTES = 305,
  /**
   * 1 = vdb_open reads and checks every byte before it returns; default 0: each block at its first use, and what
   * fits a quarter of memory in the background, so that damage nobody asks for shows as VDB_ERR_CORRUPT too.
   */
  VDB_OPT_VERIFY_ON_OPEN = 307,
  /** Share of dead rows at which a chunk is rewritten; 0.05-1, default 0.3. */
  VDB_OPT_COMPACT_RATIO = 308,
  /** Longest metadata of a row in bytes, up to 16776701; longer ones are VDB_ERR_LIMIT; default 1 MiB. */
  VDB_OPT_MAX_META_BYTES = 309,
  /**
   * Rows that may wait for the graph (`unindexed` in vdb_stats_t) when a call inserts or replaces
   * more, 0 = any number; default 0.
   *
   * Rows are written faster than they are linked, and those not linked are scanned by every
   * search. With a limit a call that finds more of them than this does what
   * VDB_OPT_WHEN_BEHIND says. It is looked at when a call begins, so its own batch, and those of calls
   * beside it, may pass the limit; so may rows that graph work leaves for its next step (up to
   * VDB_OPT_GRAPH_MIN_ROWS at first, then a sixteenth of the graph, but 1024 to 16384 rows, from a million rows on a
   * 64th) or has no memory for. Deletes never wait.
   */
  VDB_OPT_MAX_UNINDEXED = 310,
  /**
   * One of `enum vdb_when_behind`: what a call does while more than VDB_OPT_MAX_UNINDEXED rows
   * wait for the graph; default BLOCK.
   */
  VDB_OPT_WHEN_BEHIND = 311,
  /** Threads that build the graph, share large batches of queries and verify files after an open, 0 = one for each core; default 0. */
  VDB_OPT_THREADS = 401,
  /**
   * Bytes of memory the database may take, 0 = no limit, else from 16 MiB; default 0.
   *
   * Counted is what grows with the data: rows, ids, codes, graph, batches on their way,
   * working memory of searches (an eighth of the limit is theirs). Mapped files are not:
   * the system takes their pages back when it needs them. A batch that does not fit is
   * VDB_ERR_LIMIT and changes nothing; before that, what is in checkpoint files is left to
   * them, so that a database on disk can be many times the limit; near it a batch may wait
   * for a checkpoint and for the graph work under way. Reads and deletes go on.
   * Graph work that does not fit is put off (`unindexed` in vdb_stats_t; such rows are
   * scanned) and vdb_wait_indexed is VDB_ERR_LIMIT. Not counted, so that the process may
   * take as much more: 16 MiB, 1 MiB a thread, 1 bit a row, 300 bytes a chunk of rows, and
   * in vdb_open the longest record of the log.
   */
  VDB_OPT_MAX_MEMORY = 405,
  /**
   * 1 = what searches walk (codes and links) is copied from mapped files into memory, in
   * huge pages, by the background thread and once after vdb_open, when searches have computed
   * as many distances as the graph has nodes; 0 = they go on in the files; default 1.
   *
   * Searches are faster then. Nothing is copied where it takes more than a
   * quarter of the machine's memory or half of what VDB_OPT_MAX_MEMORY leaves, and where the
   * database is only read.
   */
  VDB_OPT_RESIDENT = 406,
  /**
   * Bytes of answers that are kept for searches that ask the same again, 0 = none, else from 64 KiB; default 0.
   *
   * For vdb_search, vdb_search_exact and vdb_search_range where the same queries come often and writes seldom: an
   * answer is used again for the same query, parameters and filter handle, until a row or the graph changes, so it is
   * never out of date. Answers are the same as without. Those that are VDB_PARTIAL are not kept. The memory counts as
   * the database's (VDB_OPT_MAX_MEMORY), is taken as answers come, and is given back first where memory is short.
   */
  VDB_OPT_CACHE_BYTES = 407,
  /**
   * Microseconds from which on a search (vdb_search, vdb_search_exact, vdb_search_range; a call, however many
   * queries it has) is counted in `slow_queries` of vdb_stats_t and has a line in the log; default 0: never.
   */
  VDB_OPT_SLOW_QUERY_US = 408,
  /**
   * Bytes of log lines that wait for vdb_log_read, 0 = no log, else from 1 KiB; default 65536. Memory is
   * taken as lines come. Where more come, the oldest go and are counted.
   */
  VDB_OPT_LOG_BYTES = 409,
  /** How much a line matters at least to be in the log, one of `enum vdb_log_level`; default INFO: all lines. */
  VDB_OPT_LOG_LEVEL = 410,
  /**
   * Bytes of columns that are kept of metadata: what filters (vdb_filter_parse) look at is read out of the JSON once
   * and kept for the next filter, some 1 to 4 bytes a row and the distinct values, or 4 to 8 bytes a row of numbers that
   * differ (vdb_columns_get); the least recently used go first; 0 keeps none; default 256 MiB, which count as working memory of searches (VDB_OPT_MAX_MEMORY).
   */
  VDB_OPT_COLUMN_BYTES = 420,
} vdb_option;

/** How the value of an option is set and read. */
typedef enum vdb_option_type {
  /** A whole number: vdb_options_set_u64. */
  VDB_OPTION_TYPE_U64 = 1,
  /** A fraction: vdb_options_set_f64. */
  VDB_OPTION_TYPE_F64 = 2,
  /** One of a few numbers with names: vdb_options_set_u64. */
  VDB_OPTION_TYPE_ENUM = 3,
  /** A text: vdb_options_set_text. */
  VDB_OPTION_TYPE_TEXT = 4,
} vdb_option_type;

/** Bits of vdb_option_info_t.flags. */
typedef enum vdb_option_flag {
  /** Fixed when the database is created. */
  VDB_OPTION_FLAG_SCHEMA = 1,
} vdb_option_flag;

/** Bits of vdb_search_params_t.flags. */
typedef enum vdb_search_flag {
  /** Compare with every row instead of walking the graph. */
  VDB_SEARCH_EXACT = 1,
  /** Neither take the answer from the cache (VDB_OPT_CACHE_BYTES) nor leave it there. */
  VDB_SEARCH_NO_CACHE = 2,
} vdb_search_flag;

/** How much vdb_check looks at. Each level includes those before it. */
typedef enum vdb_check_level {
  /** Every byte of the live files, the log included, is read from disk and verified. */
  VDB_CHECK_CHECKSUMS = 1,
  /** Ids lead to their rows and back, deletions and the graph agree with the rows. */
  VDB_CHECK_STRUCTURE = 2,
  /** The recall of the graph is measured on stored rows. */
  VDB_CHECK_RECALL = 3,
} vdb_check_level;

/** Kinds of calls whose times are kept: vdb_latency_get. */
typedef enum vdb_call {
  /** vdb_search, vdb_search_exact and vdb_search_ids for one query. */
  VDB_CALL_SEARCH = 1,
  /** The same for several queries in one call. */
  VDB_CALL_SEARCH_BATCH = 2,
  /** vdb_search_range. */
  VDB_CALL_SEARCH_RANGE = 3,
  /** vdb_insert_batch and vdb_insert_records. */
  VDB_CALL_INSERT = 4,
  /** vdb_upsert_batch and vdb_upsert_records. */
  VDB_CALL_UPSERT = 5,
  /** vdb_delete_batch, vdb_delete_keys and vdb_delete_where. */
  VDB_CALL_DELETE = 6,
  /** vdb_get_batch, vdb_get_meta, vdb_keys_of_ids and vdb_ids_of_keys. */
  VDB_CALL_GET = 7,
  /** vdb_count. */
  VDB_CALL_COUNT = 8,
  /** vdb_sync. */
  VDB_CALL_SYNC = 9,
  /** A checkpoint that had something to write: vdb_checkpoint, vdb_close and those in the background. */
  VDB_CALL_CHECKPOINT = 10,
  /** vdb_refresh. */
  VDB_CALL_REFRESH = 11,
  /** vdb_update_meta_batch and vdb_update_meta_where. */
  VDB_CALL_UPDATE_META = 12,
  /** vdb_recommend. */
  VDB_CALL_RECOMMEND = 13,
  /** vdb_search_diverse. */
  VDB_CALL_DIVERSE = 14,
  /** vdb_search_groups. */
  VDB_CALL_GROUPS = 15,
  /** A page of a cursor: vdb_cursor_next. */
  VDB_CALL_PAGE = 16,
} vdb_call;

/** How much a line of the log matters (VDB_OPT_LOG_LEVEL). */
typedef enum vdb_log_level {
  /** Something is lost or does not work any more: damage, a write of unknown fate. */
  VDB_LOG_ERROR = 1,
  /** Something works worse than it could: a limit was reached, a search was slow. */
  VDB_LOG_WARN = 2,
  /** What the database does by itself: recovery, checkpoints, compaction, training. */
  VDB_LOG_INFO = 3,
} vdb_log_level;

/** An open database. Every function may be called from any thread at any time (R4). */
typedef struct vdb vdb;

/** A cursor. Threads that use one at the same time take turns. */
typedef struct vdb_cursor vdb_cursor;

/** A filter. Any thread may use it, several at a time. */
typedef struct vdb_filter vdb_filter;

/** A set of options. One thread at a time. */
typedef struct vdb_options vdb_options;

/** A snapshot. Any thread may use it, several at a time. */
typedef struct vdb_snapshot vdb_snapshot;

/** A task. Any thread may cancel it and read its progress. */
typedef struct vdb_task vdb_task;

/**
 * Result of a call, one of `enum vdb_status`: 0 success, above 0 success with
 * something to know, below 0 an error.
 */
typedef int32_t vdb_status_t;

/** What a call did, in the caller's memory (R2). 256 bytes. */
typedef struct vdb_error_t {
  /** Set by the caller to sizeof(vdb_error_t), e.g. with VDB_ERROR_INIT. */
  uint32_t struct_size;
  /** The status that the call returned. */
  vdb_status_t code;
  /** The operating system's error number, or 0. */
  int32_t os_error;
  /** 0 in this version. */
  uint32_t reserved;
  /** Row of the batch that is to blame, or UINT64_MAX. */
  uint64_t item;
  /** What failed, the value, the limit, what to do: UTF-8, NUL-terminated. */
  char message[232];
} vdb_error_t;

/** An option, one of `enum vdb_option`. */
typedef uint32_t vdb_option_t;

/** One line of the table of options. */
typedef struct vdb_option_info_t {
  /** Set by the caller to sizeof(vdb_option_info_t). */
  uint32_t struct_size;
  /** Number, one of `enum vdb_option`. */
  vdb_option_t id;
  /** One of `enum vdb_option_type`. */
  uint32_t value_type;
  /** Bits of `enum vdb_option_flag`. */
  uint32_t flags;
  /** Name for vdb_options_set_text, e.g. "hnsw.m". Static. */
  const char *name;
  /** One sentence. Static. */
  const char *help;
  /** Values of an enum as "l2sq=1 ip=2", NULL for other types. Static. */
  const char *values;
  /** Value when it is not set; 0 for a text, which is empty then. */
  double default_value;
  /** Smallest value; of a text its length in bytes, as in the next one. */
  double min_value;
  /** Largest value. */
  double max_value;
} vdb_option_info_t;

/** A scalar type, one of `enum vdb_scalar`. */
typedef uint32_t vdb_scalar_t;

/**
 * How a search runs. All zero after struct_size means the defaults; see
 * VDB_SEARCH_PARAMS_INIT.
 */
typedef struct vdb_search_params_t {
  /** Set by the caller to sizeof(vdb_search_params_t). */
  uint32_t struct_size;
  /** Breadth of the graph search, at most 100000; 0 means VDB_OPT_EF_SEARCH. At least k is used. */
  uint32_t ef;
  /** Type of the query components; 0 means the type the database stores. */
  vdb_scalar_t query_scalar;
  /** Bits of `enum vdb_search_flag`. */
  uint32_t flags;
  /**
   * Candidates whose exact distance is computed, at most VDB_MAX_K; 0 means max(2k, k + 10), and with
   * VDB_QUANT_PQ and VDB_QUANT_RABITQ max(10k, k + 50, ef).
   * At least k is used.
   */
  uint32_t rerank;
  /**
   * Share of the true neighbours to find on average, above 0 and at most 0.9999, instead of
   * an ef: how far the search must go for it is measured on the data as the graph grows.
   * 0 means VDB_OPT_TARGET_RECALL. Not together with ef.
   */
  float target_recall;
  /** Time limit in microseconds; 0 means none. The search then returns VDB_PARTIAL. */
  uint64_t deadline_us;
  /** Cancels the search, which then returns VDB_PARTIAL; may be NULL. */
  vdb_task *task;
  /** Rows that may be results; NULL means all. Where k rows pass, k are found. */
  const vdb_filter *filter;
  /** State to search, of this handle; NULL means the newest. */
  const vdb_snapshot *snapshot;
  /**
   * Bytes of working memory that each query may take; 0 means no limit but VDB_OPT_MAX_MEMORY.
   *
   * Counted are 16 bytes a result, the query itself in three forms (some 10 bytes a component), 8 bytes a candidate
   * (ef and rerank) and two bits a row of the graph; not what a filter keeps for later searches, nor the caller's
   * arrays. A search that would need more first goes without what only saves time: sketches, more threads, comparing by codes.
   * Then it walks with fewer candidates and returns VDB_PARTIAL. Where no walk fits at all, all rows that
   * pass are compared, which finds everything and takes longer: set a deadline too. Where not even the k results
   * fit it is VDB_ERR_LIMIT. vdb_search_range returns VDB_PARTIAL with the nearest rows where more are within the
   * distance than fit.
   */
  uint64_t max_memory;
} vdb_search_params_t;

/** A picture of a database. Grows at the end. */
typedef struct vdb_stats_t {
  /** Set by the caller to sizeof(vdb_stats_t). */
  uint32_t struct_size;
  /** Components of a vector. */
  uint32_t dim;
  /** Rows that a search can return. */
  uint64_t live;
  /** Deleted and replaced rows whose space is not reclaimed yet. */
  uint64_t deleted;
  /** Live rows that are not in the graph yet and are scanned. */
  uint64_t unindexed;
  /** Nodes of the graph, deleted ones that are still linked included. */
  uint64_t graph_nodes;
  /**
   * Nodes that a walk through the whole graph did not reach, 0 if all is well; UINT64_MAX
   * while there is work on the graph and nothing was walked yet.
   */
  uint64_t graph_unreachable;
  /** Bytes of vectors. */
  uint64_t bytes_vectors;
  /** Bytes of codes. */
  uint64_t bytes_codes;
  /** Bytes of links. */
  uint64_t bytes_graph;
  /** Bytes of ids. */
  uint64_t bytes_ids;
  /** Bytes of the write-ahead log. */
  uint64_t bytes_wal;
  /** Bytes mapped from files; they are not counted against the process until touched. */
  uint64_t bytes_mapped;
  /** Queries since the database was opened. */
  uint64_t searches;
  /** Distances computed by them. */
  uint64_t distance_computations;
  /** Number of the last batch that was acknowledged. */
  uint64_t lsn;
  /** Number of the last batch that is in checkpoint files. */
  uint64_t checkpoint_lsn;
  /** Checkpoints written since the database was opened. */
  uint64_t checkpoints;
  /** Chunks rewritten since then to reclaim the space of deleted rows. */
  uint64_t compactions;
  /** Chunks the rows are stored in. */
  uint64_t chunks;
  /** Bytes of memory in use, as VDB_OPT_MAX_MEMORY counts them. */
  uint64_t bytes_memory;
  /** The limit on them, VDB_OPT_MAX_MEMORY; 0 = none. */
  uint64_t bytes_memory_max;
  /** VDB_OPT_ORIGINALS, one of `enum vdb_originals`. */
  uint64_t originals;
  /**
   * Rows that a search can return and whose vectors were given up: what their codes stand for is
   * returned and compared.
   */
  uint64_t decoded;
  /** Bytes of keys and metadata, what was replaced and is not reclaimed yet included. */
  uint64_t bytes_records;
  /** Bytes of columns of metadata that filters look at (VDB_OPT_COLUMN_BYTES). */
  uint64_t bytes_columns;
  /** Snapshots that are not freed. */
  uint64_t snapshots;
  /**
   * When the last checkpoint since the database was opened was written, in milliseconds since 1970-01-01 UTC; 0 =
   * none was.
   */
  uint64_t checkpoint_unix_ms;
  /** Searches that took VDB_OPT_SLOW_QUERY_US or longer. */
  uint64_t slow_queries;
  /** Lines of the log that went unread because it was full (VDB_OPT_LOG_BYTES). */
  uint64_t log_lines_dropped;
  /** Queries that were answered from the cache (VDB_OPT_CACHE_BYTES). */
  uint64_t cache_hits;
  /** Queries that looked there and found nothing. */
  uint64_t cache_misses;
  /** Bytes that the cache takes, a part of `bytes_memory`. */
  uint64_t bytes_cache;
} vdb_stats_t;

/** A kind of call, one of `enum vdb_call`. */
typedef uint32_t vdb_call_t;

/**
 * How long calls of one kind took since the database was opened, in nanoseconds; those that failed are left out.
 * A search that ended by its deadline has not failed. Grows at the end.
 */
typedef struct vdb_latency_t {
  /** Set by the caller to sizeof(vdb_latency_t). */
  uint32_t struct_size;
  /** The kind, one of `enum vdb_call`. */
  vdb_call_t call;
  /** Number of calls. */
  uint64_t count;
  /** Their mean. */
  uint64_t mean_ns;
  /** Half of the calls took no longer. This and the next two are at most 3.2 % off. */
  uint64_t p50_ns;
  /** 95 of 100 calls took no longer. */
  uint64_t p95_ns;
  /** 99 of 100 calls took no longer. */
  uint64_t p99_ns;
  /** The longest call. */
  uint64_t max_ns;
  /** All calls together: the difference between two readings, over that of `count`, is a mean of what was between. */
  uint64_t sum_ns;
} vdb_latency_t;

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Library ----------------------------------------------------------------------------------- */

/** Version of the library, e.g. "0.1.0". Static. Since 0.1. */
const char *vdb_version_string(void);

/**
 * Version of the library as major << 16 | minor << 8 | patch, like VDB_VERSION_NUMBER.
 * Since 0.1.
 */
uint32_t vdb_version_number(void);

/** VDB_ABI_VERSION of the library that was loaded. Since 0.1. */
uint32_t vdb_abi_version(void);

/**
 * Name of a status, e.g. "VDB_ERR_CORRUPT"; "unknown status" for any other number.
 * Static. Since 0.1.
 */
const char *vdb_status_name(vdb_status_t status);

/**
 * Facts about this build as JSON: version, ABI, target, and the instruction set of the
 * distance kernels that this processor gets.
 *
 * Writes a terminated text into `buf`, which has `cap` bytes, and its length without the
 * terminator to `*len`. With cap = 0 (`buf` may be NULL) it only writes the length.
 *
 * Errors: BUFFER_TOO_SMALL (`*len` is written, `buf` is not), NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_build_info(char *buf, size_t cap, size_t *len, vdb_error_t *error);

/* ---- Options -----------------------------------------------------------------------------------
 * What a database is opened with. The table can be walked, so that bindings, command
 * lines and documents are made from it.
 */

/**
 * Makes a set of options in which nothing is set. Free it with vdb_options_free.
 *
 * On failure `*out_options` is NULL. Errors: NULL_ARGUMENT, NO_MEMORY. Since 0.1.
 */
vdb_status_t vdb_options_new(vdb_options **out_options, vdb_error_t *error);

/** Frees a set of options. NULL and a set that was freed already do nothing. Since 0.1. */
void vdb_options_free(vdb_options *options);

/**
 * Sets a whole number, a switch (0 or 1) or the number of an enum value. It is checked
 * here, not when the database is opened.
 *
 * Errors: UNKNOWN_OPTION, OUT_OF_RANGE, INVALID_ARGUMENT (the option is a fraction or a text), CLOSED.
 * Since 0.1.
 */
vdb_status_t vdb_options_set_u64(vdb_options *options,
                                 vdb_option_t option,
                                 uint64_t value,
                                 vdb_error_t *error);

/**
 * Sets a fraction.
 *
 * Errors: UNKNOWN_OPTION, OUT_OF_RANGE, INVALID_ARGUMENT (the option is no fraction), CLOSED.
 * Since 0.1.
 */
vdb_status_t vdb_options_set_f64(vdb_options *options,
                                 vdb_option_t option,
                                 double value,
                                 vdb_error_t *error);

/**
 * Sets any option by name: ("hnsw.m", "32"), ("schema.metric", "cosine"),
 * ("storage.mmap", "off"), ("schema.columns", "year i64"). For command lines, environments and configuration
 * files, and for options that are texts.
 *
 * Errors: UNKNOWN_OPTION (the message has the closest names), OUT_OF_RANGE,
 * INVALID_ARGUMENT (not a number or name of a value; of a text item = the byte where that shows), NULL_ARGUMENT,
 * CLOSED. Since 0.1.
 */
vdb_status_t vdb_options_set_text(vdb_options *options,
                                  const char *name,
                                  const char *value,
                                  vdb_error_t *error);

/**
 * Describes the option at place `index` (0, 1, ...) of the table.
 *
 * Returns VDB_DONE past the end. Errors: NULL_ARGUMENT, INVALID_ARGUMENT (struct_size).
 * Since 0.1.
 */
vdb_status_t vdb_option_at(size_t index, vdb_option_info_t *info, vdb_error_t *error);

/* ---- Databases ---------------------------------------------------------------------------------
 * Opening, closing, settings in force.
 */

/**
 * Opens the database in the directory `path`, or a new one in memory if `path` is NULL.
 *
 * `path` is a text of the system's encoding. Its last directory is made if need be, its
 * parent must exist; files of other names in the directory are left alone. `options` may
 * be NULL; it is copied and can be freed. A new database needs VDB_OPT_DIM; one that
 * exists knows its own, and options that contradict it are VDB_ERR_MISMATCH. On failure
 * `*out_db` is NULL and there is nothing to close.
 *
 * One handle in one process writes. With VDB_OPT_READ_ONLY any number of handles, in any
 * processes, read the same directory beside it, or without it: see vdb_refresh.
 *
 * A directory that is moved, emptied or replaced while it is open is not to be lost, nor what comes in its place: batches go
 * on into the log that is open, and checkpoints, and the close, are VDB_ERR_IO. Open it again where it is then. `path` means
 * what it meant here, whatever the current directory becomes.
 *
 * Errors: NOT_FOUND (VDB_OPT_CREATE is 0, VDB_OPT_READ_ONLY is 1, or the parent directory is missing), LOCKED,
 * MISMATCH, CORRUPT (see vdb_repair), FORMAT_TOO_NEW, IO, NO_SPACE, NO_MEMORY, LIMIT
 * (VDB_OPT_MAX_MEMORY), UNSUPPORTED (the metric has
 * no meaning for the scalar type), INVALID_ARGUMENT (no VDB_OPT_DIM, an empty path),
 * NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_open(const char *path,
                      const vdb_options *options,
                      vdb **out_db,
                      vdb_error_t *error);

/**
 * Closes: waits for calls in progress, stops background work, makes everything durable
 * and writes a checkpoint. The handle is gone whatever is returned; calls made
 * after this one began get VDB_ERR_CLOSED. Cursors of the database go on, with all of its memory, until they are
 * freed; the directory can be opened again meanwhile. NULL is OK. In a forked child, a handle of
 * the parent is only forgotten.
 *
 * Errors: CLOSED, IO, NO_SPACE (what was acknowledged stays in the log),
 * POISONED (closed without a checkpoint: the next open recovers), BUSY (called from a
 * progress function; the one case that leaves the handle open). Since 0.1.
 */
vdb_status_t vdb_close(vdb *db,
                       vdb_error_t *error);

/**
 * Value in force of an option that is a whole number, a switch or an enum: the database's
 * own, what was set, or the default (which may stand for "decided inside", as AUTO does).
 *
 * Errors: UNKNOWN_OPTION, INVALID_ARGUMENT (the option is a fraction or a text), CLOSED, FORKED.
 * Since 0.1.
 */
vdb_status_t vdb_option_get_u64(const vdb *db,
                                vdb_option_t option,
                                uint64_t *value,
                                vdb_error_t *error);

/**
 * Value in force of an option that is a fraction.
 *
 * Errors: UNKNOWN_OPTION, INVALID_ARGUMENT (the option is no fraction), CLOSED, FORKED.
 * Since 0.1.
 */
vdb_status_t vdb_option_get_f64(const vdb *db,
                                vdb_option_t option,
                                double *value,
                                vdb_error_t *error);

/**
 * Value in force of any option, as vdb_options_set_text takes it: a text, a number, or the name of a value.
 *
 * Writes a terminated text into `text`, which has `cap` bytes, and its length without the terminator to `*len`. With cap = 0
 * (`text` may be NULL) only the length.
 *
 * Errors: UNKNOWN_OPTION, BUFFER_TOO_SMALL (`*len` is set), NULL_ARGUMENT, CLOSED, FORKED. Since 0.1.
 */
vdb_status_t vdb_option_get_text(const vdb *db,
                                 vdb_option_t option,
                                 char *text,
                                 size_t cap,
                                 size_t *len,
                                 vdb_error_t *error);

/* ---- Writes ------------------------------------------------------------------------------------
 * A batch is atomic: all of its rows or none. On failure `error->item` is the first row
 * to blame. Writers queue; they never make a search wait.
 *
 * Under VDB_DURABILITY_FULL a call waits for the disk once, however many rows it has: batches of 1,000 to
 * 10,000 rows, or a few MB, take hundreds of times less for each row than rows one by one. Threads that
 * write at the same time share that wait.
 */

/**
 * Inserts `count` rows; an id that is in the database already, or twice in the batch,
 * fails the batch.
 *
 * `ids`: `count` ids, any but VDB_ID_NONE. `vectors`: `count` vectors of `dim` components
 * of type `scalar`, `stride` bytes apart (0 = packed); they are converted to the scalar
 * type of the database, to I8 and U8 only when every component is a whole number in range.
 * `task` may be NULL; once the writing has begun it is too late to cancel. Both arrays are
 * copied. Rows can be found as soon as the call returns.
 *
 * Errors: ALREADY_EXISTS, DIMENSION, NOT_FINITE, OUT_OF_RANGE (a component cannot be
 * converted, a vector is too long (R10), `count` rows pass the address space), MISMATCH
 * (bits for a database of numbers or the reverse), UNSUPPORTED (scalar type),
 * INVALID_ARGUMENT (VDB_ID_NONE, stride), CANCELLED, BUSY (VDB_OPT_WHEN_BEHIND), LIMIT (rows of the database, bytes of
 * the batch, VDB_OPT_MAX_MEMORY), NO_SPACE, NO_MEMORY, IO, READ_ONLY, POISONED, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_insert_batch(vdb *db,
                              const uint64_t *ids,
                              const void *vectors,
                              size_t count,
                              size_t dim,
                              size_t stride,
                              vdb_scalar_t scalar,
                              vdb_task *task,
                              vdb_error_t *error);

/**
 * As vdb_insert_batch, but an id that is in the database already gets the new vector, and
 * where an id stands twice in the batch the last of its rows wins. It never returns
 * VDB_ERR_ALREADY_EXISTS. Since 0.1.
 */
vdb_status_t vdb_upsert_batch(vdb *db,
                              const uint64_t *ids,
                              const void *vectors,
                              size_t count,
                              size_t dim,
                              size_t stride,
                              vdb_scalar_t scalar,
                              vdb_task *task,
                              vdb_error_t *error);

/**
 * Deletes `count` rows by id. Ids that are not there count 0.
 *
 * `deleted` receives the number of rows deleted; it may be NULL. Deleted rows are never
 * returned again; their space is reclaimed in the background.
 *
 * Errors: NO_SPACE, NO_MEMORY, IO, READ_ONLY, POISONED, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_delete_batch(vdb *db,
                              const uint64_t *ids,
                              size_t count,
                              uint64_t *deleted,
                              vdb_error_t *error);

/* ---- Point reads ------------------------------------------------------------------------------- */

/**
 * Copies out the vectors of `count` ids.
 *
 * Row i of `vectors` (`dim` components of type `scalar`, rows `stride` bytes apart, 0 =
 * packed) receives the vector of `ids[i]`, and `found[i]` 1; for an id that is not there
 * `found[i]` is 0 and the row is left alone. Under VDB_METRIC_COSINE vectors come back as
 * they were stored, not normalised.
 *
 * Errors: DIMENSION, UNSUPPORTED (scalar type), OUT_OF_RANGE (a component cannot be
 * converted to it), MISMATCH (bits and numbers), CORRUPT, CLOSED, FORKED, INVALID_ARGUMENT
 * (stride), NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_get_batch(const vdb *db,
                           const uint64_t *ids,
                           size_t count,
                           size_t dim,
                           vdb_scalar_t scalar,
                           void *vectors,
                           size_t stride,
                           uint8_t *found,
                           vdb_error_t *error);

/**
 * Number of rows a search can return: all, or with a filter those that it lets pass.
 *
 * Errors: NO_MEMORY and LIMIT (with a filter), CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_count(const vdb *db,
                       const vdb_filter *filter,
                       uint64_t *count,
                       vdb_error_t *error);

/* ---- Filters -----------------------------------------------------------------------------------
 * A filter says which rows a search may return. It is made once and used by any number of
 * searches, from any thread; what it said about a row is remembered, so use the same one
 * again rather than making another. It remembers for the database that it was used with
 * last: one filter that takes turns between several is asked anew at each turn. It keeps a quarter of a byte for each
 * row of that database and 256 KiB more (half as much again once it was used with a snapshot), which count as working memory of searches
 * (VDB_OPT_MAX_MEMORY), until it is freed. The first search after rows changed asks about the new ones, and others with the same filter wait for that.
 */

/**
 * Makes a filter that only the `count` rows of `ids` pass (`allow` not 0), or all rows but these
 * (`allow` 0). Ids need not exist, and may stand more than once. They are copied. Free it with
 * vdb_filter_free.
 *
 * On failure `*out_filter` is NULL. Errors (item = place in `ids`): INVALID_ARGUMENT (VDB_ID_NONE),
 * OUT_OF_RANGE (count), NO_MEMORY, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_filter_ids(const uint64_t *ids,
                            size_t count,
                            int allow,
                            vdb_filter **out_filter,
                            vdb_error_t *error);

/**
 * Makes a filter out of a condition on metadata: `text` of `len` bytes, UTF-8, such as
 * `year >= 1990 and genre in ('jazz', 'soul')`. docs/filters.md describes the language. Where the text has
 * parameters ($1, $2, ...) the filter must be given values by vdb_filter_bind before it is used. Free it
 * with vdb_filter_free.
 *
 * On failure `*out_filter` is NULL. Errors: FILTER_SYNTAX (item = byte of the text where it shows), NO_MEMORY,
 * NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_filter_parse(const char *text,
                              size_t len,
                              vdb_filter **out_filter,
                              vdb_error_t *error);

/**
 * Makes a filter out of another one that has parameters: `values` is a JSON array of `len` bytes, whose first element
 * stands for $1. A value is a string, a number or a boolean; after `in` it may be an array of these. Any number
 * of filters can be made out of one, also by several threads; each is freed by itself.
 *
 * On failure `*out_filter` is NULL. Errors: INVALID_ARGUMENT (no such array, too few or too many values, a value
 * of another kind than its place wants, a filter of ids), NO_MEMORY, CLOSED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_filter_bind(const vdb_filter *filter,
                             const char *values,
                             size_t len,
                             vdb_filter **out_filter,
                             vdb_error_t *error);

/**
 * Frees a filter. A call that uses it goes on. NULL and a filter that was freed already do
 * nothing. Since 0.1.
 */
void vdb_filter_free(vdb_filter *filter);

/* ---- Records -----------------------------------------------------------------------------------
 * A row may have a key and metadata beside its id and its vector. A key is a text (UTF-8, 1 to
 * VDB_KEY_MAX bytes) that no other row has. Metadata is one JSON object, kept and given back byte by byte;
 * filters (vdb_filter_parse) look into it. Both are atomic and durable with the batch that brings them.
 *
 * Texts of several rows are passed back to back, with `count` + 1 offsets: text i is the bytes from
 * `offsets[i]` up to `offsets[i + 1]`. They need no terminators.
 */

/**
 * Inserts `count` rows with keys and metadata.
 *
 * Vectors and `task` as for vdb_insert_batch. `ids`: `count` ids; VDB_ID_NONE asks for one, which is above those
 * of all rows and was never given before, and replaces it when the call succeeds. `ids` may be NULL: each row gets one then, and
 * keys are how to find it. `keys` and `key_offsets`: the key of each row, empty for none; both NULL means no row has one.
 * `meta` and `meta_offsets`: the metadata of each row in the same way.
 *
 * Errors: as vdb_insert_batch, and ALREADY_EXISTS (a key that a row has, or twice in the batch),
 * INVALID_ARGUMENT (offsets that go back, a key that is not UTF-8, metadata that is no JSON object, or has a value of another type
 * than VDB_OPT_COLUMNS declares), LIMIT (a key above VDB_KEY_MAX, metadata above VDB_OPT_MAX_META_BYTES, no id left
 * to give). Since 0.1.
 */
vdb_status_t vdb_insert_records(vdb *db,
                                uint64_t *ids,
                                const char *keys,
                                const uint64_t *key_offsets,
                                const void *vectors,
                                size_t count,
                                size_t dim,
                                size_t stride,
                                vdb_scalar_t scalar,
                                const char *meta,
                                const uint64_t *meta_offsets,
                                vdb_task *task,
                                vdb_error_t *error);

/**
 * As vdb_insert_records, but rows that there are get the new vectors. VDB_ID_NONE asks for the id
 * of the row that has the key, or for a new one where none has.
 *
 * What the call does not bring stays: with `keys` NULL a row keeps its key, with `meta` NULL its metadata. An
 * empty text takes it away. Where an id stands twice in the batch the last of its rows wins.
 *
 * Errors: as vdb_insert_records; ALREADY_EXISTS for a key that a row with another id has. Since 0.1.
 */
vdb_status_t vdb_upsert_records(vdb *db,
                                uint64_t *ids,
                                const char *keys,
                                const uint64_t *key_offsets,
                                const void *vectors,
                                size_t count,
                                size_t dim,
                                size_t stride,
                                vdb_scalar_t scalar,
                                const char *meta,
                                const uint64_t *meta_offsets,
                                vdb_task *task,
                                vdb_error_t *error);

/**
 * Gives `count` rows other metadata, all in one batch. Vectors, keys and the graph stay as they are.
 *
 * Row i is the one with `ids[i]`; ids that are not there count 0, and of an id that stands twice the last
 * counts. `meta` and `meta_offsets` as for vdb_insert_records; an empty text takes the metadata away. `updated`
 * receives the number of rows; it may be NULL.
 *
 * Errors: INVALID_ARGUMENT and LIMIT as vdb_insert_records, NO_SPACE, NO_MEMORY, IO, READ_ONLY, POISONED, CLOSED,
 * FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_update_meta_batch(vdb *db,
                                   const uint64_t *ids,
                                   size_t count,
                                   const char *meta,
                                   const uint64_t *meta_offsets,
                                   uint64_t *updated,
                                   vdb_error_t *error);

/**
 * Gives the rows that `filter` lets pass at this moment the metadata `meta` of `len` bytes (0 = none), all in one
 * batch. `updated` receives their number; it may be NULL. `task` may be NULL; once the writing has begun it
 * is too late to cancel.
 *
 * Errors: as vdb_update_meta_batch, and CANCELLED. Since 0.1.
 */
vdb_status_t vdb_update_meta_where(vdb *db,
                                   const vdb_filter *filter,
                                   const char *meta,
                                   size_t len,
                                   uint64_t *updated,
                                   vdb_task *task,
                                   vdb_error_t *error);

/**
 * Deletes the rows that `filter` lets pass at this moment, all in one batch. `deleted` receives their number; it
 * may be NULL. `task` may be NULL; once the writing has begun it is too late to cancel.
 *
 * Errors: NO_SPACE, NO_MEMORY, LIMIT, IO, READ_ONLY, POISONED, CANCELLED, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_delete_where(vdb *db,
                              const vdb_filter *filter,
                              uint64_t *deleted,
                              vdb_task *task,
                              vdb_error_t *error);

/**
 * Deletes the rows that have one of `count` keys, all in one batch. Keys that no row has count 0. `deleted`
 * receives the number of rows; it may be NULL.
 *
 * Errors: as vdb_delete_batch, INVALID_ARGUMENT (offsets), OUT_OF_RANGE (count). Since 0.1.
 */
vdb_status_t vdb_delete_keys(vdb *db,
                             const char *keys,
                             const uint64_t *key_offsets,
                             size_t count,
                             uint64_t *deleted,
                             vdb_error_t *error);

/**
 * Finds the rows that have `count` keys: `ids[i]` receives the id of the row with key i, or VDB_ID_NONE
 * where no row has it.
 *
 * Errors: INVALID_ARGUMENT (offsets), OUT_OF_RANGE (count), CORRUPT, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_ids_of_keys(const vdb *db,
                             const char *keys,
                             const uint64_t *key_offsets,
                             size_t count,
                             uint64_t *ids,
                             vdb_error_t *error);

/**
 * Copies out the keys of `count` rows, back to back and without terminators: the key of `ids[i]` is the bytes of
 * `keys` from `key_offsets[i]` up to `key_offsets[i + 1]`, none for a row without a key and for an id that is not there.
 *
 * `keys` has `cap` bytes, `key_offsets` `count` + 1 places; `*len` receives the bytes of all keys. With cap = 0
 * (`keys` may be NULL) only offsets and length are written, and the same, against R1, with VDB_ERR_BUFFER_TOO_SMALL.
 * VDB_KEY_MAX for each row is always enough. All of it is of one moment.
 *
 * Errors: BUFFER_TOO_SMALL, OUT_OF_RANGE (count), CORRUPT, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_keys_of_ids(const vdb *db,
                             const uint64_t *ids,
                             size_t count,
                             char *keys,
                             size_t cap,
                             uint64_t *key_offsets,
                             size_t *len,
                             vdb_error_t *error);

/**
 * Copies out the metadata of `count` rows as vdb_keys_of_ids does their keys: byte by byte what was stored.
 *
 * Errors: as vdb_keys_of_ids. Since 0.1.
 */
vdb_status_t vdb_get_meta(const vdb *db,
                          const uint64_t *ids,
                          size_t count,
                          char *meta,
                          size_t cap,
                          uint64_t *meta_offsets,
                          size_t *len,
                          vdb_error_t *error);

/* ---- Snapshots ---------------------------------------------------------------------------------
 * A snapshot is the state of a database at one moment: what is asked of it gets the same answer
 * however much is written, deleted, checkpointed and compacted meanwhile. Making one copies
 * nothing and takes no time, whatever the size. What it shows stays in memory and on the disk until it
 * is freed, though the database has moved on: `bytes_memory` in vdb_stats_t has the memory (which counts
 * against VDB_OPT_MAX_MEMORY), `snapshots` how many there are.
 *
 * vdb_search_params_t.snapshot takes one, and so do the functions below and vdb_cursor_scan_at. It is of use
 * with the handle that it was made from, and any number of threads may use it. vdb_close waits for none: what
 * is left of a snapshot then can only be freed, and another handle, also one of the same directory,
 * refuses it with VDB_ERR_MISMATCH.
 */

/**
 * Makes a snapshot of the state that a search begun now would see. Free it with vdb_snapshot_free.
 *
 * On failure `*out_snapshot` is NULL. Errors: NO_MEMORY, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_snapshot_new(const vdb *db,
                              vdb_snapshot **out_snapshot,
                              vdb_error_t *error);

/**
 * Frees a snapshot, before or after its database is closed. A call that uses it goes on. NULL and
 * a snapshot that was freed already do nothing. Since 0.1.
 */
void vdb_snapshot_free(vdb_snapshot *snapshot);

/**
 * As vdb_count, of the state that `snapshot` shows; NULL for the newest.
 *
 * Errors: as vdb_count, and MISMATCH (a snapshot of another handle). Since 0.1.
 */
vdb_status_t vdb_count_at(const vdb *db,
                          const vdb_snapshot *snapshot,
                          const vdb_filter *filter,
                          uint64_t *count,
                          vdb_error_t *error);

/**
 * As vdb_get_batch, of the state that `snapshot` shows; NULL for the newest.
 *
 * Errors: as vdb_get_batch, and MISMATCH (a snapshot of another handle). Since 0.1.
 */
vdb_status_t vdb_get_batch_at(const vdb *db,
                              const vdb_snapshot *snapshot,
                              const uint64_t *ids,
                              size_t count,
                              size_t dim,
                              vdb_scalar_t scalar,
                              void *vectors,
                              size_t stride,
                              uint8_t *found,
                              vdb_error_t *error);

/**
 * As vdb_ids_of_keys, of the state that `snapshot` shows; NULL for the newest.
 *
 * Errors: as vdb_ids_of_keys, and MISMATCH (a snapshot of another handle). Since 0.1.
 */
vdb_status_t vdb_ids_of_keys_at(const vdb *db,
                                const vdb_snapshot *snapshot,
                                const char *keys,
                                const uint64_t *key_offsets,
                                size_t count,
                                uint64_t *ids,
                                vdb_error_t *error);

/**
 * As vdb_keys_of_ids, of the state that `snapshot` shows; NULL for the newest. With one, a call that asked for the
 * length and the next one see the same keys.
 *
 * Errors: as vdb_keys_of_ids, and MISMATCH (a snapshot of another handle). Since 0.1.
 */
vdb_status_t vdb_keys_of_ids_at(const vdb *db,
                                const vdb_snapshot *snapshot,
                                const uint64_t *ids,
                                size_t count,
                                char *keys,
                                size_t cap,
                                uint64_t *key_offsets,
                                size_t *len,
                                vdb_error_t *error);

/**
 * As vdb_get_meta, of the state that `snapshot` shows; NULL for the newest.
 *
 * Errors: as vdb_get_meta, and MISMATCH (a snapshot of another handle). Since 0.1.
 */
vdb_status_t vdb_get_meta_at(const vdb *db,
                             const vdb_snapshot *snapshot,
                             const uint64_t *ids,
                             size_t count,
                             char *meta,
                             size_t cap,
                             uint64_t *meta_offsets,
                             size_t *len,
                             vdb_error_t *error);

/* ---- Search ------------------------------------------------------------------------------------
 * Row i of the results fills `ids[i * k]` and `distances[i * k]` onwards, nearest first,
 * ties by id; `counts[i] <= k` of them. Places left over are VDB_ID_NONE and +INFINITY.
 */

/**
 * Finds the `k` nearest rows of each query.
 *
 * `queries`: `query_count` vectors of `dim` components, `stride` bytes apart (0 = packed),
 * of type `params->query_scalar`; like rows they are converted to the scalar type of the
 * database, so U8 rows want queries of whole numbers. `params` may be NULL. `ids` and
 * `distances` have `query_count * k` places, `counts` has `query_count` or is NULL. All
 * queries see one consistent state of the database. 32 or more are shared by up to
 * VDB_OPT_THREADS threads, which end before the call returns. k = 0
 * and an empty database are not errors, and a k above the number of rows returns all rows.
 *
 * Returns VDB_PARTIAL when the deadline passed, the task was cancelled or `max_memory` was in the way: the results
 * so far are valid; of the queries, later ones may have none. Errors (item = query): DIMENSION, NOT_FINITE, UNSUPPORTED (scalar type
 * or flag), OUT_OF_RANGE (query_count * k, ef, rerank, a query that cannot be converted or
 * is too long (R10)), MISMATCH (bits and numbers, a snapshot of another handle), LIMIT (k above VDB_MAX_K, or
 * too large for VDB_OPT_MAX_MEMORY or `max_memory`),
 * INVALID_ARGUMENT (stride), CORRUPT, IO, NO_MEMORY, CLOSED, FORKED, NULL_ARGUMENT.
 * Since 0.1.
 */
vdb_status_t vdb_search(const vdb *db,
                        const void *queries,
                        size_t query_count,
                        size_t dim,
                        size_t stride,
                        size_t k,
                        const vdb_search_params_t *params,
                        uint64_t *ids,
                        float *distances,
                        uint32_t *counts,
                        vdb_error_t *error);

/**
 * As vdb_search, but compares each query with every row: the answer that the results of
 * vdb_search are measured against. Since 0.1.
 */
vdb_status_t vdb_search_exact(const vdb *db,
                              const void *queries,
                              size_t query_count,
                              size_t dim,
                              size_t stride,
                              size_t k,
                              const vdb_search_params_t *params,
                              uint64_t *ids,
                              float *distances,
                              uint32_t *counts,
                              vdb_error_t *error);

/**
 * Finds all rows whose distance to one query is at most `max_distance`, nearest first, ties by id.
 *
 * `query`: one vector of `dim` components. `ids` and `distances` have `cap` places; those left over
 * become VDB_ID_NONE and +INFINITY. `count` receives the number of rows found, or `cap` + 1 where
 * there are more than `cap`: the nearest are in the places then. `cap` 0 asks whether there is any. With
 * `params` as for vdb_search: a graph is walked, so of rows near the edge some may be missed unless
 * VDB_SEARCH_EXACT is set.
 *
 * Returns VDB_PARTIAL as vdb_search does. Errors: as vdb_search, and
 * INVALID_ARGUMENT (`max_distance` is NaN), LIMIT (`cap` above VDB_MAX_K). Since 0.1.
 */
vdb_status_t vdb_search_range(const vdb *db,
                              const void *query,
                              size_t dim,
                              float max_distance,
                              size_t cap,
                              const vdb_search_params_t *params,
                              uint64_t *ids,
                              float *distances,
                              size_t *count,
                              vdb_error_t *error);

/**
 * Measures the recall of searches: the share of the true `k` nearest rows that vdb_search finds
 * with `params`, by comparing with an exact search of each query.
 *
 * `queries` as for vdb_search. With `queries` NULL some `query_count` stored rows are looked for
 * instead, each apart from itself; these are found a little more easily than queries that are no
 * rows. `recall` receives the share, 0 to 1; `low` and `high` the ends of its 95 % confidence
 * interval, and may be NULL. Takes as long as `query_count` exact searches; `deadline_us` and
 * `task` of `params` are not looked at, and `dim` is not where `queries` is NULL. With nothing
 * to find (k = 0, no rows, no queries) the recall is 1, somewhere between 0 and 1.
 *
 * Errors: as vdb_search, and CANCELLED. Since 0.1.
 */
vdb_status_t vdb_measure_recall(const vdb *db,
                                const void *queries,
                                size_t query_count,
                                size_t dim,
                                size_t stride,
                                size_t k,
                                const vdb_search_params_t *params,
                                double *recall,
                                double *low,
                                double *high,
                                vdb_task *task,
                                vdb_error_t *error);

/* ---- Other ways to ask -------------------------------------------------------------------------
 * Searches that begin with rows instead of vectors, whose results keep apart from each other, or that go over
 * several databases.
 */

/**
 * Finds the `k` rows nearest to each of the `count` rows `row_ids`, which is left out itself.
 *
 * As vdb_search with the vectors of these rows as queries: row i of the results belongs to `row_ids[i]`, and all are
 * of one consistent state. `params->query_scalar` is not looked at. The filter applies to results, not to
 * `row_ids`.
 *
 * Returns VDB_PARTIAL when the deadline passed or the task was cancelled. Errors (item = place in `row_ids`):
 * NOT_FOUND (there is no such row), and as vdb_search. Since 0.1.
 */
vdb_status_t vdb_search_ids(const vdb *db,
                            const uint64_t *row_ids,
                            size_t count,
                            size_t k,
                            const vdb_search_params_t *params,
                            uint64_t *ids,
                            float *distances,
                            uint32_t *counts,
                            vdb_error_t *error);

/**
 * Finds the `k` rows that are most like the rows `positive` and unlike the rows `negative`; none of these is a result.
 *
 * They are the rows nearest to one point, and distances are to that point: the mean p of the positive
 * examples, or 2p - n where n is the mean of the negative ones. One positive example is needed. One that stands
 * twice counts twice. Under VDB_METRIC_COSINE examples count by their directions, whatever their
 * lengths. The point has the type of rows. In databases of bytes it is rounded, under cosine after it was made as
 * long as bytes can hold. In databases of bits p and n are the shares of examples that have a bit, and it is set
 * where 2p - n is above 1/2: where the positive examples are divided, the negative ones decide.
 *
 * `ids` and `distances` have `k` places; those left over become VDB_ID_NONE and +INFINITY. `count` receives the
 * number of results and may be NULL. `params` as for vdb_search; `query_scalar` is not looked at. The filter applies
 * to results, not to examples.
 *
 * Returns VDB_PARTIAL when the deadline passed or the task was cancelled. Errors (item = place in `positive`, or
 * `positive_count` + place in `negative`): NOT_FOUND (there is no such row), INVALID_ARGUMENT (no positive example),
 * NOT_FINITE (under cosine: the examples cancel each other out), OUT_OF_RANGE (the point is too far out (R10)),
 * and as vdb_search. Since 0.1.
 */
vdb_status_t vdb_recommend(const vdb *db,
                           const uint64_t *positive,
                           size_t positive_count,
                           const uint64_t *negative,
                           size_t negative_count,
                           size_t k,
                           const vdb_search_params_t *params,
                           uint64_t *ids,
                           float *distances,
                           uint32_t *count,
                           vdb_error_t *error);

/**
 * Chooses `k` rows that are near one query and not too near to each other.
 *
 * Of the nearest `candidates` rows (0: 4k; at least k) the nearest is chosen first, then one after the other
 * always the row with the least
 * `lambda * (distance to the query) - (1 - lambda) * (distance to the nearest one chosen)`
 * (maximal marginal relevance). `lambda` 1 gives the nearest rows, 0 those farthest apart. All these distances
 * are exact. Results are in the order in which they were chosen, so `distances`, which are to the query, go up
 * and down. It costs a search for `candidates` rows and `k * candidates` distances.
 *
 * `query`: one vector of `dim` components. `ids` and `distances` have `k` places; those left over become
 * VDB_ID_NONE and +INFINITY. `count` receives the number of results and may be NULL. `params` as for vdb_search.
 *
 * To what a search takes of `max_memory` come the vector and 16 bytes for each candidate; there are fewer where
 * that is too much.
 *
 * Returns VDB_PARTIAL when the deadline passed, the task was cancelled or there were fewer candidates for want of
 * memory. Errors: as vdb_search, and OUT_OF_RANGE (`lambda` is not in 0..1), LIMIT (`candidates` above VDB_MAX_K, or
 * `max_memory` too small for k of them). Since 0.1.
 */
vdb_status_t vdb_search_diverse(const vdb *db,
                                const void *query,
                                size_t dim,
                                size_t k,
                                size_t candidates,
                                float lambda,
                                const vdb_search_params_t *params,
                                uint64_t *ids,
                                float *distances,
                                uint32_t *count,
                                vdb_error_t *error);

/**
 * Finds the best groups of rows, and of each the best rows. Rows that have the same string, number or boolean
 * at `path` of their metadata are one group; the others are in none.
 *
 * `path` of `path_len` bytes is written as in a filter: `author.name`. When all rows are gone through nearest first,
 * group 0 is the first one met, group 1 the next, and so on, `groups` at most; each has its `per_group` nearest rows. `ids`
 * and `distances` have `groups * per_group` places: those of group i begin at `i * per_group`, and those left over
 * become VDB_ID_NONE and +INFINITY. `counts` has `groups` places and receives the number of rows of each; `group_count`
 * receives the number of groups, and may be NULL. `query`, `dim` and `params` as for vdb_search_range. Where a
 * group has fewer than `per_group` rows, or there are fewer groups, all rows that pass are looked at.
 *
 * Returns VDB_PARTIAL when the deadline passed or the task was cancelled. Errors: as vdb_search, and FILTER_SYNTAX
 * (item = byte of `path`), LIMIT (`groups * per_group` above VDB_MAX_K). Since 0.1.
 */
vdb_status_t vdb_search_groups(const vdb *db,
                               const void *query,
                               size_t dim,
                               const char *path,
                               size_t path_len,
                               size_t groups,
                               size_t per_group,
                               const vdb_search_params_t *params,
                               uint64_t *ids,
                               float *distances,
                               uint32_t *counts,
                               uint32_t *group_count,
                               vdb_error_t *error);

/**
 * Finds the `k` nearest rows of each query among those of all `db_count` databases, as if they were one.
 *
 * As vdb_search, of each of `dbs` with `params`, and merged: nearest first, ties by the place of the database in `dbs`
 * and then by id. `sources` has as many places as `ids` and receives the places in `dbs`; those left over become
 * UINT32_MAX. Ids are those of each database, so the same one may stand there several times. All databases must
 * have the same metric and dimension; scalar types may differ: each takes the queries as its own, and
 * `query_scalar` 0 means the type that the first one stores. Each is searched in the state that it had when the
 * call began. `deadline_us` and `task` are those of the whole call. A filter applies to each database's own rows.
 * No databases are no error: nothing is found.
 *
 * Returns VDB_PARTIAL when the deadline passed or the task was cancelled. Errors: as vdb_search, naming the
 * database in the message, and MISMATCH and CLOSED (item = place in `dbs`). Since 0.1.
 */
vdb_status_t vdb_search_many(const vdb *const *dbs,
                             size_t db_count,
                             const void *queries,
                             size_t query_count,
                             size_t dim,
                             size_t stride,
                             size_t k,
                             const vdb_search_params_t *params,
                             uint64_t *ids,
                             float *distances,
                             uint32_t *sources,
                             uint32_t *counts,
                             vdb_error_t *error);

/* ---- Cursors -----------------------------------------------------------------------------------
 * The rows of a database one page after the other: nearest to a query first, or by id. A cursor goes through the
 * state that the database had when it was made: what is written, deleted or cleaned up meanwhile changes nothing, and
 * closing the database does not end it. Until it is freed, it keeps the memory of that state, and the disk space of
 * files that were removed meanwhile.
 */

/**
 * Makes a cursor through all rows in the order of their distance to one query, nearest first, ties by id.
 *
 * `query`: one vector of `dim` components, of type `params->query_scalar`. `params` as for vdb_search, copied;
 * a filter and a task that they name may be freed. The filter is asked at the first page, `deadline_us` is the
 * time limit of each page, `task` cancels them.
 *
 * No row comes twice, and every row that passes the filter comes once. They come in strict order, with one
 * exception: where the graph is walked, a row may be found only after farther ones were returned. Such rows come
 * last, after all others, in order among themselves and in pages of their own; with VDB_SEARCH_EXACT there are none.
 *
 * The first pages cost about as much as searches for twice as many rows. Farther down, from about a fortieth of the
 * rows on, all rows are compared, and again for each eighth of them (VDB_OPT_MAX_MEMORY and `max_memory` may make
 * that more often; pages are not VDB_PARTIAL for it). To `max_memory` comes a bit for each row of the database. Free it
 * with vdb_cursor_free.
 *
 * On failure `*out_cursor` is NULL. Errors: as vdb_search for one query. Since 0.1.
 */
vdb_status_t vdb_cursor_search(const vdb *db,
                               const void *query,
                               size_t dim,
                               const vdb_search_params_t *params,
                               vdb_cursor **out_cursor,
                               vdb_error_t *error);

/**
 * Makes a cursor through the rows that `filter` lets pass (NULL: all), in the order of their ids.
 *
 * Every row comes once. Free it with vdb_cursor_free.
 *
 * On failure `*out_cursor` is NULL. Errors: INVALID_ARGUMENT (a filter whose parameters have no values), NO_MEMORY,
 * LIMIT (the filter's answer is too large for VDB_OPT_MAX_MEMORY), CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_cursor_scan(const vdb *db,
                             const vdb_filter *filter,
                             vdb_cursor **out_cursor,
                             vdb_error_t *error);

/**
 * As vdb_cursor_scan, of the state that `snapshot` shows; NULL for the newest. The cursor keeps that state: the
 * snapshot may be freed.
 *
 * Errors: as vdb_cursor_scan, and MISMATCH (a snapshot of another handle). Since 0.1.
 */
vdb_status_t vdb_cursor_scan_at(const vdb *db,
                                const vdb_snapshot *snapshot,
                                const vdb_filter *filter,
                                vdb_cursor **out_cursor,
                                vdb_error_t *error);

/**
 * Writes the next rows of a cursor, `cap` at most.
 *
 * `ids` and `distances` have `cap` places; those left over become VDB_ID_NONE and +INFINITY. `distances` may be
 * NULL; where rows come by id they are 0. `*count` receives the number of rows: a page may be short though more
 * rows follow. VDB_DONE, with `*count` 0, says that there are no more. With `cap` 0 nothing is done.
 *
 * Returns VDB_PARTIAL, with the rows that there were, when the deadline passed or the task was cancelled: the next
 * call goes on from there. What the deadline broke off is then begun again, so one that is too short for a single
 * search gets nowhere. After an error no row is lost: the next call returns the same page. Errors: CORRUPT,
 * IO, NO_MEMORY, LIMIT (too large for VDB_OPT_MAX_MEMORY), POISONED (an earlier call on the cursor failed inside the
 * library (R7)), CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_cursor_next(vdb_cursor *cursor,
                             size_t cap,
                             uint64_t *ids,
                             float *distances,
                             size_t *count,
                             vdb_error_t *error);

/**
 * Frees a cursor, and what it kept of a database that was closed meanwhile. Waits for calls in progress on it.
 * NULL and a cursor that was freed already do nothing. Since 0.1.
 */
void vdb_cursor_free(vdb_cursor *cursor);

/* ---- Maintenance -------------------------------------------------------------------------------
 * None of these is needed for correct answers. Long calls take a task.
 */

/**
 * Makes all batches so far as safe as VDB_DURABILITY_FULL would have. For a database in
 * memory it does nothing.
 *
 * Errors: IO, NO_SPACE, READ_ONLY, POISONED, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_sync(vdb *db, vdb_error_t *error);

/**
 * Writes the current state as immutable files and shortens the log, as the background
 * work does by itself when the log reaches VDB_OPT_WAL_LIMIT_BYTES. With nothing new, and
 * for a database in memory, it does nothing.
 *
 * Errors: CANCELLED, IO, NO_SPACE, NO_MEMORY, READ_ONLY, POISONED, CLOSED, FORKED,
 * NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_checkpoint(vdb *db, vdb_task *task, vdb_error_t *error);

/**
 * Waits until the background work has put every row into the graph. Rows can be found
 * before that too, by a scan; waiting is for measurements. A read-only handle has no
 * background work: it returns at once.
 *
 * Errors: CANCELLED (only the wait), NO_MEMORY, LIMIT (VDB_OPT_MAX_MEMORY leaves no room
 * for the graph; rows are scanned), POISONED, CLOSED, FORKED, NULL_ARGUMENT.
 * Since 0.1.
 */
vdb_status_t vdb_wait_indexed(vdb *db, vdb_task *task, vdb_error_t *error);

/**
 * Moves a read-only handle to the newest state that the writer has committed. VDB_OK also
 * when there is none newer; vdb_stats_get tells the LSN.
 *
 * Batches are seen whole or not at all, and what was seen stays. Calls in progress keep the
 * state they began with. A batch may be seen before the writer's call has returned, that
 * is, before it is durable; one that the writer keeps in memory (VDB_DURABILITY_NONE) is
 * seen later. On failure the handle stays as it was. The writer may have ended. On a
 * handle that writes, or in memory, it does nothing.
 *
 * Errors: CORRUPT, MISMATCH (the directory holds another database by now), NOT_FOUND, IO,
 * NO_MEMORY, LIMIT (VDB_OPT_MAX_MEMORY), FORMAT_TOO_NEW, POISONED, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_refresh(vdb *db,
                         vdb_error_t *error);

/* ---- Integrity check --------------------------------------------------------------------------- */

/**
 * Checks whether a database is whole, beside searches and writes. Changes nothing.
 *
 * `level` is one of `enum vdb_check_level`; a level is looked at only when those before it
 * found nothing. In memory there are no files to check. Works also after damage was met and
 * other calls fail. Checkpoints and vdb_stats_get wait while files are read.
 *
 * Returns VDB_OK when nothing is wrong, and VDB_ERR_CORRUPT when something is, with the
 * first problem in `error`. In both cases, against R1, the report is written: into `report`,
 * which has `cap` bytes, a terminated JSON text, and into `*len` its length without the
 * terminator. VDB_CHECK_REPORT_MAX bytes are always enough, so that one call will do. With
 * cap = 0 (`report` may be NULL) or too small a buffer (`*len` >= cap) only the length is.
 *
 * The JSON object has `sound` (boolean), `level` and `completed` (how far it was looked:
 * "checksums", "structure" or "recall"), `files`, `bytes`, `log_records`, `lsn`, `rows`,
 * `graph_nodes`, `recall_at_10` (a measurement, not judged: the share of the 10 nearest rows
 * that a search with the default ef finds in the graph, or null; stored rows are found more
 * easily than others) over `recall_queries` stored rows, `problem_count`, and in `problems`
 * the first few, each with `what` and, where a file is to blame, `file`, `block` (of 4 or 64 KiB)
 * and `offset`.
 *
 * Errors: CORRUPT, BUFFER_TOO_SMALL (when nothing is wrong), CANCELLED, UNSUPPORTED (level),
 * IO, NO_MEMORY, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_check(const vdb *db,
                       uint32_t level,
                       char *report,
                       size_t cap,
                       size_t *len,
                       vdb_task *task,
                       vdb_error_t *error);

/* ---- Repair ------------------------------------------------------------------------------------ */

/**
 * Makes a new database in the directory `to` out of all that can be read of the damaged one
 * in the directory `from`. `from` is only read and must not be open for writing; `to` must be
 * empty, or not there while its parent is. On failure there is no new database and `to` is
 * as it was.
 *
 * A row is saved when a checksum proves its bytes. Rows that were deleted stay deleted as
 * long as the tombstones or the id map can be read. Batches of the log are applied up to the
 * first that is damaged, and none behind it. The graph is made again in the background when
 * `to` is opened. `options` may be NULL; VDB_OPT_DIM, VDB_OPT_METRIC and VDB_OPT_SCALAR are
 * needed (and the others that were set at creation wanted) only when no manifest is whole. They are
 * then believed: only a size of rows that contradicts the files is noticed.
 *
 * Returns VDB_OK when every row was saved, whatever was damaged, and VDB_PARTIAL when rows
 * or batches were lost, or deleted rows may be back. The report, a terminated JSON text, is
 * written into `report`, which has `cap` bytes, VDB_REPAIR_REPORT_MAX or more, and its length
 * without the terminator into `*len`; with cap = 0 (`report` may be NULL) only the length is.
 *
 * The JSON object has `complete` (boolean: VDB_OK), `rows` (of the new database), `rows_lost`
 * with the lowest 100 of their ids in `lost_ids`, `rows_lost_without_id` (those of them whose id
 * is not known, at most), `rows_uncertain` (saved, but may have been deleted), `generation`
 * (of the manifest used, or null), `files` (read), `files_damaged`, `log_records` (applied),
 * `log_complete` (boolean), `log_records_lost`, `log_bytes_lost`, `problem_count`, and in
 * `problems` the first few, each with `what` and, where a file is to blame, `file`, `block`
 * (of 64 KiB) and `offset`.
 *
 * Errors: NOT_FOUND (no database in `from`, or no parent of `to`), ALREADY_EXISTS (`to` is
 * not empty), LOCKED (`from` is open for writing), INVALID_ARGUMENT (the options are needed;
 * `to` lies in `from`; an empty path), MISMATCH (the options contradict the files), CANCELLED,
 * BUFFER_TOO_SMALL (before anything was done), FORMAT_TOO_NEW, IO, NO_SPACE, NO_MEMORY,
 * CLOSED (options or task), NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_repair(const char *from,
                        const char *to,
                        const vdb_options *options,
                        char *report,
                        size_t cap,
                        size_t *len,
                        vdb_task *task,
                        vdb_error_t *error);

/* ---- Backups -----------------------------------------------------------------------------------
 * A backup is a directory that opens like any database: restoring one is opening it, or a copy of it.
 */

/**
 * Makes a backup of the newest state in the directory `path`, which must be empty, or not there while
 * its parent is. Searches, writes, checkpoints and compaction go on; every batch that was
 * acknowledged before the call is in it, others whole or not at all. Everything is durable
 * when the call returns. On failure there is no backup and `path` is as it was; what a killed process leaves
 * is a subdirectory `unfinished`, and vdb_open finds no database beside it.
 *
 * Files of a database never change once they are written, so where `path` is on its file system they are shared
 * with it (hard links): that takes neither time nor space, removing or repairing the database does
 * not touch the backup, but a disk that damages such a file damages both. Elsewhere they are copied, verified
 * on the way. `previous`, an earlier backup of the same database or NULL, makes it incremental: files
 * that it has too are shared with it, after every byte of them was read and verified; what is damaged there is copied.
 * Each backup is whole by itself, and any of them can be removed. Do not open a
 * backup for writing that is to be a `previous`; the files in it must not be changed by hand.
 *
 * Works for databases in memory (`previous` NULL) and for read-only handles, as far as these have read. Until a copy
 * is done, files that checkpoints replace stay on the disk. `task` counts bytes, roughly.
 *
 * Errors: ALREADY_EXISTS (`path` is not empty), NOT_FOUND (no parent of `path`, no `previous`), MISMATCH (`previous` is of another database,
 * or was opened and written), INVALID_ARGUMENT (`path` lies in the database or in `previous`; `previous` for a database in memory; an empty path),
 * LOCKED (`previous` is open for writing), CORRUPT, FORMAT_TOO_NEW (`previous`), CANCELLED, NO_SPACE, IO, NO_MEMORY, LIMIT,
 * POISONED (after VDB_ERR_PANIC), CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_backup(vdb *db,
                        const char *path,
                        const char *previous,
                        vdb_task *task,
                        vdb_error_t *error);

/* ---- Export and import -------------------------------------------------------------------------
 * Rows as files of other programs. `format` is a text, or NULL for what the name of the file ends in:
 *
 * npy     an array of NumPy, a row for each vector: numpy.load reads it. F32 and BF16 as <f4, F16 as <f2, I8 as |i1,
 * U8 as |u1, B1 as |u1 with eight bits a byte (numpy.unpackbits, bitorder='little'). Read are also <f8 and <i4.
 * jsonl   a line {"id":7,"key":"a","vector":[0.5,1.0],"meta":{"n":1}} for each row, without key and meta where
 * it has none; bits are 0 and 1. Numbers come back the same, metadata but for line breaks between its members.
 * fvecs   the number of components before each vector, 32 bits; components are floats, or with ivecs whole
 * numbers of 32 bits, with bvecs bytes. Not for B1.
 * fbin    the numbers of vectors and components, 32 bits each, then floats; with u8bin and i8bin bytes.
 * Not for B1.
 *
 * All but jsonl have no place for keys and metadata, nor for ids. These are an array of NumPy (<u8) in a second
 * file beside the first: x.ids.npy for x.npy, x.fvecs.ids.npy for x.fvecs. Components that the other side cannot hold exactly
 * (0.5 in a byte) are an error; floats are rounded to shorter ones.
 */

/**
 * Writes the rows of the newest state, or those that `filter` (may be NULL) lets pass, in the order of their ids as the new file `path`
 * and, where ids need it, a second one. Both are there, durable, when the call returns VDB_OK, and
 * neither is after an error; until then they have other names (`.unfinished`). No file is
 * overwritten. Searches and writes go on. `task` counts rows.
 *
 * Errors (item = row of the file): UNSUPPORTED (`format`, or B1 in it), OUT_OF_RANGE (a component has no place in it), ALREADY_EXISTS (a file is
 * there, or an attempt that was killed), NOT_FOUND (no such directory), LIMIT (more rows than fbin can count, and with a
 * filter VDB_OPT_MAX_MEMORY), CANCELLED, NO_SPACE, IO, NO_MEMORY, CORRUPT, INVALID_ARGUMENT (an empty path), CLOSED, FORKED,
 * NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_export(const vdb *db,
                        const char *path,
                        const char *format,
                        const vdb_filter *filter,
                        vdb_task *task,
                        vdb_error_t *error);

/**
 * Reads the file `path` and writes its rows, in batches. Rows with an id are inserted, or replace the row
 * of that id. Rows of an array without ids are numbered on above all ids there are: 0, 1, ... in a database that
 * never had a row. A line without an id is the row with its key, or a new one, as VDB_ID_NONE in vdb_upsert_records. A line is all of its
 * row: where it has no key or metadata, the row has none either; an array leaves those of a row that is there. Vectors are
 * converted as vdb_insert_batch does.
 *
 * The file is read twice, and checked as a whole before the first row is written: with anything wrong in it
 * nothing is changed. An error of the writing (disk, memory, a key that another row has) or a cancelled task leaves the
 * batches before it in the database; item is then the number of rows that are in. Importing the file once more
 * completes it where its rows have ids or keys, and would write the others twice. (Of lines with and without ids those with
 * ids are written first.) `task` counts bytes, each twice.
 *
 * Errors (item = row of the file, from 0; the message has row and byte, or the line): INVALID_ARGUMENT (not a file of that format, cut
 * short, VDB_ID_NONE; an empty path), UNSUPPORTED (`format`, type of entries), DIMENSION, MISMATCH (bits and numbers), NOT_FINITE, OUT_OF_RANGE (a component),
 * LIMIT (a line of more than 32 MiB, no ids left; as vdb_upsert_records), NOT_FOUND, CANCELLED, ALREADY_EXISTS (a key, or a
 * new id that was taken meanwhile), NO_SPACE, IO, NO_MEMORY, READ_ONLY, POISONED, CLOSED, FORKED, NULL_ARGUMENT. While too many rows wait for the graph
 * it waits, whatever VDB_OPT_WHEN_BEHIND says. Since 0.1.
 */
vdb_status_t vdb_import(vdb *db,
                        const char *path,
                        const char *format,
                        vdb_task *task,
                        vdb_error_t *error);

/* ---- Seeing inside -----------------------------------------------------------------------------
 * What a database holds and what its calls take. The library prints nothing: whoever wants to know asks.
 */

/**
 * Searches for the `k` nearest rows of one query as vdb_search would, and tells how it went and why.
 *
 * `query` and `params` as for vdb_search. Writes a terminated JSON text into `json`, which has `cap` bytes, and its length
 * without the terminator to `*len`. With cap = 0 (`json` may be NULL) nothing is searched, and `*len` is
 * VDB_EXPLAIN_MAX - 1, which no text passes: times differ, so no two are of one length. The search counts in no statistics,
 * takes nothing from the cache and leaves nothing there.
 *
 * Members of the object; more may come:
 * `plan`: "scan" (all rows are compared), "pick" (those that pass the filter are), "walk" (the graph is walked), "walk through" and
 * "walk over" (the same, and how it gets past rows that do not pass); `why`: what decided, in words; `costs`: what was expected
 * of each way under a filter, in distances (`pick`, `walk_through`, `walk_over`), or null;
 * `complete` (false: VDB_PARTIAL), `k` (no more than there are rows), `found`, `lsn`;
 * `rows`: `live`, `passing` (the filter), `in_graph`, `unindexed` (not in the graph yet), `chunks`;
 * `filter`: `selectivity` (share of the live rows that pass), `expected_selectivity` (what the ids of the filter, or the statistics of
 * the columns that it looks at, let expect, or null), `chunks_skipped` (those that these statistics decide, so that no row of them
 * is looked at; null for ids), or null;
 * `scan`: `rows` compared one by one (the tail behind the graph, or all), how many by `sketches` first, `vectors` read for that,
 * `threads`;
 * `walk`, or null: `ef`, `spare` (candidates kept beyond it for the rerank), `stretch` (of the adaptive stop, or null), `past_blocked` ("through", "over", or null), `nodes`
 * visited, `most_distances` (after which it is given up for a pick, or null), `gave_up`, `short` (it led to fewer than k rows; a pick follows
 * under a filter), `left_out` (max_memory kept it from some nodes);
 * `read`: `codes`, `vectors` (all stages), `rerank` (candidates to be ranked again), `reranked` (vectors read for that);
 * `time_us`: `filter`, `scan`, `walk`, `pick`, `rerank`, `total`;
 * `recall`: `target`, `calibrated_nodes` (of the graph that recall was measured on), `best_measured`, each or null;
 * `memory`: `bytes` of working memory, `limit` (max_memory, or null), `fit` ("whole", "slower" or "narrower" to keep to it);
 * `cache`: "off", "hit" (vdb_search would have the answer from there), "miss" or "skipped" (VDB_SEARCH_NO_CACHE);
 * `advice`: texts on what would help, most important first; often none.
 *
 * Errors: as vdb_search for one query, and BUFFER_TOO_SMALL. Since 0.1.
 */
vdb_status_t vdb_explain(const vdb *db,
                         const void *query,
                         size_t dim,
                         size_t k,
                         const vdb_search_params_t *params,
                         char *json,
                         size_t cap,
                         size_t *len,
                         vdb_error_t *error);

/**
 * Tells about the columns of metadata: those that were declared (VDB_OPT_COLUMNS), and those that filters looked at.
 *
 * Writes a terminated JSON text into `json`, which has `cap` bytes, and its length without the terminator to `*len`. With
 * cap = 0 (`json` may be NULL) only the length, as it is now; columns come and grow, so the next text may be longer.
 *
 * Members of the object; more may come: `rows` of the database, deleted ones whose space is not reclaimed included; `bytes` of all columns;
 * `columns`, by name, each with:
 * `name` (a path, as a filter has it), `type` (of VDB_OPT_COLUMNS; of a column that was not declared what is in it: "string", "number", "bool",
 * "mixed", or "none" for nothing but null; with "[]" where filters look at the elements of arrays), `declared`;
 * `rows` that it has been made of so far; all that follows is about these: `nulls` (missing or null; of arrays, rows without any element),
 * `distinct` values (within 1 % where there are more than 65536), `min` and `max` (null where there is none, or values of
 * several kinds; long strings are cut and end in "..."; of geo objects with lat and lon, and `distinct` is null), `bytes`, `bytes_per_row`.
 *
 * Errors: BUFFER_TOO_SMALL (`*len` is set), CORRUPT, NO_MEMORY, CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_columns_get(const vdb *db,
                             char *json,
                             size_t cap,
                             size_t *len,
                             vdb_error_t *error);

/**
 * Statistics at this moment.
 *
 * Errors: CLOSED, FORKED, NULL_ARGUMENT, INVALID_ARGUMENT (struct_size). Since 0.1.
 */
vdb_status_t vdb_stats_get(const vdb *db,
                           vdb_stats_t *stats,
                           vdb_error_t *error);

/**
 * Times of one kind of call, from inside the library: without waiting for anything, beside calls that go
 * on. With no calls all is 0. Times are always kept and cost two looks at the clock a call.
 *
 * Errors: UNSUPPORTED (`call`), CLOSED, FORKED, NULL_ARGUMENT, INVALID_ARGUMENT (struct_size). Since 0.1.
 */
vdb_status_t vdb_latency_get(const vdb *db,
                             vdb_call_t call,
                             vdb_latency_t *latency,
                             vdb_error_t *error);

/**
 * Takes the oldest lines out of the log of a database: whole lines, each with its end, as many as `cap` bytes hold with a
 * terminator. `*len` receives their length without it, 0 when nothing waits; so a caller reads until then. With cap = 0 (`buf`
 * may be NULL) nothing is taken, and `*len` is the length of all that waits.
 *
 * A line is a time (UTC), a level (`error`, `warn`, `info`), an event and its numbers as `name=value`; a value with
 * spaces is in double quotes. Levels, events and names stay as they are; more will come. For example
 * `2025-01-31T08:15:30.123Z info checkpoint lsn=7 generation=2 parts=4 bytes_written=81920 us=5120`.
 * Events: create, open, open_to_read (with what was replayed from the log), refresh, checkpoint, checkpoint_failed, compact,
 * consolidate, codes_trained, codes_refused, calibrated, resident, not_resident, memory_limit, graph_work_put_off,
 * graph_work_failed, write_failed, damage, slow_search (a search or a page of a cursor: VDB_OPT_SLOW_QUERY_US), and log, whose
 * `unread_lines_dropped` tells how many lines went before the next one because the log was full (VDB_OPT_LOG_BYTES).
 * What would come with every call is told once a second at most.
 *
 * Any number of threads may read; each line goes to one of them. Errors: BUFFER_TOO_SMALL (the first line does not
 * fit: VDB_LOG_LINE_MAX bytes are always enough; `*len` is as for cap = 0), CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_log_read(vdb *db,
                          char *buf,
                          size_t cap,
                          size_t *len,
                          vdb_error_t *error);

/**
 * Forgets the answers that are kept for later searches (VDB_OPT_CACHE_BYTES) and gives their memory back. No answer is ever
 * out of date, so this is for measurements and for memory only; without a cache it does nothing.
 *
 * Errors: CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_cache_clear(vdb *db,
                             vdb_error_t *error);

/* ---- Tasks -------------------------------------------------------------------------------------
 * Cancel a long call and watch its progress from another thread, without a callback. One
 * task serves one call after the other; once cancelled it stays cancelled.
 */

/**
 * Makes a task. Free it with vdb_task_free.
 *
 * On failure `*out_task` is NULL. Errors: NULL_ARGUMENT, NO_MEMORY. Since 0.1.
 */
vdb_status_t vdb_task_new(vdb_task **out_task, vdb_error_t *error);

/**
 * Frees a task. A call that uses it goes on. NULL and a task that was freed already do
 * nothing. Since 0.1.
 */
void vdb_task_free(vdb_task *task);

/**
 * Asks the call that uses the task to stop soon: a write or a job then changes nothing and
 * returns VDB_ERR_CANCELLED, a search returns VDB_PARTIAL. A call that is past its last
 * step ends as if it had not been asked. Any thread.
 *
 * Errors: CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_task_cancel(vdb_task *task);

/**
 * Units done and in total of the call that uses the task; 0 and 0 before it starts.
 * Any thread.
 *
 * Errors: CLOSED, FORKED, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_task_progress(const vdb_task *task, uint64_t *done, uint64_t *total);

/**
 * Sets a function that a long call asks at each step; returning 0 cancels. NULL removes it.
 * A write has two steps, before and after, and more while it waits for the graph
 * (VDB_OPT_MAX_UNINDEXED); a search asks nothing.
 *
 * It runs only on the thread that makes the long call. It must not throw or jump out,
 * and of this library it may only call vdb_task_cancel and vdb_task_progress (others
 * return VDB_ERR_BUSY).
 *
 * `user` lives until the function is replaced or removed by another call of this one, which waits while the function
 * runs. vdb_task_free does not remove it: a call that uses the task goes on asking.
 *
 * Errors: CLOSED, FORKED, BUSY, NULL_ARGUMENT. Since 0.1.
 */
vdb_status_t vdb_task_on_progress(vdb_task *task,
                                  int (*keep_going)(void *user, uint64_t done, uint64_t total),
                                  void *user,
                                  vdb_error_t *error);

#ifdef __cplusplus
}
#endif

#endif  /* VDB_H */
