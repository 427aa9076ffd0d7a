"""The checks of losses, metrics, augmentations and datasets: each catches its mistake."""

import itertools
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from vqfw_augmentations.color import Brightness, Contrast, Saturation
from vqfw_augmentations.filters import GaussianBlur, Sharpness
from vqfw_augmentations.geometry import HorizontalFlip, Rotation, Translation, Zoom
from vqfw_augmentations.noise import GaussianNoise
from vqfw_datasets.image_folder import ImageFolder
from vqfw_datasets.orl import ORL
from vqfw_datasets.synthetic_faces import SyntheticFaces
from vqfw_losses.pixel import MAE, MSE
from vqfw_metrics.codebook import CodebookUsage, Perplexity
from vqfw_metrics.psnr import PSNR
from vqfw_metrics.ssim import SSIM

from vqfw.kinds import Augmentation, Dataset, Drawn, Loss, Metric, Score
from vqfw.testing import checks, parametrize_with_checks


@parametrize_with_checks("loss", [MSE, MAE])
def test_every_first_party_loss_passes_its_checks(check, factory):
    check(factory)


@parametrize_with_checks("metric", [PSNR, SSIM, CodebookUsage, Perplexity])
def test_every_first_party_metric_passes_its_checks(check, factory):
    check(factory)


@parametrize_with_checks(
    "augmentation",
    [
        Brightness,
        Contrast,
        GaussianBlur,
        GaussianNoise,
        HorizontalFlip,
        Rotation,
        Saturation,
        Sharpness,
        Translation,
        Zoom,
    ],
)
def test_an_augmentation_keeps_the_contract(check, factory):
    check(factory)


def few_faces():
    return SyntheticFaces(count=12, people=4, size=16)


def few_files():
    """Pictures whose groups are left to the engine."""
    first = next(iter(ORL().records())).open()
    with first:
        return ImageFolder(str(Path(first.name).parent))


@parametrize_with_checks("dataset", [few_faces, few_files, ORL])
def test_a_dataset_keeps_the_contract(check, factory):
    check(factory)


class Squares(Loss):
    """Right; the mistakes change one thing."""

    def __call__(self, original, reconstruction):
        apart = self.apart(original, reconstruction)
        return ops.mean(ops.square(apart), axis=(1, 2, 3))

    def apart(self, original, reconstruction):
        return ops.cast(original, "float32") - ops.cast(reconstruction, "float32")


class OneForAll(Squares):
    def __call__(self, *pair):
        return super().__call__(*pair)[:, None]


class WrongSign(Squares):
    def __call__(self, *pair):
        return 1 - super().__call__(*pair)


class Summed(Squares):
    def __call__(self, *pair):
        return ops.sum(ops.square(self.apart(*pair)), axis=(1, 2, 3))


class SharedAmongTheBatch(Squares):
    def __call__(self, *pair):
        each = super().__call__(*pair)
        return each + 0.5 * ops.mean(each)


class InSixteenBits(Squares):
    def __call__(self, original, reconstruction):
        found = ops.mean(ops.square(original - reconstruction), axis=(1, 2, 3))
        return ops.cast(found, "float32")


class RootAtZero(Squares):
    def __call__(self, *pair):
        return ops.mean(ops.sqrt(ops.square(self.apart(*pair))), axis=(1, 2, 3))


class HasLayersInAList(Squares):
    def __init__(self):
        self.maps = [{"first": (keras.layers.Dense(2, kernel_initializer="ones"),)}]

    def __call__(self, original, reconstruction):
        (dense,) = self.maps[0]["first"]
        mapped = [ops.cast(each, "float32") for each in (original, reconstruction)]
        if original.shape[-1] == 3:
            mapped = [ops.concatenate([each, dense(each)], axis=-1) for each in mapped]
        return super().__call__(*mapped)


class Error(Metric):
    """Right; the mistakes change one thing."""

    better = "lower"

    def __init__(self):
        self.total, self.images = 0.0, 0

    def update(self, scored):
        apart = scored.original - scored.reconstruction
        self.total += float(np.square(apart).mean(axis=(1, 2, 3)).sum())
        self.images += len(scored.ids)

    def result(self):
        if not self.images:
            return Score(None, 0)
        return Score(self.total / self.images, self.images)


class NoDirection(Error):
    better = "less"


class ScoresNothing(Error):
    def result(self):
        return super().result() if self.images else Score(0.0, 0)


class CountsBatches(Error):
    batches = 0

    def update(self, scored):
        super().update(scored)
        self.batches += 1

    def result(self):
        return super().result()._replace(images=self.batches)


class AveragesAverages(Error):
    def __init__(self):
        super().__init__()
        self.means = []

    def update(self, scored):
        super().update(scored)
        apart = scored.original - scored.reconstruction
        self.means.append(float(np.square(apart).mean()))

    def result(self):
        found = super().result()
        return (
            found if not self.means else Score(float(np.mean(self.means)), found.images)
        )


class ForgetsWhenAsked(Error):
    def result(self):
        found = super().result()
        self.__init__()
        return found


class WrongDirection(Error):
    better = "higher"


class NeedsTokens(Error):
    def update(self, scored):
        super().update(scored)
        self.codes = scored.tokens.max()


class Dim(Augmentation):
    """Right; the mistakes change one thing."""

    def draw(self, rng, count):
        return {"factor": rng.uniform(0.5, 1.0, count).astype("float32")}

    def apply(self, images, params):
        factor = ops.cast(params["factor"], "float32")
        return images * ops.reshape(factor, (-1, 1, 1, 1))


class DrawsInSixtyFourBits(Dim):
    def draw(self, rng, count):
        return {"factor": rng.uniform(0.5, 1.0, count)}


class DrawsOnItsOwn(Dim):
    def draw(self, rng, count):
        return super().draw(np.random.default_rng(), count)


class SwapsTheSides(Dim):
    def apply(self, images, params):
        return ops.transpose(super().apply(images, params), (0, 2, 1, 3))


class DrawsWhileItApplies(Dim):
    calls = itertools.count()

    def apply(self, images, params):
        if ops.is_tensor(images) and not isinstance(images, keras.KerasTensor):
            images = images + 1e-6 * (next(self.calls) % 2)
        return super().apply(images, params)


class SharesItsMean(Dim):
    def apply(self, images, params):
        return super().apply(images, params) + 0.1 * ops.mean(images)


class BranchesInPython(Dim):
    def apply(self, images, params):
        if float(ops.convert_to_numpy(params["factor"])[0]) > 2:
            return images
        return super().apply(images, params)


class Grey(Dataset):
    """Right; the mistakes change one thing."""

    channels = 1

    def records(self):
        for at in range(4):
            yield Drawn(f"{at}.png", f"person {at // 2}", self.pixels(at))

    def pixels(self, at):
        return np.full((8, 8, 1), at, "uint8")

    def fingerprint(self):
        return "grey"


class OneIdForAll(Grey):
    def records(self):
        for record in super().records():
            yield Drawn("face.png", record.group, np.zeros((8, 8, 1), "uint8"))


class TornGroups(Grey):
    def records(self):
        for at, record in enumerate(super().records()):
            split = ("train", "test")[at % 2]
            yield Drawn(record.id, record.group, record.pixels, split)


class InColour(Grey):
    def pixels(self, at):
        return np.full((8, 8, 3), at, "uint8")


class NeverTheSame(Grey):
    calls = itertools.count()

    def pixels(self, at):
        return np.full((8, 8, 1), next(self.calls) % 251, "uint8")


class Dated(Grey):
    def fingerprint(self):
        return str(time.perf_counter_ns())


PLANTED = {
    "loss": {
        OneForAll: "the_loss_is_one_float32_an_image",
        WrongSign: "the_original_has_the_least_loss",
        Summed: "the_loss_does_not_grow_with_the_image",
        SharedAmongTheBatch: "the_loss_of_an_image_is_its_own",
        InSixteenBits: "bfloat16_images_are_computed_in_float32",
        RootAtZero: "the_gradient_is_finite_at_the_original_too",
        HasLayersInAList: "its_weights_are_frozen",
    },
    "metric": {
        NoDirection: "the_metric_says_unit_and_direction",
        ScoresNothing: "no_images_give_no_score",
        CountsBatches: "every_image_is_counted",
        AveragesAverages: "the_score_does_not_depend_on_the_batches",
        ForgetsWhenAsked: "two_metrics_share_nothing",
        WrongDirection: "a_perfect_reconstruction_is_not_worse",
        NeedsTokens: "images_without_tokens_are_taken",
    },
    "augmentation": {
        DrawsInSixtyFourBits: "draw_gives_a_row_an_image",
        DrawsOnItsOwn: "draw_depends_on_the_generator_alone",
        SwapsTheSides: "apply_keeps_shape_and_type",
        DrawsWhileItApplies: "apply_draws_nothing",
        SharesItsMean: "an_image_does_not_depend_on_its_batch",
        BranchesInPython: "the_compiled_step_gives_what_eager_gives",
    },
    "dataset": {
        OneIdForAll: "ids_are_unique_relative_paths",
        TornGroups: "every_image_has_a_group_in_one_split",
        InColour: "images_have_the_stated_channels",
        NeverTheSame: "reading_twice_gives_the_same",
        Dated: "the_fingerprint_stays",
    },
}
# Some mistakes break other promises with them: what has no direction has no better one.
ALSO = {
    OneForAll: {"bfloat16_images_are_computed_in_float32"},
    NoDirection: {"a_perfect_reconstruction_is_not_worse"},
    ScoresNothing: {"two_metrics_share_nothing"},
    CountsBatches: {"images_without_tokens_are_taken"},
}


@pytest.mark.mutations
@pytest.mark.parametrize(
    ("kind", "mistake"),
    [(kind, mistake) for kind, mistakes in PLANTED.items() for mistake in mistakes],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_a_planted_mistake_is_caught_by_its_check(kind, mistake, complaints):
    if mistake is BranchesInPython and keras.backend.backend() == "torch":
        pytest.skip("torch compiles nothing, so Python may look at a tensor there")
    expected = PLANTED[kind][mistake]
    found = set(complaints(kind, mistake, expected))
    assert expected in found
    assert found - {expected} <= ALSO.get(mistake, set())


@pytest.mark.mutations
@pytest.mark.parametrize(
    ("kind", "right"),
    [("loss", Squares), ("metric", Error), ("augmentation", Dim), ("dataset", Grey)],
)
def test_the_base_of_each_planted_mistake_passes(kind, right, complaints):
    assert [
        check for check in checks(kind) if complaints(kind, right, check.__name__)
    ] == []


@pytest.mark.parametrize("kind", PLANTED)
def test_every_check_has_its_planted_mistake(kind):
    assert {check.__name__ for check in checks(kind)} == set(PLANTED[kind].values())
