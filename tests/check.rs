//! `Database::check`: sound databases are clean at every level, also beside
//! writers; damage to any file is named, whether or not the database was open
//! when it happened; contradictions with fitting checksums are found too
//! (promises P6, P7; test T17).

mod common;

use common::patience::eventually;
use common::rows::Rows;
use common::shapes::Shape;
use common::texts;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use vdb::storage::{Blocks, Manifest, OsStorage, PartKind, checksum::FileId};
use vdb::{
    CheckLevel, CheckReport, Database, Durability, ErrorKind, Options, Quant, Records, Scalar, SearchParams, Vectors,
};

const DIM: usize = 16;
const ROWS: usize = 1500;

fn options() -> Options {
    Options::new().dim(DIM as u32).graph_min_rows(200).quant(Quant::Sq8)
}

/// In chunks of 256 rows; `None` = in memory.
fn open(dir: Option<&Path>, options: &Options) -> vdb::Result<Database> {
    let storage = dir.map(|dir| Box::new(OsStorage::open(dir, true, true).unwrap()) as _);
    Database::open_on(storage, options, Some(8))
}

/// Gives rows keys and metadata of their numbers, with the vectors `rows`.
fn put_records(db: &Database, mut ids: Vec<u64>, rows: &Rows) {
    let keys: Vec<String> = ids.iter().map(|&id| texts::key(id as u16)).collect();
    let metas: Vec<String> = ids.iter().map(|&id| texts::meta(id as u8)).collect();
    let records = Records { keys: Some(texts::texts(&keys)), meta: Some(texts::texts(&metas)) };
    db.upsert_records(&mut ids, rows.vectors(), &records, None).unwrap();
}

/// Rows, some with keys and metadata, some replaced and some deleted, in files of every kind and in the log.
fn fill(db: &Database) {
    let (rows, more) = Shape::Clusters.rows(Scalar::F32, DIM, ROWS, 100);
    common::fill(db, &rows);
    put_records(db, (100..900).collect(), &rows.slice(100, 800));
    db.delete_batch(&(0..ROWS as u64).filter(|id| id % 9 == 0).collect::<Vec<_>>()).unwrap();
    db.delete_batch(&(300..500).collect::<Vec<_>>()).unwrap();
    db.wait_indexed(None).unwrap();
    let ids: Vec<u64> = (1000..1100).collect();
    db.upsert_batch(&ids, more.vectors(), None).unwrap();
    db.checkpoint(None).unwrap();
    let ids: Vec<u64> = (5000..5100).collect();
    for i in (0..100).step_by(20) {
        match i {
            40.. => put_records(db, ids[i..i + 20].to_vec(), &more.slice(i, 20)),
            _ => db.upsert_batch(&ids[i..i + 20], more.slice(i, 20).vectors(), None).unwrap(),
        }
    }
}

fn check(db: &Database, level: CheckLevel) -> CheckReport {
    db.check(level, None).expect("a check can be made")
}

#[track_caller]
fn assert_sound(db: &Database) {
    for level in [CheckLevel::Checksums, CheckLevel::Structure, CheckLevel::Recall] {
        let report = check(db, level);
        assert!(report.is_sound() && report.completed == level, "{}", report.to_json());
        assert_eq!(report.rows, db.count().unwrap());
        assert_eq!(report.recall.is_some(), level == CheckLevel::Recall && report.graph_nodes > 0);
    }
}

#[test]
fn sound_databases_are_clean_at_every_level() {
    let dir = tempfile::tempdir().unwrap();
    for durability in [Durability::Full, Durability::None] {
        let path = dir.path().join(format!("{durability:?}"));
        for dir in [None, Some(path.as_path())] {
            let db = open(dir, &options().durability(durability)).unwrap();
            assert_sound(&db);
            fill(&db);
            assert_sound(&db);
            let report = check(&db, CheckLevel::Recall);
            assert!(report.recall > Some(0.95) && report.recall_queries > 50, "{}", report.to_json());
            assert!(db.stats().unwrap().compactions > 0, "the churn leaves holes");
            if dir.is_some() {
                assert!(report.files > 8 && report.bytes > (ROWS * DIM) as u64);
                assert!(durability == Durability::None || report.log_records == 5, "{}", report.to_json());
                db.close().unwrap();
                assert_sound(&open(dir, &options()).unwrap());
            }
        }
    }
}

#[test]
fn a_check_runs_beside_writers_and_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(Some(dir.path()), &options()).unwrap();
    fill(&db);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let values = vec![0.5; 50 * DIM];
            let rows = Rows::encode(Scalar::F32, DIM, &values);
            for round in 0u64.. {
                let ids: Vec<u64> = (0..50).map(|i| (round * 37 + i * 11) % 4000).collect();
                db.upsert_batch(&ids, Vectors::f32(&values, DIM).unwrap(), None).unwrap();
                put_records(&db, ids[10..].to_vec(), &rows.slice(10, 40));
                db.delete_batch(&ids[..20]).unwrap();
                db.update_meta_batch(&ids[20..30], &texts::texts(&[""; 10])).unwrap();
                if round % 8 == 7 {
                    db.checkpoint(None).unwrap();
                }
                if stop.load(Relaxed) {
                    return;
                }
            }
        });
        for _ in 0..15 {
            let report = check(&db, CheckLevel::Structure);
            assert!(report.is_sound(), "{}", report.to_json());
        }
        stop.store(true, Relaxed);
    });
}

/// The files of a database but the lock, which holds nothing.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| !path.ends_with("LOCK")).collect();
    files.sort();
    files
}

fn name(file: &Path) -> String {
    file.file_name().unwrap().to_str().unwrap().into()
}

/// Damages one file; every kind of damage has its own number.
fn damage(file: &Path, way: usize) -> bool {
    use std::os::unix::fs::FileExt;
    let handle = std::fs::File::options().read(true).write(true).open(file).unwrap();
    let len = handle.metadata().unwrap().len();
    let flip = |at: u64| {
        let mut byte = [0];
        handle.read_exact_at(&mut byte, at).unwrap();
        handle.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
    };
    match way {
        0 => flip(17),
        1 => flip(len / 2),
        2 => flip(len - 1),
        3 => handle.set_len(len / 2).unwrap(),
        4 => std::fs::remove_file(file).unwrap(),
        _ => return false,
    }
    true
}

#[test]
fn damage_under_an_open_database_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for index in 0.. {
        let path = dir.path().join(index.to_string());
        let db = open(Some(&path), &options()).unwrap();
        fill(&db);
        let Some(file) = files(&path).get(index).cloned() else { break };
        // One way a file, so that a run stays short; the ways go round.
        assert!(damage(&file, index % 5));
        let (report, name) = (check(&db, CheckLevel::Recall), name(&file));
        let first = report.problems.first().unwrap_or_else(|| panic!("{name}, way {}: not found", index % 5));
        assert!(first.to_string().contains(&name) && first.place.is_some(), "{name}: {first}");
        assert!(report.completed == CheckLevel::Checksums && report.problem_count <= 3, "{}", report.to_json());
        kinds.insert(name.split(['-', '.']).next().unwrap().to_string());
        db.abandon();
    }
    let expected = ["CURRENT", "MANIFEST", "chunk", "codes", "graph", "ids", "keys", "records", "tombstones", "wal"];
    assert!(kinds.iter().eq(expected), "{kinds:?}");
}

#[test]
fn damage_to_a_closed_database_is_named_by_open_or_by_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let sound = dir.path().join("sound");
    let db = open(Some(&sound), &options()).unwrap();
    fill(&db);
    db.abandon();
    for index in 0..files(&sound).len() {
        for way in 0..5 {
            let path = dir.path().join(format!("{index}-{way}"));
            std::fs::create_dir(&path).unwrap();
            files(&sound).iter().for_each(|file| {
                std::fs::copy(file, path.join(name(file))).unwrap();
            });
            let file = files(&path)[index].clone();
            assert!(damage(&file, way));
            let (case, torn) = (format!("{}, way {way}", name(&file)), name(&file).starts_with("wal"));
            match open(Some(&path), &options()) {
                Err(error) => assert!(error.message().contains(&name(&file)), "{case}: {error}"),
                Ok(db) => {
                    let report = check(&db, CheckLevel::Recall);
                    let named = report.problems.first().is_some_and(|p| p.to_string().contains(&name(&file)));
                    // A log that lost its end is one that a crash tore: whole again since the open.
                    assert!(named || torn && report.is_sound(), "{case}: {}", report.to_json());
                    db.abandon();
                }
            }
            std::fs::remove_dir_all(&path).unwrap();
        }
    }
}

/// A writer that opened the files looks at all of them, without being asked.
#[test]
fn damage_that_no_call_touches_is_reported_soon_after_an_open() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(Some(dir.path()), &options()).unwrap();
    fill(&db);
    db.close().unwrap();
    // Searches have no use for the id map.
    let file = files(dir.path()).into_iter().find(|file| name(file).starts_with("ids")).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[5000] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let db = open(Some(dir.path()), &options()).unwrap();
    let (mut ids, mut distances, mut counts) = ([0], [0.0], [0]);
    let mut found = None;
    eventually("the damage is found", || {
        let hits = vdb::Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        let query = Vectors::f32(&[0.5; DIM], DIM).unwrap();
        found = db.search(query, 1, &SearchParams::default(), hits).err();
        found.is_some()
    });
    let error = found.unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains(&name(&file)), "{error}");
    db.abandon();
}

#[test]
fn damage_that_a_search_met_does_not_prevent_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(Some(dir.path()), &options()).unwrap();
    fill(&db);
    db.abandon();
    let chunk = files(dir.path()).into_iter().find(|file| name(file).starts_with("chunk")).unwrap();
    assert!(damage(&chunk, 1));
    let db = open(Some(dir.path()), &options()).unwrap();
    let (mut ids, mut distances, mut counts) = ([0; 5], [0.0; 5], [0; 1]);
    let hits = vdb::Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    let params = SearchParams { exact: true, ..SearchParams::default() };
    let met = db.search(Vectors::f32(&[0.5; DIM], DIM).unwrap(), 5, &params, hits).unwrap_err();
    assert_eq!(met.kind(), ErrorKind::Corrupt);
    let report = check(&db, CheckLevel::Recall);
    assert_eq!(report.problem_count, 1, "the same damage is told once: {}", report.to_json());
    assert_eq!(report.problems[0].place.as_ref().unwrap().file, name(&chunk));
    db.abandon();
}

/// Changes a section of a part of a closed database as `change` says and makes
/// every checksum fit, as an attacker would.
fn forge(dir: &Path, kind: PartKind, tag: u32, change: fn(&mut [u8])) {
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap()) as usize;
    let storage = OsStorage::open(dir, false, false).unwrap();
    let mut manifest = Manifest::load(&storage).unwrap().unwrap();
    let part = &mut manifest.parts.iter_mut().find(|entry| entry.part.kind == kind).unwrap().part;
    let file = dir.join(part.file_name());
    let mut bytes = std::fs::read(&file).unwrap();
    let end = bytes.len();
    let (data_len, trailer) = (number(&bytes[end - 24..end - 16]), bytes[end - 16..].to_vec());
    let (sections, blocks) = (trailer[0] as usize, trailer[4] as usize);
    let entry = (0..sections).map(|i| data_len + i * 24).find(|&at| bytes[at..at + 4] == tag.to_le_bytes()).unwrap();
    let stride = u32::from_le_bytes(bytes[entry + 4..entry + 8].try_into().unwrap()) as usize;
    let (from, rows) = (number(&bytes[entry + 8..entry + 16]), number(&bytes[entry + 16..entry + 24]));
    change(&mut bytes[from..from + rows * stride]);
    let id = FileId { kind: kind.into(), generation: part.generation, number: part.number };
    let short = blocks == data_len.div_ceil(Blocks::Short.bytes());
    let shift = if short { Blocks::Short } else { Blocks::Long }.shift();
    for block in 0..blocks {
        let range = block << shift..data_len.min((block + 1) << shift);
        let crc = id.block_crc(block as u64, &bytes[range]);
        bytes[data_len + sections * 24 + block * 4..][..4].copy_from_slice(&crc.to_le_bytes());
    }
    part.crc = id.block_crc(u64::MAX, &bytes[data_len..end - 8]);
    bytes[end - 8..end - 4].copy_from_slice(&part.crc.to_le_bytes());
    std::fs::write(&file, bytes).unwrap();
    manifest.generation += 1;
    manifest.write(&storage).unwrap();
}

#[test]
fn contradictions_with_fitting_checksums_are_found() {
    type Change = fn(&mut [u8]);
    let cases: [(PartKind, u32, Change, &str); 15] = [
        (PartKind::Graph, 2, |links| links[0..4].copy_from_slice(&0u32.to_le_bytes()), "leads to itself"),
        (PartKind::Graph, 2, |links| links[0..4].copy_from_slice(&9_999_999u32.to_le_bytes()), "does not exist"),
        (PartKind::Graph, 2, |links| links.copy_within(4..8, 0), "repeats"),
        (PartKind::Graph, 2, |links| links.fill(0xff), "not reachable"),
        (PartKind::Ids, 2, |slots| slots.copy_within(0..4, 4), "leads to"),
        (PartKind::Ids, 1, |ids| ids.copy_within(0..8, 8), "leads to None"),
        (PartKind::Chunk, 2, |ids| ids[0..8].copy_from_slice(&77_777u64.to_le_bytes()), "id 77777 in slot 0"),
        (PartKind::Tombstones, 1, |marks| marks[0..8].fill(0), "leads to"),
        (PartKind::Records, 1, |entries| entries[0..8].fill(0xee), "the record of slot 0 cannot be read"),
        (PartKind::Records, 1, |entries| entries.copy_within(32..40, 0), "the key of slot 0 leads to Some(4)"),
        (PartKind::Records, 2, |heap| heap[1] = 9, "the record of slot 0 cannot be read"),
        (PartKind::Records, 2, |heap| heap[2] = b'K', "the key of slot 0 leads to None"),
        (PartKind::Records, 2, |heap| heap[2 + texts::key(0).len()] = b'[', "the record of slot 0: metadata"),
        (PartKind::Keys, 1, |numbers| numbers[0] ^= 1, "of the key map leads to slot"),
        (PartKind::Keys, 2, |slots| slots.copy_within(0..4, 4), "whose key is another"),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (case, (kind, tag, change, what)) in cases.into_iter().enumerate() {
        let path = dir.path().join(case.to_string());
        let db = open(Some(&path), &options().compact_ratio(1.0).consolidate_ratio(0.9)).unwrap();
        let rows = Shape::Clusters.rows(Scalar::F32, DIM, ROWS, 1).0;
        put_records(&db, (0..ROWS as u64).collect(), &rows);
        db.wait_indexed(None).unwrap();
        db.delete_batch(&[1, 2, 3]).unwrap();
        db.close().unwrap();
        forge(&path, kind, tag, change);
        let db = open(Some(&path), &options().compact_ratio(1.0).consolidate_ratio(0.9)).unwrap();
        let checksums = check(&db, CheckLevel::Checksums);
        assert!(checksums.is_sound(), "case {case}: {}", checksums.to_json());
        let report = check(&db, CheckLevel::Recall);
        let told = report.problems.iter().any(|problem| problem.what.contains(what));
        assert!(told && report.completed == CheckLevel::Structure, "case {case}: {}", report.to_json());
        db.abandon();
    }
}
