// Made from include/vdb.h by bindings/gen/gen.py.

import CVDB

extension Database {
    /// Version of this header; vdb_version_number() is the library's.
    public static let versionMajor: Int = 0
    public static let versionMinor: Int = 1
    public static let versionPatch: Int = 0
    /// The one id that cannot be stored; marks unused places in results.
    public static let idNone: UInt64 = .max
    /// Number of the binary interface, the N of libvdb.so.N: it changes when a program built
    /// against another header could break. Compare it with vdb_abi_version() after loading.
    public static let abiVersion: Int = 1
    /// Longest key in bytes.
    public static let keyMax: Int = 512
    /// Largest `k` of a search.
    public static let maxK: Int = 16777216
    /// Bytes that are enough for every report of vdb_check.
    public static let checkReportMax: Int = 16384
    /// Bytes that are enough for every report of vdb_repair.
    public static let repairReportMax: Int = 16384
    /// Bytes that are enough for every text of vdb_explain.
    public static let explainMax: Int = 8192
    /// Bytes that are enough for any line of the log, with a terminator.
    public static let logLineMax: Int = 513
}

/// Status numbers. They never change; new ones are added.
public struct Status: RawRepresentable, Hashable, Sendable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// Success.
    public static let ok = Status(rawValue: 0)
    /// There is nothing more to enumerate.
    public static let done = Status(rawValue: 1)
    /// Not all of it: a search stopped by its deadline or task or kept to its max_memory, whose results so far
    /// are valid, or a repair that could not save every row.
    public static let partial = Status(rawValue: 2)
    /// An argument has no meaning here; the message says which.
    public static let invalidArgument = Status(rawValue: -1)
    /// A pointer that must not be NULL is NULL.
    public static let nullArgument = Status(rawValue: -2)
    /// The vectors do not have the dimension of the database.
    public static let dimension = Status(rawValue: -3)
    /// A number, flag or combination that this version does not know.
    public static let unsupported = Status(rawValue: -4)
    /// No option has this number or name.
    public static let unknownOption = Status(rawValue: -5)
    /// A value is outside its limits or cannot be represented.
    public static let outOfRange = Status(rawValue: -6)
    /// A component is NaN or infinite, or a vector is zero, or nearly so (R10), under cosine.
    public static let notFinite = Status(rawValue: -7)
    /// A text is no filter; item is the byte where that shows.
    public static let filterSyntax = Status(rawValue: -8)
    /// The buffer is too small; the length needed was written.
    public static let bufferTooSmall = Status(rawValue: -9)
    /// There is no such database, row or file.
    public static let notFound = Status(rawValue: -20)
    /// An id, a key, a file or a directory is there already, or an id or a key twice in the batch.
    public static let alreadyExists = Status(rawValue: -21)
    /// The handle was closed or freed, or never was one.
    public static let closed = Status(rawValue: -22)
    /// A write through a handle that only reads (Option.readOnly).
    public static let readOnly = Status(rawValue: -23)
    /// Called from inside a progress function, where it would wait for itself; or rows to be written
    /// while too many of before wait for the graph (Option.whenBehind).
    public static let busy = Status(rawValue: -24)
    /// A write failed halfway earlier, so writes are refused: close and open again.
    public static let poisoned = Status(rawValue: -25)
    /// The handle belongs to the parent process (R6).
    public static let forked = Status(rawValue: -26)
    /// The task was cancelled; nothing was changed.
    public static let cancelled = Status(rawValue: -27)
    /// Reserved: a deadline passed before there was any result.
    public static let deadline = Status(rawValue: -28)
    /// An option contradicts what the database was created with, a snapshot or an earlier backup is
    /// of another database, or bits were given for numbers.
    public static let mismatch = Status(rawValue: -29)
    /// The operating system refused; os_error holds its number.
    public static let io = Status(rawValue: -40)
    /// The database is open already, here or in another process.
    public static let locked = Status(rawValue: -41)
    /// The disk is full; nothing was changed, and writes work again when there is space (after
    /// a sync that failed they answer Status.poisoned until the database is reopened).
    public static let noSpace = Status(rawValue: -42)
    /// A file is damaged; the message says which and where. See vdb_repair.
    public static let corrupt = Status(rawValue: -50)
    /// The files were written by a newer version.
    public static let formatTooNew = Status(rawValue: -51)
    /// Reserved: the files were written by a version no longer supported.
    public static let formatTooOld = Status(rawValue: -52)
    /// Memory could not be had; nothing was changed.
    public static let noMemory = Status(rawValue: -60)
    /// A published limit was exceeded.
    public static let limit = Status(rawValue: -61)
    /// The library failed inside and the failure was caught (R7).
    public static let panic = Status(rawValue: -90)
    /// The library found a broken invariant of its own: please report it.
    public static let `internal` = Status(rawValue: -91)
}

/// What "near" means. The smaller distance is always the nearer.
public enum Metric: UInt32, CaseIterable, Sendable {
    /// Squared Euclidean distance.
    case l2sq = 1
    /// 1 - dot product.
    case ip = 2
    /// 1 - cosine.
    case cosine = 3
    /// Sum of absolute differences.
    case l1 = 4
    /// Number of differing bits.
    case hamming = 5
    /// 1 - |a & b| / |a | b|, 0 when both are empty.
    case jaccard = 6
}

/// Type of a component. Rows are packed, little-endian, of any alignment.
public enum Scalar: UInt32, CaseIterable, Sendable {
    /// IEEE 754 binary32.
    case f32 = 1
    /// IEEE 754 binary16.
    case f16 = 2
    /// The upper half of a binary32.
    case bf16 = 3
    /// Signed byte.
    case i8 = 4
    /// One bit, lowest bit of a byte first. Bits past the dimension are ignored on the way in
    /// and zero on the way out.
    case b1 = 5
    /// Unsigned byte.
    case u8 = 6
}

/// The codes the graph is walked on. Distances returned are exact whatever the codes, unless
/// Option.originals says DROP: the best candidates are ranked again on the stored vectors. `bytesCodes` in Stats has what they take.
/// Vectors of bytes and bits are walked as they are in any case.
///
/// From SQ4 on codes are for memory, not speed: links are chosen by the stored vectors, so building
/// takes longer and reads them, and searches have to go further for the same recall.
public enum Quant: UInt32, CaseIterable, Sendable {
    /// One byte for each component where a measurement on the data finds that codes rank it
    /// well, else none.
    case auto = 0
    /// No codes: the graph is walked on the vectors themselves.
    case `none` = 1
    /// One byte for each component, without the measurement. dim bytes a row, rounded up to 32.
    case sq8 = 2
    /// Half a byte for each component: dim / 2 bytes a row, rounded up to 32.
    case sq4 = 3
    /// Half a byte for each of Option.pqSubspaces: so many / 2 bytes a row, rounded up to 16.
    case pq = 4
    /// A bit for each component and eight bytes: dim / 8 + 8 bytes a row, rounded up to 8. Not for L1.
    case rabitq = 5
}

/// What becomes of the vectors of rows that have codes (Option.originals).
public enum Originals: UInt32, CaseIterable, Sendable {
    /// They are kept: distances are exact, and codes are made anew as the data grows.
    case keep = 1
    /// They are given up, in memory and on the disk: from then on a row is what its code stands
    /// for. Distances, exact searches, vdb_get_batch, measured recall and repairs refer to that;
    /// under Metric.cosine its length is about 1. For Quant.sq8 (any metric), SQ4 (but IP)
    /// and RABITQ (L2SQ, COSINE), with vectors of F32, F16 or BF16; anything else is
    /// Status.unsupported in vdb_open.
    ///
    /// A chunk of rows (16 MiB of vectors or fewer, but 1,024 rows at least) gives them up when the graph has its rows and
    /// has begun on the next chunk, and none does before there are more than 4096 rows. So rows that
    /// wait for the graph, and those of the last chunk, are exact. The codes are made for the rows
    /// there are when the first vectors go, and cannot be changed afterwards: later rows should be
    /// like them. `bytesVectors` and `decoded` in Stats tell how far it has come.
    case drop = 2
}

/// How much work goes into a graph: what Option.m and Option.efConstruction are when
/// they are not set.
public enum Profile: UInt32, CaseIterable, Sendable {
    /// M = 16, ef_construction = 200.
    case `default` = 0
    /// M = 16, ef_construction = 64: built in 0.6 of the time; searches for a high recall go
    /// farther.
    case fast = 1
    /// M = 24, ef_construction = 400: the reverse, with half as much memory again for links.
    case quality = 2
}

/// What a kill or a power cut can take back of a batch after its call returned.
public enum Durability: UInt32, CaseIterable, Sendable {
    /// A kill may lose batches since the last checkpoint; whole batches only.
    case `none` = 1
    /// A kill loses nothing; a power cut may lose the last batches.
    case process = 2
    /// Neither loses anything. The default.
    case full = 3
}

/// What a call that inserts or replaces rows does while too many of before wait for the graph.
public enum WhenBehind: UInt32, CaseIterable, Sendable {
    /// It waits until there are fewer; its task can end the wait (Status.cancelled).
    case block = 1
    /// It is Status.busy and changes nothing: try again later.
    case busy = 2
}

/// Options. vdb_option_at has names, limits and defaults. 1xx schema (fixed when the
/// database is created, as are M, EF_CONSTRUCTION, SEED and PROFILE), 2xx graph, 3xx storage, 4xx run time.
public struct Option: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Components of a vector, 1-65536. Needed to create a database.
    public static let dim = Option(rawValue: 101)
    /// One of ``Metric``; default .l2sq.
    public static let metric = Option(rawValue: 102)
    /// One of ``Scalar``: how components are stored; default .f32.
    public static let scalar = Option(rawValue: 103)
    /// One of ``Quant``; default .auto.
    public static let quant = Option(rawValue: 104)
    /// Subspaces of Quant.pq, at most one for each component; 0 = one for each four; default 0.
    public static let pqSubspaces = Option(rawValue: 105)
    /// One of ``Originals``; default .keep.
    public static let originals = Option(rawValue: 106)
    /// Columns of metadata with their types, a text as in "year i64, tags string[], author.name string, place geo"
    /// (vdb_options_set_text, vdb_option_get_text); default: none.
    ///
    /// Paths are those of filters (docs/filters.md). Types are string, i64, f64, bool, timestamp (whole milliseconds since
    /// 1970-01-01 UTC), string[] and geo (an object with lat and lon in degrees). A call that writes a row whose
    /// metadata has a value of another type at such a path is Status.invalidArgument and changes nothing; missing values
    /// and null are of any type. The background thread reads these columns out of the JSON before a filter asks for
    /// them, as far as Option.columnBytes has room. At most 256; their order does not matter.
    public static let columns = Option(rawValue: 107)
    /// Links of a node on upper levels, twice as many on level 0; 2-256, default 16.
    public static let m = Option(rawValue: 201)
    /// Breadth of the search that finds the links of a new node; 8-4096, default 200.
    public static let efConstruction = Option(rawValue: 202)
    /// Breadth of a search that gives none of its own; 1-100000, default 64.
    public static let efSearch = Option(rawValue: 203)
    /// Seed of the level of each row; default 42.
    public static let seed = Option(rawValue: 204)
    /// Rows from which on a graph is built; below, searches scan; default 2000.
    public static let graphMinRows = Option(rawValue: 205)
    /// Share of dead nodes at which the graph is consolidated; 0.01-1, default 0.1.
    public static let consolidateRatio = Option(rawValue: 206)
    /// Recall of a search that gives neither an ef nor a recall of its own, see
    /// SearchParams.targetRecall; 0-0.9999, default 0 (by ef).
    public static let targetRecall = Option(rawValue: 207)
    /// One of ``Profile``: what M and EF_CONSTRUCTION are when they are not set; default
    /// .default. A database keeps those numbers, not the profile: it reports the profile that
    /// they belong to, .default where that is none.
    public static let profile = Option(rawValue: 208)
    /// 1 = vdb_open creates a database that is not there; default 1.
    public static let create = Option(rawValue: 301)
    /// 1 = vdb_open only reads, beside the process that writes: it creates, locks and
    /// changes nothing, and vdb_refresh moves the handle on; default 0.
    public static let readOnly = Option(rawValue: 302)
    /// 1 = files are mapped, 0 = read into memory (for files you do not trust); default 1.
    public static let mmap = Option(rawValue: 303)
    /// One of ``Durability``; default .full.
    public static let durability = Option(rawValue: 304)
    /// Size of the write-ahead log that starts a checkpoint; from 1 MiB, default 256 MiB.
    public static let walLimitBytes = Option(rawValue: 305)
    /// 1 = vdb_open reads and checks every byte before it returns; default 0: each block at its first use, and what
    /// fits a quarter of memory in the background, so that damage nobody asks for shows as Status.corrupt too.
    public static let verifyOnOpen = Option(rawValue: 307)
    /// Share of dead rows at which a chunk is rewritten; 0.05-1, default 0.3.
    public static let compactRatio = Option(rawValue: 308)
    /// Longest metadata of a row in bytes, up to 16776701; longer ones are Status.limit; default 1 MiB.
    public static let maxMetaBytes = Option(rawValue: 309)
    /// Rows that may wait for the graph (`unindexed` in Stats) when a call inserts or replaces
    /// more, 0 = any number; default 0.
    ///
    /// Rows are written faster than they are linked, and those not linked are scanned by every
    /// search. With a limit a call that finds more of them than this does what
    /// Option.whenBehind says. It is looked at when a call begins, so its own batch, and those of calls
    /// beside it, may pass the limit; so may rows that graph work leaves for its next step (up to
    /// Option.graphMinRows at first, then a sixteenth of the graph, but 1024 to 16384 rows, from a million rows on a
    /// 64th) or has no memory for. Deletes never wait.
    public static let maxUnindexed = Option(rawValue: 310)
    /// One of ``WhenBehind``: what a call does while more than Option.maxUnindexed rows
    /// wait for the graph; default .block.
    public static let whenBehind = Option(rawValue: 311)
    /// Threads that build the graph, share large batches of queries and verify files after an open, 0 = one for each core; default 0.
    public static let threads = Option(rawValue: 401)
    /// Bytes of memory the database may take, 0 = no limit, else from 16 MiB; default 0.
    ///
    /// Counted is what grows with the data: rows, ids, codes, graph, batches on their way,
    /// working memory of searches (an eighth of the limit is theirs). Mapped files are not:
    /// the system takes their pages back when it needs them. A batch that does not fit is
    /// Status.limit and changes nothing; before that, what is in checkpoint files is left to
    /// them, so that a database on disk can be many times the limit; near it a batch may wait
    /// for a checkpoint and for the graph work under way. Reads and deletes go on.
    /// Graph work that does not fit is put off (`unindexed` in Stats; such rows are
    /// scanned) and vdb_wait_indexed is Status.limit. Not counted, so that the process may
    /// take as much more: 16 MiB, 1 MiB a thread, 1 bit a row, 300 bytes a chunk of rows, and
    /// in vdb_open the longest record of the log.
    public static let maxMemory = Option(rawValue: 405)
    /// 1 = what searches walk (codes and links) is copied from mapped files into memory, in
    /// huge pages, by the background thread and once after vdb_open, when searches have computed
    /// as many distances as the graph has nodes; 0 = they go on in the files; default 1.
    ///
    /// Searches are faster then. Nothing is copied where it takes more than a
    /// quarter of the machine's memory or half of what Option.maxMemory leaves, and where the
    /// database is only read.
    public static let resident = Option(rawValue: 406)
    /// Bytes of answers that are kept for searches that ask the same again, 0 = none, else from 64 KiB; default 0.
    ///
    /// For vdb_search, vdb_search_exact and vdb_search_range where the same queries come often and writes seldom: an
    /// answer is used again for the same query, parameters and filter handle, until a row or the graph changes, so it is
    /// never out of date. Answers are the same as without. Those that are Status.partial are not kept. The memory counts as
    /// the database's (Option.maxMemory), is taken as answers come, and is given back first where memory is short.
    public static let cacheBytes = Option(rawValue: 407)
    /// Microseconds from which on a search (vdb_search, vdb_search_exact, vdb_search_range; a call, however many
    /// queries it has) is counted in `slowQueries` of Stats and has a line in the log; default 0: never.
    public static let slowQueryUs = Option(rawValue: 408)
    /// Bytes of log lines that wait for vdb_log_read, 0 = no log, else from 1 KiB; default 65536. Memory is
    /// taken as lines come. Where more come, the oldest go and are counted.
    public static let logBytes = Option(rawValue: 409)
    /// How much a line matters at least to be in the log, one of ``LogLevel``; default .info: all lines.
    public static let logLevel = Option(rawValue: 410)
    /// Bytes of columns that are kept of metadata: what filters (vdb_filter_parse) look at is read out of the JSON once
    /// and kept for the next filter, some 1 to 4 bytes a row and the distinct values, or 4 to 8 bytes a row of numbers that
    /// differ (vdb_columns_get); the least recently used go first; 0 keeps none; default 256 MiB, which count as working memory of searches (Option.maxMemory).
    public static let columnBytes = Option(rawValue: 420)
}

/// How the value of an option is set and read.
public enum OptionType: UInt32, CaseIterable, Sendable {
    /// A whole number: vdb_options_set_u64.
    case u64 = 1
    /// A fraction: vdb_options_set_f64.
    case f64 = 2
    /// One of a few numbers with names: vdb_options_set_u64.
    case `enum` = 3
    /// A text: vdb_options_set_text.
    case text = 4
}

/// Bits of OptionInfo.flags.
public struct OptionFlags: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Fixed when the database is created.
    public static let schema = OptionFlags(rawValue: 1)
}

/// Bits of SearchParams.flags.
public struct SearchFlags: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Compare with every row instead of walking the graph.
    public static let exact = SearchFlags(rawValue: 1)
    /// Neither take the answer from the cache (Option.cacheBytes) nor leave it there.
    public static let noCache = SearchFlags(rawValue: 2)
}

/// How much vdb_check looks at. Each level includes those before it.
public enum CheckLevel: UInt32, CaseIterable, Sendable {
    /// Every byte of the live files, the log included, is read from disk and verified.
    case checksums = 1
    /// Ids lead to their rows and back, deletions and the graph agree with the rows.
    case structure = 2
    /// The recall of the graph is measured on stored rows.
    case recall = 3
}

/// Kinds of calls whose times are kept: vdb_latency_get.
public enum Call: UInt32, CaseIterable, Sendable {
    /// vdb_search, vdb_search_exact and vdb_search_ids for one query.
    case search = 1
    /// The same for several queries in one call.
    case searchBatch = 2
    /// vdb_search_range.
    case searchRange = 3
    /// vdb_insert_batch and vdb_insert_records.
    case insert = 4
    /// vdb_upsert_batch and vdb_upsert_records.
    case upsert = 5
    /// vdb_delete_batch, vdb_delete_keys and vdb_delete_where.
    case delete = 6
    /// vdb_get_batch, vdb_get_meta, vdb_keys_of_ids and vdb_ids_of_keys.
    case get = 7
    /// vdb_count.
    case count = 8
    /// vdb_sync.
    case sync = 9
    /// A checkpoint that had something to write: vdb_checkpoint, vdb_close and those in the background.
    case checkpoint = 10
    /// vdb_refresh.
    case refresh = 11
    /// vdb_update_meta_batch and vdb_update_meta_where.
    case updateMeta = 12
    /// vdb_recommend.
    case recommend = 13
    /// vdb_search_diverse.
    case diverse = 14
    /// vdb_search_groups.
    case groups = 15
    /// A page of a cursor: vdb_cursor_next.
    case page = 16
}

/// How much a line of the log matters (Option.logLevel).
public enum LogLevel: UInt32, CaseIterable, Sendable {
    /// Something is lost or does not work any more: damage, a write of unknown fate.
    case error = 1
    /// Something works worse than it could: a limit was reached, a search was slow.
    case warn = 2
    /// What the database does by itself: recovery, checkpoints, compaction, training.
    case info = 3
}

/// A picture of a database. Grows at the end.
public struct Stats: Equatable, Sendable {
    /// Components of a vector.
    public let dim: Int
    /// Rows that a search can return.
    public let live: Int
    /// Deleted and replaced rows whose space is not reclaimed yet.
    public let deleted: Int
    /// Live rows that are not in the graph yet and are scanned.
    public let unindexed: Int
    /// Nodes of the graph, deleted ones that are still linked included.
    public let graphNodes: Int
    /// Nodes that a walk through the whole graph did not reach, 0 if all is well; nil
    /// while there is work on the graph and nothing was walked yet.
    public let graphUnreachable: Int?
    /// Bytes of vectors.
    public let bytesVectors: Int
    /// Bytes of codes.
    public let bytesCodes: Int
    /// Bytes of links.
    public let bytesGraph: Int
    /// Bytes of ids.
    public let bytesIDs: Int
    /// Bytes of the write-ahead log.
    public let bytesWal: Int
    /// Bytes mapped from files; they are not counted against the process until touched.
    public let bytesMapped: Int
    /// Queries since the database was opened.
    public let searches: Int
    /// Distances computed by them.
    public let distanceComputations: Int
    /// Number of the last batch that was acknowledged.
    public let lsn: Int
    /// Number of the last batch that is in checkpoint files.
    public let checkpointLsn: Int
    /// Checkpoints written since the database was opened.
    public let checkpoints: Int
    /// Chunks rewritten since then to reclaim the space of deleted rows.
    public let compactions: Int
    /// Chunks the rows are stored in.
    public let chunks: Int
    /// Bytes of memory in use, as Option.maxMemory counts them.
    public let bytesMemory: Int
    /// The limit on them, Option.maxMemory; 0 = none.
    public let bytesMemoryMax: Int
    /// Option.originals, one of ``Originals``.
    public let originals: Originals?
    /// Rows that a search can return and whose vectors were given up: what their codes stand for is
    /// returned and compared.
    public let decoded: Int
    /// Bytes of keys and metadata, what was replaced and is not reclaimed yet included.
    public let bytesRecords: Int
    /// Bytes of columns of metadata that filters look at (Option.columnBytes).
    public let bytesColumns: Int
    /// Snapshots that are not freed.
    public let snapshots: Int
    /// When the last checkpoint since the database was opened was written, in milliseconds since 1970-01-01 UTC; 0 =
    /// none was.
    public let checkpointUnixMs: Int
    /// Searches that took Option.slowQueryUs or longer.
    public let slowQueries: Int
    /// Lines of the log that went unread because it was full (Option.logBytes).
    public let logLinesDropped: Int
    /// Queries that were answered from the cache (Option.cacheBytes).
    public let cacheHits: Int
    /// Queries that looked there and found nothing.
    public let cacheMisses: Int
    /// Bytes that the cache takes, a part of `bytesMemory`.
    public let bytesCache: Int

    init(_ c: vdb_stats_t) {
        dim = Int(clamping: c.dim)
        live = Int(clamping: c.live)
        deleted = Int(clamping: c.deleted)
        unindexed = Int(clamping: c.unindexed)
        graphNodes = Int(clamping: c.graph_nodes)
        graphUnreachable = c.graph_unreachable == .max ? nil : Int(clamping: c.graph_unreachable)
        bytesVectors = Int(clamping: c.bytes_vectors)
        bytesCodes = Int(clamping: c.bytes_codes)
        bytesGraph = Int(clamping: c.bytes_graph)
        bytesIDs = Int(clamping: c.bytes_ids)
        bytesWal = Int(clamping: c.bytes_wal)
        bytesMapped = Int(clamping: c.bytes_mapped)
        searches = Int(clamping: c.searches)
        distanceComputations = Int(clamping: c.distance_computations)
        lsn = Int(clamping: c.lsn)
        checkpointLsn = Int(clamping: c.checkpoint_lsn)
        checkpoints = Int(clamping: c.checkpoints)
        compactions = Int(clamping: c.compactions)
        chunks = Int(clamping: c.chunks)
        bytesMemory = Int(clamping: c.bytes_memory)
        bytesMemoryMax = Int(clamping: c.bytes_memory_max)
        originals = Originals(rawValue: UInt32(clamping: c.originals))
        decoded = Int(clamping: c.decoded)
        bytesRecords = Int(clamping: c.bytes_records)
        bytesColumns = Int(clamping: c.bytes_columns)
        snapshots = Int(clamping: c.snapshots)
        checkpointUnixMs = Int(clamping: c.checkpoint_unix_ms)
        slowQueries = Int(clamping: c.slow_queries)
        logLinesDropped = Int(clamping: c.log_lines_dropped)
        cacheHits = Int(clamping: c.cache_hits)
        cacheMisses = Int(clamping: c.cache_misses)
        bytesCache = Int(clamping: c.bytes_cache)
    }
}

/// How long calls of one kind took since the database was opened, in nanoseconds; those that failed are left out.
/// A search that ended by its deadline has not failed. Grows at the end.
public struct Latency: Equatable, Sendable {
    /// The kind, one of ``Call``.
    public let call: Call?
    /// Number of calls.
    public let count: Int
    /// Their mean.
    public let meanNs: Int
    /// Half of the calls took no longer. This and the next two are at most 3.2 % off.
    public let p50Ns: Int
    /// 95 of 100 calls took no longer.
    public let p95Ns: Int
    /// 99 of 100 calls took no longer.
    public let p99Ns: Int
    /// The longest call.
    public let maxNs: Int
    /// All calls together: the difference between two readings, over that of `count`, is a mean of what was between.
    public let sumNs: Int

    init(_ c: vdb_latency_t) {
        call = Call(rawValue: UInt32(clamping: c.call))
        count = Int(clamping: c.count)
        meanNs = Int(clamping: c.mean_ns)
        p50Ns = Int(clamping: c.p50_ns)
        p95Ns = Int(clamping: c.p95_ns)
        p99Ns = Int(clamping: c.p99_ns)
        maxNs = Int(clamping: c.max_ns)
        sumNs = Int(clamping: c.sum_ns)
    }
}
