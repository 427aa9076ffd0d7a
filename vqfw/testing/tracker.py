"""The checks of a tracker. A factory takes ``run_folder=`` where its class does.

They check what a run needs, and not what arrives at the service behind a tracker.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from vqfw.kinds import Tracker
from vqfw.testing.check import Factory, checks_in, explained, require

_VALUES = {"loss": 0.25, "mse": 0.125}
_SCORES = {"validation_psnr": 20.0, "validation_ssim": 0.5}


def making_one_opens_nothing(factory: Factory) -> None:
    """An unused tracker leaves no file."""
    with _folder() as folder:
        _made(factory, folder)
        found = sorted(path.name for path in folder.iterdir())
        require(
            not found,
            f"the constructor made {found}: open files and connections at the first call",
        )


def numbers_of_any_name_are_taken(factory: Factory) -> None:
    """Names may change from step to step, and one step may come twice."""
    with _folder() as folder:
        tracker = _made(factory, folder)
        tracker.scalars(1, dict(_VALUES))
        with explained(
            "it fails on numbers of other names",
            "the names may change from call to call",
        ):
            tracker.scalars(1, dict(_SCORES))
            tracker.scalars(2, {**_VALUES, "revived": 3.0})
            tracker.scalars(3, dict(_VALUES))
        tracker.close()


def pictures_of_any_size_are_taken(factory: Factory) -> None:
    """Grey and colour pictures, one or several, square or wide, are taken."""
    with _folder() as folder:
        tracker = _made(factory, folder)
        for shape in ((1, 8, 8, 3), (1, 8, 8, 1), (3, 5, 9, 3)):
            with explained(
                f"it fails on pictures of shape {shape}",
                "images are uint8 (count, height, width, 1 or 3)",
            ):
                tracker.images(1, "grid", _pictures(shape))
        tracker.close()


def numbers_and_pictures_stay_unchanged(factory: Factory) -> None:
    """Numbers and pictures are not changed, because other trackers get the same ones."""
    with _folder() as folder:
        tracker = _made(factory, folder)
        values, pictures = dict(_VALUES), _pictures((1, 8, 8, 3))
        tracker.scalars(1, values)
        tracker.images(1, "grid", pictures)
        tracker.close()
        require(
            values == _VALUES, f"scalars() turned {_VALUES} into {values}: copy them"
        )
        require(
            np.array_equal(pictures, _pictures((1, 8, 8, 3))),
            "images() changed the pictures: copy them first",
        )


def an_unused_tracker_can_be_closed(factory: Factory) -> None:
    """A tracker of a run that is resumed at its end is closed unused."""
    with _folder() as folder:
        tracker = _made(factory, folder)
        with explained(
            "it fails when it is closed unused",
            "close only what was opened",
        ):
            tracker.close()


def an_interrupted_run_is_continued(factory: Factory) -> None:
    """A new tracker continues one that was never closed, and repeats its last steps."""
    with _folder() as folder:
        cut = _made(factory, folder)
        for step in (1, 2, 3, 4):
            cut.scalars(step, dict(_VALUES))
            cut.images(step, "grid", _pictures((1, 8, 8, 3)))
        try:
            with explained(
                "it fails when an interrupted run is resumed",
                "open the existing record, and replace it from the first step that comes again",
            ):
                resumed = _made(factory, folder)
                for step in (3, 4, 5):
                    resumed.scalars(step, dict(_VALUES))
                    resumed.images(step, "grid", _pictures((1, 8, 8, 3)))
                resumed.close()
        finally:
            with suppress(Exception):  # in a real run its process has ended
                cut.close()


CHECKS = checks_in(globals())


def _made(factory: Factory, folder: Path) -> Tracker:
    """A tracker, with the folder of the run where it takes one."""
    taken = inspect.signature(factory).parameters.values()
    wanted = any(
        each.name == "run_folder" or each.kind is each.VAR_KEYWORD for each in taken
    )
    made: Tracker = factory(run_folder=folder) if wanted else factory()
    return made


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="vqfw-tracker-") as name:
        yield Path(name)


def _pictures(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
