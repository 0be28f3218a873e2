"""Random calls against numpy: every metric and type, and a random history against a dictionary."""

import numpy as np
import pytest

import vdb

METRICS = {
    "l2sq": lambda q, r: ((r - q) ** 2).sum(1),
    "ip": lambda q, r: 1 - r @ q,
    "cosine": lambda q, r: 1 - (r @ q) / (np.linalg.norm(r, axis=1) * np.linalg.norm(q)),
    "l1": lambda q, r: np.abs(r - q).sum(1),
}


def same_answer(got_ids, got_distances, ids, distances, k, tolerance):
    """The true distances in order, each of the row it is said to be of; ties may change places."""
    order = np.argsort(distances, kind="stable")[:k]
    assert np.allclose(got_distances, distances[order], rtol=tolerance, atol=tolerance)
    by_id = dict(zip(ids.tolist(), distances.tolist()))
    assert len(set(got_ids.tolist())) == len(got_ids) == len(order)
    assert np.allclose([by_id[i] for i in got_ids.tolist()], got_distances, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("metric", METRICS)
def test_searches(metric, seed):
    rng = np.random.default_rng([seed, len(metric)])
    dim, count, k = int(rng.integers(1, 70)), int(rng.integers(1, 300)), int(rng.integers(1, 40))
    scalar = ["f32", "f16", "i8", "u8"][seed % 4]
    low, high = (0, 9) if scalar == "u8" else (-9, 9)
    rows = rng.integers(low, high, (count, dim), endpoint=True).astype(np.float32)
    queries = rng.integers(low, high, (3, dim), endpoint=True).astype(np.float32)
    rows[:, 0] = queries[:, 0] = 1  # no row is zero, which cosine refuses
    ids = rng.permutation(10 * count)[:count].astype(np.uint64)
    with vdb.open(dim=dim, metric=metric, scalar=scalar) as db:
        db.insert(ids, rows)
        assert np.array_equal(db.get(ids, scalar="f32").vectors, rows)
        banned = ids[: count // 3]
        found, exact = db.search(queries, k), db.search_exact(queries, k)
        with vdb.Filter(banned, allow=False) as rule:
            left = db.search(queries, k, filter=rule)
            assert db.count(rule) == count - len(banned)
        for i, query in enumerate(queries):
            distances = METRICS[metric](query.astype(np.float64), rows.astype(np.float64))
            for result in (found, exact):
                n = result.counts[i]
                same_answer(result.ids[i, :n], result.distances[i, :n], ids, distances, k, 1e-4)
            n = left.counts[i]
            same_answer(left.ids[i, :n], left.distances[i, :n], ids[count // 3:], distances[count // 3:], k, 1e-4)
            limit = float(np.median(distances)) + 0.01
            near = db.search_range(query, limit, count)
            assert len(near.ids) == (distances <= limit).sum() and not near.more
            same_answer(near.ids, near.distances, ids, distances, len(near.ids), 1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_a_history_of_writes(seed, tmp_path):
    """Inserts, upserts, deletes and reopenings in any order: what is there is what a dictionary holds."""
    rng = np.random.default_rng(seed)
    model: dict = {}
    path = tmp_path / "db" if seed % 2 else None
    options = {"dim": 5, "durability": "process"}
    db = vdb.open(path, **options)
    for _ in range(150):
        ids = rng.integers(0, 60, rng.integers(0, 6))
        rows = rng.integers(-50, 50, (len(ids), 5)).astype(np.float32)
        kind = rng.integers(0, 8)
        if kind < 3:
            db.upsert(ids, rows)
            model.update(zip(ids.tolist(), rows))
        elif kind < 5:
            if len(set(ids.tolist())) < len(ids) or model.keys() & set(ids.tolist()):
                with pytest.raises(vdb.AlreadyExistsError) as raised:
                    db.insert(ids, rows)
                assert ids[raised.value.item] in [*model, *ids[: raised.value.item]]
            else:
                db.insert(ids, rows)
                model.update(zip(ids.tolist(), rows))
        elif kind < 7:
            assert db.delete(ids) == sum(model.pop(i, None) is not None for i in ids.tolist())
        elif path:
            db.close()
            db = vdb.open(path)
        assert db.count() == len(model)
        vectors, found = db.get(np.arange(60))
        assert set(np.flatnonzero(found).tolist()) == model.keys()
        for i in model:
            assert np.array_equal(vectors[i], model[i])
    db.close()


def test_a_graph_finds_nearly_all(tmp_path):
    rng = np.random.default_rng(9)
    rows = rng.standard_normal((5000, 24), dtype=np.float32)
    queries = rng.standard_normal((50, 24), dtype=np.float32)
    with vdb.open(tmp_path / "db", dim=24, graph_min_rows=500) as db:
        db.insert(np.arange(5000), rows)
        db.wait_indexed()
        truth, found = db.search_exact(queries, 10), db.search(queries, 10, target_recall=0.95)
        recall = np.mean([len(np.intersect1d(a, b)) for a, b in zip(truth.ids, found.ids)]) / 10
        assert recall > 0.9
        measured = db.measure_recall(queries, 10, target_recall=0.95)
        assert abs(measured.recall - recall) < 1e-9 and measured.low <= recall <= measured.high
        distances = ((rows - queries[0]) ** 2).sum(1)
        assert np.array_equal(truth.ids[0], np.argsort(distances)[:10])
        assert db.stats().graph_nodes == 5000
