//! The cache of results gives the answers that searches give without it, through every change of the rows and the graph; it
//! keeps whole answers only, and within its bytes.

mod common;

use common::Answer;
use common::rows::Rows;
use common::shapes::{Rng, Shape};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;
use vdb::{Database, Filter, Hits, Options, Outcome, Scalar, SearchParams, Task};

const DIM: usize = 24;
const BYTES: u64 = 8 << 20;

fn options() -> Options {
    Options::new().dim(DIM as u32).graph_min_rows(400).cache_bytes(BYTES)
}

/// Hits and misses so far.
fn looked(db: &Database) -> (u64, u64) {
    let stats = db.stats().unwrap();
    (stats.cache_hits, stats.cache_misses)
}

fn within(db: &Database, query: &Rows, radius: f32, places: usize, params: &SearchParams) -> (Outcome, usize, Answer) {
    let (mut ids, mut distances) = (vec![7; places], vec![7.0; places]);
    let (outcome, found) = db.search_range(query.vectors(), radius, params, &mut ids, &mut distances).unwrap();
    (outcome, found, ids.into_iter().zip(distances).collect())
}

/// Searches of all kinds, each with and without the cache; the same twice, so that the second is a hit.
fn compare(db: &Database, queries: &Rows, filters: &[Filter]) {
    let filters = filters.iter().cloned().map(Some).chain([None]);
    for filter in filters {
        for (exact, ef, target_recall, rerank) in
            [(false, 0, 0.0, 0), (false, 30, 0.0, 50), (false, 0, 0.9, 0), (true, 0, 0.0, 0)]
        {
            let cached =
                SearchParams { exact, ef, target_recall, rerank, filter: filter.clone(), ..SearchParams::default() };
            let plain = SearchParams { no_cache: true, ..cached.clone() };
            for k in [1, 10] {
                let one = queries.slice(0, 1);
                let (all, alone) = (common::search(db, queries, k, &plain), common::search(db, &one, k, &plain));
                for _ in 0..2 {
                    assert_eq!(common::search(db, queries, k, &cached), all);
                    assert_eq!(common::search(db, &one, k, &cached), alone);
                }
            }
            let radius = common::search(db, &queries.slice(1, 1), 10, &plain)[0].last().map_or(0.0, |hit| hit.1);
            for places in [4, 40] {
                let one = queries.slice(1, 1);
                let expected = within(db, &one, radius, places, &plain);
                (0..2).for_each(|_| assert_eq!(within(db, &one, radius, places, &cached), expected));
            }
        }
    }
}

#[test]
fn answers_are_the_same_with_and_without_through_all_changes() {
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 1600, 6);
    let db = Database::open(None, &options()).unwrap();
    let filters = [
        Filter::ids(&(0..1600).filter(|id| id % 3 == 0).collect::<Vec<_>>(), true).unwrap(),
        Filter::ids(&[3, 99, 450], true).unwrap(),
        Filter::ids(&[3, 99, 450], false).unwrap(),
    ];
    compare(&db, &queries, &filters);
    let mut rng = Rng(3);
    for step in 0..12u64 {
        match step % 4 {
            0 | 1 => {
                let ids: Vec<u64> = (0..150).map(|i| step * 120 + i).collect();
                db.upsert_batch(&ids, rows.slice(rng.below(1000), 150).vectors(), None).unwrap();
            }
            2 => _ = db.delete_batch(&(0..60).map(|_| rng.below(1400) as u64).collect::<Vec<_>>()).unwrap(),
            _ => db.wait_indexed(None).unwrap(),
        }
        compare(&db, &queries, &filters);
    }
    let (hits, misses) = looked(&db);
    assert!(hits > 1000 && misses > 1000, "{hits} hits, {misses} misses");
    assert!(db.stats().unwrap().bytes_cache <= BYTES);
}

#[test]
fn the_second_question_is_a_hit_until_anything_changes() {
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 900, 4);
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(Some(dir.path()), &options()).unwrap();
    common::fill(&db, &rows);
    let params = SearchParams::default();
    let ask = |params: &SearchParams| {
        let before = looked(&db);
        common::search(&db, &queries, 5, params);
        let after = looked(&db);
        (after.0 - before.0, after.1 - before.1)
    };
    let (miss, hit) = ((0, 4), (4, 0));
    assert_eq!([ask(&params), ask(&params)], [miss, hit]);
    // Distances are not computed again.
    let compared = db.stats().unwrap().distance_computations;
    ask(&params);
    let stats = db.stats().unwrap();
    assert_eq!((stats.distance_computations, stats.searches), (compared, 12));
    // Other parameters are other questions.
    let filter =
        |ids: &[u64]| SearchParams { filter: Some(Filter::ids(ids, true).unwrap()), ..SearchParams::default() };
    let (some, same_ids) = (filter(&[1, 2, 3]), filter(&[1, 2, 3]));
    let others = [
        SearchParams { ef: 9, ..params.clone() },
        SearchParams { rerank: 77, ..params.clone() },
        SearchParams { target_recall: 0.9, ..params.clone() },
        SearchParams { exact: true, ..params.clone() },
        SearchParams { max_memory: 1 << 20, ..params.clone() },
        some,
        same_ids,
    ];
    for other in &others {
        assert_eq!([ask(other), ask(other)], [miss, hit], "{other:?}");
    }
    // A condition is the same question however often it is parsed.
    let parsed = |text| SearchParams { filter: Some(Filter::parse(text).unwrap()), ..SearchParams::default() };
    assert_eq!([ask(&parsed("a is null")), ask(&parsed("a  is null")), ask(&parsed("b is null"))], [miss, hit, miss]);
    assert_eq!(ask(&SearchParams { no_cache: true, ..params.clone() }), (0, 0));
    // A time limit that has not passed decides nothing.
    assert_eq!(ask(&SearchParams { deadline: Some(Duration::from_secs(600)), ..params.clone() }), hit);
    // Everything that makes another view.
    db.upsert_batch(&[5], rows.slice(0, 1).vectors(), None).unwrap();
    assert_eq!([ask(&params), ask(&params)], [miss, hit]);
    db.delete_batch(&[5]).unwrap();
    assert_eq!([ask(&params), ask(&params)], [miss, hit]);
    db.delete_batch(&[5]).unwrap();
    assert_eq!(ask(&params), hit, "nothing was deleted");
    db.wait_indexed(None).unwrap();
    ask(&params);
    assert_eq!(ask(&params), hit);
    db.clear_cache();
    assert_eq!((ask(&params), db.stats().unwrap().bytes_cache > 0), (miss, true));
    db.clear_cache();
    assert_eq!(db.stats().unwrap().bytes_cache, 0);
}

#[test]
fn what_is_not_whole_is_not_kept() {
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 3000, 1);
    let db = Database::open(None, &options()).unwrap();
    common::fill(&db, &rows);
    let cancelled = Task::new();
    cancelled.cancel();
    let stopped = [
        SearchParams { task: Some(cancelled), ..SearchParams::default() },
        SearchParams { deadline: Some(Duration::ZERO), ..SearchParams::default() },
        // Room for a walk of a few more than ten candidates.
        SearchParams { ef: 250, max_memory: 1300, ..SearchParams::default() },
    ];
    let search = |params: &SearchParams| {
        let (mut ids, mut distances, mut counts) = ([0; 10], [0.0; 10], [0; 1]);
        let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        db.search(queries.vectors(), 10, params, hits).unwrap()
    };
    for params in &stopped {
        for _ in 0..3 {
            assert_eq!(search(params), Outcome::Partial, "{params:?}");
            assert_eq!(within(&db, &queries, f32::INFINITY, 10, params).0, Outcome::Partial, "{params:?}");
        }
    }
    assert_eq!((looked(&db).0, db.stats().unwrap().bytes_cache), (0, 0));
    // And what is known does not make a stopped search whole.
    assert_eq!(search(&SearchParams::default()), Outcome::Complete);
    assert_eq!(search(&stopped[0]), Outcome::Partial);
}

#[test]
fn a_reader_sees_what_its_writer_wrote_and_nothing_older() {
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 1000, 3);
    let dir = tempfile::tempdir().unwrap();
    let writer = Database::open(Some(dir.path()), &options()).unwrap();
    writer.insert_batch(&[0, 1], rows.slice(0, 2).vectors(), None).unwrap();
    let reader = Database::open(Some(dir.path()), &options().read_only(true)).unwrap();
    for first in (2..1000).step_by(100) {
        let ids: Vec<u64> = (first..1000.min(first + 100)).collect();
        writer.insert_batch(&ids, rows.slice(first as usize, ids.len()).vectors(), None).unwrap();
        if first % 300 == 2 {
            writer.checkpoint(None).unwrap();
        }
        reader.refresh().unwrap();
        compare(&reader, &queries, &[]);
        reader.refresh().unwrap();
        let before = looked(&reader);
        compare(&reader, &queries, &[]);
        assert_eq!(looked(&reader).1, before.1, "nothing new, so nothing is missed");
    }
}

#[test]
fn searches_beside_a_writer_are_never_answered_from_before_it() {
    const ROWS: u64 = 400;
    let (query, _) = Shape::Clusters.rows(Scalar::F32, DIM, 1, 1);
    let db = Database::open(None, &options()).unwrap();
    let nearest = || common::search(&db, &query, 1, &SearchParams::default())[0].first().map_or(0, |hit| hit.0);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut last = 0;
                while !over.load(SeqCst) {
                    let id = nearest();
                    assert!(id >= last, "{id} after {last}");
                    last = id;
                }
            });
        }
        let write = || {
            for id in 1..=ROWS {
                // Nearer than all before.
                let values: Vec<f32> = query.values().iter().map(|x| x + 100.0 / id as f32).collect();
                db.insert_batch(&[id], vdb::Vectors::f32(&values, DIM).unwrap(), None).unwrap();
                if nearest() != id {
                    return Err(id);
                }
            }
            Ok(())
        };
        let written = write();
        over.store(true, SeqCst);
        assert_eq!(written, Ok(()), "seen as soon as written");
    });
}

#[test]
fn under_a_limit_on_memory_the_cache_makes_way() {
    let dim = 256;
    let options = Options::new().dim(dim).max_memory(16 << 20).graph_min_rows(1 << 30).cache_bytes(4 << 20);
    let db = Database::open(None, &options).unwrap();
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, dim as usize, 1000, 3000);
    let mut filled = 0;
    for batch in 0..100u64 {
        let ids: Vec<u64> = (batch * 1000..(batch + 1) * 1000).collect();
        let full = db.insert_batch(&ids, rows.vectors(), None).is_err();
        let bytes = db.stats().unwrap().bytes_cache;
        if full {
            assert_eq!(bytes, 0, "given back before the batch was refused");
            assert!(filled > 1 << 20, "it was in use before");
            return;
        }
        filled = filled.max(bytes);
        if batch < 5 {
            common::search(&db, &queries, 10, &SearchParams::default());
            filled = filled.max(db.stats().unwrap().bytes_cache);
        }
        let stats = db.stats().unwrap();
        assert!(stats.bytes_cache <= 4 << 20 && stats.bytes_memory <= stats.bytes_memory_max);
    }
    panic!("the limit never came");
}
