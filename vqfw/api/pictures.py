"""Pictures from a folder or an archive, cropped and sized as those of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vqfw.api.talk import speaker
from vqfw.errors import UsageError

if TYPE_CHECKING:
    from vqfw.data.arrays import Images
    from vqfw.kinds.dataset import Dataset
    from vqfw.plan import Plan

Crop = int | Literal["none"]
"""Side of a centred square in pixels of the picture, or the largest square."""

BadImage = Literal["error", "skip"]
"""Whether a picture that cannot be used ends the work, or is left out and named."""


def pictures_of(
    plan: Plan,
    data: str | Path,
    quiet: bool,
    crop: Crop | None = None,
    on_bad_image: BadImage | None = None,
) -> Images:
    """The pictures of a folder or archive, cropped and sized as those of a run.

    Args:
        plan: of the run.
        data: the folder or archive.
        quiet: whether to show neither progress nor which part of the pictures is used.
        crop: as in ``Run.tokenize``.
        on_bad_image: likewise.

    Raises:
        DataError: if there are no pictures, or one of them cannot be used.
        UsageError: if the crop or ``on_bad_image`` is not allowed.
    """
    from vqfw.data.arrays import read_pictures
    from vqfw.data.location import locate
    from vqfw.data.progress import reading_progress

    if (isinstance(crop, str) and crop != "none") or (
        isinstance(crop, int) and crop < 1
    ):
        raise UsageError(
            f'crop {crop!r} is not allowed: give a number of pixels, or "none" for the '
            "largest square"
        )
    if on_bad_image not in (None, "error", "skip"):
        raise UsageError(
            f'on_bad_image {on_bad_image!r} is not allowed: give "error" or "skip"'
        )
    settings = plan.experiment.data
    side = settings.crop if crop is None else crop
    path = locate(str(data), repair="correct the path")
    with reading_progress(quiet) as progress:
        images, notes = read_pictures(
            dataset_at(path),
            crop=side if isinstance(side, int) else None,
            image_size=settings.image_size,
            channels=plan.dataset.channels,
            on_bad_image=on_bad_image or settings.on_bad_image,
            progress=progress,
        )
    for note in notes:
        speaker(quiet)(note)
    return images


def dataset_at(path: Path) -> Dataset:
    """The pictures of a folder or archive, as a dataset."""
    from vqfw.kinds.catalog import KINDS
    from vqfw.registry import build

    shorthand = KINDS["dataset"].shorthand
    assert shorthand is not None
    options = {"type": shorthand.component, shorthand.option: str(path)}
    dataset: Dataset = build("dataset", options, {})
    return dataset


def as_options(crop: Crop | None, on_bad_image: BadImage | None) -> list[str]:
    """How pictures are read, as the command line takes it; None is left out."""
    options = [] if crop is None else ["--crop", str(crop)]
    return (
        options if on_bad_image is None else [*options, "--on-bad-image", on_bad_image]
    )
