"""Errors as exceptions, options, tasks, progress, and Ctrl-C."""

import errno
import os
import pickle
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import vdb

ROOT = Path(os.environ.get("VDB_ROOT", Path(__file__).resolve().parents[3]))
ONE = np.ones(4, np.float32)


def test_an_exception_for_each_status():
    statuses = {status for status in vdb.Status if status < 0}
    assert vdb.errors.BY_STATUS.keys() == statuses
    for made in vdb.errors.BY_STATUS.values():
        assert issubclass(made, vdb.Error) and getattr(vdb, made.__name__) is made


def test_what_an_exception_knows(db):
    db.insert(5, ONE)
    with pytest.raises(vdb.AlreadyExistsError, match="id 5 exists already") as raised:
        db.insert([4, 5], np.stack([ONE, ONE]))
    error = raised.value
    assert (error.status, error.item, error.os_error) == (vdb.Status.ERR_ALREADY_EXISTS, 1, 0)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error) and str(copy) == str(error) and copy.item == 1


def test_well_known_exceptions_are_caught_too(db, tmp_path):
    for known, call in [
        (ValueError, lambda: db.insert(1, np.ones(3, np.float32))),
        (ValueError, lambda: vdb.open(dim=0)),
        (FileNotFoundError, lambda: vdb.open(tmp_path / "none", create=False)),
        (ValueError, lambda: vdb.open(dim=2, metric="euclid")),
    ]:
        with pytest.raises(known) as raised:
            call()
        assert isinstance(raised.value, vdb.Error)


def test_an_error_of_the_system_has_its_number(tmp_path):
    file = tmp_path / "file"
    file.write_text("no directory")
    with pytest.raises(OSError) as raised:
        vdb.open(file, dim=2)
    assert raised.value.os_error == raised.value.errno == errno.ENOTDIR or raised.value.os_error == errno.EEXIST


def test_options_by_each_kind_of_name_and_value():
    with vdb.open(dim=3, metric="l1", options={"hnsw.m": 8, "storage.mmap": "off"}, consolidate_ratio=1, ef_search=np.int64(9)) as db:
        assert (db.option("hnsw.m"), db.option("m"), db.option("metric"), db.option("mmap")) == (8, 8, "l1", False)
        assert (db.option("consolidate_ratio"), db.option("ef_search"), db.dim, db.metric) == (1.0, 9, 3, vdb.Metric.L1)
        assert db.options()["schema.dim"] == 3
        with pytest.raises(vdb.UnknownOptionError):
            db.option("hnsw.mm")
    with vdb.open(dim=3, metric=vdb.Metric.COSINE, scalar=int(vdb.Scalar.F16)) as db:
        assert db.metric == vdb.Metric.COSINE and db.scalar == vdb.Scalar.F16
    for bad, error in [
        ({"dimm": 3}, vdb.UnknownOptionError), ({"m": -1}, vdb.OutOfRangeError), ({"m": 2**64}, vdb.OutOfRangeError),
        ({"m": 8.5}, vdb.InvalidArgumentError), ({"m": float("inf")}, vdb.InvalidArgumentError), ({"m": 257}, vdb.OutOfRangeError),
        ({"consolidate_ratio": float("nan")}, vdb.OutOfRangeError), ({"metric": 99}, vdb.OutOfRangeError),
    ]:
        with pytest.raises(error):
            vdb.open(**{"dim": 3, **bad})


def test_the_table_of_options_is_complete():
    table = vdb.option_table()
    assert {info.id for info in table} == set(vdb.Option)
    assert all(info.name and info.help and info.min_value <= info.max_value for info in table)
    assert all((info.values is not None) == (info.value_type == 3) for info in table)


def test_unknown_parameters_of_a_search_are_refused(filled):
    with pytest.raises(TypeError, match="no parameter of a search"):
        filled.search(ONE, 1, eff=3)
    with pytest.raises(vdb.OutOfRangeError):
        filled.search(ONE, 1, ef=10**6)
    assert filled.search(ONE, 1, ef=None, filter=None, task=None, exact=False).ids.size == 1


@pytest.mark.parametrize("wrong", ["year > 3", {"year": 3}, "", [], 0, b"x"])
def test_what_is_no_handle_is_refused(filled, wrong, tmp_path):
    """Also what Python takes for false: it must not mean all rows."""
    calls = [
        lambda: filled.search(ONE, 1, filter=wrong), lambda: filled.search(ONE[None, :], 1, filter=wrong),
        lambda: filled.count(wrong), lambda: filled.cursor_scan(wrong), lambda: filled.delete_where(wrong),
        lambda: filled.update_meta_where(wrong, {}), lambda: filled.export_file(tmp_path / "rows.npy", filter=wrong),
        lambda: filled.explain(ONE, 1, filter=wrong),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="filter: a .* is no Filter; vdb.Filter"):
            call()
    for call in (lambda: filled.count(snapshot=wrong), lambda: filled.get(1, snapshot=wrong), lambda: filled.search(ONE, 1, snapshot=wrong)):
        with pytest.raises(TypeError, match="snapshot: a .* is no Snapshot; db.snapshot"):
            call()
    assert filled.count() == 100


@pytest.mark.parametrize("name, value, error", [
    ("ef", -1, vdb.OutOfRangeError), ("ef", 2**40, vdb.OutOfRangeError), ("ef", "x", TypeError), ("ef", 1.5, TypeError),
    ("deadline_us", -1, vdb.OutOfRangeError), ("max_memory", "1 GB", TypeError), ("target_recall", "x", TypeError),
    ("target_recall", float("nan"), vdb.OutOfRangeError), ("k", 2.5, TypeError), ("k", None, TypeError), ("k", "3", TypeError),
])
def test_a_wrong_number_is_named(filled, name, value, error):
    for query in (ONE, ONE[None, :]):
        with pytest.raises(error, match=name):
            filled.search(query, **{name: value})


def test_a_cancelled_task(filled):
    with vdb.Task() as task:
        filled.insert(1000, ONE, task=task)
        assert task.progress() == (1, 1)
        task.cancel()
        with pytest.raises(vdb.CancelledError):
            filled.insert(1001, ONE, task=task)
        assert filled.search(ONE, 5, task=task).partial
    assert filled.count() == 101
    with pytest.raises(vdb.ClosedError):
        task.progress()


class Bar:
    """The part of a tqdm bar that is used."""

    def __init__(self):
        self.n = self.total = 0

    def update(self, by):
        self.n += by


def test_progress_as_a_function_and_as_a_bar(filled):
    rows = np.random.default_rng(0).standard_normal((2000, 4), dtype=np.float32)
    seen, bar, here = [], Bar(), []
    filled.insert(np.arange(1000, 3000), rows, progress=lambda done, total: (seen.append((done, total)), here.append(threading.current_thread())))
    assert seen[-1] == (2000, 2000) and set(here) == {threading.current_thread()}
    filled.measure_recall(50, 5, progress=bar)
    assert bar.n == bar.total == 50
    with pytest.raises(TypeError, match="neither a function"):
        filled.measure_recall(50, 5, progress=7)


def indexing():
    """A database with some seconds of graph work ahead."""
    db = vdb.open(dim=256)
    db.insert(np.arange(30000), np.random.default_rng(0).standard_normal((30000, 256), dtype=np.float32))
    return db


def test_progress_can_cancel_and_raise():
    with indexing() as db:
        with pytest.raises(vdb.CancelledError):
            db.wait_indexed(progress=lambda done, total: False)
        with pytest.raises(ZeroDivisionError):
            db.wait_indexed(progress=lambda done, total: 1 // 0)
        assert db.stats().unindexed > 0, "the calls went on to the end of the work"


def test_ctrl_c_ends_a_long_call():
    """On the main thread, without a task or progress: the signal comes in the middle of the call."""
    # Where the tests run in the background the signal may be ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ctrl_c()
    finally:
        signal.signal(signal.SIGINT, before)


def ctrl_c():
    with indexing() as db:
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            db.wait_indexed()
        assert db.stats().unindexed > 0, "the call went on to the end of the work"
        timer.join()
        assert db.count() == 30000


def test_other_threads_run_during_a_call():
    with indexing() as db:
        counted, stop = [0], threading.Event()

        def count():
            while not stop.is_set():
                counted[0] += 1
                time.sleep(0.001)

        other = threading.Thread(target=count)
        other.start()
        queries, during = np.zeros((300, 256), np.float32), []
        # More than one call where the machine is too busy for the other thread to run during the first.
        while not any(steps > 10 for steps in during) and len(during) < 20:
            before = counted[0]
            db.search_exact(queries, 10)
            during.append(counted[0] - before)
        stop.set()
        other.join()
        assert max(during) > 10, during


def test_a_check_that_finds_damage_has_the_report(tmp_path):
    with vdb.open(tmp_path / "db", dim=4) as db:
        db.insert(np.arange(100), np.ones((100, 4), np.float32))
    chunk = tmp_path / "db" / "chunk-1.vdb"
    data = bytearray(chunk.read_bytes())
    data[4200] ^= 0xFF
    chunk.write_bytes(data)
    with vdb.open(tmp_path / "db", read_only=True) as db:
        with pytest.raises(vdb.CorruptError, match="chunk-1.vdb") as raised:
            db.check("checksums")
    assert raised.value.report["sound"] is False and raised.value.report["problems"]
    report = vdb.repair(tmp_path / "db", tmp_path / "new")
    assert report["complete"] is False and report["files_damaged"] == 1
    with vdb.open(tmp_path / "new") as db:
        assert db.count() == report["rows"]


def test_the_library_is_the_one_of_the_header():
    assert vdb.build_info()["abi"] == vdb.lib.VDB_ABI_VERSION
    assert vdb.__version__ == vdb.build_info()["version"]


def test_every_function_of_the_library_is_used():
    """A function that is new in the header has to be wrapped, or named here with the reason."""
    unused = {
        "vdb_version_number",  # vdb.__version__ says it
        "vdb_status_name",  # the extension asks for it where a failure has no message
        "vdb_task_on_progress",  # progress is read from the task, so that Python never runs inside a call
    }
    header = re.sub(r"/\*.*?\*/|#[^\n]*", "", (ROOT / "include/vdb.h").read_text(encoding="utf-8"), flags=re.DOTALL)
    functions = set(re.findall(r"\b(vdb_\w+)\(", header))
    source = "".join(p.read_text(encoding="utf-8") for p in Path(vdb.__file__).parent.glob("*.py"))
    assert functions - set(re.findall(r"\blib\.(vdb_\w+)", source)) == unused
    assert functions - set(dir(vdb.lib)) == {"vdb_task_on_progress"}


def test_the_example_runs():
    done = subprocess.run(
        [sys.executable, ROOT / "examples/search.py", ROOT / "data/wordnet"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "drizzle, mizzle" in done.stdout and "recall@10" in done.stdout
    assert len((ROOT / "examples/search.py").read_text().splitlines()) < 60


def test_a_database_left_open_is_whole_after_the_program(tmp_path):
    """The safety net: nobody closes, the interpreter ends."""
    program = textwrap.dedent(f"""
        import numpy as np, vdb
        db = vdb.open({str(tmp_path / 'db')!r}, dim=4, durability="none")
        db.insert(1, np.ones(4, np.float32))
    """)
    subprocess.run([sys.executable, "-c", program], check=True)
    with vdb.open(tmp_path / "db") as db:
        assert db.count() == 1 and db.stats().bytes_wal < 1000
