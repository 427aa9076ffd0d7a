import math
from typing import Annotated

from keras import ops

from vqfw.kinds import Decoder, Default, Encoder, Model, Output


class Template(Model):
    """A plain autoencoder: no quantizer, no noise, float32 latents.

    Args:
        encoder: Images to latents.
        decoder: Latents to images.
    """

    def __init__(
        self,
        encoder: Annotated[Encoder, Default("residual_conv")],
        decoder: Annotated[Decoder, Default("residual_conv")],
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def build(self, shape):
        batch, height, width, _ = shape
        side = self.encoder.downsampling
        self.encoder.build(shape)
        self.decoder.build(
            (batch, height // side, width // side, self.encoder.channels)
        )

    def call(self, images, training=False):
        latents = self.encode(images, training)
        decoded = ops.cast(self.decoder(latents, training=training), "float32")
        bits = 32.0 * math.prod(latents.shape[1:])
        return Output(decoded, None, {}, ops.full((ops.shape(images)[0],), bits))

    def encode(self, images, training=False):
        return self.encoder(images, training=training)
