"""Cursors, and the other ways to ask: by rows, by examples, for rows that differ, in several databases."""

import json

from generate import Case, Values


def filled(case: Case, name: str, values: Values, count: int = 40, first: int = 1, **options):
    db = case.open(name, dim=3, **options)
    db.insert(range(first, first + count), [values.vector(3, -30, 30) for _ in range(count)])
    return db


def drawn(name: str, ask) -> Case:
    """A case of random rows; drawn again where two answers would be too near to each other."""
    for draw in range(1000):
        case = Case(name)
        try:
            ask(case, Values(f"{name} {draw}"))
            return case
        except ValueError:
            continue
    raise ValueError(f"{name}: no draw does")


def by_rows(case: Case, values: Values) -> None:
    db = filled(case, "db", values, metric="l1")
    db.search_ids([3, 40, 3], 4)
    db.search_ids([7], 100)
    db.search_ids([], 3)
    db.search_ids([7], 0)
    some = case.filter("some", [1, 2, 3, 7], True)
    db.search_ids([7, 9], 5, filter=some)
    db.search_ids([7], 5, exact=True)
    db.fails("NOT_FOUND", "search_ids", item=1, ids=[7, 99], k=3)
    db.delete([7])
    db.fails("NOT_FOUND", "search_ids", item=0, ids=[7], k=3)


def by_examples(metric: str):
    def ask(case: Case, values: Values) -> None:
        db = filled(case, "db", values, metric=metric)
        db.recommend([1], [], 5)
        db.recommend([1, 2, 2, 3], [], 5)
        db.recommend([1, 2], [9], 5)
        db.recommend([4, 5, 6], [7, 8], 100)
        db.recommend([4, 5], [6], 5, filter=case.filter("few", [1, 4, 9, 16, 25], True))
        for positive, negative, status, item in [([], [1], "INVALID_ARGUMENT", None), ([1, 99], [], "NOT_FOUND", 1),
                                                 ([1, 2], [3, 99], "NOT_FOUND", 3)]:
            case.steps.append({"op": "recommend", "db": "db", "positive": [str(i) for i in positive],
                               "negative": [str(i) for i in negative], "k": 3,
                               "expect": {"status": f"ERR_{status}", **({} if item is None else {"item": str(item)})}})
    return ask


def diverse(case: Case, values: Values) -> None:
    db = filled(case, "db", values, metric="l1")
    query = values.vector(3)
    db.search_diverse(query, 5, 20, 0.5)
    db.search_diverse(query, 5, 0, 0.75)
    db.search_diverse(query, 6, 40, 0)
    db.search_diverse(query, 4, 2, 1)
    db.search_diverse(query, 3, 10, 0.5, filter=case.filter("even", list(range(2, 41, 2)), True))
    db.search_diverse(query, 0, 10, 0.5)
    for weight in (-0.1, 1.5):
        db.fails("OUT_OF_RANGE", "search_diverse", query=query, k=3, candidates=0, **{"lambda": weight})


def groups(case: Case, values: Values) -> None:
    db = case.open(dim=3, metric="l1")
    labels = ["jazz", "soul", "folk", 1, 1.0, True, 2.5, None, ["jazz"], {"jazz": 1}]
    meta = [json.dumps({"n": i, "by": {"genre": values.choice(labels)}}) for i in range(38)] + ["{}", None]
    db.records("insert", None, [values.vector(3, -30, 30) for _ in range(40)], meta=meta, expect_ids=list(range(1, 41)))
    query = values.vector(3)
    for count, per_group in [(3, 2), (1, 5), (100, 100), (2, 0), (0, 2)]:
        db.search_groups(query, "by.genre", count, per_group)
    db.search_groups(query, "n", 4, 1)
    db.search_groups(query, "none", 3, 3)
    db.search_groups(query, "by.genre", 3, 2, exact=True)
    db.search_groups(query, "by.genre", 3, 2, filter=case.where(db, "few", "n < 12", lambda m: m.get("n", 99) < 12))
    db.fails("FILTER_SYNTAX", "search_groups", item=3, query=query, path="by ~", groups=1, per_group=1)
    db.fails("DIMENSION", "search_groups", query=[1, 2], path="n", groups=1, per_group=1)


def several(case: Case, values: Values) -> None:
    first = filled(case, "first", values, 20, metric="l1")
    second = filled(case, "second", values, 20, 10, metric="l1", scalar="f16")
    empty = case.open("empty", dim=3, metric="l1")
    queries = [values.vector(3) for _ in range(2)]
    case.search_many([first, second], queries, 6)
    case.search_many([second, empty, first], queries, 100)
    case.search_many([first, first], queries[:1], 6)
    case.search_many([], queries, 3)
    case.search_many([first, second], queries, 6, filter=case.filter("shared", [10, 11, 12], True))
    case.open("other", dim=3, metric="l2sq")
    second.step("close")
    for dbs, status, item in [(["first", "other"], "MISMATCH", 1), (["first", "second"], "CLOSED", 1)]:
        case.step("search_many", {"status": f"ERR_{status}", "item": str(item)}, dbs=dbs, queries=queries, k=3)


def cursors(case: Case, values: Values) -> None:
    db = filled(case, "db", values, 50, metric="l1")
    query = values.vector(3)
    odd = case.filter("odd", list(range(1, 51, 2)), True)
    left = db.cursor_search("near", query)
    left = case.cursor_read("near", left, 7, 7)
    rows = db.cursor_scan("rows")
    rows = case.cursor_read("rows", rows, 10, 20)
    case.cursor_read("all", db.cursor_search("all", query, exact=True), 1000)
    case.cursor_read("odd near", db.cursor_search("odd near", query, filter=odd), 6)
    case.cursor_read("odd rows", db.cursor_scan("odd rows", odd), 4)
    # What is written meanwhile is not seen, and closing the database ends no cursor.
    db.delete(list(range(20, 40)))
    db.upsert([2, 1000], [[0, 0, 0], query])
    left = case.cursor_read("near", left, 100, 30)
    db.cursor_scan("later")
    db.step("close")
    case.cursor_read("near", left, 3)
    case.cursor_read("near", [], 3)
    case.cursor_read("rows", rows, 100)
    case.step("free_cursor", cursor="later")
    case.step("cursor_read", {"status": "ERR_CLOSED"}, cursor="later", cap=3)
    db.fails("CLOSED", "cursor_scan", cursor="none")
    db.fails("CLOSED", "cursor_search", cursor="none", query=query)


def cases() -> list[Case]:
    return [
        drawn("searches by rows", by_rows),
        *(drawn(f"recommendations under {metric}", by_examples(metric)) for metric in ("l2sq", "ip", "cosine", "l1")),
        drawn("diverse rows", diverse), drawn("groups", groups), drawn("several databases", several), drawn("cursors", cursors),
    ]
