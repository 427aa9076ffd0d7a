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

from vqfw.registry.own_time import watched

IMPORT_SECONDS = 10.0
"""Of its own, that an import may take; see ``own_time`` for what counts."""


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
        raise ImportError(too_long(IMPORT_SECONDS)) from error


def too_long(seconds: float) -> str:
    """What is said of an import that hangs."""
    return f"its import took more than {seconds:g} seconds of its own"


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Interrupts the block after a time: in the main thread, where a system has signals."""
    main = threading.main_thread()
    heard = hasattr(signal, "SIGALRM") and hasattr(signal, "pthread_kill")
    if not heard or threading.current_thread() is not main or main.ident is None:
        yield
        return
    number, done = main.ident, threading.Event()

    def interrupt(received: int, frame: FrameType | None) -> None:
        if not done.is_set():
            raise HungError

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        # Again every second, for code that catches everything and goes on.
        with watched(seconds, lambda: signal.pthread_kill(number, signal.SIGALRM)):
            try:
                yield
            finally:
                done.set()
    finally:
        signal.signal(signal.SIGALRM, before)
