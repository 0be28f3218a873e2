//! An explanation is of the search that would be made: the same way, the same work as the statistics count, the same
//! number of results; and what it advises follows from what it tells.

mod common;

use common::patience::eventually;
use common::rows::Rows;
use common::shapes::Shape;
use serde_json::Value;
use std::time::{Duration, Instant};
use vdb::storage::OsStorage;
use vdb::{Database, ErrorKind, Filter, Options, Originals, Quant, Scalar, SearchParams, Task, Vectors};

const DIM: usize = 64;
const K: usize = 10;

fn options() -> Options {
    Options::new().dim(DIM as u32).quant(Quant::Sq8)
}

fn filtered(ids: impl Iterator<Item = u64>) -> SearchParams {
    let filter = Filter::ids(&ids.collect::<Vec<_>>(), true).unwrap();
    SearchParams { filter: Some(filter), ..SearchParams::default() }
}

fn explained(db: &Database, query: &Rows, k: usize, params: &SearchParams) -> Value {
    let json = db.explain(query.vectors(), k, params).unwrap();
    assert!(json.len() <= Database::EXPLAIN_MAX);
    serde_json::from_str(&json).unwrap()
}

fn number(told: &Value, path: &str) -> u64 {
    told.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {path} in {told:#}"))
}

fn advice(told: &Value) -> Vec<&str> {
    told["advice"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[track_caller]
fn advises(told: &Value, text: &str) {
    assert!(advice(told).iter().any(|advice| advice.contains(text)), "no \"{text}\" in {:#?}", advice(told));
}

/// Explains and searches; checks that both did the same, and returns what was told.
#[track_caller]
fn same_work(db: &Database, query: &Rows, k: usize, params: &SearchParams) -> Value {
    let count = |work: &mut dyn FnMut()| {
        let before = db.stats().unwrap();
        work();
        let after = db.stats().unwrap();
        (after.distance_computations - before.distance_computations, after.searches - before.searches)
    };
    let (mut told, mut found) = (Value::Null, 0);
    // Whatever a filter has to be asked is asked before.
    db.explain(query.vectors(), k, params).unwrap();
    let start = Instant::now();
    let silent = count(&mut || told = explained(db, query, k, params));
    let passed = start.elapsed().as_micros() as f64;
    let work = count(&mut || found = common::search(db, query, k, params)[0].len());
    assert_eq!((silent, work.1), ((0, 0), 1), "an explanation is in no statistics");
    assert_eq!(number(&told, "/read/codes") + number(&told, "/read/vectors"), work.0, "{told:#}");
    assert_eq!((number(&told, "/found"), told["complete"].as_bool()), (found as u64, Some(true)));
    let time = |stage: &str| told["time_us"][stage].as_f64().unwrap();
    let stages: f64 = ["filter", "scan", "walk", "pick", "rerank"].into_iter().map(time).sum();
    assert!((stages - time("total")).abs() < 0.01 && time("total") <= passed, "{stages} of {passed}: {told:#}");
    for (stage, distances) in [("scan", "/scan/vectors"), ("rerank", "/read/reranked")] {
        assert!(number(&told, distances) == 0 || time(stage) > 0.0, "{told:#}");
    }
    told
}

#[test]
fn a_scan_that_is_explained_is_the_one_that_is_made() {
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 1500, 1);
    let query = queries.slice(0, 1);
    let db = Database::open(None, &options().ef_search(40)).unwrap();
    let empty = same_work(&db, &query, K, &SearchParams::default());
    assert_eq!((&empty["plan"], number(&empty, "/k")), (&"scan".into(), 0));
    assert!(empty["why"].as_str().unwrap().contains("nothing to find"));
    common::fill(&db, &rows);
    let small = same_work(&db, &query, K, &SearchParams::default());
    assert_eq!(
        (&small["plan"], number(&small, "/scan/rows"), number(&small, "/scan/vectors")),
        (&"scan".into(), 1500, 1500)
    );
    assert!(small["why"].as_str().unwrap().contains("index.graph_min_rows = 2000"));
    assert!(advice(&small).is_empty(), "{small:#}");
}

/// 6,000 rows in the graph, and a query.
fn in_graph() -> (Database, Rows) {
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 6000, 1);
    let db = Database::open(None, &options().ef_search(40)).unwrap();
    common::fill(&db, &rows);
    (db, queries)
}

#[test]
fn a_walk_that_is_explained_is_the_one_that_is_made() {
    let (db, query) = in_graph();
    let walk = same_work(&db, &query, K, &SearchParams::default());
    assert_eq!(
        (&walk["plan"], number(&walk, "/walk/ef"), &walk["walk"]["stretch"]),
        (&"walk".into(), 40, &Value::Null)
    );
    assert!(number(&walk, "/walk/nodes") >= 40 && number(&walk, "/read/codes") > 200 && walk["filter"].is_null());
    assert_eq!(
        (number(&walk, "/read/reranked"), number(&walk, "/scan/rows"), number(&walk, "/rows/in_graph")),
        (20, 0, 6000)
    );
    let wide = same_work(&db, &query, K, &SearchParams { ef: 400, rerank: 200, ..SearchParams::default() });
    assert!(number(&wide, "/walk/nodes") > 4 * number(&walk, "/walk/nodes") && number(&wide, "/read/reranked") == 200);
    let recall = same_work(&db, &query, K, &SearchParams { target_recall: 0.95, ..SearchParams::default() });
    assert!(recall["walk"]["stretch"].as_f64().unwrap() >= 1.0 && number(&recall, "/recall/calibrated_nodes") >= 2000);
    assert!((recall["recall"]["target"].as_f64().unwrap() - 0.95).abs() < 1e-6);
    let exact = same_work(&db, &query, K, &SearchParams { exact: true, ..SearchParams::default() });
    assert_eq!(
        (&exact["plan"], number(&exact, "/scan/vectors"), number(&exact, "/read/codes")),
        (&"scan".into(), 6000, 0)
    );
    advises(&exact, "otherwise the graph would be walked");

    // A tail behind the graph.
    let (more, _) = Shape::Clusters.rows(Scalar::F32, DIM, 200, 1);
    db.insert_batch(&(6000..6200).collect::<Vec<_>>(), more.vectors(), None).unwrap();
    let tail = same_work(&db, &query, K, &SearchParams::default());
    assert_eq!((number(&tail, "/scan/rows"), number(&tail, "/rows/unindexed")), (200, 200));
}

#[test]
fn under_a_filter_the_costs_that_are_told_decide() {
    let (db, query) = in_graph();
    let mut plans = Vec::new();
    for share in [2u64, 3, 6, 20, 400] {
        let told =
            same_work(&db, &query, K, &SearchParams { ef: 20, ..filtered((0..6000).filter(|id| id % share == 0)) });
        let passing = 6000 / share;
        assert_eq!((number(&told, "/rows/passing"), number(&told, "/costs/pick")), (passing, passing));
        let selectivity = told["filter"]["selectivity"].as_f64().unwrap();
        assert!(
            (selectivity - 1.0 / share as f64).abs() < 1e-9 && told["filter"]["expected_selectivity"] == selectivity
        );
        let walks = ["/costs/walk_through", "/costs/walk_over"]
            .map(|path| told.pointer(path).and_then(Value::as_u64).unwrap_or(u64::MAX));
        let expected = match (passing <= walks[0].min(walks[1]), walks[1] < walks[0]) {
            (true, _) => "pick",
            (false, true) => "walk over",
            (false, false) => "walk through",
        };
        assert_eq!(told["plan"], expected, "{told:#}");
        plans.push(expected);
    }
    assert!(plans.contains(&"pick") && plans.contains(&"walk through"), "{plans:?}");
    // A list with ids that are not there lets expect more than passes.
    let told = explained(&db, &query, K, &filtered(3000..9000));
    assert_eq!(
        (told["filter"]["selectivity"].as_f64(), told["filter"]["expected_selectivity"].as_f64()),
        (Some(0.5), Some(1.0))
    );
}

/// The rows that pass lie far from the query: the walk is given up, and told so.
#[test]
fn a_walk_that_is_given_up_is_told() {
    let db = Database::open(None, &options().dim(8)).unwrap();
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, 8, 6000, 1);
    let mut values = rows.values();
    // The second half of the rows lies elsewhere.
    values[3000 * 8..].iter_mut().for_each(|x| *x += 50.0);
    for first in (0..6000usize).step_by(1000) {
        let ids: Vec<u64> = (first as u64..first as u64 + 1000).collect();
        db.insert_batch(&ids, Vectors::f32(&values[first * 8..][..8000], 8).unwrap(), None).unwrap();
    }
    db.wait_indexed(None).unwrap();
    let params = SearchParams { ef: 10, ..filtered(3000..6000) };
    let told = same_work(&db, &queries, K, &params);
    assert_eq!((&told["plan"], told["walk"]["gave_up"].as_bool()), (&"walk through".into(), Some(true)), "{told:#}");
    assert!(told["time_us"]["pick"].as_f64() > Some(0.0) && number(&told, "/read/codes") >= 3000);
    assert!(number(&told, "/walk/most_distances") < 1000);
}

#[test]
fn rows_without_vectors_and_sketches_are_explained() {
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 9000, 2);
    let query = queries.slice(0, 1);
    let db = Database::open_on(None, &options().originals(Originals::Drop), Some(10)).unwrap();
    common::fill(&db, &rows);
    for params in [SearchParams::default(), filtered((0..9000).filter(|id| id % 30 == 0))] {
        let told = same_work(&db, &query, K, &params);
        assert!(number(&told, "/read/codes") >= 300 && number(&told, "/read/reranked") > 0, "{told:#}");
    }

    // One batch: of several, fewer rows than are worth a step may be left when the first are sketched.
    let db = Database::open(None, &options().graph_min_rows(1 << 30).threads(1)).unwrap();
    db.insert_batch(&(0..9000).collect::<Vec<_>>(), rows.vectors(), None).unwrap();
    let sketched = || number(&explained(&db, &query, K, &SearchParams::default()), "/scan/sketches");
    eventually("all full blocks of rows have sketches", || sketched() >= 8960);
    let told = same_work(&db, &query, K, &SearchParams::default());
    assert!(number(&told, "/scan/rows") == 9000 && number(&told, "/scan/vectors") < 2000, "{told:#}");
}

#[test]
fn advice_is_given_where_something_can_be_done() {
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 6000, 1);
    let dir = tempfile::tempdir().unwrap();
    let options = options().graph_min_rows(1000);
    let open = |options: &Options| {
        let storage = OsStorage::open(dir.path(), true, true).unwrap();
        Database::open_on(Some(Box::new(storage)), options, None).unwrap()
    };
    let db = open(&options);
    common::fill(&db, &rows.slice(0, 3000));
    db.checkpoint(None).unwrap();
    let told = |params: &SearchParams| explained(&db, &queries, K, params);
    assert!(advice(&told(&SearchParams::default())).is_empty());
    advises(&told(&SearchParams { ef: 3, ..SearchParams::default() }), "ef = 3 is below k = 10");
    advises(&told(&SearchParams { rerank: 3, ..SearchParams::default() }), "rerank = 3 is below k = 10");
    advises(
        &told(&SearchParams { ef: 300, ..SearchParams::default() }),
        "with ef and k of at most 299 the graph is walked",
    );
    assert_eq!(told(&SearchParams { ef: 299, ..SearchParams::default() })["plan"], "walk");
    advises(&told(&filtered([4].into_iter())), "only 1 rows pass the filter, fewer than k = 10");
    advises(&told(&filtered([4000].into_iter())), "no row passes the filter");
    let stopped = Task::new();
    stopped.cancel();
    let ended = told(&SearchParams { task: Some(stopped), ..SearchParams::default() });
    assert_eq!((number(&ended, "/found"), ended["complete"].as_bool()), (0, Some(false)));
    advises(&ended, "the deadline or the task ended the search");
    let ended = told(&SearchParams { deadline: Some(Duration::ZERO), ..filtered(0..2000) });
    assert!(ended["why"].as_str().unwrap().contains("before it was known which rows pass"), "{ended:#}");
    let narrow = told(&SearchParams { ef: 200, max_memory: 2200, ..SearchParams::default() });
    assert_eq!((&narrow["memory"]["fit"], number(&narrow, "/memory/limit")), (&"narrower".into(), 2200));
    advises(&narrow, "max_memory = 2200, so it finds less: without a limit it would take");
    let slower = told(&SearchParams { ef: 200, max_memory: 1200, ..SearchParams::default() });
    assert_eq!((&slower["memory"]["fit"], &slower["plan"]), (&"slower".into(), &"scan".into()));
    advises(&slower, "max_memory = 1200, so it takes longer");
    let large = db.explain(queries.vectors(), K, &SearchParams { max_memory: 100, ..SearchParams::default() });
    assert_eq!(large.unwrap_err().kind(), ErrorKind::Limit);
    let two = db.explain(rows.slice(0, 2).vectors(), K, &SearchParams::default());
    assert_eq!(two.unwrap_err().kind(), ErrorKind::InvalidArgument);

    // A reader that lags behind, and whose writer has not put all rows into the graph.
    let reader = open(&options.clone().read_only(true));
    assert!(advice(&explained(&reader, &queries, K, &SearchParams::default())).is_empty());
    db.insert_batch(&(3000..6000).collect::<Vec<_>>(), rows.slice(3000, 3000).vectors(), None).unwrap();
    advises(&explained(&reader, &queries, K, &SearchParams::default()), "vdb_refresh");
    reader.refresh().unwrap();
    let told = explained(&reader, &queries, K, &SearchParams::default());
    advises(&told, "3000 of 6000 rows are not in the graph yet and are scanned: they are in it once the writer");
    assert!(!advice(&told).iter().any(|text| text.contains("has written more")));
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    advises(&explained(&reader, &queries, K, &SearchParams::default()), "the writer has written more");
    reader.refresh().unwrap();
    assert!(advice(&explained(&reader, &queries, K, &SearchParams::default())).is_empty());
}

/// A graph that never took rows in was never measured; one that does not fit into memory is put off.
#[test]
fn a_graph_that_was_not_measured_or_does_not_fit_is_told() {
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 6000, 1);
    let db = Database::open(None, &options().graph_min_rows(5000)).unwrap();
    db.insert_batch(&(0..6000).collect::<Vec<_>>(), rows.vectors(), None).unwrap();
    eventually("there is a graph", || db.stats().unwrap().graph_nodes > 0);
    let told = explained(&db, &queries, K, &SearchParams { target_recall: 0.9, ..SearchParams::default() });
    assert!(told["recall"]["calibrated_nodes"].is_null());
    advises(&told, "was not measured on these rows yet: ef = 400");

    // 1 KiB of links a row: the rows fit, their graph does not.
    let options = Options::new().dim(4).max_memory(16 << 20).m(128).ef_construction(16).graph_min_rows(30_000);
    let db = Database::open(None, &options).unwrap();
    let values: Vec<f32> = (0..120_000).map(|i| (i * 7919 % 1009) as f32).collect();
    for first in (0..30_000usize).step_by(5000) {
        let ids: Vec<u64> = (first as u64..first as u64 + 5000).collect();
        db.insert_batch(&ids, Vectors::f32(&values[first * 4..][..20_000], 4).unwrap(), None).unwrap();
    }
    assert_eq!(db.wait_indexed(None).unwrap_err().kind(), ErrorKind::Limit);
    let json = db.explain(Vectors::f32(&[1.0; 4], 4).unwrap(), K, &SearchParams::default()).unwrap();
    let told: Value = serde_json::from_str(&json).unwrap();
    advises(&told, "30000 of 30000 rows are not in the graph yet and are scanned: graph work does not fit");
}
