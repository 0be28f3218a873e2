//! `vdb::repair` of databases with keys and metadata: what a checksum proves is saved with its row, what is lost
//! is counted, keys lead to their rows again, and no id is given twice.

mod common;

use common::refit;
use common::texts::{ids_of, keys_of, metas_of, texts};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use vdb::storage::{OsStorage, PartKind};
use vdb::{CheckLevel, Database, ID_NONE, Metric, Options, Records, RepairReport, Scalar, Vectors, repair};

const DIM: usize = 4;
const BLOCK: usize = 1 << 16;

/// Key and metadata of each row.
type Model = BTreeMap<u64, (String, String)>;

fn options() -> Options {
    let schema = Options::new().dim(DIM as u32).metric(Metric::L2sq).scalar(Scalar::U8);
    // No graph, and dead rows stay in their chunks.
    schema.graph_min_rows(1 << 20).compact_ratio(1.0)
}

/// In chunks of 64 rows.
fn open(dir: &Path) -> Database {
    Database::open_on(Some(Box::new(OsStorage::open(dir, true, true).unwrap())), &options(), Some(6)).unwrap()
}

/// Longer than its share of a block, so that damage to one hits some.
fn meta(id: u64, version: u64) -> String {
    format!("{{\"id\":{id},\"v\":{version},\"pad\":\"{}\"}}", "p".repeat(2000))
}

fn put(db: &Database, model: &mut Model, rows: &[(u64, &str, String)]) -> Vec<u64> {
    let mut ids: Vec<u64> = rows.iter().map(|row| row.0).collect();
    let keys = texts(&rows.iter().map(|row| row.1).collect::<Vec<_>>());
    let metas = texts(&rows.iter().map(|row| &row.2).collect::<Vec<_>>());
    let records = Records { keys: Some(keys), meta: Some(metas) };
    let vectors = vec![7; rows.len() * DIM];
    db.upsert_records(&mut ids, Vectors::u8(&vectors, DIM).unwrap(), &records, None).unwrap();
    model.extend(ids.iter().zip(rows).map(|(&id, row)| (id, (row.1.to_string(), row.2.clone()))));
    ids
}

fn update(db: &Database, model: &mut Model, ids: &[u64], version: u64) {
    let metas: Vec<String> = ids.iter().map(|&id| meta(id, version)).collect();
    db.update_meta_batch(ids, &texts(&metas)).unwrap();
    ids.iter().zip(metas).for_each(|(id, meta)| _ = model.entry(*id).and_modify(|row| row.1 = meta));
}

/// Four chunks in parts, every row with a key and metadata; in the log a put with records, a put without, other
/// metadata and deletions. As a killed process leaves it. Returns the rows of the parts, and of all.
fn build(dir: &Path) -> (Model, Model) {
    let (db, mut model) = (open(dir), Model::new());
    let keys: Vec<String> = (0..250).map(|id| format!("key {id}")).collect();
    let rows: Vec<_> = (0..250).map(|id| (id, keys[id as usize].as_str(), meta(id, 0))).collect();
    put(&db, &mut model, &rows);
    db.delete_batch(&[5, 6, 200]).unwrap();
    model.retain(|id, _| ![5, 6, 200].contains(id));
    db.checkpoint(None).unwrap();
    let in_parts = model.clone();
    put(&db, &mut model, &[(300, "new", meta(300, 0)), (1, "key 1", meta(1, 1))]);
    update(&db, &mut model, &[2, 70, 140, 999], 1);
    db.upsert_batch(&[3, 71], Vectors::u8(&[9; 2 * DIM], DIM).unwrap(), None).unwrap();
    db.delete_batch(&[4]).unwrap();
    model.remove(&4);
    db.abandon();
    (in_parts, model)
}

fn contents(db: &Database, ids: &[u64]) -> Model {
    let mut found = vec![0; ids.len()];
    db.get_batch(ids, Scalar::U8, &mut vec![0; ids.len() * DIM], 0, &mut found).unwrap();
    let ids: Vec<u64> = ids.iter().copied().zip(found).filter(|(_, found)| *found == 1).map(|(id, _)| id).collect();
    let (keys, metas) = (keys_of(db, &ids).unwrap(), metas_of(db, &ids).unwrap());
    ids.into_iter().zip(keys.into_iter().zip(metas)).collect()
}

fn id_of(db: &Database, key: &str) -> u64 {
    ids_of(db, &[key]).unwrap()[0]
}

/// Repairs, and looks at what came of it: exactly `model`, sound, keys lead to their rows.
#[track_caller]
fn repaired(broken: &Path, to: &Path, model: &Model, case: &str) -> RepairReport {
    let report = repair(broken, to, &options(), None).unwrap_or_else(|e| panic!("{case}: {e}"));
    let db = open(to);
    let check = db.check(CheckLevel::Recall, None).unwrap();
    assert!(check.is_sound(), "{case}: {}", check.to_json());
    let ids: Vec<u64> = (0..400).collect();
    let found = contents(&db, &ids);
    assert!(found.keys().eq(model.keys()), "{case}: {:?}", found.keys().collect::<Vec<_>>());
    for (id, row) in &found {
        assert_eq!(*row, model[id], "{case}: row {id}");
        assert!(row.0.is_empty() || id_of(&db, &row.0) == *id, "{case}: the key of row {id}");
    }
    assert_eq!(report.rows as usize, model.len(), "{case}");
    db.close().unwrap();
    fs::remove_dir_all(to).unwrap();
    report
}

struct Places(PathBuf, PathBuf, PathBuf);

fn places(dir: &Path) -> Places {
    Places(dir.join("sound"), dir.join("broken"), dir.join("repaired"))
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    refit::write_to(&refit::files_in(from), to);
}

/// File of the part of one kind at `position`.
fn part(dir: &Path, kind: PartKind, position: u64) -> PathBuf {
    let manifest = refit::manifest_of(&refit::files_in(dir)).unwrap();
    let entry = manifest.parts.iter().find(|e| e.part.kind == kind && e.position == position).unwrap();
    dir.join(entry.part.file_name())
}

fn without_manifest(dir: &Path) {
    for name in refit::files_in(dir).keys().filter(|name| name.starts_with("MANIFEST") || *name == "CURRENT") {
        fs::remove_file(dir.join(name)).unwrap();
    }
}

fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

/// What is left where the rows of `lost` have no record in the parts any more: the log has those of some.
fn without_records(model: &Model, lost: &BTreeSet<u64>) -> (Model, BTreeSet<u64>) {
    // Put or changed in the log, so told there; 3 and 71 were put with what they had.
    let told = [1, 2, 70, 140, 3, 71, 300];
    let lost: BTreeSet<u64> = lost.iter().copied().filter(|id| !told.contains(id) && model.contains_key(id)).collect();
    let mut model = model.clone();
    lost.iter().for_each(|id| _ = model.insert(*id, Default::default()));
    (model, lost)
}

#[test]
fn records_and_keys_survive() {
    let dir = tempfile::tempdir().unwrap();
    let Places(sound, broken, to) = places(dir.path());
    let (_, model) = build(&sound);
    let report = repaired(&sound, &to, &model, "sound");
    assert!(report.is_complete() && report.problem_count == 0, "{}", report.to_json());
    for damaged in ["CURRENT", "MANIFEST-", "keys-", "ids-", "tombstones-"] {
        copy(&sound, &broken);
        let names: Vec<String> =
            refit::files_in(&broken).into_keys().filter(|name| name.starts_with(damaged)).collect();
        assert!(!names.is_empty(), "{damaged}");
        names.iter().for_each(|name| change(&broken.join(name), |bytes| bytes[40] ^= 1));
        let report = repaired(&broken, &to, &model, damaged);
        assert!(report.is_complete() && report.records_lost == 0, "{damaged}: {}", report.to_json());
    }
}

#[test]
fn a_damaged_block_loses_the_records_in_it_and_no_row() {
    let dir = tempfile::tempdir().unwrap();
    let Places(sound, broken, to) = places(dir.path());
    let (_, model) = build(&sound);
    for with_manifest in [true, false] {
        copy(&sound, &broken);
        let file = part(&broken, PartKind::Records, 1);
        let bytes = fs::read(&file).unwrap();
        let (entries, heap) = (refit::section(&bytes, 1), refit::section(&bytes, 2));
        // The second block of the heap.
        let block = heap.start / BLOCK + 1;
        change(&file, |bytes| bytes[block * BLOCK + 9] ^= 1);
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let is_hit = |row: &usize| {
            let entry = number(entries.start + row * 8);
            let from = heap.start + (entry >> 24) as usize;
            from < (block + 1) * BLOCK && from + (entry & 0xff_ffff) as usize > block * BLOCK
        };
        let hit: BTreeSet<u64> = (0..64).filter(is_hit).map(|row| row as u64 + 64).collect();
        assert!(hit.len() > 10 && hit.len() < 60, "{hit:?}");
        let (left, lost) = without_records(&model, &hit);
        if !with_manifest {
            without_manifest(&broken);
        }
        let report = repaired(&broken, &to, &left, &format!("manifest: {with_manifest}"));
        assert_eq!((report.records_lost as usize, report.rows_lost), (lost.len(), 0), "{}", report.to_json());
        assert!(!report.is_complete());
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(report.damaged_files.contains(name), "{}", report.to_json());
    }
}

#[test]
fn a_lost_records_part_loses_no_row_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let Places(sound, broken, to) = places(dir.path());
    let (_, model) = build(&sound);
    let of_chunk: BTreeSet<u64> = (64..128).collect();
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 4] = [
        ("removed", |file| fs::remove_file(file).unwrap()),
        ("header", |file| change(file, |bytes| bytes[20] ^= 1)),
        ("footer", |file| {
            change(file, |bytes| {
                let end = bytes.len();
                bytes[end - 30] ^= 1
            })
        }),
        ("cut", |file| change(file, |bytes| bytes.truncate(5000))),
    ];
    for (what, damage) in damages {
        for with_manifest in [true, false] {
            let case = format!("{what}, manifest: {with_manifest}");
            copy(&sound, &broken);
            damage(&part(&broken, PartKind::Records, 1));
            if !with_manifest {
                without_manifest(&broken);
            }
            let (left, lost) = without_records(&model, &of_chunk);
            let report = repaired(&broken, &to, &left, &case);
            // A file that is gone with the manifest that named it never was.
            if what == "removed" && !with_manifest {
                continue;
            }
            assert_eq!(
                (report.records_lost as usize, report.rows_lost),
                (lost.len(), 0),
                "{case}: {}",
                report.to_json()
            );
            assert!(!report.is_complete() && report.problem_count > 0, "{case}");
        }
    }
}

/// Rows that may have been deleted are back with their keys, which others have by now: the last one keeps it.
#[test]
fn a_key_that_many_rows_had_belongs_to_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let Places(sound, broken, to) = places(dir.path());
    let (db, mut model) = (open(&sound), Model::new());
    let mut ids = Vec::new();
    for round in 0..6 {
        ids.extend(put(&db, &mut model, &[(ID_NONE, "the key", meta(round, 0)), (ID_NONE, "", meta(round, 1))]));
        if round < 5 {
            assert_eq!(db.delete_batch(&ids[ids.len() - 2..ids.len() - 1]).unwrap(), 1);
        }
    }
    db.close().unwrap();
    copy(&sound, &broken);
    for kind in ["ids-", "tombstones-"] {
        let names: Vec<String> = refit::files_in(&broken).into_keys().filter(|name| name.starts_with(kind)).collect();
        names.iter().for_each(|name| fs::remove_file(broken.join(name)).unwrap());
    }
    let (last, rest) = (ids[10], &ids[..10]);
    rest.iter().for_each(|id| model.entry(*id).or_default().0.clear());
    let report = repaired(&broken, &to, &model, "deleted rows are back");
    assert!(!report.is_complete() && report.rows_uncertain == 12, "{}", report.to_json());
    assert_eq!(report.records_lost, 5, "{}", report.to_json());
    repair(&broken, &to, &options(), None).unwrap();
    assert_eq!(id_of(&open(&to), "the key"), last);
}

#[test]
fn no_id_is_given_again_by_the_repaired_database() {
    let dir = tempfile::tempdir().unwrap();
    for (case, checkpoint) in [("in the manifest", true), ("in the log alone", false)] {
        let Places(sound, _, to) = places(&dir.path().join(case.replace(' ', "-")));
        fs::create_dir_all(sound.parent().unwrap()).unwrap();
        let (db, mut model) = (open(&sound), Model::new());
        let given = put(&db, &mut model, &[(ID_NONE, "a", String::new()), (ID_NONE, "b", String::new())]);
        db.delete_batch(&given).unwrap();
        if checkpoint {
            db.checkpoint(None).unwrap();
        }
        db.abandon();
        let report = repair(&sound, &to, &options(), None).unwrap();
        assert!(report.is_complete() && report.rows == 0, "{case}: {}", report.to_json());
        let again = put(&open(&to), &mut model, &[(ID_NONE, "c", String::new())]);
        assert!(again[0] > given[1], "{case}: {again:?} after {given:?}");
    }
}

/// Also as the log has them: records that are not to be believed end the reading of it.
#[test]
fn a_log_with_records_is_read_up_to_the_first_damaged_one() {
    let dir = tempfile::tempdir().unwrap();
    let Places(sound, broken, to) = places(dir.path());
    let (in_parts, model) = build(&sound);
    let name = refit::files_in(&sound).into_keys().find(|name| name.starts_with("wal-")).unwrap();
    let bytes = fs::read(sound.join(&name)).unwrap();
    let (mut at, mut whole, mut left) = (64, 0, in_parts);
    while at < bytes.len() {
        copy(&sound, &broken);
        change(&broken.join(&name), |bytes| bytes[at + 45] ^= 1);
        let report = repaired(&broken, &to, &left, &format!("record {whole}"));
        assert_eq!((report.log_records, report.log_complete, report.records_lost), (whole, false, 0));
        match whole {
            0 => [1, 300].iter().for_each(|id| _ = left.insert(*id, model[id].clone())),
            1 => [2, 70, 140].iter().for_each(|id| _ = left.insert(*id, model[id].clone())),
            _ => {}
        }
        let len = u64::from_le_bytes(bytes[at + 8..at + 16].try_into().unwrap()) as usize;
        (at, whole) = ((at + 40 + len).next_multiple_of(8), whole + 1);
    }
    assert_eq!(whole, 4);
}
