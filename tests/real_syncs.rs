//! The system calls behind the promises: a batch at FULL is synced to the real disk
//! before the call returns, and so is every file and every name that a checkpoint
//! relies on (promises P1, P5).
//!
//! The crash tests run on a simulated disk, which proves the order of the calls and not
//! that they reach the kernel. This program has `fsync` and `fdatasync` of its own, which
//! note the file and pass the call on.

#![cfg(target_os = "linux")]

use std::ffi::c_int;
use std::path::Path;
use std::sync::Mutex;
use vdb::{Database, Durability, Options, Vectors};

static SYNCED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(fd: c_int) {
    let path = std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap_or_default();
    SYNCED.lock().unwrap().push(path.display().to_string());
}

/// Stands before the C library's.
#[unsafe(no_mangle)]
extern "C" fn fsync(fd: c_int) -> c_int {
    note(fd);
    // SAFETY: the caller's descriptor goes to the kernel unchanged.
    unsafe { libc::syscall(libc::SYS_fsync, fd) as c_int }
}

/// Stands before the C library's.
#[unsafe(no_mangle)]
extern "C" fn fdatasync(fd: c_int) -> c_int {
    note(fd);
    // SAFETY: the caller's descriptor goes to the kernel unchanged.
    unsafe { libc::syscall(libc::SYS_fdatasync, fd) as c_int }
}

/// Names of what was synced since the last call, relative to `dir`.
fn synced(dir: &Path) -> Vec<String> {
    let (dir, parent) = (format!("{}/", dir.display()), dir.parent().unwrap().display().to_string());
    let name = |path: String| match path.strip_prefix(&dir) {
        Some(file) => file.to_string(),
        None if path == parent => "..".into(),
        None if format!("{path}/") == dir => ".".into(),
        None => path,
    };
    std::mem::take(&mut *SYNCED.lock().unwrap()).into_iter().map(name).collect()
}

#[test]
fn what_must_be_durable_is_synced_by_the_kernel() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().canonicalize().unwrap().join("db");
    let options = |level| Options::new().dim(2).durability(level);
    let db = Database::open(Some(&dir), &options(Durability::Full)).unwrap();
    let created = synced(&dir);
    for name in ["..", "wal-1.log", "MANIFEST-1", "CURRENT.tmp"] {
        assert!(created.iter().any(|n| n == name), "{name} is not among {created:?}");
    }
    assert_eq!(created.last().unwrap(), ".", "the name of CURRENT comes last");

    for id in 0..3 {
        db.upsert_batch(&[id], Vectors::f32(&[1., id as f32], 2).unwrap(), None).unwrap();
        assert_eq!(synced(&dir), ["wal-1.log"], "batch {id}");
    }

    db.checkpoint(None).unwrap();
    let written = synced(&dir);
    let at =
        |name: &str| written.iter().position(|n| n.starts_with(name)).unwrap_or_else(|| panic!("{name}: {written:?}"));
    let (log, chunk, ids) = (at("wal-2.log"), at("chunk-"), at("ids-"));
    let (manifest, current) = (at("MANIFEST-"), at("CURRENT.tmp"));
    assert!(log < manifest && chunk < manifest && ids < manifest && manifest < current, "{written:?}");
    assert!(
        written[current + 1..].starts_with(&[".".into(), ".".into()]),
        "the names, before and after the rename: {written:?}"
    );
    db.close().unwrap();
    synced(&dir);

    let db = Database::open(Some(&dir), &options(Durability::Process)).unwrap();
    assert_eq!(synced(&dir), [""; 0], "all was durable at the close");
    db.upsert_batch(&[9], Vectors::f32(&[1., 2.], 2).unwrap(), None).unwrap();
    assert_eq!(synced(&dir), [""; 0], "a batch at PROCESS waits for no disk");
    db.sync().unwrap();
    assert_eq!(synced(&dir).len(), 1);

    // A process that dies leaves a log that nobody may have synced.
    db.upsert_batch(&[10], Vectors::f32(&[1., 2.], 2).unwrap(), None).unwrap();
    db.abandon();
    synced(&dir);
    let db = Database::open(Some(&dir), &options(Durability::Full)).unwrap();
    assert_eq!(synced(&dir), ["wal-2.log", "."], "what was replayed is made durable");
    assert_eq!(db.count().unwrap(), 5);
}
