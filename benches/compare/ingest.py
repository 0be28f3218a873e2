#!/usr/bin/env python3
"""How fast a durable, searchable store takes rows in: vdb beside other embedded databases.

    python3 benches/compare/ingest.py [--set wordnet-384] [--rows 60000] [--limit 30] [--passes 2]

The same rows (f32) go into an empty store in batches of 10,000; the clock stops when a batch returned, on disk and
searchable. Each store is a process of its own with all cores, and they take turns; one that has used up its time limit
stops after the batch it is in, so its figure is that of fewer rows. vdb is driven through its C ABI with its default
durability, FULL: neither a kill nor a power cut loses a batch that returned. Its rows are found from the first on, by
a scan until the background thread has linked them; how long that takes altogether is in a column of its own.
Writes benches/record/<date>-ingest.json and .md.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import workplace

if __name__ == "__main__":
    workplace.enter()

import numpy as np  # noqa: E402  (only there inside the environment)

import adapters  # noqa: E402
import driving  # noqa: E402
import ingest_peers  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
import vector_sets  # noqa: E402

OURS = adapters.ADAPTERS["vdb-f32"]
BATCH = 10000


def batches(rows, batch):
    """(first, count) of each batch."""
    return [(first, min(batch, rows - first)) for first in range(0, rows, batch)]


def fill(add, rows, limit_s):
    """Calls add(first, count), which returns CPU and wall seconds, for one batch after the other; returns the sums.

    Ends early once the wall time passes the limit.
    """
    done, cpu_s, wall_s = 0, 0.0, 0.0
    for first, count in batches(rows, BATCH):
        cpu, wall = add(first, count)
        done, cpu_s, wall_s = done + count, cpu_s + cpu, wall_s + wall
        if wall_s > limit_s:
            break
    return {"rows": done, "cpu_s": cpu_s, "wall_s": wall_s}


def fill_store(name, rows_file, folder, limit_s):
    """The process of one store: prints its figures as JSON."""
    rows = np.load(rows_file)
    store = ingest_peers.STORES[name](folder, rows.shape[1])

    def add(first, count):
        ids, batch = store.ids(first, count), rows[first : first + count]
        cpu, wall = time.process_time(), time.perf_counter()
        store.add(ids, batch)
        return time.process_time() - cpu, time.perf_counter() - wall

    figures = fill(add, len(rows), limit_s)
    last = figures["rows"] - 1
    if store.nearest(rows[last]) != last:
        sys.exit(f"{name} does not find the last row")
    print(json.dumps(figures | {"version": store.version(), "durability": store.durability,
                                 "indexed": store.indexed}), flush=True)


def run_store(name, data, folder, options):
    subprocess.run([sys.executable, "-m", "pip", "-q", "install", *ingest_peers.STORES[name].packages], check=True)
    folder.mkdir()
    worker = [sys.executable, "-B", __file__, "--store", name, str(data), str(folder), str(options.limit)]
    return json.loads(subprocess.run(worker, check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])


def run_vdb(data, queries, rows, folder, options):
    command = adapters.driver_of(OURS, sys.executable, workplace.WORK)
    begin = driving.arguments(command, "change", "cosine", options, 0, folder)
    driver = driving.Driver(begin, (queries, data, rows), folder, os.sched_getaffinity(0))

    def add(first, count):
        figures = driver.ask("ingest", first, count)
        return figures["cpu_s"], figures["wall_s"]

    figures = fill(add, rows, options.limit)
    settled = driver.ask("settle")
    version = driver.opened["version"]
    driver.quit()
    return figures | {"version": version, "durability": "synced: FULL, one batch a call; an HNSW index", "indexed": True,
                      "settled_cpu_s": figures["cpu_s"] + settled["cpu_s"],
                      "settled_wall_s": figures["wall_s"] + settled["wall_s"]}


def best_of(runs):
    """The run with the most rows a second, and all their rates: a slow disk slows runs, nothing makes one faster."""
    best = max(runs, key=lambda run: run["rows"] / run["wall_s"])
    rate = {"rows_per_s": best["rows"] / best["wall_s"], "rows_per_cpu_s": best["rows"] / best["cpu_s"]}
    if "settled_wall_s" in best:
        rate["rows_per_s_settled"] = best["rows"] / best["settled_wall_s"]
    return best | rate | {"all_rows_per_s": [run["rows"] / run["wall_s"] for run in runs]}


def ratios(results):
    """Rows a second of vdb divided by those of each other store, of the best, and of the best that has an index."""
    ours = results["vdb"]["rows_per_s"]
    others = {name: r for name, r in results.items() if name != "vdb"}
    found = {f"ingest_vs_{name}": measure.ratio(ours, r["rows_per_s"]) for name, r in others.items()}
    indexed = (r["rows_per_s"] for r in others.values() if r["indexed"])
    found["ingest_vs_best"] = measure.ratio(ours, max((r["rows_per_s"] for r in others.values()), default=None))
    return found | {"ingest_vs_best_index": measure.ratio(ours, max(indexed, default=None))}


def markdown(record):
    options = record["options"]
    lines = [f"# Ingest, {record['date']}", "",
             f"{report.host(record['machine'])}. {options['set']}, f32, batches of {BATCH:,}, all cores, the best of "
             f"{options['passes']} runs that took turns. A row counts when the call that brought it returned: durable as far "
             f"as the last column says, and searchable. A store stops after {options['limit']:.0f} s.", "",
             "Reproduce: `make bench-ingest`.", *(f"Skipped: {why}." for why in options["skipped"]), "",
             "| store | rows | rows/s | rows/CPU-s | rows/s until all are linked | durability and search |",
             "|---" * 6 + "|"]
    for name, r in record["results"].items():
        settled = format(r["rows_per_s_settled"], ",.0f") if "rows_per_s_settled" in r else ""
        lines.append(f"| {name} ({r['version']}) | {r['rows']:,} | {r['rows_per_s']:,.0f} | {r['rows_per_cpu_s']:,.0f} | "
                     f"{settled} | {r['durability']} |")
    lines += ["", "vdb / other, rows/s (more is better):", "",
              *(f"- `{key}`: {report.number(value, '.2f')}" for key, value in record["ratios"].items())]
    return "\n".join(lines) + "\n"


def measured(data, files, options):
    """All runs of all stores, by name."""
    runs = {}
    for number in range(options.passes):
        for name in ("vdb", *ingest_peers.STORES):
            folder = workplace.removed(workplace.WORK / f"ingest-{name}")
            try:
                run = (run_vdb(files["base"], files["queries"], len(data.base), folder, options) if name == "vdb"
                       else run_store(name, files["base"], folder, options))
                runs.setdefault(name, []).append(run)
                print(f"  pass {number + 1}, {name}: {run['rows']:,} rows in {run['wall_s']:.2f} s", flush=True)
            except subprocess.CalledProcessError as error:
                # A package that this machine cannot install or run.
                print(f"  skipped: {name}: {error}", flush=True)
                if number == 0:
                    options.skipped.append(f"{name}: {error}")
            workplace.removed(folder)
    return runs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="wordnet-384", choices=["wordnet-384"])
    parser.add_argument("--rows", type=int, default=60000)
    parser.add_argument("--limit", type=float, default=30, help="seconds after which a store stops")
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--m", type=int, default=16)
    parser.add_argument("--ef-construction", type=int, default=200)
    parser.add_argument("--sample", action="store_true", help="use the bundled sample even if the full set is there")
    parser.add_argument("--record", type=pathlib.Path, default=workplace.RECORD, help="folder of the records")
    parser.add_argument("--store", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.store:
        name, rows, folder, limit = options.store
        return fill_store(name, rows, folder, float(limit))
    options.skipped = []
    workplace.check_built()
    data = vector_sets.load(options.set, workplace.ROOT, options.sample)
    data.base = data.base[: options.rows]
    runs = measured(data, data.files_for(OURS, workplace.WORK), options)
    results = {name: best_of(taken) for name, taken in runs.items()}
    record = report.dated(results=results, ratios=ratios(results), options={
        name: getattr(options, name) for name in ("set", "passes", "limit", "skipped")})
    report.store(options.record, "ingest", record, markdown(record))


if __name__ == "__main__":
    main()
