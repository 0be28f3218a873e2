"""The compiled module, and the few shapes in which functions of it are called.

Owns the check that library and header belong together, exceptions for statuses, and texts that are
asked for by length. It knows nothing of databases.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Optional

import numpy as np

from . import _lib as lib
from ._error import Error
from .errors import BY_STATUS, BufferTooSmallError

ID_NONE: int = lib.VDB_ID_NONE

if lib.vdb_abi_version() != lib.VDB_ABI_VERSION:
    raise ImportError(
        f"vdb was built against ABI {lib.VDB_ABI_VERSION} and has loaded a library of ABI {lib.vdb_abi_version()}: "
        "the package and libvdb.so must be of one version")


def failure(status: int, message: str, item: Optional[int] = None, os_error: int = 0) -> Error:
    """The exception for a status, not raised yet."""
    made = BY_STATUS.get(status, Error)(message, status, item, os_error)
    if isinstance(made, OSError):
        made.errno = os_error or None
    return made


lib._fail_with(failure)


def number() -> np.ndarray:
    """Room for a number of 64 bits that a function writes."""
    return np.zeros(1, np.uint64)


def room(length: int) -> np.ndarray:
    """Room for a text."""
    return np.empty(length, np.uint8)


def sized_text(call: Callable[[Optional[np.ndarray], int, np.ndarray], int]) -> str:
    """A text that is asked for twice: for its length, then for its bytes; again if it has grown since."""
    length = number()
    call(None, 0, length)
    while True:
        cap = int(length[0]) + 1
        buffer = room(cap)
        try:
            call(buffer, cap, length)
        except BufferTooSmallError:
            if length[0] >= cap:
                continue
            raise
        return buffer[: int(length[0])].tobytes().decode("utf-8")


def sized_json(call: Callable[[Optional[np.ndarray], int, np.ndarray], int]) -> Any:
    return json.loads(sized_text(call))
