//! Backups onto a simulated disk, whose every call fails or is the last one before a power cut.

use super::{Rows, contents, options, put};
use vdb::storage::sim::{CrashKind, SimStorage};
use vdb::{Database, ErrorKind, Options};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// A disk to make backups of, with rows in files and in the log.
fn source() -> (Database, Rows) {
    let db = Database::open_on(Some(Box::new(SimStorage::new())), &options(), Some(6)).unwrap();
    put(&db, 0..200, 1);
    db.wait_indexed(None).unwrap();
    db.checkpoint(None).unwrap();
    put(&db, 150..250, 2);
    let rows = contents(&db);
    (db, rows)
}

/// The database on a disk, if there is one; `None` where open says that there is none or that it was one.
fn opened(disk: &SimStorage) -> Option<Rows> {
    let found = Database::open_on(Some(Box::new(disk.clone())), &Options::new().create(false), None);
    match found {
        Ok(db) => Some(contents(&db)),
        Err(error) => {
            assert!([ErrorKind::NotFound, ErrorKind::Corrupt].contains(&error.kind()), "{error}");
            None
        }
    }
}

#[test]
fn every_failing_call_leaves_a_whole_backup_or_none() {
    let (db, rows) = source();
    let whole = SimStorage::new();
    db.backup_into(&whole).unwrap();
    let calls = whole.operations().len();
    assert_eq!(opened(&whole).as_ref(), Some(&rows));
    for call in 0..calls {
        for errno in [EIO, ENOSPC] {
            let disk = SimStorage::new();
            disk.fail_at(call, errno);
            let Err(error) = db.backup_into(&disk) else { panic!("call {call} failed and nobody said so") };
            let expected = if errno == EIO { ErrorKind::Io } else { ErrorKind::NoSpace };
            assert_eq!((error.kind(), error.os_error()), (expected, Some(errno)), "call {call}: {error}");
            // The very last call makes a rename durable that was made already.
            let found = opened(&disk.after_kill());
            assert!(found.is_none() || found.as_ref() == Some(&rows), "half a backup after call {call}");
        }
    }
    // The next one is none the worse for it.
    let disk = SimStorage::new();
    db.backup_into(&disk).unwrap();
    assert_eq!(opened(&disk), Some(rows));
}

#[test]
fn a_power_cut_leaves_a_whole_backup_or_none_and_one_that_returned_is_durable() {
    let (db, rows) = source();
    let whole = SimStorage::new();
    db.backup_into(&whole).unwrap();
    let kinds = [CrashKind::Strict, CrashKind::MetadataOnly, CrashKind::Torn];
    for kind in kinds {
        assert_eq!(opened(&whole.crash_image(kind, 1)).as_ref(), Some(&rows), "{kind:?}");
    }
    let mut found = 0;
    for call in 0..whole.operations().len() {
        let disk = SimStorage::new();
        disk.crash_at(call);
        assert!(db.backup_into(&disk).is_err());
        for (seed, kind) in kinds.into_iter().enumerate() {
            let image = opened(&disk.crash_image(kind, (call + seed) as u64));
            assert!(image.is_none() || image.as_ref() == Some(&rows), "half a backup after call {call} ({kind:?})");
            found += image.is_some() as u32;
        }
    }
    assert!(found < 6, "open only where CURRENT had its name already");
}
