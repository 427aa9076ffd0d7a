"""Image augmentations change batches on the host, as a function of seed and step alone."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vqfw.data.arrays import Images
from vqfw.data.batches import Batches
from vqfw.data.pictures import ListedAugmentation
from vqfw.errors import PluginError
from vqfw.kinds.augmentation import Augmentation, ImageAugmentation
from vqfw.registry import Entry

ENTRY = Entry(
    "augmentation", "brush", f"{__name__.partition('.')[0]}:Brush", "vqfw-brush", "0.1"
)


class Brush(ImageAugmentation):
    """Adds a random number to each picture."""

    def apply(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        by = int(rng.integers(1, 100))
        return Image.fromarray(np.asarray(image) + np.uint8(by))


class Slow(Brush):
    """Takes its time, another one for each picture, and notes who calls."""

    def __init__(self) -> None:
        self.callers: set[str] = set()

    def apply(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        self.callers.add(threading.current_thread().name)
        time.sleep(float(np.asarray(image).ravel()[0] % 3) / 1000)
        return super().apply(image, rng)


class Scribble(ImageAugmentation):
    """Writes into the picture that it is given."""

    def apply(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        pixels = image.load()
        assert pixels is not None
        pixels[0, 0] = 255 if image.mode == "L" else (255, 255, 255)
        return image


class Shift(Augmentation):
    """Draws a number an image, for the tensors."""

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, NDArray[Any]]:
        return {"by": rng.random(count, np.float32)}

    def apply(self, images: Any, params: Mapping[str, Any]) -> Any:
        return images


class Gives(ImageAugmentation):
    """Gives what it was told to give, or raises it."""

    def __init__(self, what: Any) -> None:
        self.what = what

    def apply(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        if isinstance(self.what, BaseException):
            raise self.what
        given: Image.Image = self.what
        return given


def listed(
    augmentation: ImageAugmentation, probability: float = 1.0
) -> ListedAugmentation:
    return ListedAugmentation(augmentation, probability, ENTRY)


def numbered(count: int, channels: int = 3) -> Images:
    pixels = np.empty((count, 4, 5, channels), np.uint8)
    pixels[:] = np.arange(count, dtype=np.uint8)[:, None, None, None]
    pixels.flags.writeable = False
    names = tuple(f"{number}.png" for number in range(count))
    return Images(pixels, names, names)


def made(
    *augmentations: ListedAugmentation, channels: int = 3, **options: Any
) -> Batches:
    settings: Any = {"batch_size": 6, "seed": 0, **options}
    return Batches(
        numbered(20, channels), image_augmentations=augmentations, **settings
    )


def shown(batches: Batches, steps: int = 6) -> list[bytes]:
    return [batches.batch(step)["images"].tobytes() for step in range(steps)]


def test_every_picture_has_the_documented_generator() -> None:
    plain, changed = made(seed=7), made(listed(Brush()), listed(Brush()), seed=7)
    for step in (0, 4):
        before, after = plain.batch(step)["images"], changed.batch(step)["images"]
        for row in range(6):
            drawn = [
                np.random.default_rng([7, 2, step, place, row]).integers(1, 100)
                for place in (0, 1)
            ]
            np.testing.assert_array_equal(after[row], before[row] + sum(drawn) % 256)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_keep_their_shape(channels: int) -> None:
    batch = made(listed(Brush()), channels=channels).batch(0)["images"]
    assert batch.shape == (6, 4, 5, channels)
    assert batch.dtype == np.uint8


def test_an_asymmetric_picture_stays_the_right_way_round() -> None:
    seen = []

    class Look(ImageAugmentation):
        def apply(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
            seen.append((image.size, image.mode, image.getpixel((4, 1))))
            return image

    pixels = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(1, 4, 5, 3)
    images = Images(pixels, ("a",), ("a",))
    batches = Batches(
        images, batch_size=1, seed=0, image_augmentations=[listed(Look())]
    )
    np.testing.assert_array_equal(batches.batch(0)["images"], pixels)
    assert seen == [((5, 4), "RGB", tuple(pixels[0, 1, 4]))]


def test_the_probability_is_drawn_for_each_picture() -> None:
    batches = made(listed(Brush(), 0.3))
    plain = made()
    share = np.mean(
        [
            (batches.batch(step)["images"] != plain.batch(step)["images"]).any(
                (1, 2, 3)
            )
            for step in range(50)
        ]
    )
    assert 0.2 < share < 0.4
    assert shown(made(listed(Brush(), 0.0))) == shown(plain)


def test_later_augmentations_change_no_earlier_draw() -> None:
    one, two = (
        made(listed(Brush(), 0.5)),
        made(listed(Brush(), 0.5), listed(Scribble())),
    )
    for step in range(3):
        left, right = one.batch(step)["images"], two.batch(step)["images"]
        np.testing.assert_array_equal(left[:, 1:], right[:, 1:])


def test_tensor_augmentations_draw_as_without_image_augmentations() -> None:
    tensors: Any = {"augmentations": [(Shift(), 0.5)]}
    plain, both = made(**tensors).batch(3), made(listed(Brush()), **tensors).batch(3)
    assert both["params"].keys() == {"0"}
    for name, rows in plain["params"]["0"].items():
        np.testing.assert_array_equal(rows, both["params"]["0"][name])


@pytest.mark.parametrize("channels", [1, 3])
def test_an_augmentation_that_writes_into_its_picture_leaves_the_dataset_unchanged(
    channels: int,
) -> None:
    batches = made(listed(Scribble()), channels=channels)
    assert (batches.batch(0)["images"][:, 0, 0] == 255).all()
    assert batches._images.pixels.max() == 19


def test_batches_do_not_depend_on_the_number_of_threads() -> None:
    expected = shown(made(listed(Brush(), 0.7)), 40)
    for threads in (1, 2, 3, 16):
        slow = Slow()
        batches = made(listed(slow, 0.7))
        found = [b["images"].tobytes() for b in batches.prefetched(0, 40, threads)]
        assert found == expected
        assert 1 <= len(slow.callers) <= min(threads, 4)


def test_without_image_augmentations_one_thread_is_enough() -> None:
    ahead: Any = made().prefetched(0, 100, 4)
    next(ahead)
    names = [thread.name for thread in threading.enumerate()]
    assert sum(name.startswith("vqfw-batches") for name in names) == 1
    ahead.close()


def failing(what: Any, **options: Any) -> str:
    with pytest.raises(PluginError) as caught:
        made(listed(Gives(what)), **options).batch(0)
    return str(caught.value)


PICTURE = Image.new("RGB", (5, 4))


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (PICTURE.resize((4, 4)), r"4 × 4 pixels instead of 5 × 4.*resize\(\(5, 4\)\)"),
        (PICTURE.convert("L"), r'mode "L" instead of "RGB".*convert\("RGB"\)'),
        (PICTURE.convert("RGBA"), r'mode "RGBA" instead of "RGB".*convert\("RGB"\)'),
        (
            np.zeros((4, 5, 3), np.uint8),
            r"ndarray instead of a PIL.*fromarray\(array\)",
        ),
        (None, "NoneType instead of a PIL picture"),
        (ValueError("boom\nmore"), r"\(ValueError: boom at .*test_pictures.py:\d+\)"),
        (SystemExit(0), r"\(SystemExit: 0 at "),
        (KeyError(), r"\(KeyError at "),
    ],
)
def test_an_error_names_the_augmentation_and_the_picture(what: Any, told: str) -> None:
    message = failing(what)
    first = made().batch(0)["images"][0, 0, 0, 0]
    assert 'augmentation "brush" of vqfw-brush 0.1' in message
    assert f"'{first}.png'" in message
    assert message.endswith("repair or uninstall vqfw-brush")
    assert re.search(told, message)


def test_colour_for_a_grey_picture_is_refused() -> None:
    assert 'mode "RGB" instead of "L"' in failing(PICTURE, channels=1)


def test_an_undecodable_result_is_an_error_of_its_augmentation() -> None:
    stream = BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(stream, "PNG")
    broken = Image.open(BytesIO(stream.getvalue()[:5000]))
    assert "fails on picture" in failing(broken)


def test_an_error_in_a_thread_is_raised_and_ends_all_threads() -> None:
    calls = []

    class Late(Brush):
        def apply(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
            calls.append(1)
            if len(calls) > 30:
                sys.exit()
            return super().apply(image, rng)

    with pytest.raises(PluginError, match="brush"):
        list(made(listed(Late())).prefetched(0, 1000, 3))
    assert len(calls) < 200
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith("vqfw-batches") for name in names)
