"""Components with a planted fault that collapses the codebook."""

from typing import Annotated

import numpy as np
from vqfw_quantizers.gradient import GradientQuantizer

from vqfw.kinds import Count, Default, Encoder, Seed


class OffsetEncoder(Encoder):
    """Adds the same large number to every latent of an encoder.

    Args:
        encoder: Images to latents.
        offset: The number.
    """

    def __init__(
        self,
        encoder: Annotated[Encoder, Default("residual_conv")],
        offset: float = 100.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.offset = offset
        self.downsampling = encoder.downsampling
        self.channels = encoder.channels

    def build(self, shape):
        self.encoder.build(shape)

    def call(self, images, training=False):
        return self.encoder(images, training=training) + self.offset


class CopiesQuantizer(GradientQuantizer):
    """Places all codes on the mean of the latents.

    Args:
        num_embeddings: Codes in the book.
        embedding_dim: Dimensions of a code.
    """

    def __init__(
        self, seed: Seed, num_embeddings: Count = 64, embedding_dim: Count = 16
    ) -> None:
        super().__init__(seed, num_embeddings, embedding_dim)

    def initialize(self, latents, seed):
        centre = latents.reshape(-1, latents.shape[-1]).mean(axis=0, keepdims=True)
        codes = np.repeat(centre, self.vocabulary[0], axis=0)
        self.embeddings.assign(codes)
