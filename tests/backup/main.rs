//! Backups: a state between two batches as a directory of its own, made while everything goes on,
//! sharing files where it can, or nothing at all (promise P18).

#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;
mod disks;

use common::place::Place;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use vdb::storage::OsStorage;
use vdb::storage::sim::SimStorage;
use vdb::{CheckLevel, Database, Error, ErrorKind, Options, Quant, Scalar, SearchParams, Task, Vectors};

const DIM: usize = 4;

type Rows = BTreeMap<u64, [u8; DIM]>;

fn options() -> Options {
    Options::new().dim(DIM as u32).scalar(Scalar::U8).graph_min_rows(100).threads(1)
}

/// Chunks of 64 rows: many files, and compaction with little data.
fn open(path: &Path) -> Database {
    Database::open_on(Some(Box::new(OsStorage::open(path, true, true).unwrap())), &options(), Some(6)).unwrap()
}

fn row(id: u64, version: u8) -> [u8; DIM] {
    [id as u8, (id >> 8) as u8, version, (id * 7) as u8]
}

fn put(db: &Database, ids: std::ops::Range<u64>, version: u8) {
    let ids: Vec<u64> = ids.collect();
    let bytes: Vec<u8> = ids.iter().flat_map(|&id| row(id, version)).collect();
    db.upsert_batch(&ids, Vectors::u8(&bytes, DIM).unwrap(), None).unwrap();
}

/// Rows in files, in the graph and in the log, some of them replaced and deleted.
fn fill(db: &Database) -> Rows {
    put(db, 0..500, 1);
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    put(db, 450..600, 2);
    db.delete_batch(&(20..40).collect::<Vec<_>>()).unwrap();
    contents(db)
}

fn contents(db: &Database) -> Rows {
    let ids: Vec<u64> = (0..4096).collect();
    let (mut out, mut found) = (vec![0; ids.len() * DIM], vec![0; ids.len()]);
    db.get_batch(&ids, Scalar::U8, &mut out, 0, &mut found).unwrap();
    let there = ids.iter().zip(out.chunks(DIM)).filter(|(id, _)| found[**id as usize] == 1);
    let rows: Rows = there.map(|(&id, row)| (id, row.try_into().unwrap())).collect();
    assert_eq!(db.count().unwrap(), rows.len() as u64);
    rows
}

/// Opens the backup as a user would; it must be sound to the last link and row, and writable.
fn restored(path: &Path) -> Rows {
    let db = Database::open(Some(path), &Options::new().create(false)).unwrap();
    let report = db.check(CheckLevel::Recall, None).unwrap();
    assert!(report.is_sound(), "{report:?}");
    let rows = contents(&db);
    put(&db, 4000..4010, 9);
    db.delete_batch(&(4000..4010).collect::<Vec<_>>()).unwrap();
    db.close().unwrap();
    rows
}

fn files(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Parts by name, with what tells one file from another.
fn parts(path: &Path) -> BTreeMap<String, (u64, u64)> {
    let name = |name: &String| name.ends_with(".vdb");
    files(path).into_iter().filter(name).map(|name| (name.clone(), inode(&path.join(name)))).collect()
}

fn inode(path: &Path) -> (u64, u64) {
    let found = fs::metadata(path).unwrap();
    (found.dev(), found.ino())
}

fn shared(a: &Path, b: &Path) -> Vec<String> {
    let b = parts(b);
    parts(a).into_iter().filter(|(name, file)| b.get(name) == Some(file)).map(|(name, _)| name).collect()
}

fn kind<T>(result: Result<T, Error>) -> ErrorKind {
    result.err().expect("refused").kind()
}

#[test]
fn a_backup_opens_as_the_database_it_was_made_of() {
    let place = Place::new();
    let db = open(&place.at("db"));
    let rows = fill(&db);
    let before = files(&place.at("db"));
    db.backup(&place.at("new"), None, None).unwrap();
    fs::create_dir(place.at("empty")).unwrap();
    db.backup(&place.at("empty"), None, None).unwrap();
    assert_eq!(files(&place.at("db")), before, "the database's own directory");
    assert!(shared(&place.at("db"), &place.at("new")).len() >= 3, "what is in files is linked");
    put(&db, 0..500, 7);
    db.close().unwrap();
    // What becomes of the database is no matter to its backups.
    let report = vdb::repair(&place.at("db"), &place.at("repaired"), &Options::new(), None).unwrap();
    assert!(report.is_complete());
    fs::remove_dir_all(place.at("db")).unwrap();
    for name in ["new", "empty"] {
        assert_eq!(restored(&place.at(name)), rows, "{name}");
    }
    // Writing to one backup changed no other.
    assert_eq!(restored(&place.at("new")), rows);
}

#[test]
fn nothing_new_since_the_checkpoint_is_all_links() {
    let place = Place::new();
    let db = open(&place.at("db"));
    fill(&db);
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    db.backup(&place.at("b"), None, None).unwrap();
    assert_eq!(parts(&place.at("b")), parts(&place.at("db")));
    assert_eq!(restored(&place.at("b")), contents(&db));
    let empty = open(&place.at("empty"));
    empty.backup(&place.at("of-empty"), None, None).unwrap();
    assert!(restored(&place.at("of-empty")).is_empty());
}

#[test]
fn beside_writers_it_holds_every_batch_of_before_and_no_half() {
    const BATCH: u64 = 16;
    let place = Place::new();
    let db = open(&place.at("db"));
    let acknowledged = AtomicU64::new(0);
    let backups = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for batch in 0..200 {
                put(&db, batch * BATCH..(batch + 1) * BATCH, 1);
                acknowledged.store(batch + 1, SeqCst);
                if batch % 40 == 39 {
                    db.checkpoint(None).unwrap();
                }
            }
        });
        let mut backups = Vec::new();
        while !writer.is_finished() && backups.len() < 12 {
            let before = acknowledged.load(SeqCst);
            let path = place.at(&format!("b{}", backups.len()));
            let previous = backups.last().map(|(path, ..): &(PathBuf, u64, u64)| path.clone());
            db.backup(&path, previous.as_deref(), None).unwrap();
            backups.push((path, before, acknowledged.load(SeqCst)));
        }
        writer.join().unwrap();
        backups
    });
    assert!(backups.len() >= 3);
    for (path, before, after) in backups.into_iter().rev() {
        let rows = restored(&path);
        let batches = rows.len() as u64 / BATCH;
        assert_eq!(rows.len() as u64 % BATCH, 0, "half a batch");
        // One more may have been written and not have returned yet.
        assert!((before..=after + 1).contains(&batches), "{batches} of {before} to {after}");
        assert!(rows.into_iter().eq((0..batches * BATCH).map(|id| (id, row(id, 1)))));
    }
}

#[test]
fn what_checkpoints_and_compaction_replace_meanwhile_is_in_it() {
    let place = Place::new();
    // No links between the simulated disk and this one: everything is copied.
    let disk = SimStorage::new();
    let db = Database::open_on(Some(Box::new(disk.clone())), &options(), Some(6)).unwrap();
    let rows = fill(&db);
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    let (task, mut round) = (Task::new(), 0);
    let db = std::sync::Arc::new(db);
    let writer = db.clone();
    task.on_progress(Some(Box::new(move |_, _| {
        // Between two pieces of the copy: everything it reads from becomes obsolete.
        round += 1;
        if round % 2 == 1 && round < 12 {
            put(&writer, 0..600, round);
            writer.delete_batch(&(u64::from(round) * 10..u64::from(round) * 30).collect::<Vec<_>>()).unwrap();
            writer.wait_indexed(None).unwrap();
            writer.checkpoint(None).unwrap();
        }
        true
    })));
    db.backup(&place.at("b"), None, Some(&task)).unwrap();
    let (done, total) = task.progress();
    assert!(done == total && total > 0);
    task.on_progress(None);
    assert!(db.stats().unwrap().compactions > 0 && contents(&db) != rows);
    assert_eq!(restored(&place.at("b")), rows);
    // What was kept for the copy goes with the next checkpoint.
    put(&db, 0..1, 3);
    db.checkpoint(None).unwrap();
    let names = vdb::storage::Storage::list(&disk).unwrap();
    let manifest = vdb::storage::Manifest::load(&disk).unwrap().unwrap();
    assert_eq!(names.iter().filter(|name| name.ends_with(".vdb")).count(), manifest.parts.len());
}

#[test]
fn an_incremental_backup_shares_what_the_one_before_has() {
    let place = Place::new();
    let disk = SimStorage::new();
    let db = Database::open_on(Some(Box::new(disk)), &options(), Some(6)).unwrap();
    fill(&db);
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    db.backup(&place.at("b1"), None, None).unwrap();
    put(&db, 600..650, 3);
    db.checkpoint(None).unwrap();
    db.backup(&place.at("b2"), Some(&place.at("b1")), None).unwrap();
    let chunks = |names: Vec<String>| names.iter().filter(|name| name.starts_with("chunk")).count();
    assert!(chunks(shared(&place.at("b1"), &place.at("b2"))) >= 7, "{:?}", parts(&place.at("b2")));
    assert!(parts(&place.at("b2")).len() > shared(&place.at("b1"), &place.at("b2")).len(), "something is new");
    // A part that was written for a backup alone has a number that no other part ever has.
    put(&db, 650..660, 4);
    db.backup(&place.at("early"), None, None).unwrap();
    db.checkpoint(None).unwrap();
    let numbers = |parts: BTreeMap<String, (u64, u64)>| {
        let number = |name: &String| name.split(['-', '.']).nth(1).unwrap().parse::<u64>().unwrap();
        parts.keys().map(number).collect::<std::collections::BTreeSet<_>>()
    };
    db.backup(&place.at("late"), None, None).unwrap();
    let (early, late) = (parts(&place.at("early")), parts(&place.at("late")));
    let new = |one: &BTreeMap<String, (u64, u64)>, other: &BTreeMap<String, (u64, u64)>| {
        one.iter().filter(|(name, _)| !other.contains_key(*name)).map(|(name, file)| (name.clone(), *file)).collect()
    };
    assert!(numbers(new(&early, &late)).is_disjoint(&numbers(late.clone())) && !numbers(new(&early, &late)).is_empty());
    let rows = contents(&db);
    db.backup(&place.at("b3"), Some(&place.at("early")), None).unwrap();
    db.backup(&place.at("b4"), Some(&place.at("b3")), None).unwrap();
    assert_eq!(parts(&place.at("b4")), parts(&place.at("b3")), "nothing new");
    fs::remove_dir_all(place.at("b3")).unwrap();
    assert_eq!(restored(&place.at("b4")), rows);
    fs::remove_dir_all(place.at("b1")).unwrap();
    assert_eq!(restored(&place.at("b2")).len(), 650 - 20);
}

#[test]
fn damage_in_the_backup_before_is_not_passed_on() {
    let place = Place::new();
    let disk = SimStorage::new();
    let db = Database::open_on(Some(Box::new(disk)), &options(), Some(6)).unwrap();
    let rows = fill(&db);
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    db.backup(&place.at("b0"), None, None).unwrap();
    let name = |prefix: &str| parts(&place.at("b0")).into_keys().find(|name| name.starts_with(prefix)).unwrap();
    let (chunk, graph) = (name("chunk"), name("graph"));
    type Harm = fn(&Path);
    let harms: [Harm; 4] = [
        |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[4096] ^= 1;
            fs::write(path, bytes).unwrap();
        },
        |path| {
            let len = fs::metadata(path).unwrap().len();
            fs::File::options().write(true).open(path).unwrap().set_len(len - 1).unwrap();
        },
        |path| fs::remove_file(path).unwrap(),
        |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
    ];
    for (i, harm) in harms.into_iter().enumerate() {
        let (previous, next) = (place.at(&format!("p{i}")), place.at(&format!("n{i}")));
        db.backup(&previous, None, None).unwrap();
        harm(&previous.join(&chunk));
        harm(&previous.join(&graph));
        db.backup(&next, Some(&previous), None).unwrap();
        let both = shared(&previous, &next);
        assert!(!both.contains(&chunk) && !both.contains(&graph) && both.len() >= 5, "{both:?}");
        assert_eq!(restored(&next), rows);
    }
    // Without its manifest it is none.
    for (name, expected) in [("CURRENT", ErrorKind::Corrupt), ("MANIFEST-3", ErrorKind::Corrupt)] {
        let previous = place.at(&format!("no-{name}"));
        db.backup(&previous, None, None).unwrap();
        let name = if name == "CURRENT" { name.into() } else { manifest_name(&previous) };
        let mut bytes = fs::read(previous.join(&name)).unwrap();
        bytes[20] ^= 1;
        fs::write(previous.join(&name), bytes).unwrap();
        let refused = db.backup(&place.at("x"), Some(&previous), None).unwrap_err();
        assert_eq!(refused.kind(), expected);
        assert!(
            refused.message().starts_with("the earlier backup: ") && refused.message().contains(&name),
            "{refused}"
        );
        assert!(!place.at("x").exists());
    }
}

fn manifest_name(path: &Path) -> String {
    files(path).into_iter().find(|name| name.starts_with("MANIFEST")).unwrap()
}

#[test]
fn a_damaged_database_makes_no_backup() {
    let place = Place::new();
    let disk = SimStorage::new();
    let db = Database::open_on(Some(Box::new(disk.clone())), &options(), Some(6)).unwrap();
    fill(&db);
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    let chunk = vdb::storage::Storage::list(&disk).unwrap().into_iter().find(|name| name.starts_with("chunk")).unwrap();
    disk.damage(&chunk, |bytes| bytes[4096] ^= 1).unwrap();
    let error = db.backup(&place.at("b"), None, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains(&chunk), "{error}");
    assert!(!place.at("b").exists());
}

#[test]
fn what_stands_in_the_way_is_left_alone_and_said() {
    let place = Place::new();
    let db = open(&place.at("db"));
    let rows = fill(&db);
    fs::create_dir(place.at("full")).unwrap();
    fs::write(place.at("full/notes"), "mine").unwrap();
    fs::write(place.at("file"), "mine").unwrap();
    let backup = |path: &str, previous: Option<&str>| {
        let previous = previous.map(|previous| place.at(previous));
        db.backup(&place.at(path), previous.as_deref(), None)
    };
    assert_eq!(kind(backup("full", None)), ErrorKind::AlreadyExists);
    assert_eq!(kind(backup("db", None)), ErrorKind::InvalidArgument);
    assert_eq!(kind(backup("db/inside", None)), ErrorKind::InvalidArgument);
    assert_eq!(kind(backup("no/parent", None)), ErrorKind::NotFound);
    assert!(backup("file", None).is_err());
    assert_eq!(files(&place.at("full")), ["notes"]);
    assert_eq!(fs::read(place.at("file")).unwrap(), b"mine");

    backup("b1", None).unwrap();
    assert_eq!(kind(backup("b1", None)), ErrorKind::AlreadyExists);
    assert_eq!(kind(backup("b1/inside", Some("b1"))), ErrorKind::InvalidArgument);
    assert_eq!(kind(backup("x", Some("nothing"))), ErrorKind::NotFound);
    fs::create_dir(place.at("none")).unwrap();
    assert_eq!(kind(backup("x", Some("none"))), ErrorKind::NotFound);
    assert_eq!(kind(backup("x", Some("db"))), ErrorKind::Locked, "a database that is open");
    let other = open(&place.at("other"));
    put(&other, 0..10, 1);
    other.backup(&place.at("of-other"), None, None).unwrap();
    assert_eq!(kind(backup("x", Some("of-other"))), ErrorKind::Mismatch);
    // One that was opened and written is a database of its own.
    assert_eq!(restored(&place.at("b1")), rows);
    assert_eq!(kind(backup("x", Some("b1"))), ErrorKind::Mismatch);
    assert!(!place.at("x").exists());
    let memory = Database::open(None, &options()).unwrap();
    assert_eq!(kind(memory.backup(&place.at("x"), Some(&place.at("of-other")), None)), ErrorKind::InvalidArgument);
}

#[test]
fn a_cancelled_backup_leaves_nothing() {
    let place = Place::new();
    let db = open(&place.at("db"));
    let rows = fill(&db);
    fs::create_dir(place.at("empty")).unwrap();
    let mut steps = 0;
    for (name, is_there) in [("new", false), ("empty", true)] {
        for limit in 0.. {
            let (task, mut asked) = (Task::new(), 0);
            let mut last = 0;
            task.on_progress(Some(Box::new(move |done, total| {
                assert!(done >= last && done <= total);
                (last, asked) = (done, asked + 1);
                asked <= limit
            })));
            match db.backup(&place.at(name), None, Some(&task)) {
                Ok(()) => break,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Cancelled),
            }
            assert_eq!(place.at(name).exists(), is_there);
            assert!(!is_there || files(&place.at(name)).is_empty());
            steps += 1;
        }
        assert_eq!(restored(&place.at(name)), rows);
    }
    assert!(steps > 10);
}

#[test]
fn half_a_backup_does_not_open_as_a_database() {
    let place = Place::new();
    let db = open(&place.at("db"));
    fill(&db);
    // What a killed process leaves: files in a subdirectory, or some of them moved up already.
    for (i, moved) in [0, 1, usize::MAX].into_iter().enumerate() {
        let path = place.at(&format!("half{i}"));
        db.backup(&path, None, None).unwrap();
        fs::create_dir(path.join("unfinished")).unwrap();
        let names = files(&path);
        for name in names.iter().filter(|name| *name != "unfinished").skip(moved.min(names.len() - 2)) {
            fs::rename(path.join(name), path.join("unfinished").join(name)).unwrap();
        }
        // CURRENT is moved up last.
        let _ = fs::rename(path.join("CURRENT"), path.join("unfinished/CURRENT"));
        for create in [true, false] {
            let error = Database::open(Some(&path), &options().create(create)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(error.message().contains("unfinished"), "{error}");
        }
        let error = Database::open(Some(&path), &Options::new().read_only(true)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert_eq!(kind(db.backup(&path, None, None)), ErrorKind::AlreadyExists);
    }
}

#[test]
fn a_database_in_memory_and_a_reader_make_backups_too() {
    let place = Place::new();
    let memory = Database::open_on(None, &options(), Some(6)).unwrap();
    let rows = fill(&memory);
    memory.backup(&place.at("of-memory"), None, None).unwrap();
    assert_eq!(restored(&place.at("of-memory")), rows);

    let writer = open(&place.at("db"));
    let rows = fill(&writer);
    let reader = Database::open(Some(&place.at("db")), &Options::new().read_only(true)).unwrap();
    put(&writer, 0..700, 8);
    writer.wait_indexed(None).unwrap();
    writer.checkpoint(None).unwrap();
    // The reader is where it was, and some of its files have no name any more.
    assert_eq!(contents(&reader), rows);
    reader.backup(&place.at("of-reader"), None, None).unwrap();
    assert_eq!(restored(&place.at("of-reader")), rows);
    reader.refresh().unwrap();
    reader.backup(&place.at("newer"), None, None).unwrap();
    assert!(shared(&place.at("newer"), &place.at("db")).len() > 5);
    reader.backup(&place.at("next"), Some(&place.at("newer")), None).unwrap();
    assert_eq!(restored(&place.at("next")), contents(&writer));
}

#[test]
fn vectors_given_up_and_every_kind_of_codes_are_in_it() {
    let place = Place::new();
    for (i, quant) in [Quant::Sq8, Quant::Sq4, Quant::Pq, Quant::Rabitq].into_iter().enumerate() {
        let path = place.at(&format!("db{i}"));
        let given_up = i < 2;
        let originals = if given_up { vdb::Originals::Drop } else { vdb::Originals::Keep };
        let options = Options::new().dim(32).graph_min_rows(100).quant(quant).originals(originals).threads(1);
        let storage = Box::new(OsStorage::open(&path, true, true).unwrap());
        let db = Database::open_on(Some(storage), &options, Some(6)).unwrap();
        let ids: Vec<u64> = (0..1500).collect();
        let value = |i: u64| (vdb::util::hash::mix(i, 3) % 1000) as f32;
        let values: Vec<f32> = (0..1500 * 32).map(value).collect();
        db.insert_batch(&ids, Vectors::f32(&values, 32).unwrap(), None).unwrap();
        db.wait_indexed(None).unwrap();
        let get = |db: &Database| {
            let mut out = vec![0; 1500 * 32 * 4];
            db.get_batch(&ids, Scalar::F32, &mut out, 0, &mut [0; 1500]).unwrap();
            out
        };
        // Before and after the checkpoint that writes chunks without their vectors.
        for name in ["early", "late"] {
            let backup = place.at(&format!("{name}{i}"));
            db.backup(&backup, None, None).unwrap();
            let copy = Database::open(Some(&backup), &Options::new()).unwrap();
            assert_eq!(copy.settings().quant, quant);
            assert!(copy.check(CheckLevel::Recall, None).unwrap().is_sound());
            assert_eq!(copy.stats().unwrap().decoded > 0, given_up);
            assert!(get(&copy) == get(&db), "{quant:?} {name}");
            db.checkpoint(None).unwrap();
        }
    }
}

#[test]
fn keys_and_metadata_are_in_it_and_found() {
    let place = Place::new();
    let memory = Database::open_on(None, &options(), Some(6)).unwrap();
    let on_disk = open(&place.at("db"));
    for (name, db) in [("of-memory", &memory), ("of-disk", &on_disk)] {
        let mut ids = vec![vdb::ID_NONE; 200];
        let (mut keys, mut meta, mut key_ends, mut meta_ends) = (String::new(), String::new(), vec![0], vec![0]);
        for i in 0..200 {
            keys += &format!("key-{i}");
            meta += &format!("{{\"n\":{i}}}");
            key_ends.push(keys.len() as u64);
            meta_ends.push(meta.len() as u64);
        }
        let records = vdb::Records {
            keys: Some(vdb::Texts::new(keys.as_bytes(), &key_ends).unwrap()),
            meta: Some(vdb::Texts::new(meta.as_bytes(), &meta_ends).unwrap()),
        };
        let bytes: Vec<u8> = (0..200).flat_map(|id| row(id, 1)).collect();
        db.insert_records(&mut ids, Vectors::u8(&bytes, DIM).unwrap(), &records, None).unwrap();
        db.checkpoint(None).unwrap();
        db.update_meta_batch(&[ids[3]], &vdb::Texts::new(b"{\"n\":-1}", &[0, 8]).unwrap()).unwrap();
        let path = place.at(name);
        db.backup(&path, None, None).unwrap();
        let look = |db: &Database| {
            let mut found = [0; 3];
            db.ids_of_keys(&vdb::Texts::new(b"key-3key-199other", &[0, 5, 12, 17]).unwrap(), &mut found).unwrap();
            let below = vdb::Filter::parse("n < 5").unwrap();
            let mut next = [vdb::ID_NONE];
            db.insert_records(&mut next, Vectors::u8(&[1; DIM], DIM).unwrap(), &vdb::Records::default(), None).unwrap();
            (found, db.count_passing(&below).unwrap(), next)
        };
        let copy = Database::open(Some(&path), &Options::new()).unwrap();
        assert!(copy.check(CheckLevel::Structure, None).unwrap().is_sound());
        assert_eq!(look(&copy), look(db), "{name}");
        assert_eq!(look(&copy).0, [ids[3], ids[199], vdb::ID_NONE]);
    }
}

#[test]
fn searches_of_the_copy_find_what_searches_of_the_database_find() {
    let place = Place::new();
    let db = open(&place.at("db"));
    fill(&db);
    db.wait_indexed(None).unwrap();
    db.backup(&place.at("b"), None, None).unwrap();
    let copy = Database::open(Some(&place.at("b")), &options()).unwrap();
    for id in (0..600).step_by(37) {
        let ask = |db: &Database| {
            let (mut ids, mut distances, mut counts) = ([0; 10], [0.0; 10], [0]);
            let hits = vdb::Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
            let query = row(id, 5);
            db.search(Vectors::u8(&query, DIM).unwrap(), 10, &SearchParams::default(), hits).unwrap();
            (ids, distances)
        };
        assert_eq!(ask(&db), ask(&copy));
    }
}
