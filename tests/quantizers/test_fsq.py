"""Finite scalar quantization: its levels, its tokens, its gradient."""

import itertools

import numpy as np
import pytest
from keras import ops
from vqfw_quantizers.fsq import FSQQuantizer
from vqfw_quantizers.size import MOST_CODES

from vqfw.testing.probe import gradients


def made(*levels):
    quantizer = FSQQuantizer(seed=1, levels=levels)
    quantizer.build((None, 2, 2, len(levels)))
    return quantizer


def embedded(quantizer, tokens):
    tokens = ops.convert_to_tensor(np.reshape(tokens, (1, 1, -1, 1)).astype("int32"))
    return ops.convert_to_numpy(quantizer.embed(tokens))[0, 0]


def called(quantizer, latents, training=False):
    found = quantizer(ops.convert_to_tensor(latents, "float32"), training=training)
    return [ops.convert_to_numpy(each) for each in found[:2]]


@pytest.mark.parametrize("levels", [(3,), (4, 3), (8, 5, 5), (7, 4, 256)])
def test_every_combination_of_levels_is_a_code(levels):
    quantizer = made(*levels)
    codes = embedded(quantizer, np.arange(quantizer.vocabulary[0]))
    each = [(np.arange(n) - n // 2) / (n // 2) for n in levels]
    # The first channel changes fastest.
    right = [code[::-1] for code in itertools.product(*reversed(each))]
    np.testing.assert_allclose(codes, right, rtol=1e-6)


@pytest.mark.parametrize("levels", [(3, 4), (8, 8, 8), (5, 256)])
def test_every_token_can_be_reached(levels):
    quantizer = made(*levels)
    spread = np.random.default_rng(0).uniform(-1, 1, size=(1, 300, 300, len(levels)))
    _, tokens = called(quantizer, np.arctanh(spread))
    assert len(np.unique(tokens)) == quantizer.vocabulary[0]


def test_a_latent_of_zero_is_the_code_of_zeros():
    latents, _ = called(made(8, 5, 4), np.zeros((1, 1, 1, 3)))
    np.testing.assert_array_equal(latents, 0)


def test_the_fsq_gradient_is_scaled_by_the_slope_of_tanh():
    quantizer = made(5, 5)
    latents = np.array([[[[0.0, 0.5]]]], "float32")
    found, _ = gradients(quantizer, latents, lambda q: ops.sum(q.latents))
    radius = 2 * 1.001
    right = radius * (1 - np.tanh(latents) ** 2) / 2
    np.testing.assert_allclose(found, right, rtol=1e-4)


def test_an_fsq_book_that_is_too_large_is_a_problem():
    assert not FSQQuantizer.check({"levels": (256,) * 3}, None)
    (problem,) = FSQQuantizer.check({"levels": (256,) * 3 + (3,)}, None)
    assert problem.code == "too-many-codes"
    assert problem.path == ("levels",)
    assert f"{MOST_CODES:,}" in problem.message
