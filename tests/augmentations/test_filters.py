import numpy as np
import pytest
from keras import ops
from PIL import ImageFilter
from vqfw_augmentations.filters import GaussianBlur, box_kernels


@pytest.mark.parametrize("sigma", [0.1, 0.4, 0.7, 1.0, 1.4142135, 2.0, 3.0])
def test_blur_is_pillows_to_a_grey_level_up_to_the_border(
    sigma, picture, changed, levels
):
    found = changed(GaussianBlur(sigma=3.0), picture, sigma=sigma)
    difference = levels(found, picture.filter(ImageFilter.GaussianBlur(sigma)))
    # Pillow rounds to whole grey levels after each of its six passes.
    assert difference.mean() <= 0.6
    assert difference.max() <= 3
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        assert difference[edge].mean() <= 1


def test_blur_keeps_a_constant_image(photograph, changed):
    flat = photograph.resize((1, 1)).resize((31, 22))
    found = changed(GaussianBlur(), flat, sigma=1.0)
    np.testing.assert_allclose(found, np.asarray(flat, "float32"), atol=1e-3)


def test_blur_reaches_further_than_a_small_image(photograph, changed):
    small = photograph.resize((5, 4))
    found = changed(GaussianBlur(sigma=10.0), small, sigma=10.0)
    assert found.shape == (4, 5, 3)
    assert (
        np.ptp(found, axis=(0, 1)).max() < np.ptp(np.asarray(small), axis=(0, 1)).min()
    )


def test_blur_draws_widths_from_none_to_the_largest():
    sigma = GaussianBlur(sigma=2.0).draw(np.random.default_rng(0), 4000)["sigma"]
    assert 0 <= sigma.min() < 0.01
    assert 1.99 < sigma.max() <= 2


@pytest.mark.parametrize("sigma", [0.0, 0.3, 1.0, 2.5, 4.0])
def test_three_boxes_have_the_variance_of_the_gaussian(sigma):
    box = ops.convert_to_numpy(
        box_kernels(ops.convert_to_tensor(np.array([sigma], "float32")), 4.0)
    )[0]
    offsets = np.arange(len(box)) - len(box) // 2
    assert box.sum() == pytest.approx(1, abs=1e-6)
    assert 3 * (box * offsets**2).sum() == pytest.approx(sigma**2, abs=1e-4)
