"""Arrays of the caller on their way to the library, without a copy.

Vectors pass where they are: any array of one or two dimensions whose rows are packed, at any
distance from each other. What would have to be copied is refused unless the caller says
copy=True, so that a program is never slow without knowing why.
"""

from __future__ import annotations

import operator
from typing import Any, Dict, NamedTuple, Optional, Union

import numpy as np

from ._types import Scalar

_BY_DTYPE: "Dict[np.dtype[Any], Scalar]" = {
    np.dtype(np.float32): Scalar.F32, np.dtype(np.float16): Scalar.F16,
    np.dtype(np.int8): Scalar.I8, np.dtype(np.uint8): Scalar.U8,
}
# What numpy calls the bytes of each type. bfloat16 has no type in numpy itself.
_DTYPES: "Dict[Scalar, np.dtype[Any]]" = {
    Scalar.F32: np.dtype(np.float32), Scalar.F16: np.dtype(np.float16), Scalar.BF16: np.dtype(np.uint16),
    Scalar.I8: np.dtype(np.int8), Scalar.B1: np.dtype(np.uint8), Scalar.U8: np.dtype(np.uint8),
}
_U64 = np.dtype(np.uint64)
# Reading an attribute of an enum costs as much as the rest of a comparison.
_B1, _U8, _BF16 = Scalar.B1, Scalar.U8, Scalar.BF16


class Vectors(NamedTuple):
    """Arguments of a call."""

    array: np.ndarray
    rows: int
    dim: int
    stride: int
    scalar: int
    single: bool


def scalar_of(value: Union[str, int, Scalar]) -> Scalar:
    """A scalar type by name, "f16", or number."""
    try:
        return Scalar[value.upper()] if isinstance(value, str) else Scalar(value)
    except (KeyError, ValueError):
        names = ", ".join(s.name.lower() for s in Scalar)
        raise ValueError(f"scalar = {value!r} is none of {names}") from None


def dtype_of(scalar: Scalar) -> np.dtype:
    return _DTYPES[scalar]


def row_shape(scalar: Scalar, dim: int) -> int:
    """Places of an array that hold a row: bits come eight to a place."""
    return (dim + 7) // 8 if scalar == Scalar.B1 else dim


def _holds(dtype: np.dtype, of: Scalar) -> bool:
    """Floats may also come as their bits, in unsigned integers of the same size."""
    bits = of in (Scalar.F32, Scalar.F16, Scalar.BF16) and dtype == np.dtype(f"u{_DTYPES[of].itemsize}")
    return dtype == _DTYPES[of] or bits or (of == Scalar.BF16 and dtype.name == "bfloat16")


def _copy_needed(what: str, why: str) -> TypeError:
    return TypeError(f"{what}: {why}; pass copy=True to allow it")


def _converted(array: np.ndarray, stored: Optional[Scalar], what: str, copy: bool) -> np.ndarray:
    """For types the library does not read: whole numbers, doubles and booleans."""
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{what}: {array.dtype} is no type of a component")
    if array.dtype == np.uint16 and stored in (Scalar.BF16, Scalar.F16):
        raise TypeError(f'{what}: uint16 may be numbers or the bits of {stored.name.lower()}: say scalar="{stored.name.lower()}", or convert')
    if not copy:
        raise _copy_needed(what, f"{array.dtype} would be converted")
    if array.dtype.kind == "b" and stored == Scalar.B1:
        return np.packbits(array, axis=-1, bitorder="little")
    return np.ascontiguousarray(array, dtype=np.float32)


def vectors_in(
    value: Any, stored: Optional[Scalar], dim: int, scalar: Optional[Union[str, int]], copy: bool, what: str = "vectors"
) -> Vectors:
    """Vectors for a database of `dim` components that stores `stored`. One dimension is a single vector."""
    if isinstance(value, (list, tuple)):
        if not copy:
            raise _copy_needed(what, f"a {type(value).__name__} would be copied into an array")
        value = np.asarray(value, dtype=np.float32) if value else np.empty((0, dim), np.float32)
    _refuse_masked(value, what)
    array = np.asarray(value)
    if array.ndim not in (1, 2):
        raise TypeError(f"{what}: an array of {array.ndim} dimensions, wanted is one vector or one row for each")
    if scalar is not None:
        of = scalar_of(scalar)
        if not _holds(array.dtype, of):
            raise TypeError(f"{what}: {array.dtype} does not hold {of.name.lower()}, {_DTYPES[of]} does")
    else:
        known = _BY_DTYPE.get(array.dtype)
        if known is None:
            if array.dtype.name == "bfloat16":
                known = _BF16
            else:
                array = _converted(array, stored, what, copy)
                known = _BY_DTYPE[array.dtype]
        of = _B1 if known is _U8 and stored is _B1 else known
    return _laid_out(array, of, dim, copy, what)


def _refuse_masked(value: Any, what: str) -> None:
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray and np.ma.isMaskedArray(value):
        raise TypeError(f"{what}: what a masked array hides would be read; pass its `filled()` or `data`")


def _laid_out(array: np.ndarray, of: Scalar, dim: int, copy: bool, what: str) -> Vectors:
    single = array.ndim == 1
    count, width = (1, array.shape[0]) if single else array.shape
    stride = 0
    if not array.flags.c_contiguous:
        if _rows_are_packed(array, width):
            stride = array.strides[0] if count > 1 else 0
        elif copy:
            array = np.ascontiguousarray(array)
        else:
            raise _copy_needed(what, f"rows with strides {array.strides} are not packed and would be copied")
    if of is _B1:
        # A wrong number of bytes becomes a wrong dimension, which the library reports.
        width = dim if width == (dim + 7) // 8 else width * 8
    return Vectors(array, count, width, stride, of, single)


def _rows_are_packed(array: np.ndarray, width: int) -> bool:
    """Whether each row lies in one piece, and none begins before the end of the one before it."""
    if array.ndim == 1:
        return False
    across, along = array.strides
    whole = width <= 1 or along == array.itemsize
    return whole and (array.shape[0] <= 1 or across >= max(width * array.itemsize, 1))


def ids_in(value: Any, copy: bool) -> np.ndarray:
    """Ids as a packed array of u64. A number or an iterable of numbers is read; an array is used as it is."""
    if isinstance(value, np.ndarray):
        _refuse_masked(value, "ids")
        return _id_array(value, copy)
    try:
        numbers = [operator.index(value)] if hasattr(value, "__index__") else [operator.index(number) for number in value]
    except TypeError as error:
        raise TypeError(f"ids: {error}; wanted are whole numbers or an array of uint64") from None
    # numpy before 2 would wrap what is negative.
    if numbers and not (min(numbers) >= 0 and max(numbers) < 2**64):
        raise ValueError("ids: an id is a whole number from 0 to 2^64 - 2")
    return np.array(numbers, dtype=np.uint64)


def _id_array(array: np.ndarray, copy: bool) -> np.ndarray:
    if array.ndim > 1:
        raise TypeError(f"ids: an array of {array.ndim} dimensions, wanted is 1")
    if array.dtype.kind not in "iu":
        raise TypeError(f"ids: an array of {array.dtype}, wanted is uint64")
    if array.dtype.kind == "i" and array.size and array.min() < 0:
        raise ValueError(f"ids: {array.min()} is negative")
    if not copy and (array.dtype.itemsize != 8 or not array.dtype.isnative):
        raise _copy_needed("ids", f"{array.dtype} would be converted to uint64")
    if not copy and not array.flags.c_contiguous:
        raise _copy_needed("ids", f"an array with strides {array.strides} is not packed and would be copied")
    if not copy and not array.flags.aligned:
        raise _copy_needed("ids", "an array that is not aligned to 8 bytes would be copied")
    if array.dtype.itemsize == 8 and array.dtype.isnative and array.flags.c_contiguous and array.flags.aligned:
        return array.reshape(-1).view(_U64)
    return np.require(array, _U64, ["C", "A"]).reshape(-1)


