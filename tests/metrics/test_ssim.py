import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_sample_image
from vqfw_metrics.ssim import SSIM

from vqfw.errors import DataError
from vqfw.kinds import Context, Scored


def ssim(original, reconstruction):
    metric = SSIM()
    names = ("",) * len(original)
    metric.update(Scored(original, reconstruction, None, (), names, names))
    return metric.result()


def independent(first, second):
    """Wang et al. 2004, eq. 13, of one image, channel by channel in float64."""

    def mean(values):
        blurred = gaussian_filter(
            values, (1.5, 1.5, 0), truncate=5 / 1.5, mode="nearest"
        )
        return blurred[5:-5, 5:-5]

    first, second = first.astype("float64"), second.astype("float64")
    a, b = mean(first), mean(second)
    aa = mean(first * first) - a * a
    bb = mean(second * second) - b * b
    ab = mean(first * second) - a * b
    c1, c2 = 0.01**2, 0.03**2
    similarity = (2 * a * b + c1) * (2 * ab + c2)
    return np.mean(similarity / ((a * a + b * b + c1) * (aa + bb + c2)))


@pytest.fixture(scope="module")
def photographs():
    whole = load_sample_image("china.jpg").astype("float32") / 255
    return np.stack([whole[at : at + 60, 2 * at : 2 * at + 75] for at in (0, 90, 180)])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("noise", [0.01, 0.1, 0.4])
def test_ssim_equals_an_independent_implementation(photographs, channels, noise):
    original = photographs[..., :channels]
    drawn = np.random.default_rng(0).normal(0, noise, original.shape)
    reconstruction = np.clip(original + drawn, 0, 1).astype("float32")
    expected = [
        independent(*pair) for pair in zip(original, reconstruction, strict=True)
    ]
    found = ssim(original, reconstruction)
    assert found.value == pytest.approx(np.mean(expected), abs=2e-5)
    assert found.images == 3


def test_ssim_of_an_exact_match_is_one(photographs):
    assert ssim(photographs, photographs).value == pytest.approx(1, abs=1e-5)


def test_ssim_of_a_negative_is_below_zero(photographs):
    assert ssim(photographs, 1 - photographs).value < 0


def test_images_smaller_than_the_window_are_refused_with_both_sizes(photographs):
    small = photographs[:, :10, :30]
    with pytest.raises(DataError, match=r"window of 11 pixels.*10 x 30 pixels"):
        ssim(small, small)


@pytest.mark.parametrize(("size", "problems"), [(10, 1), (11, 0), (64, 0)])
def test_check_reports_images_smaller_than_the_ssim_window(size, problems):
    found = SSIM.check({}, Context(size, None, 32, {}))
    assert [problem.code for problem in found] == ["image-too-small"] * problems


def test_ssim_scores_the_smallest_allowed_image(photographs):
    tiny = photographs[:, :11, :11]
    assert ssim(tiny, tiny).value == pytest.approx(1, abs=1e-5)
