"""The checks of encoders and decoders: ours pass, and each catches its mistake."""

from functools import partial

import keras
import pytest
from vqfw_networks.residual_conv import ResidualConvDecoder, ResidualConvEncoder

from vqfw.kinds import Decoder, Encoder
from vqfw.testing import checks, parametrize_with_checks

SMALL = {"filters": 6, "residual_filters": 3, "residual_blocks": 1}


def encoder(downsampling=4, channels=5):
    return ResidualConvEncoder(channels=channels, downsampling=downsampling, **SMALL)


ENCODERS = [partial(encoder, downsampling) for downsampling in (2, 4, 8, 16)]
ENCODERS += [partial(encoder, 2, 1)]


@parametrize_with_checks("encoder", ENCODERS)
def test_an_encoder_keeps_the_contract(check, factory):
    check(factory)


def decoder(image_shape, downsampling):
    return ResidualConvDecoder(image_shape, downsampling, **SMALL)


def narrow_decoder(image_shape, downsampling):
    options = {"filters": 1, "residual_filters": 1, "residual_blocks": 2}
    return ResidualConvDecoder(image_shape, downsampling, **options)


@parametrize_with_checks("decoder", [decoder, narrow_decoder])
def test_a_decoder_keeps_the_contract(check, factory):
    check(factory)


class LosesTheEdge(Encoder):
    def __init__(self, downsampling=4, padding="valid"):
        super().__init__()
        self.downsampling, self.channels = downsampling, 2
        self.reduce = keras.layers.Conv2D(
            2, 3, strides=downsampling, padding=padding, name="reduce"
        )

    def build(self, shape):
        self.reduce.build(shape)

    def call(self, images, training=False):
        more = images.shape[1] > self.downsampling  # or nothing would be left
        return self.reduce(images[:, 2:] if more else images)

    check = ResidualConvEncoder.check


class BuildsWhenCalled(LosesTheEdge):
    def __init__(self, downsampling=4):
        super().__init__(downsampling, "same")

    def build(self, shape):
        pass

    def call(self, images, training=False):
        return self.reduce(images)


class ChecksNothing(BuildsWhenCalled):
    def build(self, shape):
        self.reduce.build(shape)

    @classmethod
    def check(cls, options, context):
        return ()


class OnePixelTooMany(Decoder):
    def __init__(self, image_shape, downsampling, extra=1, last="float32"):
        super().__init__()
        self.last = keras.layers.Conv2DTranspose(
            image_shape[-1], downsampling, strides=downsampling, dtype=last, name="last"
        )
        self.pad = keras.layers.ZeroPadding2D(((0, extra), (0, 0)), dtype="float32")

    def build(self, shape):
        self.last.build(shape)
        self.pad.build(shape)

    def call(self, latents, training=False):
        return self.pad(self.last(latents))


class EndsInThePolicy(OnePixelTooMany):
    def __init__(self, image_shape, downsampling):
        super().__init__(image_shape, downsampling, 0, last=None)


class OneNameForTwo(OnePixelTooMany):
    def __init__(self, image_shape, downsampling):
        super().__init__(image_shape, downsampling, 0)
        self.first = keras.layers.Conv2D(8, 1, name="last")

    def build(self, shape):
        self.first.build(shape)
        super().build((*shape[:-1], 8))

    def call(self, latents, training=False):
        return super().call(self.first(latents))


PLANTED = {
    LosesTheEdge: ("encoder", "latents_have_the_stated_shape"),
    BuildsWhenCalled: ("encoder", "the_encoder_builds_all_its_variables"),
    ChecksNothing: ("encoder", "the_encoder_refuses_sizes_that_do_not_fit"),
    OnePixelTooMany: ("decoder", "the_decoder_gives_the_image_shape"),
    EndsInThePolicy: ("decoder", "the_decoder_ends_in_float32"),
    OneNameForTwo: ("decoder", "the_decoder_builds_all_its_variables"),
}


@pytest.mark.mutations
@pytest.mark.parametrize("mistake", PLANTED, ids=lambda mistake: mistake.__name__)
def test_each_planted_mistake_fails_one_check_and_passes_all_the_rest(
    mistake, complaints
):
    kind, expected = PLANTED[mistake]
    assert complaints(kind, mistake, expected) == [expected]


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_every_check_has_its_planted_mistake(kind):
    planted = {name for found, name in PLANTED.values() if found == kind}
    assert {check.__name__ for check in checks(kind)} == planted
