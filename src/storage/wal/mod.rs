//! The write-ahead log: one record per batch, in numbered files.
//!
//! A batch is committed when its record is; the record is one frame with one
//! CRC over header and payload, so half a batch is no batch. The checksums
//! start from the salt of the database, the number of the log file and the
//! position of the record: what an older file left in the same disk blocks
//! never passes for a record (SQLite's WAL frames do the same).
//!
//! **Where the log ends.** After a power cut the bytes that were never synced
//! are arbitrary: any sector of them may be old, zero or new, and a later
//! record may be whole while an earlier one is not. That is the end of the
//! log, not damage. To tell the two apart each record carries `synced_upto`,
//! the length up to which the file was known durable when the record was
//! made. The first position without a valid record is the end of the log,
//! unless it lies below a `synced_upto` found in a later record or below the
//! length noted in the manifest: then bytes that were durable are gone, and
//! that is corruption. Only damage to the last synced stretch of a log that
//! was not cleanly closed looks like a torn tail.
//!
//! **Files.** A log file begins where the one before it ends; that one was
//! synced before the new one was made. So only the last file may be torn, and
//! a last file without a record may be ignored, whatever state it is in.

mod reader;
mod record;
mod salvage;
mod writer;

pub use reader::{Record, Replayed, Tip, WalStart, replay};
pub use salvage::{Rest, SalvageStart, Salvaged, oldest, salvage};
pub use writer::{BUFFER_MAX, WalMark, WalWriter, WriteMode};

use serde::{Deserialize, Serialize};

/// Largest payload of one record.
pub const PAYLOAD_MAX: u64 = 1 << 36;

/// A place in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WalPosition {
    /// Number of the log file.
    pub number: u64,
    /// Byte offset in it.
    pub offset: u64,
}

/// What is mixed into every checksum of one log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LogId {
    salt: u64,
    number: u64,
}

#[cfg(test)]
mod tests;
