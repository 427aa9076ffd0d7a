"""How much of the time of an import is its own, on a machine that may be slow or busy.

A wall clock cannot tell a package that hangs from one that waits for a processor beside a
training. So time counts while a thread computes, and while it sleeps; it does not count
while others keep it from the processor, nor while Keras or a backend is imported, which
is no fault of the package that happens to be first to need them.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_BACKENDS = ("keras", "tensorflow", "jax", "torch")
_TICK = 0.25
# A thread with less of a processor than this waits for something else: the scheduler
# gives more even to one of thirty that compete.
_ASLEEP = 0.03


class OwnTime:
    """Adds up the seconds that one thread computes or sleeps.

    Args:
        thread: its identity, as ``threading.get_ident`` gives it.
    """

    def __init__(self, thread: int) -> None:
        self.seconds = 0.0
        self._thread = thread
        self._wall, self._processor = self._clocks()

    def tick(self) -> float:
        """Takes the time since the last tick into account; gives the sum."""
        wall, processor = self._clocks()
        if not _a_backend_is_imported():
            self.seconds += charged(wall - self._wall, processor - self._processor)
        self._wall, self._processor = wall, processor
        return self.seconds

    def _clocks(self) -> tuple[float, float]:
        if hasattr(time, "pthread_getcpuclockid"):
            clock = time.pthread_getcpuclockid(self._thread)
            return time.monotonic(), time.clock_gettime(clock)
        return time.monotonic(), time.process_time()


def charged(wall: float, processor: float) -> float:
    """How much of a short time is a thread's own.

    Args:
        wall: seconds that passed.
        processor: seconds that the thread computed meanwhile.
    """
    if processor >= _ASLEEP * wall:
        return min(processor, wall)
    # Whoever watches ticks late only on a machine that keeps everyone waiting.
    return min(wall, 2 * _TICK)


@contextmanager
def watched(seconds: float, hung: Callable[[], None]) -> Iterator[None]:
    """Has a function called once the block has taken too much time of its own.

    Args:
        seconds: of the calling thread's own time.
        hung: called from another thread, and again every second until the block ends.
    """
    own, over = OwnTime(threading.get_ident()), threading.Event()

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
