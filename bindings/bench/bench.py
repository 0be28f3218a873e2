#!/usr/bin/env python3
"""What calls cost in each language beyond the C call, in one run. `make bench-bindings` runs it.

    bench.py [--rounds N]

One program in each language (measure.c says what it does) measures a moment at a time. They take turns, in another order each round, so that
what else happens on the machine meets all of them. After a few rounds all of them are started anew, since two runs of one program can differ as
much as two languages, by where their memory happens to lie. Medians of all rounds but the first of each start
count; the middle half of the rounds stands beside them. A language whose toolchain or package is missing is skipped.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUT = ROOT / "build/bench"
LIB = ROOT / "build/lib"
# Rounds between two starts, and those of them that do not count.
ROUNDS_OF_A_START, WARM_UP = 6, 1
# Most nanoseconds of a search beyond C that are aimed at, and the largest share of an insert beyond C.
TARGETS = {"C++": 60, "Go": 150, "Node": 400, "Python": 600, "Swift": 60}
INSERT_TARGET = 1.05
# Rows of a batch.
BATCHES = (100_000, 10_000, 1_000)


def compiled(compiler: str, standard: str, source: str) -> list[str] | None:
    """A program of C or C++."""
    if not shutil.which(compiler):
        return None
    program = OUT / f"{source}.out"
    subprocess.run([compiler, f"-std={standard}", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include", str(HERE / source), "-o",
                    str(program), f"-L{LIB}", "-lvdb", f"-Wl,-rpath,{LIB}"], check=True)
    return [str(program)]


def go() -> list[str] | None:
    if not shutil.which("go"):
        return None
    cache = os.environ.get("GOCACHE", str(ROOT / "build/bindings/go-cache"))
    subprocess.run(["go", "build", "-o", str(OUT / "measure.go.out"), "."], cwd=HERE / "go", check=True,
                   env={**os.environ, "GOCACHE": cache, "GOTOOLCHAIN": "local"})
    return [str(OUT / "measure.go.out")]


def node() -> list[str] | None:
    made = shutil.which("node") and (ROOT / "bindings/node/dist/index.js").exists()
    return ["node", str(HERE / "measure.mjs")] if made else None


def python() -> list[str] | None:
    program = ROOT / "build/bindings/python/venv/bin/python"
    return [str(program), str(HERE / "measure.py")] if program.exists() else None


def swift() -> list[str] | None:
    tool = str(ROOT / "bindings/swift/toolchain.sh")
    if subprocess.run([tool, "check"], stdout=subprocess.DEVNULL).returncode != 0:
        return None
    (OUT / "vdb.pc").write_text(
        f"Name: vdb\nDescription: build/lib\nVersion: 0\nLibs: -L{LIB} -lvdb\nCflags: -I{ROOT}/include\n", encoding="utf-8")
    inside = [tool, "run", str(ROOT), "env", f"PKG_CONFIG_PATH={OUT}", f"LD_LIBRARY_PATH={LIB}"]
    made = OUT / "swift"
    subprocess.run([*inside, "swift", "build", "-c", "release", "--package-path", "swift-search", "--scratch-path", str(made)],
                   cwd=HERE, check=True, stdout=subprocess.DEVNULL)
    return [*inside, str(made / "release/search")]


LANGUAGES = {
    "C": (lambda: compiled("cc", "c11", "measure.c"), "no C compiler"),
    "C++": (lambda: compiled("c++", "c++17", "measure.cpp"), "no C++ compiler"),
    "Go": (go, "no go"),
    "Node": (node, "no node, or the package is not compiled: make node-package"),
    "Swift": (swift, "no swift, nor what make test-swift installs"),
    "Python": (python, "the wheel is not built: bindings/python/test.sh"),
}


class Program:
    """A language's program, and what it has measured."""

    def __init__(self, language: str, command: list[str]):
        self.language = language
        self.command = [*command, str(ROOT / "data/wordnet")]
        self.ways: list[str] = []
        self.measured: dict[str, list[float]] = {}

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "VDB_LIBRARY": str(LIB / "libvdb.so")})
        self.ways = self.line().split("\t")

    def line(self) -> str:
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            sys.exit(f"the program of {self.language} ended early")
        return line.rstrip("\n")

    def measure(self, counts: bool) -> None:
        """One round: each way to search, the sample, and the inserts."""
        for request in [*(f"small {way}" for way in range(len(self.ways))), "sample", *(f"insert {batch}" for batch in BATCHES)]:
            assert self.process.stdin
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
            took = float(self.line())
            if counts:
                self.measured.setdefault(request, []).append(took)

    def median(self, request: str) -> float:
        return statistics.median(self.measured[request])

    def spread(self, request: str) -> str:
        """Where the middle half of the rounds lies."""
        low, _, high = statistics.quantiles(self.measured[request], n=4)
        return f"({low:.0f} to {high:.0f})"

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def verdict(met: bool, target: str) -> str:
    return f"aim {target}: {'met' if met else 'missed'}"


def report(programs: list[Program]) -> None:
    c = programs[0]
    print("\nThe 10 nearest of 10 rows of 4 components, ns a search")
    for program in programs:
        for way, name in enumerate(program.ways):
            took, beyond = program.median(f"small {way}"), program.median(f"small {way}") - c.median("small 0")
            target = TARGETS.get(program.language)
            aim = verdict(beyond <= target, f"{target} ns") if target and way == 0 else ""
            print(f"  {name:34} {took:7.0f} {program.spread(f'small {way}'):18} {beyond:+6.0f} beyond C   {aim}".rstrip())
    print("\nThe 10 nearest of the 5,000 rows of the sample, 384 components, ns a search")
    for program in programs:
        took = program.median("sample")
        print(f"  {program.language:34} {took:7.0f} {program.spread('sample'):18} {took - c.median('sample'):+6.0f} beyond C")
    for batch in BATCHES:
        request = f"insert {batch}"
        print(f"\n100,000 rows of 60 components inserted in batches of {batch:,}, ns a row")
        for program in programs:
            took, ratio = program.median(request), program.median(request) / c.median(request)
            aim = "" if program is c else verdict(ratio <= INSERT_TARGET, f"{INSERT_TARGET:.2f}")
            print(f"  {program.language:34} {took:7.1f} {program.spread(request):18} {ratio:6.3f} x C   {aim}".rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=60)
    starts = max(1, round(parser.parse_args().rounds / (ROUNDS_OF_A_START - WARM_UP)))
    OUT.mkdir(parents=True, exist_ok=True)
    programs = []
    for language, (made, why) in LANGUAGES.items():
        command = made()
        if command is None:
            print(f"skipped: {language}: {why}")
        else:
            programs.append(Program(language, command))
    if not programs or programs[0].language != "C":
        sys.exit("there is nothing to compare with without C")
    order = random.Random(1)
    for _ in range(starts):
        for program in programs:
            program.start()
        for turn in range(ROUNDS_OF_A_START):
            for program in order.sample(programs, len(programs)):
                program.measure(counts=turn >= WARM_UP)
        for program in programs:
            program.end()
    print(f"medians of {starts * (ROUNDS_OF_A_START - WARM_UP)} rounds in {starts} starts, {len(programs)} languages in turns")
    report(programs)


if __name__ == "__main__":
    main()
