"""Handles: what is open or allocated in the library, given back once.

A handle is freed by `close`, at the end of a `with`, or when nothing refers to it any more. Used
after that it raises ClosedError; in a forked child, ForkedError. Holds filters and tasks; the
database itself is in database.py.
"""

from __future__ import annotations

import json
import os
import weakref
from typing import Any, Callable, Iterable, NoReturn, Optional, Tuple, Type, TypeVar, Union

import numpy as np

from . import _lib as lib
from ._arrays import ids_in
from ._native import failure, number
from ._texts import bytes_of_text, plain

_Self = TypeVar("_Self", bound="Handle")

# How many forks this process is away from the one that loaded the module.
_generation = 0


def _forked() -> None:
    global _generation
    _generation += 1


os.register_at_fork(after_in_child=_forked)


class Handle:
    """Something of the library's that has to be given back."""

    __slots__ = ("_number", "_closed", "_generation", "_finalizer", "__weakref__")

    def __init__(self, number: int, free: Callable[[int], Any]):
        if type(number) is not int:
            kind = type(self).__name__
            raise TypeError(f"a {kind} is not made of a {type(number).__name__}; {_MADE_BY.get(kind, 'a function of this package')} makes one")
        self._number = number
        self._closed = False
        self._generation = _generation
        self._finalizer = weakref.finalize(self, free, number)

    def capi(self) -> int:
        """The handle as the functions of vdb.lib take it, for what this package does not wrap."""
        if self._closed:
            raise failure(lib.VDB_ERR_CLOSED, f"this {type(self).__name__} was closed")
        if self._generation != _generation:
            raise failure(
                lib.VDB_ERR_FORKED,
                f"this {type(self).__name__} belongs to the parent process: open the database in the child, or start "
                "processes with multiprocessing's method 'spawn'. Readers beside a writer open it with read_only=True")
        return self._number

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Gives it back. Further calls do nothing; calls that use it in other threads go on."""
        self._closed = True
        self._finalizer()

    def __reduce__(self) -> NoReturn:
        # Of another process the number may be that of something else.
        raise TypeError(f"a {type(self).__name__} is of this process: it cannot be copied or pickled; another process opens the database itself")

    def __enter__(self: _Self) -> _Self:
        self.capi()
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


class Task(Handle):
    """Cancels a long call and shows its progress, from any thread.

    One task serves one call after the other; once cancelled it stays cancelled.
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(lib.vdb_task_new(), lib.vdb_task_free)

    def cancel(self) -> None:
        """Asks the call to stop soon: a write or job changes nothing and raises CancelledError, a search is partial."""
        lib.vdb_task_cancel(self.capi())

    def progress(self) -> Tuple[int, int]:
        """Units done and in total; (0, 0) before the call starts."""
        done, total = number(), number()
        lib.vdb_task_progress(self.capi(), done, total)
        return int(done[0]), int(total[0])


class Snapshot(Handle):
    """The state of a database at one moment, made by Database.snapshot. Any thread may use it, with that database.

    What it shows stays in memory and on the disk until it is closed.
    """

    __slots__ = ()

    def __init__(self, number: int):
        super().__init__(number, lib.vdb_snapshot_free)


class Filter(Handle):
    """Says which rows a search may return: only those of `ids`, or with allow=False all but these.

    Filter.where makes one out of a condition on metadata. Make it once and use it again: what it said
    about a row is remembered. Any thread may use it.
    """

    __slots__ = ()

    def __init__(self, ids: Union[int, Iterable[int], np.ndarray], allow: bool = True, *, copy: bool = False):
        array = ids_in(ids, copy)
        super().__init__(lib.vdb_filter_ids(array, array.size, int(allow)), lib.vdb_filter_free)

    @classmethod
    def where(cls, text: str, *values: Any) -> "Filter":
        """A condition on metadata: Filter.where("year >= 1990 and genre in $1", ["jazz", "soul"]).

        `values` stand for $1, $2, ...: never write values of others into the text. Without them a text with
        parameters makes a filter for `bind`.
        """
        data = bytes_of_text(text, "text")
        parsed = cls._owned(lib.vdb_filter_parse(data, len(data)))
        if not values:
            return parsed
        with parsed:
            return parsed.bind(*values)

    def bind(self, *values: Any) -> "Filter":
        """A filter like this one, whose parameters are these values. The one with parameters stays as it is."""
        data = json.dumps(values, allow_nan=False, default=plain).encode("utf-8")
        return self._owned(lib.vdb_filter_bind(self.capi(), data, len(data)))

    @classmethod
    def _owned(cls, number: int) -> "Filter":
        made = cls.__new__(cls)
        Handle.__init__(made, number, lib.vdb_filter_free)
        return made


_MADE_BY = {
    "Cursor": "db.cursor_search(query)", "Database": "vdb.open(path)", "Filter": "vdb.Filter(ids) or vdb.Filter.where(text)", "Snapshot": "db.snapshot()",
    "Task": "vdb.Task()",
}


def number_of(value: Optional[Handle], kind: Type[Handle], name: str) -> Optional[int]:
    """An argument that is a handle, or None, as the library takes it."""
    if value is None:
        return None
    if not isinstance(value, kind):
        raise TypeError(f"{name}: a {type(value).__name__} is no {kind.__name__}; {_MADE_BY[kind.__name__]} makes one")
    return value.capi()
