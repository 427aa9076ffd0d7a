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
from vqfw_datasets.face_numbers import Color, Person, Scene
from vqfw_datasets.face_renderer import render

# Goes into the fingerprint; raised whenever the same seed draws another picture.
RENDERER_VERSION = 1

SKINS: tuple[Color, ...] = (
    (0.98, 0.83, 0.73),
    (0.95, 0.76, 0.63),
    (0.89, 0.68, 0.52),
    (0.78, 0.56, 0.40),
    (0.62, 0.42, 0.29),
    (0.46, 0.30, 0.21),
)
HAIRS: tuple[Color, ...] = (
    (0.09, 0.07, 0.07),
    (0.22, 0.13, 0.08),
    (0.40, 0.24, 0.13),
    (0.58, 0.27, 0.12),
    (0.80, 0.62, 0.34),
    (0.66, 0.65, 0.64),
)
IRISES: tuple[Color, ...] = (
    (0.30, 0.17, 0.08),
    (0.42, 0.28, 0.12),
    (0.30, 0.42, 0.24),
    (0.30, 0.48, 0.66),
    (0.45, 0.50, 0.53),
)


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
        person = drawn_person(np.random.default_rng([self._seed, 0, number]))
        rng = np.random.default_rng([self._seed, 1, index])
        scene = drawn_scene(rng)
        group = f"person_{number:05d}"
        pixels = render(person, scene, self._size, rng)
        return Drawn(f"{group}/picture_{index:07d}", group, pixels)


def drawn_person(rng: np.random.Generator) -> Person:
    """Draws a person; the generator decides everything."""
    skin_tone = rng.uniform(0, len(SKINS) - 1)
    # Fair hair and light eyes are drawn for light skin only.
    light = skin_tone < 2.5
    hair = HAIRS[int(rng.integers(len(HAIRS) if light else 2))]
    iris = IRISES[int(rng.integers(len(IRISES) if light else 2))]
    bearded = rng.random() < 0.28
    hair_length = int(rng.choice(4, p=(0.08, 0.42, 0.22, 0.28)))
    width = rng.uniform(0.43, 0.53)
    return Person(
        skin=_jittered(rng, _between(SKINS, skin_tone), 0.012),
        hair=_jittered(rng, hair, 0.02),
        iris=_jittered(rng, iris, 0.04),
        shirt=_any_color(rng, 0.08, 0.85),
        width=width,
        height=rng.uniform(0.60, 0.70),
        jaw=rng.uniform(0.15, 1.0),
        eye_distance=width * rng.uniform(0.41, 0.47),
        eye_size=rng.uniform(0.095, 0.125),
        brow=rng.uniform(0.012, 0.030),
        nose=rng.uniform(0.065, 0.11),
        nose_length=rng.uniform(0.26, 0.34),
        mouth=rng.uniform(0.15, 0.21),
        lips=rng.uniform(0.022, 0.045),
        hair_length=min(hair_length, 1) if bearded else hair_length,
        hairline=rng.uniform(0, 1),
        parting=rng.uniform(-0.6, 0.6),
        beard=rng.uniform(0.1, 1) if bearded else 0.0,
        moustache=rng.uniform(0.3, 1) if bearded and rng.random() < 0.8 else 0.0,
        glasses=bool(rng.random() < 0.22),
        age=rng.uniform(0, 1) ** 2,
    )


def drawn_scene(rng: np.random.Generator) -> Scene:
    """Draws pose, expression, light and background; the generator decides everything."""
    laughs = rng.random() < 0.35
    return Scene(
        yaw=float(np.clip(rng.normal(0, 0.45), -1, 1)),
        pitch=float(np.clip(rng.normal(0, 0.4), -1, 1)),
        roll=float(np.clip(rng.normal(0, 0.07), -0.2, 0.2)),
        scale=rng.uniform(0.98, 1.16),
        shift=(float(rng.normal(0, 0.03)), 0.06 + float(rng.normal(0, 0.03))),
        smile=rng.uniform(0.5, 1) if laughs else rng.uniform(-0.25, 0.5),
        mouth_open=rng.uniform(0.3, 1) if laughs else 0.0,
        eyes_open=0.0 if rng.random() < 0.03 else rng.uniform(0.55, 1),
        gaze=(rng.uniform(-1, 1), rng.uniform(-1, 1)),
        brow_raise=rng.uniform(-0.7, 1),
        light=(rng.uniform(-0.9, 0.9), rng.uniform(-0.6, 0.1), rng.uniform(0.7, 1.1)),
        ambient=rng.uniform(0.25, 0.6),
        tint=_jittered(rng, (0.97, 0.95, 0.92), 0.035),
        near=_any_color(rng, 0.1, 0.9),
        far=_any_color(rng, 0.1, 0.9),
        edge=rng.uniform(0, 2 * np.pi),
        edge_softness=rng.uniform(0.03, 0.5),
        noise=rng.uniform(0.004, 0.02),
    )


def _between(colors: tuple[Color, ...], at: float) -> Color:
    """A colour between two neighbours of a scale; ``at`` counts from its first."""
    low = min(int(at), len(colors) - 2)
    share = at - low
    pairs = zip(colors[low], colors[low + 1], strict=True)
    red, green, blue = ((1 - share) * a + share * b for a, b in pairs)
    return red, green, blue


def _jittered(rng: np.random.Generator, color: Color, spread: float) -> Color:
    red, green, blue = np.clip(np.asarray(color) + rng.normal(0, spread, 3), 0.02, 1)
    return float(red), float(green), float(blue)


def _any_color(rng: np.random.Generator, low: float, high: float) -> Color:
    """A colour that is seldom garish: drawn around a grey."""
    grey = rng.uniform(low, high)
    red, green, blue = np.clip(grey + rng.normal(0, 0.11, 3), low, high)
    return float(red), float(green), float(blue)
