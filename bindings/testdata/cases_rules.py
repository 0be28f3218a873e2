"""Errors with their items, tasks, several handles, files, checks and repairs."""

from generate import ID_NONE, Case, Values
from oracle import f32_hex


def writes() -> Case:
    case = Case("batches are whole or not at all")
    db = case.open(dim=2)
    db.insert([1, 2], [[1, 0], [0, 1]])
    db.fails("ALREADY_EXISTS", "insert", item=1, ids=[3, 2], rows=[[1, 1], [2, 2]], message="id 2")
    db.fails("ALREADY_EXISTS", "insert", item=2, ids=[3, 4, 3], rows=[[1, 1], [2, 2], [3, 3]])
    db.get([3, 4])
    db.upsert([2, 3, 3], [[5, 5], [6, 6], [7, 7]])
    db.get([1, 2, 3])
    db.count()
    db.insert([], [])
    db.upsert([0, 2**64 - 2], [[8, 8], [9, 9]])
    db.get([0, 2**64 - 2, 2**63])
    db.search([[9, 9]], 2)
    db.fails("INVALID_ARGUMENT", "insert", item=1, ids=[50, ID_NONE], rows=[[1, 1], [2, 2]])
    db.fails("DIMENSION", "insert", ids=[50], rows=[[1, 2, 3]], message="3 components")
    db.fails("NOT_FINITE", "upsert", item=1, ids=[50, 51], rows=[f32_hex(1, 1), f32_hex(1, float("nan"))])
    db.fails("NOT_FINITE", "upsert", item=0, ids=[50], rows=[f32_hex(float("inf"), 1)])
    db.fails("NOT_FINITE", "search", item=1, queries=[f32_hex(1, 1), f32_hex(1, float("nan"))], k=1)
    db.fails("OUT_OF_RANGE", "upsert", item=0, ids=[50], rows=[[1e20, 0]])
    db.fails("MISMATCH", "insert", ids=[50], rows=["01"], scalar="b1")
    db.delete([1, 1, 77])
    db.delete([])
    db.delete([ID_NONE])
    db.count()
    cosine = case.open("cosine", dim=2, metric="cosine")
    cosine.fails("NOT_FINITE", "insert", item=1, ids=[1, 2], rows=[[1, 0], [0, 0]])
    cosine.count()
    cosine.insert([1], [[3, 4]])
    cosine.get([1])
    return case


def opening() -> Case:
    case = Case("opening")
    db = case.open(path="one", dim=3, metric="ip", m=8)
    db.insert([1, 2, 3], [[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    for name, value in [("schema.dim", 3), ("schema.metric", "ip"), ("hnsw.m", 8), ("hnsw.ef_search", 64),
                        ("index.consolidate_ratio", 0.1), ("storage.mmap", True), ("storage.read_only", False)]:
        db.step("option", {"value": value}, name=name)
    db.fails("UNKNOWN_OPTION", "option", name="no.such")
    case.fails("LOCKED", "open", db="again", path="one", options={"schema.dim": 3})
    db.step("close")
    case.fails("MISMATCH", "open", db="db", path="one", options={"schema.dim": 4}, message="schema.dim")
    case.fails("MISMATCH", "open", db="db", path="one", options={"schema.metric": "l2sq"})
    again = db.also("db", "one", create=False)
    again.count()
    again.get([3, 1])
    again.search([[1, 0, 1]], 3)
    again.step("option", {"value": 3}, name="schema.dim")
    again.step("close")
    case.fails("NOT_FOUND", "open", db="db", path="two", options={"schema.dim": 3, "storage.create": "off"})
    case.fails("NOT_FOUND", "open", db="db", path="two", options={"storage.read_only": True})
    case.fails("NOT_FOUND", "open", db="db", path="missing/two", options={"schema.dim": 3})
    case.fails("INVALID_ARGUMENT", "open", db="db", path="two", options={})
    case.fails("INVALID_ARGUMENT", "open", db="db", path="", options={"schema.dim": 3})
    case.fails("UNKNOWN_OPTION", "open", db="db", path="two", options={"hnsw.mm": 3}, message="hnsw.m")
    for options in ({"hnsw.m": 1}, {"schema.metric": 99}, {"schema.dim": 0}, {"index.consolidate_ratio": 2}):
        case.fails("OUT_OF_RANGE", "open", db="db", path=None, options={"schema.dim": 3, **options})
    for options in ({"hnsw.m": "many"}, {"schema.metric": "euclid"}, {"hnsw.m": 8.5}):
        case.fails("INVALID_ARGUMENT", "open", db="db", path=None, options={"schema.dim": 3, **options})
    case.fails("UNSUPPORTED", "open", db="db", path=None, options={"schema.dim": 3, "schema.metric": "hamming"})
    return case


def closed() -> Case:
    case = Case("used after it was closed")
    db = case.open(dim=2)
    db.insert([1], [[1, 2]])
    case.filter("one", [1], True)
    case.step("task", task="task")
    db.step("close")
    row = {"ids": [2], "rows": [[1, 2]]}
    for op, args in [
        ("insert", row), ("upsert", row), ("delete", {"ids": [1]}), ("get", {"ids": [1]}), ("count", {}),
        ("count", {"filter": "one"}), ("search", {"queries": [[1, 2]], "k": 1}),
        ("search_exact", {"queries": [[1, 2]], "k": 1}), ("search_range", {"query": [1, 2], "max_distance": 1, "cap": 1}),
        ("measure_recall", {"count": 1, "k": 1}), ("sync", {}), ("checkpoint", {"task": "task"}), ("wait_indexed", {}),
        ("refresh", {}), ("stats", {}), ("check", {"level": "structure"}), ("option", {"name": "schema.dim"}),
    ]:
        db.fails("CLOSED", op, **args)
    return case


def tasks() -> Case:
    case = Case("tasks")
    db = case.open(path="tasks", dim=2)
    case.step("task", task="go")
    case.step("progress", {"done": 0, "total": 0}, task="go")
    db.step("insert", ids=["1", "2"], rows=[[1, 0], [0, 1]], task="go")
    db.oracle.rows.update({1: [1, 0], 2: [0, 1]})
    case.step("progress", {"done": 2, "total": 2}, task="go")
    db.step("wait_indexed", task="go")
    db.step("checkpoint", task="go")
    case.step("task", task="stop")
    case.step("cancel", task="stop")
    row = {"ids": [3], "rows": [[5, 5]], "task": "stop"}
    db.fails("CANCELLED", "insert", **row)
    db.fails("CANCELLED", "upsert", **row)
    db.count()
    db.step("search", {"status": "PARTIAL"}, queries=[[1, 0]], k=1, params={"task": "stop"})
    db.step("search_range", {"status": "PARTIAL"}, query=[1, 0], max_distance=1, cap=1, params={"task": "stop"})
    db.upsert([3], [[5, 5]])
    db.search([[4, 4]], 1)
    return case


def several_handles() -> Case:
    case = Case("a reader beside the writer")
    writer = case.open("writer", path="shared", dim=2)
    writer.insert([1, 2], [[1, 0], [0, 1]])
    writer.step("sync")
    reader = writer.also("reader", "shared", read_only=True)
    reader.count()
    reader.get([2, 1])
    reader.fails("READ_ONLY", "insert", ids=[9], rows=[[1, 1]])
    reader.fails("READ_ONLY", "checkpoint")
    reader.step("option", {"value": True}, name="storage.read_only")
    writer.step("upsert", ids=["2", "3"], rows=[[7, 7], [3, 3]])
    writer.step("delete", {"deleted": 1}, ids=["1"])
    reader.count()
    reader.search([[1, 1]], 3)
    writer.step("sync")
    reader.step("refresh")
    reader.oracle.rows = {2: [7, 7], 3: [3, 3]}
    reader.count()
    reader.search([[1, 1]], 3)
    reader.step("stats", {"stats": {"live": 2, "lsn": 3}})
    writer.step("checkpoint")
    writer.step("close")
    reader.step("refresh")
    reader.count()
    reader.step("wait_indexed")
    return case


def integrity() -> Case:
    case = Case("checks and repairs")
    values = Values("integrity")
    rows = [values.vector(4) for _ in range(100)]
    db = case.open(path="one", dim=4)
    db.insert(range(100), rows)
    db.delete([50])
    sound = {"sound": True, "problem_count": 0}
    db.step("check", {"report": {**sound, "rows": 99, "lsn": 2}}, level="structure")
    db.step("checkpoint")
    db.step("stats", {"stats": {"live": 99, "lsn": 2, "checkpoint_lsn": 2, "checkpoints": 1}})
    db.step("check", {"report": {**sound, "level": "checksums", "log_records": 0}}, level="checksums")
    case.fails("LOCKED", "repair", **{"from": "one", "to": "two"})
    db.step("close")
    whole = {"complete": True, "rows": 99, "rows_lost": 0, "files_damaged": 0}
    case.step("repair", {"report": whole}, **{"from": "one", "to": "two"})
    case.fails("ALREADY_EXISTS", "repair", **{"from": "one", "to": "two"})
    case.fails("NOT_FOUND", "repair", **{"from": "three", "to": "four"})
    two = db.also("two", "two")
    two.count()
    two.get([49, 50, 51])
    case.step("damage", file="one/chunk-1.vdb", offset=4200)
    hurt = db.also("hurt", "one", read_only=True)
    hurt.step("check", {"status": "ERR_CORRUPT", "message": "chunk-1.vdb", "report": {"sound": False}}, level="checksums")
    hurt.step("close")
    case.step("repair", {"status": "PARTIAL", "report": {"complete": False, "files_damaged": 1}},
              **{"from": "one", "to": "five"}, options={"schema.dim": 4})
    return case


def cases() -> list[Case]:
    return [writes(), opening(), closed(), tasks(), several_handles(), integrity()]
