"""What Database keeps and shows: snapshots, backups, files of other programs, and a look inside."""

from __future__ import annotations

import enum
import json
import os
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Type, Union

from . import _lib as lib
from ._arrays import vectors_in
from ._calls import Progress, run
from ._core import Core
from ._error import Error
from ._native import number, room, sized_json
from ._search import one_query, search_params
from ._types import Call, CheckLevel, Latency, Stats
from .handles import Filter, Snapshot, Task, number_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._types import SearchParams

Path = Union[str, bytes, "os.PathLike[str]"]


def _by_name(kind: Type[enum.IntEnum], value: Union[str, int], what: str) -> int:
    """A value of an enum, by name or number."""
    if not isinstance(value, str):
        return value
    try:
        return kind[value.upper()]
    except KeyError:
        raise ValueError(f"{what} = {value!r} is none of {', '.join(known.name.lower() for known in kind)}") from None


class Keeping(Core):
    """The part of Database that maintains, copies and explains it."""

    __slots__ = ()

    # ---- Maintenance

    def sync(self) -> None:
        """Makes all batches so far as safe as durability="full" would have."""
        lib.vdb_sync(self.capi())

    def checkpoint(self, *, task: Optional[Task] = None, progress: Optional[Progress] = None) -> None:
        """Writes the current state as immutable files and shortens the log."""
        self._job(lib.vdb_checkpoint, task, progress)

    def wait_indexed(self, *, task: Optional[Task] = None, progress: Optional[Progress] = None) -> None:
        """Waits until every row is in the graph. Rows can be found before that."""
        self._job(lib.vdb_wait_indexed, task, progress)

    def refresh(self) -> None:
        """Moves a read-only handle to the newest state that the writer has committed."""
        lib.vdb_refresh(self.capi())

    def check(
        self, level: Union[str, int] = "structure", *, task: Optional[Task] = None,
        progress: Optional[Progress] = None,
    ) -> Dict[str, Any]:
        """Checks whether the database is whole: "checksums", "structure" or "recall". Returns the report.

        Damage raises CorruptError, whose `report` has all that was found.
        """
        db = self.capi()
        of = _by_name(CheckLevel, level, "level")
        buffer, length = room(lib.VDB_CHECK_REPORT_MAX), number()

        def report() -> Dict[str, Any]:
            told: Dict[str, Any] = json.loads(buffer[: int(length[0])].tobytes()) if length[0] else {}
            return told

        try:
            run(lambda task_number: lib.vdb_check(db, of, buffer, buffer.size, length, task_number), task, progress)
        except Error as made:
            made.report = report()
            raise
        return report()

    # ---- Snapshots, backups, files

    def snapshot(self) -> Snapshot:
        """The state of this moment, for `snapshot=` of searches, count, get and the like. It copies nothing."""
        return Snapshot(lib.vdb_snapshot_new(self.capi()))

    def backup(
        self, path: Path, previous: Optional[Path] = None, *, task: Optional[Task] = None,
        progress: Optional[Progress] = None,
    ) -> None:
        """Makes a backup in a new directory, which opens like any database. With `previous` it shares what that one has."""
        db = self.capi()
        names = os.fsencode(path), None if previous is None else os.fsencode(previous)
        run(lambda task_number: lib.vdb_backup(db, *names, task_number), task, progress)

    def export_file(
        self, path: Path, format: Optional[str] = None, *, filter: Optional[Filter] = None, task: Optional[Task] = None,
        progress: Optional[Progress] = None,
    ) -> None:
        """Writes rows as a new file: "npy", "jsonl", "fvecs", "fbin" and their kin, by the ending of its name without `format`."""
        db, rule = self.capi(), number_of(filter, Filter, "filter")
        names = os.fsencode(path), None if format is None else format.encode("utf-8")
        run(lambda task_number: lib.vdb_export(db, *names, rule, task_number), task, progress)

    def import_file(
        self, path: Path, format: Optional[str] = None, *, task: Optional[Task] = None,
        progress: Optional[Progress] = None,
    ) -> None:
        """Reads a file that export_file or another program wrote, and writes its rows."""
        db = self.capi()
        names = os.fsencode(path), None if format is None else format.encode("utf-8")
        run(lambda task_number: lib.vdb_import(db, *names, task_number), task, progress)

    # ---- Seeing inside

    def stats(self) -> Stats:
        """Statistics at this moment."""
        return Stats(*lib.vdb_stats_get(self.capi()))

    def explain(
        self, query: Any, k: int = 10, *, scalar: Union[str, int, None] = None, copy: bool = False,
        **params: "Unpack[SearchParams]",
    ) -> Dict[str, Any]:
        """Searches as `search` would for one query, and tells how that went and why."""
        length = number()
        rows = one_query(vectors_in(query, self.scalar, self.dim, scalar, copy, "query"))
        buffer = room(lib.VDB_EXPLAIN_MAX)
        lib.vdb_explain(self.capi(), rows.array, rows.dim, k, search_params(params, rows), buffer, buffer.size, length)
        told: Dict[str, Any] = json.loads(buffer[: int(length[0])].tobytes())
        return told

    def columns(self) -> Dict[str, Any]:
        """Tells about the columns of metadata: those that were declared, and those that filters looked at."""
        told: Dict[str, Any] = sized_json(lambda *out: lib.vdb_columns_get(self.capi(), *out))
        return told

    def latency(self, call: Union[str, int] = "search") -> Latency:
        """How long calls of a kind took, in nanoseconds: "search", "search_batch", "insert", "checkpoint" and so on."""
        return Latency(*lib.vdb_latency_get(self.capi(), _by_name(Call, call, "call")))

    def log_read(self) -> str:
        """Takes what waits in the log: lines with their ends, oldest first; "" when nothing waits."""
        length, buffer = number(), room(1 << 16)
        lines: List[bytes] = []
        while True:
            lib.vdb_log_read(self.capi(), buffer, buffer.size, length)
            if not length[0]:
                return b"".join(lines).decode("utf-8", "replace")
            lines.append(buffer[: int(length[0])].tobytes())

    def cache_clear(self) -> None:
        """Forgets the answers that are kept for later searches (option cache_bytes)."""
        lib.vdb_cache_clear(self.capi())
