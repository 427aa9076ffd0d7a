"""Trellis-coded quantization: a path through a book of twice as many codes."""

import itertools

import numpy as np
import pytest
from keras import ops
from vqfw_quantizers.ema import EMAQuantizer
from vqfw_quantizers.predictive import PredictiveQuantizer
from vqfw_quantizers.trellis import CHECKS, Trellis, TrellisQuantizer

STATES = sorted(CHECKS)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def trellis(codes=8, dim=2, **options):
    quantizer = TrellisQuantizer(
        seed=3, num_embeddings=codes, embedding_dim=dim, **options
    )
    quantizer.build((None, 4, 4, dim))
    quantizer.initialize(random(200, 4, 4, dim, seed=9), seed=0)
    return quantizer


def tokens_of(quantizer, latents):
    return ops.convert_to_numpy(quantizer(ops.convert_to_tensor(latents)).tokens)


def error(quantizer):
    """The mean squared error of new latents when the codes have settled among others."""
    latents = ops.convert_to_tensor(random(256, 8, 8, 2, seed=2))
    for _ in range(4):  # of Lloyd's algorithm, as long as nothing stays in the average
        quantizer(latents, training=True)
    latents = random(256, 8, 8, 2, seed=1)
    found = quantizer(ops.convert_to_tensor(latents))
    return np.square(ops.convert_to_numpy(found.latents) - latents).sum(axis=-1).mean()


def subsets(bits, states):
    """Those that a path of branch bits takes, by the definition of the shift register."""
    h1, h0 = CHECKS[states]
    past, found = [0] * 8, []
    for bit in bits:
        past = [int(bit), *past[:-1]]
        taps = [sum(b for i, b in enumerate(past) if h >> i & 1) % 2 for h in (h1, h0)]
        found.append(taps[0] + 2 * taps[1])
    return found


@pytest.mark.parametrize("states", STATES)
def test_the_path_costs_least_of_all_that_there_are(states):
    costs = np.square(random(3, 7, 4))
    found = ops.convert_to_numpy(Trellis(states).cheapest(ops.convert_to_tensor(costs)))
    paths = np.array([subsets(p, states) for p in itertools.product((0, 1), repeat=7)])
    sums = costs[:, np.arange(7), paths].sum(axis=-1)
    np.testing.assert_array_equal(found, paths[sums.argmin(axis=-1)])


@pytest.mark.parametrize("states", STATES)
def test_what_came_before_leaves_each_latent_half_of_the_codes(states):
    quantizer = trellis(states=states)
    tokens = tokens_of(quantizer, random(16, 4, 4, 2)).reshape(16, 16)
    for row in tokens:
        bits = []
        for token in row:
            # 4 of 16 codes for either bit, so that 3 bits tell which of the 8 it is.
            ways = [
                bit for bit in (0, 1) if subsets([*bits, bit], states)[-1] == token % 4
            ]
            assert len(ways) == 1
            bits += ways
    assert quantizer.bits_per_position == 3


def test_all_images_begin_at_the_same_state():
    quantizer, latents = trellis(), random(5, 4, 4, 2)
    together = tokens_of(quantizer, latents)
    alone = [tokens_of(quantizer, latents[i : i + 1])[0] for i in range(5)]
    np.testing.assert_array_equal(together, alone)


def test_it_leaves_less_than_the_nearest_code_does_for_as_many_bits():
    nearest = EMAQuantizer(seed=3, num_embeddings=8, embedding_dim=2, decay=0.0)
    nearest.build((None, 4, 4, 2))
    nearest.initialize(random(200, 4, 4, 2, seed=9), seed=0)
    assert error(trellis(decay=0.0)) < 0.9 * error(nearest)


def test_codes_follow_the_latents_of_the_path():
    quantizer = trellis(decay=0.0)
    latents = random(64, 4, 4, 2, seed=1)
    tokens = tokens_of(quantizer, latents).reshape(-1)
    quantizer(ops.convert_to_tensor(latents), training=True)
    vectors = quantizer.codebooks[0].vectors
    for code in range(16):
        mean = latents.reshape(-1, 2)[tokens == code].mean(axis=0)
        np.testing.assert_allclose(vectors[code], mean, atol=1e-5)


def test_a_prediction_can_be_trellis_coded():
    def copy(i):
        return TrellisQuantizer(seed=i, num_embeddings=8, embedding_dim=2)

    quantizer = PredictiveQuantizer(copy)
    quantizer.build((None, 4, 4, 2))
    quantizer.initialize(random(200, 4, 4, 2, seed=9), seed=0)
    assert quantizer.vocabulary == (16,) * 4
    assert quantizer.bits_per_position == 4 * 3
    latents = random(8, 4, 4, 2)
    found = quantizer(ops.convert_to_tensor(latents))
    np.testing.assert_array_equal(
        ops.convert_to_numpy(found.latents),
        ops.convert_to_numpy(quantizer.embed(found.tokens)),
    )
