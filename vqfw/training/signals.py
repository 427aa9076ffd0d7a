"""Signals that stop a training or save a checkpoint, after the step in progress."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Wishes:
    """Requests of the signals so far: to stop, or to save a checkpoint."""

    def __init__(self) -> None:
        self.stop: int | None = None
        self.commit = False

    def wants_stop(self) -> bool:
        """Whether a signal asked to stop."""
        return self.stop is not None

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Notes a signal; a second request to stop ends the process at once."""
        if number == getattr(signal, "SIGUSR1", None):
            self.commit = True
        elif self.stop is not None:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        else:
            self.stop = number


@contextmanager
def listening() -> Iterator[Wishes]:
    """Listens to Ctrl-C, SIGTERM and SIGUSR1 until the end of the block."""
    wishes = Wishes()
    with handled(wishes.hear, "SIGINT", "SIGTERM", "SIGUSR1"):
        yield wishes


@contextmanager
def handled(
    handler: Callable[[int, FrameType | None], None], *names: str
) -> Iterator[None]:
    """Calls a handler for signals until the end of the block.

    Only in the main thread: Python delivers no signals to others.

    Args:
        handler: takes the number of a signal, and the frame that it interrupts.
        names: of the signals; one that the system lacks is left out.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
