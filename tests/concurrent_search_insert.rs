//! Eight readers beside writers: every search sees one whole state of the
//! database, never half a batch, a deleted row or a wrong distance, and never
//! waits for the writer (promises P2, P3, P10; test T13).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};
use vdb::{Database, Hits, ID_NONE, Metric, Options, Scalar, SearchParams, Vectors};

const DIM: usize = 8;
/// Rows of one batch; all of them carry the number of the batch.
const BATCH: u64 = 50;
/// Batches that are there at a time.
const WINDOW: u64 = 60;
const BATCHES: u64 = 300;

/// Row `i` of batch `b`: the first two components name the batch.
fn row(batch: u64, i: u64) -> [u8; DIM] {
    let h = vdb::util::hash::mix(batch * BATCH + i, 5).to_le_bytes();
    [(batch / 256) as u8, (batch % 256) as u8, h[0], h[1], h[2], h[3], h[4], h[5]]
}

fn put(db: &Database, batch: u64) {
    let ids: Vec<u64> = (0..BATCH).map(|i| batch * BATCH + i).collect();
    let bytes: Vec<u8> = (0..BATCH).flat_map(|i| row(batch, i)).collect();
    db.insert_batch(&ids, Vectors::u8(&bytes, DIM).unwrap(), None).unwrap();
}

/// One search for everything near `query`; checks that the answer is one state.
fn look(db: &Database, query: &[u8; DIM], k: usize, first_live: &AtomicU64, last_written: &AtomicU64) {
    let (oldest, newest) = (first_live.load(SeqCst), last_written.load(SeqCst));
    let (mut ids, mut distances, mut counts) = (vec![0; k], vec![0.0; k], [0]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let params = SearchParams { exact: k > 1000, ..SearchParams::default() };
    db.search(Vectors::u8(query, DIM).unwrap(), k, &params, hits).unwrap();
    let found = &ids[..counts[0] as usize];
    let mut sorted = found.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), found.len(), "a row was returned twice");
    for (&id, &distance) in found.iter().zip(&distances) {
        assert_ne!(id, ID_NONE);
        let (batch, i) = (id / BATCH, id % BATCH);
        let exact: i32 = row(batch, i).iter().zip(query).map(|(&a, &b)| (a as i32 - b as i32).pow(2)).sum();
        assert_eq!(distance, exact as f32, "a row at another row's distance");
        assert!(batch >= oldest, "row of batch {batch}, which was deleted before the search began");
    }
    if k > 1000 {
        // Everything was asked for: whole batches, from one moment.
        let batches: std::collections::BTreeSet<u64> = found.iter().map(|id| id / BATCH).collect();
        assert_eq!(found.len() as u64, batches.len() as u64 * BATCH, "half a batch");
        assert!(batches.len() as u64 <= WINDOW + 1 && batches.last() >= Some(&newest.min(BATCHES)));
        assert!(batches.last().unwrap() - batches.first().unwrap() < batches.len() as u64, "a batch is missing");
    }
}

fn run(db: &Database) -> u64 {
    let (stop, searches) = (AtomicBool::new(false), AtomicU64::new(0));
    let (first_live, last_written) = (AtomicU64::new(0), AtomicU64::new(0));
    put(db, 0);
    std::thread::scope(|scope| {
        for thread in 0..8u64 {
            let (stop, searches, first_live, last_written) = (&stop, &searches, &first_live, &last_written);
            scope.spawn(move || {
                let mut n = thread;
                while !stop.load(SeqCst) {
                    let query = row(n % BATCHES, n % BATCH);
                    let k = if n % 4 == 0 { 2 * (WINDOW * BATCH) as usize } else { 10 };
                    look(db, &query, k, first_live, last_written);
                    searches.fetch_add(1, SeqCst);
                    n += 1;
                }
            });
        }
        for batch in 1..BATCHES {
            put(db, batch);
            last_written.store(batch, SeqCst);
            if batch >= WINDOW {
                let gone = batch - WINDOW;
                let ids: Vec<u64> = (gone * BATCH..(gone + 1) * BATCH).collect();
                assert_eq!(db.delete_batch(&ids).unwrap(), BATCH);
                first_live.store(gone + 1, SeqCst);
            }
            if batch % 100 == 0 {
                db.checkpoint(None).unwrap();
            }
        }
        stop.store(true, SeqCst);
    });
    db.wait_indexed(None).unwrap();
    assert_eq!(db.count().unwrap(), WINDOW * BATCH);
    assert_eq!(db.stats().unwrap().graph_unreachable, 0);
    searches.load(SeqCst)
}

#[test]
fn readers_see_whole_states_in_memory_and_on_disk() {
    // A graph from 300 rows on, so that extending, consolidating and compacting all happen.
    let options = Options::new().dim(DIM as u32).scalar(Scalar::U8).metric(Metric::L2sq).graph_min_rows(300);
    let memory = Database::open_on(None, &options, Some(8)).unwrap();
    assert!(run(&memory) > 100);
    assert!(memory.stats().unwrap().compactions > 0);
    let dir = tempfile::tempdir().unwrap();
    assert!(run(&Database::open(Some(dir.path()), &options).unwrap()) > 100);
}

#[test]
fn many_writers_share_commits_and_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options::new().dim(DIM as u32).scalar(Scalar::U8);
    let db = Database::open(Some(dir.path()), &options).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..16u64 {
            let db = &db;
            scope.spawn(move || {
                for n in 0..25u64 {
                    let id = thread * 1000 + n;
                    db.insert_batch(&[id], Vectors::u8(&row(thread, n), DIM).unwrap(), None).unwrap();
                    // Whoever is told OK can read the row at once.
                    let (mut out, mut found) = ([0; DIM], [0]);
                    db.get_batch(&[id], Scalar::U8, &mut out, 0, &mut found).unwrap();
                    assert_eq!((out, found), (row(thread, n), [1]));
                }
            });
        }
    });
    assert_eq!((db.count().unwrap(), db.stats().unwrap().lsn), (400, 400));
    drop(db);
    assert_eq!(Database::open(Some(dir.path()), &options).unwrap().count().unwrap(), 400);
}

#[test]
fn a_search_does_not_wait_for_a_long_write() {
    let options = Options::new().dim(DIM as u32).scalar(Scalar::U8);
    let db = Database::open(None, &options).unwrap();
    put(&db, 0);
    let bytes: Vec<u8> = (0..400_000u64).flat_map(|i| row(1 + i / 1000, i % 1000)).collect();
    let ids: Vec<u64> = (1000..401_000).rev().collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            db.insert_batch(&ids, Vectors::u8(&bytes, DIM).unwrap(), None).unwrap();
            done.store(true, SeqCst);
        });
        let (mut seen, mut longest, mut beside) = (0, Duration::ZERO, 0);
        while !done.load(SeqCst) {
            let start = Instant::now();
            seen = db.count().unwrap();
            let (mut id, mut distance, mut count) = ([0], [0.0], [0]);
            let hits = Hits { ids: &mut id, distances: &mut distance, counts: &mut count };
            if seen == BATCH {
                db.search(Vectors::u8(&row(0, 3), DIM).unwrap(), 1, &SearchParams::default(), hits).unwrap();
                longest = longest.max(start.elapsed());
                beside += 1;
            }
            assert!(seen == BATCH || seen == BATCH + 400_000, "half a batch: {seen} rows");
        }
        eprintln!("{beside} searches beside a write of 400,000 rows, the longest {longest:?}, {seen} rows seen last");
        assert!(beside > 10, "searches waited for the writer");
    });
    assert_eq!(db.count().unwrap(), BATCH + 400_000);
}
