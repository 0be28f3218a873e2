//! The simulated disk forgets what it may forget, and nothing else.

use super::*;

fn write(disk: &SimStorage, name: &str, bytes: &[u8]) -> Box<dyn File> {
    let mut file = disk.create(name).unwrap();
    file.write_all(&[bytes]).unwrap();
    file
}

fn images(disk: &SimStorage) -> impl Iterator<Item = SimStorage> + '_ {
    CrashKind::ALL.into_iter().flat_map(move |kind| (0..50).map(move |seed| disk.crash_image(kind, seed)))
}

#[test]
fn synced_bytes_under_a_synced_name_stay() {
    let disk = SimStorage::new();
    let mut file = write(&disk, "a", &[7; 2000]);
    file.sync().unwrap();
    disk.sync_dir().unwrap();
    file.write_all(&[&[8; 2000]]).unwrap();
    for image in images(&disk) {
        assert_eq!(image.read("a", 9999).unwrap()[..2000], [7; 2000]);
    }
    assert_eq!(disk.crash_image(CrashKind::Strict, 0).size("a").unwrap(), 2000);
    assert_eq!(disk.after_kill().size("a").unwrap(), 4000);
}

#[test]
fn un_synced_bytes_may_be_there_or_not() {
    let disk = SimStorage::new();
    let _file = write(&disk, "a", &[7; 2000]);
    disk.sync_dir().unwrap();
    let contents: Vec<_> = images(&disk).map(|image| image.read("a", 9999).unwrap()).collect();
    assert!(contents.iter().any(|c| c[..] == [7; 2000]) && contents.iter().any(|c| c.is_empty()));
    let torn = |c: &&Vec<u8>| c.len() == 2000 && c[..512] == [0; 512] && c[1024..1536] == [7; 512];
    assert!(contents.iter().any(|c| torn(&c)));
}

#[test]
fn names_survive_in_part_until_the_directory_is_synced() {
    let disk = SimStorage::new();
    write(&disk, "a", b"1").sync().unwrap();
    disk.sync_dir().unwrap();
    write(&disk, "b", b"2").sync().unwrap();
    disk.rename("b", "a").unwrap();
    write(&disk, "c", b"3").sync().unwrap();
    let seen: std::collections::BTreeSet<_> =
        images(&disk).map(|image| (image.list().unwrap().concat(), image.read("a", 9).unwrap())).collect();
    for state in [("a", b"1"), ("a", b"2"), ("ab", b"1"), ("ac", b"2"), ("abc", b"1"), ("ac", b"1")] {
        assert!(seen.contains(&(state.0.into(), state.1.to_vec())), "{state:?} not in {seen:?}");
    }
    disk.sync_dir().unwrap();
    assert!(images(&disk).all(|image| image.list().unwrap() == ["a", "c"]));
}

#[test]
fn calls_fail_where_they_are_told_to() {
    let disk = SimStorage::new();
    disk.fail_at(1, libc::ENOSPC);
    let mut file = disk.create("a").unwrap();
    let full = file.write_all(&[b"0123", b"4567"]).unwrap_err();
    assert!(full.is_no_space());
    assert_eq!(file.size().unwrap(), 4);
    file.write_all(&[b"x"]).unwrap();
    disk.fail_at(3, libc::EIO);
    assert!(file.sync().is_err());
    file.write_all(&[b"y"]).unwrap();
    file.sync().unwrap();
    disk.sync_dir().unwrap();
    let kept = disk.crash_image(CrashKind::Strict, 0).read("a", 99).unwrap();
    assert_eq!(kept, b"0123y", "what a failed sync dropped stays lost");
    disk.crash_at(disk.operations().len());
    assert!(file.write_all(&[b"zz"]).is_err() && disk.list().is_err() && disk.sync_dir().is_err());
    assert!(file.write_all(&[b"zz"]).is_err());
    assert_eq!(disk.after_kill().read("a", 99).unwrap(), b"0123yz");
}

#[test]
fn an_ignored_sync_does_nothing() {
    let disk = SimStorage::new();
    disk.ignore_sync(2);
    write(&disk, "a", b"1").sync().unwrap();
    disk.sync_dir().unwrap();
    assert_eq!(disk.operations()[2], Operation { call: "sync", file: "a".into() });
    assert_eq!(disk.crash_image(CrashKind::Strict, 0).size("a").unwrap(), 0);
}

#[test]
fn there_is_one_lock() {
    let disk = SimStorage::new();
    let guard = disk.lock().unwrap();
    assert!(matches!(disk.clone().lock(), Err(StorageError::Locked { .. })));
    assert!(disk.after_kill().lock().is_ok());
    drop(guard);
    disk.lock().unwrap();
}
