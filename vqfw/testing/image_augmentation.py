"""The checks of an image augmentation. A factory takes no arguments and returns a new one.

Pictures are handed in as the engine does it: 8 bits, of mode ``RGB`` or ``L``, several
threads at a time.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
from PIL import Image

from vqfw.kinds import ImageAugmentation
from vqfw.testing.check import Factory, checks_in, require, require_repeatable

SIDES = ((24, 24), (23, 17), (8, 19))  # (width, height), as PIL says it
DRAWS = 50  # generators, one of which should change a picture
LINES = 40  # of a component, at each of which it is disturbed once
PATIENCE = 0.1  # seconds that a disturbance waits for one that holds a lock


def equal_generators_give_equal_results(factory: Factory) -> None:
    """Equal generators give equal pictures, in one object and in the next."""
    require_repeatable(
        factory,
        lambda augmentation, seed: [list(_applied(augmentation, seed))],
        "equal generators gave different pictures, so a run cannot be resumed: draw from "
        "rng alone, hand a library a seed from it, and keep no state between calls",
    )


def the_picture_handed_in_stays_as_it_is(factory: Factory) -> None:
    """The picture that is handed in is not changed."""
    augmentation = factory()
    for seed in range(DRAWS):
        picture = _picture()
        before = picture.tobytes()
        with _pinned():
            augmentation.apply(picture, np.random.default_rng(seed))
        require(
            picture.tobytes() == before,
            "the picture that was handed in has changed: begin with image = image.copy()",
        )


def colour_keeps_its_size_and_mode(factory: Factory) -> None:
    """Colour pictures keep their size and mode, and stay PIL pictures."""
    _require_same(factory, "RGB")


def grey_pictures_are_taken(factory: Factory) -> None:
    """Grey pictures keep their size and one channel."""
    try:
        _require_same(factory, "L")
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(
            f"it fails on grey pictures ({type(error).__name__}: {error}): look at "
            'image.mode, which is "L" for one channel, or at image.getbands()'
        ) from error


def it_changes_pictures(factory: Factory) -> None:
    """With its default options it changes some picture."""
    augmentation, before = factory(), _picture().tobytes()
    require(
        any(_applied(augmentation, seed=seed) != before for seed in range(DRAWS)),
        f"{DRAWS} generators left the picture as it is: return the changed picture, not "
        "the one that was handed in, or choose stronger defaults",
    )


def the_global_generators_are_left_alone(factory: Factory) -> None:
    """Neither ``random`` nor ``numpy.random`` is drawn from or seeded."""
    augmentation = factory()
    for seed in range(DRAWS):
        with _pinned():
            before = _global_state()
            augmentation.apply(_picture(), np.random.default_rng(seed))
            after = _global_state()
        require(
            before == after,
            "it draws from random or numpy.random, or seeds them, which all threads "
            "share: draw from rng, or make random.Random(int(rng.integers(2**31)))",
        )


def threads_do_not_disturb_each_other(factory: Factory) -> None:
    """The result is the same while another thread uses the same object."""
    augmentation = factory()
    alone = _applied(augmentation)
    if _applied(augmentation) != alone:
        return  # another check complains of it
    for line in range(LINES):
        found, reached = _disturbed(augmentation, line)
        require(
            found == alone,
            "a picture came out differently because another thread used the same object "
            "meanwhile: keep what belongs to a picture in local variables, not on self",
        )
        if not reached:
            return


CHECKS = checks_in(globals())


class _Disturbance:
    """Changes another picture in another thread, once, at a line of a component.

    Switching at every line in turn finds what a scheduler finds once in a million steps.

    Args:
        augmentation: shared by both threads.
        line: how many lines of its package run before.
        pool: where the other thread comes from.
    """

    def __init__(
        self, augmentation: ImageAugmentation, line: int, pool: ThreadPoolExecutor
    ) -> None:
        self.augmentation = augmentation
        self.left = line
        self.pool = pool
        self.other: Future[bytes] | None = None

    def run(self) -> bytes:
        """The changed picture."""
        sys.settrace(self._trace)
        try:
            return _applied(self.augmentation)
        finally:
            sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        module, own = (
            frame.f_globals.get("__name__"),
            type(self.augmentation).__module__,
        )
        if str(module).partition(".")[0] != own.partition(".")[0]:
            return None
        if event == "line" and self.other is None:
            if self.left == 0:
                self.other = self.pool.submit(_applied, self.augmentation, 1)
                wait([self.other], PATIENCE)
            self.left -= 1
        return self._trace


def _disturbed(augmentation: ImageAugmentation, line: int) -> tuple[bytes, bool]:
    """The picture, and whether the component has that many lines at all."""
    with ThreadPoolExecutor(2) as pool:
        disturbance = _Disturbance(augmentation, line, pool)
        found = pool.submit(disturbance.run).result()
        if disturbance.other is not None:
            disturbance.other.result()
        return found, disturbance.other is not None


def _require_same(factory: Factory, mode: str) -> None:
    for size in SIDES:
        with _pinned():
            found = factory().apply(_picture(size, mode), np.random.default_rng(0))
        require(
            isinstance(found, Image.Image),
            f"it gives a {type(found).__name__}: return a PIL picture, as "
            "Image.fromarray(array) makes one",
        )
        require(
            found.size == size and found.mode == mode,
            f'a picture of {size} pixels, mode "{mode}", came back with {found.size}, '
            f'mode "{found.mode}": resize it back, and end with convert("{mode}")',
        )


def _applied(augmentation: ImageAugmentation, seed: int = 0) -> bytes:
    """The changed picture, with the global generators set to one state."""
    with _pinned():
        found = augmentation.apply(_picture(), np.random.default_rng(seed))
        return bytes(found.tobytes())


def _picture(size: tuple[int, int] = SIDES[0], mode: str = "RGB") -> Image.Image:
    """A gradient under noise: something to blur, to sharpen and to move."""
    width, height = size
    noise = np.random.default_rng(0).integers(0, 64, (height, width, 3))
    slope = np.linspace(0, 191, width)[None, :, None]
    return Image.fromarray((noise + slope).astype(np.uint8)).convert(mode)


@contextmanager
def _pinned() -> Iterator[None]:
    """Seeds the global generators of Python and NumPy for a block."""
    # One check is about these generators; for the others they stay the same.
    python, array = random.getstate(), np.random.get_state()
    random.seed(0)
    np.random.seed(0)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(array)


def _global_state() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state(legacy=True)
    return random.getstate(), name, np.asarray(keys).tobytes(), *rest
