"""Drawn faces of people who do not exist, from a seed.

For tests, benchmarks and machines without photographs. Smooth drawings flatter a
reconstruction, so a score on them says nothing about photographs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Literal

import numpy as np

from vqfw.kinds.dataset import Dataset, Drawn
from vqfw.kinds.options import Count
from vqfw_datasets.face_numbers import Person, Scene
from vqfw_datasets.face_renderer import render

# Goes into the fingerprint; raised whenever the same seed draws another picture.
RENDERER_VERSION = 1


class SyntheticFaces(Dataset):
    """Coloured faces drawn from a seed: no photograph, no licence, any number.

    A person fixes skin, hair, eyes, shape of the face, beard and glasses; pictures of a
    person differ in pose, expression, light and background. Picture ``i`` shows person
    ``i % people`` and depends on nothing but the seed and ``i``.

    Args:
        count: pictures.
        people: people that they show, in turn.
        size: pixels along one side of a picture.
        seed: of the people and of the pictures.
    """

    def __init__(
        self, count: Count = 1000, people: Count = 100, size: Count = 128, seed: int = 0
    ) -> None:
        self._count = count
        self._people = people
        self._size = size
        # default_rng takes no negative numbers; this keeps all seeds apart.
        self._seed = 2 * seed if seed >= 0 else -2 * seed - 1

    @property
    def channels(self) -> Literal[1, 3]:
        """The drawings are in colour."""
        return 3

    def records(self) -> Iterator[Drawn]:
        """All pictures, in the order of their numbers."""
        for index in range(self._count):
            yield self.picture(index)

    def fingerprint(self) -> str:
        """The fingerprint of the options and the version of the renderer."""
        options = (self._count, self._people, self._size, self._seed, RENDERER_VERSION)
        return hashlib.sha256(repr(options).encode()).hexdigest()

    def picture(self, index: int) -> Drawn:
        """Draws the picture of a number, counted from 0."""
        number = index % self._people
        person = Person(np.random.default_rng([self._seed, 0, number]))
        rng = np.random.default_rng([self._seed, 1, index])
        pixels = render(person, Scene(rng), self._size, rng)
        group = f"person_{number:05d}"
        return Drawn(f"{group}/picture_{index:07d}", group, pixels)
