"""Snapshots, backups, files and looks inside as Python has them. Answers are in test_vectors.py."""

import gc
import json

import numpy as np
import pytest

import vdb

ONE = np.ones(4, np.float32)


def test_a_snapshot_keeps_its_state(filled):
    with filled.snapshot() as old:
        before = filled.search(ONE, 5)
        filled.delete(before.ids)
        assert filled.count() == 95 and filled.count(snapshot=old) == 100
        assert np.array_equal(filled.search(ONE, 5, snapshot=old).ids, before.ids)
        assert filled.get(before.ids, snapshot=old).found.all() and not filled.get(before.ids).found.any()
        assert filled.stats().snapshots == 1
    assert filled.stats().snapshots == 0
    with pytest.raises(vdb.ClosedError):
        filled.search(ONE, 5, snapshot=old)
    with vdb.open(dim=4) as other, filled.snapshot() as foreign:
        with pytest.raises(vdb.MismatchError):
            other.count(snapshot=foreign)


def test_snapshots_are_collected(filled):
    for _ in range(500):
        filled.snapshot()
    gc.collect()
    assert filled.stats().snapshots == 0


def test_a_backup_opens(filled, tmp_path):
    seen = []
    filled.backup(tmp_path / "one", progress=lambda done, total: seen.append((done, total)))
    filled.delete(1)
    with vdb.open(tmp_path / "one") as restored:
        assert restored.count() == 100 and np.array_equal(restored.get(1).vectors.shape, (1, 4))
    assert seen
    with pytest.raises(vdb.AlreadyExistsError):
        filled.backup(tmp_path / "one")
    task = vdb.Task()
    task.cancel()
    with pytest.raises(vdb.CancelledError):
        filled.backup(tmp_path / "two", task=task)
    assert not list((tmp_path / "two").glob("*")) if (tmp_path / "two").exists() else True


@pytest.mark.parametrize("scalar", ["f32", "f16", "i8", "u8"])
def test_numpy_reads_what_was_exported_and_the_reverse(tmp_path, scalar):
    rng = np.random.default_rng(3)
    rows = rng.integers(0, 100, (50, 6)).astype({"f32": "f4", "f16": "f2", "i8": "i1", "u8": "u1"}[scalar])
    ids = rng.permutation(1000)[:50]
    with vdb.open(dim=6, scalar=scalar) as db:
        db.insert(ids, rows)
        db.export_file(tmp_path / "rows.npy")
    order = np.argsort(ids)
    assert np.array_equal(np.load(tmp_path / "rows.npy"), rows[order])
    assert np.load(tmp_path / "rows.npy.ids.npy" if (tmp_path / "rows.npy.ids.npy").exists() else tmp_path / "rows.ids.npy").tolist() == ids[order].tolist()
    np.save(tmp_path / "mine.npy", rows)
    with vdb.open(dim=6, scalar=scalar) as db:
        db.import_file(tmp_path / "mine.npy")
        assert db.count() == 50 and np.array_equal(np.sort(db.get(np.arange(50)).vectors, axis=0), np.sort(rows, axis=0))


def test_lines_of_json(tmp_path):
    with vdb.open(dim=2) as db:
        db.insert(None, np.eye(2, dtype=np.float32), keys=["a", None], meta=[{"n": 1}, None])
        db.export_file(tmp_path / "rows.jsonl")
        db.export_file(tmp_path / "some.jsonl", filter=vdb.Filter.where("n = 1"))
    lines = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [line.get("key") for line in lines] == ["a", None] and lines[0]["meta"] == {"n": 1}
    assert len((tmp_path / "some.jsonl").read_text().splitlines()) == 1
    with vdb.open(dim=2) as db:
        db.import_file(tmp_path / "rows.jsonl")
        assert db.keys_of_ids([1, 2]) == ["a", None] and db.get_meta(1) == [{"n": 1}]
        with pytest.raises(vdb.UnsupportedError):
            db.export_file(tmp_path / "x", "docx")


def test_looks_inside(filled):
    told = filled.explain(ONE, 5)
    assert told["plan"] == "scan" and told["found"] == 5 and told["rows"]["live"] == 100
    filled.search(ONE)
    latency = filled.latency("search")
    assert latency.count == 1 and 0 < latency.p50_ns <= latency.max_ns * 1.04 + 1 and latency.sum_ns > 0
    assert filled.latency(vdb.Call.INSERT).count == 1 and filled.latency().call == vdb.Call.SEARCH
    with pytest.raises(ValueError, match="none of search"):
        filled.latency("serach")
    with pytest.raises(vdb.UnsupportedError):
        filled.latency(999)
    assert filled.search(ONE, 10, max_memory=1 << 20).ids.size == 10
    with pytest.raises(vdb.LimitError):
        filled.search(ONE, 10, max_memory=1)


def test_columns_are_declared_and_told_of():
    with vdb.open(dim=1, columns="year i64, tags string[]") as db:
        assert db.option("columns") == "tags string[], year i64" == db.options()["schema.columns"]
        with pytest.raises(vdb.InvalidArgumentError, match="declared i64") as wrong:
            db.insert(None, np.zeros((2, 1), np.float32), meta=[{"year": 1999}, {"year": "2000"}])
        assert wrong.value.item == 1
        db.insert([1, 2], np.zeros((2, 1), np.float32), meta=[{"year": 1999}, {"year": None, "other": 0.5}])
        assert db.count(vdb.Filter.where("other > 0 and year is null")) == 1
        told = db.columns()
        assert told["rows"] == 2 and [c["name"] for c in told["columns"]] == ["tags", "year"]
        assert told["columns"][1]["type"] == "i64" and told["columns"][1]["declared"]
    with pytest.raises(vdb.InvalidArgumentError, match="a type should stand here") as wrong:
        vdb.open(dim=1, columns="year int")
    assert wrong.value.item == 5


def test_the_log(tmp_path):
    with vdb.open(tmp_path / "db", dim=4, slow_query_us=1) as db:
        assert " info create " in db.log_read() and db.log_read() == ""
        db.insert(np.arange(5000), np.random.default_rng(0).standard_normal((5000, 4), dtype=np.float32))
        db.search_exact(ONE, 100)
        text = db.log_read()
        assert "slow_search" in text and text.endswith("\n") and db.stats().slow_queries >= 1


def test_the_cache():
    with vdb.open(dim=4, cache_bytes=1 << 20) as db:
        db.insert(1, ONE)
        for _ in range(3):
            assert db.search(ONE, 1).ids.tolist() == [1]
        assert db.stats().cache_hits == 2
        db.cache_clear()
        db.search(ONE, 1, no_cache=True)
        assert (db.stats().cache_hits, db.stats().bytes_cache) == (2, 0)


def test_writers_may_be_told_to_come_back():
    with vdb.open(dim=64, max_unindexed=1000, when_behind="busy", graph_min_rows=100) as db:
        rows = np.random.default_rng(0).standard_normal((40000, 64), dtype=np.float32)
        db.insert(np.arange(40000), rows)
        with pytest.raises(vdb.BusyError):
            db.insert(50000, rows[0])
        assert db.count() == 40000
