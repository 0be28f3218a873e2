//! Eight readers beside writers: every search sees one whole state of the
//! database, never half a batch, a deleted row or a wrong distance, and never
//! waits for the writer (promises P2, P3, P10; test T13).

mod common;

use common::patience::eventually;
use common::texts::{self, texts};
use common::watched::{Act, Watched};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};
use vdb::storage::sim::SimStorage;
use vdb::{Database, Filter, Hits, ID_NONE, Metric, Options, Records, Scalar, SearchParams, Vectors};

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

/// Lets the readers keep up with a writer that is about to make change `n`: where other programs take the processor,
/// a whole run could otherwise pass between two searches. Readers that wait for the writer never get there; the
/// number of searches tells, after the minute that all of these waits may take together.
fn keep_pace(searches: &AtomicU64, n: u64, started: Instant) {
    while searches.load(SeqCst) < n && started.elapsed() < Duration::from_secs(60) {
        std::thread::yield_now();
    }
}

fn run(db: &Database) -> u64 {
    let started = Instant::now();
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
            keep_pace(&searches, batch, started);
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
    assert!(run(&memory) >= BATCHES - 1);
    assert!(memory.stats().unwrap().compactions > 0);
    let dir = tempfile::tempdir().unwrap();
    assert!(run(&Database::open(Some(dir.path()), &options).unwrap()) >= BATCHES - 1);
}

/// Rows of the database with records: all of them get the same version in one batch.
const ROWS: u64 = 120;

/// The vector of row `id` says which row it is, and of which version.
fn versioned(id: u64, version: u8) -> [u8; DIM] {
    [id as u8, version, 0, 0, 0, 0, 0, 0]
}

/// The metadata says the version too, and how often it was changed since.
fn described(version: u8, changed: u8) -> String {
    format!("{{\"v\": {version}, \"changed\": {changed}}}")
}

/// Rows change hands: those of odd versions have other keys than those of even ones.
fn key_of(id: u64, version: u8) -> String {
    texts::key((id + ROWS * u64::from(version % 2)) as u16)
}

fn put_version(db: &Database, version: u8) {
    let mut ids: Vec<u64> = (0..ROWS).collect();
    let bytes: Vec<u8> = ids.iter().flat_map(|&id| versioned(id, version)).collect();
    let keys: Vec<String> = ids.iter().map(|&id| key_of(id, version)).collect();
    let records = Records { keys: Some(texts(&keys)), meta: Some(texts(&vec![described(version, 0); ROWS as usize])) };
    db.upsert_records(&mut ids, Vectors::u8(&bytes, DIM).unwrap(), &records, None).unwrap();
}

/// Versions come one after the other, their metadata changes by id and by filter, and now and then all rows are
/// deleted, by their keys or by a filter.
fn write_versions(db: &Database, newest: &AtomicU64, oldest: &AtomicU64, looks: &AtomicU64) {
    let started = Instant::now();
    for version in 1..=200u8 {
        keep_pace(looks, version.into(), started);
        newest.store(version.into(), SeqCst);
        put_version(db, version);
        oldest.store(version.into(), SeqCst);
        let ids: Vec<u64> = (0..ROWS).collect();
        let metas = texts(&vec![described(version, 1); ROWS as usize]);
        assert_eq!(db.update_meta_batch(&ids, &metas).unwrap(), ROWS);
        let all = Filter::parse(&format!("v = {version} and changed = 1")).unwrap();
        assert_eq!(db.update_meta_where(&all, described(version, 2).as_bytes(), None).unwrap(), ROWS);
        if version % 9 == 0 {
            let keys: Vec<String> = ids.iter().map(|&id| key_of(id, version)).collect();
            assert_eq!(db.delete_keys(&texts(&keys)).unwrap(), ROWS);
        } else if version % 7 == 0 {
            assert_eq!(db.delete_where(&Filter::parse("v > 0").unwrap(), None).unwrap(), ROWS);
        }
        if version % 60 == 0 {
            db.checkpoint(None).unwrap();
        }
    }
}

/// What a search for rows of `version` finds: vectors of that version and no other, all or none of them where
/// `exact`; what is read in the state that it saw has the keys and the metadata of one version.
fn look_at_version(db: &Database, version: u8, exact: bool) {
    let (mut ids, mut distances, mut counts) = ([0; 200], [0.0; 200], [0]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let filter = Some(Filter::parse(&format!("v = {version}")).unwrap());
    let snapshot = db.snapshot();
    let params = SearchParams { exact, filter, snapshot: Some(snapshot.clone()), ..SearchParams::default() };
    db.search(Vectors::u8(&versioned(0, 0), DIM).unwrap(), 200, &params, hits).unwrap();
    let found = &ids[..counts[0] as usize];
    for (&id, &distance) in found.iter().zip(&distances) {
        let of_version = (id * id) as f32 + f32::from(version).powi(2);
        assert_eq!(distance, of_version, "row {id} has metadata of version {version} and another vector");
    }
    assert!([0, ROWS as usize].contains(&found.len()), "{} rows of version {version}: half a batch", found.len());
    let metas = texts::taken(found.len(), |out| db.meta_batch_at(Some(&snapshot), found, out)).unwrap();
    let keys = texts::taken(found.len(), |out| db.keys_of_ids_at(Some(&snapshot), found, out)).unwrap();
    let changed = (0..3).find(|&changed| metas.first() == Some(&described(version, changed)));
    for ((&id, meta), key) in found.iter().zip(&metas).zip(&keys) {
        assert_eq!(Some(meta), changed.map(|changed| described(version, changed)).as_ref(), "row {id}");
        assert_eq!(*key, key_of(id, version), "row {id}");
    }
    let mut leads_to = vec![0; keys.len()];
    db.ids_of_keys_at(Some(&snapshot), &texts(&keys), &mut leads_to).unwrap();
    assert_eq!(leads_to, found);
    // And without a snapshot to hold on to.
    let SearchParams { exact, filter, .. } = params;
    let params = SearchParams { exact, filter, ..SearchParams::default() };
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    db.search(Vectors::u8(&versioned(0, 0), DIM).unwrap(), 200, &params, hits).unwrap();
    let own = |(&id, &distance): (&u64, &f32)| distance == (id * id) as f32 + f32::from(version).powi(2);
    assert!(ids[..counts[0] as usize].iter().zip(&distances).all(own), "metadata of version {version}, other vectors");
    assert!([0, ROWS as u32].contains(&counts[0]), "half a batch");
}

#[test]
fn vectors_keys_and_metadata_of_an_answer_are_of_one_state() {
    let options = Options::new().dim(DIM as u32).scalar(Scalar::U8).metric(Metric::L2sq).graph_min_rows(100);
    let dir = tempfile::tempdir().unwrap();
    let on_disk = Database::open(Some(dir.path()), &options).unwrap();
    for db in [Database::open_on(None, &options, Some(6)).unwrap(), on_disk] {
        let (newest, oldest, stop) = (AtomicU64::new(1), AtomicU64::new(1), AtomicBool::new(false));
        let looks = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let (db, newest, oldest, stop, looks) = (&db, &newest, &oldest, &stop, &looks);
                scope.spawn(move || {
                    while !stop.load(SeqCst) {
                        let n = looks.fetch_add(1, SeqCst);
                        let version = if (n + thread).is_multiple_of(3) { newest } else { oldest };
                        look_at_version(db, version.load(SeqCst) as u8, n.is_multiple_of(2));
                    }
                });
            }
            write_versions(&db, &newest, &oldest, &looks);
            stop.store(true, SeqCst);
        });
        assert!(looks.load(SeqCst) >= 200, "{looks:?} looks");
    }
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

/// The number of rows, and the row nearest to row `i` of batch 0.
fn glance(db: &Database, i: u64) -> (u64, u64) {
    let (mut id, mut distance, mut count) = ([0], [0.0], [0]);
    let hits = Hits { ids: &mut id, distances: &mut distance, counts: &mut count };
    let rows = db.count().unwrap();
    db.search(Vectors::u8(&row(0, i), DIM).unwrap(), 1, &SearchParams::default(), hits).unwrap();
    (rows, id[0])
}

/// Each time the writer calls the disk, with its lock held, it waits there for some searches to be over.
#[test]
fn a_search_does_not_wait_for_a_writer_that_waits_for_the_disk() {
    let (searches, stalls, is_slow) =
        (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let before: Act = {
        let (searches, stalls, is_slow) = (searches.clone(), stalls.clone(), is_slow.clone());
        Arc::new(move || {
            if is_slow.load(SeqCst) {
                let enough = searches.load(SeqCst) + 20;
                eventually("searches are made beside the writer", || searches.load(SeqCst) >= enough);
                stalls.fetch_add(1, SeqCst);
            }
        })
    };
    let disk = Watched { disk: SimStorage::new(), before };
    let options = Options::new().dim(DIM as u32).scalar(Scalar::U8);
    let db = Database::open_on(Some(Box::new(disk)), &options, None).unwrap();
    put(&db, 0);
    is_slow.store(true, SeqCst);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| put(&db, 1));
        while !writer.is_finished() {
            let (rows, nearest) = glance(&db, 3);
            assert!(nearest == 3 && [BATCH, 2 * BATCH].contains(&rows), "row {nearest} of {rows}");
            searches.fetch_add(1, SeqCst);
        }
    });
    is_slow.store(false, SeqCst);
    let (searches, stalls) = (searches.load(SeqCst), stalls.load(SeqCst));
    assert!(stalls >= 2 && searches >= 20 * stalls, "{searches} searches, {stalls} calls of the disk");
    assert_eq!(glance(&db, 3), (2 * BATCH, 3));
}

#[test]
fn nobody_sees_half_of_a_long_write() {
    let options = Options::new().dim(DIM as u32).scalar(Scalar::U8);
    let db = Database::open(None, &options).unwrap();
    put(&db, 0);
    let bytes: Vec<u8> = (0..400_000u64).flat_map(|i| row(1 + i / 1000, i % 1000)).collect();
    let ids: Vec<u64> = (1000..401_000).rev().collect();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| db.insert_batch(&ids, Vectors::u8(&bytes, DIM).unwrap(), None).unwrap());
        while !writer.is_finished() {
            let rows = db.count().unwrap();
            assert!([BATCH, BATCH + 400_000].contains(&rows), "half a batch: {rows} rows");
        }
    });
    assert_eq!(db.count().unwrap(), BATCH + 400_000);
}
