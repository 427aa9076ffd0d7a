"""The template is a right package, and so is every package made of it.

That they install, pass their tests and train is shown in ``test_fresh_environment.py``.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from vqfw.authoring.template import (
    new_package,
    setting,
    template_folder,
    template_kinds,
)
from vqfw.errors import UsageError
from vqfw.experiment import experiment_from
from vqfw.kinds.catalog import KINDS
from vqfw.registry import hooks, index

WRITTEN = (
    "augmentation", "beta", "dataset", "decoder", "encoder", "image_augmentation", "loss",
    "metric", "model", "quantizer", "revival", "tracker",
)  # fmt: skip
KIND = {each: each for each in WRITTEN} | {"image_augmentation": "augmentation"}
every = pytest.mark.parametrize("kind", WRITTEN)


@pytest.fixture
def developed(tmp_path, monkeypatch):
    """Makes packages importable and known as an editable installation does."""
    monkeypatch.setenv("VQFW_CACHE", str(tmp_path / "cache"))

    def develop(folder: Path) -> dict:
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        about = folder / f"{project['name'].replace('-', '_')}-0.1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\n"
            f"Version: {project['version']}\n"
            + "".join(f"Requires-Dist: {each}\n" for each in project["dependencies"])
        )
        points = project["entry-points"].items()
        lines = [
            f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in each.items())
            for group, each in points
        ]
        (about / "entry_points.txt").write_text("".join(lines))
        monkeypatch.syspath_prepend(str(folder))
        index.cache_clear()
        hooks.observers.cache_clear()
        return project

    yield develop
    for name in [each for each in sys.modules if each.startswith("vqfw_my_own")]:
        del sys.modules[name]
    index.cache_clear()
    hooks.observers.cache_clear()


def lines_of_code(path: Path) -> int:
    """Lines besides documentation and blank ones."""
    text = path.read_text()
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped |= set(range(node.lineno, (node.end_lineno or 0) + 1))
    lines = enumerate(text.splitlines(), start=1)
    return sum(bool(line.strip()) and number not in skipped for number, line in lines)


def test_there_is_a_template_for_every_kind_that_is_worth_one():
    assert set(template_kinds()) == {*WRITTEN, "observer"}
    project = tomllib.loads((template_folder() / "pyproject.toml").read_text())
    groups = project["project"]["entry-points"]
    assert set(groups) == {*(KINDS[kind].group for kind in KIND.values()), "vqfw"}


@pytest.mark.parametrize("kind", ["quantizer", "augmentation", "image_augmentation"])
def test_an_idea_takes_fifteen_lines_of_python_and_six_of_toml(kind, tmp_path):
    folder = new_package(kind, "my_own", tmp_path / "new")
    assert lines_of_code(folder / "vqfw_my_own" / f"{kind}.py") <= 15
    project = (folder / "pyproject.toml").read_text().partition("[project]")[2]
    assert len([line for line in project.splitlines() if line]) <= 6


@every
def test_a_new_package_works_by_name_and_keeps_no_word_of_the_template(
    kind, tmp_path, developed
):
    folder = new_package(kind, "my_own", tmp_path / "new")
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    assert files == [
        "README.md",
        "pyproject.toml",
        f"tests/test_{kind}.py",
        "vqfw_my_own/__init__.py",
        f"vqfw_my_own/{kind}.py",
    ]
    for path in folder.rglob("*.*"):
        assert "template" not in path.read_text().lower()
    project = developed(folder)
    assert project["name"] == "vqfw-my-own"
    component = index().find(KIND[kind], "my_own")
    assert component.owner == "vqfw-my-own 0.1.0"
    argument = setting(kind, "my_own")
    text = (folder / "README.md").read_text()
    assert argument in text
    assert f"{KIND[kind]}/my_own" in text
    assert f"vqfw_my_own/{kind}.py" in text


def own_tests(folder: Path) -> None:
    """Runs the tests that a package brings, as its author would."""
    path = os.pathsep.join([str(folder), *filter(None, sys.path)])
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert tested.returncode == 0, tested.stdout[-3000:]


@pytest.mark.processes
def test_a_new_tracker_passes_its_test_and_tracks(tmp_path, developed, tiny_file):
    import vqfw

    folder = new_package("tracker", "my_own", tmp_path / "new")
    own_tests(folder)
    developed(folder)
    run = vqfw.load(tiny_file, ['training.trackers=["my_own"]']).run()
    kept = run.folder.path / "my_own"
    assert json.loads((kept / "newest.json").read_text())["step"] == 10
    assert (kept / "grid.png").exists()
    assert run.folder.failures == []


@pytest.mark.processes
def test_a_new_observer_passes_its_test_and_watches_a_run(
    tmp_path, developed, tiny, command
):
    folder = new_package("observer", "my_own", tmp_path / "new")
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    assert files == [
        "README.md",
        "pyproject.toml",
        "tests/test_observer.py",
        "vqfw_my_own/__init__.py",
        "vqfw_my_own/observer.py",
    ]
    for path in folder.rglob("*.*"):
        assert "template" not in path.read_text().lower()
    own_tests(folder)
    developed(folder)
    (warning,) = tiny("training.batch_size=1").plan().warnings
    assert "one image" in warning.message
    tiny().run(name="a")
    shown = command("runs", "show", "a")
    assert shown.err == ""
    diary = shown.out.partition("\nmy_own\n\n")[2]
    assert re.sub(r"loss 0\.\d{4}", "loss", diary).splitlines() == [
        "it begins, or goes on",
        "an epoch",
        "epoch 1 ends at step 5 with loss",
        "an epoch",
        "epoch 2 ends at step 10 with loss",
        "an epoch",
        "epoch 3 ends at step 12 with loss",
        "it ends, scored on 4 images",
    ]
    assert command("my_own").out.startswith("my_own keeps a diary")
    with pytest.raises(UsageError, match="is there already, from vqfw-my-own"):
        new_package("observer", "my_own", tmp_path / "again")


@pytest.mark.processes
def test_an_experiment_can_use_the_template_of_each_kind(tmp_path, developed):
    folder = tmp_path / "whole"
    subprocess.run(["cp", "-r", str(template_folder()), str(folder)], check=True)
    developed(folder)
    found = experiment_from(
        {
            "data": {"dataset": "template", "augmentations": ["template"]},
            "model": {
                "type": "vqvae",
                "encoder": "template",
                "quantizer": "ema",
                "revival": "template",
                "beta": "template",
                "decoder": "template",
            },
            "losses": ["template"],
            "training": {"steps": 10, "trackers": ["template"]},
            "evaluation": {"metrics": ["template"]},
        }
    )
    assert found.model["encoder"] == {
        "type": "template",
        "downsampling": 4,
        "channels": 64,
    }
    assert json.loads(found.resolved_json())["losses"][0]["radius"] == 0.01


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("quantiser", "x", "no template for kind"),
        ("optimizer", "x", "no template for kind"),
        ("quantizer", "ema", "is there already, from vqfw"),
        ("image_augmentation", "zoom", 'augmentation "zoom" is there already'),
        ("loss", "losses", "vqfw_losses is installed already"),
        ("loss", "class", "cannot name a component"),
        ("loss", "mine_", "cannot name a component"),
        ("loss", "none", "class None would hide"),
        ("metric", "score", "class Score would hide"),
        ("image_augmentation", "image", "class Image would hide"),
        ("loss", "My-Loss", "cannot name a component"),
        ("loss", "../x", "cannot name a component"),
    ],
)
def test_a_kind_or_name_that_is_not_allowed_is_refused(
    kind, name, told, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=told):
        new_package(kind, name)
    assert not list(tmp_path.iterdir())


def test_a_new_package_refuses_a_folder_that_is_not_empty(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="nothing is overwritten"):
        new_package("loss", "my_own", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
