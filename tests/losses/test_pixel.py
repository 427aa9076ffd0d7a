import numpy as np
from keras import ops
from vqfw_losses.pixel import MAE, MSE


def pair():
    rng = np.random.default_rng(0)
    return rng.random((3, 7, 5, 3)), rng.random((3, 7, 5, 3))


def test_mse_is_the_mean_of_the_squared_differences():
    original, reconstruction = pair()
    found = MSE()(
        ops.convert_to_tensor(original), ops.convert_to_tensor(reconstruction)
    )
    expected = ((original - reconstruction) ** 2).reshape(3, -1).mean(axis=1)
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-5)


def test_mae_is_the_mean_of_the_absolute_differences():
    original, reconstruction = pair()
    found = MAE()(
        ops.convert_to_tensor(original), ops.convert_to_tensor(reconstruction)
    )
    expected = np.abs(original - reconstruction).reshape(3, -1).mean(axis=1)
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-5)


def test_losses_do_not_clip_reconstructions():
    white = ops.ones((1, 2, 2, 1))
    np.testing.assert_allclose(ops.convert_to_numpy(MSE()(white, white * 3)), [4.0])
    np.testing.assert_allclose(ops.convert_to_numpy(MAE()(white, white * -1)), [2.0])
