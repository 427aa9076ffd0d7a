"""Gumbel-softmax quantization: codes are drawn at random, with a gradient."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

import keras
from keras import ops

from vqfw.kinds import BetaScheduler, Count, Default, Quantized, Quantizer, Seed
from vqfw.kinds.tensors import Latents, Scalar, Tensor, Tokens
from vqfw_quantizers.estimators import through_softmax
from vqfw_quantizers.schedule import Schedule, last_values

# The lowest temperature: a sample is one-hot to five digits, also after a schedule to 0.
COLDEST = 1e-2


class GumbelQuantizer(Quantizer):
    """Draws the code of each latent from a softmax over the book.

    (batch, *positions, channels) to the same shape. A linear map gives each position one
    logit a code. In training the softmax of logits plus Gumbel noise, divided by a
    temperature, weights the codes; otherwise the code of the largest logit is taken. A KL
    term pulls the distribution towards the uniform one. Source: Jang et al. 2016, eq. 2,
    https://arxiv.org/abs/1611.01144; Ramesh et al. 2021, section 2.1,
    https://arxiv.org/abs/2102.12092, with a temperature that falls to 1/16.

    Memory: a few (latents, num_embeddings) float32 tensors at once, each 256 MiB for
    8,192 latents and 8,192 codes.

    Args:
        temperature: Divides the noisy logits; a number means constant, held above 0.01.
        kl_weight: Weight of the mean KL divergence to uniform use, in nats a position; a
            number means constant.
        num_embeddings: Codes in the book, each with the channels of the latents.
        hard: Whether the decoder gets the one code that was drawn, with the gradient of
            the mixture; if false, it gets the mixture.
    """

    def __init__(
        self,
        seed: Seed,
        temperature: Annotated[BetaScheduler, Default(1.0)],
        kl_weight: Annotated[BetaScheduler, Default(5e-4)],
        num_embeddings: Count = 512,
        hard: bool = True,
    ) -> None:
        super().__init__()
        self.vocabulary = (num_embeddings,)
        self.hard = hard
        self.seed = seed
        self.random = keras.random.SeedGenerator(seed, name="noise")
        self.temperature = Schedule(temperature, num_embeddings, "temperature")
        self.kl_weight = Schedule(kl_weight, num_embeddings, "kl_weight")
        self.logits = keras.layers.Dense(
            num_embeddings,
            kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
            dtype="float32",
            name="logits",
        )

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.logits.build(shape)
        self.embeddings = self.add_weight(
            shape=(*self.vocabulary, shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=1.0, seed=self.seed + 1),
            name="embeddings",
        )

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        flat = ops.reshape(latents, (-1, latents.shape[-1]))
        logits = self.logits(flat)
        tokens, codes = self._drawn(logits) if training else self._likeliest(logits)
        tokens = ops.reshape(tokens, (*ops.shape(latents)[:-1], 1))
        kl_weight = self.kl_weight.value
        if training:
            self.kl_weight.advance(kl_weight, tokens)
            self.temperature.advance(self.temperature.value, tokens)
        return Quantized(
            latents=ops.reshape(codes, ops.shape(latents)),
            tokens=tokens,
            auxiliary_loss=kl_weight * self._divergence(logits),
        )

    @property
    def scheduled(self) -> Mapping[str, Scalar]:
        return last_values(self.temperature, self.kl_weight)

    def embed(self, tokens: Tokens) -> Latents:
        return ops.take(self.embeddings, tokens[..., 0], axis=0)

    def _likeliest(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        tokens = ops.argmax(logits, axis=-1)
        return tokens, ops.take(self.embeddings, tokens, axis=0)

    def _drawn(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (n,) and their codes for the decoder, (n, channels)."""
        # Not from 0: the logarithm would be infinite.
        even = keras.random.uniform(ops.shape(logits), 1e-20, 1.0, seed=self.random)
        noisy = logits - ops.log(-ops.log(even))
        tokens = ops.argmax(noisy, axis=-1)
        shares = ops.softmax(noisy / ops.maximum(self.temperature.value, COLDEST))
        vectors = 1.0 * self.embeddings
        if not self.hard:
            return tokens, ops.matmul(shares, vectors)
        codes = ops.take(vectors, tokens, axis=0)
        return tokens, through_softmax(codes, shares, vectors)

    def _divergence(self, logits: Tensor) -> Scalar:
        log_shares = ops.log_softmax(logits, axis=-1)
        surplus = log_shares + math.log(self.vocabulary[0])
        return ops.mean(ops.sum(ops.exp(log_shares) * surplus, axis=-1))
