//! A disk that is really full: a file system in memory of 12 MB (promises P2, P4, P8;
//! test T6).
//!
//! Whatever does not fit is refused with a clear error, costs nothing that was
//! acknowledged, and writing goes on when there is room again. Memory mapped from a file
//! that the disk had no room for would end this process with SIGBUS.

#![cfg(target_os = "linux")]

mod common;

use common::texts;
use std::ffi::CString;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use vdb::{Database, Durability, Error, ErrorKind, Filter, Hits, Options, Records, Scalar, SearchParams, Vectors};

const DIM: usize = 64;
const BATCH: u64 = 500;

/// The small disk; gone when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None`, and said so, where this process may not mount.
    fn new() -> Option<SmallDisk> {
        let place = tempfile::tempdir().unwrap();
        let path = text(place.path());
        // SAFETY: all arguments are texts that end with a zero byte and outlive the call.
        let mounted =
            unsafe { libc::mount(c"vdb".as_ptr(), path.as_ptr(), c"tmpfs".as_ptr(), 0, c"size=12m".as_ptr().cast()) };
        if mounted != 0 {
            println!("skipped: a full disk: cannot mount a tmpfs: {}", std::io::Error::last_os_error());
            return None;
        }
        Some(SmallDisk(place))
    }

    fn db(&self) -> PathBuf {
        self.0.path().join("db")
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }

    /// Takes all room but `left` bytes.
    fn fill(&self, left: u64) {
        let mut filler = fs::File::options().append(true).create(true).open(self.filler()).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
        let len = filler.metadata().unwrap().len();
        filler.set_len(len.saturating_sub(left)).unwrap();
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // SAFETY: the path is a text that ends with a zero byte and outlives the call.
        unsafe { libc::umount2(text(self.0.path()).as_ptr(), libc::MNT_DETACH) };
    }
}

fn text(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}

fn open(disk: &SmallDisk) -> Result<Database, Error> {
    let options = Options::new().dim(DIM as u32).scalar(Scalar::F32).durability(Durability::Full);
    Database::open(Some(&disk.db()), &options.graph_min_rows(1000).threads(1))
}

fn row(id: u64) -> impl Iterator<Item = f32> {
    (0..DIM as u64).map(move |i| (id * 31 + i * i % 97) as f32)
}

/// Writes rows `from..from + BATCH`.
fn put(db: &Database, from: u64) -> Result<(), Error> {
    let ids: Vec<u64> = (from..from + BATCH).collect();
    let values: Vec<f32> = ids.iter().flat_map(|&id| row(id)).collect();
    db.upsert_batch(&ids, Vectors::f32(&values, DIM).unwrap(), None)
}

/// Writes rows `from..from + BATCH` with keys and long metadata of version `version`.
fn put_records(db: &Database, from: u64, version: u8) -> Result<(), Error> {
    let mut ids: Vec<u64> = (from..from + BATCH).collect();
    let values: Vec<f32> = ids.iter().flat_map(|&id| row(id)).collect();
    let keys: Vec<String> = ids.iter().map(|&id| texts::key(id as u16)).collect();
    let meta = vec![texts::meta(version); BATCH as usize];
    let records = Records { keys: Some(texts::texts(&keys)), meta: Some(texts::texts(&meta)) };
    db.upsert_records(&mut ids, Vectors::f32(&values, DIM).unwrap(), &records, None)
}

/// Exactly the first `rows` rows are there, with their keys, and metadata of `version`.
fn holds_records(db: &Database, rows: u64, version: u8) {
    holds(db, rows);
    let ids: Vec<u64> = (0..rows).collect();
    let keys: Vec<String> = ids.iter().map(|&id| texts::key(id as u16)).collect();
    assert_eq!(texts::keys_of(db, &ids).unwrap(), keys);
    assert_eq!(texts::ids_of(db, &keys).unwrap(), ids);
    assert!(texts::metas_of(db, &ids).unwrap().iter().all(|meta| *meta == texts::meta(version)));
    let filter = Filter::parse(&format!("n = {version}")).unwrap();
    assert_eq!(db.count_passing(&filter).unwrap(), rows);
}

/// The first record has a manifest written, each later one a log; whatever does not fit leaves keys and metadata
/// as they were, and costs nothing that a later checkpoint needs.
#[test]
fn records_that_do_not_fit_are_refused_and_leave_what_there_was() {
    let Some(disk) = SmallDisk::new() else { return };
    let db = open(&disk).unwrap();
    put(&db, 0).unwrap();
    for left in [0, 4096, 64 << 10] {
        disk.fill(left);
        no_space(&db.checkpoint(None).unwrap_err());
        no_space(&put_records(&db, 0, 200).unwrap_err());
        assert_eq!(texts::keys_of(&db, &[0, 1]).unwrap(), ["", ""]);
        disk.make_room();
    }
    (0..4).for_each(|batch| put_records(&db, batch * BATCH, 200).unwrap());
    let rows = 4 * BATCH;
    let filter = Filter::parse("n = 200").unwrap();
    let metas = texts::texts(&vec![texts::meta(100); rows as usize]);
    let ids: Vec<u64> = (0..rows).collect();
    for left in [0, 4096, 64 << 10] {
        disk.fill(left);
        no_space(&put_records(&db, rows, 200).unwrap_err());
        no_space(&db.update_meta_batch(&ids, &metas).unwrap_err());
        no_space(&db.update_meta_where(&filter, texts::meta(100).as_bytes(), None).unwrap_err());
        no_space(&db.checkpoint(None).unwrap_err());
        holds_records(&db, rows, 200);
        disk.make_room();
    }
    db.checkpoint(None).unwrap();
    assert_eq!(db.update_meta_where(&filter, texts::meta(100).as_bytes(), None).unwrap(), rows);
    holds_records(&db, rows, 100);
    disk.fill(0);
    close(db);
    disk.make_room();
    let db = open(&disk).unwrap();
    holds_records(&db, rows, 100);
    put_records(&db, rows, 100).unwrap();
    db.close().unwrap();
    holds_records(&open(&disk).unwrap(), rows + BATCH, 100);
}

/// Writes batches until one is refused, which must be for want of room; returns the
/// number of rows that were acknowledged.
fn put_until_full(db: &Database, from: u64) -> u64 {
    let mut rows = from;
    let error = loop {
        match put(db, rows) {
            Ok(()) => rows += BATCH,
            Err(error) => break error,
        }
    };
    no_space(&error);
    rows
}

fn no_space(error: &Error) {
    assert_eq!((error.kind(), error.os_error()), (ErrorKind::NoSpace, Some(libc::ENOSPC)), "{error}");
}

/// Closing writes a checkpoint, which may not fit; then the log keeps the rows.
fn close(db: Database) {
    if let Err(error) = db.close() {
        no_space(&error);
    }
}

/// Exactly the first `rows` rows are there, by reads and by search.
fn holds(db: &Database, rows: u64) {
    assert_eq!(db.count().unwrap(), rows);
    let ids: Vec<u64> = (0..rows + BATCH).collect();
    let (mut values, mut found) = (vec![0; ids.len() * DIM * 4], vec![0; ids.len()]);
    db.get_batch(&ids, Scalar::F32, &mut values, 0, &mut found).unwrap();
    for (&id, bytes) in ids.iter().zip(values.chunks(DIM * 4)) {
        assert_eq!(found[id as usize] == 1, id < rows, "row {id} of {rows}");
        let expected: Vec<u8> = row(id).flat_map(f32::to_le_bytes).collect();
        assert!(id >= rows || bytes == expected, "row {id} of {rows} holds something else");
    }
    let (mut ids, mut distances, mut counts) = ([0; 1], [0.0; 1], [0; 1]);
    let hits = Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let query: Vec<f32> = row(rows / 2).collect();
    let exact = SearchParams { exact: true, ..SearchParams::default() };
    db.search(Vectors::f32(&query, DIM).unwrap(), 1, &exact, hits).unwrap();
    assert_eq!((ids[0], counts[0]), (rows / 2, 1));
}

#[test]
fn a_batch_that_does_not_fit_is_refused_and_writing_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::new() else { return };
    fs::write(disk.filler(), vec![0; 4 << 20]).unwrap();
    let db = open(&disk).unwrap();
    let rows = put_until_full(&db, 0);
    assert!(rows >= 10 * BATCH, "{rows} rows filled 8 MB");
    holds(&db, rows);
    // Still full, still readable, and the next batch is refused as clearly.
    no_space(&put(&db, rows).unwrap_err());
    holds(&db, rows);
    disk.make_room();
    put(&db, rows).unwrap();
    holds(&db, rows + BATCH);
    close(db);
    holds(&open(&disk).unwrap(), rows + BATCH);
}

#[test]
fn a_checkpoint_that_does_not_fit_changes_nothing() {
    let Some(disk) = SmallDisk::new() else { return };
    let db = open(&disk).unwrap();
    (0..10).for_each(|batch| put(&db, batch * BATCH).unwrap());
    let rows = 10 * BATCH;
    for left in [0, 4096, 100 << 10, 1 << 20] {
        disk.fill(left);
        no_space(&db.checkpoint(None).unwrap_err());
        holds(&db, rows);
        disk.make_room();
    }
    db.checkpoint(None).unwrap();
    put(&db, rows).unwrap();
    db.close().unwrap();
    holds(&open(&disk).unwrap(), rows + BATCH);
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// From one file system to another: everything is copied, and the other is full at some point.
#[test]
fn a_backup_that_does_not_fit_leaves_nothing() {
    let Some(disk) = SmallDisk::new() else { return };
    let home = tempfile::tempdir().unwrap();
    let options = Options::new().dim(DIM as u32).graph_min_rows(1000).threads(1);
    let db = Database::open(Some(&home.path().join("db")), &options).unwrap();
    (0..20).for_each(|batch| put(&db, batch * BATCH).unwrap());
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    put(&db, 20 * BATCH).unwrap();
    for left in [0, 4096, 100 << 10, 1 << 20, 3 << 20, 4 << 20] {
        disk.fill(left);
        no_space(&db.backup(&disk.db(), None, None).unwrap_err());
        if left <= 1 << 20 {
            no_space(&db.export(&disk.0.path().join("x.npy"), None, None, None).unwrap_err());
        }
        assert_eq!(names(disk.0.path()), ["filler"], "{left} bytes left");
        disk.make_room();
    }
    db.backup(&disk.db(), None, None).unwrap();
    holds(&db, 21 * BATCH);
    holds(&open(&disk).unwrap(), 21 * BATCH);
    fs::remove_dir_all(disk.db()).unwrap();
    // Only what is new takes room beside a backup that is there.
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    db.backup(&disk.db(), None, None).unwrap();
    disk.fill(1 << 20);
    let next = disk.0.path().join("next");
    no_space(&db.backup(&next, None, None).unwrap_err());
    db.backup(&next, Some(&disk.db()), None).unwrap();
    fs::remove_dir_all(disk.db()).unwrap();
    fs::rename(&next, disk.db()).unwrap();
    holds(&open(&disk).unwrap(), 21 * BATCH);
}

#[test]
fn an_import_that_does_not_fit_keeps_the_batches_that_did() {
    let Some(disk) = SmallDisk::new() else { return };
    let home = tempfile::tempdir().unwrap();
    let from = Database::open(None, &Options::new().dim(DIM as u32).threads(1)).unwrap();
    (0..120).for_each(|batch| put(&from, batch * BATCH).unwrap());
    let file = home.path().join("x.fbin");
    from.export(&file, None, None, None).unwrap();
    let db = open(&disk).unwrap();
    let error = db.import(&file, None, None).unwrap_err();
    no_space(&error);
    let rows = db.count().unwrap();
    assert!(rows > 0 && rows < 120 * BATCH);
    assert_eq!(error.item(), Some(rows));
    holds(&db, rows);
    close(db);
}

#[test]
fn a_full_disk_at_the_end_and_at_recovery_loses_nothing() {
    let Some(disk) = SmallDisk::new() else { return };
    let db = open(&disk).unwrap();
    (0..10).for_each(|batch| put(&db, batch * BATCH).unwrap());
    let rows = 10 * BATCH;
    disk.fill(0);
    close(db);
    match open(&disk) {
        Err(error) => no_space(&error),
        Ok(db) => {
            holds(&db, rows);
            no_space(&put(&db, rows).unwrap_err());
            db.abandon();
        }
    }
    let reader = Database::open(Some(&disk.db()), &Options::new().read_only(true)).unwrap();
    holds(&reader, rows);
    drop(reader);
    disk.make_room();
    let db = open(&disk).unwrap();
    holds(&db, rows);
    put(&db, rows).unwrap();
    db.close().unwrap();
    holds(&open(&disk).unwrap(), rows + BATCH);
}

#[test]
fn a_database_is_created_when_there_is_room_for_it() {
    let Some(disk) = SmallDisk::new() else { return };
    disk.fill(0);
    no_space(&open(&disk).expect_err("there is no room for a log"));
    disk.make_room();
    let db = open(&disk).unwrap();
    put(&db, 0).unwrap();
    db.close().unwrap();
    holds(&open(&disk).unwrap(), BATCH);
}
