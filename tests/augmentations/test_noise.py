import numpy as np
import pytest
from keras import ops
from scipy import stats
from vqfw_augmentations.noise import GaussianNoise, standard_normal

SHAPE = (48, 40, 3)


@pytest.fixture(scope="module")
def noise():
    seeds = GaussianNoise().draw(np.random.default_rng(0), 16)["seed"]
    return ops.convert_to_numpy(standard_normal(ops.convert_to_tensor(seeds), SHAPE))


def test_noise_follows_the_normal_distribution(noise):
    sample = noise.reshape(-1)[::5]
    assert stats.kstest(sample, "norm").pvalue > 0.001
    assert abs(stats.kurtosis(noise.reshape(-1))) < 0.05


def test_each_image_has_mean_zero_and_the_stddev_asked_for(noise):
    images = ops.zeros((16, *SHAPE))
    seeds = GaussianNoise().draw(np.random.default_rng(0), 16)["seed"]
    found = GaussianNoise(stddev=0.05).apply(
        images, {"seed": ops.convert_to_tensor(seeds)}
    )
    np.testing.assert_allclose(ops.convert_to_numpy(found), 0.05 * noise, atol=1e-6)
    # Five standard errors of the mean and of the standard deviation of 5,760 numbers.
    assert np.abs(noise.mean(axis=(1, 2, 3))).max() < 5 / np.sqrt(5760)
    assert np.abs(noise.std(axis=(1, 2, 3)) - 1).max() < 5 / np.sqrt(2 * 5760)


def test_neighbouring_pixels_and_channels_are_independent(noise):
    for axis in (1, 2, 3):
        for step in (1, 2):
            size = noise.shape[axis]
            before = np.take(noise, range(size - step), axis=axis).reshape(-1)
            after = np.take(noise, range(step, size), axis=axis).reshape(-1)
            assert abs(np.corrcoef(before, after)[0, 1]) < 5 / np.sqrt(before.size)


def test_images_are_independent_even_with_neighbouring_seeds():
    seeds = np.arange(-8, 8, dtype="int32")
    noise = ops.convert_to_numpy(standard_normal(ops.convert_to_tensor(seeds), SHAPE))
    flat = noise.reshape(16, -1)
    between = np.corrcoef(flat)[~np.eye(16, dtype=bool)]
    assert np.abs(between).max() < 5 / np.sqrt(5760)
    # Nor is one image the other a few pixels further on.
    for shift in range(1, 9):
        late = np.corrcoef(flat[0, shift:], flat[shift, :-shift])[0, 1]
        assert abs(late) < 5 / np.sqrt(5760)


def test_seeds_cover_all_integers_of_32_bits():
    seed = GaussianNoise().draw(np.random.default_rng(0), 4000)["seed"]
    assert seed.min() < -2.1e9
    assert seed.max() > 2.1e9
