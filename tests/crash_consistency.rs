//! The database on a disk that dies: power cuts, kills and I/O errors at every
//! call it makes (promises P1, P2, P4, P5, P8; tests T2, T6).
//!
//! A short life of a database - inserts, upserts, deletes, checkpoints,
//! closing and opening - runs on the simulated disk and is cut off at each of
//! its disk operations. Whatever image the cut leaves, opening must succeed
//! and find exactly the rows after some batch, at least the last acknowledged.
//! There are two lives: one of vectors alone, and one of rows with keys and
//! metadata too, where no id may be given twice either.

mod common;

use common::batches::{self, Batch, Row, Rows, Vector};
use vdb::storage::sim::{CrashKind, SimStorage};
use vdb::{Database, Durability, Error, ErrorKind, Options, Scalar};

/// Callers give ids up to this.
const UNIVERSE: u64 = 200;
const KINDS: [CrashKind; 3] = [CrashKind::Strict, CrashKind::MetadataOnly, CrashKind::Torn];
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// A graph from 60 rows on, chunks of 64 rows.
fn open(disk: &SimStorage, durability: Durability) -> Result<Database, Error> {
    let options =
        Options::new().dim(batches::DIM as u32).scalar(Scalar::U8).graph_min_rows(60).threads(1).durability(durability);
    Database::open_on(Some(Box::new(disk.clone())), &options, Some(6))
}

/// What the caller was told, and what it may therefore expect.
#[derive(Default)]
struct Told {
    /// Rows after each batch that was begun; the first entry is the empty database.
    states: Vec<Rows>,
    /// Ids that the database gave, with the number of the state since when.
    given: Vec<(usize, u64)>,
    /// Index into `states` of the last batch that must survive.
    durable: usize,
}

#[derive(Clone)]
enum Step {
    Write(Batch),
    Checkpoint,
    Settle,
    Reopen,
}

type Life = fn() -> Vec<Step>;

/// Vectors alone.
fn plain() -> Vec<Step> {
    use Step::*;
    vec![
        upsert(0..5, 1),
        upsert(3..70, 2),
        delete(10..20),
        Checkpoint,
        upsert(15..40, 3),
        Settle,
        Reopen,
        delete(0..30),
        upsert(100..180, 4),
        Settle,
        Checkpoint,
        upsert(7..9, 5),
        Checkpoint,
        delete(100..140),
    ]
}

/// Every way in which keys and metadata come, change, move to other rows and go.
fn with_records() -> Vec<Step> {
    use Step::*;
    vec![
        upsert(0..5, 1),
        records(3..70, 2, true, true),
        Write(Batch::Delete((10..20).collect())),
        keyed(&[10, 11, 210], 3),
        metas(0..40, 4),
        Checkpoint,
        upsert(15..40, 5),
        Settle,
        Reopen,
        Write(Batch::DeleteKeys((20..30).chain([210]).collect())),
        keyed(&[210, 211, 21, 5], 6),
        records(100..180, 7, true, false),
        Write(Batch::DeleteBelow(12)),
        Settle,
        Checkpoint,
        Write(Batch::MetaBelow(50, Some(60))),
        records(30..60, 8, false, true),
        keyed(&[212, 213], 9),
        Write(Batch::DeleteKeys(vec![211, 212, 213])),
        Checkpoint,
        keyed(&[212], 10),
        Write(Batch::MetaBelow(70, None)),
        delete(100..140),
    ]
}

fn vector(id: u64, version: u8) -> Vector {
    [id as u8, version, (id * 7) as u8, 0, 0, 0, 0, 0]
}

fn upsert(ids: std::ops::Range<u64>, version: u8) -> Step {
    Step::Write(Batch::Upsert(ids.map(|id| (id, vector(id, version))).collect()))
}

fn delete(ids: std::ops::Range<u64>) -> Step {
    Step::Write(Batch::Delete(ids.collect()))
}

/// Row `id` has key `id`; some rows have no key, some no metadata.
fn records(ids: std::ops::Range<u64>, version: u8, keys: bool, meta: bool) -> Step {
    let row = |id: u64| Row {
        vector: vector(id, version),
        key: (id % 5 != 3).then_some(id as u16),
        meta: (id % 4 != 1).then_some(id as u8),
    };
    Step::Write(Batch::Records { rows: ids.map(|id| (id, row(id))).collect(), keys, meta })
}

fn keyed(keys: &[u16], version: u8) -> Step {
    let row = |&key: &u16| Row { vector: vector(key.into(), version), key: Some(key), meta: Some(key as u8) };
    Step::Write(Batch::Keyed { rows: keys.iter().map(row).collect(), above: UNIVERSE })
}

fn metas(ids: std::ops::Range<u64>, version: u8) -> Step {
    Step::Write(Batch::Meta(ids.map(|id| (id, (id % 3 != 0).then_some(id as u8 + version))).collect()))
}

/// Lives until the first error; batches at FULL are durable once they return.
fn live(disk: &SimStorage, durability: Durability, life: Life, told: &mut Told) -> Result<(), Error> {
    told.states = vec![Rows::new()];
    let mut db = open(disk, durability)?;
    for step in life() {
        match step {
            Step::Write(batch) => {
                let mut rows = told.states.last().unwrap().clone();
                assert!(batch.apply(&mut rows), "{batch:?} changes nothing");
                told.states.push(rows);
                let ids = batch.run(&db)?;
                told.given.extend(ids.into_iter().map(|id| (told.states.len() - 1, id)));
            }
            Step::Checkpoint => {
                db.checkpoint(None)?;
                told.durable = told.states.len() - 1;
            }
            Step::Settle => db.wait_indexed(None)?,
            Step::Reopen => {
                db.close()?;
                told.durable = told.states.len() - 1;
                db = open(disk, durability)?;
            }
        }
        if durability == Durability::Full {
            told.durable = told.states.len() - 1;
        }
    }
    db.close()?;
    told.durable = told.states.len() - 1;
    Ok(())
}

/// All rows of a database.
fn contents(db: &Database) -> Rows {
    batches::contents(db, UNIVERSE).unwrap()
}

/// Opens what is left and looks for the batch it stands after.
fn check(disk: &SimStorage, told: &Told, case: &str) {
    let db = open(disk, Durability::Full).unwrap_or_else(|e| panic!("{case}: cannot be opened: {e}"));
    let mut rows = batches::contents(&db, UNIVERSE).unwrap_or_else(|odd| panic!("{case}: {odd:?}"));
    let at = told.states.iter().rposition(|state| *state == rows);
    let at = at.unwrap_or_else(|| panic!("{case}: holds {} rows of no whole batch", rows.len()));
    assert!(at >= told.durable, "{case}: stands after batch {at}, {} was acknowledged", told.durable);
    // It is a database like any other: it can be written, closed and opened again.
    let mut write = |batch: Batch| {
        batch.apply(&mut rows);
        batch.run(&db).unwrap_or_else(|e| panic!("{case}: cannot be written: {e}"))
    };
    write(Batch::Upsert(vec![(UNIVERSE, [9; batches::DIM])]));
    if !told.given.is_empty() {
        let row = Row { vector: vector(9, 9), key: Some(220), meta: Some(9) };
        let ids = write(Batch::Keyed { rows: vec![row], above: 0 });
        let before = told.given.iter().filter(|(since, _)| *since <= at);
        assert!(before.clone().all(|&(_, id)| ids[0] > id), "{case}: id {} was given before", ids[0]);
    }
    db.close().unwrap_or_else(|e| panic!("{case}: cannot be closed: {e}"));
    assert_eq!(contents(&open(disk, Durability::Full).unwrap()), rows, "{case}");
}

/// Disk operations of a whole life.
fn operations(durability: Durability, life: Life) -> usize {
    let disk = SimStorage::new();
    live(&disk, durability, life, &mut Told::default()).unwrap();
    disk.operations().len()
}

fn cut_everywhere(durability: Durability, life: Life, seeds: u64) {
    let mut images = 0;
    for at in 0.. {
        let (disk, mut told) = (SimStorage::new(), Told::default());
        disk.crash_at(at);
        let lived = live(&disk, durability, life, &mut told);
        for kind in KINDS {
            for seed in 0..seeds {
                check(&disk.crash_image(kind, seed), &told, &format!("{durability:?} cut at {at}, {kind:?} {seed}"));
                images += 1;
            }
        }
        // The number of calls depends on how far background work came, so it is not known before.
        if disk.operations().len() <= at {
            lived.unwrap();
            assert!(at > 60, "{at} operations are no life");
            println!("{images} images of {at} power cuts at {durability:?}");
            return;
        }
    }
}

#[test]
fn a_power_cut_at_any_call_loses_no_acknowledged_batch_and_shows_no_half_one() {
    cut_everywhere(Durability::Full, plain, 4);
}

#[test]
fn a_power_cut_at_any_call_leaves_rows_and_their_records_after_one_batch() {
    cut_everywhere(Durability::Full, with_records, 2);
}

#[test]
fn weaker_durability_loses_only_the_last_batches() {
    for life in [plain, with_records] {
        cut_everywhere(Durability::Process, life, 2);
        cut_everywhere(Durability::None, life, 2);
    }
}

#[test]
fn a_killed_process_loses_nothing_it_was_told_at_process_durability() {
    for life in [plain, with_records] {
        for at in 0..operations(Durability::Process, life) {
            let (disk, mut told) = (SimStorage::new(), Told::default());
            disk.crash_at(at);
            let begun = live(&disk, Durability::Process, life, &mut told).is_err();
            // Every batch but the one under way was handed to the kernel.
            told.durable = told.durable.max((told.states.len() - 1).saturating_sub(begun as usize));
            check(&disk.after_kill(), &told, &format!("killed at {at}"));
        }
    }
}

/// Cuts the power at every `step`-th call of a life, and at each call of the recovery from that.
fn cut_twice(life: Life, step: usize) {
    let (total, mut images) = (operations(Durability::Full, life), 0);
    for at in (0..total).step_by(step) {
        let (disk, mut told) = (SimStorage::new(), Told::default());
        disk.crash_at(at);
        let _ = live(&disk, Durability::Full, life, &mut told);
        let image = disk.crash_image(CrashKind::Torn, at as u64);
        for again in 0..200 {
            let second = image.crash_image(CrashKind::Strict, 0);
            second.crash_at(again);
            let recovered = open(&second, Durability::Full).and_then(Database::close);
            for kind in KINDS {
                check(&second.crash_image(kind, again as u64), &told, &format!("cut at {at} and {again}, {kind:?}"));
                images += 1;
            }
            if recovered.is_ok() {
                break;
            }
        }
    }
    println!("{images} images of two power cuts");
}

#[test]
fn a_second_cut_during_recovery_changes_nothing() {
    cut_twice(plain, 5);
    cut_twice(with_records, 23);
}

/// An error at each call in turn: it is reported, reads go on, and the next
/// open stands after a whole batch, none lost that was acknowledged.
#[test]
fn an_io_error_at_any_call_is_reported_and_loses_nothing() {
    for (life, errno) in [(plain as Life, EIO), (plain, ENOSPC), (with_records, EIO), (with_records, ENOSPC)] {
        for at in 0..operations(Durability::Full, life) {
            let (disk, mut told) = (SimStorage::new(), Told::default());
            disk.fail_at(at, errno);
            match live(&disk, Durability::Full, life, &mut told) {
                // Clean-up after a checkpoint may fail without harm.
                Ok(()) => {}
                Err(error) => {
                    let expected = if errno == EIO { ErrorKind::Io } else { ErrorKind::NoSpace };
                    assert_eq!((error.kind(), error.os_error()), (expected, Some(errno)), "call {at}: {error}");
                }
            }
            check(&disk.after_kill(), &told, &format!("errno {errno} at call {at}"));
        }
    }
}

/// Rows of vectors alone, all of version 1.
fn rows(ids: &[u64]) -> Rows {
    ids.iter().map(|&id| (id, Row { vector: vector(id, 1), ..Row::default() })).collect()
}

/// A process that reads along has no way to hear that a batch failed.
#[test]
fn a_batch_whose_sync_failed_is_not_read_by_others() {
    let disk = SimStorage::new();
    let db = open(&disk, Durability::Full).unwrap();
    let put = |id: u64| Batch::Upsert(vec![(id, vector(id, 1))]).run(&db);
    put(1).unwrap();
    disk.fail_at(disk.operations().len() + 1, EIO);
    assert_eq!(put(2).unwrap_err().os_error(), Some(EIO));
    assert_eq!(put(3).unwrap_err().kind(), ErrorKind::Poisoned);
    let reader = Database::open_on(Some(Box::new(disk.clone())), &Options::new().read_only(true), None).unwrap();
    assert_eq!((contents(&reader), contents(&db)), (rows(&[1]), rows(&[1])));
}

#[test]
fn after_a_full_disk_writing_goes_on() {
    let disk = SimStorage::new();
    let db = open(&disk, Durability::Full).unwrap();
    let put = |id: u64| Batch::Upsert(vec![(id, vector(id, 1))]).run(&db);
    put(1).unwrap();
    disk.fail_at(disk.operations().len(), ENOSPC);
    assert_eq!(put(2).unwrap_err().kind(), ErrorKind::NoSpace);
    assert_eq!(contents(&db), rows(&[1]));
    put(3).unwrap();
    drop(db);
    let reopened = open(&disk.crash_image(CrashKind::Strict, 1), Durability::Full).unwrap();
    assert_eq!(contents(&reopened), rows(&[1, 3]));
}

#[test]
fn a_full_disk_at_a_sync_costs_nothing_either() {
    let disk = SimStorage::new();
    let db = open(&disk, Durability::None).unwrap();
    let put = |id: u64| Batch::Upsert(vec![(id, vector(id, 1))]).run(&db);
    put(1).unwrap();
    disk.fail_at(disk.operations().len(), ENOSPC);
    assert_eq!(db.sync().unwrap_err().kind(), ErrorKind::NoSpace);
    put(2).unwrap();
    db.sync().unwrap();
    let image = disk.crash_image(CrashKind::Strict, 1);
    assert_eq!(contents(&open(&image, Durability::Full).unwrap()), rows(&[1, 2]));
}
