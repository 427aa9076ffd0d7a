import numpy as np
import pytest
from PIL import ImageEnhance
from vqfw_augmentations.color import Brightness, Contrast, Saturation
from vqfw_augmentations.filters import Sharpness

PAIRS = [
    (Brightness, ImageEnhance.Brightness),
    (Contrast, ImageEnhance.Contrast),
    (Saturation, ImageEnhance.Color),
    (Sharpness, ImageEnhance.Sharpness),
]


@pytest.mark.parametrize("factor", [0.0, 0.5, 0.8, 1.3, 1.9])
@pytest.mark.parametrize(("ours", "pillows"), PAIRS)
def test_enhancement_is_pillows_to_a_grey_level(
    ours, pillows, factor, picture, changed, levels
):
    found = changed(ours(), picture, factor=factor)
    difference = levels(found, pillows(picture).enhance(factor))
    # Pillow truncates the blend and rounds what it blends with, each by up to a level.
    assert difference.mean() <= 1
    assert difference.max() <= 2


def test_contrast_of_zero_is_one_grey_in_all_channels(photograph, changed):
    found = changed(Contrast(), photograph, factor=0.0)
    assert np.ptp(found) < 1e-3


def test_saturation_leaves_grey_images_alone(photograph, changed):
    grey = photograph.convert("L")
    found = changed(Saturation(), grey, factor=1.7)
    np.testing.assert_array_equal(found, changed(Saturation(), grey, factor=1.0))


def test_sharpness_leaves_the_outermost_pixels_alone(photograph, changed):
    found = changed(Sharpness(), photograph, factor=1.5)
    before = np.asarray(photograph, "float32")
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        np.testing.assert_allclose(found[edge], before[edge], atol=1e-4)
    assert np.abs(found - before)[1:-1, 1:-1].mean() > 1


@pytest.mark.parametrize(("ours", "_"), PAIRS)
def test_drawn_factors_cover_the_range_of_strength_and_stay_in_it(ours, _):
    factor = ours(strength=0.25).draw(np.random.default_rng(0), 4000)["factor"]
    assert 0.75 <= factor.min() < 0.76
    assert 1.24 < factor.max() <= 1.25
    assert abs(factor.mean() - 1) < 0.01
