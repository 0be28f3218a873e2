"""What searches return: fresh arrays that belong to the caller."""

from __future__ import annotations

from typing import Any, NamedTuple, Tuple

import numpy as np

from ._lib import SearchResult as SearchResult


class ManyResult(SearchResult):
    """Rows of several databases: `sources` has as many places as `ids`, with the place of the database of each."""

    __slots__ = ("sources",)

    def __init__(self, ids: np.ndarray, distances: np.ndarray, counts: np.ndarray, partial: bool, sources: np.ndarray):
        super().__init__(ids, distances, counts, partial)
        self.sources = sources

    def __reduce__(self) -> Tuple[Any, ...]:
        return ManyResult, (self.ids, self.distances, self.counts, self.partial, self.sources)


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
