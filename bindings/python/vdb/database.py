"""The database: every function of the library that takes one, with arrays of numpy in and out."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Union

from ._calls import Progress, run
from ._error import Error
from ._native import NULL, check, ffi, lib, new_error, raise_from
from ._search import Searches
from ._types import CheckLevel, Stats
from ._writes import Writes
from .handles import Task
from .options import OptionSet

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._types import Options, OptionValue

Path = Union[str, bytes, "os.PathLike[str]"]


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


class Database(Writes, Searches):
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
