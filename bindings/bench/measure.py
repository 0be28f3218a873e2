"""measure.c in Python."""

import sys
import time
from pathlib import Path

import numpy as np

import vdb

SMALL_DIM, SMALL_ROWS, SMALL_SEARCHES = 4, 10, 20000
QUERIES, SAMPLE_SEARCHES, K = 100, 2000, 10
INSERT_DIM, INSERT_ROWS, NO_GRAPH = 60, 100000, 2000000

ids = np.arange(INSERT_ROWS, dtype=np.uint64)
rows = (np.arange(INSERT_ROWS * INSERT_DIM, dtype=np.int64) * 37 % 100 / 100).astype(np.float32).reshape(-1, INSERT_DIM)
sample = np.load(Path(sys.argv[1]) / "base.npy")
small, large = vdb.open(dim=SMALL_DIM), vdb.open(dim=sample.shape[1])
small.insert(ids[:SMALL_ROWS], rows.reshape(-1, SMALL_DIM)[:SMALL_ROWS])
large.insert(ids[: len(sample)], sample)
large.wait_indexed()
queries = list(large.get(ids[:QUERIES]).vectors)
query = np.array([0.5, 0.25, 0.125, 0.0625], np.float32)


def plain(count: int) -> None:
    for _ in range(count):
        found, _distances = small.search(query, K)
    assert found.size == K


def with_parameters(count: int) -> None:
    for _ in range(count):
        found, _distances = small.search(query, K, ef=20)
    assert found.size == K


def in_sample(count: int) -> None:
    for i in range(count):
        found, _distances = large.search(queries[i % QUERIES], K)
    assert found.size == K


def timed(count: int, calls) -> float:
    """Nanoseconds of each call."""
    start = time.perf_counter_ns()
    calls(count)
    return (time.perf_counter_ns() - start) / count


def insert(batch: int) -> float:
    with vdb.open(dim=INSERT_DIM, graph_min_rows=NO_GRAPH) as db:
        def batches(count: int) -> None:
            for i in range(count):
                db.insert(ids[i * batch : (i + 1) * batch], rows[i * batch : (i + 1) * batch])

        return timed(INSERT_ROWS // batch, batches) / batch


print("Python\tPython, with parameters", flush=True)
for line in sys.stdin:
    what, *way = line.split()
    if what == "small":
        ns = timed(SMALL_SEARCHES, (plain, with_parameters)[int(way[0])])
    else:
        ns = timed(SAMPLE_SEARCHES, in_sample) if what == "sample" else insert(int(way[0]))
    print(f"{ns:.1f}", flush=True)
