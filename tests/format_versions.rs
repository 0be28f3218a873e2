//! Files of other format versions, made from real ones with fitting checksums: what is too
//! new is refused by name and left alone, what may be ignored is ignored, and an upgrade
//! removes nothing old before all that is new is durable (promise P13; test T16).

mod common;

use common::refit::{self, Files};
use std::path::Path;
use vdb::storage::FileName;
use vdb::storage::format::{MAJOR, MINOR};
use vdb::storage::sim::SimStorage;
use vdb::{CheckLevel, Database, Error, ErrorKind, Options, Scalar, Vectors};

/// Offsets in a header (`docs/file-format.md`).
const MAJOR_AT: usize = 8;
const MINOR_AT: usize = 10;
const MUST_UNDERSTAND_AT: usize = 12;
const MAY_IGNORE_AT: usize = 16;

/// A database that has every kind of file.
fn files() -> Files {
    let files = refit::files_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1/cosine_f32"));
    for kind in ["CURRENT", "MANIFEST-", "chunk-", "codes-", "graph-", "ids-", "tombstones-", "wal-"] {
        assert!(files.keys().any(|name| name.starts_with(kind)), "no {kind}");
    }
    files
}

fn patched(files: &Files, name: &str, at: usize, value: u8) -> Files {
    let mut files = files.clone();
    files.entry(name.into()).and_modify(|bytes| bytes[at] = value);
    refit::refit(&mut files, name);
    files
}

fn options() -> Options {
    Options::new().create(false).threads(1)
}

fn open(disk: &SimStorage, options: &Options) -> Result<Database, Error> {
    Database::open_on(Some(Box::new(disk.clone())), options, None)
}

/// Every row, and whether all is well.
fn contents(db: &Database) -> (u64, Vec<u8>, Vec<u8>) {
    let report = db.check(CheckLevel::Recall, None).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    let ids: Vec<u64> = (0..2000).collect();
    let (mut vectors, mut found) = (vec![0; ids.len() * 48], vec![0; ids.len()]);
    db.get_batch(&ids, Scalar::F32, &mut vectors, 0, &mut found).unwrap();
    (db.count().unwrap(), vectors, found)
}

#[test]
fn what_is_too_new_is_refused_by_name_and_left_alone() {
    let sound = files();
    for name in sound.keys() {
        for (what, at, value) in [
            ("major", MAJOR_AT, MAJOR as u8 + 1),
            // Bits 0 to 4 are known in manifests, bit 1 in parts.
            ("feature", MUST_UNDERSTAND_AT, 32),
            ("feature", MUST_UNDERSTAND_AT + 3, 128),
        ] {
            let files = patched(&sound, name, at, value);
            let disk = refit::disk_of(&files);
            for read_only in [false, true] {
                let error = open(&disk, &options().read_only(read_only)).expect_err(&format!("{name}, {what}"));
                assert_eq!(error.kind(), ErrorKind::FormatTooNew, "{name}, {what}: {error}");
                assert!(error.to_string().contains(name), "{what} of {name}: {error}");
            }
            assert!(refit::files_on(&disk) == files, "{name}, {what}: files changed under a database that is too new");
        }
    }
}

#[test]
fn what_may_be_ignored_is_ignored() {
    let sound = files();
    let expected = contents(&open(&refit::disk_of(&sound), &options()).unwrap());
    for name in sound.keys() {
        let newer = patched(&patched(&sound, name, MINOR_AT, MINOR as u8 + 7), name, MAY_IGNORE_AT + 1, 0xff);
        for read_only in [false, true] {
            let db = open(&refit::disk_of(&newer), &options().read_only(read_only));
            let db = db.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(contents(&db) == expected, "{name}");
        }
    }
}

#[test]
fn what_never_was_is_no_version() {
    let sound = files();
    for name in sound.keys() {
        let error = open(&refit::disk_of(&patched(&sound, name, MAJOR_AT, 0)), &options()).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error}");
        let mut files = sound.clone();
        // Magic and every other number in the byte order of another machine.
        files.entry(name.clone()).and_modify(|bytes| bytes[..8].reverse());
        refit::refit(&mut files, name);
        let error = open(&refit::disk_of(&files), &options()).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error}");
    }
}

/// The first checkpoint after opening files of another version writes files of this one,
/// and removes the old ones when `CURRENT` is durable.
#[test]
fn an_upgrade_keeps_the_old_files_until_it_succeeded() {
    let mut old = files();
    for name in old.clone().keys() {
        old = patched(&old, name, MINOR_AT, MINOR as u8 + 1);
    }
    let disk = refit::disk_of(&old);
    let db = open(&disk, &options()).unwrap();
    let opened = disk.operations().len();
    assert!(old.keys().all(|name| refit::files_on(&disk).contains_key(name)), "opening upgrades nothing");
    db.upsert_batch(&[5], Vectors::f32(&[1.0; 12], 12).unwrap(), None).unwrap();
    db.checkpoint(None).unwrap();
    let expected = contents(&db);
    let calls = disk.operations().split_off(opened);
    let switched = calls.iter().position(|call| call.call == "rename").expect("CURRENT is replaced");
    let synced = switched + calls[switched..].iter().position(|call| call.call == "sync directory").unwrap();
    let removed: Vec<usize> = (0..calls.len()).filter(|&i| calls[i].call == "remove").collect();
    assert!(removed.iter().any(|&i| old.contains_key(&calls[i].file)), "old files go in the end");
    let early = removed.iter().find(|&&i| i < synced && old.contains_key(&calls[i].file));
    assert!(early.is_none(), "{} was removed before the switch was durable", calls[early.copied().unwrap_or(0)].file);
    let files = refit::files_on(&disk);
    let version = |name: &str| (files[name][MAJOR_AT], files[name][MINOR_AT]);
    for name in files.keys().filter(|name| !old.contains_key(*name) || *name == "CURRENT") {
        assert!(FileName::parse(name).is_some(), "{name}");
        assert_eq!(version(name), (MAJOR as u8, MINOR as u8), "{name}");
    }
    db.close().unwrap();
    assert!(contents(&open(&disk, &options()).unwrap()) == expected);
}
