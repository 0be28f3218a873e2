//! What goes on behind the writers' backs must neither lose the database, nor
//! keep its callers waiting, nor go on for ever (promises P4, P8, P10).

#[path = "common/patience.rs"]
mod patience;

use patience::{cancel_later, eventually};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use vdb::storage::sim::SimStorage;
use vdb::{Database, ErrorKind, Options, Result, Task, Vectors};

/// Enough components for codes to be trained.
const DIM: usize = 64;
const EIO: i32 = 5;

fn options() -> Options {
    Options::new().dim(DIM as u32).graph_min_rows(64).threads(1)
}

/// Chunks of 64 rows.
fn open(disk: &SimStorage) -> Result<Database> {
    Database::open_on(Some(Box::new(disk.clone())), &options(), Some(6))
}

fn put(db: &Database, ids: std::ops::Range<u64>) -> Result<()> {
    let ids: Vec<u64> = ids.collect();
    let component = |id: u64, d: usize| vdb::util::hash::mix(id << 16 | d as u64, 7) as u32 as f32 / u32::MAX as f32;
    let values: Vec<f32> = ids.iter().flat_map(|&id| (0..DIM).map(move |d| component(id, d))).collect();
    db.insert_batch(&ids, Vectors::f32(&values, DIM)?, None)
}

/// The graph ends with a chunk, that chunk is compacted, and later rows follow
/// it: the codes ended with its last row, the graph with the hole behind, and
/// the database could be closed but not opened ("fewer codes than the graph has slots").
#[test]
fn a_compacted_chunk_at_the_end_of_the_graph_can_be_opened_again() {
    let disk = SimStorage::new();
    let db = open(&disk).unwrap();
    put(&db, 0..256).unwrap();
    db.wait_indexed(None).unwrap();
    assert!(db.stats().unwrap().bytes_codes > 0, "this test is about codes");
    put(&db, 256..320).unwrap();
    db.delete_batch(&(200..256).collect::<Vec<_>>()).unwrap();
    eventually("the chunk is compacted", || db.stats().unwrap().compactions == 1);
    assert_eq!(db.stats().unwrap().unindexed, 64);
    db.close().unwrap();
    let db = open(&disk).unwrap();
    assert_eq!(db.count().unwrap(), 264);
    db.wait_indexed(None).unwrap();
    let stats = db.stats().unwrap();
    assert_eq!((stats.unindexed, stats.graph_unreachable, stats.graph_nodes), (0, 0, 264));
    db.close().unwrap();
    assert_eq!(open(&disk).unwrap().count().unwrap(), 264);
}

/// A task whose progress function keeps its call waiting until it is let go.
struct Held {
    task: Task,
    asked: Arc<AtomicBool>,
    go_on: Arc<AtomicBool>,
}

impl Held {
    fn new() -> Held {
        let held = Held { task: Task::new(), asked: Arc::default(), go_on: Arc::default() };
        cancel_later(&held.task);
        let (seen, allowed, cancelled) = (held.asked.clone(), held.go_on.clone(), held.task.clone());
        held.task.on_progress(Some(Box::new(move |_, _| {
            seen.store(true, SeqCst);
            eventually("the call is let go", || allowed.load(SeqCst) || cancelled.is_cancelled());
            true
        })));
        held
    }

    fn wait_until_asked(&self) {
        eventually("progress is told", || self.asked.load(SeqCst));
    }

    /// Lets the call go. It was cancelled meanwhile where `who` waited for it.
    fn let_go(&self, who: &str) {
        assert!(!self.task.is_cancelled(), "{who} waited for the progress function");
        self.go_on.store(true, SeqCst);
    }
}

/// No further view is shown after a failed write, so a step whose outcome is
/// never seen would be repeated for ever, at full speed.
#[test]
fn after_a_failed_write_graph_work_ends_and_a_wait_is_told() {
    let disk = SimStorage::new();
    let db = open(&disk).unwrap();
    put(&db, 0..200).unwrap();
    db.wait_indexed(None).unwrap();
    put(&db, 200..210).unwrap();
    disk.fail_at(disk.operations().len() + 1, EIO);
    assert_eq!(put(&db, 300..310).unwrap_err().kind(), ErrorKind::Io);
    let task = Task::new();
    cancel_later(&task);
    assert_eq!(db.wait_indexed(Some(&task)).unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!((db.count().unwrap(), db.stats().unwrap().unindexed), (210, 10));
    assert_eq!(db.close().unwrap_err().kind(), ErrorKind::Poisoned);
}

/// A progress function may take its time: neither writers nor the work itself wait for it.
#[test]
fn writers_do_not_wait_for_a_progress_function() {
    let db = Database::open(None, &options()).unwrap();
    put(&db, 0..3000).unwrap();
    let held = Held::new();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| db.wait_indexed(Some(&held.task)));
        held.wait_until_asked();
        // The tail is long enough to wake the indexer.
        put(&db, 10_000..13_000).unwrap();
        held.let_go("the write");
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn statistics_do_not_wait_for_a_checkpoint() {
    let disk = SimStorage::new();
    let db = open(&disk).unwrap();
    put(&db, 0..300).unwrap();
    let held = Held::new();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| db.checkpoint(Some(&held.task)));
        held.wait_until_asked();
        let stats = db.stats().unwrap();
        assert_eq!((stats.checkpoints, stats.checkpoint_lsn), (0, 0));
        held.let_go("statistics");
        writing.join().unwrap().unwrap();
    });
    let stats = db.stats().unwrap();
    assert_eq!((stats.checkpoints, stats.checkpoint_lsn), (1, 1));
    db.close().unwrap();
    assert_eq!(open(&disk).unwrap().stats().unwrap().checkpoint_lsn, 1);
}
