"""The summary of a user's pictures, before training and by ``vqfw plan``."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vqfw

VIEWS = [f"p{i:02d}/{view}/1.png" for i in range(20) for view in ("front", "side")]
CLASSES = [f"{name}/{i:02d}.png" for name in ("cat", "dog") for i in range(10)]


@pytest.fixture
def pictures(root: Path) -> Callable[..., Path]:
    """Writes small pictures, all different."""

    def write(names: Iterable[str], folder: str = "pictures") -> Path:
        for number, name in enumerate(names):
            path = root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.full((16, 16, 3), number, np.uint8)
            Image.fromarray(pixels).save(path)
        return root / folder

    return write


@pytest.fixture
def plan(tiny_file: Path, command: Any) -> Callable[..., dict[str, str]]:
    """The rows of ``vqfw plan`` that tell of the data."""

    def rows(dataset: str, *settings: str) -> dict[str, str]:
        values = json.loads(tiny_file.read_text())
        values["data"]["dataset"] = dataset
        tiny_file.write_text(json.dumps(values))
        options = [part for each in settings for part in ("--set", each)]
        answer = command("plan", "tiny.json", *options)
        assert answer.code == 0, answer.err
        text = answer.out[: answer.out.index("augmented ")]
        found: dict[str, str] = {}
        for line in text.splitlines():
            label = line[:13].strip()
            found[label] = f"{found.get(label, '')} {line[13:]}".strip()
        return found

    return rows


def test_pictures_of_one_person_stay_in_one_split(pictures: Any, plan: Any) -> None:
    found = plan(str(pictures(VIEWS)))
    assert found["data"].startswith("40 pictures of /")
    assert found["groups"] == "20, from the first folder"
    assert found["split"] == (
        "by group: train 32 (16 groups), validation 4 (2 groups), test 4 (2 groups) · "
        "because folders may be people; if they are classes: --set data.split_by=image"
    )
    assert found["used"] == "the largest centred square of each picture, as 16 × 16"


def test_classes_are_divided_by_picture(pictures: Any, plan: Any) -> None:
    found = plan(str(pictures(CLASSES)))
    assert found["split"] == (
        "by picture: train 16, validation 2, test 2 · because 2 folders are groups, fewer "
        "than 20; if they are people and not classes: --set data.split_by=group"
    )
    found = plan("./pictures", "data.split_by=group")
    assert "validation 0 (0 groups), test 10 (1 group)" in found["split"]
    assert "there are no validation images" in found["note"]


def test_official_folders_are_the_split(pictures: Any, plan: Any) -> None:
    names = [*(f"Train/{each}" for each in CLASSES), *(f"val/{n}" for n in CLASSES[:4])]
    found = plan(str(pictures(names)))
    assert found["official"] == "the folders Train/, val/ say the split"
    assert found["split"].startswith("by picture: train 20, validation 4, test 0")


def test_a_group_in_two_official_split_folders_is_reported_in_the_group_row(
    pictures: Any, plan: Any
) -> None:
    names = [*(f"train/{each}" for each in CLASSES), "val/cat/99.png"]
    found = plan(str(pictures(names)), "data.split_by=group")
    assert "'cat' is in 'train' and in 'validation'" in found["data"]


def test_the_wrapper_of_an_archive_is_no_group(
    root: Path, pictures: Any, plan: Any
) -> None:
    folder = pictures(VIEWS)
    with zipfile.ZipFile(root / "faces.zip", "w") as archive:
        for name in VIEWS:
            archive.write(folder / name, f"faces-v1/all/{name}")
        archive.writestr("faces-v1/LICENSE.txt", "x")
    found = plan("./faces.zip")
    assert found["groups"] == "20, from the first folder below 'faces-v1/all'"
    assert found["note"] == "left out: 1 .txt ('faces-v1/LICENSE.txt')"


def test_linked_pictures_are_found(root: Path, pictures: Any, plan: Any) -> None:
    pictures(VIEWS, "pool")
    (root / "pictures").mkdir()
    for person in (root / "pool").iterdir():
        (root / "pictures" / person.name).symlink_to(person)
    (root / "pictures" / "p00" / "loop").symlink_to(root / "pictures")
    (root / "pictures" / "gone.png").symlink_to("nowhere")
    found = plan("./pictures")
    assert found["data"].startswith("40 pictures")
    assert found["groups"] == "20, from the first folder"
    assert "1 broken link ('gone.png')" in found["note"]


def test_sixty_pictures_in_one_folder_are_divided_by_picture(
    pictures: Any, plan: Any
) -> None:
    found = plan(str(pictures(f"{i}.png" for i in range(60))), "data.crop=8")
    assert found["groups"] == "60, each picture by itself"
    assert found["split"].startswith("by picture: train 48, validation 6, test 6")
    assert found["used"] == "the centred 8 × 8 pixels of each picture, as 16 × 16"


def test_a_plan_names_the_path_of_missing_data(root: Path, plan: Any) -> None:
    found = plan("./nowhere")
    assert found["data"].startswith("image_folder, not listed: the data was not found")
    assert str(root / "nowhere") in found["data"]


def test_a_plan_draws_no_pictures(tiny_file: Path, command: Any) -> None:
    assert (
        "synthetic_faces, listed when the run starts"
        in command("plan", "tiny.json").out
    )
    assert command("plan", "tiny.json", "--json").data["found"] is None


def test_a_plan_gives_the_same_numbers_as_data(
    pictures: Any, plan: Any, command: Any
) -> None:
    plan(str(pictures(CLASSES)))
    found = command("plan", "tiny.json", "--json").data["found"]
    assert found["split_by"] == "image"
    assert found["parts"]["train"] == {"pictures": 16, "groups": 2}


def test_a_run_prints_and_records_its_data_before_it_trains(
    tiny_file: Path, pictures: Any, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = pictures(CLASSES)
    (path / "notes.heic").write_bytes(b"x")
    changes = (f"data.dataset={path}", "data.augmentations=[]", "training.steps=4")
    run = vqfw.load(tiny_file, changes).run(name="own")
    told = capsys.readouterr().err
    block = told[told.index("data  ") : told.index("\nepoch ")]
    assert all(len(line) <= 80 or "/" in line for line in block.splitlines())
    lines = {line[:13].strip(): line[13:] for line in block.splitlines()}
    assert lines["split"] == "by picture: train 16, validation 2, test 2"
    assert lines["used"].startswith("the largest centred square of each picture (100 %")
    assert lines["note"] == "left out: 1 .heic ('notes.heic')"
    assert run.folder.environment["split_by"] == "image"
    assert run.folder.resolved["data"]["group_level"] == 1
    vqfw.open_run("own").resume()
    assert f"split        {lines['split']}\nused " in capsys.readouterr().err
