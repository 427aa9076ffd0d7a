"""Keeps the caller's names, seeds and random generators while models are built.

The assembly names layers from zero and draws weights from the seed of the experiment, which
resets what Keras, its backend, Python and NumPy hold for the whole process.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

# No public function reads the names and scopes that ``clear_session`` throws away.
from keras.src.backend.common import global_state


@contextmanager
def kept_process_state() -> Iterator[None]:
    """Starts without names and scopes of Keras; at the end all is as it was before.

    It keeps names, name scopes, dtype policy and seeds of Keras, and the generators of
    ``random``, ``numpy.random``, TensorFlow and torch.
    """
    state = global_state.GLOBAL_STATE_TRACKER
    settings = global_state.GLOBAL_SETTINGS_TRACKER
    python, numpy = random.getstate(), np.random.get_state()
    with ExitStack() as backends:
        if "tensorflow" in sys.modules:
            backends.enter_context(_kept_tensorflow())
        if "torch" in sys.modules:
            backends.enter_context(_kept_torch())
        global_state.GLOBAL_STATE_TRACKER = threading.local()
        try:
            yield
        finally:
            global_state.GLOBAL_STATE_TRACKER = state
            global_state.GLOBAL_SETTINGS_TRACKER = settings
            random.setstate(python)
            np.random.set_state(numpy)


@contextmanager
def _kept_tensorflow() -> Iterator[None]:
    from tensorflow.python.eager import context

    eager = context.context()
    seed = eager._seed
    generator = None if seed is None else eager._rng  # there is none before a seed
    state = None if generator is None else generator.getstate()
    try:
        yield
    finally:
        eager._seed = seed
        if generator is not None:
            generator.setstate(state)
            eager._rng = generator


@contextmanager
def _kept_torch() -> Iterator[None]:
    import torch

    used = torch.cuda.device_count() if torch.cuda.is_initialized() else 0
    with torch.random.fork_rng(devices=range(used)):
        yield
