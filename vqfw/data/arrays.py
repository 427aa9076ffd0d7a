"""A dataset's pictures as arrays: decoded once, cached, divided.

The way from records to something that batches can be cut from. It knows no augmentation
and no model; all pixels of an experiment stay in memory, one byte a channel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vqfw.data import cache as store
from vqfw.data.cache import Decoded
from vqfw.data.decode import Fitted, SmallerThanCropError, decode, fit_pixels
from vqfw.data.found import Found, found
from vqfw.data.grouping import grouped
from vqfw.data.splits import byte_order, divided
from vqfw.errors import DataError
from vqfw.kinds.dataset import Dataset, Drawn, Record, Split

_NAMED = 3  # bad pictures that a note names; the others it counts


@dataclass(frozen=True)
class Images:
    """Pictures with their names.

    Args:
        pixels: (n, height, width, channels) uint8, read-only; may be mapped from disk.
        ids: (n,) names, in byte order.
        groups: (n,) who is on them.
    """

    pixels: NDArray[np.uint8]
    ids: tuple[str, ...]
    groups: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Splits:
    """The pictures of an experiment, divided.

    Args:
        train: to learn from; never empty.
        validation: to watch the training with; may be empty.
        test: to report on; may be empty.
        fingerprint: SHA-256 of all pixels, names, groups and splits: the same on every
            machine where the pictures are the same.
        found: the same in numbers, and what a person should know of this data.
        credit: whom to credit for the images.
    """

    train: Images
    validation: Images
    test: Images
    fingerprint: str
    found: Found
    credit: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of this data, a sentence each."""
        return self.found.notes


@dataclass(frozen=True)
class _Recipe:
    """How every picture is treated.

    Args:
        others: whether they are no pictures of an experiment, so that options and not
            settings say how they are treated.
    """

    crop: int | None
    image_size: int
    channels: Literal[1, 3]
    on_bad_image: Literal["error", "skip"]
    others: bool = False


def prepare(
    dataset: Dataset,
    *,
    crop: int | None,
    image_size: int,
    validation_share: float,
    test_share: float,
    split_seed: int,
    cache: Path | None,
    split_by: Literal["auto", "group", "image"] = "auto",
    group_level: int | None = 1,
    on_bad_image: Literal["error", "skip"] = "error",
    progress: Callable[[int], None] | None = None,
) -> Splits:
    """Reads a dataset, or the cache of an earlier reading, and divides it.

    Args:
        dataset: where the pictures come from.
        crop: side of the centred square, in pixels of the picture; None for the largest.
        image_size: side of the result in pixels.
        validation_share: of the groups, or pictures, that no official list places.
        test_share: likewise.
        split_seed: of that draw; not negative.
        cache: folder of cached arrays; None to go without. One that cannot be written
            is reported in the notes and does no harm.
        split_by: what a split keeps together; see ``splits.divided``.
        group_level: the folder that is a group, where the dataset names none; see
            ``grouping.grouped``.
        on_bad_image: whether a picture that cannot be decoded ends it, or is left out
            and counted in the notes.
        progress: called with the number of pictures decoded so far.

    Raises:
        DataError: if the data is missing, empty or unusable, or nothing is left to
            train on.
    """
    recipe = _Recipe(crop, image_size, dataset.channels, on_bad_image)
    decoded = _cached(dataset, recipe, cache, progress)
    grouping = grouped(decoded.ids, decoded.groups, decoded.official, group_level)
    division = divided(
        decoded.ids,
        grouping,
        split_by,
        validation_share=validation_share,
        test_share=test_share,
        seed=split_seed,
    )
    splits = division.splits
    if "train" not in splits:
        raise DataError(
            f"all {len(splits):,} pictures are for validation or test and none to train "
            "on: add pictures of other groups"
        )
    groups = grouping.groups
    return Splits(
        train=_part(decoded, groups, splits, "train"),
        validation=_part(decoded, groups, splits, "validation"),
        test=_part(decoded, groups, splits, "test"),
        fingerprint=_fingerprint(decoded, groups, splits),
        found=found(grouping, division, decoded.notes, decoded.share),
        credit=dataset.credit,
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
        The pictures; and what a person should know of them: which part of each is used,
        which ones were left out.

    Raises:
        DataError: if the data is missing or empty, or a picture cannot be used.
    """
    recipe = _Recipe(crop, image_size, channels, on_bad_image, others=True)
    decoded = _decoded(dataset, recipe, progress)
    notes = decoded.notes
    if crop is not None:
        notes = (crop_note(crop, decoded.share), *notes)
    grouping = grouped(decoded.ids, decoded.groups, decoded.official, level=1)
    return Images(decoded.pixels, decoded.ids, grouping.groups), notes


def crop_note(crop: int, share: float) -> str:
    """Which part of the pictures a fixed crop uses.

    >>> crop_note(48, 48 * 48 / (3000 * 2000))
    'the centred 48 × 48 pixels of each picture are used, 0.0384 % of its area (mean)'
    """
    return (
        f"the centred {crop} × {crop} pixels of each picture are used, "
        f"{100 * share:.3g} % of its area (mean)"
    )


def _cached(
    dataset: Dataset,
    recipe: _Recipe,
    cache: Path | None,
    progress: Callable[[int], None] | None,
) -> Decoded:
    if cache is None:
        return _decoded(dataset, recipe, progress)
    folder = cache / _key(dataset, recipe)
    found = store.load(folder)
    if found is not None:
        return found
    decoded = _decoded(dataset, recipe, progress)
    try:
        store.store(folder, decoded)
    except OSError as error:
        # Another process may just have finished the same entry.
        found = store.load(folder)
        if found is not None:
            return found
        reason = error.strerror or type(error).__name__
        note = (
            f"the decoded pictures could not be cached in {cache} ({reason}): they will "
            "be decoded again next time"
        )
        return replace(decoded, notes=(*decoded.notes, note))
    # Mapped from disk, the pictures share memory with every other process that reads
    # them.
    return store.load(folder) or decoded


def _key(dataset: Dataset, recipe: _Recipe) -> str:
    kind = type(dataset)
    parts = (f"{kind.__module__}.{kind.__qualname__}", dataset.fingerprint())
    options = (recipe.crop, recipe.image_size, recipe.channels, recipe.on_bad_image)
    return store.key_of((*parts, *options))


def _decoded(
    dataset: Dataset, recipe: _Recipe, progress: Callable[[int], None] | None
) -> Decoded:
    """Every record, decoded in the dataset's order and sorted by id."""
    rows: list[NDArray[np.uint8]] = []
    shares: list[float] = []
    records: list[tuple[str, str | None, Split | None]] = []
    bad: list[DataError] = []
    seen: set[str] = set()
    for record in dataset.records():
        if record.id in seen:
            raise DataError(
                f"the dataset names two pictures {record.id!r}: rename one of them"
            )
        seen.add(record.id)
        try:
            found = _fitted(record, recipe)
        except DataError as error:
            if recipe.on_bad_image == "error":
                raise _with_repair(error, recipe.others) from error
            bad.append(error)
            continue
        rows.append(found.pixels)
        shares.append(found.share)
        records.append((record.id, record.group, record.split))
        if progress is not None:
            progress(len(rows))
    if not rows:
        raise _nothing(dataset, bad, recipe.others)
    notes = (*dataset.notes(), *_bad_note(bad))
    return replace(_sorted(rows, records, notes), share=float(np.mean(shares)))


def _with_repair(error: DataError, others: bool, skip: bool = True) -> DataError:
    """The same error with what to type against it.

    Args:
        error: of a picture.
        others: see ``_Recipe``.
        skip: whether to leave such pictures out is another way.
    """
    crop, largest, skipping = (
        ("--crop ", "none", "--on-bad-image skip")
        if others
        else ("--set data.crop=", "null", "--set data.on_bad_image=skip")
    )
    repairs = [f"{skipping} leaves such pictures out"] if skip else []
    if not isinstance(error, SmallerThanCropError):
        return DataError("; ".join((str(error), *repairs)))
    repairs = [
        f"{crop}{largest} takes the largest square of each picture",
        f"{crop}{error.largest} a smaller one",
        *repairs,
    ]
    return DataError(f"{error}: {', '.join(repairs)}")


def _fitted(record: Record | Drawn, recipe: _Recipe) -> Fitted:
    size = (recipe.crop, recipe.image_size, recipe.channels)
    if isinstance(record, Drawn):
        return fit_pixels(record.pixels, record.id, *size)
    try:
        stream = record.open()
    except OSError as error:
        raise DataError(
            f"picture {record.id!r} cannot be opened ({error.strerror}): check that it "
            "is there and may be read"
        ) from error
    with stream:
        return decode(stream, record.id, *size)


def _sorted(
    rows: list[NDArray[np.uint8]],
    records: Sequence[tuple[str, str | None, Split | None]],
    notes: tuple[str, ...],
) -> Decoded:
    order = sorted(range(len(rows)), key=lambda at: byte_order(records[at][0]))
    pixels = np.empty((len(rows), *rows[0].shape), np.uint8)
    for place, at in enumerate(order):
        pixels[place] = rows[at]
    rows.clear()
    pixels.flags.writeable = False
    ids, groups, official = zip(*(records[at] for at in order), strict=True)
    return Decoded(pixels, ids, groups, official, notes, store.hash_of(pixels))


def _nothing(dataset: Dataset, bad: Sequence[DataError], others: bool) -> DataError:
    kind = type(dataset).__name__
    if bad:
        pictures = "picture" if len(bad) == 1 else "pictures"
        first = _with_repair(bad[0], others, skip=False)
        return DataError(
            f"none of {len(bad):,} {pictures} of {kind} can be used: {first}"
        )
    return DataError(f"{kind} gave no picture at all: check its path and options")


def _bad_note(bad: Sequence[DataError]) -> tuple[str, ...]:
    if not bad:
        return ()
    named = "; ".join(str(each) for each in bad[:_NAMED])
    more = f" ({len(bad) - _NAMED:,} more)" if len(bad) > _NAMED else ""
    pictures = "picture was" if len(bad) == 1 else "pictures were"
    return (f"{len(bad):,} {pictures} left out: {named}{more}",)


def _part(
    decoded: Decoded, groups: tuple[str, ...], splits: Sequence[Split], split: Split
) -> Images:
    rows = np.flatnonzero(np.asarray(splits) == split)
    if len(rows) == len(splits):
        pixels = decoded.pixels  # still mapped from disk
    else:
        pixels = np.asarray(decoded.pixels[rows])
        pixels.flags.writeable = False
    ids = tuple(decoded.ids[row] for row in rows)
    return Images(pixels, ids, tuple(groups[row] for row in rows))


def _fingerprint(
    decoded: Decoded, groups: Sequence[str], splits: Sequence[Split]
) -> str:
    digest = hashlib.sha256(decoded.sha256.encode())
    for row in zip(decoded.ids, groups, splits, strict=True):
        digest.update(repr(row).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
