#!/usr/bin/env python3
"""Searches that may find some of the rows only: vdb beside other libraries, recall@10 among the rows that pass.

    python3 benches/compare/filtered.py [--sets wordnet-384,sift-128] [--peers vdb,hnswlib] [--passes 3]

50, 10, 1 and 0.1 % of the rows pass, at random, and 10 % that lie close together and far from most queries. vdb,
hnswlib, usearch and faiss are given the rows that pass; zvec and lancedb, which filter by conditions, two columns and
a scalar index on each, and `column < count`. What a library makes of a filter is made before its searches, and timed
apart. As in compare.py one process of each library answers one query a call on one core, in turns, and times are CPU
time; the truth is a plain scan of the rows that pass. The breadth rises until the recall is 0.95, and the other
passes repeat that point: each figure is the median of them. Writes benches/record/<date>-filter.json and .md.
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
import report  # noqa: E402
import vector_sets  # noqa: E402

RECALL = 0.95
EF = tuple(round(10 * 1.2**i) for i in range(27))
# The order that the first rows of are to pass, and their share.
CASES = {"50": ("shuffled", 0.5), "10": ("shuffled", 0.1), "1": ("shuffled", 0.01), "0.1": ("shuffled", 0.001),
         "far": ("apart", 0.1)}
TITLES = {"50": "50 %", "10": "10 %", "1": "1 %", "0.1": "0.1 %", "far": "10 %, far"}
ALL = "all"
# What vdb is to reach: QPS over those without a filter, QPS, QPS over those of the best other library.
OF_UNFILTERED = {"50": 1 / 2.5, "10": 1 / 2.5}
QPS = {"1": 10_000, "0.1": 10_000}
VS_BEST = 3
NONE, AT_ONCE = np.iinfo(np.uint64).max, 100


def orders(metric, rows, queries):
    """All row numbers in two orders: at random, and by the distance to a row that most queries are far from."""
    shuffled = np.random.default_rng(42).permutation(len(rows))
    some = shuffled[:1000]
    lonely = some[np.median(measure.every_distance(metric, rows[some], queries), axis=0).argmax()]
    apart = measure.every_distance(metric, rows, rows[lonely : lonely + 1])[0]
    return {"shuffled": shuffled, "apart": np.argsort(apart, kind="stable")}


class Case:
    """Rows that may be found, and which of them are right."""

    def __init__(self, data, passing):
        self.data, self.passing = data, np.sort(passing).astype(np.uint64)
        self.rows = data.base[self.passing]
        self.places = np.full(len(data.base), NONE)
        self.places[self.passing] = np.arange(len(passing), dtype=np.uint64)
        self.k = min(driving.K, len(passing))
        parts = np.array_split(data.queries, -(-len(data.queries) // AT_ONCE))
        self.kth = np.concatenate([measure.kth_distance(data.metric, self.rows, part, self.k) for part in parts])

    def recall(self, ids):
        """Share of the nearest rows that pass that `ids` has; a row that does not pass is none."""
        known = ids < len(self.places)
        places = np.where(known, self.places[np.where(known, ids, 0)], NONE)[:, : self.k]
        return measure.recall(self.data.metric, self.rows, self.data.queries, places, self.kth)


def cases(data):
    """Each case and the words that make it a filter; and the columns that its condition is about."""
    found, columns = {ALL: (Case(data, np.arange(len(data.base))), ())}, {}
    by_order = orders(data.metric, data.base, data.queries)
    for name, order in by_order.items():
        columns[name] = np.empty(len(order), np.int64)
        columns[name][order] = np.arange(len(order))
    for name, (column, share) in CASES.items():
        count = max(round(share * len(data.base)), 1)
        case, path = Case(data, by_order[column][:count]), workplace.WORK / f"{data.name}-filter-{name}.npy"
        np.save(path, case.passing)
        found[name] = case, (path, f"{column} < {count}")
    return found, columns


def rising(take, sweeps):
    """Calls take(name, how), which returns the recall, for every breadth of every library in turn, until it is enough.

    A library has one sweep by breadth and maybe one by a recall asked for. Returns the points that were enough, and
    the most recall of each library.
    """
    enough, best = {}, {name: 0.0 for name in sweeps}
    for point in range(max(map(len, sweeps.values()))):
        for name, sweep in sweeps.items():
            if point < len(sweep) and (name, sweep[point][2] > 0) not in enough:
                recall = take(name, sweep[point])
                best[name] = max(best[name], recall)
                if recall >= RECALL:
                    enough[name, sweep[point][2] > 0] = name, sweep[point]
    return list(enough.values()), best


def searched(case, words, drivers, passes):
    """The figures of each library under one filter."""
    made = {name: driver.filter(*words)["cpu_s"] for name, driver in drivers.items()}
    taken, recalls = {}, {}

    def take(name, how):
        figures, ids = drivers[name].search(*how)
        taken.setdefault((name, how), []).append(figures["queries"] / figures["cpu_s"])
        recalls[name, how] = case.recall(ids)
        return recalls[name, how]

    sweeps = {name: [(ef, 0, 0) for ef in EF] + [how for how in adapters.FILTERED[name].sweep if how[2]] for name in drivers}
    points, best = rising(take, sweeps)
    for _ in range(passes - 1):
        for name, how in points:
            take(name, how)
    found = {name: {"filter_cpu_s": made[name], "qps": None, "recall": best[name]} for name in drivers}
    for name, how in points:
        qps = float(np.median(taken[name, how]))
        if qps > (found[name]["qps"] or 0):
            found[name] |= {"qps": qps, "recall": recalls[name, how], "ef": how[0], "recall_asked_for": how[2]}
    return found


def filtered_on(data, names, options):
    """The figures of one data set, by library and case."""
    print(f"{data.name}: {len(data.base)} rows x {data.base.shape[1]}", flush=True)
    found, columns = cases(data)
    drivers = {}
    for name in names:
        with indexes.skipping(f"{name} on {data.name}", adapters.FILTERED[name], options.skipped):
            index = indexes.Index(adapters.FILTERED[name], data, options)
            index.build(len(os.sched_getaffinity(0)), columns)
            drivers[name] = index.serve({options.core})
            drivers[name].search(EF[0], 0, 0)  # reads the index in; not measured
    results = {name: {"version": driver.opened["version"], "call_s": driver.opened.get("call_s", 0), "cases": {}}
               for name, driver in drivers.items()}
    for case_name, (case, words) in found.items():
        for name, figures in searched(case, words, drivers, options.passes).items():
            results[name]["cases"][case_name] = figures
        print(f"  {case_name}: {len(case.passing)} rows pass", flush=True)
    for driver in drivers.values():
        driver.quit()
    return results


def ratios(results):
    """QPS of vdb under each filter divided by those of each other library, the best of them, and its own without one."""
    def qps(name, case):
        return results[name]["cases"][case]["qps"]

    others, found = [name for name in results if name != "vdb"], {}
    for case in CASES:
        ours = qps("vdb", case)
        found |= {f"filtered_{case}_vs_{name}": measure.ratio(ours, qps(name, case)) for name in others}
        reached = [qps(name, case) for name in others if qps(name, case)]
        found[f"filtered_{case}_vs_best"] = measure.ratio(ours, max(reached, default=None))
        found[f"filtered_{case}_vs_unfiltered"] = measure.ratio(ours, qps("vdb", ALL))
    return found


def targets(results, ratios):
    """A line for each target: what it is about, the figure, and whether it is met."""
    lines = []
    for case, title in TITLES.items():
        qps, best = results["vdb"]["cases"][case]["qps"], ratios[f"filtered_{case}_vs_best"]
        wanted = []
        if len(results) > 1:
            # Where no other library has the recall, any QPS are enough.
            met = best >= VS_BEST if best is not None else qps is not None
            wanted.append((f"{VS_BEST} times the QPS of the best other library", report.number(best, ".2f"), met))
        if case in OF_UNFILTERED:
            own = ratios[f"filtered_{case}_vs_unfiltered"]
            wanted.append((f"{OF_UNFILTERED[case]:g} of the QPS without a filter", report.number(own, ".2f"),
                           own is not None and own >= OF_UNFILTERED[case]))
        if case in QPS:
            wanted.append((f"{QPS[case]:,} QPS", report.number(qps, ",.0f"), qps is not None and qps >= QPS[case]))
        lines += [f"| {title} | {what} | {shown} | {'yes' if met else 'no'} |" for what, shown, met in wanted]
    return lines


def cell(figures, unfiltered):
    """QPS, their share of those without a filter, and the breadth or recall asked for."""
    if figures["qps"] is None:
        return f"never ({figures['recall']:.3f})"
    how = f"ef {figures['ef']}" if figures["ef"] else f"recall {figures['recall_asked_for']:g}"
    share = f", {figures['qps'] / unfiltered:.2f}" if unfiltered else ""
    return f"{figures['qps']:,.0f}{share} ({how}: {figures['recall']:.3f})"


def table(results):
    """One line per library."""
    lines = [f"| library | no filter | {' | '.join(TITLES.values())} | making a filter, ms | call, us |",
             "|---" * (len(TITLES) + 4) + "|"]
    for name, r in results.items():
        of = r["cases"][ALL]
        cells = [cell(of, None), *(cell(r["cases"][case], of["qps"]) for case in CASES)]
        made = max(r["cases"][case]["filter_cpu_s"] for case in CASES)
        lines.append(f"| {name} ({r['version']}) | {' | '.join(cells)} | {made * 1e3:.2f} | {r['call_s'] * 1e6:.1f} |")
    return lines


def markdown(record):
    options = record["options"]
    lines = [f"# Filtered searches, {record['date']}", "",
             f"{report.host(record['machine'])}. One core, one query per call, CPU time, median of {options['passes']} "
             f"interleaved passes; M={options['m']}, efConstruction={options['ef_construction']}. QPS at the least breadth "
             f"with a recall@10 of {RECALL} among the rows that pass, their share of the QPS without a filter, and in brackets "
             "that breadth (or recall asked for) and its recall; `never`: no breadth has it, and the most recall of any. Rows "
             "pass at random; `far`: those nearest to one row that most queries are far from.", "",
             "Reproduce: `make bench-filter`.", *(f"Skipped: {why}." for why in options["skipped"])]
    for name, part in record["sets"].items():
        lines += ["", f"## {name}: {part['rows']:,} x {part['dim']}, {part['metric']}", "", *table(part["results"]), "",
                  "| case | target | vdb | met |", "|---" * 4 + "|", *targets(part["results"], record["ratios"][name]), "",
                  "vdb / other, QPS (more is better):", "",
                  *(f"- `{key}`: {report.number(value, '.2f')}" for key, value in record["ratios"][name].items())]
    return "\n".join(lines) + "\n"


def main():
    parser = workplace.parser(__doc__)
    parser.add_argument("--peers", default="all", help=f"all, or of {', '.join(adapters.FILTERED)}; always with vdb")
    parser.add_argument("--passes", type=int, default=3)
    options = parser.parse_args()
    options.skipped = []
    workplace.check_built()
    asked = adapters.FILTERED if options.peers == "all" else options.peers.split(",")
    names = list(dict.fromkeys(("vdb", *asked)))
    sets = [vector_sets.load(name, workplace.ROOT, options.sample) for name in options.sets.split(",")]
    results = {data.name: filtered_on(data, names, options) for data in sets}
    record = report.dated(
        options={name: getattr(options, name) for name in ("passes", "m", "ef_construction", "skipped")},
        ratios={name: ratios(found) for name, found in results.items()},
        sets={data.name: {"rows": len(data.base), "dim": data.base.shape[1], "metric": data.metric,
                          "results": results[data.name]} for data in sets})
    report.store(options.record, "filter", record, markdown(record))


if __name__ == "__main__":
    main()
