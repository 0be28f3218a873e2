"""An exception class for each status that is an error. Made from include/vdb.h by bindings/gen/gen.py."""

from ._error import Error

__all__ = [
    "InvalidArgumentError",
    "NullArgumentError",
    "DimensionError",
    "UnsupportedError",
    "UnknownOptionError",
    "OutOfRangeError",
    "NotFiniteError",
    "FilterSyntaxError",
    "BufferTooSmallError",
    "NotFoundError",
    "AlreadyExistsError",
    "ClosedError",
    "ReadOnlyError",
    "BusyError",
    "PoisonedError",
    "ForkedError",
    "CancelledError",
    "DeadlineError",
    "MismatchError",
    "IoError",
    "LockedError",
    "NoSpaceError",
    "CorruptError",
    "FormatTooNewError",
    "FormatTooOldError",
    "NoMemoryError",
    "LimitError",
    "PanicError",
    "InternalError",
]


class InvalidArgumentError(Error, ValueError):
    """An argument has no meaning here; the message says which."""


class NullArgumentError(Error):
    """A pointer that must not be NULL is NULL."""


class DimensionError(Error, ValueError):
    """The vectors do not have the dimension of the database."""


class UnsupportedError(Error):
    """A number, flag or combination that this version does not know."""


class UnknownOptionError(Error):
    """No option has this number or name."""


class OutOfRangeError(Error, ValueError):
    """A value is outside its limits or cannot be represented."""


class NotFiniteError(Error, ValueError):
    """A component is NaN or infinite, or a vector is zero, or nearly so (R10), under cosine."""


class FilterSyntaxError(Error, ValueError):
    """A text is no filter; item is the byte where that shows."""


class BufferTooSmallError(Error):
    """The buffer is too small; the length needed was written."""


class NotFoundError(Error, FileNotFoundError):
    """There is no such database, row or file."""


class AlreadyExistsError(Error):
    """An id, a key, a file or a directory is there already, or an id or a key twice in the batch."""


class ClosedError(Error):
    """The handle was closed or freed, or never was one."""


class ReadOnlyError(Error):
    """A write through a handle that only reads (VDB_OPT_READ_ONLY)."""


class BusyError(Error):
    """Called from inside a progress function, where it would wait for itself; or rows to be written
    while too many of before wait for the graph (VDB_OPT_WHEN_BEHIND).
    """


class PoisonedError(Error):
    """A write failed halfway earlier, so writes are refused: close and open again."""


class ForkedError(Error):
    """The handle belongs to the parent process (R6)."""


class CancelledError(Error):
    """The task was cancelled; nothing was changed."""


class DeadlineError(Error, TimeoutError):
    """Reserved: a deadline passed before there was any result."""


class MismatchError(Error):
    """An option contradicts what the database was created with, a snapshot or an earlier backup is
    of another database, or bits were given for numbers.
    """


class IoError(Error, OSError):
    """The operating system refused; os_error holds its number."""


class LockedError(Error):
    """The database is open already, here or in another process."""


class NoSpaceError(Error, OSError):
    """The disk is full; nothing was changed, and writes work again when there is space (after
    a sync that failed they answer VDB_ERR_POISONED until the database is reopened).
    """


class CorruptError(Error):
    """A file is damaged; the message says which and where. See vdb_repair."""


class FormatTooNewError(Error):
    """The files were written by a newer version."""


class FormatTooOldError(Error):
    """Reserved: the files were written by a version no longer supported."""


class NoMemoryError(Error, MemoryError):
    """Memory could not be had; nothing was changed."""


class LimitError(Error):
    """A published limit was exceeded."""


class PanicError(Error):
    """The library failed inside and the failure was caught (R7)."""


class InternalError(Error):
    """The library found a broken invariant of its own: please report it."""


BY_STATUS: dict[int, type[Error]] = {
    -1: InvalidArgumentError,
    -2: NullArgumentError,
    -3: DimensionError,
    -4: UnsupportedError,
    -5: UnknownOptionError,
    -6: OutOfRangeError,
    -7: NotFiniteError,
    -8: FilterSyntaxError,
    -9: BufferTooSmallError,
    -20: NotFoundError,
    -21: AlreadyExistsError,
    -22: ClosedError,
    -23: ReadOnlyError,
    -24: BusyError,
    -25: PoisonedError,
    -26: ForkedError,
    -27: CancelledError,
    -28: DeadlineError,
    -29: MismatchError,
    -40: IoError,
    -41: LockedError,
    -42: NoSpaceError,
    -50: CorruptError,
    -51: FormatTooNewError,
    -52: FormatTooOldError,
    -60: NoMemoryError,
    -61: LimitError,
    -90: PanicError,
    -91: InternalError,
}
