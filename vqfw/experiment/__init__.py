"""From the text of an experiment file to a checked experiment, or to all its problems.

Names are looked up when first used, so that importing this room costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqfw.experiment.experiment import (
        Experiment,
        Origin,
        differences,
        experiment_from,
        load_experiment,
    )
    from vqfw.experiment.explanations import explanation
    from vqfw.experiment.problems import as_data, render

_MODULE_OF = {
    "Experiment": "experiment",
    "Origin": "experiment",
    "as_data": "problems",
    "differences": "experiment",
    "experiment_from": "experiment",
    "explanation": "explanations",
    "load_experiment": "experiment",
    "render": "problems",
}

__all__ = [
    "Experiment",
    "Origin",
    "as_data",
    "differences",
    "experiment_from",
    "explanation",
    "load_experiment",
    "render",
]


def __getattr__(name: str) -> Any:
    """Imports the file that defines ``name``."""
    if name not in _MODULE_OF:
        raise AttributeError(f"vqfw.experiment has no {name!r}")
    return getattr(import_module(f"vqfw.experiment.{_MODULE_OF[name]}"), name)
