import numpy as np
import pytest
from vqfw_metrics.psnr import PSNR

from vqfw.kinds import Scored


def psnr(original, reconstruction):
    metric = PSNR()
    metric.update(
        Scored(
            np.asarray(original, "float32"),
            np.asarray(reconstruction, "float32"),
            None,
            (),
            ("",) * len(original),
            ("",) * len(original),
        )
    )
    return metric.result()


def test_a_tenth_of_the_range_everywhere_is_20_decibels():
    found = psnr(np.full((1, 4, 4, 3), 0.5), np.full((1, 4, 4, 3), 0.6))
    assert found.value == pytest.approx(20, abs=1e-5)


def test_psnr_is_the_mean_over_images_and_not_of_the_pooled_error():
    original = np.zeros((2, 4, 4, 1))
    reconstruction = np.stack([np.full((4, 4, 1), 0.1), np.full((4, 4, 1), 0.01)])
    assert psnr(original, reconstruction).value == pytest.approx(30, abs=1e-4)


def test_an_exact_match_counts_as_100_decibels():
    images = np.random.default_rng(0).random((2, 4, 4, 3))
    assert psnr(images, images).value == pytest.approx(100)


def test_psnr_clips_reconstructions_to_the_range():
    white = np.ones((1, 4, 4, 1))
    assert psnr(white, white + 0.5).value == pytest.approx(100)


def test_rounding_to_8_bits_has_a_psnr_of_59_decibels():
    images = np.random.default_rng(0).random((4, 64, 64, 3))
    # A uniform error of one level: 10 log10(12 * 255 ** 2).
    assert psnr(images, np.round(images * 255) / 255).value == pytest.approx(
        10 * np.log10(12 * 255**2), abs=0.05
    )
