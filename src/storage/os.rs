//! [`Storage`] on a directory of the operating system's file system.
//!
//! Nothing here decides when to sync; it only makes sure that each call means
//! what [`Storage`] says, on every platform: `sync_data` is `fdatasync` on
//! Linux, `F_FULLFSYNC` on macOS and `FlushFileBuffers` on Windows (std).

use super::error::{Result, StorageError};
use super::lock::{self, LockGuard};
use super::mmap::{self, Mapping};
use super::names::CURRENT;
use super::{File, ReadFile, Storage};
use crate::arena::Budget;
use crate::util::memory::collected;
use std::fs::{self, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::path::{self, Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A directory on disk.
#[derive(Debug)]
pub struct OsStorage {
    /// From the root on: the current directory may be another one tomorrow.
    dir: PathBuf,
    use_mmap: bool,
    /// What files are read into where they are not mapped.
    memory: Budget,
    /// Which directory was locked: what stands at its path later may be another one.
    locked: OnceLock<Identity>,
}

impl OsStorage {
    /// Opens the directory `path`. With `create`, a missing directory is made
    /// (its parent must exist) and its name made durable before the first file in it is
    /// made. Without `use_mmap`,
    /// [`Storage::map`] reads files into memory instead.
    pub fn open(path: impl AsRef<Path>, create: bool, use_mmap: bool) -> Result<OsStorage> {
        let dir = absolute(path.as_ref());
        let name = shown(&dir);
        let made = match create.then(|| fs::create_dir(&dir)) {
            Some(Ok(())) => true,
            Some(Err(e)) if e.kind() != io::ErrorKind::AlreadyExists => {
                return Err(not_made("create directory", &dir, e));
            }
            _ => false,
        };
        let found = fs::metadata(&dir).map_err(|e| StorageError::io("open directory", &name, e))?;
        if !found.is_dir() {
            return Err(StorageError::io("open directory", &name, io::Error::from_raw_os_error(libc::ENOTDIR)));
        }
        // Where there is a CURRENT, whoever wrote it had come by here first.
        if create && !dir.join(CURRENT).exists() {
            sync_parent(&dir, made).map_err(|e| StorageError::io("sync parent of", &name, e))?;
        }
        // Miri has no file mappings.
        Ok(OsStorage { dir, use_mmap: use_mmap && !cfg!(miri), memory: Budget::default(), locked: OnceLock::new() })
    }

    /// The same directory; files that are not mapped take their memory from `memory`.
    pub fn within(self, memory: &Budget) -> OsStorage {
        OsStorage { memory: memory.clone(), ..self }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps writers out while the guard lives, without changing anything in
    /// the directory; fails with [`StorageError::Locked`] where there is one.
    /// `None` where there is nothing to lock.
    pub fn keep_writers_out(&self) -> Result<Option<LockGuard>> {
        lock::keep_out(&self.dir)
    }

    /// The path of `name`, which must not lead out of the directory.
    fn path(&self, op: &'static str, name: &str) -> Result<PathBuf> {
        let plain = Path::new(name).file_name().is_some_and(|n| n == name);
        if !plain {
            return Err(StorageError::io(op, name, io::ErrorKind::InvalidFilename.into()));
        }
        self.check_place(op, name)?;
        Ok(self.dir.join(name))
    }

    /// Refuses to touch another directory that has come to where the locked one was: its files have the same
    /// names, and it may be somebody else's database.
    fn check_place(&self, op: &'static str, name: &str) -> Result<()> {
        let Some(locked) = self.locked.get() else { return Ok(()) };
        match fs::metadata(&self.dir) {
            Ok(found) if Identity::of(&found).as_ref() == Some(locked) => return Ok(()),
            Ok(_) => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(e) => return Err(StorageError::io("look at the directory of", name, e)),
        }
        let what = format!(
            "{} was moved, removed or replaced while it was open; close it, and open it where it is now",
            shown(&self.dir)
        );
        Err(StorageError::io(op, name, io::Error::other(what)))
    }

    /// Opens an existing regular file. The check comes before the open, which
    /// would wait for ever on a named pipe.
    fn open_file(&self, name: &str, options: &OpenOptions) -> Result<fs::File> {
        let path = self.path("open", name)?;
        let io = |e| StorageError::io("open", name, e);
        if !fs::metadata(&path).map_err(io)?.is_file() {
            return Err(StorageError::corrupt(name, 0, "not a regular file"));
        }
        open_with(options, &path).map_err(io)
    }
}

/// What tells a directory from every other one for as long as it is open.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    node: u64,
}

impl Identity {
    /// `None` where the system has no numbers for it.
    #[cfg(unix)]
    pub fn of(found: &fs::Metadata) -> Option<Identity> {
        use std::os::unix::fs::MetadataExt;
        Some(Identity { device: found.dev(), node: found.ino() })
    }

    #[cfg(not(unix))]
    pub fn of(_: &fs::Metadata) -> Option<Identity> {
        None
    }
}

/// The path from the root on. Where the current directory is gone there is none, nor anything to be found.
pub(super) fn absolute(path: &Path) -> PathBuf {
    path::absolute(path).unwrap_or_else(|_| path.into())
}

/// Opens a file, and never as one of the standard streams: where a program has closed these, what it prints, or
/// whatever it opens in their place, would end up in the file.
pub(super) fn open_with(options: &OpenOptions, path: &Path) -> io::Result<fs::File> {
    apart_from_streams(options.open(path)?)
}

#[cfg(unix)]
fn apart_from_streams(file: fs::File) -> io::Result<fs::File> {
    use std::os::fd::AsRawFd;
    // A clone never gets a number below 3.
    if file.as_raw_fd() < 3 { file.try_clone() } else { Ok(file) }
}

#[cfg(not(unix))]
fn apart_from_streams(file: fs::File) -> io::Result<fs::File> {
    Ok(file)
}

/// The error of a file or directory that could not be made: what is missing then is where it was to be.
pub(super) fn not_made(op: &'static str, path: &Path, error: io::Error) -> StorageError {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) if error.kind() == io::ErrorKind::NotFound => StorageError::NotFound {
            file: format!(
                "{}, where {} was to be made,",
                shown(parent),
                shown(Path::new(path.file_name().unwrap_or_default()))
            ),
        },
        _ => StorageError::io(op, &shown(path), error),
    }
}

/// Makes the name of `dir` durable. The directory may have been made by a
/// process that died before it got here, so this runs even when it was found;
/// only then may its parent be unreadable to us.
pub(super) fn sync_parent(dir: &Path, made: bool) -> io::Result<()> {
    let parent = match dir.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Ok(()),
    };
    match sync_directory(parent) {
        Err(e) if !made && e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

#[cfg(unix)]
pub(super) fn sync_directory(dir: &Path) -> io::Result<()> {
    fs::File::open(dir)?.sync_all()
}

/// Windows cannot open a directory for syncing; NTFS journals names itself.
#[cfg(not(unix))]
pub(super) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes a call again that a signal interrupted, where std does not by itself.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl Storage for OsStorage {
    fn create(&self, name: &str) -> Result<Box<dyn File>> {
        let path = self.path("create", name)?;
        let file = open_with(OpenOptions::new().append(true).create_new(true), &path);
        Ok(Box::new(OsFile { file: file.map_err(|e| StorageError::io("create", name, e))?, name: name.into() }))
    }

    fn open_append(&self, name: &str) -> Result<Box<dyn File>> {
        let file = self.open_file(name, OpenOptions::new().append(true))?;
        Ok(Box::new(OsFile { file, name: name.into() }))
    }

    fn open_read(&self, name: &str) -> Result<Box<dyn ReadFile>> {
        let file = self.open_file(name, OpenOptions::new().read(true))?;
        Ok(Box::new(OsFile { file, name: name.into() }))
    }

    fn map(&self, name: &str) -> Result<Arc<Mapping>> {
        let file = OsFile { file: self.open_file(name, OpenOptions::new().read(true))?, name: name.into() };
        let mapping = match self.use_mmap {
            true => Mapping::map(name, &file.file)?,
            false => Mapping::read(name, &file, &self.memory)?,
        };
        Ok(Arc::new(mapping))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        fs::rename(self.path("rename", from)?, self.path("rename", to)?)
            .map_err(|e| StorageError::io("rename", from, e))
    }

    fn remove(&self, name: &str) -> Result<()> {
        fs::remove_file(self.path("remove", name)?).map_err(|e| StorageError::io("remove", name, e))
    }

    fn list(&self) -> Result<Vec<String>> {
        let io = |e| StorageError::io("list", &shown(&self.dir), e);
        let mut names = Vec::new();
        self.check_place("list", ".")?;
        for entry in uninterrupted(|| fs::read_dir(&self.dir)).map_err(io)? {
            // A name that is not UTF-8 is not one of ours.
            names.extend(entry.map_err(io)?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn sync_dir(&self) -> Result<()> {
        self.check_place("sync directory", ".")?;
        sync_directory(&self.dir).map_err(|e| StorageError::io("sync directory", ".", e))
    }

    fn lock(&self) -> Result<LockGuard> {
        let (guard, directory) = lock::lock(&self.dir)?;
        if let Some(directory) = directory {
            self.locked.get_or_init(|| directory);
        }
        Ok(guard)
    }

    fn directory(&self) -> Option<&Path> {
        Some(&self.dir)
    }

    fn link_from(&self, from: &dyn Storage, name: &str) -> bool {
        let (Some(from), Ok(to)) = (from.directory(), self.path("link", name)) else { return false };
        fs::hard_link(from.join(name), to).is_ok()
    }
}

/// An open file; `name` is what errors call it.
pub(super) struct OsFile {
    pub file: fs::File,
    pub name: String,
}

impl OsFile {
    fn io(&self, op: &'static str) -> impl FnOnce(io::Error) -> StorageError {
        move |e| StorageError::io(op, &self.name, e)
    }

    fn length(&self) -> Result<u64> {
        Ok(self.file.metadata().map_err(self.io("stat"))?.len())
    }
}

impl File for OsFile {
    fn write_all(&mut self, pieces: &[&[u8]]) -> Result<()> {
        let mut slices: Vec<IoSlice<'_>> = collected(pieces.iter().map(|p| IoSlice::new(p)))?;
        let mut rest = &mut slices[..];
        // Drops leading empty pieces, whose write of 0 bytes would look like a full disk.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match self.file.write_vectored(rest) {
                Ok(0) => return Err(self.io("write")(io::ErrorKind::WriteZero.into())),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.io("write")(e)),
            }
        }
        Ok(())
    }

    fn begin_sync(&mut self, offset: u64) -> Result<()> {
        mmap::begin_writeback(&self.file, offset).map_err(self.io("sync"))
    }

    fn sync(&mut self) -> Result<()> {
        self.file.sync_data().map_err(self.io("sync"))
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        self.file.set_len(len).map_err(self.io("truncate"))
    }

    fn size(&self) -> Result<u64> {
        self.length()
    }
}

impl ReadFile for OsFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match uninterrupted(|| read_some(&self.file, offset + done as u64, &mut buffer[done..])) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) => return Err(self.io("read")(e)),
            }
        }
        Ok(done)
    }

    fn size(&self) -> Result<u64> {
        self.length()
    }
}

#[cfg(unix)]
fn read_some(file: &fs::File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_some(file: &fs::File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// The path as errors show it: of a long one the end, so that the reason that follows
/// it still fits the fixed record an error is handed out in.
pub(super) fn shown(path: &Path) -> String {
    const LONGEST: usize = 100;
    let text = path.display().to_string();
    match text.char_indices().rev().nth(LONGEST - 1) {
        Some((from, _)) if from > 0 => format!("...{}", &text[from..]),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> OsStorage {
        OsStorage::open(dir, false, true).unwrap()
    }

    #[test]
    fn appends_cuts_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let storage = open(dir.path());
        let mut file = storage.create("a").unwrap();
        file.write_all(&[b"", b"one", b"", b"two", b""]).unwrap();
        file.set_len(4).unwrap();
        file.write_all(&[b"!"]).unwrap();
        file.sync().unwrap();
        assert_eq!(file.size().unwrap(), 5);
        assert!(matches!(storage.create("a").map(|_| ()), Err(StorageError::Io { op: "create", .. })));
        storage.open_append("a").unwrap().write_all(&[b"?"]).unwrap();
        assert_eq!(storage.read("a", 6).unwrap(), b"onet!?");
        assert!(matches!(storage.read("a", 5), Err(StorageError::Corrupt { .. })));
        storage.rename("a", "b").unwrap();
        assert_eq!(storage.list().unwrap(), ["b"]);
        storage.sync_dir().unwrap();
        storage.remove("b").unwrap();
        assert!(storage.size("b").unwrap_err().is_not_found());
    }

    #[test]
    fn more_pieces_than_one_system_call_takes() {
        let dir = tempfile::tempdir().unwrap();
        let storage = open(dir.path());
        let bytes: Vec<u8> = (0..5000u32).map(|i| i as u8).collect();
        let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
        storage.create("a").unwrap().write_all(&pieces).unwrap();
        assert_eq!(storage.read("a", 5000).unwrap(), bytes);
    }

    #[test]
    fn mapped_and_read_files_hold_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        for use_mmap in [true, false] {
            let storage = OsStorage::open(dir.path(), true, use_mmap).unwrap();
            for (name, len) in [("empty", 0), ("small", 10), ("large", 300_000)] {
                let _ = storage.remove(name);
                storage.create(name).unwrap().write_all(&[&vec![7; len]]).unwrap();
                let mapping = storage.map(name).unwrap();
                storage.remove(name).unwrap();
                assert!(mapping.bytes() == vec![7; len]);
                assert!((mapping.bytes().as_ptr() as usize).is_multiple_of(64));
            }
        }
    }

    #[test]
    fn directories_are_made_only_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        assert!(OsStorage::open(&path, false, true).unwrap_err().is_not_found());
        OsStorage::open(&path, true, true).unwrap();
        OsStorage::open(&path, true, true).unwrap();
        for refused in [
            OsStorage::open(path.join("no/parent"), true, true).err(),
            crate::storage::Staging::new(&path.join("no/parent")).err(),
            crate::storage::outside::NewFile::create(&path.join("no/parent")).err(),
        ] {
            let refused = refused.unwrap();
            let message = format!("{}, where parent was to be made, does not exist", shown(&path.join("no")));
            assert!(refused.is_not_found() && refused.to_string() == message, "{refused}");
        }
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(OsStorage::open(dir.path().join("file"), true, true).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn another_directory_in_its_place_is_not_touched() {
        let place = tempfile::tempdir().unwrap();
        let (path, moved) = (place.path().join("db"), place.path().join("moved"));
        let storage = OsStorage::open(&path, true, true).unwrap();
        let _guard = storage.lock().unwrap();
        let mut log = storage.create("log").unwrap();
        for replaced in [false, true] {
            let other = replaced.then(|| OsStorage::open(&path, true, true).unwrap());
            if let Some(other) = &other {
                other.create("log").unwrap().write_all(&[b"theirs"]).unwrap();
            } else {
                fs::rename(&path, &moved).unwrap();
            }
            let refused = [
                storage.create("new").map(drop),
                storage.rename("log", "new"),
                storage.remove("log"),
                storage.open_append("log").map(drop),
                storage.read("log", 9).map(drop),
                storage.list().map(drop),
                storage.sync_dir(),
            ];
            for refused in refused {
                let error = refused.unwrap_err();
                assert!(matches!(error, StorageError::Io { .. }), "{error}");
                assert!(error.to_string().contains("moved, removed or replaced"), "{error}");
            }
            log.write_all(&[b"ours"]).unwrap();
        }
        assert_eq!(open(&path).read("log", 9).unwrap(), b"theirs");
        assert_eq!(open(&moved).read("log", 9).unwrap(), b"oursours");
        fs::remove_dir_all(&path).unwrap();
        fs::rename(&moved, &path).unwrap();
        assert_eq!(storage.list().unwrap(), ["LOCK", "log"]);
    }

    #[test]
    fn names_cannot_leave_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let storage = open(dir.path());
        for name in ["../x", "a/b", "/etc/passwd", "..", ".", ""] {
            assert!(storage.create(name).is_err() && storage.open_read(name).is_err(), "{name}");
            assert!(storage.remove(name).is_err() && storage.rename(name, "x").is_err());
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_a_regular_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap();
        assert!(pipe.success());
        fs::create_dir(dir.path().join("sub")).unwrap();
        let storage = open(dir.path());
        for name in ["pipe", "sub"] {
            assert!(matches!(storage.read(name, 10), Err(StorageError::Corrupt { .. })));
            assert!(storage.map(name).is_err() && storage.open_append(name).is_err());
        }
    }
}
