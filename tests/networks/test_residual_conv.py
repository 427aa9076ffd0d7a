import keras
import numpy as np
import pytest
from keras import ops
from vqfw_networks.residual_conv import (
    ResidualBlock,
    ResidualConvDecoder,
    ResidualConvEncoder,
)

from vqfw.kinds import Context


def checked(size, downsampling):
    context = Context(image_size=size, steps=None, batch_size=8, experiment={})
    return ResidualConvEncoder.check({"downsampling": downsampling}, context)


@pytest.mark.parametrize(
    ("size", "downsampling", "fact", "repair"),
    [
        (
            65,
            4,
            "an image of 65 pixels cannot be halved 2 times",
            'set "image_size" to 64 or 68',
        ),
        (
            50,
            8,
            "an image of 50 pixels cannot be halved 3 times",
            'set "image_size" to 48 or 56, or encoder "downsampling" to 2',
        ),
        (
            3,
            4,
            "an image of 3 pixels cannot be halved 2 times",
            'set "image_size" to 4',
        ),
    ],
)
def test_an_image_size_that_cannot_be_halved_is_a_problem_with_a_repair(
    size, downsampling, fact, repair
):
    (problem,) = checked(size, downsampling)
    assert problem.message == fact
    assert problem.help == repair
    assert problem.path == ("downsampling",)


@pytest.mark.parametrize(("size", "downsampling"), [(64, 4), (2, 2), (48, 16)])
def test_a_size_that_fits_is_no_problem(size, downsampling):
    assert not checked(size, downsampling)


def test_encoder_and_decoder_have_the_layers_of_the_paper():
    encoder = ResidualConvEncoder(filters=8, residual_filters=3, downsampling=8)
    names = [stage.name for stage in encoder.stages]
    assert names[:4] == ["halve_0", "halve_1", "halve_2", "refine"]
    assert [stage.filters for stage in encoder.stages[:3]] == [4, 8, 8]
    decoder = ResidualConvDecoder((64, 64, 3), 8, filters=8, residual_filters=3)
    names = [stage.name for stage in decoder.stages]
    assert names[-3:] == ["double_0", "double_1", "to_image"]
    assert [stage.filters for stage in decoder.stages[-3:]] == [8, 4, 3]


def test_a_residual_block_with_zero_weights_is_the_identity():
    block = ResidualBlock(4, 2)
    block.build((None, 5, 5, 4))
    for weight in block.widen.weights:
        weight.assign(ops.zeros(weight.shape))
    inputs = np.random.default_rng(0).normal(size=(1, 5, 5, 4)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(block(inputs)), inputs)


def test_networks_take_the_precision_of_the_experiment():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        encoder = ResidualConvEncoder(channels=3, filters=4, residual_filters=2)
        encoder.build((None, 8, 8, 1))
        found = encoder(ops.zeros((1, 8, 8, 1)))
    finally:
        keras.config.set_dtype_policy(before)
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    assert all(weight.dtype == "float32" for weight in encoder.weights)
