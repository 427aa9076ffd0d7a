"""Vector quantization in which every latent moves every code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from keras import ops

from vqfw.kinds import (
    BetaScheduler,
    Count,
    Default,
    Positive,
    Quantized,
    Quantizer,
    Seed,
)
from vqfw.kinds.tensors import Latents, Scalar, Tokens
from vqfw_quantizers.embeddings import trained_vectors
from vqfw_quantizers.entropy import entropy_penalty
from vqfw_quantizers.estimators import through_softmax
from vqfw_quantizers.projection import Projection
from vqfw_quantizers.schedule import Schedule


class IBQ(Quantizer):
    """Chooses by a softmax over all codes, whose gradient reaches every one of them.

    (batch, *positions, channels) to the same shape. The token of a latent is the code of
    the largest dot product; the gradient passes by the softmax of all of them, so no code
    is ever left without one and there is nothing to revive. Besides codebook and
    commitment loss there is the loss of the softmax's own code, ``mean((z_q - z)^2)``,
    which moves both sides, and an entropy term without which the book collapses. Source:
    Shi et al. 2024, https://arxiv.org/abs/2412.02692.

    Memory: the softmax and its gradient hold a few (latents, num_embeddings) float32
    tensors at once; 8,192 latents and 16,384 codes make 512 MiB of each.

    Args:
        entropy_weight: Weight of the entropy term; a number means constant.
        num_embeddings: Codes in the book.
        embedding_dim: Dimensions of a code; where the encoder has other channels, a
            linear map leads in and another one out.
        entropy_temperature: Divides the dot products in the entropy term.

    >>> quantizer = IBQ(seed=0, entropy_weight=None, num_embeddings=4, embedding_dim=2)
    >>> quantizer.build((None, 1, 2))
    >>> tuple(quantizer(ops.zeros((3, 1, 2))).tokens.shape)
    (3, 1, 1)
    """

    def __init__(
        self,
        seed: Seed,
        entropy_weight: Annotated[BetaScheduler | None, Default(0.05)],
        num_embeddings: Count = 512,
        embedding_dim: Count = 64,
        entropy_temperature: Positive = 0.01,
    ) -> None:
        super().__init__()
        self.straight_through = False  # it goes by the softmax
        self.vocabulary = (num_embeddings,)
        self.entropy_temperature = entropy_temperature
        self.entropy_weight = (
            None
            if entropy_weight is None
            else Schedule(entropy_weight, num_embeddings, "entropy_weight")
        )
        self.projection = Projection(embedding_dim)
        self.embeddings = trained_vectors(self, num_embeddings, embedding_dim, seed)

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.projection.build(shape)

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        latents = self.projection(latents)
        flat = ops.reshape(latents, (-1, latents.shape[-1]))
        vectors = 1.0 * self.embeddings
        logits = ops.matmul(flat, ops.transpose(vectors))
        chosen = ops.argmax(logits, axis=-1)
        codes = ops.take(vectors, chosen, axis=0)
        through = through_softmax(codes, ops.softmax(logits), vectors)
        tokens = ops.reshape(chosen, (*ops.shape(latents)[:-1], 1))
        auxiliary = ops.mean(ops.square(through - flat))
        if self.entropy_weight is not None:
            weight = self.entropy_weight.value
            auxiliary += weight * entropy_penalty(logits, self.entropy_temperature)
            if training:
                self.entropy_weight.advance(weight, tokens)
        output = ops.reshape(through if training else codes, ops.shape(latents))
        return Quantized(
            latents=self.projection.back(output),
            tokens=tokens,
            codebook_loss=ops.mean(ops.square(ops.stop_gradient(flat) - codes)),
            commitment_loss=ops.mean(ops.square(flat - ops.stop_gradient(codes))),
            auxiliary_loss=auxiliary,
        )

    @property
    def scheduled(self) -> Mapping[str, Scalar]:
        if self.entropy_weight is None:
            return {}
        return {"entropy_weight": self.entropy_weight.last}

    def embed(self, tokens: Tokens) -> Latents:
        codes = ops.take(self.embeddings, tokens[..., 0], axis=0)
        return self.projection.back(codes)
