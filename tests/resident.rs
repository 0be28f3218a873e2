//! What searches walk moves from mapped files into memory once it is in use:
//! the same answers before and after, nothing written anew, and only where it
//! is wanted, fits, and is undamaged.

#[path = "common/patience.rs"]
mod patience;

use patience::eventually;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use vdb::{Database, Durability, ErrorKind, Hits, Options, Quant, Result, Scalar, SearchParams, Vectors};

const DIM: usize = 64;
const ROWS: u64 = 4000;
const K: usize = 10;

fn options() -> Options {
    let options = Options::new().dim(DIM as u32).durability(Durability::None);
    options.graph_min_rows(500).ef_construction(32).m(8).threads(2)
}

fn values(ids: std::ops::Range<u64>) -> Vec<f32> {
    let component = |id: u64, d: u64| (vdb::util::hash::mix(id << 16 | d, 5) % 255) as f32 - 127.0;
    ids.flat_map(|id| (0..DIM as u64).map(move |d| component(id, d))).collect()
}

fn insert(db: &Database, ids: std::ops::Range<u64>) {
    let list: Vec<u64> = ids.clone().collect();
    db.insert_batch(&list, Vectors::f32(&values(ids), DIM).unwrap(), None).unwrap();
}

/// A directory with a checkpointed database, its graph complete.
fn stored(options: &Options) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(Some(dir.path()), options).unwrap();
    insert(&db, 0..ROWS);
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    db.close().unwrap();
    dir
}

fn answers(db: &Database) -> Result<Vec<u64>> {
    let queries = values(1 << 20..(1 << 20) + 100);
    let mut ids = vec![0; 100 * K];
    let (mut distances, mut counts) = (vec![0.0; 100 * K], vec![0; 100]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    db.search(Vectors::f32(&queries, DIM)?, K, &SearchParams { ef: 50, ..SearchParams::default() }, hits)?;
    Ok(ids)
}

/// Waits until `bytes` are mapped.
#[track_caller]
fn wait_for_mapped(db: &Database, bytes: u64) {
    eventually("what is walked has moved into memory", || db.stats().unwrap().bytes_mapped == bytes);
}

fn files(dir: &Path) -> BTreeSet<String> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn codes_and_links_move_into_memory_and_the_answers_stay() {
    let dir = stored(&options());
    let db = Database::open(Some(dir.path()), &options()).unwrap();
    let opened = db.stats().unwrap();
    let walked = opened.bytes_codes + opened.bytes_graph;
    assert!(opened.bytes_codes > 0 && opened.bytes_mapped > walked, "{opened:?}");
    let before = answers(&db).unwrap();
    wait_for_mapped(&db, opened.bytes_mapped - walked);
    assert_eq!(answers(&db).unwrap(), before);
    // Rows keep their names, so there is nothing to write.
    let stood = files(dir.path());
    db.checkpoint(None).unwrap();
    assert_eq!((files(dir.path()), db.stats().unwrap().checkpoints), (stood, 0));
    // Life goes on: more rows, the graph over them, another generation.
    insert(&db, ROWS..2 * ROWS);
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    let grown = answers(&db).unwrap();
    db.close().unwrap();
    let db = Database::open(Some(dir.path()), &options()).unwrap();
    assert_eq!((answers(&db).unwrap(), db.count().unwrap()), (grown, 2 * ROWS));
}

#[test]
fn vectors_that_are_walked_themselves_move_too() {
    for (scalar, quant) in [(Scalar::I8, Quant::Auto), (Scalar::F32, Quant::None)] {
        let options = options().scalar(scalar).quant(quant);
        let dir = stored(&options);
        let db = Database::open(Some(dir.path()), &options).unwrap();
        let opened = db.stats().unwrap();
        let before = answers(&db).unwrap();
        let walked = opened.bytes_vectors + opened.bytes_graph;
        wait_for_mapped(&db, opened.bytes_mapped - walked);
        assert_eq!(answers(&db).unwrap(), before);
        insert(&db, ROWS..ROWS + 10);
        db.checkpoint(None).unwrap();
        db.close().unwrap();
        let db = Database::open(Some(dir.path()), &options).unwrap();
        assert_eq!(db.count().unwrap(), ROWS + 10);
    }
}

#[test]
fn walks_stay_in_the_files_where_that_is_wanted_or_memory_is_short() {
    let dir = stored(&options());
    let short = options().max_memory(16 << 20);
    for options in [options().resident(false), options().read_only(true), short.clone()] {
        let db = Database::open(Some(dir.path()), &options).unwrap();
        if options == short {
            // Rows that no file holds yet take most of the limit.
            for from in (ROWS..).step_by(1000).take(60) {
                let list: Vec<u64> = (from..from + 1000).collect();
                let rows = values(from..from + 1000);
                if db.insert_batch(&list, Vectors::f32(&rows, DIM).unwrap(), None).is_err() {
                    break;
                }
            }
        }
        let opened = db.stats().unwrap();
        for _ in 0..20 {
            answers(&db).unwrap();
        }
        // Long enough for a copy.
        std::thread::sleep(Duration::from_millis(500));
        assert!(db.stats().unwrap().bytes_mapped >= opened.bytes_mapped, "{options:?}");
    }
}

#[test]
fn a_damaged_block_is_found_on_the_way_and_nothing_moves() {
    let dir = stored(&options());
    let codes = files(dir.path()).into_iter().find(|name| name.contains("codes")).unwrap();
    let path = dir.path().join(codes);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let db = Database::open(Some(dir.path()), &options()).unwrap();
    let mut met = None;
    eventually("the damage is met", || {
        met = answers(&db).err();
        met.is_some()
    });
    let error = met.unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(db.stats().unwrap().bytes_mapped >= db.stats().unwrap().bytes_codes);
}
