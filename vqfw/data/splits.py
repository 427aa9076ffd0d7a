"""Who is for training, validation and test: decided by group, or by picture.

A pure function of names, groups and a seed. What an official list says is kept as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vqfw.data.grouping import Grouping
from vqfw.errors import DataError
from vqfw.kinds.dataset import Split

SplitBy = Literal["group", "image"]

# Below it a tenth of the groups is one: one person or one class, which says little of
# others, and a class that is only tested is never trained on.
FEW_GROUPS = 20


@dataclass(frozen=True)
class Division:
    """The split of each picture, and what was kept together.

    Args:
        splits: (n,) a split each.
        by: what was divided.
        reason: why it was divided so, where names decided; else empty.
    """

    splits: tuple[Split, ...]
    by: SplitBy
    reason: str = ""


def divided(
    ids: Sequence[str],
    grouping: Grouping,
    split_by: Literal["auto", "group", "image"],
    *,
    validation_share: float,
    test_share: float,
    seed: int,
) -> Division:
    """The split of each picture.

    ``auto`` divides by group where the dataset names the groups itself. Groups named
    after folders may be people, who must not be in two splits, or classes, which all have
    to be trained on, and names do not tell which. If one of them is in two official
    folders, or they are fewer than 20, it divides by picture, else by group; either is
    said with the setting for the other. Nothing is refused, since both are right for
    somebody.

    Args:
        ids: (n,) names.
        grouping: of these pictures.
        split_by: what stays together: the pictures of a group, or nothing.
        validation_share: of the groups, or pictures, that no official list places.
        test_share: likewise.
        seed: of the draw; not negative.

    Raises:
        DataError: if the shares leave nothing to train on, or a group that is to stay
            together is in two official splits.
    """
    by, reason = _settled(grouping, split_by)
    units = grouping.groups if by == "group" else ids
    splits = assign(
        units,
        grouping.official,
        validation_share=validation_share,
        test_share=test_share,
        seed=seed,
    )
    return Division(splits, by, reason)


def _settled(
    grouping: Grouping, split_by: Literal["auto", "group", "image"]
) -> tuple[SplitBy, str]:
    if split_by != "auto":
        return split_by, ""
    if grouping.folders is None:
        return "group", ""
    if not grouping.folders:
        told = None not in grouping.official
        return "image", "" if told else "there are no sub-folders"
    torn = _torn(grouping)
    if torn:
        more = f" and {len(torn) - 1:,} more" if torn[1:] else ""
        verb = "are" if torn[1:] else "is"
        return "image", f"group {torn[0]!r}{more} {verb} in several official folders"
    if None in grouping.official and grouping.folders < FEW_GROUPS:
        groups = "group is" if grouping.folders == 1 else "groups are"
        reason = (
            f"{grouping.folders} {groups} fewer than {FEW_GROUPS}; if they are people "
            "and not classes: --set data.split_by=group"
        )
        return "image", reason
    if None in grouping.official:
        return "group", (
            "folders may be people; if they are classes: --set data.split_by=image"
        )
    return "group", ""


def _torn(grouping: Grouping) -> list[str]:
    """The groups that official folders put into more than one split."""
    splits: dict[str, set[Split]] = {}
    for group, split in zip(grouping.groups, grouping.official, strict=True):
        if split is not None:
            splits.setdefault(group, set()).add(split)
    return sorted(
        (group for group, found in splits.items() if len(found) > 1), key=byte_order
    )


def assign(
    groups: Sequence[str],
    official: Sequence[Split | None],
    *,
    validation_share: float,
    test_share: float,
    seed: int,
) -> tuple[Split, ...]:
    """The split of each picture.

    Groups on an official list stay where it puts them. The others are divided among
    training and those of validation and test that the list does not have; nothing
    depends on the order of the pictures.

    Args:
        groups: (n,) who is on each picture.
        official: (n,) where an official list puts it, or None.
        validation_share: share of the groups to divide that go to validation.
        test_share: share of them that go to the test. A share above 0 is at least one
            group, as long as one is left for training; the test comes first.
        seed: of the draw; not negative.

    Raises:
        DataError: if the shares leave nothing to train on, or an official list tears a
            group apart.
    """
    if not 0 <= validation_share + test_share < 1:
        raise DataError(
            f"{validation_share:g} for validation and {test_share:g} for the test leave "
            "nothing to train on: choose shares that sum to less than 1"
        )
    listed = _listed(groups, official)
    there = set(listed.values())
    undecided = sorted(set(groups) - listed.keys(), key=byte_order)
    drawn = divide(
        undecided,
        validation_share=0.0 if "validation" in there else validation_share,
        test_share=0.0 if "test" in there else test_share,
        seed=seed,
    )
    split_of = {**drawn, **listed}
    return tuple(split_of[group] for group in groups)


def divide(
    groups: Sequence[str], *, validation_share: float, test_share: float, seed: int
) -> dict[str, Split]:
    """Draws the split of each group.

    Args:
        groups: without repetition, sorted.
        validation_share: of the groups, in [0, 1].
        test_share: of the groups, in [0, 1].
        seed: of the draw; not negative.

    >>> drawn = divide(range(40), validation_share=0.1, test_share=0.1, seed=0)
    >>> [list(drawn.values()).count(name) for name in ("train", "validation", "test")]
    [32, 4, 4]
    """
    test = _how_many(test_share, len(groups), spare=len(groups) - 1)
    validation = _how_many(validation_share, len(groups), spare=len(groups) - 1 - test)
    order = np.random.default_rng(seed).permutation(len(groups))
    splits: dict[str, Split] = dict.fromkeys(groups, "train")
    splits.update((groups[at], "test") for at in order[:test])
    splits.update((groups[at], "validation") for at in order[test : test + validation])
    return splits


def byte_order(name: str) -> bytes:
    """The sort key of names: their bytes, the same on every machine."""
    return name.encode("utf-8", "surrogatepass")


def _how_many(share: float, groups: int, spare: int) -> int:
    wanted = max(1, round(share * groups)) if share > 0 else 0
    return max(0, min(wanted, spare))


def _listed(
    groups: Sequence[str], official: Sequence[Split | None]
) -> Mapping[str, Split]:
    """The split of each group that has an official one."""
    listed: dict[str, Split] = {}
    for group, split in zip(groups, official, strict=True):
        if split is None:
            continue
        if listed.setdefault(group, split) != split:
            raise DataError(
                f"group {group!r} is in {listed[group]!r} and in {split!r}, and is to "
                "stay together: move its pictures into one of them, or divide by "
                "picture with --set data.split_by=image"
            )
    return listed
