"""Checking a file of first-party components imports no Keras and no backend."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAVY = ("keras", "tensorflow", "jax", "torch", "numpy", "sklearn", "PIL", "rich")

PROGRAM = """
import sys
from vqfw.experiment import load_experiment
from vqfw.problems.printing import render
from vqfw.errors import ExperimentError
try:
    experiment = load_experiment(sys.argv[1])
    experiment.explain(), experiment.resolved_json(), experiment.data, experiment.training
    print("valid")
except ExperimentError as error:
    render(error.problems)
    print("problems")
print(*[name for name in {heavy!r} if name in sys.modules])
"""


def run(path: Path) -> list[str]:
    command = [sys.executable, "-c", PROGRAM.format(heavy=HEAVY), str(path)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return done.stdout.splitlines()


def test_a_valid_file_is_loaded_without_keras(write: Any, valid: Any) -> None:
    assert run(write(valid)) == ["valid", ""]


def test_problems_are_found_and_printed_without_keras(write: Any, valid: Any) -> None:
    valid["model"]["quantizer"] = {"type": "emma", "tau": 1}
    assert run(write({**valid, "sead": 1})) == ["problems", ""]


def test_the_experiments_of_the_repository_are_valid() -> None:
    folder = Path(__file__).parents[2] / "experiments"
    files = sorted(folder.glob("*.json"))
    assert files
    for path in files:
        assert run(path)[0] == "valid", path.name


def test_the_public_names_are_there_and_no_others() -> None:
    import vqfw.experiment as room

    assert all(hasattr(room, name) for name in room.__all__)
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = room.nothing_of_the_kind


def test_the_schema_needs_no_keras_to_be_read() -> None:
    program = "import sys; from vqfw.schema.loading import installed; installed(); "
    program += "print('keras' in sys.modules)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert json.loads(done.stdout.strip().lower()) is False
