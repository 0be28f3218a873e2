"""vdb: the vector database you link.

    import numpy, vdb

    with vdb.open("words.vdb", dim=384, metric="cosine") as db:
        db.upsert(ids, vectors)
        ids, distances = db.search(query, 10)

Vectors are arrays of numpy, read where they are. Every failure is a vdb.Error, with a class for
each status (vdb.errors). The manual of the library behind it is vdb.h.
"""

from typing import Any, Dict

from . import _lib as lib
from . import errors
from ._error import Error
from ._native import ID_NONE, sized_json
from ._search import Cursor, search_many
from ._types import (
    Call, CheckLevel, Durability, Latency, LogLevel, Metric, Option, OptionInfo, Originals, Profile, Quant, Scalar, Stats,
    Status, WhenBehind)
from .database import Database, open, repair
from .errors import *  # noqa: F403
from .handles import Filter, Snapshot, Task
from .options import option_table
from .results import Fetched, ManyResult, Page, RangeResult, Recall, SearchResult

MAX_K: int = lib.VDB_MAX_K
__version__: str = lib.vdb_version_string()


def build_info() -> Dict[str, Any]:
    """Facts about the library that was loaded: version, ABI, target, instruction set."""
    info: Dict[str, Any] = sized_json(lib.vdb_build_info)
    return info


__all__ = [
    "build_info", "Call", "CheckLevel", "Cursor", "Database", "Durability", "Error", "errors", "Fetched",
    "Filter", "ID_NONE", "Latency", "lib", "LogLevel", "ManyResult", "MAX_K", "Metric", "open", "Option",
    "option_table", "OptionInfo", "Originals", "Page", "Profile", "Quant", "RangeResult", "Recall", "repair",
    "Scalar", "search_many", "SearchResult", "Snapshot", "Stats", "Status", "Task", "WhenBehind",
    *errors.__all__,
]
