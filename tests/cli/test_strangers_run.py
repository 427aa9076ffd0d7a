"""A hostile run folder: no code of it runs, and nothing outside it changes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

SOURCE = """
from pathlib import Path
Path({marker!r}).write_text("it ran")
from vqfw.kinds import Loss

class OddLoss(Loss):
    def __call__(self, original, reconstruction): ...
"""


class Scene(NamedTuple):
    """A run of a stranger among files of this person.

    Args:
        run: records and weights.
        pictures: of the run.
        outside: a folder of this person, which must stay as it is.
    """

    run: Path
    pictures: Path
    outside: Path

    def edit(self, record: str, /, **changes: object) -> None:
        path = self.run / record
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    def link(self, place: Path, target: str) -> None:
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        place.symlink_to(self.outside / target)


@pytest.fixture
def scene(done, root, monkeypatch):
    outside = root / "home"
    (outside / "albums").mkdir(parents=True)
    (outside / "thesis.txt").write_text("years of work")
    for name in ("original_1.png", "recon_1.png", "grid_00001.png", "training.gif"):
        Image.fromarray(np.full((16, 16, 3), 200, np.uint8)).save(outside / name)
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(outside / "albums" / "1.png")
    shutil.copytree(done.folder.states, outside / "state")
    (outside / "evil.py").write_text(SOURCE.format(marker=str(outside / "marker")))
    shutil.copytree(root / "checkpoints" / "done", root / "checkpoints" / "mine")
    shutil.copy(done.folder.path / "tokens_test.npz", root / "tokens.npz")
    monkeypatch.setenv("VQFW_STATE", str(root / "another person"))
    return Scene(done.folder.path, done.folder.pictures, outside)


def code_in_a_plugin_file(scene: Scene) -> None:
    path = scene.outside / "evil.py"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    plugin = {"path": str(path), "sha256": digest}
    scene.edit("environment.json", plugin_files=[plugin])


def code_in_a_checkpoint(scene: Scene) -> None:
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(scene.outside / "marker"),)

    for state in (scene.run / "state").iterdir():
        np.savez(state / "state.npz", x=np.array([Bomb()], dtype=object))
        manifest = json.loads((state / "manifest.json").read_text())
        content = (state / "state.npz").read_bytes()
        manifest["sha256"]["state.npz"] = hashlib.sha256(content).hexdigest()
        (state / "manifest.json").write_text(json.dumps(manifest))


def data_of_this_person(scene: Scene) -> None:
    albums = str(scene.outside / "albums")
    resolved = json.loads((scene.run / "resolved.json").read_text())
    resolved["data"]["dataset"] = {
        "type": "image_folder",
        "path": albums,
        "channels": 3,
    }
    scene.edit("resolved.json", **resolved)
    scene.edit("environment.json", dataset_path=albums)


def checkpoints_elsewhere(scene: Scene) -> None:
    scene.link(scene.run / "state", "state")


def one_checkpoint_elsewhere(scene: Scene) -> None:
    scene.link(scene.run / "state" / "00000099", "state")
    scene.link(scene.run / "state" / ".00000099.1.tmp", "state")


def a_log_that_is_not_there(scene: Scene) -> None:
    scene.link(scene.run / "metrics.jsonl", "new file")


def records_elsewhere(scene: Scene) -> None:
    for name in ("scores.json", "training.json", "failures.jsonl", "origins.json"):
        scene.link(scene.run / name, "thesis.txt")


def a_lock_elsewhere(scene: Scene) -> None:
    scene.link(scene.run / "lock", "thesis.txt")


def tokens_elsewhere(scene: Scene) -> None:
    scene.link(scene.run / "tokens_test.npz", "thesis.txt")
    scene.link(scene.run / ".tokens_test.npz.tmp.npz", "thesis.txt")
    scene.link(scene.run / f".scores.json.{os.getpid()}.tmp", "thesis.txt")


def trackers_elsewhere(scene: Scene) -> None:
    resolved = json.loads((scene.run / "resolved.json").read_text())
    resolved["training"]["trackers"] = [{"type": "csv"}]
    scene.edit("resolved.json", **resolved)
    scene.link(scene.run / "metrics.csv", "thesis.txt")
    scene.link(scene.run / "metrics.csv.part", "thesis.txt")
    scene.link(scene.run / "tensorboard", "albums")


def a_pipe_and_a_device(scene: Scene) -> None:
    (scene.run / "scores.json").unlink()
    os.mkfifo(scene.run / "scores.json")
    (scene.run / "training.json").unlink()
    (scene.run / "training.json").symlink_to("/dev/zero")


def pictures_elsewhere(scene: Scene) -> None:
    shutil.rmtree(scene.pictures)
    scene.pictures.symlink_to(scene.outside)


def some_pictures_elsewhere(scene: Scene) -> None:
    for name in ("original_1.png", "training.gif", "grid_00001.png"):
        scene.link(scene.pictures / name, name)
    scene.link(scene.pictures / "data", "albums")


def all_pictures_elsewhere(scene: Scene) -> None:
    shutil.rmtree(scene.pictures.parent)
    (scene.outside / "done").mkdir()
    for name in ("original_1.png", "grid_00001.png", "training.gif"):
        (scene.outside / name).rename(scene.outside / "done" / name)
    scene.pictures.parent.symlink_to(scene.outside)


def second_names_of_files(scene: Scene) -> None:
    """Hard links, a pointer that leads elsewhere, and a manifest that does."""
    thesis, film = scene.outside / "thesis.txt", scene.outside / "training.gif"
    places = {
        scene.run / "lock": thesis,
        scene.run / "failures.jsonl": thesis,
        scene.run / "training.json": thesis,
        scene.run / "tokens_test.npz": thesis,
        scene.run / "metrics.jsonl": thesis,
        scene.pictures / "original_1.png": scene.outside / "original_1.png",
        scene.pictures / "training.gif": film,
    }
    for place, target in places.items():
        place.unlink(missing_ok=True)
        os.link(target, place)
    latest = scene.run.with_name("LATEST")
    latest.unlink(missing_ok=True)
    latest.symlink_to(thesis)
    for state in (scene.run / "state").iterdir():
        manifest = json.loads((state / "manifest.json").read_text())
        manifest["sha256"][str(thesis)] = "0" * 64
        manifest["sha256"]["/dev/zero"] = "0" * 64
        (state / "manifest.json").write_text(json.dumps(manifest))


HOSTILE: tuple[Callable[[Scene], None], ...] = (
    code_in_a_plugin_file,
    code_in_a_checkpoint,
    data_of_this_person,
    checkpoints_elsewhere,
    one_checkpoint_elsewhere,
    a_log_that_is_not_there,
    records_elsewhere,
    a_lock_elsewhere,
    tokens_elsewhere,
    trackers_elsewhere,
    a_pipe_and_a_device,
    pictures_elsewhere,
    some_pictures_elsewhere,
    all_pictures_elsewhere,
    second_names_of_files,
)
VERBS = (
    ("eval", "--run", "done"),
    ("eval", "--run", "done", "--data", "pictures"),
    ("run", "--resume", "done"),
    ("tokenize", "pictures", "--run", "done", "-o", "out.npz"),
    ("reconstruct", "tokens.npz", "--run", "done", "-o", "back"),
    ("runs", "show", "done"),
    ("compare", "mine", "done"),
    ("doctor", "done"),
)


def snapshot(folder: Path) -> dict[str, object]:
    """Every file with its content, and every folder and link."""
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        known = path.is_file() and not path.is_symlink()
        name = path.relative_to(folder).as_posix()
        found[name] = path.read_bytes() if known else path.is_dir()
    return found


@pytest.mark.default_cases(2)
@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda each: each.__name__)
def test_verbs_run_no_code_of_a_hostile_run_and_change_no_other_files(
    hostile, scene, root, command, pictures
):
    hostile(scene)
    before = snapshot(scene.outside)
    own = snapshot(root / "checkpoints" / "mine")
    for verb in VERBS:
        answer = command(*verb)
        assert answer.code in range(5), (verb, answer.err)
        assert snapshot(scene.outside) == before, verb
        assert "marker" not in os.listdir(scene.outside)
    listed = command("runs", "list")
    assert listed.code == 0, listed.err
    assert "mine" in listed.out
    assert snapshot(root / "checkpoints" / "mine") == own


def test_a_read_only_run_is_scored_and_its_files_stay_unchanged(
    scene, root, command, pictures, monkeypatch
):
    def refuse(path, flags):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("vqfw.runs.folder.open_own", refuse)
    scores = json.loads((scene.run / "scores.json").read_text())["test"]
    (scene.run / "scores.json").unlink()
    before = snapshot(root / "checkpoints"), snapshot(root / "images_saved")
    answer = command("eval", "--run", "done", "--json")
    assert answer.code == 0, answer.err
    assert answer.data["scores"]["psnr"] == scores["psnr"]["value"]
    assert "the scores are not kept" in answer.err
    assert "Permission denied" in answer.err
    assert command("tokenize", "pictures", "--run", "done").code == 0
    assert command("reconstruct", "tokens.npz", "--run", "done").code == 0
    refused = command("run", "--resume", "done")
    assert refused.code == 2
    assert "Permission denied" in refused.err
    assert (snapshot(root / "checkpoints"), snapshot(root / "images_saved")) == before
