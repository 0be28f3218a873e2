"""What programs get wrong: it is refused with a word on what is wanted, and nothing is done to anybody else's data."""

import copy
import inspect
import pickle

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


def test_a_handle_is_of_its_process(db):
    """Its number may be that of something else in another one."""
    with db.snapshot() as snapshot, vdb.Filter([1]) as rule, vdb.Task() as task, db.cursor_scan() as cursor:
        for handle in (db, snapshot, rule, task, cursor):
            for way in (pickle.dumps, copy.copy, copy.deepcopy):
                with pytest.raises(TypeError, match="cannot be copied or pickled"):
                    way(handle)
    assert db.count() == 4


def test_handles_are_made_by_functions(recwarn):
    for made in (vdb.Database, vdb.Snapshot, vdb.Cursor):
        with pytest.raises(TypeError, match=rf"a {made.__name__} is not made of a str; .+ makes one"):
            made("path")
    assert not recwarn


def test_what_a_database_is_cannot_be_set(db):
    for name in ("dim", "metric", "scalar"):
        with pytest.raises(AttributeError):
            setattr(db, name, 5)


@pytest.mark.parametrize("wrong", [[-1], [-2, None], [2**64], -1, np.array([-1]), np.int64(-1), [np.int8(-3)]])
def test_ids_are_not_negative(db, wrong):
    count = len(wrong) if isinstance(wrong, (list, np.ndarray)) else 1
    with pytest.raises(ValueError):
        db.upsert(wrong, np.ones((count, 4), np.float32))
    assert db.count() == 4


def test_masked_arrays_are_refused(db):
    with pytest.raises(TypeError, match="masked"):
        db.search(np.ma.array(ROWS[0], mask=[True, False, False, False]))
    with pytest.raises(TypeError, match="masked"):
        db.get(np.ma.array(IDS, mask=[True, False, False, False]))
    with pytest.raises(TypeError, match="masked"):
        db.insert(np.ma.array(IDS + 9), ROWS)


def test_bits_of_short_floats_are_not_taken_for_numbers():
    with vdb.open(dim=4, scalar="bf16") as db:
        db.insert(IDS, ROWS)
        bits = db.get(IDS).vectors
        with pytest.raises(TypeError, match='scalar="bf16"'):
            db.upsert(IDS, bits, copy=True)
        db.upsert(IDS, bits, scalar="bf16")
        assert (db.get(IDS, scalar="f32").vectors == ROWS).all()


def test_no_rows_at_all(db):
    assert db.insert([], [], copy=True).size == 0 and db.delete([]) == 0 and db.count() == 4


def test_numbers_of_numpy_in_metadata_and_filters():
    with vdb.open(dim=4) as db:
        db.insert(IDS, ROWS, meta=[{"n": np.int64(i), "x": np.float32(0.5), "list": np.arange(2)} for i in range(4)])
        assert db.get_meta([3]) == [{"n": 3, "x": 0.5, "list": [0, 1]}]
        assert db.count(vdb.Filter.where("n in $1 and x = $2", np.array([1, 3]), np.float64(0.5))) == 2
        with pytest.raises(TypeError, match="a set has no place in JSON"):
            db.insert([9], ROWS[:1], meta={"a": {1}})


def test_progress_comes_before_anything_is_done(db):
    told = []
    with pytest.raises(vdb.CancelledError):
        db.insert([7], ROWS[:1], progress=lambda *at: told.append(at) or False)
    with pytest.raises(ZeroDivisionError):
        db.insert([7], ROWS[:1], progress=lambda done, total: 1 / 0)
    with pytest.raises(vdb.CancelledError):
        db.insert([7], ROWS[:1], progress=lambda done, total: np.bool_(False))
    assert told == [(0, 0)] and db.count() == 4
    db.insert([7], ROWS[:1], progress=lambda done, total: 0)


def test_short_searches_start_no_thread(db, monkeypatch):
    """As they are called by default; a thread costs more than they do."""
    monkeypatch.setattr("vdb._calls._Worker", None)
    db.search_range(ROWS[0], 10.0), db.search_diverse(ROWS[0]), db.recommend([1]), db.search_groups(ROWS[0], "a"), db.search_ids([1])
    db.search(ROWS), db.search(ROWS[0], 5000), db.insert([9], ROWS[:1])
    with pytest.raises(TypeError, match="NoneType"):
        db.search_range(ROWS[0], 10.0, 1001)


def test_options_in_other_words(db):
    assert db.option(vdb.Option.DIM) == db.option("dim") == 4
    with vdb.open(dim=4, m=None) as other:
        assert other.option("m") == db.option("m")
    for twice in ({"m": 8}, {"hnsw.m": 8}):
        with pytest.raises(TypeError, match="given"):
            vdb.open(dim=4, m=8, options=twice)
    with pytest.raises(vdb.OutOfRangeError, match="schema.dim = -1"):
        vdb.open(dim=-1)


@pytest.mark.parametrize("call, message", [
    (lambda db: db.check("x"), "level = 'x' is none of checksums"),
    (lambda db: db.latency("x"), "call = 'x' is none of"),
    (lambda db: vdb.Filter.where(None), "text: a NoneType"),
    (lambda db: vdb.Filter.where(b"a = 1"), "text: a bytes"),
    (lambda db: db.search_groups(ROWS[0], None), "path: a NoneType"),
    (lambda db: db.search_range(ROWS[0], 1.0, -1), "cap = -1"),
    (lambda db: db.cursor_scan().next(-1), "cap = -1"),
    (lambda db: db.search_groups(ROWS[0], "a", -1, 2), r"groups \* per_group = -2"),
    (lambda db: db.get(None), "ids: "),
    (lambda db: db.delete([1.0]), "ids: "),
    (lambda db: vdb.search_many([db, None], ROWS[0]), "a NoneType, at place 1"),
    (lambda db: db.search(ROWS[0].astype(complex)), "complex128 is no type of a component"),
    (lambda db: db.insert([9], ROWS[:1], progress=5), "progress: a int"),
])
def test_messages_say_what_is_wrong(db, call, message):
    with pytest.raises((TypeError, ValueError, vdb.Error), match=message):
        call(db)


class Changes:
    """A number whose reading does something."""

    def __init__(self, change):
        self.change = change

    def __index__(self):
        self.change()
        return 8


def results():
    return np.empty(4, np.uint64), np.empty(4, np.float32), np.empty(1, np.uint32)


def test_what_is_read_cannot_be_changed_by_what_reading_runs(db):
    query, out = ROWS[0].copy(), results()
    with pytest.raises((TypeError, ValueError, vdb.Error)):
        db.search(query, 1, ef=Changes(lambda: setattr(query, "dtype", np.float16)))
    params = {}
    params.update({"ef": Changes(params.clear), "rerank": 8, "max_memory": 0})
    assert lib.vdb_search(db.capi(), ROWS[:1], 1, 4, 0, 4, params, *out) == lib.VDB_OK
    for key in (b"ef", ("ef",), object(), int):
        with pytest.raises(TypeError, match="no parameter"):
            lib.vdb_search(db.capi(), ROWS[:1], 1, 4, 0, 4, {key: 1}, *out)


def test_the_type_of_a_query_is_no_keyword(db):
    for query in (ROWS[0], ROWS[:2]):
        for scalar in (lib.VDB_SCALAR_F16, None):
            with pytest.raises(TypeError, match="'query_scalar' is no parameter of a search"):
                db.search(query, 1, query_scalar=scalar)


def test_an_interrupt_while_a_number_is_read_is_raised(db):
    signals = [KeyboardInterrupt]

    def interrupt():
        if signals:
            raise signals.pop()

    with pytest.raises(KeyboardInterrupt):
        db.search(ROWS[0], 1, ef=Changes(interrupt))


def test_bytes_of_numpy_are_bytes():
    with vdb.open(dim=4) as db:
        db.insert(IDS, ROWS, keys=np.array([b"a", b"b", b"c", b"d"]), meta=np.array([b'{"n": 1}'] * 4))
        assert db.update_meta_where(vdb.Filter.where("n = 1"), np.bytes_(b'{"n": 2}')) == 4
        assert db.get_meta([3], raw=True) == [b'{"n": 2}'] and db.keys_of_ids([3]) == ["d"]


def test_a_result_is_made_once(db):
    begun = vdb.SearchResult.__new__(vdb.SearchResult)
    assert begun.counts.tolist() == [0]
    for made in (db.search(ROWS[0], 1), begun):
        with pytest.raises(TypeError, match="made once"):
            made.__init__(*results(), False)


def test_memory_of_another_type_is_refused(db):
    for wrong in (np.empty(1, object), np.empty(1, np.float64), np.empty(1, np.int64), np.empty(1, "M8[s]"), np.empty(1, "V8")):
        with pytest.raises(TypeError, match="argument 3"):
            lib.vdb_count(db.capi(), None, wrong)
    for wrong in (object, ">f4"):
        with pytest.raises(TypeError, match="an array in this machine's byte order is wanted"):
            lib.vdb_search(db.capi(), np.ones((1, 4), wrong), 1, 4, 0, 4, None, *results())
    rows = np.empty(1, np.ulonglong)
    assert lib.vdb_count(np.uint64(db.capi()), None, rows) == lib.VDB_OK and rows[0] == 4


def test_functions_tell_their_arguments():
    assert str(inspect.signature(lib.vdb_count)) == "(db, filter, count, /)"
    assert "lambda_" in str(inspect.signature(lib.vdb_search_diverse))
