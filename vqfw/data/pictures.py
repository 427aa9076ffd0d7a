"""Applies image augmentations to a batch: bytes to PIL pictures and back.

An error in other people's code names the component and the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vqfw.errors import PluginError, in_short
from vqfw.kinds.augmentation import ImageAugmentation
from vqfw.registry import Entry
from vqfw.registry.tracebacks import code_place

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class ListedAugmentation:
    """An image augmentation as an experiment lists it.

    Args:
        augmentation: built.
        probability: that it changes a picture.
        entry: of the component, for messages.
    """

    augmentation: ImageAugmentation
    probability: float
    entry: Entry

    def apply(
        self, picture: Image.Image, rng: np.random.Generator, name: str
    ) -> Image.Image:
        """The picture, changed or unchanged.

        Args:
            picture: of mode ``L`` or ``RGB``.
            rng: of this picture and this place in the list.
            name: of the picture.

        Raises:
            PluginError: if it fails, or returns no picture of the same size and mode.
        """
        if self.probability < 1 and rng.random() >= self.probability:
            return picture
        size, mode = picture.size, picture.mode
        try:
            changed = self.augmentation.apply(picture, rng)
            if isinstance(changed, Image.Image):
                changed.load()  # a picture from a stream is decoded only now
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{self._who} fails on picture {name!r} ({in_short(error)}"
                f"{code_place(error, self.entry)}): {self.entry.remedy}"
            ) from error
        self._require_same(changed, size, mode, name)
        return changed

    def _require_same(
        self, changed: Any, size: tuple[int, int], mode: str, name: str
    ) -> None:
        """Refuses a result of another type, size or mode."""
        if not isinstance(changed, Image.Image):
            fact = f"a {type(changed).__name__} instead of a PIL picture"
            repair = "return a picture, as Image.fromarray(array) makes one"
        elif changed.size != size:
            fact = f"{_sides(changed.size)} pixels instead of {_sides(size)}"
            repair = f"return image.resize({size}), or crop and pad to that size"
        elif changed.mode != mode:
            fact = f'mode "{changed.mode}" instead of "{mode}"'
            repair = f'return image.convert("{mode}")'
        else:
            return
        raise PluginError(
            f"{self._who} gives {fact} for picture {name!r}: {repair} in it, or "
            f"{self.entry.remedy}"
        )

    @property
    def _who(self) -> str:
        return f'augmentation "{self.entry.name}" of {self.entry.owner}'


def changed(
    images: Pixels,
    names: Sequence[str],
    augmentations: Sequence[ListedAugmentation],
    seed: Sequence[int],
) -> Pixels:
    """A batch of images after all image augmentations, in their order.

    Each picture and each place in the list has its own generator, so its numbers depend
    neither on the other pictures nor on the other augmentations.

    Args:
        images: (batch, height, width, 1 or 3); left as they are.
        names: of the pictures, for messages.
        augmentations: in the order of the list.
        seed: of this batch.

    Raises:
        PluginError: see ``ListedAugmentation.apply``.
    """
    result = np.empty_like(images)
    for row, name in enumerate(names):
        picture = _picture(images[row])
        for position, each in enumerate(augmentations):
            rng = np.random.default_rng([*seed, position, row])
            picture = each.apply(picture, rng, name)
        result[row] = np.asarray(picture).reshape(images.shape[1:])
    return result


def _picture(pixels: Pixels) -> Image.Image:
    """A PIL picture with its own memory."""
    plane = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    return Image.fromarray(plane).copy()


def _sides(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"
