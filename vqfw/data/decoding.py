"""Decodes the bytes of a picture to square uint8 pixels; nothing else decodes.

A picture may come from a stranger, so only five formats are tried, the size is checked
before anything is decoded, and a truncated picture is refused instead of filled with grey.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from vqfw.errors import DataError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "PPM")
FILE_BYTES = 64 * 1024 * 1024
PIXELS = 50_000_000  # a phone's largest picture; decoded it takes 200 MB at most

_SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_GREY = (*_SIXTEEN_BIT, "1", "L", "LA")
_EIGHT_BIT = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")


class Fit(NamedTuple):
    """The part of a picture that is used, and its size and channels.

    Args:
        crop: side of the centred square, in pixels of the picture; None for the largest.
        image_size: side of the result in pixels.
        channels: 1 for grey, 3 for colour; other pictures are converted.
    """

    crop: int | None
    image_size: int
    channels: Literal[1, 3]


class Fitted(NamedTuple):
    """A picture as the model sees it.

    Args:
        pixels: (image_size, image_size, channels) uint8.
        share: of the picture's pixels that lie in the square, in (0, 1].
    """

    pixels: NDArray[np.uint8]
    share: float


class SmallerThanCropError(DataError):
    """A picture is smaller than the crop.

    Args:
        name: of the picture.
        size: its width and height in pixels.
        crop: side of the square.

    Attributes:
        largest: side of the largest square in the picture.
    """

    def __init__(self, name: str, size: tuple[int, int], crop: int) -> None:
        self.largest = min(size)
        super().__init__(
            f"picture {name!r} has {size[0]} × {size[1]} pixels, too few for the crop of "
            f"{crop} × {crop}"
        )


def decode(stream: BinaryIO, name: str, fit: Fit) -> Fitted:
    """Decodes a picture, turns it upright, crops its middle and resizes it.

    Sixteen bits are scaled to eight, transparency is laid over white, and of an animation
    the first picture is taken.

    Args:
        stream: the encoded picture.
        name: of the picture, for errors.
        fit: crop, size and channels of the result.

    Raises:
        DataError: if the picture cannot be read, is too large, or is smaller than the
            crop; it names the picture.
    """
    with _decoding(name), _opened(stream, name) as image:
        image.load()
        return fit_image(ImageOps.exif_transpose(image), name, fit)


def read_header(stream: BinaryIO, name: str) -> tuple[tuple[int, int], bool]:
    """Reads the header of a picture.

    Returns:
        Width and height in pixels, and whether it is grey.

    Raises:
        DataError: if it is no picture, or too large.
    """
    with _decoding(name), _opened(stream, name) as image:
        return image.size, image.mode in _GREY


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turns what Pillow raises on a picture into a ``DataError`` with its name."""
    try:
        with warnings.catch_warnings():
            # The limit here is lower than the one at which Pillow warns.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    except (DataError, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything
        raise DataError(
            f"picture {name!r} cannot be decoded ({error or type(error).__name__}): "
            "replace it, or leave it out"
        ) from error


def fit_image(image: Image.Image, name: str, fit: Fit) -> Fitted:
    """Crops the middle of a decoded picture and converts it to size and channels.

    Args:
        image: upright, in any mode.
        name: of the picture, for errors.
        fit: crop, size and channels of the result.

    Raises:
        SmallerThanCropError: if the picture is smaller than the crop.
    """
    short = min(image.size)
    side = short if fit.crop is None else fit.crop
    if side > short:
        raise SmallerThanCropError(name, image.size, side)
    share = side * side / (image.width * image.height)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side))
    image = _in_channels(image, name, fit.channels)
    size = (fit.image_size, fit.image_size)
    if side != fit.image_size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    pixels = np.array(image, np.uint8).reshape(*size, fit.channels)
    return Fitted(pixels, share)


def fit_pixels(pixels: NDArray[np.uint8], name: str, fit: Fit) -> Fitted:
    """Crops and converts pixels that a dataset drew, as ``fit_image`` does a picture.

    Args:
        pixels: (height, width, 1 or 3) uint8.
        name: of the picture, for errors.
        fit: crop, size and channels of the result.

    Raises:
        DataError: if the pixels have another type or shape, or are fewer than the crop.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise DataError(
            f"picture {name!r} was drawn as {pixels.dtype} {pixels.shape}, and must be "
            "uint8 (height, width, 1 or 3): correct the dataset"
        )
    single = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    return fit_image(Image.fromarray(single), name, fit)


def _opened(stream: BinaryIO, name: str) -> Image.Image:
    """The picture with its header read; a ``DataError`` if too large or no picture."""
    encoded = stream.read(FILE_BYTES + 1)
    if len(encoded) > FILE_BYTES:
        raise DataError(
            f"picture {name!r} takes more than {FILE_BYTES:,} bytes: store it smaller"
        )
    try:
        image = Image.open(BytesIO(encoded), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise DataError(
            f"picture {name!r} is none of {', '.join(FORMATS)}: convert it, or leave it "
            "out"
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(name, str(error)) from error
    if image.width * image.height > PIXELS:
        raise _too_many_pixels(name, f"{image.width} by {image.height}")
    return image


def _too_many_pixels(name: str, size: str) -> DataError:
    return DataError(
        f"picture {name!r} has too many pixels ({size}), and {PIXELS:,} are allowed: "
        "store it smaller"
    )


def _in_channels(image: Image.Image, name: str, channels: Literal[1, 3]) -> Image.Image:
    if image.mode in _SIXTEEN_BIT:
        image = _to_eight_bits(image)
    elif image.mode not in _EIGHT_BIT:
        raise DataError(
            f"picture {name!r} stores its pixels as {image.mode!r}, whose range is not "
            "known: convert it to 8 or 16 bits"
        )
    elif image.has_transparency_data:
        image = _over_white(image)
    return image.convert("L" if channels == 1 else "RGB")


def _to_eight_bits(image: Image.Image) -> Image.Image:
    # Pillow's own conversion cuts off at 255, which makes nearly every pixel white.
    wide = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
    return Image.fromarray(((wide + 128) // 257).astype(np.uint8))


def _over_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, mask=image.getchannel("A"))
    return white
