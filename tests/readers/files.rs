//! A reader and the files: it leaves them alone, and makes the best of a log.

use crate::model::{DIM, Model, open};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;
use vdb::storage::OsStorage;
use vdb::{CheckLevel, Database, ErrorKind, Options, Vectors};

/// Names, contents and times of all files, and the time of the directory.
fn all_of(directory: &Path) -> (BTreeMap<std::ffi::OsString, (Vec<u8>, SystemTime)>, SystemTime) {
    let changed = |path: &Path| path.metadata().unwrap().modified().unwrap();
    let entries = std::fs::read_dir(directory).unwrap().map(|e| e.unwrap());
    let file = |e: std::fs::DirEntry| (e.file_name(), (std::fs::read(e.path()).unwrap(), changed(&e.path())));
    (entries.map(file).collect(), changed(directory))
}

#[test]
fn there_must_be_a_database_to_read() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(open(directory.path(), true).unwrap_err().kind(), ErrorKind::NotFound);
    let read_only = Options::new().read_only(true);
    let missing = directory.path().join("none");
    assert_eq!(Database::open(Some(&missing), &read_only).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(Database::open(None, &read_only).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn reading_changes_nothing_and_refuses_writes() {
    let directory = tempfile::tempdir().unwrap();
    let mut model = Model::default();
    let writer = open(directory.path(), false).unwrap();
    for _ in 0..50 {
        model.write(&writer).unwrap();
        if model.lsn == 30 {
            writer.checkpoint(None).unwrap();
        }
    }
    writer.refresh().unwrap();
    writer.abandon();
    std::fs::remove_file(directory.path().join("LOCK")).unwrap();
    std::fs::write(directory.path().join("CURRENT.tmp"), "what a crash may leave").unwrap();
    let before = all_of(directory.path());
    let db = open(directory.path(), true).unwrap();
    let row = Vectors::u8(&[1, 2, 3], DIM).unwrap();
    let refused = [
        db.insert_batch(&[1], row, None),
        db.upsert_batch(&[1], row, None),
        db.delete_batch(&[1]).map(drop),
        db.sync(),
        db.checkpoint(None),
    ];
    assert!(refused.iter().all(|r| r.as_ref().is_err_and(|e| e.kind() == ErrorKind::ReadOnly)));
    db.wait_indexed(None).unwrap();
    model.check(&db, 50);
    db.refresh().unwrap();
    let stats = db.stats().unwrap();
    assert!(stats.bytes_wal > 64 && stats.checkpoint_lsn == 30 && stats.checkpoints == 0);
    let report = db.check(CheckLevel::Recall, None).unwrap();
    assert!(report.is_sound() && report.files > 3 && report.log_records == 20, "{report:?}");
    db.close().unwrap();
    assert!(all_of(directory.path()) == before, "a reader left a trace");
}

#[test]
fn another_database_in_the_same_place_is_not_taken_for_this_one() {
    let [place, another] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let mut model = Model::default();
    let writer = open(place.path(), false).unwrap();
    (0..5).for_each(|_| model.write(&writer).unwrap());
    let reader = open(place.path(), true).unwrap();
    writer.abandon();
    open(another.path(), false).unwrap().close().unwrap();
    for entry in std::fs::read_dir(another.path()).unwrap().map(|e| e.unwrap()) {
        std::fs::copy(entry.path(), place.path().join(entry.file_name())).unwrap();
    }
    for _ in 0..2 {
        let replaced = reader.refresh().unwrap_err();
        assert!(matches!(replaced.kind(), ErrorKind::Mismatch | ErrorKind::Corrupt), "{replaced}");
        model.check(&reader, 5);
    }
    for file in ["CURRENT", "MANIFEST-1"] {
        std::fs::remove_file(place.path().join(file)).unwrap();
        assert!(reader.refresh().is_err());
        model.check(&reader, 5);
    }
}

/// A log of twelve batches, byte by byte.
#[test]
fn a_log_that_ends_anywhere_is_read_up_to_its_last_whole_batch() {
    let directory = tempfile::tempdir().unwrap();
    let mut model = Model::default();
    let writer = open(directory.path(), false).unwrap();
    (0..12).for_each(|_| model.write(&writer).unwrap());
    writer.abandon();
    let log = directory.path().join("wal-1.log");
    let bytes = std::fs::read(&log).unwrap();
    std::fs::write(&log, &bytes[..64]).unwrap();
    let follower = open(directory.path(), true).unwrap();
    let mut followed = Model::default();
    for end in (64..bytes.len()).step_by(13).chain([bytes.len()]) {
        std::fs::write(&log, &bytes[..end]).unwrap();
        follower.refresh().unwrap();
        followed.check(&follower, 0);
        let mut fresh = Model::default();
        fresh.check(&open(directory.path(), true).unwrap(), 0);
        assert_eq!(fresh.lsn, followed.lsn, "at byte {end}");
    }
    assert_eq!(followed.lsn, 12);
}

/// A batch that failed at its sync is seen, taken back, and another one of the same
/// length comes in its place and is followed by more.
#[test]
fn a_batch_that_is_taken_back_goes_and_what_comes_instead_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("wal-1.log");
    let put = |db: &Database, id: u64, value: u8| {
        db.upsert_batch(&[id], Vectors::u8(&[value; DIM], DIM).unwrap(), None).unwrap();
    };
    let ids_of = |db: &Database| {
        let (mut out, mut found) = ([0; DIM * 10], [0; 10]);
        db.get_batch(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], vdb::Scalar::U8, &mut out, 0, &mut found).unwrap();
        (0..10).filter(|&id| found[id] == 1).collect::<Vec<_>>()
    };
    let writer = open(directory.path(), false).unwrap();
    put(&writer, 1, 1);
    let before = std::fs::read(&log).unwrap();
    put(&writer, 2, 2);
    writer.abandon();
    let reader = open(directory.path(), true).unwrap();
    let (late, search) = (open(directory.path(), true).unwrap(), ids_of(&reader));
    assert_eq!(search, [1, 2]);
    std::fs::write(&log, before).unwrap();
    reader.refresh().unwrap();
    assert_eq!((ids_of(&reader), reader.stats().unwrap().lsn), (vec![1], 1));
    let writer = open(directory.path(), false).unwrap();
    put(&writer, 3, 3);
    put(&writer, 4, 4);
    for db in [&reader, &late] {
        db.refresh().unwrap();
        assert_eq!((ids_of(db), db.stats().unwrap().lsn), (vec![1, 3, 4], 3));
    }
}

/// Refreshing after a small batch reads that batch, and a new generation the parts that are new.
#[test]
fn refreshing_reads_what_is_new_and_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let (writer, mut model) = (open(directory.path(), false).unwrap(), Model::new(true));
    (0..200).for_each(|_| model.write(&writer).unwrap());
    writer.wait_indexed(None).unwrap();
    writer.checkpoint(None).unwrap();
    let chunks = || {
        let names = std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().path());
        names.filter(|p| p.file_name().unwrap().to_string_lossy().starts_with("chunk-")).collect::<Vec<_>>()
    };
    let storage = OsStorage::open(directory.path(), false, false).unwrap();
    let reader = Database::open_on(Some(Box::new(storage)), &Options::new().read_only(true), None).unwrap();
    // Parts that were read once need not be there any more.
    assert!(chunks().len() > 3);
    chunks().iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let mut seen = Model::new(true);
    for round in 0..10 {
        model.write(&writer).unwrap();
        if round % 3 == 2 {
            writer.checkpoint(None).unwrap();
        }
        reader.refresh().unwrap();
        seen.check(&reader, model.lsn);
    }
}
