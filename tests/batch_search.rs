//! A batch of queries and a long scan get the same answers on any number of threads, and as one by one;
//! deadlines, faults of a query and limits on memory hold for each of its threads.

mod common;

use common::datasets;
use common::rows::Rows;
use common::shapes::Shape;
use std::time::Duration;
use vdb::{Database, ErrorKind, Hits, Options, Outcome, Scalar, SearchParams};

const K: usize = 10;

/// The rows of `set` as the only batch of a database, asked with more queries than any thread takes at a time.
fn database(options: Options) -> (Database, Rows) {
    let set = datasets::wordnet_sample();
    let options = options.dim(set.rows.dim() as u32).metric(set.metric).scalar(set.rows.scalar());
    let db = Database::open(None, &options).unwrap();
    common::fill(&db, &set.rows);
    (db, set.rows.slice(0, 700))
}

#[test]
fn threads_change_no_answer() {
    let params = SearchParams::default();
    let (one, queries) = database(Options::new().threads(1));
    let expected = common::search(&one, &queries, K, &params);
    for (i, expected) in expected.iter().enumerate() {
        assert_eq!(&common::search(&one, &queries.slice(i, 1), K, &params)[0], expected, "query {i}");
    }
    let distances = one.stats().unwrap().distance_computations;
    for threads in [2, 16] {
        let (many, _) = database(Options::new().threads(threads));
        for count in [31, 32, 33, 700] {
            let queries = queries.slice(0, count);
            assert!(common::search(&many, &queries, K, &params) == expected[..count], "{threads} threads");
        }
        assert!(many.stats().unwrap().distance_computations > distances / 2, "{threads} threads: work is counted");
    }
}

#[test]
fn a_deadline_holds_for_every_thread() {
    let (db, queries) = database(Options::new().threads(4));
    let (mut ids, mut distances, mut counts) = (vec![7; 700 * K], vec![7.0; 700 * K], vec![7; 700]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let params = SearchParams { deadline: Some(Duration::ZERO), ..SearchParams::default() };
    assert_eq!(db.search(queries.vectors(), K, &params, hits).unwrap(), Outcome::Partial);
    assert!(counts.iter().all(|&count| count == 0) && ids.iter().all(|&id| id == vdb::ID_NONE));
}

#[test]
fn the_query_to_blame_is_named_before_any_is_answered() {
    let (db, queries) = database(Options::new().threads(4));
    let mut values = queries.values();
    values[500 * queries.dim()] = f32::NAN;
    let (mut ids, mut distances, mut counts) = (vec![7; 700 * K], vec![7.0; 700 * K], vec![7; 700]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let vectors = vdb::Vectors::f32(&values, queries.dim()).unwrap();
    let error = db.search(vectors, K, &SearchParams::default(), hits).unwrap_err();
    assert_eq!((error.kind(), error.item()), (ErrorKind::NotFinite, Some(500)));
    assert!(ids.iter().all(|&id| id == 7) && counts.iter().all(|&count| count == 7));
}

/// Each thread wants memory of its own: where it is short, fewer threads answer.
#[test]
fn short_memory_takes_threads_not_answers() {
    let (free, queries) = database(Options::new().threads(1));
    // Working memory for so many results fits some thirty times into the share of searches; there is work for 43 threads.
    let k = 4000;
    let params = SearchParams { exact: true, ..SearchParams::default() };
    let expected = common::search(&free, &queries, k, &params);
    let (short, _) = database(Options::new().threads(64).max_memory(16 << 20));
    assert!(common::search(&short, &queries, k, &params) == expected);
    assert!(short.stats().unwrap().bytes_memory <= 16 << 20);
}

/// One query reads many megabytes: threads share them.
#[test]
fn a_long_scan_finds_the_same_on_any_number_of_threads() {
    const DIM: usize = 1536;
    const ROWS: usize = 24_000;
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, ROWS, 12);
    let asked = |threads| {
        let options = Options::new().dim(DIM as u32).threads(threads).graph_min_rows(u64::from(u32::MAX));
        let db = Database::open(None, &options).unwrap();
        common::fill(&db, &rows);
        db.delete_batch(&(0..ROWS as u64).step_by(3).collect::<Vec<_>>()).unwrap();
        let ask = |exact| {
            let params = SearchParams { exact, ..SearchParams::default() };
            (0..12).map(|i| common::search(&db, &queries.slice(i, 1), K, &params).remove(0)).collect::<Vec<_>>()
        };
        let exact = ask(true);
        // Sketches come a little later; with and without them the answers are those.
        for _ in 0..20 {
            assert!(ask(false) == exact, "{threads} threads");
        }
        exact
    };
    let one = asked(1);
    assert!(asked(4) == one);
}
