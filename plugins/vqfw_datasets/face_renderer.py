"""Draws one coloured face from numbers: its parts, painted over one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqfw_datasets.face_canvas import Canvas, Plane, bump, ellipse
from vqfw_datasets.face_numbers import Color, Person, Scene

WHITE: Color = (0.95, 0.94, 0.92)
BLACK: Color = (0.05, 0.04, 0.05)


def render(
    person: Person, scene: Scene, size: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Paints a person in a scene.

    Args:
        person: what does not change.
        scene: what does.
        size: pixels along one side.
        rng: of the noise and the texture of the hair.

    Returns:
        (size, size, 3) uint8.
    """
    canvas = Canvas(size, scene, rng)
    canvas.background()
    canvas.enter_head()
    face = _Face(canvas, person, scene)
    face.hair_behind()
    face.body()
    face.head()
    face.eyes()
    face.nose()
    face.mouth()
    face.hair_in_front()
    face.brows()
    if person.glasses:
        face.glasses()
    return canvas.developed()


class _Face:
    """The parts of a face, back to front; each paints itself."""

    def __init__(self, canvas: Canvas, person: Person, scene: Scene) -> None:
        self.canvas = canvas
        self.person = person
        self.scene = scene
        # A turned head shows its features nearer to one side, and that side narrower.
        self.x = canvas.x - 0.16 * scene.yaw
        self.y = canvas.y - 0.07 * scene.pitch
        self.eye_y = -0.10
        self.mouth_y = self.eye_y + person.nose_length + 0.19
        self.mouth_y += 0.04 * scene.mouth_open

    def side(self, sign: int) -> float:
        """Where an eye sits: the one that is turned away is nearer to the nose."""
        turned = 1 - 0.18 * max(0.0, sign * self.scene.yaw)
        return sign * self.person.eye_distance * turned

    def outline(self, grow: float = 0.0) -> Plane:
        """Distance to the face: an ellipse above the cheeks, tapering to the chin."""
        person, x, y = self.person, self.canvas.x, self.canvas.y
        down = np.clip(y / person.height, 0, 1)
        width = person.width * (1 - person.jaw * 0.42 * np.square(down)) + grow
        rounded = np.abs(x / width) ** 2.2 + np.abs(y / (person.height + grow)) ** 2.2
        return (rounded ** (1 / 2.2) - 1) * person.width

    def hair_behind(self) -> None:
        """What hangs down behind face and shoulders."""
        person, canvas = self.person, self.canvas
        if person.hair_length < 2:
            return
        bottom = 0.45 if person.hair_length == 2 else 0.95
        x, y = canvas.x, canvas.y
        width = person.width + 0.17 + 0.05 * np.clip(y, 0, 1)
        above = ellipse(x, y, 0, -0.18, person.width + 0.17, person.height + 0.02)
        below = np.maximum(np.abs(x) - width, np.maximum(y - bottom, -0.18 - y))
        mask = canvas.cover(np.minimum(above, below), 0.03)
        tone = 0.72 * canvas.strands(x, y, 0.16)
        canvas.paint(mask, tone[..., None] * np.asarray(person.hair, np.float32))

    def body(self) -> None:
        """Neck, shoulders and a shirt; they do not tilt with the head."""
        person, canvas = self.person, self.canvas
        x, y = canvas.body_x, canvas.body_y
        width = 0.27 + 0.10 * np.square(np.clip((y - 0.55) / 0.4, 0, 1))
        neck = canvas.cover(np.maximum(np.abs(x) - width, 0.2 - y), 0.02)
        canvas.paint(neck, _scaled(person.skin, 0.72))
        side = np.clip(-x * self.scene.light[0] / 0.35, 0, 1)
        canvas.shade(neck * side, 0.75)
        shirt = ellipse(x, y, 0, 1.42, 1.12, 0.62)
        collar = ellipse(x, y, 0, 0.70, 0.30, 0.26)
        mask = canvas.cover(np.maximum(shirt, -collar), 0.01)
        canvas.paint(mask, person.shirt)
        canvas.shade(mask * np.clip(np.abs(x) - 0.3, 0, 1), 0.55)
        rim = canvas.cover(np.abs(collar) - 0.025, 0.01) * mask
        canvas.shade(rim, 0.75)

    def head(self) -> None:
        """Ears and the skin of the face, lit from one side."""
        person, canvas = self.person, self.canvas
        for sign in (-1, 1):
            if person.hair_length < 2:
                self.ear(sign)
        self.mask = canvas.cover(self.outline(), 0.004)
        light = np.asarray(self.scene.light, np.float32)
        light /= np.linalg.norm(light)
        across = np.clip(canvas.x / person.width, -1, 1)
        down = np.clip(canvas.y / person.height, -1, 1)
        toward = np.sqrt(np.clip(1 - 0.8 * (across**2 + down**2), 0.05, 1))
        lit = np.clip(across * light[0] + down * light[1] + toward * light[2], 0, 1)
        tone = self.scene.ambient + (1 - self.scene.ambient) * lit
        skin = np.asarray(person.skin, np.float32)
        # Skin reddens in its own shadow instead of turning grey.
        color = skin * tone[..., None] ** np.asarray((0.85, 1.05, 1.15), np.float32)
        canvas.paint(self.mask, color)
        for sign in (-1, 1):
            cheek = bump(self.x, self.y, sign * 0.27, 0.20, 0.16, 0.12)
            canvas.paint(0.14 * cheek * self.mask, (0.80, 0.28, 0.25))
        if person.beard:
            self.beard()

    def ear(self, sign: int) -> None:
        """One ear, the smaller the more the head hides it."""
        person, canvas = self.person, self.canvas
        hidden = max(0.0, sign * self.scene.yaw)
        at = sign * (person.width + 0.03 - 0.06 * hidden)
        outer = ellipse(canvas.x, canvas.y, at, 0.02, 0.085, 0.15)
        inner = ellipse(canvas.x, canvas.y, at + sign * 0.01, 0.02, 0.04, 0.09)
        canvas.paint(canvas.cover(outer), _scaled(person.skin, 0.82))
        canvas.paint(0.6 * canvas.cover(inner, 0.03), _scaled(person.skin, 0.55))

    def beard(self) -> None:
        """A shadow or a full beard from ear to ear, without the lips."""
        person, canvas = self.person, self.canvas
        upper = 0.16 + 0.34 * np.exp(-np.square(self.x / 0.30)) - self.y
        mouth = ellipse(self.x, self.y, 0, self.mouth_y, person.mouth + 0.02, 0.07)
        region = canvas.cover(np.maximum(upper, -mouth), 0.09) * self.mask
        tone = canvas.strands(self.x, self.y * 0.7, 0.22)[..., None]
        color = np.asarray(person.hair, np.float32) * tone * 0.72
        canvas.paint(region * (0.35 + 0.6 * person.beard), color)

    def eyes(self) -> None:
        """Sockets, eyeballs between two lids, irises that follow the gaze."""
        for sign in (-1, 1):
            self.eye(sign)

    def eye(self, sign: int) -> None:
        """One eye."""
        person, canvas, scene = self.person, self.canvas, self.scene
        x, y = self.x - self.side(sign), self.y - self.eye_y
        half = person.eye_size
        canvas.shade(bump(x, y, 0, -0.03, 0.17, 0.10) * self.mask, 0.80)
        opened = half * (0.10 + 0.44 * scene.eyes_open)
        arc = np.clip(1 - np.square(x / half), 0, 1)
        upper, lower = -opened * 1.1 * arc, opened * 0.72 * arc
        lens = np.maximum(np.maximum(upper - y, y - lower), np.abs(x) - half)
        ball = canvas.cover(lens)
        canvas.paint(ball, WHITE)
        canvas.shade(ball * canvas.cover(y - upper - 0.02, 0.04), 0.72)
        self.iris(x, y, ball)
        near = canvas.cover(np.abs(x) - half * 1.04)
        lid = np.abs(y - upper) - 0.010 - 0.006 * sign * x / half
        canvas.paint(0.9 * near * canvas.cover(lid), _scaled(person.hair, 0.25))
        canvas.shade(near * canvas.cover(np.abs(y - lower) - 0.006), 0.78)
        crease = np.abs(y - upper * 1.35 + 0.035) - 0.005
        canvas.shade(near * canvas.cover(crease, 0.01), 0.80)
        bag = np.abs(y - lower - 0.055) - 0.006
        canvas.shade(near * person.age * canvas.cover(bag, 0.03), 0.78)

    def iris(self, x: Plane, y: Plane, ball: Plane) -> None:
        """Iris with a dark rim, pupil and the light's reflection."""
        person, canvas = self.person, self.canvas
        radius = 0.50 * person.eye_size
        x = x - 0.35 * person.eye_size * self.scene.gaze[0]
        y = y - 0.12 * person.eye_size * self.scene.gaze[1]
        distance = np.hypot(x, y)
        canvas.paint(ball * canvas.cover(distance - radius), _scaled(person.iris, 0.45))
        canvas.paint(ball * canvas.cover(distance - 0.8 * radius), person.iris)
        canvas.paint(ball * canvas.cover(distance - 0.42 * radius), BLACK)
        spot = np.hypot(x - 0.3 * radius, y + 0.35 * radius) - 0.24 * radius
        canvas.paint(0.9 * ball * canvas.cover(spot), (1, 1, 1))

    def nose(self) -> None:
        """A ridge of light, a shadow beside it, nostrils and wings."""
        person, canvas = self.person, self.canvas
        tip_y = self.eye_y + person.nose_length
        side = -1 if self.scene.light[0] > 0 else 1
        lean = 0.05 * self.scene.yaw
        x = self.x - lean * np.clip((self.y - self.eye_y) / person.nose_length, 0, 1)
        bridge = bump(x, self.y, side * person.nose * 0.75, tip_y - 0.14, 0.05, 0.17)
        canvas.shade(bridge * self.mask, 0.76)
        ridge = bump(x, self.y, -side * 0.01, tip_y - 0.15, 0.035, 0.17)
        canvas.shade(ridge * self.mask, 1.12)
        canvas.shade(bump(x, self.y, 0, tip_y + 0.055, person.nose * 1.2, 0.035), 0.72)
        canvas.shade(bump(x, self.y, 0, tip_y - 0.03, person.nose * 0.6, 0.05), 1.12)
        for sign in (-1, 1):
            at = sign * person.nose
            wing = np.abs(ellipse(x, self.y, at * 0.85, tip_y, 0.05, 0.05)) - 0.008
            outer = canvas.cover((at - x) * sign, 0.02)
            canvas.shade(outer * canvas.cover(wing, 0.015), 0.72)
            hole = ellipse(x, self.y, at * 0.5, tip_y + 0.028, person.nose * 0.3, 0.018)
            canvas.shade(canvas.cover(hole, 0.008), 0.35)

    def mouth(self) -> None:
        """Lips that bend with the smile, teeth where it is open, folds beside it."""
        person, canvas, scene = self.person, self.canvas, self.scene
        half = person.mouth * (1 + 0.22 * max(0.0, scene.smile))
        x, y = self.x, self.y - self.mouth_y
        along = np.clip(np.abs(x) / half, 0, 1)
        if person.moustache:
            self.moustache(along, half)
        middle = y + 0.07 * scene.smile * np.square(along) - 0.03 * scene.smile
        taper = np.sqrt(1 - np.square(along))
        gap = 0.085 * scene.mouth_open * taper
        bow = 1 - 0.25 * np.exp(-np.square(x / 0.035))
        upper = -gap * 0.4 - person.lips * taper * bow
        lower = gap + person.lips * 1.25 * taper
        ends = np.abs(x) - half
        lips = np.maximum(np.maximum(upper - middle, middle - lower), ends)
        red = np.asarray(person.skin) * np.asarray((0.86, 0.56, 0.56))
        canvas.paint(canvas.cover(lips, 0.01), tuple(red))
        canvas.shade(canvas.cover(np.maximum(lips, middle), 0.01), 0.82)
        inside = np.maximum(np.maximum(-gap * 0.4 - middle, middle - gap), ends)
        mask = canvas.cover(inside) * (scene.mouth_open > 0)
        canvas.paint(mask, (0.22, 0.06, 0.07))
        teeth = canvas.cover(middle - 0.55 * gap - 0.004)
        canvas.paint(0.92 * mask * teeth, (0.93, 0.90, 0.85))
        line = canvas.cover(np.maximum(np.abs(middle) - 0.007, ends))
        canvas.shade(line * (1 - mask), 0.42)
        canvas.shade(bump(x, y, 0, person.lips * 2 + 0.06, 0.12, 0.03), 0.88)
        for sign in (-1, 1):
            bent = sign * x - half - 0.04 - 0.25 * np.square(y + 0.05)
            reach = canvas.cover(np.abs(y + 0.06) - 0.11, 0.06)
            strength = 0.35 * person.age + 0.45 * max(0.0, scene.smile)
            fold = strength * reach * canvas.cover(np.abs(bent) - 0.008, 0.02)
            canvas.shade(fold * self.mask, 0.72)

    def moustache(self, along: Plane, half: float) -> None:
        """Hair between nose and lip, thinner towards its ends."""
        person, canvas = self.person, self.canvas
        y = self.y - self.mouth_y + person.lips + 0.045
        thick = 0.05 * np.sqrt(np.clip(1.1 - along, 0, 1))
        shape = np.maximum(
            np.abs(y - 0.035 * along) - thick, np.abs(self.x) - 1.1 * half
        )
        tone = canvas.strands(self.x, self.y, 0.25)[..., None]
        color = np.asarray(person.hair, np.float32) * tone * 0.72
        canvas.paint(canvas.cover(shape, 0.03) * (0.4 + 0.65 * person.moustache), color)

    def hair_in_front(self) -> None:
        """The cap of hair over the skull, down to the hairline."""
        person, canvas = self.person, self.canvas
        if not person.hair_length:
            canvas.shade(bump(self.x, canvas.y, 0.1, -0.5, 0.2, 0.1) * self.mask, 1.12)
            return
        x, y = canvas.x, canvas.y
        thick = 0.06 + 0.035 * person.hair_length
        skull = ellipse(
            x, y, 0, -0.10, person.width + thick, person.height + thick - 0.1
        )
        across = self.x / person.width
        from_parting = across - person.parting
        line = -0.56 + 0.22 * person.hairline
        line = (
            line
            + 0.42 * np.abs(across) ** 3.0
            - 0.10 * np.tanh(3 * np.abs(from_parting))
        )
        line = line + 0.07 - 0.05 * np.exp(-np.square(from_parting / 0.12))
        below = y - line
        sideburn = np.maximum(person.width - 0.045 - np.abs(x), y - 0.10)
        cap = np.maximum(skull, np.minimum(below, np.maximum(sideburn, skull)))
        mask = canvas.cover(cap, 0.025)
        canvas.shade(canvas.cover(np.maximum(self.outline(), below - 0.05), 0.08), 0.86)
        tone = canvas.strands(from_parting, y, 0.16)
        color = tone[..., None] * np.asarray(person.hair, np.float32)
        canvas.paint(mask, color)

    def brows(self) -> None:
        """Two arcs, thick at the nose."""
        person, canvas = self.person, self.canvas
        for sign in (-1, 1):
            x = (self.x - self.side(sign)) * sign / (person.eye_size * 1.35)
            y = self.y - self.eye_y + 0.155 + 0.035 * self.scene.brow_raise
            arc = y + 0.045 * (1 - np.square(x - 0.2)) + 0.012 * self.scene.smile
            thick = person.brow * np.clip(1 - 0.35 * x, 0.2, 1.4)
            shape = np.maximum(np.abs(arc) - thick, (np.abs(x) - 1) * person.eye_size)
            mask = 0.85 * canvas.cover(shape, 0.018)
            canvas.paint(mask, _scaled(person.hair, 0.7))

    def glasses(self) -> None:
        """Two rims, a bridge and the arms to the ears."""
        person, canvas = self.person, self.canvas
        bow = np.full_like(self.x, 9.0)
        for sign in (-1, 1):
            x = np.abs(self.x - self.side(sign)) / 0.195
            y = np.abs(self.y - self.eye_y - 0.02) / 0.155
            lens = ((x**3 + y**3) ** (1 / 3) - 1) * 0.17
            canvas.paint(0.10 * canvas.cover(lens), (0.85, 0.92, 1.0))
            bow = np.minimum(bow, np.abs(lens) - 0.013)
        height = np.abs(self.y - self.eye_y + 0.03) - 0.012
        outer = np.abs(self.x) - person.eye_distance - 0.19
        arms = np.maximum(np.maximum(height, -outer), np.abs(canvas.x) - person.width)
        bridge = np.maximum(height, np.abs(self.x) - person.eye_distance + 0.19)
        rim = np.minimum(bow, np.minimum(arms, bridge))
        canvas.paint(0.92 * canvas.cover(rim), _scaled(person.hair, 0.3))


def _scaled(color: Color, factor: float) -> Color:
    return (color[0] * factor, color[1] * factor, color[2] * factor)
