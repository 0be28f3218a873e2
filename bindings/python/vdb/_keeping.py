"""What Database keeps and shows: snapshots, backups, files of other programs, and a look inside."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Union

from ._arrays import vectors_in
from ._calls import Progress, run
from ._core import Core
from ._error import Error
from ._native import NULL, check, ffi, lib, new_error, raise_from, sized_json
from ._search import one_query, search_params
from ._types import Call, CheckLevel, Latency, Stats
from .handles import Filter, Snapshot, Task, pointer_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._types import SearchParams

Path = Union[str, bytes, "os.PathLike[str]"]


class Keeping(Core):
    """The part of Database that maintains, copies and explains it."""

    __slots__ = ()

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

    # ---- Snapshots, backups, files

    def snapshot(self) -> Snapshot:
        """The state of this moment, for `snapshot=` of searches, count, get and the like. It copies nothing."""
        place, error = ffi.new("vdb_snapshot **"), new_error()
        check(lib.vdb_snapshot_new(self.capi(), place, error), error)
        return Snapshot(place[0])

    def backup(
        self, path: Path, previous: Optional[Path] = None, *, task: Optional[Task] = None,
        progress: Optional[Progress] = None,
    ) -> None:
        """Makes a backup in a new directory, which opens like any database. With `previous` it shares what that one has."""
        db, error = self.capi(), new_error()
        names = os.fsencode(path), NULL if previous is None else os.fsencode(previous)
        check(run(lambda task_pointer: lib.vdb_backup(db, *names, task_pointer, error), task, progress), error)

    def export_file(
        self, path: Path, format: Optional[str] = None, *, filter: Optional[Filter] = None, task: Optional[Task] = None,
        progress: Optional[Progress] = None,
    ) -> None:
        """Writes rows as a new file: "npy", "jsonl", "fvecs", "fbin" and their kin, by the ending of its name without `format`."""
        db, error, rule = self.capi(), new_error(), pointer_of(filter, Filter, "filter")
        names = os.fsencode(path), NULL if format is None else format.encode("utf-8")
        check(run(lambda task_pointer: lib.vdb_export(db, *names, rule, task_pointer, error), task, progress), error)

    def import_file(
        self, path: Path, format: Optional[str] = None, *, task: Optional[Task] = None,
        progress: Optional[Progress] = None,
    ) -> None:
        """Reads a file that export_file or another program wrote, and writes its rows."""
        db, error = self.capi(), new_error()
        names = os.fsencode(path), NULL if format is None else format.encode("utf-8")
        check(run(lambda task_pointer: lib.vdb_import(db, *names, task_pointer, error), task, progress), error)

    # ---- Seeing inside

    def stats(self) -> Stats:
        """Statistics at this moment."""
        stats, error = ffi.new("vdb_stats_t *"), new_error()
        stats.struct_size = ffi.sizeof("vdb_stats_t")
        check(lib.vdb_stats_get(self.capi(), stats, error), error)
        return Stats(*(getattr(stats, name) for name in Stats._fields))

    def explain(
        self, query: Any, k: int = 10, *, scalar: Union[str, int, None] = None, copy: bool = False,
        **params: "Unpack[SearchParams]",
    ) -> Dict[str, Any]:
        """Searches as `search` would for one query, and tells how that went and why."""
        error, length = new_error(), ffi.new("size_t *")
        rows = one_query(vectors_in(query, self.scalar, self.dim, scalar, copy, "query"))
        c_params, _ = search_params(params, rows)
        buffer = ffi.new("char[]", lib.VDB_EXPLAIN_MAX)
        check(lib.vdb_explain(
            self.capi(), rows.pointer, rows.dim, k, c_params, buffer, len(buffer), length, error), error)
        told: Dict[str, Any] = json.loads(ffi.unpack(buffer, length[0]))
        return told

    def columns(self) -> Dict[str, Any]:
        """Tells about the columns of metadata: those that were declared, and those that filters looked at."""
        told: Dict[str, Any] = sized_json(lambda *out: lib.vdb_columns_get(self.capi(), *out))
        return told

    def latency(self, call: Union[str, int] = "search") -> Latency:
        """How long calls of a kind took, in nanoseconds: "search", "search_batch", "insert", "checkpoint" and so on."""
        latency, error = ffi.new("vdb_latency_t *"), new_error()
        latency.struct_size = ffi.sizeof("vdb_latency_t")
        if isinstance(call, str):
            try:
                call = Call[call.upper()]
            except KeyError:
                names = ", ".join(kind.name.lower() for kind in Call)
                raise ValueError(f"call = {call!r} is none of {names}") from None
        check(lib.vdb_latency_get(self.capi(), call, latency, error), error)
        return Latency(*(getattr(latency, name) for name in Latency._fields))

    def log_read(self) -> str:
        """Takes what waits in the log: lines with their ends, oldest first; "" when nothing waits."""
        error, length = new_error(), ffi.new("size_t *")
        lines: List[bytes] = []
        buffer = ffi.new("char[]", 1 << 16)
        while True:
            check(lib.vdb_log_read(self.capi(), buffer, len(buffer), length, error), error)
            if not length[0]:
                return b"".join(lines).decode("utf-8", "replace")
            lines.append(ffi.unpack(buffer, length[0]))

    def cache_clear(self) -> None:
        """Forgets the answers that are kept for later searches (option cache_bytes)."""
        self._plain(lib.vdb_cache_clear)
