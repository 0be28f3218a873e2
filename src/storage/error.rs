//! What can go wrong with bytes on disk, with the facts a caller needs to act.

use crate::arena::{AllocError, Fault};
use crate::storage::format::BLOCK_SHIFT;
use std::io;

/// Result of every call of this module.
pub type Result<T, E = StorageError> = std::result::Result<T, E>;

/// Error numbers of reads that bytes on disk are to blame for.
#[cfg(target_os = "linux")]
const DAMAGED: &[i32] = &[libc::EIO, libc::EBADMSG, libc::EUCLEAN];
#[cfg(all(unix, not(target_os = "linux")))]
const DAMAGED: &[i32] = &[libc::EIO];
/// ERROR_CRC, ERROR_FILE_CORRUPT, ERROR_DISK_CORRUPT.
#[cfg(not(unix))]
const DAMAGED: &[i32] = &[23, 1392, 1393];

/// A failed storage call. File names are relative to the database directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The operating system refused a call.
    #[error("cannot {op} {file}: {source}")]
    Io {
        /// What was tried: `create`, `write`, `sync`, ...
        op: &'static str,
        /// The file it was tried on.
        file: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A file the caller named, or the database directory, does not exist.
    #[error("{file} does not exist")]
    NotFound {
        /// The missing file.
        file: String,
    },
    /// The bytes are not what was written there.
    #[error("{file} is damaged at byte {offset} (block {block}): {what}")]
    Corrupt {
        /// The damaged file.
        file: String,
        /// Index of the block that holds `offset`; of 64 KiB, but for short blocks of parts.
        block: u64,
        /// Where the damage was noticed.
        offset: u64,
        /// What was expected.
        what: String,
    },
    /// The file was written by a newer version.
    #[error("{file} has format {found}, newest supported is {supported}: use a newer version of the library")]
    TooNew {
        /// The file.
        file: String,
        /// Its format, with the unknown features if those are the obstacle.
        found: String,
        /// The newest format this code reads.
        supported: String,
    },
    /// Files are in the way of what would be written.
    #[error("{file} is not empty: {what}")]
    NotEmpty {
        /// The directory.
        file: String,
        /// What is there, what to do.
        what: String,
    },
    /// A file is there that would be made.
    #[error("{file} is there already: {what}")]
    Taken {
        /// The file.
        file: String,
        /// What to do.
        what: String,
    },
    /// A database was being made in the directory, and never was finished.
    #[error(
        "there is no database in the directory: a backup or a repair that did not end left {}; remove it",
        super::names::UNFINISHED
    )]
    Unfinished,
    /// Another handle writes to this database.
    #[error("the database is open already{}", pid.map(|p| format!(", in process {p}")).unwrap_or_default())]
    Locked {
        /// The process that holds it, where that could be read.
        pid: Option<u32>,
    },
    /// A size or count exceeds a published limit.
    #[error("{what} is {value}, the limit is {max}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The largest allowed value.
        max: u64,
    },
    /// The call does not fit the state of the object it was made on.
    #[error("misuse of storage: {what}")]
    Misuse {
        /// The broken rule.
        what: &'static str,
    },
    /// An earlier sync or truncation of this file failed, so what it holds is
    /// unknown until the database is opened again.
    #[error("{file} failed before: reopen the database")]
    Failed {
        /// The file.
        file: String,
    },
    /// Memory for a file or a record could not be had.
    #[error(transparent)]
    Memory(#[from] AllocError),
}

impl StorageError {
    /// Damage at `offset` of `file`.
    pub(crate) fn corrupt(file: impl Into<String>, offset: u64, what: impl Into<String>) -> Self {
        StorageError::Corrupt { file: file.into(), block: offset >> BLOCK_SHIFT, offset, what: what.into() }
    }

    /// An operating-system error; a missing file becomes [`StorageError::NotFound`].
    pub(crate) fn io(op: &'static str, file: &str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => StorageError::NotFound { file: file.into() },
            _ => StorageError::Io { op, file: file.into(), source },
        }
    }

    /// Whether the disk or the quota is full: the call may be repeated once
    /// there is space again.
    pub fn is_no_space(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, StorageError::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }

    /// Whether it tells that bytes on disk are not, or are no longer, those that
    /// were written. Nothing else can be repaired.
    pub fn is_damage(&self) -> bool {
        match self {
            StorageError::Corrupt { .. } | StorageError::NotFound { .. } => true,
            // A disk that cannot read a sector, a file system that knows of its own damage.
            StorageError::Io { source, .. } => source.raw_os_error().is_some_and(|code| DAMAGED.contains(&code)),
            _ => false,
        }
    }

    /// Whether a file was missing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, StorageError::NotFound { .. })
    }
}

impl From<Fault> for StorageError {
    fn from(fault: Fault) -> Self {
        let Fault { file, block, offset } = fault;
        StorageError::Corrupt { file, block, offset, what: "checksum of the block differs".into() }
    }
}
