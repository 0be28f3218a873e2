"""Long calls that end when the user presses Ctrl-C.

Python runs signal handlers only between its own instructions, so a call into C would not notice.
A long call therefore runs on a thread of its own while the caller's thread waits where it can be
interrupted, shows the progress, and cancels the call through its task when anything is raised.
"""

from __future__ import annotations

import threading
from typing import Any, Callable, Optional, Protocol, TypeVar, Union

import numpy as np

from .handles import Task

_T = TypeVar("_T")

class Bar(Protocol):
    """What there is of a tqdm bar."""

    n: Any
    total: Any

    def update(self, n: Any) -> Any: ...


# `progress(done, total)`, which cancels by returning False, or a tqdm bar.
Progress = Union[Callable[[int, int], Any], Bar]

_SECONDS_BETWEEN_LOOKS = 0.05


def _teller(progress: Progress) -> Callable[[int, int], Any]:
    if hasattr(progress, "update") and hasattr(progress, "n"):
        bar: Any = progress

        def tell(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return tell
    if not callable(progress):
        raise TypeError(f"progress: a {type(progress).__name__} is neither a function of (done, total) nor a tqdm bar")
    return progress


def _says_no(answer: Any) -> bool:
    """False, which comparisons of numpy have a kind of their own of; nothing else, since most functions return None."""
    return answer is False or (isinstance(answer, np.bool_) and not answer)


class _Worker(threading.Thread):
    """Runs one call and keeps what it returned or raised."""

    def __init__(self, call: Callable[[], Any]):
        super().__init__(name="vdb-call")
        self._call = call
        self._done = threading.Event()
        self.value: Any = None
        self.error: Optional[BaseException] = None

    def run(self) -> None:
        try:
            self.value = self._call()
        except BaseException as error:  # noqa: BLE001: raised again by the caller's thread
            self.error = error
        finally:
            self._done.set()

    def wait(self, seconds: float) -> bool:
        return self._done.wait(seconds)


def run(
    call: Callable[[Any], _T], task: Optional[Task] = None, progress: Optional[Progress] = None, long: bool = True
) -> _T:
    """Makes `call`, which takes a task as the library does. `long`: long enough to be worth a thread on the main thread."""
    threaded = progress is not None or (long and threading.current_thread() is threading.main_thread())
    if not threaded:
        return call(task.capi() if task else None)
    tell = _teller(progress) if progress is not None else None
    own = task or Task()
    try:
        return _watched(call, own, tell)
    finally:
        if own is not task:
            own.close()


def _watched(call: Callable[[Any], _T], task: Task, tell: Optional[Callable[[int, int], Any]]) -> _T:
    number = task.capi()
    # A call that is cancelled before it begins changes nothing, however short it is.
    if tell and _says_no(tell(*task.progress())):
        task.cancel()
    worker = _Worker(lambda: call(number))
    try:
        worker.start()
    except RuntimeError:
        # The interpreter is ending and starts no threads.
        return call(number)
    try:
        while not worker.wait(_SECONDS_BETWEEN_LOOKS):
            if tell and _says_no(tell(*task.progress())):
                task.cancel()
                tell = None
    except BaseException:
        task.cancel()
        worker.join()
        raise
    worker.join()
    if worker.error is not None:
        raise worker.error
    if tell:
        tell(*task.progress())
    return worker.value
