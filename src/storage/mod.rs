//! Bytes on disk: part files, manifest, write-ahead log, lock, checksums.
//!
//! Owns every file of a database directory and the order in which they are
//! written, synced, renamed and removed. Never knows what a row, a graph or a
//! query is: `db` hands it byte slices and gets `arena::Rows` over mapped
//! files back. Never trusts a byte it reads: lengths are checked against the
//! real file before anything is allocated, checksums before anything is used.
//!
//! Everything goes through [`Storage`], one directory of files, of which there
//! are two: [`OsStorage`] and the simulated disk [`sim::SimStorage`], on which
//! the tests cut the power at every single operation. The rules both are held
//! to: files are only appended to; a file replaces another by rename only; a
//! name is durable after `sync_dir`, bytes are durable after `sync`.
//!
//! Ideas from SQLite's WAL (salted, position-dependent frame checksums,
//! <https://sqlite.org/fileformat.html#walformat>), LevelDB's CURRENT and
//! MANIFEST files, and TigerBeetle's simulated disk. Every byte is described
//! in `docs/file-format.md`.

pub mod checksum;
pub mod codec;
mod error;
pub mod format;
mod gathered;
mod lock;
pub mod manifest;
mod mmap;
pub mod names;
mod os;
pub mod outside;
pub mod part;
pub mod sim;
mod staging;
pub mod wal;

pub use error::{Result, StorageError};
pub use lock::LockGuard;
pub use manifest::{Extra, Live, Manifest, PartEntry, Schema};
pub use mmap::Mapping;
pub use names::{FileName, PartKind};
pub use os::OsStorage;
pub use part::{Blocks, Part, PartRef, PartWriter};
pub use staging::Staging;

use crate::arena::AllocError;
use crate::util::memory;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

/// One directory of files. Names are plain file names without separators.
pub trait Storage: Send + Sync + Debug {
    /// A new, empty file for appending; an error when the name is taken.
    fn create(&self, name: &str) -> Result<Box<dyn File>>;
    /// An existing file, opened for appending at its end.
    fn open_append(&self, name: &str) -> Result<Box<dyn File>>;
    /// An existing file, opened for reading.
    fn open_read(&self, name: &str) -> Result<Box<dyn ReadFile>>;
    /// The whole file as memory that outlives its name.
    fn map(&self, name: &str) -> Result<Arc<Mapping>>;
    /// Gives `from` the name `to`, atomically replacing a file of that name.
    fn rename(&self, from: &str, to: &str) -> Result<()>;
    /// Removes a file; what is mapped or open stays readable.
    fn remove(&self, name: &str) -> Result<()>;
    /// Names of all files, sorted.
    fn list(&self) -> Result<Vec<String>>;
    /// Makes all creations, renames and removals so far durable.
    fn sync_dir(&self) -> Result<()>;
    /// Becomes the single writer, or fails with [`StorageError::Locked`].
    fn lock(&self) -> Result<LockGuard>;

    /// The directory, where it is one of the system's file system.
    fn directory(&self) -> Option<&Path> {
        None
    }

    /// Gives the file `name` of `from` the same name here, too: one file in two directories. False
    /// where that cannot be, for whatever reason; then it is to be copied.
    fn link_from(&self, _from: &dyn Storage, _name: &str) -> bool {
        false
    }

    /// Length of a file in bytes.
    fn size(&self, name: &str) -> Result<u64> {
        self.open_read(name)?.size()
    }

    /// The whole file, which must not be longer than `max` bytes.
    fn read(&self, name: &str, max: u64) -> Result<Vec<u8>> {
        let file = self.open_read(name)?;
        let size = file.size()?;
        if size > max {
            return Err(StorageError::corrupt(name, max, format!("{size} bytes where at most {max} are allowed")));
        }
        let mut bytes = Vec::new();
        resize(&mut bytes, size)?;
        let got = file.read_at(0, &mut bytes)?;
        bytes.truncate(got);
        Ok(bytes)
    }
}

/// A file open for appending.
pub trait File: Send {
    /// Appends `pieces` back to back. After an error any prefix of them may be
    /// in the file.
    fn write_all(&mut self, pieces: &[&[u8]]) -> Result<()>;
    /// Says that [`File::sync`] follows soon, so that the system may begin to move what was
    /// appended from `offset` on; promises nothing. An error is one of the sync.
    fn begin_sync(&mut self, _offset: u64) -> Result<()> {
        Ok(())
    }
    /// Makes length and contents durable. After an error it is unknown which
    /// bytes are, and a second call cannot find out.
    fn sync(&mut self) -> Result<()>;
    /// Cuts or zero-extends the file to `len` bytes.
    fn set_len(&mut self, len: u64) -> Result<()>;
    /// Current length in bytes.
    fn size(&self) -> Result<u64>;
}

/// A file open for reading; another process may be appending to it.
pub trait ReadFile: Send {
    /// Fills `buffer` from `offset` on; fewer bytes only at the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize>;
    /// Current length in bytes.
    fn size(&self) -> Result<u64>;
}

/// Gives `bytes` the length `len`, or an error where `resize` would abort.
fn resize(bytes: &mut Vec<u8>, len: u64) -> Result<()> {
    let count = usize::try_from(len).map_err(|_| AllocError::System { bytes: len })?;
    Ok(memory::resize(bytes, count, 0)?)
}
