"""A vector store for LangChain. Needs the package langchain-core: pip install vdb[langchain].

A document is a row: its id is the key, its text and metadata are the row's metadata. Nothing else of
the database is used, so that `store.database` can be worked with beside the store.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from ._native import ID_NONE
from ._types import Metric
from .database import Database, open
from .errors import NotFoundError
from .handles import Filter
from .results import SearchResult

# A condition: {"author": "Ada", "year": [1815, 1816]}; a text such as "metadata.year < 1900"; or a filter of vdb.
Condition = Union[Mapping[str, Any], str, Filter, None]

_FILTERS_KEPT = 32


class VdbVectorStore(VectorStore):
    """Documents in a vdb database: VdbVectorStore(embedding, "documents.vdb"), or in memory without a path.

    Further keywords are options of vdb.open; a new database has metric="cosine" unless they say otherwise. An
    open database may be given instead. A document with an id that is there replaces it.
    """

    def __init__(
        self, embedding: Embeddings, path: Optional[str] = None, *, database: Optional[Database] = None, **options: Any,
    ):
        self._embedding = embedding
        self.database = database or self._open(embedding, path, options)
        self._filters: Dict[str, Filter] = {}

    @staticmethod
    def _open(embedding: Embeddings, path: Optional[str], options: Dict[str, Any]) -> Database:
        if path is not None:
            try:
                return open(path, **{**options, "create": False})
            except NotFoundError:
                if options.get("read_only"):
                    raise
        # Only the embedding knows how long its vectors are.
        new = {"metric": "cosine", "dim": len(embedding.embed_query("dimension")), **options}
        return open(path, **new)

    @property
    def embeddings(self) -> Embeddings:
        return self._embedding

    def close(self) -> None:
        """Closes the database."""
        self.database.close()

    # ---- Documents in and out

    def add_texts(
        self, texts: Iterable[str], metadatas: Optional[List[Dict[str, Any]]] = None, *,
        ids: Optional[Sequence[Optional[str]]] = None, **kwargs: Any,
    ) -> List[str]:
        """Adds or replaces documents, all or none, and returns their ids. Metadata must be JSON."""
        contents = list(texts)
        if not contents:
            return []
        keys = [key or str(uuid.uuid4()) for key in (ids or [None] * len(contents))]
        about = metadatas or [{}] * len(contents)
        if not len(keys) == len(about) == len(contents):
            raise ValueError(f"{len(contents)} texts with {len(keys)} ids and {len(about)} metadatas")
        vectors = np.asarray(self._embedding.embed_documents(contents), np.float32)
        records = [{"page_content": text, "metadata": meta or {}} for text, meta in zip(contents, about)]
        self.database.upsert(None, vectors, keys=keys, meta=records)
        return keys

    def delete(self, ids: Optional[List[str]] = None, **kwargs: Any) -> Optional[bool]:
        """Deletes documents by id, or all. Ids that are not there do no harm."""
        if ids is None:
            self.database.delete_where(Filter([], allow=False))
        else:
            self.database.delete_keys(ids)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> List[Document]:
        """The documents that there are of these ids, in their order."""
        rows = self.database.ids_of_keys(ids)
        return [document for document in self._documents(rows[rows != ID_NONE]) if document]

    def _documents(self, rows: np.ndarray) -> List[Optional[Document]]:
        """The document of each row; None where it was deleted meanwhile."""
        keys, records = self.database.keys_of_ids(rows), self.database.get_meta(rows)
        return [
            Document(id=key, page_content=record["page_content"], metadata=record["metadata"])
            if isinstance(record, dict) and "page_content" in record else None
            for key, record in zip(keys, records)]

    # ---- Search

    def similarity_search(self, query: str, k: int = 4, filter: Condition = None, **kwargs: Any) -> List[Document]:
        """The documents nearest to a text. Keywords as for Database.search, `ef` or `target_recall`."""
        return [document for document, _ in self.similarity_search_with_score(query, k, filter, **kwargs)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, filter: Condition = None, **kwargs: Any,
    ) -> List[Tuple[Document, float]]:
        """The same with the distance of each: the smaller, the nearer."""
        return self._scored(self._search(self._embedding.embed_query(query), k, filter, kwargs))

    def similarity_search_by_vector(
        self, embedding: List[float], k: int = 4, filter: Condition = None, **kwargs: Any,
    ) -> List[Document]:
        return [document for document, _ in self._scored(self._search(embedding, k, filter, kwargs))]

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, filter: Condition = None, **kwargs: Any,
    ) -> List[Document]:
        """Documents near a text that differ from each other, chosen among the nearest `fetch_k`."""
        return self.max_marginal_relevance_search_by_vector(
            self._embedding.embed_query(query), k, fetch_k, lambda_mult, filter, **kwargs)

    def max_marginal_relevance_search_by_vector(
        self, embedding: List[float], k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, filter: Condition = None,
        **kwargs: Any,
    ) -> List[Document]:
        found = self.database.search_diverse(
            np.asarray(embedding, np.float32), k, candidates=fetch_k, lambda_=lambda_mult, filter=self._filter(filter),
            **kwargs)
        return [document for document, _ in self._scored(found)]

    def _search(self, embedding: List[float], k: int, filter: Condition, params: Mapping[str, Any]) -> SearchResult:
        return self.database.search(np.asarray(embedding, np.float32), k, filter=self._filter(filter), **params)

    def _scored(self, found: SearchResult) -> List[Tuple[Document, float]]:
        documents = zip(self._documents(found.ids), found.distances.tolist())
        return [(document, distance) for document, distance in documents if document]

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        """Distances as scores from 0 to 1, for vectors of length 1."""
        known: Dict[Metric, Callable[[float], float]] = {
            Metric.COSINE: self._cosine_relevance_score_fn,
            Metric.IP: self._cosine_relevance_score_fn,
            Metric.L2SQ: lambda distance: 1 - distance / 4,
        }
        if self.database.metric not in known:
            raise ValueError(f"there are no relevance scores for the metric {self.database.metric.name.lower()}")
        return known[self.database.metric]

    # ---- Filters

    def _filter(self, condition: Condition) -> Optional[Filter]:
        """A filter is kept, since what it said about a document is remembered in it."""
        if condition is None or isinstance(condition, Filter):
            return condition
        if not isinstance(condition, (str, Mapping)):
            raise TypeError(f"filter: a {type(condition).__name__} is neither a dict, a text nor a vdb.Filter")
        name = condition if isinstance(condition, str) else json.dumps(condition, sort_keys=True)
        made = self._filters.get(name)
        if made is None:
            made = Filter.where(condition) if isinstance(condition, str) else _where(condition)
            if len(self._filters) >= _FILTERS_KEPT:
                self._filters.pop(next(iter(self._filters)), None)
            self._filters[name] = made
        return made

    @classmethod
    def from_texts(
        cls, texts: List[str], embedding: Embeddings, metadatas: Optional[List[Dict[str, Any]]] = None, *,
        ids: Optional[List[str]] = None, path: Optional[str] = None, **kwargs: Any,
    ) -> VdbVectorStore:
        """A store with these documents; keywords as for the class."""
        store = cls(embedding, path, **kwargs)
        store.add_texts(texts, metadatas, ids=ids)
        return store


def _where(condition: Mapping[str, Any]) -> Filter:
    """Every member equal to its value, one of a list, or missing (None)."""
    parts, values = [], []
    for member, value in condition.items():
        if "`" in member or not member:
            raise ValueError(f"a filter cannot name the member {member!r}: use a text or a vdb.Filter")
        path = f"metadata.`{member}`"
        if value is None:
            parts.append(f"{path} is null")
            continue
        values.append(list(value) if isinstance(value, (list, tuple, set, frozenset)) else value)
        parts.append(f"{path} {'in' if isinstance(values[-1], list) else '='} ${len(values)}")
    if not parts:
        return Filter([], allow=False)
    return Filter.where(" and ".join(parts), *values)
