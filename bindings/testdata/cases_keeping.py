"""Snapshots, backups, files of other programs, and what a database tells about itself."""

from generate import Case, Values


def filled(case: Case, values: Values, name: str = "db", path: str | None = None, **options):
    db = case.open(name, path=path, dim=3, metric="l1", **options)
    meta = [f'{{"n":{i}}}' for i in range(20)]
    db.records("insert", None, [values.vector(3, -30, 30) for _ in range(20)], [f"key {i}" for i in range(20)], meta,
               expect_ids=list(range(1, 21)))
    return db


def snapshots() -> Case:
    case = Case("snapshots")
    values = Values("snapshots")
    db = filled(case, values, path="shots")
    old = db.snapshot("old")
    query = values.vector(3)
    db.delete([1, 2, 3])
    db.upsert([4, 100], [[1, 1, 1], [2, 2, 2]])
    db.update_meta([5], ['{"n": 1000}'])
    db.delete_keys(["key 9"])
    middle = db.snapshot("middle")
    db.step("stats", {"stats": {"live": 17, "snapshots": 2}})
    db.step("checkpoint")
    db.delete([100])
    for state in (old, middle, db):
        name = state.at or "newest"
        large = case.where(state, f"large at {name}", "n >= 10", lambda m: m.get("n", 0) >= 10)
        state.count()
        state.count(large)
        state.get([1, 4, 5, 100])
        state.get_records([1, 4, 5, 10])
        state.ids_of_keys(["key 0", "key 9", "key 19"])
        state.search([query], 6)
        state.search([query], 6, op="search_exact", filter=large)
        state.search_range(query, 40, 30)
        state.search_ids([4], 3)
        state.recommend([4, 5], [6], 3)
        case.cursor_read(f"from {name}", state.cursor_search(f"from {name}", query), 6)
        case.cursor_read(f"rows of {name}", state.cursor_scan(f"rows of {name}"), 7)
        case.cursor_read(f"large rows of {name}", state.cursor_scan(f"large rows of {name}", large), 100)
    other = case.open("other", dim=3, metric="l1")
    other.fails("MISMATCH", "count", snapshot="old")
    other.fails("MISMATCH", "search", queries=[query], k=1, params={"snapshot": "old"})
    other.fails("MISMATCH", "cursor_scan", cursor="none", snapshot="old")
    for name in ("old", "middle", "newest"):
        for cursor in ("from", "rows of", "large rows of"):
            case.step("free_cursor", cursor=f"{cursor} {name}")
    case.step("free_snapshot", snapshot="old")
    db.fails("CLOSED", "count", snapshot="old")
    db.step("stats", {"stats": {"snapshots": 1}})
    db.step("close")
    db.fails("CLOSED", "snapshot", snapshot="late")
    case.step("free_snapshot", snapshot="middle")
    return case


def backups() -> Case:
    case = Case("backups")
    values = Values("backups")
    db = filled(case, values, path="data")
    db.step("backup", path="first")
    first = db.snapshot("then")
    db.delete([1, 2])
    db.upsert([50], [[5, 5, 5]])
    db.step("backup", path="second", previous="first")
    db.fails("ALREADY_EXISTS", "backup", path="first")
    db.fails("NOT_FOUND", "backup", path="no/such/parent")
    db.fails("NOT_FOUND", "backup", path="third", previous="none")
    db.fails("INVALID_ARGUMENT", "backup", path="data/inside")
    memory = filled(case, values, "memory")
    memory.step("backup", path="of memory")
    db.step("close")
    for name, of, path in (("one", first, "first"), ("two", db, "second"), ("three", memory, "of memory")):
        case.step("open", db=name, path=path, options={})
        restored = type(db)(case, name, of.oracle, of.scalar)
        restored.count()
        restored.get([1, 3, 50])
        restored.get_records([1, 3, 50])
        restored.search([[0, 0, 0]], 5)
        restored.step("check", {"report": {"sound": True}}, level="structure")
    return case


def files() -> Case:
    case = Case("export and import")
    values = Values("files")
    db = filled(case, values)
    few = case.where(db, "few", "n < 5", lambda m: m.get("n", 99) < 5)
    db.step("export_file", path="all.jsonl")
    db.step("export_file", path="all.npy")
    db.step("export_file", path="few.jsonl", filter="few")
    db.step("export_file", path="all.rows", format="fvecs")
    db.fails("ALREADY_EXISTS", "export_file", path="all.npy")
    db.fails("UNSUPPORTED", "export_file", path="all.docx")
    db.fails("NOT_FOUND", "export_file", path="no/such/all.npy")
    again = case.open("again", dim=3, metric="l1")
    again.fails("NOT_FOUND", "import_file", path="none.npy")
    again.step("import_file", path="few.jsonl")
    ids = [row_id for row_id in db.oracle.rows if few["allowed"](row_id)]
    for store, source in ((again.oracle.rows, db.oracle.rows), (again.oracle.keys, db.oracle.keys),
                          (again.oracle.meta, db.oracle.meta)):
        store.update({row_id: source[row_id] for row_id in ids})
    again.count()
    again.get_records(list(range(1, 9)))
    again.step("import_file", path="all.npy")
    again.oracle.rows.update(db.oracle.rows)
    again.count()
    again.get(list(range(1, 21)))
    again.get_records(list(range(1, 9)))
    again.search([[1, 2, 3]], 5)
    narrow = case.open("narrow", dim=2)
    narrow.fails("DIMENSION", "import_file", path="all.jsonl", item=0)
    narrow.count()
    other = case.open("numbered", dim=3, metric="l1")
    other.step("import_file", path="all.rows", format="fvecs")
    other.oracle.rows.update(db.oracle.rows)
    other.get([1, 20])
    return case


def inside() -> Case:
    case = Case("seeing inside")
    values = Values("inside")
    db = filled(case, values, path="inside", cache_bytes=1 << 20)
    query = values.vector(3)
    db.step("explain", {"told": {"plan": "scan", "complete": True, "found": 4, "lsn": 1, "walk": None}}, query=query, k=4)
    one = case.filter("one", [3], True)
    db.step("explain", {"told": {"found": 1, "complete": True}}, query=query, k=4, params={"filter": "one"})
    db.fails("DIMENSION", "explain", query=[1, 2], k=4)
    db.search([query], 3)
    db.search([query], 3)
    db.step("stats", {"stats": {"cache_hits": 1, "cache_misses": 1}})
    db.search([query], 3, no_cache=True)
    db.step("cache_clear")
    db.search([query], 3)
    db.step("stats", {"stats": {"cache_hits": 1, "cache_misses": 2, "bytes_memory_max": 0}})
    db.upsert([7], [query])
    db.search([query], 3)
    db.search([query], 3, filter=one)
    db.search_range(query, 20, 10)
    db.search([query, query], 2)
    for call, count in [("search", 6), ("search_batch", 1), ("search_range", 1), ("upsert", 1), ("delete", 0)]:
        db.step("latency", {"count": count}, call=call)
    db.fails("LIMIT", "search", queries=[query], k=20, params={"max_memory": 1})
    db.search([query], 20, max_memory=1 << 24)
    db.step("checkpoint")
    db.step("log_read", {"contains": [" info create ", " info checkpoint "]})
    db.step("close")
    again = db.also("db", "inside")
    again.step("log_read", {"contains": [" info open "]})
    quiet = case.open("quiet", path="quiet", dim=3, log_level="error")
    quiet.step("log_read", {"contains": []})
    quiet.step("option", {"value": "error"}, name="runtime.log_level")
    return case


def cases() -> list[Case]:
    return [snapshots(), backups(), files(), inside()]
