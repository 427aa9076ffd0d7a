"""Images that a caller hands in as an array: checked, and handed back in their type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqfw.errors import DataError


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
    array = np.asarray(images)
    needed = f"{owner} takes (n, {', '.join(map(str, shape))})"
    if array.ndim != 4 or array.shape[1:] != shape:
        repair = "resize them, or change their channels"
        if array.shape == shape:
            repair = "add the first dimension, as in images[None]"
        elif array.ndim != 4:
            repair = "give (n, height, width, channels)"
        raise DataError(f"images have shape {array.shape}, {needed}: {repair}")
    if not len(array):
        raise DataError(f"images have shape {array.shape}, which holds none: give one")
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind != "f":
        raise DataError(
            f"images are {array.dtype}, allowed are uint8 in 0..255 and floats in "
            '[0, 1]: convert them, as in images.astype("uint8")'
        )
    lowest, highest = float(array.min()), float(array.max())
    if not (lowest >= 0 and highest <= 1):  # also where one of them is NaN
        fact = f"images have values from {lowest:g} to {highest:g}"
        if np.isnan(lowest):
            fact = f"images have {int(np.isnan(array).sum()):,} values that are NaN"
        raise DataError(
            f"{fact}, floats must lie in [0, 1]: divide by 255 where they are in 0..255"
        )
    return array.astype("float32")
