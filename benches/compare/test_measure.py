"""python3 -m unittest in this folder (needs numpy)."""

import unittest
import xml.etree.ElementTree

import numpy as np

import adapters
import curves
import measure
import report


class MeasureTest(unittest.TestCase):
    rows = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, -2.0], [9.0, 9.0]])
    queries = np.array([[0.0, 0.0]])

    def recall(self, ids):
        return measure.recall("l2", self.rows, self.queries, np.array([ids], np.uint64), [4.0])

    def test_a_tie_with_the_kth_neighbour_is_right(self):
        self.assertEqual(self.recall([0, 1]), 1.0)
        self.assertEqual(self.recall([0, 2]), 1.0)

    def test_far_missing_and_repeated_rows_are_wrong(self):
        self.assertEqual(self.recall([0, 3]), 0.5)
        self.assertEqual(self.recall([0, 2**64 - 1]), 0.5)
        self.assertEqual(self.recall([0, 0]), 0.5)

    def test_the_front_drops_points_that_are_slower_and_no_better(self):
        points = [{"recall": r, "qps": q} for r, q in [(0.9, 100), (0.95, 120), (0.99, 50), (0.98, 40)]]
        self.assertEqual([p["recall"] for p in measure.front(points)], [0.95, 0.99])

    def test_interpolation_is_between_its_neighbours_and_never_beyond_the_end(self):
        points = [{"recall": 0.9, "qps": 100.0}, {"recall": 1.0, "qps": 1.0}]
        self.assertAlmostEqual(measure.qps_at(points, 0.95), 10.0)
        self.assertIsNone(measure.qps_at(points[:1], 0.95))
        self.assertEqual(measure.qps_at(points, 0.8), 100.0)

    def test_no_more_than_half_of_a_time_is_taken_off(self):
        self.assertEqual([measure.net(10.0, calls) for calls in (0.0, 3.0, 5.0, 9.0)], [10.0, 7.0, 5.0, 5.0])

    def test_every_library_has_a_colour(self):
        self.assertGreaterEqual(len(set(curves.COLOURS)), len(adapters.ADAPTERS))

    def test_the_best_of_the_others_is_another_at_each_recall(self):
        def library(build, *qps):
            at = dict(zip(("0.9", "0.95", "0.99", "0.999"), qps))
            return {"build": {"cpu_s": build}, "resident_bytes": 1, "qps_at_recall": at}

        results = {"vdb": library(2.0, 9.0, 8.0, 6.0, None), "a": library(4.0, 5.0, 4.0, 1.0, None),
                   "b": library(1.0, 7.0, 2.0, None, None)}
        found = report.best_ratios(results)
        self.assertEqual(found, {"qps_0.95_vs_best": 2.0, "qps_0.99_vs_best": 6.0, "qps_0.999_vs_best": None,
                                 "build_vs_best": 0.5})
        del results["b"]
        self.assertEqual(report.best_ratios(results), {})

    def test_a_curve_is_well_formed_and_has_a_line_for_each_library(self):
        curve = [{"recall": 0.9, "qps": 100.0}, {"recall": 0.99, "qps": 20.0}, {"recall": 1.0, "qps": 5.0}]
        slow = [{"recall": 0.5, "qps": 100.0}]
        drawn = curves.svg("a < b", {"vdb": {"curve": curve}, "x": {"curve": curve[:2]}, "never": {"curve": slow}})
        lines = xml.etree.ElementTree.fromstring(drawn).findall("{http://www.w3.org/2000/svg}polyline")
        self.assertEqual([len(found.get("points").split()) for found in lines], [3, 2])
        self.assertIsNone(curves.svg("nothing", {"never": {"curve": slow}}))


if __name__ == "__main__":
    unittest.main()
