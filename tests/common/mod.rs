//! What the integration tests share: rows of any scalar type, data sets and
//! generated shapes, a plain exact search to compare with, and recall.
//!
//! Nothing here uses the library's own distances: the exact search is an
//! independent definition, in f64, so that a wrong kernel cannot agree with itself.

// Every test program compiles this module and uses a part of it.
#![allow(dead_code)]

pub mod batches;
pub mod datasets;
pub mod exact;
pub mod exercise;
pub mod kinds;
pub mod npy;
pub mod patience;
pub mod place;
pub mod refit;
pub mod rows;
pub mod shapes;
pub mod texts;
pub mod watched;

use exact::Truth;
use rows::Rows;
use vdb::db::{Database, Hits, Outcome, SearchParams};

/// Ids and distances of one query, nearest first.
pub type Answer = Vec<(u64, f32)>;

/// Inserts every row (id = row number) in a few batches and waits until all are indexed.
pub fn fill(db: &Database, rows: &Rows) {
    let ids: Vec<u64> = (0..rows.count() as u64).collect();
    for batch in ids.chunks(1000) {
        let part = rows.slice(batch[0] as usize, batch.len());
        db.insert_batch(batch, part.vectors(), None).expect("insert");
    }
    db.wait_indexed(None).expect("wait_indexed");
}

/// Answers to all queries in one call. Checks what holds for every search: counts,
/// order, distinct ids, and `NONE`/infinity in the unused places.
pub fn search(db: &Database, queries: &Rows, k: usize, params: &SearchParams) -> Vec<Answer> {
    let count = queries.count();
    let (mut ids, mut distances, mut counts) = (vec![0; count * k], vec![0.0; count * k], vec![0; count]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    assert_eq!(db.search(queries.vectors(), k, params, hits).expect("search"), Outcome::Complete);
    let answers = (0..count).map(|q| {
        let found = counts[q] as usize;
        let (ids, distances) = (&ids[q * k..][..k], &distances[q * k..][..k]);
        assert!(found <= k, "query {q}: {found} results for k = {k}");
        assert!(distances[..found].is_sorted(), "query {q}: distances out of order: {distances:?}");
        assert!(
            ids[found..].iter().all(|&id| id == vdb::db::ID_NONE)
                && distances[found..].iter().all(|d| *d == f32::INFINITY)
        );
        let mut distinct = ids[..found].to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), found, "query {q} returned a row twice: {ids:?}");
        ids[..found].iter().copied().zip(distances[..found].iter().copied()).collect()
    });
    answers.collect()
}

/// Recall at `truth.k()` with the given `ef` (0 = the default).
pub fn recall(db: &Database, queries: &Rows, truth: &Truth, ef: usize) -> f64 {
    let answers = search(db, queries, truth.k(), &SearchParams { ef, ..SearchParams::default() });
    truth.recall(&answers)
}
