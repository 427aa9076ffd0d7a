"""A small valid experiment, and ways to load one from text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vqfw.errors import ExperimentError, Problem
from vqfw.experiment import Experiment, load_experiment

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
def load(write: Callable[..., Path]) -> Callable[..., Experiment]:
    """Loads an experiment from text or values, with ``--set`` arguments."""

    def load(content: Any, *overrides: str) -> Experiment:
        return load_experiment(write(content), overrides)

    return load


@pytest.fixture
def problems(load: Callable[..., Experiment]) -> Callable[..., list[Problem]]:
    """All that is wrong with text or values."""

    def problems(content: Any, *overrides: str) -> list[Problem]:
        with pytest.raises(ExperimentError) as caught:
            load(content, *overrides)
        return list(caught.value.problems)

    return problems
