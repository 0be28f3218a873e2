"""Type hints: the package passes its own, and a program that misuses it is told. Skipped without mypy."""

import importlib.util
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("mypy", reason="no mypy")

PROGRAM = textwrap.dedent("""
    import numpy as np
    import vdb

    with vdb.open("words.vdb", dim=4, metric="cosine", read_only=False) as db:
        db.upsert([1, 2], np.ones((2, 4), np.float32))
        ids, distances = db.search(np.ones(4, np.float32), 10, ef=100, filter=vdb.Filter([1]), task=vdb.Task())
        rows: int = db.count()
        live: int = db.stats().live
        recall: float = db.measure_recall(10, task=None).recall
        try:
            db.insert(1, np.ones(4, np.float32))
        except vdb.AlreadyExistsError as error:
            item = error.item
""")
MISTAKES = [
    'vdb.open(dimension=4)', 'db.search(query, ef="100")', "db.search(query, eff=100)", 'db.count("all")', "db.stats().alive",
]


def test_hints(tmp_path):
    (tmp_path / "right.py").write_text(PROGRAM)
    (tmp_path / "wrong.py").write_text(
        "import numpy as np, vdb\ndb = vdb.open(dim=4)\nquery = np.ones(4, np.float32)\n" + "\n".join(MISTAKES))
    # Without langchain-core the optional module that is made for it cannot be looked at.
    package = ["-p", "vdb"] if importlib.util.find_spec("langchain_core") else []
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-warn-return-any", *package, "-m", "right", "-m", "wrong"],
        capture_output=True, text=True, cwd=tmp_path)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert not [line for line in errors if "wrong.py" not in line], done.stdout
    for line, mistake in enumerate(MISTAKES, 4):
        assert any(f"wrong.py:{line}: error" in error for error in errors), f"{mistake} is not noticed:\n{done.stdout}"
