import keras

from vqfw.errors import Problem
from vqfw.kinds import Count, Encoder


class Template(Encoder):
    """Turns each square patch of an image into one latent.

    Args:
        downsampling: Pixels along one side of a patch.
        channels: Channels of the latents.
    """

    def __init__(self, downsampling: Count = 4, channels: Count = 64) -> None:
        super().__init__()
        self.downsampling, self.channels = downsampling, channels
        self.patches = keras.layers.Conv2D(
            channels, downsampling, strides=downsampling, name="patches"
        )

    def build(self, shape):
        self.patches.build(shape)

    def call(self, images, training=False):
        return self.patches(images)

    @classmethod
    def check(cls, options, context):
        size, side = context.image_size, options["downsampling"]
        if size % side == 0:
            return ()
        fact = f"an image of {size} pixels cannot be cut into patches of {side}"
        repair = f'set "image_size" to {size - size % side + side}'
        return [Problem("size-mismatch", fact, ("downsampling",), help=repair)]
