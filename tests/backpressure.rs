//! Backpressure: writers wait for the graph, or are told to, and never wait for what cannot come.

#[path = "common/patience.rs"]
mod patience;

use patience::cancel_later;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use vdb::{Database, ErrorKind, Options, Task, Vectors, WhenBehind};

const DIM: usize = 64;
const BATCH: u64 = 1000;

fn options() -> Options {
    // A slow graph: rows come much faster than they are linked.
    Options::new().dim(DIM as u32).graph_min_rows(1000).ef_construction(400).threads(1)
}

fn values(from: u64) -> Vec<f32> {
    let value = |i: u64| (vdb::util::hash::mix(from, i) % 2048) as f32 / 1024.0 - 1.0;
    (0..BATCH * DIM as u64).map(value).collect()
}

fn put(db: &Database, from: u64, task: Option<&Task>) -> vdb::Result<()> {
    let ids: Vec<u64> = (from..from + BATCH).collect();
    db.insert_batch(&ids, Vectors::f32(&values(from), DIM)?, task)
}

fn unindexed(db: &Database) -> u64 {
    db.stats().unwrap().unindexed
}

#[test]
fn rows_that_wait_for_the_graph_stay_near_the_limit() {
    let db = Database::open(None, &options().max_unindexed(2500)).unwrap();
    let asked: &'static AtomicU64 = Box::leak(Box::default());
    let (mut batches, mut held_back) = (0, 0);
    // More than twelve batches only where the graph keeps up with the writer.
    while batches < 12 || held_back == 0 && batches < 40 {
        let task = Task::new();
        asked.store(0, SeqCst);
        task.on_progress(Some(Box::new(|done, _| {
            asked.fetch_add(u64::from(done == 0), SeqCst);
            true
        })));
        put(&db, batches * BATCH, Some(&task)).unwrap();
        batches += 1;
        // Once before the wait.
        held_back += u64::from(asked.load(SeqCst) > 1);
        // Looked at when a call begins, so by a batch more; and by a step that is not due yet.
        assert!(unindexed(&db) <= 2500 + BATCH, "{} after {batches} batches", unindexed(&db));
    }
    assert!(held_back > 0, "no write ever waited");
    assert_eq!(db.count().unwrap(), batches * BATCH);
}

#[test]
fn a_busy_database_says_so_and_takes_the_batch_later() {
    let db = Database::open(None, &options().max_unindexed(2000).when_behind(WhenBehind::Busy)).unwrap();
    let (mut refused, mut written) = (0, 0);
    // More than ten only where the graph keeps up with the writer.
    while written < 10 || refused == 0 && written < 40 {
        match put(&db, written * BATCH, None) {
            Ok(()) => written += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Busy);
                assert!(error.message().contains("storage.max_unindexed = 2000"), "{error}");
                refused += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        assert_eq!(db.count().unwrap(), written * BATCH);
    }
    assert!(refused > 0);
    // Deleting is never refused.
    assert_eq!(db.delete_batch(&[1, 2, 3]).unwrap(), 3);
}

#[test]
fn nobody_waits_for_work_that_is_not_due() {
    // Fewer rows than a graph is built from.
    let db = Database::open(None, &options().graph_min_rows(50_000).max_unindexed(1)).unwrap();
    (0..5).for_each(|batch| put(&db, batch * BATCH, None).unwrap());
    assert_eq!(unindexed(&db), 5 * BATCH);
    // Rows that the next step leaves for later.
    let db = Database::open(None, &options().max_unindexed(1)).unwrap();
    (0..5).for_each(|batch| put(&db, batch * BATCH, None).unwrap());
    db.wait_indexed(None).unwrap();
    let few = Vectors::f32(&[0.5; DIM], DIM).unwrap();
    let task = Task::new();
    cancel_later(&task);
    (0..20).for_each(|i| db.insert_batch(&[1 << 40 | i], few, Some(&task)).expect("no wait without an end"));
    assert!(unindexed(&db) >= 20);
}

#[test]
fn a_task_ends_the_wait_and_nothing_is_written() {
    let db = Database::open(None, &options().max_unindexed(1)).unwrap();
    put(&db, 0, None).unwrap();
    put(&db, BATCH, None).unwrap();
    let asked = AtomicU64::new(0);
    let asked: &'static AtomicU64 = Box::leak(Box::new(asked));
    for batch in 2..40 {
        let task = Task::new();
        asked.store(0, SeqCst);
        // The first question comes before the wait.
        task.on_progress(Some(Box::new(|_, _| asked.fetch_add(1, SeqCst) == 0)));
        match put(&db, batch * BATCH, Some(&task)) {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Cancelled);
                assert_eq!(db.count().unwrap(), batch * BATCH);
                return;
            }
            Ok(()) => assert_eq!(db.count().unwrap(), (batch + 1) * BATCH),
        }
    }
    panic!("no write ever waited");
}

#[test]
fn closing_does_not_wait_for_writers_that_wait() {
    let db = std::sync::Arc::new(Database::open(None, &options().max_unindexed(1)).unwrap());
    let writers: Vec<_> = (0..3)
        .map(|thread| {
            let db = db.clone();
            std::thread::spawn(move || (0..4).for_each(|b| put(&db, (thread * 4 + b) * BATCH, None).unwrap()))
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    assert_eq!(db.count().unwrap(), 12 * BATCH);
    std::sync::Arc::into_inner(db).unwrap().close().unwrap();
}
