"""Costs against the number of rows: runs curve.c at several sizes, fits the exponents, writes a record.

  python3 curve.py PROGRAM DIRECTORY RECORD [MOST_ROWS | ROWSxDIM ...] < HEAD

Without sizes the whole table; MOST_ROWS leaves out the larger ones. HEAD is what the record begins with.

Costs are taken to grow as a power of the number of rows; the power is the slope of a straight line through
the logarithms, by least squares. RECORD.json, .txt and an .svg for each dimension are written after
each size, so that a run that ends early leaves what it has.
"""

import json
import math
import pathlib
import shutil
import subprocess
import sys

from drawing import BOTTOM, COLOURS, HEIGHT, LEFT, RIGHT, TOP, WIDTH, head, line, text

TABLE = {128: (62_500, 125_000, 250_000, 500_000, 1_000_000), 384: (62_500, 125_000, 250_000, 500_000, 1_000_000),
         1536: (12_500, 25_000, 50_000, 100_000)}
COSTS = {"build_cpu_s": "build, CPU-s", "search_us_95": "search at 0.95, CPU-us", "search_us_99": "search at 0.99, CPU-us",
         "memory_mb": "anonymous memory, MB", "disk_mb": "disk, MB", "open_ms": "open, ms", "first_answer_ms": "first answer, ms"}
RATES = {"insert_rows_s": "durable inserts, rows/s", "plain_rows_s": "write + fdatasync, rows/s"}


def time_at(searches, recall):
    """CPU time of a search at a recall, between the two breadths around it; None beyond the last."""
    before = None
    for _, found, us in searches:
        if found >= recall:
            if before is None or found == before[0]:
                return us
            return before[1] + (us - before[1]) * (recall - before[0]) / (found - before[0])
        before = (found, us)
    return None


def costs(result):
    """The costs of one size, by the names in COSTS."""
    return {"build_cpu_s": result["build_cpu_s"], "search_us_95": time_at(result["searches"], 0.95),
            "search_us_99": time_at(result["searches"], 0.99), "memory_mb": result["memory_bytes"] / 1e6,
            "disk_mb": result["disk_bytes"] / 1e6, "open_ms": result["open_ms"], "first_answer_ms": result["first_answer_ms"]}


def exponent(points):
    """Slope of log(cost) over log(rows) by least squares; None for fewer than two points."""
    points = [(math.log(rows), math.log(cost)) for rows, cost in points if cost]
    if len(points) < 2:
        return None
    x, y = (sum(values) / len(points) for values in zip(*points))
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)


def fits(results):
    return {cost: exponent([(r["rows"], costs(r)[cost]) for r in results]) for cost in COSTS}


def table(dim, results):
    """One line for each cost: its values, and the power of the number of rows it grows with."""
    lines = [f"{dim} dimensions", f"{'':26}" + "".join(f"{r['rows']:>11,}" for r in results) + "   exponent"]
    for cost, power in fits(results).items():
        values = [costs(r)[cost] for r in results]
        shown = "".join(f"{'-':>11}" if v is None else f"{v:>11,.1f}" if v >= 10 else f"{v:>11.2f}" for v in values)
        lines.append(f"{COSTS[cost]:26}{shown}" + (f"{power:>11.2f}" if power is not None else ""))
    lines += [f"{name:26}" + "".join(f"{r[rate]:>11,.0f}" for r in results) for rate, name in RATES.items()]
    return "\n".join(lines) + "\n"


def plot(dim, results):
    """Each cost against the number of rows, as times what it is at the smallest size, on logarithmic axes."""
    sizes = [r["rows"] for r in results]
    lines = {}
    for cost in COSTS:
        values = [(r["rows"], costs(r)[cost]) for r in results if costs(r)[cost]]
        lines[cost] = [(rows, value / values[0][1]) for rows, value in values]
    top = max(sizes[-1] / sizes[0], *(times for line in lines.values() for _, times in line))
    low = min(times for line in lines.values() for _, times in line)

    def across(rows):
        return LEFT + math.log(rows / sizes[0]) / math.log(sizes[-1] / sizes[0]) * (WIDTH - LEFT - RIGHT)

    def up(times):
        return HEIGHT - BOTTOM - math.log(times / low) / math.log(top / low) * (HEIGHT - TOP - BOTTOM)

    right = WIDTH - RIGHT
    title = f"{dim} dimensions: costs as times those of {sizes[0]:,} rows (dotted: as the number of rows)"
    parts = [head(title)]
    for rows in sizes:
        parts += [line(across(rows), TOP, across(rows), HEIGHT - BOTTOM),
                  text(across(rows), HEIGHT - BOTTOM + 18, f"{rows:,}")]
    for times in (t for t in (0.5, 1, 2, 4, 8, 16, 32) if low <= t <= top):
        parts += [line(LEFT, up(times), right, up(times)), text(LEFT - 8, up(times) + 4, f"{times}", "end")]
    parts += [f'<line x1="{across(sizes[0]):.1f}" y1="{up(1):.1f}" x2="{right}" y2="{up(sizes[-1] / sizes[0]):.1f}" '
              'stroke="#888" stroke-dasharray="2 4"/>', text((LEFT + right) / 2, HEIGHT - 10, "rows")]
    for place, (cost, points) in enumerate(lines.items()):
        colour, power = COLOURS[place], fits(results)[cost]
        at = " ".join(f"{across(rows):.1f},{up(times):.1f}" for rows, times in points)
        name = COSTS[cost].split(",")[0] + (f": {power:.2f}" if power is not None else "")
        parts += [f'<polyline points="{at}" fill="none" stroke="{colour}" stroke-width="1.5"/>',
                  text(right + 12, TOP + 12 + 18 * place, name, "start", colour)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def write(record, beginning, all_results):
    """The record of what was measured so far."""
    words = beginning + "".join("\n" + table(dim, results) for dim, results in all_results.items())
    pathlib.Path(f"{record}.txt").write_text(words)
    found = {str(dim): {"sizes": results, "costs": [costs(r) for r in results], "exponents": fits(results)}
             for dim, results in all_results.items()}
    pathlib.Path(f"{record}.json").write_text(json.dumps({"head": beginning.splitlines(), "curves": found}, indent=1) + "\n")
    for dim, results in all_results.items():
        if len(results) > 1:
            pathlib.Path(f"{record}-{dim}.svg").write_text(plot(dim, results))


def main():
    program, directory, record = sys.argv[1:4]
    wanted = [tuple(map(int, size.split("x"))) for size in sys.argv[4:] if "x" in size]
    most = next((int(size) for size in sys.argv[4:] if "x" not in size), math.inf)
    table_sizes = [(rows, dim) for dim, sizes in TABLE.items() for rows in sizes if rows <= most]
    beginning, results = sys.stdin.read(), {}
    # The small sizes of all first: they tell whether the large ones are worth their time.
    for rows, dim in sorted(wanted or table_sizes):
        shutil.rmtree(directory, ignore_errors=True)
        line = subprocess.run([program, directory, str(rows), str(dim)], check=True, stdout=subprocess.PIPE, text=True).stdout
        results.setdefault(dim, []).append(json.loads(line))
        write(record, beginning, dict(sorted(results.items())))
    shutil.rmtree(directory, ignore_errors=True)
    print(pathlib.Path(f"{record}.txt").read_text(), end="")


if __name__ == "__main__":
    main()
