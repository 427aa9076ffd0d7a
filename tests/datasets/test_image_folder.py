from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from vqfw_datasets.image_folder import ImageFolder

from vqfw.errors import DataError

Packed = Callable[[Mapping[str, bytes], str], Path]


@pytest.mark.parametrize("form", ["folder", "zip", "tar", "tgz"])
def test_grouping_by_folders_is_left_to_the_engine(form: str, packed: Packed) -> None:
    files = {"top.png": b"", "anna/1.jpg": b"", "2020/ben/2.webp": b"", "x.txt": b""}
    found = {r.id: r.group for r in ImageFolder(str(packed(files, form))).records()}
    assert found == {"top.png": None, "anna/1.jpg": None, "2020/ben/2.webp": None}


def test_pictures_have_no_official_split(packed: Packed) -> None:
    (record,) = ImageFolder(str(packed({"a/1.jpg": b""}, "zip"))).records()
    assert record.split is None


def test_a_folder_without_pictures_is_an_error_with_the_endings(packed: Packed) -> None:
    path = packed({"notes.txt": b"x", "film.gif": b"x"}, "folder")
    with pytest.raises(DataError, match=r"no picture .*bmp jfif .*1 \.gif \('film"):
        list(ImageFolder(str(path)).records())


@pytest.mark.parametrize("channels", [1, 3])
def test_the_channels_are_those_asked_for(channels: int) -> None:
    assert ImageFolder("anywhere", channels=channels).channels == channels  # type: ignore[arg-type]


def test_a_folder_of_other_formats_asks_to_convert_them(tmp_path: Path) -> None:
    (tmp_path / "1.heic").write_bytes(b"1")
    with pytest.raises(
        DataError, match=r"1 \.heic .*: convert pictures of other formats"
    ):
        list(ImageFolder(str(tmp_path)).records())
