"""Writes the record of a run: JSON for programs, Markdown and curves (SVG) for people."""

import datetime
import json
import os
import platform

import curves
import measure

TARGETS = (0.9, 0.95, 0.99, 0.999)
RATIO_TARGETS = (0.95, 0.99, 0.999)


def machine():
    """What the figures were measured on."""
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "unknown")
    return {"cpu": model, "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}",
            "load_1_min": round(os.getloadavg()[0], 2)}


def host(machine):
    return f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, load {machine['load_1_min']}"


def dated(**parts):
    """A record of this day and machine."""
    return {"date": datetime.date.today().isoformat(), "machine": machine(), **parts}


def store(folder, kind, record, text):
    """Writes <date>-<kind>.json and .md and prints the text; returns the path without ending."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"{record['date']}-{kind}"
    stem.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    stem.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)
    return stem


def ratios(results):
    """vdb divided by each other library: of QPS more is better, of build CPU time and bytes less.

    `batch_vs_one_core` is vdb on all cores divided by vdb on one thread.
    """
    found = {}
    for ours in (name for name in results if name.startswith("vdb")):
        for theirs in (name for name in results if not name.startswith("vdb")):
            a, b = results[ours], results[theirs]
            suffix = f"vs_{theirs}" if ours == "vdb" else f"{ours}_vs_{theirs}"
            for target in RATIO_TARGETS:
                at = str(target)
                found[f"qps_{at}_{suffix}"] = measure.ratio(a["qps_at_recall"][at], b["qps_at_recall"][at])
            found[f"build_{suffix}"] = measure.ratio(a["build"]["cpu_s"], b["build"]["cpu_s"])
            found[f"resident_{suffix}"] = measure.ratio(a["resident_bytes"], b["resident_bytes"])
            found[f"anonymous_{suffix}"] = measure.ratio(a["anonymous_bytes"], b["anonymous_bytes"])
            found[f"disk_{suffix}"] = measure.ratio(a["disk_bytes"], b["disk_bytes"])
            if "batch" in a and "batch" in b:
                found[f"batch_{suffix}"] = measure.ratio(a["batch"]["qps"], b["batch"]["qps"])
        if "batch" in results[ours]:
            found["batch_vs_one_core" if ours == "vdb" else f"{ours}_batch_vs_one_core"] = results[ours]["batch"]["vs_one_core"]
    return found | best_ratios(results)


def best_ratios(results):
    """vdb divided by the best of the others, at each recall whichever that is.

    A quick build counts where its graph reaches a recall of 0.99.
    """
    ours, others = results.get("vdb"), [r for name, r in results.items() if not name.startswith("vdb")]
    if not ours or len(others) < 2:
        return {}
    found = {}
    for target in map(str, RATIO_TARGETS):
        reached = [r["qps_at_recall"][target] for r in others if r["qps_at_recall"][target]]
        found[f"qps_{target}_vs_best"] = measure.ratio(ours["qps_at_recall"][target], max(reached, default=None))
    built = [r["build"]["cpu_s"] for r in others if r["qps_at_recall"]["0.99"]]
    found["build_vs_best"] = measure.ratio(ours["build"]["cpu_s"], min(built, default=None))
    return found


def number(value, form):
    return "never" if value is None else format(value, form)


def table(results):
    """One line per library: QPS at each recall, build, memory."""
    lines = [f"| library | {' | '.join(f'QPS @{t}' for t in TARGETS)} | build, CPU-s | resident, MB | of it anonymous, MB "
             "| open, ms | call, us |", "|---" * (len(TARGETS) + 6) + "|"]
    for name, r in results.items():
        cells = [number(r["qps_at_recall"][str(t)], ",.0f") for t in TARGETS]
        cells += [f"{r['build']['cpu_s']:.1f}", f"{r['resident_bytes'] / 1e6:.0f}", f"{r['anonymous_bytes'] / 1e6:.0f}",
                  f"{r['open_s'] * 1e3:.1f}", f"{r.get('call_s', 0) * 1e6:.1f}"]
        lines.append(f"| {name} ({r['version']}) | {' | '.join(cells)} |")
    return lines


def more(results, rows):
    """One line per library: bytes a row, the build on all cores, all queries at once."""
    lines = ["| library | disk, B/row | resident, B/row | of it anonymous, B/row | build on one thread, s | build on all cores,"
             " CPU-s | build on all cores, s | batch QPS on one thread | batch QPS on all cores | ratio | at recall |",
             "|---" * 11 + "|"]
    for name, r in results.items():
        sizes = (r[part] / rows for part in ("disk_bytes", "resident_bytes", "anonymous_bytes"))
        cells = [*(f"{size:,.0f}" for size in sizes), f"{r['build']['wall_s']:.1f}"]
        built = r.get("build_threads")
        cells += [f"{built['cpu_s']:.1f}", f"{built['wall_s']:.1f}"] if built else ["", ""]
        if batch := r.get("batch"):
            cells += [f"{batch['qps_1']:,.0f}", f"{batch['qps']:,.0f}", number(batch["vs_one_core"], ".2f"),
                      f"{batch['recall']:.4f}"]
        else:
            cells += ["no such call", "", "", ""]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def markdown(record):
    options = record["options"]
    peers = ",".join(next(iter(record["sets"].values()))["results"])
    lines = [f"# Comparison, {record['date']}", "",
             f"{host(record['machine'])}. One core, one query per call, "
             f"CPU time, median of {options['passes']} interleaved passes; M={options['m']}, "
             f"efConstruction={options['ef_construction']}, recall@10. `never`: the curve ends below that recall. `call`: "
             "CPU time of one call through a Python binding, measured on ten rows and taken off the times of that library, "
             "by half of them at most.",
             "", f"Reproduce: `make build && python3 benches/compare/compare.py --sets {','.join(record['sets'])} --peers "
             f"{peers} --passes {options['passes']}`.", *(f"Skipped: {why}." for why in options.get("skipped", ()))]
    for name, part in record["sets"].items():
        lines += ["", f"## {name}: {part['rows']:,} x {part['dim']}, {part['metric']}", "", *table(part["results"])]
        lines += ["", "All queries at once, in wall time; the libraries share them out themselves, hnswlib gets a part on each of as many "
                  "threads.", "",
                  *more(part["results"], part["rows"])]
        if record["ratios"][name]:
            lines += ["", "vdb / other (QPS, batch: more is better; build, resident, disk: less is better):", ""]
        lines += [f"- `{key}`: {number(value, '.2f')}" for key, value in record["ratios"][name].items()]
    return "\n".join(lines) + "\n"


def write(options, results, sets):
    """Writes <date>-compare.json, .md and a curve of each set into the record folder and prints the Markdown."""
    found = dated(
        options={"passes": options.passes, "m": options.m, "ef_construction": options.ef_construction,
                 "skipped": options.skipped},
        ratios={name: ratios(found) for name, found in results.items()},
        sets={
            name: {"rows": len(sets[name].base), "dim": sets[name].base.shape[1], "metric": sets[name].metric,
                   "results": found}
            for name, found in results.items()
        },
    )
    stem = store(options.record, "compare", found, markdown(found))
    for old in options.record.glob(f"{stem.name}-*.svg"):
        old.unlink()
    for name, found in results.items():
        if drawn := curves.svg(f"{name}, one core, one query a call", found):
            stem.with_name(f"{stem.name}-{name}.svg").write_text(drawn, encoding="utf-8")
