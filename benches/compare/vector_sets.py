"""The data sets of a comparison, and the copies of them that a library is given."""

import os
import pathlib

import numpy as np

METRICS = {"wordnet-384": "cosine", "sift-128": "l2"}
SAMPLES = {"wordnet-384": "wordnet", "sift-128": "sift"}


class DataSet:
    """Rows, queries and the exact answers, as stored."""

    def __init__(self, name, folder, truth):
        self.name = name
        self.folder = folder
        self.metric = METRICS[name]
        self.base = np.load(folder / "base.npy")
        self.queries = np.load(folder / "queries.npy")
        self.true_distances = np.load(folder / truth)

    def kth_distance(self, k):
        """Distance of the true k-th neighbour of every query."""
        return self.true_distances[:, k - 1]

    def files_for(self, adapter, work):
        """Paths of rows and queries in the form the adapter asks for; written once."""
        scaled = adapter.unit_length and self.metric == "cosine"
        if adapter.rows == "native" and not scaled:
            return {part: self.folder / f"{part}.npy" for part in ("base", "queries")}
        files = {}
        for part in ("base", "queries"):
            files[part] = work / f"{self.name}-{len(self.base)}-{part}-f4{'-unit' if scaled else ''}.npy"
            if not files[part].exists():
                np.save(files[part], adapter.form(self.metric, getattr(self, part)))
        return files


def load(name, root, sample=False):
    """The full set if it is there (and not refused), otherwise the bundled sample of it."""
    full = pathlib.Path(os.environ.get("VDB_SHARED_DATA", root.parent / "shared" / "data")) / name
    if full.is_dir() and not sample:
        return DataSet(name, full, "gt_top100_dist.npy")
    if not sample:
        print(f"{full} not found: the bundled sample is used")
    return DataSet(name, root / "data" / SAMPLES[name], "gt_top10_dist.npy")
