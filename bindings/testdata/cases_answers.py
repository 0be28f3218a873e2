"""Writes, reads and searches: for each metric and type, with filters and parameters."""

from generate import Case, Values
from oracle import bf16_hex, f16_hex


def quick_start() -> Case:
    case = Case("the quick start")
    db = case.open(path="quickstart.vdb", dim=4, metric="cosine")
    db.upsert([10, 20, 30], [[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]])
    db.search([[1, 0.2, 0, 0]], 2)
    db.count()
    db.step("close")
    return case


def metric(name: str) -> Case:
    """Rows of small whole numbers, so that ties are ties and all else is far apart."""
    case = Case(f"metric {name}")
    values = Values(f"metric {name}")
    dim, count = 7, 14
    while True:
        # Under cosine no two rows may be as near as rounding: another draw.
        rows = [values.vector(dim) for _ in range(count)]
        queries = [values.vector(dim) for _ in range(3)]
        case.steps.clear()
        db = case.open(dim=dim, metric=name)
        try:
            ask(db, list(range(5, 5 + count)), rows, queries)
            return case
        except ValueError:
            continue


def bit_metric(name: str) -> Case:
    case = Case(f"metric {name}")
    values = Values(f"metric {name}")
    db = case.open(dim=19, metric=name, scalar="b1")
    rows = [values.bit_row(19) for _ in range(13)] + ["000000"]
    ask(db, list(range(100, 114)), rows, [values.bit_row(19), "000000", rows[3]], scalar="b1")
    return case


def ask(db, ids, rows, queries, scalar=None) -> None:
    db.insert(ids, rows, scalar=scalar)
    db.get([ids[0], 4, ids[-1]], scalar=scalar)
    db.search(queries, 5, scalar=scalar)
    db.search(queries, 100, op="search_exact", scalar=scalar)
    near = db.oracle.near(queries[0])
    middle = (near[4][0] + near[5][0]) / 2
    for max_distance, cap in [(middle, 100), (middle, 2), (middle, 0), (near[0][0] - 1, 10)]:
        db.search_range(queries[0], max_distance, cap, scalar=scalar)
    db.delete([ids[1], ids[2], 4])
    db.search(queries[:1], 3, scalar=scalar)


def scalar(name: str, low: int, high: int, whole: list | None) -> Case:
    """Numbers that the type holds exactly come back exactly, whatever type they are asked in."""
    case = Case(f"rows of {name}")
    values = Values(f"scalar {name}")
    db = case.open(dim=5, scalar=name, metric="l1")
    rows = [values.vector(5, low, high) for _ in range(8)]
    db.insert(range(1, 9), rows)
    db.get([1, 8, 77], scalar="f32")
    db.search(rows[:2], 3)
    db.step("option", {"value": name}, name="schema.scalar")
    if whole is not None:
        db.insert([20], [whole[0]], scalar=name, stored=[whole[1]])
        db.get([20], rows=[whole[0]])
        db.get([20], scalar="f32")
        db.search([whole[0]], 2, scalar=name, stored=[whole[1]])
    return case


def scalars() -> list[Case]:
    small = [1, -2, 0.5, 3, 4]
    cases = [
        scalar("f16", -8, 8, [f16_hex(*small), small]),
        scalar("bf16", -8, 8, [bf16_hex(*small), small]),
        scalar("i8", -128, 127, [[1, -128, 0, 127, 4]] * 2),
        scalar("u8", 0, 255, [[255, 0, 1, 2, 128]] * 2),
    ]
    case = Case("bytes that a type cannot hold")
    db = case.open(dim=3, scalar="i8")
    db.fails("OUT_OF_RANGE", "insert", item=1, ids=[1, 2], rows=[[1, 2, 3], [1, 2, 128]])
    db.fails("OUT_OF_RANGE", "insert", item=0, ids=[1, 2], rows=[[0.5, 2, 3], [1, 2, 3]])
    db.fails("OUT_OF_RANGE", "insert", item=0, ids=[3], rows=[[200, 2, 3]], scalar="u8")
    db.insert([4], [[100, 2, 3]], scalar="u8")
    db.get([4], scalar="u8")
    db.fails("OUT_OF_RANGE", "search", item=1, queries=[[1, 2, 3], [1, 2, -200]], k=1)
    half = case.open("half", dim=2, scalar="f16")
    half.fails("OUT_OF_RANGE", "upsert", item=0, ids=[1], rows=[[70000, 0]])
    half.count()
    return [*cases, case]


def filters() -> list[Case]:
    case = Case("filters")
    values = Values("filters")
    db = case.open(dim=4)
    db.insert(range(30), [values.vector(4) for _ in range(30)])
    query = values.vector(4)
    some = case.filter("some", [3, 5, 8, 13, 21, 3, 500], True)
    others = case.filter("others", [0, 1, 2, 3, 4, 5, 500], False)
    none = case.filter("none", [], True)
    all_ = case.filter("all", [], False)
    for rule in (some, others, none, all_):
        db.count(rule)
        db.search([query], 4, filter=rule)
    db.search([query], 100, filter=some, op="search_exact")
    db.search([query, [0, 0, 0, 0]], 3, filter=others, exact=True)
    db.search_range(query, 150, 10, filter=some)
    db.delete([5, 8])
    db.upsert([13, 500], [[1, 1, 1, 1], [2, 2, 2, 2]])
    db.count(some)
    db.search([query], 10, filter=some)
    other = case.open("other", dim=4)
    other.insert([3, 4], [[1, 2, 3, 4], [5, 6, 7, 8]])
    other.search([query], 10, filter=some)
    db.search([query], 10, filter=some)
    case.step("free_filter", filter="some")
    db.fails("CLOSED", "count", filter="some")
    db.fails("CLOSED", "search", queries=[query], k=1, params={"filter": "some"})
    case.fails("INVALID_ARGUMENT", "filter", item=1, filter="bad", ids=[7, 2**64 - 1], allow=True)
    return [case]


def parameters() -> list[Case]:
    case = Case("parameters of a search")
    values = Values("parameters")
    db = case.open(dim=3)
    db.search([[1, 2, 3]], 5)
    db.search_range([1, 2, 3], 10, 5)
    db.insert(range(40), [values.vector(3, -20, 20) for _ in range(40)])
    queries = [values.vector(3) for _ in range(2)]
    db.search(queries, 0)
    db.search([], 5)
    db.search(queries, 6, ef=10)
    db.search(queries, 6, target_recall=0.9)
    db.search(queries, 6, rerank=40)
    db.search(queries, 6, exact=True)
    db.search_range(queries[0], 300, 50, exact=True)
    db.fails("OUT_OF_RANGE", "search", queries=queries, k=1, params={"ef": 100001})
    db.fails("OUT_OF_RANGE", "search", queries=queries, k=1, params={"target_recall": 1.5})
    db.fails("INVALID_ARGUMENT", "search", queries=queries, k=1, params={"target_recall": 0.9, "ef": 10})
    db.fails("DIMENSION", "search", queries=[[1, 2]], k=1, message="2 components")
    db.fails("LIMIT", "search", queries=queries, k=16777217)
    db.step("measure_recall", {"recall": 1}, queries=queries, k=5)
    db.step("measure_recall", {"recall": 1}, count=8, k=5, params={"ef": 20})
    db.step("measure_recall", {"recall": 1}, count=0, k=5)
    return [case]


def graph() -> Case:
    """A graph over rows that are told apart easily, walked so far that it misses none."""
    case = Case("a graph")
    values = Values("graph")
    dim, count = 6, 400
    db = case.open(dim=dim, metric="l1", graph_min_rows=100, m=12, seed=7)
    rows = [values.vector(dim, -100, 100) for _ in range(count)]
    queries = [values.vector(dim, -100, 100) for _ in range(4)]
    db.insert(range(1000, 1000 + count), rows)
    db.step("wait_indexed")
    db.step("stats", {"stats": {"dim": dim, "live": count, "unindexed": 0, "graph_nodes": count, "lsn": 1}})
    db.search(queries, 8, ef=400)
    odd = case.filter("odd", list(range(1001, 1000 + count, 2)), True)
    db.search(queries, 8, ef=400, filter=odd)
    db.delete(range(1000, 1050))
    db.search(queries, 8, ef=400)
    db.search(queries, 8, op="search_exact")
    db.step("check", {"report": {"sound": True, "level": "recall", "problem_count": 0}}, level="recall")
    return case


def cases() -> list[Case]:
    return [
        quick_start(),
        *(metric(name) for name in ("l2sq", "ip", "cosine", "l1")),
        *(bit_metric(name) for name in ("hamming", "jaccard")),
        *scalars(), *filters(), *parameters(), graph(),
    ]
