"""Keys and metadata on their way to the library and back: texts back to back with offsets."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Union

import numpy as np

from ._native import number, room
from .errors import BufferTooSmallError

# One text, or one for each row; None for none.
Key = Union[str, bytes, None]
Keys = Union[Key, Iterable[Key]]
# An object, or its JSON text as it shall be kept.
Meta = Union[Mapping[str, Any], str, bytes, None]
Metas = Union[Meta, Iterable[Meta]]


class Texts(NamedTuple):
    """Arguments of a call: the texts in one piece, and where each begins and the last ends."""

    data: bytes
    offsets: np.ndarray
    length: int


def plain(value: Any) -> Any:
    """For json.dumps: numbers and arrays of numpy as those of Python."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no place in JSON")


def bytes_of_text(text: str, what: str) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"{what}: a {type(text).__name__} is no text; wanted is a str")
    return text.encode("utf-8")


def _bytes_of_key(key: Key) -> bytes:
    if key is None or isinstance(key, bytes):
        return key or b""
    if not isinstance(key, str):
        raise TypeError(f"keys: a {type(key).__name__} is no key; wanted is a str")
    return key.encode("utf-8")


def bytes_of_meta(meta: Meta) -> bytes:
    """JSON as short as it can be; a text is kept as it is."""
    if meta is None or isinstance(meta, bytes):
        return meta or b""
    if isinstance(meta, str):
        return meta.encode("utf-8")
    if not isinstance(meta, Mapping):
        raise TypeError(f"meta: a {type(meta).__name__} is no metadata; wanted is a dict, or JSON as str or bytes")
    return json.dumps(dict(meta), ensure_ascii=False, allow_nan=False, default=plain, separators=(",", ":")).encode("utf-8")


def _joined(texts: List[bytes], count: Optional[int], what: str) -> Texts:
    if count is not None and len(texts) != count:
        raise ValueError(f"{len(texts)} {what} for {count} rows")
    offsets = np.zeros(len(texts) + 1, np.uint64)
    np.cumsum([len(text) for text in texts], dtype=np.uint64, out=offsets[1:])
    return Texts(b"".join(texts), offsets, len(texts))


def keys_in(keys: Keys, count: Optional[int] = None) -> Texts:
    """One key or several."""
    several = [keys] if keys is None or isinstance(keys, (str, bytes)) else keys
    return _joined([_bytes_of_key(key) for key in several], count, "keys")


def metas_in(metas: Metas, count: Optional[int] = None) -> Texts:
    several = [metas] if metas is None or isinstance(metas, (str, bytes, Mapping)) else metas
    return _joined([bytes_of_meta(meta) for meta in several], count, "metadata")


def arguments(texts: Optional[Texts]) -> Sequence[Any]:
    """The two arguments for texts, if there are any."""
    return (None, None) if texts is None else (texts.data, texts.offsets)


def texts_of_rows(function: Callable[..., int], of: Sequence[Any], ids: np.ndarray) -> List[Optional[bytes]]:
    """What vdb_keys_of_ids or vdb_get_meta says of each id, None for nothing; `of` is the database, or a state of it.

    It is asked again where the texts grew meanwhile.
    """
    offsets, length = np.zeros(ids.size + 1, np.uint64), number()
    function(*of, ids, ids.size, None, 0, offsets, length)
    while True:
        # A buffer of no bytes would only ask for the length.
        cap = max(int(length[0]), 1)
        buffer = room(cap)
        try:
            function(*of, ids, ids.size, buffer, cap, offsets, length)
        except BufferTooSmallError:
            if length[0] > cap:
                continue
            raise
        break
    data, ends = buffer.tobytes(), offsets.tolist()
    return [data[begin:end] or None for begin, end in zip(ends, ends[1:])]
