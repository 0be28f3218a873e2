//! Deletes and updates do not rot the index: after rounds of replacement the
//! answers are as good as a fresh build's, every live row is reachable, and
//! the space of dead rows comes back (promises "updates and deletes never
//! rot", P14, T17).

mod common;

use common::rows::Rows;
use common::shapes::{Rng, Shape};
use vdb::{Database, Metric, Options, Scalar, SearchParams, Vectors};

const DIM: usize = 48;
const LIVE: usize = 6000;
const K: usize = 10;

/// Chunks of 1,024 rows, so that compaction has whole chunks to drop.
fn open(dir: &std::path::Path) -> Database {
    let options = Options::new().dim(DIM as u32).metric(Metric::L2sq).graph_min_rows(500);
    let storage = vdb::storage::OsStorage::open(dir, true, true).unwrap();
    Database::open_on(Some(Box::new(storage)), &options, Some(10)).unwrap()
}

fn answers(db: &Database, queries: &Rows, exact: bool) -> Vec<common::Answer> {
    common::search(db, queries, K, &SearchParams { exact, ef: 40, ..SearchParams::default() })
}

/// Share of the exact answers that the graph finds.
fn recall(db: &Database, queries: &Rows) -> f64 {
    let (found, truth) = (answers(db, queries, false), answers(db, queries, true));
    let right = found.iter().zip(&truth).map(|(f, t)| f.iter().filter(|hit| t.contains(hit)).count());
    right.sum::<usize>() as f64 / (truth.len() * K) as f64
}

#[test]
fn five_rounds_of_replacement_cost_no_recall_and_no_space() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("churned"));
    let mut rng = Rng(7);
    let (data, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 3 * LIVE, 200);
    let data = data.values();
    let row = |i: usize| &data[i * DIM..][..DIM];
    let all: Vec<u64> = (0..LIVE as u64).collect();
    db.insert_batch(&all, Vectors::f32(&data[..LIVE * DIM], DIM).unwrap(), None).unwrap();
    db.wait_indexed(None).unwrap();
    let mut source: Vec<usize> = (0..LIVE).collect();
    for round in 0..5 {
        // A fifth of the rows is deleted, half of these come back with new vectors,
        // and as many others are replaced in place.
        let victims: Vec<u64> = (0..LIVE as u64).filter(|id| id % 5 == round).collect();
        assert_eq!(db.delete_batch(&victims).unwrap(), victims.len() as u64);
        let fresh: Vec<usize> = victims.iter().map(|_| rng.below(3 * LIVE)).collect();
        let values: Vec<f32> = fresh.iter().flat_map(|&i| row(i).to_vec()).collect();
        db.upsert_batch(&victims, Vectors::f32(&values, DIM).unwrap(), None).unwrap();
        victims.iter().zip(&fresh).for_each(|(&id, &i)| source[id as usize] = i);
        db.wait_indexed(None).unwrap();
        let stats = db.stats().unwrap();
        assert_eq!((stats.live, stats.graph_unreachable), (LIVE as u64, 0));
        assert!(stats.deleted < LIVE as u64 / 2, "round {round}: {} dead rows kept", stats.deleted);
    }
    assert!(db.stats().unwrap().compactions > 0, "space was reclaimed by compaction");

    let fresh = open(&dir.path().join("fresh"));
    let values: Vec<f32> = source.iter().flat_map(|&i| row(i).to_vec()).collect();
    fresh.insert_batch(&all, Vectors::f32(&values, DIM).unwrap(), None).unwrap();
    fresh.wait_indexed(None).unwrap();
    assert_eq!(answers(&db, &queries, true), answers(&fresh, &queries, true), "the same rows");
    let (churned, built) = (recall(&db, &queries), recall(&fresh, &queries));
    eprintln!("recall@10 at ef 40: churned {churned:.4}, fresh {built:.4}");
    assert!(churned >= built - 0.01, "churned {churned}, fresh {built}");

    let before = answers(&db, &queries, false);
    db.close().unwrap();
    let reopened = open(&dir.path().join("churned"));
    assert_eq!(answers(&reopened, &queries, false), before, "a reopened database gives the same answers");
}

#[test]
fn everything_can_be_deleted_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db"));
    let data = Shape::Clusters.rows(Scalar::F32, DIM, 3000, 0).0.values();
    let all: Vec<u64> = (0..3000).collect();
    for _ in 0..3 {
        db.insert_batch(&all, Vectors::f32(&data, DIM).unwrap(), None).unwrap();
        db.wait_indexed(None).unwrap();
        assert_eq!(db.delete_batch(&all).unwrap(), 3000);
        db.wait_indexed(None).unwrap();
        let stats = db.stats().unwrap();
        assert_eq!((stats.live, stats.graph_nodes), (0, 0));
        assert!(stats.deleted <= 3000, "{stats:?}");
    }
    db.close().unwrap();
    assert_eq!(open(&dir.path().join("db")).count().unwrap(), 0);
}
