"""What a replay leaves: which cases passed, for the table of features, and a transcript, for the comparison of the languages."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any


def noted(op: str, status: str, item: Any, got: dict, expected: dict) -> str:
    """A step of the transcript: what it came to, and the results that its file expects, to the bit."""
    words = [op, status] + ([] if item is None else [f"item={item}"])
    for name in sorted(expected.keys() & got.keys() - {"contains"} if not status.startswith("ERR_") else ()):
        value = exact(got[name], expected[name], name in ("distances", "rows"))
        words.append(f"{name}={json.dumps(value, ensure_ascii=False, separators=(',', ':'), sort_keys=True)}")
    return " ".join(words)


def exact(value: Any, wanted: Any, single: bool) -> Any:
    """Numbers of single precision as their bits, and of objects what is expected."""
    if isinstance(value, list):
        return [exact(element, None, single) for element in value]
    if isinstance(value, dict):
        return {name: value[name] for name in wanted}
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return struct.pack(">f", value).hex() if single and isinstance(value, (int, float)) else value


class Notes:
    """The cases of a run, and the transcript of the script."""

    def __init__(self) -> None:
        self.passed: list = []
        self.failed: list = []
        self.transcript: list = []

    def write(self) -> None:
        """Leaves the files where VDB_REPLAY_OUT says, if it does."""
        folder = os.environ.get("VDB_REPLAY_OUT")
        if not folder:
            return
        features = {"language": "Python", "passed": self.passed, "failed": self.failed}
        Path(folder, "features-python.json").write_text(json.dumps(features) + "\n", encoding="utf-8")
        Path(folder, "transcript-python.txt").write_text("\n".join(self.transcript) + "\n", encoding="utf-8")
