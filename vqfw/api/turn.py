"""One thread of a process at a time builds and runs models.

Keras keeps names, seeds and the state of a session for the whole process, so what another
thread builds meanwhile would change the numbers of a training without a word.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from vqfw.api.talk import problems_in_full
from vqfw.errors import RunError

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

_SECONDS = 0.05  # between two looks at whether the other thread trains


_LOCK = threading.RLock()  # its thread may take it again
_training = False  # whether the thread that holds the lock trains


@contextmanager
def _turn(trains: bool) -> Iterator[None]:
    """Waits until no other thread builds or runs a model; refuses if it trains."""
    global _training
    # TensorFlow calls what its graph optimizer could not fuse errors, on stderr.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Before the lock: where the backend cannot be imported, nobody would give it back.
    from vqfw.assembly.backend import settled_keras
    from vqfw.assembly.process_state import kept_process_state

    while not _LOCK.acquire(timeout=_SECONDS):
        if _training:
            raise RunError(
                "another thread of this process is training, and Keras keeps names "
                "and seeds for the whole process: train one run after another, or "
                "each in a process of its own, as vqfw study FILE --jobs N does"
            )
    before = _training
    _training = before or trains
    try:
        with kept_process_state(), settled_keras():
            yield
    finally:
        _training = before
        _LOCK.release()


def one_at_a_time(
    trains: bool = False,
) -> Callable[[Callable[Given, Answer]], Callable[Given, Answer]]:
    """Lets a function run in one thread at a time, together with all others so marked.

    Args:
        trains: whether it trains; then other threads are refused at once and do not wait.
    """

    def marked(function: Callable[Given, Answer]) -> Callable[Given, Answer]:
        @wraps(function)
        def alone(*arguments: Given.args, **options: Given.kwargs) -> Answer:
            with problems_in_full(), _turn(trains):
                return function(*arguments, **options)

        return alone

    return marked
