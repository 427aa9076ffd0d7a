import numpy as np
import pytest
from PIL import Image, ImageOps
from vqfw_augmentations.geometry import HorizontalFlip, Rotation, Translation, Zoom

MARGIN = 64


def extended(picture):
    """The picture with its edge pixels repeated outwards."""
    pixels = np.asarray(picture)
    pad = ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0))[: pixels.ndim]
    return Image.fromarray(np.pad(pixels, pad, mode="edge"))


def middle(picture):
    return picture.crop(
        (MARGIN, MARGIN, picture.width - MARGIN, picture.height - MARGIN)
    )


@pytest.mark.parametrize("degrees", [-33.0, -5.0, 2.5, 5.0, 90.0, 180.0])
@pytest.mark.parametrize("size", [(64, 64), (61, 48)])
def test_rotation_is_pillows_with_edge_pixels_extended(
    degrees, size, picture, changed, levels
):
    picture = picture.resize(size)
    found = changed(Rotation(), picture, degrees=degrees)
    turned = extended(picture).rotate(degrees, Image.Resampling.BILINEAR)
    # Pillow truncates what it interpolates, which is half a level on average.
    difference = levels(found, middle(turned))
    assert difference.mean() <= 0.6
    assert difference.max() <= 2


def test_positive_angles_turn_counter_clockwise(photograph, changed, levels):
    found = changed(Rotation(), photograph, degrees=90.0)
    assert levels(found, photograph.transpose(Image.Transpose.ROTATE_90)).max() < 0.01


def test_rotation_paints_no_black_corners(changed):
    white = Image.new("L", (32, 32), 255)
    assert changed(Rotation(), white, degrees=45.0).min() > 254.9


@pytest.mark.parametrize(("right", "down"), [(0.05, 0.0), (-0.1, 0.031), (1.0, -1.0)])
def test_translation_moves_whole_pixels_and_extends_the_edge(
    right, down, picture, changed, levels
):
    found = changed(Translation(), picture, right=right, down=down)
    shift = (-round(right * 64), -round(down * 64))
    matrix = (1, 0, shift[0], 0, 1, shift[1])
    moved = extended(picture).transform((192, 192), Image.Transform.AFFINE, matrix)
    assert levels(found, middle(moved)).max() < 0.01


def test_translation_follows_each_side_of_the_image(photograph, changed):
    wide = photograph.resize((80, 20))
    found = changed(Translation(), wide, right=0.1, down=0.1)
    before = np.asarray(wide, "float32")
    np.testing.assert_allclose(found[2:, 8:], before[:-2, :-8], atol=0.01)


@pytest.mark.parametrize("kept", [0.5, 0.8, 0.9, 0.97])
@pytest.mark.parametrize("size", [(64, 64), (61, 48)])
def test_zoom_is_pillows_crop_and_resize(kept, size, picture, changed, levels):
    picture = picture.resize(size)
    found = changed(Zoom(), picture, kept=kept)
    width, height = size
    left, top = width * (1 - kept) / 2, height * (1 - kept) / 2
    box = (left, top, width - left, height - top)
    expected = picture.resize(size, Image.Resampling.BILINEAR, box=box)
    difference = levels(found, expected)
    assert difference.mean() <= 0.6
    assert difference.max() <= 2


def test_flip_is_pillows_mirror(picture, changed, levels):
    found = changed(HorizontalFlip(), picture, flip=1)
    assert levels(found, ImageOps.mirror(picture)).max() < 0.01


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_flip_mirrors_its_share_of_the_images(share):
    flip = HorizontalFlip(share).draw(np.random.default_rng(0), 20000)["flip"]
    assert set(np.unique(flip)) <= {0, 1}
    assert abs(flip.mean() - share) < 0.015


def test_draws_fill_the_range_of_their_option():
    rng = np.random.default_rng(0)
    degrees = Rotation(7.0).draw(rng, 4000)["degrees"]
    assert -7 <= degrees.min() < -6.9
    assert 6.9 < degrees.max() <= 7
    kept = Zoom(0.6).draw(rng, 4000)["kept"]
    assert 0.6 <= kept.min() < 0.61
    assert 0.99 < kept.max() <= 1
    shift = Translation(0.2).draw(rng, 4000)
    assert abs(np.corrcoef(shift["right"], shift["down"])[0, 1]) < 0.06
    for share in shift.values():
        assert -0.2 <= share.min() < -0.19
        assert 0.19 < share.max() <= 0.2
