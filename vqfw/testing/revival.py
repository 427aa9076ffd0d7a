"""The checks of every revival strategy.

A factory takes no arguments and makes a fresh strategy. Half of the codes are the centres
of clusters of latents, and half are far away and unused.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from vqfw.kinds import Revival, Usage, nearest
from vqfw.kinds.tensors import Floats, Mask
from vqfw.testing.check import (
    Factory,
    checks_in,
    explained,
    require,
    require_repeatable,
)

CODES = 64
DIMENSIONS = 64
LATENTS_A_CLUSTER = 32
LONG = 1_000_000  # images since an unused code was last chosen
SPREAD = 0.3  # of a cluster, along one dimension; its centres have unit variance


class Scene(NamedTuple):
    """The arguments of ``revive``."""

    vectors: Floats
    usage: Usage
    latents: Floats


def the_inputs_stay_as_they_are(factory: Factory) -> None:
    """``revive`` does not change its vectors, counts, ages and latents."""
    scene = _scene()
    before = [each.copy() for each in _arrays(scene)]
    _revived(factory(), scene)
    names = ("vectors", "counts", "ages", "latents")
    for name, old, new in zip(names, before, _arrays(scene), strict=True):
        require(
            np.array_equal(old, new),
            f"the strategy changed its {name}: change and return a copy",
        )


def the_mask_says_which_rows_are_new(factory: Factory) -> None:
    """The result keeps shape and type, and differs in exactly the rows of the mask."""
    scene = _scene()
    vectors, mask = _revived(factory(), scene)
    require(
        vectors.shape == scene.vectors.shape and vectors.dtype == np.float32,
        f"the codes came back as {vectors.dtype} {vectors.shape} instead of float32 "
        f"{scene.vectors.shape}: fill the rows of a copy",
    )
    require(
        mask.shape == (CODES,) and mask.dtype == np.bool_,
        f"the mask is {mask.dtype} {mask.shape} instead of bool {(CODES,)}",
    )
    differs = (vectors != scene.vectors).any(axis=1)
    require(
        np.array_equal(differs, mask),
        f"{int((differs & ~mask).sum())} rows outside the mask changed and "
        f"{int((mask & ~differs).sum())} inside did not: mark exactly the rows written",
    )


def busy_codes_are_left_alone(factory: Factory) -> None:
    """Codes with at least uniform use do not move."""
    scene = _scene()
    _, mask = _revived(factory(), scene)
    busy = ~np.asarray(scene.usage.dead(1.0))
    require(
        not mask[busy].any(),
        f"{int(mask[busy].sum())} codes with uniform use were moved: revive only the codes "
        "of usage.dead(...)",
    )


def unused_codes_come_back(factory: Factory) -> None:
    """Nearly all revived codes are the nearest code of a latent."""
    scene = _scene()
    vectors, mask = _revived(factory(), scene)
    require(mask.any(), "half of the codes were unused and none was revived")
    chosen = ops.convert_to_numpy(nearest(scene.latents, vectors))
    counts = np.bincount(chosen, minlength=CODES)
    used = (counts[mask] > 0).mean()
    require(
        used >= 0.95,
        f"only {used:.0%} of the revived codes are chosen by a latent: place them on "
        "latents, or beside a used code, a tenth of the spread of its latents away",
    )
    share = counts[mask].sum() / counts.sum()
    fair = mask.sum() / len(scene.latents)
    require(
        share >= 0.9 * fair,
        f"the revived codes take {share:.2%} of the latents, less than one latent each",
    )


def equal_generators_give_equal_results(factory: Factory) -> None:
    """Equal random generators give equal codes, in one strategy and in a fresh one."""
    require_repeatable(
        factory,
        lambda strategy, seed: _revived(strategy, _scene(), seed),
        "equal generators gave different codes: draw from the argument rng alone, and "
        "keep no state",
    )


def nothing_dead_changes_nothing(factory: Factory) -> None:
    """No code moves where every code is in use."""
    uniform = Usage(np.full(CODES, 1 / CODES, "float32"), age=np.zeros(CODES))
    scene = _scene()._replace(usage=uniform)
    vectors, mask = _revived(factory(), scene)
    require(
        not mask.any() and np.array_equal(vectors, scene.vectors),
        "codes moved although all are in use: return the vectors and an empty mask",
    )


def edges_do_not_crash(factory: Factory) -> None:
    """Codes stay finite for an unused codebook, a single latent, or equal latents."""
    scene = _scene()
    nothing = Usage(np.zeros(CODES, "float32"), age=np.full(CODES, LONG))
    edges = {
        "a book without any use": scene._replace(usage=nothing),
        "a single latent": scene._replace(latents=scene.latents[:1]),
        "both at once": scene._replace(usage=nothing, latents=scene.latents[:1]),
        "equal latents": scene._replace(latents=np.ones_like(scene.latents)),
    }
    for name, edge in edges.items():
        with explained(
            f"it fails with {name}",
            "draw with replacement where there are too few, and divide by no count that "
            "may be 0",
        ):
            vectors, _ = _revived(factory(), edge)
        require(np.isfinite(vectors).all(), f"codes are not finite with {name}")


CHECKS = checks_in(globals())


def _scene() -> Scene:
    """Every even code is the centre of a cluster of latents; odd ones are far away."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CODES // 2, DIMENSIONS))
    around = rng.normal(size=(LATENTS_A_CLUSTER, *centres.shape))
    latents = (centres + SPREAD * around).reshape(-1, DIMENSIONS).astype("float32")
    vectors = 20 + rng.normal(size=(CODES, DIMENSIONS))
    vectors[::2] = centres
    counts = np.zeros(CODES, "float32")
    counts[::2] = 2 / CODES
    usage = Usage(counts, age=np.where(counts > 0, 0, LONG))
    return Scene(vectors.astype("float32"), usage, latents)


def _arrays(scene: Scene) -> list[Any]:
    return [scene.vectors, scene.usage.counts, scene.usage.age, scene.latents]


def _revived(strategy: Revival, scene: Scene, seed: int = 1) -> tuple[Floats, Mask]:
    rng: Any = np.random.default_rng(seed)
    return strategy.revive(scene.vectors, scene.usage, scene.latents, rng)
