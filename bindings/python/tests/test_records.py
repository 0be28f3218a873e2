"""Keys and metadata as Python has them: texts and dicts in, texts and dicts out. Answers are in test_vectors.py."""

import json

import numpy as np
import pytest

import vdb

ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_dicts_go_in_and_come_out(db):
    meta = [{"title": "Grüße", "tags": ["a", 1, None], "deep": {"x": 1.5}}, '{ "kept":  "as it is" }', None]
    ids = db.insert(None, ROWS, keys=["a", b"b", None], meta=meta)
    assert ids.dtype == np.uint64 and len(set(ids.tolist())) == 3
    assert db.get_meta(ids) == [meta[0], {"kept": "as it is"}, None]
    assert db.get_meta(ids, raw=True)[1:] == [b'{ "kept":  "as it is" }', None]
    assert db.keys_of_ids(ids) == ["a", "b", None]
    assert db.ids_of_keys(["b", "none", "a"]).tolist() == [ids[1], vdb.ID_NONE, ids[0]]
    assert db.ids_of_keys("b").tolist() == [ids[1]] and db.get_meta(999) == [None] and db.get_meta([]) == []


def test_one_row(db):
    (one,) = db.insert(None, ROWS[0], keys="k", meta={"n": 1})
    assert db.keys_of_ids(one) == ["k"] and db.get_meta(one) == [{"n": 1}]
    assert db.upsert(None, ROWS[1], keys="k").tolist() == [one]
    assert db.get_meta(one) == [{"n": 1}], "metadata that is not given stays"
    assert db.upsert([7], ROWS[1], meta=[None]).tolist() == [7]
    assert db.upsert(int(one), ROWS[1], meta=[None]).tolist() == [one] and db.get_meta(one) == [None]


def test_the_ids_of_the_caller_are_not_written_to(db):
    asked = np.array([5, 6, vdb.ID_NONE], np.uint64)
    got = db.insert(asked, ROWS, keys=["a", "b", "c"])
    assert got.tolist()[:2] == [5, 6] and got[2] != vdb.ID_NONE and asked[2] == vdb.ID_NONE
    assert db.insert([9, None, None], ROWS)[0] == 9
    with pytest.raises(vdb.InvalidArgumentError):
        db.insert(asked[2:], ROWS[:1])


def test_filters(db):
    db.insert(None, ROWS, meta=[{"year": year} for year in (1990, 2000, 2010)])
    late = vdb.Filter.where("year >= $1", 2000)
    assert db.count(late) == 2 and db.search(ROWS[0], 5, filter=late).ids.size == 2
    years = vdb.Filter.where("year in $1")
    with pytest.raises(vdb.InvalidArgumentError):
        db.count(years)
    with years.bind([1990, 2010]) as some:
        assert db.count(some) == 2
    with pytest.raises(vdb.FilterSyntaxError) as raised:
        vdb.Filter.where("year >> 3")
    assert raised.value.item == 6 and isinstance(raised.value, ValueError)
    # A value is a value, whatever stands in it.
    assert db.count(vdb.Filter.where("year = $1", "0' or year > 0 or '")) == 0
    assert db.update_meta_where(late, {"year": 1}) == 2 and db.count(late) == 0
    assert db.delete_where(vdb.Filter.where("year = 1"), progress=lambda done, total: None) == 2 and db.count() == 1


@pytest.mark.parametrize("arguments, error", [
    ({"keys": ["a", "b"]}, ValueError), ({"meta": [{}]}, ValueError), ({"keys": [1, 2, 3]}, TypeError),
    ({"meta": [1, 2, 3]}, TypeError), ({"meta": [{"x": float("nan")}] * 3}, ValueError),
    ({"meta": [{"x": object()}] * 3}, TypeError), ({"meta": ["[]"] * 3}, vdb.InvalidArgumentError),
    ({"keys": ["x"] * 3}, vdb.AlreadyExistsError), ({"keys": ["k" * 513, "a", "b"]}, vdb.LimitError),
])
def test_what_is_no_key_or_metadata(db, arguments, error):
    with pytest.raises(error):
        db.insert(None, ROWS, **arguments)
    assert db.count() == 0


def test_random_texts_come_back(db):
    rng = np.random.default_rng(2)
    alphabet = list('aä☃𝄞"\\/\n\t 0{}[]:,\u0001\u2028')
    words = ["".join(rng.choice(alphabet, rng.integers(1, 20))) for _ in range(300)]
    keys = [f"{i} {word}" for i, word in enumerate(words)]
    meta = [{word: {"nested": [word, i, i / 7, None, True]}} for i, word in enumerate(words)]
    ids = db.insert(None, rng.standard_normal((300, 4), dtype=np.float32), keys=keys, meta=meta)
    order = rng.permutation(300)
    assert db.keys_of_ids(ids[order]) == [keys[i] for i in order]
    assert db.get_meta(ids[order]) == [meta[i] for i in order]
    assert np.array_equal(db.ids_of_keys([keys[i] for i in order]), ids[order])
    assert [json.loads(text) for text in db.get_meta(ids, raw=True)] == meta
    assert db.delete_keys(keys[:100]) == 100 and db.count() == 200
    assert db.update_meta(ids, [{}] * 300) == 200
