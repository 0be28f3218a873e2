"""What searches return: fresh arrays that belong to the caller."""

from __future__ import annotations

from typing import Iterator, NamedTuple

import numpy as np


class SearchResult:
    """The nearest rows: `ids, distances = db.search(...)`.

    For one query (a vector of one dimension) `ids` and `distances` have a place for each row found.
    For several they have a row of k places for each, of which the first `counts[i]` are used; the
    others are vdb.ID_NONE and +inf. `partial` is True when a deadline or a task ended the search.
    """

    __slots__ = ("ids", "distances", "counts", "partial")

    def __init__(self, ids: np.ndarray, distances: np.ndarray, counts: np.ndarray, partial: bool):
        self.ids = ids
        self.distances = distances
        self.counts = counts
        self.partial = partial

    def __iter__(self) -> Iterator[np.ndarray]:
        yield self.ids
        yield self.distances

    def __repr__(self) -> str:
        more = ", partial=True" if self.partial else ""
        return f"SearchResult(ids={self.ids!r}, distances={self.distances!r}{more})"


class ManyResult(SearchResult):
    """Rows of several databases: `sources` has as many places as `ids`, with the place of the database of each."""

    __slots__ = ("sources",)

    def __init__(self, ids: np.ndarray, distances: np.ndarray, counts: np.ndarray, partial: bool, sources: np.ndarray):
        super().__init__(ids, distances, counts, partial)
        self.sources = sources


class Page(NamedTuple):
    """Rows of a cursor; distances are 0 where rows come by id. `partial`: a deadline or a task ended the page early."""

    ids: np.ndarray
    distances: np.ndarray
    partial: bool


class RangeResult(NamedTuple):
    """All rows within a distance: `ids` and `distances`, nearest first; `more` is True when there are others."""

    ids: np.ndarray
    distances: np.ndarray
    more: bool
    partial: bool


class Recall(NamedTuple):
    """A measured recall with the ends of its 95 % confidence interval."""

    recall: float
    low: float
    high: float


class Fetched(NamedTuple):
    """Vectors by id: row i of `vectors` belongs to the id at place i and is zero where `found[i]` is False."""

    vectors: np.ndarray
    found: np.ndarray
