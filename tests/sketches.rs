//! Rows that no graph covers are searched by their sketches: nearly all that an exact search
//! finds, at a fraction of the distances, through deletes, new rows, compaction and the graph.

mod common;

use common::datasets;
use common::exact::Truth;
use common::patience::eventually;
use common::rows::Rows;
use vdb::{Database, Metric, Options, Scalar, SearchParams};

const K: usize = 10;

/// No graph, ever.
fn graphless(rows: &Rows, metric: Metric) -> Options {
    Options::new().dim(rows.dim() as u32).metric(metric).scalar(rows.scalar()).graph_min_rows(u64::from(u32::MAX))
}

fn distances(db: &Database, queries: &Rows, params: &SearchParams) -> u64 {
    let before = db.stats().unwrap().distance_computations;
    common::search(db, queries, K, params);
    (db.stats().unwrap().distance_computations - before) / queries.count() as u64
}

/// Waits until searches compare less than a fifth of `rows` vectors.
fn wait_for_sketches(db: &Database, queries: &Rows, rows: usize) {
    let few = rows as u64 / 5;
    eventually("the rows have sketches", || distances(db, queries, &SearchParams::default()) <= few);
}

#[test]
fn a_search_without_a_graph_finds_what_an_exact_one_does() {
    for scalar in [Scalar::F32, Scalar::F16] {
        let set = datasets::wordnet_sample();
        let (rows, queries) = (set.rows.converted(scalar), set.queries.converted(scalar));
        let db = Database::open(None, &graphless(&rows, set.metric)).unwrap();
        common::fill(&db, &rows);
        wait_for_sketches(&db, &queries, rows.count());
        for k in [1, K, 30] {
            let truth = Truth::compute(set.metric, &rows, &queries, k);
            let found = truth.recall(&common::search(&db, &queries, k, &SearchParams::default()));
            assert!(found >= 0.999, "{scalar:?}, k {k}: {found}");
        }
        // Asked for everything, or for more than sketches help with, it compares everything.
        let exact = SearchParams { exact: true, ..SearchParams::default() };
        assert_eq!(distances(&db, &queries, &exact), rows.count() as u64);
        let truth = Truth::compute(set.metric, &rows, &queries, 1000);
        assert_eq!(truth.recall(&common::search(&db, &queries, 1000, &SearchParams::default())), 1.0);
    }
}

#[test]
fn rows_that_come_and_go_are_found_and_not() {
    let set = datasets::wordnet_sample();
    let db = Database::open(None, &graphless(&set.rows, set.metric)).unwrap();
    let first = set.rows.slice(0, 4500);
    common::fill(&db, &first);
    wait_for_sketches(&db, &set.queries, 4500);
    let ids = |range: std::ops::Range<u64>| range.collect::<Vec<u64>>();
    let later = set.rows.slice(4500, 500);
    db.insert_batch(&ids(4500..5000), later.vectors(), None).unwrap();
    let own = |queries: &Rows| {
        let answers = common::search(&db, queries, 3, &SearchParams::default());
        answers.iter().map(|answer| answer.iter().map(|hit| hit.0).collect()).collect::<Vec<Vec<u64>>>()
    };
    let found = own(&later).iter().zip(4500..).filter(|(ids, row)| ids.contains(row)).count();
    assert_eq!(found, 500, "rows newer than the sketches");
    db.delete_batch(&ids(0..300)).unwrap();
    assert!(own(&first.slice(0, 300)).iter().flatten().all(|&id| id >= 300), "deleted rows");
    // Their vectors under other ids: the sketches of the old slots are of no use.
    db.upsert_batch(&ids(300..600), first.slice(0, 300).vectors(), None).unwrap();
    let found = own(&first.slice(0, 300)).iter().zip(300..).filter(|(ids, row)| ids.contains(row)).count();
    assert_eq!(found, 300, "replaced rows");
}

/// Compaction gives rows other slots: sketches are made anew for those.
#[test]
fn compaction_moves_no_row_away_from_its_sketch() {
    let set = datasets::wordnet_sample();
    let options = graphless(&set.rows, set.metric).compact_ratio(0.2);
    let db = Database::open_on(None, &options, Some(8)).unwrap();
    let ids: Vec<u64> = (0..15_000).collect();
    for (part, ids) in ids.chunks(5000).enumerate() {
        // Three rows in nearly the same place: which of them is found tells the slot.
        let values: Vec<f32> = set.rows.values().iter().map(|x| x * (1.0 + part as f32)).collect();
        let rows = Rows::encode(Scalar::F32, set.rows.dim(), &values).converted(set.rows.scalar());
        db.insert_batch(ids, rows.vectors(), None).unwrap();
    }
    wait_for_sketches(&db, &set.queries, 15_000);
    db.delete_batch(&ids.iter().copied().filter(|id| id % 3 != 0).collect::<Vec<_>>()).unwrap();
    db.wait_indexed(None).unwrap();
    assert!(db.stats().unwrap().compactions > 0);
    let check = || {
        let asked = set.rows.slice(0, 1000);
        for (row, answer) in (0..).zip(common::search(&db, &asked, 3, &SearchParams::default())) {
            let twin = [row, row + 5000, row + 10_000].into_iter().find(|id| id % 3 == 0).unwrap();
            assert!(answer.iter().any(|hit| hit.0 == twin), "row {row}: {answer:?}");
        }
    };
    check();
    wait_for_sketches(&db, &set.queries, 5000);
    check();
}

/// What the graph covers needs no sketch: their memory comes back.
#[test]
fn sketches_go_when_the_graph_has_their_rows() {
    let set = datasets::wordnet_sample();
    let options = |graph| graphless(&set.rows, set.metric).graph_min_rows(graph);
    let with = Database::open(None, &options(4500)).unwrap();
    let without = Database::open(None, &options(100)).unwrap();
    let part = set.rows.slice(0, 4400);
    let ids: Vec<u64> = (0..5000).collect();
    with.insert_batch(&ids[..4400], part.vectors(), None).unwrap();
    wait_for_sketches(&with, &set.queries, 4400);
    with.insert_batch(&ids[4400..], set.rows.slice(4400, 600).vectors(), None).unwrap();
    common::fill(&without, &set.rows);
    with.wait_indexed(None).unwrap();
    let memory = |db: &Database| db.stats().unwrap().bytes_memory as f64;
    eventually("the memory of sketches is given back", || memory(&with) <= 1.02 * memory(&without));
}

/// Under a limit on memory rows come first: before one is refused, sketches are given up.
#[test]
fn sketches_make_room_for_rows() {
    let set = datasets::wordnet_sample();
    let db = Database::open(None, &graphless(&set.rows, set.metric).max_memory(24 << 20)).unwrap();
    common::fill(&db, &set.rows);
    wait_for_sketches(&db, &set.queries, 5000);
    let batch = set.rows.slice(0, 500);
    let full = (5000..1_000_000).step_by(500).find_map(|first| {
        let ids: Vec<u64> = (first..first + 500).collect();
        db.insert_batch(&ids, batch.vectors(), None).err()
    });
    assert_eq!(full.map(|error| error.kind()), Some(vdb::ErrorKind::Limit));
    let rows = db.count().unwrap();
    assert_eq!(distances(&db, &set.queries, &SearchParams::default()), rows, "every row is compared");
}
