#!/usr/bin/env python3
"""Compares vdb with other libraries on real vectors: recall@10 against queries per second, on one core.

    python3 benches/compare/compare.py [--sets wordnet-384,sift-128] [--peers vdb,hnswlib] [--passes 3]

Every library is one driver in its own process (driver.c with its own source, or python_driver.py, whose cost
of a call is measured and taken off), pinned to the same core, answering one query per call from the index it
stored. The processes take turns, sweep point by sweep point, so that a slow minute of the machine hits all of
them; each figure is the median of the passes. Times are CPU time. Writes benches/record/<date>-compare.json,
.md and a curve of each set. The first run makes a virtual environment under build/compare and installs numpy
into it, and whatever packages the peers need.

Data: $VDB_SHARED_DATA or ../shared/data beside the repository; otherwise the bundled sample.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "build" / "compare"


def enter_venv():
    """Runs this script again inside build/compare/venv, made on first use."""
    python = WORK / "venv" / "bin" / "python"
    if not python.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(WORK / "venv")], check=True)
        # pybind11 and setuptools: pip asks a source archive for its metadata before it downloads it.
        subprocess.run([str(python), "-m", "pip", "-q", "install", "numpy", "pybind11", "setuptools", "wheel"], check=True)
    os.execv(python, [str(python), *sys.argv])


sys.dont_write_bytecode = True  # keep the source folder clean
if pathlib.Path(sys.prefix) != WORK / "venv":
    enter_venv()

import numpy as np  # noqa: E402  (only there inside the environment)

import adapters  # noqa: E402
import datasets  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402

K = 10


class Driver:
    """A running `driver serve`, pinned to one core."""

    def __init__(self, command, data, files, graph, index, core):
        self.ids_file = f"{index}.ids"
        arguments = [*command, "serve", data.metric, *graph, str(files["queries"]), str(index)]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self.opened = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args[0]} ended with status {self.process.wait()}")
        return json.loads(line)

    def search(self, ef, rerank, recall):
        """One pass over the queries: the driver's figures, CPU time without that of the calls, and the ids found."""
        self.process.stdin.write(f"search {K} {ef} {rerank} {recall} {self.ids_file}\n")
        self.process.stdin.flush()
        figures = self.answer()
        figures["cpu_s"] = measure.net(figures["cpu_s"], figures["queries"] * self.opened.get("call_s", 0))
        return figures, np.fromfile(self.ids_file, np.uint64).reshape(-1, K)

    def quit(self):
        self.process.communicate("quit\n")


def build(adapter, command, data, files, graph, core):
    """Builds and stores the index; returns the driver's figures and the index path."""
    index = WORK / f"{data.name}-{adapter.name}.index"
    subprocess.run(["rm", "-rf", str(index)], check=True)
    arguments = [*command, "build", data.metric, *graph, str(files["base"]), str(index)]
    done = subprocess.run(arguments, check=True, text=True, stdout=subprocess.PIPE,
                          preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    figures = json.loads(done.stdout)
    print(f"  built {adapter.name}: {figures['cpu_s']:.1f} CPU-s", flush=True)
    return figures, index


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
            "recall": measure.recall(data.metric, data.base, data.queries, taken[0][1], data.kth_distance(K)),
            "qps": queries / float(np.median([f["cpu_s"] for f, _ in taken])),
            "qps_wall": queries / float(np.median([f["wall_s"] for f, _ in taken])),
            "resident_bytes": taken[-1][0]["anon_bytes"] + taken[-1][0]["file_bytes"],
            "anonymous_bytes": taken[-1][0]["anon_bytes"],
        })
    return curves


def compare_on(data, names, options):
    """All figures of one data set."""
    print(f"{data.name}: {len(data.base)} rows x {data.base.shape[1]}", flush=True)
    graph = [str(options.m), str(options.ef_construction)]
    results, drivers = {}, {}
    for name in names:
        adapter = adapters.ADAPTERS[name]
        try:
            command = adapters.driver_of(adapter, sys.executable, WORK)
            files = data.files_for(adapter, WORK)
            built, index = build(adapter, command, data, files, graph, options.core)
            drivers[name] = (adapter, Driver(command, data, files, graph, index, options.core))
            results[name] = {"build": built}
        except (subprocess.CalledProcessError, RuntimeError) as error:
            # A package that this machine cannot install or run; our own library must run.
            if not adapter.package:
                raise
            print(f"  skipped: {name}: {error}", flush=True)
            options.skipped.append(f"{name} on {data.name}: {error}")
    for name, curve in sweep(data, drivers, options.passes).items():
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
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="wordnet-384,sift-128")
    parser.add_argument("--peers", default="vdb,hnswlib", help=f"all, or of {', '.join(adapters.ADAPTERS)}")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--m", type=int, default=16)
    parser.add_argument("--ef-construction", type=int, default=200)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="core the drivers are pinned to")
    parser.add_argument("--sample", action="store_true", help="use the bundled sample even if the full sets are there")
    parser.add_argument("--record", type=pathlib.Path, default=ROOT / "benches" / "record", help="folder of the records")
    options = parser.parse_args()
    options.skipped = []
    names = list(adapters.ADAPTERS) if options.peers == "all" else options.peers.split(",")
    if not (ROOT / "build" / "lib" / "libvdb.so").exists():
        sys.exit("build/lib/libvdb.so not found: run `make build` first")
    sets = [datasets.load(name, ROOT, options.sample) for name in options.sets.split(",")]
    results = {data.name: compare_on(data, names, options) for data in sets}
    report.write(options, results, {data.name: data for data in sets})


if __name__ == "__main__":
    main()
