"""The contracts, one file a kind, and the names that their signatures use.

A plugin imports them from here: ``from vqfw.kinds import Quantizer``. A name is imported
when it is first used, because half of them import Keras and listing components must not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# ruff: noqa: F403
if TYPE_CHECKING:  # the names of HOME for type checkers
    from vqfw.kinds.augmentation import *
    from vqfw.kinds.beta import *
    from vqfw.kinds.codebook import *
    from vqfw.kinds.context import *
    from vqfw.kinds.dataset import *
    from vqfw.kinds.loss import *
    from vqfw.kinds.metric import *
    from vqfw.kinds.model import *
    from vqfw.kinds.network import *
    from vqfw.kinds.options import *
    from vqfw.kinds.quantizer import *
    from vqfw.kinds.revival import *
    from vqfw.kinds.tracker import *
    from vqfw.kinds.usage import *

HOME = {
    "augmentation": ("Augmentation", "ImageAugmentation", "Params"),
    "beta": ("BetaScheduler",),
    "codebook": ("Codebook", "nearest"),
    "context": ("Context",),
    "dataset": ("Dataset", "Drawn", "Record", "Split"),
    "loss": ("Loss",),
    "metric": ("Metric", "Score", "Scored"),
    "model": ("Model", "Output"),
    "network": ("Decoder", "Encoder"),
    "options": (
        "Copies",
        "Count",
        "DataPath",
        "Default",
        "Downsampling",
        "ImageShape",
        "Introduced",
        "Length",
        "Positive",
        "Range",
        "RunPath",
        "Seed",
        "Share",
        "Steps",
        "Supplied",
        "TotalSteps",
        "Weight",
    ),
    "quantizer": ("Book", "CodebookQuantizer", "Quantized", "Quantizer"),
    "revival": ("Revival",),
    "tracker": ("Tracker",),
    "usage": ("Usage",),
}
"""The exported names, by the file that defines them."""
_MODULE_OF = {name: module for module, names in HOME.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    """Imports the file that defines ``name``."""
    if name not in _MODULE_OF:
        raise AttributeError(f"vqfw.kinds has no {name!r}")
    return getattr(import_module(f"vqfw.kinds.{_MODULE_OF[name]}"), name)
