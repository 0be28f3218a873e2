"""python3 -m unittest in this folder (needs numpy)."""

import pathlib
import tempfile
import unittest
import xml.etree.ElementTree

import numpy as np

import adapters
import compare
import curves
import filtered
import ingest
import ingest_peers
import measure
import python_peers
import report
import workplace


def other_way(metric, rows, queries, k):
    """The k-th distance by sorting all of them, one by one."""
    def distance(row, query):
        row, query = row.astype(float), query.astype(float)
        if metric == "l2":
            return sum((row - query) ** 2)
        return 1 - sum(row * query) / (sum(row**2) * sum(query**2)) ** 0.5

    return [sorted(distance(row, query) for row in rows)[k - 1] for query in queries]


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

    def test_the_kth_distance_is_that_of_a_plain_sort(self):
        random = np.random.default_rng(1)
        rows, queries = random.normal(size=(60, 5)) * 3, random.normal(size=(7, 5))
        rows[10:14] = rows[3]  # ties
        for metric in ("l2", "cosine"):
            for k in (1, 4, 60):
                for form in (np.float32, np.float16):
                    given = rows.astype(form), queries.astype(form)
                    np.testing.assert_allclose(measure.kth_distance(metric, *given, k), other_way(metric, *given, k),
                                               atol=1e-9, err_msg=f"{metric} {k} {form}")

    def test_every_distance_is_that_of_one_row_and_one_query(self):
        random = np.random.default_rng(2)
        rows, queries = random.normal(size=(9, 5)), random.normal(size=(4, 5))
        for metric in ("l2", "cosine"):
            every = np.tile(np.arange(9, dtype=np.uint64), (4, 1))
            np.testing.assert_allclose(measure.every_distance(metric, rows, queries),
                                       measure.distances(metric, rows, queries, every), rtol=1e-5, atol=1e-5)

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

    def test_a_library_is_given_rows_in_its_form(self):
        rows = np.array([[3, 4], [0, 2]], np.float16)
        scaled = adapters.Adapter(name="x", unit_length=True)
        self.assertIs(adapters.Adapter(name="x", rows="native").form("l2", rows), rows)
        self.assertEqual(adapters.Adapter(name="x").form("cosine", rows).tolist(), [[3, 4], [0, 2]])
        np.testing.assert_allclose(scaled.form("cosine", rows), [[0.6, 0.8], [0, 1]])
        self.assertEqual(scaled.form("l2", rows).tolist(), [[3, 4], [0, 2]])
        self.assertEqual(scaled.form("cosine", rows).dtype, np.float32)

    def test_every_package_has_a_driver_and_every_driver_a_package(self):
        every = adapters.ADAPTERS | {adapter.name: adapter for adapter in adapters.FILTERED.values()}
        self.assertEqual({name for name, adapter in every.items() if adapter.package}, set(python_peers.PEERS))
        single = {name for name, adapter in adapters.ADAPTERS.items() if not compare.takes_batches(adapter)}
        self.assertEqual(single, {"zvec", "zvec-int8", "vsag", "ngt"})

    def test_batches_work_where_a_recall_is_reached_fastest(self):
        curve = [{"recall": r, "qps": q} for r, q in [(0.9, 100), (0.992, 40), (0.999, 20), (0.991, 30)]]
        self.assertEqual(compare.working_point(curve)["qps"], 40)
        self.assertEqual(compare.working_point(curve[:1])["qps"], 100)

    def test_disk_bytes_counts_files_at_any_depth(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(workplace.disk_bytes(folder), 0)
            deep = pathlib.Path(folder) / "a" / "b"
            deep.mkdir(parents=True)
            for path in (deep / "one", pathlib.Path(folder) / "two"):
                path.write_bytes(bytes(100_000))
            one = workplace.disk_bytes(deep / "one")
            self.assertTrue(100_000 <= one < 200_000 and workplace.disk_bytes(folder) == 2 * one)

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

    def test_ratios_name_the_bytes_and_the_batches(self):
        def library(disk, batch):
            at = {str(target): 1.0 for target in report.TARGETS}
            more = {"batch": {"qps": batch, "vs_one_core": 1.9}} if batch else {}
            return {"build": {"cpu_s": 1}, "resident_bytes": 1, "disk_bytes": disk, "anonymous_bytes": 5, "qps_at_recall": at} | more

        found = report.ratios({"vdb": library(10, 8.0), "a": library(5, 2.0), "b": library(20, None)})
        self.assertEqual([found["disk_vs_a"], found["disk_vs_b"]], [2.0, 0.5])
        self.assertEqual([found["batch_vs_a"], found["batch_vs_one_core"]], [4.0, 1.9])
        self.assertNotIn("batch_vs_b", found)

    def test_a_curve_is_well_formed_and_has_a_line_for_each_library(self):
        curve = [{"recall": 0.9, "qps": 100.0}, {"recall": 0.99, "qps": 20.0}, {"recall": 1.0, "qps": 5.0}]
        slow = [{"recall": 0.5, "qps": 100.0}]
        drawn = curves.svg("a < b", {"vdb": {"curve": curve}, "x": {"curve": curve[:2]}, "never": {"curve": slow}})
        lines = xml.etree.ElementTree.fromstring(drawn).findall("{http://www.w3.org/2000/svg}polyline")
        self.assertEqual([len(found.get("points").split()) for found in lines], [3, 2])
        self.assertIsNone(curves.svg("nothing", {"never": {"curve": slow}}))


class FilteredTest(unittest.TestCase):
    class Data:
        metric = "l2"
        base = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [90.0], [91.0]], np.float32)
        queries = np.array([[0.1], [3.9]], np.float32)

    def test_only_rows_that_pass_are_right(self):
        case = filtered.Case(self.Data, np.array([4, 1, 2]))
        self.assertEqual((case.k, case.passing.tolist()), (3, [1, 2, 4]))
        none = 2**64 - 1

        def recall(*ids):
            return case.recall(np.array([[*ids, none]] * 2, np.uint64))

        self.assertEqual(recall(1, 2, 4), 1.0)
        self.assertAlmostEqual(recall(1, 2, 0), 2 / 3)
        self.assertAlmostEqual(recall(1, none, 900), 1 / 3)
        self.assertAlmostEqual(recall(4, 4, 4), 1 / 3)
        # One of two: the nearest that pass are 1 and 2, then 4 and 2.
        case.k, case.kth = 2, case.kth * 0 + [1.9**2, 1.9**2]
        self.assertEqual(recall(1, 2), 0.75)

    def test_the_second_order_begins_far_from_the_queries(self):
        found = filtered.orders(self.Data.metric, self.Data.base, self.Data.queries)
        self.assertEqual(found["apart"].tolist(), [6, 5, 4, 3, 2, 1, 0])
        self.assertEqual(sorted(found["shuffled"]), list(range(7)))

    def test_a_breadth_rises_until_it_is_enough(self):
        asked = []

        def take(name, how):
            asked.append((name, *how))
            return how[2] or how[0] / 100

        sweeps = {"a": [(50, 0, 0), (96, 0, 0), (99, 0, 0), (0, 0, 0.9), (0, 0, 0.96)], "b": [(10, 0, 0), (20, 0, 0)]}
        points, best = filtered.rising(take, sweeps)
        self.assertEqual(points, [("a", (96, 0, 0)), ("a", (0, 0, 0.96))])
        self.assertEqual(best, {"a": 0.96, "b": 0.2})
        self.assertEqual(asked, [("a", 50, 0, 0), ("b", 10, 0, 0), ("a", 96, 0, 0), ("b", 20, 0, 0), ("a", 0, 0, 0.9),
                                 ("a", 0, 0, 0.96)])

    def results(self, **qps):
        cases = (filtered.ALL, *filtered.CASES)
        return {name: {"cases": dict(zip(cases, ({"qps": one} for one in each)))} for name, each in qps.items()}

    def test_ratios_are_against_each_the_best_and_no_filter(self):
        results = self.results(vdb=(100, 60, 30, 20_000, 9_000, None), a=(1, 20, 60, None, 1, 1), b=(1, 30, 2, None, 2, 1))
        found = filtered.ratios(results)
        self.assertEqual([found[f"filtered_50_vs_{other}"] for other in ("a", "b", "best", "unfiltered")], [3, 2, 2, 0.6])
        self.assertEqual([found[f"filtered_{case}_vs_best"] for case in filtered.CASES], [2, 0.5, None, 4500, None])

        met = [line.split(" | ")[-1].strip(" |") for line in filtered.targets(results, found)]
        # 50 and 10 %: the best, no filter; 1 and 0.1 %: the best, which none is at 1 %, and QPS; far: the best.
        self.assertEqual(met, ["no", "yes", "no", "no", "yes", "yes", "yes", "no", "no"])


class IngestTest(unittest.TestCase):
    def test_a_store_stops_after_the_batch_that_passes_the_limit(self):
        taken = []

        def add(first, count):
            taken.append((first, count))
            return 1.0, 3.0

        size = ingest.BATCH
        self.assertEqual(ingest.fill(add, 2 * size + 5, 100), {"rows": 2 * size + 5, "cpu_s": 3.0, "wall_s": 9.0})
        self.assertEqual(taken, [(0, size), (size, size), (2 * size, 5)])
        self.assertEqual(ingest.fill(add, 9 * size, 5)["rows"], 2 * size)

    def test_the_best_run_is_the_fastest_by_row(self):
        runs = [{"rows": 100, "wall_s": 2.0, "cpu_s": 1.0}, {"rows": 300, "wall_s": 3.0, "cpu_s": 5.0}]
        best = ingest.best_of(runs)
        self.assertEqual([best["rows_per_s"], best["rows_per_cpu_s"], best["all_rows_per_s"]], [100, 60, [50, 100]])
        self.assertNotIn("rows_per_s_settled", best)
        self.assertEqual(ingest.best_of([runs[1] | {"settled_wall_s": 30.0}])["rows_per_s_settled"], 10)

    def test_ratios_are_against_the_best_and_the_best_with_an_index(self):
        stores = {"vdb": (60.0, True), "scans": (30.0, False), "slow": (5.0, True), "slower": (2.0, True)}
        results = {name: {"rows_per_s": rate, "indexed": indexed} for name, (rate, indexed) in stores.items()}
        self.assertEqual(ingest.ratios(results), {"ingest_vs_scans": 2.0, "ingest_vs_slow": 12.0,
            "ingest_vs_slower": 30.0, "ingest_vs_best": 2.0, "ingest_vs_best_index": 12.0})

    def test_each_store_says_what_it_needs_and_how_safe_it_is(self):
        self.assertTrue(all(store.packages and store.durability for store in ingest_peers.STORES.values()))


if __name__ == "__main__":
    unittest.main()
