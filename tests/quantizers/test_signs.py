"""Quantization by signs: codes, factors, entropy and sizes."""

import numpy as np
import pytest
from keras import ops
from vqfw_beta.constant import Constant
from vqfw_quantizers.bsq import BSQQuantizer
from vqfw_quantizers.lfq import LFQQuantizer

from vqfw.testing.probe import gradients

each = pytest.mark.parametrize("kind", [LFQQuantizer, BSQQuantizer])


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def made(kind, bits=6, entropy_weight=0.1, **options):
    weight = None if entropy_weight is None else Constant(entropy_weight)
    quantizer = kind(1, weight, bits=bits, **options)
    quantizer.build((None, 2, 2, bits))
    return quantizer


def called(quantizer, latents, training=False):
    found = quantizer(ops.convert_to_tensor(latents), training=training)
    return [ops.convert_to_numpy(each) for each in found]


@each
def test_codes_are_the_signs_of_the_latents(kind):
    latents = random(2, 3, 3, 6)
    found, *_ = called(made(kind), latents)
    radius = 1.0 if kind is LFQQuantizer else 6**-0.5
    np.testing.assert_allclose(found, radius * np.sign(latents), rtol=1e-6)


@each
def test_factors_decode_to_the_code_of_the_whole(kind):
    latents = random(2, 3, 3, 6)
    whole, tokens, *_ = called(made(kind), latents)
    for factors in (2, 3, 6):
        quantizer = made(kind, factors=factors)
        parts, split, *_ = called(quantizer, latents)
        np.testing.assert_array_equal(parts, whole)
        assert quantizer.vocabulary == (2 ** (6 // factors),) * factors
        weights = np.array(quantizer.vocabulary[0]) ** np.arange(factors)
        np.testing.assert_array_equal((split * weights).sum(axis=-1), tokens[..., 0])


def test_eighteen_bits_are_two_books_of_512():
    quantizer = made(LFQQuantizer, bits=18, factors=2)
    assert quantizer.vocabulary == (512, 512)
    latents = random(1, 4, 4, 18)
    found, tokens, *_ = called(quantizer, latents)
    np.testing.assert_array_equal(found, np.sign(latents))
    embedded = quantizer.embed(ops.convert_to_tensor(tokens))
    np.testing.assert_array_equal(ops.convert_to_numpy(embedded), found)


@each
def test_the_entropy_loss_falls_with_certain_choices_and_uniform_use(kind):
    quantizer = made(kind, temperature=1.0)
    one_code = np.ones((1, 8, 8, 6), "float32")
    even = np.sign(random(1, 8, 8, 6))

    def loss(latents):
        return float(called(quantizer, latents)[-1])

    assert loss(even) < loss(one_code)
    if kind is LFQQuantizer:  # on the sphere all are of one size
        assert loss(3 * even) < loss(even)


@each
def test_a_null_entropy_weight_leaves_the_entropy_loss_out(kind):
    for quantizer in (made(kind, entropy_weight=0.0), made(kind, entropy_weight=None)):
        assert float(called(quantizer, random(1, 2, 2, 6))[-1]) == 0
    half, whole = made(kind, entropy_weight=0.5), made(kind, entropy_weight=1.0)
    latents = random(1, 2, 2, 6)
    losses = [float(called(q, latents)[-1]) for q in (half, whole)]
    assert 2 * losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.processes
def test_training_on_the_entropy_loss_spreads_latents_over_the_codes():
    quantizer = made(LFQQuantizer, bits=4, temperature=2.0)
    latents = random(1, 8, 8, 4) + 1.5
    before = len(np.unique(called(quantizer, latents)[1]))
    for _ in range(60):
        slope, _ = gradients(quantizer, latents, lambda q: q.auxiliary_loss)
        latents = latents - 40 * slope
    after = len(np.unique(called(quantizer, latents)[1]))
    assert before < 8 < after


def test_no_latent_is_far_from_its_code_on_the_sphere():
    latents = random(4, 16, 16, 6, seed=3)
    codes, *_ = called(made(BSQQuantizer), latents)
    unit = latents / np.linalg.norm(latents, axis=-1, keepdims=True)
    gap = np.linalg.norm(unit - codes, axis=-1)
    assert gap.max() <= np.sqrt(2 - 2 / np.sqrt(6)) + 1e-6


@each
@pytest.mark.parametrize(
    ("bits", "factors", "code", "repair"),
    [
        (18, 4, "size-mismatch", 'set "factors" to 3, or "bits" to 20'),
        (36, 1, "too-many-codes", 'set "factors" to 3'),
        (4, 9, "size-mismatch", 'set "factors" to 4, or "bits" to 9'),
    ],
)
def test_bits_that_factors_do_not_divide_or_that_are_too_many_are_a_problem(
    kind, bits, factors, code, repair
):
    (problem,) = kind.check({"bits": bits, "factors": factors}, None)
    assert problem.code == code
    assert problem.help == repair
    assert not kind.check({"bits": 18, "factors": 2}, None)
