//! A simulated disk with something that happens before each call to it.

use std::sync::Arc;
use vdb::storage::sim::SimStorage;
use vdb::storage::{File, LockGuard, Mapping, ReadFile, Result, Storage};

pub type Act = Arc<dyn Fn() + Send + Sync>;

/// The disk as one side sees it: `before` runs before each of its calls.
pub struct Watched {
    pub disk: SimStorage,
    pub before: Act,
}

impl Watched {
    fn file<T: ?Sized>(&self, file: Result<Box<T>>) -> Result<WatchedFile<T>> {
        file.map(|file| WatchedFile { file, before: self.before.clone() })
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watched")
    }
}

impl Storage for Watched {
    fn create(&self, name: &str) -> Result<Box<dyn File>> {
        (self.before)();
        Ok(Box::new(self.file(self.disk.create(name))?))
    }

    fn open_append(&self, name: &str) -> Result<Box<dyn File>> {
        (self.before)();
        Ok(Box::new(self.file(self.disk.open_append(name))?))
    }

    fn open_read(&self, name: &str) -> Result<Box<dyn ReadFile>> {
        (self.before)();
        Ok(Box::new(self.file(self.disk.open_read(name))?))
    }

    fn map(&self, name: &str) -> Result<Arc<Mapping>> {
        (self.before)();
        self.disk.map(name)
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        (self.before)();
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> Result<()> {
        (self.before)();
        self.disk.remove(name)
    }

    fn list(&self) -> Result<Vec<String>> {
        (self.before)();
        self.disk.list()
    }

    fn sync_dir(&self) -> Result<()> {
        (self.before)();
        self.disk.sync_dir()
    }

    fn lock(&self) -> Result<LockGuard> {
        (self.before)();
        self.disk.lock()
    }
}

struct WatchedFile<T: ?Sized> {
    file: Box<T>,
    before: Act,
}

impl File for WatchedFile<dyn File> {
    fn write_all(&mut self, pieces: &[&[u8]]) -> Result<()> {
        // Two calls, as if the system had written the first half only.
        let bytes = pieces.concat();
        let (first, second) = bytes.split_at(bytes.len() / 2);
        (self.before)();
        self.file.write_all(&[first])?;
        (self.before)();
        self.file.write_all(&[second])
    }

    fn sync(&mut self) -> Result<()> {
        (self.before)();
        self.file.sync()
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        (self.before)();
        self.file.set_len(len)
    }

    fn size(&self) -> Result<u64> {
        self.file.size()
    }
}

impl ReadFile for WatchedFile<dyn ReadFile> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        (self.before)();
        self.file.read_at(offset, buffer)
    }

    fn size(&self) -> Result<u64> {
        (self.before)();
        self.file.size()
    }
}
