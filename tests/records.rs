//! Keys and metadata where things go wrong: crashes between checkpoints, batches that are refused, damaged
//! blocks, limits on memory. What goes right is in `tests/model_based.rs` and `c_tests/records.c`.

mod common;

use common::refit;
use common::texts::{keys_of, metas_of, texts};
use std::collections::BTreeMap;
use vdb::arena::Budget;
use vdb::storage::format::RECORDS;
use vdb::storage::sim::{CrashKind, SimStorage};
use vdb::storage::{Manifest, PartKind};
use vdb::{
    CheckLevel, Database, Durability, Error, ErrorKind, Filter, ID_NONE, Options, Originals, Quant, Records, Result,
    Scalar, Vectors,
};

const DIM: usize = 2;

fn options() -> Options {
    Options::new().dim(DIM as u32).scalar(Scalar::U8).graph_min_rows(1 << 20).threads(1).durability(Durability::Full)
}

fn open_with(disk: &SimStorage, options: &Options) -> Result<Database> {
    Database::open_on(Some(Box::new(disk.clone())), options, Some(6))
}

fn open(disk: &SimStorage) -> Database {
    open_with(disk, &options()).unwrap()
}

/// Upserts rows; what is `None` stays as it is.
fn put(db: &Database, ids: &mut [u64], keys: Option<&[&str]>, meta: Option<&[&str]>) -> Result<()> {
    let vectors: Vec<u8> = ids.iter().flat_map(|&id| [id as u8, (id >> 8) as u8]).collect();
    let records = Records { keys: keys.map(texts), meta: meta.map(texts) };
    db.upsert_records(ids, Vectors::u8(&vectors, DIM).unwrap(), &records, None)
}

/// Key and metadata of each row.
fn records_of(db: &Database, ids: &[u64]) -> Result<Vec<(String, String)>> {
    Ok(keys_of(db, ids)?.into_iter().zip(metas_of(db, ids)?).collect())
}

fn ids_of(db: &Database, keys: &[&str]) -> Vec<u64> {
    common::texts::ids_of(db, keys).unwrap()
}

fn update(db: &Database, ids: &[u64], meta: &[&str]) -> Result<u64> {
    db.update_meta_batch(ids, &texts(meta))
}

#[track_caller]
fn assert_sound(db: &Database) {
    let report = db.check(CheckLevel::Structure, None).unwrap();
    assert!(report.is_sound(), "{}", report.to_json());
}

fn pair(key: &str, meta: &str) -> (String, String) {
    (key.into(), meta.into())
}

/// The log must say that a row has no record any more: a put of vectors alone leaves what there was.
#[test]
fn what_an_upsert_takes_away_stays_away_after_a_crash() {
    for (keys, meta) in [(None, Some(&[""][..])), (Some(&[""][..]), Some(&[""][..])), (Some(&[""][..]), None)] {
        let disk = SimStorage::new();
        let db = open(&disk);
        let had: (&[&str], &[&str]) = if meta.is_none() { (&["k"], &[""]) } else { (&[""], &["{\"a\":1}"]) };
        put(&db, &mut [1], Some(had.0), Some(had.1)).unwrap();
        put(&db, &mut [1], keys, meta).unwrap();
        let reader = open_with(&disk, &options().read_only(true)).unwrap();
        for (db, what) in [(&db, "live"), (&reader, "a reader"), (&open(&disk.after_kill()), "after a crash")] {
            assert_eq!(records_of(db, &[1]).unwrap(), [pair("", "")], "{what}, {keys:?} {meta:?}");
        }
        assert_eq!(ids_of(&open(&disk.after_kill()), &["k"]), [ID_NONE]);
    }
}

/// Whatever step of the first batch with records is refused, the database is as it was, can be checkpointed, and
/// takes the batch the next time.
#[test]
fn a_refused_first_batch_leaves_no_trace() {
    for refuse in 1.. {
        let (disk, budget) = (SimStorage::new(), Budget::default());
        let options = options().mmap(false);
        let db = Database::open_within(Some(Box::new(disk.clone())), &options, Some(6), &budget).unwrap();
        db.upsert_batch(&[5], Vectors::u8(&[5, 0], DIM).unwrap(), None).unwrap();
        // A batch is tried again.
        budget.refuse_from(refuse);
        let refused = put(&db, &mut [7], Some(&["k"]), Some(&["{\"a\":1}"]));
        budget.refuse(0);
        let Err(error) = refused else {
            assert!(refuse > 3, "the failures do not arrive");
            break;
        };
        assert_eq!(error.kind(), ErrorKind::Limit);
        // The next view has what the refused batch left behind, if it left anything.
        db.upsert_batch(&[6], Vectors::u8(&[6, 0], DIM).unwrap(), None).unwrap();
        db.checkpoint(None).unwrap_or_else(|error| panic!("request {refuse} refused: {error}"));
        let manifest = Manifest::load(&disk).unwrap().unwrap();
        assert!(manifest.parts.iter().all(|entry| entry.part.kind != PartKind::Records), "request {refuse}");
        assert_eq!(db.stats().unwrap().bytes_records, 0);
        put(&db, &mut [7], Some(&["k"]), Some(&["{\"a\":1}"])).unwrap();
        db.close().unwrap();
        assert_eq!(records_of(&open(&disk), &[5, 7]).unwrap(), [pair("", ""), pair("k", "{\"a\":1}")]);
    }
}

/// A library that knows no records takes one in a log for damage, unless the manifest says that it is too old.
#[test]
fn the_manifest_tells_of_records_before_the_log_has_any() {
    type Write = fn(&Database) -> Result<()>;
    let writes: [(&str, Write); 4] = [
        ("a key", |db| put(db, &mut [1], Some(&["k"]), None)),
        ("metadata", |db| put(db, &mut [1], None, Some(&["{}"]))),
        ("an id that is given", |db| put(db, &mut [ID_NONE], None, None)),
        ("other metadata", |db| update(db, &[5], &["{}"]).map(drop)),
    ];
    for (what, write) in writes {
        let disk = SimStorage::new();
        let db = open(&disk);
        let features = || Manifest::load(&disk).unwrap().unwrap().features;
        db.upsert_batch(&[5], Vectors::u8(&[5, 0], DIM).unwrap(), None).unwrap();
        assert_eq!(features() & RECORDS, 0, "a database without records is as before");
        let begun = disk.operations().len();
        write(&db).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(features() & RECORDS, RECORDS, "{what}");
        // And is durable before the log is: no cut may leave one without the other.
        let calls = disk.operations().split_off(begun);
        let switched = calls.iter().position(|call| call.call == "rename").expect("CURRENT is replaced");
        let logged = calls.iter().position(|call| call.file.starts_with("wal-")).expect("the batch is logged");
        assert!(calls[switched..logged].iter().any(|call| call.call == "sync directory"), "{what}");
        let begun = disk.operations().len();
        write(&db).unwrap();
        assert!(disk.operations()[begun..].iter().all(|call| call.call != "rename"), "{what}: only once");
        drop(db);
        let db = open(&disk);
        db.checkpoint(None).unwrap();
        assert_eq!(features() & RECORDS, RECORDS, "{what}: for good");
    }
}

/// A checkpoint that failed keeps the parts that it wrote for the next one. The manifest that tells of records names
/// none of them, and must leave them there all the same.
#[test]
fn the_first_record_after_a_failed_checkpoint_leaves_its_parts_to_the_next_one() {
    let mut failed = 0;
    for at in 0.. {
        let disk = SimStorage::new();
        let db = open(&disk);
        let ids: Vec<u64> = (0..100).collect();
        db.upsert_batch(&ids, Vectors::u8(&[7; 200], DIM).unwrap(), None).unwrap();
        disk.fail_at(disk.operations().len() + at, 28);
        let Err(error) = db.checkpoint(None) else { break };
        assert_eq!(error.kind(), ErrorKind::NoSpace, "call {at}");
        failed += 1;
        put(&db, &mut [100], Some(&["k"]), Some(&["{}"])).unwrap();
        db.checkpoint(None).unwrap_or_else(|error| panic!("after call {at} failed: {error}"));
        drop(db);
        let db = open_with(&disk, &options()).unwrap_or_else(|error| panic!("after call {at} failed: {error}"));
        assert_eq!((db.count().unwrap(), ids_of(&db, &["k"])), (101, vec![100]));
        assert_sound(&db);
    }
    assert!(failed > 10, "{failed} calls of a checkpoint");
}

#[test]
fn a_chunk_whose_records_are_all_taken_away_is_kept_and_read() {
    let disk = SimStorage::new();
    let db = open(&disk);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(100_000));
    let mut ids: Vec<u64> = (1..=30).collect();
    put(&db, &mut ids, None, Some(&vec![&long[..]; 30])).unwrap();
    assert_eq!(update(&db, &ids, &[""; 30]).unwrap(), 30);
    db.close().unwrap();
    let db = open(&disk);
    assert_eq!(records_of(&db, &ids).unwrap(), vec![pair("", ""); 30]);
    assert_eq!(update(&db, &[3], &["{\"b\":2}"]).unwrap(), 1);
    db.close().unwrap();
    let db = open(&disk);
    assert_eq!(records_of(&db, &[2, 3]).unwrap(), [pair("", ""), pair("", "{\"b\":2}")]);
    assert_sound(&db);
}

#[test]
fn no_id_is_given_twice_whatever_goes() {
    let disk = SimStorage::new();
    let mut last = 0;
    for round in 0..6 {
        let db = open(&disk);
        let mut ids = [ID_NONE, ID_NONE];
        put(&db, &mut ids, None, None).unwrap();
        assert!(ids[0] > last && ids[1] > ids[0], "round {round}: {ids:?} after {last}");
        last = ids[1];
        assert_eq!(db.delete_batch(&ids).unwrap(), 2);
        match round % 3 {
            0 => db.abandon(),
            1 => db.close().unwrap(),
            _ => db.checkpoint(None).and_then(|()| db.close()).unwrap(),
        }
    }
}

/// A database of several chunks with records, closed; and the file of the records of the first chunk.
fn closed() -> (refit::Files, String) {
    let disk = SimStorage::new();
    let db = open(&disk);
    let mut ids: Vec<u64> = (0..200).collect();
    let keys: Vec<String> = ids.iter().map(|id| format!("key {id}")).collect();
    let meta: Vec<String> = ids.iter().map(|id| format!("{{\"n\":{id},\"pad\":\"{}\"}}", "y".repeat(900))).collect();
    let (keys, meta): (Vec<&str>, Vec<&str>) =
        (keys.iter().map(String::as_str).collect(), meta.iter().map(String::as_str).collect());
    put(&db, &mut ids, Some(&keys), Some(&meta)).unwrap();
    db.close().unwrap();
    let files = refit::files_on(&disk);
    let manifest = refit::manifest_of(&files).unwrap();
    let is_it = |entry: &&vdb::storage::PartEntry| entry.part.kind == PartKind::Records && entry.position == 0;
    let name = manifest.parts.iter().find(is_it).unwrap().part.file_name();
    (files, name)
}

/// What a write carries over it must have read: damage is an error, and nothing of it gets into the log.
#[test]
fn a_damaged_record_is_not_written_as_if_it_were_one() {
    type Write = fn(&Database) -> Result<()>;
    let writes: [(&str, Write); 4] = [
        ("a vector", |db| db.upsert_batch(&[3], Vectors::u8(&[9, 9], DIM)?, None)),
        ("a key", |db| put(db, &mut [3], Some(&["other"]), None)),
        ("metadata", |db| update(db, &[3], &["{}"]).map(drop)),
        ("a lookup", |db| put(db, &mut [ID_NONE], Some(&["key 3"]), None)),
    ];
    let (files, name) = closed();
    for (what, write) in writes {
        let mut damaged = files.clone();
        let heap = refit::section(&damaged[&name], 2);
        damaged.get_mut(&name).unwrap()[heap][..4096].fill(0);
        let disk = refit::disk_of(&damaged);
        let db = open_with(&disk, &options().mmap(true)).unwrap();
        let before = disk.operations().len();
        let error = write(&db).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
        assert!(error.to_string().contains(&name), "{what}: {error}");
        let logged = disk.operations()[before..].iter().any(|call| call.file.starts_with("wal-"));
        assert!(!logged, "{what}: damage went into the log");
        db.abandon();
    }
}

/// Compaction copies records too; what it met damaged must not get new checksums.
#[test]
fn compaction_does_not_make_damage_whole() {
    let (mut files, name) = closed();
    let heap = refit::section(&files[&name], 2);
    files.get_mut(&name).unwrap()[heap][..4096].fill(0);
    let disk = refit::disk_of(&files);
    let db = open_with(&disk, &options().compact_ratio(0.2)).unwrap();
    assert_eq!(db.delete_batch(&(20..60).collect::<Vec<_>>()).unwrap(), 40);
    let done = db.wait_indexed(None).and_then(|()| db.checkpoint(None));
    assert_eq!(done.expect_err("the damage was met").kind(), ErrorKind::Corrupt);
    assert_eq!(db.stats().map(|stats| stats.compactions).unwrap_or(0), 0);
    db.abandon();
    let manifest = Manifest::load(&disk).unwrap().unwrap();
    assert!(manifest.parts.iter().any(|entry| entry.part.file_name() == name), "the damaged file is still named");
}

/// Compaction beside writers that change metadata all the time: nothing is lost, nothing old comes back.
#[test]
fn compaction_beside_updates_keeps_the_newest() {
    let options = options().compact_ratio(0.2);
    let disk = SimStorage::new();
    let db = open_with(&disk, &options.durability(Durability::None)).unwrap();
    let mut model = BTreeMap::new();
    for round in 0..60u64 {
        let mut ids: Vec<u64> = (round * 40..round * 40 + 64).collect();
        let keys: Vec<String> = ids.iter().map(|id| format!("k{id}")).collect();
        let meta: Vec<String> = ids.iter().map(|id| format!("{{\"v\":{}}}", id * 1000 + round)).collect();
        put(&db, &mut ids, Some(&strs(&keys)), Some(&strs(&meta))).unwrap();
        model.extend(ids.iter().zip(&meta).map(|(&id, meta)| (id, meta.clone())));
        let gone: Vec<u64> = model.keys().copied().filter(|id| id % 3 == round % 3 && id % 64 < 50).collect();
        db.delete_batch(&gone).unwrap();
        model.retain(|id, _| !gone.contains(id));
        let some: Vec<u64> = model.keys().copied().step_by(5).collect();
        let meta: Vec<String> = some.iter().map(|id| format!("{{\"v\":{},\"u\":{round}}}", id * 1000)).collect();
        assert_eq!(update(&db, &some, &strs(&meta)).unwrap(), some.len() as u64);
        model.extend(some.into_iter().zip(meta));
        if round % 7 == 0 {
            db.wait_indexed(None).unwrap();
        }
        if round % 11 == 0 {
            db.checkpoint(None).unwrap();
        }
        let ids: Vec<u64> = model.keys().copied().collect();
        let expected: Vec<_> = model.iter().map(|(id, meta)| pair(&format!("k{id}"), meta)).collect();
        assert_eq!(records_of(&db, &ids).unwrap(), expected, "round {round}");
    }
    db.wait_indexed(None).unwrap();
    assert!(db.stats().unwrap().compactions > 3);
    assert_sound(&db);
    db.close().unwrap();
    let db = open(&disk);
    let ids: Vec<u64> = model.keys().copied().collect();
    let expected: Vec<_> = model.iter().map(|(id, meta)| pair(&format!("k{id}"), meta)).collect();
    assert_eq!(records_of(&db, &ids).unwrap(), expected);
    let keys: Vec<String> = ids.iter().map(|id| format!("k{id}")).collect();
    assert_eq!(ids_of(&db, &strs(&keys)), ids);
    assert_sound(&db);
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// A filter that was asked before sees what changed since, on every way that records change.
#[test]
fn a_filter_sees_every_change() {
    let disk = SimStorage::new();
    let mut db = open_with(&disk, &options().compact_ratio(0.2)).unwrap();
    let filter = Filter::parse("n < 50").unwrap();
    let mut ids: Vec<u64> = (0..300).collect();
    let meta: Vec<String> = ids.iter().map(|id| format!("{{\"n\":{}}}", id % 100)).collect();
    put(&db, &mut ids, None, Some(&strs(&meta))).unwrap();
    assert_eq!(db.count_passing(&filter).unwrap(), 150);
    update(&db, &[0, 299], &["{}", "{\"n\":1}"]).unwrap();
    assert_eq!(db.count_passing(&filter).unwrap(), 150);
    // A vector alone: the record goes along to another slot.
    db.upsert_batch(&[1], Vectors::u8(&[1, 1], DIM).unwrap(), None).unwrap();
    assert_eq!(db.count_passing(&filter).unwrap(), 150);
    db.checkpoint(None).unwrap();
    assert_eq!(db.count_passing(&filter).unwrap(), 150);
    update(&db, &[2], &["{\"n\":77}"]).unwrap();
    assert_eq!(db.count_passing(&filter).unwrap(), 149);
    assert_eq!(db.delete_where(&filter, None).unwrap(), 149);
    assert_eq!(db.count_passing(&filter).unwrap(), 0);
    db.wait_indexed(None).unwrap();
    assert!(db.stats().unwrap().compactions > 0);
    let left = db.update_meta_where(&Filter::parse("n >= 50").unwrap(), b"{\"n\":3}", None).unwrap();
    assert_eq!((db.count_passing(&filter).unwrap(), left), (left, 150));
    db.close().unwrap();
    db = open(&disk);
    assert_eq!(db.count_passing(&filter).unwrap(), left);
}

/// A cut at any call of the first write with records leaves the rows before it or after it.
#[test]
fn a_cut_at_any_call_of_the_first_write_with_records_leaves_all_or_nothing() {
    for at in 0.. {
        let disk = SimStorage::new();
        let db = open(&disk);
        db.upsert_batch(&[5], Vectors::u8(&[5, 0], DIM).unwrap(), None).unwrap();
        disk.crash_at(disk.operations().len() + at);
        let written: std::result::Result<(), Error> = put(&db, &mut [7], Some(&["k"]), Some(&["{}"]));
        for kind in [CrashKind::Strict, CrashKind::MetadataOnly, CrashKind::Torn] {
            let image = open(&disk.crash_image(kind, at as u64));
            let found = records_of(&image, &[5, 7]).unwrap();
            let there = found[1] == pair("k", "{}");
            assert!(there || found[1] == pair("", "") && image.count().unwrap() == 1, "{at} {kind:?}: {found:?}");
            assert!(there || written.is_err(), "{at} {kind:?}: an acknowledged batch is gone");
            assert_sound(&image);
        }
        if written.is_ok() {
            assert!(at > 5, "{at} calls");
            break;
        }
    }
}

/// Where vectors were given up, records stay, change, lead to their rows and go along when rows are moved.
#[test]
fn records_outlive_the_vectors_of_their_rows() {
    let disk = SimStorage::new();
    let options = Options::new().dim(DIM as u32).quant(Quant::Sq8).originals(Originals::Drop);
    let options = options.graph_min_rows(100).threads(1).compact_ratio(0.2).durability(Durability::Full);
    let db = open_with(&disk, &options).unwrap();
    let mut model: BTreeMap<u64, (String, String)> =
        (0..1000).map(|id| (id, pair(&format!("k{id}"), &format!("{{\"n\":{}}}", id % 100)))).collect();
    let (keys, meta): (Vec<String>, Vec<String>) = model.values().cloned().unzip();
    put(&db, &mut (0..1000).collect::<Vec<_>>(), Some(&strs(&keys)), Some(&strs(&meta))).unwrap();
    db.wait_indexed(None).unwrap();
    assert!(db.stats().unwrap().decoded > 512, "vectors were given up");
    // Metadata of rows that have none, a key that goes to another row, rows by key and by condition.
    let some: Vec<u64> = (0..1000).step_by(7).collect();
    let changed: Vec<String> = some.iter().map(|id| format!("{{\"n\":{},\"changed\":true}}", id % 50)).collect();
    assert_eq!(update(&db, &some, &strs(&changed)).unwrap(), some.len() as u64);
    some.iter().zip(changed).for_each(|(id, meta)| model.get_mut(id).unwrap().1 = meta);
    assert_eq!(db.delete_keys(&texts(&["k3", "k500", "nobody"])).unwrap(), 2);
    model.retain(|id, _| ![3, 500].contains(id));
    put(&db, &mut [999], Some(&["k3"]), None).unwrap();
    model.get_mut(&999).unwrap().0 = "k3".into();
    let n = |meta: &str| meta[5..].split([',', '}']).next().unwrap().parse::<u64>().unwrap();
    let is_gone = |(_, meta): &(String, String)| (20..60).contains(&n(meta));
    let gone = model.values().filter(|record| is_gone(record)).count() as u64;
    assert_eq!(db.delete_where(&Filter::parse("n between 20 and 59").unwrap(), None).unwrap(), gone);
    model.retain(|_, record| !is_gone(record));
    db.wait_indexed(None).unwrap();
    assert!(db.stats().unwrap().compactions > 0);
    let check = |db: &Database, what: &str| {
        let ids: Vec<u64> = model.keys().copied().collect();
        assert_eq!(db.count().unwrap(), ids.len() as u64, "{what}");
        assert!(records_of(db, &ids).unwrap().iter().eq(model.values()), "{what}");
        let keys: Vec<&str> = model.values().map(|record| &record.0[..]).collect();
        assert_eq!((ids_of(db, &keys), ids_of(db, &["k999", "k500"])), (ids.clone(), vec![ID_NONE; 2]), "{what}");
        let changed = model.values().filter(|record| record.1.contains("changed")).count() as u64;
        assert_eq!(db.count_passing(&Filter::parse("changed").unwrap()).unwrap(), changed, "{what}");
        let (mut rows, mut found) = (vec![0; ids.len() * DIM * 4], vec![0; ids.len()]);
        db.get_batch(&ids, Scalar::F32, &mut rows, 0, &mut found).unwrap();
        let is_near = |(id, row): (&u64, &[[u8; 4]])| {
            let due = [*id as u8, (id >> 8) as u8].map(f32::from);
            row.iter().zip(due).all(|(bytes, due)| (f32::from_le_bytes(*bytes) - due).abs() < 2.0)
        };
        assert!(ids.iter().zip(rows.as_chunks().0.chunks(DIM)).all(is_near), "{what}");
        assert_sound(db);
    };
    check(&db, "live");
    check(&open_with(&disk.after_kill(), &options).unwrap(), "after a crash");
    db.close().unwrap();
    let db = open_with(&disk, &options).unwrap();
    assert!(db.stats().unwrap().decoded > 0, "there are no vectors to read");
    check(&db, "opened again");
}
