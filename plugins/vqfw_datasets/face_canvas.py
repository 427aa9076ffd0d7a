"""A canvas for soft shapes: coordinates, a brush, a background and the final noise.

Every shape is a signed distance in units of half a picture, turned into coverage with an
edge one pixel wide, so that nothing needs supersampling. It knows no part of a face.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqfw_datasets.face_numbers import Color, Scene

Plane = NDArray[np.floating[Any]]
"""(size, size) float32."""


class Canvas:
    """A picture in linear numbers, its coordinates, and a brush."""

    def __init__(self, size: int, scene: Scene, rng: np.random.Generator) -> None:
        axis = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
        self.x, self.y = np.broadcast_arrays(axis[None, :], axis[:, None])
        self.pixel = 2 / size
        self.image = np.empty((size, size, 3), np.float32)
        self.scene = scene
        self.rng = rng

    def cover(self, distance: Plane, softness: float = 0.0) -> Plane:
        """Share of each pixel inside a shape: 1 where the distance is negative."""
        mask: Plane = np.clip(0.5 - distance / (self.pixel + softness), 0, 1)
        return mask

    def paint(self, mask: Plane, color: Color | Plane) -> None:
        """Lays a colour over the picture; (3,) or one a pixel."""
        target = np.asarray(color, np.float32)
        self.image += mask[..., None] * (target - self.image)

    def shade(self, mask: Plane, factor: float) -> None:
        """Darkens or brightens what is there."""
        self.image *= (1 + mask * (factor - 1))[..., None]

    def background(self) -> None:
        """Two tones with a soft line between them, darker towards the corners."""
        scene = self.scene
        along = self.x * math.cos(scene.edge) + self.y * math.sin(scene.edge)
        mask = 1 / (1 + np.exp(-(along - 0.15) / scene.edge_softness))
        self.image[:] = scene.near
        self.paint(mask, scene.far)
        self.shade(np.square(self.x) + np.square(self.y), 0.88)

    def enter_head(self) -> None:
        """From the picture's coordinates to those of an upright head."""
        scene = self.scene
        x, y = self.x - scene.shift[0], self.y - scene.shift[1]
        cos, sin = math.cos(scene.roll), math.sin(scene.roll)
        self.body_x, self.body_y = x / scene.scale, y / scene.scale
        self.x = (x * cos + y * sin) / scene.scale
        self.y = (y * cos - x * sin) / scene.scale
        self.pixel /= scene.scale

    def strands(self, x: Plane, y: Plane, amount: float) -> Plane:
        """Brightness of hair: streaks along it, and a sheen."""
        phases = self.rng.uniform(0, 2 * np.pi, 3).tolist()
        streaks = np.zeros_like(x)
        for phase, frequency in zip(phases, (23, 41, 67), strict=True):
            streaks += np.sin(frequency * (x + 0.22 * y * x) + phase)
        sheen: Plane = np.exp(-np.square((y + 0.55) / 0.16))
        return 1 + amount * (streaks / 3) + 0.25 * sheen

    def developed(self) -> NDArray[np.uint8]:
        """The picture with the light's tint and the sensor's noise, as bytes."""
        grain = self.rng.standard_normal(self.image.shape[:2], np.float32)[..., None]
        image = self.image * np.asarray(self.scene.tint, np.float32)
        image = image + self.scene.noise * grain
        return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def ellipse(
    x: Plane, y: Plane, at_x: float, at_y: float, rx: float, ry: float
) -> Plane:
    """Signed distance to an ellipse, near enough at its edge."""
    scaled: Plane = np.hypot((x - at_x) / rx, (y - at_y) / ry)
    return (scaled - 1) * min(rx, ry)


def bump(x: Plane, y: Plane, at_x: float, at_y: float, rx: float, ry: float) -> Plane:
    """A soft spot: 1 in the middle, 0.37 at the radius."""
    spot: Plane = np.exp(-np.square((x - at_x) / rx) - np.square((y - at_y) / ry))
    return spot
