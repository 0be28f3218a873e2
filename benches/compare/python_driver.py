"""driver.c for libraries that come as Python packages: the same arguments, commands and answers,
but for those that change rows.

    python_driver.py PEER build METRIC M EF_CONSTRUCTION THREADS INDEX ROWS.npy
    python_driver.py PEER serve METRIC M EF_CONSTRUCTION THREADS INDEX QUERIES.npy

What a call costs beyond the search is measured on an index of ten rows when `serve` begins (`call_s`), so
that compare.py can take it off: a library is not slower for having been reached from Python.
"""

import json
import os
import pathlib
import sys
import tempfile
import time

import numpy as np
import python_peers

TINY_ROWS, TINY_CALLS, TINY_ROUNDS = 10, 2000, 5


def memory_bytes(field):
    """A figure of /proc/self/status in bytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field + ":"))


def clocks():
    return time.process_time(), time.perf_counter()


def since(begin):
    cpu, wall = clocks()
    return cpu - begin[0], wall - begin[1]


ANSWERS = os.fdopen(os.dup(1), "w")


def silence_libraries():
    """What a library prints would stand between the answers."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def say(answer):
    print(json.dumps(answer), file=ANSWERS, flush=True)


def build(peer, rows, path):
    begin = clocks()
    peer.build(rows, path)
    cpu, wall = since(begin)
    say({"version": peer.version(), "rows": len(rows), "cpu_s": cpu, "wall_s": wall, "peak_bytes": memory_bytes("VmHWM")})


def answer_all(peer, queries, k, found):
    """Every query, one per call; returns CPU and wall time."""
    begin = clocks()
    for row, query in zip(found, queries):
        ids = peer.search(query, k)
        row[: len(ids)] = ids
    return since(begin)


def no_ids(count, k):
    return np.full((count, k), np.iinfo(np.uint64).max, np.uint64)


def cost_of_a_call(peer, queries):
    """CPU seconds of one search among ten rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "tiny")
        peer.build(np.ascontiguousarray(queries[:TINY_ROWS]), path)
        peer.open(path)
        peer.configure(TINY_ROWS, 0)
        same, found = [queries[0:1]] * TINY_CALLS, no_ids(TINY_CALLS, TINY_ROWS)
        rounds = [answer_all(peer, same, TINY_ROWS, found)[0] / TINY_CALLS for _ in range(TINY_ROUNDS)]
        peer.close()
    return float(np.median(rounds))


def answer_at_once(peer, queries, k, threads, found):
    """All queries in one call; returns CPU and wall time."""
    begin = clocks()
    ids = peer.search_all(queries, k, threads)
    cost = since(begin)
    for row, near in zip(found, ids):
        row[: len(near)] = near
    return cost


def search_all(peer, queries, k, out, threads):
    """Answers every query once; writes the ids as raw u64. No threads: one query a call."""
    found = no_ids(len(queries), k)
    if threads:
        cpu, wall = answer_at_once(peer, queries, k, threads, found)
    else:
        cpu, wall = answer_all(peer, [queries[i : i + 1] for i in range(len(queries))], k, found)
    found.tofile(out)
    say({"queries": len(queries), "cpu_s": cpu, "wall_s": wall, "anon_bytes": memory_bytes("RssAnon"),
         "file_bytes": memory_bytes("RssFile")})


def restrict(peer, path, condition):
    """Lets searches find the rows of a list of ids only, which is what the condition says; no path: all rows."""
    ids = np.load(path) if path else None
    begin = clocks()
    peer.filter(ids, condition)
    cpu, wall = since(begin)
    say({"rows": 0 if ids is None else len(ids), "cpu_s": cpu, "wall_s": wall})


def serve(make, queries, path):
    call_s = cost_of_a_call(make(), queries)
    peer = make()
    anon, file = memory_bytes("RssAnon"), memory_bytes("RssFile")
    begin = clocks()
    peer.open(path)
    say({"version": peer.version(), "open_s": since(begin)[1], "anon_bytes_before": anon, "file_bytes_before": file,
         "call_s": call_s})
    for line in sys.stdin:
        what, *words = line.split()
        if what == "quit":
            break
        if what == "filter":
            restrict(peer, words[0] if words else None, " ".join(words[1:]))
            continue
        k, ef, rerank, _recall, out, *threads = words
        peer.configure(int(ef), int(rerank))
        search_all(peer, queries, int(k), out, int(threads[0]) if what == "batch" else 0)
    peer.close()


def main():
    name, what, metric, m, ef_construction, threads, path, rows = sys.argv[1:]
    silence_libraries()
    rows = np.load(rows)
    spec = python_peers.Spec(metric, rows.shape[1], int(m), int(ef_construction), int(threads))
    if what == "build":
        build(python_peers.PEERS[name](spec), rows, path)
    else:
        serve(lambda: python_peers.PEERS[name](spec), rows, path)


if __name__ == "__main__":
    main()
