"""python3 -m unittest in this folder (needs numpy)."""

import unittest

import numpy as np

import measure


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


if __name__ == "__main__":
    unittest.main()
