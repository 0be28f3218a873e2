//! A whole file as memory: mapped, or read into aligned memory where mapping
//! is unwanted.
//!
//! The only `unsafe` of this module tree, so the one call on files that std does not have
//! stands here too ([`begin_writeback`]). A mapping lives as long as its last
//! user, whatever happens to the file's name, which is what lets a writer
//! remove old generations under the feet of readers. Part files are never
//! written after they were named by a manifest; a foreign process that cuts a
//! mapped file short makes reads raise SIGBUS (as with every mmap database):
//! databases from untrusted or network file systems are opened without mmap.

#![allow(unsafe_code)]

use super::ReadFile;
use super::error::{Result, StorageError};
use crate::arena::{Backing, Budget, Rows, RowsMut};

/// The bytes of a file.
pub struct Mapping(Memory);

enum Memory {
    Mapped(memmap2::Mmap),
    Read(Rows),
}

impl Mapping {
    /// Maps `file` (named `name` in errors). An empty file is empty memory.
    pub(super) fn map(name: &str, file: &std::fs::File) -> Result<Mapping> {
        let size = file.metadata().map_err(|e| StorageError::io("map", name, e))?.len();
        if size == 0 {
            return Ok(Mapping(Memory::Read(RowsMut::zeroed(0, 1, &Budget::default())?.freeze())));
        }
        // SAFETY: part files are immutable once named by a manifest (module
        // rule), and a process that breaks it is the documented SIGBUS caveat.
        let map = unsafe { memmap2::Mmap::map(file) }.map_err(|e| StorageError::io("map", name, e))?;
        Ok(Mapping(Memory::Mapped(map)))
    }

    /// Reads `file` into memory taken from `budget`.
    pub(super) fn read(name: &str, file: &dyn ReadFile, budget: &Budget) -> Result<Mapping> {
        let size = file.size()?;
        let len = usize::try_from(size).map_err(|_| StorageError::Limit {
            what: "file size",
            value: size,
            max: usize::MAX as u64,
        })?;
        let mut memory = RowsMut::zeroed(len, 1, budget)?;
        let got = file.read_at(0, memory.bytes_mut())?;
        if got < len {
            return Err(StorageError::corrupt(name, got as u64, "the file shrank while it was read"));
        }
        Ok(Mapping(Memory::Read(memory.freeze())))
    }

    /// The contents of the file.
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Memory::Mapped(map) => map,
            Memory::Read(rows) => rows.bytes(),
        }
    }
}

/// A file that stays readable when its name is gone.
impl ReadFile for Mapping {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.bytes().get(from..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn size(&self) -> Result<u64> {
        Ok(self.bytes().len() as u64)
    }
}

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mapping({} B)", self.bytes().len())
    }
}

// SAFETY: both kinds of memory stay at one address with one length until they
// are dropped, and nobody writes to either (`Rows` are frozen, the map is read-only).
unsafe impl Backing for Mapping {
    fn bytes(&self) -> &[u8] {
        Mapping::bytes(self)
    }
}

/// Has the system begin to move the pages of `file` from `offset` on to the disk, without
/// waiting for it to be done. What fails here may not fail again in the sync that follows (pages
/// that found no room on the disk are dropped), so only that there is no such call is no error.
/// Does nothing outside Linux.
pub(super) fn begin_writeback(file: &std::fs::File, offset: u64) -> std::io::Result<()> {
    #[cfg(all(target_os = "linux", not(miri)))]
    if let Ok(offset) = libc::off64_t::try_from(offset) {
        use std::os::fd::AsRawFd;
        // SAFETY: a call on an open descriptor that takes no pointers; `file` keeps it open.
        // Without a flag that waits, it takes no recorded error of the file away from a later sync.
        let done = unsafe { libc::sync_file_range(file.as_raw_fd(), offset, 0, libc::SYNC_FILE_RANGE_WRITE) };
        let error = std::io::Error::last_os_error();
        let unknown = [libc::ENOSYS, libc::EINVAL, libc::ESPIPE, libc::EOPNOTSUPP, libc::EPERM, libc::EINTR];
        if done != 0 && !error.raw_os_error().is_some_and(|code| unknown.contains(&code)) {
            return Err(error);
        }
    }
    let _ = (file, offset);
    Ok(())
}
