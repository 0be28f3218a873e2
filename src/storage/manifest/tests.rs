//! Generations are switched as a whole, and a lost CURRENT is never an empty
//! database.

use super::*;
use crate::storage::sim::SimStorage;
use crate::storage::wal::WalWriter;
use crate::storage::{Blocks, OsStorage, PartKind, PartWriter};
use proptest::prelude::*;
use proptest::sample::Index;

fn disk() -> (tempfile::TempDir, OsStorage) {
    let dir = tempfile::tempdir().unwrap();
    let storage = OsStorage::open(dir.path(), false, true).unwrap();
    (dir, storage)
}

fn first() -> Manifest {
    let schema = Schema { dim: 3, seed: 42, ..Schema::default() };
    Manifest { generation: 1, schema, next_file: 1, wal: 1, salt: 7, ..Manifest::default() }
}

fn second(storage: &dyn Storage) -> Manifest {
    let part = PartWriter::create(storage, PartKind::Ids, 2, 1, Blocks::Long).unwrap().finish().unwrap();
    let parts = vec![PartEntry { position: 0, part }];
    let extra = vec![Extra { tag: 5, bytes: b"blob".to_vec() }];
    Manifest { generation: 2, lsn: 9, next_file: 2, wal: 2, parts, extra, ..first() }
}

#[test]
fn generations_replace_each_other() {
    let (_dir, storage) = disk();
    assert_eq!(Manifest::load(&storage).unwrap(), None);
    prepare_new(&storage).unwrap();
    WalWriter::create(&storage, 1, 7, 0).unwrap().rotate(&storage).unwrap();
    first().write(&storage).unwrap();
    assert_eq!(Manifest::load(&storage).unwrap(), Some(first()));
    let next = second(&storage);
    storage.create("chunk-1.vdb").unwrap();
    storage.create("notes.txt").unwrap();
    assert!(matches!(next.remove_obsolete(&storage), Err(StorageError::Misuse { .. })));
    next.write(&storage).unwrap();
    assert_eq!(Manifest::load(&storage).unwrap(), Some(next.clone()));
    assert_eq!(next.obsolete_files(&storage).unwrap(), ["MANIFEST-1", "chunk-1.vdb", "wal-1.log"]);
    assert_eq!(next.remove_obsolete(&storage).unwrap(), 3);
    assert_eq!(storage.list().unwrap(), ["CURRENT", "MANIFEST-2", "ids-1.vdb", "notes.txt", "wal-2.log"]);
    assert!(matches!(first().write(&storage), Err(StorageError::Misuse { .. })));
    assert!(matches!(prepare_new(&storage), Err(StorageError::Misuse { .. })));
}

/// A disk with the second generation live.
fn database() -> (SimStorage, Manifest) {
    let disk = SimStorage::new();
    WalWriter::create(&disk, 1, 7, 0).unwrap().rotate(&disk).unwrap();
    first().write(&disk).unwrap();
    let manifest = second(&disk);
    manifest.write(&disk).unwrap();
    (disk, manifest)
}

fn is_corrupt<T>(result: Result<T>) -> bool {
    matches!(result, Err(StorageError::Corrupt { .. }))
}

#[test]
fn a_lost_current_is_never_an_empty_database() {
    let (disk, manifest) = database();
    manifest.remove_obsolete(&disk).unwrap();
    disk.remove("CURRENT").unwrap();
    // Each of the files that are left proves that there was a database.
    let left = disk.list().unwrap();
    assert_eq!(left, ["MANIFEST-2", "ids-1.vdb", "wal-2.log"]);
    WalWriter::create(&disk, 3, 7, 9).unwrap().append(10, 0, &[]).unwrap();
    for name in ["MANIFEST-2", "ids-1.vdb", "wal-3.log"] {
        assert!(is_corrupt(Manifest::load(&disk)) && is_corrupt(prepare_new(&disk)), "{name} is there");
        disk.remove(name).unwrap();
    }
    assert_eq!(Manifest::load(&disk).unwrap(), None);
}

#[test]
fn an_interrupted_creation_starts_over_and_spares_foreign_files() {
    let disk = SimStorage::new();
    WalWriter::create(&disk, 1, 7, 0).unwrap();
    disk.create("MANIFEST-1").unwrap().write_all(&[b"half of it"]).unwrap();
    for name in ["CURRENT.tmp", "notes", "wal-x.log", "LOCK"] {
        disk.create(name).unwrap();
    }
    assert_eq!(Manifest::load(&disk).unwrap(), None);
    prepare_new(&disk).unwrap();
    assert_eq!(disk.list().unwrap(), ["LOCK", "notes", "wal-x.log"]);
}

#[test]
fn what_never_was_finished_is_neither_a_database_nor_room_for_one() {
    let disk = SimStorage::new();
    disk.create(UNFINISHED).unwrap();
    assert!(matches!(Manifest::load(&disk), Err(StorageError::Unfinished)));
    assert!(matches!(prepare_new(&disk), Err(StorageError::Unfinished)));
    // Beside a CURRENT it is a foreign file like any other.
    let (disk, manifest) = database();
    disk.create(UNFINISHED).unwrap();
    assert_eq!(Manifest::load(&disk).unwrap(), Some(manifest));
}

#[test]
fn parts_that_are_read_stay_and_go_later() {
    let (disk, manifest) = database();
    for name in ["chunk-7.vdb", "chunk-8.vdb", "ids-7.vdb"] {
        disk.create(name).unwrap();
    }
    let obsolete = |disk: &SimStorage| manifest.obsolete_files(disk).unwrap();
    assert_eq!(manifest.remove_obsolete_but(&disk, &|number| number == 7).unwrap(), 3);
    assert_eq!(obsolete(&disk), ["chunk-7.vdb", "ids-7.vdb"]);
    assert_eq!(manifest.remove_obsolete_but(&disk, &|number| number == 7).unwrap(), 0);
    manifest.remove_obsolete(&disk).unwrap();
    assert!(obsolete(&disk).is_empty());
}

#[test]
fn a_failed_write_leaves_the_old_generation_and_can_be_repeated() {
    let (disk, manifest) = database();
    let next = Manifest { generation: 3, lsn: 12, ..manifest.clone() };
    let before = disk.operations().len();
    let copy = disk.after_kill();
    next.write(&copy).unwrap();
    // All calls up to the rename of CURRENT, which is followed by one sync.
    for call in 0..copy.operations().len() - 1 {
        let disk = disk.after_kill();
        disk.fail_at(call, libc::ENOSPC);
        next.write(&disk).unwrap_err();
        assert_eq!(Manifest::load(&disk).unwrap().as_ref(), Some(&manifest), "call {call}");
        next.write(&disk).unwrap();
        assert_eq!(Manifest::load(&disk).unwrap().as_ref(), Some(&next));
    }
    assert_eq!(disk.operations().len(), before);
}

#[test]
fn manifests_that_break_a_rule_are_not_written() {
    let (disk, manifest) = database();
    let next = Manifest { generation: 3, ..manifest };
    let twice = Manifest { parts: vec![next.parts[0]; 2], ..next.clone() };
    let number = Manifest { next_file: 1, ..next.clone() };
    let old = Manifest { generation: 2, ..next.clone() };
    let (lsn, wal) = (Manifest { lsn: 1 << 63, ..next.clone() }, Manifest { wal: u64::MAX, ..next.clone() });
    let (last, file) =
        (Manifest { generation: 1 << 63, ..next.clone() }, Manifest { next_file: 1 << 63, ..next.clone() });
    for bad in [twice, number, old, lsn, wal, last, file] {
        assert!(matches!(bad.write(&disk), Err(StorageError::Misuse { .. })), "{bad:?}");
    }
    let blob = vec![0; MANIFEST_MAX as usize];
    let large = Manifest { extra: vec![Extra { tag: 1, bytes: blob }], ..next };
    assert!(matches!(large.write(&disk), Err(StorageError::Limit { .. })));
    let parts = large.parts.clone();
    let first = Manifest { generation: 1, parts, ..first() };
    assert!(matches!(first.write(&SimStorage::new()), Err(StorageError::Misuse { .. })));
}

#[test]
fn a_missing_manifest_is_corruption() {
    let (disk, _) = database();
    disk.remove("MANIFEST-2").unwrap();
    assert!(is_corrupt(Manifest::load(&disk)));
}

#[test]
fn the_manifest_must_be_the_one_that_current_names() {
    let (disk, manifest) = database();
    let old = disk.read("CURRENT", 64).unwrap();
    Manifest { generation: 3, ..manifest }.write(&disk).unwrap();
    disk.damage("CURRENT", |bytes| bytes.clone_from(&old)).unwrap();
    assert_eq!(Manifest::load(&disk).unwrap().unwrap().generation, 2);
    disk.rename("MANIFEST-3", "MANIFEST-2").unwrap();
    assert!(is_corrupt(Manifest::load(&disk)));
}

#[test]
fn manifests_of_the_future_are_refused() {
    let (disk, _) = database();
    let header = Header { generation: 2, version: FormatVersion { major: 2, minor: 0 }, ..Header::default() };
    let mut longer = header.encode(format::CURRENT).to_vec();
    longer.extend([0; 100]);
    disk.damage("CURRENT", |bytes| *bytes = longer).unwrap();
    assert!(matches!(Manifest::load(&disk), Err(StorageError::TooNew { .. })));
}

proptest! {
    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed(
        at in any::<Index>(), bit in 0..8u8, cuts in any::<bool>(), current in any::<bool>(),
    ) {
        let (disk, _) = database();
        disk.damage(if current { "CURRENT" } else { "MANIFEST-2" }, |bytes| {
            let at = at.index(bytes.len());
            if cuts { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        }).unwrap();
        prop_assert!(is_corrupt(Manifest::load(&disk)));
    }

    /// Any bytes behind correct checksums: no panic, no huge allocation.
    #[test]
    fn forged_manifests_never_panic(mut payload in proptest::collection::vec(any::<u8>(), 0..400), keep in 0..200usize) {
        let intact = codec::encode(&database().1, MANIFEST_MAX).unwrap();
        let keep = keep.min(payload.len()).min(intact.len());
        payload[..keep].copy_from_slice(&intact[..keep]);
        let words = [payload.len() as u64, checksum::crc(&payload).into()];
        let mut bytes = Header { generation: 2, words, ..Header::default() }.encode(format::MANIFEST).to_vec();
        bytes.extend(payload);
        if let Ok(manifest) = Manifest::decode("MANIFEST-2", &bytes) {
            prop_assert_eq!(manifest.generation, 2);
        }
    }
}
