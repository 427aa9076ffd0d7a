"""Settles threads on the active backend, before its first operation."""

from __future__ import annotations

import warnings

import keras


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
        current = tf.config.threading.get_intra_op_parallelism_threads()
        if current != threads:
            warnings.warn(
                f"TensorFlow already runs with {current or 'all'} threads, so "
                f'"threads": {threads} has no effect in this process',
                stacklevel=2,
            )


def devices() -> list[str]:
    """The devices that the backend computes on, as it names them."""
    return list(keras.distribution.list_devices())
