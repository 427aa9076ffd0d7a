import math

import numpy as np
import pytest
from keras import ops
from vqfw_beta.constant import Constant
from vqfw_models.vae import VAE
from vqfw_models.vqvae import VQVAE
from vqfw_networks.residual_conv import ResidualConvDecoder, ResidualConvEncoder
from vqfw_quantizers.ema import EMAQuantizer
from vqfw_quantizers.trellis import TrellisQuantizer
from vqfw_revival.random_latents import RandomLatents

from vqfw.kinds import Quantized, Quantizer

SMALL = {"filters": 8, "residual_filters": 4, "residual_blocks": 1}


def networks():
    encoder = ResidualConvEncoder(channels=8, **SMALL)
    return encoder, ResidualConvDecoder((16, 8, 3), 4, **SMALL)


def built(model):
    model.build((None, 16, 8, 3))
    return model


def called(model, training=False):
    images = np.random.default_rng(0).random((2, 16, 8, 3), dtype="float32")
    return model(ops.convert_to_tensor(images), training=training)


class Signs(Quantizer):
    """Two quantizers in one, and no codebook."""

    def __init__(self):
        super().__init__()
        self.vocabulary = (2, 3)

    def build(self, shape):
        pass

    def call(self, latents, training=False):
        tokens = ops.cast(latents[..., :2] > 0, "int32")
        return Quantized(self.embed(tokens), tokens)

    def embed(self, tokens):
        return ops.tile(ops.cast(tokens, "float32"), (1, 1, 1, 4))


def test_a_vqvae_takes_log2_of_its_vocabulary_a_position():
    quantizer = EMAQuantizer(seed=1, num_embeddings=10, embedding_dim=8)
    model = built(VQVAE(*_around(quantizer), None, Constant()))
    bits = ops.convert_to_numpy(called(model).bits)
    np.testing.assert_allclose(bits, [8 * math.log2(10)] * 2, rtol=1e-6)


def test_bits_add_up_over_codebooks():
    model = built(VQVAE(*_around(Signs()), None, Constant()))
    bits = ops.convert_to_numpy(called(model).bits)
    np.testing.assert_allclose(bits, [8 * math.log2(6)] * 2, rtol=1e-6)


def test_codes_that_a_trellis_excludes_take_no_bits():
    quantizer = TrellisQuantizer(seed=1, num_embeddings=10, embedding_dim=8)
    model = built(VQVAE(*_around(quantizer), None, Constant()))
    assert model.vocabulary == (20,)
    bits = ops.convert_to_numpy(called(model).bits)
    np.testing.assert_allclose(bits, [8 * math.log2(10)] * 2, rtol=1e-6)


def test_only_a_codebook_is_revived():
    revival = RandomLatents()
    plain = VQVAE(*_around(Signs()), revival, Constant())
    assert plain.codebook_quantizer is None
    quantizer = EMAQuantizer(seed=1, num_embeddings=4, embedding_dim=8)
    model = VQVAE(*_around(quantizer), revival, Constant())
    assert model.codebook_quantizer is quantizer
    assert model.revival is revival
    assert vae().codebook_quantizer is None


def _around(quantizer):
    encoder, decoder = networks()
    return encoder, quantizer, decoder


def moments(model, mean, log_variance):
    """Fixes the moments, whatever the image."""
    kernel, bias = model.to_moments.weights
    kernel.assign(ops.zeros(kernel.shape))
    channels = model.latent_channels
    bias.assign(np.array([mean] * channels + [log_variance] * channels, "float32"))


def vae(**options):
    return built(VAE(*networks(), seed=3, latent_channels=2, **options))


@pytest.mark.parametrize(
    ("mean", "log_variance"), [(0.0, 0.0), (1.0, 0.0), (0.5, -2.0), (0.0, 1.5)]
)
def test_a_vae_takes_its_divergence_in_bits(mean, log_variance):
    model = vae(kl_weight=0.5)
    moments(model, mean, log_variance)
    found = called(model)
    one = 0.5 * (mean**2 + math.exp(log_variance) - 1 - log_variance)
    nats = 4 * 2 * 2 * one
    bits = ops.convert_to_numpy(found.bits)
    np.testing.assert_allclose(bits, [nats / math.log(2)] * 2, rtol=1e-5, atol=1e-5)
    loss = 0.5 * nats / (16 * 8 * 3)
    assert float(found.losses["kl"]) == pytest.approx(loss, rel=1e-5, abs=1e-9)


def test_a_vae_stays_finite_at_extreme_moments():
    for log_variance in (-1e6, 1e6):
        model = vae()
        moments(model, 0.0, log_variance)
        found = called(model, training=True)
        assert np.isfinite(ops.convert_to_numpy(found.reconstruction)).all()
        assert np.isfinite(ops.convert_to_numpy(found.bits)).all()


def test_a_vae_is_evaluated_at_the_mean_and_trained_with_noise():
    model = vae()
    still = [ops.convert_to_numpy(called(model).reconstruction) for _ in range(2)]
    np.testing.assert_array_equal(*still)
    noisy = [ops.convert_to_numpy(called(model, True).reconstruction) for _ in range(2)]
    assert (noisy[0] != noisy[1]).any()


def test_a_vae_has_no_tokens_to_decode():
    assert called(vae()).tokens is None
    with pytest.raises(NotImplementedError, match="VAE has no tokens"):
        vae().decode_tokens(ops.zeros((1, 4, 2, 1), dtype="int32"))
