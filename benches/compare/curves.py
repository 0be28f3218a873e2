"""Draws recall against queries per second, one line for each library, as SVG: plain text, no library."""

import math
from xml.sax.saxutils import escape

import measure

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 440, 70, 190, 40, 50
COLOURS = ("#c0392b", "#2c3e50", "#2980b9", "#27ae60", "#8e44ad", "#d35400", "#16a085", "#7f8c8d", "#b7950b", "#6c3483",
           "#1b4f72", "#943126", "#0e6251", "#935116", "#273746", "#b03a2e")
RECALLS = (0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
LAST = 0.9995  # recall is drawn by what is missed, on a logarithmic scale, which has no end


def across(recall):
    """Place of a recall on the horizontal axis."""
    share = math.log((1 - RECALLS[0]) / (1 - min(recall, LAST))) / math.log((1 - RECALLS[0]) / (1 - LAST))
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def text(x, y, words, anchor="middle", colour="#333"):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def line(x1, y1, x2, y2):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


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
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
             'font-size="12">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             text(LEFT, TOP - 16, title, "start")]
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
