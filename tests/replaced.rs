//! Directories that are moved, emptied and replaced while databases in them are open: by people who restore a copy,
//! take LOCK for a leftover, or forget that a program still runs. Whatever it is, the files that lie there now are
//! somebody's database.

#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use vdb::{CheckLevel, Database, Error, ErrorKind, Options, Scalar, Vectors};

const DIM: usize = 2;

fn options() -> Options {
    Options::new().dim(DIM as u32).scalar(Scalar::U8)
}

fn open(path: &Path) -> Database {
    Database::open(Some(path), &options()).unwrap()
}

fn follow(path: &Path) -> Database {
    Database::open(Some(path), &Options::new().read_only(true)).unwrap()
}

/// Rows whose vectors tell who wrote them.
fn put(db: &Database, ids: std::ops::Range<u64>, who: u8) {
    let ids: Vec<u64> = ids.collect();
    let bytes = [who, 0].repeat(ids.len());
    db.upsert_batch(&ids, Vectors::u8(&bytes, DIM).unwrap(), None).unwrap();
}

/// Who wrote each of the rows 0..40; 0 for one that is not there.
fn writers(db: &Database) -> Vec<u8> {
    let ids: Vec<u64> = (0..40).collect();
    let (mut out, mut found) = (vec![0; ids.len() * DIM], vec![0; ids.len()]);
    db.get_batch(&ids, Scalar::U8, &mut out, 0, &mut found).unwrap();
    out.chunks(DIM).map(|row| row[0]).collect()
}

fn rows(parts: &[(usize, u8)]) -> Vec<u8> {
    let mut rows: Vec<u8> = parts.iter().flat_map(|&(count, who)| vec![who; count]).collect();
    rows.resize(40, 0);
    rows
}

/// Opens it as the next program would.
fn reopened(path: &Path) -> Vec<u8> {
    let db = Database::open(Some(path), &Options::new().create(false)).unwrap();
    let report = db.check(CheckLevel::Recall, None).unwrap();
    assert!(report.is_sound(), "{report:?}");
    writers(&db)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn refused<T>(result: Result<T, Error>, why: &str) {
    let error = result.err().expect("refused");
    assert!(error.kind() == ErrorKind::Io && error.message().contains(why), "{error}");
}

fn place() -> (tempfile::TempDir, [PathBuf; 3]) {
    let place = tempfile::tempdir().unwrap();
    let paths = ["db", "moved", "copy"].map(|name| place.path().join(name));
    (place, paths)
}

#[test]
fn a_database_that_was_moved_leaves_the_one_in_its_place_alone() {
    let (_place, [db, moved, _]) = place();
    let ours = open(&db);
    put(&ours, 0..10, 1);
    ours.checkpoint(None).unwrap();
    put(&ours, 10..20, 1);
    fs::rename(&db, &moved).unwrap();
    refused(ours.checkpoint(None), "moved, removed or replaced");

    let theirs = open(&db);
    put(&theirs, 0..5, 2);
    // What is written goes to the log, wherever that is by now.
    put(&ours, 20..30, 1);
    refused(ours.checkpoint(None), "moved, removed or replaced");
    put(&ours, 30..40, 1);
    assert_eq!(writers(&ours), rows(&[(40, 1)]));
    refused(ours.close(), "moved, removed or replaced");

    put(&theirs, 5..10, 2);
    theirs.checkpoint(None).unwrap();
    theirs.close().unwrap();
    assert_eq!(reopened(&db), rows(&[(10, 2)]));
    assert_eq!(reopened(&moved), rows(&[(40, 1)]));
}

#[test]
fn a_database_that_comes_back_goes_on() {
    let (_place, [db, moved, _]) = place();
    let ours = open(&db);
    put(&ours, 0..10, 1);
    fs::rename(&db, &moved).unwrap();
    refused(ours.checkpoint(None), "moved, removed or replaced");
    fs::rename(&moved, &db).unwrap();
    ours.checkpoint(None).unwrap();
    put(&ours, 10..20, 1);
    ours.close().unwrap();
    assert_eq!(reopened(&db), rows(&[(20, 1)]));
}

#[test]
fn whoever_removes_the_lock_gets_no_second_writer() {
    let (_place, [db, _, copy]) = place();
    let ours = open(&db);
    put(&ours, 0..10, 1);
    fs::remove_file(db.join("LOCK")).unwrap();
    let second = Database::open(Some(&db), &options()).expect_err("refused");
    assert_eq!(second.kind(), ErrorKind::Locked, "{second}");
    let repaired = vdb::repair(&db, &copy, &Options::new(), None).expect_err("refused");
    assert_eq!(repaired.kind(), ErrorKind::Locked, "{repaired}");
    ours.checkpoint(None).unwrap();
    ours.close().unwrap();
    assert_eq!(reopened(&db), rows(&[(10, 1)]));
}

/// An older copy, restored under a program that still has the newer state open.
#[test]
fn files_that_were_restored_are_not_overwritten() {
    for logged in [0, 5] {
        let (_place, [db, _, older]) = place();
        let ours = open(&db);
        put(&ours, 0..10, 1);
        ours.close().unwrap();
        copy(&db, &older);
        let ours = open(&db);
        put(&ours, 10..20, 1);
        ours.checkpoint(None).unwrap();
        put(&ours, 20..20 + logged, 1);
        for entry in fs::read_dir(&db).unwrap().map(|entry| entry.unwrap()) {
            fs::remove_file(entry.path()).unwrap();
        }
        copy(&older, &db);
        put(&ours, 30..40, 1);
        refused(ours.checkpoint(None), "another one than was written here");
        put(&ours, 30..40, 1);
        refused(ours.close(), "another one than was written here");
        assert_eq!(reopened(&db), rows(&[(10, 1)]));
    }
}

/// Two that were one, and have come as far since: the same generation, the same names of files of the same lengths.
fn twins(db: &Path, twin: &Path) {
    let ours = open(db);
    put(&ours, 0..10, 1);
    ours.close().unwrap();
    copy(db, twin);
    for (path, who) in [(db, 1), (twin, 2)] {
        let each = open(path);
        put(&each, 10..20, who);
        each.checkpoint(None).unwrap();
        put(&each, 20..30, who);
        each.close().unwrap();
    }
}

#[test]
fn a_reader_tells_a_copy_that_went_its_own_way() {
    let (_place, [db, moved, twin]) = place();
    twins(&db, &twin);
    let reader = follow(&db);
    assert_eq!(writers(&reader), rows(&[(30, 1)]));
    fs::rename(&db, &moved).unwrap();
    fs::rename(&twin, &db).unwrap();
    reader.refresh().unwrap();
    assert_eq!(writers(&reader), rows(&[(10, 1), (20, 2)]));
}

#[test]
fn a_backup_of_what_a_reader_sees_has_its_files_and_not_those_of_a_copy() {
    let (_place, [db, moved, twin]) = place();
    twins(&db, &twin);
    let reader = follow(&db);
    fs::rename(&db, &moved).unwrap();
    fs::rename(&twin, &db).unwrap();
    let backup = db.with_file_name("backup");
    reader.backup(&backup, None, None).unwrap();
    assert_eq!(reopened(&backup), rows(&[(30, 1)]));
}
