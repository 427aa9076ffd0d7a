"""What every metric promises, on the backend that KERAS_BACKEND names."""

import numpy as np
import pytest
from vqfw_metrics.codebook import CodebookUsage, Perplexity
from vqfw_metrics.psnr import PSNR
from vqfw_metrics.ssim import SSIM

from vqfw.kinds import Metric, Score, Scored

PER_IMAGE = [PSNR, SSIM]
POOLED = [CodebookUsage, Perplexity]


def named(kinds):
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.__name__)


def scored(count=6, channels=3, seed=0, tokens=True):
    rng = np.random.default_rng(seed)
    original = rng.random((count, 20, 16, channels), dtype="float32")
    noise = rng.normal(0, 0.1, original.shape).astype("float32")
    return Scored(
        original=original,
        reconstruction=np.clip(original + noise, 0, 1),
        tokens=rng.integers(0, 8, (count, 5, 4, 1), "int32") if tokens else None,
        vocabulary=(8,) if tokens else (),
        ids=tuple(str(at) for at in range(count)),
        groups=("someone",) * count,
    )


def part(batch, rows):
    return batch._replace(
        original=batch.original[rows],
        reconstruction=batch.reconstruction[rows],
        tokens=batch.tokens[rows],
        ids=batch.ids[rows],
        groups=batch.groups[rows],
    )


def score(kind, *batches):
    metric = kind()
    for batch in batches:
        metric.update(batch)
    return metric.result()


@named(PER_IMAGE + POOLED)
def test_a_metric_says_unit_and_direction(kind):
    assert issubclass(kind, Metric)
    assert isinstance(kind.unit, str)
    assert kind.better in ("higher", "lower")


@named(PER_IMAGE + POOLED)
def test_the_score_does_not_depend_on_the_batches(kind):
    batch = scored()
    whole = score(kind, batch)
    cut = score(kind, part(batch, slice(0, 1)), part(batch, slice(1, 6)))
    assert whole.images == cut.images == 6
    assert cut.value == pytest.approx(whole.value, rel=1e-5)


@named(PER_IMAGE + POOLED)
def test_no_images_give_no_score(kind):
    assert kind().result() == Score(None, 0, None)


@named(PER_IMAGE + POOLED)
def test_two_instances_of_a_metric_share_no_state(kind):
    used, fresh = kind(), kind()
    used.update(scored())
    assert fresh.result().images == 0
    assert used.result() == used.result()


@named(PER_IMAGE)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_better_reconstruction_scores_higher(kind, channels):
    batch = scored(channels=channels)
    halfway = (batch.original + batch.reconstruction) / 2
    better = score(kind, batch._replace(reconstruction=halfway))
    perfect = score(kind, batch._replace(reconstruction=batch.original))
    assert score(kind, batch).value < better.value < perfect.value


@named(PER_IMAGE)
def test_the_interval_holds_the_mean_and_needs_two_images(kind):
    whole = score(kind, scored())
    low, high = whole.interval
    assert low < whole.value < high
    assert score(kind, scored(count=1)).interval is None


@named(PER_IMAGE)
def test_the_interval_of_a_metric_is_the_95_percent_normal_interval(kind):
    batch = scored()
    single = [score(kind, part(batch, slice(at, at + 1))).value for at in range(6)]
    half = 1.959964 * np.std(single, ddof=1) / np.sqrt(6)
    assert score(kind, batch).value == pytest.approx(np.mean(single), rel=1e-5)
    low, high = score(kind, batch).interval
    assert (high - low) / 2 == pytest.approx(half, rel=1e-3)


@named(PER_IMAGE)
def test_images_are_scored_without_tokens_too(kind):
    assert score(kind, scored(tokens=False)).value == score(kind, scored()).value


@named(POOLED)
def test_a_model_without_tokens_has_no_codebook_score(kind):
    assert score(kind, scored(tokens=False)) == Score(None, 6, None)


@named(POOLED)
def test_a_pooled_score_has_no_interval(kind):
    assert score(kind, scored()).interval is None
