"""Vector quantization with a key for the search and a value for the decoder."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from keras import ops

from vqfw.kinds import (
    Book,
    CodebookQuantizer,
    Count,
    Quantized,
    Range,
    Seed,
    nearest,
)
from vqfw.kinds.tensors import Floats, Latents, Mask, Tensor, Tokens
from vqfw_quantizers.ema import EMAQuantizer
from vqfw_quantizers.embeddings import looked_up
from vqfw_quantizers.initialization import Initialization
from vqfw_quantizers.projection import Projection
from vqfw_quantizers.stored_book import StoredBook


class KeyValueQuantizer(CodebookQuantizer):
    """Finds the nearest key; the decoder gets this key plus a learned value.

    (batch, *positions, channels) to the same shape. Keys are moving means of their latents
    as in ``ema``. Values begin at zero and learn from the reconstruction alone, so the
    decoder's input can change while the keys stay on the latents. A revived key gets the
    value of the nearest key that was not revived. Source: Träuble et al. 2023, section 3,
    https://arxiv.org/abs/2207.11240, where keys are fixed and the value alone is decoded.

    Args:
        num_embeddings: Codes in the book.
        embedding_dim: Dimensions of a key; where the encoder has another number of
            channels, one linear map leads in and one out. Values have these channels.
        decay: Share of the moving average of a key that each step keeps.
        initialization: ``kmeans`` places the keys on means of the latents of training
            images, ``kmeans_plus_plus`` on latents far from each other, ``random``
            draws them from a normal distribution of unit variance.

    >>> quantizer = KeyValueQuantizer(seed=0, num_embeddings=4, embedding_dim=2)
    >>> quantizer.build((None, 1, 2))
    >>> _ = quantizer.values.assign([[0, 1]] * 4)
    >>> found = quantizer(ops.zeros((1, 1, 2)))
    >>> key = quantizer.keys.embed(found.tokens)
    >>> np.round(ops.convert_to_numpy(found.latents - key), 5).tolist()
    [[[0.0, 1.0]]]
    """

    values: Any

    def __init__(
        self,
        seed: Seed,
        num_embeddings: Count = 512,
        embedding_dim: Count = 64,
        decay: Annotated[float, Range(minimum=0, below=1)] = 0.99,
        initialization: Initialization = "kmeans",
    ) -> None:
        super().__init__()
        self.vocabulary = (num_embeddings,)
        self.projection = Projection(embedding_dim)
        self.keys = EMAQuantizer(
            seed, num_embeddings, embedding_dim, decay, initialization
        )

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.projection.build(shape)
        self.keys.build((*shape[:-1], self.projection.embedding_dim))
        self.values = self.add_weight(
            shape=(*self.vocabulary, shape[-1]), initializer="zeros", name="values"
        )

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        quantized: Quantized = self.keys(self.projection(latents), training=training)
        return quantized._replace(
            latents=self._decoded(quantized.latents, quantized.tokens)
        )

    def embed(self, tokens: Tokens) -> Latents:
        return self._decoded(self.keys.embed(tokens), tokens)

    def initialize(self, latents: Floats, seed: int) -> None:
        projected = ops.convert_to_numpy(self.projection(latents))
        self.keys.initialize(projected, seed)

    @property
    def codebooks(self) -> tuple[Book, ...]:
        (keys,) = self.keys.codebooks
        return (
            StoredBook(
                lambda: keys.vectors,
                self._replace,
                lambda: keys.recent_latents,
                (self.values,),
            ),
        )

    def _decoded(self, keys: Tensor, tokens: Tokens) -> Latents:
        """Keys in the encoder's channels, each plus the value of its token."""
        return self.projection.back(keys) + looked_up(self.values, tokens[..., 0])

    def _replace(self, vectors: Floats, mask: Mask) -> None:
        """Replaces keys; each gets the value of its nearest neighbour that stays."""
        (book,) = self.keys.codebooks
        keys, staying = book.vectors, np.flatnonzero(~np.asarray(mask))
        sources = staying if len(staying) else np.arange(len(keys))
        replaced = vectors[mask].astype("float32")
        neighbours = sources[ops.convert_to_numpy(nearest(replaced, keys[sources]))]
        values = np.array(ops.convert_to_numpy(self.values))
        values[mask] = values[neighbours]
        self.values.assign(values)
        book.replace(vectors, mask)
