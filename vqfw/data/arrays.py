"""The pictures of an experiment as arrays, divided into training, validation and test.

It knows no augmentation and no model; all pixels stay in memory, one byte a channel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vqfw.data.decoding import Fit
from vqfw.data.grouping import grouped
from vqfw.data.reading import Recipe, decode_all, decode_or_reuse
from vqfw.data.splits import SplitRule, divide_listing
from vqfw.data.summary import DataSummary, summarize, used
from vqfw.errors import DataError
from vqfw.kinds.dataset import Dataset, Split


@dataclass(frozen=True)
class Images:
    """Pictures, their names and groups.

    Args:
        pixels: (n, height, width, channels) uint8, read-only; may be mapped from disk.
        ids: (n,) names, in byte order.
        groups: (n,) the person or class on each; a split keeps a group together.
    """

    pixels: NDArray[np.uint8]
    ids: tuple[str, ...]
    groups: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        groups = f"{len(set(self.groups)):,} groups"
        return f"<Images: {len(self):,} of {self.pixels.shape[1:]}, {groups}>"


@dataclass(frozen=True)
class Splits:
    """The pictures of an experiment, divided.

    Args:
        train: never empty.
        validation: may be empty.
        test: may be empty.
        fingerprint: SHA-256 of all pixels, names, groups and splits: the same on every
            machine where the pictures are the same.
        pixels_sha256: SHA-256 of all pixels alone.
        summary: the same in numbers, and notes on this data.
    """

    train: Images
    validation: Images
    test: Images
    fingerprint: str
    pixels_sha256: str
    summary: DataSummary


def prepare(
    dataset: Dataset,
    rule: SplitRule,
    *,
    crop: int | None,
    image_size: int,
    cache: Path | None,
    on_bad_image: Literal["error", "skip"] = "error",
    progress: Callable[[int], None] | None = None,
) -> Splits:
    """Reads a dataset, or the cache of an earlier reading, and divides it.

    Args:
        dataset: where the pictures come from.
        rule: how they are divided.
        crop: side of the centred square, in pixels of the picture; None for the largest.
        image_size: side of the result in pixels.
        cache: folder of cached arrays; None to go without.
        on_bad_image: whether a picture that cannot be decoded ends it, or is left out
            and counted in the notes.
        progress: called with the number of pictures decoded so far.

    Raises:
        DataError: if the data is missing, empty or unusable, or nothing is left to
            train on.
    """
    recipe = Recipe(Fit(crop, image_size, dataset.channels), on_bad_image)
    decoded = decode_or_reuse(dataset, recipe, cache, progress)
    # All listed pictures are divided, as in a plan, which decodes none of them: a bad
    # picture moves no other one into another split.
    division = divide_listing(decoded.ids, decoded.groups, decoded.official, rule)
    ids = decoded.usable(decoded.ids)
    groups = decoded.usable(division.grouping.groups)
    splits = decoded.usable(division.splits)
    if "train" not in splits:
        raise DataError(
            f"all {len(splits):,} pictures are in the validation and test splits, and "
            "none is left to train on: add pictures of other groups"
        )
    whole = Images(decoded.pixels, ids, groups)
    return Splits(
        train=_part(whole, splits, "train"),
        validation=_part(whole, splits, "validation"),
        test=_part(whole, splits, "test"),
        fingerprint=_fingerprint(decoded.sha256, whole, splits),
        pixels_sha256=decoded.sha256,
        summary=summarize(division, decoded),
    )


def read_pictures(
    dataset: Dataset,
    *,
    crop: int | None,
    image_size: int,
    channels: Literal[1, 3],
    on_bad_image: Literal["error", "skip"] = "error",
    progress: Callable[[int], None] | None = None,
) -> tuple[Images, tuple[str, ...]]:
    """Reads all pictures of a dataset, without cache or split.

    Args:
        dataset: where the pictures come from.
        crop: side of the centred square, in pixels of the picture; None for the largest.
        image_size: side of the result in pixels.
        channels: 1 for grey, 3 for colour; other pictures are converted.
        on_bad_image: whether a picture that cannot be used ends it, or is left out.
        progress: called with the number of pictures decoded so far.

    Returns:
        The pictures; and notes: the part of each that is used, the ones left out.

    Raises:
        DataError: if the data is missing or empty, or a picture cannot be used.
    """
    recipe = Recipe(Fit(crop, image_size, channels), on_bad_image, of_experiment=False)
    decoded = decode_all(dataset, recipe, progress)
    notes = decoded.notes
    if crop is not None:
        notes = (f"used: {used(crop, image_size, decoded.share)}", *notes)
    grouping = grouped(decoded.ids, decoded.groups, decoded.official, level=1)
    ids, groups = decoded.usable(decoded.ids), decoded.usable(grouping.groups)
    return Images(decoded.pixels, ids, groups), notes


def _part(whole: Images, splits: Sequence[Split], split: Split) -> Images:
    rows = np.flatnonzero(np.asarray(splits) == split)
    if len(rows) == len(splits):
        return whole  # its pixels are still mapped from disk
    pixels = np.asarray(whole.pixels[rows])
    pixels.flags.writeable = False
    ids = tuple(whole.ids[row] for row in rows)
    return Images(pixels, ids, tuple(whole.groups[row] for row in rows))


def _fingerprint(pixels_sha256: str, whole: Images, splits: Sequence[Split]) -> str:
    digest = hashlib.sha256(pixels_sha256.encode())
    for row in zip(whole.ids, whole.groups, splits, strict=True):
        digest.update(repr(row).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
