#!/usr/bin/env python3
"""What it costs to replace rows: vdb, all of its upkeep included, beside hnswlib's replace_deleted.

    python3 benches/compare/replace.py [--sets wordnet-384,sift-128] [--live 20000] [--rounds 5]

Both hold the same live rows. Each round removes a share of them, the oldest, and adds as many that were not there, in
batches of 1,000; after five rounds of 20 % every row is another. vdb stores all of it durably and its time ends when
nothing is left to do in the background; hnswlib keeps its graph in memory. Times are CPU time of the whole process,
on one core; the libraries take turns, round by round. Recall@10 at fixed breadths is measured before and after, and on
indexes built afresh from the rows that are left. Writes benches/record/<date>-replace.json and .md.
"""

import sys

import workplace

if __name__ == "__main__":
    workplace.enter()

import numpy as np  # noqa: E402  (only there inside the environment)

import adapters  # noqa: E402
import driving  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
import vector_sets  # noqa: E402

EF = (20, 50, 100)
JUDGED = 50  # the breadth whose recall is judged
OURS, THEIRS = "vdb", "hnswlib"


class Shuffled:
    """The rows of a data set in a fixed random order: what is live is then one range of row numbers."""

    def __init__(self, data, most):
        self.name, self.metric, self.queries = f"{data.name}-shuffled", data.metric, data.queries
        order = np.random.default_rng(42).permutation(len(data.base))[:most]
        self.base = data.base[order]

    def files_for(self, adapter):
        rows = adapter.form(self.metric, self.base), adapter.form(self.metric, self.queries)
        paths = []
        for part, values in zip(("base", "queries"), rows):
            paths.append(workplace.WORK / f"{self.name}-{adapter.name}-{part}.npy")
            np.save(paths[-1], values)
        return paths

    def recall(self, ids, first, end):
        """Share of the true neighbours among rows first.. to `end` that `ids` has; a row that is not live is none."""
        live = self.base[first:end]
        kth = measure.kth_distance(self.metric, live, self.queries, driving.K)
        places = np.where((ids >= first) & (ids < end), ids - np.uint64(first), np.iinfo(np.uint64).max)
        return measure.recall(self.metric, live, self.queries, places, kth)


class Library:
    """One library, its running driver, and what was measured."""

    def __init__(self, name, data, live, options):
        self.adapter, self.data, self.live, self.options = adapters.ADAPTERS[name], data, live, options
        self.command = adapters.driver_of(self.adapter, sys.executable, workplace.WORK)
        self.base, self.queries = data.files_for(self.adapter)
        self.driver = self.begin("replace")
        self.version = self.driver.opened["version"]
        self.rounds = []

    def begin(self, what):
        """A driver with an empty index."""
        index = workplace.removed(workplace.WORK / f"{self.data.name}-{self.adapter.name}-{what}.index")
        begin = driving.arguments(self.command, "change", self.data.metric, self.options, 1, index)
        return driving.Driver(begin, (self.queries, self.base, self.live), index, {self.options.core})

    def recalls(self, driver, first):
        """Recall at each breadth, of an index over the live rows from `first` on."""
        searched = {ef: driver.search(ef, 0, 0)[1] for ef in EF}
        return {str(ef): self.data.recall(ids, first, first + self.live) for ef, ids in searched.items()}

    def load(self):
        self.loaded = self.driver.ask("add", 0, self.live)
        self.before = self.recalls(self.driver, 0)

    def replace(self, number, count):
        self.rounds.append(self.driver.ask("replace", number * count, count, self.live + number * count))

    def finish(self, first):
        self.after = self.recalls(self.driver, first)
        self.driver.quit()
        fresh = self.begin("fresh")
        fresh.ask("add", first, self.live)
        self.fresh = self.recalls(fresh, first)
        fresh.quit()

    def figures(self):
        us = [1e6 * r["cpu_s"] / r["rows"] for r in self.rounds]
        at = str(JUDGED)
        return {
            "version": self.version,
            "insert_cpu_us": 1e6 * self.loaded["cpu_s"] / self.loaded["rows"],
            "replace_cpu_us": float(np.median(us)),
            "rounds_cpu_us": us,
            "recall_before": self.before,
            "recall_after": self.after,
            "recall_fresh": self.fresh,
            "drift": round(self.after[at] - self.before[at], 4),
            "drift_vs_fresh": round(self.after[at] - self.fresh[at], 4),
        }


def table(results):
    """One line per library."""
    lines = ["| library | insert, CPU-us a row | replace, CPU-us a row | "
             + " | ".join(f"recall at {ef}" for ef in EF) + " | drift | drift against fresh |",
             "|---" * (5 + len(EF)) + "|"]
    for name, r in results.items():
        parts = ("recall_before", "recall_after", "recall_fresh")
        recalls = [" / ".join(f"{r[part][str(ef)]:.4f}" for part in parts) for ef in EF]
        cells = [f"{r['insert_cpu_us']:.0f}", f"{r['replace_cpu_us']:.0f}", *recalls, f"{r['drift']:+.4f}",
                 f"{r['drift_vs_fresh']:+.4f}"]
        lines.append(f"| {name} ({r['version']}) | {' | '.join(cells)} |")
    return lines


def markdown(record):
    options = record["options"]
    lines = [f"# Replaced rows, {record['date']}", "",
             f"{report.host(record['machine'])}. {options['rounds']} rounds that replace {options['percent']} % of the live "
             "rows each; one core, CPU time of the whole process, median of the rounds. Recall@10 at "
             f"ef = {', '.join(map(str, EF))}, before / after / of an index built afresh; drift is that at ef = {JUDGED}.", "",
             "Reproduce: `make bench-replace`."]
    for name, part in record["sets"].items():
        lines += ["", f"## {name}: {part['live']:,} live rows", "", *table(part["results"]), "",
                  "Other / vdb (more is better):", "",
                  *(f"- `{key}`: {report.number(value, '.2f')}" for key, value in record["ratios"][name].items())]
    return "\n".join(lines) + "\n"


def ratios(results):
    times = {name: r["replace_cpu_us"] for name, r in results.items()}
    return {f"replace_vs_{THEIRS}": measure.ratio(times[THEIRS], times[OURS])}


def measured(data, options):
    """The live rows of a set, and the figures of each library."""
    # Of a small set fewer rows are live, so that there are new ones for every round.
    live = min(options.live, int(len(data.base) / (1 + options.rounds * options.percent / 100)))
    count = live * options.percent // 100
    rows = Shuffled(data, live + options.rounds * count)
    print(f"{data.name}: {live} live rows", flush=True)
    libraries = {name: Library(name, rows, live, options) for name in (OURS, THEIRS)}
    for library in libraries.values():
        library.load()
    for number in range(options.rounds):
        for library in libraries.values():
            library.replace(number, count)
        print(f"  round {number + 1} of {options.rounds}", flush=True)
    for library in libraries.values():
        library.finish(options.rounds * count)
    return {"live": live, "results": {name: library.figures() for name, library in libraries.items()}}


def main():
    parser = workplace.parser(__doc__)
    parser.add_argument("--live", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--percent", type=int, default=20)
    options = parser.parse_args()
    workplace.check_built()
    sets = {name: measured(vector_sets.load(name, workplace.ROOT, options.sample), options)
            for name in options.sets.split(",")}
    record = report.dated(
        options={name: getattr(options, name) for name in ("rounds", "percent", "m", "ef_construction")},
        ratios={name: ratios(part["results"]) for name, part in sets.items()}, sets=sets)
    report.store(options.record, "replace", record, markdown(record))


if __name__ == "__main__":
    main()
