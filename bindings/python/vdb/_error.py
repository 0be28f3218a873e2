"""What every failure of the library has in common. The classes for each status are in errors.py."""

from __future__ import annotations

from typing import Any, Optional, Tuple


class Error(Exception):
    """A call failed. A batch that failed has changed nothing.

    `status` is the number of vdb.Status, `item` the row, query or byte of the batch that is to
    blame or None, `os_error` the error number of the operating system or 0. `report` is what
    vdb.check found, and None for all other calls.
    """

    def __init__(self, message: str, status: int = 0, item: Optional[int] = None, os_error: int = 0):
        super().__init__(message)
        self.message = message
        self.status = status
        self.item = item
        self.os_error = os_error
        self.report: Optional[dict[str, Any]] = None

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.message, self.status, self.item, self.os_error)
