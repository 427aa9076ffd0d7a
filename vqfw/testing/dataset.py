"""The checks of a dataset. A factory takes nothing and returns a fresh one.

A large one is read to its end, but only the first pictures are decoded.
"""

from __future__ import annotations

import hashlib
from itertools import islice
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from vqfw.kinds import Dataset, Drawn
from vqfw.testing.check import Factory, checks_in, explained, require

DECODED = 16
SPLITS = ("train", "validation", "test", None)


def ids_are_unique_relative_paths(factory: Factory) -> None:
    """Ids are unique relative paths with forward slashes."""
    seen: set[str] = set()
    for record in factory().records():
        path = PurePosixPath(record.id)
        right = record.id and not path.is_absolute() and ".." not in path.parts
        require(
            right and "\\" not in record.id,
            f"{record.id!r} is the id of an image: give a relative path with forward "
            "slashes",
        )
        require(
            record.id not in seen,
            f"{record.id!r} is the id of two images: ids are unique",
        )
        seen.add(record.id)
    require(seen, "there are no images: raise DataError, saying what to do about it")


def every_image_has_a_group_in_one_split(factory: Factory) -> None:
    """Groups are text or None, splits are known, and no group is in two splits."""
    splits: dict[str, str | None] = {}
    for record in factory().records():
        require(
            record.group is None or (isinstance(record.group, str) and record.group),
            f"the group of {record.id!r} is {record.group!r}: name who is on it, repeat "
            "the id where every image stands alone, or give None to take its folder",
        )
        require(
            record.split in SPLITS,
            f"the split of {record.id!r} is {record.split!r}: it is train, validation, "
            "test or None",
        )
        if record.group is None:
            continue
        first = splits.setdefault(record.group, record.split)
        require(
            first == record.split,
            f'group "{record.group}" is in the splits {first} and {record.split}: who '
            "was trained on must not be tested on",
        )


def images_have_the_stated_channels(factory: Factory) -> None:
    """Drawn pixels are uint8 with the stated channels; encoded images can be opened."""
    dataset: Dataset = factory()
    for record in islice(dataset.records(), DECODED):
        if isinstance(record, Drawn):
            shape, dtype = np.shape(record.pixels), record.pixels.dtype
            require(
                len(shape) == 3 and shape[2] == dataset.channels and dtype == np.uint8,
                f"{record.id!r} is {dtype} {shape}: give uint8 (height, width, "
                f"{dataset.channels})",
            )
            continue
        with (
            explained(
                f"{record.id!r} does not open as a picture",
                "open() gives the bytes of a picture file, from their start",
            ),
            record.open() as file,
            Image.open(file) as picture,
        ):
            picture.verify()


def reading_twice_gives_the_same(factory: Factory) -> None:
    """Ids, groups and pixels are the same at every reading."""
    dataset: Dataset = factory()
    first, again, fresh = (_contents(each) for each in (dataset, dataset, factory()))
    for other, who in ((again, "the same dataset"), (fresh, "an equal dataset")):
        gone = sorted(set(first) ^ set(other))
        require(
            not gone,
            f"{who} read again has other images, {gone[:1]} among them: records() "
            "starts anew at every call",
        )
        differ = [name for name in first if first[name] != other[name]]
        require(
            not differ,
            f"{who} read again has another {differ[:1]}: draw from a seed that is an "
            "option",
        )


def the_fingerprint_stays(factory: Factory) -> None:
    """Equal datasets have equal fingerprints, before and after reading."""
    dataset: Dataset = factory()
    before = dataset.fingerprint()
    for _ in islice(dataset.records(), DECODED):
        pass
    found = {before, dataset.fingerprint(), factory().fingerprint()}
    require(
        len(found) == 1 and isinstance(before, str) and before,
        f"equal datasets have the fingerprints {sorted(map(str, found))}: derive it "
        "from options and files, not from time, memory or what was read",
    )


CHECKS = checks_in(globals())


def _contents(dataset: Dataset) -> dict[str, tuple[str | None, str]]:
    """Group and content by id; the content only of the first images."""
    found = {}
    for number, record in enumerate(dataset.records()):
        content = ""
        if isinstance(record, Drawn):
            content = hashlib.sha256(record.pixels.tobytes()).hexdigest()
        elif number < DECODED:
            with record.open() as file:
                content = hashlib.sha256(file.read()).hexdigest()
        found[record.id] = (record.group, content)
    return found
