"""Augmentations of colour: brightness, contrast and saturation, in Pillow's meaning.

They change each pixel by its own value and the mean of its image, never by its
neighbours: those are in ``filters``. Gaussian noise is in ``noise``.
"""

from __future__ import annotations

from keras import ops

from vqfw.kinds import Share
from vqfw.kinds.tensors import Images
from vqfw_augmentations.enhance import Enhancement, luma


class Brightness(Enhancement):
    """Makes each image darker or lighter, by multiplying it.

    Source: ``PIL.ImageEnhance.Brightness``.

    Args:
        strength: how far the factor may be from 1; 0.2 draws it from 0.8 to 1.2.
    """

    def __init__(self, strength: Share = 0.2) -> None:
        super().__init__(strength)

    def without(self, images: Images) -> Images:
        """Black."""
        return ops.zeros_like(images)


class Contrast(Enhancement):
    """Moves each image away from, or towards, the one grey of its mean luma.

    Source: ``PIL.ImageEnhance.Contrast``.

    Args:
        strength: how far the factor may be from 1; 0.3 draws it from 0.7 to 1.3.
    """

    def __init__(self, strength: Share = 0.3) -> None:
        super().__init__(strength)

    def without(self, images: Images) -> Images:
        """One grey an image."""
        return ops.mean(luma(images), axis=(1, 2, 3), keepdims=True)


class Saturation(Enhancement):
    """Makes the colours of each image paler or stronger; grey images stay as they are.

    Source: ``PIL.ImageEnhance.Color``.

    Args:
        strength: how far the factor may be from 1; 0.2 draws it from 0.8 to 1.2.
    """

    def __init__(self, strength: Share = 0.2) -> None:
        super().__init__(strength)

    def without(self, images: Images) -> Images:
        """The grey picture of each image."""
        return luma(images)
