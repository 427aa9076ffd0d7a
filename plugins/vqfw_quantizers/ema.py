"""Vector quantization whose codes are a moving average of their latents.

Each training step moves the count ``N`` and the sum ``m`` of every code ``e``, with ``n``
the number of latents ``z`` that chose it::

    N = decay * N + (1 - decay) * n
    m = decay * m + (1 - decay) * sum(z)
    e = m / N

``Codebook.moved`` of ``vqfw.kinds.codebook`` is this step. A code that no latent chose keeps its
vector.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from keras import ops

from vqfw.kinds import (
    Book,
    Codebook,
    CodebookQuantizer,
    Count,
    Quantized,
    Range,
    Seed,
    nearest,
)
from vqfw.kinds.tensors import Floats, Latents, Mask, Tensor, Tokens
from vqfw_quantizers.estimators import ESTIMATORS, GradientEstimator
from vqfw_quantizers.initialization import PLACEMENTS, Initialization
from vqfw_quantizers.projection import Projection
from vqfw_quantizers.recent import RecentLatents
from vqfw_quantizers.stored_book import StoredBook
from vqfw_quantizers.warm_up import WarmUp, warm_up_outlasts_training


class EMAQuantizer(CodebookQuantizer):
    """Replaces each latent by the nearest code; codes are moving means of their latents.

    (batch, *positions, channels) to the same shape. The moving average takes the place of
    a codebook loss; the commitment loss is ``mean((z - sg(e))^2)``. Source: van den Oord
    et al. 2017, appendix A.1, https://arxiv.org/abs/1711.00937.

    Args:
        num_embeddings: Codes in the book.
        embedding_dim: Dimensions of a code; where the encoder has another number of
            channels, one linear map leads in and one out.
        decay: Share of the moving average that each step keeps.
        initialization: ``kmeans`` places the codes on means of the latents of training
            images, ``kmeans_plus_plus`` on latents far from each other, ``random``
            draws them from a normal distribution of unit variance.
        warm_up: Optimizer steps in which latents pass unquantized; after them the codes
            are placed.
        gradient_estimator: How the decoder's gradient reaches the latents:
            ``straight_through`` copies it, ``rotation`` turns it as code from latent.
    """

    def __init__(
        self,
        seed: Seed,
        num_embeddings: Count = 512,
        embedding_dim: Count = 64,
        decay: Annotated[float, Range(minimum=0, below=1)] = 0.99,
        initialization: Initialization = "kmeans",
        warm_up: WarmUp = 0,
        gradient_estimator: GradientEstimator = "straight_through",
    ) -> None:
        super().__init__()
        self.straight_through = gradient_estimator == "straight_through"
        self.estimator = ESTIMATORS[gradient_estimator]
        self.vocabulary = (num_embeddings,)
        self.warm_up = warm_up
        self.decay = decay
        self.initialization = initialization
        self.projection = Projection(embedding_dim)
        self.recent = RecentLatents(embedding_dim)
        shape = (num_embeddings, embedding_dim)
        vectors = np.random.default_rng(seed).normal(size=shape).astype("float32")
        self.sums = self._state("sums", vectors)
        self.counts = self._state("counts", np.ones(num_embeddings, "float32"))
        self.placed = self._state("placed", np.zeros((), "float32"))

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.projection.build(shape)

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        latents = self.projection(latents)
        flat = ops.reshape(latents, (-1, latents.shape[-1]))
        return self.quantize_to(latents, nearest(flat, self.codebook.vectors), training)

    def quantize_to(self, latents: Tensor, tokens: Tensor, training: bool) -> Quantized:
        """Replaces latents by codes that are already chosen; in training, moves the codes.

        Args:
            latents: (batch, *positions, embedding_dim), after the projection.
            tokens: (n,) int32, the code of each latent.
            training: whether the codes move.
        """
        flat = ops.stop_gradient(ops.reshape(latents, (-1, latents.shape[-1])))
        codebook = self.codebook
        codes = ops.take(codebook.vectors, tokens, axis=0)
        codes = ops.stop_gradient(ops.reshape(codes, ops.shape(latents)))
        commitment_loss = ops.mean(ops.square(latents - codes))
        if training:
            self.keep(codebook.moved(flat, tokens, self.decay))  # the step of N and m
            self.recent.add(flat)
            # Until the codes are placed, latents pass as they are.
            commitment_loss = self.placed * commitment_loss
            codes = latents + self.placed * ops.stop_gradient(codes - latents)
            codes = self.estimator(latents, ops.stop_gradient(codes))
        return Quantized(
            latents=self.projection.back(codes),
            tokens=ops.reshape(tokens, (*ops.shape(latents)[:-1], 1)),
            commitment_loss=commitment_loss,
        )

    def embed(self, tokens: Tokens) -> Latents:
        codes = ops.take(self.codebook.vectors, tokens[..., 0], axis=0)
        return self.projection.back(codes)

    def initialize(self, latents: Floats, seed: int) -> None:
        if self.initialization != "random":
            latents = ops.convert_to_numpy(self.projection(latents))
            place = PLACEMENTS[self.initialization]
            vectors = place(latents, self.vocabulary[0], seed)
            self.keep(Codebook.of(ops.convert_to_tensor(vectors)))
        self.placed.assign(1.0)
        # In a warm-up, levels of ``residual`` but the first saw latents of zero.
        self.recent.forget()

    @property
    def codebook(self) -> Codebook:
        """Sums and counts, as one value."""
        return Codebook(
            ops.convert_to_tensor(self.sums), ops.convert_to_tensor(self.counts)
        )

    check = staticmethod(warm_up_outlasts_training)

    @property
    def codebooks(self) -> tuple[Book, ...]:
        return (StoredBook(self._vectors, self._replace, lambda: self.recent.values),)

    def keep(self, codebook: Codebook) -> None:
        """Writes a codebook into the variables."""
        self.sums.assign(codebook.sums)
        self.counts.assign(codebook.counts)

    def _vectors(self) -> Floats:
        vectors: Floats = ops.convert_to_numpy(self.codebook.vectors)
        return vectors

    def _replace(self, vectors: Floats, mask: Mask) -> None:
        self.keep(self.codebook.replaced(vectors, ops.convert_to_tensor(mask)))

    def _state(self, name: str, value: Floats) -> Any:
        return self.add_weight(
            shape=value.shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(value, dtype),
            trainable=False,
            name=name,
        )
