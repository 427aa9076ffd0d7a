"""Sets the process-wide settings of Keras and its backend: threads, types, layout."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import keras

from vqfw.plan import settled_threads


def settle_keras() -> None:
    """Sets Keras to float32 and channels last, whatever ``keras.json`` of this person says."""
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")


@contextmanager
def settled_keras() -> Iterator[None]:
    """``settle_keras`` for a block; at its end the settings are as before."""
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
    """Makes the backend use this many processor threads, at least 1.

    The bits of results depend on the number, so it is recorded. JAX takes its threads from
    the environment when it is imported; there the number is only recorded.
    """
    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        # TensorFlow fixes its threads at the first operation; 0 means all processors.
        chosen = tf.config.threading.get_intra_op_parallelism_threads()
        current = chosen or settled_threads(None)
        if current != threads:
            warnings.warn(
                f"TensorFlow already runs with {current} threads, so "
                f'"threads": {threads} has no effect in this process',
                stacklevel=2,
            )
