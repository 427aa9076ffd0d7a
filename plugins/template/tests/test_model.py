import keras
from vqfw_template.model import Template

from vqfw.kinds import Decoder, Encoder
from vqfw.testing import parametrize_with_checks


class Halve(Encoder):
    def __init__(self):
        super().__init__()
        self.downsampling, self.channels = 2, 4
        self.convolution = keras.layers.Conv2D(4, 2, strides=2, name="halve")

    def build(self, shape):
        self.convolution.build(shape)

    def call(self, images, training=False):
        return self.convolution(images)


class Double(Decoder):
    def __init__(self):
        super().__init__()
        self.convolution = keras.layers.Conv2DTranspose(3, 2, strides=2, name="double")

    def build(self, shape):
        self.convolution.build(shape)

    def call(self, latents, training=False):
        return self.convolution(latents)


def small():
    return Template(Halve(), Double())


@parametrize_with_checks("model", [small])
def test_the_contract_is_kept(check, factory):
    check(factory)
