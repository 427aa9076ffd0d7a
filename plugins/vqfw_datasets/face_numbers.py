"""The numbers that a face is drawn from: who it is, and how it was taken.

Lengths are in half pictures, colours in [0, 1]. The numbers are drawn in the order of the
lines here: another order gives other faces.
"""

from __future__ import annotations

import numpy as np

Color = tuple[float, float, float]
"""Red, green and blue in [0, 1]."""

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


class Person:
    """What all pictures of one person share.

    Args:
        rng: draws all of it.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        skin_tone = rng.uniform(0, len(SKINS) - 1)
        # Fair hair and light eyes are drawn for light skin only.
        light = skin_tone < 2.5
        hair = HAIRS[int(rng.integers(len(HAIRS) if light else 2))]
        iris = IRISES[int(rng.integers(len(IRISES) if light else 2))]
        bearded = rng.random() < 0.28
        length = int(rng.choice(4, p=(0.08, 0.42, 0.22, 0.28)))
        self.width = rng.uniform(0.43, 0.53)  # half of the face's
        self.skin = _jittered(rng, _between(SKINS, skin_tone), 0.012)  # in full light
        self.hair = _jittered(rng, hair, 0.02)  # also of brows and beard
        self.iris = _jittered(rng, iris, 0.04)
        self.shirt = _any_color(rng, 0.08, 0.85)
        self.height = rng.uniform(0.60, 0.70)  # half of the face's
        self.jaw = rng.uniform(
            0.15, 1.0
        )  # how much narrower the chin is than the cheeks
        # From the middle of the face to an eye.
        self.eye_distance = self.width * rng.uniform(0.41, 0.47)
        self.eye_size = rng.uniform(0.095, 0.125)  # half the width
        self.brow = rng.uniform(0.012, 0.030)  # half the thickness
        self.nose = rng.uniform(0.065, 0.11)  # half the width
        self.nose_length = rng.uniform(0.26, 0.34)  # from the eyes to the nostrils
        self.mouth = rng.uniform(0.15, 0.21)  # half the width
        self.lips = rng.uniform(0.022, 0.045)  # half the thickness
        # 0 bald, 1 short, 2 to the chin, 3 to the shoulders.
        self.hair_length = min(length, 1) if bearded else length
        self.hairline = rng.uniform(0, 1)  # height of the hair over the forehead
        self.parting = rng.uniform(-0.6, 0.6)  # where it is, in widths of the face
        self.beard = rng.uniform(0.1, 1) if bearded else 0.0
        has_moustache = bearded and rng.random() < 0.8
        self.moustache = rng.uniform(0.3, 1) if has_moustache else 0.0
        self.glasses = bool(rng.random() < 0.22)
        self.age = rng.uniform(0, 1) ** 2  # strength of the folds


class Scene:
    """What changes from picture to picture: pose, expression, light and background.

    Args:
        rng: draws all of it.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        laughs = rng.random() < 0.35
        # Turn to the side: 1 is about 30 degrees.
        self.yaw = float(np.clip(rng.normal(0, 0.45), -1, 1))
        self.pitch = float(np.clip(rng.normal(0, 0.4), -1, 1))  # nod
        self.roll = float(np.clip(rng.normal(0, 0.07), -0.2, 0.2))  # tilt in radians
        self.scale = rng.uniform(0.98, 1.16)  # size of the head
        # Of the head from the middle, right and down.
        self.shift = (float(rng.normal(0, 0.03)), 0.06 + float(rng.normal(0, 0.03)))
        self.smile = rng.uniform(0.5, 1) if laughs else rng.uniform(-0.25, 0.5)
        self.mouth_open = rng.uniform(0.3, 1) if laughs else 0.0
        self.eyes_open = 0.0 if rng.random() < 0.03 else rng.uniform(0.55, 1)
        self.gaze = (rng.uniform(-1, 1), rng.uniform(-1, 1))  # right and down
        self.brow_raise = rng.uniform(-0.7, 1)
        # Where the light comes from: right, down, towards the viewer.
        right, down = rng.uniform(-0.9, 0.9), rng.uniform(-0.6, 0.1)
        self.light = (right, down, rng.uniform(0.7, 1.1))
        self.ambient = rng.uniform(0.25, 0.6)  # share of the light from everywhere
        self.tint = _jittered(rng, (0.97, 0.95, 0.92), 0.035)  # of the light
        self.near = _any_color(rng, 0.1, 0.9)  # background at one side
        self.far = _any_color(rng, 0.1, 0.9)  # background at the other side
        self.edge = rng.uniform(0, 2 * np.pi)  # direction of the line between the two
        self.edge_softness = rng.uniform(0.03, 0.5)
        self.noise = rng.uniform(0.004, 0.02)  # standard deviation of the sensor's


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
