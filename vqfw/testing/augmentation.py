"""The checks of an augmentation. A factory takes no arguments and returns a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from vqfw.kinds import Augmentation
from vqfw.kinds.tensors import Floats
from vqfw.testing.check import Factory, checks_in, require
from vqfw.testing.probe import compiling

SHAPES = ((24, 24, 3), (17, 23, 3), (19, 8, 1))
COUNT = 5
# Compilers reorder sums; half a step of 8 bits is 2e-3.
TOLERANCE = 1e-4

Drawn = Mapping[str, NDArray[Any]]


class Applied(keras.layers.Layer):
    """An augmentation as a layer of images and drawn numbers."""

    def __init__(self, augmentation: Augmentation) -> None:
        super().__init__(dtype="float32")
        self.augmentation = augmentation
        self.built = True

    def call(self, batch: dict[str, Any]) -> Any:
        """The changed images."""
        params = {name: rows for name, rows in batch.items() if name != "images"}
        return self.augmentation.apply(batch["images"], params)


def draw_gives_a_row_an_image(factory: Factory) -> None:
    """Drawn arrays have one row an image, and are float32 or int32."""
    for count in (1, 7):
        drawn = _drawn(factory(), count)
        require(drawn, "draw() gives no array: draw at least one number an image")
        for name, rows in drawn.items():
            shape, dtype = np.shape(rows), getattr(rows, "dtype", type(rows))
            require(
                shape[:1] == (count,),
                f'"{name}" has shape {shape} for {count} images: the first axis '
                "counts images",
            )
            require(
                dtype in (np.float32, np.int32),
                f'"{name}" is {dtype}: cast it to float32 or int32',
            )


def draw_depends_on_the_generator_alone(factory: Factory) -> None:
    """The same generator gives the same numbers; another gives others."""
    augmentation = factory()
    first, again, other = (_drawn(augmentation, 50, seed) for seed in (1, 1, 2))
    for name, rows in first.items():
        require(
            np.array_equal(rows, again[name]),
            f'"{name}" was drawn twice from equal generators and differs: draw from '
            "rng, not from numpy.random, and keep no state between calls",
        )
    require(
        any(not np.array_equal(rows, other[name]) for name, rows in first.items()),
        "another generator gives the same numbers: make no generator of your own",
    )


def apply_keeps_shape_and_type(factory: Factory) -> None:
    """Images of any size, grey or colour, keep their shape and are finite float32."""
    for shape in SHAPES:
        images, augmentation = _images(shape), factory()
        found = _applied(augmentation, images, _drawn(augmentation, COUNT))
        require(
            found.shape == images.shape and found.dtype == np.float32,
            f"images {images.shape} float32 came back as {found.shape} {found.dtype}: "
            "read height, width and channels off the images",
        )
        require(
            np.isfinite(found).all(), f"images of {shape} pixels came back not finite"
        )


def apply_draws_nothing(factory: Factory) -> None:
    """The same images and drawn numbers give the same result."""
    augmentation = factory()
    drawn = _drawn(augmentation, COUNT)
    first, again = (_applied(augmentation, _images(), drawn) for _ in range(2))
    require(
        np.array_equal(first, again),
        "the same numbers gave other images: all chance belongs into draw(), or a run "
        "cannot be resumed",
    )


def an_image_does_not_depend_on_its_batch(factory: Factory) -> None:
    """The result for an image is the same alone and in a batch."""
    augmentation = factory()
    drawn = _drawn(augmentation, COUNT)
    together = _applied(augmentation, _images(), drawn)
    for at in range(COUNT):
        own = {name: rows[at : at + 1] for name, rows in drawn.items()}
        alone = _applied(augmentation, _images()[at : at + 1], own)
        gap = np.abs(alone[0] - together[at]).max()
        require(
            gap <= TOLERANCE,
            f"image {at} differs by up to {gap:.3g} between alone and in a batch: use "
            "row i of the numbers for image i, and average over no image but its own",
        )


def the_compiled_step_gives_what_eager_gives(factory: Factory) -> None:
    """A compiled call gives the result of the eager call."""
    augmentation = factory()
    drawn = _drawn(augmentation, COUNT)
    eager = _applied(augmentation, _images(), drawn)
    with compiling():
        found = _compiled(augmentation, {"images": _images(), **drawn})
    gap = np.abs(found - eager).max()
    require(
        gap <= TOLERANCE,
        f"compiled it differs by up to {gap:.3g}: no NumPy and no Python numbers may "
        "stand in for tensors",
    )


CHECKS = checks_in(globals())


def _images(shape: tuple[int, int, int] = SHAPES[0]) -> Floats:
    return np.random.default_rng(0).random((COUNT, *shape), dtype="float32")


def _drawn(augmentation: Augmentation, count: int, seed: int = 0) -> Drawn:
    return augmentation.draw(np.random.default_rng(seed), count)


def _applied(augmentation: Augmentation, images: Floats, drawn: Drawn) -> NDArray[Any]:
    tensors = {name: ops.convert_to_tensor(rows) for name, rows in drawn.items()}
    found = augmentation.apply(ops.convert_to_tensor(images), tensors)
    return np.asarray(ops.convert_to_numpy(found))


def _compiled(augmentation: Augmentation, batch: Drawn) -> NDArray[Any]:
    inputs = {
        name: keras.Input(rows.shape[1:], dtype=str(rows.dtype), name=name)
        for name, rows in batch.items()
    }
    model = keras.Model(inputs, Applied(augmentation)(inputs))
    model.compile(jit_compile=keras.backend.backend() == "jax")
    return np.asarray(model.predict_on_batch(dict(batch)))
