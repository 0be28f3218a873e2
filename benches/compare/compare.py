#!/usr/bin/env python3
"""Compares vdb with other libraries on real vectors: recall@10 against queries per second, on one core.

    python3 benches/compare/compare.py [--sets wordnet-384,sift-128] [--peers vdb,hnswlib] [--passes 3]

Every library is one driver in its own process (driver.c with its own source, or python_driver.py, whose cost
of a call is measured and taken off), pinned to the same core, answering one query per call from the index it
stored. The processes take turns, sweep point by sweep point, so that a slow minute of the machine hits all of
them; each figure is the median of the passes. Times are CPU time. Each index is also built on all cores, and
answers all queries at once, on one thread and on all cores, in wall time. Writes
benches/record/<date>-compare.json, .md and a curve of each set. The first run makes a virtual environment
under build/compare and installs numpy into it, and whatever packages the peers need.

Data: $VDB_SHARED_DATA or ../shared/data beside the repository; otherwise the bundled sample.
"""

import os

import workplace

if __name__ == "__main__":
    workplace.enter()

import numpy as np  # noqa: E402  (only there inside the environment)

import adapters  # noqa: E402
import driving  # noqa: E402
import indexes  # noqa: E402
import measure  # noqa: E402
import python_peers  # noqa: E402
import report  # noqa: E402
import vector_sets  # noqa: E402

BATCH_RECALL = 0.99  # recall that the batches are to have
BATCH_PASSES, BATCH_RUNS = 2, 7


def sweep(data, drivers, passes):
    """Measures every point of every curve `passes` times, the libraries taking turns."""
    for adapter, driver in drivers.values():
        driver.search(*adapter.sweep[0])  # reads the index in; not measured
    samples = {}
    longest = max(len(a.sweep) for a, _ in drivers.values())
    for number in range(passes):
        for point in range(longest):
            for name, (adapter, driver) in drivers.items():
                if point < len(adapter.sweep):
                    figures, ids = driver.search(*adapter.sweep[point])
                    samples.setdefault((name, point), []).append((figures, ids))
        print(f"  pass {number + 1} of {passes}", flush=True)
    curves = {name: [] for name in drivers}
    for (name, point), taken in samples.items():
        ef, rerank, recall = drivers[name][0].sweep[point]
        queries = taken[0][0]["queries"]
        curves[name].append({
            "ef": ef,
            "rerank": rerank,
            "recall_asked_for": recall,
            "recall": measure.recall(data.metric, data.base, data.queries, taken[0][1], data.kth_distance(driving.K)),
            "qps": queries / float(np.median([f["cpu_s"] for f, _ in taken])),
            "qps_wall": queries / float(np.median([f["wall_s"] for f, _ in taken])),
            "resident_bytes": taken[-1][0]["anon_bytes"] + taken[-1][0]["file_bytes"],
            "anonymous_bytes": taken[-1][0]["anon_bytes"],
        })
    return curves


def working_point(curve):
    """The fastest point of a curve with a recall of 0.99, else the one with the most."""
    good = [point for point in curve if point["recall"] >= BATCH_RECALL]
    return max(good, key=lambda p: p["qps"]) if good else max(curve, key=lambda p: p["recall"])


def takes_batches(adapter):
    """Whether the library answers many queries in one call; a C driver does it with all."""
    return not adapter.package or hasattr(python_peers.PEERS[adapter.name], "search_all")


def batches(built, curves):
    """QPS of all queries at once, on one thread and on all cores; the libraries take turns.

    A library that has no such call is left out.
    """
    cores = os.sched_getaffinity(0)
    walls = {}
    for _ in range(BATCH_PASSES):
        for name, index in built.items():
            if not takes_batches(index.adapter):
                continue
            point = working_point(curves[name])
            how = point["ef"], point["rerank"], point["recall_asked_for"]
            for threads in (1, len(cores)):
                driver = index.serve(cores, threads)
                driver.batch(*how, threads)  # reads the index in, starts the threads; not measured
                runs = [driver.batch(*how, threads) for _ in range(BATCH_RUNS)]
                walls.setdefault((name, threads), []).extend(r["wall_s"] / r["queries"] for r in runs)
                driver.quit()
    qps = {key: 1 / float(np.median(taken)) for key, taken in walls.items()}
    every = len(cores)
    return {name: {"threads": every, "recall": working_point(curves[name])["recall"], "qps_1": qps[name, 1],
                   "qps": qps[name, every], "vs_one_core": measure.ratio(qps[name, every], qps[name, 1])}
            for name in built if (name, every) in qps}


def prepared(adapter, data, options):
    """Builds an index, on one thread and again on all cores; returns the figures and the last of them."""
    cores = len(os.sched_getaffinity(0))
    index = indexes.Index(adapter, data, options)
    figures = {}
    if cores > 1:
        figures["build_threads"] = index.build(cores) | {"threads": cores}
    figures["build"] = index.build()
    figures["disk_bytes"] = workplace.disk_bytes(index.path)
    return figures, index


def compare_on(data, names, options):
    """All figures of one data set."""
    print(f"{data.name}: {len(data.base)} rows x {data.base.shape[1]}", flush=True)
    results, built, drivers = {}, {}, {}
    for name in names:
        adapter = adapters.ADAPTERS[name]
        with indexes.skipping(f"{name} on {data.name}", adapter, options.skipped):
            figures, index = prepared(adapter, data, options)
            drivers[name] = adapter, index.serve({options.core})
            results[name], built[name] = figures, index
    curves = sweep(data, drivers, options.passes)
    for name, curve in curves.items():
        opened = drivers[name][1].opened
        before = opened["anon_bytes_before"] + opened["file_bytes_before"]
        results[name] |= {
            "version": opened["version"],
            "open_s": opened["open_s"],
            "call_s": opened.get("call_s", 0),
            "resident_bytes": curve[-1]["resident_bytes"] - before,
            "anonymous_bytes": curve[-1]["anonymous_bytes"] - opened["anon_bytes_before"],
            "qps_at_recall": {str(t): measure.qps_at(curve, t) for t in report.TARGETS},
            "curve": curve,
        }
    for _, driver in drivers.values():
        driver.quit()
    for name, figures in batches(built, curves).items():
        results[name]["batch"] = figures
    return results


def main():
    parser = workplace.parser(__doc__)
    parser.add_argument("--peers", default="vdb,hnswlib", help=f"all, or of {', '.join(adapters.ADAPTERS)}")
    parser.add_argument("--passes", type=int, default=3)
    options = parser.parse_args()
    options.skipped = []
    names = list(adapters.ADAPTERS) if options.peers == "all" else options.peers.split(",")
    workplace.check_built()
    sets = [vector_sets.load(name, workplace.ROOT, options.sample) for name in options.sets.split(",")]
    results = {data.name: compare_on(data, names, options) for data in sets}
    report.write(options, results, {data.name: data for data in sets})


if __name__ == "__main__":
    main()
