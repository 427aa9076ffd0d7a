"""The Keras policy, set for a while: what stays in float32 where a network takes 16 bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def policy(name: str) -> Iterator[None]:
    """Lets layers that are made within the block compute by a policy.

    Args:
        name: ``float32``, ``mixed_bfloat16`` or ``mixed_float16``.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
