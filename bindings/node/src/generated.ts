// Made from include/vdb.h by bindings/gen/gen.py.

/** Version of this header; vdb_version_number() is the library's. */
export const VERSION_MAJOR = 0;
export const VERSION_MINOR = 1;
export const VERSION_PATCH = 0;
/** The one id that cannot be stored; marks unused places in results. */
export const ID_NONE = 0xffffffffffffffffn;
/**
 * Number of the binary interface, the N of libvdb.so.N: it changes when a program built
 * against another header could break. Compare it with vdb_abi_version() after loading.
 */
export const ABI_VERSION = 1;
/** Longest key in bytes. */
export const KEY_MAX = 512;
/** Largest `k` of a search. */
export const MAX_K = 16777216;
/** Bytes that are enough for every report of vdb_check. */
export const CHECK_REPORT_MAX = 16384;
/** Bytes that are enough for every report of vdb_repair. */
export const REPAIR_REPORT_MAX = 16384;
/** Bytes that are enough for every text of vdb_explain. */
export const EXPLAIN_MAX = 8192;
/** Bytes that are enough for any line of the log, with a terminator. */
export const LOG_LINE_MAX = 513;

/** Status numbers. They never change; new ones are added. */
export const status = {
  /** Success. */
  VDB_OK: 0,
  /** There is nothing more to enumerate. */
  VDB_DONE: 1,
  /**
   * Not all of it: a search stopped by its deadline or task or kept to its max_memory, whose results so far
   * are valid, or a repair that could not save every row.
   */
  VDB_PARTIAL: 2,
  /** An argument has no meaning here; the message says which. */
  VDB_ERR_INVALID_ARGUMENT: -1,
  /** A pointer that must not be NULL is NULL. */
  VDB_ERR_NULL_ARGUMENT: -2,
  /** The vectors do not have the dimension of the database. */
  VDB_ERR_DIMENSION: -3,
  /** A number, flag or combination that this version does not know. */
  VDB_ERR_UNSUPPORTED: -4,
  /** No option has this number or name. */
  VDB_ERR_UNKNOWN_OPTION: -5,
  /** A value is outside its limits or cannot be represented. */
  VDB_ERR_OUT_OF_RANGE: -6,
  /** A component is NaN or infinite, or a vector is zero, or nearly so (R10), under cosine. */
  VDB_ERR_NOT_FINITE: -7,
  /** A text is no filter; item is the byte where that shows. */
  VDB_ERR_FILTER_SYNTAX: -8,
  /** The buffer is too small; the length needed was written. */
  VDB_ERR_BUFFER_TOO_SMALL: -9,
  /** There is no such database, row or file. */
  VDB_ERR_NOT_FOUND: -20,
  /** An id, a key, a file or a directory is there already, or an id or a key twice in the batch. */
  VDB_ERR_ALREADY_EXISTS: -21,
  /** The handle was closed or freed, or never was one. */
  VDB_ERR_CLOSED: -22,
  /** A write through a handle that only reads (VDB_OPT_READ_ONLY). */
  VDB_ERR_READ_ONLY: -23,
  /**
   * Called from inside a progress function, where it would wait for itself; or rows to be written
   * while too many of before wait for the graph (VDB_OPT_WHEN_BEHIND).
   */
  VDB_ERR_BUSY: -24,
  /** A write failed halfway earlier, so writes are refused: close and open again. */
  VDB_ERR_POISONED: -25,
  /** The handle belongs to the parent process (R6). */
  VDB_ERR_FORKED: -26,
  /** The task was cancelled; nothing was changed. */
  VDB_ERR_CANCELLED: -27,
  /** Reserved: a deadline passed before there was any result. */
  VDB_ERR_DEADLINE: -28,
  /**
   * An option contradicts what the database was created with, a snapshot or an earlier backup is
   * of another database, or bits were given for numbers.
   */
  VDB_ERR_MISMATCH: -29,
  /** The operating system refused; os_error holds its number. */
  VDB_ERR_IO: -40,
  /** The database is open already, here or in another process. */
  VDB_ERR_LOCKED: -41,
  /**
   * The disk is full; nothing was changed, and writes work again when there is space (after
   * a sync that failed they answer VDB_ERR_POISONED until the database is reopened).
   */
  VDB_ERR_NO_SPACE: -42,
  /** A file is damaged; the message says which and where. See vdb_repair. */
  VDB_ERR_CORRUPT: -50,
  /** The files were written by a newer version. */
  VDB_ERR_FORMAT_TOO_NEW: -51,
  /** Reserved: the files were written by a version no longer supported. */
  VDB_ERR_FORMAT_TOO_OLD: -52,
  /** Memory could not be had; nothing was changed. */
  VDB_ERR_NO_MEMORY: -60,
  /** A published limit was exceeded. */
  VDB_ERR_LIMIT: -61,
  /** The library failed inside and the failure was caught (R7). */
  VDB_ERR_PANIC: -90,
  /** The library found a broken invariant of its own: please report it. */
  VDB_ERR_INTERNAL: -91,
} as const;
/** The name of an error. */
export type ErrorCode = Extract<keyof typeof status, `VDB_ERR_${string}`>;

/** What "near" means. The smaller distance is always the nearer. */
export const metric = {
  /** Squared Euclidean distance. */
  l2sq: 1,
  /** 1 - dot product. */
  ip: 2,
  /** 1 - cosine. */
  cosine: 3,
  /** Sum of absolute differences. */
  l1: 4,
  /** Number of differing bits. */
  hamming: 5,
  /** 1 - |a & b| / |a | b|, 0 when both are empty. */
  jaccard: 6,
} as const;
export type Metric = keyof typeof metric;

/** Type of a component. Rows are packed, little-endian, of any alignment. */
export const scalar = {
  /** IEEE 754 binary32. */
  f32: 1,
  /** IEEE 754 binary16. */
  f16: 2,
  /** The upper half of a binary32. */
  bf16: 3,
  /** Signed byte. */
  i8: 4,
  /**
   * One bit, lowest bit of a byte first. Bits past the dimension are ignored on the way in
   * and zero on the way out.
   */
  b1: 5,
  /** Unsigned byte. */
  u8: 6,
} as const;
export type Scalar = keyof typeof scalar;

/**
 * The codes the graph is walked on. Distances returned are exact whatever the codes, unless
 * VDB_OPT_ORIGINALS says DROP: the best candidates are ranked again on the stored vectors. `bytes_codes` in vdb_stats_t has what they take.
 * Vectors of bytes and bits are walked as they are in any case.
 *
 * From SQ4 on codes are for memory, not speed: links are chosen by the stored vectors, so building
 * takes longer and reads them, and searches have to go further for the same recall.
 */
export const quant = {
  /**
   * One byte for each component where a measurement on the data finds that codes rank it
   * well, else none.
   */
  auto: 0,
  /** No codes: the graph is walked on the vectors themselves. */
  none: 1,
  /** One byte for each component, without the measurement. dim bytes a row, rounded up to 32. */
  sq8: 2,
  /** Half a byte for each component: dim / 2 bytes a row, rounded up to 32. */
  sq4: 3,
  /** Half a byte for each of VDB_OPT_PQ_SUBSPACES: so many / 2 bytes a row, rounded up to 16. */
  pq: 4,
  /** A bit for each component and eight bytes: dim / 8 + 8 bytes a row, rounded up to 8. Not for L1. */
  rabitq: 5,
} as const;
export type Quant = keyof typeof quant;

/** What becomes of the vectors of rows that have codes (VDB_OPT_ORIGINALS). */
export const originals = {
  /** They are kept: distances are exact, and codes are made anew as the data grows. */
  keep: 1,
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
  drop: 2,
} as const;
export type Originals = keyof typeof originals;

/**
 * How much work goes into a graph: what VDB_OPT_M and VDB_OPT_EF_CONSTRUCTION are when
 * they are not set.
 */
export const profile = {
  /** M = 16, ef_construction = 200. */
  default: 0,
  /**
   * M = 16, ef_construction = 64: built in 0.6 of the time; searches for a high recall go
   * farther.
   */
  fast: 1,
  /** M = 24, ef_construction = 400: the reverse, with half as much memory again for links. */
  quality: 2,
} as const;
export type Profile = keyof typeof profile;

/** What a kill or a power cut can take back of a batch after its call returned. */
export const durability = {
  /** A kill may lose batches since the last checkpoint; whole batches only. */
  none: 1,
  /** A kill loses nothing; a power cut may lose the last batches. */
  process: 2,
  /** Neither loses anything. The default. */
  full: 3,
} as const;
export type Durability = keyof typeof durability;

/** What a call that inserts or replaces rows does while too many of before wait for the graph. */
export const whenBehind = {
  /** It waits until there are fewer; its task can end the wait (VDB_ERR_CANCELLED). */
  block: 1,
  /** It is VDB_ERR_BUSY and changes nothing: try again later. */
  busy: 2,
} as const;
export type WhenBehind = keyof typeof whenBehind;

/**
 * Options. vdb_option_at has names, limits and defaults. 1xx schema (fixed when the
 * database is created, as are M, EF_CONSTRUCTION, SEED and PROFILE), 2xx graph, 3xx storage, 4xx run time.
 */
export interface Options {
  /** Components of a vector, 1-65536. Needed to create a database. */
  dim?: number | bigint | string | undefined;
  /** One of `enum vdb_metric`; default L2SQ. */
  metric?: Metric | number | undefined;
  /** One of `enum vdb_scalar`: how components are stored; default F32. */
  scalar?: Scalar | number | undefined;
  /** One of `enum vdb_quant`; default AUTO. */
  quant?: Quant | number | undefined;
  /** Subspaces of VDB_QUANT_PQ, at most one for each component; 0 = one for each four; default 0. */
  pqSubspaces?: number | bigint | string | undefined;
  /** One of `enum vdb_originals`; default KEEP. */
  originals?: Originals | number | undefined;
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
  columns?: string | undefined;
  /** Links of a node on upper levels, twice as many on level 0; 2-256, default 16. */
  m?: number | bigint | string | undefined;
  /** Breadth of the search that finds the links of a new node; 8-4096, default 200. */
  efConstruction?: number | bigint | string | undefined;
  /** Breadth of a search that gives none of its own; 1-100000, default 64. */
  efSearch?: number | bigint | string | undefined;
  /** Seed of the level of each row; default 42. */
  seed?: number | bigint | string | undefined;
  /** Rows from which on a graph is built; below, searches scan; default 2000. */
  graphMinRows?: number | bigint | string | undefined;
  /** Share of dead nodes at which the graph is consolidated; 0.01-1, default 0.1. */
  consolidateRatio?: number | bigint | string | undefined;
  /**
   * Recall of a search that gives neither an ef nor a recall of its own, see
   * vdb_search_params_t.target_recall; 0-0.9999, default 0 (by ef).
   */
  targetRecall?: number | bigint | string | undefined;
  /**
   * One of `enum vdb_profile`: what M and EF_CONSTRUCTION are when they are not set; default
   * DEFAULT. A database keeps those numbers, not the profile: it reports the profile that
   * they belong to, DEFAULT where that is none.
   */
  profile?: Profile | number | undefined;
  /** 1 = vdb_open creates a database that is not there; default 1. */
  create?: boolean | 0 | 1 | 'on' | 'off' | undefined;
  /**
   * 1 = vdb_open only reads, beside the process that writes: it creates, locks and
   * changes nothing, and vdb_refresh moves the handle on; default 0.
   */
  readOnly?: boolean | 0 | 1 | 'on' | 'off' | undefined;
  /** 1 = files are mapped, 0 = read into memory (for files you do not trust); default 1. */
  mmap?: boolean | 0 | 1 | 'on' | 'off' | undefined;
  /** One of `enum vdb_durability`; default FULL. */
  durability?: Durability | number | undefined;
  /** Size of the write-ahead log that starts a checkpoint; from 1 MiB, default 256 MiB. */
  walLimitBytes?: number | bigint | string | undefined;
  /**
   * 1 = vdb_open reads and checks every byte before it returns; default 0: each block at its first use, and what
   * fits a quarter of memory in the background, so that damage nobody asks for shows as VDB_ERR_CORRUPT too.
   */
  verifyOnOpen?: boolean | 0 | 1 | 'on' | 'off' | undefined;
  /** Share of dead rows at which a chunk is rewritten; 0.05-1, default 0.3. */
  compactRatio?: number | bigint | string | undefined;
  /** Longest metadata of a row in bytes, up to 16776701; longer ones are VDB_ERR_LIMIT; default 1 MiB. */
  maxMetaBytes?: number | bigint | string | undefined;
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
  maxUnindexed?: number | bigint | string | undefined;
  /**
   * One of `enum vdb_when_behind`: what a call does while more than VDB_OPT_MAX_UNINDEXED rows
   * wait for the graph; default BLOCK.
   */
  whenBehind?: WhenBehind | number | undefined;
  /** Threads that build the graph, share large batches of queries and verify files after an open, 0 = one for each core; default 0. */
  threads?: number | bigint | string | undefined;
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
  maxMemory?: number | bigint | string | undefined;
  /**
   * 1 = what searches walk (codes and links) is copied from mapped files into memory, in
   * huge pages, by the background thread and once after vdb_open, when searches have computed
   * as many distances as the graph has nodes; 0 = they go on in the files; default 1.
   *
   * Searches are faster then. Nothing is copied where it takes more than a
   * quarter of the machine's memory or half of what VDB_OPT_MAX_MEMORY leaves, and where the
   * database is only read.
   */
  resident?: boolean | 0 | 1 | 'on' | 'off' | undefined;
  /**
   * Bytes of answers that are kept for searches that ask the same again, 0 = none, else from 64 KiB; default 0.
   *
   * For vdb_search, vdb_search_exact and vdb_search_range where the same queries come often and writes seldom: an
   * answer is used again for the same query, parameters and filter handle, until a row or the graph changes, so it is
   * never out of date. Answers are the same as without. Those that are VDB_PARTIAL are not kept. The memory counts as
   * the database's (VDB_OPT_MAX_MEMORY), is taken as answers come, and is given back first where memory is short.
   */
  cacheBytes?: number | bigint | string | undefined;
  /**
   * Microseconds from which on a search (vdb_search, vdb_search_exact, vdb_search_range; a call, however many
   * queries it has) is counted in `slow_queries` of vdb_stats_t and has a line in the log; default 0: never.
   */
  slowQueryUs?: number | bigint | string | undefined;
  /**
   * Bytes of log lines that wait for vdb_log_read, 0 = no log, else from 1 KiB; default 65536. Memory is
   * taken as lines come. Where more come, the oldest go and are counted.
   */
  logBytes?: number | bigint | string | undefined;
  /** How much a line matters at least to be in the log, one of `enum vdb_log_level`; default INFO: all lines. */
  logLevel?: LogLevel | number | undefined;
  /**
   * Bytes of columns that are kept of metadata: what filters (vdb_filter_parse) look at is read out of the JSON once
   * and kept for the next filter, some 1 to 4 bytes a row and the distinct values, or 4 to 8 bytes a row of numbers that
   * differ (vdb_columns_get); the least recently used go first; 0 keeps none; default 256 MiB, which count as working memory of searches (VDB_OPT_MAX_MEMORY).
   */
  columnBytes?: number | bigint | string | undefined;
  /** By the name that configuration files have, e.g. 'hnsw.m'. */
  [name: `${string}.${string}`]: number | bigint | boolean | string | undefined;
}

/** The number of each option. */
export const optionNumbers = {
  dim: 101,
  metric: 102,
  scalar: 103,
  quant: 104,
  pqSubspaces: 105,
  originals: 106,
  columns: 107,
  m: 201,
  efConstruction: 202,
  efSearch: 203,
  seed: 204,
  graphMinRows: 205,
  consolidateRatio: 206,
  targetRecall: 207,
  profile: 208,
  create: 301,
  readOnly: 302,
  mmap: 303,
  durability: 304,
  walLimitBytes: 305,
  verifyOnOpen: 307,
  compactRatio: 308,
  maxMetaBytes: 309,
  maxUnindexed: 310,
  whenBehind: 311,
  threads: 401,
  maxMemory: 405,
  resident: 406,
  cacheBytes: 407,
  slowQueryUs: 408,
  logBytes: 409,
  logLevel: 410,
  columnBytes: 420,
} as const;

/** How the value of an option is set and read. */
export const optionType = {
  /** A whole number: vdb_options_set_u64. */
  u64: 1,
  /** A fraction: vdb_options_set_f64. */
  f64: 2,
  /** One of a few numbers with names: vdb_options_set_u64. */
  enum: 3,
  /** A text: vdb_options_set_text. */
  text: 4,
} as const;
export type OptionType = keyof typeof optionType;

/** Bits of vdb_option_info_t.flags. */
export const optionFlag = {
  /** Fixed when the database is created. */
  schema: 1,
} as const;
export type OptionFlag = keyof typeof optionFlag;

/** Bits of vdb_search_params_t.flags. */
export const searchFlag = {
  /** Compare with every row instead of walking the graph. */
  exact: 1,
  /** Neither take the answer from the cache (VDB_OPT_CACHE_BYTES) nor leave it there. */
  no_cache: 2,
} as const;
export type SearchFlag = keyof typeof searchFlag;

/** How much vdb_check looks at. Each level includes those before it. */
export const checkLevel = {
  /** Every byte of the live files, the log included, is read from disk and verified. */
  checksums: 1,
  /** Ids lead to their rows and back, deletions and the graph agree with the rows. */
  structure: 2,
  /** The recall of the graph is measured on stored rows. */
  recall: 3,
} as const;
export type CheckLevel = keyof typeof checkLevel;

/** Kinds of calls whose times are kept: vdb_latency_get. */
export const call = {
  /** vdb_search, vdb_search_exact and vdb_search_ids for one query. */
  search: 1,
  /** The same for several queries in one call. */
  searchBatch: 2,
  /** vdb_search_range. */
  searchRange: 3,
  /** vdb_insert_batch and vdb_insert_records. */
  insert: 4,
  /** vdb_upsert_batch and vdb_upsert_records. */
  upsert: 5,
  /** vdb_delete_batch, vdb_delete_keys and vdb_delete_where. */
  delete: 6,
  /** vdb_get_batch, vdb_get_meta, vdb_keys_of_ids and vdb_ids_of_keys. */
  get: 7,
  /** vdb_count. */
  count: 8,
  /** vdb_sync. */
  sync: 9,
  /** A checkpoint that had something to write: vdb_checkpoint, vdb_close and those in the background. */
  checkpoint: 10,
  /** vdb_refresh. */
  refresh: 11,
  /** vdb_update_meta_batch and vdb_update_meta_where. */
  updateMeta: 12,
  /** vdb_recommend. */
  recommend: 13,
  /** vdb_search_diverse. */
  diverse: 14,
  /** vdb_search_groups. */
  groups: 15,
  /** A page of a cursor: vdb_cursor_next. */
  page: 16,
} as const;
export type Call = keyof typeof call;

/** How much a line of the log matters (VDB_OPT_LOG_LEVEL). */
export const logLevel = {
  /** Something is lost or does not work any more: damage, a write of unknown fate. */
  error: 1,
  /** Something works worse than it could: a limit was reached, a search was slow. */
  warn: 2,
  /** What the database does by itself: recovery, checkpoints, compaction, training. */
  info: 3,
} as const;
export type LogLevel = keyof typeof logLevel;

/** A picture of a database. Grows at the end. */
export interface Stats {
  /** Components of a vector. */
  dim: number;
  /** Rows that a search can return. */
  live: number;
  /** Deleted and replaced rows whose space is not reclaimed yet. */
  deleted: number;
  /** Live rows that are not in the graph yet and are scanned. */
  unindexed: number;
  /** Nodes of the graph, deleted ones that are still linked included. */
  graphNodes: number;
  /**
   * Nodes that a walk through the whole graph did not reach, 0 if all is well; null
   * while there is work on the graph and nothing was walked yet.
   */
  graphUnreachable: number | null;
  /** Bytes of vectors. */
  bytesVectors: number;
  /** Bytes of codes. */
  bytesCodes: number;
  /** Bytes of links. */
  bytesGraph: number;
  /** Bytes of ids. */
  bytesIds: number;
  /** Bytes of the write-ahead log. */
  bytesWal: number;
  /** Bytes mapped from files; they are not counted against the process until touched. */
  bytesMapped: number;
  /** Queries since the database was opened. */
  searches: number;
  /** Distances computed by them. */
  distanceComputations: number;
  /** Number of the last batch that was acknowledged. */
  lsn: number;
  /** Number of the last batch that is in checkpoint files. */
  checkpointLsn: number;
  /** Checkpoints written since the database was opened. */
  checkpoints: number;
  /** Chunks rewritten since then to reclaim the space of deleted rows. */
  compactions: number;
  /** Chunks the rows are stored in. */
  chunks: number;
  /** Bytes of memory in use, as VDB_OPT_MAX_MEMORY counts them. */
  bytesMemory: number;
  /** The limit on them, VDB_OPT_MAX_MEMORY; 0 = none. */
  bytesMemoryMax: number;
  /** VDB_OPT_ORIGINALS, one of `enum vdb_originals`. */
  originals: Originals;
  /**
   * Rows that a search can return and whose vectors were given up: what their codes stand for is
   * returned and compared.
   */
  decoded: number;
  /** Bytes of keys and metadata, what was replaced and is not reclaimed yet included. */
  bytesRecords: number;
  /** Bytes of columns of metadata that filters look at (VDB_OPT_COLUMN_BYTES). */
  bytesColumns: number;
  /** Snapshots that are not freed. */
  snapshots: number;
  /**
   * When the last checkpoint since the database was opened was written, in milliseconds since 1970-01-01 UTC; 0 =
   * none was.
   */
  checkpointUnixMs: number;
  /** Searches that took VDB_OPT_SLOW_QUERY_US or longer. */
  slowQueries: number;
  /** Lines of the log that went unread because it was full (VDB_OPT_LOG_BYTES). */
  logLinesDropped: number;
  /** Queries that were answered from the cache (VDB_OPT_CACHE_BYTES). */
  cacheHits: number;
  /** Queries that looked there and found nothing. */
  cacheMisses: number;
  /** Bytes that the cache takes, a part of `bytes_memory`. */
  bytesCache: number;
}

/**
 * How long calls of one kind took since the database was opened, in nanoseconds; those that failed are left out.
 * A search that ended by its deadline has not failed. Grows at the end.
 */
export interface Latency {
  /** The kind, one of `enum vdb_call`. */
  call: Call;
  /** Number of calls. */
  count: number;
  /** Their mean. */
  meanNs: number;
  /** Half of the calls took no longer. This and the next two are at most 3.2 % off. */
  p50Ns: number;
  /** 95 of 100 calls took no longer. */
  p95Ns: number;
  /** 99 of 100 calls took no longer. */
  p99Ns: number;
  /** The longest call. */
  maxNs: number;
  /** All calls together: the difference between two readings, over that of `count`, is a mean of what was between. */
  sumNs: number;
}

/** Size of each struct, and where its fields begin. */
export const layouts = {
  Error: {
    size: 256,
    fields: {
      structSize: [0, 'u32'],
      code: [4, 'i32'],
      osError: [8, 'i32'],
      reserved: [12, 'u32'],
      item: [16, 'u64'],
      message: [24, 'u8[232]'],
    },
  },
  OptionInfo: {
    size: 64,
    fields: {
      structSize: [0, 'u32'],
      id: [4, 'u32'],
      valueType: [8, 'u32'],
      flags: [12, 'u32'],
      name: [16, 'u64'],
      help: [24, 'u64'],
      values: [32, 'u64'],
      defaultValue: [40, 'f64'],
      minValue: [48, 'f64'],
      maxValue: [56, 'f64'],
    },
  },
  SearchParams: {
    size: 64,
    fields: {
      structSize: [0, 'u32'],
      ef: [4, 'u32'],
      queryScalar: [8, 'u32'],
      flags: [12, 'u32'],
      rerank: [16, 'u32'],
      targetRecall: [20, 'f32'],
      deadlineUs: [24, 'u64'],
      task: [32, 'u64'],
      filter: [40, 'u64'],
      snapshot: [48, 'u64'],
      maxMemory: [56, 'u64'],
    },
  },
  Stats: {
    size: 256,
    fields: {
      structSize: [0, 'u32'],
      dim: [4, 'u32'],
      live: [8, 'u64'],
      deleted: [16, 'u64'],
      unindexed: [24, 'u64'],
      graphNodes: [32, 'u64'],
      graphUnreachable: [40, 'u64'],
      bytesVectors: [48, 'u64'],
      bytesCodes: [56, 'u64'],
      bytesGraph: [64, 'u64'],
      bytesIds: [72, 'u64'],
      bytesWal: [80, 'u64'],
      bytesMapped: [88, 'u64'],
      searches: [96, 'u64'],
      distanceComputations: [104, 'u64'],
      lsn: [112, 'u64'],
      checkpointLsn: [120, 'u64'],
      checkpoints: [128, 'u64'],
      compactions: [136, 'u64'],
      chunks: [144, 'u64'],
      bytesMemory: [152, 'u64'],
      bytesMemoryMax: [160, 'u64'],
      originals: [168, 'u64'],
      decoded: [176, 'u64'],
      bytesRecords: [184, 'u64'],
      bytesColumns: [192, 'u64'],
      snapshots: [200, 'u64'],
      checkpointUnixMs: [208, 'u64'],
      slowQueries: [216, 'u64'],
      logLinesDropped: [224, 'u64'],
      cacheHits: [232, 'u64'],
      cacheMisses: [240, 'u64'],
      bytesCache: [248, 'u64'],
    },
  },
  Latency: {
    size: 64,
    fields: {
      structSize: [0, 'u32'],
      call: [4, 'u32'],
      count: [8, 'u64'],
      meanNs: [16, 'u64'],
      p50Ns: [24, 'u64'],
      p95Ns: [32, 'u64'],
      p99Ns: [40, 'u64'],
      maxNs: [48, 'u64'],
      sumNs: [56, 'u64'],
    },
  },
} as const;

/** A handle is a number that the library checks; null where none is needed. */
export type Handle = bigint | null;
/** Memory that a call reads or writes; null where none is needed. */
export type Memory = ArrayBufferView | null;

/** The functions of the library. A status is returned; the error record is the last argument. */
export interface Functions {
  vdb_version_string(this: void): string;
  vdb_version_number(this: void): number;
  vdb_abi_version(this: void): number;
  vdb_status_name(this: void, status: number): string;
  vdb_build_info(this: void, buf: Memory, cap: number, len: Memory, error: Memory): number;
  vdb_options_new(this: void, outOptions: Memory, error: Memory): number;
  vdb_options_free(this: void, options: Handle): void;
  vdb_options_set_u64(this: void, options: Handle, option: number, value: number | bigint, error: Memory): number;
  vdb_options_set_f64(this: void, options: Handle, option: number, value: number, error: Memory): number;
  vdb_options_set_text(this: void, options: Handle, name: string | null, value: string | null, error: Memory): number;
  vdb_option_at(this: void, index: number, info: Memory, error: Memory): number;
  vdb_open(this: void, path: string | null, options: Handle, outDb: Memory, error: Memory): number;
  vdb_close(this: void, db: Handle, error: Memory): number;
  vdb_option_get_u64(this: void, db: Handle, option: number, value: Memory, error: Memory): number;
  vdb_option_get_f64(this: void, db: Handle, option: number, value: Memory, error: Memory): number;
  vdb_option_get_text(this: void, db: Handle, option: number, text: Memory, cap: number, len: Memory, error: Memory): number;
  vdb_insert_batch(this: void, db: Handle, ids: Memory, vectors: Memory, count: number, dim: number, stride: number, scalar: number, task: Handle, error: Memory): number;
  vdb_upsert_batch(this: void, db: Handle, ids: Memory, vectors: Memory, count: number, dim: number, stride: number, scalar: number, task: Handle, error: Memory): number;
  vdb_delete_batch(this: void, db: Handle, ids: Memory, count: number, deleted: Memory, error: Memory): number;
  vdb_get_batch(this: void, db: Handle, ids: Memory, count: number, dim: number, scalar: number, vectors: Memory, stride: number, found: Memory, error: Memory): number;
  vdb_count(this: void, db: Handle, filter: Handle, count: Memory, error: Memory): number;
  vdb_filter_ids(this: void, ids: Memory, count: number, allow: number, outFilter: Memory, error: Memory): number;
  vdb_filter_parse(this: void, text: Memory, len: number, outFilter: Memory, error: Memory): number;
  vdb_filter_bind(this: void, filter: Handle, values: Memory, len: number, outFilter: Memory, error: Memory): number;
  vdb_filter_free(this: void, filter: Handle): void;
  vdb_insert_records(this: void, db: Handle, ids: Memory, keys: Memory, keyOffsets: Memory, vectors: Memory, count: number, dim: number, stride: number, scalar: number, meta: Memory, metaOffsets: Memory, task: Handle, error: Memory): number;
  vdb_upsert_records(this: void, db: Handle, ids: Memory, keys: Memory, keyOffsets: Memory, vectors: Memory, count: number, dim: number, stride: number, scalar: number, meta: Memory, metaOffsets: Memory, task: Handle, error: Memory): number;
  vdb_update_meta_batch(this: void, db: Handle, ids: Memory, count: number, meta: Memory, metaOffsets: Memory, updated: Memory, error: Memory): number;
  vdb_update_meta_where(this: void, db: Handle, filter: Handle, meta: Memory, len: number, updated: Memory, task: Handle, error: Memory): number;
  vdb_delete_where(this: void, db: Handle, filter: Handle, deleted: Memory, task: Handle, error: Memory): number;
  vdb_delete_keys(this: void, db: Handle, keys: Memory, keyOffsets: Memory, count: number, deleted: Memory, error: Memory): number;
  vdb_ids_of_keys(this: void, db: Handle, keys: Memory, keyOffsets: Memory, count: number, ids: Memory, error: Memory): number;
  vdb_keys_of_ids(this: void, db: Handle, ids: Memory, count: number, keys: Memory, cap: number, keyOffsets: Memory, len: Memory, error: Memory): number;
  vdb_get_meta(this: void, db: Handle, ids: Memory, count: number, meta: Memory, cap: number, metaOffsets: Memory, len: Memory, error: Memory): number;
  vdb_snapshot_new(this: void, db: Handle, outSnapshot: Memory, error: Memory): number;
  vdb_snapshot_free(this: void, snapshot: Handle): void;
  vdb_count_at(this: void, db: Handle, snapshot: Handle, filter: Handle, count: Memory, error: Memory): number;
  vdb_get_batch_at(this: void, db: Handle, snapshot: Handle, ids: Memory, count: number, dim: number, scalar: number, vectors: Memory, stride: number, found: Memory, error: Memory): number;
  vdb_ids_of_keys_at(this: void, db: Handle, snapshot: Handle, keys: Memory, keyOffsets: Memory, count: number, ids: Memory, error: Memory): number;
  vdb_keys_of_ids_at(this: void, db: Handle, snapshot: Handle, ids: Memory, count: number, keys: Memory, cap: number, keyOffsets: Memory, len: Memory, error: Memory): number;
  vdb_get_meta_at(this: void, db: Handle, snapshot: Handle, ids: Memory, count: number, meta: Memory, cap: number, metaOffsets: Memory, len: Memory, error: Memory): number;
  vdb_search(this: void, db: Handle, queries: Memory, queryCount: number, dim: number, stride: number, k: number, params: Memory, ids: Memory, distances: Memory, counts: Memory, error: Memory): number;
  vdb_search_exact(this: void, db: Handle, queries: Memory, queryCount: number, dim: number, stride: number, k: number, params: Memory, ids: Memory, distances: Memory, counts: Memory, error: Memory): number;
  vdb_search_range(this: void, db: Handle, query: Memory, dim: number, maxDistance: number, cap: number, params: Memory, ids: Memory, distances: Memory, count: Memory, error: Memory): number;
  vdb_measure_recall(this: void, db: Handle, queries: Memory, queryCount: number, dim: number, stride: number, k: number, params: Memory, recall: Memory, low: Memory, high: Memory, task: Handle, error: Memory): number;
  vdb_search_ids(this: void, db: Handle, rowIds: Memory, count: number, k: number, params: Memory, ids: Memory, distances: Memory, counts: Memory, error: Memory): number;
  vdb_recommend(this: void, db: Handle, positive: Memory, positiveCount: number, negative: Memory, negativeCount: number, k: number, params: Memory, ids: Memory, distances: Memory, count: Memory, error: Memory): number;
  vdb_search_diverse(this: void, db: Handle, query: Memory, dim: number, k: number, candidates: number, lambda: number, params: Memory, ids: Memory, distances: Memory, count: Memory, error: Memory): number;
  vdb_search_groups(this: void, db: Handle, query: Memory, dim: number, path: Memory, pathLen: number, groups: number, perGroup: number, params: Memory, ids: Memory, distances: Memory, counts: Memory, groupCount: Memory, error: Memory): number;
  vdb_search_many(this: void, dbs: Memory, dbCount: number, queries: Memory, queryCount: number, dim: number, stride: number, k: number, params: Memory, ids: Memory, distances: Memory, sources: Memory, counts: Memory, error: Memory): number;
  vdb_cursor_search(this: void, db: Handle, query: Memory, dim: number, params: Memory, outCursor: Memory, error: Memory): number;
  vdb_cursor_scan(this: void, db: Handle, filter: Handle, outCursor: Memory, error: Memory): number;
  vdb_cursor_scan_at(this: void, db: Handle, snapshot: Handle, filter: Handle, outCursor: Memory, error: Memory): number;
  vdb_cursor_next(this: void, cursor: Handle, cap: number, ids: Memory, distances: Memory, count: Memory, error: Memory): number;
  vdb_cursor_free(this: void, cursor: Handle): void;
  vdb_sync(this: void, db: Handle, error: Memory): number;
  vdb_checkpoint(this: void, db: Handle, task: Handle, error: Memory): number;
  vdb_wait_indexed(this: void, db: Handle, task: Handle, error: Memory): number;
  vdb_refresh(this: void, db: Handle, error: Memory): number;
  vdb_check(this: void, db: Handle, level: number, report: Memory, cap: number, len: Memory, task: Handle, error: Memory): number;
  vdb_repair(this: void, from: string | null, to: string | null, options: Handle, report: Memory, cap: number, len: Memory, task: Handle, error: Memory): number;
  vdb_backup(this: void, db: Handle, path: string | null, previous: string | null, task: Handle, error: Memory): number;
  vdb_export(this: void, db: Handle, path: string | null, format: string | null, filter: Handle, task: Handle, error: Memory): number;
  vdb_import(this: void, db: Handle, path: string | null, format: string | null, task: Handle, error: Memory): number;
  vdb_explain(this: void, db: Handle, query: Memory, dim: number, k: number, params: Memory, json: Memory, cap: number, len: Memory, error: Memory): number;
  vdb_columns_get(this: void, db: Handle, json: Memory, cap: number, len: Memory, error: Memory): number;
  vdb_stats_get(this: void, db: Handle, stats: Memory, error: Memory): number;
  vdb_latency_get(this: void, db: Handle, call: number, latency: Memory, error: Memory): number;
  vdb_log_read(this: void, db: Handle, buf: Memory, cap: number, len: Memory, error: Memory): number;
  vdb_cache_clear(this: void, db: Handle, error: Memory): number;
  vdb_task_new(this: void, outTask: Memory, error: Memory): number;
  vdb_task_free(this: void, task: Handle): void;
  vdb_task_cancel(this: void, task: Handle): number;
  vdb_task_progress(this: void, task: Handle, done: Memory, total: Memory): number;
}

/** Result and arguments of each function, in the words of Koffi. */
export const prototypes = {
  vdb_version_string: ['str', []],
  vdb_version_number: ['uint32_t', []],
  vdb_abi_version: ['uint32_t', []],
  vdb_status_name: ['str', ['int32_t']],
  vdb_build_info: ['int32_t', ['void *', 'size_t', 'void *', 'void *']],
  vdb_options_new: ['int32_t', ['void *', 'void *']],
  vdb_options_free: ['void', ['void *']],
  vdb_options_set_u64: ['int32_t', ['void *', 'uint32_t', 'uint64_t', 'void *']],
  vdb_options_set_f64: ['int32_t', ['void *', 'uint32_t', 'double', 'void *']],
  vdb_options_set_text: ['int32_t', ['void *', 'str', 'str', 'void *']],
  vdb_option_at: ['int32_t', ['size_t', 'void *', 'void *']],
  vdb_open: ['int32_t', ['str', 'void *', 'void *', 'void *']],
  vdb_close: ['int32_t', ['void *', 'void *']],
  vdb_option_get_u64: ['int32_t', ['void *', 'uint32_t', 'void *', 'void *']],
  vdb_option_get_f64: ['int32_t', ['void *', 'uint32_t', 'void *', 'void *']],
  vdb_option_get_text: ['int32_t', ['void *', 'uint32_t', 'void *', 'size_t', 'void *', 'void *']],
  vdb_insert_batch: ['int32_t', ['void *', 'const void *', 'const void *', 'size_t', 'size_t', 'size_t', 'uint32_t', 'void *', 'void *']],
  vdb_upsert_batch: ['int32_t', ['void *', 'const void *', 'const void *', 'size_t', 'size_t', 'size_t', 'uint32_t', 'void *', 'void *']],
  vdb_delete_batch: ['int32_t', ['void *', 'const void *', 'size_t', 'void *', 'void *']],
  vdb_get_batch: ['int32_t', ['void *', 'const void *', 'size_t', 'size_t', 'uint32_t', 'void *', 'size_t', 'void *', 'void *']],
  vdb_count: ['int32_t', ['void *', 'void *', 'void *', 'void *']],
  vdb_filter_ids: ['int32_t', ['const void *', 'size_t', 'int', 'void *', 'void *']],
  vdb_filter_parse: ['int32_t', ['const void *', 'size_t', 'void *', 'void *']],
  vdb_filter_bind: ['int32_t', ['void *', 'const void *', 'size_t', 'void *', 'void *']],
  vdb_filter_free: ['void', ['void *']],
  vdb_insert_records: ['int32_t', ['void *', 'void *', 'const void *', 'const void *', 'const void *', 'size_t', 'size_t', 'size_t', 'uint32_t', 'const void *', 'const void *', 'void *', 'void *']],
  vdb_upsert_records: ['int32_t', ['void *', 'void *', 'const void *', 'const void *', 'const void *', 'size_t', 'size_t', 'size_t', 'uint32_t', 'const void *', 'const void *', 'void *', 'void *']],
  vdb_update_meta_batch: ['int32_t', ['void *', 'const void *', 'size_t', 'const void *', 'const void *', 'void *', 'void *']],
  vdb_update_meta_where: ['int32_t', ['void *', 'void *', 'const void *', 'size_t', 'void *', 'void *', 'void *']],
  vdb_delete_where: ['int32_t', ['void *', 'void *', 'void *', 'void *', 'void *']],
  vdb_delete_keys: ['int32_t', ['void *', 'const void *', 'const void *', 'size_t', 'void *', 'void *']],
  vdb_ids_of_keys: ['int32_t', ['void *', 'const void *', 'const void *', 'size_t', 'void *', 'void *']],
  vdb_keys_of_ids: ['int32_t', ['void *', 'const void *', 'size_t', 'void *', 'size_t', 'void *', 'void *', 'void *']],
  vdb_get_meta: ['int32_t', ['void *', 'const void *', 'size_t', 'void *', 'size_t', 'void *', 'void *', 'void *']],
  vdb_snapshot_new: ['int32_t', ['void *', 'void *', 'void *']],
  vdb_snapshot_free: ['void', ['void *']],
  vdb_count_at: ['int32_t', ['void *', 'void *', 'void *', 'void *', 'void *']],
  vdb_get_batch_at: ['int32_t', ['void *', 'void *', 'const void *', 'size_t', 'size_t', 'uint32_t', 'void *', 'size_t', 'void *', 'void *']],
  vdb_ids_of_keys_at: ['int32_t', ['void *', 'void *', 'const void *', 'const void *', 'size_t', 'void *', 'void *']],
  vdb_keys_of_ids_at: ['int32_t', ['void *', 'void *', 'const void *', 'size_t', 'void *', 'size_t', 'void *', 'void *', 'void *']],
  vdb_get_meta_at: ['int32_t', ['void *', 'void *', 'const void *', 'size_t', 'void *', 'size_t', 'void *', 'void *', 'void *']],
  vdb_search: ['int32_t', ['void *', 'const void *', 'size_t', 'size_t', 'size_t', 'size_t', 'const void *', 'void *', 'void *', 'void *', 'void *']],
  vdb_search_exact: ['int32_t', ['void *', 'const void *', 'size_t', 'size_t', 'size_t', 'size_t', 'const void *', 'void *', 'void *', 'void *', 'void *']],
  vdb_search_range: ['int32_t', ['void *', 'const void *', 'size_t', 'float', 'size_t', 'const void *', 'void *', 'void *', 'void *', 'void *']],
  vdb_measure_recall: ['int32_t', ['void *', 'const void *', 'size_t', 'size_t', 'size_t', 'size_t', 'const void *', 'void *', 'void *', 'void *', 'void *', 'void *']],
  vdb_search_ids: ['int32_t', ['void *', 'const void *', 'size_t', 'size_t', 'const void *', 'void *', 'void *', 'void *', 'void *']],
  vdb_recommend: ['int32_t', ['void *', 'const void *', 'size_t', 'const void *', 'size_t', 'size_t', 'const void *', 'void *', 'void *', 'void *', 'void *']],
  vdb_search_diverse: ['int32_t', ['void *', 'const void *', 'size_t', 'size_t', 'size_t', 'float', 'const void *', 'void *', 'void *', 'void *', 'void *']],
  vdb_search_groups: ['int32_t', ['void *', 'const void *', 'size_t', 'const void *', 'size_t', 'size_t', 'size_t', 'const void *', 'void *', 'void *', 'void *', 'void *', 'void *']],
  vdb_search_many: ['int32_t', ['const void *', 'size_t', 'const void *', 'size_t', 'size_t', 'size_t', 'size_t', 'const void *', 'void *', 'void *', 'void *', 'void *', 'void *']],
  vdb_cursor_search: ['int32_t', ['void *', 'const void *', 'size_t', 'const void *', 'void *', 'void *']],
  vdb_cursor_scan: ['int32_t', ['void *', 'void *', 'void *', 'void *']],
  vdb_cursor_scan_at: ['int32_t', ['void *', 'void *', 'void *', 'void *', 'void *']],
  vdb_cursor_next: ['int32_t', ['void *', 'size_t', 'void *', 'void *', 'void *', 'void *']],
  vdb_cursor_free: ['void', ['void *']],
  vdb_sync: ['int32_t', ['void *', 'void *']],
  vdb_checkpoint: ['int32_t', ['void *', 'void *', 'void *']],
  vdb_wait_indexed: ['int32_t', ['void *', 'void *', 'void *']],
  vdb_refresh: ['int32_t', ['void *', 'void *']],
  vdb_check: ['int32_t', ['void *', 'uint32_t', 'void *', 'size_t', 'void *', 'void *', 'void *']],
  vdb_repair: ['int32_t', ['str', 'str', 'void *', 'void *', 'size_t', 'void *', 'void *', 'void *']],
  vdb_backup: ['int32_t', ['void *', 'str', 'str', 'void *', 'void *']],
  vdb_export: ['int32_t', ['void *', 'str', 'str', 'void *', 'void *', 'void *']],
  vdb_import: ['int32_t', ['void *', 'str', 'str', 'void *', 'void *']],
  vdb_explain: ['int32_t', ['void *', 'const void *', 'size_t', 'size_t', 'const void *', 'void *', 'size_t', 'void *', 'void *']],
  vdb_columns_get: ['int32_t', ['void *', 'void *', 'size_t', 'void *', 'void *']],
  vdb_stats_get: ['int32_t', ['void *', 'void *', 'void *']],
  vdb_latency_get: ['int32_t', ['void *', 'uint32_t', 'void *', 'void *']],
  vdb_log_read: ['int32_t', ['void *', 'void *', 'size_t', 'void *', 'void *']],
  vdb_cache_clear: ['int32_t', ['void *', 'void *']],
  vdb_task_new: ['int32_t', ['void *', 'void *']],
  vdb_task_free: ['void', ['void *']],
  vdb_task_cancel: ['int32_t', ['void *']],
  vdb_task_progress: ['int32_t', ['void *', 'void *', 'void *']],
} as const;
