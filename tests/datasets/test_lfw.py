from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path

import pytest
from vqfw_datasets.lfw import LFW, official, person_of

from vqfw.errors import DataError

# As published with the data set.
MD5 = {
    "train": "54eaac34beb6d042ed3a7d883e247a21",
    "test": "e4bf5be0a43b5dcd9dc5ccfcb8fb19c5",
}
Packed = Callable[[Mapping[str, bytes], str], Path]


def layout(*names: str) -> dict[str, bytes]:
    return {f"lfw-deepfunneled/{name[:-9]}/{name}": name.encode() for name in names}


FEW = layout(
    "AJ_Cook_0001.jpg",  # DevTrain
    "Aaron_Peirsol_0001.jpg",  # DevTrain, one of four pictures
    "AJ_Lamas_0001.jpg",  # DevTest
    "No_Such_Person_0001.jpg",
)


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_shipped_lists_are_the_official_ones(split: str) -> None:
    packed = files("vqfw_datasets").joinpath(f"lfw_dev_{split}.txt.gz").read_bytes()
    assert hashlib.md5(gzip.decompress(packed)).hexdigest() == MD5[split]


def test_the_official_lists_have_the_official_counts() -> None:
    train, test = official("train"), official("test")
    assert (len(train), sum(train.values())) == (4_038, 9_525)
    assert (len(test), sum(test.values())) == (1_711, 3_708)
    assert not train.keys() & test.keys()


@pytest.mark.parametrize("form", ["folder", "zip", "tar", "tgz"])
def test_people_are_in_their_official_split(form: str, packed: Packed) -> None:
    dataset = LFW(str(packed(FEW, form)), validation=0.0)
    found = {record.id: (record.group, record.split) for record in dataset.records()}
    assert found == {
        "AJ_Cook/AJ_Cook_0001.jpg": ("AJ_Cook", "train"),
        "Aaron_Peirsol/Aaron_Peirsol_0001.jpg": ("Aaron_Peirsol", "train"),
        "AJ_Lamas/AJ_Lamas_0001.jpg": ("AJ_Lamas", "test"),
    }


def test_a_record_opens_its_own_bytes(packed: Packed) -> None:
    for record in LFW(str(packed(FEW, "tgz"))).records():
        with record.open() as stream:
            assert stream.read().decode() == record.id.split("/")[1]


def test_missing_people_and_pictures_are_counted_in_the_notes(packed: Packed) -> None:
    dataset = LFW(str(packed(FEW, "zip")))
    list(dataset.records())
    whole, strangers = dataset.notes()
    assert whole == (
        "3 of 5,749 people and 3 of 13,233 pictures found: "
        "4,036 people and 9,523 pictures of DevTrain are missing; "
        "1,710 people and 3,707 pictures of DevTest are missing"
    )
    assert strangers.startswith("1 people with 1 pictures are on neither official list")


def test_validation_people_do_not_depend_on_the_pictures_of_the_copy(
    packed: Packed,
) -> None:
    chosen = [
        name for name, split in LFW()._split_of().items() if split == "validation"
    ]
    assert len(chosen) == 202  # 5 % of 4,038
    two = layout(f"{chosen[0]}_0001.jpg", "AJ_Lamas_0001.jpg")
    splits = {r.group: r.split for r in LFW(str(packed(two, "zip"))).records()}
    assert splits == {chosen[0]: "validation", "AJ_Lamas": "test"}


@pytest.mark.parametrize(
    ("share", "people"), [(0.0, 0), (0.00001, 1), (0.05, 202), (1.0, 4_038)]
)
def test_the_validation_share_is_of_devtrains_people(share: float, people: int) -> None:
    splits = LFW(validation=share)._split_of()
    drawn = {name for name, split in splits.items() if split == "validation"}
    assert len(drawn) == people
    assert drawn <= official("train").keys()
    assert Counter(splits.values())["test"] == 1_711


def test_another_validation_share_is_another_fingerprint(packed: Packed) -> None:
    path = str(packed(FEW, "zip"))
    assert LFW(path).fingerprint() == LFW(path, 0.05).fingerprint()
    assert LFW(path).fingerprint() != LFW(path, 0.1).fingerprint()


def test_an_archive_without_lfw_is_an_error_with_the_expected_layout(
    packed: Packed,
) -> None:
    path = packed({"holiday/beach.jpg": b"1", "AJ_Cook_0001.jpg": b"2"}, "zip")
    with pytest.raises(DataError, match=r"holds 2 pictures and none .*Name_0001\.jpg"):
        list(LFW(str(path)).records())


def test_no_path_is_an_error_with_the_names_to_use() -> None:
    with pytest.raises(DataError, match=r"lfw-deepfunneled\.tgz.*VQFW_DATA"):
        list(LFW().records())


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("x/y/AJ_Cook/AJ_Cook_0001.jpg", "AJ_Cook"),
        ("AJ_Cook/AJ_Lamas_0001.jpg", None),
        ("AJ_Cook/AJ_Cook_1.jpg", None),
        ("AJ_Cook/AJ_Cook_0001.jpg.png", None),
    ],
)
def test_the_person_is_read_from_the_path(name: str, person: str | None) -> None:
    assert person_of(name) == person


def test_the_real_lfw_archive_has_the_official_split_sizes(real_lfw: Path) -> None:
    dataset = LFW(str(real_lfw), validation=0.0)
    splits = Counter(record.split for record in dataset.records())
    assert splits["train"] == 9_525
    assert splits["validation"] == 0
    (note,) = dataset.notes() or ("complete",)
    if splits["test"] != 3_708:
        assert splits["test"] == 2_759
        assert note == (
            "5,249 of 5,749 people and 12,284 of 13,233 pictures found: DevTrain is "
            "complete; 500 people and 949 pictures of DevTest are missing"
        )
