"""An array of images as a dataset: what a caller of the Python API trains on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vqfw.errors import DataError
from vqfw.kinds.dataset import Dataset, Drawn

ARRAYS = "arrays"
"""The dataset that an experiment records for images that came as an array."""


@dataclass(frozen=True)
class GivenImages(Dataset):
    """Images in memory; image ``i`` has the id of its row, ``00000012``.

    Args:
        pixels: (n, height, width, 1 or 3), uint8 or floats in [0, 1]; checked.
        groups: (n,) who is on each image; the engine keeps a group in one split.
    """

    pixels: NDArray[Any]
    groups: Sequence[str]

    @property
    def channels(self) -> Literal[1, 3]:
        return 1 if self.pixels.shape[-1] == 1 else 3

    def records(self) -> Iterator[Drawn]:
        for row, (image, group) in enumerate(
            zip(self.pixels, self.groups, strict=True)
        ):
            if image.dtype != np.uint8:
                image = np.rint(image.astype(np.float32) * 255).astype(np.uint8)
            yield Drawn(row_id(row), group, image)

    def fingerprint(self) -> str:
        """Refuses: images in memory are not cached, so they have no key."""
        raise NotImplementedError("an array in memory has no key in the cache")


def with_groups(images: NDArray[Any], groups: Sequence[Any] | None) -> GivenImages:
    """Images and their groups as a dataset.

    Args:
        images: (n, height, width, channels), uint8 or floats in [0, 1]; checked.
        groups: n labels, compared as text; None makes each image its own group.

    Raises:
        DataError: if there are not as many labels as images, or one is empty or NaN.
    """
    if groups is None:
        return GivenImages(images, [row_id(row) for row in range(len(images))])
    labels = np.asarray(groups, dtype=object)
    if labels.shape != (len(images),):
        raise DataError(
            f"groups have shape {labels.shape} and images {images.shape}: give one "
            f"label for each image, ({len(images)},)"
        )
    texts = [str(label) for label in labels]
    for row, (label, text) in enumerate(zip(labels, texts, strict=True)):
        if label is None or not text or label != label:
            raise DataError(
                f"groups[{row}] is {label!r}: give a label, such as the name of the "
                "person, or leave groups out"
            )
    return GivenImages(images, texts)


def row_id(row: int) -> str:
    """The id of an image of an array; ids sort as rows do."""
    return f"{row:08d}"
