"""What the answers must be: a database in thirty lines of plain Python, compared row by row.

Owns distances and the order of results. It must stay independent of the library: nothing here is
recorded from it. Where two distances are so near that rounding could order them either way the
oracle refuses, so that a vector never depends on how a kernel sums.
"""

from __future__ import annotations

import math
import struct

# Share of a distance that two results must be apart, unless both are exact.
GAP = 1e-4


def bits(vector: str) -> int:
    return int.from_bytes(bytes.fromhex(vector), "little")


def l2sq(a, b):
    return math.fsum((x - y) ** 2 for x, y in zip(a, b))


def ip(a, b):
    return 1 - math.fsum(x * y for x, y in zip(a, b))


def cosine(a, b):
    dot = math.fsum(x * y for x, y in zip(a, b))
    return 1 - dot / math.sqrt(math.fsum(x * x for x in a) * math.fsum(y * y for y in b))


def l1(a, b):
    return math.fsum(abs(x - y) for x, y in zip(a, b))


def hamming(a, b):
    return (bits(a) ^ bits(b)).bit_count()


def jaccard(a, b):
    both, any_ = (bits(a) & bits(b)).bit_count(), (bits(a) | bits(b)).bit_count()
    return 1 - both / any_ if any_ else 0


METRICS = {"l2sq": l2sq, "ip": ip, "cosine": cosine, "l1": l1, "hamming": hamming, "jaccard": jaccard}
# Sums of small whole numbers and of eighths have no rounding; quotients and roots have.
EXACT = {"l2sq", "ip", "l1", "hamming", "jaccard"}


class Oracle:
    """Rows by id, and the nearest of them."""

    def __init__(self, metric: str):
        self.metric = metric
        self.rows: dict[int, object] = {}
        self.keys: dict[int, str | None] = {}
        self.meta: dict[int, str | None] = {}

    def forget(self, ids) -> None:
        for row_id in ids:
            for store in (self.rows, self.keys, self.meta):
                store.pop(row_id, None)

    def near(self, query, allowed=lambda row_id: True) -> list[tuple[float, int]]:
        """All rows, nearest first, ties by id."""
        distance = METRICS[self.metric]
        found = sorted((distance(query, row), row_id) for row_id, row in self.rows.items() if allowed(row_id))
        exact = self.metric in EXACT and (isinstance(query, str) or all((8 * x).is_integer() for x in map(float, query)))
        for (near, _), (far, _) in zip(found, found[1:]):
            apart = far - near > GAP * max(1, abs(far))
            if not apart and not (exact and near == far):
                raise ValueError(f"{near} and {far} are too near each other for a test vector")
        return found


    def point(self, positive, negative) -> list[float]:
        """What vdb_recommend looks near: p, or 2p - n."""
        rows = {row_id: unit(self.rows[row_id]) if self.metric == "cosine" else self.rows[row_id]
                for row_id in {*positive, *negative}}
        p, n = mean([rows[row_id] for row_id in positive]), mean([rows[row_id] for row_id in negative])
        return [2 * a - b for a, b in zip(p, n)] if negative else p

    def diverse(self, near: list, k: int, weight: float) -> list:
        """Maximal marginal relevance of candidates, nearest first."""
        distance, chosen, left = METRICS[self.metric], near[: min(k, 1)], near[1:]
        while left and len(chosen) < k:
            scores = sorted(
                (weight * d - (1 - weight) * min(distance(self.rows[i], self.rows[c]) for _, c in chosen), d, i)
                for d, i in left)
            if len(scores) > 1 and scores[1][0] - scores[0][0] < GAP * max(1, abs(scores[0][0])):
                raise ValueError("two rows would do equally well")
            _, d, row_id = scores[0]
            chosen.append((d, row_id))
            left = [(d, i) for d, i in left if i != row_id]
        return chosen


def mean(rows: list) -> list[float]:
    return [math.fsum(column) / len(rows) for column in zip(*rows)]


def unit(row) -> list[float]:
    length = math.sqrt(math.fsum(x * x for x in row))
    return [x / length for x in row]


def rounded(distance: float) -> float:
    """A distance as it stands in a file: the digits that a float has."""
    return float(f"{distance:.7g}")


def f32_hex(*components: float) -> str:
    return struct.pack(f"<{len(components)}f", *components).hex()


def f16_hex(*components: float) -> str:
    return struct.pack(f"<{len(components)}e", *components).hex()


def bf16_hex(*components: float) -> str:
    """Components whose lower half of a binary32 is zero."""
    halves = (struct.pack("<f", c) for c in components)
    return b"".join(h[2:] for h in halves).hex()
