"""Who is for training, validation and test: decided by group, never by picture.

A pure function of the groups and a seed. What an official list says is kept as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vqfw.errors import DataError
from vqfw.kinds.dataset import Split


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
                f"the dataset puts group {group!r} into {listed[group]!r} and into "
                f"{split!r}: correct its list, a group belongs to one split"
            )
    return listed
