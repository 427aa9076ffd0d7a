from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vqfw.data import decoding as module
from vqfw.data.decoding import Fit, SmallerThanCropError, decode, fit_pixels
from vqfw.errors import DataError

RAMP = np.arange(16, dtype=np.uint8).reshape(4, 4) * 16
COLORS = np.stack([RAMP, RAMP.T, 255 - RAMP], axis=-1)


def saved(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def read(content: bytes, channels: Any = 3, **options: Any) -> NDArray[np.uint8]:
    settings = {"crop": None, "image_size": 4, **options}
    stream = io.BytesIO(content)
    return decode(stream, "face.png", Fit(channels=channels, **settings)).pixels


@pytest.mark.parametrize("form", ["PNG", "BMP", "PPM"])
def test_a_lossless_format_keeps_every_colour(form: str) -> None:
    np.testing.assert_array_equal(read(saved(Image.fromarray(COLORS), form)), COLORS)


def test_lossless_webp_keeps_every_colour() -> None:
    content = saved(Image.fromarray(COLORS), "WEBP", lossless=True)
    np.testing.assert_array_equal(read(content), COLORS)


def test_a_jpeg_of_one_colour_keeps_it() -> None:
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    content = saved(Image.fromarray(flat), "JPEG", quality=95)
    found = read(content, image_size=16).astype(int)
    assert np.abs(found - flat).max() <= 2


def test_grey_becomes_three_equal_channels_and_stays_grey_in_one() -> None:
    content = saved(Image.fromarray(RAMP))
    np.testing.assert_array_equal(read(content, 1)[..., 0], RAMP)
    np.testing.assert_array_equal(read(content), np.stack([RAMP] * 3, axis=-1))


def test_colour_becomes_grey_by_luma() -> None:
    # ITU-R BT.601: 0.299 red, 0.587 green, 0.114 blue.
    flat = np.full((4, 4, 3), (200, 100, 50), np.uint8)
    assert set(read(saved(Image.fromarray(flat)), 1).flat) == {124}


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_scaled_not_cut_off(channels: int) -> None:
    wide = np.array([[0, 256, 32768, 65535]] * 4, np.uint16)
    found = read(saved(Image.fromarray(wide)), channels)
    assert found[0, :, 0].tolist() == [0, 1, 128, 255]


def test_sixteen_bit_pgm_is_scaled() -> None:
    values = np.array([[0, 256, 32768, 65535]] * 4, ">u2")
    found = read(b"P5 4 4 65535\n" + values.tobytes(), 1)
    assert found[0, :, 0].tolist() == [0, 1, 128, 255]


def test_black_and_white_has_the_full_range() -> None:
    image = Image.fromarray(RAMP).point(lambda value: 255 * (value > 100), "1")
    assert set(read(saved(image), 1).flat) == {0, 255}


def test_a_palette_gives_its_colours() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    assert read(saved(image))[0, 0].tolist() == [10, 20, 30]


def test_cmyk_becomes_rgb() -> None:
    content = saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100)
    red, green, blue = read(content)[0, 0].tolist()
    assert red > 250
    assert max(green, blue) < 5


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("RGBA", (200, 100, 50, 0), [255, 255, 255]),
        ("RGBA", (200, 100, 50, 255), [200, 100, 50]),
        ("RGBA", (200, 100, 0, 51), [244, 224, 204]),
        ("LA", (100, 51), [224, 224, 224]),
    ],
)
def test_transparency_lies_over_white(mode: str, color: Any, expected: Any) -> None:
    found = read(saved(Image.new(mode, (4, 4), color)))
    assert found[0, 0].tolist() == expected


def test_a_transparent_colour_of_a_palette_is_white() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    assert read(saved(image, transparency=1))[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright_by_its_orientation(orientation: int) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transpositions that hide it
    image = Image.fromarray(COLORS)
    if orientation > 1:
        image = image.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(read(saved(image, exif=exif)), COLORS)


def test_the_first_picture_of_an_animation_is_decoded() -> None:
    first, second = Image.new("RGB", (4, 4), "red"), Image.new("RGB", (4, 4), "blue")
    moving = {"save_all": True, "append_images": [second], "lossless": True}
    for form in ("WEBP", "PNG"):
        assert read(saved(first, form, **moving))[0, 0].tolist() == [255, 0, 0]


def test_the_crop_is_the_middle_of_the_picture() -> None:
    pixels = np.zeros((112, 92, 3), np.uint8)
    pixels[10:102] = 255
    content = saved(Image.fromarray(pixels))
    assert read(content, crop=92, image_size=64).min() == 255
    assert read(content, image_size=92).min() == 255
    inner = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    found = read(saved(Image.fromarray(inner)), crop=4)
    np.testing.assert_array_equal(found, inner[2:6, 4:8])


def test_resizing_averages_the_pixels_that_one_pixel_covers() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    found = read(saved(Image.fromarray(stripes)), 1, image_size=8)
    assert np.abs(found.astype(int) - 127).max() <= 6


def test_a_crop_larger_than_the_picture_names_both_sizes() -> None:
    content = saved(Image.new("RGB", (30, 20)))
    with pytest.raises(
        SmallerThanCropError, match=r"'face\.png' has 30 × 20 .* 25 × 25"
    ):
        read(content, crop=25)


def test_a_picture_cut_short_is_refused_and_named() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for form in ("JPEG", "PNG", "WEBP", "BMP", "PPM"):
        content = saved(Image.fromarray(noise), form)
        with pytest.raises(DataError, match=r"picture 'face\.png'"):
            read(content[: len(content) // 2])


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\x89PNG\r\n\x1a\n"]
)
def test_a_file_that_is_no_picture_is_refused_and_named(content: bytes) -> None:
    with pytest.raises(DataError, match=r"picture 'face\.png'"):
        read(content)


@pytest.mark.parametrize("form", ["GIF", "TIFF", "ICO", "PCX", "TGA"])
def test_other_formats_are_refused(form: str) -> None:
    with pytest.raises(DataError, match="none of JPEG, PNG, WEBP, BMP, PPM"):
        read(saved(Image.new("RGB", (16, 16)), form))


@pytest.mark.parametrize("side", [7_072, 9_500, 30_000])
def test_too_many_pixels_are_refused_by_the_header(side: int) -> None:
    # The header alone: decoding anything would fail in another way.
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    content += struct.pack(">I", zlib.crc32(chunk))
    content += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    with pytest.raises(DataError, match=r"too many pixels .* 50,000,000 are allowed"):
        read(content)


def test_an_image_file_with_too_many_bytes_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = saved(Image.new("RGB", (4, 4)))
    monkeypatch.setattr(module, "FILE_BYTES", len(content))
    assert read(content).shape == (4, 4, 3)
    with pytest.raises(DataError, match="takes more than"):
        read(content + b"x")


def test_numbers_without_a_range_are_refused() -> None:
    content = b"Pf\n4 4\n-1.0\n" + np.zeros((4, 4), "<f4").tobytes()
    with pytest.raises(DataError, match="'F', whose range is not known"):
        read(content)


def test_drawn_pixels_are_treated_like_decoded_ones() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    drawn = fit_pixels(noise, "x", Fit(16, 8, 1))
    read_back = read(saved(Image.fromarray(noise)), 1, crop=16, image_size=8)
    np.testing.assert_array_equal(drawn.pixels, read_back)
    assert drawn.share == 16 * 16 / (30 * 20)
    grey = fit_pixels(noise[..., :1], "x", Fit(None, 20, 3)).pixels
    np.testing.assert_array_equal(grey[..., 2], noise[5:25, :, 0])


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8)]
)
def test_drawn_pixels_of_another_kind_are_refused(pixels: Any) -> None:
    with pytest.raises(DataError, match="was drawn as"):
        fit_pixels(pixels, "x", Fit(None, 4, 3))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "PPM"])
def test_damaged_bytes_give_a_picture_or_a_named_error(form: str) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
    content = np.frombuffer(saved(Image.fromarray(noise), form), np.uint8)
    refused: list[str] = []
    for _ in range(100):
        damaged = content.copy()
        places = rng.integers(0, min(len(content), 200), 3)
        damaged[places] = rng.integers(0, 256, 3)
        try:
            assert read(damaged.tobytes()).shape == (4, 4, 3)
        except DataError as error:
            refused.append(str(error))
    assert refused
    assert all("'face.png'" in message for message in refused)
