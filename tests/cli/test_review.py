"""What the command line says before anything runs: warnings, backends, usage as data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_validate_shows_warnings_and_says_what_it_did_not_check(tiny_file, command):
    answer = command("validate", "tiny.json", "--set", "data.crop=8")
    assert answer.code == 0
    assert "warning[upscaling]" in answer.err
    assert "is valid" in answer.err
    assert answer.hint() == ["plan", "tiny.json"]


def test_validate_gives_warnings_as_data(tiny_file, command):
    answer = command("validate", "tiny.json", "--set", "data.crop=8", "--json")
    assert answer.data["problems"] == []
    assert [each["code"] for each in answer.data["warnings"]] == ["upscaling"]


@pytest.mark.parametrize("arguments", [["run"], ["run", "--fast"], ["trian"]])
def test_with_json_a_wrong_command_line_is_data_too(arguments, root, command):
    answer = command(*arguments, "--json")
    assert answer.code == 2
    assert answer.data["vqfw"] == 1
    assert answer.data["exit_code"] == 2
    assert answer.data["error"] in answer.err


def test_what_an_optimizer_refuses_is_no_traceback(tiny_file, command):
    answer = command("plan", "tiny.json", "--set", "training.optimizer.clipnorm=1",
                     "--set", "training.optimizer.global_clipnorm=1")  # fmt: skip
    assert answer.code == 2
    assert "error[refused-by-component]" in answer.err
    assert 'change "clipnorm" or "global_clipnorm"' in answer.err
    assert "Traceback" not in answer.err


def in_a_process_with(backend: str, root: Path, *path: Path) -> tuple[int, str, str]:
    """``vqfw plan tiny.json --json`` with another Keras backend."""
    code = "from vqfw.cli.main import main; main()"
    paths = [str(each) for each in path] + [each for each in sys.path if each]
    found = subprocess.run(
        [sys.executable, "-c", code, "plan", "tiny.json", "--json"],
        cwd=root,
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": os.pathsep.join(paths),
        },
        capture_output=True,
        text=True,
    )
    return found.returncode, found.stdout, found.stderr


@pytest.mark.processes
@pytest.mark.parametrize("backend", ["nonsense", "numpy"])
def test_a_backend_that_is_none_is_answered_with_those_there_are(
    backend, tiny_file, root
):
    code, out, err = in_a_process_with(backend, root)
    assert code == 2, err
    assert "Traceback" not in err
    told = json.loads(out)["error"]
    assert f'"{backend}" of KERAS_BACKEND' in told
    assert "set KERAS_BACKEND to tensorflow" in told


def test_a_backend_that_cannot_be_imported_gives_its_reason(tiny_file, root, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "jax.py").write_text("raise ImportError('jax lacks a library')\n")
    code, out, err = in_a_process_with("jax", root, broken)
    assert code == 2, err
    assert "Traceback" not in err
    assert "jax lacks a library" in json.loads(out)["error"]
