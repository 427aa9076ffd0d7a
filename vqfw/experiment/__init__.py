"""From the text of an experiment file to a checked experiment, or to all its problems.

Names are looked up when first used, so that importing this room costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqfw.experiment.experiment import Experiment
    from vqfw.experiment.explanations import explanation
    from vqfw.experiment.later import as_recorded
    from vqfw.experiment.loading import experiment_from, load_experiment
    from vqfw.experiment.origins import Origin, differences
    from vqfw.experiment.problems import as_data, render

_MODULE_OF = {
    "Experiment": "experiment",
    "Origin": "origins",
    "as_data": "problems",
    "as_recorded": "later",
    "differences": "origins",
    "experiment_from": "loading",
    "explanation": "explanations",
    "load_experiment": "loading",
    "render": "problems",
}

__all__ = [
    "Experiment",
    "Origin",
    "as_data",
    "as_recorded",
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
