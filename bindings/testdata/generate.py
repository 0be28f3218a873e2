#!/usr/bin/env python3
"""Writes the test vectors of the bindings; README.md describes them.

    generate.py            writes the files anew
    generate.py --check    fails where a file is not current

Builders below append a step with what the oracle says it must answer. `fails` appends a step that
must fail. The calls themselves are in cases_*.py, one file for each JSON file.
"""

from __future__ import annotations

import copy
import importlib
import json
import random
import struct
import sys
from pathlib import Path

from oracle import Oracle, rounded

HERE = Path(__file__).resolve().parent
ID_NONE = 2**64 - 1
# Calls that take a snapshot by itself; searches have it among their parameters.
READS = {"get", "count", "ids_of_keys", "keys_of_ids", "get_meta", "cursor_scan"}


class Case:
    """One case: its steps, and builders for them."""

    def __init__(self, name: str):
        self.name = name
        self.steps: list[dict] = []

    def step(self, op: str, expect: dict | None = None, **args) -> None:
        step = {"op": op, **{key: value for key, value in args.items() if value is not None}}
        if "path" in args:
            step["path"] = args["path"]
        self.steps.append({**step, **({"expect": expect} if expect else {})})

    def fails(self, status: str, op: str, item: int | None = None, message: str | None = None, **args) -> None:
        expect = {"status": f"ERR_{status}"}
        if item is not None:
            expect["item"] = str(item)
        if message is not None:
            expect["message"] = message
        if "ids" in args:
            args["ids"] = texts(args["ids"])
        self.step(op, expect, **args)

    def open(self, name: str = "db", path: str | None = None, **options) -> Database:
        """Opens; keywords are options by the last part of their names."""
        self.step("open", db=name, path=path, options={OPTIONS[key]: value for key, value in options.items()})
        return Database(self, name, Oracle(options.get("metric", "l2sq")), options.get("scalar", "f32"))

    def search_many(self, databases: list[Database], queries, k: int, filter: dict | None = None) -> None:
        found = []
        for query in queries:
            near = [(d, place, i) for place, db in enumerate(databases) for d, i in db.oracle.near(query, passing(filter))]
            found.append(sorted(near)[:k])
        self.step("search_many", {**lists([[(d, i) for d, _, i in rows] for rows in found]),
                                  "sources": [[place for _, place, _ in rows] for rows in found]},
                  dbs=[db.name for db in databases], queries=queries, k=k, params=Database._params({}, filter))

    def cursor_read(self, name: str, rows: list, cap: int, count: int | None = None) -> list:
        """Reads some rows of a cursor, or all; returns those that are left."""
        self.step("cursor_read", one_list(rows if count is None else rows[:count]), cursor=name, cap=cap, count=count)
        return [] if count is None else rows[count:]

    def filter(self, name: str, ids: list[int], allow: bool) -> dict:
        self.step("filter", filter=name, ids=texts(ids), allow=allow)
        passes = set(ids)
        return {"name": name, "allowed": lambda row_id: (row_id in passes) == allow}

    def where(self, db: Database, name: str, text: str, holds, values: list | None = None) -> dict:
        """A condition on metadata as a text, and the same as `holds(object)`; with `values` for its parameters."""
        parsed = name if values is None else f"{name} with parameters"
        self.step("parse_filter", filter=parsed, text=text)
        if values is not None:
            self.step("bind_filter", **{"filter": name, "from": parsed, "values": values})
        meta = db.oracle.meta
        return {"name": name, "allowed": lambda row_id: holds(json.loads(meta.get(row_id) or "{}"))}


OPTIONS = {
    "dim": "schema.dim", "metric": "schema.metric", "scalar": "schema.scalar", "m": "hnsw.m", "quant": "schema.quant",
    "create": "storage.create", "read_only": "storage.read_only", "durability": "storage.durability",
    "graph_min_rows": "index.graph_min_rows", "ef_search": "hnsw.ef_search", "threads": "runtime.threads",
    "seed": "hnsw.seed", "target_recall": "search.target_recall", "profile": "hnsw.profile",
    "max_memory": "runtime.max_memory", "mmap": "storage.mmap", "max_meta_bytes": "storage.max_meta_bytes",
    "cache_bytes": "runtime.cache_bytes", "log_level": "runtime.log_level",
}


def member(value, path: str):
    """What lies at a path of names: author.name."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def passing(filter: dict | None):
    return filter["allowed"] if filter else lambda row_id: True


def lists(found: list[list]) -> dict:
    """Ids and distances of several queries."""
    return {"ids": [texts(i for _, i in rows) for rows in found], "distances": [[rounded(d) for d, _ in rows] for rows in found]}


def one_list(found: list) -> dict:
    return {key: value[0] for key, value in lists([found]).items()}


def texts(ids) -> list[str]:
    return [str(row_id) for row_id in ids]


class Database:
    """A database of a case, beside an oracle with the same rows."""

    def __init__(self, case: Case, name: str, oracle: Oracle, scalar: str, snapshot: str | None = None):
        self.case, self.name, self.oracle, self.scalar, self.at = case, name, oracle, scalar, snapshot

    def step(self, op: str, expect: dict | None = None, **args) -> None:
        if self.at and op in READS:
            args["snapshot"] = self.at
        elif self.at:
            args["params"] = {**(args.get("params") or {}), "snapshot": self.at}
        self.case.step(op, expect, db=self.name, **args)

    def snapshot(self, name: str) -> Database:
        """The database as it is now, for calls with a snapshot of it."""
        self.step("snapshot", snapshot=name)
        return Database(self.case, self.name, copy.deepcopy(self.oracle), self.scalar, name)

    def fails(self, status: str, op: str, item: int | None = None, message: str | None = None, **args) -> None:
        self.case.fails(status, op, item, message, db=self.name, **args)

    def also(self, name: str, path: str, **options) -> Database:
        """A further handle on the same directory."""
        self.case.step("open", db=name, path=path, options={OPTIONS[k]: v for k, v in options.items()})
        return Database(self.case, name, self.oracle, self.scalar)

    def insert(self, ids, rows, op: str = "insert", scalar: str | None = None, stored=None) -> None:
        """`stored`: the rows as numbers, where `rows` are bytes of another type."""
        self.step(op, ids=texts(ids), rows=rows, scalar=scalar)
        self.oracle.rows.update(zip(ids, stored or rows))

    def upsert(self, ids, rows, **more) -> None:
        self.insert(ids, rows, op="upsert", **more)

    def records(self, op: str, ids, rows, keys=None, meta=None, expect_ids=None) -> None:
        """Rows with keys and metadata; an id of None asks for one. `expect_ids`: the ids, where any was asked for."""
        asked = None if ids is None else [None if row_id is None else str(row_id) for row_id in ids]
        given = expect_ids or ids
        self.case.steps.append({
            "op": op, "db": self.name, "ids": asked, "rows": rows, **({} if keys is None else {"keys": keys}),
            **({} if meta is None else {"meta": meta}), "expect": {"ids": texts(given)}})
        self.oracle.rows.update(zip(given, rows))
        for store, new in ((self.oracle.keys, keys), (self.oracle.meta, meta)):
            for row_id, text in zip(given, new or []):
                store[row_id] = text

    def get_records(self, ids) -> None:
        """Keys and metadata of rows, byte by byte."""
        keys = [self.oracle.keys.get(row_id) or None for row_id in ids]
        meta = [self.oracle.meta.get(row_id) or None for row_id in ids]
        self.step("keys_of_ids", {"keys": keys}, ids=texts(ids))
        self.step("get_meta", {"meta": meta}, ids=texts(ids))

    def ids_of_keys(self, keys) -> None:
        owners = {key: str(row_id) for row_id, key in self.oracle.keys.items() if key}
        self.step("ids_of_keys", {"ids": [owners.get(key) for key in keys]}, keys=keys)

    def delete_keys(self, keys) -> None:
        gone = [row_id for row_id, key in self.oracle.keys.items() if key and key in keys]
        self.step("delete_keys", {"deleted": len(gone)}, keys=keys)
        self.oracle.forget(gone)

    def delete_where(self, filter: dict) -> None:
        gone = [row_id for row_id in self.oracle.rows if filter["allowed"](row_id)]
        self.step("delete_where", {"deleted": len(gone)}, filter=filter["name"])
        self.oracle.forget(gone)

    def update_meta(self, ids, meta) -> None:
        there = {row_id: text for row_id, text in zip(ids, meta) if row_id in self.oracle.rows}
        self.step("update_meta", {"updated": len(there)}, ids=texts(ids), meta=meta)
        self.oracle.meta.update(there)

    def update_meta_where(self, filter: dict, meta: str | None) -> None:
        changed = [row_id for row_id in self.oracle.rows if filter["allowed"](row_id)]
        self.case.steps.append({"op": "update_meta_where", "db": self.name, "filter": filter["name"], "meta": meta,
                                "expect": {"updated": len(changed)}})
        self.oracle.meta.update(dict.fromkeys(changed, meta))

    def delete(self, ids) -> None:
        gone = {row_id for row_id in ids if row_id in self.oracle.rows}
        self.step("delete", {"deleted": len(gone)}, ids=texts(ids))
        self.oracle.forget(gone)

    def get(self, ids, scalar: str | None = None, rows=None) -> None:
        self.step("get", {"rows": rows or [self.oracle.rows.get(row_id) for row_id in ids]}, ids=texts(ids), scalar=scalar)

    def count(self, filter: dict | None = None) -> None:
        allowed = filter["allowed"] if filter else lambda _: True
        rows = sum(map(allowed, self.oracle.rows))
        self.step("count", {"count": rows}, filter=filter and filter["name"])

    def search(self, queries, k: int, op: str = "search", filter: dict | None = None, stored=None, scalar=None, **params):
        ids, distances = self._answers(stored or queries, k, filter)
        self.step(op, {"ids": ids, "distances": distances}, queries=queries, k=k, scalar=scalar,
                  params=self._params(params, filter))

    def search_range(self, query, max_distance: float, cap: int, filter: dict | None = None, scalar=None, **params) -> None:
        near = self.oracle.near(query, filter["allowed"] if filter else lambda _: True)
        within = [(d, row_id) for d, row_id in near if d <= max_distance]
        expect = {
            "ids": texts(row_id for _, row_id in within[:cap]),
            "distances": [rounded(d) for d, _ in within[:cap]], "more": len(within) > cap}
        self.step("search_range", expect, query=query, max_distance=max_distance, cap=cap, scalar=scalar,
                  params=self._params(params, filter))

    def search_ids(self, ids, k: int, filter: dict | None = None, **params) -> None:
        queries = [self.oracle.rows[row_id] for row_id in ids]
        near = [[(d, i) for d, i in self.oracle.near(query, passing(filter)) if i != row_id][:k]
                for query, row_id in zip(queries, ids)]
        self.step("search_ids", lists(near), ids=texts(ids), k=k, params=self._params(params, filter))

    def recommend(self, positive, negative, k: int, filter: dict | None = None, **params) -> None:
        examples = {*positive, *negative}
        point = self.oracle.point(positive, negative)
        near = [(d, i) for d, i in self.oracle.near(point, passing(filter)) if i not in examples][:k]
        self.step("recommend", one_list(near), positive=texts(positive), negative=texts(negative), k=k,
                  params=self._params(params, filter))

    def search_diverse(self, query, k: int, candidates: int, weight: float, filter: dict | None = None) -> None:
        near = self.oracle.near(query, passing(filter))[: max(candidates or 4 * k, k)]
        chosen = self.oracle.diverse(near, k, weight)
        self.step("search_diverse", one_list(chosen), query=query, k=k, candidates=candidates,
                  params=self._params({}, filter), **{"lambda": weight})

    def search_groups(self, query, path: str, groups: int, per_group: int, filter: dict | None = None, **params) -> None:
        found: dict = {}
        for distance, row_id in self.oracle.near(query, passing(filter)):
            value = member(json.loads(self.oracle.meta.get(row_id) or "{}"), path)
            if not isinstance(value, (str, int, float)):
                continue
            # In Python True is 1; here they are two groups.
            group = found.setdefault((isinstance(value, bool), value), [])
            if len(group) < per_group:
                group.append((distance, row_id))
        kept = list(found.values())[:groups] if per_group else []
        self.step("search_groups", lists(kept), query=query, path=path, groups=groups,
                  per_group=per_group, params=self._params(params, filter))

    def cursor_search(self, name: str, query, filter: dict | None = None, **params) -> list:
        self.step("cursor_search", cursor=name, query=query, params=self._params(params, filter))
        return self.oracle.near(query, passing(filter))

    def cursor_scan(self, name: str, filter: dict | None = None) -> list:
        self.step("cursor_scan", cursor=name, filter=filter and filter["name"])
        return [(0, row_id) for row_id in sorted(self.oracle.rows) if passing(filter)(row_id)]

    def _answers(self, queries, k, filter):
        near = [self.oracle.near(query, filter["allowed"] if filter else lambda _: True)[:k] for query in queries]
        return ([texts(row_id for _, row_id in found) for found in near],
                [[rounded(d) for d, _ in found] for found in near])

    @staticmethod
    def _params(params: dict, filter: dict | None) -> dict | None:
        return {**params, **({"filter": filter["name"]} if filter else {})} or None


class Values(random.Random):
    """Vectors that every type can hold, always the same."""

    def vector(self, dim: int, low: int = -8, high: int = 8) -> list[int]:
        return [self.randint(low, high) for _ in range(dim)]

    def bit_row(self, dim: int) -> str:
        value = self.getrandbits(dim)
        return value.to_bytes((dim + 7) // 8, "little").hex()


def written(cases: list[Case]) -> str:
    """JSON with a line for each step, so that a change shows where it is."""
    blocks = []
    for case in cases:
        steps = ",\n".join("    " + json.dumps(step, allow_nan=False) for step in case.steps)
        blocks.append(f'  {{"name": {json.dumps(case.name)}, "steps": [\n{steps}\n  ]}}')
    return '{"cases": [\n' + ",\n".join(blocks) + "\n]}\n"


def transcript(case: Case) -> str:
    """What a replay of the case must say: for each step its outcome and what is expected of it, floats as their bits."""
    lines = []
    for step in case.steps:
        expect = dict(step.get("expect", {}))
        words = [step["op"], expect.pop("status", "OK")]
        if "item" in expect:
            words.append(f"item={expect.pop('item')}")
        for name in sorted(expect.keys() - {"message", "contains"}):
            value = single(expect[name]) if name in ("distances", "rows") else expect[name]
            words.append(f"{name}={json.dumps(value, ensure_ascii=False, separators=(',', ':'), sort_keys=True)}")
        lines.append(" ".join(words) + "\n")
    return "".join(lines)


def single(value):
    """Numbers as the bits that they have as a float."""
    if isinstance(value, list):
        return [single(element) for element in value]
    return struct.pack(">f", value).hex() if isinstance(value, (int, float)) else value


def main() -> int:
    check = sys.argv[1:] == ["--check"]
    stale = []

    def current(path: Path, text: str) -> None:
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return
        stale.append(path.name)
        if not check:
            path.write_text(text, encoding="utf-8")

    for module in sorted(HERE.glob("cases_*.py")):
        cases = importlib.import_module(module.stem).cases()
        name = module.stem.removeprefix("cases_")
        current(HERE / f"{name}.json", written(cases))
        if name == "script":
            current(HERE / "transcript.txt", "".join(map(transcript, cases)))
        print(f"{name}.json: {len(cases)} cases, {sum(len(c.steps) for c in cases)} steps")
    if check and stale:
        print(f"not current: {', '.join(stale)}; run bindings/testdata/generate.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
