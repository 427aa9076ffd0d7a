import keras
import numpy as np
import pytest
from keras import ops
from vqfw_quantizers.ema import EMAQuantizer
from vqfw_quantizers.estimators import rotation, straight_through, through_softmax
from vqfw_quantizers.gradient import GradientQuantizer
from vqfw_quantizers.simvq import SimVQ

from vqfw.testing.probe import gradients


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


class Estimated(keras.layers.Layer):
    """An estimator between its latents and codes that stand."""

    def __init__(self, estimator, codes):
        super().__init__(dtype="float32")
        self.estimator, self.codes = estimator, codes
        self.built = True

    def call(self, latents, training=False):
        return self.estimator(latents, ops.convert_to_tensor(self.codes))

    def gradient(self, latents, incoming):
        """What reaches the latents of a gradient that comes in."""
        weights = ops.convert_to_tensor(incoming)
        return gradients(self, latents, lambda found: ops.sum(found * weights))[0]


LATENTS, CODES, INCOMING = random(6, 4), random(6, 4, seed=1), random(6, 4, seed=2)


def rotation_of(latent, code):
    """The matrix of the paper, written out."""
    start, end = latent / np.linalg.norm(latent), code / np.linalg.norm(code)
    middle = (start + end) / np.linalg.norm(start + end)
    turn = np.eye(len(latent)) - 2 * np.outer(middle, middle) + 2 * np.outer(end, start)
    return np.linalg.norm(code) / np.linalg.norm(latent) * turn


@pytest.mark.parametrize("estimator", [straight_through, rotation])
def test_every_gradient_estimator_returns_the_code(estimator):
    pair = (ops.convert_to_tensor(LATENTS), ops.convert_to_tensor(CODES))
    found = ops.convert_to_numpy(estimator(*pair))
    np.testing.assert_allclose(found, CODES, rtol=1e-5, atol=1e-6)


def test_straight_through_copies_the_gradient():
    found = Estimated(straight_through, CODES).gradient(LATENTS, INCOMING)
    np.testing.assert_allclose(found, INCOMING, atol=1e-5)


def test_rotation_turns_and_scales_the_gradient_as_the_paper_does():
    found = Estimated(rotation, CODES).gradient(LATENTS, INCOMING)
    for row, latent, code, incoming in zip(
        found, LATENTS, CODES, INCOMING, strict=True
    ):
        matrix = rotation_of(latent, code)
        np.testing.assert_allclose(matrix @ latent, code, atol=1e-5)
        np.testing.assert_allclose(row, matrix.T @ incoming, rtol=1e-4, atol=1e-5)


def test_rotation_gives_latents_the_angle_that_the_gradient_has_to_codes():
    found = Estimated(rotation, CODES).gradient(LATENTS, INCOMING)

    def cosine(a, b):
        lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
        return (a * b).sum(axis=-1) / lengths

    np.testing.assert_allclose(
        cosine(found, LATENTS), cosine(INCOMING, CODES), atol=1e-5
    )
    scale = np.linalg.norm(CODES, axis=-1) / np.linalg.norm(LATENTS, axis=-1)
    longer = np.linalg.norm(found, axis=-1) / np.linalg.norm(INCOMING, axis=-1)
    np.testing.assert_allclose(longer, scale, rtol=1e-4)


def test_rotation_of_a_latent_on_its_code_is_the_identity():
    found = Estimated(rotation, LATENTS).gradient(LATENTS, INCOMING)
    np.testing.assert_allclose(found, INCOMING, atol=1e-5)


def test_rotation_between_opposite_vectors_flips_a_gradient_along_them():
    found = Estimated(rotation, -LATENTS).gradient(LATENTS, LATENTS)
    np.testing.assert_allclose(found, -LATENTS, atol=1e-5)


@pytest.mark.parametrize("zero", ["latents", "codes", "both"])
def test_rotation_copies_the_gradient_where_latent_or_code_is_zero(zero):
    latents = np.zeros_like(LATENTS) if zero != "codes" else LATENTS
    codes = np.zeros_like(CODES) if zero != "latents" else CODES
    found = Estimated(rotation, codes).gradient(latents, INCOMING)
    np.testing.assert_allclose(found, INCOMING, atol=1e-6)


def test_through_softmax_equals_the_straight_through_one_hot_product():
    vectors = ops.convert_to_tensor(random(5, 4, seed=3))

    def written_out(latents):
        shares = ops.softmax(ops.matmul(latents, ops.transpose(vectors)))
        row = ops.one_hot(ops.argmax(shares, axis=-1), 5)
        return ops.matmul(row + (shares - ops.stop_gradient(shares)), vectors)

    def short(latents):
        shares = ops.softmax(ops.matmul(latents, ops.transpose(vectors)))
        codes = ops.take(vectors, ops.argmax(shares, axis=-1), axis=0)
        return through_softmax(codes, shares, vectors)

    pair = [
        Estimated(lambda z, _, way=way: way(z), CODES).gradient(LATENTS, INCOMING)
        for way in (written_out, short)
    ]
    np.testing.assert_allclose(*pair, rtol=1e-4, atol=1e-5)
    assert np.abs(pair[0]).max() > 0.01


@pytest.mark.parametrize("kind", [EMAQuantizer, GradientQuantizer, SimVQ])
def test_the_option_gradient_estimator_selects_the_gradient(kind):
    latents, incoming = random(2, 2, 2, 4), random(2, 2, 2, 4, seed=1)
    quantizer = kind(1, 8, 4, gradient_estimator="rotation")
    quantizer.build((None, 2, 2, 4))
    if kind is not SimVQ:
        quantizer.initialize(random(4, 4, 4, 4), seed=0)
    codes = ops.convert_to_numpy(quantizer(latents, training=False).latents)
    right = Estimated(rotation, codes).gradient(latents, incoming)
    found, _ = gradients(
        quantizer,
        latents,
        lambda q: ops.sum(q.latents * ops.convert_to_tensor(incoming)),
    )
    np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-4)


def test_rotation_leaves_latents_unchanged_in_a_warm_up():
    quantizer = EMAQuantizer(1, 8, 4, gradient_estimator="rotation", warm_up=3)
    quantizer.build((None, 2, 2, 4))
    latents, incoming = random(2, 2, 2, 4), random(2, 2, 2, 4, seed=1)
    found = ops.convert_to_numpy(quantizer(latents, training=True).latents)
    np.testing.assert_allclose(found, latents, atol=1e-6)
    passed, _ = gradients(
        quantizer,
        latents,
        lambda q: ops.sum(q.latents * ops.convert_to_tensor(incoming)),
    )
    np.testing.assert_allclose(passed, incoming, atol=1e-5)
