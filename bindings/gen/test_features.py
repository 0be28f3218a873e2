"""The table of features: what makes a language lose one, and what is noticed."""

import unittest

import features
import header

CASES = {"near": {"open", "search", "filtered", "filter"}, "far": {"open", "search_range"}, "kept": {"open", "snapshot"}}
EMPTY = f"before\n{features.BEGIN}\n{features.END}\nafter\n"


def run(language: str, *passed: str) -> dict:
    return {"language": language, "passed": list(passed), "failed": sorted(CASES.keys() - set(passed))}


def cells(readme: str, language: str) -> dict:
    return features.committed(readme)[language]


class Table(unittest.TestCase):
    def test_a_failed_case_takes_all_its_features(self):
        readme, _ = features.updated(EMPTY, [run("Go", "near", "far"), run("C++", "far", "kept")], CASES)
        self.assertEqual([cells(readme, "Go")[name] for name in ("nearest rows", "snapshots", "rows within a distance")],
                         ["yes", "no", "yes"])
        self.assertEqual([cells(readme, "C++")[name] for name in ("nearest rows", "snapshots", "open, close, options")],
                         ["no", "yes", "no"])
        self.assertTrue(readme.startswith("before\n") and readme.endswith("\nafter\n"))

    def test_a_column_without_a_run_stays(self):
        readme, stay = features.updated(EMPTY, [run("Go", *CASES), run("Node", "far")], CASES)
        self.assertEqual(stay, [])
        again, stay = features.updated(readme, [run("Go", "far")], CASES)
        self.assertEqual(stay, ["Node"])
        self.assertEqual(cells(again, "Node"), cells(readme, "Node"))
        self.assertEqual(cells(again, "Go")["snapshots"], "no")
        self.assertEqual(features.updated(readme, [run("Go", *CASES)], CASES), (readme, ["Node"]))

    def test_a_new_language_needs_only_its_file(self):
        readme, _ = features.updated(EMPTY, [run("Go", *CASES)], CASES)
        readme, _ = features.updated(readme, [run("Swift", *CASES)], CASES)
        self.assertEqual(sorted(features.committed(readme)), ["Go", "Swift"])

    def test_no_table_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "no place"):
            features.updated("# vdb\n", [], CASES)


class Completeness(unittest.TestCase):
    def test_nothing_is_in_no_feature(self):
        functions = [f.name for f in header.read(features.ROOT).functions]
        self.assertEqual(features.complete(features.vectors(features.ROOT), functions), [])

    def test_what_is_in_none_is_noticed(self):
        missing = features.complete({"new": {"dance"}}, ["vdb_search", "vdb_dance"])
        self.assertIn("the call dance is in no feature", missing)
        self.assertIn("vdb_dance is in no feature", missing)
        self.assertIn("no test vector has the call search", missing)
        self.assertNotIn("vdb_search is in no feature", missing)

    def test_a_step_is_the_calls_that_it_makes(self):
        for step, calls in [
            ({"op": "count", "filter": "x", "snapshot": "y"}, {"count", "filtered", "in_snapshot"}),
            ({"op": "search", "params": {"snapshot": "y"}}, {"search", "in_snapshot"}),
            ({"op": "insert", "ids": ["1"]}, {"insert"}),
            ({"op": "insert", "ids": ["1", None]}, {"insert", "records"}),
            ({"op": "upsert", "ids": ["1"], "keys": ["a"]}, {"upsert", "records"}),
        ]:
            self.assertEqual(features.calls_of(step), calls)


class Transcripts(unittest.TestCase):
    def test_the_first_difference_is_told(self):
        self.assertEqual(features.differences("a\nb\n", {"go": "a\nb\n"}), [])
        for text, line in [("a\nc\n", 2), ("a\n", 2), ("a\nb\nc\n", 3), ("", 1)]:
            found = features.differences("a\nb\n", {"go": "a\nb\n", "node": text})
            self.assertEqual(len(found), 1)
            self.assertTrue(found[0].startswith(f"node, line {line}: "), found)


if __name__ == "__main__":
    unittest.main()
