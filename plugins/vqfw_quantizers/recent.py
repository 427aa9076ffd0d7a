"""The latents of the last training steps, kept for revival and diagnosis."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from vqfw.kinds.tensors import Floats, Tensor

# Four steps of a kilobyte-sized sample each: enough rows to place a few hundred codes,
# fresh enough that they lie where the encoder now puts its latents.
ROWS = 4096
ROWS_A_STEP = 1024


class RecentLatents(keras.layers.Layer):
    """A first-in-first-out pool of latents, part of the model's state.

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
        """Puts an evenly spaced sample of (n, embedding_dim) latents in front."""
        stride = max(1, (latents.shape[0] or ROWS_A_STEP) // ROWS_A_STEP)
        sample = latents[: ROWS_A_STEP * stride : stride]
        self.rows.assign(ops.concatenate([sample, self.rows])[:ROWS])
        self.filled.assign(ops.minimum(self.filled + ops.shape(sample)[0], ROWS))

    @property
    def values(self) -> Floats:
        """(n, embedding_dim) NumPy array of what has been seen; n may be 0."""
        filled = int(ops.convert_to_numpy(self.filled))
        return ops.convert_to_numpy(self.rows)[:filled]  # type: ignore[no-any-return]  # Keras is untyped
