"""The checks of image augmentations: each catches its mistake, and it alone."""

import itertools
import random
import sys
from threading import Lock

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from vqfw.kinds import Augmentation, ImageAugmentation
from vqfw.testing import checks, general_checks, parametrize_with_checks
from vqfw.testing.component import outcomes


class Dim(ImageAugmentation):
    """Right; the mistakes change one thing."""

    def apply(self, image, rng):
        factor = self.factor(rng)
        return image.point(lambda value: value * factor)

    def factor(self, rng):
        return float(rng.uniform(0.5, 0.9))


class Spotted(ImageAugmentation):
    """Right, and written with arrays, as for albumentations."""

    def apply(self, image, rng):
        pixels = np.array(image)
        pixels[tuple(rng.integers(0, pixels.shape[:2]))] = 255
        return Image.fromarray(pixels)


class OneAtATime(Dim):
    """Right, if slow: threads wait for each other."""

    def __init__(self):
        self.lock = Lock()

    def apply(self, image, rng):
        with self.lock:
            self.now = self.factor(rng)
            return ImageEnhance.Brightness(image).enhance(self.now)


class DrawsOnItsOwn(Dim):
    def factor(self, rng):
        return super().factor(np.random.default_rng())


class CountsItsCalls(Dim):
    def __init__(self):
        self.calls = itertools.count()

    def factor(self, rng):
        return 0.5 + 0.4 * (next(self.calls) % 2)


class ChangesWhatItIsGiven(Dim):
    def apply(self, image, rng):
        changed = super().apply(image, rng)
        image.putpixel((0, 0), 0)
        return changed


class GivesAnArray(Dim):
    def apply(self, image, rng):
        changed = super().apply(image, rng)
        return np.asarray(changed) if image.mode == "RGB" else changed


class Crops(Dim):
    def apply(self, image, rng):
        changed = super().apply(image, rng)
        return changed if image.mode == "L" else changed.resize((24, 24))


class TurnsGrey(Dim):
    def apply(self, image, rng):
        return super().apply(image, rng).convert("L")


class OnlyColour(Dim):
    def apply(self, image, rng):
        red, green, blue = super().apply(image, rng).split()
        return Image.merge("RGB", (red, green, blue))


class MakesColour(Dim):
    def apply(self, image, rng):
        return super().apply(image, rng).convert("RGB")


class DoesNothing(Dim):
    def factor(self, rng):
        return 1.0


class DrawsFromPython(Dim):
    def factor(self, rng):
        return random.uniform(0.5, 0.9)


class DrawsFromNumPy(Dim):
    def factor(self, rng):
        return np.random.uniform(0.5, 0.9)


class SeedsNumPy(Dim):
    def factor(self, rng):
        np.random.seed(int(rng.integers(2**31)))
        return np.random.uniform(0.5, 0.9)


class RemembersItsFactor(Dim):
    def apply(self, image, rng):
        self.now = self.factor(rng)
        return image.point(lambda value: value * self.now)


PLANTED = {
    DrawsOnItsOwn: "equal_generators_give_equal_results",
    CountsItsCalls: "equal_generators_give_equal_results",
    ChangesWhatItIsGiven: "the_picture_handed_in_stays_as_it_is",
    GivesAnArray: "colour_keeps_its_size_and_mode",
    Crops: "colour_keeps_its_size_and_mode",
    TurnsGrey: "colour_keeps_its_size_and_mode",
    OnlyColour: "grey_pictures_are_taken",
    MakesColour: "grey_pictures_are_taken",
    DoesNothing: "it_changes_pictures",
    DrawsFromPython: "the_global_generators_are_left_alone",
    DrawsFromNumPy: "the_global_generators_are_left_alone",
    SeedsNumPy: "the_global_generators_are_left_alone",
    RemembersItsFactor: "threads_do_not_disturb_each_other",
}


@parametrize_with_checks("augmentation", [Dim, Spotted, OneAtATime, lambda: Dim()])
def test_an_image_augmentation_keeps_the_contract(check, factory):
    check(factory)


@pytest.mark.mutations
@pytest.mark.parametrize("mistake", PLANTED, ids=lambda mistake: mistake.__name__)
def test_each_planted_mistake_fails_one_check_and_passes_all_the_rest(
    mistake, complaints
):
    assert complaints("augmentation", mistake, PLANTED[mistake]) == [PLANTED[mistake]]


def test_every_check_has_its_planted_mistake():
    names = {check.__name__ for check in checks("augmentation", Dim)}
    assert names == set(PLANTED.values())


def test_each_form_has_checks_of_its_own():
    class Tensors(Augmentation):
        def draw(self, rng, count):
            return {}

        def apply(self, images, params):
            return images

    tensors = checks("augmentation")
    assert checks("augmentation", Tensors) == tensors
    pictures = checks("augmentation", Dim)
    assert checks("augmentation", lambda: Dim()) == pictures
    assert not set(tensors) & set(pictures)


def test_a_check_restores_the_global_generators_and_the_trace_function(complaints):
    random.seed(3)
    np.random.seed(3)
    before = random.getstate(), np.random.get_state()[1].tolist(), sys.gettrace()
    complaints("augmentation", SeedsNumPy, "the_global_generators_are_left_alone")
    complaints("augmentation", Dim, "threads_do_not_disturb_each_other")
    after = random.getstate(), np.random.get_state()[1].tolist(), sys.gettrace()
    assert after == before


def test_a_component_of_a_package_is_checked_by_the_checks_of_its_form(install):
    from vqfw.authoring.components import find_component

    source = (
        "from PIL import ImageOps\n"
        "from vqfw.kinds import ImageAugmentation\n"
        "class Coarse(ImageAugmentation):\n"
        "    def apply(self, image, rng):\n"
        "        return ImageOps.posterize(image, int(rng.integers(3, 6)))\n"
    )
    install("vqfw-coarse", source, {"vqfw.augmentations": "coarse = MODULE:Coarse"})
    found = list(outcomes(find_component("augmentation/coarse")))
    assert [each.complaint for each in found] == [None] * len(found)
    every = (*general_checks(), *checks("augmentation", Dim))
    names = [check.__name__ for check in every]
    assert [each.check for each in found] == names
