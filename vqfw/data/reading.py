"""All records of a dataset, decoded once, sorted by id and kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vqfw.data import cache as entries
from vqfw.data.cache import Decoded
from vqfw.data.decoding import Fit, Fitted, SmallerThanCropError, decode, fit_pixels
from vqfw.data.splits import byte_order
from vqfw.errors import DataError
from vqfw.kinds.dataset import Dataset, Drawn, Record, Split

_NAMED = 3  # bad pictures that a note names; the others it counts


@dataclass(frozen=True)
class Recipe:
    """How every picture is treated.

    Args:
        fit: crop, size and channels of the result.
        on_bad_image: whether a picture that cannot be decoded ends the reading, or is
            left out and counted in the notes.
        of_experiment: whether an error names settings of an experiment as its repair,
            or else options of the command line.
    """

    fit: Fit
    on_bad_image: Literal["error", "skip"]
    of_experiment: bool = True


def decode_or_reuse(
    dataset: Dataset,
    recipe: Recipe,
    cache: Path | None,
    progress: Callable[[int], None] | None,
) -> Decoded:
    """The decoded pictures of a dataset, from the cache where they are in it.

    Args:
        dataset: where the pictures come from.
        recipe: how they are treated.
        cache: folder of the entries; None to go without. One that cannot be written is
            reported in the notes.
        progress: called with the number of pictures decoded so far.

    Raises:
        DataError: if the data is missing, empty or unusable.
    """
    if cache is None:
        return decode_all(dataset, recipe, progress)
    folder = cache / _key(dataset, recipe)
    entry = entries.read_entry(folder)
    if entry is not None:
        return entry
    decoded = decode_all(dataset, recipe, progress)
    try:
        entries.write_entry(folder, decoded)
    except OSError as error:
        # Another process may just have finished the same entry.
        entry = entries.read_entry(folder)
        if entry is not None:
            return entry
        reason = error.strerror or type(error).__name__
        note = (
            f"the decoded pictures could not be cached in {cache} ({reason}): they will "
            "be decoded again next time"
        )
        return replace(decoded, notes=(*decoded.notes, note))
    # Mapped from disk, the pictures share memory with every other process that reads
    # them.
    return entries.read_entry(folder) or decoded


def decode_all(
    dataset: Dataset, recipe: Recipe, progress: Callable[[int], None] | None
) -> Decoded:
    """Decodes every record in the dataset's order and sorts the pictures by id.

    Raises:
        DataError: if there is no picture, two have one id, or a bad one ends it.
    """
    rows: dict[str, NDArray[np.uint8]] = {}
    shares: list[float] = []
    labels: dict[str, tuple[str | None, Split | None]] = {}
    bad: list[DataError] = []
    for record in dataset.records():
        if record.id in labels:
            raise DataError(
                f"the dataset names two pictures {record.id!r}: rename one of them"
            )
        labels[record.id] = (record.group, record.split)
        try:
            fitted = _fitted(record, recipe)
        except DataError as error:
            if recipe.on_bad_image == "error":
                raise _with_repair(error, recipe) from error
            bad.append(error)
            continue
        rows[record.id] = fitted.pixels
        shares.append(fitted.share)
        if progress is not None:
            progress(len(rows))
    if not rows:
        raise _nothing(dataset, bad, recipe)
    ids = tuple(sorted(labels, key=byte_order))
    groups, official = zip(*(labels[name] for name in ids), strict=True)
    decodable = tuple(name in rows for name in ids)
    side = recipe.fit.image_size
    pixels = np.empty((len(rows), side, side, recipe.fit.channels), np.uint8)
    for place, name in enumerate(name for name in ids if name in rows):
        pixels[place] = rows[name]
    rows.clear()
    pixels.flags.writeable = False
    return Decoded(
        pixels,
        ids,
        groups,
        official,
        decodable,
        notes=(*dataset.notes(), *_bad_note(bad)),
        sha256=entries.hash_of(pixels),
        share=float(np.mean(shares)),
    )


def _key(dataset: Dataset, recipe: Recipe) -> str:
    kind = type(dataset)
    parts = (f"{kind.__module__}.{kind.__qualname__}", dataset.fingerprint())
    return entries.key_of((*parts, *recipe.fit, recipe.on_bad_image))


def _with_repair(error: DataError, recipe: Recipe, skip: bool = True) -> DataError:
    """The same error with the options that repair it."""
    crop, largest, skipping = (
        ("--set data.crop=", "null", "--set data.on_bad_image=skip")
        if recipe.of_experiment
        else ("--crop ", "none", "--on-bad-image skip")
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


def _fitted(record: Record | Drawn, recipe: Recipe) -> Fitted:
    if isinstance(record, Drawn):
        return fit_pixels(record.pixels, record.id, recipe.fit)
    try:
        stream = record.open()
    except OSError as error:
        raise DataError(
            f"picture {record.id!r} cannot be opened ({error.strerror}): check that it "
            "is there and may be read"
        ) from error
    with stream:
        return decode(stream, record.id, recipe.fit)


def _nothing(dataset: Dataset, bad: Sequence[DataError], recipe: Recipe) -> DataError:
    kind = type(dataset).__name__
    if bad:
        pictures = "picture" if len(bad) == 1 else "pictures"
        first = _with_repair(bad[0], recipe, skip=False)
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
