from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vqfw.data.locate import cache_folder, locate
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
        "anywhere": False,
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


@pytest.mark.parametrize("path", ["../outside", "{outside}", "a/../../outside", "/"])
def test_a_path_out_of_the_places_is_refused_with_the_way_round(
    places: dict[str, Path], path: str
) -> None:
    with pytest.raises(DataError) as caught:
        find(path.format(outside=places["outside"]), places)
    message = str(caught.value)
    assert "--set data.dataset.path=" in message
    for name in ("experiment", "data", "cache"):
        assert str(places[name]) in message


def test_a_link_out_of_the_places_is_refused(places: dict[str, Path]) -> None:
    (places["experiment"] / "link").symlink_to(places["outside"])
    with pytest.raises(DataError, match="leads outside"):
        find("link", places)


def test_a_link_from_one_place_into_another_is_allowed(places: dict[str, Path]) -> None:
    (places["data"] / "faces").mkdir()
    (places["experiment"] / "link").symlink_to(places["data"] / "faces")
    assert find("link", places) == places["experiment"] / "link"


def test_a_name_that_begins_like_a_place_is_not_in_it(places: dict[str, Path]) -> None:
    twin = places["data"].with_name("data-of-others")
    twin.mkdir()
    with pytest.raises(DataError, match="leads outside"):
        find(str(twin), places)


def test_a_typed_path_leads_anywhere(places: dict[str, Path]) -> None:
    (places["outside"] / "faces").mkdir()
    (places["data"] / "faces").mkdir()
    for path in ("faces", str(places["outside"] / "faces")):
        assert find(path, places, anywhere=True) == places["outside"] / "faces"


def test_a_typed_path_may_start_at_home(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(places["outside"]))
    (places["outside"] / "faces").mkdir()
    assert find("~/faces", places, anywhere=True) == places["outside"] / "faces"


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


def test_what_is_not_found_is_listed_with_every_place(places: dict[str, Path]) -> None:
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
        find(missing, places, anywhere=True)
    assert str(caught.value).count(missing) == 1


def test_without_a_folder_of_data_the_message_says_so(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VQFW_DATA")
    with pytest.raises(DataError, match=r"set VQFW_DATA \(it is not set\)"):
        find("", places)


def test_a_dataset_without_usual_names_needs_a_path(places: dict[str, Path]) -> None:
    with pytest.raises(DataError, match="needs a path"):
        find("", places, usual_names=())


def test_a_nul_in_a_path_is_refused(places: dict[str, Path]) -> None:
    for anywhere in (False, True):
        with pytest.raises(DataError, match="NUL"):
            find("a\0b", places, anywhere=anywhere)


def test_the_cache_is_where_the_environment_says(
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
