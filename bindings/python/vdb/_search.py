"""Searches of Database: by vectors, by rows, by examples, one page after the other, and over several databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _lib as lib
from ._arrays import Vectors, ids_in, vectors_in
from ._calls import Progress, run
from ._core import Core, Ids
from ._lib import _search as fast_search
from ._native import failure, number
from ._types import SearchParams
from ._texts import bytes_of_text
from .handles import Filter, Handle, Snapshot, Task, number_of
from .results import ManyResult, Page, RangeResult, Recall, SearchResult

if TYPE_CHECKING:
    from typing_extensions import Unpack

# Queries from which on a call may last long enough for somebody to press Ctrl-C.
_LONG_QUERIES = 256
# More results than these, or candidates for them, of one query, do the same.
_LONG_PLACES = 1000
_LONG_EXACT_QUERIES = 8
_MAX_K, _PARTIAL = lib.VDB_MAX_K, lib.VDB_PARTIAL
_PARAM_NAMES = SearchParams.__annotations__.keys()
_HANDLES = {"filter": Filter, "snapshot": Snapshot, "task": Task}
# Parameters of a search as the library takes them.
_Params = Optional[Dict[str, Any]]


class Searches(Core):
    """The part of Database that finds rows."""

    __slots__ = ()

    def count(self, filter: Optional[Filter] = None, *, snapshot: Optional[Snapshot] = None) -> int:
        """Rows that a search can return: all, or those that a filter lets pass."""
        rows, rule = number(), number_of(filter, Filter, "filter")
        if snapshot is None:
            lib.vdb_count(self.capi(), rule, rows)
        else:
            lib.vdb_count_at(self.capi(), number_of(snapshot, Snapshot, "snapshot"), rule, rows)
        return int(rows[0])

    def search(
        self, queries: Any, k: int = 10, *, scalar: Union[str, int, None] = None, copy: bool = False,
        **params: "Unpack[SearchParams]",
    ) -> SearchResult:
        """Finds the `k` nearest rows of each query, nearest first: `ids, distances = db.search(query, 10)`.

        One vector or a row for each query, of the types that insert takes. Keywords: `ef` or `target_recall`
        (how far to look), `rerank`, `exact`, `filter`, `snapshot`, `deadline_us`, `max_memory`, `no_cache`, `task`.
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
        db = self.capi()
        rows = vectors_in(queries, self.scalar, self.dim, scalar, copy, "queries")
        ids, distances = _places(k if rows.single else (rows.rows, k), k)
        counts = np.empty(rows.rows, np.uint32)

        def call(c_params: _Params) -> int:
            status: int = function(
                db, rows.array, rows.rows, rows.dim, rows.stride, k, c_params, ids, distances, counts)
            return status

        long = rows.rows >= (_LONG_EXACT_QUERIES if exact else _LONG_QUERIES)
        made = search_params(params, rows) if params or long or rows.scalar is not self.scalar else None
        status = _run_search(call, made, params.get("task"), long)
        if rows.single and counts[0] < k:
            ids, distances = _first(ids, counts[0]), _first(distances, counts[0])
        return SearchResult(ids, distances, counts, status == _PARTIAL)

    def search_range(
        self, query: Any, max_distance: float, cap: int = 1000, *, scalar: Union[str, int, None] = None,
        copy: bool = False, **params: "Unpack[SearchParams]",
    ) -> RangeResult:
        """All rows within `max_distance` of one query, nearest first, at most `cap`."""
        rows = one_query(vectors_in(query, self.scalar, self.dim, scalar, copy, "query"))
        db, (ids, distances), count = self.capi(), _places(cap, cap, "cap"), number()

        def call(c_params: _Params) -> int:
            status: int = lib.vdb_search_range(db, rows.array, rows.dim, max_distance, cap, c_params, ids, distances, count)
            return status

        status = _run_search(call, search_params(params, rows), params.get("task"), cap > _LONG_PLACES)
        found = min(int(count[0]), cap)
        return RangeResult(_first(ids, found), _first(distances, found), int(count[0]) > cap, status == _PARTIAL)

    def search_ids(self, ids: Ids, k: int = 10, *, copy: bool = False, **params: "Unpack[SearchParams]") -> SearchResult:
        """Finds the `k` rows nearest to each of these rows, which is left out itself. One id is one query."""
        db = self.capi()
        row_ids = ids_in(ids, copy)
        single = isinstance(ids, (int, np.integer))
        found, distances = _places(k if single else (row_ids.size, k), k)
        counts = np.empty(row_ids.size, np.uint32)

        def call(c_params: _Params) -> int:
            status: int = lib.vdb_search_ids(db, row_ids, row_ids.size, k, c_params, found, distances, counts)
            return status

        status = _run_search(call, search_params(params, None), params.get("task"), row_ids.size >= _LONG_QUERIES)
        if single:
            found, distances = _first(found, counts[0]), _first(distances, counts[0])
        return SearchResult(found, distances, counts, status == _PARTIAL)

    def recommend(
        self, positive: Ids, negative: Ids = (), k: int = 10, *, copy: bool = False, **params: "Unpack[SearchParams]",
    ) -> SearchResult:
        """Finds the `k` rows that are most like the rows `positive` and unlike the rows `negative`; none of these is a result."""
        db, more, less = self.capi(), ids_in(positive, copy), ids_in(negative, copy)
        long = max(k, more.size + less.size) > _LONG_PLACES
        return self._chosen(params, None, k, long, lambda *to: lib.vdb_recommend(db, more, more.size, less, less.size, k, *to))

    def search_diverse(
        self, query: Any, k: int = 10, *, candidates: int = 0, lambda_: float = 0.5, scalar: Union[str, int, None] = None,
        copy: bool = False, **params: "Unpack[SearchParams]",
    ) -> SearchResult:
        """Chooses `k` rows near the query and not too near to each other, of the nearest `candidates` (0: 4k).

        Maximal marginal relevance: `lambda_` 1 gives the nearest rows, 0 those farthest apart. The rows are
        in the order in which they were chosen.
        """
        rows = one_query(vectors_in(query, self.scalar, self.dim, scalar, copy, "query"))
        db, long = self.capi(), max(k, candidates) > _LONG_PLACES
        return self._chosen(params, rows, k, long, lambda *to: lib.vdb_search_diverse(
            db, rows.array, rows.dim, k, candidates, lambda_, *to))

    @staticmethod
    def _chosen(
        params: Mapping[str, Any], rows: Optional[Vectors], k: int, long: bool, call: Callable[..., int],
    ) -> SearchResult:
        """A search with one list of results."""
        counts = np.zeros(1, np.uint32)
        ids, distances = _places(k, k)
        made = search_params(params, rows)
        status = _run_search(lambda c_params: call(c_params, ids, distances, counts), made, params.get("task"), long)
        return SearchResult(_first(ids, counts[0]), _first(distances, counts[0]), counts, status == _PARTIAL)

    def search_groups(
        self, query: Any, path: str, groups: int = 10, per_group: int = 1, *, scalar: Union[str, int, None] = None,
        copy: bool = False, **params: "Unpack[SearchParams]",
    ) -> SearchResult:
        """Finds the best groups of rows, and of each the nearest rows.

        Rows with the same string, number or boolean at `path` of their metadata ("author.name") are one group. The
        result has a row for each group found, nearest group first.
        """
        db, name = self.capi(), bytes_of_text(path, "path")
        rows = one_query(vectors_in(query, self.scalar, self.dim, scalar, copy, "query"))
        ids, distances = _places((groups, per_group), groups * per_group, "groups * per_group")
        counts, count = np.zeros(groups, np.uint32), np.zeros(1, np.uint32)

        def call(c_params: _Params) -> int:
            status: int = lib.vdb_search_groups(
                db, rows.array, rows.dim, name, len(name), groups, per_group, c_params, ids, distances, counts, count)
            return status

        long = groups * per_group > _LONG_PLACES
        status = _run_search(call, search_params(params, rows), params.get("task"), long)
        found = int(count[0])
        return SearchResult(_first(ids, found), _first(distances, found), _first(counts, found), status == _PARTIAL)

    def cursor_search(
        self, query: Any, *, scalar: Union[str, int, None] = None, copy: bool = False, **params: "Unpack[SearchParams]",
    ) -> Cursor:
        """A cursor through all rows, nearest to the query first."""
        rows = one_query(vectors_in(query, self.scalar, self.dim, scalar, copy, "query"))
        return Cursor(lib.vdb_cursor_search(self.capi(), rows.array, rows.dim, search_params(params, rows)))

    def cursor_scan(self, filter: Optional[Filter] = None, *, snapshot: Optional[Snapshot] = None) -> Cursor:
        """A cursor through all rows, or those that a filter lets pass, in the order of their ids."""
        rule = number_of(filter, Filter, "filter")
        if snapshot is None:
            return Cursor(lib.vdb_cursor_scan(self.capi(), rule))
        return Cursor(lib.vdb_cursor_scan_at(self.capi(), number_of(snapshot, Snapshot, "snapshot"), rule))

    def measure_recall(
        self, queries: Any = 100, k: int = 10, *, scalar: Union[str, int, None] = None, copy: bool = False,
        progress: Optional[Progress] = None, **params: "Unpack[SearchParams]",
    ) -> Recall:
        """The share of the true `k` nearest rows that a search finds with these parameters.

        `queries`: vectors, or a number of stored rows to look for instead.
        """
        db = self.capi()
        sampled = isinstance(queries, (int, np.integer))
        rows = None if sampled else vectors_in(queries, self.scalar, self.dim, scalar, copy, "queries")
        c_params = search_params(params, rows)
        values = np.zeros(3)
        where = (None, int(queries), self.dim, 0) if rows is None else (rows.array, rows.rows, rows.dim, rows.stride)

        def call(task_number: Optional[int]) -> None:
            lib.vdb_measure_recall(db, *where, k, c_params, values[:1], values[1:2], values[2:], task_number)

        run(call, params.get("task"), progress)
        return Recall(*values.tolist())


def search_many(
    databases: Sequence[Searches], queries: Any, k: int = 10, *, scalar: Union[str, int, None] = None, copy: bool = False,
    **params: "Unpack[SearchParams]",
) -> ManyResult:
    """Finds the `k` nearest rows of each query among those of all databases, as if they were one.

    They must have the same metric and dimension. `sources` has the place in `databases` of each row found.
    """
    handles = np.array([_handle_of(databases, i) for i in range(len(databases))], np.uint64)
    stored, dim = (databases[0].scalar, databases[0].dim) if databases else (None, 0)
    rows = vectors_in(queries, stored, dim, scalar, copy, "queries")
    shape = k if rows.single else (rows.rows, k)
    ids, distances = _places(shape, k)
    sources, counts = np.empty(shape, np.uint32), np.empty(rows.rows, np.uint32)

    def call(c_params: _Params) -> int:
        status: int = lib.vdb_search_many(
            handles, len(databases), rows.array, rows.rows, rows.dim, rows.stride, k, c_params, ids, distances,
            sources, counts)
        return status

    status = _run_search(call, search_params(params, rows), params.get("task"), rows.rows >= _LONG_QUERIES)
    if rows.single:
        ids, distances, sources = (_first(array, counts[0]) for array in (ids, distances, sources))
    return ManyResult(ids, distances, counts, status == _PARTIAL, sources)


def _handle_of(databases: Sequence[Searches], place: int) -> int:
    if not isinstance(databases[place], Searches):
        raise TypeError(f"databases: a {type(databases[place]).__name__}, at place {place}, is no Database")
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

    def __init__(self, number: int):
        super().__init__(number, lib.vdb_cursor_free)

    def next(self, cap: int = 1000) -> Page:
        """The next rows, `cap` at most. A page without rows that is not partial is the end."""
        ids, distances = _places(cap, cap, "cap")
        count = number()
        status = lib.vdb_cursor_next(self.capi(), cap, ids, distances, count)
        return Page(_first(ids, int(count[0])), _first(distances, int(count[0])), status == _PARTIAL)

    def __iter__(self) -> Iterator[Page]:
        while True:
            page = self.next()
            if not page.ids.size and page.partial:
                raise failure(lib.VDB_ERR_DEADLINE, "the deadline or a task ended a page before its first row")
            if not page.ids.size:
                return
            yield page


def one_query(rows: Vectors) -> Vectors:
    if rows.rows != 1:
        raise ValueError(f"query: {rows.rows} rows, wanted is one")
    return rows


def _places(shape: Union[int, Tuple[int, int]], k: int, name: str = "k") -> Tuple[np.ndarray, np.ndarray]:
    """Arrays for results, after a look at `k`: the library would see it after they were made."""
    numbers = (k, *shape) if isinstance(shape, tuple) else (k,)
    for number in numbers:
        if not hasattr(number, "__index__"):
            raise TypeError(f"{name} = {number!r} is no whole number")
    if not 0 <= k <= _MAX_K or min(numbers) < 0:
        raise failure(lib.VDB_ERR_LIMIT, f"{name} = {k} is outside 0..{_MAX_K}")
    return np.empty(shape, np.uint64), np.empty(shape, np.float32)


def _first(array: np.ndarray, found: int) -> np.ndarray:
    """The first places, in memory of their own: a view would hold that of all."""
    return array if found == len(array) else array[:found].copy()


def _run_search(call: Callable[[_Params], int], params: _Params, task: Optional[Task], long: bool) -> int:
    """A search, interrupted by the task in its parameters if it is a long one."""
    return run(lambda task_number: call({**(params or {}), "task": task_number}), task) if long else call(params)


def search_params(params: Mapping[str, Any], rows: Optional[Vectors]) -> Dict[str, Any]:
    """The parameters of a search as the library takes them."""
    made: Dict[str, Any] = {"query_scalar": rows.scalar if rows is not None else 0}
    for name, value in params.items():
        if name not in _PARAM_NAMES:
            raise TypeError(f"{name!r} is no parameter of a search; known are {', '.join(sorted(_PARAM_NAMES))}")
        kind = _HANDLES.get(name)
        made[name] = value if kind is None else number_of(value, kind, name)
    return made
