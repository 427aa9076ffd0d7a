import numpy as np
import pytest
from keras import ops

from vqfw.assembly.usage_monitor import UsageMonitor
from vqfw.kinds import Usage
from vqfw.kinds.usage import decay_of, histogram


def usage(*counts):
    return Usage(np.array(counts, "float32"))


def test_the_histogram_counts_every_token_once():
    tokens = np.array([[[0], [3]], [[3], [1]]], "int32")
    counts = ops.convert_to_numpy(histogram(ops.convert_to_tensor(tokens), 5))
    assert counts.tolist() == [1, 1, 0, 2, 0]
    assert counts.dtype == np.float32


def test_uniform_use_is_full_use():
    uniform = usage(*[0.125] * 8)
    assert float(uniform.share_active) == 1
    assert float(uniform.perplexity) == pytest.approx(8, rel=1e-5)


def test_one_used_code_is_an_active_share_of_one_in_k():
    assert float(usage(0, 1, 0, 0).share_active) == 0.25
    assert float(usage(0, 1, 0, 0).perplexity) == pytest.approx(1, rel=1e-5)


def test_perplexity_is_the_exponential_of_the_entropy():
    share = np.array([0.5, 0.25, 0.125, 0.125])
    right = np.exp(-(share * np.log(share)).sum())
    assert float(usage(*share).perplexity) == pytest.approx(right, rel=1e-5)


def test_entropy_in_bits_is_the_logarithm_of_perplexity():
    assert float(usage(*[0.125] * 8).entropy_bits) == pytest.approx(3, rel=1e-5)
    found = usage(0.5, 0.25, 0.125, 0.125)
    assert float(found.entropy_bits) == pytest.approx(1.75, rel=1e-5)
    assert float(found.perplexity) == pytest.approx(2**1.75, rel=1e-5)


def test_dead_codes_and_the_active_share_are_two_sides_of_one_count():
    found = usage(0.024, 0.026, 0.45, 0.5)
    assert float(found.dead_codes) == 1
    assert float(found.share_active) == 0.75


def test_the_largest_share_is_that_of_the_most_used_code():
    assert float(usage(0.1, 0.6, 0.3).largest_share) == pytest.approx(0.6)


def test_without_tokens_no_code_is_active():
    assert float(usage(0, 0, 0).share_active) == 0
    assert usage(0, 0, 0).dead(0.1).all()


def test_dead_is_relative_to_uniform_use():
    assert usage(0.024, 0.026, 0.45, 0.5).dead(0.1).tolist() == [
        True,
        False,
        False,
        False,
    ]


def test_the_half_life_is_counted_in_images():
    assert decay_of(100, 25) ** 4 == pytest.approx(0.5)


def monitored(tokens, batch_size, half_life=512):
    monitor = UsageMonitor((tokens.max() + 1,), half_life, batch_size)
    for at in range(0, len(tokens), batch_size):
        monitor.add(ops.convert_to_tensor(tokens[at : at + batch_size]))
    return monitor.on_host(0)


def zipf_tokens(images=4096, positions=16, codes=64):
    """Few codes are frequent and many rare; half-way others take their place."""
    share = 1 / np.arange(1, codes + 1) ** 1.3
    drawn = np.random.default_rng(0).choice(
        codes, size=(images, positions, 1), p=share / share.sum()
    )
    drawn[images // 2 :] += codes
    drawn[0, 0, 0] = 2 * codes - 1
    return drawn.astype("int32")


def test_batches_of_16_and_64_give_the_same_usage():
    few, many = (monitored(zipf_tokens(), size, half_life=256) for size in (16, 64))
    # The late codes are in use, and hardly any of the early ones any more.
    assert 0.4 < float(few.share_active) < 0.6
    assert abs(float(few.share_active) - float(many.share_active)) <= 0.02
    dead = [np.asarray(each.dead(0.1)) for each in (few, many)]
    assert (dead[0] != dead[1]).mean() <= 0.02
    assert float(few.perplexity) == pytest.approx(float(many.perplexity), rel=0.02)


def test_age_is_counted_in_images_whatever_the_batch_size():
    tokens = zipf_tokens(images=128)
    ages = [monitored(tokens, size).age for size in (1, 16, 64)]
    seen = [np.flatnonzero((tokens == code).any(axis=(1, 2))) for code in range(128)]
    right = [127 - rows[-1] if len(rows) else 128 for rows in seen]
    for age in ages:
        assert age.tolist() == right


def test_a_reset_code_has_age_zero():
    monitor = UsageMonitor((4,), 100, 2)
    monitor.add(ops.zeros((2, 3, 1), dtype="int32"))
    assert monitor.on_host(0).age.tolist() == [0, 2, 2, 2]
    monitor.reset(0, np.array([False, True, False, False]), 0.1)
    assert monitor.on_host(0).age.tolist() == [0, 0, 2, 2]


def test_the_first_batch_is_not_biased_towards_zero():
    once = monitored(zipf_tokens(16), 16, half_life=10_000)
    assert once.counts.sum() == pytest.approx(1, rel=1e-5)


def monitored_pair(sizes):
    """A first codebook that uses one code, and a second that uses all of its own."""
    monitor = UsageMonitor(sizes, 100, 2)
    full = np.tile(np.arange(sizes[1]), 2)
    tokens = np.stack([np.zeros(len(full)), full], axis=-1).astype("int32")
    monitor.add(ops.convert_to_tensor(tokens.reshape(2, -1, 2)))
    return monitor


def test_least_used_is_the_codebook_with_the_smallest_active_share():
    monitor = monitored_pair((4, 4))
    assert float(monitor.usage(0).share_active) == 0.25
    assert float(monitor.usage(1).share_active) == 1
    assert float(monitor.least_used().share_active) == 0.25


def test_a_small_codebook_is_measured_by_its_own_size():
    assert float(monitored_pair((4, 8)).least_used().share_active) == 0.25


def test_the_usage_of_a_codebook_does_not_depend_on_how_many_there_are():
    tokens = np.random.default_rng(0).integers(0, 8, (3, 4, 5, 3)).astype("int32")
    alone, together = UsageMonitor((8,), 100, 4), UsageMonitor((8, 8, 8), 100, 4)
    for batch in tokens:
        alone.add(ops.convert_to_tensor(batch[..., 1:2]))
        together.add(ops.convert_to_tensor(batch))
    np.testing.assert_allclose(
        together.on_host(1).counts, alone.on_host(0).counts, rtol=1e-6
    )
    assert together.on_host(2).counts.sum() == pytest.approx(1, rel=1e-5)
