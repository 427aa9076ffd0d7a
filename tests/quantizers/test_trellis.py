"""Trellis-coded quantization: a path through a book of twice as many codes."""

import heapq
import itertools

import numpy as np
import pytest
from keras import ops
from vqfw_quantizers.ema import EMAQuantizer
from vqfw_quantizers.grouped import GroupedQuantizer
from vqfw_quantizers.predictive import PredictiveQuantizer
from vqfw_quantizers.residual import ResidualQuantizer
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
def test_the_trellis_finds_the_cheapest_of_all_paths(states):
    costs = np.square(random(3, 7, 4))
    found = ops.convert_to_numpy(Trellis(states).cheapest(ops.convert_to_tensor(costs)))
    paths = np.array([subsets(p, states) for p in itertools.product((0, 1), repeat=7)])
    sums = costs[:, np.arange(7), paths].sum(axis=-1)
    np.testing.assert_array_equal(found, paths[sums.argmin(axis=-1)])


def require_paths(tokens, states):
    """Of each image: what came before leaves each token two subsets, one for either bit."""
    for row in tokens.reshape(len(tokens), -1):
        bits = []
        for token in row:
            ways = [
                bit for bit in (0, 1) if subsets([*bits, bit], states)[-1] == token % 4
            ]
            assert len(ways) == 1
            bits += ways


@pytest.mark.parametrize("states", STATES)
def test_the_tokens_before_allow_each_latent_half_of_the_codes(states):
    quantizer = trellis(states=states)
    require_paths(tokens_of(quantizer, random(16, 4, 4, 2)), states)
    # 4 of 16 codes for either bit, so that 3 bits tell which of the 8 it is.
    assert quantizer.bits_per_position == 3


def test_a_trellis_with_a_projection_keeps_to_its_path():
    quantizer = TrellisQuantizer(seed=3, num_embeddings=8, embedding_dim=2)
    quantizer.build((None, 3, 3, 5))
    quantizer.initialize(random(200, 3, 3, 5, seed=9), seed=0)
    require_paths(tokens_of(quantizer, random(16, 3, 3, 5)), 8)


@pytest.mark.parametrize(("states", "squared"), [(4, 9), (8, 10), (16, 11)])
def test_the_free_distance_of_the_trellis_is_that_of_ungerboeck(states, squared):
    # Squared distances of codes one apart on a line to those of the same and other subsets.
    apart = {0: 0, 1: 1, 2: 4, 3: 1}
    reached, seen = [(apart[subsets([1], states)[-1]], (1,))], set()
    while True:
        distance, bits = heapq.heappop(reached)
        state = bits[-states.bit_length() + 1 :]
        if not any(state) and len(bits) >= states.bit_length() - 1:
            break
        if state in seen:
            continue
        seen.add(state)
        for bit in (0, 1):
            more = apart[subsets([*bits, bit], states)[-1]]
            heapq.heappush(reached, (distance + more, (*bits, bit)))
    assert distance == squared


def test_all_images_begin_at_the_same_state():
    quantizer, latents = trellis(), random(5, 4, 4, 2)
    together = tokens_of(quantizer, latents)
    alone = [tokens_of(quantizer, latents[i : i + 1])[0] for i in range(5)]
    np.testing.assert_array_equal(together, alone)


def test_a_trellis_has_a_lower_error_than_the_nearest_code_at_equal_bits():
    nearest = EMAQuantizer(seed=3, num_embeddings=8, embedding_dim=2, decay=0.0)
    nearest.build((None, 4, 4, 2))
    nearest.initialize(random(200, 4, 4, 2, seed=9), seed=0)
    assert error(trellis(decay=0.0)) < 0.9 * error(nearest)


def test_trellis_codes_are_means_of_the_latents_on_the_path():
    quantizer = trellis(decay=0.0)
    latents = random(64, 4, 4, 2, seed=1)
    tokens = tokens_of(quantizer, latents).reshape(-1)
    quantizer(ops.convert_to_tensor(latents), training=True)
    vectors = quantizer.codebooks[0].vectors
    for code in range(16):
        mean = latents.reshape(-1, 2)[tokens == code].mean(axis=0)
        np.testing.assert_allclose(vectors[code], mean, atol=1e-5)


def copy(i):
    return TrellisQuantizer(seed=i, num_embeddings=8, embedding_dim=2)


def test_each_place_of_a_predictive_quantizer_keeps_to_a_trellis_path():
    quantizer = PredictiveQuantizer(copy)
    quantizer.build((None, 8, 8, 2))
    quantizer.initialize(random(200, 8, 8, 2, seed=9), seed=0)
    assert quantizer.vocabulary == (16,) * 4
    tokens = tokens_of(quantizer, random(16, 8, 8, 2))
    for place in range(4):
        require_paths(tokens[..., place], 8)


def test_wrappers_add_up_the_bits_of_their_copies():
    assert PredictiveQuantizer(copy).bits_per_position == 4 * 3
    assert ResidualQuantizer(copy, levels=3).bits_per_position == 3 * 3
    assert GroupedQuantizer(copy, groups=2).bits_per_position == 2 * 3


def test_a_revived_trellis_code_is_chosen_where_the_path_allows_it():
    quantizer = trellis()
    far = np.full((16, 2), 9, dtype="float32")
    quantizer.codebooks[0].replace(far, np.arange(16) == 5)
    tokens = tokens_of(quantizer, np.full((1, 4, 4, 2), 9, dtype="float32"))
    assert (tokens == 5).any()
    require_paths(tokens, 8)
