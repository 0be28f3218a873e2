"""The compiled module, and the few shapes in which every function of it is called.

Owns the check that library and header belong together, error records, and texts that are asked
for by length. It knows nothing of databases.
"""

from __future__ import annotations

import json
from typing import Any, Callable, NoReturn, Optional

from ._error import Error
from ._vdb import ffi as ffi, lib as lib
from .errors import BY_STATUS

NULL = ffi.NULL
ID_NONE: int = lib.VDB_ID_NONE

if lib.vdb_abi_version() != lib.VDB_ABI_VERSION:
    raise ImportError(
        f"vdb was built against ABI {lib.VDB_ABI_VERSION} and has loaded a library of ABI {lib.vdb_abi_version()}: "
        "the package and libvdb.so must be of one version")

# A type that cffi has parsed is found faster than its name.
_ERROR = ffi.typeof("vdb_error_t *")
_ERROR_SIZE = ffi.sizeof("vdb_error_t")


def new_error() -> Any:
    error = ffi.new(_ERROR)
    error.struct_size = _ERROR_SIZE
    return error


def failure(status: int, message: str, item: Optional[int] = None, os_error: int = 0) -> Error:
    """The exception for a status, not raised yet."""
    made = BY_STATUS.get(status, Error)(message, status, item, os_error)
    if isinstance(made, OSError):
        made.errno = os_error or None
    return made


def raise_from(status: int, error: Any) -> NoReturn:
    item = None if error.item == ID_NONE else int(error.item)
    raise failure(status, ffi.string(error.message).decode("utf-8", "replace"), item, error.os_error)


def check(status: int, error: Any) -> int:
    """Raises for an error; gives back what is none (OK, DONE, PARTIAL)."""
    if status < 0:
        raise_from(status, error)
    return status


def text(pointer: Any) -> Optional[str]:
    """A static text of the library; None for NULL."""
    return None if pointer == NULL else str(ffi.string(pointer), "utf-8")


def sized_text(call: Callable[[Any, int, Any, Any], int]) -> str:
    """A text that is asked for twice: for its length, then for its bytes; again if it has grown since."""
    length, error = ffi.new("size_t *"), new_error()
    check(call(NULL, 0, length, error), error)
    while True:
        cap = length[0] + 1
        buffer = ffi.new("char[]", cap)
        status = call(buffer, cap, length, error)
        if status == lib.VDB_ERR_BUFFER_TOO_SMALL and length[0] >= cap:
            continue
        check(status, error)
        return str(ffi.unpack(buffer, length[0]), "utf-8")


def sized_json(call: Callable[[Any, int, Any, Any], int]) -> Any:
    return json.loads(sized_text(call))
