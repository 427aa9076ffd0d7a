"""The checks of a metric. A factory takes nothing and returns a fresh one."""

from __future__ import annotations

import math

import numpy as np

from vqfw.kinds import Metric, Score, Scored
from vqfw.testing.check import Factory, checks_in, explained, require

IMAGES = 6


def the_metric_says_unit_and_direction(factory: Factory) -> None:
    """``unit`` is a text and ``better`` is ``higher`` or ``lower``."""
    metric: Metric = factory()
    require(
        isinstance(metric.unit, str) and metric.better in ("higher", "lower"),
        f"unit is {metric.unit!r} and better is {metric.better!r}: give a text, and "
        '"higher" or "lower"',
    )


def no_images_give_no_score(factory: Factory) -> None:
    """Before the first batch there is no value and no image."""
    with explained("without images result() fails", "return Score(None, 0)"):
        found = factory().result()
    require(
        found == Score(None, 0),
        f"without images the score is {found}: return Score(None, 0)",
    )


def every_image_is_counted(factory: Factory) -> None:
    """The score is a float or None, with the number of its images."""
    found = _score(factory, scored())
    require(
        found.images == IMAGES,
        f"{IMAGES} images were given and the score rests on {found.images}: count the "
        "images, not the batches or pixels",
    )
    require(
        found.value is None
        or (type(found.value) is float and math.isfinite(found.value)),
        f"the value is {found.value!r}: give a finite float, or None where the metric "
        "does not apply",
    )


def the_score_does_not_depend_on_the_batches(factory: Factory) -> None:
    """The score is the same for other batches of the same images."""
    whole = _score(factory, scored())
    cut = _score(factory, part(0, 1), part(1, IMAGES))
    require(
        _close(whole.value, cut.value),
        f"six images at once score {whole.value}, one and five {cut.value}: collect "
        "sums and counts, do not average the averages of batches",
    )


def two_metrics_share_nothing(factory: Factory) -> None:
    """Two metrics share no state, and ``result`` changes none."""
    used = factory()
    fresh = factory()
    used.update(scored())
    require(
        fresh.result() == Score(None, 0),
        "a metric that saw nothing has a score after another one was updated: make "
        "lists and arrays in __init__, not in the class",
    )
    first, again = used.result(), used.result()
    require(
        first == again,
        f"result() gave {first} and then {again}: it must only read",
    )


def a_perfect_reconstruction_is_not_worse(factory: Factory) -> str | None:
    """In the direction of ``better``, originals score no worse than noisy images."""
    batch = scored()
    noisy = _score(factory, batch).value
    perfect = _score(factory, batch._replace(reconstruction=batch.original)).value
    if noisy is None or perfect is None:
        return "it has no score for these images"
    sign = 1 if factory().better == "higher" else -1
    require(
        sign * perfect >= sign * noisy,
        f"the originals score {perfect:.4g} and noisy images {noisy:.4g}, but "
        f'better is "{factory().better}": turn one of the two around',
    )
    return None


def images_without_tokens_are_taken(factory: Factory) -> None:
    """Images of a model without tokens get a score or None, and no error."""
    bare = scored()._replace(tokens=None, vocabulary=())
    with explained(
        "without tokens it fails", "where tokens are needed give Score(None, images)"
    ):
        found = _score(factory, bare)
    require(
        found.images == IMAGES,
        f"without tokens the score rests on {found.images} of {IMAGES} images",
    )


CHECKS = checks_in(globals())


def scored() -> Scored:
    """Six noisy images of unequal difficulty, with tokens of a book of 8."""
    rng = np.random.default_rng(0)
    original = rng.random((IMAGES, 20, 16, 3), dtype="float32")
    spread = np.linspace(0.02, 0.3, IMAGES).reshape(-1, 1, 1, 1)
    noise = rng.normal(size=original.shape) * spread
    return Scored(
        original=original,
        reconstruction=np.clip(original + noise, 0, 1).astype("float32"),
        tokens=rng.integers(0, 8, (IMAGES, 5, 4, 1)).astype("int32"),
        vocabulary=(8,),
        ids=tuple(f"{at}.png" for at in range(IMAGES)),
        groups=("someone",) * IMAGES,
    )


def part(start: int, stop: int) -> Scored:
    """Some of these images."""
    whole, rows = scored(), slice(start, stop)
    assert whole.tokens is not None
    return whole._replace(
        original=whole.original[rows],
        reconstruction=whole.reconstruction[rows],
        tokens=whole.tokens[rows],
        ids=whole.ids[rows],
        groups=whole.groups[rows],
    )


def _score(factory: Factory, *batches: Scored) -> Score:
    metric: Metric = factory()
    for batch in batches:
        metric.update(batch)
    return metric.result()


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-6)
