"""Vector quantization whose codes are weights and learn by gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from vqfw.kinds import Book, CodebookQuantizer, Count, Quantized, Seed, nearest
from vqfw.kinds.tensors import Floats, Latents, Mask, Tokens
from vqfw_quantizers.kmeans import kmeans
from vqfw_quantizers.projection import Projection
from vqfw_quantizers.recent import RecentLatents


class GradientQuantizer(CodebookQuantizer):
    """Replaces each latent by the nearest code; codes are pulled there by their own loss.

    (batch, *positions, channels) to the same shape. Codebook loss ``mean((sg(z) - e)^2)``,
    commitment loss ``mean((z - sg(e))^2)``, straight-through gradient. Source: van den
    Oord et al. 2017, eq. 3, https://arxiv.org/abs/1711.00937.

    Args:
        num_embeddings: Codes in the book.
        embedding_dim: Dimensions of a code; where the encoder has other channels, a
            linear map leads in and another one out.
        initialization: ``kmeans`` places the codes on the first latents, ``random``
            leaves them uniform in plus or minus ``1 / num_embeddings``.
    """

    def __init__(
        self,
        seed: Seed,
        num_embeddings: Count = 512,
        embedding_dim: Count = 64,
        initialization: Literal["kmeans", "random"] = "kmeans",
    ) -> None:
        super().__init__()
        self.vocabulary = (num_embeddings,)
        self.initialization = initialization
        self.projection = Projection(embedding_dim)
        self.recent = RecentLatents(embedding_dim)
        self.embeddings = self.add_weight(
            shape=(num_embeddings, embedding_dim),
            initializer=keras.initializers.RandomUniform(
                -1 / num_embeddings, 1 / num_embeddings, seed=seed
            ),
            name="embeddings",
        )

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.projection.build(shape)

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        latents = self.projection(latents)
        flat = ops.stop_gradient(ops.reshape(latents, (-1, latents.shape[-1])))
        tokens = nearest(flat, ops.stop_gradient(self.embeddings))
        # The product makes the gradient dense: TensorFlow's sparse one lists a code once a
        # latent, and Adam would square the entries one by one instead of their sum.
        found = ops.take(1.0 * self.embeddings, tokens, axis=0)
        codes = ops.reshape(found, ops.shape(latents))
        fixed = ops.stop_gradient(codes)
        codebook_loss = ops.mean(ops.square(ops.stop_gradient(latents) - codes))
        commitment_loss = ops.mean(ops.square(latents - fixed))
        if training:
            self.recent.add(flat)
            fixed = latents + ops.stop_gradient(fixed - latents)
        return Quantized(
            latents=self.projection.back(fixed),
            tokens=ops.reshape(tokens, (*ops.shape(latents)[:-1], 1)),
            codebook_loss=codebook_loss,
            commitment_loss=commitment_loss,
            auxiliary_loss=ops.zeros(()),
        )

    def embed(self, tokens: Tokens) -> Latents:
        codes = ops.take(self.embeddings, tokens[..., 0], axis=0)
        return self.projection.back(codes)

    def initialize(self, latents: Floats, seed: int) -> None:
        if self.initialization == "kmeans":
            latents = ops.convert_to_numpy(self.projection(latents))
            self.embeddings.assign(kmeans(latents, self.vocabulary[0], seed))

    @property
    def codebooks(self) -> tuple[Book, ...]:
        return (_GradientBook(self),)


class _GradientBook(Book):
    """The codebook of a ``GradientQuantizer``: one trained weight."""

    def __init__(self, quantizer: GradientQuantizer) -> None:
        self._quantizer = quantizer

    @property
    def vectors(self) -> Floats:
        vectors: Floats = ops.convert_to_numpy(self._quantizer.embeddings)
        return vectors

    def replace(self, vectors: Floats, mask: Mask) -> None:
        rows = np.where(mask[:, None], vectors, self.vectors)
        self._quantizer.embeddings.assign(rows)

    @property
    def variables(self) -> Sequence[Any]:
        return (self._quantizer.embeddings,)

    @property
    def recent_latents(self) -> Floats:
        return self._quantizer.recent.values
