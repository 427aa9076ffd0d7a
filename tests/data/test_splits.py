from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqfw.data.splits import SplitRule, assign
from vqfw.errors import DataError


def split(groups: Any, official: Any = None, **options: Any) -> dict[str, set[str]]:
    settings = {"validation_share": 0.1, "test_share": 0.1, "seed": 0, **options}
    rule = SplitRule(**settings)
    found = assign(groups, official or [None] * len(groups), rule)
    sets: dict[str, set[str]] = {"train": set(), "validation": set(), "test": set()}
    for group, name in zip(groups, found, strict=True):
        sets[name].add(group)
    return sets


FORTY = [f"s{number}" for number in range(1, 41)]


def test_a_tenth_of_forty_people_is_four() -> None:
    sizes = {name: len(groups) for name, groups in split(FORTY * 10).items()}
    assert sizes == {"train": 32, "validation": 4, "test": 4}


@given(
    names=st.lists(st.text(max_size=3), min_size=1, max_size=60),
    validation=st.floats(0, 0.49),
    test=st.floats(0, 0.49),
    seed=st.integers(0, 2**32),
)
def test_no_group_is_in_two_splits_and_some_pictures_train(
    names: list[str], validation: float, test: float, seed: int
) -> None:
    sets = split(names, validation_share=validation, test_share=test, seed=seed)
    assert sum(map(len, sets.values())) == len(set(names))
    assert sets["train"]
    if len(set(names)) >= 3:
        assert bool(sets["validation"]) == (validation > 0)
        assert bool(sets["test"]) == (test > 0)


def test_the_order_of_the_pictures_does_not_matter() -> None:
    shuffled = np.random.default_rng(1).permutation(FORTY * 3).tolist()
    assert split(shuffled) == split(FORTY)


def test_another_seed_draws_other_people() -> None:
    assert split(FORTY, seed=1) != split(FORTY, seed=0)


def test_few_groups_serve_training_first_then_the_test() -> None:
    rule = SplitRule(validation_share=0.1, test_share=0.1, seed=0)
    for groups, expected in (
        (["a"], ["train"]),
        (["a", "b"], ["test", "train"]),
        (["a", "b", "c"], ["test", "train", "validation"]),
    ):
        assert sorted(assign(groups, [None] * len(groups), rule)) == expected


def test_official_splits_are_kept_and_no_validation_images_are_drawn() -> None:
    official = ["train"] * 30 + ["test"] * 10
    sets = split(FORTY, official, validation_share=0.5)
    assert sets == {
        "train": set(FORTY[:30]),
        "validation": set(),
        "test": set(FORTY[30:]),
    }


def test_only_the_split_that_a_list_lacks_is_drawn() -> None:
    sets = split(FORTY, [None] * 30 + ["test"] * 10, test_share=0.4)
    assert sets["test"] == set(FORTY[30:])
    assert len(sets["validation"]) == 3  # a tenth of the 30 that are to be divided


def test_an_official_validation_split_gets_no_further_people() -> None:
    official = [None] * 30 + ["validation"] * 10
    sets = split(FORTY, official, validation_share=0.4)
    assert sets["validation"] == set(FORTY[30:])
    assert len(sets["test"]) == 3


def test_a_picture_without_official_split_follows_its_group() -> None:
    rule = SplitRule(validation_share=0.3, test_share=0.3, seed=0)
    found = assign(["a", "b", "a"], ["test", "train", None], rule)
    assert Counter(found) == {"test": 2, "train": 1}


def test_an_official_list_with_a_group_in_two_splits_is_refused() -> None:
    with pytest.raises(DataError, match="group 'a' is in 'train' and in 'test'"):
        split(["a", "a"], ["train", "test"])


@pytest.mark.parametrize("shares", [(0.5, 0.5), (1.0, 0.1)])
def test_split_shares_that_leave_no_training_images_are_refused(
    shares: tuple[float, float],
) -> None:
    with pytest.raises(DataError, match="leave nothing to train on"):
        split(FORTY, validation_share=shares[0], test_share=shares[1])
