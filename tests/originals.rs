//! Databases that give up vectors (`schema.originals = drop`): what they save, what they answer, and
//! that whatever is done to a database can be done to them.

mod common;

use common::datasets::{self, DataSet};
use common::exact::Truth;
use common::patience::eventually;
use common::rows::Rows;
use common::shapes::Rng;
use common::{refit, search};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use vdb::storage::format::{NO_ORIGINALS, SHORT_BLOCKS};
use vdb::storage::sim::{CrashKind, SimStorage};
use vdb::storage::{Manifest, OsStorage, PartEntry, PartKind};
use vdb::{
    CheckLevel, Database, Durability, Error, ErrorKind, Metric, Options, Originals, Quant, Scalar, SearchParams,
    Vectors, repair,
};

const K: usize = 10;

/// A database of the sample in chunks of 512 rows, all of them in the graph, and its disk.
fn of_sample(set: &DataSet, quant: Quant, originals: Originals) -> (SimStorage, Database) {
    let disk = SimStorage::new();
    let options = Options::new().dim(set.rows.dim() as u32).metric(set.metric).scalar(set.rows.scalar());
    let options = options.quant(quant).originals(originals);
    let db = Database::open_on(Some(Box::new(disk.clone())), &options, Some(9)).unwrap();
    common::fill(&db, &set.rows);
    (disk, db)
}

fn bytes_on(disk: &SimStorage) -> u64 {
    refit::files_on(disk).values().map(|bytes| bytes.len() as u64).sum()
}

/// Share of the true neighbours found, whatever distances are reported.
fn recall(db: &Database, set: &DataSet, truth: &Truth, params: &SearchParams) -> f64 {
    let answers = search(db, &set.queries, K, params);
    let right = answers.iter().enumerate().map(|(query, answer)| {
        let limit = truth.nearest()[query][K - 1].0;
        answer.iter().filter(|(id, _)| truth.distance_to(query, *id) <= limit + 1e-6 + 1e-5 * limit.abs()).count()
    });
    right.sum::<usize>() as f64 / (K * answers.len()) as f64
}

#[test]
fn vectors_go_from_memory_and_disk_and_answers_are_as_good_as_the_codes() {
    let set = datasets::wordnet_sample();
    let truth = Truth::compute(set.metric, &set.rows, &set.queries, K);
    let row = (set.rows.dim() * 2) as u64;
    for (quant, floor) in [(Quant::Sq8, 0.985), (Quant::Sq4, 0.93), (Quant::Rabitq, 0.7)] {
        let (kept_disk, kept) = of_sample(&set, quant, Originals::Keep);
        let (disk, db) = of_sample(&set, quant, Originals::Drop);
        let (with, without) = (kept.stats().unwrap(), db.stats().unwrap());
        // 5,000 rows are 9 chunks and 392 rows.
        assert_eq!((without.decoded, without.bytes_vectors), (9 * 512, 392 * row), "{quant:?}");
        assert_eq!((with.decoded, with.bytes_vectors, with.originals), (0, 5000 * row, Originals::Keep), "{quant:?}");
        assert_eq!((without.bytes_codes, without.originals), (with.bytes_codes, Originals::Drop), "{quant:?}");
        let given_up = 9 * 512 * row;
        let saved = || kept.stats().unwrap().bytes_memory as i64 - db.stats().unwrap().bytes_memory as i64;
        // Other threads may be about to let go of an older state.
        eventually("the memory of vectors is given back", || saved() >= given_up as i64);
        kept.checkpoint(None).unwrap();
        db.checkpoint(None).unwrap();
        let disk = bytes_on(&kept_disk) - bytes_on(&disk);
        assert!(disk >= given_up, "{quant:?}: {disk} of {given_up} bytes of vectors");
        let params = SearchParams { ef: 100, ..SearchParams::default() };
        let found = recall(&db, &set, &truth, &params);
        assert!(found >= floor, "{quant:?}: {found}");
        let exact = recall(&db, &set, &truth, &SearchParams { exact: true, ..SearchParams::default() });
        assert!((found - exact).abs() < 0.02, "{quant:?}: {found} of the graph, {exact} of a scan");
        let of_graph = db.measure_recall(set.queries.vectors(), K, &params, None).unwrap().recall;
        assert!(of_graph > 0.98, "{quant:?}: {of_graph} of what a scan finds");
        let report = db.check(CheckLevel::Recall, None).unwrap();
        assert!(report.is_sound() && report.recall > Some(0.97), "{quant:?}: {report:?}");
    }
}

const DIM: usize = 16;
/// Chunks of 64 rows: more than 512 are needed.
const SHIFT: u32 = 6;
/// No component of a row is off by more; two versions of a row are off by more in some component.
const OFF: f32 = 0.02;

fn options() -> Options {
    let schema = Options::new().dim(DIM as u32).quant(Quant::Sq8).originals(Originals::Drop);
    schema.m(6).ef_construction(24).graph_min_rows(100).threads(1)
}

fn open_with(disk: &SimStorage, options: &Options) -> Result<Database, Error> {
    Database::open_on(Some(Box::new(disk.clone())), options, Some(SHIFT))
}

fn open(disk: &SimStorage) -> Database {
    open_with(disk, &options()).unwrap()
}

fn vector(id: u64, version: u64) -> Vec<f32> {
    let mut rng = Rng(id * 1000 + version);
    (0..DIM).map(|_| rng.unit()).collect()
}

/// Ids with the version of each.
type Model = BTreeMap<u64, u64>;

fn upsert(db: &Database, model: &mut Model, ids: Range<u64>, version: u64) -> Result<(), Error> {
    let values: Vec<f32> = ids.clone().flat_map(|id| vector(id, version)).collect();
    model.extend(ids.clone().map(|id| (id, version)));
    db.upsert_batch(&ids.collect::<Vec<_>>(), Vectors::f32(&values, DIM).unwrap(), None)
}

fn delete(db: &Database, model: &mut Model, ids: impl Iterator<Item = u64>) -> Result<(), Error> {
    let ids: Vec<u64> = ids.collect();
    model.retain(|id, _| !ids.contains(id));
    db.delete_batch(&ids).map(drop)
}

/// The vectors of all rows with ids below 4096.
fn vectors(db: &Database) -> BTreeMap<u64, Vec<f32>> {
    let ids: Vec<u64> = (0..4096).collect();
    let (mut out, mut found) = (vec![0; ids.len() * 4 * DIM], vec![0; ids.len()]);
    db.get_batch(&ids, Scalar::F32, &mut out, 0, &mut found).unwrap();
    let row = |id: u64| {
        let bytes = out[id as usize * 4 * DIM..][..4 * DIM].as_chunks().0;
        (id, bytes.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    };
    ids.into_iter().filter(|id| found[*id as usize] == 1).map(row).collect()
}

fn is_near(row: &[f32], id: u64, version: u64) -> bool {
    row.iter().zip(vector(id, version)).all(|(x, y)| (x - y).abs() <= OFF)
}

/// Whether the rows are those of `model`, each its vector or what a code makes of it.
fn holds(db: &Database, model: &Model) -> bool {
    let rows = vectors(db);
    rows.len() == model.len() && rows.iter().all(|(id, row)| model.get(id).is_some_and(|v| is_near(row, *id, *v)))
}

/// The rows are those of `model`, walks and scans find them, and nothing is wrong with the database.
fn assert_holds(db: &Database, model: &Model, case: &str) {
    assert!(holds(db, model), "{case}");
    assert_eq!(db.count().unwrap(), model.len() as u64, "{case}");
    for exact in [false, true] {
        let some: Vec<u64> = model.keys().copied().step_by(7).collect();
        let queries: Vec<f32> = some.iter().flat_map(|id| vector(*id, model[id])).collect();
        let queries = common::rows::Rows::encode(Scalar::F32, DIM, &queries);
        let answers = search(db, &queries, 1, &SearchParams { exact, ef: 64, ..SearchParams::default() });
        let missed = some.iter().zip(&answers).filter(|(id, answer)| answer[0].0 != **id).count();
        assert!(missed <= if exact { 0 } else { some.len() / 50 }, "{case}: {missed} of {}", some.len());
        assert!(answers.iter().all(|answer| answer[0].1 < DIM as f32 * OFF * OFF), "{case}");
    }
    let report = db.check(CheckLevel::Structure, None).unwrap();
    assert!(report.is_sound(), "{case}: {:?}", report.problems);
}

/// A database of 1,000 rows of which all but those of the last chunk gave up their vectors.
fn grown(disk: &SimStorage) -> (Database, Model) {
    let (db, mut model) = (open(disk), Model::new());
    for from in (0..1000).step_by(250) {
        upsert(&db, &mut model, from..from + 250, 0).unwrap();
        db.wait_indexed(None).unwrap();
    }
    assert_eq!(db.stats().unwrap().decoded, 15 * 64);
    (db, model)
}

#[test]
fn a_vector_is_kept_until_codes_are_made_for_good() {
    let (disk, mut model) = (SimStorage::new(), Model::new());
    let db = open(&disk);
    let decoded = |db: &Database| {
        db.wait_indexed(None).unwrap();
        db.stats().unwrap().decoded
    };
    upsert(&db, &mut model, 0..512, 0).unwrap();
    assert_eq!(decoded(&db), 0);
    assert!(vectors(&db).iter().all(|(id, row)| *row == vector(*id, 0)), "exact");
    upsert(&db, &mut model, 512..513, 0).unwrap();
    assert_eq!(decoded(&db), 512);
    let rows = vectors(&db);
    assert!(rows[&512] == vector(512, 0) && rows[&0] != vector(0, 0), "the last chunk is exact");
    assert_holds(&db, &model, "513 rows");
    db.close().unwrap();
    // Many more rows, of another kind: the codec stays, for nothing could be encoded again.
    let codec = |disk: &SimStorage| {
        let manifest = refit::manifest_of(&refit::files_on(disk)).unwrap();
        manifest.extra.into_iter().find(|extra| extra.tag == 1).map(|extra| extra.bytes)
    };
    let before = codec(&disk);
    let db = open(&disk);
    let values: Vec<f32> = (10_000..15_000).flat_map(|id| vector(id, 0)).map(|x| 3.0 * x - 1.0).collect();
    db.upsert_batch(&(10_000..15_000).collect::<Vec<_>>(), Vectors::f32(&values, DIM).unwrap(), None).unwrap();
    assert_eq!(decoded(&db), 5513 / 64 * 64);
    assert!(holds(&db, &model));
    db.close().unwrap();
    assert!(before.is_some() && before == codec(&disk));
}

#[test]
fn rows_are_replaced_deleted_compacted_and_read_again() {
    let disk = SimStorage::new();
    let (db, mut model) = grown(&disk);
    assert_holds(&db, &model, "grown");
    upsert(&db, &mut model, 100..180, 1).unwrap();
    delete(&db, &mut model, (200..700).filter(|id| id % 3 > 0)).unwrap();
    assert_holds(&db, &model, "changed");
    db.wait_indexed(None).unwrap();
    let stats = db.stats().unwrap();
    assert!(stats.compactions > 0 && stats.deleted < 150, "{stats:?}");
    assert_holds(&db, &model, "compacted");
    // All rows of some chunks, then nearly all rows.
    delete(&db, &mut model, 0..300).unwrap();
    upsert(&db, &mut model, 1000..1100, 0).unwrap();
    db.wait_indexed(None).unwrap();
    assert_holds(&db, &model, "compacted again");
    db.close().unwrap();
    let db = open(&disk);
    assert_holds(&db, &model, "opened");
    delete(&db, &mut model, 0..990).unwrap();
    db.wait_indexed(None).unwrap();
    assert_holds(&db, &model, "few rows left");
    upsert(&db, &mut model, 2000..3000, 2).unwrap();
    db.wait_indexed(None).unwrap();
    assert_holds(&db, &model, "grown again");
    db.close().unwrap();
    assert_holds(&open(&disk), &model, "opened again");
}

#[test]
fn other_databases_do_the_same() {
    for (quant, metric, scalar) in [
        (Quant::Sq8, Metric::L1, Scalar::F32),
        (Quant::Sq8, Metric::Ip, Scalar::F16),
        (Quant::Sq4, Metric::L2sq, Scalar::Bf16),
        (Quant::Sq4, Metric::L1, Scalar::F32),
        (Quant::Rabitq, Metric::L2sq, Scalar::F32),
        (Quant::Rabitq, Metric::Cosine, Scalar::F16),
    ] {
        let case = format!("{quant:?} {metric:?} {scalar:?}");
        let disk = SimStorage::new();
        let options = options().quant(quant).metric(metric).scalar(scalar);
        let (db, mut model) = (open_with(&disk, &options).unwrap(), Model::new());
        for from in (0..1000).step_by(500) {
            upsert(&db, &mut model, from..from + 500, 0).unwrap();
            db.wait_indexed(None).unwrap();
        }
        delete(&db, &mut model, (100..500).filter(|id| id % 2 == 0)).unwrap();
        upsert(&db, &mut model, 1000..1200, 0).unwrap();
        db.wait_indexed(None).unwrap();
        let queries: Vec<f32> = (5000..5050).flat_map(|id| vector(id, 0)).collect();
        let queries = Vectors::f32(&queries, DIM).unwrap();
        let params = SearchParams { ef: 100, ..SearchParams::default() };
        let found = db.measure_recall(queries, K, &params, None).unwrap().recall;
        assert!(db.stats().unwrap().decoded > 700 && found > 0.9, "{case}: {found}");
        assert!(db.check(CheckLevel::Recall, None).unwrap().is_sound(), "{case}");
        let before = vectors(&db);
        assert_eq!(before.len(), model.len(), "{case}");
        db.close().unwrap();
        assert!(before == vectors(&open_with(&disk, &Options::new()).unwrap()), "{case}");
    }
}

#[test]
fn the_same_rows_make_the_same_files_on_any_number_of_threads() {
    let files = |threads| {
        let disk = SimStorage::new();
        let (db, mut model) = (open_with(&disk, &options().threads(threads)).unwrap(), Model::new());
        upsert(&db, &mut model, 0..1000, 0).unwrap();
        db.wait_indexed(None).unwrap();
        db.close().unwrap();
        let mut files = refit::files_on(&disk);
        files.retain(|name, _| name.ends_with(".vdb"));
        files
    };
    assert!(files(1) == files(2));
}

/// A burst of rows is searched by sketches while the graph takes them in and their vectors go: none is
/// missed on the way.
#[test]
fn every_row_is_found_between_its_sketch_and_its_code() {
    let set = datasets::wordnet_sample();
    let (dim, rows) = (set.rows.dim(), 3 * set.rows.count());
    // Three times as many rows, none near another's copy: the sketches of all stay until the graph has gone past the last.
    let values = set.rows.values();
    let turned = |turn: usize| values.chunks(dim).flat_map(move |row| [&row[turn..], &row[..turn]].concat());
    let values: Vec<f32> = [0, 100, 200].into_iter().flat_map(turned).collect();
    let options = Options::new().dim(dim as u32).metric(set.metric).quant(Quant::Sq8).originals(Originals::Drop);
    let db = Database::open_on(None, &options.threads(1), Some(9)).unwrap();
    let ids: Vec<u64> = (0..rows as u64).collect();
    db.insert_batch(&ids, Vectors::f32(&values, dim).unwrap(), None).unwrap();
    let all = Rows::encode(Scalar::F32, dim, &values);
    // So wide that the graph is not walked.
    let params = SearchParams { ef: rows, ..SearchParams::default() };
    std::thread::scope(|scope| {
        let graph = scope.spawn(|| db.wait_indexed(None).unwrap());
        let (mut first, mut last) = (0, false);
        while !last {
            last = graph.is_finished();
            // The first rows lose their vectors first.
            let answers = search(&db, &all.slice(first, 2), 1, &params);
            for (answer, id) in answers.iter().zip(first as u64..) {
                assert!(answer[0].1 < 0.01, "row {id}: {answer:?}, {:?}", db.stats().unwrap());
            }
            first = (first + 97) % 2000;
        }
    });
    assert!(db.stats().unwrap().decoded > 0);
}

#[test]
fn a_reader_beside_the_writer_sees_what_the_writer_sees() {
    let disk = SimStorage::new();
    let (db, mut model) = (open(&disk), Model::new());
    upsert(&db, &mut model, 0..400, 0).unwrap();
    db.wait_indexed(None).unwrap();
    let reader = open_with(&disk, &options().read_only(true)).unwrap();
    assert_holds(&reader, &model, "before");
    for from in [400, 700] {
        upsert(&db, &mut model, from..from + 300, 0).unwrap();
        delete(&db, &mut model, from - 50..from - 30).unwrap();
        db.wait_indexed(None).unwrap();
        reader.refresh().unwrap();
        assert_holds(&reader, &model, "by the log");
        db.checkpoint(None).unwrap();
        reader.refresh().unwrap();
        assert_holds(&reader, &model, "by the files");
    }
    assert_eq!(reader.stats().unwrap().decoded, db.stats().unwrap().decoded);
}

#[derive(Default)]
struct Told {
    states: Vec<Model>,
    durable: usize,
}

/// A short life until the first error; each batch is durable once its call returns.
fn live(disk: &SimStorage, told: &mut Told) -> Result<(), Error> {
    told.states = vec![Model::new()];
    let mut db = open_with(disk, &options().durability(Durability::Full))?;
    for step in 0..7 {
        let mut model = told.states[step].clone();
        told.states.push(Model::new());
        let written = match step {
            2 => delete(&db, &mut model, (0..400).filter(|id| id % 2 == 0)),
            4 => upsert(&db, &mut model, 50..90, 1),
            _ => upsert(&db, &mut model, step as u64 * 250..(step as u64 + 1) * 250, 0),
        };
        told.states[step + 1] = model;
        written?;
        told.durable = step + 1;
        db.wait_indexed(None)?;
        match step {
            0 | 1 | 3 | 6 => db.checkpoint(None)?,
            4 => {
                db.close()?;
                db = open_with(disk, &options())?;
            }
            _ => {}
        }
    }
    db.close()
}

#[test]
fn a_power_cut_at_any_call_leaves_every_row_its_vector_or_its_code() {
    let disk = SimStorage::new();
    live(&disk, &mut Told::default()).unwrap();
    let total = disk.operations().len();
    assert!(open(&disk).stats().unwrap().decoded > 800);
    for at in 0..total {
        let (disk, mut told) = (SimStorage::new(), Told::default());
        disk.crash_at(at);
        let _ = live(&disk, &mut told);
        let kind = [CrashKind::Strict, CrashKind::MetadataOnly, CrashKind::Torn][at % 3];
        let case = format!("cut at {at} of {total}, {kind:?}");
        let image = disk.crash_image(kind, at as u64);
        let db = open_with(&image, &options()).unwrap_or_else(|e| panic!("{case}: {e}"));
        let found = told.states.iter().rposition(|model| holds(&db, model));
        assert!(found.is_some_and(|found| found >= told.durable), "{case}: {found:?}, told {}", told.durable);
        db.wait_indexed(None).unwrap_or_else(|e| panic!("{case}: {e}"));
        db.close().unwrap_or_else(|e| panic!("{case}: {e}"));
        assert_holds(&open(&image), &told.states[found.unwrap()], &case);
    }
}

/// As [`grown`] in a directory, a checkpoint written and some rows only in the log.
fn in_directory(dir: &Path) -> Model {
    let disk = OsStorage::open(dir, true, true).unwrap();
    let db = Database::open_on(Some(Box::new(disk)), &options(), Some(SHIFT)).unwrap();
    let mut model = Model::new();
    upsert(&db, &mut model, 0..1000, 0).unwrap();
    delete(&db, &mut model, 10..15).unwrap();
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    upsert(&db, &mut model, 1000..1010, 0).unwrap();
    upsert(&db, &mut model, 20..25, 1).unwrap();
    db.abandon();
    model
}

/// File of the codes of the chunk at `position`.
fn part(dir: &Path, kind: PartKind, position: u64) -> std::path::PathBuf {
    let manifest = refit::manifest_of(&refit::files_in(dir)).unwrap();
    let is_it = |entry: &&PartEntry| entry.part.kind == kind && entry.position == position;
    dir.join(manifest.parts.iter().find(is_it).unwrap().part.file_name())
}

#[test]
fn a_repair_takes_codes_for_the_rows_and_names_the_lost_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (damaged, repaired) = (dir.path().join("a"), dir.path().join("b"));
    std::fs::create_dir(&damaged).unwrap();
    let model = in_directory(&damaged);
    // Without damage that counts: all of it is there again, to be coded anew.
    let current = std::fs::read(damaged.join("CURRENT")).unwrap();
    std::fs::remove_file(damaged.join("CURRENT")).unwrap();
    let report = repair(&damaged, &repaired, &Options::new(), None).unwrap();
    assert!(report.is_complete() && report.rows == model.len() as u64, "{report:?}");
    assert!(report.damaged_files.iter().all(|name| name == "CURRENT"), "{report:?}");
    let db = Database::open(Some(&repaired), &options().create(false)).unwrap();
    assert_eq!((db.settings().originals, db.stats().unwrap().decoded), (Originals::Drop, 0));
    assert_holds(&db, &model, "repaired");
    db.wait_indexed(None).unwrap();
    assert_holds(&db, &model, "repaired and coded again");
    db.close().unwrap();
    // A byte of a code, and the codes of a whole chunk.
    std::fs::write(damaged.join("CURRENT"), current).unwrap();
    let codes = part(&damaged, PartKind::Codes, 3);
    let mut bytes = std::fs::read(&codes).unwrap();
    bytes[4096 + 70] ^= 1;
    std::fs::write(&codes, bytes).unwrap();
    std::fs::remove_file(part(&damaged, PartKind::Codes, 5)).unwrap();
    let repaired = dir.path().join("c");
    let report = repair(&damaged, &repaired, &Options::new(), None).unwrap();
    let lost: Vec<u64> = (3 * 64..4 * 64).chain(5 * 64..6 * 64).collect();
    assert_eq!((report.rows_lost, &report.lost_ids[..]), (128, &lost[..100]), "{report:?}");
    assert_eq!((report.damaged_files.len(), report.problem_count), (2, 2), "{report:?}");
    let left = model.into_iter().filter(|(id, _)| !lost.contains(id)).collect();
    assert_holds(&Database::open(Some(&repaired), &Options::new()).unwrap(), &left, "what is left");
}

/// What is mapped takes its place on the disk also when it has no name any more.
#[cfg(target_os = "linux")]
#[test]
fn no_file_with_vectors_is_held_on_to() {
    let dir = tempfile::tempdir().unwrap();
    let disk = OsStorage::open(dir.path(), true, true).unwrap();
    let db = Database::open_on(Some(Box::new(disk)), &options(), Some(SHIFT)).unwrap();
    let mut model = Model::new();
    // Two checkpoints: of vectors, and without them.
    for ids in [0..512, 512..1000] {
        upsert(&db, &mut model, ids, 0).unwrap();
        db.wait_indexed(None).unwrap();
        db.checkpoint(None).unwrap();
    }
    assert_eq!(db.stats().unwrap().decoded, 15 * 64);
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let name = dir.path().to_string_lossy().into_owned();
    let held: Vec<&str> = maps.lines().filter(|line| line.contains(&name) && line.contains("/chunk-")).collect();
    assert!(held.len() == 15 && held.iter().all(|line| !line.ends_with("(deleted)")), "{held:#?}");
    assert_holds(&db, &model, "without the files of before");
}

#[test]
fn files_say_that_vectors_may_be_missing_and_must_have_their_codes() {
    let disk = SimStorage::new();
    let (db, _) = grown(&disk);
    db.close().unwrap();
    let files = refit::files_on(&disk);
    let features = files[&refit::manifest_name(&files).unwrap()][12..16].to_vec();
    assert_eq!(features, (SHORT_BLOCKS | NO_ORIGINALS).to_le_bytes());
    let refused = |change: &dyn Fn(&mut Manifest)| {
        let mut files = files.clone();
        let mut manifest = refit::manifest_of(&files).unwrap();
        change(&mut manifest);
        manifest.features = SHORT_BLOCKS | NO_ORIGINALS;
        refit::put_manifest(&mut files, &manifest);
        open_with(&refit::disk_of(&files), &options()).expect_err("refused").kind()
    };
    let without = |kind, last| {
        move |manifest: &mut Manifest| {
            manifest.parts.retain(|entry| entry.part.kind != kind || entry.position < last);
        }
    };
    assert_eq!(refused(&without(PartKind::Codes, 14)), ErrorKind::Corrupt, "codes are missing");
    assert_eq!(refused(&without(PartKind::Graph, 0)), ErrorKind::Corrupt, "there is no graph");
    assert_eq!(refused(&without(PartKind::Chunk, 15)), ErrorKind::Corrupt, "no chunk to append to");
    let no_codec = |manifest: &mut Manifest| manifest.extra.retain(|extra| extra.tag != 1);
    assert_eq!(refused(&no_codec), ErrorKind::Corrupt, "there is no codec");
    let again = open_with(&disk, &options().originals(Originals::Keep)).expect_err("refused");
    assert_eq!(again.kind(), ErrorKind::Mismatch);
    assert!(again.to_string().contains("schema.originals is keep"), "{again}");
}

/// The document says what stands for a vector that was given up: a reader written from it finds the same.
#[test]
fn a_stranger_with_the_document_reads_the_same_rows() {
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format_reader.py");
    if !Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: no python3 to run tests/format_reader.py with");
        return;
    }
    for (quant, metric) in [
        (Quant::Sq8, Metric::Ip),
        (Quant::Sq8, Metric::Cosine),
        (Quant::Sq4, Metric::L2sq),
        (Quant::Rabitq, Metric::Cosine),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let disk = OsStorage::open(dir.path(), true, true).unwrap();
        let options = options().quant(quant).metric(metric);
        let (db, mut model) = (Database::open_on(Some(Box::new(disk)), &options, Some(SHIFT)).unwrap(), Model::new());
        upsert(&db, &mut model, 0..600, 0).unwrap();
        db.wait_indexed(None).unwrap();
        db.checkpoint(None).unwrap();
        upsert(&db, &mut model, 590..605, 1).unwrap();
        let output = Command::new("python3").arg("-I").arg(&reader).arg(dir.path()).output().unwrap();
        assert!(output.status.success(), "{quant:?} {metric:?}: {}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stdout);
        let rows = vectors(&db);
        assert_eq!((said.lines().count(), db.stats().unwrap().decoded), (rows.len(), 576), "{quant:?} {metric:?}");
        for line in said.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let row = &rows[&words[1].parse().unwrap()];
            let component = |i: usize| u32::from_str_radix(&words[2][8 * i..8 * i + 8], 16).unwrap().swap_bytes();
            let off = (0..DIM).map(|i| (f32::from_bits(component(i)) - row[i]).abs()).fold(0.0, f32::max);
            assert!(off < 1e-5, "{quant:?} {metric:?}: row {} is off by {off}", words[1]);
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_a_way_out() {
    let with = |quant, metric, scalar| options().quant(quant).metric(metric).scalar(scalar);
    for (options, advice) in [
        (with(Quant::None, Metric::L2sq, Scalar::F32), "sq8 or sq4"),
        (with(Quant::Auto, Metric::L2sq, Scalar::F32), "sq8 or sq4"),
        (with(Quant::Pq, Metric::L2sq, Scalar::F32), "sq8 or sq4"),
        (with(Quant::Sq4, Metric::Ip, Scalar::F32), "schema.quant = sq8"),
        (with(Quant::Rabitq, Metric::Ip, Scalar::F16), "schema.quant = sq8"),
        (with(Quant::Sq8, Metric::L2sq, Scalar::U8), "f32, f16 or bf16"),
        (with(Quant::Sq8, Metric::L2sq, Scalar::I8), "f32, f16 or bf16"),
        (with(Quant::Sq8, Metric::Hamming, Scalar::B1), "f32, f16 or bf16"),
    ] {
        let error = Database::open(None, &options).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("schema.originals = drop") && error.message().contains(advice), "{error}");
        assert!(Database::open(None, &options.originals(Originals::Keep)).is_ok());
    }
}
