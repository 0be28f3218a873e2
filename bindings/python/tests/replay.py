"""Replays the test vectors of bindings/testdata through the package, as its README says."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
from notes import noted

import vdb

NUMBERS = {"f32": np.float32, "i8": np.int8, "u8": np.uint8}
BYTES = {"f32": np.float32, "f16": np.float16, "bf16": np.uint16, "i8": np.int8, "u8": np.uint8, "b1": np.uint8}


class Replayer:
    """One case: its handles by name, and a method for each op."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.handles: dict = {}
        self.transcript: list = []

    def step(self, step: dict) -> None:
        args = {key: value for key, value in step.items() if key not in ("op", "expect")}
        expect = dict(step.get("expect", {}))
        wanted = expect.pop("status", "OK")
        item, message = expect.pop("item", None), expect.pop("message", "")
        error = None
        try:
            got = getattr(self, f"op_{step['op']}")(**args)
        except vdb.Error as raised:
            got, error = {"status": vdb.Status(raised.status).name, "report": raised.report}, raised
        status = got.pop("status", "OK")
        self.transcript.append(noted(step["op"], status, error and error.item, got, expect))
        assert status == wanted, f"{status} ({error}), expected {wanted}"
        if error is not None:
            assert type(error) is vdb.errors.BY_STATUS[error.status]
            assert error.item == (None if item is None else int(item)), f"item {error.item}, expected {item}"
            assert message in str(error), f"{error!s} does not contain {message!r}"
        for key, value in expect.items():
            self.compare(key, got[key], value)

    def compare(self, key: str, got, wanted) -> None:
        if key == "distances":
            assert [len(row) for row in got if isinstance(row, list)] == [len(row) for row in wanted if isinstance(row, list)]
            got, wanted = list(flat(got)), list(flat(wanted))
            assert len(got) == len(wanted), f"{len(got)} distances, expected {len(wanted)}"
            for g, w in zip(got, wanted):
                assert math.isclose(g, w, rel_tol=1e-4, abs_tol=1e-4), f"distance {g}, expected {w}"
        elif key == "contains":
            assert all(part in got for part in wanted), f"the log has not all of {wanted}:\n{got}"
        elif key in ("report", "stats", "told"):
            for name, value in wanted.items():
                assert got[name] == value, f"{key} {name} = {got[name]}, expected {value}"
        else:
            assert got == wanted, f"{key} = {got}, expected {wanted}"

    def path(self, name):
        return name if not name else os.path.join(self.folder, name)

    def rows(self, rows: list, scalar: str | None, db: vdb.Database) -> np.ndarray:
        scalar = scalar or "f32"
        if not rows:
            return np.empty((0, db.dim), NUMBERS[scalar])
        if isinstance(rows[0], str):
            return np.array([np.frombuffer(bytes.fromhex(row), BYTES[scalar]) for row in rows])
        return np.array(rows, NUMBERS[scalar])

    def params(self, params: dict | None) -> dict:
        return {key: self.handles[value] if key in ("filter", "task", "snapshot") else value for key, value in (params or {}).items()}

    def task(self, task: str | None) -> dict:
        return {"task": self.handles[task]} if task else {}

    def op_open(self, db, path, options):
        self.handles[db] = vdb.open(self.path(path), options=options)
        return {}

    def op_close(self, db):
        self.handles[db].close()
        return {}

    def op_option(self, db, name):
        return {"value": self.handles[db].option(name)}

    def op_insert(self, db, ids, rows, scalar=None, task=None, keys=None, meta=None, op="insert"):
        db = self.handles[db]
        ids = None if ids is None else [None if row_id is None else int(row_id) for row_id in ids]
        got = getattr(db, op)(
            ids, self.rows(rows, scalar, db), scalar=scalar, keys=keys, meta=meta, **self.task(task))
        return {"ids": list(map(str, got))}

    def op_upsert(self, **args):
        return self.op_insert(**args, op="upsert")

    def op_delete(self, db, ids):
        return {"deleted": self.handles[db].delete(map(int, ids))}

    def at(self, snapshot: str | None) -> dict:
        return {"snapshot": self.handles[snapshot]} if snapshot else {}

    def op_get(self, db, ids, scalar=None, snapshot=None):
        db = self.handles[db]
        vectors, found = db.get(map(int, ids), scalar=scalar, **self.at(snapshot))
        as_numbers = (scalar or db.scalar.name.lower()) in NUMBERS
        return {"rows": [
            (v.tolist() if as_numbers else v.tobytes().hex()) if there else None for v, there in zip(vectors, found)]}

    def op_update_meta(self, db, ids, meta):
        return {"updated": self.handles[db].update_meta(map(int, ids), meta)}

    def op_update_meta_where(self, db, filter, meta, task=None):
        return {"updated": self.handles[db].update_meta_where(self.handles[filter], meta, **self.task(task))}

    def op_delete_where(self, db, filter, task=None):
        return {"deleted": self.handles[db].delete_where(self.handles[filter], **self.task(task))}

    def op_delete_keys(self, db, keys):
        return {"deleted": self.handles[db].delete_keys(keys)}

    def op_ids_of_keys(self, db, keys, snapshot=None):
        ids = self.handles[db].ids_of_keys(keys, **self.at(snapshot)).tolist()
        return {"ids": [None if row_id == vdb.ID_NONE else str(row_id) for row_id in ids]}

    def op_keys_of_ids(self, db, ids, snapshot=None):
        return {"keys": self.handles[db].keys_of_ids(map(int, ids), **self.at(snapshot))}

    def op_get_meta(self, db, ids, snapshot=None):
        texts = self.handles[db].get_meta(map(int, ids), raw=True, **self.at(snapshot))
        return {"meta": [None if text is None else text.decode() for text in texts]}

    def op_parse_filter(self, filter, text):
        self.handles[filter] = vdb.Filter.where(text)
        return {}

    def op_bind_filter(self, filter, values, **source):
        self.handles[filter] = self.handles[source.pop("from")].bind(*values)
        return {}

    def op_count(self, db, filter=None, snapshot=None):
        return {"count": self.handles[db].count(self.handles[filter] if filter else None, **self.at(snapshot))}

    def op_filter(self, filter, ids, allow):
        self.handles[filter] = vdb.Filter(map(int, ids), allow)
        return {}

    def op_free_filter(self, filter):
        self.handles[filter].close()
        return {}

    def op_search(self, db, queries, k, scalar=None, params=None, op="search"):
        db = self.handles[db]
        found = getattr(db, op)(self.rows(queries, scalar, db), k, scalar=scalar, **self.params(params))
        for ids, distances, count in zip(found.ids, found.distances, found.counts):
            assert (ids[count:] == vdb.ID_NONE).all() and np.isposinf(distances[count:]).all()
        return {
            "status": "PARTIAL" if found.partial else "OK",
            "ids": [list(map(str, ids[:count])) for ids, count in zip(found.ids, found.counts)],
            "distances": [d[:count].tolist() for d, count in zip(found.distances, found.counts)]}

    def op_search_exact(self, **args):
        return self.op_search(**args, op="search_exact")

    def op_search_range(self, db, query, max_distance, cap, scalar=None, params=None):
        db = self.handles[db]
        found = db.search_range(
            self.rows([query], scalar, db)[0], max_distance, cap, scalar=scalar, **self.params(params))
        return {"status": "PARTIAL" if found.partial else "OK", "ids": list(map(str, found.ids)),
                "distances": found.distances.tolist(), "more": found.more}

    @staticmethod
    def one_list(found) -> dict:
        return {"status": "PARTIAL" if found.partial else "OK", "ids": list(map(str, found.ids)),
                "distances": found.distances.tolist()}

    def op_search_ids(self, db, ids, k, params=None):
        found = self.handles[db].search_ids(map(int, ids), k, **self.params(params))
        return {"ids": [list(map(str, row[:count])) for row, count in zip(found.ids, found.counts)],
                "distances": [row[:count].tolist() for row, count in zip(found.distances, found.counts)]}

    def op_recommend(self, db, positive, negative, k, params=None):
        return self.one_list(self.handles[db].recommend(map(int, positive), map(int, negative), k, **self.params(params)))

    def op_search_diverse(self, db, query, k, candidates, params=None, **weight):
        db = self.handles[db]
        return self.one_list(db.search_diverse(
            self.rows([query], None, db)[0], k, candidates=candidates, lambda_=weight.pop("lambda"), **self.params(params)))

    def op_search_groups(self, db, query, path, groups, per_group, params=None):
        db = self.handles[db]
        found = db.search_groups(self.rows([query], None, db)[0], path, groups, per_group, **self.params(params))
        assert all((ids[n:] == vdb.ID_NONE).all() for ids, n in zip(found.ids, found.counts))
        return {"ids": [list(map(str, ids[:n])) for ids, n in zip(found.ids, found.counts)],
                "distances": [row[:n].tolist() for row, n in zip(found.distances, found.counts)]}

    def op_search_many(self, dbs, queries, k, params=None):
        databases = [self.handles[name] for name in dbs]
        found = vdb.search_many(databases, np.array(queries, np.float32), k, **self.params(params))
        rows = list(zip(found.ids, found.distances, found.sources, found.counts))
        return {"ids": [list(map(str, ids[:n])) for ids, _, _, n in rows],
                "distances": [distances[:n].tolist() for _, distances, _, n in rows],
                "sources": [sources[:n].tolist() for _, _, sources, n in rows]}

    def op_cursor_search(self, cursor, db, query, params=None):
        db = self.handles[db]
        self.handles[cursor] = db.cursor_search(self.rows([query], None, db)[0], **self.params(params))
        return {}

    def op_cursor_scan(self, cursor, db, filter=None, snapshot=None):
        filter = self.handles[filter] if filter else None
        self.handles[cursor] = self.handles[db].cursor_scan(filter, **self.at(snapshot))
        return {}

    def op_cursor_read(self, cursor, cap, count=None):
        ids, distances = [], []
        while count is None or len(ids) < count:
            page = self.handles[cursor].next(cap if count is None else min(cap, count - len(ids)))
            assert not page.partial and len(page.ids) <= cap
            if not page.ids.size:
                break
            ids += map(str, page.ids)
            distances += page.distances.tolist()
        return {"ids": ids, "distances": distances}

    def op_free_cursor(self, cursor):
        self.handles[cursor].close()
        return {}

    def op_measure_recall(self, db, k, queries=None, count=None, params=None):
        db = self.handles[db]
        found = db.measure_recall(
            count if queries is None else self.rows(queries, None, db), k, **self.params(params))
        assert found.low <= found.recall <= found.high
        return {"recall": found.recall}

    def op_sync(self, db):
        self.handles[db].sync()
        return {}

    def op_refresh(self, db):
        self.handles[db].refresh()
        return {}

    def op_checkpoint(self, db, task=None):
        self.handles[db].checkpoint(**self.task(task))
        return {}

    def op_wait_indexed(self, db, task=None):
        self.handles[db].wait_indexed(**self.task(task))
        return {}

    def op_check(self, db, level):
        return {"report": self.handles[db].check(level)}

    def op_snapshot(self, snapshot, db):
        self.handles[snapshot] = self.handles[db].snapshot()
        return {}

    def op_free_snapshot(self, snapshot):
        self.handles[snapshot].close()
        return {}

    def op_backup(self, db, path, previous=None):
        self.handles[db].backup(self.path(path), self.path(previous))
        return {}

    def op_export_file(self, db, path, format=None, filter=None):
        self.handles[db].export_file(self.path(path), format, filter=self.handles[filter] if filter else None)
        return {}

    def op_import_file(self, db, path, format=None):
        self.handles[db].import_file(self.path(path), format)
        return {}

    def op_explain(self, db, query, k, params=None):
        db = self.handles[db]
        return {"told": db.explain(self.rows([query], None, db)[0], k, **self.params(params))}

    def op_latency(self, db, call):
        latency = self.handles[db].latency(call)
        assert latency.p50_ns <= latency.p95_ns <= latency.p99_ns <= latency.max_ns * 1.04 + 1
        return {"count": latency.count}

    def op_log_read(self, db):
        return {"contains": self.handles[db].log_read()}

    def op_cache_clear(self, db):
        self.handles[db].cache_clear()
        return {}

    def op_repair(self, to, options=None, **source):
        report = vdb.repair(self.path(source.pop("from")), self.path(to), options=options)
        return {"status": "OK" if report["complete"] else "PARTIAL", "report": report}

    def op_stats(self, db):
        return {"stats": self.handles[db].stats()._asdict()}

    def op_task(self, task):
        self.handles[task] = vdb.Task()
        return {}

    def op_cancel(self, task):
        self.handles[task].cancel()
        return {}

    def op_progress(self, task):
        done, total = self.handles[task].progress()
        return {"done": done, "total": total}

    def op_damage(self, file, offset):
        path = self.folder / file
        data = bytearray(path.read_bytes())
        data[offset] ^= 0xFF
        path.write_bytes(data)
        return {}

    def close(self) -> None:
        for handle in self.handles.values():
            handle.close()


def flat(values):
    for value in values:
        yield from flat(value) if isinstance(value, list) else [value]


def cases(folder: Path) -> list:
    return [
        (f"{path.stem}: {case['name']}", case)
        for path in sorted(folder.glob("*.json")) for case in json.loads(path.read_text(encoding="utf-8"))["cases"]]
