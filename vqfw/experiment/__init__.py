"""From the text of an experiment file to a checked experiment, or to all its problems.

Names are looked up when first used, so that importing this room costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# ruff: noqa: F403
if TYPE_CHECKING:  # the names of _MODULE_OF for type checkers
    from vqfw.experiment.experiment import *
    from vqfw.experiment.later import *
    from vqfw.experiment.loading import *
    from vqfw.experiment.origins import *

_MODULE_OF = {
    "CheckedExperiment": "experiment",
    "Origin": "origins",
    "as_recorded": "later",
    "differences": "origins",
    "experiment_from": "loading",
    "load_experiment": "loading",
}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    """Imports the file that defines ``name``."""
    if name not in _MODULE_OF:
        raise AttributeError(f"vqfw.experiment has no {name!r}")
    return getattr(import_module(f"vqfw.experiment.{_MODULE_OF[name]}"), name)
