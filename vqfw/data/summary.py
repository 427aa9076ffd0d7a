"""Counts of pictures and groups by split, as data and in words; no pixel is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args

from vqfw.data.cache import Decoded
from vqfw.data.splits import Division, SplitBy, SplitRule, byte_order, divide_listing
from vqfw.kinds.dataset import Dataset, Drawn, Split


@dataclass(frozen=True)
class Part:
    """One of the three splits.

    Args:
        pictures: in it.
        groups: that have pictures in it.
    """

    pictures: int
    groups: int


@dataclass(frozen=True)
class DataSummary:
    """The pictures and groups of a dataset, and how they are divided.

    Args:
        pictures: how many are used.
        groups: how many they have.
        rule: how the groups are named, in words.
        official_folders: folders that were taken as splits.
        split_by: whether groups or single pictures were divided.
        reason: why, where ``auto`` decided it by names; else empty.
        parts: pictures and groups of each split.
        notes: on this data, a sentence each.
        share: of a picture's area that the crop keeps, the mean of all; None where no
            picture was decoded.
    """

    pictures: int
    groups: int
    rule: str
    official_folders: tuple[str, ...]
    split_by: SplitBy
    reason: str
    parts: Mapping[Split, Part]
    notes: tuple[str, ...] = ()
    share: float | None = None

    def data(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)

    def rows(
        self, where: str, crop: int | None, image_size: int
    ) -> list[tuple[str, str]]:
        """Rows of a label and a text, for a person.

        Args:
            where: the name of the dataset, or its path.
            crop: side of the centred square that is cut out; None for the largest.
            image_size: side of the result in pixels.
        """
        rows = [
            ("data", f"{_count(self.pictures, 'picture')} of {where}"),
            ("groups", f"{self.groups:,}, {self.rule}"),
        ]
        if self.official_folders:
            folders = ", ".join(f"{each}/" for each in self.official_folders)
            rows.append(("official", f"the folders {folders} say the split"))
        because = f" · because {self.reason}" if self.reason else ""
        rows.append(("split", f"{self._split()}{because}"))
        rows.append(("used", used(crop, image_size, self.share)))
        return [*rows, *(("note", each) for each in self.notes)]

    def _split(self) -> str:
        if self.split_by == "image":
            parts = [f"{name} {part.pictures:,}" for name, part in self.parts.items()]
            return f"by picture: {', '.join(parts)}"
        parts = [
            f"{name} {part.pictures:,} ({_count(part.groups, 'group')})"
            for name, part in self.parts.items()
        ]
        return f"by group: {', '.join(parts)}"


def summarize(division: Division, decoded: Decoded | None = None) -> DataSummary:
    """Counts pictures and groups by split.

    Args:
        division: of all listed pictures.
        decoded: the pictures that could be decoded are counted; None counts all.
    """
    grouping = division.grouping
    groups, splits = grouping.groups, division.splits
    notes: tuple[str, ...] = ()
    if decoded is not None:
        groups, splits = decoded.usable(groups), decoded.usable(splits)
        notes = decoded.notes
    members: dict[Split, list[str]] = {name: [] for name in get_args(Split)}
    for group, split in zip(groups, splits, strict=True):
        members[split].append(group)
    return DataSummary(
        pictures=len(groups),
        groups=len(set(groups)),
        rule=grouping.rule,
        official_folders=grouping.official_folders,
        split_by=division.by,
        reason=division.reason,
        parts={name: Part(len(of), len(set(of))) for name, of in members.items()},
        notes=(*notes, *grouping.notes),
        share=None if decoded is None else decoded.share,
    )


def summarize_listing(dataset: Dataset, rule: SplitRule) -> DataSummary | None:
    """The pictures and splits of a run, from the listing alone; none is opened.

    Args:
        dataset: whose records are listed.
        rule: how they are divided.

    Returns:
        None for a dataset that draws its pictures, for which listing is drawing.

    Raises:
        DataError: if the data is missing or unusable.
    """
    listed = []
    for record in dataset.records():
        if isinstance(record, Drawn):
            return None
        listed.append((record.id, record.group, record.split))
    listed.sort(key=lambda row: byte_order(row[0]))
    ids, groups, official = zip(*listed, strict=True) if listed else ((), (), ())
    summary = summarize(divide_listing(ids, groups, official, rule))
    return replace(summary, notes=(*dataset.notes(), *summary.notes))


def used(crop: int | None, image_size: int, share: float | None = None) -> str:
    """The part of each picture that is used, in words.

    >>> used(48, 32, 0.25)
    'the centred 48 × 48 pixels of each picture (25 % of its area, mean), as 32 × 32'
    """
    part = (
        "the largest centred square"
        if crop is None
        else f"the centred {crop} × {crop} pixels"
    )
    area = "" if share is None else f" ({100 * share:.3g} % of its area, mean)"
    return f"{part} of each picture{area}, as {image_size} × {image_size}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
