//! Damaged files: whatever is done to the bytes of a closed database, opening
//! and searching it never crashes, hangs or invents answers: it reports the
//! damage, or answers exactly as before. Where the checksums were made to fit, as
//! an attacker would, answers may be wrong, but nothing crashes, hangs or takes
//! memory without bound (promises P6, P7; test T8). `tests/torture` does more of it.

mod common;

use common::refit::{self, Files};
use common::shapes::{Rng, Shape};
use common::{Answer, exercise};
use std::path::{Path, PathBuf};
use vdb::storage::sim::SimStorage;
use vdb::storage::{Blocks, Manifest, PartKind, PartWriter};
use vdb::{CheckLevel, Database, Error, ErrorKind, Metric, Options, Scalar, SearchParams};

const DIM: usize = 40;
const ROWS: usize = 3000;

/// Part files, manifest and an unreplayed log, as a killed process leaves them.
fn build(dir: &Path) {
    let db = Database::open(Some(dir), &Options::new().dim(DIM as u32).metric(Metric::Cosine)).unwrap();
    let (rows, more) = Shape::Clusters.rows(Scalar::F32, DIM, ROWS, 300);
    common::fill(&db, &rows);
    db.delete_batch(&(0..200).collect::<Vec<_>>()).unwrap();
    db.checkpoint(None).unwrap();
    let ids: Vec<u64> = (10_000..10_300).collect();
    for (i, &id) in ids.iter().enumerate().step_by(50) {
        db.upsert_batch(&ids[i..i + 50], more.slice(i, 50).vectors(), None).unwrap();
        assert_eq!(id, ids[i]);
    }
    // Nothing is checkpointed: the log stays.
    std::mem::forget(db);
}

/// Number of rows, answers of the graph and of the exact scan, vectors.
type Everything = (u64, Vec<Vec<Answer>>, Vec<u8>);

/// Everything a reader can ask.
fn answers(dir: &Path) -> Result<Everything, Error> {
    let db = Database::open(Some(dir), &Options::new().dim(DIM as u32).create(false))?;
    let queries = Shape::Clusters.rows(Scalar::F32, DIM, 0, 20).1;
    let mut found = Vec::new();
    for exact in [false, true] {
        let params = SearchParams { exact, ..SearchParams::default() };
        let (mut ids, mut distances, mut counts) = (vec![0; 200], vec![0.0; 200], vec![0; 20]);
        let hits = vdb::Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
        db.search(queries.vectors(), 10, &params, hits)?;
        found.push(
            ids.chunks(10)
                .zip(distances.chunks(10))
                .map(|(i, d)| i.iter().copied().zip(d.iter().copied()).collect())
                .collect(),
        );
    }
    let ids: Vec<u64> = (0..ROWS as u64).chain(10_000..10_300).collect();
    let (mut vectors, mut known) = (vec![0; ids.len() * DIM * 4], vec![0; ids.len()]);
    db.get_batch(&ids, Scalar::F32, &mut vectors, 0, &mut known)?;
    vectors.extend(known);
    Ok((db.count()?, found, vectors))
}

fn copy(from: &Path, to: &Path) -> Vec<PathBuf> {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir(to).unwrap();
    let entries = std::fs::read_dir(from).unwrap().map(|e| e.unwrap().path());
    let mut copies: Vec<PathBuf> = entries
        .map(|path| {
            let copy = to.join(path.file_name().unwrap());
            std::fs::copy(&path, &copy).unwrap();
            copy
        })
        .filter(|path| !path.ends_with("LOCK"))
        .collect();
    copies.sort();
    copies
}

/// What happens to bytes.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Bit,
    Cut,
    Zeros,
    Page,
    Huge,
}

const CLASSES: [Damage; 5] = [Damage::Bit, Damage::Cut, Damage::Zeros, Damage::Page, Damage::Huge];

/// Does damage of one kind somewhere; the text says what was done.
fn damage(class: Damage, rng: &mut Rng, bytes: &mut Vec<u8>) -> String {
    let at = rng.below(bytes.len());
    match class {
        Damage::Bit => {
            bytes[at] ^= 1 << rng.below(8);
            format!("bit flipped at {at}")
        }
        Damage::Cut => {
            bytes.truncate(at);
            format!("cut to {at} bytes")
        }
        Damage::Zeros => {
            let page = at / 4096 * 4096;
            let end = bytes.len().min(page + 4096);
            bytes[page..end].fill(0);
            format!("page at {page} zeroed")
        }
        Damage::Page => {
            let from = rng.below(bytes.len()) / 4096 * 4096;
            let (page, len) = (at / 4096 * 4096, 4096.min(bytes.len() - from.max(at / 4096 * 4096)));
            bytes.copy_within(from..from + len, page);
            format!("page {from} copied over page {page}")
        }
        Damage::Huge => {
            let end = bytes.len().min(at + 8);
            bytes[at..end].fill(0xff);
            format!("huge field at {at}")
        }
    }
}

#[test]
fn damage_is_reported_or_harmless_and_never_served() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, broken) = (dir.path().join("sound"), dir.path().join("broken"));
    build(&sound);
    copy(&sound, &broken);
    let truth = answers(&broken).expect("a sound copy opens");
    assert_eq!(truth.0, ROWS as u64 - 200 + 300);
    let mut rng = Rng(99);
    let (mut reported, mut harmless) = (0, 0);
    for round in 0..25 {
        let class = CLASSES[round % CLASSES.len()];
        for index in 0..copy(&sound, &broken).len() {
            let file = copy(&sound, &broken)[index].clone();
            let mut bytes = std::fs::read(&file).unwrap();
            let what = damage(class, &mut rng, &mut bytes);
            std::fs::write(&file, &bytes).unwrap();
            let case = format!("round {round}, {}: {what}", file.file_name().unwrap().display());
            match answers(&broken) {
                Ok(found) => {
                    // A log without its last records is one that a crash tore: allowed only there.
                    let torn = file.extension().is_some_and(|e| e == "log")
                        && found.0 < truth.0
                        && found.0 % 50 == truth.0 % 50;
                    assert!(found == truth || torn, "{case}: a wrong answer");
                    harmless += 1;
                }
                Err(error) => {
                    let kinds = [ErrorKind::Corrupt, ErrorKind::FormatTooNew, ErrorKind::NotFound];
                    assert!(kinds.contains(&error.kind()), "{case}: {:?} {error}", error.kind());
                    reported += 1;
                }
            }
        }
    }
    eprintln!("{reported} damaged databases reported, {harmless} answered as before");
    assert!(reported > harmless);
}

/// Mutants of each class for every kind of file: 300 of a kind.
const MUTANTS: usize = 60;
/// Address space that exercising a database of a hundred kilobytes may take beyond what
/// the process has, the stacks of its threads included.
#[cfg(target_os = "linux")]
const MEMORY: u64 = 2 << 30;

/// A small database with every kind of file, a log to replay among them.
fn small() -> Files {
    let files = refit::files_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1/cosine_f32"));
    assert_eq!(kinds(&files).len(), 8, "{:?}", files.keys());
    files
}

/// One file of each kind.
fn kinds(files: &Files) -> Vec<String> {
    let kind = |name: &str| name.split('-').next().map(String::from);
    let mut names: Vec<String> = files.keys().cloned().collect();
    names.dedup_by_key(|name| kind(name));
    names
}

#[cfg(target_os = "linux")]
fn limit_memory() {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    let most = pages * 4096 + MEMORY;
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the pointer is to a live, initialised struct of the type the call takes.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

#[cfg(not(target_os = "linux"))]
fn limit_memory() {
    println!("skipped: the size of a process is known on Linux only, so its memory is not limited");
}

/// Damages each kind of file in each way, and lets `judge` look at the result.
fn every_mutant(seed: u64, judge: &mut dyn FnMut(&Files, &str, &str)) {
    let sound = small();
    let mut rng = Rng(seed);
    for name in kinds(&sound) {
        for class in CLASSES {
            for _ in 0..MUTANTS {
                let mut files = sound.clone();
                let bytes = files.get_mut(&name).expect("one of the files");
                let what = damage(class, &mut rng, bytes);
                judge(&files, &name, &format!("{name}: {what}"));
            }
        }
    }
}

/// What is there to find, or the error that was told.
fn rows_of(files: &Files) -> Result<(u64, Vec<u8>), Error> {
    let db = Database::open_on(Some(Box::new(refit::disk_of(files))), &Options::new().create(false), None)?;
    let ids: Vec<u64> = (0..2000).collect();
    let (mut rows, mut found) = (vec![0; ids.len() * 48], vec![0; ids.len()]);
    let read = db.get_batch(&ids, Scalar::F32, &mut rows, 0, &mut found);
    let count = db.count();
    db.abandon();
    read?;
    rows.extend(found);
    Ok((count?, rows))
}

#[test]
fn three_hundred_mutants_of_every_kind_of_file_are_reported_or_harmless() {
    let truth = rows_of(&small()).unwrap();
    let (mut reported, mut harmless, mut torn) = (0, 0, 0);
    every_mutant(7, &mut |files, name, case| match rows_of(files) {
        Ok(found) if found == truth => harmless += 1,
        // The log holds three batches; without the last of them it is one that a crash tore.
        Ok(found) if name.starts_with("wal-") && found.0 != truth.0 => torn += 1,
        Ok(found) => panic!("{case}: {} rows instead of {}, or others", found.0, truth.0),
        Err(error) => {
            let kinds = [ErrorKind::Corrupt, ErrorKind::FormatTooNew, ErrorKind::NotFound];
            assert!(kinds.contains(&error.kind()), "{case}: {:?} {error}", error.kind());
            reported += 1;
        }
    });
    println!("{reported} mutants reported, {harmless} harmless, {torn} logs torn");
    assert!(reported > harmless && reported + harmless + torn == 8 * 5 * MUTANTS);
}

#[test]
fn three_hundred_forged_files_of_every_kind_neither_crash_nor_hang_nor_take_all_memory() {
    limit_memory();
    let (mut opened, mut refused) = (0, 0);
    let options = Options::new().create(false).graph_min_rows(64).threads(1);
    every_mutant(8, &mut |files, name, case| {
        let mut files = files.clone();
        refit::refit(&mut files, name);
        // Tells which one it was when the process dies of it.
        println!("{case}");
        match exercise::live(&refit::disk_of(&files), &options, CheckLevel::Structure, false) {
            true => opened += 1,
            false => refused += 1,
        }
    });
    println!("{opened} forged databases opened, {refused} refused");
    assert!(opened > 300 && refused > 300);
}

/// Holes that a tombstones part does not mark, under sound checksums: counts of
/// rows would become negative, and rows that do not exist be counted.
#[test]
fn tombstones_for_fewer_chunks_than_there_are_are_refused() {
    let disk = SimStorage::new();
    let options = Options::new().dim(2).scalar(Scalar::U8).graph_min_rows(64).threads(1);
    let open = || Database::open_on(Some(Box::new(disk.clone())), &options, Some(6));
    let db = open().unwrap();
    let ids: Vec<u64> = (0..256).collect();
    let bytes: Vec<u8> = ids.iter().flat_map(|&id| [id as u8, 7]).collect();
    db.insert_batch(&ids, vdb::Vectors::u8(&bytes, 2).unwrap(), None).unwrap();
    db.delete_batch(&ids[70..110]).unwrap();
    db.wait_indexed(None).unwrap();
    assert!(db.stats().unwrap().compactions > 0);
    db.close().unwrap();
    for chunks in [1, 3, 5] {
        let mut manifest = Manifest::load(&disk).unwrap().unwrap();
        manifest.generation += 1;
        let mut part =
            PartWriter::create(&disk, PartKind::Tombstones, manifest.generation, manifest.next_file, Blocks::Long)
                .unwrap();
        part.section(1, 8, vec![[0u8; 8]; chunks]).unwrap();
        let tombstones = manifest.parts.iter_mut().find(|p| p.part.kind == PartKind::Tombstones).unwrap();
        tombstones.part = part.finish().unwrap();
        manifest.next_file += 1;
        manifest.write(&disk).unwrap();
        let refused = open().err().unwrap_or_else(|| panic!("marks for {chunks} of 4 chunks were taken"));
        assert_eq!(refused.kind(), ErrorKind::Corrupt);
    }
}
