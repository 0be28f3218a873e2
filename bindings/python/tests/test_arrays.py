"""Arrays in: what is read where it lies, what is refused, what a copy changes."""

import copy
import pickle

import numpy as np
import pytest

import vdb
from vdb import _arrays

ROWS = np.arange(24, dtype=np.float32).reshape(6, 4)


def taken(value, stored=vdb.Scalar.F32, dim=4, scalar=None, copy=False):
    return _arrays.vectors_in(value, stored, dim, scalar, copy)


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("value", [
    ROWS, ROWS[2:5], ROWS[::2], ROWS[1], np.zeros((6, 9), np.float32)[:, 2:6], np.asfortranarray(ROWS[:, :1]),
    ROWS.astype(np.float16), ROWS.astype(np.int8), ROWS.astype(np.uint8)[::3], np.empty((0, 4), np.float32),
], ids=["packed", "slice", "every other row", "one row", "columns of a wider array", "one column", "f16", "i8", "u8", "empty"])
def test_packed_rows_are_read_where_they_lie(value):
    vectors = taken(value, dim=value.shape[-1])
    assert address(vectors.array) == address(value)
    assert vectors.rows == (1 if value.ndim == 1 else len(value)) and vectors.dim == value.shape[-1]


@pytest.mark.parametrize("value", [
    ROWS[::-1], np.asfortranarray(ROWS), ROWS[:, ::2], ROWS[:, ::-1], np.broadcast_to(ROWS[0], (3, 4)),
    np.lib.stride_tricks.sliding_window_view(ROWS.ravel(), 4), ROWS[:, 0], ROWS.astype(np.float64), ROWS.astype(np.int64),
    ROWS.astype(">f4"), [[1, 2, 3, 4]], (1, 2, 3, 4),
], ids=["backwards", "by columns", "every other component", "mirrored", "one row many times", "overlapping", "a column",
        "f64", "i64", "big-endian", "a list", "a tuple"])
def test_what_would_be_copied_is_refused_unless_allowed(db, value):
    ids = np.arange(len(value)) if np.ndim(value) == 2 else 7
    dim = np.shape(value)[-1]
    with vdb.open(dim=dim) as db:
        with pytest.raises(TypeError, match="copy=True"):
            db.insert(ids, value)
        assert db.count() == 0
        db.insert(ids, value, copy=True)
        assert np.array_equal(db.get(ids).vectors, np.asarray(value, np.float32).reshape(-1, dim))


def test_the_stride_reaches_the_library(db):
    wide = np.random.default_rng(3).standard_normal((50, 11), dtype=np.float32)
    db.insert(np.arange(50), wide[:, 5:9])
    assert np.array_equal(db.get(np.arange(50)).vectors, wide[:, 5:9])
    found = db.search(wide[10:20:3, 5:9], 1)
    assert found.ids[:, 0].tolist() == [10, 13, 16, 19] and (found.distances == 0).all()


@pytest.mark.parametrize("bad", [np.float32(1), ROWS.reshape(1, 6, 4), np.array(["a"] * 4), np.array([None] * 4), object()])
def test_what_is_no_vector_is_refused(db, bad):
    with pytest.raises(TypeError):
        db.insert(1, bad, copy=True)


def test_the_wrong_dimension_is_the_librarys_error(db):
    for bad in (np.zeros(3, np.float32), np.zeros((2, 0), np.float32)):
        with pytest.raises(vdb.DimensionError):
            db.insert(np.arange(1 if bad.ndim == 1 else 2), bad)
    with pytest.raises(ValueError, match="2 ids for 6 vectors"):
        db.insert([1, 2], ROWS)


def test_bits():
    rows = np.random.default_rng(5).integers(0, 2, (20, 19)).astype(bool)
    packed = np.packbits(rows, axis=1, bitorder="little")
    with vdb.open(dim=19, scalar="b1", metric="hamming") as db:
        db.insert(np.arange(20), packed)
        assert np.array_equal(db.get(np.arange(20)).vectors, packed)
        with pytest.raises(TypeError, match="bool"):
            db.search(rows[0], 3)
        ids, distances = db.search(rows[0], 20, copy=True)
        assert np.array_equal(distances, np.sort((rows ^ rows[0]).sum(1)))
        with pytest.raises(vdb.DimensionError):
            db.search(packed[0, :2], 1)
        with pytest.raises(vdb.MismatchError):
            db.insert(77, np.zeros(19, np.float32))


def test_bf16_as_its_bits():
    values = np.array([[1, -2, 0.5, 3]], np.float32)
    bits = (values.view(np.uint32) >> 16).astype(np.uint16)
    with vdb.open(dim=4, scalar="bf16") as db:
        db.insert(1, bits, scalar="bf16")
        assert np.array_equal(db.get(1).vectors, bits)
        assert np.array_equal(db.get(1, scalar="f32").vectors, values)
        with pytest.raises(TypeError, match="does not hold"):
            db.insert(2, values, scalar="bf16")
        with pytest.raises(TypeError, match="does not hold"):
            db.insert(2, bits.astype(np.int16), scalar="bf16")
        with pytest.raises(ValueError, match="none of f32"):
            db.insert(2, bits, scalar="f64")


@pytest.mark.parametrize("ids", [
    np.array([3, 4], np.uint64), np.array([3, 4], np.int64), [3, 4], (3, 4), range(3, 5), iter([3, np.int8(4)]),
], ids=["u64", "i64", "list", "tuple", "range", "iterator"])
def test_ids_of_many_kinds(db, ids):
    db.insert(ids, ROWS[:2])
    assert db.get([3, 4]).found.all() and db.count() == 2


@pytest.mark.parametrize("ids, error", [
    (np.array([3], np.uint32), TypeError), (np.array([3, 4, 5, 6])[::2], TypeError), (np.array([3.0]), TypeError),
    (np.array([[3]]), TypeError), (np.array([-1]), ValueError), ([-1], ValueError), ([2**64], ValueError),
    ([1.5], TypeError), (["1"], TypeError), (object(), TypeError), (2**64 - 1, vdb.InvalidArgumentError),
])
def test_ids_that_are_none(db, ids, error):
    with pytest.raises(error):
        db.insert(ids, ROWS[:1])
    assert db.count() == 0


def test_ids_may_be_copied_when_allowed(db):
    db.insert(np.array([3, 4, 5, 6], np.int32)[::2], ROWS[:2], copy=True)
    assert db.get([3, 5]).found.all()


def test_ids_that_are_not_aligned(db):
    ids = np.frombuffer(b"." + np.array([3, 4], np.uint64).tobytes(), np.uint64, offset=1)
    with pytest.raises(TypeError, match="aligned.*copy=True"):
        db.insert(ids, ROWS[:2])
    db.insert(ids, ROWS[:2], copy=True)
    assert db.get([3, 4]).found.all()


def test_results_are_fresh_and_the_callers(filled):
    first = filled.search(ROWS[:2], 3)
    kept = first.ids.copy()
    second = filled.search(ROWS[4:], 3)
    assert np.array_equal(first.ids, kept) and not np.shares_memory(first.ids, second.ids)
    assert first.ids.dtype == np.uint64 and first.distances.dtype == np.float32 and first.counts.dtype == np.uint32
    first.ids[:] = 0
    first.distances[:] = 0


def test_results_hold_no_more_memory_than_they_show(filled):
    rule = vdb.Filter([1, 2])
    with filled.cursor_scan() as cursor:
        results = [
            filled.search(ROWS[0], 10_000), filled.search(ROWS[0], 10_000, filter=rule), filled.search_exact(ROWS[0], 10_000),
            filled.search_range(ROWS[0], 1e9, 10_000), filled.search_ids(1, 10_000), filled.search_diverse(ROWS[0], 10_000),
            vdb.search_many([filled], ROWS[0], 10_000), cursor.next(10_000),
        ]
    for result in results:
        assert 2 <= len(result.ids) == len(result.distances) <= 100
        assert result.ids.flags.owndata and result.distances.flags.owndata, result


def test_shapes_of_results(filled):
    many = filled.search(ROWS, 200)
    assert many.ids.shape == (6, 200) and (many.counts == 100).all()
    assert (many.ids[:, 100:] == vdb.ID_NONE).all() and np.isinf(many.distances[:, 100:]).all()
    one = filled.search(ROWS[0], 200)
    assert one.ids.shape == (100,) and np.array_equal(one.ids, many.ids[0, :100])
    assert filled.search(ROWS[:0], 5).ids.shape == (0, 5) and filled.search(ROWS[0], 0).ids.shape == (0,)
    for k in (-1, vdb.MAX_K + 1):
        with pytest.raises(vdb.LimitError):
            filled.search(ROWS[0], k)


def test_the_memory_of_arguments_lives_through_the_call(filled):
    """Temporaries as arguments: nothing else refers to them while the call runs."""
    for i in range(200):
        ids, distances = filled.search(np.full((1, 4), i, np.float32)[0], 2)
        filled.upsert(np.array([i]), np.full((1, 4), i, np.float32))
    assert filled.get(199).vectors[0, 0] == 199


def test_tensors_of_others_pass_by_the_array_interface(db):
    class Tensor:
        def __init__(self, array):
            self.array = array

        def __array__(self, dtype=None, copy=None):
            return self.array

    db.insert([1, 2], Tensor(ROWS[:2]))
    assert address(taken(Tensor(ROWS)).array) == address(ROWS)


def test_read_only_arrays_pass(db):
    frozen = ROWS.copy()
    frozen.flags.writeable = False
    db.insert(np.arange(6), frozen)
    db.search(frozen[::2], 1)


def test_the_short_way_of_a_search_answers_as_the_long_one(filled):
    """One packed query of f32 goes another way than all else."""
    query = np.random.default_rng(7).standard_normal(4, dtype=np.float32)
    rule = vdb.Filter(np.arange(50))
    for k in (0, 1, 10, 100, 150):
        for params in ({}, {"ef": 120}, {"filter": rule, "exact": True}, {"max_memory": 1 << 24}):
            short, long = filled.search(query, k, **params), filled.search(query[None, :], k, **params)
            count = int(long.counts[0])
            assert short.ids.tolist() == long.ids[0, :count].tolist() and short.counts.tolist() == [count]
            assert short.distances.tolist() == long.distances[0, :count].tolist() and short.partial is long.partial is False
            assert (short.ids.dtype, short.distances.dtype, short.counts.dtype) == (np.uint64, np.float32, np.uint32)
    wide = np.zeros((4, 2), np.float32)
    wide[:, 0] = query
    swapped = query.astype(">f4")
    assert filled.search(wide[:, 0], 3, copy=True).ids.tolist() == filled.search(query, 3).ids.tolist()
    for wrong, error in [(wide[:, 0], TypeError), (swapped, TypeError), (query[:3], vdb.DimensionError), (query * np.nan, vdb.NotFiniteError)]:
        with pytest.raises(error):
            filled.search(wrong, 3)
    for k, error in [(-1, vdb.LimitError), (vdb.MAX_K + 1, vdb.LimitError), (2**70, vdb.LimitError), (2.5, TypeError), ("3", TypeError)]:
        with pytest.raises(error):
            filled.search(query, k)
    with vdb.open(dim=4, scalar="f16") as half:
        half.insert(1, query)
        assert half.search(query, 1).ids.tolist() == [1] and half.search(query, 1).distances[0] < 1e-3


def test_results_can_be_copied_and_sent(filled):
    found = filled.search(np.ones(4, np.float32), 3)
    many = vdb.search_many([filled, filled], np.ones((2, 4), np.float32), 3)
    for result in (found, many):
        for again in (pickle.loads(pickle.dumps(result)), copy.copy(result)):
            assert type(again) is type(result) and again.ids.tolist() == result.ids.tolist() and not again.partial
            assert [a.tolist() for a in again] == [a.tolist() for a in result]
    assert pickle.loads(pickle.dumps(many)).sources.tolist() == many.sources.tolist()
    assert repr(found).startswith("SearchResult(ids=array([") and "partial" not in repr(found)
    with pytest.raises(TypeError):
        found.__init__(found.ids, found.distances, found.counts, True)
    with pytest.raises(AttributeError):
        vdb.SearchResult.__new__(vdb.SearchResult).ids  # noqa: B018
    with pytest.raises(TypeError, match="without arrays"):
        pickle.dumps(vdb.SearchResult.__new__(vdb.SearchResult))
