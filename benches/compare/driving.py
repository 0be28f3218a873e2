"""Running drivers: driver.c with a library's own source, or python_driver.py. Each is a process of its own."""

import json
import os
import subprocess

import measure
import numpy as np

K = 10


def arguments(command, what, metric, options, threads, index):
    """The beginning of a driver's command line."""
    return [*command, what, metric, str(options.m), str(options.ef_construction), str(threads), str(index)]


def pinned(cores):
    """For a process about to start: it runs on these cores only."""
    return lambda: os.sched_setaffinity(0, cores)


def build(begin, rows, cores):
    """Runs `driver build` to its end; returns its figures."""
    done = subprocess.run([*begin, str(rows)], check=True, text=True, stdout=subprocess.PIPE, preexec_fn=pinned(cores))
    return json.loads(done.stdout)


class Driver:
    """A running `driver serve` or `driver change` on some of the cores."""

    def __init__(self, begin, files, index, cores):
        self.ids_file = f"{index}.ids"
        self.process = subprocess.Popen([*begin, *map(str, files)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, preexec_fn=pinned(cores))
        self.opened = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args[0]} ended with status {self.process.wait()}")
        return json.loads(line)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def search(self, ef, rerank, recall):
        """One pass over the queries: the driver's figures, CPU time without that of the calls, and the ids found."""
        figures = self.ask("search", K, ef, rerank, recall, self.ids_file)
        figures["cpu_s"] = measure.net(figures["cpu_s"], figures["queries"] * self.opened.get("call_s", 0))
        return figures, np.fromfile(self.ids_file, np.uint64).reshape(-1, K)

    def filter(self, *words):
        """Lets searches find the ids of a file only, which is what the condition after it says, or all rows."""
        return self.ask("filter", *words)

    def batch(self, ef, rerank, recall, threads):
        """All queries at once on `threads` threads: the driver's figures."""
        return self.ask("batch", K, ef, rerank, recall, self.ids_file, threads)

    def quit(self):
        self.process.communicate("quit\n")
