"""The latents of the last training steps, kept for revival and diagnosis."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from vqfw.kinds.tensors import Floats, Tensor

# Samples of four steps: enough latents to place a few hundred codes, and recent enough to
# come from nearly the present encoder.
ROWS = 4096
ROWS_A_STEP = 1024


class RecentLatents(keras.layers.Layer):
    """A first-in-first-out buffer of latents, part of the model's state.

    Args:
        embedding_dim: dimensions of the space in which codes are searched.
    """

    def __init__(self, embedding_dim: int, **layer: Any) -> None:
        super().__init__(**{"dtype": "float32", "name": "recent", **layer})
        self.rows = self.add_weight(
            shape=(ROWS, embedding_dim),
            initializer="zeros",
            trainable=False,
            name="rows",
        )
        self.filled = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="filled", dtype="int32"
        )
        self.built = True

    def add(self, latents: Tensor) -> None:
        """Puts a sample of (n, embedding_dim) latents in front."""
        sample = latents[:ROWS_A_STEP]
        if (latents.shape[0] or 0) > ROWS_A_STEP:
            sample = ops.take(latents, _rows_of(latents.shape[0]), axis=0)
        self.rows.assign(ops.concatenate([sample, self.rows])[:ROWS])
        self.filled.assign(ops.minimum(self.filled + ops.shape(sample)[0], ROWS))

    def forget(self) -> None:
        """Empties the buffer."""
        self.filled.assign(0)

    @property
    def values(self) -> Floats:
        """(n, embedding_dim) NumPy array of the latents in the buffer; n may be 0."""
        filled = int(ops.convert_to_numpy(self.filled))
        return ops.convert_to_numpy(self.rows)[:filled]  # type: ignore[no-any-return]  # Keras is untyped


def _rows_of(count: int) -> NDArray[np.int32]:
    """Indices of the rows to keep: a random choice, the same at each step.

    Equal distances would take the same few columns of the grid from every image.
    """
    order = np.random.default_rng(count).permutation(count)
    return order[:ROWS_A_STEP].astype("int32")
