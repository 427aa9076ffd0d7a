import keras

from vqfw.kinds import Count, Decoder, Downsampling, ImageShape


class Template(Decoder):
    """Turns each latent into one square patch of the image.

    Args:
        filters: Channels between the latents and the patches.
    """

    def __init__(
        self, image_shape: ImageShape, downsampling: Downsampling, filters: Count = 64
    ) -> None:
        super().__init__()
        self.mix = keras.layers.Conv2D(
            filters, 3, padding="same", activation="relu", name="mix"
        )
        self.patches = keras.layers.Conv2DTranspose(
            image_shape[-1],
            downsampling,
            strides=downsampling,
            dtype="float32",
            name="patches",
        )

    def build(self, shape):
        self.mix.build(shape)
        self.patches.build(self.mix.compute_output_shape(shape))

    def call(self, latents, training=False):
        return self.patches(self.mix(latents))
