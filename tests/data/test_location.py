from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from vqfw.data.location import cache_folder, locate
from vqfw.errors import DataError

USUAL = ("faces.tgz", "faces.zip", "faces")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """An experiment's folder, a folder of data, a cache, and a folder outside."""
    made = {
        name: tmp_path / name for name in ("experiment", "data", "cache", "outside")
    }
    for place in made.values():
        place.mkdir()
    monkeypatch.setenv("VQFW_DATA", str(made["data"]))
    monkeypatch.setenv("VQFW_CACHE", str(made["cache"]))
    monkeypatch.chdir(made["outside"])
    return made


def find(path: str, places: dict[str, Path], **options: Any) -> Path:
    settings = {
        "usual_names": USUAL,
        "experiment_folder": places["experiment"],
        "typed": False,
        **options,
    }
    return locate(path, **settings)


def test_the_three_places_are_tried_in_order(places: dict[str, Path]) -> None:
    for name in ("cache", "data", "experiment"):
        (places[name] / "faces").mkdir()
        assert find("faces", places) == places[name] / "faces"


def test_an_absolute_path_in_a_place_is_allowed(places: dict[str, Path]) -> None:
    path = places["data"] / "faces"
    path.mkdir()
    assert find(str(path), places) == path


@pytest.mark.parametrize("path", ["../outside", "{outside}", "new/../../outside"])
def test_a_path_in_a_file_may_be_anywhere(places: dict[str, Path], path: str) -> None:
    (places["experiment"] / "new").mkdir()
    assert find(path.format(outside=places["outside"]), places) == places["outside"]


def test_a_link_to_any_place_is_followed(places: dict[str, Path]) -> None:
    link = places["experiment"] / "link"
    link.symlink_to(places["outside"])
    assert find("link", places) == link


def test_a_path_in_a_file_is_not_looked_for_in_the_working_directory(
    places: dict[str, Path],
) -> None:
    (places["outside"] / "faces").mkdir()
    with pytest.raises(DataError, match="not found"):
        find("faces", places)


@pytest.mark.parametrize("linked", [False, True])
def test_neither_a_device_nor_a_pipe_is_opened(
    places: dict[str, Path], linked: bool
) -> None:
    pipe = places["outside"] / "pipe"
    os.mkfifo(pipe)
    (places["outside"] / "link").symlink_to(pipe)
    for typed in (False, True):
        with pytest.raises(DataError, match="neither a folder nor a regular file"):
            find(f"../outside/{'link' if linked else 'pipe'}", places, typed=typed)


def test_a_typed_path_may_be_anywhere(places: dict[str, Path]) -> None:
    (places["outside"] / "faces").mkdir()
    (places["data"] / "faces").mkdir()
    for path in ("faces", str(places["outside"] / "faces")):
        assert find(path, places, typed=True) == places["outside"] / "faces"


def test_a_typed_path_may_start_at_home(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(places["outside"]))
    (places["outside"] / "faces").mkdir()
    assert find("~/faces", places, typed=True) == places["outside"] / "faces"


def test_no_path_finds_a_usual_name_in_the_data_then_in_the_cache(
    places: dict[str, Path],
) -> None:
    (places["cache"] / "faces.tgz").touch()
    assert find("", places) == places["cache"] / "faces.tgz"
    (places["data"] / "faces").mkdir()
    assert find("", places) == places["data"] / "faces"
    (places["data"] / "faces.zip").touch()
    assert find("", places) == places["data"] / "faces.zip"


@pytest.mark.parametrize("name", ["anything.tar", "faces"])
def test_the_data_may_be_the_archive_or_the_folder_itself(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = places["outside"] / name
    path.mkdir() if name == "faces" else path.touch()
    monkeypatch.setenv("VQFW_DATA", str(path))
    assert find("", places) == path


def test_missing_data_is_an_error_with_every_place_that_was_tried(
    places: dict[str, Path],
) -> None:
    with pytest.raises(DataError) as caught:
        find("faces", places)
    for name in ("experiment", "data", "cache"):
        assert str(places[name] / "faces") in str(caught.value)
    with pytest.raises(DataError) as caught:
        find("", places)
    for name in ("data", "cache"):
        for usual in USUAL:
            assert str(places[name] / usual) in str(caught.value)


def test_an_absolute_path_that_is_missing_is_listed_once(
    places: dict[str, Path],
) -> None:
    missing = str(places["outside"] / "missing")
    with pytest.raises(DataError) as caught:
        find(missing, places, typed=True)
    assert str(caught.value).count(missing) == 1


def test_the_error_says_that_vqfw_data_is_not_set(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VQFW_DATA")
    with pytest.raises(DataError, match=r"set VQFW_DATA \(it is not set\)"):
        find("", places)


def test_a_dataset_without_usual_names_needs_a_path(places: dict[str, Path]) -> None:
    with pytest.raises(DataError, match=r'"data\.dataset\.path" is missing'):
        find("", places, usual_names=())


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "~nobody-of-this-name/faces"])
def test_text_that_cannot_be_a_path_is_refused(
    places: dict[str, Path], path: str
) -> None:
    for typed in (False, True):
        with pytest.raises(DataError, match="cannot be a path"):
            find(path, places, typed=typed)


def test_a_place_without_permission_is_listed_with_the_reason(
    places: dict[str, Path],
) -> None:
    with pytest.raises(DataError, match=r"x \(File name too long\)"):
        find("x" * 300, places)


def test_the_cache_is_set_by_environment_variables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VQFW_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "vqfw"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "vqfw"
    monkeypatch.setenv("VQFW_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
