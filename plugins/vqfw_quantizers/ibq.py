"""Index backpropagation: the gradient of each latent moves every code."""

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
from vqfw_quantizers.schedule import last_values, scheduled_term, scheduled_weight


class IBQ(Quantizer):
    """Chooses codes by a softmax over the whole book, so that each code gets a gradient.

    (batch, *positions, channels) to the same shape. The token of a latent is the code of
    the largest dot product; the gradient passes through the softmax, so every code learns
    and none needs revival. Losses: codebook, commitment, ``mean((z_q - z)^2)`` of the
    softmax's code ``z_q``, which moves codes and encoder, and an entropy term that keeps
    the book in use. Source: Shi et al. 2024, https://arxiv.org/abs/2412.02692.

    Memory: a few (latents, num_embeddings) float32 tensors at once, each 512 MiB for
    8,192 latents and 16,384 codes.

    Args:
        entropy_weight: Weight of the entropy term; a number means constant.
        num_embeddings: Codes in the book.
        embedding_dim: Dimensions of a code; where the encoder has another number of
            channels, one linear map leads in and one out.
        entropy_temperature: Divides the dot products in the entropy term.
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
        self.straight_through = False  # the gradient passes through the softmax
        self.vocabulary = (num_embeddings,)
        self.entropy_temperature = entropy_temperature
        self.entropy_weight = scheduled_weight(
            entropy_weight, num_embeddings, "entropy_weight"
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
        entropy = scheduled_term(
            self.entropy_weight,
            lambda: entropy_penalty(logits, self.entropy_temperature),
            tokens,
            training,
        )
        output = ops.reshape(through if training else codes, ops.shape(latents))
        return Quantized(
            latents=self.projection.back(output),
            tokens=tokens,
            codebook_loss=ops.mean(ops.square(ops.stop_gradient(flat) - codes)),
            commitment_loss=ops.mean(ops.square(flat - ops.stop_gradient(codes))),
            auxiliary_loss=ops.mean(ops.square(through - flat)) + entropy,
        )

    @property
    def scheduled(self) -> Mapping[str, Scalar]:
        return last_values(self.entropy_weight)

    def embed(self, tokens: Tokens) -> Latents:
        codes = ops.take(self.embeddings, tokens[..., 0], axis=0)
        return self.projection.back(codes)
