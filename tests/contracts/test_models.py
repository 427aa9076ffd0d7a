"""The checks of models: ours pass them, and each catches the mistake made for it."""

import keras
import pytest
from keras import ops
from vqfw_beta.constant import Constant
from vqfw_models.vae import VAE
from vqfw_models.vqvae import VQVAE
from vqfw_networks.residual_conv import ResidualConvDecoder, ResidualConvEncoder
from vqfw_quantizers.ema import EMAQuantizer
from vqfw_quantizers.gradient import GradientQuantizer
from vqfw_quantizers.trellis import TrellisQuantizer

from vqfw.kinds import Model
from vqfw.testing import checks, parametrize_with_checks

SMALL = {"filters": 8, "residual_filters": 4, "residual_blocks": 1}


def networks():
    encoder = ResidualConvEncoder(channels=8, **SMALL)
    return encoder, ResidualConvDecoder((16, 16, 3), 4, **SMALL)


def vqvae(quantizer=GradientQuantizer, kind=VQVAE, dimensions=8):
    encoder, decoder = networks()
    built = quantizer(seed=1, num_embeddings=16, embedding_dim=dimensions)
    return kind(encoder, built, decoder, None, Constant())


def ema_vqvae():
    return vqvae(EMAQuantizer)


def projected_vqvae():
    return vqvae(dimensions=4)


def vae(kind=VAE):
    return kind(*networks(), seed=1, latent_channels=3)


@parametrize_with_checks("model", [vqvae, ema_vqvae, projected_vqvae, vae])
def test_a_model_keeps_the_contract(check, factory):
    check(factory)


class DecodesOtherCodes(VQVAE):
    def decode_tokens(self, tokens):
        return super().decode_tokens((tokens + 1) % 16)


class CountsInEvaluation(VAE):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.calls = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="calls"
        )

    def call(self, images, training=False):
        self.calls.assign(self.calls + 1)
        return super().call(images, training)


class LossAnImage(VAE):
    def call(self, images, training=False):
        found = super().call(images, training)
        return found._replace(losses={"kl": found.bits})


class EndsInSixteenBits(VAE):
    def build(self, shape):
        super().build(shape)
        self.gain = keras.layers.Dense(3, kernel_initializer="identity")
        self.gain.build((None, None, None, 3))

    def call(self, images, training=False):
        found = super().call(images, training)
        return found._replace(reconstruction=self.gain(found.reconstruction))


class BitsOfOnePosition(VQVAE):
    def call(self, images, training=False):
        found = super().call(images, training)
        return found._replace(bits=found.bits / 16)


class TellsBytesForBits(VQVAE):
    bits_per_position = 8.0


class ForgetsTheBits(VQVAE):
    bits_per_position = Model.bits_per_position


class StopsTheGradient(VAE):
    def encode(self, images, training=False):
        return ops.stop_gradient(super().encode(images, training))


class UnseededNoise(VAE):
    def call(self, images, training=False):
        found = super().call(images, training)
        noise = keras.random.normal(ops.shape(found.reconstruction))
        factor = 0.01 if training else 0.0
        return found._replace(reconstruction=found.reconstruction + factor * noise)


class ScalesByItsRange(VAE):
    def call(self, images, training=False):
        found = super().call(images, training)
        peak = float(ops.convert_to_numpy(ops.stop_gradient(ops.max(images))))
        return found._replace(reconstruction=found.reconstruction * min(1.0, peak + 1))


PLANTED = {
    DecodesOtherCodes: "tokens_decode_to_the_reconstruction",
    CountsInEvaluation: "evaluation_changes_no_variable",
    LossAnImage: "the_output_is_well_formed",
    EndsInSixteenBits: "mixed_precision_ends_in_float32",
    BitsOfOnePosition: "bits_are_those_of_the_tokens",
    TellsBytesForBits: "bits_are_those_of_the_tokens",
    ForgetsTheBits: "bits_are_those_of_the_tokens",
    StopsTheGradient: "every_trained_variable_learns",
    UnseededNoise: "state_is_all_in_variables",
    ScalesByItsRange: "compiles",
}


@pytest.mark.mutations
@pytest.mark.parametrize("mistake", PLANTED, ids=lambda mistake: mistake.__name__)
def test_each_planted_mistake_fails_one_check_and_passes_all_the_rest(
    mistake, complaints
):
    if mistake is ScalesByItsRange and keras.backend.backend() == "torch":
        pytest.skip("torch compiles nothing, so NumPy inside a call does work there")

    def factory():
        if issubclass(mistake, VAE):
            return vae(mistake)
        # All tokens of another take as much as their vocabulary.
        quantizer = TrellisQuantizer if mistake is ForgetsTheBits else GradientQuantizer
        return vqvae(quantizer, mistake)

    assert complaints("model", factory, PLANTED[mistake]) == [PLANTED[mistake]]


def test_every_check_has_its_planted_mistake():
    assert {check.__name__ for check in checks("model")} == set(PLANTED.values())
