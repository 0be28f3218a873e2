"""Where the comparisons work: build/compare, with the Python environment that the libraries are installed into."""

import argparse
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "build" / "compare"
RECORD = ROOT / "benches" / "record"


def enter():
    """Runs the script again inside build/compare/venv, made on first use, unless it runs there already."""
    sys.dont_write_bytecode = True  # keep the source folder clean
    if pathlib.Path(sys.prefix) == WORK / "venv":
        return
    python = WORK / "venv" / "bin" / "python"
    if not python.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(WORK / "venv")], check=True)
        # pybind11 and setuptools: pip asks a source archive for its metadata before it downloads it.
        subprocess.run([str(python), "-m", "pip", "-q", "install", "numpy", "pybind11", "setuptools", "wheel"], check=True)
    os.execv(python, [str(python), *sys.argv])


def parser(description):
    """For the arguments that all comparisons have."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--sets", default="wordnet-384,sift-128")
    made.add_argument("--m", type=int, default=16)
    made.add_argument("--ef-construction", type=int, default=200)
    made.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="core the drivers are pinned to")
    made.add_argument("--sample", action="store_true", help="use the bundled sample even if the full sets are there")
    made.add_argument("--record", type=pathlib.Path, default=RECORD, help="folder of the records")
    return made


def check_built():
    """Ends the program where the library was not built."""
    if not (ROOT / "build" / "lib" / "libvdb.so").exists():
        sys.exit("build/lib/libvdb.so not found: run `make build` first")


def removed(path):
    """The path, with nothing there any more."""
    subprocess.run(["rm", "-rf", str(path)], check=True)
    return path


def disk_bytes(path):
    """What a file, or all files below a folder, take on disk."""
    path = pathlib.Path(path)
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_blocks * 512 for file in files)
