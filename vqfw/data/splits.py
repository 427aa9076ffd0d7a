"""Divides pictures among training, validation and test, by group or by picture.

A pure function of names, groups and a seed. Official splits are kept as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vqfw.data.grouping import Grouping, grouped
from vqfw.errors import DataError
from vqfw.kinds.dataset import Split

SplitBy = Literal["group", "image"]

# Of fewer groups a tenth is one: one person or one class. Its score says little of others,
# and a class that is only tested is never trained on.
FEW_GROUPS = 20


@dataclass(frozen=True)
class SplitRule:
    """How the pictures of a dataset are divided.

    Args:
        validation_share: of the groups, or pictures, that no official list places.
        test_share: likewise. A share above 0 gives at least one group, as long as one is
            left for training; the test comes first.
        seed: of the draw; not negative.
        split_by: whether the pictures of a group stay together.
        group_level: as in ``grouping.grouped``.
    """

    validation_share: float
    test_share: float
    seed: int
    split_by: Literal["auto", "group", "image"] = "auto"
    group_level: int | None = 1


@dataclass(frozen=True)
class Division:
    """The split of each picture that a dataset lists.

    Args:
        grouping: of these pictures.
        splits: (n,) a split each.
        by: whether groups or single pictures were divided.
        reason: why, where ``auto`` decided it by names; else empty.
    """

    grouping: Grouping
    splits: tuple[Split, ...]
    by: SplitBy
    reason: str = ""


def divide_listing(
    ids: Sequence[str],
    groups: Sequence[str | None],
    official: Sequence[Split | None],
    rule: SplitRule,
) -> Division:
    """Groups the pictures that a dataset lists, and divides them.

    ``auto`` divides by group where the dataset names the groups itself. Groups named
    after folders may be people, who must not be in two splits, or classes, which all have
    to be trained on, and names do not tell which. If one of them is in two official
    folders, or they are fewer than 20, it divides by picture, else by group; ``reason``
    names the setting for the other.

    Args:
        ids: (n,) names.
        groups: (n,) as the dataset names them, or None.
        official: (n,) splits that the dataset gives, or None.
        rule: how they are divided.

    Raises:
        DataError: if the shares leave nothing to train on, or by group, if one is in
            two official splits.
    """
    grouping = grouped(ids, groups, official, rule.group_level)
    by, reason = _settled(grouping) if rule.split_by == "auto" else (rule.split_by, "")
    splits = assign(grouping.groups if by == "group" else ids, grouping.official, rule)
    return Division(grouping, splits, by, reason)


def _settled(grouping: Grouping) -> tuple[SplitBy, str]:
    """Group or image, by the names alone, and the reason."""
    if grouping.folders is None:
        return "group", ""
    if not grouping.folders:
        is_official = None not in grouping.official
        return "image", "" if is_official else "there are no sub-folders"
    splits = _official(grouping.groups, grouping.official)
    spread = sorted((g for g, where in splits.items() if where[1:]), key=byte_order)
    if spread:
        more = f" and {len(spread) - 1:,} more" if spread[1:] else ""
        verb = "are" if spread[1:] else "is"
        return "image", f"group {spread[0]!r}{more} {verb} in several official folders"
    if None in grouping.official and grouping.folders < FEW_GROUPS:
        groups = "folder is a group" if grouping.folders == 1 else "folders are groups"
        reason = (
            f"{grouping.folders} {groups}, fewer than {FEW_GROUPS}; if they are people "
            "and not classes: --set data.split_by=group"
        )
        return "image", reason
    if None in grouping.official:
        return "group", (
            "folders may be people; if they are classes: --set data.split_by=image"
        )
    return "group", ""


def assign(
    groups: Sequence[str], official: Sequence[Split | None], rule: SplitRule
) -> tuple[Split, ...]:
    """The split of each picture.

    Groups of an official list keep its split. The others are divided among training and
    those of validation and test that the list does not have. The order of the pictures
    changes nothing.

    Args:
        groups: (n,) a group each.
        official: (n,) the split that an official list gives, or None.
        rule: the shares of the groups to divide, and the seed.

    Raises:
        DataError: if the shares leave nothing to train on, or an official list puts a
            group into two splits.

    >>> people = [f"{number:02d}" for number in range(40)]
    >>> splits = assign(people, [None] * 40, SplitRule(0.1, 0.1, seed=0))
    >>> [splits.count(name) for name in ("train", "validation", "test")]
    [32, 4, 4]
    """
    validation_share, test_share = rule.validation_share, rule.test_share
    if not 0 <= validation_share + test_share < 1:
        raise DataError(
            f"shares of {validation_share:g} for validation and {test_share:g} for the "
            "test leave nothing to train on: set shares that sum to less than 1"
        )
    split_of: dict[str, Split] = {}
    for group, (split, *others) in _official(groups, official).items():
        if others:
            raise DataError(
                f"group {group!r} is in {split!r} and in {others[0]!r}, but a group "
                "stays in one split: move its pictures into one of them, or divide by "
                "picture with --set data.split_by=image"
            )
        split_of[group] = split
    listed = set(split_of.values())
    undecided = sorted(set(groups) - split_of.keys(), key=byte_order)
    count = len(undecided)
    test = validation = 0
    if "test" not in listed:
        test = _how_many(test_share, count, spare=count - 1)
    if "validation" not in listed:
        validation = _how_many(validation_share, count, spare=count - 1 - test)
    order = np.random.default_rng(rule.seed).permutation(count)
    drawn = [undecided[at] for at in order]
    split_of.update(dict.fromkeys(drawn, "train"))
    split_of.update(dict.fromkeys(drawn[:test], "test"))
    split_of.update(dict.fromkeys(drawn[test : test + validation], "validation"))
    return tuple(split_of[group] for group in groups)


def byte_order(name: str) -> bytes:
    """The sort key of names: their bytes, the same on every machine."""
    return name.encode("utf-8", "surrogatepass")


def _how_many(share: float, groups: int, spare: int) -> int:
    wanted = max(1, round(share * groups)) if share > 0 else 0
    return max(0, min(wanted, spare))


def _official(
    groups: Sequence[str], official: Sequence[Split | None]
) -> dict[str, list[Split]]:
    """The official splits of each group that has any."""
    splits: dict[str, list[Split]] = {}
    for group, split in zip(groups, official, strict=True):
        if split is not None and split not in splits.setdefault(group, []):
            splits[group].append(split)
    return splits
