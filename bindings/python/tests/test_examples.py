"""The example on the bundled sample, as somebody would run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get("VDB_ROOT", Path(__file__).resolve().parents[3]))


def test_the_example_finds_what_is_near():
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/search.py"), str(ROOT / "data/wordnet")], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert "5000 rows, ids from 1 to 5000" in said and "   0.270  drizzle, mizzle" in said and "487 texts are long" in said
    shares = re.findall(r"(?:questions|itself): (\d\.\d+)", said)
    assert len(shares) == 2 and all(float(share) > 0.97 for share in shares), said
    assert "a walk, because " in said


def test_the_example_is_made_of_cells():
    text = (ROOT / "examples/search.py").read_text(encoding="utf-8")
    assert len(re.findall(r"^# %% \w", text, re.MULTILINE)) >= 5
