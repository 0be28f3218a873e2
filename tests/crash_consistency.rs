//! The database on a disk that dies: power cuts, kills and I/O errors at every
//! call it makes (promises P1, P2, P4, P5, P8; tests T2, T6).
//!
//! A short life of a database - inserts, upserts, deletes, checkpoints,
//! closing and opening - runs on the simulated disk and is cut off at each of
//! its disk operations. Whatever image the cut leaves, opening must succeed
//! and find exactly the rows after some batch, at least the last acknowledged.

use std::collections::BTreeMap;
use vdb::storage::sim::{CrashKind, SimStorage};
use vdb::{Database, Durability, Error, ErrorKind, Options, Scalar, SearchParams, Vectors};

const DIM: usize = 3;
const KINDS: [CrashKind; 3] = [CrashKind::Strict, CrashKind::MetadataOnly, CrashKind::Torn];
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

type Rows = BTreeMap<u64, [u8; DIM]>;

/// A graph from 60 rows on, chunks of 64 rows.
fn open(disk: &SimStorage, durability: Durability) -> Result<Database, Error> {
    let options =
        Options::new().dim(DIM as u32).scalar(Scalar::U8).graph_min_rows(60).threads(1).durability(durability);
    Database::open_on(Some(Box::new(disk.clone())), &options, Some(6))
}

/// What the caller was told, and what it may therefore expect.
#[derive(Default)]
struct Told {
    /// Rows after each batch that was begun; the first entry is the empty database.
    states: Vec<Rows>,
    /// Index into `states` of the last batch that must survive.
    durable: usize,
}

enum Step {
    Upsert(std::ops::Range<u64>, u8),
    Delete(std::ops::Range<u64>),
    Checkpoint,
    Settle,
    Reopen,
}

fn life() -> Vec<Step> {
    use Step::*;
    vec![
        Upsert(0..5, 1),
        Upsert(3..70, 2),
        Delete(10..20),
        Checkpoint,
        Upsert(15..40, 3),
        Settle,
        Reopen,
        Delete(0..30),
        Upsert(100..180, 4),
        Settle,
        Checkpoint,
        Upsert(7..9, 5),
        Checkpoint,
        Delete(100..140),
    ]
}

fn row(id: u64, version: u8) -> [u8; DIM] {
    [id as u8, version, (id * 7) as u8]
}

/// Lives until the first error; batches at FULL are durable once they return.
fn live(disk: &SimStorage, durability: Durability, told: &mut Told) -> Result<(), Error> {
    told.states = vec![Rows::new()];
    let mut db = open(disk, durability)?;
    for step in life() {
        let mut rows = told.states.last().unwrap().clone();
        match step {
            Step::Upsert(ids, version) => {
                let ids: Vec<u64> = ids.collect();
                let bytes: Vec<u8> = ids.iter().flat_map(|&id| row(id, version)).collect();
                rows.extend(ids.iter().map(|&id| (id, row(id, version))));
                told.states.push(rows);
                db.upsert_batch(&ids, Vectors::u8(&bytes, DIM).unwrap(), None)?;
            }
            Step::Delete(ids) => {
                let ids: Vec<u64> = ids.collect();
                rows.retain(|id, _| !ids.contains(id));
                told.states.push(rows);
                db.delete_batch(&ids)?;
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

/// All rows of a database, by point reads and by search alike.
fn contents(db: &Database) -> Rows {
    let ids: Vec<u64> = (0..256).collect();
    let (mut out, mut found) = (vec![0; 256 * DIM], vec![0; 256]);
    db.get_batch(&ids, Scalar::U8, &mut out, 0, &mut found).unwrap();
    let rows: Rows = ids
        .iter()
        .filter(|&&id| found[id as usize] == 1)
        .map(|&id| (id, out[id as usize * DIM..][..DIM].try_into().unwrap()))
        .collect();
    assert_eq!(db.count().unwrap(), rows.len() as u64);
    let (mut ids, mut distances, mut counts) = (vec![0; 256], vec![0.0; 256], [0]);
    let hits = vdb::Hits { ids: &mut ids, distances: &mut distances, counts: &mut counts };
    db.search(Vectors::u8(&[0; DIM], DIM).unwrap(), 256, &SearchParams::default(), hits).unwrap();
    let mut found = ids[..counts[0] as usize].to_vec();
    found.sort_unstable();
    assert_eq!(found, rows.keys().copied().collect::<Vec<_>>());
    rows
}

/// Opens what is left and looks for the batch it stands after.
fn check(disk: &SimStorage, told: &Told, case: &str) {
    let db = open(disk, Durability::Full).unwrap_or_else(|e| panic!("{case}: cannot be opened: {e}"));
    let rows = contents(&db);
    let at = told.states.iter().rposition(|state| *state == rows);
    let at = at.unwrap_or_else(|| panic!("{case}: holds {} rows of no whole batch", rows.len()));
    assert!(at >= told.durable, "{case}: stands after batch {at}, {} was acknowledged", told.durable);
    // It is a database like any other: it can be written, closed and opened again.
    db.upsert_batch(&[200], Vectors::u8(&[9; DIM], DIM).unwrap(), None).unwrap();
    db.close().unwrap_or_else(|e| panic!("{case}: cannot be closed: {e}"));
    let again = contents(&open(disk, Durability::Full).unwrap());
    assert_eq!((again.len(), again[&200]), (rows.len() + !rows.contains_key(&200) as usize, [9; DIM]), "{case}");
}

/// Disk operations of a whole life.
fn operations(durability: Durability) -> usize {
    let disk = SimStorage::new();
    live(&disk, durability, &mut Told::default()).unwrap();
    disk.operations().len()
}

fn cut_everywhere(durability: Durability, seeds: u64) {
    let total = operations(durability);
    assert!(total > 60, "{total} operations are no life");
    println!("{} images of {total} power cuts at {durability:?}", (total + 1) * KINDS.len() * seeds as usize);
    for at in 0..=total {
        let (disk, mut told) = (SimStorage::new(), Told::default());
        disk.crash_at(at);
        let lived = live(&disk, durability, &mut told);
        // The last calls only remove what is not needed any more.
        assert!(lived.is_ok() || at < total, "{at}: {lived:?}");
        for kind in KINDS {
            for seed in 0..seeds {
                check(&disk.crash_image(kind, seed), &told, &format!("{durability:?} cut at {at}, {kind:?} {seed}"));
            }
        }
    }
}

#[test]
fn a_power_cut_at_any_call_loses_no_acknowledged_batch_and_shows_no_half_one() {
    cut_everywhere(Durability::Full, 4);
}

#[test]
fn weaker_durability_loses_only_the_last_batches() {
    cut_everywhere(Durability::Process, 2);
    cut_everywhere(Durability::None, 2);
}

#[test]
fn a_killed_process_loses_nothing_it_was_told_at_process_durability() {
    let total = operations(Durability::Process);
    for at in 0..total {
        let (disk, mut told) = (SimStorage::new(), Told::default());
        disk.crash_at(at);
        let begun = live(&disk, Durability::Process, &mut told).is_err();
        // Every batch but the one under way was handed to the kernel.
        told.durable = told.durable.max((told.states.len() - 1).saturating_sub(begun as usize));
        check(&disk.after_kill(), &told, &format!("killed at {at}"));
    }
}

#[test]
fn a_second_cut_during_recovery_changes_nothing() {
    let (total, mut images) = (operations(Durability::Full), 0);
    for at in (0..total).step_by(5) {
        let (disk, mut told) = (SimStorage::new(), Told::default());
        disk.crash_at(at);
        let _ = live(&disk, Durability::Full, &mut told);
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

/// An error at each call in turn: it is reported, reads go on, and the next
/// open stands after a whole batch, none lost that was acknowledged.
#[test]
fn an_io_error_at_any_call_is_reported_and_loses_nothing() {
    for errno in [EIO, ENOSPC] {
        for at in 0..operations(Durability::Full) {
            let (disk, mut told) = (SimStorage::new(), Told::default());
            disk.fail_at(at, errno);
            match live(&disk, Durability::Full, &mut told) {
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

/// A process that reads along has no way to hear that a batch failed.
#[test]
fn a_batch_whose_sync_failed_is_not_read_by_others() {
    let disk = SimStorage::new();
    let db = open(&disk, Durability::Full).unwrap();
    let put = |id: u64| db.upsert_batch(&[id], Vectors::u8(&row(id, 1), DIM).unwrap(), None);
    put(1).unwrap();
    disk.fail_at(disk.operations().len() + 1, EIO);
    assert_eq!(put(2).unwrap_err().os_error(), Some(EIO));
    assert_eq!(put(3).unwrap_err().kind(), ErrorKind::Poisoned);
    let reader = Database::open_on(Some(Box::new(disk.clone())), &Options::new().read_only(true), None).unwrap();
    assert_eq!((contents(&reader), contents(&db)), (Rows::from([(1, row(1, 1))]), Rows::from([(1, row(1, 1))])));
}

#[test]
fn after_a_full_disk_writing_goes_on() {
    let disk = SimStorage::new();
    let db = open(&disk, Durability::Full).unwrap();
    let put = |id: u64| db.upsert_batch(&[id], Vectors::u8(&row(id, 1), DIM).unwrap(), None);
    put(1).unwrap();
    disk.fail_at(disk.operations().len(), ENOSPC);
    assert_eq!(put(2).unwrap_err().kind(), ErrorKind::NoSpace);
    assert_eq!(contents(&db), Rows::from([(1, row(1, 1))]));
    put(3).unwrap();
    drop(db);
    let reopened = open(&disk.crash_image(CrashKind::Strict, 1), Durability::Full).unwrap();
    assert_eq!(contents(&reopened), Rows::from([(1, row(1, 1)), (3, row(3, 1))]));
}

#[test]
fn a_full_disk_at_a_sync_costs_nothing_either() {
    let disk = SimStorage::new();
    let db = open(&disk, Durability::None).unwrap();
    let put = |id: u64| db.upsert_batch(&[id], Vectors::u8(&row(id, 1), DIM).unwrap(), None);
    put(1).unwrap();
    disk.fail_at(disk.operations().len(), ENOSPC);
    assert_eq!(db.sync().unwrap_err().kind(), ErrorKind::NoSpace);
    put(2).unwrap();
    db.sync().unwrap();
    let image = disk.crash_image(CrashKind::Strict, 1);
    assert_eq!(contents(&open(&image, Durability::Full).unwrap()), Rows::from([(1, row(1, 1)), (2, row(2, 1))]));
}
