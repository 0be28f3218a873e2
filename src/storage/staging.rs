//! A directory whose files appear only when all of them are whole.
//!
//! They are made in a subdirectory and moved up at the end, CURRENT last: what
//! a crash leaves, at any point, does not open as a database. The subdirectory
//! lies inside, not beside, so that a directory that the caller made (with its
//! owner, on its own disk) stays what it is; while it is there, nobody makes a new
//! database in its place. Nothing is removed that was not made here.

use super::error::{Result, StorageError};
use super::names::{CURRENT, LOCK, UNFINISHED};
use super::os::{self, OsStorage};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A directory being filled. Dropped before [`Staging::finish`], it leaves
/// everything as it was.
pub struct Staging {
    dir: PathBuf,
    /// Whether the directory was made here, too.
    made: bool,
    /// Files that were moved up already.
    moved: Vec<String>,
    finished: bool,
}

impl Staging {
    /// Begins to fill `dir`, which must be empty or not there (its parent must be).
    pub fn new(dir: &Path) -> Result<Staging> {
        let dir = &os::absolute(dir);
        let error = |op| move |e| StorageError::io(op, &os::shown(dir), e);
        let made = match fs::create_dir(dir) {
            Ok(()) => true,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => false,
            Err(e) => return Err(os::not_made("create directory", dir, e)),
        };
        if !made {
            check_empty(dir)?;
        }
        let staging = Staging { dir: dir.into(), made, moved: Vec::new(), finished: false };
        fs::create_dir(staging.work()).map_err(error("create directory"))?;
        // Before any file: after a power cut the directory must not pass for an empty one.
        staging.sync(dir)?;
        os::sync_parent(dir, made).map_err(error("sync parent of"))?;
        Ok(staging)
    }

    /// Where the files are to be made.
    pub fn storage(&self) -> Result<OsStorage> {
        OsStorage::open(self.work(), false, true)
    }

    /// Moves the files, which must be closed, to where they belong. They are
    /// durable there on return.
    pub fn finish(mut self) -> Result<()> {
        let work = self.storage()?;
        for name in super::Storage::list(&work)? {
            if name != CURRENT && name != LOCK {
                self.move_up(name)?;
            }
        }
        self.sync(&self.dir)?;
        self.move_up(CURRENT.into())?;
        self.sync(&self.dir)?;
        os::sync_parent(&self.dir, self.made).map_err(|e| self.error("sync parent of", e))?;
        self.finished = true;
        // What is left is an empty directory and a lock that nobody holds.
        let _ = fs::remove_dir_all(self.work());
        Ok(())
    }

    fn work(&self) -> PathBuf {
        self.dir.join(UNFINISHED)
    }

    fn move_up(&mut self, name: String) -> Result<()> {
        let moved = fs::rename(self.work().join(&name), self.dir.join(&name));
        moved.map_err(|e| StorageError::io("rename", &name, e))?;
        self.moved.push(name);
        Ok(())
    }

    fn sync(&self, dir: &Path) -> Result<()> {
        os::sync_directory(dir).map_err(|e| self.error("sync directory", e))
    }

    fn error(&self, op: &'static str, source: io::Error) -> StorageError {
        StorageError::io(op, &os::shown(&self.dir), source)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        // Nobody is left to tell. CURRENT goes first, as it came last.
        for name in self.moved.iter().rev() {
            let _ = fs::remove_file(self.dir.join(name));
        }
        // The first needs a free descriptor, the second does for an empty one.
        let _ = fs::remove_dir_all(self.work()).or_else(|_| fs::remove_dir(self.work()));
        if self.made {
            let _ = fs::remove_dir(&self.dir);
        }
    }
}

fn check_empty(dir: &Path) -> Result<()> {
    let error = |e| StorageError::io("list", &os::shown(dir), e);
    let Some(entry) = fs::read_dir(dir).map_err(error)?.next() else { return Ok(()) };
    let name = entry.map_err(error)?.file_name().display().to_string();
    let what = match name == UNFINISHED {
        true => format!("an attempt that was killed left {name}; remove it"),
        false => format!("there is {name}; name a new or an empty directory"),
    };
    Err(StorageError::NotEmpty { file: os::shown(dir), what })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Storage;

    fn names(dir: &Path) -> Vec<String> {
        OsStorage::open(dir, false, false).unwrap().list().unwrap()
    }

    fn fill(staging: &Staging) {
        let storage = staging.storage().unwrap();
        for name in [CURRENT, LOCK, "chunk-1.vdb"] {
            storage.create(name).unwrap().write_all(&[name.as_bytes()]).unwrap();
        }
    }

    #[test]
    fn files_appear_when_all_are_there() {
        let dir = tempfile::tempdir().unwrap();
        for (name, is_there) in [("new", false), ("empty", true)] {
            let path = dir.path().join(name);
            if is_there {
                fs::create_dir(&path).unwrap();
            }
            let staging = Staging::new(&path).unwrap();
            fill(&staging);
            assert_eq!(names(&path), [UNFINISHED]);
            staging.finish().unwrap();
            assert_eq!(names(&path), [CURRENT, "chunk-1.vdb"]);
        }
    }

    #[test]
    fn an_attempt_that_ends_early_leaves_no_trace() {
        let dir = tempfile::tempdir().unwrap();
        let (new, empty) = (dir.path().join("new"), dir.path().join("empty"));
        fs::create_dir(&empty).unwrap();
        for path in [&new, &empty] {
            let mut staging = Staging::new(path).unwrap();
            fill(&staging);
            staging.move_up("chunk-1.vdb".into()).unwrap();
            drop(staging);
        }
        assert!(!new.exists() && names(&empty).is_empty());
    }

    #[test]
    fn what_is_there_is_never_touched() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["notes", UNFINISHED] {
            let path = dir.path().join(format!("with-{name}"));
            fs::create_dir(&path).unwrap();
            fs::write(path.join(name), "mine").unwrap();
            let refused = Staging::new(&path).err().unwrap();
            assert!(matches!(&refused, StorageError::NotEmpty { what, .. } if what.contains(name)), "{refused}");
            assert_eq!(fs::read(path.join(name)).unwrap(), b"mine");
        }
        let file = dir.path().join("file");
        fs::write(&file, "mine").unwrap();
        assert!(Staging::new(&file).is_err());
        assert_eq!(fs::read(&file).unwrap(), b"mine");
    }
}
