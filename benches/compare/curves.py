"""Draws recall against queries per second, one line for each library, as SVG: plain text, no library."""

import math

import measure
from drawing import BOTTOM, COLOURS, HEIGHT, LEFT, RIGHT, TOP, WIDTH, head, line, text

RECALLS = (0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
LAST = 0.9995  # recall is drawn by what is missed, on a logarithmic scale, which has no end


def across(recall):
    """Place of a recall on the horizontal axis."""
    share = math.log((1 - RECALLS[0]) / (1 - min(recall, LAST))) / math.log((1 - RECALLS[0]) / (1 - LAST))
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def svg(title, results):
    """The Pareto front of each library, on logarithmic axes."""
    fronts = {name: [p for p in measure.front(r["curve"]) if p["recall"] >= RECALLS[0]] for name, r in results.items()}
    fronts = {name: front for name, front in fronts.items() if front}
    if not fronts:
        return None
    rates = [p["qps"] for front in fronts.values() for p in front]
    low, high = math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)))

    def up(qps):
        return HEIGHT - BOTTOM - (math.log10(qps) - low) / max(high - low, 1) * (HEIGHT - TOP - BOTTOM)

    marks = [m * 10**e for e in range(low, high + 1) for m in (1, 2, 5) if m * 10**e <= 10**high]
    parts = [head(title)]
    for recall in RECALLS:
        parts += [line(across(recall), TOP, across(recall), HEIGHT - BOTTOM),
                  text(across(recall), HEIGHT - BOTTOM + 18, str(recall))]
    for mark in marks:
        parts += [line(LEFT, up(mark), WIDTH - RIGHT, up(mark)), text(LEFT - 8, up(mark) + 4, f"{mark:,}", "end")]
    parts += [text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "recall@10"), text(8, TOP - 16, "queries/s", "start")]
    for place, (name, front) in enumerate(fronts.items()):
        colour = COLOURS[place % len(COLOURS)]
        points = " ".join(f"{across(p['recall']):.1f},{up(p['qps']):.1f}" for p in front)
        wide = 3 if name == "vdb" else 1.5
        parts += [f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{wide}"/>',
                  text(WIDTH - RIGHT + 12, TOP + 12 + 18 * place, name, "start", colour)]
    return "\n".join([*parts, "</svg>"]) + "\n"
