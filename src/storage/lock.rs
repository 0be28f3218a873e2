//! One writer per database: an exclusive `flock` on the file LOCK, and one on the directory.
//!
//! The kernel drops the locks with the process, however it dies, so there is
//! no stale lock to break. `flock` belongs to the open file, not the process:
//! closing another handle of LOCK does not release it (POSIX record locks
//! would). The process id inside is for the error message only.
//!
//! Who takes LOCK for a leftover removes it, and the next writer would make a new one that nobody
//! holds. The directory cannot be removed from under its files. Not every system locks
//! directories, so LOCK stays what counts where that cannot be done.

use super::error::{Result, StorageError};
use super::names::LOCK;
use super::os::{Identity, open_with};
#[cfg(unix)]
use crate::util::inherited;
use std::any::Any;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

/// The right to write. Dropping it lets the next writer in.
pub struct LockGuard {
    _held: Box<dyn Any + Send + Sync>,
}

impl LockGuard {
    /// A guard whose lock ends when `held` is dropped.
    pub(super) fn new(held: impl Any + Send + Sync) -> LockGuard {
        LockGuard { _held: Box::new(held) }
    }
}

impl std::fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LockGuard")
    }
}

/// Locks the database directory `dir`, and tells which one that is.
pub(super) fn lock(dir: &Path) -> Result<(LockGuard, Option<Identity>)> {
    let io = |op| move |e| StorageError::io(op, LOCK, e);
    let directory = lock_directory(dir, File::try_lock)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut held = Held::new(open_with(&options, &dir.join(LOCK)).map_err(io("open"))?);
    match held.file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StorageError::Locked { pid: holder(&mut held.file) }),
        Err(TryLockError::Error(e)) => return Err(io("lock")(e)),
    }
    write_holder(&mut held.file, &std::process::id().to_string()).map_err(io("write"))?;
    let identity = directory.as_ref().and_then(|held| Identity::of(&held.file.metadata().ok()?));
    Ok((LockGuard::new((directory, held)), identity))
}

/// Locks the directory itself, with `try_lock`. `None` where that cannot be done for another reason than that somebody
/// else has.
fn lock_directory(dir: &Path, try_lock: fn(&File) -> Result<(), TryLockError>) -> Result<Option<Held>> {
    let Ok(directory) = open_with(OpenOptions::new().read(true), dir) else { return Ok(None) };
    let directory = Held::new(directory);
    match try_lock(&directory.file) {
        Err(TryLockError::WouldBlock) => {
            // Opening a pipe would wait.
            let path = Some(dir.join(LOCK)).filter(|path| path.is_file());
            let pid = path.and_then(|path| File::open(path).ok()).and_then(|mut file| holder(&mut file));
            Err(StorageError::Locked { pid })
        }
        // Where the system locks no directories, it still tells which one this is.
        _ => Ok(Some(directory)),
    }
}

/// Writes the process id. A file of another length is emptied first, so that nobody reads digits of
/// two; one of the same is not, for some file systems wait for the disk where a file is emptied.
fn write_holder(file: &mut File, pid: &str) -> io::Result<()> {
    if file.metadata()?.len() != pid.len() as u64 {
        file.set_len(0)?;
    }
    file.write_all(pid.as_bytes())
}

/// Keeps writers of the directory `dir` out, changing nothing in it. `None`
/// where no writer ever was.
pub(super) fn keep_out(dir: &Path) -> Result<Option<LockGuard>> {
    let (path, io) = (dir.join(LOCK), |op| move |e| StorageError::io(op, LOCK, e));
    let directory = lock_directory(dir, File::try_lock_shared)?;
    if !path.is_file() {
        return Ok(directory.map(LockGuard::new));
    }
    let mut held = Held::new(open_with(OpenOptions::new().read(true), &path).map_err(io("open"))?);
    match held.file.try_lock_shared() {
        Ok(()) => Ok(Some(LockGuard::new((directory, held)))),
        Err(TryLockError::WouldBlock) => Err(StorageError::Locked { pid: holder(&mut held.file) }),
        Err(TryLockError::Error(e)) => Err(io("lock")(e)),
    }
}

/// An open file that is locked. A forked child may have a copy of it for as long as it lives, so
/// closing ours is not enough: the lock is given up by name. Of a process that dies, the children that know of
/// the lock have closed their copies.
struct Held {
    #[cfg(unix)]
    _noted: Option<inherited::Noted>,
    file: File,
}

impl Held {
    fn new(file: File) -> Held {
        Held {
            #[cfg(unix)]
            _noted: inherited::note(std::os::fd::AsRawFd::as_raw_fd(&file)),
            file,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Where it fails, closing still releases the lock of a process without children.
        let _ = self.file.unlock();
    }
}

/// The process id in the lock file; a holder that is just starting may not
/// have written it yet.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_writer_learns_who_is_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = lock(dir.path()).unwrap();
        let second = lock(dir.path()).unwrap_err();
        assert!(matches!(second, StorageError::Locked { pid } if pid == Some(std::process::id())), "{second}");
        assert!(second.to_string().contains(&std::process::id().to_string()));
        drop(first);
        lock(dir.path()).unwrap();
    }

    #[test]
    fn who_only_reads_keeps_writers_out_and_leaves_no_trace() {
        let dir = tempfile::tempdir().unwrap();
        drop(keep_out(dir.path()).unwrap());
        assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none());
        drop(lock(dir.path()).unwrap());
        std::fs::write(dir.path().join(LOCK), "1").unwrap();
        let (one, two) = (keep_out(dir.path()).unwrap(), keep_out(dir.path()).unwrap());
        assert!(one.is_some() && two.is_some());
        assert!(matches!(lock(dir.path()), Err(StorageError::Locked { pid: Some(1) })));
        assert_eq!(std::fs::read(dir.path().join(LOCK)).unwrap(), b"1");
        drop((one, two));
        let writer = lock(dir.path()).unwrap();
        assert!(matches!(keep_out(dir.path()), Err(StorageError::Locked { .. })));
        drop(writer);
    }

    #[cfg(unix)]
    #[test]
    fn removing_the_lock_file_lets_nobody_in() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        std::fs::remove_file(dir.path().join(LOCK)).unwrap();
        assert!(matches!(lock(dir.path()), Err(StorageError::Locked { .. })));
        assert!(matches!(keep_out(dir.path()), Err(StorageError::Locked { .. })));
        drop(held);
        let reading = keep_out(dir.path()).unwrap();
        assert!(matches!(lock(dir.path()), Err(StorageError::Locked { .. })));
        drop(reading);
        lock(dir.path()).unwrap();
    }

    #[test]
    fn a_copy_of_the_open_file_does_not_keep_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let held = Held::new(File::create(dir.path().join(LOCK)).unwrap());
        held.file.try_lock().unwrap();
        // What a forked child inherits.
        let copy = held.file.try_clone().unwrap();
        assert!(lock(dir.path()).is_err());
        drop(held);
        lock(dir.path()).unwrap();
        drop(copy);
    }

    #[test]
    fn a_lock_file_with_rubbish_in_it_does_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(LOCK), [0xff; 100]).unwrap();
        let guard = lock(dir.path()).unwrap();
        assert_eq!(std::fs::read(dir.path().join(LOCK)).unwrap(), std::process::id().to_string().as_bytes());
        drop(guard);
    }
}
