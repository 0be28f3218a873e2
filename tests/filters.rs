//! Filters: only rows that pass are found, k of them whenever there are k, as near as a plain scan
//! of the rows that pass finds them, at any selectivity and wherever they lie; and what a filter
//! remembers of one state of a database is never used for another.

mod common;

use common::datasets::{self, DataSet};
use common::exact;
use common::rows::Rows;
use common::shapes::Rng;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use vdb::{Database, ErrorKind, Filter, Metric, Options, Scalar, SearchParams, Vectors};

const K: usize = 10;

fn filtered(filter: &Filter) -> SearchParams {
    SearchParams { filter: Some(filter.clone()), ..SearchParams::default() }
}

fn exactly(filter: &Filter) -> SearchParams {
    SearchParams { exact: true, ..filtered(filter) }
}

/// The sample in a graph, ids = row numbers.
fn database(set: &DataSet) -> Database {
    let options = Options::new().dim(set.rows.dim() as u32).metric(set.metric).scalar(set.rows.scalar());
    let db = Database::open(None, &options).unwrap();
    common::fill(&db, &set.rows);
    assert_eq!(db.stats().unwrap().graph_nodes, set.rows.count() as u64);
    db
}

/// For each query the distances of all rows, by the plain definition.
fn distances(set: &DataSet) -> Vec<Vec<f64>> {
    let (dim, values, queries) = (set.rows.dim(), set.rows.values(), set.queries.values());
    let to_all = |query| values.chunks(dim).map(|row| exact::distance(set.metric, query, row)).collect();
    queries.chunks(dim).map(to_all).collect()
}

/// Recall of searches for rows that pass, where `all` are the distances of all rows; that all results
/// pass and none is missing is asserted.
fn recall(db: &Database, set: &DataSet, all: &[Vec<f64>], passing: &[u64], params: &SearchParams) -> f64 {
    let answers = common::search(db, &set.queries, K, params);
    let mut right = 0;
    for (answer, all) in answers.iter().zip(all) {
        let mut truth: Vec<f64> = passing.iter().map(|&id| all[id as usize]).collect();
        truth.sort_by(f64::total_cmp);
        truth.truncate(K);
        assert_eq!(answer.len(), truth.len(), "k rows pass, so k are found");
        assert!(answer.iter().all(|(id, _)| passing.binary_search(id).is_ok()), "a row that does not pass");
        let limit = truth.last().map_or(0.0, |farthest| farthest + 1e-6 + 1e-5 * farthest.abs());
        right += answer.iter().filter(|(_, distance)| f64::from(*distance) <= limit).count();
    }
    right as f64 / (answers.len() * K.min(passing.len())).max(1) as f64
}

/// Every selectivity from all rows to three, at random and by where rows lie; breadths at which walks
/// get past blocked rows in different ways, or are not worth while.
#[test]
fn recall_holds_at_every_selectivity_and_for_correlated_filters() {
    let sets = [datasets::wordnet_sample(), datasets::sift_sample()];
    for (set, ef) in sets.iter().flat_map(|set| [(set, 64), (set, 12)]) {
        let db = database(set);
        let rows = set.rows.count() as u64;
        let all = distances(set);
        let with_ef = |params| SearchParams { ef, ..params };
        let plain = recall(&db, set, &all, &(0..rows).collect::<Vec<_>>(), &with_ef(SearchParams::default()));
        let mut rng = Rng(11);
        let mut shuffled: Vec<u64> = (0..rows).collect();
        (1..shuffled.len()).rev().for_each(|i| shuffled.swap(i, rng.below(i + 1)));
        // Rows by how far they are from the first query: filters whose rows are all in one place,
        // near some queries and far from others.
        let from = |id: &u64| all[0][*id as usize];
        let mut by_distance: Vec<u64> = (0..rows).collect();
        by_distance.sort_by(|a, b| from(a).total_cmp(&from(b)));
        let far: Vec<u64> = by_distance.iter().rev().copied().collect();
        for (name, order) in [("random", &shuffled), ("near one query", &by_distance), ("far from it", &far)] {
            for count in [rows, rows / 2, rows / 4, rows / 10, rows / 30, rows / 100, rows / 1000, 3, 0] {
                let mut passing = order[..count as usize].to_vec();
                passing.sort_unstable();
                let mut blocked = order[count as usize..].to_vec();
                blocked.sort_unstable();
                let filters = [Filter::ids(&passing, true).unwrap(), Filter::ids(&blocked, false).unwrap()];
                for filter in &filters {
                    assert_eq!(db.count_passing(filter).unwrap(), count);
                    let found = recall(&db, set, &all, &passing, &with_ef(filtered(filter)));
                    let floor = if count == 0 { 0.0 } else { plain - 0.005 };
                    assert!(found >= floor, "{name}, {count} of {rows} pass: recall {found}, {plain} without a filter");
                    assert!(count == 0 || recall(&db, set, &all, &passing, &exactly(filter)) == 1.0);
                }
            }
        }
    }
}

/// A filter whose rows lie far from the query makes the estimate wrong: the walk is given up, and
/// all of it together costs no more than twice what comparing the rows that pass would have.
#[test]
fn a_wrong_estimate_costs_no_more_than_comparing_all_that_pass_again() {
    let set = datasets::wordnet_sample();
    let db = database(&set);
    let mut most: f64 = 0.0;
    for (all, q) in distances(&set).iter().take(20).zip(0..) {
        let from = |id: &u64| all[*id as usize];
        let mut order: Vec<u64> = (0..set.rows.count() as u64).collect();
        order.sort_by(|a, b| from(b).total_cmp(&from(a)));
        for count in [500, 1500, 2500] {
            let filter = Filter::ids(&order[..count], true).unwrap();
            let before = db.stats().unwrap().distance_computations;
            let answer = &common::search(&db, &set.queries.slice(q, 1), K, &filtered(&filter))[0];
            let spent = (db.stats().unwrap().distance_computations - before) as f64;
            assert_eq!(answer.len(), K);
            most = most.max(spent / count as f64);
        }
    }
    assert!(most < 2.0, "{most} times the rows that pass");
}

#[test]
fn few_rows_are_found_without_looking_at_others() {
    let set = datasets::wordnet_sample();
    let db = database(&set);
    for count in [1u64, 50, 300] {
        let ids: Vec<u64> = (0..count).map(|i| i * 13).collect();
        let filter = Filter::ids(&ids, true).unwrap();
        let before = db.stats().unwrap().distance_computations;
        common::search(&db, &set.queries, K, &filtered(&filter));
        let spent = db.stats().unwrap().distance_computations - before;
        assert!(spent <= set.queries.count() as u64 * (count + 20), "{spent} distances for {count} rows");
    }
}

#[derive(Clone, Debug)]
enum Op {
    Put(Vec<(u8, i8)>),
    Delete(Vec<u8>),
    Settle,
    Other,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => proptest::collection::vec((any::<u8>(), any::<i8>()), 1..40).prop_map(Op::Put),
        2 => proptest::collection::vec(any::<u8>(), 1..60).prop_map(Op::Delete),
        1 => Just(Op::Settle),
        1 => Just(Op::Other),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// One filter through inserts, replacements, deletes, compactions and another database.
    #[test]
    fn one_filter_is_right_in_every_state(
        ops in proptest::collection::vec(op(), 1..25),
        ids in proptest::collection::btree_set(any::<u8>(), 0..200),
        allow in any::<bool>(),
    ) {
        let options = Options::new().dim(4).metric(Metric::L2sq).scalar(Scalar::I8).graph_min_rows(40).ef_search(16);
        let open = || Database::open_on(None, &options, Some(6)).unwrap();
        let (db, other) = (open(), open());
        let value = |v: i8| [v, v.wrapping_mul(7), v.wrapping_mul(13), 1].map(|c| c as u8);
        other.insert_batch(&[3, 200], Vectors::new(&[value(1), value(2)].concat(), Scalar::I8, 4, 2, 0).unwrap(), None).unwrap();
        let list: Vec<u64> = ids.iter().map(|&id| id.into()).collect();
        let filter = Filter::ids(&list, allow).unwrap();
        let passes = |id: u64| list.binary_search(&id).is_ok() == allow;
        let mut model: BTreeMap<u64, i8> = BTreeMap::new();
        for op in ops {
            match op {
                Op::Put(rows) => {
                    let ids: Vec<u64> = rows.iter().map(|r| r.0.into()).collect();
                    let bytes: Vec<u8> = rows.iter().flat_map(|r| value(r.1)).collect();
                    db.upsert_batch(&ids, Vectors::new(&bytes, Scalar::I8, 4, ids.len(), 0).unwrap(), None).unwrap();
                    model.extend(rows.iter().map(|r| (u64::from(r.0), r.1)));
                }
                Op::Delete(ids) => {
                    let ids: Vec<u64> = ids.into_iter().map(u64::from).collect();
                    db.delete_batch(&ids).unwrap();
                    model.retain(|id, _| !ids.contains(id));
                }
                Op::Settle => db.wait_indexed(None).unwrap(),
                Op::Other => {
                    let passing = [3, 200].into_iter().filter(|&id| passes(id)).count() as u64;
                    prop_assert_eq!(other.count_passing(&filter).unwrap(), passing);
                }
            }
            let query = Rows::new(Scalar::I8, 4, value(5).to_vec());
            let distance = |v: i8| value(v).iter().zip(value(5)).map(|(a, b)| (*a as i8 as f32 - b as i8 as f32).powi(2)).sum::<f32>();
            let mut truth: Vec<(f32, u64)> =
                model.iter().filter(|(id, _)| passes(**id)).map(|(&id, &v)| (distance(v), id)).collect();
            truth.sort_by(|a, b| a.partial_cmp(b).unwrap());
            prop_assert_eq!(db.count_passing(&filter).unwrap(), truth.len() as u64);
            truth.truncate(K);
            let answer = |params: &SearchParams| common::search(&db, &query, K, params)[0].iter().map(|&(id, d)| (d, id)).collect::<Vec<_>>();
            prop_assert_eq!(&answer(&exactly(&filter)), &truth);
            let found = answer(&filtered(&filter));
            prop_assert_eq!(found.len(), truth.len());
            prop_assert!(found.iter().all(|(_, id)| passes(*id)));
        }
    }
}

/// Searches that share a filter while rows are replaced: each finds every row that passes, once.
#[test]
fn searches_share_a_filter_beside_a_writer() {
    const ROWS: u64 = 600;
    let options = Options::new().dim(2).metric(Metric::L2sq).graph_min_rows(100).threads(2);
    let db = Database::open_on(None, &options, Some(6)).unwrap();
    let put = |round: u64, ids: &[u64]| {
        let values: Vec<f32> = ids.iter().flat_map(|&id| [id as f32, round as f32]).collect();
        db.upsert_batch(ids, Vectors::f32(&values, 2).unwrap(), None).unwrap();
    };
    let all: Vec<u64> = (0..ROWS).collect();
    put(0, &all);
    let odd: Vec<u64> = all.iter().copied().filter(|id| id % 2 == 1).collect();
    let filters = [Filter::ids(&odd, true).unwrap(), Filter::ids(&odd, false).unwrap()];
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (db, filters, done) = (&db, &filters, &done);
            scope.spawn(move || {
                let query = Rows::new(Scalar::F32, 2, bytemuck::cast_slice(&[300f32, 0.0]).to_vec());
                while !done.load(Relaxed) {
                    let allow = thread % 2;
                    let answer = &common::search(db, &query, ROWS as usize, &exactly(&filters[1 - allow]))[0];
                    let mut ids: Vec<u64> = answer.iter().map(|hit| hit.0).collect();
                    ids.sort_unstable();
                    assert!(
                        ids.iter().all(|id| id % 2 == allow as u64) && ids.len() == ROWS as usize / 2,
                        "{}",
                        ids.len()
                    );
                }
            });
        }
        for round in 1..150 {
            let ids: Vec<u64> = (0..ROWS).filter(|id| id % 7 == round % 7).collect();
            put(round, &ids);
        }
        done.store(true, Relaxed);
    });
}

#[test]
fn recall_is_measured_among_the_rows_that_pass() {
    let set = datasets::wordnet_sample();
    let db = database(&set);
    let ids: Vec<u64> = (0..set.rows.count() as u64).step_by(3).collect();
    let params = filtered(&Filter::ids(&ids, true).unwrap());
    let plain = recall(&db, &set, &distances(&set), &ids, &params);
    let measured = db.measure_recall(set.queries.vectors(), K, &params, None).unwrap();
    assert!((measured.recall - plain).abs() < 0.005, "{} and {plain}", measured.recall);
    assert!(db.measure_recall_of_rows(100, K, &params, None).unwrap().recall > 0.9);
    let none = filtered(&Filter::ids(&[], true).unwrap());
    assert_eq!(db.measure_recall(set.queries.vectors(), K, &none, None).unwrap().recall, 1.0);
}

/// What a filter found out for one database is never taken for another's, even where finding out failed half way.
#[test]
fn a_question_that_failed_leaves_nothing_behind() {
    let options = Options::new().dim(2).metric(Metric::L2sq);
    let budget = vdb::arena::Budget::default();
    let open = || Database::open_within(None, &options, Some(6), &budget).unwrap();
    let (one, other) = (open(), open());
    let put = |db: &Database, ids: std::ops::Range<u64>| {
        let values: Vec<f32> = ids.clone().flat_map(|id| [id as f32, 1.0]).collect();
        db.insert_batch(&ids.collect::<Vec<u64>>(), Vectors::f32(&values, 2).unwrap(), None).unwrap();
    };
    put(&one, 0..500);
    put(&other, 400..900);
    let filter = Filter::ids(&(0..450).collect::<Vec<u64>>(), true).unwrap();
    for _ in 0..3 {
        assert_eq!(one.count_passing(&filter).unwrap(), 450);
        assert_eq!(other.count_passing(&filter).unwrap(), 50);
    }
    // A deadline ends a search before it knows what passes; the next one begins anew.
    put(&one, 1000..1200);
    let query = Rows::new(Scalar::F32, 2, bytemuck::cast_slice(&[0f32, 0.0]).to_vec());
    let at_once = SearchParams { deadline: Some(std::time::Duration::ZERO), ..filtered(&filter) };
    let (mut ids, mut distances, mut counts) = ([0; K], [0.0; K], [7; 1]);
    let hits = vdb::Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    assert_eq!(one.search(query.vectors(), K, &at_once, hits).unwrap(), vdb::Outcome::Partial);
    assert_eq!(counts, [0]);
    assert_eq!(common::search(&one, &query, 500, &filtered(&filter))[0].len(), 450);
}

/// A recall asked for is kept, or nearly, among the rows that pass.
#[test]
fn targets_of_recall_hold_under_filters() {
    let set = datasets::wordnet_sample();
    let options = Options::new().dim(set.rows.dim() as u32).metric(set.metric).scalar(set.rows.scalar());
    let db = Database::open(None, &options).unwrap();
    common::fill(&db, &set.rows.slice(0, 3000));
    let rest: Vec<u64> = (3000..set.rows.count() as u64).collect();
    db.insert_batch(&rest, set.rows.slice(3000, rest.len()).vectors(), None).unwrap();
    db.wait_indexed(None).unwrap();
    let all = distances(&set);
    for target_recall in [0.9, 0.95, 0.99] {
        for every in [2, 3, 5, 10, 30] {
            let ids: Vec<u64> = (0..set.rows.count() as u64).filter(|id| id * 7919 % 5003 % every == 0).collect();
            let params = SearchParams { target_recall, ..filtered(&Filter::ids(&ids, true).unwrap()) };
            let found = recall(&db, &set, &all, &ids, &params);
            assert!(found >= f64::from(target_recall) - 0.02, "one of {every}, {target_recall} asked for: {found}");
        }
    }
}

#[test]
fn ids_that_cannot_be_are_refused_by_their_place() {
    let error = Filter::ids(&[1, 2, vdb::ID_NONE], true).unwrap_err();
    assert_eq!((error.kind(), error.item()), (ErrorKind::InvalidArgument, Some(2)));
}
