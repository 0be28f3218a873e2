//! Files beside a database: what is exported and what is imported.
//!
//! A new file is written under another name and gets its own when all of it is durable, so nobody
//! takes half a file for a whole one. Nothing is ever overwritten. What is read may hold anything.

use super::ReadFile;
use super::error::{Result, StorageError};
use super::gathered::Gathered;
use super::os::{self, OsFile};
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// What stands behind the name of a file until it is whole.
const SUFFIX: &str = ".unfinished";

/// A file being written. Dropped before [`NewFile::publish`], it leaves nothing behind.
pub struct NewFile {
    path: PathBuf,
    temporary: PathBuf,
    /// The path as errors show it.
    shown: String,
    file: Gathered,
}

/// A file that was published, until it is kept: dropped before, it is removed.
pub struct Published(Option<PathBuf>);

impl NewFile {
    /// Begins the file `path`, which must not be there; its directory must.
    pub fn create(path: &Path) -> Result<NewFile> {
        let path = &os::absolute(path);
        let shown = os::shown(path);
        if path.symlink_metadata().is_ok() {
            return Err(taken(path, "name another file, or remove it"));
        }
        let mut name = path.file_name().map(OsString::from).ok_or_else(|| not_a_file(&shown))?;
        name.push(SUFFIX);
        let temporary = path.with_file_name(name);
        let file =
            Gathered::new(|| match os::open_with(OpenOptions::new().append(true).create_new(true), &temporary) {
                Ok(file) => Ok(Box::new(OsFile { file, name: shown.clone() })),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    Err(taken(&temporary, "an export that was killed left it, or one is under way; remove it"))
                }
                Err(e) => Err(os::not_made("create", path, e)),
            })?;
        Ok(NewFile { path: path.into(), temporary, shown, file })
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.push(bytes)
    }

    /// Lets the file appear, whole and durable.
    pub fn publish(mut self) -> Result<Published> {
        self.file.sync()?;
        // Unlike a rename, a link never takes the place of another file.
        match fs::hard_link(&self.temporary, &self.path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(self.came_meanwhile()),
            // Not every file system has links.
            Err(_) if self.path.symlink_metadata().is_ok() => return Err(self.came_meanwhile()),
            Err(_) => {
                fs::rename(&self.temporary, &self.path).map_err(|e| StorageError::io("rename", &self.shown, e))?;
            }
        }
        let published = Published(Some(self.path.clone()));
        let _ = fs::remove_file(&self.temporary);
        os::sync_parent(&self.path, true).map_err(|e| StorageError::io("sync directory of", &self.shown, e))?;
        Ok(published)
    }

    fn came_meanwhile(&self) -> StorageError {
        taken(&self.path, "it came while this was written; name another file")
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Gone already where it was published. Nobody is left to tell.
        let _ = fs::remove_file(&self.temporary);
    }
}

impl Published {
    /// Leaves the file where it is.
    pub fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

/// Opens a file to read; `None` where there is none.
pub fn open_existing(path: &Path) -> Result<Option<Box<dyn ReadFile>>> {
    let shown = os::shown(path);
    // Before the open, which would wait for ever on a named pipe.
    match fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(StorageError::io("open", &shown, e)),
        Ok(found) if !found.is_file() => return Err(not_a_file(&shown)),
        Ok(_) => {}
    }
    let file = fs::File::open(path).map_err(|e| StorageError::io("open", &shown, e))?;
    Ok(Some(Box::new(OsFile { file, name: shown })))
}

/// The path as errors show it.
pub fn shown(path: &Path) -> String {
    os::shown(path)
}

fn taken(path: &Path, what: &str) -> StorageError {
    StorageError::Taken { file: os::shown(path), what: what.into() }
}

fn not_a_file(shown: &str) -> StorageError {
    StorageError::io("open", shown, io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_whole_and_takes_nobodys_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        let mut file = NewFile::create(&path).unwrap();
        file.write(b"one").unwrap();
        file.write(&vec![7; 3 << 20]).unwrap();
        file.write(b"two").unwrap();
        assert_eq!(names(dir.path()), ["a.npy.unfinished"]);
        assert!(matches!(NewFile::create(&path), Err(StorageError::Taken { .. })));
        file.publish().unwrap().keep();
        assert_eq!(names(dir.path()), ["a.npy"]);
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.starts_with(b"one\x07") && bytes.ends_with(b"\x07two") && bytes.len() == (3 << 20) + 6);
        assert!(matches!(NewFile::create(&path), Err(StorageError::Taken { .. })));
    }

    #[test]
    fn what_is_given_up_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        drop(NewFile::create(&path).unwrap());
        drop(NewFile::create(&path).unwrap().publish().unwrap());
        assert!(names(dir.path()).is_empty());
        let late = NewFile::create(&path).unwrap();
        fs::write(&path, "mine").unwrap();
        assert!(matches!(late.publish(), Err(StorageError::Taken { .. })));
        assert_eq!((names(dir.path()), fs::read(&path).unwrap()), (vec!["a".to_string()], b"mine".to_vec()));
        assert!(NewFile::create(&dir.path().join("..")).is_err());
    }

    #[test]
    fn only_regular_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        assert!(open_existing(&dir.path().join("a")).unwrap().is_none());
        assert!(open_existing(dir.path()).is_err());
        fs::write(dir.path().join("a"), "abc").unwrap();
        let file = open_existing(&dir.path().join("a")).unwrap().unwrap();
        let mut bytes = [0; 8];
        assert_eq!((file.size().unwrap(), file.read_at(1, &mut bytes).unwrap()), (3, 2));
    }
}
