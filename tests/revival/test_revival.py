import numpy as np
import pytest
from vqfw_revival.perturb_active import PerturbActive
from vqfw_revival.random_latents import RandomLatents

from vqfw.kinds import Usage


def scene(spreads=(0.1, 2.0), codes=400, dimensions=16):
    """Two busy codes with latents spread around them, far apart; the rest is unused."""
    rng = np.random.default_rng(0)
    vectors = np.full((codes, dimensions), 500.0)
    vectors[0], vectors[1] = -100, 100
    clouds = [
        vectors[code] + spread * rng.normal(size=(500, dimensions))
        for code, spread in enumerate(spreads)
    ]
    counts = np.zeros(codes, "float32")
    counts[:2] = 0.75, 0.25
    latents = np.concatenate(clouds).astype("float32")
    return vectors.astype("float32"), Usage(counts), latents


def revived(strategy, vectors, usage, latents, seed=1):
    return strategy.revive(vectors, usage, latents, np.random.default_rng(seed))


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_the_noise_is_a_fraction_of_the_spread_around_the_copied_code(noise):
    vectors, usage, latents = scene()
    found, mask = revived(PerturbActive(noise=noise), vectors, usage, latents)
    for parent, spread in ((0, 0.1), (1, 2.0)):
        moved = found[mask] - vectors[parent]
        near = np.abs(moved).max(axis=1) < 50
        assert near.any()
        assert moved[near].std() == pytest.approx(noise * spread, rel=0.05)


def test_busy_codes_are_copied_in_proportion_to_their_use():
    found, mask = revived(PerturbActive(), *scene())
    assert (found[mask][:, 0] < 0).mean() == pytest.approx(0.75, abs=0.06)


def test_a_copied_code_without_latents_of_its_own_takes_the_average_spread():
    vectors, usage, latents = scene()
    found, mask = revived(PerturbActive(noise=0.3), vectors, usage, latents[:500])
    moved = found[mask] - vectors[1]
    near = np.abs(moved).max(axis=1) < 50
    assert moved[near].std() == pytest.approx(0.3 * 0.1, rel=0.05)


def test_a_dead_book_has_nothing_to_copy():
    vectors, _, latents = scene()
    nothing = Usage(np.zeros(len(vectors), "float32"))
    found, mask = revived(PerturbActive(), vectors, nothing, latents)
    assert not mask.any()
    np.testing.assert_array_equal(found, vectors)


def test_unused_codes_become_latents_without_repetition():
    vectors, usage, latents = scene()
    found, mask = revived(RandomLatents(), vectors, usage, latents)
    rows = {row.tobytes() for row in latents}
    assert all(row.tobytes() in rows for row in found[mask])
    assert len(np.unique(found[mask], axis=0)) == mask.sum()


def test_a_dead_book_is_filled_with_latents():
    vectors, _, latents = scene()
    nothing = Usage(np.zeros(len(vectors), "float32"))
    _, mask = revived(RandomLatents(), vectors, nothing, latents)
    assert mask.all()


@pytest.mark.parametrize("kind", [PerturbActive, RandomLatents])
def test_the_threshold_is_a_fraction_of_uniform_use(kind):
    vectors, _, latents = scene(codes=4)
    usage = Usage(np.array([0.49, 0.38, 0.10, 0.03], "float32"))
    for below, dead in ((0.1, 0), (0.2, 1), (0.5, 2)):
        _, mask = revived(kind(dead_below=below), vectors, usage, latents)
        assert mask.sum() == dead
