"""The libraries that compare.py knows.

A new one is one entry here, and one source file beside peer.h or, where it comes as a Python package, one class in
python_peers.py.
"""

import argparse
import dataclasses
import glob
import subprocess
import tarfile

import numpy as np
from workplace import HERE, ROOT

# Recall asked for, where a library chooses its own breadth.
RECALL = (0.8, 0.85, 0.9, 0.925, 0.95, 0.965, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995)
EF = (10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 900, 1280)
EPSILON = (0, 10, 20, 35, 50, 70, 100, 130, 160, 200, 250, 300)  # of NGT, in thousandths


@dataclasses.dataclass(frozen=True)
class Adapter:
    """How one library is built and driven."""

    name: str
    source: str = ""  # file beside peer.h
    compiler: tuple = ()  # command and flags that go before the sources
    link: tuple = ()  # flags that go after them
    package: str = ""  # instead of these three: PyPI package of a class in python_peers.py
    rows: str = "f4"  # component type it is given: "f4", or "native" for the data set's own
    unit_length: bool = False  # under cosine, scale rows and queries to length 1 first
    sweep: tuple = tuple((ef, 0, 0) for ef in EF)  # (ef, rerank, recall asked for) of every point of the curve
    ef_construction: int = 0  # instead of the one that all are compared at
    sdist: str = ""  # PyPI source archive whose headers it needs
    headers: str = "."  # folder of these in the archive

    def graph(self, options):
        """The options with what is this library's own."""
        return argparse.Namespace(**vars(options) | {"ef_construction": self.ef_construction or options.ef_construction})

    def form(self, metric, values):
        """Rows or queries as the library is given them."""
        scaled = self.unit_length and metric == "cosine"
        if self.rows == "native" and not scaled:
            return values
        values = values.astype(np.float32)
        return values / np.linalg.norm(values, axis=1, keepdims=True) if scaled else values


CXX = ("g++", "-O3", "-march=native", "-DNDEBUG", "-std=c++17", "-w")
CC = ("gcc", "-O3", "-march=native", "-std=gnu11", "-Wall", "-Wextra")

VDB = {
    "source": "vdb_peer.c",
    "sweep": tuple((ef, 0, 0) for ef in EF) + tuple((0, 0, recall) for recall in RECALL),
    "compiler": (*CC, f"-I{ROOT}/include"),
    "link": (f"-L{ROOT}/build/lib", "-lvdb", f"-Wl,-rpath,{ROOT}/build/lib"),
}

ADAPTERS = {
    a.name: a
    for a in (
        Adapter(name="vdb", rows="native", **VDB),
        Adapter(name="vdb-f32", **VDB),
        Adapter(name="vdb-fast", rows="native", ef_construction=64, **VDB),  # VDB_PROFILE_FAST
        Adapter(
            name="hnswlib",
            source="hnswlib_peer.cpp",
            compiler=CXX,
            link=("-lpthread",),
            unit_length=True,
            sdist="hnswlib==0.8.0",
        ),
        *(
            Adapter(name=name, package=package, unit_length=True, **more)
            for name, package, more in (
                ("usearch", "usearch==2.26.6", {}),
                ("usearch-codes", "usearch==2.26.6", {}),
                ("faiss", "faiss-cpu==1.15.1", {}),
                ("faiss-sq8", "faiss-cpu==1.15.1", {}),
                ("faiss-sq8-refined", "faiss-cpu==1.15.1", {"sweep": tuple((ef, 3, 0) for ef in EF)}),
                ("voyager", "voyager==2.2.3", {}),
                ("svs", "scalable-vs==0.5.0", {}),
                ("svs-f16", "scalable-vs==0.5.0", {}),
                ("zvec", "zvec==0.8.0", {}),
                ("zvec-int8", "zvec==0.8.0", {}),
                ("vsag", "pyvsag==0.18.5", {}),
                ("glass", "pyglass-portable==2.1.0", {}),
                ("ngt", "ngt==2.8.0.post1", {"sweep": tuple((epsilon, 0, 0) for epsilon in EPSILON)}),
            )
        ),
    )
}

# Libraries that filter while they search. The package of usearch cannot, only its headers can.
FILTERED = {
    "vdb": ADAPTERS["vdb"],
    "hnswlib": ADAPTERS["hnswlib"],
    "usearch": Adapter(name="usearch-headers", source="usearch_peer.cpp", compiler=(*CXX, "-ffast-math"), unit_length=True,
                       link=("-lpthread",), sdist="usearch==2.26.6", headers="include"),
    "faiss": ADAPTERS["faiss"],
    "zvec": ADAPTERS["zvec"],
    "lancedb": Adapter(name="lancedb", package="lancedb==0.40.0", unit_length=True),
}


def headers_of(sdist, python, work):
    """Unpacks a source archive from PyPI under `work`; returns the folder with its headers."""
    name = sdist.split("==")[0]
    if not (found := glob.glob(f"{work}/{name}-*/")):
        subprocess.run([python, "-m", "pip", "-q", "download", sdist, "--no-binary", ":all:", "--no-deps",
                        "--no-build-isolation", "-d", work], check=True)
        with tarfile.open(glob.glob(f"{work}/{name}-*.tar.gz")[0]) as archive:
            archive.extractall(work, filter="data")
        found = glob.glob(f"{work}/{name}-*/")
    return found[0]


def compiled(adapter, python, work):
    """Compiles driver.c with the adapter's source; returns the program."""
    program, shared = work / f"driver-{adapter.name}", work / "driver.o"
    subprocess.run([*CC, "-c", str(HERE / "driver.c"), "-o", str(shared)], check=True)
    include = [f"-I{headers_of(adapter.sdist, python, work)}/{adapter.headers}"] if adapter.sdist else []
    subprocess.run([*adapter.compiler, *include, str(HERE / adapter.source), str(shared), *adapter.link, "-o",
                    str(program)], check=True)
    return program


def driver_of(adapter, python, work):
    """The command that drives the library; installs its package where it is one."""
    if not adapter.package:
        return [str(compiled(adapter, python, work))]
    subprocess.run([python, "-m", "pip", "-q", "install", adapter.package], check=True)
    return [python, "-B", str(HERE / "python_driver.py"), adapter.name]
