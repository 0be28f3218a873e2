"""Writes and point reads of Database: rows with their keys and metadata."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, Literal, Optional, Tuple, Union, overload

import numpy as np

from . import _lib as lib
from ._arrays import dtype_of, ids_in, row_shape, scalar_of, vectors_in
from ._calls import Progress, run
from ._core import LONG_BYTES, Core, Ids, NewIds
from ._lib import _write as fast_write
from ._native import ID_NONE, number
from ._texts import Keys, Meta, Metas, arguments, bytes_of_meta, keys_in, metas_in, texts_of_rows
from .handles import Filter, Snapshot, Task, number_of
from .results import Fetched


class Writes(Core):
    """The part of Database that writes rows and reads them by id or key."""

    __slots__ = ()

    def insert(
        self, ids: NewIds, vectors: Any, *, keys: Optional[Keys] = None, meta: Optional[Metas] = None,
        scalar: Union[str, int, None] = None, copy: bool = False, task: Optional[Task] = None,
        progress: Optional[Progress] = None,
    ) -> np.ndarray:
        """Inserts rows, all or none, and returns their ids, in the array that was given if they were. An id or key that is there raises
        AlreadyExistsError.

        `vectors`: an array with a row for each id, of float32, float16, int8 or uint8, bits packed eight to
        a byte, lowest first, or bfloat16. It is read where it is: an array that would have to be copied is
        refused unless copy=True.

        `ids`: None, for all or in a list of them, asks for new ones. `keys`: a text for each row, or None.
        `meta`: a dict for each row (or its JSON text, which is kept byte by byte), or None.
        """
        return self._write(False, ids, vectors, keys, meta, scalar, copy, task, progress)

    def upsert(
        self, ids: NewIds, vectors: Any, *, keys: Optional[Keys] = None, meta: Optional[Metas] = None,
        scalar: Union[str, int, None] = None, copy: bool = False, task: Optional[Task] = None,
        progress: Optional[Progress] = None,
    ) -> np.ndarray:
        """As insert, but rows that are there get the new vectors; the last of an id wins.

        Where no id is given, the row with the key is meant, or a new one. Without `keys` and `meta` rows keep
        theirs; None for a row takes its own away.
        """
        return self._write(True, ids, vectors, keys, meta, scalar, copy, task, progress)

    def _write(
        self, replaces: bool, ids: NewIds, vectors: Any, keys: Optional[Keys], meta: Optional[Metas],
        scalar: Union[str, int, None], copy: bool, task: Optional[Task], progress: Optional[Progress],
    ) -> np.ndarray:
        if keys is None and meta is None and scalar is None and task is None and progress is None:
            if fast_write(self._number, ids, vectors, replaces, LONG_BYTES):
                return ids  # type: ignore[return-value]
        db = self.capi()
        rows = vectors_in(vectors, self.scalar, self.dim, scalar, copy)
        asks = ids is None
        if ids is None:
            ids = np.full(rows.rows, ID_NONE, np.uint64)
        elif isinstance(ids, (list, tuple)) and None in ids:
            asks, ids = True, [ID_NONE if row_id is None else row_id for row_id in ids]
        id_array = ids_in(ids, copy)
        if id_array.size != rows.rows:
            raise ValueError(f"{id_array.size} ids for {rows.rows} vectors")
        where = rows.array, rows.rows, rows.dim, rows.stride, rows.scalar
        if keys is None and meta is None and not asks:
            plain = lib.vdb_upsert_batch if replaces else lib.vdb_insert_batch

            def call(task_number: Optional[int]) -> None:
                plain(db, id_array, *where, task_number)
        else:
            # Ids that the library gives are written into the array: never into the caller's.
            id_array = id_array.copy()
            key_texts = None if keys is None else keys_in(keys, rows.rows)
            meta_texts = None if meta is None else metas_in(meta, rows.rows)

            with_records = lib.vdb_upsert_records if replaces else lib.vdb_insert_records

            def call(task_number: Optional[int]) -> None:
                with_records(db, id_array, *arguments(key_texts), *where, *arguments(meta_texts), task_number)

        run(call, task, progress, long=rows.array.nbytes >= LONG_BYTES)
        return id_array

    def delete(self, ids: Ids, *, copy: bool = False) -> int:
        """Deletes rows by id and returns how many there were."""
        array = ids_in(ids, copy)
        return self._counted(lambda deleted: lib.vdb_delete_batch(self.capi(), array, array.size, deleted))

    def delete_keys(self, keys: Keys) -> int:
        """Deletes the rows that have one of these keys and returns how many there were."""
        texts = keys_in(keys)
        return self._counted(lambda deleted: lib.vdb_delete_keys(self.capi(), *arguments(texts), texts.length, deleted))

    def delete_where(
        self, filter: Filter, *, task: Optional[Task] = None, progress: Optional[Progress] = None,
    ) -> int:
        """Deletes the rows that a filter lets pass at this moment and returns how many there were."""
        db, rule = self.capi(), number_of(filter, Filter, "filter")
        return self._counted(lambda deleted: run(
            lambda task_number: lib.vdb_delete_where(db, rule, deleted, task_number), task, progress))

    def update_meta(self, ids: Ids, meta: Metas, *, copy: bool = False) -> int:
        """Gives rows other metadata (None takes it away) and returns how many there were. Vectors and keys stay."""
        array = ids_in(ids, copy)
        texts = metas_in(meta, array.size)
        return self._counted(lambda updated: lib.vdb_update_meta_batch(
            self.capi(), array, array.size, *arguments(texts), updated))

    def update_meta_where(
        self, filter: Filter, meta: Meta, *, task: Optional[Task] = None, progress: Optional[Progress] = None,
    ) -> int:
        """Gives the rows that a filter lets pass the same metadata and returns how many there were."""
        db, rule, text = self.capi(), number_of(filter, Filter, "filter"), bytes_of_meta(meta)
        return self._counted(lambda updated: run(
            lambda task_number: lib.vdb_update_meta_where(db, rule, text, len(text), updated, task_number), task, progress))

    @staticmethod
    def _counted(call: Callable[[np.ndarray], int]) -> int:
        rows = number()
        call(rows)
        return int(rows[0])

    def get(
        self, ids: Ids, *, scalar: Union[str, int, None] = None, copy: bool = False, snapshot: Optional[Snapshot] = None,
    ) -> Fetched:
        """The vectors of ids as `(vectors, found)`, of the type the database stores or of `scalar`."""
        array = ids_in(ids, copy)
        of = self.scalar if scalar is None else scalar_of(scalar)
        vectors = np.zeros((array.size, row_shape(of, self.dim)), dtype_of(of))
        found = np.zeros(array.size, np.bool_)
        function, at = _at(snapshot, lib.vdb_get_batch, lib.vdb_get_batch_at)
        function(self.capi(), *at, array, array.size, self.dim, of, vectors, 0, found)
        return Fetched(vectors, found)

    @overload
    def get_meta(
        self, ids: Ids, *, raw: Literal[False] = False, copy: bool = False, snapshot: Optional[Snapshot] = None,
    ) -> List[Optional[Dict[str, Any]]]: ...

    @overload
    def get_meta(
        self, ids: Ids, *, raw: Literal[True], copy: bool = False, snapshot: Optional[Snapshot] = None,
    ) -> List[Optional[bytes]]: ...

    def get_meta(
        self, ids: Ids, *, raw: bool = False, copy: bool = False, snapshot: Optional[Snapshot] = None,
    ) -> Any:
        """The metadata of ids as dicts, None where there is none; with `raw` as the bytes that were stored."""
        function, at = _at(snapshot, lib.vdb_get_meta, lib.vdb_get_meta_at)
        texts = texts_of_rows(function, (self.capi(), *at), ids_in(ids, copy))
        return [text if raw or text is None else json.loads(text) for text in texts]

    def keys_of_ids(self, ids: Ids, *, copy: bool = False, snapshot: Optional[Snapshot] = None) -> List[Optional[str]]:
        """The keys of ids, None for rows that have none and ids that are not there."""
        function, at = _at(snapshot, lib.vdb_keys_of_ids, lib.vdb_keys_of_ids_at)
        texts = texts_of_rows(function, (self.capi(), *at), ids_in(ids, copy))
        return [None if text is None else text.decode("utf-8") for text in texts]

    def ids_of_keys(self, keys: Keys, *, snapshot: Optional[Snapshot] = None) -> np.ndarray:
        """The ids of the rows that have these keys, vdb.ID_NONE where none has."""
        texts = keys_in(keys)
        ids = np.empty(texts.length, np.uint64)
        function, at = _at(snapshot, lib.vdb_ids_of_keys, lib.vdb_ids_of_keys_at)
        function(self.capi(), *at, *arguments(texts), texts.length, ids)
        return ids


def _at(snapshot: Optional[Snapshot], newest: Any, at: Any) -> Tuple[Any, Tuple[Any, ...]]:
    """The function for a state, and the argument that says which."""
    return (newest, ()) if snapshot is None else (at, (number_of(snapshot, Snapshot, "snapshot"),))
