"""An experiment of someone else opens nothing, reaches nobody and runs nothing.

An audit hook sees every file that is opened, every import, socket and process of this
interpreter. It cannot be taken out again, so it listens only while a test asks it to.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from vqfw.errors import ExperimentError
from vqfw.experiment import CheckedExperiment, experiment_from, load_experiment
from vqfw.problems.printing import render

_heard: list[tuple[str, str]] | None = None
_WATCHED = (
    "import",
    "compile",
    "exec",
    "open",
    "os.",
    "shutil.",
    "subprocess.",
    "socket.",
)


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if _heard is not None and event.startswith(_WATCHED):
        _heard.append((event, str(arguments[0]) if arguments else ""))


sys.addaudithook(_listen)


@contextmanager
def listening() -> Iterator[list[tuple[str, str]]]:
    global _heard
    heard: list[tuple[str, str]] = []
    _heard = heard
    try:
        yield heard
    finally:
        _heard = None


@pytest.fixture
def quietly(
    load: Callable[..., CheckedExperiment], valid: dict[str, Any]
) -> Callable[[Path], list[tuple[str, str]]]:
    """Loads a file and prints its problems; gives what happened besides."""
    # What is imported or cached by the first use is no doing of the hostile file.
    load(valid)
    with pytest.raises(ExperimentError) as warm:
        load(
            {**valid, "sead": 1, "model": "emma", "losses": [{"type": 1}], "name": "A"}
        )
    render(warm.value.problems, color=False)
    with pytest.raises(ExperimentError):
        load({**valid, "extends": "missing.json"})
    with pytest.raises(ExperimentError):
        load('{"name": None}')

    def quietly(path: Path) -> list[tuple[str, str]]:
        with listening() as heard:
            try:
                load_experiment(path)
            except ExperimentError as error:
                render(error.problems, color=False)
        return heard

    return quietly


def outside(heard: list[tuple[str, str]], folder: Path) -> list[tuple[str, str]]:
    """What reached beyond the folder of the experiment."""
    return [
        (event, what)
        for event, what in heard
        if not (
            event in ("open", "os.scandir", "os.listdir")
            and Path(what).is_relative_to(folder)
        )
    ]


def test_the_audit_hook_reports_what_it_watches(tmp_path: Path) -> None:
    with listening() as heard:
        os.listdir(tmp_path)
        (tmp_path / "x").write_text("1")
        exec("pass")
    assert {"os.listdir", "open", "exec"} <= {event for event, _ in heard}


HOSTILE: list[dict[str, Any]] = [
    {"extends": "/etc/passwd"},
    {"extends": "../../../../etc/passwd"},
    {"extends": "../secret.json"},
    {"extends": "a/../../secret.json"},
    {"extends": "link.json"},
    {"extends": "linked/secret.json"},
    {"extends": "file:///etc/passwd"},
    {"extends": "http://169.254.169.254/latest"},
    {"extends": "\\\\server\\share\\base.json"},
    {"extends": "C:\\base.json"},
    {"extends": "~/base.json"},
    {"extends": "a" * 5000},
    {"extends": "fifo.json"},
    {"extends": "."},
    {"extends": ""},
    {"$schema": "http://169.254.169.254/schema.json"},
    {"$schema": "file:///etc/passwd"},
    {"$schema": "../secret.json", "$ref": "file:///etc/passwd"},
    {"$ref": "../secret.json"},
    {"model": {"$ref": "../secret.json"}},
    {"notes": {"$ref": "file:///etc/passwd", "$id": "http://169.254.169.254/"}},
    {"name": "../../escape"},
    {"name": "/etc/cron.d/x"},
    {"name": "a\n"},
    {"name": "CON"},
    {"data": {"dataset": "/etc/passwd"}},
    {"data": {"dataset": {"type": "image_folder", "path": "../../secret"}}},
    {"data": {"dataset": "http://169.254.169.254/faces.zip"}},
    {"data": {"dataset": {"type": "os:system", "path": "id"}}},
    {"model": "builtins:exec"},
    {"model": {"type": "subprocess.Popen", "args": ["id"]}},
    {"model": {"type": "../../plugin"}},
    {"losses": ["__import__('os').system('id')"]},
    {"training": {"steps": 1, "optimizer": "keras.optimizers:Adam"}},
    {"training": {"steps": 1, "optimizer": {"type": "adam", "name": "${env:HOME}"}}},
    {"description": "${oc.env:HOME} {{7*7}} %(HOME)s"},
    {"evaluation": {"metrics": ["pickle:loads"]}},
]


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: json.dumps(change)[:60])
def test_a_hostile_experiment_opens_no_file_outside_and_runs_no_code(
    quietly: Callable[[Path], list[tuple[str, str]]],
    write: Callable[..., Path],
    valid: dict[str, Any],
    tmp_path: Path,
    change: dict[str, Any],
) -> None:
    secret = write({**valid, "description": "s3cret"}, "secret.json")
    folder = tmp_path / "inner"
    path = write({**valid, **change}, "inner/experiment.json")
    (folder / "link.json").symlink_to(secret)
    (folder / "linked").symlink_to(tmp_path)
    os.mkfifo(folder / "fifo.json")
    heard = quietly(path)
    assert ("open", str(path)) in heard
    assert not outside(heard, folder)


def test_extends_refuses_paths_outside_the_folder(
    load: Callable[..., CheckedExperiment], valid: dict[str, Any]
) -> None:
    for name in (
        "../x",
        "/x",
        "a/b",
        "a\\b",
        "a\n",
        "",
        ".",
        "..",
        "-x",
        "A",
        "x" * 65,
    ):
        with pytest.raises(ExperimentError):
            load({**valid, "name": name})


def test_the_text_of_a_refused_file_is_never_printed(
    write: Callable[..., Path], valid: dict[str, Any], tmp_path: Path
) -> None:
    secret = write('{"s3cret": }', "secret.json")
    folder = tmp_path / "inner"
    folder.mkdir()
    (folder / "link.json").symlink_to(secret)
    for base in ("link.json", "../secret.json", str(secret)):
        path = write({**valid, "extends": base}, "inner/experiment.json")
        with pytest.raises(ExperimentError) as caught:
            load_experiment(path)
        assert "s3cret" not in render(caught.value.problems, color=False)


def test_a_mapping_cannot_extend_a_file(valid: dict[str, Any]) -> None:
    with listening() as heard, pytest.raises(ExperimentError):
        experiment_from({**valid, "extends": "/etc/passwd"})
    assert not [what for event, what in heard if event == "open" and "etc" in what]


def test_variables_and_templates_in_values_are_not_expanded(
    load: Callable[..., CheckedExperiment],
    valid: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    text = "$SECRET ${SECRET} ${env:SECRET} {{SECRET}} ~ %SECRET%"
    assert load({**valid, "description": text}).description == text


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(1 << 33)
    with pytest.raises(ExperimentError, match="bytes or more"):
        load_experiment(path)
