"""How much of the time of an import is its own, on a machine that may be slow or busy.

A wall clock cannot tell a package that hangs from one that waits for a processor beside a
training. So time counts while a thread computes, and while it sleeps; it does not count
while others keep it from the processor, nor while Keras or a backend is imported, which
is no fault of the package that happens to be first to need them.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_BACKENDS = ("keras", "tensorflow", "jax", "torch")
_TICK = 0.25
# Where nothing tells how long a thread waited for a processor, one with less than this
# share of it is taken to sleep: the scheduler gives more even to one of thirty.
_ASLEEP = 0.03


class OwnTime:
    """Adds up the seconds that one thread computes or sleeps.

    Args:
        thread: its identity, as ``threading.get_ident`` gives it.
        native: its number in the system, as ``threading.get_native_id`` gives it.
    """

    def __init__(self, thread: int, native: int) -> None:
        self.seconds = 0.0
        self._thread = thread
        self._waits = Path(f"/proc/self/task/{native}/schedstat")
        self._last = self._clocks()

    def tick(self) -> float:
        """Takes the time since the last tick into account; gives the sum."""
        now = self._clocks()
        if not _a_backend_is_imported():
            wall, processor, waited = (
                after - before for after, before in zip(now, self._last, strict=True)
            )
            known = not math.isnan(waited)
            self.seconds += charged(wall, processor, waited if known else None)
        self._last = now
        return self.seconds

    def _clocks(self) -> tuple[float, float, float]:
        """Seconds of the wall, computed, and waited for a processor (nan: not known)."""
        if hasattr(time, "pthread_getcpuclockid"):
            clock = time.pthread_getcpuclockid(self._thread)
            processor = time.clock_gettime(clock)
        else:
            processor = time.process_time()
        return time.monotonic(), processor, self._waited()

    def _waited(self) -> float:
        """What Linux counts of the time in which others kept it from a processor."""
        try:
            return int(self._waits.read_text("ascii").split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            return math.nan


def charged(wall: float, processor: float, waited: float | None) -> float:
    """How much of a short time is a thread's own: what it computed and what it slept.

    Args:
        wall: seconds that passed.
        processor: seconds that the thread computed meanwhile.
        waited: seconds that others kept it from a processor; None where nobody knows.
    """
    if waited is None and processor >= _ASLEEP * wall:
        return min(processor, wall)
    slept = max(0.0, wall - processor - (waited or 0.0))
    # Whoever watches ticks late only on a machine that keeps everyone waiting.
    return min(processor + min(slept, 2 * _TICK), wall)


@contextmanager
def watched(seconds: float, hung: Callable[[], None]) -> Iterator[None]:
    """Has a function called once the block has taken too much time of its own.

    Args:
        seconds: of the calling thread's own time.
        hung: called from another thread, and again every second until the block ends.
    """
    own = OwnTime(threading.get_ident(), threading.get_native_id())
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_TICK):
            if own.tick() > seconds:
                hung()
                over.wait(1.0)

    watcher = threading.Thread(target=watch, name="vqfw-own-time", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _a_backend_is_imported() -> bool:
    """Whether an import of Keras or a backend has begun and not ended."""
    specs = (getattr(sys.modules.get(name), "__spec__", None) for name in _BACKENDS)
    return any(getattr(spec, "_initializing", False) for spec in specs)
