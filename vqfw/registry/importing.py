"""Runs the import of other people's code so that only that code can fail.

It may raise, exit, print or hang; all of it becomes an exception with a reason. What
crashes the interpreter itself is kept apart by the child process of ``fragments``.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import FrameType

# A component may be the first to import TensorFlow, which takes half a minute on a busy
# machine.
IMPORT_SECONDS = 60.0


class HungError(BaseException):
    """An import took too long; not an ``Exception``, which the import could swallow."""


@contextmanager
def harmless() -> Iterator[None]:
    """Keeps other people's code from ending this process or writing into its output.

    What it prints goes to stderr, since stdout belongs to the verb that runs.

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
    """Keeps an import from ending, blocking or writing into the output of this process.

    Raises:
        ImportError: if it tried to end Python, or took too long.
    """
    try:
        with harmless(), _deadline(IMPORT_SECONDS):
            yield
    except HungError as error:
        raise ImportError(
            f"its import took more than {IMPORT_SECONDS:g} seconds"
        ) from error


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Interrupts the block after a time; only the main thread can be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise HungError

    before = signal.signal(signal.SIGALRM, interrupt)
    # Again every second, for code that catches everything and goes on.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
