from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vqfw.data.arrays import Images, Splits, prepare, read_pictures
from vqfw.data.splits import SplitRule
from vqfw.data.summary import summarize_listing
from vqfw.errors import DataError

RULE = SplitRule(validation_share=0.1, test_share=0.2, seed=0)


def read(dataset: Any, rule: SplitRule = RULE, **options: Any) -> Splits:
    settings = {"crop": None, "image_size": 8, "cache": None}
    return prepare(dataset, rule, **{**settings, **options})


def parts(splits: Splits) -> tuple[Images, Images, Images]:
    return splits.train, splits.validation, splits.test


def assert_same(left: Splits, right: Splits) -> None:
    assert left.fingerprint == right.fingerprint
    for one, other in zip(parts(left), parts(right), strict=True):
        assert (one.ids, one.groups) == (other.ids, other.groups)
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_every_picture_is_in_one_split_with_its_group(people: Any) -> None:
    splits = read(people(10, 3))
    assert [len(part) for part in parts(splits)] == [21, 3, 6]
    ids = [name for part in parts(splits) for name in part.ids]
    assert len(set(ids)) == 30
    groups = [set(part.groups) for part in parts(splits)]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 10
    for part in parts(splits):
        assert [name.split("/")[0] for name in part.ids] == list(part.groups)


def test_pixels_belong_to_their_ids_and_ids_are_sorted(people: Any) -> None:
    dataset = people(4, 2)
    contents = {record_id: content for record_id, _, content, _ in dataset.rows}
    images, _ = read_pictures(dataset, crop=10, image_size=10, channels=3)
    assert list(images.ids) == sorted(contents)
    for name, pixels in zip(images.ids, images.pixels, strict=True):
        whole = np.asarray(Image.open(io.BytesIO(contents[name])))
        np.testing.assert_array_equal(pixels, whole[1:11])


def test_the_order_of_the_records_changes_nothing(people: Any) -> None:
    dataset, backwards = people(10, 2), people(10, 2)
    backwards.rows.reverse()
    assert_same(read(dataset), read(backwards))


def test_pixels_cannot_be_changed(people: Any, tmp_path: Path) -> None:
    for cache in (None, tmp_path):
        for part in parts(read(people(10, 1), cache=cache)):
            assert part.pixels.dtype == np.uint8
            assert part.pixels.shape[1:] == (8, 8, 3)
            with pytest.raises(ValueError, match="read-only"):
                part.pixels[0] = 0


def test_one_group_trains_alone_from_the_mapped_cache(
    people: Any, tmp_path: Path
) -> None:
    splits = read(people(1, 4), cache=tmp_path)
    assert [len(part) for part in parts(splits)] == [4, 0, 0]
    assert isinstance(splits.train.pixels, np.memmap)
    assert splits.test.pixels.shape == (0, 8, 8, 3)


def test_official_splits_are_kept(people: Any, made: Any) -> None:
    rows = people(3, 2, "train").rows[:4] + people(1, 2, "test").rows
    splits = read(made(rows))
    assert set(splits.test.groups) == {"p00"}
    assert [len(part) for part in parts(splits)] == [4, 0, 2]


def test_no_pictures_to_train_on_is_an_error(people: Any) -> None:
    with pytest.raises(
        DataError, match="all 4 pictures are in the validation and test splits"
    ):
        read(people(2, 2, "test"))


def test_empty_data_is_an_error(made: Any) -> None:
    with pytest.raises(DataError, match="Made gave no picture at all"):
        read(made([]))


def test_an_id_given_twice_is_an_error(people: Any, made: Any) -> None:
    rows = people(1, 1).rows
    with pytest.raises(DataError, match=r"two pictures 'p00/0\.png'"):
        read(made(rows + rows))


def test_a_bad_picture_is_an_error_that_names_it(people: Any) -> None:
    dataset = people(3, 1)
    dataset.rows[1] = ("p01/0.png", "p01", dataset.rows[1][2][:50], None)
    with pytest.raises(DataError, match=r"picture 'p01/0\.png'"):
        read(dataset)


def test_bad_pictures_are_skipped_counted_and_three_are_named(
    people: Any, tmp_path: Path
) -> None:
    dataset = people(10, 1)
    for at in range(5):
        name, group, content, split = dataset.rows[at]
        dataset.rows[at] = (name, group, content[:50], split)
    for _ in range(2):  # decoded, then from the cache
        splits = read(dataset, on_bad_image="skip", cache=tmp_path)
        assert sum(len(part) for part in parts(splits)) == 5
        made_of, skipped = splits.summary.notes
        assert made_of == "made of bytes"
        assert skipped.startswith("5 pictures were left out: picture 'p09/0.png'")
        assert "'p07/0.png'" in skipped
        assert "'p06/0.png'" not in skipped
        assert skipped.endswith("(2 more)")


def test_skipped_bad_pictures_leave_the_splits_of_good_pictures_unchanged(
    people: Any, made: Any, tmp_path: Path
) -> None:
    rows = [(name, None, *rest) for name, _, *rest in people(25, 2).rows]
    good = read(made(rows))
    cut = [
        (*row[:2], row[2][:50] if row[0] > "p15" else row[2], row[3]) for row in rows
    ]
    planned = summarize_listing(made(cut), RULE)
    assert planned is not None
    for _ in range(2):  # decoded, then from the cache
        run = read(made(cut), on_bad_image="skip", cache=tmp_path)
        assert run.summary.split_by == planned.split_by == "group"
        assert run.summary.reason == planned.reason
        assert run.summary.pictures == 30
        for one, all_good in zip(parts(run), parts(good), strict=True):
            assert one.ids == tuple(name for name in all_good.ids if name < "p15")


def test_data_without_any_usable_picture_is_an_error(made: Any) -> None:
    with pytest.raises(DataError, match=r"none of 1 picture of Made .*'x\.png'"):
        read(made([("x.png", "x", b"no picture", None)]), on_bad_image="skip")


def test_data_with_only_pictures_smaller_than_the_crop_suggests_another_crop(
    people: Any,
) -> None:
    with pytest.raises(DataError, match=r"none of 2 .*--set data\.crop=null") as error:
        read(people(2, 1), on_bad_image="skip", crop=999)
    assert "leaves such pictures out" not in str(error.value)


def test_a_picture_that_cannot_be_opened_is_named(people: Any) -> None:
    dataset = people(2, 1)

    def refuse(record_id: str, content: bytes) -> Any:
        raise PermissionError(13, "Permission denied")

    dataset._open = refuse
    with pytest.raises(DataError, match=r"'p01/0\.png' cannot be opened \(Permission"):
        read(dataset)


def test_progress_counts_the_pictures(people: Any) -> None:
    seen: list[int] = []
    read(people(3, 2), progress=seen.append)
    assert seen == [1, 2, 3, 4, 5, 6]


def test_own_pictures_are_converted_to_the_channels_asked_for(people: Any) -> None:
    images, _ = read_pictures(people(2, 1), crop=None, image_size=8, channels=1)
    assert images.pixels.shape == (2, 8, 8, 1)


def test_skipped_own_pictures_and_the_crop_are_in_the_notes(
    people: Any,
) -> None:
    dataset = people(3, 1)
    small = io.BytesIO()
    Image.new("RGB", (9, 9)).save(small, "PNG")
    dataset.rows[1] = ("p01/0.png", "p01", small.getvalue(), None)
    settings: dict[str, Any] = {"crop": 10, "image_size": 8, "channels": 3}
    with pytest.raises(
        DataError, match=r"'p01/0\.png' has 9 × 9 .*--crop none .*--crop 9 "
    ):
        read_pictures(dataset, **settings)
    with pytest.raises(
        DataError, match=r"--set data\.crop=null .*crop=9 .*bad_image=skip"
    ):
        read(dataset, crop=10)
    images, notes = read_pictures(dataset, **settings, on_bad_image="skip")
    assert images.ids == ("p00/0.png", "p02/0.png")
    cropped, made_of, left_out = notes
    assert "10 × 10 pixels of each picture (83.3 %" in cropped
    assert made_of == "made of bytes"
    assert re.match(r"1 picture was left out: .*'p01/0\.png' has 9 × 9", left_out)


def test_the_fingerprint_follows_pixels_and_splits(people: Any, made: Any) -> None:
    rows = people(10, 2).rows
    first = read(made(rows)).fingerprint
    assert read(made(rows, "elsewhere")).fingerprint == first
    assert read(made(rows), replace(RULE, seed=1)).fingerprint != first
    assert read(made(rows), image_size=4).fingerprint != first
    assert read(made(rows[1:])).fingerprint != first


def test_the_installed_faces_divide_by_person() -> None:
    from vqfw_datasets.orl import ORL

    splits = read(ORL(), replace(RULE, test_share=0.1), crop=92, image_size=64)
    assert [len(part) for part in parts(splits)] == [320, 40, 40]
    assert splits.train.pixels.shape == (320, 64, 64, 1)


def test_drawn_faces_need_no_decoding() -> None:
    from vqfw_datasets.synthetic_faces import SyntheticFaces

    faces = SyntheticFaces(count=6, people=3, size=16)
    images, _ = read_pictures(faces, crop=None, image_size=16, channels=3)
    drawn = {record.id: record.pixels for record in faces.records()}
    for name, pixels in zip(images.ids, images.pixels, strict=True):
        np.testing.assert_array_equal(pixels, drawn[name])
