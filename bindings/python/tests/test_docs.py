"""The code of docs/python.md runs, in order, as one program."""

import os
import re
from pathlib import Path

ROOT = Path(os.environ.get("VDB_ROOT", Path(__file__).resolve().parents[3]))


def test_docs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 8
    scope: dict = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"docs/python.md, block {number}", "exec"), scope)
