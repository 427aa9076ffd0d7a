"""A Keras backend that cannot be used is an error with its repair."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def in_a_process_with(backend: str, root: Path, *path: Path) -> tuple[int, str, str]:
    """``vqfw plan tiny.json --json`` with another Keras backend."""
    code = "from vqfw.cli.command_line import main; main()"
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
def test_an_unknown_backend_is_an_error_that_lists_the_installed_ones(
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
