"""Cursors as Python has them, and searches by rows and over several databases. Answers are in test_vectors.py."""

import gc
import threading

import numpy as np
import pytest

import vdb


def test_a_loop_over_pages(db):
    rows = np.random.default_rng(4).standard_normal((2500, 4), dtype=np.float32)
    db.insert(np.arange(2500), rows)
    with db.cursor_scan() as cursor:
        pages = list(cursor)
    assert [len(page.ids) for page in pages] == [1000, 1000, 500]
    assert np.array_equal(np.concatenate([page.ids for page in pages]), np.arange(2500))
    query = rows[0] * 0.5
    found = np.concatenate([page.ids for page in db.cursor_search(query, exact=True)])
    assert np.array_equal(found, db.search_exact(query, 2500).ids)
    cursor = db.cursor_search(query)
    first, second = cursor.next(10), cursor.next(5)
    assert np.array_equal(np.concatenate([first.ids, second.ids]), db.search_exact(query, 15).ids)
    assert (np.diff(np.concatenate([first.distances, second.distances])) >= 0).all()


def test_a_cursor_outlives_its_database(filled):
    cursor = filled.cursor_scan()
    filled.delete(np.arange(50))
    filled.close()
    assert cursor.next(1000).ids.size == 100
    cursor.close()
    with pytest.raises(vdb.ClosedError):
        cursor.next()


def test_a_cancelled_cursor_ends_with_an_error(filled):
    task = vdb.Task()
    cursor = filled.cursor_search(np.ones(4, np.float32), task=task)
    task.cancel()
    page = cursor.next(5)
    assert page.partial and page.ids.size == 0
    with pytest.raises(vdb.DeadlineError):
        list(cursor)


def test_collected_cursors_leave_nothing(filled):
    for _ in range(2000):
        filled.cursor_scan().next(3)
    gc.collect()
    cursors = [filled.cursor_search(np.ones(4, np.float32)) for _ in range(20)]
    errors: list = []

    def read(cursor):
        try:
            assert sum(len(page.ids) for page in cursor) == 100
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=read, args=(cursor,)) for cursor in cursors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_shapes(filled):
    one, several = filled.search_ids(7, 5), filled.search_ids([7, 8], 5)
    assert one.ids.shape == (5,) and several.ids.shape == (2, 5) and np.array_equal(one.ids, several.ids[0])
    assert 7 not in one.ids and filled.search_ids(np.int64(7), 500).ids.size == 99
    liked = filled.recommend([1, 2], 3, 5)
    assert liked.ids.size == 5 and not {1, 2, 3} & set(liked.ids.tolist())
    spread = filled.search_diverse(np.ones(4, np.float32), 5, candidates=50, lambda_=0.3)
    assert spread.ids.size == 5 and spread.ids[0] == filled.search(np.ones(4, np.float32), 1).ids[0]
    filled.update_meta(np.arange(10), [{"kind": i % 3} for i in range(10)])
    groups = filled.search_groups(np.ones(4, np.float32), "kind", 5, 2)
    assert groups.ids.shape == (3, 2) and groups.counts.tolist() == [2, 2, 2]
    for bad in ((-1, 1), (1, -1), (1 << 20, 1 << 20)):
        with pytest.raises(vdb.LimitError):
            filled.search_groups(np.ones(4, np.float32), "kind", *bad)
    with vdb.open(dim=4) as other:
        other.insert([500], np.ones((1, 4), np.float32))
        found = vdb.search_many([filled, other], np.ones(4, np.float32), 3)
        assert found.ids[0] == 500 and found.sources.tolist() == [1, 0, 0] and found.sources.dtype == np.uint32
        many = vdb.search_many([filled, other], np.ones((300, 4), np.float32), 3)
        assert many.sources.shape == (300, 3)
    with pytest.raises(vdb.ClosedError) as raised:
        vdb.search_many([filled, other], np.ones(4, np.float32))
    assert raised.value.item == 1
