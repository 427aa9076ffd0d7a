"""The contracts: one file a kind, and the vocabulary they are written in.

What a plugin author needs is importable from here: ``from vqfw.kinds import Quantizer``.
Names are looked up when first used, because half of them import Keras and listing
components must not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqfw.kinds.augmentation import Augmentation, ImageAugmentation, Params
    from vqfw.kinds.beta import BetaScheduler
    from vqfw.kinds.codebook import Codebook, nearest
    from vqfw.kinds.context import Context
    from vqfw.kinds.dataset import Dataset, Drawn, Record, Split
    from vqfw.kinds.loss import Loss
    from vqfw.kinds.metric import Metric, Score, Scored
    from vqfw.kinds.model import Model, Output
    from vqfw.kinds.network import Decoder, Encoder
    from vqfw.kinds.options import (
        Copies,
        Count,
        DataPath,
        Downsampling,
        ImageShape,
        Positive,
        RunFolder,
        Seed,
        Share,
        Steps,
        Supplied,
        TotalSteps,
        Weight,
    )
    from vqfw.kinds.quantizer import Book, CodebookQuantizer, Quantized, Quantizer
    from vqfw.kinds.revival import Revival
    from vqfw.kinds.tracker import Tracker
    from vqfw.kinds.usage import Usage

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
        "Downsampling",
        "ImageShape",
        "Positive",
        "RunFolder",
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
"""What is exported, by the file that defines it."""
_MODULE_OF = {name: module for module, names in HOME.items() for name in names}

__all__ = [
    "Augmentation",
    "BetaScheduler",
    "Book",
    "Codebook",
    "CodebookQuantizer",
    "Context",
    "Copies",
    "Count",
    "DataPath",
    "Dataset",
    "Decoder",
    "Downsampling",
    "Drawn",
    "Encoder",
    "ImageAugmentation",
    "ImageShape",
    "Loss",
    "Metric",
    "Model",
    "Output",
    "Params",
    "Positive",
    "Quantized",
    "Quantizer",
    "Record",
    "Revival",
    "RunFolder",
    "Score",
    "Scored",
    "Seed",
    "Share",
    "Split",
    "Steps",
    "Supplied",
    "TotalSteps",
    "Tracker",
    "Usage",
    "Weight",
    "nearest",
]


def __getattr__(name: str) -> Any:
    """Imports the file that defines ``name``."""
    if name not in _MODULE_OF:
        raise AttributeError(f"vqfw.kinds has no {name!r}")
    return getattr(import_module(f"vqfw.kinds.{_MODULE_OF[name]}"), name)
