"""The shared test vectors: every language gives the same answers."""

import os
from pathlib import Path

import pytest
from notes import Notes
from replay import Replayer, cases

DATA = Path(os.environ.get("VDB_TESTDATA", Path(__file__).resolve().parents[2] / "testdata"))
CASES = cases(DATA)


@pytest.fixture(scope="module")
def notes():
    kept = Notes()
    yield kept
    kept.write()


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_vectors(case, tmp_path, notes):
    replayer = Replayer(tmp_path)
    notes.failed.append(case["name"])
    try:
        for number, step in enumerate(case["steps"]):
            try:
                replayer.step(step)
            except AssertionError as error:
                raise AssertionError(f"step {number}, {step['op']}: {error}") from None
    finally:
        replayer.close()
    notes.passed.append(notes.failed.pop())
    if case["name"] == "the script":
        notes.transcript += replayer.transcript


def test_there_are_vectors():
    assert sum(len(case["steps"]) for _, case in CASES) > 200
