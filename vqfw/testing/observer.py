"""The checks of an observer. A factory takes nothing and returns the module of hooks.

Its hooks are called with a small experiment and with runs before, during and after training.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import keras

from vqfw.errors import Problem
from vqfw.kinds.hooks import Section
from vqfw.registry.hooks import Observers
from vqfw.testing.check import Factory, checks_in, require

_PSNR = {"value": 20.0, "unit": "dB", "better": "higher"}
_SCORES = {"test": {"images": 4, "psnr": _PSNR}}


@dataclass(frozen=True)
class Example:
    """A run for hooks that has no training behind it.

    Args:
        path: of its records.
        pictures: of its pictures.
        scores: by split.
    """

    path: Path
    pictures: Path
    scores: dict[str, Any] = field(default_factory=dict)
    id: str = "example"

    @property
    def resolved(self) -> dict[str, Any]:
        """The smallest experiment, with all its defaults."""
        from vqfw.experiment import experiment_from

        model = {
            "type": "vqvae",
            "encoder": "residual_conv",
            "quantizer": "ema",
            "decoder": "residual_conv",
        }
        data = {"dataset": "synthetic_faces"}
        small = {"data": data, "model": model, "training": {"steps": 10}}
        found: dict[str, Any] = json.loads(experiment_from(small).resolved_json())
        return found


def every_hook_exists(factory: Factory) -> None:
    """Each function is marked as a hook and has the name and arguments of one."""
    failures = _observers(factory).failures
    require(not failures, _described(failures))


def hooks_run_and_return_their_types(factory: Factory) -> None:
    """Each hook takes a run before, during and after training, and returns its type."""
    observers = _observers(factory)
    observers.failures.clear()  # of attaching, which the other check reports
    with TemporaryDirectory(prefix="vqfw-observer-") as name:
        run = Example(Path(name, "checkpoints"), Path(name, "images_saved"))
        run.path.mkdir()
        run.pictures.mkdir()
        observers.gather("vqfw_checks", Problem, experiment=run.resolved)
        observers.gather("vqfw_report_sections", Section, run=run)
        observers.tell("vqfw_run_start", run=run)
        observers.gather("vqfw_callbacks", keras.callbacks.Callback, run=run)
        values = {"loss": 0.25}
        observers.tell("vqfw_epoch_end", run=run, epoch=1, step=5, values=values)
        observers.tell("vqfw_run_end", run=run, scores={})
        observers.tell("vqfw_run_end", run=run, scores=_SCORES["test"])
        ended = replace(run, scores=_SCORES)
        observers.gather("vqfw_report_sections", Section, run=ended)
        observers.gather("vqfw_cli", click.Command)
    require(not observers.failures, _described(observers.failures))


CHECKS = checks_in(globals())


def _observers(factory: Factory) -> Observers:
    found = Observers(lambda text: None)
    found.add("the-observer/example", factory())
    return found


def _described(failures: Sequence[Mapping[str, str]]) -> str:
    return "; ".join(f"{each['hook']}: {each['error']}" for each in failures)
