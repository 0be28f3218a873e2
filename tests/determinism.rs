//! The same rows and seed give the same files, byte for byte, whatever the
//! number of build threads and however the background work happened to be
//! scheduled (promise P16).

mod common;

use common::shapes::Shape;
use std::collections::BTreeMap;
use vdb::{Database, Metric, Options, Scalar, Vectors};

const DIM: usize = 40;
const ROWS: usize = 9000;

/// All part files of a database that was filled in `batches` of rows.
fn files(threads: u32, batch: usize, pause: bool) -> BTreeMap<String, Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let options = Options::new().dim(DIM as u32).metric(Metric::Cosine).threads(threads);
    let db = Database::open(Some(dir.path()), &options).unwrap();
    let rows = Shape::Clusters.rows(Scalar::F32, DIM, ROWS, 0).0.values();
    let ids: Vec<u64> = (0..ROWS as u64).map(|id| id * 3 + 1).collect();
    for (ids, rows) in ids.chunks(batch).zip(rows.chunks(batch * DIM)) {
        db.insert_batch(ids, Vectors::f32(rows, DIM).unwrap(), None).unwrap();
        if pause {
            // Gives the indexer time to catch up part of the way.
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    assert_eq!(db.stats().unwrap().graph_nodes, ROWS as u64);
    db.close().unwrap();
    let files = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    // The manifest and the log carry a random salt on purpose.
    files.filter(|path| name(path).ends_with(".vdb")).map(|path| (name(&path), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn the_same_bytes_whatever_the_threads_and_the_timing() {
    let one = files(1, ROWS, false);
    assert!(one.keys().any(|name| name.starts_with("graph-")), "{:?}", one.keys());
    for (threads, batch, pause) in [(2, ROWS, false), (3, ROWS, false), (2, 1000, true), (1, 333, false)] {
        let other = files(threads, batch, pause);
        assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
        for (name, bytes) in &one {
            assert!(bytes == &other[name], "{name} differs with {threads} threads, batches of {batch}");
        }
    }
}
