"""Groups and official splits from names, and how pictures are divided by them."""

from __future__ import annotations

import doctest
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import pytest

from vqfw.data.grouping import Grouping, grouped
from vqfw.data.splits import Division, SplitRule, divide_listing
from vqfw.data.summary import DataSummary, summarize
from vqfw.errors import DataError

PERSONS = [
    f"p{person:02d}/{view}/{i}.png"
    for person in range(25)
    for view in ("front", "side")
    for i in range(2)
]
CLASSES = [f"{name}/{i}.png" for name in ("cat", "dog", "bird") for i in range(20)]


def group(ids: Iterable[str], level: int | None = 1) -> Grouping:
    ids = list(ids)
    return grouped(ids, [None] * len(ids), [None] * len(ids), level)


def divide(
    ids: Iterable[str], split_by: Any = "auto", level: int | None = 1
) -> Division:
    ids = list(ids)
    rule = SplitRule(0.1, 0.1, seed=0, split_by=split_by, group_level=level)
    return divide_listing(ids, [None] * len(ids), [None] * len(ids), rule)


def describe(ids: Iterable[str], split_by: Any = "auto") -> DataSummary:
    return summarize(divide(ids, split_by))


def text(told: DataSummary) -> str:
    return "\n".join(f"{label}: {text}" for label, text in told.rows("here", None, 64))


def test_the_pictures_of_a_person_stay_together_whatever_folder_they_lie_in() -> None:
    division = divide(PERSONS)
    splits: dict[str, set[str]] = {}
    for name, split in zip(PERSONS, division.splits, strict=True):
        splits.setdefault(name.split("/")[0], set()).add(split)
    assert division.by == "group"
    assert all(len(each) == 1 for each in splits.values())
    told = text(describe(PERSONS))
    assert "groups: 25, from the first folder" in told
    assert "by group: train 84 (21 groups)" in told


def test_few_class_folders_are_divided_by_picture_with_the_reason() -> None:
    classes: dict[str, set[str]] = {}
    for name, split in zip(CLASSES, divide(CLASSES).splits, strict=True):
        classes.setdefault(split, set()).add(name.split("/")[0])
    assert classes["train"] == {"cat", "dog", "bird"}
    assert len(classes["test"]) > 1
    told = text(describe(CLASSES))
    assert "test 6 · because 3 folders are groups, fewer than 20" in told
    assert "--set data.split_by=group" in told


def test_few_groups_are_divided_by_group_where_split_by_is_group() -> None:
    division = divide(CLASSES, "group")
    by_class = dict(
        zip((n.split("/")[0] for n in CLASSES), division.splits, strict=True)
    )
    assert sorted(by_class.values()) == ["test", "train", "validation"]
    assert division.reason == ""


def test_pictures_without_folders_are_divided_by_picture() -> None:
    told = describe(f"{i}.png" for i in range(60))
    assert {name: part.pictures for name, part in told.parts.items()} == {
        "train": 48,
        "validation": 6,
        "test": 6,
    }
    assert "because there are no sub-folders" in text(told)


def test_a_wrapper_is_no_group() -> None:
    ids = [f"archive/data/{name}" for name in PERSONS]
    assert group(ids).groups == group(PERSONS).groups
    assert "'archive/data'" in group(ids).rule
    assert set(group(f"set/{i}.png" for i in range(3)).groups) == {
        "set/0.png",
        "set/1.png",
        "set/2.png",
    }


@pytest.mark.parametrize("loose", ["cover.png", "archive/cover.png"])
def test_a_picture_beside_a_wrapper_makes_the_wrapper_no_group(loose: str) -> None:
    ids = [loose, *(f"archive/data/{name}" for name in PERSONS)]
    assert group(ids).groups == (loose, *group(PERSONS).groups)
    assert divide(ids).by == "group"


def test_pictures_beside_the_only_folder_leave_it_a_group_or_an_official_split() -> (
    None
):
    assert group(["1.png", "anna/1.png", "anna/2.png"]).groups[1:] == ("anna",) * 2
    held_out = group(["1.png", "test/anna/1.png", "test/ben/1.png"])
    assert held_out.official == (None, "test", "test")


def test_the_reason_counts_folders_and_no_pictures_outside_of_them() -> None:
    told = describe(["1.png", "2.png", "3.png", "anna/1.png", "anna/2.png"])
    assert told.groups == 4
    assert "because 1 folder is a group, fewer than 20" in text(told)


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("val", "validation"),
        ("VALID", "validation"),
        ("validation", "validation"),
        ("test", "test"),
    ],
)
def test_folders_named_after_splits_are_the_split_and_no_group(
    folder: str, split: str
) -> None:
    found = group(["ben/1.png", f"{folder}/anna/1.png", f"eve/{folder}/1.png"])
    assert found.official == (None, split, split)
    assert found.groups == ("ben", "anna", "eve")
    assert found.official_folders == (folder,)


def test_a_train_folder_is_a_split_only_beside_a_test_or_validation_folder() -> None:
    vehicles = ["bus/1.png", "car/1.png", "train/1.png"]
    assert group(vehicles).groups == ("bus", "car", "train")
    assert group(vehicles).official == (None, None, None)
    assert group(vehicles).official_folders == ()
    (note,) = group(vehicles).notes
    assert "a folder called train is no split here" in note

    inside = [
        f"p{i:02d}/{name}/1.png" for i in range(25) for name in ("other", "train")
    ]
    parts = describe(inside).parts
    assert all(part.pictures for part in parts.values())

    beside = group(["Train/bus/1.png", "TEST/train/1.png"])
    assert beside.official == ("train", "test")
    assert beside.groups == ("bus", "train")
    assert beside.notes == ()


def test_official_folders_of_single_pictures_need_no_reason() -> None:
    told = text(describe([f"{s}/{i}.png" for s in ("train", "val") for i in (1, 2)]))
    assert "by picture: train 2, validation 2, test 0" in told
    assert "because" not in told


def test_groups_leave_out_split_folders_and_folders_around_them() -> None:
    found = group(["a/train/images/anna/1.png", "a/val/images/ben/1.png"])
    assert found.groups == ("anna", "ben")
    assert found.official == ("train", "validation")


def test_classes_in_several_official_folders_are_kept_as_they_are_and_reported() -> (
    None
):
    ids = [
        f"{s}/{c}/{i}.png" for s in ("train", "val") for c in ("a", "b") for i in (1, 2)
    ]
    division = divide(ids)
    assert division.by == "image"
    assert division.splits == ("train",) * 4 + ("validation",) * 4
    told = text(describe(ids))
    assert "official: the folders train/, val/ say the split" in told
    assert "group 'a' and 1 more are in several official folders" in told


def test_a_group_in_two_official_folders_is_an_error_by_group() -> None:
    ids = ["train/anna/1.png", "train/ben/1.png", "val/anna/2.png"]
    with pytest.raises(DataError, match=r"'anna' is in .* --set data\.split_by=image"):
        divide(ids, "group")
    assert divide(ids, "image").splits == ("train", "train", "validation")


def test_equal_names_in_two_official_folders_are_two_pictures() -> None:
    assert divide(["train/1.png", "train/2.png", "val/1.png"]).splits == (
        "train",
        "train",
        "validation",
    )


def test_a_group_has_its_whole_path_as_name_and_a_repeated_folder_name_is_noted() -> (
    None
):
    ids = ["2020/ben/1.png", "2021/ben/1.png", "2021/eve/1.png"]
    found = group(ids, level=2)
    assert found.groups == ("2020/ben", "2021/ben", "2021/eve")
    (note,) = found.notes
    assert "the group name 'ben' is in several folders ('2020', '2021')" in note
    assert group(ids, level=1).notes == ()


def test_a_picture_in_fewer_folders_than_the_level_is_grouped_by_all_of_them() -> None:
    ids = ["anna/1.png", "anna/front/1.png", "ben/side/1.png", "1.png"]
    assert group(ids, level=2).groups == ("anna", "anna/front", "ben/side", "1.png")


def test_level_null_joins_folders_of_one_name_as_before_and_warns() -> None:
    found = group(["set/p1/front/1.png", "set/p2/front/1.png", "set/train/1.png"], None)
    assert found.groups == ("front", "front", "train")
    assert found.official == (None, None, None)
    assert "they are one group" in found.notes[0]


def test_groups_that_the_dataset_names_are_kept() -> None:
    found = grouped(["train/1.png", "x/2.png"], ["a", "b"], [None, None], level=1)
    assert found.groups == ("a", "b")
    assert found.official == (None, None)
    rule = SplitRule(validation_share=0, test_share=0.5, seed=0)
    division = divide_listing(["1", "2"], ["a", "b"], [None, None], rule)
    assert division.by == "group"


@pytest.mark.parametrize("name", ["grouping", "splits", "summary"])
def test_examples_are_true(name: str) -> None:
    assert not doctest.testmod(import_module(f"vqfw.data.{name}")).failed
