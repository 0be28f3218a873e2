//! Damaged files: whatever is done to the bytes of a closed database, opening
//! and searching it never crashes, hangs or invents answers: it reports the
//! damage, or answers exactly as before. Where the checksums were made to fit, as
//! an attacker would, answers may be wrong, but nothing crashes, hangs or takes
//! memory without bound (promises P6, P7; test T8). `tests/torture` does more of it.

mod common;

use common::batches::{self, Batch, Odd, Row, Rows};
use common::refit::{self, Files};
use common::shapes::{Rng, Shape};
use common::{Answer, exercise};
use std::path::{Path, PathBuf};
use vdb::storage::sim::SimStorage;
use vdb::storage::{Blocks, Manifest, PartKind, PartWriter};
use vdb::{CheckLevel, Database, Error, ErrorKind, Metric, Options, Quant, Scalar, SearchParams};

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

/// What damage may be reported as.
fn is_report(error: &Error, case: &str) {
    let kinds = [ErrorKind::Corrupt, ErrorKind::FormatTooNew, ErrorKind::NotFound];
    assert!(kinds.contains(&error.kind()), "{case}: {:?} {error}", error.kind());
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
                    is_report(&error, &case);
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

/// Ids that callers give to rows of the database with records.
const UNIVERSE: u64 = 150;

/// A small database with records: every kind of file, every kind of log record; and the rows after its checkpoint
/// and after each batch in its log.
fn with_records() -> (Files, Vec<Rows>) {
    let disk = SimStorage::new();
    let options = Options::new().dim(batches::DIM as u32).metric(Metric::L2sq).graph_min_rows(64).threads(1);
    let db = Database::open_on(Some(Box::new(disk.clone())), &options.quant(Quant::Sq8), Some(6)).unwrap();
    let row = |n: u64| Row {
        vector: vdb::util::hash::mix(n, 3).to_le_bytes(),
        key: (n % 5 != 1).then_some(n as u16),
        meta: (n % 7 != 2).then_some((n % 90) as u8),
    };
    let put = |ids: std::ops::Range<u64>, keys, meta| Batch::Records {
        rows: ids.map(|id| (id, row(id))).collect(),
        keys,
        meta,
    };
    let keyed = |keys: std::ops::Range<u64>| Batch::Keyed {
        rows: keys.map(|n| Row { key: Some(n as u16), ..row(n) }).collect(),
        above: UNIVERSE,
    };
    let mut states = vec![Rows::new()];
    let mut write = |batch: Batch| {
        let mut rows = states.last().unwrap().clone();
        assert!(batch.apply(&mut rows));
        batch.run(&db).unwrap();
        states.push(rows);
    };
    write(put(0..140, true, true));
    write(keyed(150..190));
    write(Batch::Delete((20..40).collect()));
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    write(Batch::Upsert((141..145).map(|id| (id, row(id).vector)).collect()));
    write(put(10..30, true, true));
    write(Batch::Meta((60..70).map(|id| (id, Some(99))).collect()));
    write(Batch::Upsert((70..74).map(|id| (id, row(id + 1).vector)).collect()));
    write(Batch::DeleteKeys((150..160).collect()));
    write(keyed(155..165));
    db.abandon();
    let files = refit::files_on(&disk);
    assert_eq!(kinds(&files).len(), 10, "{:?}", files.keys());
    (files, states.split_off(3))
}

/// One file of each kind.
fn kinds(files: &Files) -> Vec<String> {
    let kind = |name: &str| name.split('-').next().map(String::from);
    let mut names: Vec<String> = files.keys().cloned().collect();
    names.dedup_by_key(|name| kind(name));
    names
}

/// Once: what has a limit may not raise it.
#[cfg(target_os = "linux")]
fn limit_memory() {
    static LIMITED: std::sync::Once = std::sync::Once::new();
    LIMITED.call_once(|| {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
        let most = pages * 4096 + MEMORY;
        let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
        // SAFETY: the pointer is to a live, initialised struct of the type the call takes.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
    });
}

#[cfg(not(target_os = "linux"))]
fn limit_memory() {
    println!("skipped: the size of a process is known on Linux only, so its memory is not limited");
}

/// Damages each kind of file in each way, and lets `judge` look at the result.
fn every_mutant(sound: &Files, seed: u64, judge: &mut dyn FnMut(&Files, &str, &str)) {
    let mut rng = Rng(seed);
    for name in kinds(sound) {
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
    every_mutant(&small(), 7, &mut |files, name, case| match rows_of(files) {
        Ok(found) if found == truth => harmless += 1,
        // The log holds three batches; without the last of them it is one that a crash tore.
        Ok(found) if name.starts_with("wal-") && found.0 != truth.0 => torn += 1,
        Ok(found) => panic!("{case}: {} rows instead of {}, or others", found.0, truth.0),
        Err(error) => {
            is_report(&error, case);
            reported += 1;
        }
    });
    println!("{reported} mutants reported, {harmless} harmless, {torn} logs torn");
    assert!(reported > harmless && reported + harmless + torn == 8 * 5 * MUTANTS);
}

/// Rows with their keys and metadata, also as searches and filters find them, or the error that was told.
fn records_of(files: &Files) -> Result<Rows, Odd> {
    let db = Database::open_on(Some(Box::new(refit::disk_of(files))), &Options::new().create(false), None)?;
    let found = batches::contents(&db, UNIVERSE);
    let is_damaged = db.stats();
    db.abandon();
    is_damaged?;
    found
}

/// Damage to a database with records is reported, or leaves `states[0]`, the newest of them being the last: a log
/// may end earlier. Whether it was reported.
fn records_are_not_wrong(files: &Files, states: &[Rows], is_log: bool, case: &str) -> bool {
    match records_of(files) {
        Ok(found) if is_log => assert!(states.contains(&found), "{case}: {} rows of no whole batch", found.len()),
        Ok(found) => assert!(states.last() == Some(&found), "{case}: other rows, {} of them", found.len()),
        Err(Odd::Wrong(what)) => panic!("{case}: {what}"),
        Err(Odd::Failed(error)) => {
            is_report(&error, case);
            return true;
        }
    }
    false
}

#[test]
fn three_hundred_mutants_of_every_kind_of_file_with_records_are_reported_or_harmless() {
    let (sound, states) = with_records();
    assert!(!records_are_not_wrong(&sound, &states, false, "sound"));
    let (mut reported, mut harmless) = (0, 0);
    every_mutant(&sound, 9, &mut |files, name, case| match records_are_not_wrong(
        files,
        &states,
        name.starts_with("wal-"),
        case,
    ) {
        true => reported += 1,
        false => harmless += 1,
    });
    println!("{reported} mutants with records reported, {harmless} harmless");
    assert!(reported > harmless && reported + harmless == 10 * 5 * MUTANTS);
}

/// Whole files in each other's place, under checksums that are those of their contents.
#[test]
fn parts_in_the_place_of_others_are_not_read() {
    let (sound, states) = with_records();
    let parts: Vec<&String> = sound.keys().filter(|name| name.ends_with(".vdb")).collect();
    for (i, a) in parts.iter().enumerate() {
        for b in &parts[i + 1..] {
            let mut files = sound.clone();
            files.insert(a.to_string(), sound[*b].clone());
            files.insert(b.to_string(), sound[*a].clone());
            let case = format!("{a} and {b} changed places");
            assert!(records_are_not_wrong(&files, &states, false, &case), "{case}, and nobody noticed");
        }
    }
}

/// Lets whoever may forge checksums see what a database of `sound` with changed files does.
fn forged(sound: &Files, seed: u64) -> (usize, usize) {
    let (mut opened, mut refused) = (0, 0);
    every_mutant(sound, seed, &mut |files, name, case| match use_forged(files, name, case) {
        true => opened += 1,
        false => refused += 1,
    });
    (opened, refused)
}

/// Does everything with a database whose file `name` was changed; whether it could be opened.
fn use_forged(files: &Files, name: &str, case: &str) -> bool {
    let mut files = files.clone();
    refit::refit(&mut files, name);
    // Tells which one it was when the process dies of it.
    println!("{case}");
    let options = Options::new().create(false).graph_min_rows(64).threads(1);
    exercise::live(&refit::disk_of(&files), &options, CheckLevel::Structure, false)
}

#[test]
fn three_hundred_forged_files_of_every_kind_neither_crash_nor_hang_nor_take_all_memory() {
    limit_memory();
    for sound in [small(), with_records().0] {
        let (opened, refused) = forged(&sound, 8);
        println!("{opened} forged databases opened, {refused} refused");
        assert!(opened > 300 && refused > 300);
    }
}

/// Numbers where records have theirs: places, lengths, slots, ids, counts. A change at random seldom hits one, and
/// hardly ever makes it a number that nearly fits.
#[test]
fn forged_numbers_of_records_neither_crash_nor_hang_nor_take_all_memory() {
    limit_memory();
    let sound = with_records().0;
    let (mut rng, mut opened) = (Rng(10), 0);
    let names: Vec<&String> =
        sound.keys().filter(|n| ["records", "keys", "wal"].iter().any(|k| n.starts_with(k))).collect();
    for round in 0..1500 {
        let name = names[round % names.len()];
        let mut files = sound.clone();
        let bytes = files.get_mut(name).unwrap();
        let sections: &[u32] = match name.split('-').next() {
            Some("records") => &[1, 2, 3],
            Some("keys") => &[1, 2],
            _ => &[],
        };
        let place = match sections.len() {
            0 => 64..bytes.len(),
            count => refit::section(bytes, sections[rng.below(count)]),
        };
        let mut what = String::new();
        for _ in 0..1 + rng.below(3) {
            let width = [1, 2, 4, 8][rng.below(4)];
            let at = place.start + rng.below(place.len() / width) * width;
            let old = bytes[at..at + width].iter().rev().fold(0u64, |n, &byte| n << 8 | u64::from(byte));
            let near = [old.wrapping_add(1), old.wrapping_sub(1), old ^ 1 << rng.below(width * 8), old << 1];
            let far = [0, u64::MAX, u64::MAX >> 1, 1 << 24, 1 << 31, bytes.len() as u64, u64::MAX << 24, 255];
            let value = if rng.below(2) == 0 { near[rng.below(4)] } else { far[rng.below(8)] };
            bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
            what += &format!("{value:#x} in {width} bytes at {at}; ");
        }
        opened += use_forged(&files, name, &format!("{name}: {what}")) as usize;
    }
    println!("{opened} of 1500 databases with forged numbers opened");
    assert!((300..1500).contains(&opened));
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
