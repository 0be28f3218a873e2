//! Status numbers: append only, never reused, gaps reserved per group, so that a
//! program built against an old header reads every status of a new library right.
//! (DuckDB once inserted a member in the middle and broke each of its clients.)

use crate::db::ErrorKind;
use std::ffi::CStr;

/// Result of a call, one of `enum vdb_status`: 0 success, above 0 success with
/// something to know, below 0 an error.
pub type vdb_status_t = i32;

/// Status numbers. They never change; new ones are added.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum vdb_status {
    /// Success.
    VDB_OK = 0,
    /// There is nothing more to enumerate.
    VDB_DONE = 1,
    /// Not all of it: a search stopped by its deadline or task or kept to its max_memory, whose results so far
    /// are valid, or a repair that could not save every row.
    VDB_PARTIAL = 2,
    /// An argument has no meaning here; the message says which.
    VDB_ERR_INVALID_ARGUMENT = -1,
    /// A pointer that must not be NULL is NULL.
    VDB_ERR_NULL_ARGUMENT = -2,
    /// The vectors do not have the dimension of the database.
    VDB_ERR_DIMENSION = -3,
    /// A number, flag or combination that this version does not know.
    VDB_ERR_UNSUPPORTED = -4,
    /// No option has this number or name.
    VDB_ERR_UNKNOWN_OPTION = -5,
    /// A value is outside its limits or cannot be represented.
    VDB_ERR_OUT_OF_RANGE = -6,
    /// A component is NaN or infinite, or a vector is zero, or nearly so (R10), under cosine.
    VDB_ERR_NOT_FINITE = -7,
    /// A text is no filter; item is the byte where that shows.
    VDB_ERR_FILTER_SYNTAX = -8,
    /// The buffer is too small; the length needed was written.
    VDB_ERR_BUFFER_TOO_SMALL = -9,
    /// There is no such database, row or file.
    VDB_ERR_NOT_FOUND = -20,
    /// An id, a key, a file or a directory is there already, or an id or a key twice in the batch.
    VDB_ERR_ALREADY_EXISTS = -21,
    /// The handle was closed or freed, or never was one.
    VDB_ERR_CLOSED = -22,
    /// A write through a handle that only reads (VDB_OPT_READ_ONLY).
    VDB_ERR_READ_ONLY = -23,
    /// Called from inside a progress function, where it would wait for itself; or rows to be written
    /// while too many of before wait for the graph (VDB_OPT_WHEN_BEHIND).
    VDB_ERR_BUSY = -24,
    /// A write failed halfway earlier, so writes are refused: close and open again.
    VDB_ERR_POISONED = -25,
    /// The handle belongs to the parent process (R6).
    VDB_ERR_FORKED = -26,
    /// The task was cancelled; nothing was changed.
    VDB_ERR_CANCELLED = -27,
    /// Reserved: a deadline passed before there was any result.
    VDB_ERR_DEADLINE = -28,
    /// An option contradicts what the database was created with, a snapshot or an earlier backup is
    /// of another database, or bits were given for numbers.
    VDB_ERR_MISMATCH = -29,
    /// The operating system refused; os_error holds its number.
    VDB_ERR_IO = -40,
    /// The database is open already, here or in another process.
    VDB_ERR_LOCKED = -41,
    /// The disk is full; nothing was changed, and writes work again when there is space (after
    /// a sync that failed they answer VDB_ERR_POISONED until the database is reopened).
    VDB_ERR_NO_SPACE = -42,
    /// A file is damaged; the message says which and where. See vdb_repair.
    VDB_ERR_CORRUPT = -50,
    /// The files were written by a newer version.
    VDB_ERR_FORMAT_TOO_NEW = -51,
    /// Reserved: the files were written by a version no longer supported.
    VDB_ERR_FORMAT_TOO_OLD = -52,
    /// Memory could not be had; nothing was changed.
    VDB_ERR_NO_MEMORY = -60,
    /// A published limit was exceeded.
    VDB_ERR_LIMIT = -61,
    /// The library failed inside and the failure was caught (R7).
    VDB_ERR_PANIC = -90,
    /// The library found a broken invariant of its own: please report it.
    VDB_ERR_INTERNAL = -91,
}

impl vdb_status {
    /// The number that crosses the boundary.
    pub const fn number(self) -> vdb_status_t {
        self as vdb_status_t
    }
}

/// The inverse of `number` and the name of each; the match makes a forgotten one an error.
macro_rules! statuses {
    ($($name:ident)*) => {
        const ALL: &[vdb_status] = &[$(vdb_status::$name),*];

        const fn name_of(status: vdb_status) -> &'static CStr {
            let bytes = match status {
                $(vdb_status::$name => concat!(stringify!($name), "\0").as_bytes(),)*
            };
            match CStr::from_bytes_with_nul(bytes) {
                Ok(name) => name,
                Err(_) => c"",
            }
        }
    };
}

statuses! {
    VDB_OK VDB_DONE VDB_PARTIAL
    VDB_ERR_INVALID_ARGUMENT VDB_ERR_NULL_ARGUMENT VDB_ERR_DIMENSION VDB_ERR_UNSUPPORTED VDB_ERR_UNKNOWN_OPTION
    VDB_ERR_OUT_OF_RANGE VDB_ERR_NOT_FINITE VDB_ERR_FILTER_SYNTAX VDB_ERR_BUFFER_TOO_SMALL
    VDB_ERR_NOT_FOUND VDB_ERR_ALREADY_EXISTS VDB_ERR_CLOSED VDB_ERR_READ_ONLY VDB_ERR_BUSY
    VDB_ERR_POISONED VDB_ERR_FORKED VDB_ERR_CANCELLED VDB_ERR_DEADLINE VDB_ERR_MISMATCH
    VDB_ERR_IO VDB_ERR_LOCKED VDB_ERR_NO_SPACE
    VDB_ERR_CORRUPT VDB_ERR_FORMAT_TOO_NEW VDB_ERR_FORMAT_TOO_OLD
    VDB_ERR_NO_MEMORY VDB_ERR_LIMIT VDB_ERR_PANIC VDB_ERR_INTERNAL
}

impl From<ErrorKind> for vdb_status {
    fn from(kind: ErrorKind) -> vdb_status {
        match kind {
            ErrorKind::InvalidArgument => vdb_status::VDB_ERR_INVALID_ARGUMENT,
            ErrorKind::Dimension => vdb_status::VDB_ERR_DIMENSION,
            ErrorKind::Unsupported => vdb_status::VDB_ERR_UNSUPPORTED,
            ErrorKind::UnknownOption => vdb_status::VDB_ERR_UNKNOWN_OPTION,
            ErrorKind::OutOfRange => vdb_status::VDB_ERR_OUT_OF_RANGE,
            ErrorKind::NotFinite => vdb_status::VDB_ERR_NOT_FINITE,
            ErrorKind::FilterSyntax => vdb_status::VDB_ERR_FILTER_SYNTAX,
            ErrorKind::NotFound => vdb_status::VDB_ERR_NOT_FOUND,
            ErrorKind::AlreadyExists => vdb_status::VDB_ERR_ALREADY_EXISTS,
            ErrorKind::ReadOnly => vdb_status::VDB_ERR_READ_ONLY,
            ErrorKind::Closed => vdb_status::VDB_ERR_CLOSED,
            ErrorKind::Poisoned => vdb_status::VDB_ERR_POISONED,
            ErrorKind::Forked => vdb_status::VDB_ERR_FORKED,
            ErrorKind::Cancelled => vdb_status::VDB_ERR_CANCELLED,
            ErrorKind::Busy => vdb_status::VDB_ERR_BUSY,
            ErrorKind::Mismatch => vdb_status::VDB_ERR_MISMATCH,
            ErrorKind::Io => vdb_status::VDB_ERR_IO,
            ErrorKind::Locked => vdb_status::VDB_ERR_LOCKED,
            ErrorKind::NoSpace => vdb_status::VDB_ERR_NO_SPACE,
            ErrorKind::Corrupt => vdb_status::VDB_ERR_CORRUPT,
            ErrorKind::FormatTooNew => vdb_status::VDB_ERR_FORMAT_TOO_NEW,
            ErrorKind::NoMemory => vdb_status::VDB_ERR_NO_MEMORY,
            ErrorKind::Limit => vdb_status::VDB_ERR_LIMIT,
            ErrorKind::Internal => vdb_status::VDB_ERR_INTERNAL,
        }
    }
}

/// The name of a status, or of none.
pub(super) fn name(status: vdb_status_t) -> &'static CStr {
    ALL.iter().find(|s| s.number() == status).map_or(c"unknown status", |&s| name_of(s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_names_of_the_header() {
        for s in ALL {
            assert_eq!(name(s.number()).to_str(), Ok(format!("{s:?}").as_str()));
        }
        assert_eq!(name(-1000), c"unknown status");
    }
}
