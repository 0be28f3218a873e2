"""Handles: closing, collecting, forking, threads, processes, and what is left in memory."""

import gc
import multiprocessing
import os
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import vdb

ONE = np.ones(4, np.float32)


def test_with_closes(tmp_path):
    with vdb.open(tmp_path / "db", dim=4) as db:
        db.insert(1, ONE)
    assert db.closed and "closed" in repr(db)
    with vdb.open(tmp_path / "db") as db:
        assert db.count() == 1


def test_used_after_close_is_an_error(db):
    rule, task = vdb.Filter([1]), vdb.Task()
    db.close()
    db.close()
    for call in (
        lambda: db.insert(1, ONE), lambda: db.upsert(1, ONE), lambda: db.delete(1), lambda: db.get(1), db.count,
        lambda: db.search(ONE), lambda: db.search_exact(ONE), lambda: db.search_range(ONE, 1), lambda: db.measure_recall(1),
        db.sync, db.checkpoint, db.wait_indexed, db.refresh, db.check, db.stats, db.options, db.__enter__,
    ):
        with pytest.raises(vdb.ClosedError):
            call()
    rule.close(), task.close(), rule.close(), task.close()
    with vdb.open(dim=4) as other:
        for call in (lambda: other.search(ONE, filter=rule), lambda: other.search(ONE, task=task), task.cancel):
            with pytest.raises(vdb.ClosedError):
                call()


def test_a_database_that_nobody_holds_is_closed(tmp_path):
    db = vdb.open(tmp_path / "db", dim=4)
    gone = weakref.ref(db)
    db.insert(1, ONE)
    del db
    gc.collect()
    assert gone() is None
    with vdb.open(tmp_path / "db") as again:
        assert again.count() == 1


def test_closing_in_the_middle_of_searches():
    """Threads search while the database is closed: each call gives an answer or ClosedError, nothing else."""
    for _ in range(20):
        db = vdb.open(dim=4)
        db.insert(np.arange(500), np.random.default_rng(0).standard_normal((500, 4), dtype=np.float32))
        outcomes: list = []
        ready = threading.Barrier(5)

        def search():
            ready.wait()
            try:
                while True:
                    assert db.search(ONE, 3).ids.size == 3
            except vdb.ClosedError:
                outcomes.append("closed")
            except BaseException as error:  # noqa: BLE001
                outcomes.append(error)

        threads = [threading.Thread(target=search) for _ in range(4)]
        for thread in threads:
            thread.start()
        ready.wait()
        db.close()
        for thread in threads:
            thread.join()
        assert outcomes == ["closed"] * 4


def test_threads_write_and_search_together():
    with vdb.open(dim=4) as db:
        errors: list = []

        def work(number):
            rng = np.random.default_rng(number)
            try:
                for i in range(100):
                    ids = np.arange(5) + 5 * (i + 100 * number)
                    rows = rng.standard_normal((5, 4), dtype=np.float32)
                    db.insert(ids, rows)
                    found = db.search(rows, 1)
                    assert (found.ids[:, 0] == ids).all()
            except BaseException as error:  # noqa: BLE001
                errors.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors and db.count() == 8 * 500


def test_a_handle_of_the_parent_says_so_in_the_child(db, tmp_path):
    def in_child():
        for call in (db.count, lambda: db.search(ONE), rule.capi, task.progress):
            try:
                call()
                return 1
            except vdb.ForkedError as error:
                if "spawn" not in str(error):
                    return 2
        with vdb.open(tmp_path / "child", dim=4) as own:
            own.insert(1, ONE)
            if own.count() != 1:
                return 3
        db.close()
        return 0

    rule, task = vdb.Filter([1]), vdb.Task()
    pid = os.fork()
    if pid == 0:
        code = 9
        try:
            code = in_child()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    db.insert(1, ONE)
    assert db.count() == 1


def read_along(path, wanted, results):
    with vdb.open(path, read_only=True) as reader:
        seen = [reader.count()]
        while seen[-1] < wanted:
            reader.refresh()
            seen.append(reader.count())
        ids, _ = reader.search(ONE, wanted)
        results.put((seen == sorted(seen), all(n % 10 == 0 for n in seen), len(ids)))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_readers_in_other_processes(tmp_path, method):
    """Batches of ten appear whole, in order, in two processes that read along."""
    context = multiprocessing.get_context(method)
    results = context.Queue()
    path = str(tmp_path / "db")
    vdb.open(path, dim=4).close()
    readers = [context.Process(target=read_along, args=(path, 500, results)) for _ in range(2)]
    for reader in readers:
        reader.start()
    with vdb.open(path, durability="process") as db:
        for i in range(50):
            db.insert(np.arange(10) + 10 * i, np.random.default_rng(i).standard_normal((10, 4), dtype=np.float32))
        assert [results.get(timeout=60) for _ in readers] == [(True, True, 500)] * 2
    for reader in readers:
        reader.join()


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_ten_thousand_databases_leave_nothing():
    rows = np.ones((3, 4), np.float32)

    def cycle(count):
        for _ in range(count):
            with vdb.open(dim=4) as db:
                db.insert([1, 2, 3], rows)
                db.search(ONE, 2)

    cycle(500)
    gc.collect()
    tracemalloc.start()
    before, native = tracemalloc.take_snapshot(), resident()
    cycle(9500)
    gc.collect()
    after = tracemalloc.take_snapshot()
    tracemalloc.stop()
    grown = sum(entry.size_diff for entry in after.compare_to(before, "filename"))
    assert grown < 200_000, f"Python objects grew by {grown} bytes"
    assert resident() - native < 16 << 20, f"the process grew by {resident() - native} bytes"


def test_failed_calls_leave_nothing(filled):
    def cycle(count):
        for _ in range(count):
            for call in (lambda: filled.insert(5, ONE), lambda: vdb.open(dim=0), lambda: filled.search(ONE, 1, ef=10**6)):
                with pytest.raises(vdb.Error):
                    call()

    cycle(200)
    gc.collect()
    native = resident()
    cycle(3000)
    gc.collect()
    assert resident() - native < 8 << 20


def test_collecting_at_every_moment():
    """The collector runs all the time while handles come and go in cycles of references, on several threads."""
    old = gc.get_threshold()
    errors: list = []

    def work(seed):
        try:
            for i in range(60):
                db = vdb.open(dim=4)
                rule, task = vdb.Filter(np.arange(10)), vdb.Task()
                knot = {"db": db, "rule": rule, "task": task}
                knot["self"] = knot
                db.insert(np.arange(20), np.full((20, 4), seed, np.float32))
                found = db.search(np.full((3, 4), seed, np.float32), 5, filter=rule, task=task)
                assert (found.ids[:, 0] == 0).all() and (found.counts == 5).all()
                del db, rule, task, knot
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    gc.set_threshold(1, 1, 1)
    try:
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*old)
    assert not errors


def test_searches_leave_nothing(filled):
    rule, query = vdb.Filter(np.arange(50)), np.ones(4, np.float32)

    def cycle(count):
        for _ in range(count):
            found = filled.search(query, 10)
            assert found.counts[0] == 10
            filled.search(query, 100, filter=rule, ef=20)
            with pytest.raises(vdb.Error):
                filled.search(query, 5, ef=10**6)

    cycle(2000)
    gc.collect()
    held, native = [sys.getrefcount(thing) for thing in (query, rule, vdb.SearchResult)], resident()
    cycle(20000)
    gc.collect()
    assert [sys.getrefcount(thing) for thing in (query, rule, vdb.SearchResult)] == held
    assert resident() - native < 4 << 20, f"the process grew by {resident() - native} bytes"
