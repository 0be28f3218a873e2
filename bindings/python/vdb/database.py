"""The database: every function of the library that takes one, with arrays of numpy in and out."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional

from . import _lib as lib
from ._calls import Progress, run
from ._keeping import Keeping, Path
from ._error import Error
from ._native import number, room
from ._search import Searches
from ._writes import Writes
from .handles import Task
from .options import OptionSet

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._types import Options, OptionValue

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
    twice = (options or {}).keys() & keywords.keys()
    if twice:
        raise TypeError(f"{', '.join(sorted(twice))}: given as a keyword and in options")
    with OptionSet({**(options or {}), **keywords}) as chosen:
        opened = lib.vdb_open(None if path is None else os.fsencode(path), chosen.capi())
    return Database(opened)


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
    buffer, length = room(lib.VDB_REPAIR_REPORT_MAX), number()
    names = os.fsencode(source), os.fsencode(target)

    def call(task_number: Optional[int]) -> None:
        lib.vdb_repair(*names, chosen.capi(), buffer, buffer.size, length, task_number)

    with chosen:
        run(call, task, progress)
    report: Dict[str, Any] = json.loads(buffer[: int(length[0])].tobytes())
    return report


def _close_quietly(number: int) -> None:
    with suppress(Error):
        lib.vdb_close(number)


class Database(Writes, Searches, Keeping):
    """An open database, made by vdb.open. Any thread may call anything at any time.

    A call without the GIL lets other threads of Python run. `close` (or the end of a `with`) writes a
    checkpoint and frees the directory; every later call raises ClosedError.
    """

    __slots__ = ()

    def __init__(self, number: int):
        super().__init__(number, _close_quietly)
        self._learn()

    # ---- Life

    def close(self) -> None:
        """Closes: waits for calls in progress and makes everything durable. Closing twice does nothing."""
        self._closed = True
        if self._finalizer.detach() is not None:
            lib.vdb_close(self._number)

    def __repr__(self) -> str:
        state = ", closed" if self.closed else ""
        return f"<vdb.Database dim={self.dim} metric={self.metric.name.lower()} scalar={self.scalar.name.lower()}{state}>"
