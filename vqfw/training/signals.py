"""Signals that stop a training or save a checkpoint, after the step in progress."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
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
    """Listens to Ctrl-C, SIGTERM and SIGUSR1 until the end of the block.

    Only in the main thread: Python delivers no signals to others.
    """
    wishes = Wishes()
    if threading.current_thread() is not threading.main_thread():
        yield wishes
        return
    names = ("SIGINT", "SIGTERM", "SIGUSR1")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, wishes.hear) for number in numbers}
    try:
        yield wishes
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
