//! The limit on the memory of one search holds, as the allocator counts it; within it a search finds k rows, says so
//! when it may have found less, and is refused only where not even k results fit.

mod common;

use common::Answer;
use common::patience::eventually;
use common::rows::Rows;
use common::shapes::Shape;
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use vdb::storage::OsStorage;
use vdb::{Database, ErrorKind, Filter, Hits, Options, Originals, Outcome, Quant, Scalar, SearchParams};

static HELD: AtomicI64 = AtomicI64::new(0);
static MOST: AtomicI64 = AtomicI64::new(0);

/// The system allocator, which knows how much is held, and was at most.
struct Measuring;

fn count(bytes: i64) {
    let held = HELD.fetch_add(bytes, SeqCst) + bytes;
    MOST.fetch_max(held, SeqCst);
}

// SAFETY: every call is passed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Measuring {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Measuring = Measuring;

/// One test at a time: the allocator is the whole program's.
static ALONE: Mutex<()> = Mutex::new(());

/// What a search takes whatever its size: a list of the links of a node, names of threads.
const BESIDE: i64 = 16 << 10;
const DIM: usize = 64;
const K: usize = 10;

fn options() -> Options {
    Options::new().dim(DIM as u32).quant(Quant::Sq8)
}

/// A database that is only read, so that no thread of its own takes memory, and whose searches have taken none yet.
fn open(dir: &Path, options: &Options) -> Database {
    let storage = OsStorage::open(dir, false, true).unwrap();
    Database::open_on(Some(Box::new(storage)), &options.clone().read_only(true), None).unwrap()
}

/// Writes a database of chunks of 1,024 rows.
fn write(dir: &Path, options: &Options, rows: &Rows, prepare: impl FnOnce(&Database)) {
    let storage = OsStorage::open(dir, true, true).unwrap();
    let db = Database::open_on(Some(Box::new(storage)), options, Some(10)).unwrap();
    common::fill(&db, rows);
    prepare(&db);
    db.close().unwrap();
}

/// The answer to one query, how it ended, and the bytes it took at most.
fn search(db: &Database, query: &Rows, params: &SearchParams) -> vdb::Result<(Answer, Outcome, i64)> {
    let (mut ids, mut distances, mut counts) = ([0; K], [0.0; K], [0; 1]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let before = HELD.load(SeqCst);
    MOST.store(before, SeqCst);
    let outcome = db.search(query.vectors(), K, params, hits)?;
    let took = MOST.load(SeqCst) - before;
    let found = counts[0] as usize;
    Ok((ids[..found].iter().copied().zip(distances[..found].iter().copied()).collect(), outcome, took))
}

/// How searches ended, from the smallest limit to the largest.
#[derive(Default)]
struct Seen {
    refused: u32,
    partial: u32,
    exact: u32,
    whole: u32,
}

/// Searches with limits from next to nothing to plenty.
fn sweep(dir: &Path, options: &Options, query: &Rows, params: &SearchParams) -> Seen {
    let mut seen = Seen::default();
    // What a filter keeps is its own.
    let warm = open(dir, options);
    let exact = search(&warm, query, &SearchParams { exact: true, ..params.clone() }).unwrap().0;
    let (whole, outcome, needed) = search(&open(dir, options), query, params).unwrap();
    assert_eq!((outcome, whole.len()), (Outcome::Complete, K));
    let mut limit = 64.0;
    let mut last = false;
    while !last {
        last = limit > 4.0 * needed as f64 + 200_000.0;
        let max_memory = limit as u64;
        limit *= 1.11;
        let db = open(dir, options);
        if let Some(filter) = &params.filter {
            db.count_passing(filter).unwrap();
        }
        let (answer, outcome, took) = match search(&db, query, &SearchParams { max_memory, ..params.clone() }) {
            Ok(found) => found,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
                assert!(error.message().contains(&format!("max_memory of the search is {max_memory}")), "{error}");
                assert!(seen.partial + seen.exact + seen.whole == 0, "refused with more than was enough");
                seen.refused += 1;
                continue;
            }
        };
        assert!(took <= max_memory as i64 + BESIDE, "{took} bytes where {max_memory} are allowed");
        assert_eq!(answer.len(), K, "at {max_memory}");
        match outcome {
            Outcome::Partial => {
                let right = answer.iter().filter(|hit| exact.contains(hit)).count();
                assert!(right >= K / 2, "{right} of {K} at {max_memory}");
                seen.partial += 1;
            }
            // Told as complete: all compared, or the same walk as without a limit.
            Outcome::Complete => {
                assert!(answer == exact || answer == whole, "{answer:?} at {max_memory}");
                seen.exact += u32::from(answer != whole || seen.partial == 0);
                seen.whole += u32::from(answer == whole && seen.partial > 0);
            }
        }
    }
    seen
}

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[test]
fn a_walk_gets_narrower_and_then_gives_way_to_comparing() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 6000, 3);
    write(dir.path(), &options(), &rows, |_| ());
    for (ef, target_recall) in [(300, 0.0), (0, 0.99)] {
        let params = SearchParams { ef, target_recall, ..SearchParams::default() };
        let seen = sweep(dir.path(), &options(), &queries.slice(0, 1), &params);
        assert!(seen.refused > 20 && seen.exact > 3 && seen.partial > 3 && seen.whole > 3, "{target_recall}");
    }
    let params = SearchParams { exact: true, ..SearchParams::default() };
    let seen = sweep(dir.path(), &options(), &queries.slice(1, 1), &params);
    assert_eq!(seen.partial, 0, "comparing takes no more than the results");
}

#[test]
fn filters_and_deleted_rows_keep_to_it() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 6000, 3);
    // A few dead nodes that still lead the way.
    write(dir.path(), &options(), &rows, |db| {
        db.delete_batch(&(0..500).map(|i| i * 12).collect::<Vec<_>>()).unwrap();
    });
    for share in [2, 5, 40] {
        let ids: Vec<u64> = (0..6000).filter(|id| id % share == 1).collect();
        let filter = Filter::ids(&ids, true).unwrap();
        let params = SearchParams { filter: Some(filter), ef: 100, ..SearchParams::default() };
        let seen = sweep(dir.path(), &options(), &queries.slice(0, 1), &params);
        assert!(seen.refused > 20 && seen.exact + seen.whole > 10, "one of {share}");
    }
    let params = SearchParams { ef: 300, ..SearchParams::default() };
    let seen = sweep(dir.path(), &options(), &queries.slice(1, 1), &params);
    assert!(seen.partial > 3);
}

#[test]
fn rows_without_vectors_keep_to_it() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 9000, 2);
    let options = options().originals(Originals::Drop);
    write(dir.path(), &options, &rows, |db| assert!(db.stats().unwrap().decoded > 5000));
    let filter = Filter::ids(&(0..9000).filter(|id| id % 3 == 0).collect::<Vec<_>>(), true).unwrap();
    for filter in [None, Some(filter)] {
        let params = SearchParams { filter, ef: 200, ..SearchParams::default() };
        let seen = sweep(dir.path(), &options, &queries.slice(0, 1), &params);
        assert!(seen.refused > 20 && seen.exact + seen.whole > 5);
    }
}

/// Rows that no graph covers: a scan by sketches gives way to one of all vectors, on fewer threads.
#[test]
fn scans_keep_to_it() {
    let _alone = alone();
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 40_000, 2);
    let options = options().graph_min_rows(1 << 30).threads(4);
    let db = Database::open(None, &options).unwrap();
    common::fill(&db, &rows);
    let exact = search(&db, &queries.slice(0, 1), &SearchParams { exact: true, ..SearchParams::default() }).unwrap().0;
    let compared = || db.stats().unwrap().distance_computations;
    eventually("all rows have sketches", || {
        let before = compared();
        search(&db, &queries.slice(0, 1), &SearchParams::default()).unwrap();
        compared() - before < 5000
    });
    let count_with = |max_memory| {
        let before = compared();
        let found = search(&db, &queries.slice(0, 1), &SearchParams { max_memory, ..SearchParams::default() }).unwrap();
        assert_eq!((found.0, found.1), (exact.clone(), Outcome::Complete));
        compared() - before
    };
    assert!(count_with(1 << 20) < 5000, "there is room for sketches");
    assert_eq!(count_with(2000), 40_000, "there is none");
}

#[test]
fn a_range_search_tells_when_more_are_within_than_fit() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 3000, 1);
    write(dir.path(), &options(), &rows, |_| ());
    let db = open(dir.path(), &options());
    let within = |max_memory, radius| {
        let (mut ids, mut distances) = (vec![0; 2000], vec![0.0; 2000]);
        let params = SearchParams { exact: true, max_memory, ..SearchParams::default() };
        db.search_range(queries.vectors(), radius, &params, &mut ids, &mut distances).map(|found| (found, ids))
    };
    let ((outcome, all), ids) = within(0, f32::INFINITY).unwrap();
    assert_eq!((outcome, all), (Outcome::Complete, 2001));
    let ((outcome, some), nearest) = within(10_000, f32::INFINITY).unwrap();
    assert_eq!((outcome, nearest[..some].to_vec()), (Outcome::Partial, ids[..some].to_vec()));
    assert!((500..625).contains(&some), "{some} results of 16 bytes");
    // Fewer lie within than fit: nothing is missing.
    let few = common::search(&db, &queries, 100, &SearchParams { exact: true, ..SearchParams::default() });
    let ((outcome, some), _) = within(10_000, few[0][99].1).unwrap();
    assert_eq!((outcome, some), (Outcome::Complete, 100));
    assert_eq!(within(600, f32::INFINITY).unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn measured_recall_is_that_of_the_limited_search() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let (rows, queries) = Shape::Clusters.rows(Scalar::F32, DIM, 6000, 100);
    write(dir.path(), &options(), &rows, |_| ());
    let db = open(dir.path(), &options());
    let recall = |max_memory| {
        let params = SearchParams { ef: 200, max_memory, ..SearchParams::default() };
        db.measure_recall(queries.vectors(), K, &params, None).map(|found| found.recall)
    };
    // Somewhere in between there is room for a walk of hardly more than k candidates.
    let narrow = (1800..2600).step_by(40).map(|bytes| recall(bytes).unwrap()).fold(1.0, f64::min);
    assert!(narrow < recall(0).unwrap() && narrow > 0.5, "{narrow}");
    assert_eq!(recall(100).unwrap_err().kind(), ErrorKind::Limit);
}
