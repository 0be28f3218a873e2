"""Options: the table of the library, and sets of them for opening a database."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Union

from . import _lib as lib
from ._native import failure
from ._types import Option, OptionInfo, OptionType
from .handles import Handle


def option_table() -> List[OptionInfo]:
    """All options, with their limits and defaults, in the order of their numbers."""
    return list(_TABLE)


def _read_table() -> List[OptionInfo]:
    rows: List[OptionInfo] = []
    while (fields := lib.vdb_option_at(len(rows))) != lib.VDB_DONE:
        rows.append(OptionInfo(*fields))
    return rows


_TABLE = _read_table()
# By number, by full name ("hnsw.m") and by the keyword of vdb.open ("m").
_BY_ID: Dict[int, OptionInfo] = {info.id: info for info in _TABLE}
_BY_NAME: Dict[str, OptionInfo] = {
    **{option.name.lower(): _BY_ID[option] for option in Option if option in _BY_ID},
    **{info.name: info for info in _TABLE},
}


def find_option(name: Union[str, Option]) -> OptionInfo:
    if isinstance(name, Option):
        return _BY_ID[name]
    if name not in _BY_NAME:
        raise failure(lib.VDB_ERR_UNKNOWN_OPTION, f"no option has the name {name!r}: vdb.option_table() lists them")
    return _BY_NAME[name]


def value_name(info: OptionInfo, value: int) -> Any:
    """The name of a value of an enum ("cosine"), a bool for a switch, else the number itself."""
    if info.values is None:
        return value
    pairs = [pair.split("=") for pair in info.values.split()]
    if {"off", "on"} <= {name for name, _ in pairs}:
        return bool(value)
    return next((name for name, number in pairs if int(number) == value), value)


class OptionSet(Handle):
    """A set of options. One thread at a time."""

    __slots__ = ()

    def __init__(self, options: Optional[Mapping[str, Any]] = None):
        super().__init__(lib.vdb_options_new(), lib.vdb_options_free)
        given: Dict[str, str] = {}
        for name, value in (options or {}).items():
            full = _BY_NAME[name].name if name in _BY_NAME else name
            if full in given:
                raise TypeError(f"{full} is given twice, as {given[full]!r} and as {name!r}")
            given[full] = name
            if value is not None:
                self.set(name, value)

    def set(self, name: str, value: Any) -> None:
        """Sets an option by name, full ("hnsw.m") or short ("m"). An enum takes a name or a number."""
        options = self.capi()
        info = _BY_NAME.get(name)
        if info is not None and isinstance(value, (int, float)):
            if info.value_type == OptionType.F64:
                lib.vdb_options_set_f64(options, info.id, value)
                return
            if isinstance(value, int) and not 0 <= value < 2**64:
                raise failure(lib.VDB_ERR_OUT_OF_RANGE, f"{info.name} = {value} does not fit: it is 0 or more, and below 2^64")
            if isinstance(value, int) or (value.is_integer() and 0 <= value < 2**64):
                lib.vdb_options_set_u64(options, info.id, int(value))
                return
        full = info.name if info is not None else name
        lib.vdb_options_set_text(options, full.encode(), str(value).encode())
