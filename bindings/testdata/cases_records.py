"""Keys, metadata, and filters on metadata."""

import json

from generate import ID_NONE, Case, Values

# What a filter has to tell apart: kinds, missing members, depth, and texts that are not ASCII.
BOOKS = [
    {"title": "Emma", "year": 1815, "tags": ["novel", "irony"], "price": 7.5, "sold": True},
    {"title": "Gr\u00fc\u00dfe", "year": 1990, "tags": [], "price": 12, "sold": False},
    {"title": "Notes", "year": None, "author": {"name": "Ada", "born": 1815}},
    {"title": "emma", "year": "1815", "tags": ["novel", 7]},
    {"year": 2001, "sold": True, "price": 7, "author": {"name": "Bob"}},
    {},
]


def texts() -> list:
    """The books as different writers would write them; the last row has no metadata at all."""
    styles = [{}, {"ensure_ascii": False}, {"separators": (",", ":")}, {"indent": 1}, {}, {}]
    return [json.dumps(book, **style) for book, style in zip(BOOKS, styles)] + [None]


def shelf(case: Case, name: str = "db", path: str | None = None):
    db = case.open(name, path=path, dim=2, metric="l1")
    count = len(BOOKS) + 1
    keys = ["emma", "gr\u00fc\u00dfe/1", "notes", None, "k" * 512, "\u2603", None]
    db.records("insert", None, [[i, i * i] for i in range(count)], keys, texts(), expect_ids=list(range(1, count + 1)))
    return db


def number(book, member):
    value = book.get(member)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def filters() -> Case:
    case = Case("filters on metadata")
    db = shelf(case)
    conditions = [
        ("year = 1815", lambda b: b.get("year") == 1815),
        ("year >= 1900 and sold = false", lambda b: (number(b, "year") or 0) >= 1900 and b.get("sold") is False),
        ("not year = 1815", lambda b: b.get("year") != 1815),
        ("year is null", lambda b: b.get("year") is None),
        ("sold", lambda b: b.get("sold") is True),
        ("title starts with 'Gr\u00fc'", lambda b: str(b.get("title", "")).startswith("Gr\u00fc")),
        ("title in ('Emma', 'Notes') or price < 7.25",
         lambda b: b.get("title") in ("Emma", "Notes") or (number(b, "price") or 99) < 7.25),
        ("tags contains 'novel' and not tags contains 7",
         lambda b: "novel" in b.get("tags", []) and 7 not in b.get("tags", [])),
        ("author.name = 'Ada'", lambda b: b.get("author", {}).get("name") == "Ada"),
        ("price between 7 and 7.5", lambda b: 7 <= (number(b, "price") or 0) <= 7.5),
    ]
    for i, (text, holds) in enumerate(conditions):
        rule = case.where(db, f"filter {i}", text, holds)
        db.count(rule)
        db.search([[0, 0]], 10, filter=rule)
        db.search_range([0, 0], 12.5, 10, filter=rule)
    for i, (text, values, holds) in enumerate([
        ("year in $1", [[1815, 2001]], lambda b: number(b, "year") in (1815, 2001)),
        ("title = $2 or price > $1", [10, "emma"], lambda b: b.get("title") == "emma" or (number(b, "price") or 0) > 10),
    ]):
        rule = case.where(db, f"bound {i}", text, holds, values)
        db.count(rule)
        db.search([[3, 3]], 2, filter=rule)
    db.fails("INVALID_ARGUMENT", "count", filter="bound 0 with parameters")
    for text, item in [("year >> 3", 6), ("year = ", 7), ("(year = 1", 9), ("", 0), ("year = 'x", 7)]:
        case.fails("FILTER_SYNTAX", "parse_filter", item=item, filter="bad", text=text)
    case.fails("INVALID_ARGUMENT", "bind_filter", **{"filter": "bad", "from": "bound 0 with parameters", "values": []})
    case.fails("INVALID_ARGUMENT", "bind_filter", **{"filter": "bad", "from": "bound 0 with parameters", "values": [1]})
    case.fails("INVALID_ARGUMENT", "bind_filter", **{"filter": "bad", "from": "filter 0", "values": [1, 2]})
    return case


def keys() -> Case:
    case = Case("keys")
    db = shelf(case, path="keys")
    everything = list(range(9))
    for _ in range(2):
        db.get_records(everything)
        db.ids_of_keys(["notes", "none", "\u2603", "emma", "notes"])
        db.step("close")
        db = db.also("db", "keys")
    db.records("upsert", [None, None], [[7, 7], [8, 8]], ["notes", "new"], expect_ids=[3, 8])
    db.get_records([3, 8])
    db.get([3, 8])
    db.upsert([3], [[6, 6]])
    db.get_records([3])
    db.records("upsert", [3], [[5, 5]], [None], ["{}"])
    db.get_records([3])
    db.ids_of_keys(["notes"])
    db.records("insert", [100, None, None], [[1, 2], [3, 4], [5, 6]], expect_ids=[100, 101, 102])
    db.fails("ALREADY_EXISTS", "insert", item=1, ids=[200, 201], rows=[[1, 1], [2, 2]], keys=["q", "emma"])
    db.fails("ALREADY_EXISTS", "insert", item=1, ids=[200, 201], rows=[[1, 1], [2, 2]], keys=["q", "q"])
    db.fails("ALREADY_EXISTS", "upsert", item=0, ids=[200], rows=[[1, 1]], keys=["new"])
    db.fails("LIMIT", "insert", item=0, ids=[200], rows=[[1, 1]], keys=["k" * 513])
    db.count()
    db.delete_keys(["emma", "none", "emma"])
    db.ids_of_keys(["emma"])
    db.records("insert", None, [[9, 9]], ["emma"], expect_ids=[103])
    db.ids_of_keys(["emma"])
    db.delete([103])
    db.ids_of_keys(["emma"])
    db.records("insert", [2**64 - 2], [[1, 1]], ["last"])
    db.step("keys_of_ids", {"keys": [None, "last"]}, ids=[str(ID_NONE), str(2**64 - 2)])
    case.steps.append({"op": "insert", "db": "db", "ids": None, "rows": [[1, 1]], "expect": {"status": "ERR_LIMIT"}})
    return case


def metadata() -> Case:
    case = Case("metadata is changed")
    db = shelf(case)
    old = case.where(db, "old", "year < 1900", lambda b: (number(b, "year") or 9999) < 1900)
    db.update_meta([2, 7, 500, 7], ['{"year": 1700}', '{"year": 1}', '{"year": 2}', '{"year": 1800}'])
    db.get_records([2, 7, 500])
    db.count(old)
    db.search([[0, 0]], 5, filter=old)
    db.update_meta_where(old, '{"seen":true}')
    db.count(old)
    seen = case.where(db, "seen", "seen = true", lambda b: b.get("seen") is True)
    db.count(seen)
    db.update_meta([2], [None])
    db.count(seen)
    db.get_records([1, 2, 7])
    db.delete_where(seen)
    db.count()
    db.delete_where(seen)
    db.update_meta_where(case.where(db, "all", "not missing", lambda b: True), None)
    db.get_records([2, 3, 4])
    for bad in ("[1]", "{", '{"a": }', "7", '{"a": 1} x'):
        db.fails("INVALID_ARGUMENT", "update_meta", item=0, ids=[3], meta=[bad])
        db.fails("INVALID_ARGUMENT", "insert", item=1, ids=[50, 51], rows=[[1, 1], [2, 2]], meta=["{}", bad])
    db.count()
    small = case.open("small", dim=1, max_meta_bytes=10)
    small.fails("LIMIT", "insert", item=0, ids=[1], rows=[[1]], meta=['{"abc":100}'])
    small.records("insert", [1], [[1]], meta=['{"abc":10}'])
    small.get_records([1])
    return case


def random_history() -> Case:
    """Many changes of keys and metadata; after each, what is there and what a filter lets pass."""
    case = Case("a history of records")
    values = Values("history of records")
    db = case.open(path="history", dim=2, metric="l1")
    free = 1
    low = case.where(db, "low", "n < 5", lambda b: (number(b, "n") if number(b, "n") is not None else 99) < 5)
    for turn in range(12):
        count = values.randint(1, 4)
        kind = values.randint(0, 3)
        here = sorted(db.oracle.rows)
        if kind < 2 or not here:
            meta = [values.choice([None, json.dumps({"n": values.randint(0, 9)})]) for _ in range(count)]
            keys = [f"key {turn}.{i}" for i in range(count)]
            db.records("insert", None, [values.vector(2) for _ in range(count)], keys, meta,
                       expect_ids=list(range(free, free + count)))
            free += count
        elif kind == 2:
            chosen = values.sample(here, min(count, len(here)))
            db.update_meta(chosen, [json.dumps({"n": values.randint(0, 9)}) for _ in chosen])
        else:
            db.delete_keys([db.oracle.keys[i] for i in values.sample(here, min(2, len(here)))])
        if turn % 4 == 3:
            db.step("checkpoint")
            db.step("close")
            db = db.also("db", "history")
        db.count(low)
        db.get_records(list(range(free)))
    return case


def cases() -> list[Case]:
    return [filters(), keys(), metadata(), random_history()]
