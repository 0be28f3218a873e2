//! The log as a whole: what was appended is replayed, whatever happened to
//! what was not synced, and nothing else ever is.

use super::*;
use crate::storage::sim::SimStorage;
use crate::storage::{OsStorage, Storage, StorageError};
use proptest::prelude::*;

const SALT: u64 = 0x5a17;

fn start() -> WalStart {
    let from = WalPosition { number: 1, offset: 64 };
    WalStart { from, salt: SALT, lsn: 0, durable: WalPosition::default(), tip: None }
}

type Records = Vec<(u64, u32, Vec<u8>)>;

fn read(storage: &dyn Storage, start: &WalStart) -> Result<(Records, Replayed), StorageError> {
    let mut records = Vec::new();
    let found = replay(storage, start, |r| {
        records.push((r.lsn, r.kind, r.payload.to_vec()));
        Ok::<_, StorageError>(())
    })?;
    Ok((records, found))
}

fn disk() -> (tempfile::TempDir, OsStorage) {
    let dir = tempfile::tempdir().unwrap();
    let storage = OsStorage::open(dir.path(), false, true).unwrap();
    (dir, storage)
}

#[test]
fn what_was_appended_is_replayed_over_all_files() {
    for mode in [WriteMode::Direct, WriteMode::Synced, WriteMode::Buffered] {
        let (_dir, storage) = disk();
        let mut log = WalWriter::create(&storage, 1, SALT, 0).unwrap();
        log.set_mode(mode);
        let mut expected = Records::new();
        for lsn in 1..=40u64 {
            let payload: Vec<u8> = (0..lsn * lsn * 1000).map(|i| (i * lsn) as u8).collect();
            let (a, b) = payload.split_at(payload.len() / 3);
            log.append(lsn, lsn as u32 % 3, &[a, b"", b]).unwrap();
            expected.push((lsn, lsn as u32 % 3, payload));
            if lsn % 15 == 0 {
                log.rotate(&storage).unwrap();
            }
        }
        log.flush().unwrap();
        let (records, found) = read(&storage, &start()).unwrap();
        assert!(records == expected);
        assert_eq!((found.end, found.last_lsn, found.torn_bytes), (log.position(), 40, 0));
        assert_eq!(found.end.number, 3);
        let later = read(&storage, &WalStart { lsn: 35, ..start() }).unwrap();
        assert!(later.0 == expected[35..] && later.1.records == 5);
    }
}

#[test]
fn a_reader_goes_on_where_it_stopped() {
    let (_dir, storage) = disk();
    let mut log = WalWriter::create(&storage, 1, SALT, 0).unwrap();
    log.append(1, 0, &[b"a"]).unwrap();
    let mut at = start();
    for lsn in 2..10 {
        at = at.after(&read(&storage, &at).unwrap().1);
        log.append(lsn, 0, &[b"next"]).unwrap();
        if lsn == 5 {
            log.rotate(&storage).unwrap();
        }
        assert_eq!(read(&storage, &at).unwrap().0, [(lsn, 0, b"next".to_vec())]);
    }
}

/// A batch whose sync failed goes, and another one comes in its place.
#[test]
fn a_reader_does_not_go_on_from_a_record_that_was_taken_back() {
    let disk = SimStorage::new();
    let mut log = WalWriter::create(&disk, 1, SALT, 0).unwrap();
    log.append(1, 0, &[b"stays"]).unwrap();
    let mark = log.mark();
    let at_mark = start().after(&read(&disk, &start()).unwrap().1);
    log.append(2, 0, &[b"taken"]).unwrap();
    let at_taken = at_mark.after(&read(&disk, &at_mark).unwrap().1);
    assert_eq!(read(&disk, &at_taken).unwrap().0, [], "there as long as it is there");
    log.rollback_to(mark).unwrap();
    assert!(matches!(lsns(&disk, &at_taken), Err(StorageError::Corrupt { .. })), "the log is shorter");
    log.append(2, 0, &[b"other"]).unwrap();
    log.append(3, 0, &[b"later"]).unwrap();
    assert!(matches!(lsns(&disk, &at_taken), Err(StorageError::Corrupt { .. })), "the log is another one");
    assert_eq!(lsns(&disk, &at_mark).unwrap(), [2, 3], "from what stayed one may go on");
}

/// Five synced records of one log file on a simulated disk, and where each begins.
fn five_records() -> (SimStorage, Vec<usize>) {
    let disk = SimStorage::new();
    let mut log = WalWriter::create(&disk, 1, SALT, 0).unwrap();
    let mut begins = Vec::new();
    for lsn in 1..=5u64 {
        begins.push(log.position().offset as usize);
        log.append(lsn, 0, &[&vec![lsn as u8; 100 * lsn as usize]]).unwrap();
        log.sync().unwrap();
    }
    (disk, begins)
}

fn lsns(disk: &SimStorage, start: &WalStart) -> Result<Vec<u64>, StorageError> {
    Ok(read(disk, start)?.0.into_iter().map(|(lsn, ..)| lsn).collect())
}

#[test]
fn damage_below_a_durable_mark_is_corruption_and_above_it_the_end_of_the_log() {
    let (disk, begins) = five_records();
    for (i, &at) in begins.iter().enumerate() {
        for offset in [0, 3, 20, 35, 39, 40, 90] {
            let disk = disk.after_kill();
            disk.damage("wal-1.log", |bytes| bytes[at + offset] ^= 1).unwrap();
            match lsns(&disk, &start()) {
                // Record 5 was made when everything before it was durable.
                Err(StorageError::Corrupt { offset, .. }) => assert!(i < 4 && offset == at as u64),
                found => assert_eq!((i, found.unwrap()), (4, vec![1, 2, 3, 4])),
            }
        }
    }
}

#[test]
fn a_noted_durable_length_makes_every_cut_corruption() {
    let (disk, _) = five_records();
    let size = disk.size("wal-1.log").unwrap();
    let known = WalStart { durable: WalPosition { number: 1, offset: size }, ..start() };
    assert_eq!(lsns(&disk, &known).unwrap().len(), 5);
    disk.damage("wal-1.log", |bytes| bytes.truncate(size as usize - 1)).unwrap();
    assert_eq!(lsns(&disk, &start()).unwrap().len(), 4);
    assert!(matches!(lsns(&disk, &known), Err(StorageError::Corrupt { .. })));
    let next_file = WalStart { durable: WalPosition { number: 2, offset: 65 }, ..start() };
    assert!(matches!(lsns(&disk, &next_file), Err(StorageError::Corrupt { .. })));
}

#[test]
fn an_intact_record_after_an_un_synced_hole_is_not_replayed() {
    let disk = SimStorage::new();
    let mut log = WalWriter::create(&disk, 1, SALT, 0).unwrap();
    log.append(1, 0, &[b"synced"]).unwrap();
    log.sync().unwrap();
    let hole = log.position().offset as usize;
    log.append(2, 0, &[&[2; 600]]).unwrap();
    log.append(3, 0, &[&[3; 600]]).unwrap();
    disk.damage("wal-1.log", |bytes| bytes[hole..hole + 512].fill(0)).unwrap();
    let (records, found) = read(&disk, &start()).unwrap();
    assert_eq!((records.len(), found.torn_bytes), (1, 2 * 640));
    let mut log = WalWriter::resume(&disk, &start(), &found).unwrap();
    log.append(2, 0, &[b"other"]).unwrap();
    log.sync().unwrap();
    assert_eq!(lsns(&disk, &start()).unwrap(), [1, 2]);
}

#[test]
fn log_files_follow_each_other_without_a_gap() {
    let (disk, _) = five_records();
    let found = read(&disk, &start()).unwrap().1;
    let mut log = WalWriter::resume(&disk, &start(), &found).unwrap();
    log.rotate(&disk).unwrap();
    log.append(6, 0, &[]).unwrap();
    log.rotate(&disk).unwrap();
    log.append(7, 0, &[]).unwrap();
    assert_eq!(lsns(&disk, &start()).unwrap(), [1, 2, 3, 4, 5, 6, 7]);

    for file in ["wal-1.log", "wal-2.log"] {
        let missing = disk.after_kill();
        missing.remove(file).unwrap();
        assert!(matches!(lsns(&missing, &start()), Err(StorageError::Corrupt { file: f, .. }) if f == file));
        let short = disk.after_kill();
        short.damage(file, |bytes| bytes.truncate(bytes.len() - 8)).unwrap();
        assert!(matches!(lsns(&short, &start()), Err(StorageError::Corrupt { file: f, .. }) if f == file));
        let headless = disk.after_kill();
        headless.damage(file, |bytes| bytes[9] ^= 1).unwrap();
        assert!(matches!(lsns(&headless, &start()), Err(StorageError::Corrupt { file: f, .. }) if f == file));
    }
    let later = WalStart { lsn: 9, ..start() };
    assert!(matches!(lsns(&disk, &later), Err(StorageError::Corrupt { .. })), "parts are ahead of the log");
    let second = WalStart { from: WalPosition { number: 2, offset: 64 }, ..start() };
    assert!(matches!(lsns(&disk, &second), Err(StorageError::Corrupt { .. })), "records 1 to 5 are missing");
    assert_eq!(lsns(&disk, &WalStart { lsn: 5, ..second }).unwrap(), [6, 7]);
}

#[test]
fn a_last_file_without_records_is_ignored_and_removed() {
    for len in [0, 1, 63, 64] {
        let (disk, _) = five_records();
        disk.create("wal-2.log").unwrap().write_all(&[&vec![0xa5; len]]).unwrap();
        let (records, found) = read(&disk, &start()).unwrap();
        assert_eq!((records.len(), found.end.number, &found.without_records[..]), (5, 1, &[2][..]));
        let mut log = WalWriter::resume(&disk, &start(), &found).unwrap();
        assert_eq!(disk.list().unwrap(), ["wal-1.log"]);
        // A rotation that failed half-way leaves such a file, too.
        disk.create("wal-2.log").unwrap();
        log.rotate(&disk).unwrap();
        log.append(6, 0, &[]).unwrap();
        assert_eq!(lsns(&disk, &start()).unwrap().len(), 6);
    }
}

#[test]
fn records_of_other_logs_do_not_pass() {
    let (disk, begins) = five_records();
    let other_salt = WalStart { salt: SALT + 1, ..start() };
    assert!(matches!(lsns(&disk, &other_salt), Err(StorageError::Corrupt { .. })));
    // A whole, correct record 5 in the place of record 6.
    let copy = disk.read("wal-1.log", 9999).unwrap()[begins[4]..].to_vec();
    disk.damage("wal-1.log", |bytes| bytes.extend(copy)).unwrap();
    assert_eq!(lsns(&disk, &start()).unwrap().len(), 5);
    disk.rename("wal-1.log", "wal-2.log").unwrap();
    let renamed = WalStart { from: WalPosition { number: 2, offset: 64 }, ..start() };
    assert!(matches!(lsns(&disk, &renamed), Err(StorageError::Corrupt { .. })));
}

#[test]
fn a_full_disk_costs_one_batch_and_no_more() {
    for mode in [WriteMode::Direct, WriteMode::Synced, WriteMode::Buffered] {
        let disk = SimStorage::new();
        let mut log = WalWriter::create(&disk, 1, SALT, 0).unwrap();
        log.set_mode(mode);
        log.append(1, 0, &[&[1; 1000]]).unwrap();
        disk.fail_at(disk.operations().len(), libc::ENOSPC);
        let large = vec![2; BUFFER_MAX];
        assert!(log.append(2, 0, &[&large]).unwrap_err().is_no_space());
        assert!(!log.has_failed() && log.last_lsn() == 1);
        log.append(2, 0, &[b"small"]).unwrap();
        log.sync().unwrap();
        assert_eq!(lsns(&disk, &start()).unwrap(), [1, 2]);
    }
}

#[test]
fn after_a_failed_sync_or_cut_nothing_works_until_reopened() {
    for calls_later in [1, 2] {
        let (disk, _) = five_records();
        let found = read(&disk, &start()).unwrap().1;
        let mut log = WalWriter::resume(&disk, &start(), &found).unwrap();
        let mark = log.mark();
        if calls_later == 1 {
            disk.fail_at(disk.operations().len() + 1, libc::EIO);
            log.append(6, 0, &[b"never synced"]).unwrap();
            log.withdraw_to(mark);
            assert_eq!(lsns(&disk.after_kill(), &start()).unwrap().len(), 6, "nothing failed yet");
            assert!(log.sync().is_err());
            log.withdraw_to(mark);
            log.withdraw_to(mark);
            assert_eq!(lsns(&disk, &start()).unwrap(), [1, 2, 3, 4, 5]);
        } else {
            log.append(6, 0, &[b"taken back"]).unwrap();
            disk.fail_at(disk.operations().len(), libc::EIO);
            assert!(log.rollback_to(mark).is_err());
        }
        assert!(log.has_failed());
        let refused = |result| matches!(result, Err(StorageError::Failed { .. }));
        assert!(refused(log.append(7, 0, &[])) && refused(log.sync()) && refused(log.flush()));
        assert!(refused(log.rollback_to(mark)) && refused(log.rotate(&disk)));
    }
}

#[test]
fn records_are_taken_back_from_memory_and_from_the_file() {
    let disk = SimStorage::new();
    let mut log = WalWriter::create(&disk, 1, SALT, 0).unwrap();
    let empty = log.mark();
    log.append(1, 0, &[b"written"]).unwrap();
    log.set_mode(WriteMode::Buffered);
    log.append(2, 0, &[b"waiting"]).unwrap();
    let mark = log.mark();
    log.append(3, 0, &[b"taken back"]).unwrap();
    log.rollback_to(mark).unwrap();
    log.append(3, 0, &[b"instead"]).unwrap();
    log.sync().unwrap();
    assert_eq!(read(&disk, &start()).unwrap().0[2].2, b"instead");
    log.append(4, 0, &[]).unwrap();
    log.rollback_to(empty).unwrap();
    assert_eq!((log.last_lsn(), log.position().offset, disk.size("wal-1.log").unwrap()), (0, 64, 64));
    assert!(matches!(log.rollback_to(mark), Err(StorageError::Misuse { .. })), "a mark of the future");
    assert!(matches!(log.append(2, 0, &[]), Err(StorageError::Misuse { .. })), "a gap");
}

#[test]
fn an_error_of_the_callback_ends_replay() {
    let (disk, _) = five_records();
    let mut seen = 0;
    let stop = |_: Record<'_>| {
        seen += 1;
        if seen == 3 { Err(StorageError::Misuse { what: "stop" }) } else { Ok(()) }
    };
    assert!(matches!(replay(&disk, &start(), stop), Err(StorageError::Misuse { what: "stop" })));
    assert_eq!(seen, 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever happens to the bytes: no panic, and either an error or the
    /// first so many records as they were.
    #[test]
    fn random_damage_never_invents_a_record(
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), 1u8..), 0..4),
        cut in any::<proptest::sample::Index>(),
        cuts in any::<bool>(),
        zeros in 0usize..2000,
    ) {
        let (disk, _) = five_records();
        let intact = read(&disk, &start()).unwrap().0;
        disk.damage("wal-1.log", |bytes| {
            if cuts {
                bytes.truncate(cut.index(bytes.len()));
            }
            bytes.resize(bytes.len() + zeros, 0);
            for (at, mask) in &flips {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] ^= mask;
                }
            }
        }).unwrap();
        if let Ok((records, found)) = read(&disk, &start()) {
            prop_assert!(intact.starts_with(&records));
            let size = disk.size("wal-1.log").unwrap();
            prop_assert_eq!(found.end.offset + found.torn_bytes, size);
        }
    }
}
