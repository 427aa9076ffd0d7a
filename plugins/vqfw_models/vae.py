"""The baseline: a variational autoencoder."""

from __future__ import annotations

import math

import keras
from keras import ops

from vqfw.kinds import Count, Decoder, Encoder, Model, Output, Seed, Weight
from vqfw.kinds.tensors import Images, Latents, PerImage, Tensor


class VAE(Model):
    """Encodes an image as a grid of Gaussian latents and decodes them to an image.

    Trained on the evidence lower bound with a Gaussian decoder; evaluated at the mean of
    the latents. Its rate is the Kullback-Leibler divergence from a unit Gaussian, in
    bits. Source: Kingma and Welling 2014, https://arxiv.org/abs/1312.6114.

    Args:
        encoder: Images to features; a convolution maps them to mean and variance.
        decoder: Latents to images.
        latent_channels: Gaussian latents at each position of the grid.
        kl_weight: Weight of the divergence, in nats per value of the image: twice the
            variance of the Gaussian decoder when the reconstruction loss is ``mse``.
    """

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        seed: Seed,
        latent_channels: Count = 8,
        kl_weight: Weight = 0.002,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.kl_weight = kl_weight
        self.latent_channels = latent_channels
        self.to_moments = keras.layers.Conv2D(
            2 * latent_channels, 1, dtype="float32", name="to_moments"
        )
        self.from_latents = keras.layers.Conv2D(
            encoder.channels, 1, dtype="float32", name="from_latents"
        )
        self.noise = keras.random.SeedGenerator(seed)

    def build(self, shape: tuple[int | None, int, int, int]) -> None:
        batch, height, width, _ = shape
        grid = (height // self.encoder.downsampling, width // self.encoder.downsampling)
        features = (batch, *grid, self.encoder.channels)
        self.encoder.build(shape)
        self.to_moments.build(features)
        self.from_latents.build((batch, *grid, self.latent_channels))
        self.decoder.build(features)

    def call(self, images: Images, training: bool = False) -> Output:
        features = self.encode(images, training)
        mean, log_variance = ops.split(self.to_moments(features), 2, axis=-1)
        # No trained model reaches these bounds; they keep exp() finite in the first steps.
        log_variance = ops.clip(log_variance, -20.0, 10.0)
        latents = mean
        if training:
            noise = keras.random.normal(ops.shape(mean), seed=self.noise)
            latents = mean + ops.exp(0.5 * log_variance) * noise
        decoded = self.decoder(self.from_latents(latents), training=training)
        nats = _divergence(mean, log_variance)
        values = math.prod(images.shape[1:])
        return Output(
            reconstruction=ops.cast(decoded, "float32"),
            tokens=None,
            losses={"kl": self.kl_weight * ops.mean(nats) / values},
            bits=nats / math.log(2),
        )

    def encode(self, images: Images, training: bool = False) -> Latents:
        return self.encoder(images, training=training)


def _divergence(mean: Tensor, log_variance: Tensor) -> PerImage:
    """(batch,) nats from the unit Gaussian (Kingma and Welling 2014, appendix B)."""
    each = ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance
    return 0.5 * ops.sum(each, axis=(1, 2, 3))
