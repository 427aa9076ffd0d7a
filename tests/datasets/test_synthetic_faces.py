from __future__ import annotations

import numpy as np
from vqfw_datasets.synthetic_faces import SyntheticFaces


def test_a_picture_depends_on_the_seed_and_its_number_alone() -> None:
    few = list(SyntheticFaces(count=3, people=5, size=32, seed=7).records())
    many = SyntheticFaces(count=100, people=5, size=32, seed=7)
    for index in (2, 0, 1):
        again = many.picture(index)
        assert (again.id, again.group) == (few[index].id, few[index].group)
        np.testing.assert_array_equal(again.pixels, few[index].pixels)


def test_other_seeds_draw_other_people() -> None:
    pictures = [
        SyntheticFaces(size=16, seed=s).picture(0).pixels for s in (-1, 0, 1, 2)
    ]
    assert len({picture.tobytes() for picture in pictures}) == 4


def test_pictures_show_the_people_in_turn() -> None:
    groups = [record.group for record in SyntheticFaces(7, people=3, size=8).records()]
    assert groups[:3] == groups[3:6]
    assert groups[6] == groups[0]
    assert len(set(groups)) == 3


def test_pictures_of_one_person_differ() -> None:
    faces = SyntheticFaces(people=1, size=32)
    assert not np.array_equal(faces.picture(0).pixels, faces.picture(1).pixels)


def test_pictures_have_the_size_and_colours() -> None:
    for record in SyntheticFaces(count=4, size=48).records():
        assert record.pixels.shape == (48, 48, 3)
        assert record.pixels.dtype == np.uint8
    assert SyntheticFaces().channels == 3


def test_ids_are_unique() -> None:
    ids = [record.id for record in SyntheticFaces(50, people=7, size=8).records()]
    assert len(set(ids)) == 50


def test_a_face_stands_out_in_the_middle_of_the_picture() -> None:
    # The same place in many pictures: skin in the middle varies less than background.
    pixels = np.stack([r.pixels for r in SyntheticFaces(120, 120, 32).records()]) / 255
    red_over_blue = (pixels[..., 0] - pixels[..., 2]).mean(axis=0)
    assert red_over_blue[14:24, 12:20].mean() > 0.15  # skin of any tone
    assert abs(red_over_blue[:4].mean()) < 0.1  # background of any colour


def test_eyes_are_darker_than_the_cheeks_below_them() -> None:
    pixels = np.stack([r.pixels for r in SyntheticFaces(200, 200, 64).records()])
    mean = pixels.mean(axis=(0, 3))
    eyes, cheeks = mean[27:33, 20:26].mean(), mean[38:44, 20:26].mean()
    assert eyes < cheeks


def test_every_option_changes_the_fingerprint() -> None:
    options = ({}, {"count": 5}, {"people": 5}, {"size": 5}, {"seed": 5}, {"seed": -5})
    prints = {SyntheticFaces(**option).fingerprint() for option in options}
    assert len(prints) == len(options)
