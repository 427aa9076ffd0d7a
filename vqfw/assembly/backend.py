"""Settles what Keras and its backend keep for the whole process: threads, types, layout."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import keras

from vqfw.plan import settled_threads


def settle_keras() -> None:
    """Makes Keras compute in float32 and put channels last, whatever its settings say.

    A person's ``keras.json`` may say otherwise; an experiment says its own precision.
    """
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")


@contextmanager
def settled_keras() -> Iterator[None]:
    """``settle_keras`` until the end of the block; then all is as it was."""
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    layout = keras.config.image_data_format()
    settle_keras()
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_image_data_format(layout)
        keras.config.set_dtype_policy(policy)


def pin_threads(threads: int) -> None:
    """Makes the backend use this many processor threads.

    Results depend on the number bit by bit, so it is pinned and recorded. JAX takes its
    threads from the environment when it is imported; there the number is only recorded.

    Args:
        threads: at least 1.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        _pin_tensorflow(threads)
    elif backend == "torch":
        import torch

        torch.set_num_threads(threads)


def _pin_tensorflow(threads: int) -> None:
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        # TensorFlow fixes its threads at the first operation of the process.
        # It says 0 for as many as there are.
        chosen = tf.config.threading.get_intra_op_parallelism_threads()
        current = chosen or settled_threads(None)
        if current != threads:
            warnings.warn(
                f"TensorFlow already runs with {current} threads, so "
                f'"threads": {threads} has no effect in this process',
                stacklevel=2,
            )
