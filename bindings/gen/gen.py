#!/usr/bin/env python3
"""Writes the generated parts of the bindings anew from include/vdb.h.

    gen.py              all languages
    gen.py python go    these
    gen.py --check ...  writes nothing; prints what would change and exits with 1 where anything would

A language is a module beside this file with `emit(model, root)`, which returns a dictionary: path
below the root of the repository -> whole text of that file. A module writes nothing itself.
Only the standard library is used, so that a check needs no more than Python.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from pathlib import Path

import header

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("cpp", "python", "go", "node", "swift", "man", "reference")


def emitted(language: str, model: header.Model) -> dict[str, str]:
    return importlib.import_module(language).emit(model, ROOT)


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes the generated parts of the bindings anew.")
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE",
                        help=f"of {', '.join(LANGUAGES)}; all without one")
    parser.add_argument("--check", action="store_true", help="only compare, and fail where a file is not current")
    args = parser.parse_args()
    for name in args.languages:
        if name not in LANGUAGES:
            parser.error(f"{name} is not one of {', '.join(LANGUAGES)}")
    here = Path(__file__).parent
    languages = args.languages or [name for name in LANGUAGES if (here / f"{name}.py").exists()]
    model = header.read(ROOT)
    stale = 0
    for language in languages:
        for name, text in emitted(language, model).items():
            path = ROOT / name
            old = path.read_text(encoding="utf-8") if path.exists() else ""
            if old == text:
                continue
            stale += 1
            if args.check:
                sys.stdout.writelines(difflib.unified_diff(
                    old.splitlines(True), text.splitlines(True), name, f"{name} (of vdb.h)"))
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
                print(f"wrote {name}")
    if args.check and stale:
        print(f"{stale} generated files are not current: run bindings/gen/gen.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
