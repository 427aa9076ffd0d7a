"""Codes that are an average or a weight, and what all quantizers return."""

import keras
import numpy as np
import pytest
from keras import ops
from vqfw_quantizers.cosine import CosineQuantizer
from vqfw_quantizers.ema import EMAQuantizer
from vqfw_quantizers.fsq import FSQQuantizer
from vqfw_quantizers.gradient import GradientQuantizer
from vqfw_quantizers.key_value import KeyValueQuantizer
from vqfw_quantizers.recent import ROWS, ROWS_A_STEP, RecentLatents
from vqfw_quantizers.trellis import TrellisQuantizer

from vqfw.testing.probe import gradients

each = pytest.mark.parametrize("kind", [EMAQuantizer, GradientQuantizer])


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def made(kind, channels=4, **options):
    quantizer = kind(**{"seed": 1, "num_embeddings": 8, "embedding_dim": 4, **options})
    quantizer.build((None, 2, 2, channels))
    return quantizer


def vectors_of(quantizer):
    return quantizer.codebooks[0].vectors


@each
def test_equal_dimensions_need_no_projection(kind):
    assert not made(kind, channels=4).projection.variables
    assert len(made(kind, channels=6).projection.variables) == 4


@each
def test_latents_become_the_nearest_code(kind):
    quantizer, latents = made(kind), random(2, 2, 2, 4, seed=1)
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    vectors = vectors_of(quantizer)
    gap = np.square(latents[..., None, :] - vectors).sum(axis=-1)
    found = quantizer(ops.convert_to_tensor(latents), training=False)
    right = vectors[gap.argmin(axis=-1)]
    np.testing.assert_array_equal(ops.convert_to_numpy(found.latents), right)
    commitment = np.square(latents - right).mean()
    assert float(ops.convert_to_numpy(found.commitment_loss)) == pytest.approx(
        commitment, rel=1e-5
    )


@each
def test_random_initialization_leaves_the_codes_alone(kind):
    quantizer = made(kind, initialization="random")
    before = vectors_of(quantizer).copy()
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    np.testing.assert_array_equal(vectors_of(quantizer), before)


def test_codes_that_learn_by_gradient_move_towards_their_latents():
    quantizer, latents = made(GradientQuantizer), random(2, 2, 2, 4)
    quantizer.initialize(random(4, 4, 4, 4), seed=0)

    def error():
        found = quantizer(ops.convert_to_tensor(latents), training=False)
        return float(ops.convert_to_numpy(found.codebook_loss))

    before = error()
    for _ in range(5):
        gradients(quantizer, latents, lambda q: q.codebook_loss, step=4.0)
    assert error() < 0.5 * before


def test_codes_that_average_go_to_the_mean_of_their_latents():
    quantizer, latents = made(EMAQuantizer, decay=0.5), random(2, 2, 2, 4)
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    for _ in range(60):
        found = quantizer(ops.convert_to_tensor(latents), training=True)
    tokens = ops.convert_to_numpy(found.tokens)[..., 0]
    for code in np.unique(tokens):
        mean = latents[tokens == code].mean(axis=0)
        np.testing.assert_allclose(vectors_of(quantizer)[code], mean, atol=1e-4)


def test_no_decay_follows_the_last_batch_alone():
    quantizer, latents = made(EMAQuantizer, decay=0.0), random(2, 2, 2, 4)
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    tokens = quantizer(ops.convert_to_tensor(latents), training=True).tokens
    tokens = ops.convert_to_numpy(tokens)[..., 0]
    vectors = vectors_of(quantizer)
    assert np.isfinite(vectors).all()
    mean = latents[tokens == tokens[0, 0, 0]].mean(axis=0)
    np.testing.assert_allclose(vectors[tokens[0, 0, 0]], mean, rtol=1e-5)


def test_recent_latents_come_newest_first_and_never_overflow():
    recent = RecentLatents(2)
    assert recent.values.shape == (0, 2)
    for value in range(3):
        recent.add(ops.full((5, 2), float(value)))
    assert recent.values[:, 0].tolist() == [2] * 5 + [1] * 5 + [0] * 5
    for value in range(6):
        recent.add(ops.full((2 * ROWS_A_STEP + 7, 2), float(value)))
    assert recent.values.shape == (ROWS, 2)
    assert sorted(set(recent.values[:, 0])) == [2, 3, 4, 5]


def test_a_loss_that_a_quantizer_leaves_out_is_a_tensor_of_zero():
    quantizer = FSQQuantizer(seed=1, levels=(5, 5))
    for training in (False, True):
        quantized = quantizer(ops.zeros((1, 2, 2, 4)), training=training)
        for loss in quantized[2:]:
            assert ops.is_tensor(loss)
            assert float(ops.convert_to_numpy(loss)) == 0


def test_a_loss_that_is_a_plain_number_keeps_its_value():
    class Constant(FSQQuantizer):
        def call(self, latents, training=False):
            quantized = super().call(latents, training=training)
            return quantized._replace(codebook_loss=0, auxiliary_loss=0.25)

    quantized = Constant(seed=1, levels=(5, 5))(ops.zeros((1, 2, 2, 4)))
    losses = [float(ops.convert_to_numpy(loss)) for loss in quantized[2:]]
    assert losses == [0.0, 0.0, 0.25]
    assert all(map(ops.is_tensor, quantized[2:]))


def test_a_quantizer_without_losses_is_a_layer_of_a_functional_model():
    images = keras.Input((2, 2, 4), batch_size=1)
    quantized = FSQQuantizer(seed=1, levels=(5, 5))(images)
    model = keras.Model(images, quantized.latents)
    assert model(ops.zeros((1, 2, 2, 4))).shape == (1, 2, 2, 4)


@pytest.mark.parametrize("kind", [CosineQuantizer, KeyValueQuantizer, TrellisQuantizer])
def test_a_moving_average_inside_a_quantizer_is_saved_under_the_same_paths(kind):
    def saved(quantizer):
        return {variable.path for variable in quantizer.variables}

    average = saved(made(EMAQuantizer, channels=6))
    held = saved(made(kind, channels=6))
    assert held - {"quantizer/values"} == average
