"""Linear maps from the encoder's channels to the dimensions of a code, and back."""

from __future__ import annotations

from typing import Any

import keras

from vqfw.kinds.tensors import Latents, Tensor


class Projection(keras.layers.Layer):
    """Maps latents to the dimensions of a code, and codes back to the encoder's channels.

    Both maps are the identity where the dimensions are equal. Few dimensions keep a large
    book in use: Yu et al. 2022, section 3.2, https://arxiv.org/abs/2110.04627.

    Args:
        embedding_dim: dimensions of a code.
        seed: of the two maps; None takes the global seed of Keras.
    """

    def __init__(
        self, embedding_dim: int, seed: int | None = None, **layer: Any
    ) -> None:
        super().__init__(**{"dtype": "float32", "name": "projection", **layer})
        self.embedding_dim = embedding_dim
        self.seed = seed
        self.down: keras.layers.Layer | None = None
        self.up: keras.layers.Layer | None = None

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Makes the two maps, now that the channels of the encoder are known."""
        channels = shape[-1]
        if channels == self.embedding_dim:
            return
        self.down = self._map(self.embedding_dim, "project_in", 0)
        self.up = self._map(channels, "project_out", 1)
        self.down.build(shape)
        self.up.build((*shape[:-1], self.embedding_dim))

    def call(self, latents: Latents) -> Tensor:
        """(batch, *positions, channels) to (batch, *positions, embedding_dim)."""
        return latents if self.down is None else self.down(latents)

    def back(self, codes: Tensor) -> Latents:
        """(batch, *positions, embedding_dim) to (batch, *positions, channels)."""
        return codes if self.up is None else self.up(codes)

    def _map(self, channels: int | None, name: str, number: int) -> keras.layers.Layer:
        return keras.layers.Dense(
            channels,
            kernel_initializer=keras.initializers.GlorotUniform(
                None if self.seed is None else self.seed + number
            ),
            dtype="float32",
            name=name,
        )
