#!/usr/bin/env python3
"""What each binding has, as its replay of the test vectors has shown: the table in README.md, and one answer in all languages.

    features.py            writes the table anew
    features.py --check    fails where the table is not what the runs give, or a transcript differs

A replay leaves features-LANGUAGE.json, {"language": "Go", "passed": [names of cases], "failed": [...]}, and
transcript-LANGUAGE.txt in build/bindings; languages are found by these files. A language has a feature where all cases with a call
of it passed. The column of a language without a file, whose toolchain is missing here, stays as it is.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import header

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- made by bindings/gen/features.py -->", "<!-- end of what features.py makes -->"


class Feature(NamedTuple):
    """A row of the table."""

    name: str
    functions: str
    calls: str
    # Functions that are too many or too plain to be shown.
    more: str = ""


FEATURES = [
    Feature("open, close, options", "vdb_open vdb_close vdb_option*", "open close option",
            "vdb_version_* vdb_abi_version vdb_status_name vdb_build_info"),
    Feature("write, delete and read vectors", "vdb_*_batch vdb_count", "insert upsert delete get count"),
    Feature("keys and metadata", "vdb_*_records vdb_update_meta_* vdb_*_keys vdb_get_meta",
            "records update_meta delete_keys ids_of_keys keys_of_ids get_meta", "vdb_keys_of_ids"),
    Feature("filters, deletes and updates by them", "vdb_filter_* vdb_delete_where",
            "filter parse_filter bind_filter free_filter filtered delete_where update_meta_where", "vdb_update_meta_where"),
    Feature("nearest rows", "vdb_search vdb_search_exact", "search search_exact"),
    Feature("rows within a distance", "vdb_search_range", "search_range"),
    Feature("rows like others", "vdb_search_ids vdb_recommend", "search_ids recommend"),
    Feature("diverse rows, best rows of groups", "vdb_search_diverse vdb_search_groups", "search_diverse search_groups"),
    Feature("several databases at once", "vdb_search_many", "search_many"),
    Feature("cursors", "vdb_cursor_*", "cursor_search cursor_scan cursor_read free_cursor"),
    Feature("measured recall", "vdb_measure_recall", "measure_recall"),
    Feature("snapshots", "vdb_snapshot_* vdb_*_at", "snapshot free_snapshot in_snapshot"),
    Feature("durability and upkeep", "vdb_sync vdb_checkpoint vdb_wait_indexed", "sync checkpoint wait_indexed"),
    Feature("reading beside a writer", "vdb_refresh", "refresh"),
    Feature("checks and repairs", "vdb_check vdb_repair", "check repair"),
    Feature("backups", "vdb_backup", "backup"),
    Feature("files of other programs", "vdb_export vdb_import", "export_file import_file"),
    Feature("explanations, statistics, times, log", "vdb_explain vdb_*_get vdb_log_read",
            "explain stats latency log_read cache_clear", "vdb_cache_clear"),
    Feature("cancelling and progress", "vdb_task_*", "task cancel progress"),
]
# What test vectors do that is no call.
NO_CALLS = {"damage"}


def calls_of(step: dict) -> set[str]:
    """The calls that a step of the test vectors makes, by the words of FEATURES."""
    words = {step["op"]}
    params = step.get("params") or {}
    if "filter" in params or (step["op"] == "count" and "filter" in step):
        words.add("filtered")
    if "snapshot" in params or ("snapshot" in step and step["op"] not in ("snapshot", "free_snapshot")):
        words.add("in_snapshot")
    if step["op"] in ("insert", "upsert") and ("keys" in step or "meta" in step or None in (step["ids"] or [None])):
        words.add("records")
    return words


def vectors(root: Path) -> dict[str, set[str]]:
    """The calls of each case."""
    cases: dict[str, set[str]] = {}
    for path in sorted((root / "bindings/testdata").glob("*.json")):
        for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
            if case["name"] in cases:
                raise ValueError(f"two cases are called {case['name']!r}")
            cases[case["name"]] = set().union(*map(calls_of, case["steps"])) - NO_CALLS
    return cases


def complete(cases: dict[str, set[str]], functions: list[str]) -> list[str]:
    """What no feature has: calls of the test vectors, functions of the header, and words of FEATURES that no vector has."""
    made = set().union(*cases.values())
    known = {word for feature in FEATURES for word in feature.calls.split()}
    patterns = [p for f in FEATURES for p in f"{f.functions} {f.more}".split()]
    missing = [f"the call {word} is in no feature" for word in sorted(made - known)]
    missing += [f"no test vector has the call {word}" for word in sorted(known - made)]
    missing += [f"{name} is in no feature" for name in functions if not any(fnmatch.fnmatch(name, p) for p in patterns)]
    return missing


def has(feature: Feature, cases: dict[str, set[str]], run: dict) -> str:
    """Whether a run shows a feature."""
    needed = {name for name, calls in cases.items() if calls & set(feature.calls.split())}
    return "yes" if needed <= set(run["passed"]) else "no"


def committed(readme: str) -> dict[str, dict[str, str]]:
    """The columns that the README has: language -> feature -> word."""
    _, found, rest = readme.partition(BEGIN)
    if not found or END not in rest:
        raise ValueError(f"README.md has no place for the table: {BEGIN} and {END}")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in rest.partition(END)[0].split("\n") if line.startswith("|")]
    if not rows:
        return {}
    languages = rows[0][2:]
    return {language: {row[0]: row[at + 2] for row in rows[2:]} for at, language in enumerate(languages)}


def table(columns: dict[str, dict[str, str]]) -> str:
    languages = sorted(columns)
    lines = [["what", "in C", *languages], ["---"] * (len(languages) + 2)]
    for feature in FEATURES:
        functions = ", ".join(f"`{name}`" for name in feature.functions.split())
        lines.append([feature.name, functions, *(columns[language].get(feature.name, "not yet") for language in languages)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def updated(readme: str, runs: list[dict], cases: dict[str, set[str]]) -> tuple[str, list[str]]:
    """The README with the table of these runs, and the languages whose column stays."""
    columns = committed(readme)
    stay = sorted(columns.keys() - {run["language"] for run in runs})
    for run in runs:
        columns[run["language"]] = {feature.name: has(feature, cases, run) for feature in FEATURES}
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table(columns)}\n{END}{rest.partition(END)[2]}", stay


def differences(wanted: str, transcripts: dict[str, str]) -> list[str]:
    """Where a language says something else than the oracle: the first line of each."""
    found = []
    for name, text in transcripts.items():
        for number, (want, got) in enumerate(zip_longest(wanted.splitlines(), text.splitlines()), 1):
            if want != got:
                found.append(f"{name}, line {number}: {got}\n    expected: {want}")
                break
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="writes nothing; fails where something is not as the runs give it")
    check = parser.parse_args().check
    out, readme = ROOT / "build/bindings", ROOT / "README.md"
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob("features-*.json"))]
    transcripts = {path.name: path.read_text(encoding="utf-8") for path in sorted(out.glob("transcript-*.txt"))}
    cases = vectors(ROOT)
    wrong = complete(cases, [f.name for f in header.read(ROOT).functions])
    wrong += differences((ROOT / "bindings/testdata/transcript.txt").read_text(encoding="utf-8"), transcripts)
    if len(transcripts) != len(runs):
        wrong.append(f"{len(runs)} languages left a list of cases, {len(transcripts)} a transcript")
    text = readme.read_text(encoding="utf-8")
    new, stay = updated(text, runs, cases)
    for language in stay:
        print(f"skipped: the column of {language} in the README: there was no run of its tests")
    if new != text and check:
        wrong.append("the table of README.md is not what the runs give: run bindings/gen/features.py")
    elif new != text:
        readme.write_text(new, encoding="utf-8")
    for line in wrong:
        print(line, file=sys.stderr)
    languages = ", ".join(run["language"] for run in runs)
    print(f"{len(cases)} cases and a transcript of {len(transcripts)} languages: {languages}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
