"""The database: every function of the library that takes one, with arrays of numpy in and out."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple, Union

import numpy as np

from ._arrays import Vectors, floats, u64, vectors_in
from ._calls import Progress, run
from ._error import Error
from ._native import NULL, check, failure, ffi, lib, new_error, raise_from
from ._types import CheckLevel, SearchFlag, Stats
from ._writes import Writes
from .handles import Filter, Handle, Task
from .options import OptionSet
from .results import RangeResult, Recall, SearchResult

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._types import Options, OptionValue, SearchParams

Path = Union[str, bytes, "os.PathLike[str]"]

# Queries from which on a call may last long enough for somebody to press Ctrl-C.
_LONG_QUERIES = 256
_LONG_EXACT_QUERIES = 8


def open(
    path: Optional[Path] = None,
    *,
    options: Optional[Mapping[str, "OptionValue"]] = None,
    **keywords: "Unpack[Options]",
) -> "Database":
    """Opens the database in the directory `path`, or a new one in memory without one.

    Options are keywords, dim=384, metric="cosine", read_only=True, or stand in `options` by their full
    names, {"hnsw.m": 32}; vdb.option_table() lists them. A new database needs `dim`.
    """
    with OptionSet({**(options or {}), **keywords}) as chosen:
        name = NULL if path is None else os.fsencode(path)
        place, error = ffi.new("vdb **"), new_error()
        check(lib.vdb_open(name, chosen.capi(), place, error), error)
    return Database(place[0])


def repair(
    source: Path,
    target: Path,
    *,
    options: Optional[Mapping[str, "OptionValue"]] = None,
    task: Optional[Task] = None,
    progress: Optional[Progress] = None,
) -> Dict[str, Any]:
    """Makes a new database in `target` of all that can be read of the damaged one in `source`.

    Returns the report; `report["complete"]` says whether every row was saved. `options` (dim, metric,
    scalar) are needed only when no manifest is whole.
    """
    chosen = OptionSet(options)
    buffer, length, error = ffi.new("char[]", lib.VDB_REPAIR_REPORT_MAX), ffi.new("size_t *"), new_error()
    names = os.fsencode(source), os.fsencode(target)

    def call(task_pointer: Any) -> int:
        return lib.vdb_repair(*names, chosen.capi(), buffer, len(buffer), length, task_pointer, error)

    with chosen:
        check(run(call, task, progress), error)
    report: Dict[str, Any] = json.loads(ffi.unpack(buffer, length[0]))
    return report


def _close_quietly(pointer: Any) -> None:
    lib.vdb_close(pointer, NULL)


class Database(Writes):
    """An open database, made by vdb.open. Any thread may call anything at any time.

    A call without the GIL lets other threads of Python run. `close` (or the end of a `with`) writes a
    checkpoint and frees the directory; every later call raises ClosedError.
    """

    __slots__ = ()

    def __init__(self, pointer: Any):
        super().__init__(pointer, _close_quietly)
        self._learn()

    # ---- Life

    def close(self) -> None:
        """Closes: waits for calls in progress and makes everything durable. Closing twice does nothing."""
        if self._finalizer.detach() is not None:
            error = new_error()
            check(lib.vdb_close(self._pointer, error), error)

    def __repr__(self) -> str:
        state = ", closed" if self.closed else ""
        return f"<vdb.Database dim={self.dim} metric={self.metric.name.lower()} scalar={self.scalar.name.lower()}{state}>"

    # ---- Search

    def count(self, filter: Optional[Filter] = None) -> int:
        """Rows that a search can return: all, or those that a filter lets pass."""
        value, error = ffi.new("uint64_t *"), new_error()
        check(lib.vdb_count(self.capi(), filter.capi() if filter else NULL, value, error), error)
        return value[0]

    def search(
        self, queries: Any, k: int = 10, *, scalar: Union[str, int, None] = None, copy: bool = False,
        **params: "Unpack[SearchParams]",
    ) -> SearchResult:
        """Finds the `k` nearest rows of each query, nearest first: `ids, distances = db.search(query, 10)`.

        One vector or a row for each query, of the types that insert takes. Keywords: `ef` or `target_recall`
        (how far to look), `rerank`, `exact`, `filter`, `deadline_us`, `task`.
        """
        return self._search(lib.vdb_search, queries, k, scalar, copy, params, bool(params.get("exact")))

    def search_exact(
        self, queries: Any, k: int = 10, *, scalar: Union[str, int, None] = None, copy: bool = False,
        **params: "Unpack[SearchParams]",
    ) -> SearchResult:
        """As search, but compares each query with every row."""
        return self._search(lib.vdb_search_exact, queries, k, scalar, copy, params, True)

    def _search(
        self, function: Any, queries: Any, k: int, scalar: Union[str, int, None], copy: bool,
        params: Mapping[str, Any], exact: bool,
    ) -> SearchResult:
        db, error = self.capi(), new_error()
        rows = vectors_in(queries, self.scalar, self.dim, scalar, copy, "queries")
        ids, distances = _places(k if rows.single else (rows.rows, k), k)
        counts = np.empty(rows.rows, np.uint32)
        c_params, task = (NULL, None) if not params and rows.scalar is self.scalar else _params(params, rows)

        def call(c_params: Any) -> int:
            return function(
                db, rows.pointer, rows.rows, rows.dim, rows.stride, k, c_params, u64(ids), floats(distances),
                ffi.from_buffer("uint32_t[]", counts), error)

        if rows.rows >= (_LONG_EXACT_QUERIES if exact else _LONG_QUERIES):
            status = _run_search(call, c_params, rows, task)
        else:
            status = call(c_params)
        if status:
            check(status, error)
        if rows.single and counts[0] < k:
            found = int(counts[0])
            ids, distances = ids[:found], distances[:found]
        return SearchResult(ids, distances, counts, status == _PARTIAL)

    def search_range(
        self, query: Any, max_distance: float, cap: int = 1000, *, scalar: Union[str, int, None] = None,
        copy: bool = False, **params: "Unpack[SearchParams]",
    ) -> RangeResult:
        """All rows within `max_distance` of one query, nearest first, at most `cap`."""
        db, error = self.capi(), new_error()
        rows = vectors_in(query, self.scalar, self.dim, scalar, copy, "query")
        if rows.rows != 1:
            raise ValueError(f"query: {rows.rows} rows, wanted is one")
        ids, distances = _places(cap, cap)
        c_params, _ = _params(params, rows)
        count = ffi.new("size_t *")
        status = check(lib.vdb_search_range(
            db, rows.pointer, rows.dim, max_distance, cap, c_params, u64(ids), floats(distances), count, error), error)
        found = min(count[0], cap)
        return RangeResult(ids[:found], distances[:found], count[0] > cap, status == _PARTIAL)

    def measure_recall(
        self, queries: Any = 100, k: int = 10, *, scalar: Union[str, int, None] = None, copy: bool = False,
        progress: Optional[Progress] = None, **params: "Unpack[SearchParams]",
    ) -> Recall:
        """The share of the true `k` nearest rows that a search finds with these parameters.

        `queries`: vectors, or a number of stored rows to look for instead.
        """
        db, error = self.capi(), new_error()
        sampled = isinstance(queries, (int, np.integer))
        rows = None if sampled else vectors_in(queries, self.scalar, self.dim, scalar, copy, "queries")
        c_params, task = _params(params, rows)
        values = ffi.new("double[3]")
        where = (NULL, int(queries), self.dim, 0) if rows is None else (rows.pointer, rows.rows, rows.dim, rows.stride)

        def call(task_pointer: Any) -> int:
            return lib.vdb_measure_recall(
                db, *where, k, c_params, values, values + 1, values + 2, task_pointer, error)

        check(run(call, task, progress), error)
        return Recall(*values)

    # ---- Maintenance

    def sync(self) -> None:
        """Makes all batches so far as safe as durability="full" would have."""
        self._plain(lib.vdb_sync)

    def checkpoint(self, *, task: Optional[Task] = None, progress: Optional[Progress] = None) -> None:
        """Writes the current state as immutable files and shortens the log."""
        self._job(lib.vdb_checkpoint, task, progress)

    def wait_indexed(self, *, task: Optional[Task] = None, progress: Optional[Progress] = None) -> None:
        """Waits until every row is in the graph. Rows can be found before that."""
        self._job(lib.vdb_wait_indexed, task, progress)

    def refresh(self) -> None:
        """Moves a read-only handle to the newest state that the writer has committed."""
        self._plain(lib.vdb_refresh)

    def check(
        self, level: Union[str, int] = "structure", *, task: Optional[Task] = None,
        progress: Optional[Progress] = None,
    ) -> Dict[str, Any]:
        """Checks whether the database is whole: "checksums", "structure" or "recall". Returns the report.

        Damage raises CorruptError, whose `report` has all that was found.
        """
        db, error = self.capi(), new_error()
        number = CheckLevel[level.upper()] if isinstance(level, str) else level
        buffer, length = ffi.new("char[]", lib.VDB_CHECK_REPORT_MAX), ffi.new("size_t *")

        def call(task_pointer: Any) -> int:
            return lib.vdb_check(db, number, buffer, len(buffer), length, task_pointer, error)

        status = run(call, task, progress)
        report: Dict[str, Any] = json.loads(ffi.unpack(buffer, length[0])) if length[0] else {}
        if status < 0:
            try:
                raise_from(status, error)
            except Error as made:
                made.report = report
                raise
        return report

    def stats(self) -> Stats:
        """Statistics at this moment."""
        stats, error = ffi.new("vdb_stats_t *"), new_error()
        stats.struct_size = ffi.sizeof("vdb_stats_t")
        check(lib.vdb_stats_get(self.capi(), stats, error), error)
        return Stats(*(getattr(stats, name) for name in Stats._fields))


def _places(shape: Union[int, Tuple[int, int]], k: int) -> Tuple[np.ndarray, np.ndarray]:
    """Arrays for results, after a look at `k`: the library would see it after they were made."""
    if not 0 <= k <= _MAX_K:
        raise failure(lib.VDB_ERR_LIMIT, f"k = {k} is outside 0..{_MAX_K}")
    return np.empty(shape, np.uint64), np.empty(shape, np.float32)


def _run_search(call: Callable[[Any], int], c_params: Any, rows: Vectors, task: Optional[Task]) -> int:
    """A search long enough to be interrupted, by the task in its parameters."""
    if not c_params:
        c_params, _ = _params({}, rows)

    def with_task(task_pointer: Any) -> int:
        c_params.task = task_pointer
        return call(c_params)

    return run(with_task, task)


def _params(params: Mapping[str, Any], rows: Optional[Vectors]) -> Tuple[Any, Optional[Task]]:
    """The parameters of a search as the library takes them, and its task."""
    made = ffi.new("vdb_search_params_t *")
    made.struct_size = _PARAMS_SIZE
    made.query_scalar = rows.scalar if rows is not None else 0
    for name, value in params.items():
        if name.upper() in SearchFlag.__members__:
            made.flags |= SearchFlag[name.upper()] if value else 0
        elif name not in _PARAM_NAMES:
            raise TypeError(f"{name!r} is no parameter of a search; known are {', '.join(sorted(_PARAM_NAMES))}")
        elif value is not None:
            setattr(made, name, value.capi() if isinstance(value, Handle) else value)
    return made, params.get("task")


_MAX_K, _PARTIAL = lib.VDB_MAX_K, lib.VDB_PARTIAL
_PARAMS_SIZE = ffi.sizeof("vdb_search_params_t")
_PARAM_NAMES = {name for name, _ in ffi.typeof("vdb_search_params_t").fields} - {"struct_size", "query_scalar", "flags"}
