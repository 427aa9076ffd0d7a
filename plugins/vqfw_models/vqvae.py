"""The vector-quantized autoencoder: encoder, quantizer, decoder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

from keras import ops

from vqfw.kinds import (
    BetaScheduler,
    CodebookQuantizer,
    Decoder,
    Default,
    Encoder,
    Model,
    Output,
    Quantizer,
    Revival,
)
from vqfw.kinds.model import COMMITMENT
from vqfw.kinds.tensors import Images, Latents, Scalar, Tokens


class VQVAE(Model):
    """Encodes an image as a grid of tokens and decodes the tokens to an image.

    Source: van den Oord et al. 2017, https://arxiv.org/abs/1711.00937.

    Args:
        encoder: Images to latents.
        quantizer: Latents to tokens.
        decoder: Latents of tokens to images.
        revival: Replaces unused codes; null leaves them.
        beta: Weight of the commitment loss; a number means constant.
    """

    def __init__(
        self,
        encoder: Encoder,
        quantizer: Quantizer,
        decoder: Decoder,
        revival: Annotated[Revival | None, Default("perturb_active")],
        beta: Annotated[BetaScheduler, Default(0.25)],
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.quantizer = quantizer
        self.decoder = decoder
        self.vocabulary = quantizer.vocabulary
        self.beta = beta
        self.revival = revival

    @property
    def codebook_quantizer(self) -> CodebookQuantizer | None:
        # A quantizer that wraps others has their books, which may be none.
        quantizer = self.quantizer
        has_books = isinstance(quantizer, CodebookQuantizer) and quantizer.codebooks
        return quantizer if has_books else None

    @property
    def bits_per_position(self) -> float:
        return self.quantizer.bits_per_position

    @property
    def scheduled(self) -> Mapping[str, Scalar]:
        return self.quantizer.scheduled

    def build(self, shape: tuple[int | None, int, int, int]) -> None:
        batch, height, width, _ = shape
        grid = (height // self.encoder.downsampling, width // self.encoder.downsampling)
        latents = (batch, *grid, self.encoder.channels)
        self.encoder.build(shape)
        self.quantizer.build(latents)
        self.decoder.build(latents)

    def call(self, images: Images, training: bool = False) -> Output:
        quantized = self.quantizer(self.encode(images, training), training=training)
        reconstruction = self.decoder(quantized.latents, training=training)
        tokens = quantized.tokens
        bits = math.prod(tokens.shape[1:-1]) * self.bits_per_position
        return Output(
            reconstruction=ops.cast(reconstruction, "float32"),
            tokens=tokens,
            losses={
                "codebook": quantized.codebook_loss,
                COMMITMENT: quantized.commitment_loss,
                "auxiliary": quantized.auxiliary_loss,
            },
            bits=ops.full((ops.shape(tokens)[0],), bits, dtype="float32"),
        )

    def encode(self, images: Images, training: bool = False) -> Latents:
        return self.encoder(images, training=training)

    def decode_tokens(self, tokens: Tokens) -> Images:
        latents = self.quantizer.embed(tokens)
        return ops.cast(self.decoder(latents, training=False), "float32")
