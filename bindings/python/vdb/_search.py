"""Searches of Database: by vectors, by rows, by examples, one page after the other, and over several databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ._arrays import Vectors, floats, ids_in, u64, vectors_in
from ._calls import Progress, run
from ._core import Core, Ids
from ._fast import search as fast_search
from ._native import NULL, check, failure, ffi, lib, new_error
from ._types import SearchFlag
from .handles import Filter, Handle, Snapshot, Task, pointer_of
from .results import ManyResult, Page, RangeResult, Recall, SearchResult

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._types import SearchParams

# Queries from which on a call may last long enough for somebody to press Ctrl-C.
_LONG_QUERIES = 256
_LONG_EXACT_QUERIES = 8
_MAX_K, _PARTIAL = lib.VDB_MAX_K, lib.VDB_PARTIAL
_U32_ARRAY = ffi.typeof("uint32_t[]")
_PARAMS_SIZE = ffi.sizeof("vdb_search_params_t")
_PARAM_NAMES = {name for name, _ in ffi.typeof("vdb_search_params_t").fields} - {"struct_size", "query_scalar", "flags"}
_HANDLES = {"filter": Filter, "snapshot": Snapshot, "task": Task}
_FLAGS = {name.lower(): int(flag) for name, flag in SearchFlag.__members__.items()}


class Searches(Core):
    """The part of Database that finds rows."""

    __slots__ = ()

    def count(self, filter: Optional[Filter] = None, *, snapshot: Optional[Snapshot] = None) -> int:
        """Rows that a search can return: all, or those that a filter lets pass."""
        value, error, rule = ffi.new("uint64_t *"), new_error(), pointer_of(filter, Filter, "filter")
        if snapshot is None:
            check(lib.vdb_count(self.capi(), rule, value, error), error)
        else:
            check(lib.vdb_count_at(self.capi(), pointer_of(snapshot, Snapshot, "snapshot"), rule, value, error), error)
        return value[0]

    def search(
        self, queries: Any, k: int = 10, *, scalar: Union[str, int, None] = None, copy: bool = False,
        **params: "Unpack[SearchParams]",
    ) -> SearchResult:
        """Finds the `k` nearest rows of each query, nearest first: `ids, distances = db.search(query, 10)`.

        One vector or a row for each query, of the types that insert takes. Keywords: `ef` or `target_recall`
        (how far to look), `rerank`, `exact`, `filter`, `snapshot`, `deadline_us`, `max_memory`, `task`.
        """
        if scalar is None:
            found = fast_search(self._number, queries, k, params, self._stores_f32)
            if found is not None:
                return found
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
        c_params, task = (NULL, None) if not params and rows.scalar is self.scalar else search_params(params, rows)

        def call(c_params: Any) -> int:
            return function(
                db, rows.pointer, rows.rows, rows.dim, rows.stride, k, c_params, u64(ids), floats(distances),
                _u32(counts), error)

        if rows.rows >= (_LONG_EXACT_QUERIES if exact else _LONG_QUERIES):
            status = _run_search(call, c_params, rows, task)
        else:
            status = call(c_params)
        if status:
            check(status, error)
        if rows.single and counts[0] < k:
            ids, distances = _first(ids, counts[0]), _first(distances, counts[0])
        return SearchResult(ids, distances, counts, status == _PARTIAL)

    def search_range(
        self, query: Any, max_distance: float, cap: int = 1000, *, scalar: Union[str, int, None] = None,
        copy: bool = False, **params: "Unpack[SearchParams]",
    ) -> RangeResult:
        """All rows within `max_distance` of one query, nearest first, at most `cap`."""
        db, error = self.capi(), new_error()
        rows = one_query(vectors_in(query, self.scalar, self.dim, scalar, copy, "query"))
        ids, distances = _places(cap, cap)
        c_params, _ = search_params(params, rows)
        count = ffi.new("size_t *")
        status = check(lib.vdb_search_range(
            db, rows.pointer, rows.dim, max_distance, cap, c_params, u64(ids), floats(distances), count, error), error)
        found = min(count[0], cap)
        return RangeResult(_first(ids, found), _first(distances, found), count[0] > cap, status == _PARTIAL)

    def search_ids(self, ids: Ids, k: int = 10, *, copy: bool = False, **params: "Unpack[SearchParams]") -> SearchResult:
        """Finds the `k` rows nearest to each of these rows, which is left out itself. One id is one query."""
        db, error = self.capi(), new_error()
        row_ids = ids_in(ids, copy)
        single = isinstance(ids, (int, np.integer))
        found, distances = _places(k if single else (row_ids.size, k), k)
        counts = np.empty(row_ids.size, np.uint32)
        c_params, task = search_params(params, None)

        def call(c_params: Any) -> int:
            return lib.vdb_search_ids(
                db, u64(row_ids), row_ids.size, k, c_params, u64(found), floats(distances), _u32(counts), error)

        long = row_ids.size >= _LONG_QUERIES
        status = check(_run_search(call, c_params, None, task) if long else call(c_params), error)
        if single:
            found, distances = _first(found, counts[0]), _first(distances, counts[0])
        return SearchResult(found, distances, counts, status == _PARTIAL)

    def recommend(
        self, positive: Ids, negative: Ids = (), k: int = 10, *, copy: bool = False, **params: "Unpack[SearchParams]",
    ) -> SearchResult:
        """Finds the `k` rows that are most like the rows `positive` and unlike the rows `negative`; none of these is a result."""
        more, less = ids_in(positive, copy), ids_in(negative, copy)
        return self._chosen(params, None, k, lambda *to: lib.vdb_recommend(
            self.capi(), u64(more), more.size, u64(less), less.size, k, *to))

    def search_diverse(
        self, query: Any, k: int = 10, *, candidates: int = 0, lambda_: float = 0.5, scalar: Union[str, int, None] = None,
        copy: bool = False, **params: "Unpack[SearchParams]",
    ) -> SearchResult:
        """Chooses `k` rows near the query and not too near to each other, of the nearest `candidates` (0: 4k).

        Maximal marginal relevance: `lambda_` 1 gives the nearest rows, 0 those farthest apart. The rows are
        in the order in which they were chosen.
        """
        rows = one_query(vectors_in(query, self.scalar, self.dim, scalar, copy, "query"))
        return self._chosen(params, rows, k, lambda *to: lib.vdb_search_diverse(
            self.capi(), rows.pointer, rows.dim, k, candidates, lambda_, *to))

    @staticmethod
    def _chosen(params: Mapping[str, Any], rows: Optional[Vectors], k: int, call: Callable[..., int]) -> SearchResult:
        """A search with one list of results."""
        error, counts = new_error(), np.zeros(1, np.uint32)
        ids, distances = _places(k, k)
        c_params, _ = search_params(params, rows)
        status = check(call(c_params, u64(ids), floats(distances), _u32(counts), error), error)
        return SearchResult(_first(ids, counts[0]), _first(distances, counts[0]), counts, status == _PARTIAL)

    def search_groups(
        self, query: Any, path: str, groups: int = 10, per_group: int = 1, *, scalar: Union[str, int, None] = None,
        copy: bool = False, **params: "Unpack[SearchParams]",
    ) -> SearchResult:
        """Finds the best groups of rows, and of each the nearest rows.

        Rows with the same string, number or boolean at `path` of their metadata ("author.name") are one group. The
        result has a row for each group found, nearest group first.
        """
        db, error, name = self.capi(), new_error(), path.encode("utf-8")
        rows = one_query(vectors_in(query, self.scalar, self.dim, scalar, copy, "query"))
        ids, distances = _places((groups, per_group), groups * per_group)
        counts, count = np.zeros(groups, np.uint32), ffi.new("uint32_t *")
        c_params, _ = search_params(params, rows)
        status = check(lib.vdb_search_groups(
            db, rows.pointer, rows.dim, name, len(name), groups, per_group, c_params, u64(ids), floats(distances),
            _u32(counts), count, error), error)
        found = count[0]
        return SearchResult(_first(ids, found), _first(distances, found), _first(counts, found), status == _PARTIAL)

    def cursor_search(
        self, query: Any, *, scalar: Union[str, int, None] = None, copy: bool = False, **params: "Unpack[SearchParams]",
    ) -> Cursor:
        """A cursor through all rows, nearest to the query first."""
        rows = one_query(vectors_in(query, self.scalar, self.dim, scalar, copy, "query"))
        c_params, _ = search_params(params, rows)
        return Cursor(lambda *to: lib.vdb_cursor_search(self.capi(), rows.pointer, rows.dim, c_params, *to))

    def cursor_scan(self, filter: Optional[Filter] = None, *, snapshot: Optional[Snapshot] = None) -> Cursor:
        """A cursor through all rows, or those that a filter lets pass, in the order of their ids."""
        rule = pointer_of(filter, Filter, "filter")
        if snapshot is None:
            return Cursor(lambda *to: lib.vdb_cursor_scan(self.capi(), rule, *to))
        at = pointer_of(snapshot, Snapshot, "snapshot")
        return Cursor(lambda *to: lib.vdb_cursor_scan_at(self.capi(), at, rule, *to))

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
        c_params, task = search_params(params, rows)
        values = ffi.new("double[3]")
        where = (NULL, int(queries), self.dim, 0) if rows is None else (rows.pointer, rows.rows, rows.dim, rows.stride)

        def call(task_pointer: Any) -> int:
            return lib.vdb_measure_recall(
                db, *where, k, c_params, values, values + 1, values + 2, task_pointer, error)

        check(run(call, task, progress), error)
        return Recall(*values)


def search_many(
    databases: Sequence[Searches], queries: Any, k: int = 10, *, scalar: Union[str, int, None] = None, copy: bool = False,
    **params: "Unpack[SearchParams]",
) -> ManyResult:
    """Finds the `k` nearest rows of each query among those of all databases, as if they were one.

    They must have the same metric and dimension. `sources` has the place in `databases` of each row found.
    """
    first, error = (databases[0] if databases else None), new_error()
    stored, dim = (first.scalar, first.dim) if first else (None, 0)
    rows = vectors_in(queries, stored, dim, scalar, copy, "queries")
    shape = k if rows.single else (rows.rows, k)
    ids, distances = _places(shape, k)
    sources, counts = np.empty(shape, np.uint32), np.empty(rows.rows, np.uint32)
    pointers = ffi.new("vdb *[]", [_handle_of(databases, i) for i in range(len(databases))])
    c_params, task = search_params(params, rows)

    def call(c_params: Any) -> int:
        return lib.vdb_search_many(
            pointers, len(databases), rows.pointer, rows.rows, rows.dim, rows.stride, k, c_params, u64(ids),
            floats(distances), _u32(sources), _u32(counts), error)

    long = rows.rows >= _LONG_QUERIES
    status = check(_run_search(call, c_params, rows, task) if long else call(c_params), error)
    if rows.single:
        ids, distances, sources = (_first(array, counts[0]) for array in (ids, distances, sources))
    return ManyResult(ids, distances, counts, status == _PARTIAL, sources)


def _handle_of(databases: Sequence[Searches], place: int) -> Any:
    try:
        return databases[place].capi()
    except Exception as error:
        if getattr(error, "item", 0) is None:
            error.item = place  # type: ignore[attr-defined]
        raise


class Cursor(Handle):
    """Rows one page after the other, of the state that the database had when the cursor was made.

    `for page in cursor` gives pages of up to 1,000 rows, `next(cap)` one of up to `cap`. Closing the database
    does not end it; until it is closed it keeps the memory and the files of that state.
    """

    __slots__ = ()

    def __init__(self, make: Callable[..., int]):
        place, error = ffi.new("vdb_cursor **"), new_error()
        check(make(place, error), error)
        super().__init__(place[0], lib.vdb_cursor_free)

    def next(self, cap: int = 1000) -> Page:
        """The next rows, `cap` at most. A page without rows that is not partial is the end."""
        error, count = new_error(), ffi.new("size_t *")
        ids, distances = _places(cap, cap)
        status = check(lib.vdb_cursor_next(self.capi(), cap, u64(ids), floats(distances), count, error), error)
        return Page(_first(ids, count[0]), _first(distances, count[0]), status == _PARTIAL)

    def __iter__(self) -> Iterator[Page]:
        while True:
            page = self.next()
            if not page.ids.size and page.partial:
                raise failure(lib.VDB_ERR_DEADLINE, "the deadline or a task ended a page before its first row")
            if not page.ids.size:
                return
            yield page


def _u32(array: np.ndarray) -> Any:
    return ffi.from_buffer(_U32_ARRAY, array)


def one_query(rows: Vectors) -> Vectors:
    if rows.rows != 1:
        raise ValueError(f"query: {rows.rows} rows, wanted is one")
    return rows


def _places(shape: Union[int, Tuple[int, int]], k: int) -> Tuple[np.ndarray, np.ndarray]:
    """Arrays for results, after a look at `k`: the library would see it after they were made."""
    numbers = (k, *shape) if isinstance(shape, tuple) else (k,)
    for number in numbers:
        if not hasattr(number, "__index__"):
            raise TypeError(f"k = {number!r} is no whole number")
    if not 0 <= k <= _MAX_K or min(numbers) < 0:
        raise failure(lib.VDB_ERR_LIMIT, f"k = {k} is outside 0..{_MAX_K}")
    return np.empty(shape, np.uint64), np.empty(shape, np.float32)


def _first(array: np.ndarray, found: int) -> np.ndarray:
    """The first places, in memory of their own: a view would hold that of all."""
    return array if found == len(array) else array[:found].copy()


def _run_search(call: Callable[[Any], int], c_params: Any, rows: Optional[Vectors], task: Optional[Task]) -> int:
    """A search long enough to be interrupted, by the task in its parameters."""
    if not c_params:
        c_params, _ = search_params({}, rows)

    def with_task(task_pointer: Any) -> int:
        c_params.task = task_pointer
        return call(c_params)

    return run(with_task, task)


def _set_param(made: Any, name: str, value: Any) -> None:
    kind = _HANDLES.get(name)
    if kind is not None:
        setattr(made, name, pointer_of(value, kind, name))
        return
    try:
        setattr(made, name, value)
    except TypeError:
        raise TypeError(f"{name}: {value!r} is no number of its kind") from None
    except OverflowError:
        raise failure(lib.VDB_ERR_OUT_OF_RANGE, f"{name} = {value!r} does not fit: 0 or more is needed, and not that much") from None


def search_params(params: Mapping[str, Any], rows: Optional[Vectors]) -> Tuple[Any, Optional[Task]]:
    """The parameters of a search as the library takes them, and its task."""
    made = ffi.new("vdb_search_params_t *")
    made.struct_size = _PARAMS_SIZE
    made.query_scalar = rows.scalar if rows is not None else 0
    for name, value in params.items():
        if name in _PARAM_NAMES:
            if value is not None:
                _set_param(made, name, value)
        elif name in _FLAGS:
            made.flags |= _FLAGS[name] if value else 0
        else:
            raise TypeError(f"{name!r} is no parameter of a search; known are {', '.join(sorted(_PARAM_NAMES | _FLAGS.keys()))}")
    return made, params.get("task")
