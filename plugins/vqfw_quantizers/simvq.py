"""Vector quantization with a frozen book behind one learned linear map."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from vqfw.kinds import Count, Quantized, Quantizer, Seed, nearest
from vqfw.kinds.tensors import Latents, Tensor, Tokens, Vectors
from vqfw_quantizers.estimators import ESTIMATORS, GradientEstimator
from vqfw_quantizers.projection import Projection


class SimVQ(Quantizer):
    """Replaces each latent by the nearest of codes that one linear map moves together.

    (batch, *positions, channels) to the same shape. The codes are ``C W``, where ``C`` is
    random and stays as it is, and ``W`` learns from the codebook loss
    ``mean((sg(z) - C W)^2)``; so a latent moves all codes, and none is left behind. There
    are no vectors of their own to place or to revive. Source: Zhu et al. 2024,
    https://arxiv.org/abs/2411.02038.

    Args:
        num_embeddings: Codes in the book; large ones stay in use, 65,536 and more.
        embedding_dim: Dimensions of a code; where the encoder has other channels, a
            linear map leads in and another one out.
        gradient_estimator: How the decoder's gradient gets past the choice of codes:
            ``straight_through`` as it is, ``rotation`` turned as code from latent.

    >>> quantizer = SimVQ(seed=0, num_embeddings=4, embedding_dim=2)
    >>> quantizer.build((None, 1, 2))
    >>> tuple(quantizer(ops.zeros((3, 1, 2))).tokens.shape)
    (3, 1, 1)
    """

    def __init__(
        self,
        seed: Seed,
        num_embeddings: Count = 512,
        embedding_dim: Count = 64,
        gradient_estimator: GradientEstimator = "straight_through",
    ) -> None:
        super().__init__()
        self.vocabulary = (num_embeddings,)
        self.straight_through = gradient_estimator == "straight_through"
        self.estimator = ESTIMATORS[gradient_estimator]
        self.projection = Projection(embedding_dim)
        # Both starts keep the codes as long as the paper's, about 1.
        spread = keras.initializers.RandomNormal(stddev=embedding_dim**-0.5, seed=seed)
        even = keras.initializers.GlorotUniform(seed=seed + 1)
        self.frozen = self._matrix(num_embeddings, embedding_dim, spread, "frozen")
        self.frozen.trainable = False
        self.map = self._matrix(embedding_dim, embedding_dim, even, "map")

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.projection.build(shape)

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        latents = self.projection(latents)
        flat = ops.stop_gradient(ops.reshape(latents, (-1, latents.shape[-1])))
        tokens = nearest(flat, ops.stop_gradient(self.vectors))
        tokens = ops.reshape(tokens, (*ops.shape(latents)[:-1], 1))
        codes = self._codes(tokens)
        fixed = ops.stop_gradient(codes)
        codebook_loss = ops.mean(ops.square(ops.stop_gradient(latents) - codes))
        commitment_loss = ops.mean(ops.square(latents - fixed))
        if training:
            fixed = self.estimator(latents, fixed)
        return Quantized(
            latents=self.projection.back(fixed),
            tokens=tokens,
            codebook_loss=codebook_loss,
            commitment_loss=commitment_loss,
        )

    def embed(self, tokens: Tokens) -> Latents:
        return self.projection.back(self._codes(tokens))

    @property
    def vectors(self) -> Vectors:
        """The codes after the map, (num_embeddings, embedding_dim)."""
        return ops.matmul(ops.convert_to_tensor(self.frozen), self.map)

    def _codes(self, tokens: Tokens) -> Tensor:
        """The map of the chosen rows alone: its gradient needs no other."""
        return ops.matmul(ops.take(self.frozen, tokens[..., 0], axis=0), self.map)

    def _matrix(
        self, rows: int, columns: int, start: keras.initializers.Initializer, name: str
    ) -> Any:
        return self.add_weight(shape=(rows, columns), initializer=start, name=name)
