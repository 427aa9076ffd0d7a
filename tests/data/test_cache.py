from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vqfw.data import cache as module
from vqfw.data.arrays import Splits, prepare
from vqfw.data.splits import SplitRule

RULE = SplitRule(validation_share=0.1, test_share=0.1, seed=0)


def read(
    dataset: Any, cache: Path | None, rule: SplitRule = RULE, **options: Any
) -> Splits:
    settings = {"crop": None, "image_size": 8}
    return prepare(dataset, rule, cache=cache, **{**settings, **options})


def entry(cache: Path) -> Path:
    (folder,) = cache.iterdir()
    return folder


def assert_same(left: Splits, right: Splits) -> None:
    assert left.fingerprint == right.fingerprint
    assert left.train.ids == right.train.ids
    np.testing.assert_array_equal(left.train.pixels, right.train.pixels)
    np.testing.assert_array_equal(left.test.pixels, right.test.pixels)


def test_cached_images_equal_decoded_images_and_open_no_picture(
    people: Any, tmp_path: Path
) -> None:
    fresh = read(people(10, 2), None)
    first = read(people(10, 2), tmp_path)
    again = people(10, 2)
    second = read(again, tmp_path)
    assert again.opened == []
    for each in (second, first, fresh):
        assert each.summary.notes == ("made of bytes",)
    assert_same(first, fresh)
    assert_same(second, fresh)


def test_changed_split_shares_use_the_same_cache_entry(
    people: Any, tmp_path: Path
) -> None:
    read(people(10, 2), tmp_path)
    again = people(10, 2)
    splits = read(again, tmp_path, replace(RULE, test_share=0.5, seed=3))
    assert again.opened == []
    assert len(splits.test) == 10


def test_another_grouping_uses_the_same_entry_and_is_never_stale(
    people: Any, made: Any, tmp_path: Path
) -> None:
    rows = [
        (f"{name}/{side}/{i}.png", None, content, None)
        for i, (_, name, content, _) in enumerate(people(25, 2).rows)
        for side in (("front", "side")[i % 2],)
    ]
    first = read(made(rows), tmp_path)
    again = made(rows)
    second = read(again, tmp_path, replace(RULE, group_level=2, split_by="image"))
    assert again.opened == []
    assert len(set(first.train.groups)) == 21
    assert second.train.groups[0].split("/")[1] in ("front", "side")
    assert len(second.test) == 5
    third = read(
        made(rows), tmp_path, replace(RULE, group_level=None, split_by="group")
    )
    assert {*third.train.groups, *third.test.groups} == {"front", "side"}


@pytest.mark.parametrize(
    "change", [{"image_size": 4}, {"crop": 8}, {"on_bad_image": "skip"}]
)
def test_options_that_change_the_pixels_make_a_new_cache_entry(
    people: Any, tmp_path: Path, change: dict[str, Any]
) -> None:
    read(people(4, 1), tmp_path)
    again = people(4, 1)
    read(again, tmp_path, **change)
    assert len(again.opened) == 4
    assert len(list(tmp_path.iterdir())) == 2


def test_another_dataset_uses_another_entry(
    people: Any, made: Any, tmp_path: Path
) -> None:
    read(people(4, 1), tmp_path)
    renamed = made(people(4, 1).rows, name="other")
    read(renamed, tmp_path)
    assert len(renamed.opened) == 4

    class Other(made):
        pass

    other = Other(people(4, 1).rows)
    read(other, tmp_path)
    assert len(other.opened) == 4


def cut_pixels(folder: Path) -> None:
    content = (folder / "pixels.npy").read_bytes()
    (folder / "pixels.npy").write_bytes(content[:-1])


def flip_pixel(folder: Path) -> None:
    content = bytearray((folder / "pixels.npy").read_bytes())
    content[-1] ^= 1
    (folder / "pixels.npy").write_bytes(content)


def flip_index(folder: Path) -> None:
    text = (folder / "index.json").read_text(encoding="utf-8")
    (folder / "index.json").write_text(text.replace("p01", "p02", 1), encoding="utf-8")


def cut_index(folder: Path) -> None:
    (folder / "index.json").write_bytes((folder / "index.json").read_bytes()[:100])


def other_json(folder: Path) -> None:
    (folder / "index.json").write_text("[1, 2]", encoding="utf-8")


def pickled_pixels(folder: Path) -> None:
    np.save(folder / "pixels.npy", np.array([{}], object), allow_pickle=True)


def no_index(folder: Path) -> None:
    (folder / "index.json").unlink()


def no_pixels(folder: Path) -> None:
    (folder / "pixels.npy").unlink()


def empty_pixels(folder: Path) -> None:
    (folder / "pixels.npy").write_bytes(b"")


@pytest.mark.parametrize(
    "damage",
    [
        cut_pixels,
        flip_pixel,
        flip_index,
        cut_index,
        other_json,
        pickled_pixels,
        no_index,
        no_pixels,
        empty_pixels,
    ],
)
def test_a_damaged_entry_is_noticed_and_made_again(
    people: Any, tmp_path: Path, damage: Any
) -> None:
    first = read(people(4, 2), tmp_path)
    damage(entry(tmp_path))
    again = people(4, 2)
    assert_same(read(again, tmp_path), first)
    assert len(again.opened) == 8
    third = people(4, 2)
    assert_same(read(third, tmp_path), first)
    assert third.opened == []


def test_a_killed_write_leaves_no_entry_and_its_files_are_removed(
    people: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*arguments: Any, **options: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", kill)
        patch.setattr(module.shutil, "rmtree", lambda *_, **__: None)  # no goodbye
        with pytest.raises(Killed):
            read(people(4, 1), tmp_path)
    left = entry(tmp_path)
    assert left.name.startswith("unfinished-")
    read(people(4, 1), tmp_path)
    assert left.exists()  # it may be another process at work
    os.utime(left, (0, 0))
    again = people(4, 1)
    read(again, tmp_path, image_size=4)
    assert not left.exists()


@pytest.mark.parametrize("failing", ["mkdtemp", "save", "fsync"])
def test_a_disk_that_cannot_be_written_is_a_note_and_no_error(
    people: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    owner = {"mkdtemp": module.tempfile, "save": module.np, "fsync": module.os}
    with monkeypatch.context() as patch:
        patch.setattr(owner[failing], failing, full)
        splits = read(people(4, 1), tmp_path)
    assert "could not be cached" in splits.summary.notes[-1]
    assert "No space left on device" in splits.summary.notes[-1]
    assert list(tmp_path.iterdir()) == []
    assert_same(splits, read(people(4, 1), None))


def test_a_cache_below_a_file_is_a_note_and_no_error(
    people: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    splits = read(people(4, 1), tmp_path / "file" / "cache")
    assert "could not be cached" in splits.summary.notes[-1]


def test_two_processes_may_finish_the_same_entry(
    people: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(people(4, 1), tmp_path)
    first_answer = [None]  # as if the other one finished after we had looked
    load = module.read_entry
    monkeypatch.setattr(
        module,
        "read_entry",
        lambda path: first_answer.pop() if first_answer else load(path),
    )
    monkeypatch.setattr(module.shutil, "rmtree", lambda *_, **__: None)
    splits = read(people(4, 1), tmp_path)
    assert splits.summary.notes == ("made of bytes",)


def test_an_entry_is_a_plain_array_and_plain_json(people: Any, tmp_path: Path) -> None:
    read(people(4, 2), tmp_path)
    folder = entry(tmp_path)
    pixels = np.load(folder / "pixels.npy", allow_pickle=False)
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))["index"]
    assert pixels.shape == (8, 8, 8, 3)
    assert index["ids"] == sorted(index["ids"])
    assert len(index["ids"]) == 8
