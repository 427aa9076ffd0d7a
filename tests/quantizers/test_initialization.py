"""Where ``initialize`` places the codes of a book."""

import numpy as np
import pytest
from vqfw_quantizers import initialization
from vqfw_quantizers.initialization import kmeans, kmeans_plus_plus


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def test_kmeans_finds_the_centres_of_clusters():
    places = 10 * random(4, 3)
    latents = (places[:, None] + 0.1 * random(4, 50, 3, seed=1)).reshape(-1, 3)
    centres = kmeans(latents, 4, seed=0)
    gap = np.abs(places[:, None] - centres[None]).max(axis=-1).min(axis=1)
    assert gap.max() < 0.1
    assert centres.dtype == np.float32


@pytest.mark.parametrize("count", [1, 3, 16])
def test_fewer_latents_than_codes_give_different_codes_near_latents(count):
    latents = random(count, 8)
    centres = kmeans(latents, 16, seed=0)
    assert centres.shape == (16, 8)
    assert np.isfinite(centres).all()
    assert len(np.unique(centres, axis=0)) == 16
    gap = np.linalg.norm(centres[:, None] - latents[None], axis=-1)
    assert gap.min(axis=1).max() < 0.3  # codes stay near latents
    assert gap.min(axis=0).max() < 0.3  # and no latent is left out


def test_kmeans_counts_duplicates_as_one_latent():
    latents = np.repeat(random(3, 4), 100, axis=0)
    centres = kmeans(latents, 8, seed=0)
    assert np.isfinite(centres).all()
    assert len(np.unique(centres, axis=0)) == 8


def test_kmeans_gives_different_codes_for_equal_latents():
    assert len(np.unique(kmeans(np.ones((9, 4), "float32"), 4, seed=0), axis=0)) == 4


def test_kmeans_is_repeatable_by_its_seed():
    latents = random(200, 4)
    first, again, other = (kmeans(latents, 8, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_kmeans_samples_latents_but_at_least_as_many_as_codes(monkeypatch):
    monkeypatch.setattr(initialization, "MOST_LATENTS", 10)
    centres = kmeans(random(300, 2), 20, seed=0)
    assert len(np.unique(centres, axis=0)) == 20


def test_kmeans_plus_plus_places_codes_on_distant_latents():
    places = 10 * random(4, 3)
    latents = (places[:, None] + 0.1 * random(4, 50, 3, seed=1)).reshape(-1, 3)
    chosen = kmeans_plus_plus(latents, 4, seed=0)
    gap = np.abs(places[:, None] - chosen[None]).max(axis=-1).min(axis=1)
    assert gap.max() < 0.5
    assert all((each == latents).all(axis=-1).any() for each in chosen)


@pytest.mark.parametrize("place", [kmeans, kmeans_plus_plus])
def test_a_large_book_is_placed_on_latents_too(place, monkeypatch):
    monkeypatch.setattr(initialization, "LARGEST_BOOK_IN_FULL", 16)
    monkeypatch.setattr(initialization, "MOST_PRODUCTS", 1)
    latents = random(400, 2)
    centres = place(latents, 32, seed=0)
    assert centres.shape == (32, 2)
    assert len(np.unique(centres, axis=0)) == 32
    gap = np.linalg.norm(latents[:, None] - centres, axis=-1).min(axis=1)
    assert np.square(gap).mean() < 0.2 * np.square(latents).sum(axis=-1).mean()
