//! Recall can be asked for: searches find the share they were told to, on rows
//! and queries of other shapes than those that the stop was measured on, and the
//! higher target costs more. Measuring it says the same as the truth does.

mod common;

use common::datasets;
use common::exact::Truth;
use common::rows::Rows;
use common::shapes::Shape;
use vdb::{Database, Metric, Options, Quant, Scalar, SearchParams};

const K: usize = 10;

fn params(target_recall: f32) -> SearchParams {
    SearchParams { target_recall, ..SearchParams::default() }
}

/// Distances computed for a query on average.
fn cost(db: &Database, queries: &Rows, k: usize, target: f32) -> u64 {
    let before = db.stats().unwrap().distance_computations;
    common::search(db, queries, k, &params(target));
    (db.stats().unwrap().distance_computations - before) / queries.count() as u64
}

/// Checks that each target is met, less what so few queries may be off by.
/// `hard` = rows for which a higher target costs more; in some clusters the first steps find all.
fn check(name: &str, quant: Quant, metric: Metric, rows: &Rows, queries: &Rows, hard: bool) {
    let options = Options::new().dim(rows.dim() as u32).metric(metric).scalar(rows.scalar()).quant(quant);
    let db = Database::open(None, &options).unwrap();
    common::fill(&db, rows);
    for k in [1, 3, K, 50] {
        let truth = Truth::compute(metric, rows, queries, k);
        let mut costs = Vec::new();
        for target in [0.8, 0.9, 0.95, 0.99] {
            let found = truth.recall(&common::search(&db, queries, k, &params(target)));
            let slack = 3.0 * (f64::from(1.0 - target) / (queries.count() as f64)).sqrt();
            assert!(
                found >= f64::from(target) - slack,
                "{name}: {found:.4} of the {k} nearest, {target} was asked for"
            );
            costs.push(cost(&db, queries, k, target));
        }
        assert!(costs.is_sorted() && (!hard || costs[0] < costs[3]), "{name}, k {k}: {costs:?}");
    }
}

#[test]
fn targets_are_met_on_real_rows() {
    for (name, set) in [("wordnet", datasets::wordnet_sample()), ("sift", datasets::sift_sample())] {
        check(name, Quant::Auto, set.metric, &set.rows, &set.queries, true);
    }
}

#[test]
fn targets_are_met_on_short_codes() {
    let set = datasets::wordnet_sample();
    for quant in [Quant::Sq4, Quant::Pq, Quant::Rabitq] {
        check(&format!("wordnet {quant:?}"), quant, set.metric, &set.rows, &set.queries, false);
    }
}

#[test]
fn targets_are_met_on_other_shapes() {
    let cases = [
        (Shape::Clusters, Metric::L2sq, Scalar::F32),
        (Shape::Lengths, Metric::Ip, Scalar::F32),
        (Shape::Offset, Metric::Cosine, Scalar::F16),
        (Shape::Clusters, Metric::L1, Scalar::I8),
        (Shape::Clusters, Metric::Hamming, Scalar::B1),
    ];
    for (shape, metric, scalar) in cases {
        let (rows, queries) = shape.rows(scalar, 64, 6000, 200);
        check(&format!("{shape:?} {metric:?} {scalar:?}"), Quant::Auto, metric, &rows, &queries, false);
    }
}

/// A row that is there ten times finds its copies at once, which tells nothing about other queries.
#[test]
fn targets_are_met_among_copies() {
    let set = datasets::sift_sample();
    let one: Vec<f32> = set.rows.slice(0, 600).values();
    let values: Vec<f32> = (0..10).flat_map(|_| one.iter().copied()).collect();
    let rows = Rows::encode(Scalar::F32, set.rows.dim(), &values);
    let queries = set.queries.converted(Scalar::F32);
    check("copies", Quant::Auto, set.metric, &rows, &queries, false);
}

#[test]
fn a_target_outlives_the_process_and_is_the_databases_own_if_none_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let datasets::DataSet { rows, queries, metric, .. } = datasets::wordnet_sample();
    let options = Options::new().dim(rows.dim() as u32).scalar(rows.scalar()).metric(metric).target_recall(0.95);
    let db = Database::open(Some(dir.path()), &options).unwrap();
    common::fill(&db, &rows);
    let answers = common::search(&db, &queries, K, &SearchParams::default());
    assert_eq!(answers, common::search(&db, &queries, K, &params(0.95)));
    assert_ne!(answers, common::search(&db, &queries, K, &SearchParams { ef: 10, ..SearchParams::default() }));
    db.close().unwrap();
    let db = Database::open(Some(dir.path()), &options).unwrap();
    assert_eq!(common::search(&db, &queries, K, &SearchParams::default()), answers);
}

/// Rows without a graph, or with one that was never measured: the target is met all the same.
#[test]
fn without_a_measurement_more_is_searched_and_not_less() {
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, 32, 2000, 50);
    let truth = Truth::compute(Metric::L2sq, &rows, &queries, K);
    for graph_min_rows in [2000, 100_000] {
        let db = Database::open(None, &Options::new().dim(32).graph_min_rows(graph_min_rows)).unwrap();
        common::fill(&db, &rows);
        assert_eq!(truth.recall(&common::search(&db, &queries, K, &params(0.99))), 1.0);
    }
}

#[test]
fn measured_recall_is_the_true_one() {
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, 64, 6000, 200);
    let db = Database::open(None, &Options::new().dim(64)).unwrap();
    common::fill(&db, &rows);
    let truth = Truth::compute(Metric::L2sq, &rows, &queries, K);
    for ef in [10, 30, 200] {
        let params = SearchParams { ef, ..SearchParams::default() };
        let measured = db.measure_recall(queries.vectors(), K, &params, None).unwrap();
        let found = truth.recall(&common::search(&db, &queries, K, &params));
        assert!((measured.recall - found).abs() < 1e-9, "{measured:?}, truly {found}");
        assert!(measured.low <= found && found <= measured.high && measured.queries == 200, "{measured:?}");
        assert!(measured.high - measured.low < 0.1, "{measured:?}");
        let of_rows = db.measure_recall_of_rows(150, K, &params, None).unwrap();
        assert!(of_rows.recall >= found - 0.1 && (100..=200).contains(&of_rows.queries), "{of_rows:?}");
    }
}
