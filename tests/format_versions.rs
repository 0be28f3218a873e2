//! Files of other format versions, made from real ones with fitting checksums: what is too
//! new is refused by name and left alone, what may be ignored is ignored, and an upgrade
//! removes nothing old before all that is new is durable (promise P13; test T16).

mod common;

use common::refit::{self, Files};
use common::texts::metas_of;
use std::path::Path;
use vdb::storage::FileName;
use vdb::storage::format::{MAJOR, MINOR, RECORDS};
use vdb::storage::sim::SimStorage;
use vdb::{CheckLevel, Database, Error, ErrorKind, Options, Vectors};

/// Offsets in a header (`docs/file-format.md`).
const MAJOR_AT: usize = 8;
const MINOR_AT: usize = 10;
const MUST_UNDERSTAND_AT: usize = 12;
const MAY_IGNORE_AT: usize = 16;

fn golden(name: &str) -> Files {
    refit::files_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name))
}

/// Two databases that have every kind of file, the second one with records.
fn files() -> [Files; 2] {
    let both = ["v1/cosine_f32", "v3/records_i8"].map(golden);
    for kind in
        ["CURRENT", "MANIFEST-", "chunk-", "codes-", "graph-", "ids-", "tombstones-", "wal-", "records-", "keys-"]
    {
        assert!(both.iter().flat_map(Files::keys).any(|name| name.starts_with(kind)), "no {kind}");
    }
    both
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

/// Every row, with its metadata, and whether all is well.
fn contents(db: &Database) -> (u64, Vec<u8>, Vec<u8>, Vec<String>) {
    let report = db.check(CheckLevel::Recall, None).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    let (ids, settings) = ((0..2000).collect::<Vec<u64>>(), db.settings());
    let bytes = settings.scalar.row_bytes(settings.dim as usize);
    let (mut vectors, mut found) = (vec![0; ids.len() * bytes], vec![0; ids.len()]);
    db.get_batch(&ids, settings.scalar, &mut vectors, 0, &mut found).unwrap();
    (db.count().unwrap(), vectors, found, metas_of(db, &ids).unwrap())
}

fn assert_too_new(files: &Files, name: &str, what: &str) {
    let disk = refit::disk_of(files);
    for read_only in [false, true] {
        let error = open(&disk, &options().read_only(read_only)).expect_err(&format!("{name}, {what}"));
        assert_eq!(error.kind(), ErrorKind::FormatTooNew, "{name}, {what}: {error}");
        assert!(error.to_string().contains(name), "{what} of {name}: {error}");
    }
    assert!(refit::files_on(&disk) == *files, "{name}, {what}: files changed under a database that is too new");
}

#[test]
fn what_is_too_new_is_refused_by_name_and_left_alone() {
    for sound in files() {
        for name in sound.keys() {
            for (what, at, value) in [
                ("major", MAJOR_AT, MAJOR as u8 + 1),
                // Bits 0 to 4 are known in manifests, bit 1 in parts.
                ("feature", MUST_UNDERSTAND_AT, 32),
                ("feature", MUST_UNDERSTAND_AT + 3, 128),
            ] {
                assert_too_new(&patched(&sound, name, at, value), name, what);
            }
        }
    }
}

/// What a library without records meets is a bit that it does not know: they are told of where it is to look, in the
/// manifest, and the bit is refused where it is unknown to this one.
#[test]
fn records_are_told_of_by_a_bit_that_must_be_understood() {
    let [without, with] = files();
    let told = |files: &Files| {
        let name = refit::manifest_name(files).unwrap();
        u32::from_le_bytes(files[&name][MUST_UNDERSTAND_AT..][..4].try_into().unwrap()) & RECORDS
    };
    assert_eq!((told(&without), told(&with)), (0, RECORDS));
    for name in with.keys().filter(|name| !name.starts_with("MANIFEST-")) {
        let bits = with[name][MUST_UNDERSTAND_AT] | RECORDS as u8;
        assert_too_new(&patched(&with, name, MUST_UNDERSTAND_AT, bits), name, "the bit of records");
    }
}

#[test]
fn what_may_be_ignored_is_ignored() {
    for sound in files() {
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
}

#[test]
fn what_never_was_is_no_version() {
    for sound in files() {
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
}

/// The first checkpoint after opening files of another version writes files of this one,
/// and removes the old ones when `CURRENT` is durable.
#[test]
fn an_upgrade_keeps_the_old_files_until_it_succeeded() {
    files().into_iter().for_each(upgrade);
}

fn upgrade(mut old: Files) {
    for name in old.clone().keys() {
        old = patched(&old, name, MINOR_AT, MINOR as u8 + 1);
    }
    let disk = refit::disk_of(&old);
    let db = open(&disk, &options()).unwrap();
    let opened = disk.operations().len();
    assert!(old.keys().all(|name| refit::files_on(&disk).contains_key(name)), "opening upgrades nothing");
    let dim = db.settings().dim as usize;
    db.upsert_batch(&[5], Vectors::f32(&vec![1.0; dim], dim).unwrap(), None).unwrap();
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
