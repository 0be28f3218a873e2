"""Recall, Pareto fronts and interpolation: plain functions, no files, no processes."""

import numpy as np


def distances(metric, rows, queries, ids):
    """Exact distances (float64) of row ids[i][j] to query i; ids past the last row are infinitely far."""
    missing = ids >= len(rows)
    picked = rows[np.where(missing, 0, ids)].astype(np.float64)
    queries = queries.astype(np.float64)[:, None, :]
    if metric == "l2":
        found = ((picked - queries) ** 2).sum(-1)
    elif metric == "cosine":
        norms = np.linalg.norm(picked, axis=-1) * np.linalg.norm(queries, axis=-1)
        found = 1.0 - (picked * queries).sum(-1) / norms
    else:
        raise ValueError(f"no metric {metric!r}")
    return np.where(missing, np.inf, found)


def every_distance(metric, rows, queries):
    """The distance of all rows to each query, rounded (float32)."""
    rows, queries = rows.astype(np.float32), queries.astype(np.float32)
    if metric == "cosine":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        queries /= np.linalg.norm(queries, axis=1, keepdims=True)
        return 1 - queries @ rows.T
    return (queries**2).sum(1)[:, None] + (rows**2).sum(1) - (2 * queries) @ rows.T


def kth_distance(metric, rows, queries, k):
    """Exact distance of the k-th nearest row of each query, by comparing with all of them."""
    some = min(k + 6, len(rows))  # a few more than k: what they are picked by is rounded
    near = np.argpartition(every_distance(metric, rows, queries), some - 1, axis=1)[:, :some]
    return np.sort(distances(metric, rows, queries, near), axis=1)[:, k - 1]


def recall(metric, rows, queries, ids, kth_distance):
    """Share of the ids that are no farther than the k-th true neighbour: ties are no misses.

    A row returned twice counts once.
    """
    ids = ids.copy()
    for row in ids:
        seen, first = np.unique(row, return_index=True)
        twice = np.ones(len(row), bool)
        twice[first] = False
        row[twice] = np.iinfo(ids.dtype).max
    limit = np.asarray(kth_distance, np.float64)[:, None]
    limit = limit + 1e-6 * np.maximum(np.abs(limit), 1e-3)
    return float((distances(metric, rows, queries, ids) <= limit).mean())


def front(points):
    """The points that no other beats in both recall and qps, by rising recall."""
    best = []
    for point in sorted(points, key=lambda p: (p["recall"], p["qps"])):
        while best and best[-1]["qps"] <= point["qps"]:
            best.pop()
        best.append(point)
    return best


def qps_at(points, target):
    """QPS where the front crosses `target` recall, interpolated in log QPS; None if it never gets there.

    A curve that starts above the target gives its fastest point: a lower bound.
    """
    curve = front(points)
    if not curve or curve[-1]["recall"] < target:
        return None
    if curve[0]["recall"] >= target:
        return curve[0]["qps"]
    above = next(i for i, p in enumerate(curve) if p["recall"] >= target)
    left, right = curve[above - 1], curve[above]
    share = (target - left["recall"]) / (right["recall"] - left["recall"])
    return float(np.exp((1 - share) * np.log(left["qps"]) + share * np.log(right["qps"])))


def net(cpu_s, calls_s):
    """CPU time without what the calls cost, which is known on ten rows only: no more than half is taken off."""
    return max(cpu_s - calls_s, cpu_s / 2)


def ratio(ours, theirs):
    """ours / theirs, None if either is missing."""
    return round(ours / theirs, 3) if ours is not None and theirs else None
