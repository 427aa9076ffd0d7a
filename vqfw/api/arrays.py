"""Images that a caller hands in as an array: checked, and handed back in their type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqfw.data.arrays import Images
from vqfw.errors import DataError, in_short

_CHANNELS_LAST = "channels come last: np.moveaxis(images, 1, -1)"


def checked_images(
    images: Any, shape: tuple[int, int, int], owner: str
) -> NDArray[Any]:
    """An array as models take it: uint8 as it is, floats as float32.

    Args:
        images: (n, height, width, channels), uint8 in 0..255 or floats in [0, 1]; what
            ``numpy.asarray`` takes.
        shape: (height, width, channels) that is needed.
        owner: what needs it, for the message: ``run "faces"``.

    Raises:
        DataError: if the dimensions, the size, the channels, the type or a value is
            another; with what is given and what is needed.
    """
    array = _array(images)
    needed = f"{owner} takes (n, {', '.join(map(str, shape))})"
    if array.ndim != 4 or array.shape[1:] != shape:
        repair = "resize them, or change their channels"
        if array.shape == shape:
            repair = "add the first dimension, as in images[None]"
        elif array.ndim == 4 and np.moveaxis(array, 1, -1).shape[1:] == shape:
            repair = _CHANNELS_LAST
        elif array.ndim != 4:
            repair = "give (n, height, width, channels)"
        raise DataError(f"images have shape {array.shape}, {needed}: {repair}")
    _require_pixels(array)
    return array if array.dtype == np.uint8 else array.astype("float32")


def training_images(images: Any) -> NDArray[Any]:
    """An array to train on: of any size, as it is.

    Args:
        images: (n, height, width, channels) with 1 or 3 channels, uint8 in 0..255 or
            floats in [0, 1]; what ``numpy.asarray`` takes.

    Raises:
        DataError: as ``checked_images``.
    """
    array = _array(images)
    needed = "(n, height, width, channels) with 1 or 3 channels is needed"
    if array.ndim != 4 or array.shape[3] not in (1, 3):
        repair = "drop the others, as in images[..., :3]"
        if array.ndim != 4:
            repair = "for grey images add the last dimension, as in images[..., None]"
        elif array.shape[1] in (1, 3):
            repair = _CHANNELS_LAST
        raise DataError(f"images have shape {array.shape}, {needed}: {repair}")
    _require_pixels(array)
    return array


def _array(images: Any) -> NDArray[Any]:
    try:
        return np.asarray(images.pixels if isinstance(images, Images) else images)
    except ValueError as error:  # rows of different sizes
        raise DataError(
            f"images are no array ({in_short(error)}): bring them to one size"
        ) from error


def _require_pixels(array: NDArray[Any]) -> None:
    """Refuses no image at all, other types than uint8 and floats, and other ranges."""
    if 0 in array.shape:
        raise DataError(f"images have shape {array.shape}, which holds none: give one")
    if array.dtype == np.uint8:
        return
    if array.dtype.kind != "f":
        raise DataError(
            f"images are {array.dtype}, allowed are uint8 in 0..255 and floats in "
            '[0, 1]: convert them, as in images.astype("uint8")'
        )
    lowest, highest = float(array.min()), float(array.max())
    if not (lowest >= 0 and highest <= 1):  # also where one of them is NaN
        fact = f"images have values from {lowest:g} to {highest:g}"
        repair = "divide by 255 where they are in 0..255"
        if np.isnan(lowest):
            fact = f"images have {int(np.isnan(array).sum()):,} values that are NaN"
            repair = "replace them, as in np.nan_to_num(images)"
        elif -1 <= lowest < 0 and highest <= 1:
            repair = "where they are in -1..1: (images + 1) / 2"
        raise DataError(f"{fact}, floats must lie in [0, 1]: {repair}")
