//! A limit on memory holds (promise P9): several times as much data goes in as
//! the limit, as the operating system counts the process; what does not fit is
//! refused whole, and reads, deletes and waiting go on.

#[path = "common/texts.rs"]
mod texts;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::Duration;
use texts::{ids_of, metas_of, texts};
use vdb::{
    CheckLevel, Database, Durability, ErrorKind, Filter, Hits, ID_NONE, Options, Records, Result, SearchParams, Vectors,
};

const MIB: u64 = 1 << 20;
/// By how much the process may pass the limit: what the option's documentation promises, and
/// the batches of this test.
const ALLOWANCE: u64 = 32 * MIB;

/// The size of the process is that of all tests under way: those that measure it run alone.
static MEASURED: RwLock<()> = RwLock::new(());

fn alone() -> RwLockWriteGuard<'static, ()> {
    MEASURED.write().unwrap_or_else(PoisonError::into_inner)
}

fn beside() -> RwLockReadGuard<'static, ()> {
    MEASURED.read().unwrap_or_else(PoisonError::into_inner)
}

fn options(dim: usize, limit: u64) -> Options {
    let options = Options::new().dim(dim as u32).max_memory(limit).durability(Durability::None);
    options.graph_min_rows(1000).ef_construction(16).m(8).threads(2)
}

fn values(ids: &[u64], dim: usize) -> Vec<f32> {
    let component = |id: u64, d: usize| vdb::util::hash::mix(id << 16 | d as u64, 3) as u32 as f32 / u32::MAX as f32;
    ids.iter().flat_map(|&id| (0..dim).map(move |d| component(id, d))).collect()
}

fn insert(db: &Database, ids: std::ops::Range<u64>, dim: usize) -> Result<()> {
    let ids: Vec<u64> = ids.collect();
    db.insert_batch(&ids, Vectors::f32(&values(&ids, dim), dim)?, None)
}

fn search(db: &Database, query: &[f32], k: usize, exact: bool) -> Result<Vec<u64>> {
    let (mut ids, mut distances, mut counts) = (vec![0; k], vec![0.0; k], [0]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    db.search(Vectors::f32(query, query.len())?, k, &SearchParams { exact, ..SearchParams::default() }, hits)?;
    ids.truncate(counts[0] as usize);
    Ok(ids)
}

/// A line of /proc/self/status in bytes, where there is such a thing.
fn process(line: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let rest = status.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':'))?;
    Some(rest.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}

/// The most memory of its own that the process had while `work` ran: what is mapped from files
/// does not count, as the system takes it back when it likes. `None` where it cannot be told.
fn peak_while<T>(work: impl FnOnce() -> T) -> (T, Option<u64>) {
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(SeqCst) {
                peak.fetch_max(process("RssAnon").unwrap_or(0), SeqCst);
                thread::sleep(Duration::from_millis(2));
            }
        });
        // Also where it panics: the scope waits for the other thread.
        let result = catch_unwind(AssertUnwindSafe(work));
        done.store(true, SeqCst);
        (result.unwrap_or_else(|panic| resume_unwind(panic)), Some(peak.load(SeqCst)).filter(|&peak| peak > 0))
    })
}

#[test]
fn several_times_the_limit_goes_in_and_the_process_stays_small() {
    let _alone = alone();
    const DIM: usize = 512;
    const LIMIT: u64 = 24 * MIB;
    const ROWS: u64 = 50_000;
    let dir = tempfile::tempdir().unwrap();
    let before = process("RssAnon");
    let (rows, peak) = peak_while(|| {
        let db = Database::open(Some(dir.path()), &options(DIM, LIMIT)).unwrap();
        let mut rows = 0;
        while rows < ROWS {
            match insert(&db, rows..rows + 500, DIM) {
                Ok(()) => rows += 500,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
                    break;
                }
            }
            let stats = db.stats().unwrap();
            assert!(stats.bytes_memory <= LIMIT && stats.bytes_memory_max == LIMIT, "{stats:?}");
        }
        let indexed = db.wait_indexed(None);
        assert!(indexed.is_ok() || indexed.is_err_and(|error| error.kind() == ErrorKind::Limit));
        let stats = db.stats().unwrap();
        println!("{rows} rows, {} MiB of vectors, {} unindexed", stats.bytes_vectors / MIB, stats.unindexed);
        println!("{} of {} KiB, {} checkpoints", stats.bytes_memory >> 10, LIMIT >> 10, stats.checkpoints);
        assert_eq!(stats.live, rows);
        for id in [0, rows / 2, rows - 1] {
            assert_eq!(search(&db, &values(&[id], DIM), 1, true).unwrap(), [id]);
        }
        db.close().unwrap();
        rows
    });
    assert!(rows * 4 * DIM as u64 >= 4 * LIMIT, "{rows} rows");
    match (before, peak) {
        (Some(before), Some(peak)) => {
            println!("RssAnon {} KiB before, {} KiB at most, VmHWM {:?}", before >> 10, peak >> 10, process("VmHWM"));
            assert!(peak - before.min(peak) <= LIMIT + ALLOWANCE, "{} MiB", (peak - before) / MIB);
        }
        _ => println!("skipped: the process cannot tell its size here"),
    }
    let db = Database::open(Some(dir.path()), &options(DIM, LIMIT)).unwrap();
    assert_eq!(db.count().unwrap(), rows);
    assert!(db.check(CheckLevel::Structure, None).unwrap().is_sound());
    assert!(db.stats().unwrap().bytes_memory <= LIMIT);
}

#[test]
fn in_memory_the_batch_is_refused_and_everything_else_goes_on() {
    let _beside = beside();
    const DIM: usize = 64;
    const LIMIT: u64 = 16 * MIB;
    let db = Database::open(None, &options(DIM, LIMIT)).unwrap();
    let mut rows = 0;
    let refused = loop {
        match insert(&db, rows..rows + 1000, DIM) {
            Ok(()) => rows += 1000,
            Err(error) => break error,
        }
        assert!(rows < 100_000, "the limit never came");
    };
    assert_eq!(refused.kind(), ErrorKind::Limit);
    assert!(refused.message().contains("runtime.max_memory"), "{refused}");
    assert_eq!(db.count().unwrap(), rows);
    assert_eq!(search(&db, &values(&[rows - 1], DIM), 1, true).unwrap(), [rows - 1]);
    assert_eq!(search(&db, &values(&[rows], DIM), 1, true).unwrap().len(), 1);
    assert_eq!(db.delete_batch(&[rows - 1, rows]).unwrap(), 1);
    assert_eq!(db.count().unwrap(), rows - 1);
    // Ends, one way or the other, and again.
    for _ in 0..2 {
        match db.wait_indexed(None) {
            Ok(()) => assert_eq!(db.stats().unwrap().unindexed, 0),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
                assert!(db.stats().unwrap().unindexed > 0);
            }
        }
    }
    assert_eq!(search(&db, &values(&[5], DIM), 1, false).unwrap(), [5]);
    assert!(db.stats().unwrap().bytes_memory <= LIMIT);
    assert!(db.check(CheckLevel::Structure, None).unwrap().is_sound());
}

#[test]
fn graph_work_that_does_not_fit_is_put_off_and_done_when_there_is_room() {
    let _beside = beside();
    const DIM: usize = 4;
    const LIMIT: u64 = 16 * MIB;
    let dir = tempfile::tempdir().unwrap();
    // 1 KiB of links a row: the rows fit, their graph does not.
    let wide = |limit| options(DIM, limit).m(128).graph_min_rows(30_000);
    let db = Database::open(Some(dir.path()), &wide(LIMIT)).unwrap();
    for first in (0..30_000).step_by(5000) {
        insert(&db, first..first + 5000, DIM).unwrap();
    }
    assert_eq!(db.wait_indexed(None).unwrap_err().kind(), ErrorKind::Limit);
    let stats = db.stats().unwrap();
    assert_eq!((stats.live, stats.unindexed, stats.graph_nodes), (30_000, 30_000, 0));
    assert_eq!(search(&db, &values(&[29_999], DIM), 1, false).unwrap(), [29_999]);
    // Writes go on, and do not make it try for ever.
    let checkpoints = stats.checkpoints;
    for first in (30_000..31_000).step_by(10) {
        insert(&db, first..first + 10, DIM).unwrap();
    }
    assert!(db.stats().unwrap().checkpoints <= checkpoints + 5, "graph work is tried again and again");
    db.close().unwrap();
    let db = Database::open(Some(dir.path()), &wide(0)).unwrap();
    db.wait_indexed(None).unwrap();
    assert_eq!(db.stats().unwrap().unindexed, 0);
}

#[test]
fn a_log_that_needs_more_than_the_limit_is_refused_and_kept() {
    let _beside = beside();
    const DIM: usize = 1024;
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(Some(dir.path()), &options(DIM, 0).durability(Durability::Process)).unwrap();
    for first in (0..8000).step_by(1000) {
        insert(&db, first..first + 1000, DIM).unwrap();
    }
    db.abandon();
    let refused = Database::open(Some(dir.path()), &options(DIM, 16 * MIB)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Limit);
    assert!(refused.message().contains("runtime.max_memory"), "{refused}");
    assert_eq!(Database::open(Some(dir.path()), &options(DIM, 0)).unwrap().count().unwrap(), 8000);
}

#[test]
fn what_a_limited_writer_acknowledged_opens_under_its_limit() {
    let _beside = beside();
    const DIM: usize = 256;
    const LIMIT: u64 = 16 * MIB;
    let dir = tempfile::tempdir().unwrap();
    let mut rows = 0;
    for round in 0..6 {
        let db = Database::open(Some(dir.path()), &options(DIM, LIMIT).durability(Durability::Process)).unwrap();
        assert_eq!(db.count().unwrap(), rows, "round {round}");
        // Batches of many sizes, so that the end comes at many points.
        for size in [3000, 700, 1, 90, 2000 + 111 * round] {
            match insert(&db, rows..rows + size, DIM) {
                Ok(()) => rows += size,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Limit, "{error}"),
            }
        }
        db.abandon();
    }
    assert!(rows > 10_000, "{rows} rows");
}

#[test]
fn a_search_for_more_than_its_share_is_refused_and_a_smaller_one_is_not() {
    let _beside = beside();
    const DIM: usize = 4;
    let db = Database::open(None, &options(DIM, 16 * MIB).graph_min_rows(1 << 30)).unwrap();
    for first in (0..160_000).step_by(10_000) {
        insert(&db, first..first + 10_000, DIM).unwrap();
    }
    let query = values(&[7], DIM);
    assert_eq!(search(&db, &query, 160_000, true).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(search(&db, &query, 1000, true).unwrap().len(), 1000);
    // The room is not lost to the search that was refused.
    insert(&db, 160_000..160_010, DIM).unwrap();
}

#[test]
fn writers_at_the_limit_lose_nothing_that_was_acknowledged() {
    let _beside = beside();
    const DIM: usize = 128;
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(Some(dir.path()), &options(DIM, 16 * MIB)).unwrap();
    let acknowledged = AtomicU64::new(0);
    thread::scope(|scope| {
        for writer in 0..4u64 {
            let (db, acknowledged) = (&db, &acknowledged);
            scope.spawn(move || {
                for batch in 0..30 {
                    let first = (writer << 32) + batch * 400;
                    match insert(db, first..first + 400, DIM) {
                        Ok(()) => _ = acknowledged.fetch_add(400, SeqCst),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Limit, "{error}"),
                    }
                    assert_eq!(search(db, &values(&[first], DIM), 1, false).unwrap().len(), 1);
                }
            });
        }
    });
    let acknowledged = acknowledged.load(SeqCst);
    println!("{acknowledged} of 48000 rows went in");
    assert_eq!(db.count().unwrap(), acknowledged);
    assert!(acknowledged > 30_000, "relief lets most go in");
    assert!(db.check(CheckLevel::Structure, None).unwrap().is_sound());
}

/// A key and about 2 KiB of metadata for each row; no two texts are alike.
fn key(id: u64) -> String {
    format!("key {id}")
}

fn meta(id: u64, version: u64) -> String {
    let text = format!("{id:016x}").repeat(128);
    format!("{{\"text\":\"{text}\",\"n\":{},\"version\":{version}}}", id % 100)
}

fn insert_records(db: &Database, ids: std::ops::Range<u64>, dim: usize) -> Result<()> {
    let mut ids: Vec<u64> = ids.collect();
    let keys: Vec<String> = ids.iter().map(|&id| key(id)).collect();
    let meta: Vec<String> = ids.iter().map(|&id| meta(id, 0)).collect();
    let records = Records { keys: Some(texts(&keys)), meta: Some(texts(&meta)) };
    let rows = values(&ids, dim);
    db.insert_records(&mut ids, Vectors::f32(&rows, dim)?, &records, None)
}

fn stored_meta(db: &Database, id: u64) -> String {
    metas_of(db, &[id]).unwrap().concat()
}

fn id_of(db: &Database, key: &str) -> u64 {
    ids_of(db, &[key]).unwrap()[0]
}

#[test]
fn keys_and_metadata_count_and_what_does_not_fit_changes_nothing() {
    let _beside = beside();
    const DIM: usize = 4;
    const LIMIT: u64 = 16 * MIB;
    let db = Database::open(None, &options(DIM, LIMIT)).unwrap();
    let mut rows = 0;
    let refused = loop {
        match insert_records(&db, rows..rows + 100, DIM) {
            Ok(()) => rows += 100,
            Err(error) => break error,
        }
        let stats = db.stats().unwrap();
        assert!(stats.bytes_memory <= LIMIT && stats.bytes_records >= rows * 2048, "{stats:?}");
        assert!(rows < 10_000, "the limit never came");
    };
    assert_eq!(refused.kind(), ErrorKind::Limit);
    assert!(refused.message().contains("runtime.max_memory"), "{refused}");
    assert!(rows * 2048 > LIMIT / 4, "{rows} rows");
    // Nothing of the batch is there.
    assert_eq!((db.count().unwrap(), id_of(&db, &key(rows)), id_of(&db, &key(rows - 1))), (rows, ID_NONE, rows - 1));
    assert_eq!((stored_meta(&db, rows), stored_meta(&db, rows - 1)), (String::new(), meta(rows - 1, 0)));
    // Nor of changes, whichever way they are asked for.
    let long = meta(0, 1).replace("0000", "00000000");
    let ids: Vec<u64> = (0..rows).collect();
    let updated = db.update_meta_batch(&ids, &texts(&vec![&long; ids.len()]));
    assert_eq!(updated.unwrap_err().kind(), ErrorKind::Limit);
    let below = Filter::parse("n < 50").unwrap();
    assert_eq!(db.update_meta_where(&below, long.as_bytes(), None).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(db.count_passing(&Filter::parse("version = 0").unwrap()).unwrap(), rows);
    assert_eq!(db.count_passing(&below).unwrap(), rows / 2);
    // What needs no room goes on.
    assert_eq!(db.delete_where(&below, None).unwrap(), rows / 2);
    assert_eq!(db.delete_keys(&texts(&[key(99), key(98), key(0)])).unwrap(), 2);
    assert_eq!(db.count().unwrap(), rows / 2 - 2);
    assert!(db.check(CheckLevel::Structure, None).unwrap().is_sound());
}

/// Records are left to their files as rows are, and a condition on a long text asks no more than there is.
#[test]
fn several_times_the_limit_of_metadata_goes_in_and_is_asked_about() {
    let _alone = alone();
    const DIM: usize = 4;
    const LIMIT: u64 = 24 * MIB;
    const ROWS: u64 = 50_000;
    let dir = tempfile::tempdir().unwrap();
    let before = process("RssAnon");
    let ((), peak) = peak_while(|| {
        let db = Database::open(Some(dir.path()), &options(DIM, LIMIT).graph_min_rows(1 << 30)).unwrap();
        for first in (0..ROWS).step_by(500) {
            insert_records(&db, first..first + 500, DIM).unwrap();
            let stats = db.stats().unwrap();
            assert!(stats.bytes_memory <= LIMIT, "{stats:?}");
        }
        let stats = db.stats().unwrap();
        println!("{} MiB of records, {} checkpoints", stats.bytes_records / MIB, stats.checkpoints);
        assert!(stats.bytes_records >= 4 * LIMIT, "{stats:?}");
        let text = format!("text starts with '{:016x}' or text starts with '{:016x}'", 7, ROWS - 1);
        for (text, passing) in [(&text[..], 2), ("n = 3", ROWS / 100), ("text > 'x' or not version = 0", 0)] {
            assert_eq!(db.count_passing(&Filter::parse(text).unwrap()).unwrap(), passing, "{text}");
            let stats = db.stats().unwrap();
            assert!(stats.bytes_memory <= LIMIT, "{text}: {stats:?}");
        }
        assert!(db.stats().unwrap().bytes_columns > 0, "columns of short values have room, and keep it");
        assert_eq!((id_of(&db, &key(ROWS / 2)), stored_meta(&db, ROWS / 2)), (ROWS / 2, meta(ROWS / 2, 0)));
        db.close().unwrap();
    });
    match (before, peak) {
        (Some(before), Some(peak)) => {
            println!("RssAnon {} KiB before, {} KiB at most", before >> 10, peak >> 10);
            assert!(peak - before.min(peak) <= LIMIT + ALLOWANCE, "{} MiB", (peak - before) / MIB);
        }
        _ => println!("skipped: the process cannot tell its size here"),
    }
    let db = Database::open(Some(dir.path()), &options(DIM, LIMIT)).unwrap();
    assert_eq!((db.count().unwrap(), id_of(&db, &key(ROWS - 1))), (ROWS, ROWS - 1));
}
