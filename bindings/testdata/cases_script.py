"""One database in its life: calls of all kinds in the order that a seed drew, errors among them.

Components are small whole numbers under squared L2, so that every distance is exact on every machine: what the languages
say of this case is compared to the bit (transcript.txt).
"""

import json

from generate import Case, Database, Values

DIM = 4
TURNS = 150
LABELS = ["jazz", "soul", "caf\u00e9", 7, True]


class Script:
    """What is open and what the next calls may refer to."""

    def __init__(self, values: Values):
        self.values, self.case = values, Case("the script")
        self.made = 0
        self.free = 1
        self.cursors: dict[str, list] = {}
        self.snapshots: list[Database] = []
        self.db = self.case.open(path="script", dim=DIM, graph_min_rows=60)
        self.rules = [("n < $1", lambda m, x: isinstance(m.get("n"), int) and m["n"] < x, [5]),
                      ("by.genre = $1", lambda m, x: m.get("by", {}).get("genre") == x, ["jazz"]),
                      ("not missing", lambda m, x: True, None)]

    # ---- what calls are made with

    def name(self, kind: str) -> str:
        self.made += 1
        return f"{kind} {self.made}"

    def rows(self, count: int) -> list:
        return [self.values.vector(DIM) for _ in range(count)]

    def some(self, count: int) -> list[int]:
        here = sorted(self.db.oracle.rows)
        return self.values.sample(here, min(count, len(here)))

    def meta(self) -> str | None:
        if self.values.random() < 0.2:
            return None
        return json.dumps({"n": self.values.randint(0, 9), "by": {"genre": self.values.choice(LABELS)}}, ensure_ascii=False)

    def state(self) -> Database:
        """The newest state, or that of a snapshot."""
        return self.values.choice([self.db, *self.snapshots])

    def rule(self, state: Database) -> dict | None:
        """A filter, for about half of the calls."""
        kind = self.values.randint(0, 5)
        if kind == 0:
            return self.case.filter(self.name("ids"), self.some(12) + [10**6], self.values.random() < 0.5)
        if kind < 3:
            text, holds, given = self.values.choice(self.rules)
            return self.case.where(state, self.name("condition"), text, lambda m: holds(m, given and given[0]), given)
        return None

    # ---- writes

    def insert(self) -> None:
        count = self.values.randint(1, 6)
        ids = list(range(self.free, self.free + count))
        keys = [self.name("key") if self.values.random() < 0.8 else None for _ in ids]
        self.db.records("insert", None, self.rows(count), keys, [self.meta() for _ in ids], expect_ids=ids)
        self.free += count

    def insert_ids(self) -> None:
        ids = [self.free + 3, self.free]
        self.db.insert(ids, self.rows(2))
        self.free += 4

    def upsert(self) -> None:
        ids = self.some(3)
        self.db.upsert(ids, self.rows(len(ids)))

    def upsert_by_key(self) -> None:
        owners = [(key, row_id) for row_id, key in sorted(self.db.oracle.keys.items()) if key]
        for key, row_id in self.values.sample(owners, min(1, len(owners))):
            self.db.records("upsert", [None], self.rows(1), [key], [self.meta() or "{}"], expect_ids=[row_id])

    def update(self) -> None:
        ids = self.some(2) + [10**6]
        self.db.update_meta(ids, [self.meta() for _ in ids])

    def update_where(self) -> None:
        rule = self.case.where(self.db, self.name("condition"), "n = 3", lambda m: m.get("n") == 3)
        self.db.update_meta_where(rule, self.meta())

    def delete(self) -> None:
        self.db.delete(self.some(2) + [10**6])

    def delete_keys(self) -> None:
        keys = [self.db.oracle.keys.get(row_id) for row_id in self.some(3)]
        self.db.delete_keys([key for key in keys if key] + ["none"])

    def delete_where(self) -> None:
        self.db.delete_where(self.case.where(self.db, self.name("condition"), "n = 8", lambda m: m.get("n") == 8))

    def refused(self) -> None:
        taken = self.some(1)
        self.db.fails("ALREADY_EXISTS", "insert", item=1, ids=[self.free, *taken], rows=self.rows(2))
        self.db.fails("DIMENSION", "upsert", ids=taken, rows=[[1, 2, 3]])
        self.db.fails("INVALID_ARGUMENT", "update_meta", item=0, ids=taken, meta=["[1]"])

    def cancelled(self) -> None:
        task = self.name("task")
        self.case.step("task", task=task)
        self.case.step("cancel", task=task)
        self.db.fails("CANCELLED", "upsert", ids=self.some(1), rows=self.rows(1), task=task)

    # ---- reads and searches

    def get(self) -> None:
        state, ids = self.state(), self.some(3) + [10**6]
        state.get(ids)
        state.get_records(ids)

    def keys(self) -> None:
        state = self.state()
        keys = [key for key in map(self.db.oracle.keys.get, self.some(4)) if key]
        state.ids_of_keys([*keys, "none"])

    def count(self) -> None:
        state = self.state()
        state.count(self.rule(state))

    def search(self) -> None:
        state = self.state()
        op = self.values.choice(["search", "search", "search_exact"])
        state.search(self.rows(self.values.randint(1, 3)), self.values.randint(1, 12), op=op, filter=self.rule(state))

    def search_range(self) -> None:
        state = self.state()
        state.search_range(self.rows(1)[0], self.values.randint(20, 200), self.values.randint(0, 9), filter=self.rule(state))

    def search_ids(self) -> None:
        self.db.search_ids(self.some(2), 4, filter=self.rule(self.db))
        self.db.fails("NOT_FOUND", "search_ids", item=0, ids=[10**6], k=1)

    def recommend(self) -> None:
        chosen = self.some(3)
        self.db.recommend(chosen[:2], chosen[2:], 5, filter=self.rule(self.db))

    def diverse(self) -> None:
        try:
            self.db.search_diverse(self.rows(1)[0], 4, 12, 0.5)
        except ValueError:
            # Two rows would do equally well.
            pass

    def groups(self) -> None:
        state = self.state()
        state.search_groups(self.rows(1)[0], "by.genre", 3, 2, filter=self.rule(state))

    def mistaken(self) -> None:
        query = self.rows(1)
        self.db.fails("DIMENSION", "search", queries=[[1, 2]], k=1)
        self.db.fails("OUT_OF_RANGE", "search", queries=query, k=1, params={"ef": 100001})
        self.case.fails("FILTER_SYNTAX", "parse_filter", item=5, filter="bad", text="n >= ")
        self.db.fails("UNKNOWN_OPTION", "option", name="no.such")

    def explain(self) -> None:
        found = min(4, len(self.db.oracle.rows))
        self.db.step("explain", {"told": {"complete": True, "found": found}}, query=self.rows(1)[0], k=4)

    # ---- cursors and snapshots

    def cursor(self) -> None:
        state, name = self.state(), self.name("cursor")
        if state.at is None and self.values.random() < 0.4:
            self.cursors[name] = state.cursor_scan(name, self.rule(state))
        else:
            self.cursors[name] = state.cursor_search(name, self.rows(1)[0], filter=self.rule(state))
        self.read_on()

    def read_on(self) -> None:
        """Goes on in a cursor, whatever was written since."""
        if not self.cursors:
            return
        name = self.values.choice(sorted(self.cursors))
        wanted = self.values.randint(1, 12)
        self.cursors[name] = self.case.cursor_read(name, self.cursors[name], self.values.randint(1, 5), wanted)
        if not self.cursors[name]:
            self.case.step("free_cursor", cursor=name)
            self.case.step("cursor_read", {"status": "ERR_CLOSED"}, cursor=name, cap=1)
            del self.cursors[name]

    def snapshot(self) -> None:
        if len(self.snapshots) == 2:
            self.forget(self.snapshots.pop(0))
        self.snapshots.append(self.db.snapshot(self.name("snapshot")))

    def forget(self, snapshot: Database) -> None:
        self.case.step("free_snapshot", snapshot=snapshot.at)
        self.db.fails("CLOSED", "count", snapshot=snapshot.at)

    # ---- upkeep

    def keep(self) -> None:
        for op in self.values.sample(["sync", "checkpoint", "wait_indexed"], 2):
            self.db.step(op)
        stats = {"dim": DIM, "live": len(self.db.oracle.rows), "snapshots": len(self.snapshots)}
        self.db.step("stats", {"stats": stats})

    def look(self) -> None:
        """Another handle that only reads, and a second writer, which is refused."""
        self.case.fails("LOCKED", "open", db="second", path="script", options={})
        reader = self.db.also("reader", "script", read_only=True)
        reader.count()
        reader.search(self.rows(1), 3)
        reader.fails("READ_ONLY", "delete", ids=[1])
        reader.step("close")

    def reopen(self) -> None:
        while self.snapshots:
            self.forget(self.snapshots.pop())
        self.db.step("check", {"report": {"sound": True, "rows": len(self.db.oracle.rows)}}, level="structure")
        self.db.step("close")
        self.db.fails("CLOSED", "count")
        self.db = self.db.also("db", "script")
        self.db.count()

    def leave(self) -> None:
        """A backup and a file, and what they are worth."""
        self.db.step("backup", path="backup")
        self.db.step("export_file", path="rows.jsonl")
        self.db.step("close")
        copy = self.db.also("copy", "backup")
        copy.search(self.rows(2), 5)
        copy.get_records(self.some(4))
        again = self.case.open("again", dim=DIM)
        again.step("import_file", path="rows.jsonl")
        again.oracle = self.db.oracle
        again.count()
        again.search(self.rows(2), 5)
        self.case.search_many([copy, again], self.rows(1), 4)
        again.step("measure_recall", {"recall": 1}, count=5, k=3, params={"exact": True})


OFTEN = ["insert", "upsert", "get", "count", "search", "search", "search_range", "cursor", "read_on"]
SELDOM = [
    "insert_ids", "upsert_by_key", "update", "update_where", "delete", "delete_keys", "keys", "search_ids", "recommend",
    "diverse", "groups", "explain", "snapshot", "snapshot", "keep"]
RARELY = ["delete_where", "refused", "cancelled", "mistaken", "look", "reopen"]


def script() -> Case:
    values = Values("script")
    script = Script(values)
    for _ in range(3):
        script.insert()
    for _ in range(TURNS):
        kinds = values.choices([OFTEN, SELDOM, RARELY], [12, 7, 1])[0]
        getattr(script, values.choice(kinds))()
    for kind in [*SELDOM, *RARELY, "leave"]:
        getattr(script, kind)()
    return script.case


def cases() -> list[Case]:
    return [script()]
