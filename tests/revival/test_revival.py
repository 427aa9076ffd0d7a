import doctest
from importlib import import_module

import numpy as np
import pytest
from vqfw_revival.error_weighted import ErrorWeighted
from vqfw_revival.kmeans_reseed import KMeansReseed
from vqfw_revival.largest_error import LargestError
from vqfw_revival.least_recently_used import LeastRecentlyUsed
from vqfw_revival.perturb_active import PerturbActive
from vqfw_revival.random_latents import RandomLatents
from vqfw_revival.split_most_used import SplitMostUsed

from vqfw.kinds import Usage


def scene(spreads=(0.1, 2.0), codes=400, dimensions=16):
    """Two busy codes with latents spread around them, far apart; the rest is unused.

    The first takes three quarters of the latents.
    """
    rng = np.random.default_rng(0)
    vectors = np.full((codes, dimensions), 500.0)
    vectors[0], vectors[1] = -100, 100
    clouds = [
        vectors[code] + spread * rng.normal(size=(size, dimensions))
        for code, (spread, size) in enumerate(zip(spreads, (750, 250), strict=True))
    ]
    counts = np.zeros(codes, "float32")
    counts[:2] = 0.75, 0.25
    latents = np.concatenate(clouds).astype("float32")
    return vectors.astype("float32"), Usage(counts), latents


def revived(strategy, vectors, usage, latents, seed=1):
    return strategy.revive(vectors, usage, latents, np.random.default_rng(seed))


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_a_copied_code_moves_a_fraction_of_the_way_to_a_latent(noise):
    vectors, usage, latents = scene()
    found, mask = revived(PerturbActive(noise=noise), vectors, usage, latents)
    for parent, spread in ((0, 0.1), (1, 2.0)):
        moved = found[mask] - vectors[parent]
        near = np.abs(moved).max(axis=1) < 50
        assert near.any()
        assert moved[near].std() == pytest.approx(noise * spread, rel=0.05)


def test_copies_move_in_the_dimensions_in_which_latents_vary():
    """Nine of ten copies are chosen at once, where most of 64 dimensions say nothing."""
    rng = np.random.default_rng(0)
    wide = np.zeros(64)
    wide[:3] = 1.0, 0.5, 0.3
    latents = (rng.normal(size=(8192, 64)) * (wide + 0.01)).astype("float32")
    vectors = np.full((256, 64), 500.0, "float32")
    vectors[:16] = latents[:16]
    counts = np.zeros(256, "float32")
    counts[:16] = 1 / 16
    found, mask = revived(PerturbActive(), vectors, Usage(counts), latents)
    apart = np.square(found).sum(axis=1) - 2 * latents @ found.T
    taken = np.bincount(apart.argmin(axis=1), minlength=256)[mask]
    assert (taken > 0).mean() > 0.9


def test_busy_codes_are_copied_in_proportion_to_their_use():
    found, mask = revived(PerturbActive(), *scene())
    assert (found[mask][:, 0] < 0).mean() == pytest.approx(0.75, abs=0.06)


def test_no_copy_lies_on_the_code_that_it_copies():
    vectors, usage, latents = scene()
    latents[::2] = vectors[0]
    found, mask = revived(PerturbActive(), vectors, usage, latents)
    assert 0 < mask.sum() < len(vectors) - 2
    assert len(np.unique(found[mask], axis=0)) == mask.sum()
    assert not (found[mask] == vectors[0]).all(axis=1).any()
    np.testing.assert_array_equal(found[~mask], vectors[~mask])


def test_a_code_without_recent_latents_is_not_copied():
    vectors, usage, latents = scene()
    found, mask = revived(PerturbActive(), vectors, usage, latents[:750])
    assert mask.any()
    assert (np.abs(found[mask] - vectors[0]) < 50).all()


def test_perturb_active_revives_no_code_where_all_codes_are_unused():
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


@pytest.mark.parametrize("kind", [RandomLatents, PerturbActive])
def test_only_one_code_is_revived_on_equal_latents(kind):
    vectors, usage, latents = scene()
    latents[:] = latents[[0, 1, 2, 3]].repeat(250, axis=0)
    found, mask = revived(kind(), vectors, usage, latents)
    assert mask.sum() == 4
    assert len(np.unique(found[mask], axis=0)) == 4
    np.testing.assert_array_equal(found[~mask], vectors[~mask])


def test_all_unused_codes_become_latents_in_a_dead_book():
    vectors, _, latents = scene()
    nothing = Usage(np.zeros(len(vectors), "float32"))
    _, mask = revived(RandomLatents(), vectors, nothing, latents)
    assert mask.all()


BY_SHARE = (
    ErrorWeighted,
    KMeansReseed,
    LargestError,
    PerturbActive,
    RandomLatents,
    SplitMostUsed,
)


@pytest.mark.parametrize("kind", BY_SHARE)
def test_the_threshold_is_a_fraction_of_uniform_use(kind):
    vectors, _, latents = scene(codes=4)
    usage = Usage(np.array([0.49, 0.38, 0.10, 0.03], "float32"))
    for below, dead in ((0.1, 0), (0.2, 1), (0.5, 2)):
        _, mask = revived(kind(dead_below=below), vectors, usage, latents)
        assert mask.sum() == dead


def line(*positions):
    return np.array(positions, "float32")[:, None]


def test_the_most_used_code_is_split_until_its_halves_are_used_like_the_rest():
    """0.8 and 0.2, and three unused codes: 0.8 gives 0.4, 0.4; both give 0.2, 0.2."""
    usage = Usage(np.array([0.8, 0.2, 0, 0, 0], "float32"))
    vectors = line(100, 200, 0, 0, 0)
    found, mask = revived(SplitMostUsed(), vectors, usage, vectors)
    assert mask.tolist() == [False, False, True, True, True]
    np.testing.assert_allclose(found[2:], 100, rtol=0.003)
    usage = Usage(np.array([0.6, 0.4, 0, 0, 0], "float32"))
    found, _ = revived(SplitMostUsed(), vectors, usage, vectors)
    np.testing.assert_allclose(found[2:, 0], [100, 200, 100], rtol=0.003)


def test_a_split_moves_the_copy_by_the_jitter_and_keeps_the_parent():
    vectors, _, latents = scene(codes=2000)
    counts = np.zeros(2000, "float32")
    counts[0] = 1.0
    found, mask = revived(SplitMostUsed(0.01), vectors, Usage(counts), latents)
    np.testing.assert_array_equal(found[0], vectors[0])
    factor = found[mask] / vectors[0]
    assert 0.9 < factor.min() < 0.99
    assert 1.01 < factor.max() < 1.12  # copies of copies of copies
    assert len(np.unique(found, axis=0)) == 2000


def test_a_code_of_zeros_is_not_split():
    vectors, usage = line(0, 100, 7, 7), Usage(np.array([0.9, 0.1, 0, 0], "float32"))
    found, mask = revived(SplitMostUsed(), vectors, usage, vectors)
    assert mask.sum() == 0
    np.testing.assert_array_equal(found, vectors)
    usage = Usage(np.array([0.3, 0.2, 0, 0], "float32"))
    found, mask = revived(SplitMostUsed(), vectors, usage, vectors)
    assert mask.tolist() == [False, False, False, True]
    np.testing.assert_allclose(found[:, 0], [0, 100, 7, 100], rtol=0.003)


def test_unused_codes_go_to_the_latents_with_the_largest_error():
    vectors, usage = line(0, 10, 99, 99), Usage(np.array([0.5, 0.5, 0, 0], "float32"))
    latents = line(0.5, 3, 10, 14, 14, 9)
    found, mask = revived(LargestError(), vectors, usage, latents)
    assert mask.tolist() == [False, False, True, True]
    assert found[mask][:, 0].tolist() == [14, 3]


@pytest.mark.parametrize("kind", [LargestError, ErrorWeighted, KMeansReseed])
def test_no_code_goes_to_a_latent_without_error(kind):
    vectors, usage = line(0, 10, 99, 99), Usage(np.array([0.5, 0.5, 0, 0], "float32"))
    found, mask = revived(kind(), vectors, usage, line(0, 10, 10, 13))
    assert mask.tolist() == [False, False, True, False]
    assert found[2] == 13


def test_no_code_is_revived_at_a_cluster_centre_that_equals_a_used_code():
    rows = np.random.default_rng(0).normal(1, 1, (4, 16)).astype("float32")
    vectors = np.concatenate([rows[:3], np.full((3, 16), 99, "float32")])
    usage = Usage(np.array([0.4, 0.3, 0.3, 0, 0, 0], "float32"))
    found, mask = revived(KMeansReseed(), vectors, usage, rows)
    assert mask.sum() == 1
    np.testing.assert_allclose(found[mask], rows[3:], rtol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_equal_cluster_centres_get_one_code(seed):
    latents = line(*range(1, 9)).repeat(9, axis=0)
    vectors, usage = line(0, *[99] * 7), Usage(np.eye(8, dtype="float32")[0])
    found, mask = revived(KMeansReseed(iterations=1), vectors, usage, latents, seed)
    assert mask.any()
    assert len(np.unique(found[mask], axis=0)) == mask.sum()


@pytest.mark.processes
def test_codes_are_drawn_in_proportion_to_the_squared_error():
    vectors, usage = line(0, 500), Usage(np.array([1, 0], "float32"))
    latents = line(1, 3, -3, 0)
    drawn = [
        float(revived(ErrorWeighted(), vectors, usage, latents, seed)[0][1, 0])
        for seed in range(2000)
    ]
    share = {value: drawn.count(value) / 2000 for value in (1, 3, -3, 0)}
    assert share[0] == 0
    assert share[1] == pytest.approx(1 / 19, abs=0.02)
    assert share[3] == pytest.approx(9 / 19, abs=0.04)


def test_a_code_moves_when_it_was_not_chosen_for_long_but_not_when_it_is_rarely_chosen():
    vectors, _, latents = scene(codes=4)
    age = np.array([0, 999, 1000, 5000], "float32")
    usage = Usage(np.array([0.9999, 0.0001, 0, 0], "float32"), age=age)
    found, mask = revived(LeastRecentlyUsed(1000), vectors, usage, latents)
    assert mask.tolist() == [False, False, True, True]
    rows = {row.tobytes() for row in latents}
    assert all(row.tobytes() in rows for row in found[mask])


def test_unused_codes_go_to_the_clusters_without_a_code():
    rng = np.random.default_rng(0)
    centres = np.repeat([0, 100, 200, 300], 2)
    clouds = [centre + rng.normal(size=(50, 1)) for centre in centres]
    latents = np.concatenate(clouds).astype("float32")
    vectors = line(0.5, 99.5, -900, -900, 0, 0, 0, 0)
    usage = Usage(np.array([0.25, 0.25, 0, 0, 0.125, 0.125, 0.125, 0.125], "float32"))
    found, mask = revived(KMeansReseed(iterations=50), vectors, usage, latents)
    assert mask.tolist() == [False, False, True, True] + 4 * [False]
    near = {round(float(code) / 100) for code in found[mask][:, 0]}
    assert near <= {2, 3}
    assert 3 in near


STRATEGIES = {
    "distance",
    "error_weighted",
    "kmeans_reseed",
    "largest_error",
    "least_recently_used",
    "split_most_used",
}


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_the_examples_are_right(name):
    found = doctest.testmod(import_module(f"vqfw_revival.{name}"))
    assert found.attempted
    assert not found.failed
