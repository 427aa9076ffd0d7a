"""What every reconstruction loss promises, on the backend that KERAS_BACKEND names."""

import numpy as np
import pytest
from keras import ops
from vqfw_losses.pixel import MAE, MSE

from vqfw.kinds import Loss

each = pytest.mark.parametrize("kind", [MSE, MAE], ids=lambda kind: kind.__name__)


def loss(kind, original, reconstruction):
    pair = (ops.convert_to_tensor(images) for images in (original, reconstruction))
    return ops.convert_to_numpy(kind()(*pair))


def pictures(count=4, shape=(9, 12, 3), seed=0):
    return np.random.default_rng(seed).random((count, *shape), dtype="float32")


@each
def test_a_loss_gives_one_float32_an_image(kind):
    assert issubclass(kind, Loss)
    found = loss(kind, pictures(), pictures(seed=1))
    assert found.shape == (4,)
    assert found.dtype == np.float32


@each
def test_only_the_original_has_a_loss_of_0(kind):
    assert (loss(kind, pictures(), pictures()) == 0).all()
    assert (loss(kind, pictures(), pictures(seed=1)) > 0).all()


@each
def test_a_loss_does_not_grow_with_the_image(kind):
    small, other = pictures(), pictures(seed=1)
    large, larger_other = (np.tile(images, (1, 3, 2, 1)) for images in (small, other))
    np.testing.assert_allclose(
        loss(kind, large, larger_other), loss(kind, small, other), rtol=1e-5
    )


@each
def test_the_loss_of_an_image_is_its_own(kind):
    original, reconstruction = pictures(), pictures(seed=1)
    reconstruction[2] = original[2]
    found = loss(kind, original, reconstruction)
    assert found[2] == 0
    assert (found[[0, 1, 3]] > 0).all()


@each
def test_a_loss_is_computed_in_float32_from_16_bits(kind):
    original = ops.full((2, 4, 4, 1), 0.5, dtype="bfloat16")
    reconstruction = ops.full((2, 4, 4, 1), 0.5078125, dtype="bfloat16")
    found = ops.convert_to_numpy(kind()(original, reconstruction))
    assert found.dtype == np.float32
    expected = 0.0078125 ** (2 if kind is MSE else 1)
    np.testing.assert_allclose(found, [expected] * 2, rtol=1e-6)
