"""Study files for the smallest experiment, and run folders without training."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vqfw.study import children
from vqfw.study.grid import Grid
from vqfw.study.loading import load_grid

PRETEND = Path(__file__).with_name("pretend.py")


@pytest.fixture
def write(tiny_file: Path) -> Callable[..., Path]:
    """Writes ``study.json``: text as it is, values around the smallest experiment."""

    def study(text: str = "", **values: Any) -> Path:
        path = tiny_file.with_name("study.json")
        given = {"name": "small", "experiment": "tiny.json", **values}
        path.write_text(text or json.dumps(given))
        return path

    return study


@pytest.fixture
def load(write: Callable[..., Path]) -> Callable[..., Grid]:
    """A study around the smallest experiment."""
    return lambda *changes, **values: load_grid(write(**values), changes)


@pytest.fixture(scope="session")
def pretend() -> ModuleType:
    """Makes run folders without training."""
    spec = importlib.util.spec_from_file_location("pretend", PRETEND)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pretending(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replaces the processes of a study by ``pretend``: ``pretending(arm="fail")``."""
    monkeypatch.setattr(children, "_VQFW", (sys.executable, str(PRETEND)))

    def install(**what: str) -> None:
        monkeypatch.setenv("PRETEND", json.dumps(what))

    install()
    return install
