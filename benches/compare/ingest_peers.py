"""Durable stores that ingest.py fills. Each imports what it needs when it is made: only one is, in a process.

Every batch is to be on disk and searchable when `add` returns, by the fastest way that the library's own
documentation gives for batches. What the callers of a library would have at hand, ids in its form, is prepared
before the clock starts.
"""

import importlib.metadata

import numpy as np


class Store:
    """A store of rows under their numbers, in a folder that is there and empty."""

    packages = ()  # as PyPI names them, the library first
    durability = ""  # what the figures of it are worth after a power cut
    indexed = True  # whether rows get an index, else every search compares with all of them

    def __init__(self, folder, dim):
        self.folder, self.dim = folder, dim

    def version(self):
        name = self.packages[0].split("==")[0]
        return f"{name} {importlib.metadata.version(name)}"

    def ids(self, first, count):
        """The ids of rows in the form that `add` takes."""
        return range(first, first + count)


class LanceDb(Store):
    packages = ("lancedb==0.40.0", "pyarrow==26.0.1")
    durability = "it does not sync its files; no index"
    indexed = False

    def __init__(self, folder, dim):
        import lancedb
        import pyarrow

        super().__init__(folder, dim)
        self.arrow = pyarrow
        self.schema = pyarrow.schema([("id", pyarrow.uint64()), ("vector", pyarrow.list_(pyarrow.float32(), dim))])
        self.table = lancedb.connect(folder).create_table("vectors", schema=self.schema)

    def ids(self, first, count):
        return self.arrow.array(np.arange(first, first + count, dtype=np.uint64))

    def add(self, ids, rows):
        vectors = self.arrow.FixedSizeListArray.from_arrays(self.arrow.array(rows.ravel()), self.dim)
        self.table.add(self.arrow.Table.from_arrays([ids, vectors], schema=self.schema))

    def nearest(self, row):
        return self.table.search(row).limit(1).to_list()[0]["id"]


class SqliteVec(Store):
    packages = ("sqlite-vec==0.1.9", "apsw")
    durability = "synced: WAL, synchronous=FULL, one transaction a batch; no index"
    indexed = False

    def __init__(self, folder, dim):
        # The sqlite3 module of many Pythons cannot load extensions.
        import apsw
        import sqlite_vec

        super().__init__(folder, dim)
        self.db = apsw.Connection(f"{folder}/vectors.db")
        self.db.enable_load_extension(True)
        self.db.load_extension(sqlite_vec.loadable_path())
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                          "CREATE VIRTUAL TABLE vectors USING vec0(id INTEGER PRIMARY KEY, "
                          f"vector FLOAT[{dim}] distance_metric=cosine)"):
            self.db.execute(statement)

    def add(self, ids, rows):
        with self.db:
            self.db.executemany("INSERT INTO vectors(id, vector) VALUES (?, ?)", zip(ids, map(bytes, rows)))

    def nearest(self, row):
        found = self.db.execute("SELECT id FROM vectors WHERE vector MATCH ? AND k = 1", (row.tobytes(),))
        return next(found)[0]


class Chroma(Store):
    packages = ("chromadb==1.5.9",)
    durability = "synced with its own settings: a SQLite log, and an HNSW index in memory written every 1,000 rows"

    def __init__(self, folder, dim):
        import chromadb

        super().__init__(folder, dim)
        client = chromadb.PersistentClient(path=folder, settings=chromadb.Settings(anonymized_telemetry=False))
        self.most = client.get_max_batch_size()
        self.vectors = client.create_collection("vectors", configuration={"hnsw": {"space": "cosine"}},
                                                embedding_function=None)

    def ids(self, first, count):
        return [str(row) for row in range(first, first + count)]

    def add(self, ids, rows):
        for first in range(0, len(ids), self.most):
            self.vectors.add(ids=ids[first : first + self.most], embeddings=rows[first : first + self.most])

    def nearest(self, row):
        return int(self.vectors.query(query_embeddings=[row], n_results=1)["ids"][0][0])


class OmenDb(Store):
    packages = ("omendb==0.0.37",)
    durability = "flushed after each batch; an HNSW index"

    def __init__(self, folder, dim):
        import omendb

        super().__init__(folder, dim)
        self.db = omendb.create(f"{folder}/vectors", {"dense": {"dim": dim, "metric": "cosine"}})

    def ids(self, first, count):
        return [str(row) for row in range(first, first + count)]

    def add(self, ids, rows):
        self.db.set(ids=ids, vectors=rows)
        self.db.flush()

    def nearest(self, row):
        return int(self.db.search(row, k=1)[0]["id"])


STORES = {"lancedb": LanceDb, "sqlite-vec": SqliteVec, "chromadb": Chroma, "omendb": OmenDb}
