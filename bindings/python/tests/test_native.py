"""The functions of C as vdb.lib has them: what they take, and that what is wrong is refused before it reaches the library."""

import sys
import threading
import time

import numpy as np
import pytest

import vdb
from vdb import lib

ROWS = np.eye(4, dtype=np.float32)
IDS = np.arange(4, dtype=np.uint64)


@pytest.fixture
def db(db):
    db.insert(IDS, ROWS)
    return db


def get(db, ids=IDS, count=4, dim=4, scalar=lib.VDB_SCALAR_F32, vectors=None, found=None):
    vectors = np.empty((4, 4), np.float32) if vectors is None else vectors
    return lib.vdb_get_batch(db.capi(), ids, count, dim, scalar, vectors, 0, np.empty(4, np.uint8) if found is None else found)


def search(db, params):
    out = np.empty(4, np.uint64), np.empty(4, np.float32), np.empty(1, np.uint32)
    return lib.vdb_search(db.capi(), ROWS[:1], 1, 4, 0, 4, params, *out)


def test_statuses_records_handles_and_texts_come_back(db):
    assert get(db) == lib.VDB_OK
    assert lib.vdb_option_at(10**6) == lib.VDB_DONE
    assert lib.vdb_stats_get(db.capi())[1] == 4 and lib.vdb_version_string() == vdb.__version__
    task = lib.vdb_task_new()
    assert isinstance(task, int) and lib.vdb_task_cancel(task) == lib.VDB_OK and lib.vdb_task_free(task) is None
    with pytest.raises(vdb.ClosedError, match="VDB_ERR_CLOSED"):
        lib.vdb_task_cancel(task)


def test_constants_are_those_of_the_header():
    assert lib.VDB_ID_NONE == 2**64 - 1 and lib.VDB_ERR_IO == vdb.Status.ERR_IO == -40 and lib.VDB_MAX_K == vdb.MAX_K


def test_memory_is_of_the_right_kind(db):
    read_only = np.empty(4, np.uint8)
    read_only.flags.writeable = False
    for wrong in (dict(ids=IDS.astype(np.uint32)), dict(ids=np.arange(8, dtype=np.uint64)[::2]), dict(ids=[1, 2, 3, 4]),
                  dict(ids=b"12345678" * 4), dict(ids=IDS.astype(">u8")), dict(found=read_only), dict(found=np.empty(4, np.uint16)),
                  dict(found=b"1234"), dict(vectors=np.empty((4, 8), np.float32)[:, ::2])):
        with pytest.raises(TypeError, match="vdb_get_batch, argument"):
            get(db, **wrong)
    with pytest.raises(vdb.NullArgumentError):
        lib.vdb_count(db.capi(), None, None)


def test_numbers_fit(db):
    for wrong in (dict(count=-1), dict(count=2**64), dict(scalar=2**32)):
        with pytest.raises(vdb.OutOfRangeError, match="does not fit"):
            get(db, **wrong)
    for wrong in (dict(count="4"), dict(count=4.0), dict(count=None)):
        with pytest.raises(TypeError, match="count"):
            get(db, **wrong)
    assert get(db, count=np.int64(4), dim=np.uint8(4)) == lib.VDB_OK


def test_every_number_that_is_wrong_is_named(db):
    rule = IDS, 4
    for call, name in ((lambda wrong: lib.vdb_status_name(wrong), "status"), (lambda wrong: lib.vdb_filter_ids(*rule, wrong), "allow"),
                       (lambda wrong: lib.vdb_count(wrong, None, None), "db"), (lambda wrong: db.search_range(ROWS[0], wrong), "max_distance"),
                       (lambda wrong: search(db, {"task": wrong}), "task"), (lambda wrong: search(db, {"target_recall": wrong}), "target_recall")):
        for wrong in (2**2000, -2**2000):
            with pytest.raises(vdb.OutOfRangeError, match=f"^{name} = {wrong} does not fit"):
                call(wrong)
        with pytest.raises(TypeError, match=f"^{name}: 'x' is no number"):
            call("x")
    for call in (lib.vdb_status_name, lambda wrong: lib.vdb_filter_ids(*rule, wrong)):
        for wrong in (2**31, -2**31 - 1):
            with pytest.raises(vdb.OutOfRangeError):
                call(wrong)
        with pytest.raises(TypeError, match="-1.5 is no number of its kind"):
            call(-1.5)


def test_handles_of_numpy_are_handles(db):
    with vdb.Filter([1]) as rule:
        assert lib.vdb_count(np.uint64(db.capi()), np.uint64(rule.capi()), np.zeros(1, np.uint64)) == lib.VDB_OK
        assert search(db, {"filter": np.uint64(rule.capi())}) == lib.VDB_OK


def test_arguments_are_counted_and_texts_end(db):
    with pytest.raises(TypeError, match="vdb_count takes 3 arguments, not 1"):
        lib.vdb_count(db.capi())
    with pytest.raises(TypeError):
        lib.vdb_backup(db.capi(), "a str", None, None)
    with pytest.raises(ValueError, match="null"):
        lib.vdb_backup(db.capi(), b"a\0b", None, None)


def test_parameters_are_known(db):
    assert search(db, None) == search(db, {"ef": 8, "filter": None, "exact": True}) == lib.VDB_OK
    for wrong in ({"effort": 1}, {"filter": "x"}, {"ef": "x"}, {1: 2}, []):
        with pytest.raises(TypeError):
            search(db, wrong)


def test_what_is_no_handle_is_no_crash():
    for handle in (None, 0, 1, 2**63, 2**64 - 1):
        with pytest.raises(vdb.Error):
            lib.vdb_count(handle, None, np.zeros(1, np.uint64))


def test_rows_that_are_not_plain_go_the_other_way(db):
    """write() says no, and changes nothing, where anything is not as it knows it."""
    for ids, rows in ((IDS, ROWS.astype(np.float16)), (IDS[:2], ROWS), (IDS, np.asfortranarray(ROWS)), ([1, 2, 3, 4], ROWS),
                      (IDS.astype(np.int64), ROWS), (IDS, ROWS.astype(">f4")), (IDS, ROWS[0]), (None, ROWS)):
        assert lib._write(db._number, ids, rows, True, 1 << 20) is False
    assert lib._write(db._number, IDS, ROWS, True, 63) is False
    assert lib._write(db._number, IDS + np.uint64(9), ROWS, False, 64) is True
    assert db.count() == 8
    with pytest.raises(vdb.AlreadyExistsError) as raised:
        db.insert(np.array([100, 3], np.uint64), ROWS[:2])
    assert raised.value.item == 1
    with pytest.raises(vdb.DimensionError):
        db.insert(IDS, np.eye(4, 5, dtype=np.float32))


def test_other_threads_run_during_a_call():
    """A long call is without the lock of the interpreter: another thread runs within one."""
    rows = np.random.default_rng(1).random((20000, 64), dtype=np.float32)
    out = np.empty((1000, 10), np.uint64), np.empty((1000, 10), np.float32), np.empty(1000, np.uint32)
    stop, turns, interval = threading.Event(), 0, sys.getswitchinterval()

    def turn():
        nonlocal turns
        while not stop.is_set():
            turns += 1
            time.sleep(0)

    thread = threading.Thread(target=turn)
    with vdb.open(dim=64) as db:
        db.insert(np.arange(20000, dtype=np.uint64), rows)
        handle = db.capi()
        thread.start()
        try:
            # Nobody is made to give up the lock, so what the other thread does it does within the call.
            sys.setswitchinterval(1000)
            before = turns
            lib.vdb_search_exact(handle, rows, 1000, 64, 0, 10, None, *out)
            meanwhile = turns - before
        finally:
            sys.setswitchinterval(interval)
            stop.set()
            thread.join()
    assert meanwhile > 0
