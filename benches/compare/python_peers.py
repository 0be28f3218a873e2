"""Libraries that python_driver.py measures. Each imports what it needs when it is made: only one is, in a process.

Cosine is inner product over rows that compare.py has scaled to unit length. `m` is half the links of level 0
and `ef_construction` the breadth of a build, as in hnswlib; one query a call runs on one thread.
"""

import dataclasses
import importlib.metadata
import pathlib

COLUMNS = ".columns.npz"  # beside an index that is to have columns


@dataclasses.dataclass(frozen=True)
class Spec:
    metric: str  # "l2" or "cosine"
    dim: int
    m: int
    ef_construction: int
    threads: int = 1  # that may build


class Peer:
    """Builds an index into a path, opens it, answers one query a call; `query` is one row of a matrix.

    One whose library takes many queries has search_all(queries, k, threads) as well, a row of ids for each. One that can
    filter has filter(ids, condition): searches find these rows only (None: all rows), before configure() is called.
    """

    package = ""  # as PyPI names it

    def __init__(self, spec):
        self.spec = spec
        self.index = None

    def pick(self, l2, cosine):
        return l2 if self.spec.metric == "l2" else cosine

    @staticmethod
    def columns(path):
        """Numbers of the rows that a condition may name, if there are any for the index at this path."""
        import numpy as np

        columns = pathlib.Path(f"{path}{COLUMNS}")
        return dict(np.load(columns)) if columns.exists() else {}

    def version(self):
        return f"{self.package} {importlib.metadata.version(self.package)}"

    def close(self):
        self.index = None


class Usearch(Peer):
    package = "usearch"
    codes = {"l2": "f32", "cosine": "f32"}

    def build(self, rows, path):
        import numpy as np
        from usearch.index import Index

        dtype = self.codes[self.spec.metric]
        # Codes of 8 bits need a metric that scales rows itself.
        metric = self.pick("l2sq", "ip" if dtype == "f32" else "cos")
        index = Index(ndim=self.spec.dim, metric=metric, dtype=dtype, connectivity=self.spec.m,
                      expansion_add=self.spec.ef_construction)
        index.add(np.arange(len(rows)), rows, threads=self.spec.threads)
        index.save(path)

    def open(self, path):
        from usearch.index import Index

        self.index = Index.restore(path)

    def configure(self, ef, _):
        self.index.expansion_search = ef

    def search(self, query, k):
        return self.index.search(query[0], k, threads=1).keys

    def search_all(self, queries, k, threads):
        return self.index.search(queries, k, threads=threads).keys


class UsearchCodes(Usearch):
    codes = {"l2": "u8", "cosine": "i8"}


class Faiss(Peer):
    package = "faiss-cpu"
    selector = how = None

    def empty(self, faiss):
        return faiss.IndexHNSWFlat(self.spec.dim, self.spec.m, self.pick(faiss.METRIC_L2, faiss.METRIC_INNER_PRODUCT))

    def graph(self):
        return self.index

    def build(self, rows, path):
        import faiss

        faiss.omp_set_num_threads(self.spec.threads)
        self.index = self.empty(faiss)
        self.graph().hnsw.efConstruction = self.spec.ef_construction
        self.index.train(rows)
        self.index.add(rows)
        faiss.write_index(self.index, path)

    def open(self, path):
        import faiss

        faiss.omp_set_num_threads(1)
        self.index = faiss.read_index(path)

    def configure(self, ef, _):
        import faiss

        self.graph().hnsw.efSearch = ef
        self.how = self.selector and faiss.SearchParametersHNSW(sel=self.selector, efSearch=ef)

    def filter(self, ids, _):
        import faiss
        import numpy as np

        self.selector = None
        if ids is not None:
            passes = np.zeros(self.index.ntotal, bool)
            passes[ids] = True
            self.selector = faiss.IDSelectorBitmap(np.packbits(passes, bitorder="little"))

    def search(self, query, k):
        return self.index.search(query, k, params=self.how)[1][0]

    def search_all(self, queries, k, threads):
        import faiss

        faiss.omp_set_num_threads(threads)
        try:
            return self.index.search(queries, k)[1]
        finally:
            faiss.omp_set_num_threads(1)


class FaissSq8(Faiss):
    def empty(self, faiss):
        metric = self.pick(faiss.METRIC_L2, faiss.METRIC_INNER_PRODUCT)
        return faiss.IndexHNSWSQ(self.spec.dim, faiss.ScalarQuantizer.QT_8bit, self.spec.m, metric)


class FaissSq8Refined(FaissSq8):
    """Codes in the graph, and an exact look at the best candidates."""

    def empty(self, faiss):
        base = super().empty(faiss)
        index = faiss.IndexRefineFlat(base)
        base.this.disown()
        index.own_fields = True
        return index

    def graph(self):
        import faiss

        return faiss.downcast_index(self.index.base_index)

    def configure(self, ef, rerank):
        super().configure(ef, rerank)
        self.index.k_factor = rerank or 2


class Voyager(Peer):
    package = "voyager"

    def build(self, rows, path):
        import voyager

        space = self.pick(voyager.Space.Euclidean, voyager.Space.InnerProduct)
        index = voyager.Index(space, num_dimensions=self.spec.dim, M=self.spec.m,
                              ef_construction=self.spec.ef_construction, max_elements=len(rows))
        index.add_items(rows, num_threads=self.spec.threads)
        index.save(path)

    def open(self, path):
        import voyager

        self.index = voyager.Index.load(path)

    def configure(self, ef, _):
        self.ef = ef

    def search(self, query, k):
        return self.index.query(query[0], k, num_threads=1, query_ef=max(self.ef, k))[0]

    def search_all(self, queries, k, threads):
        return self.index.query(queries, k, num_threads=threads, query_ef=max(self.ef, k))[0]


class Svs(Peer):
    """Intel's Vamana; alpha and pruning by its defaults."""

    package = "scalable-vs"
    dtype = "f4"

    def build(self, rows, path):
        import svs

        parameters = svs.VamanaBuildParameters(graph_max_degree=2 * self.spec.m, window_size=self.spec.ef_construction)
        kind = self.pick(svs.DistanceType.L2, svs.DistanceType.MIP)
        pathlib.Path(path).mkdir(exist_ok=True)
        index = svs.Vamana.build(parameters, rows.astype(self.dtype), kind, num_threads=self.spec.threads)
        index.save(*(f"{path}/{part}" for part in ("config", "graph", "data")))

    def open(self, path):
        import svs

        kind = self.pick(svs.DistanceType.L2, svs.DistanceType.MIP)
        dtype = svs.float16 if self.dtype == "f2" else svs.float32
        data = svs.VectorDataLoader(f"{path}/data", dtype, dims=self.spec.dim)
        self.index = svs.Vamana(f"{path}/config", svs.GraphLoader(f"{path}/graph"), data, kind, num_threads=1)

    def configure(self, ef, _):
        self.index.search_window_size = ef

    def search(self, query, k):
        return self.index.search(query, k)[0][0]

    def search_all(self, queries, k, threads):
        if self.index.num_threads != threads:
            self.index.num_threads = threads
        return self.index.search(queries, k)[0]


class SvsF16(Svs):
    dtype = "f2"


class Zvec(Peer):
    package = "zvec"
    quantized = False
    condition = None

    def build(self, rows, path):
        import zvec

        zvec.init(log_level=zvec.LogLevel.ERROR, optimize_threads=self.spec.threads, query_threads=1)
        codes = zvec.QuantizeType.INT8 if self.quantized else zvec.QuantizeType.UNDEFINED
        graph = zvec.HnswIndexParam(metric_type=self.pick(zvec.MetricType.L2, zvec.MetricType.IP), m=2 * self.spec.m,
                                    ef_construction=self.spec.ef_construction, quantize_type=codes)
        vectors = zvec.VectorSchema("v", zvec.DataType.VECTOR_FP32, self.spec.dim, graph)
        columns = self.columns(path)
        fields = [zvec.FieldSchema(name, zvec.DataType.INT64, index_param=zvec.InvertIndexParam(True)) for name in columns]
        index = zvec.create_and_open(path, zvec.CollectionSchema("c", fields=fields or None, vectors=vectors))
        for first in range(0, len(rows), 1000):
            index.insert([zvec.Doc(str(i), vectors={"v": rows[i]}, fields={name: int(c[i]) for name, c in columns.items()})
                          for i in range(first, min(first + 1000, len(rows)))])
        index.optimize(zvec.OptimizeOption(concurrency=self.spec.threads))
        index.flush()

    def open(self, path):
        import zvec

        zvec.init(log_level=zvec.LogLevel.ERROR, optimize_threads=1, query_threads=1)
        self.index = zvec.open(path)

    def configure(self, ef, _):
        import zvec

        self.how = zvec.HnswQueryParam(ef=ef, is_using_refiner=self.quantized)
        self.query = zvec.Query

    def filter(self, _, condition):
        self.condition = condition or None

    def search(self, query, k):
        found = self.index.query(self.query("v", vector=query[0], param=self.how), topk=k, filter=self.condition)
        return [int(doc.id) for doc in found]


class ZvecInt8(Zvec):
    quantized = True


class LanceDb(Peer):
    """An index of one partition, and a B-tree of each column."""

    package = "lancedb"
    condition = None

    def build(self, rows, path):
        import lancedb
        import numpy as np
        import pyarrow
        from lancedb.index import HnswFlat

        columns = self.columns(path)
        vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rows.ravel()), self.spec.dim)
        rows = pyarrow.table({"id": np.arange(len(rows)), "vector": vectors} | columns)
        table = lancedb.connect(path).create_table("rows", rows)
        table.create_index("vector", config=HnswFlat(
            self.pick("l2", "dot"), num_partitions=1, m=self.spec.m, ef_construction=self.spec.ef_construction))
        for name in columns:
            table.create_scalar_index(name)

    def open(self, path):
        import lancedb

        self.index = lancedb.connect(path).open_table("rows")

    def configure(self, ef, _):
        self.ef = ef

    def filter(self, _, condition):
        self.condition = condition or None

    def search(self, query, k):
        search = self.index.search(query[0]).distance_type(self.pick("l2", "dot")).select(["id", "_distance"]).limit(k)
        search = search.nprobes(1).ef(max(self.ef, k))
        if self.condition:
            search = search.where(self.condition, prefilter=True)
        return search.to_arrow()["id"].to_numpy()


class Vsag(Peer):
    """HGraph: codes of 8 bits in the graph, and an exact look at the best candidates."""

    package = "pyvsag"

    def empty(self):
        import json

        import pyvsag

        pyvsag.set_logger_off()
        graph = {"base_quantization_type": "sq8", "use_reorder": True, "precise_quantization_type": "fp32",
                 "max_degree": 2 * self.spec.m, "ef_construction": self.spec.ef_construction,
                 "build_thread_count": self.spec.threads}
        return pyvsag.Index("hgraph", json.dumps({"dtype": "float32", "metric_type": self.pick("l2", "ip"),
                                                  "dim": self.spec.dim, "index_param": graph}))

    def build(self, rows, path):
        import numpy as np

        index = self.empty()
        index.build(rows.ravel(), np.arange(len(rows)), len(rows), self.spec.dim)
        index.save(path)

    def open(self, path):
        self.index = self.empty()
        self.index.load(path)

    def configure(self, ef, _):
        self.how = f'{{"hgraph": {{"ef_search": {ef}}}}}'

    def search(self, query, k):
        return self.index.knn_search(query[0], k, self.how)[0]


class Ngt(Peer):
    """ANNG. `ef` is its epsilon, in thousandths: how much farther than the worst result found it still looks."""

    package = "ngt"

    def build(self, rows, path):
        import ngtpy

        # The edges of a new node; the other end gets each as well.
        ngtpy.create(path, self.spec.dim, edge_size_for_creation=self.spec.m,
                     distance_type=self.pick("L2", "Cosine"))
        index = ngtpy.Index(path, log_disabled=True)
        index.batch_insert(rows, num_threads=self.spec.threads)
        index.save()
        index.close()

    def open(self, path):
        import ngtpy

        self.index = ngtpy.Index(path, read_only=True, log_disabled=True)

    def configure(self, ef, _):
        self.epsilon = ef / 1000

    def search(self, query, k):
        return [row for row, _ in self.index.search(query[0], k, epsilon=self.epsilon)]


class Glass(Peer):
    """Codes of 8 bits in the graph, and an exact look at the best candidates. It stores the graph only, and makes codes of
    the rows when it opens: what is on disk is both."""

    package = "pyglass-portable"
    codes = "SQ8U"

    def build(self, rows, path):
        import glass
        import numpy as np

        glass.set_num_threads(self.spec.threads)
        index = glass.Index("HNSW", self.pick("L2", "IP"), quant=self.codes, R=2 * self.spec.m, L=self.spec.ef_construction)
        folder = pathlib.Path(path)
        folder.mkdir(exist_ok=True)
        index.build(rows).save(str(folder / "graph"))
        np.save(folder / "rows.npy", rows)

    def open(self, path):
        import glass
        import numpy as np

        rows = np.load(f"{path}/rows.npy")
        self.index = glass.Searcher(glass.Graph(f"{path}/graph"), rows, self.pick("L2", "IP"), self.codes, "FP32")

    def configure(self, ef, _):
        self.index.set_ef(ef)

    def search(self, query, k):
        return self.index.search(query[0], k)[0]

    def search_all(self, queries, k, threads):
        return self.index.batch_search(queries, k, threads)[0]


PEERS = {
    "usearch": Usearch,
    "usearch-codes": UsearchCodes,
    "faiss": Faiss,
    "faiss-sq8": FaissSq8,
    "faiss-sq8-refined": FaissSq8Refined,
    "voyager": Voyager,
    "svs": Svs,
    "svs-f16": SvsF16,
    "zvec": Zvec,
    "zvec-int8": ZvecInt8,
    "vsag": Vsag,
    "ngt": Ngt,
    "glass": Glass,
    "lancedb": LanceDb,
}
