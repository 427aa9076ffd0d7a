"""Entropies of soft choices, against sums over every code."""

import itertools

import numpy as np
import pytest
from keras import ops
from vqfw_quantizers.entropy import (
    bits_codebook_entropy,
    bits_sample_entropy,
    codebook_entropy,
    sample_entropy,
    soft_choice,
)

from vqfw.testing.probe import gradients


def entropy(choice):
    choice = np.asarray(choice, "float64")
    return -np.sum(choice * np.log(np.maximum(choice, 1e-300)), axis=-1)


def choices(logits):
    """(n, bits) to (n, 2 ** bits), code by code."""
    one = 1 / (1 + np.exp(-logits.astype("float64")))
    codes = np.array(list(itertools.product((0, 1), repeat=logits.shape[-1])))
    return np.prod(np.where(codes, one[:, None], 1 - one[:, None]), axis=-1)


def logits(bits, scale=1.0):
    drawn = np.random.default_rng(bits).normal(size=(50, bits), scale=scale)
    return drawn.astype("float32")


def number(value):
    return float(ops.convert_to_numpy(value))


def test_a_choice_by_similarity_is_a_softmax_at_its_temperature():
    similarities = logits(4)
    found = ops.convert_to_numpy(soft_choice(ops.convert_to_tensor(similarities), 0.5))
    right = np.exp(2 * similarities)
    np.testing.assert_allclose(
        found, right / right.sum(axis=-1, keepdims=True), rtol=1e-5
    )


def test_entropies_of_a_list_of_codes():
    choice = np.random.default_rng(0).dirichlet(np.ones(7), size=30).astype("float32")
    given = ops.convert_to_tensor(choice)
    assert number(sample_entropy(given)) == pytest.approx(entropy(choice).mean(), 1e-5)
    pooled = entropy(choice.astype("float64").mean(axis=0))
    assert number(codebook_entropy(given)) == pytest.approx(pooled, 1e-5)


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("bits", [1, 2, 5, 8])
def test_entropies_of_bits_are_those_of_the_list_of_all_codes(bits, scale):
    given = logits(bits, scale)
    listed = choices(given)
    tensor = ops.convert_to_tensor(given)
    mean = entropy(listed).mean()
    assert number(bits_sample_entropy(tensor)) == pytest.approx(mean, 1e-4, 1e-6)
    pooled = entropy(listed.mean(axis=0))
    assert number(bits_codebook_entropy(tensor)) == pytest.approx(pooled, 1e-4)


def test_the_codebook_entropy_of_many_undecided_bits_is_that_of_uniform_use():
    assert number(bits_codebook_entropy(ops.zeros((6, 18)))) == pytest.approx(
        18 * np.log(2), rel=1e-5
    )


@pytest.mark.parametrize("size", [0.0, 1.0, 1e3, 1e7])
def test_entropies_of_certain_bits_have_finite_gradients(size):
    import keras

    signs = np.sign(logits(6))

    class Difference(keras.layers.Layer):
        def call(self, inputs, training=False):
            return bits_sample_entropy(inputs) - bits_codebook_entropy(inputs)

    found, _ = gradients(Difference(), size * signs, lambda loss: loss)
    assert np.isfinite(found).all()
