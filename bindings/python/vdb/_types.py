"""The enums, options and records of the library. Made from include/vdb.h by bindings/gen/gen.py."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple, Optional, TypedDict, Union

if TYPE_CHECKING:
    from .handles import Filter
    from .handles import Snapshot
    from .handles import Task


class Status(enum.IntEnum):
    """Status numbers. They never change; new ones are added."""

    # Success.
    OK = 0

    # There is nothing more to enumerate.
    DONE = 1

    # Not all of it: a search stopped by its deadline or task or kept to its max_memory, whose results so far
    # are valid, or a repair that could not save every row.
    PARTIAL = 2

    # An argument has no meaning here; the message says which.
    ERR_INVALID_ARGUMENT = -1

    # A pointer that must not be NULL is NULL.
    ERR_NULL_ARGUMENT = -2

    # The vectors do not have the dimension of the database.
    ERR_DIMENSION = -3

    # A number, flag or combination that this version does not know.
    ERR_UNSUPPORTED = -4

    # No option has this number or name.
    ERR_UNKNOWN_OPTION = -5

    # A value is outside its limits or cannot be represented.
    ERR_OUT_OF_RANGE = -6

    # A component is NaN or infinite, or a vector is zero, or nearly so (R10), under cosine.
    ERR_NOT_FINITE = -7

    # A text is no filter; item is the byte where that shows.
    ERR_FILTER_SYNTAX = -8

    # The buffer is too small; the length needed was written.
    ERR_BUFFER_TOO_SMALL = -9

    # There is no such database, row or file.
    ERR_NOT_FOUND = -20

    # An id, a key, a file or a directory is there already, or an id or a key twice in the batch.
    ERR_ALREADY_EXISTS = -21

    # The handle was closed or freed, or never was one.
    ERR_CLOSED = -22

    # A write through a handle that only reads (VDB_OPT_READ_ONLY).
    ERR_READ_ONLY = -23

    # Called from inside a progress function, where it would wait for itself; or rows to be written
    # while too many of before wait for the graph (VDB_OPT_WHEN_BEHIND).
    ERR_BUSY = -24

    # A write failed halfway earlier, so writes are refused: close and open again.
    ERR_POISONED = -25

    # The handle belongs to the parent process (R6).
    ERR_FORKED = -26

    # The task was cancelled; nothing was changed.
    ERR_CANCELLED = -27

    # Reserved: a deadline passed before there was any result.
    ERR_DEADLINE = -28

    # An option contradicts what the database was created with, a snapshot or an earlier backup is
    # of another database, or bits were given for numbers.
    ERR_MISMATCH = -29

    # The operating system refused; os_error holds its number.
    ERR_IO = -40

    # The database is open already, here or in another process.
    ERR_LOCKED = -41

    # The disk is full; nothing was changed, and writes work again when there is space (after
    # a sync that failed they answer VDB_ERR_POISONED until the database is reopened).
    ERR_NO_SPACE = -42

    # A file is damaged; the message says which and where. See vdb_repair.
    ERR_CORRUPT = -50

    # The files were written by a newer version.
    ERR_FORMAT_TOO_NEW = -51

    # Reserved: the files were written by a version no longer supported.
    ERR_FORMAT_TOO_OLD = -52

    # Memory could not be had; nothing was changed.
    ERR_NO_MEMORY = -60

    # A published limit was exceeded.
    ERR_LIMIT = -61

    # The library failed inside and the failure was caught (R7).
    ERR_PANIC = -90

    # The library found a broken invariant of its own: please report it.
    ERR_INTERNAL = -91


class Metric(enum.IntEnum):
    """What "near" means. The smaller distance is always the nearer."""

    # Squared Euclidean distance.
    L2SQ = 1

    # 1 - dot product.
    IP = 2

    # 1 - cosine.
    COSINE = 3

    # Sum of absolute differences.
    L1 = 4

    # Number of differing bits.
    HAMMING = 5

    # 1 - |a & b| / |a | b|, 0 when both are empty.
    JACCARD = 6


class Scalar(enum.IntEnum):
    """Type of a component. Rows are packed, little-endian, of any alignment."""

    # IEEE 754 binary32.
    F32 = 1

    # IEEE 754 binary16.
    F16 = 2

    # The upper half of a binary32.
    BF16 = 3

    # Signed byte.
    I8 = 4

    # One bit, lowest bit of a byte first. Bits past the dimension are ignored on the way in
    # and zero on the way out.
    B1 = 5

    # Unsigned byte.
    U8 = 6


class Quant(enum.IntEnum):
    """The codes the graph is walked on. Distances returned are exact whatever the codes, unless
    VDB_OPT_ORIGINALS says DROP: the best candidates are ranked again on the stored vectors. `bytes_codes` in vdb_stats_t has what they take.
    Vectors of bytes and bits are walked as they are in any case.

    From SQ4 on codes are for memory, not speed: links are chosen by the stored vectors, so building
    takes longer and reads them, and searches have to go further for the same recall.
    """

    # One byte for each component where a measurement on the data finds that codes rank it
    # well, else none.
    AUTO = 0

    # No codes: the graph is walked on the vectors themselves.
    NONE = 1

    # One byte for each component, without the measurement. dim bytes a row, rounded up to 32.
    SQ8 = 2

    # Half a byte for each component: dim / 2 bytes a row, rounded up to 32.
    SQ4 = 3

    # Half a byte for each of VDB_OPT_PQ_SUBSPACES: so many / 2 bytes a row, rounded up to 16.
    PQ = 4

    # A bit for each component and eight bytes: dim / 8 + 8 bytes a row, rounded up to 8. Not for L1.
    RABITQ = 5


class Originals(enum.IntEnum):
    """What becomes of the vectors of rows that have codes (VDB_OPT_ORIGINALS)."""

    # They are kept: distances are exact, and codes are made anew as the data grows.
    KEEP = 1

    # They are given up, in memory and on the disk: from then on a row is what its code stands
    # for. Distances, exact searches, vdb_get_batch, measured recall and repairs refer to that;
    # under VDB_METRIC_COSINE its length is about 1. For VDB_QUANT_SQ8 (any metric), SQ4 (but IP)
    # and RABITQ (L2SQ, COSINE), with vectors of F32, F16 or BF16; anything else is
    # VDB_ERR_UNSUPPORTED in vdb_open.
    #
    # A chunk of rows (16 MiB of vectors or fewer, but 1,024 rows at least) gives them up when the graph has its rows and
    # has begun on the next chunk, and none does before there are more than 4096 rows. So rows that
    # wait for the graph, and those of the last chunk, are exact. The codes are made for the rows
    # there are when the first vectors go, and cannot be changed afterwards: later rows should be
    # like them. `bytes_vectors` and `decoded` in vdb_stats_t tell how far it has come.
    DROP = 2


class Profile(enum.IntEnum):
    """How much work goes into a graph: what VDB_OPT_M and VDB_OPT_EF_CONSTRUCTION are when
    they are not set.
    """

    # M = 16, ef_construction = 200.
    DEFAULT = 0

    # M = 16, ef_construction = 64: built in 0.6 of the time; searches for a high recall go
    # farther.
    FAST = 1

    # M = 24, ef_construction = 400: the reverse, with half as much memory again for links.
    QUALITY = 2


class Durability(enum.IntEnum):
    """What a kill or a power cut can take back of a batch after its call returned."""

    # A kill may lose batches since the last checkpoint; whole batches only.
    NONE = 1

    # A kill loses nothing; a power cut may lose the last batches.
    PROCESS = 2

    # Neither loses anything. The default.
    FULL = 3


class WhenBehind(enum.IntEnum):
    """What a call that inserts or replaces rows does while too many of before wait for the graph."""

    # It waits until there are fewer; its task can end the wait (VDB_ERR_CANCELLED).
    BLOCK = 1

    # It is VDB_ERR_BUSY and changes nothing: try again later.
    BUSY = 2


class Option(enum.IntEnum):
    """Options. vdb_option_at has names, limits and defaults. 1xx schema (fixed when the
    database is created, as are M, EF_CONSTRUCTION, SEED and PROFILE), 2xx graph, 3xx storage, 4xx run time.
    """

    # Components of a vector, 1-65536. Needed to create a database.
    DIM = 101

    # One of `enum vdb_metric`; default L2SQ.
    METRIC = 102

    # One of `enum vdb_scalar`: how components are stored; default F32.
    SCALAR = 103

    # One of `enum vdb_quant`; default AUTO.
    QUANT = 104

    # Subspaces of VDB_QUANT_PQ, at most one for each component; 0 = one for each four; default 0.
    PQ_SUBSPACES = 105

    # One of `enum vdb_originals`; default KEEP.
    ORIGINALS = 106

    # Columns of metadata with their types, a text as in "year i64, tags string[], author.name string, place geo"
    # (vdb_options_set_text, vdb_option_get_text); default: none.
    #
    # Paths are those of filters (docs/filters.md). Types are string, i64, f64, bool, timestamp (whole milliseconds since
    # 1970-01-01 UTC), string[] and geo (an object with lat and lon in degrees). A call that writes a row whose
    # metadata has a value of another type at such a path is VDB_ERR_INVALID_ARGUMENT and changes nothing; missing values
    # and null are of any type. The background thread reads these columns out of the JSON before a filter asks for
    # them, as far as VDB_OPT_COLUMN_BYTES has room. At most 256; their order does not matter.
    COLUMNS = 107

    # Links of a node on upper levels, twice as many on level 0; 2-256, default 16.
    M = 201

    # Breadth of the search that finds the links of a new node; 8-4096, default 200.
    EF_CONSTRUCTION = 202

    # Breadth of a search that gives none of its own; 1-100000, default 64.
    EF_SEARCH = 203

    # Seed of the level of each row; default 42.
    SEED = 204

    # Rows from which on a graph is built; below, searches scan; default 2000.
    GRAPH_MIN_ROWS = 205

    # Share of dead nodes at which the graph is consolidated; 0.01-1, default 0.1.
    CONSOLIDATE_RATIO = 206

    # Recall of a search that gives neither an ef nor a recall of its own, see
    # vdb_search_params_t.target_recall; 0-0.9999, default 0 (by ef).
    TARGET_RECALL = 207

    # One of `enum vdb_profile`: what M and EF_CONSTRUCTION are when they are not set; default
    # DEFAULT. A database keeps those numbers, not the profile: it reports the profile that
    # they belong to, DEFAULT where that is none.
    PROFILE = 208

    # 1 = vdb_open creates a database that is not there; default 1.
    CREATE = 301

    # 1 = vdb_open only reads, beside the process that writes: it creates, locks and
    # changes nothing, and vdb_refresh moves the handle on; default 0.
    READ_ONLY = 302

    # 1 = files are mapped, 0 = read into memory (for files you do not trust); default 1.
    MMAP = 303

    # One of `enum vdb_durability`; default FULL.
    DURABILITY = 304

    # Size of the write-ahead log that starts a checkpoint; from 1 MiB, default 256 MiB.
    WAL_LIMIT_BYTES = 305

    # 1 = vdb_open reads and checks every byte before it returns; default 0: each block at its first use, and what
    # fits a quarter of memory in the background, so that damage nobody asks for shows as VDB_ERR_CORRUPT too.
    VERIFY_ON_OPEN = 307

    # Share of dead rows at which a chunk is rewritten; 0.05-1, default 0.3.
    COMPACT_RATIO = 308

    # Longest metadata of a row in bytes, up to 16776701; longer ones are VDB_ERR_LIMIT; default 1 MiB.
    MAX_META_BYTES = 309

    # Rows that may wait for the graph (`unindexed` in vdb_stats_t) when a call inserts or replaces
    # more, 0 = any number; default 0.
    #
    # Rows are written faster than they are linked, and those not linked are scanned by every
    # search. With a limit a call that finds more of them than this does what
    # VDB_OPT_WHEN_BEHIND says. It is looked at when a call begins, so its own batch, and those of calls
    # beside it, may pass the limit; so may rows that graph work leaves for its next step (up to
    # VDB_OPT_GRAPH_MIN_ROWS at first, then a sixteenth of the graph, but 1024 to 16384 rows, from a million rows on a
    # 64th) or has no memory for. Deletes never wait.
    MAX_UNINDEXED = 310

    # One of `enum vdb_when_behind`: what a call does while more than VDB_OPT_MAX_UNINDEXED rows
    # wait for the graph; default BLOCK.
    WHEN_BEHIND = 311

    # Threads that build the graph, share large batches of queries and verify files after an open, 0 = one for each core; default 0.
    THREADS = 401

    # Bytes of memory the database may take, 0 = no limit, else from 16 MiB; default 0.
    #
    # Counted is what grows with the data: rows, ids, codes, graph, batches on their way,
    # working memory of searches (an eighth of the limit is theirs). Mapped files are not:
    # the system takes their pages back when it needs them. A batch that does not fit is
    # VDB_ERR_LIMIT and changes nothing; before that, what is in checkpoint files is left to
    # them, so that a database on disk can be many times the limit; near it a batch may wait
    # for a checkpoint and for the graph work under way. Reads and deletes go on.
    # Graph work that does not fit is put off (`unindexed` in vdb_stats_t; such rows are
    # scanned) and vdb_wait_indexed is VDB_ERR_LIMIT. Not counted, so that the process may
    # take as much more: 16 MiB, 1 MiB a thread, 1 bit a row, 300 bytes a chunk of rows, and
    # in vdb_open the longest record of the log.
    MAX_MEMORY = 405

    # 1 = what searches walk (codes and links) is copied from mapped files into memory, in
    # huge pages, by the background thread and once after vdb_open, when searches have computed
    # as many distances as the graph has nodes; 0 = they go on in the files; default 1.
    #
    # Searches are faster then. Nothing is copied where it takes more than a
    # quarter of the machine's memory or half of what VDB_OPT_MAX_MEMORY leaves, and where the
    # database is only read.
    RESIDENT = 406

    # Bytes of answers that are kept for searches that ask the same again, 0 = none, else from 64 KiB; default 0.
    #
    # For vdb_search, vdb_search_exact and vdb_search_range where the same queries come often and writes seldom: an
    # answer is used again for the same query, parameters and filter handle, until a row or the graph changes, so it is
    # never out of date. Answers are the same as without. Those that are VDB_PARTIAL are not kept. The memory counts as
    # the database's (VDB_OPT_MAX_MEMORY), is taken as answers come, and is given back first where memory is short.
    CACHE_BYTES = 407

    # Microseconds from which on a search (vdb_search, vdb_search_exact, vdb_search_range; a call, however many
    # queries it has) is counted in `slow_queries` of vdb_stats_t and has a line in the log; default 0: never.
    SLOW_QUERY_US = 408

    # Bytes of log lines that wait for vdb_log_read, 0 = no log, else from 1 KiB; default 65536. Memory is
    # taken as lines come. Where more come, the oldest go and are counted.
    LOG_BYTES = 409

    # How much a line matters at least to be in the log, one of `enum vdb_log_level`; default INFO: all lines.
    LOG_LEVEL = 410

    # Bytes of columns that are kept of metadata: what filters (vdb_filter_parse) look at is read out of the JSON once
    # and kept for the next filter, some 1 to 4 bytes a row and the distinct values, or 4 to 8 bytes a row of numbers that
    # differ (vdb_columns_get); the least recently used go first; 0 keeps none; default 256 MiB, which count as working memory of searches (VDB_OPT_MAX_MEMORY).
    COLUMN_BYTES = 420


class OptionType(enum.IntEnum):
    """How the value of an option is set and read."""

    # A whole number: vdb_options_set_u64.
    U64 = 1

    # A fraction: vdb_options_set_f64.
    F64 = 2

    # One of a few numbers with names: vdb_options_set_u64.
    ENUM = 3

    # A text: vdb_options_set_text.
    TEXT = 4


class OptionFlag(enum.IntFlag):
    """Bits of vdb_option_info_t.flags."""

    # Fixed when the database is created.
    SCHEMA = 1


class SearchFlag(enum.IntFlag):
    """Bits of vdb_search_params_t.flags."""

    # Compare with every row instead of walking the graph.
    EXACT = 1

    # Neither take the answer from the cache (VDB_OPT_CACHE_BYTES) nor leave it there.
    NO_CACHE = 2


class CheckLevel(enum.IntEnum):
    """How much vdb_check looks at. Each level includes those before it."""

    # Every byte of the live files, the log included, is read from disk and verified.
    CHECKSUMS = 1

    # Ids lead to their rows and back, deletions and the graph agree with the rows.
    STRUCTURE = 2

    # The recall of the graph is measured on stored rows.
    RECALL = 3


class Call(enum.IntEnum):
    """Kinds of calls whose times are kept: vdb_latency_get."""

    # vdb_search, vdb_search_exact and vdb_search_ids for one query.
    SEARCH = 1

    # The same for several queries in one call.
    SEARCH_BATCH = 2

    # vdb_search_range.
    SEARCH_RANGE = 3

    # vdb_insert_batch and vdb_insert_records.
    INSERT = 4

    # vdb_upsert_batch and vdb_upsert_records.
    UPSERT = 5

    # vdb_delete_batch, vdb_delete_keys and vdb_delete_where.
    DELETE = 6

    # vdb_get_batch, vdb_get_meta, vdb_keys_of_ids and vdb_ids_of_keys.
    GET = 7

    # vdb_count.
    COUNT = 8

    # vdb_sync.
    SYNC = 9

    # A checkpoint that had something to write: vdb_checkpoint, vdb_close and those in the background.
    CHECKPOINT = 10

    # vdb_refresh.
    REFRESH = 11

    # vdb_update_meta_batch and vdb_update_meta_where.
    UPDATE_META = 12

    # vdb_recommend.
    RECOMMEND = 13

    # vdb_search_diverse.
    DIVERSE = 14

    # vdb_search_groups.
    GROUPS = 15

    # A page of a cursor: vdb_cursor_next.
    PAGE = 16


class LogLevel(enum.IntEnum):
    """How much a line of the log matters (VDB_OPT_LOG_LEVEL)."""

    # Something is lost or does not work any more: damage, a write of unknown fate.
    ERROR = 1

    # Something works worse than it could: a limit was reached, a search was slow.
    WARN = 2

    # What the database does by itself: recovery, checkpoints, compaction, training.
    INFO = 3


OptionValue = Union[int, float, str, bool]


class Options(TypedDict, total=False):
    """Options of a database, the keywords of `vdb.open`. Enums by name (metric="cosine") or number."""

    # Components of a vector, 1-65536. Needed to create a database.
    dim: OptionValue

    # One of `enum vdb_metric`; default L2SQ.
    metric: OptionValue

    # One of `enum vdb_scalar`: how components are stored; default F32.
    scalar: OptionValue

    # One of `enum vdb_quant`; default AUTO.
    quant: OptionValue

    # Subspaces of VDB_QUANT_PQ, at most one for each component; 0 = one for each four; default 0.
    pq_subspaces: OptionValue

    # One of `enum vdb_originals`; default KEEP.
    originals: OptionValue

    # Columns of metadata with their types, a text as in "year i64, tags string[], author.name string, place geo"
    # (vdb_options_set_text, vdb_option_get_text); default: none.
    #
    # Paths are those of filters (docs/filters.md). Types are string, i64, f64, bool, timestamp (whole milliseconds since
    # 1970-01-01 UTC), string[] and geo (an object with lat and lon in degrees). A call that writes a row whose
    # metadata has a value of another type at such a path is VDB_ERR_INVALID_ARGUMENT and changes nothing; missing values
    # and null are of any type. The background thread reads these columns out of the JSON before a filter asks for
    # them, as far as VDB_OPT_COLUMN_BYTES has room. At most 256; their order does not matter.
    columns: OptionValue

    # Links of a node on upper levels, twice as many on level 0; 2-256, default 16.
    m: OptionValue

    # Breadth of the search that finds the links of a new node; 8-4096, default 200.
    ef_construction: OptionValue

    # Breadth of a search that gives none of its own; 1-100000, default 64.
    ef_search: OptionValue

    # Seed of the level of each row; default 42.
    seed: OptionValue

    # Rows from which on a graph is built; below, searches scan; default 2000.
    graph_min_rows: OptionValue

    # Share of dead nodes at which the graph is consolidated; 0.01-1, default 0.1.
    consolidate_ratio: OptionValue

    # Recall of a search that gives neither an ef nor a recall of its own, see
    # vdb_search_params_t.target_recall; 0-0.9999, default 0 (by ef).
    target_recall: OptionValue

    # One of `enum vdb_profile`: what M and EF_CONSTRUCTION are when they are not set; default
    # DEFAULT. A database keeps those numbers, not the profile: it reports the profile that
    # they belong to, DEFAULT where that is none.
    profile: OptionValue

    # 1 = vdb_open creates a database that is not there; default 1.
    create: OptionValue

    # 1 = vdb_open only reads, beside the process that writes: it creates, locks and
    # changes nothing, and vdb_refresh moves the handle on; default 0.
    read_only: OptionValue

    # 1 = files are mapped, 0 = read into memory (for files you do not trust); default 1.
    mmap: OptionValue

    # One of `enum vdb_durability`; default FULL.
    durability: OptionValue

    # Size of the write-ahead log that starts a checkpoint; from 1 MiB, default 256 MiB.
    wal_limit_bytes: OptionValue

    # 1 = vdb_open reads and checks every byte before it returns; default 0: each block at its first use, and what
    # fits a quarter of memory in the background, so that damage nobody asks for shows as VDB_ERR_CORRUPT too.
    verify_on_open: OptionValue

    # Share of dead rows at which a chunk is rewritten; 0.05-1, default 0.3.
    compact_ratio: OptionValue

    # Longest metadata of a row in bytes, up to 16776701; longer ones are VDB_ERR_LIMIT; default 1 MiB.
    max_meta_bytes: OptionValue

    # Rows that may wait for the graph (`unindexed` in vdb_stats_t) when a call inserts or replaces
    # more, 0 = any number; default 0.
    #
    # Rows are written faster than they are linked, and those not linked are scanned by every
    # search. With a limit a call that finds more of them than this does what
    # VDB_OPT_WHEN_BEHIND says. It is looked at when a call begins, so its own batch, and those of calls
    # beside it, may pass the limit; so may rows that graph work leaves for its next step (up to
    # VDB_OPT_GRAPH_MIN_ROWS at first, then a sixteenth of the graph, but 1024 to 16384 rows, from a million rows on a
    # 64th) or has no memory for. Deletes never wait.
    max_unindexed: OptionValue

    # One of `enum vdb_when_behind`: what a call does while more than VDB_OPT_MAX_UNINDEXED rows
    # wait for the graph; default BLOCK.
    when_behind: OptionValue

    # Threads that build the graph, share large batches of queries and verify files after an open, 0 = one for each core; default 0.
    threads: OptionValue

    # Bytes of memory the database may take, 0 = no limit, else from 16 MiB; default 0.
    #
    # Counted is what grows with the data: rows, ids, codes, graph, batches on their way,
    # working memory of searches (an eighth of the limit is theirs). Mapped files are not:
    # the system takes their pages back when it needs them. A batch that does not fit is
    # VDB_ERR_LIMIT and changes nothing; before that, what is in checkpoint files is left to
    # them, so that a database on disk can be many times the limit; near it a batch may wait
    # for a checkpoint and for the graph work under way. Reads and deletes go on.
    # Graph work that does not fit is put off (`unindexed` in vdb_stats_t; such rows are
    # scanned) and vdb_wait_indexed is VDB_ERR_LIMIT. Not counted, so that the process may
    # take as much more: 16 MiB, 1 MiB a thread, 1 bit a row, 300 bytes a chunk of rows, and
    # in vdb_open the longest record of the log.
    max_memory: OptionValue

    # 1 = what searches walk (codes and links) is copied from mapped files into memory, in
    # huge pages, by the background thread and once after vdb_open, when searches have computed
    # as many distances as the graph has nodes; 0 = they go on in the files; default 1.
    #
    # Searches are faster then. Nothing is copied where it takes more than a
    # quarter of the machine's memory or half of what VDB_OPT_MAX_MEMORY leaves, and where the
    # database is only read.
    resident: OptionValue

    # Bytes of answers that are kept for searches that ask the same again, 0 = none, else from 64 KiB; default 0.
    #
    # For vdb_search, vdb_search_exact and vdb_search_range where the same queries come often and writes seldom: an
    # answer is used again for the same query, parameters and filter handle, until a row or the graph changes, so it is
    # never out of date. Answers are the same as without. Those that are VDB_PARTIAL are not kept. The memory counts as
    # the database's (VDB_OPT_MAX_MEMORY), is taken as answers come, and is given back first where memory is short.
    cache_bytes: OptionValue

    # Microseconds from which on a search (vdb_search, vdb_search_exact, vdb_search_range; a call, however many
    # queries it has) is counted in `slow_queries` of vdb_stats_t and has a line in the log; default 0: never.
    slow_query_us: OptionValue

    # Bytes of log lines that wait for vdb_log_read, 0 = no log, else from 1 KiB; default 65536. Memory is
    # taken as lines come. Where more come, the oldest go and are counted.
    log_bytes: OptionValue

    # How much a line matters at least to be in the log, one of `enum vdb_log_level`; default INFO: all lines.
    log_level: OptionValue

    # Bytes of columns that are kept of metadata: what filters (vdb_filter_parse) look at is read out of the JSON once
    # and kept for the next filter, some 1 to 4 bytes a row and the distinct values, or 4 to 8 bytes a row of numbers that
    # differ (vdb_columns_get); the least recently used go first; 0 keeps none; default 256 MiB, which count as working memory of searches (VDB_OPT_MAX_MEMORY).
    column_bytes: OptionValue


class SearchParams(TypedDict, total=False):
    """How a search runs, the keywords of a search."""

    # Breadth of the graph search, at most 100000; 0 means VDB_OPT_EF_SEARCH. At least k is used.
    ef: Optional[int]

    # Candidates whose exact distance is computed, at most VDB_MAX_K; 0 means max(2k, k + 10), and with
    # VDB_QUANT_PQ and VDB_QUANT_RABITQ max(10k, k + 50, ef).
    # At least k is used.
    rerank: Optional[int]

    # Share of the true neighbours to find on average, above 0 and at most 0.9999, instead of
    # an ef: how far the search must go for it is measured on the data as the graph grows.
    # 0 means VDB_OPT_TARGET_RECALL. Not together with ef.
    target_recall: Optional[float]

    # Time limit in microseconds; 0 means none. The search then returns VDB_PARTIAL.
    deadline_us: Optional[int]

    # Cancels the search, which then returns VDB_PARTIAL; may be NULL.
    task: Optional["Task"]

    # Rows that may be results; NULL means all. Where k rows pass, k are found.
    filter: Optional["Filter"]

    # State to search, of this handle; NULL means the newest.
    snapshot: Optional["Snapshot"]

    # Bytes of working memory that each query may take; 0 means no limit but VDB_OPT_MAX_MEMORY.
    #
    # Counted are 16 bytes a result, the query itself in three forms (some 10 bytes a component), 8 bytes a candidate
    # (ef and rerank) and two bits a row of the graph; not what a filter keeps for later searches, nor the caller's
    # arrays. A search that would need more first goes without what only saves time: sketches, more threads, comparing by codes.
    # Then it walks with fewer candidates and returns VDB_PARTIAL. Where no walk fits at all, all rows that
    # pass are compared, which finds everything and takes longer: set a deadline too. Where not even the k results
    # fit it is VDB_ERR_LIMIT. vdb_search_range returns VDB_PARTIAL with the nearest rows where more are within the
    # distance than fit.
    max_memory: Optional[int]

    # Compare with every row instead of walking the graph.
    exact: bool

    # Neither take the answer from the cache (VDB_OPT_CACHE_BYTES) nor leave it there.
    no_cache: bool


class OptionInfo(NamedTuple):
    """One line of the table of options."""

    # Number, one of `enum vdb_option`.
    id: int

    # One of `enum vdb_option_type`.
    value_type: int

    # Bits of `enum vdb_option_flag`.
    flags: int

    # Name for vdb_options_set_text, e.g. "hnsw.m". Static.
    name: str

    # One sentence. Static.
    help: str

    # Values of an enum as "l2sq=1 ip=2", NULL for other types. Static.
    values: Optional[str]

    # Value when it is not set; 0 for a text, which is empty then.
    default_value: float

    # Smallest value; of a text its length in bytes, as in the next one.
    min_value: float

    # Largest value.
    max_value: float


class Stats(NamedTuple):
    """A picture of a database. Grows at the end."""

    # Components of a vector.
    dim: int

    # Rows that a search can return.
    live: int

    # Deleted and replaced rows whose space is not reclaimed yet.
    deleted: int

    # Live rows that are not in the graph yet and are scanned.
    unindexed: int

    # Nodes of the graph, deleted ones that are still linked included.
    graph_nodes: int

    # Nodes that a walk through the whole graph did not reach, 0 if all is well; UINT64_MAX
    # while there is work on the graph and nothing was walked yet.
    graph_unreachable: int

    # Bytes of vectors.
    bytes_vectors: int

    # Bytes of codes.
    bytes_codes: int

    # Bytes of links.
    bytes_graph: int

    # Bytes of ids.
    bytes_ids: int

    # Bytes of the write-ahead log.
    bytes_wal: int

    # Bytes mapped from files; they are not counted against the process until touched.
    bytes_mapped: int

    # Queries since the database was opened.
    searches: int

    # Distances computed by them.
    distance_computations: int

    # Number of the last batch that was acknowledged.
    lsn: int

    # Number of the last batch that is in checkpoint files.
    checkpoint_lsn: int

    # Checkpoints written since the database was opened.
    checkpoints: int

    # Chunks rewritten since then to reclaim the space of deleted rows.
    compactions: int

    # Chunks the rows are stored in.
    chunks: int

    # Bytes of memory in use, as VDB_OPT_MAX_MEMORY counts them.
    bytes_memory: int

    # The limit on them, VDB_OPT_MAX_MEMORY; 0 = none.
    bytes_memory_max: int

    # VDB_OPT_ORIGINALS, one of `enum vdb_originals`.
    originals: int

    # Rows that a search can return and whose vectors were given up: what their codes stand for is
    # returned and compared.
    decoded: int

    # Bytes of keys and metadata, what was replaced and is not reclaimed yet included.
    bytes_records: int

    # Bytes of columns of metadata that filters look at (VDB_OPT_COLUMN_BYTES).
    bytes_columns: int

    # Snapshots that are not freed.
    snapshots: int

    # When the last checkpoint since the database was opened was written, in milliseconds since 1970-01-01 UTC; 0 =
    # none was.
    checkpoint_unix_ms: int

    # Searches that took VDB_OPT_SLOW_QUERY_US or longer.
    slow_queries: int

    # Lines of the log that went unread because it was full (VDB_OPT_LOG_BYTES).
    log_lines_dropped: int

    # Queries that were answered from the cache (VDB_OPT_CACHE_BYTES).
    cache_hits: int

    # Queries that looked there and found nothing.
    cache_misses: int

    # Bytes that the cache takes, a part of `bytes_memory`.
    bytes_cache: int


class Latency(NamedTuple):
    """How long calls of one kind took since the database was opened, in nanoseconds; those that failed are left out.
    A search that ended by its deadline has not failed. Grows at the end.
    """

    # The kind, one of `enum vdb_call`.
    call: int

    # Number of calls.
    count: int  # type: ignore[assignment]

    # Their mean.
    mean_ns: int

    # Half of the calls took no longer. This and the next two are at most 3.2 % off.
    p50_ns: int

    # 95 of 100 calls took no longer.
    p95_ns: int

    # 99 of 100 calls took no longer.
    p99_ns: int

    # The longest call.
    max_ns: int

    # All calls together: the difference between two readings, over that of `count`, is a mean of what was between.
    sum_ns: int
