"""The index of one library over one data set: built, stored, and served by the library's driver."""

import contextlib
import os
import subprocess
import sys

import adapters
import driving
import numpy as np
import python_peers
import workplace
from workplace import WORK


class Index:
    """Compiles or installs what drives the library; the index itself is there once it is built."""

    def __init__(self, adapter, data, options):
        self.adapter, self.data, self.core = adapter, data, options.core
        self.graph = adapter.graph(options)
        self.command = adapters.driver_of(adapter, sys.executable, WORK)
        self.files = data.files_for(adapter, WORK)
        self.path = WORK / f"{data.name}-{adapter.name}.index"

    def arguments(self, what, threads):
        return driving.arguments(self.command, what, self.data.metric, self.graph, threads, self.path)

    def build(self, threads=1, columns=None):
        """Builds and stores it in place of one that is there; returns the driver's figures.

        `columns` are numbers of the rows, by name, for a library that filters by conditions on them.
        """
        workplace.removed(self.path)
        beside = workplace.removed(f"{self.path}{python_peers.COLUMNS}")
        if columns:
            np.savez(beside, **columns)
        cores = {self.core} if threads == 1 else os.sched_getaffinity(0)
        figures = driving.build(self.arguments("build", threads), self.files["base"], cores)
        print(f"  built {self.adapter.name} on {threads}: {figures['cpu_s']:.1f} CPU-s, {figures['wall_s']:.1f} s", flush=True)
        return figures

    def serve(self, cores, threads=1):
        """A driver that answers the queries of the set."""
        return driving.Driver(self.arguments("serve", threads), [self.files["queries"]], self.path, cores)


@contextlib.contextmanager
def skipping(what, adapter, skipped):
    """Goes on, and notes it, where a library cannot be installed or run on this machine; our own must run."""
    try:
        yield
    except (subprocess.CalledProcessError, RuntimeError) as error:
        if not (adapter.package or adapter.sdist):
            raise
        print(f"  skipped: {what}: {error}", flush=True)
        skipped.append(f"{what}: {error}")
