//! The one public error. Parts below `db` have small typed errors of their
//! own; they become this one on the way out, with the facts needed to act.

use crate::arena::AllocError;
use std::fmt;

/// What went wrong, as a caller can act on it. The C status codes are these,
/// one for one (`capi/status.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument has no meaning here.
    InvalidArgument,
    /// The vector length is not the database's.
    Dimension,
    /// The combination is not supported (e.g. Hamming over floats).
    Unsupported,
    /// No option of that name or number.
    UnknownOption,
    /// A value is outside its limits or cannot be represented.
    OutOfRange,
    /// NaN or infinity, or a zero vector under cosine.
    NotFinite,
    /// A text is no filter; the item is the byte where that shows.
    FilterSyntax,
    /// No such database, row or file.
    NotFound,
    /// An id, a key, a file or a directory is there already, or an id or a key twice in the batch.
    AlreadyExists,
    /// The database is open for reading only.
    ReadOnly,
    /// The database was closed.
    Closed,
    /// A write failed earlier and its fate is unknown: reopen to recover.
    Poisoned,
    /// The handle belongs to the parent process.
    Forked,
    /// The task was cancelled; nothing was changed.
    Cancelled,
    /// The graph is too far behind for more rows; nothing was changed.
    Busy,
    /// An option contradicts what the database was created with.
    Mismatch,
    /// The operating system refused; `os_error` says why.
    Io,
    /// Another process has the database open for writing.
    Locked,
    /// The disk is full; the batch was rolled back.
    NoSpace,
    /// A file is damaged; the message names file, block and offset.
    Corrupt,
    /// The files were written by a newer format.
    FormatTooNew,
    /// Memory could not be had; nothing was changed.
    NoMemory,
    /// A published limit was exceeded.
    Limit,
    /// A broken invariant of the library itself.
    Internal,
}

/// An error with the value, the limit and the row it concerns.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    item: Option<u64>,
    counted_in: &'static str,
    os_error: Option<i32>,
    over_budget: bool,
}

impl Error {
    /// An error of `kind`; `message` says what failed, the value, the limit, what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), item: None, counted_in: "row", os_error: None, over_budget: false }
    }

    /// The same error about row `item` of the batch.
    pub fn at(mut self, item: u64) -> Error {
        self.item = Some(item);
        self
    }

    /// The same error about a byte of a text.
    pub(crate) fn at_byte(self, byte: usize) -> Error {
        Error { counted_in: "byte", ..self.at(byte as u64) }
    }

    /// The same error, with what it is about before its text.
    pub(crate) fn about(mut self, what: impl fmt::Display) -> Error {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// The same error with the operating system's error number.
    pub fn with_os(mut self, os_error: Option<i32>) -> Error {
        self.os_error = os_error;
        self
    }

    /// The same error, when it tells of damage, with what to do about it.
    pub(crate) fn advise_repair(mut self) -> Error {
        if self.kind == ErrorKind::Corrupt {
            self.message += "; restore a backup, or save what is whole with vdb_repair";
        }
        self
    }

    /// Whether the database's own limit on memory is the reason, so that giving memory back helps.
    pub(crate) fn is_over_budget(&self) -> bool {
        self.over_budget
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, without the row or byte.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The offending row of the batch, or byte of the text, if one is to blame.
    pub fn item(&self) -> Option<u64> {
        self.item
    }

    /// The operating system's error number, if it has one.
    pub fn os_error(&self) -> Option<i32> {
        self.os_error
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.item.map_or(Ok(()), |item| write!(f, " ({} {item})", self.counted_in))
    }
}

impl std::error::Error for Error {}

/// Result of every call of the crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Shorthand used all over `db`: `fail(ErrorKind::Limit, format!(..))`.
pub(crate) fn fail<T>(kind: ErrorKind, message: impl Into<String>) -> Result<T> {
    Err(Error::new(kind, message))
}

impl From<AllocError> for Error {
    fn from(e: AllocError) -> Error {
        match e {
            AllocError::System { .. } => {
                Error::new(ErrorKind::NoMemory, format!("{e}; free memory or write smaller batches"))
            }
            AllocError::OverBudget { .. } => {
                let message =
                    format!("{e}, a share of runtime.max_memory: raise that, or write and search in smaller pieces");
                Error { over_budget: true, ..Error::new(ErrorKind::Limit, message) }
            }
        }
    }
}
