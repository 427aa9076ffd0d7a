"""The contracts of an augmentation, which has two forms.

``Augmentation`` works on tensors: drawn on the host, applied inside the compiled step.
``ImageAugmentation`` works on one PIL picture at a time, on the host. Both are one kind: an
experiment lists them together, image augmentations first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vqfw.kinds.tensors import Images, Tensor

if TYPE_CHECKING:
    from PIL.Image import Image

Params = Mapping[str, NDArray[Any]]
"""Drawn numbers by name; each array has a row per image."""


class Augmentation(ABC):
    """A random change of training images that leaves what is on them recognizable.

    Drawing numbers and applying them are apart, so that the same numbers can be applied
    again, on any backend, and a run is repeatable and resumable.
    """

    vqfw_kind: ClassVar[str] = "augmentation"

    @abstractmethod
    def draw(self, rng: np.random.Generator, count: int) -> dict[str, NDArray[Any]]:
        """Draws the parameters for ``count`` images.

        Returns:
            At least one array; each has ``count`` rows, of float32 or int32.
        """

    @abstractmethod
    def apply(self, images: Images, params: Mapping[str, Tensor]) -> Images:
        """Changes images by drawn parameters, written in ``keras.ops``.

        Args:
            images: (batch, height, width, channels) float32 in [0, 1].
            params: the result of ``draw``, as backend tensors.

        Returns:
            The same shape; the engine clips it to [0, 1].
        """


class ImageAugmentation(ABC):
    """A random change of one training picture, for code that works on PIL pictures.

    It runs on the host while the step before is trained, on the 8-bit pictures, ahead of
    all tensor augmentations. Several threads call one object at the same time, so nothing
    may be kept on ``self`` between calls or within one.

    A pipeline of albumentations, for instance, is made anew with a seed of ``rng``::

        def apply(self, image, rng):
            seed = int(rng.integers(2**31))
            pipeline = albumentations.Compose([albumentations.RandomFog()], seed=seed)
            return Image.fromarray(pipeline(image=np.asarray(image))["image"])
    """

    vqfw_kind: ClassVar[str] = "augmentation"

    @abstractmethod
    def apply(self, image: Image, rng: np.random.Generator) -> Image:
        """Changes one picture.

        Args:
            image: of mode ``L`` (grey) or ``RGB``; not to be changed in place.
            rng: the only source of randomness: seeded by the run's seed, the step, the
                place in the list and the picture's place in its batch, so that a resumed
                run sees the same pictures with any number of threads.

        Returns:
            A picture of the same size and mode.
        """
