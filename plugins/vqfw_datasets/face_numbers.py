"""The numbers that a drawn face is made of: who it is, and how it was taken.

Lengths are in half pictures, colours in [0, 1]. Nothing is drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass

Color = tuple[float, float, float]
"""Red, green and blue in [0, 1]."""


@dataclass(frozen=True)
class Person:
    """What all pictures of one person share; lengths in half pictures.

    Args:
        skin: colour in full light.
        hair: colour of hair, brows and beard.
        iris: colour of the eyes.
        shirt: colour of the clothing.
        width: half the width of the face, about 0.5.
        height: half its height, about 0.66.
        jaw: how much narrower the chin is than the cheeks, in [0, 1].
        eye_distance: from the middle of the face to an eye.
        eye_size: half the width of an eye.
        brow: half the thickness of a brow.
        nose: half the width of the nose.
        nose_length: from the eyes to the nostrils.
        mouth: half the width of the mouth.
        lips: half the thickness of the lips.
        hair_length: 0 bald, 1 short, 2 to the chin, 3 to the shoulders.
        hairline: height of the hair over the forehead, in [0, 1].
        parting: where the hair parts, in [-1, 1] of the face's width.
        beard: 0 none, 1 a full one.
        moustache: 0 none, 1 a full one.
        glasses: whether there are any.
        age: strength of the folds, in [0, 1].
    """

    skin: Color
    hair: Color
    iris: Color
    shirt: Color
    width: float
    height: float
    jaw: float
    eye_distance: float
    eye_size: float
    brow: float
    nose: float
    nose_length: float
    mouth: float
    lips: float
    hair_length: int
    hairline: float
    parting: float
    beard: float
    moustache: float
    glasses: bool
    age: float


@dataclass(frozen=True)
class Scene:
    """What changes from picture to picture.

    Args:
        yaw: turn of the head to the side, in [-1, 1]; 1 is about 30 degrees.
        pitch: nod, in [-1, 1].
        roll: tilt in radians.
        scale: size of the head, about 1.
        shift: of the head from the middle, right and down.
        smile: in [-1, 1].
        mouth_open: in [0, 1].
        eyes_open: in [0, 1].
        gaze: where the eyes look, right and down, in [-1, 1].
        brow_raise: in [-1, 1].
        light: where the light comes from: right, down, towards the viewer.
        ambient: share of the light that comes from everywhere, in [0, 1].
        tint: colour of the light.
        near: colour of the background at one side.
        far: colour of the background at the other side.
        edge: direction of the line between the two, in radians.
        edge_softness: width of the change between the two.
        noise: standard deviation of the sensor's noise.
    """

    yaw: float
    pitch: float
    roll: float
    scale: float
    shift: tuple[float, float]
    smile: float
    mouth_open: float
    eyes_open: float
    gaze: tuple[float, float]
    brow_raise: float
    light: tuple[float, float, float]
    ambient: float
    tint: Color
    near: Color
    far: Color
    edge: float
    edge_softness: float
    noise: float
