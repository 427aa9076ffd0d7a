"""Imports the code of plugins, which may raise, exit, print or hang.

Each becomes an exception with a reason. ``fragment_process`` handles a crash of Python.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import FrameType

# TensorFlow, which a package may be the first to import, takes 5 s on an idle machine and
# over a minute on a busy one or from a cold network drive.
IMPORT_SECONDS = 120.0
"""Seconds by the clock that one import may take."""


class HungError(BaseException):
    """An import took too long; not an ``Exception``, which the import could swallow."""


@contextmanager
def harmless() -> Iterator[None]:
    """Keeps the code of a plugin from ending this process and from printing to stdout.

    Its output goes to stderr, since stdout belongs to the verb that runs.

    Raises:
        ImportError: if it tried to end Python.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except SystemExit as error:
        raise ImportError(f"it ends Python with exit code {error.code}") from error


@contextmanager
def contained() -> Iterator[None]:
    """Keeps an import from ending or blocking this process, and from printing to stdout.

    Raises:
        ImportError: if it tried to end Python, or took too long.
    """
    try:
        with harmless(), _deadline(IMPORT_SECONDS):
            yield
    except HungError as error:
        raise ImportError(too_long(IMPORT_SECONDS)) from error


def too_long(seconds: float) -> str:
    """The reason for giving up an import that hangs."""
    return f"its import took more than {seconds:g} seconds"


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Interrupts the block after a time: in the main thread, where a system has signals."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not hasattr(signal, "SIGALRM"):
        yield
        return
    is_over, end = False, time.monotonic() + seconds

    def interrupt(received: int, frame: FrameType | None) -> None:
        left = end - time.monotonic()
        if left > 0.05:  # an alarm that the import has set itself
            signal.setitimer(signal.ITIMER_REAL, left, 1.0)
        elif not is_over:
            raise HungError

    handler = signal.signal(signal.SIGALRM, interrupt)
    # Again every second, for code that catches everything and goes on.
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        is_over = True
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)
