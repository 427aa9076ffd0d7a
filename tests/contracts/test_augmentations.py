"""What every augmentation promises, on the backend that KERAS_BACKEND names."""

import keras
import numpy as np
import pytest
from keras import ops
from vqfw_augmentations.color import Brightness, Contrast, Saturation
from vqfw_augmentations.filters import GaussianBlur, Sharpness
from vqfw_augmentations.geometry import HorizontalFlip, Rotation, Translation, Zoom
from vqfw_augmentations.noise import GaussianNoise, standard_normal

from vqfw.kinds import Augmentation

OFF = {
    Brightness: {"strength": 0.0},
    Contrast: {"strength": 0.0},
    GaussianBlur: {"sigma": 0.0},
    GaussianNoise: {"stddev": 0.0},
    HorizontalFlip: {"share": 0.0},
    Rotation: {"degrees": 0.0},
    Saturation: {"strength": 0.0},
    Sharpness: {"strength": 0.0},
    Translation: {"share": 0.0},
    Zoom: {"smallest": 1.0},
}
each = pytest.mark.parametrize("kind", OFF, ids=lambda kind: kind.__name__)
shapes = pytest.mark.parametrize("shape", [(32, 32, 3), (17, 23, 3), (19, 8, 1)])


def pictures(count, shape, seed=0):
    return np.random.default_rng(seed).random((count, *shape), dtype="float32")


def applied(augmentation, images, params, way=None):
    """Compiled, as the training step does it, unless ``way`` says otherwise."""
    way = way or compiled(augmentation.apply)
    tensors = {name: ops.convert_to_tensor(rows) for name, rows in params.items()}
    return ops.convert_to_numpy(way(ops.convert_to_tensor(images), tensors))


def compiled(function):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


@each
def test_draw_gives_float32_or_int32_with_a_row_an_image(kind):
    assert issubclass(kind, Augmentation)
    params = kind().draw(np.random.default_rng(0), 7)
    assert params
    for rows in params.values():
        assert rows.shape[0] == 7
        assert rows.dtype in (np.float32, np.int32)


@each
def test_draw_depends_on_the_generator_alone(kind):
    augmentation = kind()
    first = augmentation.draw(np.random.default_rng([1, 2, 3]), 50)
    again = augmentation.draw(np.random.default_rng([1, 2, 3]), 50)
    other = augmentation.draw(np.random.default_rng([1, 2, 4]), 50)
    assert first.keys() == again.keys() == other.keys()
    for name, rows in first.items():
        np.testing.assert_array_equal(rows, again[name])
        assert not np.array_equal(rows, other[name])


@each
@shapes
def test_apply_keeps_shape_and_type_for_colour_grey_and_odd_sizes(kind, shape):
    images = pictures(3, shape)
    params = kind().draw(np.random.default_rng(0), 3)
    found = applied(kind(), images, params)
    assert found.shape == images.shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


@each
@shapes
def test_an_augmentation_turned_off_changes_nothing_at_all(kind, shape):
    images = pictures(4, shape)
    augmentation = kind(**OFF[kind])
    params = augmentation.draw(np.random.default_rng(0), 4)
    np.testing.assert_array_equal(applied(augmentation, images, params), images)


@each
def test_replayed_parameters_give_identical_images(kind):
    images = pictures(4, (24, 24, 3))
    params = kind().draw(np.random.default_rng(0), 4)
    first = applied(kind(), images, params)
    np.testing.assert_array_equal(applied(kind(), images, params), first)


@each
def test_each_image_has_its_own_draw(kind):
    images = np.repeat(pictures(1, (40, 40, 3)), 12, axis=0)
    # Whole pixels of a small share would meet each other by chance.
    augmentation = kind(share=1.0) if kind is Translation else kind()
    params = augmentation.draw(np.random.default_rng(0), 12)
    found = applied(augmentation, images, params)
    different = np.unique(found.round(5), axis=0)
    assert len(different) == (2 if kind is HorizontalFlip else 12)


@each
def test_an_image_does_not_depend_on_its_batch(kind):
    augmentation = kind()
    images = pictures(5, (20, 28, 3))
    params = augmentation.draw(np.random.default_rng(0), 5)
    together = applied(augmentation, images, params)
    way = compiled(augmentation.apply)
    for at in range(5):
        alone = {name: rows[at : at + 1] for name, rows in params.items()}
        found = applied(augmentation, images[at : at + 1], alone, way)
        np.testing.assert_allclose(found[0], together[at], atol=1e-6)


@each
def test_the_compiled_step_gives_what_eager_gives(kind):
    augmentation = kind()
    images = pictures(4, (24, 20, 3))
    params = augmentation.draw(np.random.default_rng(0), 4)
    eager = applied(augmentation, images, params, augmentation.apply)
    found = applied(augmentation, images, params)
    np.testing.assert_allclose(found, eager, atol=2e-5)


def test_noise_is_the_same_on_every_backend():
    from scipy.special import ndtri

    def scattered(numbers):
        numbers = (numbers ^ (numbers >> 16)) * 0x7FEB352D & 0xFFFFFFFF
        numbers = (numbers ^ (numbers >> 15)) * 0x846CA68B & 0xFFFFFFFF
        return numbers ^ (numbers >> 16)

    seeds = np.array([0, 1, -1, 2**31 - 1, -(2**31), 123456789], "int32")
    index = scattered(np.arange(60, dtype="uint64"))
    wrapped = (index + seeds.astype("uint32").astype("uint64")[:, None]) & 0xFFFFFFFF
    signed = scattered(wrapped).astype("uint32").view("int32") >> 8
    expected = ndtri((signed + 0.5) / 2**24 + 0.5).reshape(6, 4, 5, 3)
    found = ops.convert_to_numpy(
        standard_normal(ops.convert_to_tensor(seeds), (4, 5, 3))
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)
