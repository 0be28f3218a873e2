"""What every part of Database builds on: the handle, and what the database is."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Optional, Union

import numpy as np

from . import _lib as lib
from ._calls import Progress, run
from ._native import number, sized_text
from ._types import Metric, Option, OptionType, Scalar
from .handles import Handle, Task
from .options import find_option, option_table, value_name

Ids = Union[int, Iterable[int], np.ndarray]
# Of rows to be written: None asks for one.
NewIds = Union[None, int, Iterable[Optional[int]], np.ndarray]

# Bytes of vectors from which on a write may last long enough for somebody to press Ctrl-C.
LONG_BYTES = 4 << 20


class Core(Handle):
    """A database as a handle with options."""

    __slots__ = ("_dim", "_metric", "_scalar", "_stores_f32")

    _dim: int
    _metric: Metric
    _scalar: Scalar
    _stores_f32: bool

    def _learn(self) -> None:
        self._dim = self._option_number(Option.DIM)
        self._metric = Metric(self._option_number(Option.METRIC))
        self._scalar = Scalar(self._option_number(Option.SCALAR))
        self._stores_f32 = self._scalar is Scalar.F32

    @property
    def dim(self) -> int:
        """Components of a vector."""
        return self._dim

    @property
    def metric(self) -> Metric:
        return self._metric

    @property
    def scalar(self) -> Scalar:
        """The type in which vectors are stored."""
        return self._scalar

    def _option_number(self, option: int) -> int:
        value = number()
        lib.vdb_option_get_u64(self.capi(), option, value)
        return int(value[0])

    def option(self, name: Union[str, Option]) -> Any:
        """The value in force of an option, by full name ("hnsw.m") or short ("m"), or an Option; of an enum its name."""
        info = find_option(name)
        if info.value_type == OptionType.TEXT:
            return sized_text(lambda *out: lib.vdb_option_get_text(self.capi(), info.id, *out))
        if info.value_type != OptionType.F64:
            return value_name(info, self._option_number(info.id))
        value = np.zeros(1)
        lib.vdb_option_get_f64(self.capi(), info.id, value)
        return float(value[0])

    def options(self) -> Dict[str, Any]:
        """All options with their values in force."""
        return {info.name: self.option(info.name) for info in option_table()}

    def _job(self, function: Any, task: Optional[Task], progress: Optional[Progress]) -> None:
        db = self.capi()
        run(lambda task_number: function(db, task_number), task, progress)
