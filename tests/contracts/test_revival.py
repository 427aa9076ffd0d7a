"""The checks of revival: ours pass them, and each catches the mistake made for it."""

import numpy as np
import pytest
from vqfw_revival.error_weighted import ErrorWeighted
from vqfw_revival.kmeans_reseed import KMeansReseed
from vqfw_revival.largest_error import LargestError
from vqfw_revival.least_recently_used import LeastRecentlyUsed
from vqfw_revival.perturb_active import PerturbActive
from vqfw_revival.random_latents import RandomLatents
from vqfw_revival.split_most_used import SplitMostUsed

from vqfw.testing import checks, parametrize_with_checks
from vqfw.testing.revival import SPREAD

STRATEGIES = (
    ErrorWeighted,
    KMeansReseed,
    LargestError,
    LeastRecentlyUsed,
    PerturbActive,
    RandomLatents,
    SplitMostUsed,
)


@parametrize_with_checks("revival", STRATEGIES)
def test_a_strategy_keeps_the_contract(check, factory):
    check(factory)


class WritesIntoTheLatents(RandomLatents):
    def revive(self, vectors, usage, latents, rng):
        revived, mask = super().revive(vectors, usage, latents, rng)
        latents *= 1.5
        return revived, mask


class MarksTheOthers(RandomLatents):
    def revive(self, vectors, usage, latents, rng):
        revived, mask = super().revive(vectors, usage, latents, rng)
        if mask.any() and not mask.all():
            revived[np.flatnonzero(~mask)[0]] += 1e-3
        return revived, mask


class MovesBusyCodesToo(RandomLatents):
    def revive(self, vectors, usage, latents, rng):
        revived, mask = super().revive(vectors, usage, latents, rng)
        if mask.any() and not mask.all():
            first = np.flatnonzero(~mask)[0]
            revived[first] += 1e-3
            mask[first] = True
        return revived, mask


class NoiseAsWideAsTheCluster(PerturbActive):
    def revive(self, vectors, usage, latents, rng):
        revived, mask = super().revive(vectors, usage, latents, rng)
        noise = SPREAD * rng.normal(size=revived.shape)
        return revived + (mask[:, None] * noise).astype("float32"), mask


class OwnGenerator(RandomLatents):
    def revive(self, vectors, usage, latents, rng):
        return super().revive(vectors, usage, latents, np.random.default_rng())


class AlwaysMovesOne(RandomLatents):
    def revive(self, vectors, usage, latents, rng):
        revived, mask = super().revive(vectors, usage, latents, rng)
        if not mask.any():
            revived[0], mask[0] = latents[0], True
        return revived, mask


class NeverTwiceTheSameLatent(RandomLatents):
    def revive(self, vectors, usage, latents, rng):
        mask = usage.dead(self.dead_below)
        revived = vectors.copy()
        revived[mask] = rng.choice(latents, mask.sum(), replace=False)
        return revived, mask


PLANTED = {
    WritesIntoTheLatents: "the_inputs_stay_as_they_are",
    MarksTheOthers: "the_mask_says_which_rows_are_new",
    MovesBusyCodesToo: "busy_codes_are_left_alone",
    NoiseAsWideAsTheCluster: "unused_codes_come_back",
    OwnGenerator: "equal_generators_give_equal_results",
    AlwaysMovesOne: "nothing_dead_changes_nothing",
    NeverTwiceTheSameLatent: "edges_do_not_crash",
}


@pytest.mark.mutations
@pytest.mark.parametrize("mistake", PLANTED, ids=lambda mistake: mistake.__name__)
def test_each_planted_mistake_fails_one_check_and_passes_all_the_rest(
    mistake, complaints
):
    assert complaints("revival", mistake, PLANTED[mistake]) == [PLANTED[mistake]]


def test_every_check_has_its_planted_mistake():
    assert {check.__name__ for check in checks("revival")} == set(PLANTED.values())
