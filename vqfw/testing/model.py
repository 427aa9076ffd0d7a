"""The checks of a model.

A factory takes nothing and returns a fresh model for images of 16 x 16 x 3; small networks
and few codes are quickest.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from vqfw.evaluation.inference import Reconstructor
from vqfw.kinds import Model, Output
from vqfw.kinds.precision import policy
from vqfw.kinds.tensors import Floats
from vqfw.testing.check import Factory, checks_in, explained, require
from vqfw.testing.probe import (
    arrays,
    compiling,
    copy_state,
    gradients,
    require_same,
    require_unchanged,
)

IMAGE_SHAPE = (16, 16, 3)
# The step that shows which gradients exist is far longer than the rounding of weights.
LONG_STEP = 1e3


def tokens_decode_to_the_reconstruction(factory: Factory) -> str | None:
    """``decode_tokens`` gives the evaluated reconstruction, to 1e-6."""
    model = _built(factory)
    found = model(ops.convert_to_tensor(_images()), training=False)
    if found.tokens is None:
        return "it has no tokens"
    decoded = ops.convert_to_numpy(model.decode_tokens(found.tokens))
    gap = np.abs(decoded - ops.convert_to_numpy(found.reconstruction)).max()
    require(
        gap <= 1e-6,
        f"decode_tokens differs from the evaluated reconstruction by up to {gap:.3g}: "
        "both must decode embed(tokens)",
    )
    return None


def evaluation_changes_no_variable(factory: Factory) -> None:
    """A call outside training changes no variable."""
    model = _built(factory)
    require_unchanged(
        model,
        lambda: _called(model),
        "pass training on to every part, and draw noise in training only",
    )


def the_output_is_well_formed(factory: Factory) -> None:
    """Reconstructions are float32 images, losses finite scalars, tokens in range."""
    for training in (False, True):
        model = _built(factory)
        found = _called(model, training)
        reconstruction = found.reconstruction
        require(
            reconstruction.shape == (2, *IMAGE_SHAPE)
            and reconstruction.dtype == np.float32
            and np.isfinite(reconstruction).all(),
            f"the reconstruction is {reconstruction.dtype} {reconstruction.shape}: it "
            f"must be finite float32 {(2, *IMAGE_SHAPE)}",
        )
        for name, loss in found.losses.items():
            require(
                loss.shape == () and loss.dtype == np.float32 and np.isfinite(loss),
                f'the loss "{name}" is {loss.dtype} {loss.shape} {loss}: it must be one '
                "finite float32 number, the mean over the batch",
            )
        require(
            (found.tokens is None) == (model.vocabulary == ()),
            f"the vocabulary is {model.vocabulary} and the tokens "
            f"{'are missing' if found.tokens is None else 'are there'}: state both or "
            "neither",
        )


def mixed_precision_ends_in_float32(factory: Factory) -> None:
    """Made under mixed_bfloat16 it trains, and reconstructions and losses are float32."""
    with explained(
        "under mixed_bfloat16 it fails",
        "cast what layers of 16 bits give to float32 before it meets other numbers",
    ):
        with policy("mixed_bfloat16"):
            model = _built(factory)
        gradients(model, _images(), _objective)
        found = model(ops.convert_to_tensor(_images()), training=False)
    parts = {"reconstruction": found.reconstruction, "bits": found.bits, **found.losses}
    for name, value in parts.items():
        dtype = keras.backend.standardize_dtype(ops.convert_to_tensor(value).dtype)
        require(
            dtype == "float32",
            f"under mixed_bfloat16 {name} is {dtype}: cast it to float32",
        )


def bits_are_those_of_the_tokens(factory: Factory) -> None:
    """Bits are ``bits_per_position`` times the positions, and never negative."""
    model = _built(factory)
    found = _called(model)
    require(
        found.bits.shape == (2,) and np.isfinite(found.bits).all(),
        f"bits have shape {found.bits.shape} instead of (2,): one number an image",
    )
    require((found.bits >= 0).all(), f"{found.bits.min():.4g} bits are negative")
    if found.tokens is not None:
        positions = math.prod(found.tokens.shape[1:-1])
        _require_bits_of_the_vocabulary(model)
        right = positions * model.bits_per_position
        require(
            np.allclose(found.bits, right, rtol=1e-5),
            f"{positions} positions of {model.bits_per_position:.6g} bits take "
            f"{right:.6g} bits, not {found.bits[0]:.6g}",
        )


def every_trained_variable_learns(factory: Factory) -> None:
    """Reconstruction and losses together send a gradient to each trainable variable."""
    model = _built(factory)
    _, found = gradients(model, _images(), _objective, LONG_STEP)
    still = [path for path, gradient in found.items() if not gradient.any()]
    require(
        not still,
        f"no gradient reaches {', '.join(still)}: look for a stop_gradient too many, or "
        "make them untrainable",
    )
    wild = [path for path, gradient in found.items() if not np.isfinite(gradient).all()]
    require(not wild, f"the gradient of {', '.join(wild)} is not finite")


def state_is_all_in_variables(factory: Factory) -> None:
    """Two models with the same variables train in the same way, noise included."""
    first, second = _built(factory), _built(factory)
    copy_state(first, second)
    require_same(
        _called(first, training=True),
        _called(second, training=True),
        "two models with the same variables train differently: draw noise from a "
        "keras.random.SeedGenerator made from the seed that the engine supplies",
    )


def compiles(factory: Factory) -> None:
    """Symbolic and compiled calls work and give the reconstruction of the eager call."""
    model = _built(factory)
    with compiling():
        model.compute_output_spec(keras.KerasTensor((2, *IMAGE_SHAPE), "float32"))
        evaluation = Reconstructor(model)
        evaluation.compile(jit_compile=keras.backend.backend() == "jax")
        found = evaluation.predict_on_batch(np.round(255 * _images()).astype("uint8"))
    right = _called(model)
    gap = np.abs(found["reconstruction"] - right.reconstruction).max()
    require(
        gap <= 1e-4,
        f"compiled and eager reconstruction differ by up to {gap:.3g}",
    )


CHECKS = checks_in(globals())


def _images() -> Floats:
    pixels = np.random.default_rng(0).integers(256, size=(2, *IMAGE_SHAPE))
    return (pixels / 255.0).astype("float32")


def _built(factory: Factory) -> Model:
    model: Model = factory()
    model.build((None, *IMAGE_SHAPE))
    # The engine places the codes on latents before it trains them.
    if model.codebook_quantizer is not None:
        latents = ops.convert_to_numpy(model.encode(ops.convert_to_tensor(_images())))
        model.codebook_quantizer.initialize(latents, seed=0)
    return model


def _called(model: Model, training: bool = False) -> Any:
    return arrays(model(ops.convert_to_tensor(_images()), training=training))


def _require_bits_of_the_vocabulary(model: Model) -> None:
    bits, quantizer = model.bits_per_position, model.codebook_quantizer
    most = sum(math.log2(size) for size in model.vocabulary)
    require(
        0 <= bits <= most * (1 + 1e-6),
        f"tokens of a position take {bits:.6g} bits, and the vocabulary "
        f"{model.vocabulary} has {most:.6g}: leave bits_per_position to Model, or hand on "
        "those of the quantizer",
    )
    if quantizer is not None and quantizer.vocabulary == model.vocabulary:
        its = quantizer.bits_per_position
        require(
            math.isclose(bits, its, rel_tol=1e-6),
            f"tokens of a position take {bits:.6g} bits, and those of its quantizer "
            f"{its:.6g}: hand on the bits_per_position of the quantizer",
        )


def _objective(output: Output) -> Any:
    error = ops.mean(
        ops.square(output.reconstruction - ops.convert_to_tensor(_images()))
    )
    return error + sum(output.losses.values())
