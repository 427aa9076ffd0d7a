"""The data path of a run: moved data, and paths in a stranger's run."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def faces(root):
    """A folder of sixteen pictures of eight people."""
    rng = np.random.default_rng(0)
    for number in range(16):
        path = root / "faces" / f"person{number // 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(path)
    return root / "faces"


@pytest.fixture
def trained(faces, tiny_file, command):
    """The scores of a run on that folder, called ``a``."""
    options = ["--set", "data.dataset=./faces", "--set", "training.steps=2"]
    ran = command("run", "tiny.json", *options, "--name", "a", "--json", "--quiet")
    assert ran.code == 0, ran.err
    return ran.data["scores"]


@pytest.mark.processes
def test_moved_data_needs_data_path_and_the_same_fingerprint(
    trained, faces, command, root
):
    moved = faces.rename(root / "new place")
    for verb in (["eval"], ["run", "--resume", "a"]):
        refused = command(*verb)
        assert refused.code == 4
        assert f"is not at {faces} any more" in refused.err
        assert refused.hint()[-2:] == ["--data-path", "PATH"]
    options = ["--data-path", "new place", "--quiet", "--json"]
    assert command("eval", *options).data["scores"] == trained
    assert command("run", "--resume", "a", *options).data["scores"] == trained
    next(moved.rglob("*.png")).unlink()
    for verb in (["eval"], ["run", "--resume", "a"]):
        refused = command(*verb, "--data-path", "new place")
        assert refused.code == 2
        assert "was trained on other images than" in refused.err
    assert command("eval", "--data", "new place", "--quiet").code == 0
    misplaced = command("eval", "--data", "new place", "--data-path", "new place")
    assert misplaced.code == 2


def test_a_copied_run_finds_its_data_only_if_made_on_this_machine(
    trained, faces, command, root, monkeypatch
):
    runs = root / "checkpoints"
    shutil.copytree(runs / "a", runs / "copy")
    assert command("eval", "--run", "copy", "--json").data["scores"] == trained
    record = runs / "copy" / "environment.json"
    changed = json.loads(record.read_text()) | {"dataset_path": str(root)}
    record.write_text(json.dumps(changed))
    refused = command("eval", "--run", "copy")
    assert refused.code == 4
    assert "was not made by you on this machine" in refused.err
    monkeypatch.setenv("VQFW_STATE", str(root / "another"))
    for verb in (["eval", "--run", "a"], ["run", "--resume", "a"]):
        refused = command(*verb)
        assert refused.code == 4
        assert refused.hint()[-2:] == ["--data-path", str(faces)]
        assert command(*refused.hint(), "--quiet").code == 0


def test_data_path_is_an_error_for_data_without_a_path(done, command, pictures):
    answer = command("eval", "--data-path", "pictures")
    assert answer.code == 2
    assert "leave --data-path out" in answer.err
    new = command("run", "tiny.json", "--data-path", "pictures")
    assert new.code == 2
    assert "--set data.dataset.path=pictures" in new.err


def test_a_foreign_run_without_a_data_path_is_not_reported_as_missing_data(
    done, command, root
):
    for name, changes in {
        "environment.json": {"dataset_path": str(root)},
        "resolved.json": {"data": {"dataset": {"type": "lfw", "path": ""}}},
    }.items():
        path = done.folder.path / name
        found = json.loads(path.read_text())
        for key, value in changes.items():
            found[key] = {**found[key], **value} if key == "data" else value
        path.write_text(json.dumps(found))
    refused = command("eval")
    assert refused.code == 4
    assert "was not made by you on this machine" in refused.err
    assert refused.hint() == ["eval", "--run", "done", "--data-path", str(root)]
