//! `vdb::repair`: whatever is damaged, every row that a checksum proves is
//! saved, no deleted or replaced row comes back unannounced, the report names
//! what is lost, and the damaged directory is left as it was.

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod model;

use common::shapes::Rng;
use damage::{BLOCK, Damage, Layout, rows_in_blocks, u64_at};
use model::{Model, checkpointed, expected, logged, vector, with_deleted_rows};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use vdb::storage::{OsStorage, checksum};
use vdb::{CheckLevel, Database, ErrorKind, Metric, Options, Quant, RepairReport, Scalar, Task, Vectors, repair};

/// Rows of 800 bytes, so that some lie in two blocks.
const DIM: usize = 200;

fn options() -> Options {
    let schema = Options::new().dim(DIM as u32).metric(Metric::L2sq).scalar(Scalar::F32).quant(Quant::Sq8);
    // Dead rows stay in their chunks.
    schema.graph_min_rows(200).compact_ratio(1.0).consolidate_ratio(1.0)
}

/// In chunks of 256 rows.
fn open(dir: &Path) -> vdb::Result<Database> {
    Database::open_on(Some(Box::new(OsStorage::open(dir, true, true).unwrap())), &options(), Some(8))
}

/// Files of every kind and a log, as a killed process leaves them.
fn build(dir: &Path) {
    let db = open(dir).unwrap();
    checkpointed().iter().for_each(|batch| batch.write(&db));
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    logged().iter().for_each(|batch| batch.write(&db));
    db.abandon();
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    names(dir).into_iter().map(|name| (name.clone(), fs::read(dir.join(name)).unwrap())).collect()
}

fn kind(name: &str) -> &str {
    name.split(['-', '.']).next().unwrap()
}

/// Names of the files of one kind.
fn of_kind(dir: &Path, wanted: &str) -> Vec<String> {
    names(dir).into_iter().filter(|name| kind(name) == wanted).collect()
}

/// A fresh copy of `sound`.
fn copy(sound: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    names(sound).iter().for_each(|name| {
        fs::copy(sound.join(name), to.join(name)).unwrap();
    });
}

/// Repairs `broken` to a new directory and looks at all of it: the rows are
/// exactly `model`, the check finds nothing, the damaged directory is unchanged.
fn repaired(broken: &Path, to: &Path, model: &Model, case: &str) -> RepairReport {
    let before = contents(broken);
    let report = repair(broken, to, &options(), None).unwrap_or_else(|e| panic!("{case}: {e}"));
    assert!(contents(broken) == before, "{case}: the damaged directory was changed");
    assert_eq!(report.rows as usize, model.len(), "{case}: {}", report.to_json());
    compare(to, model, case);
    fs::remove_dir_all(to).unwrap();
    report
}

fn compare(dir: &Path, model: &Model, case: &str) {
    let db = Database::open(Some(dir), &Options::new().create(false)).unwrap_or_else(|e| panic!("{case}: {e}"));
    let check = db.check(CheckLevel::Recall, None).unwrap();
    assert!(check.is_sound(), "{case}: {}", check.to_json());
    assert_eq!(db.count().unwrap() as usize, model.len(), "{case}");
    let ids: Vec<u64> = model.keys().copied().collect();
    let (mut vectors, mut found) = (vec![0u8; ids.len() * DIM * 4], vec![0; ids.len()]);
    db.get_batch(&ids, Scalar::F32, &mut vectors, 0, &mut found).unwrap();
    for ((id, row), found) in ids.iter().zip(vectors.chunks(DIM * 4)).zip(found) {
        assert_eq!(found, 1, "{case}: row {id} is missing");
        let row: Vec<f32> = row.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        assert!(row == model[id], "{case}: row {id} is another one");
    }
    db.abandon();
}

/// Sound database, place for a damaged copy, place for the repaired one.
fn places(dir: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let (sound, broken, to) = (dir.join("sound"), dir.join("broken"), dir.join("repaired"));
    build(&sound);
    (sound, broken, to)
}

#[test]
fn a_sound_database_is_copied_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, _, to) = places(dir.path());
    let all = expected(&BTreeSet::new(), logged().len());
    let report = repaired(&sound, &to, &all, "sound");
    assert!(report.is_complete() && report.problem_count == 0, "{}", report.to_json());
    assert_eq!(report.log_records as usize, logged().len());
    assert!(report.generation.is_some() && report.files > 8);
    // With a graph, as the next user has it.
    repair(&sound, &to, &options(), None).unwrap();
    let db = open(&to).unwrap();
    db.wait_indexed(None).unwrap();
    let check = db.check(CheckLevel::Recall, None).unwrap();
    assert!(check.is_sound() && check.recall > Some(0.9), "{}", check.to_json());
}

#[test]
fn nothing_is_lost_where_all_of_it_is_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, broken, to) = places(dir.path());
    let all = expected(&BTreeSet::new(), logged().len());
    let mut kinds = BTreeSet::new();
    for name in names(&sound) {
        let bytes = fs::read(sound.join(&name)).unwrap();
        let damages = match kind(&name) {
            "CURRENT" | "MANIFEST" => {
                let cuts = [0, 63, bytes.len() - 1].map(Damage::Cut);
                let flips = [0, 9, 30, 41, 62, bytes.len() - 1].map(Damage::Flip);
                let mut all = vec![Damage::Remove, Damage::Zero(0..bytes.len())];
                all.extend(cuts.into_iter().chain(flips));
                all
            }
            "ids" | "tombstones" | "graph" | "codes" => Layout::read(&bytes).damages(),
            _ => continue,
        };
        kinds.insert(kind(&name).to_string());
        for damage in damages {
            let case = format!("{name}, {damage:?}");
            copy(&sound, &broken);
            damage.apply(&broken.join(&name));
            if fs::read(broken.join(&name)).is_ok_and(|now| now == bytes) {
                continue;
            }
            let report = repaired(&broken, &to, &all, &case);
            assert!(report.is_complete() && report.rows_lost == 0, "{case}: {}", report.to_json());
            let named = report.damaged_files.contains(&name) || report.problems[0].what.contains(&name);
            assert!(named && report.problem_count > 0, "{case}: {}", report.to_json());
        }
    }
    assert!(kinds.iter().eq(["CURRENT", "MANIFEST", "codes", "graph", "ids", "tombstones"]), "{kinds:?}");
}

#[test]
fn a_damaged_chunk_loses_the_rows_of_its_damaged_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, broken, to) = places(dir.path());
    let chunks = of_kind(&sound, "chunk");
    assert_eq!(chunks.len(), 5);
    // The first, which has dead rows, and the last, which is short.
    for name in [&chunks[0], &chunks[4]] {
        let bytes = fs::read(sound.join(name)).unwrap();
        let layout = Layout::read(&bytes);
        for damage in layout.damages() {
            let touched = damage.touched(bytes.len());
            // Whole blocks prove a footer that is lost; a footer that is lost with blocks proves nothing.
            let blocks = match (&damage, touched.start < layout.data_len) {
                (_, false) => 0..0,
                (Damage::Remove | Damage::Cut(_), true) => 0..usize::MAX,
                (_, true) => touched.start / BLOCK..touched.end.min(layout.data_len).div_ceil(BLOCK),
            };
            let case = format!("{name}, {damage:?}");
            copy(&sound, &broken);
            damage.apply(&broken.join(name));
            if fs::read(broken.join(name)).is_ok_and(|now| now == bytes) {
                continue;
            }
            let mut lost = rows_in_blocks(&bytes, blocks);
            let model = expected(&lost, logged().len());
            // What the log replaced or deleted since is not lost.
            let full = expected(&BTreeSet::new(), logged().len());
            lost.retain(|id| full.contains_key(id) && !model.contains_key(id));
            let report = repaired(&broken, &to, &model, &case);
            assert_eq!(report.rows_lost as usize, lost.len(), "{case}: {}", report.to_json());
            assert!(report.lost_ids.iter().eq(lost.iter().take(RepairReport::LOST_IDS_MAX)), "{case}");
            assert_eq!(report.is_complete(), lost.is_empty(), "{case}");
            assert!(report.damaged_files.iter().eq([name]), "{case}: {}", report.to_json());
            assert!(report.problems[0].place.is_some() && report.rows_uncertain == 0, "{case}");
        }
    }
}

#[test]
fn the_log_counts_up_to_the_first_damaged_record() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, broken, to) = places(dir.path());
    let name = of_kind(&sound, "wal").pop().unwrap();
    let bytes = fs::read(sound.join(&name)).unwrap();
    let mut ends = vec![64];
    while ends[ends.len() - 1] < bytes.len() {
        let at = ends[ends.len() - 1];
        ends.push(at + (40 + u64_at(&bytes, at + 8)).next_multiple_of(8));
    }
    assert_eq!(ends.len(), logged().len() + 1);
    let mut damages = vec![Damage::Remove, Damage::Cut(0), Damage::Cut(10), Damage::Flip(9), Damage::Flip(45)];
    for record in 0..logged().len() {
        let (from, end) = (ends[record], ends[record + 1]);
        damages.extend([from + 2, from + 17, from + 50, end - 9].map(Damage::Flip));
        damages.extend([from + 1, from + 41, end - 1].map(Damage::Cut));
        damages.push(Damage::Zero(from..from + 40));
    }
    for damage in damages {
        let touched = damage.touched(bytes.len());
        let header_only = touched.end <= 64;
        let whole = ends[1..].iter().filter(|&&end| end <= touched.start || header_only).count();
        let case = format!("{name}, {damage:?}");
        copy(&sound, &broken);
        damage.apply(&broken.join(&name));
        let report = repaired(&broken, &to, &expected(&BTreeSet::new(), whole), &case);
        assert_eq!(report.log_records as usize, whole, "{case}: {}", report.to_json());
        assert_eq!(report.is_complete(), header_only, "{case}: {}", report.to_json());
        assert!(report.damaged_files.iter().eq([&name]), "{case}: {}", report.to_json());
        if matches!(damage, Damage::Flip(_)) && !header_only {
            // One record is damaged; those whose header is whole behind it are counted.
            let behind = logged().len() - whole;
            assert!((behind as u64 - 1..=behind as u64).contains(&report.log_records_lost), "{case}");
            assert_eq!(report.log_bytes_lost as usize, bytes.len() - ends[whole], "{case}");
        }
    }
}

#[test]
fn without_tombstones_and_id_map_deleted_rows_may_be_back_and_that_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, broken, to) = places(dir.path());
    copy(&sound, &broken);
    for kind in ["ids", "tombstones"] {
        of_kind(&broken, kind).iter().for_each(|name| Damage::Remove.apply(&broken.join(name)));
    }
    let mut model = with_deleted_rows();
    let report = repaired(&broken, &to, &model, "both lost");
    assert!(!report.is_complete() && report.rows_uncertain > 800, "{}", report.to_json());
    assert!(report.problems.iter().any(|p| p.what.contains("deleted ones may be back")));

    // Where the last version of a row is damaged, an older one does not take its place.
    let chunk = of_kind(&broken, "chunk").into_iter().find(|name| {
        let bytes = fs::read(broken.join(name)).unwrap();
        let (_, from, rows) = Layout::read(&bytes).sections[1];
        (0..rows).any(|row| u64_at(&bytes, from + row * 8) == 2000)
    });
    let chunk = chunk.unwrap();
    let bytes = fs::read(broken.join(&chunk)).unwrap();
    let layout = Layout::read(&bytes);
    let ((stride, from, rows), (_, ids, _)) = (layout.sections[0], layout.sections[1]);
    Damage::Zero(from..BLOCK).apply(&broken.join(&chunk));
    let in_block = (0..rows).filter(|row| from + row * stride < BLOCK);
    let lost: BTreeSet<u64> = in_block.map(|row| u64_at(&bytes, ids + row * 8) as u64).collect();
    let rewritten = lost.iter().filter(|id| (300..400).contains(*id)).count();
    assert!(rewritten > 0, "the block has second versions: {lost:?}");
    model.retain(|id, _| !lost.contains(id));
    let report = repaired(&broken, &to, &model, "both lost, and a block");
    assert_eq!(report.rows_lost as usize, lost.len(), "{}", report.to_json());
}

#[test]
fn ids_of_a_chunk_come_back_out_of_the_id_map() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, broken, to) = places(dir.path());
    copy(&sound, &broken);
    let chunk = &of_kind(&broken, "chunk")[1];
    let bytes = fs::read(broken.join(chunk)).unwrap();
    let layout = Layout::read(&bytes);
    Damage::Flip(layout.sections[1].1 + 8).apply(&broken.join(chunk));
    let block = layout.sections[1].1 / BLOCK;
    // Vectors that share the block with the ids are lost with it, the others are not.
    let lost = rows_in_blocks(&bytes, block..block + 1);
    let model = expected(&lost, logged().len());
    let report = repaired(&broken, &to, &model, "ids of a chunk");
    let lost = lost.difference(&model.keys().copied().collect()).copied().collect::<Vec<_>>();
    assert_eq!((report.rows_lost as usize, report.rows_lost_without_id), (lost.len(), 0), "{}", report.to_json());
    // Without the map nothing says whose the vectors are.
    Damage::Remove.apply(&broken.join(&of_kind(&broken, "ids")[0]));
    let all = rows_in_blocks(&bytes, 0..usize::MAX);
    let report = repaired(&broken, &to, &expected(&all, logged().len()), "ids of a chunk and id map");
    assert_eq!((report.rows_lost as usize, report.rows_lost_without_id as usize), (all.len(), all.len()));
}

/// A map of several blocks, in a database with chunks of the usual size.
#[test]
fn a_partly_damaged_id_map_still_says_what_it_knows() {
    const ROWS: u64 = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let (sound, broken, to) = (dir.path().join("sound"), dir.path().join("broken"), dir.path().join("repaired"));
    let options =
        Options::new().dim(4).scalar(Scalar::U8).metric(Metric::L2sq).graph_min_rows(1 << 30).compact_ratio(1.0);
    let db = Database::open(Some(&sound), &options).unwrap();
    let ids: Vec<u64> = (0..ROWS).collect();
    let bytes = |ids: &[u64]| -> Vec<u8> { ids.iter().flat_map(|id| (*id as u32).to_le_bytes()).collect() };
    db.insert_batch(&ids, Vectors::u8(&bytes(&ids), 4).unwrap(), None).unwrap();
    let gone: Vec<u64> = ids.iter().copied().filter(|id| id % 7 == 3).collect();
    db.delete_batch(&gone).unwrap();
    db.close().unwrap();
    let map = of_kind(&sound, "ids").pop().unwrap();
    let layout = Layout::read(&fs::read(sound.join(&map)).unwrap());
    let ((_, id_at, rows), (_, slot_at, _)) = (layout.sections[0], layout.sections[1]);
    let live: Vec<u64> = ids.iter().copied().filter(|id| id % 7 != 3).collect();
    assert_eq!(live.len(), rows);
    // An entry is lost when both of its blocks are: block 1 has ids, the last block slots.
    let last = (layout.data_len - 1) / BLOCK;
    let entry_lost = |i: usize| (id_at + i * 8) / BLOCK == 1 && (slot_at + i * 4) / BLOCK == last;
    // Their ids lie between the last one that is read before them and the next.
    let first = (0..rows).find(|&i| (id_at + i * 8) / BLOCK == 1).unwrap();
    let end = (0..rows).rfind(|&i| entry_lost(i)).unwrap() + 1;
    let gap = live[first - 1] + 1..live.get(end).copied().unwrap_or(u64::MAX);
    for (flips, may_return) in
        [(vec![BLOCK + 9], false), (vec![last * BLOCK + 9], false), (vec![BLOCK + 9, last * BLOCK + 9], true)]
    {
        copy(&sound, &broken);
        Damage::Remove.apply(&broken.join(&of_kind(&broken, "tombstones")[0]));
        flips.iter().for_each(|&at| Damage::Flip(at).apply(&broken.join(&map)));
        let report = repair(&broken, &to, &options, None).unwrap();
        let returned: Vec<u64> = gone.iter().copied().filter(|id| may_return && gap.contains(id)).collect();
        assert_eq!(report.rows as usize, live.len() + returned.len(), "{flips:?}: {}", report.to_json());
        assert_eq!(report.rows_uncertain > 0, may_return, "{flips:?}: {}", report.to_json());
        let db = Database::open(Some(&to), &options).unwrap();
        let (mut vectors, mut found) = (vec![0; ROWS as usize * 4], vec![0; ROWS as usize]);
        db.get_batch(&ids, Scalar::U8, &mut vectors, 0, &mut found).unwrap();
        for (i, (&id, &found)) in ids.iter().zip(&found).enumerate() {
            assert_eq!(found == 1, id % 7 != 3 || returned.contains(&id), "{flips:?}: row {id}");
            assert!(found == 0 || vectors[i * 4..][..4] == (id as u32).to_le_bytes());
        }
        db.abandon();
        fs::remove_dir_all(&to).unwrap();
    }
}

#[test]
fn without_a_manifest_the_caller_gives_the_schema() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, broken, to) = places(dir.path());
    let all = expected(&BTreeSet::new(), logged().len());
    copy(&sound, &broken);
    for name in [of_kind(&broken, "CURRENT"), of_kind(&broken, "MANIFEST")].concat() {
        Damage::Remove.apply(&broken.join(name));
    }
    let report = repaired(&broken, &to, &all, "no manifest");
    assert!(report.is_complete() && report.generation.is_none(), "{}", report.to_json());
    for (options, kind) in [
        (Options::new(), ErrorKind::InvalidArgument),
        (Options::new().dim(DIM as u32).metric(Metric::L2sq), ErrorKind::InvalidArgument),
        (options().dim(DIM as u32 + 1), ErrorKind::Mismatch),
        (options().scalar(Scalar::F16), ErrorKind::Mismatch),
    ] {
        assert_eq!(repair(&broken, &to, &options, None).unwrap_err().kind(), kind);
        assert!(!to.exists());
    }
    // And each file that is left damaged, too. Only the id map says where the chunks belong.
    for name in names(&broken).into_iter().filter(|name| matches!(kind(name), "ids" | "tombstones" | "graph")) {
        let again = dir.path().join("again");
        copy(&broken, &again);
        Damage::Cut(100).apply(&again.join(&name));
        let model = if kind(&name) == "ids" { with_deleted_rows() } else { all.clone() };
        let report = repaired(&again, &to, &model, &format!("no manifest, {name}"));
        assert_eq!((report.rows_lost, report.is_complete()), (0, kind(&name) != "ids"), "{}", report.to_json());
    }
}

/// A crash between two generations leaves files of both.
#[test]
fn files_of_another_generation_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, broken, to) = (dir.path().join("sound"), dir.path().join("broken"), dir.path().join("repaired"));
    let before = dir.path().join("before");
    let db = open(&sound).unwrap();
    let (mut model, mut batches) = (Model::new(), checkpointed());
    batches.iter().for_each(|batch| batch.write(&db));
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    batches.extend(logged());
    logged().iter().for_each(|batch| batch.write(&db));
    copy(&sound, &before);
    db.checkpoint(None).unwrap();
    db.abandon();
    batches.iter().for_each(|batch| batch.apply(&mut model));
    // Both generations; then without what says which is live.
    copy(&before, &broken);
    names(&sound).iter().for_each(|name| {
        fs::copy(sound.join(name), broken.join(name)).unwrap();
    });
    let manifests = of_kind(&broken, "MANIFEST");
    assert_eq!(manifests.len(), 2);
    let whole = repaired(&broken, &to, &model, "both generations");
    assert!(whole.is_complete() && whole.problem_count == 0);
    for damaged in [
        vec!["CURRENT"],
        vec![&manifests[1]],
        vec!["CURRENT", &manifests[1]],
        vec!["CURRENT", &manifests[0], &manifests[1]],
    ] {
        let again = dir.path().join("again");
        copy(&broken, &again);
        damaged.iter().for_each(|name| Damage::Flip(40).apply(&again.join(name)));
        let report = repaired(&again, &to, &model, &format!("damaged: {damaged:?}"));
        assert!(report.is_complete(), "{damaged:?}: {}", report.to_json());
    }
    // An old manifest whose files are gone already says nothing but the schema.
    copy(&sound, &broken);
    fs::copy(before.join(&manifests[0]), broken.join(&manifests[0])).unwrap();
    Damage::Flip(70).apply(&broken.join(&manifests[1]));
    let report = repaired(&broken, &to, &model, "an old manifest without its files");
    assert!(report.is_complete(), "{}", report.to_json());
}

#[test]
fn a_cancelled_repair_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, _, to) = places(dir.path());
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let before = contents(&sound);
    for steps in 0.. {
        let task = Task::new();
        let mut left = steps;
        task.on_progress(Some(Box::new(move |done, total| {
            assert!(done <= total);
            left -= 1;
            left >= 0
        })));
        match repair(&sound, &to, &options(), Some(&task)) {
            Err(error) => assert_eq!(error.kind(), ErrorKind::Cancelled),
            Ok(report) => {
                assert!(steps > 5 && report.is_complete() && !task.is_cancelled());
                break;
            }
        }
        assert!(!to.exists(), "{:?}", names(&to));
        let task = Task::new();
        task.cancel();
        assert_eq!(repair(&sound, &empty, &options(), Some(&task)).unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(names(&empty).is_empty());
    }
    assert!(contents(&sound) == before);
}

#[test]
fn what_cannot_be_repaired_is_refused_and_nothing_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, broken, to) = places(dir.path());
    let refused = |from: &Path, to: &Path| repair(from, to, &options(), None).unwrap_err();
    let before = contents(&sound);
    assert_eq!(refused(&dir.path().join("nowhere"), &to).kind(), ErrorKind::NotFound);
    assert_eq!(refused(&sound, &to.join("no/parent")).kind(), ErrorKind::NotFound);
    for to in [&sound, &sound.join("inside")] {
        assert_eq!(refused(&sound, to).kind(), ErrorKind::InvalidArgument);
    }
    let (empty, used) = (dir.path().join("empty"), dir.path().join("used"));
    fs::create_dir(&empty).unwrap();
    assert_eq!(refused(&empty, &to).kind(), ErrorKind::NotFound);
    build(&used);
    let error = refused(&sound, &used);
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    let wrong = repair(&sound, &to, &options().metric(Metric::Ip), None).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Mismatch, "{wrong}");
    let db = open(&used).unwrap();
    assert_eq!(refused(&used, &to).kind(), ErrorKind::Locked);
    db.abandon();
    // A file from the future is no damage.
    copy(&sound, &broken);
    let mut current = fs::read(broken.join("CURRENT")).unwrap();
    current[8] = 2;
    let crc = checksum::crc(&current[..60]);
    current[60..64].copy_from_slice(&crc.to_le_bytes());
    fs::write(broken.join("CURRENT"), current).unwrap();
    assert_eq!(refused(&broken, &to).kind(), ErrorKind::FormatTooNew);
    assert!(!to.exists() && contents(&sound) == before);
}

#[test]
fn opening_a_damaged_database_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, broken, _) = places(dir.path());
    for name in names(&sound).into_iter().filter(|name| name != "LOCK" && kind(name) != "wal") {
        copy(&sound, &broken);
        Damage::Remove.apply(&broken.join(&name));
        let error = open(&broken).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        // It fits in the fixed record of the C interface.
        assert!(error.message().ends_with("vdb_repair") && error.message().len() < 232, "{error}");
    }
}

/// Damage of any kind to any files: a repair that calls itself complete is, and
/// no row is ever invented.
#[test]
fn whatever_the_damage_no_row_is_invented() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, broken, to) = places(dir.path());
    let all = expected(&BTreeSet::new(), logged().len());
    let mut rng = Rng(77);
    let mut complete = 0;
    for round in 0..60 {
        copy(&sound, &broken);
        let mut done = Vec::new();
        for _ in 0..=rng.below(3) {
            let names = names(&broken);
            let name = &names[rng.below(names.len())];
            let len = fs::metadata(broken.join(name)).unwrap().len() as usize;
            let at = rng.below(len.max(1));
            let damage = match rng.below(8) {
                _ if len == 0 => Damage::Remove,
                0 => Damage::Remove,
                1 => Damage::Cut(at),
                2 | 3 => Damage::Zero(at..len.min(at + 4096)),
                _ => Damage::Flip(at),
            };
            damage.apply(&broken.join(name));
            done.push(format!("{name}: {damage:?}"));
        }
        let case = format!("round {round}: {done:?}");
        let before = contents(&broken);
        let report = repair(&broken, &to, &options(), None).unwrap_or_else(|e| panic!("{case}: {e}"));
        assert!(contents(&broken) == before, "{case}");
        let db = open(&to).unwrap();
        let known: Vec<u64> = (0..1000).chain(2000..2050).chain(3000..3020).collect();
        let (mut vectors, mut found) = (vec![0u8; known.len() * DIM * 4], vec![0; known.len()]);
        db.get_batch(&known, Scalar::F32, &mut vectors, 0, &mut found).unwrap();
        assert_eq!(db.count().unwrap() as usize, found.iter().filter(|&&f| f == 1).count(), "{case}");
        for ((&id, row), _) in known.iter().zip(vectors.chunks(DIM * 4)).zip(&found).filter(|(_, found)| **found == 1) {
            let row: Vec<f32> = row.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
            assert!((0..3).any(|version| row == vector(id, version)), "{case}: row {id} never was");
        }
        db.abandon();
        if report.is_complete() {
            compare(&to, &all, &case);
            complete += 1;
        }
        fs::remove_dir_all(&to).unwrap();
    }
    eprintln!("{complete} of 60 damaged databases were repaired without a loss");
    assert!(complete > 5 && complete < 60);
}
