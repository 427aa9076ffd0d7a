"""The smallest experiment there is, and the command line inside this process."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import vqfw
from vqfw.errors import ExperimentError, Problem
from vqfw.experiment import CheckedExperiment, load_experiment
from vqfw.registry import index

# Workers of xdist are told the columns of the terminal; a test that needs a width sets it.
os.environ.pop("COLUMNS", None)

# The default tier is all that is in none of these.
TIERS = ("backends", "processes", "mutations")
TINY = {
    "name": "tiny",
    "data": {
        "dataset": {"type": "synthetic_faces", "count": 48, "people": 12, "size": 16},
        "image_size": 16,
        "augmentations": ["horizontal_flip"],
    },
    "model": {
        "type": "vqvae",
        "encoder": {
            "type": "residual_conv",
            "filters": 8,
            "channels": 8,
            "residual_filters": 4,
            "residual_blocks": 1,
            "downsampling": 4,
        },
        "quantizer": {"type": "ema", "num_embeddings": 16, "embedding_dim": 8},
        "revival": {"type": "perturb_active", "interval": 5},
        "beta": 0.25,
        "decoder": {
            "type": "residual_conv",
            "filters": 8,
            "residual_filters": 4,
            "residual_blocks": 1,
        },
    },
    "losses": ["mse"],
    "training": {
        "steps": 12,
        "batch_size": 8,
        "precision": "float32",
        "checkpoint_every": 4,
        # Momentum is state to save and restore, as Adam's moments are; a run takes a
        # quarter less time than with Adam. An override of type sgd keeps the momentum.
        "optimizer": {"type": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    },
    "evaluation": {"pictures": 2},
}


@pytest.hookimpl(tryfirst=True)  # before a selection by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests in a folder that has the name of a tier; no test is of two."""
    for item in items:
        for tier in TIERS:
            if Path(__file__).with_name(tier) in item.path.parents:
                item.add_marker(tier)
        limit = item.get_closest_marker("default_cases")
        if limit and min(item.callspec.indices.values()) >= limit.args[0]:
            item.add_marker("processes")
        tiers = {mark.name for mark in item.iter_markers()} & {*TIERS}
        if len(tiers) > 1:
            raise pytest.UsageError(f"{item.nodeid} is of two tiers: {sorted(tiers)}")


@pytest.fixture(scope="session")
def decoded_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that all tests share, so that the faces are drawn once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records of the person who runs the tests: a key, and trusted plugin files."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(autouse=True)
def no_record_of_the_developer(person: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps what the developer has vouched for out of the tests, and the reverse."""
    monkeypatch.setenv("VQFW_STATE", str(person))


@pytest.fixture
def root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoded_pictures: Path
) -> Path:
    """The folder of this test's runs, which is the working directory too."""
    monkeypatch.setenv("VQFW_ROOT", str(tmp_path))
    monkeypatch.setenv("VQFW_CACHE", str(decoded_pictures))
    monkeypatch.delenv("VQFW_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tiny_file(root: Path) -> Path:
    """The file of the smallest experiment; an epoch has five steps."""
    path = root / "tiny.json"
    path.write_text(json.dumps(TINY))
    return path


@pytest.fixture
def tiny(tiny_file: Path) -> Callable[..., vqfw.Experiment]:
    """Loads the smallest experiment with changes, written as ``--set`` takes them."""
    return lambda *changes: vqfw.load(tiny_file, changes)


@pytest.fixture(scope="session")
def trained_once(
    tmp_path_factory: pytest.TempPathFactory, decoded_pictures: Path, person: Path
) -> Path:
    """The folder of one finished run, called ``done``; not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.json").write_text(json.dumps(TINY))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VQFW_CACHE", str(decoded_pictures))
        patch.setenv("VQFW_STATE", str(person))
        vqfw.load(folder / "tiny.json").run("done", folder, quiet=True)
    return folder


@pytest.fixture
def done(trained_once: Path, root: Path) -> vqfw.Run:
    """A finished run of the smallest experiment, this test's own copy."""
    for name in ("checkpoints", "images_saved"):
        shutil.copytree(trained_once / name, root / name)
    return vqfw.open_run("done")


class Answer(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The one object on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def hint(self) -> list[str]:
        """The arguments of the last command that was printed for a person to type."""
        line = next(line for line in reversed(self.err.splitlines()) if "vqfw " in line)
        return shlex.split(line[line.rindex("vqfw ") :])[1:]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Runs the command line in this process."""
    from vqfw.cli.command_line import main

    def run(*arguments: str) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Answer(int(ended.value.code or 0), out, err)

    return run


Install = Callable[..., Path]


@pytest.fixture
def install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Path]]:
    """Installs a package with one module: ``install("vqfw-x", source, {group: lines})``."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("VQFW_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VQFW_NO_PLUGINS", raising=False)
    modules: list[str] = []

    def install(
        distribution: str,
        source: str,
        entry_points: dict[str, str],
        version: str = "0.1",
        requires: str = "",
    ) -> Path:
        module = distribution.replace("-", "_")
        modules.append(module)
        path = site / f"{module}.py"
        path.write_text(source, "utf-8")
        about = site / f"{module}-{version}.dist-info"
        about.mkdir(exist_ok=True)
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
            + (f"Requires-Dist: {requires}\n" if requires else "")
        )
        lines = "".join(
            f"[{group}]\n{text.replace('MODULE', module)}\n"
            for group, text in entry_points.items()
        )
        (about / "entry_points.txt").write_text(lines)
        index.cache_clear()
        return path

    yield install
    for module in modules:
        sys.modules.pop(module, None)
    index.cache_clear()


VALID: dict[str, Any] = {
    "name": "tiny",
    "data": {"dataset": "orl", "augmentations": ["horizontal_flip"]},
    "model": {
        "type": "vqvae",
        "encoder": "residual_conv",
        "quantizer": {"type": "ema", "num_embeddings": 64},
        "decoder": "residual_conv",
    },
    "training": {"steps": 10},
}


@pytest.fixture
def valid() -> dict[str, Any]:
    """A fresh copy that a test may change."""
    values: dict[str, Any] = json.loads(json.dumps(VALID))
    return values


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of text or of values, ``experiment.json`` if not named."""

    def write(content: Any, name: str = "experiment.json") -> Path:
        text = content if isinstance(content, str) else json.dumps(content)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def load(write: Callable[..., Path]) -> Callable[..., CheckedExperiment]:
    """Loads an experiment from text or values, with ``--set`` arguments."""

    def load(content: Any, *overrides: str) -> CheckedExperiment:
        return load_experiment(write(content), overrides)

    return load


@pytest.fixture
def problems(load: Callable[..., CheckedExperiment]) -> Callable[..., list[Problem]]:
    """All that is wrong with text or values."""

    def problems(content: Any, *overrides: str) -> list[Problem]:
        with pytest.raises(ExperimentError) as caught:
            load(content, *overrides)
        return list(caught.value.problems)

    return problems
