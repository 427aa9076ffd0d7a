"""The kinds of component, with the key of an experiment that names each.

This file imports no component and no Keras. The contracts are the other files of the room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Shorthand:
    """A plain value that stands for a component: ``"beta": 0.25``.

    Args:
        json_type: the JSON type of the plain value, ``number`` or ``string``.
        component: the name of the component that it stands for.
        option: the option of that component which the value fills.
    """

    json_type: str
    component: str
    option: str


@dataclass(frozen=True)
class Kind:
    """One kind of component.

    Args:
        name: of the kind in messages and on the command line.
        group: the entry-point group in which its components are registered.
        key: of an experiment, that names one.
        contracts: ``module:class`` of the base class of each of its forms; imported only
            when needed.
        summary: a description in a few words.
        engine_options: options that the engine reads beside the component's own, as
            JSON Schema; the component's constructor never sees them.
        shorthand: the plain value that may stand for a component, if any.
        plain: a JSON type whose values are passed on unchanged, beside components.
        in_float32: whether its layers take float32, whatever the precision.
        hidden: constructor parameters of foreign classes that no experiment may set.
    """

    name: str
    group: str
    key: str
    contracts: tuple[str, ...]
    summary: str
    engine_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shorthand: Shorthand | None = None
    plain: str | None = None
    in_float32: bool = False
    hidden: frozenset[str] = frozenset()

    @property
    def bases(self) -> tuple[str, ...]:
        """The names of the base classes."""
        return tuple(each.partition(":")[2] for each in self.contracts)


OBSERVER = "observer"
"""A module of hooks, which no experiment names; see ``hooks``."""
OBSERVER_GROUP = "vqfw"
"""The entry-point group of observers."""

# With these Keras averages weights in its own loop; the loss scale belongs to the precision.
_KERAS_OWN = frozenset(
    {"name", "use_ema", "ema_momentum", "ema_overwrite_frequency", "loss_scale_factor"}
)

_ALL = (
    Kind(
        "dataset",
        "vqfw.datasets",
        "data.dataset",
        ("vqfw.kinds.dataset:Dataset",),
        "where images and the people on them come from",
        shorthand=Shorthand("string", "image_folder", "path"),
    ),
    Kind(
        "augmentation",
        "vqfw.augmentations",
        "data.augmentations[]",
        (
            "vqfw.kinds.augmentation:Augmentation",
            "vqfw.kinds.augmentation:ImageAugmentation",
        ),
        "a random change of a training image",
        engine_options={
            "probability": {
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "default": 1.0,
                "description": "Share of the training images that it changes.",
            }
        },
    ),
    Kind(
        "encoder",
        "vqfw.encoders",
        "model.encoder",
        ("vqfw.kinds.network:Encoder",),
        "images to latents",
    ),
    Kind(
        "decoder",
        "vqfw.decoders",
        "model.decoder",
        ("vqfw.kinds.network:Decoder",),
        "latents to images",
    ),
    Kind(
        "quantizer",
        "vqfw.quantizers",
        "model.quantizer",
        ("vqfw.kinds.quantizer:Quantizer",),
        "latents to tokens",
        in_float32=True,
    ),
    Kind(
        "revival",
        "vqfw.revival",
        "model.revival",
        ("vqfw.kinds.revival:Revival",),
        "puts codes that nothing uses back to work",
        engine_options={
            "interval": {
                "type": "integer",
                "minimum": 1,
                "default": 50,
                "description": "Optimizer steps between two revivals.",
            }
        },
    ),
    Kind(
        "beta",
        "vqfw.beta",
        "model.beta",
        ("vqfw.kinds.beta:BetaScheduler",),
        "the weight of the commitment loss, step by step",
        shorthand=Shorthand("number", "constant", "value"),
    ),
    Kind(
        "model",
        "vqfw.models",
        "model",
        ("vqfw.kinds.model:Model",),
        "what stands between an image and its reconstruction",
    ),
    Kind(
        "loss",
        "vqfw.losses",
        "losses[]",
        ("vqfw.kinds.loss:Loss",),
        "a reconstruction term",
        engine_options={
            "weight": {
                "type": "number",
                "minimum": 0,
                "default": 1.0,
                "description": "Factor of this term in the sum.",
            }
        },
    ),
    Kind(
        "metric",
        "vqfw.metrics",
        "evaluation.metrics[]",
        ("vqfw.kinds.metric:Metric",),
        "a score on held-out images",
    ),
    Kind(
        "tracker",
        "vqfw.trackers",
        "training.trackers[]",
        ("vqfw.kinds.tracker:Tracker",),
        "a place that scalars and pictures of a run are sent to",
    ),
    Kind(
        "optimizer",
        "vqfw.optimizers",
        "training.optimizer",
        ("keras.optimizers:Optimizer",),
        "how gradients become steps",
        hidden=_KERAS_OWN,
    ),
    Kind(
        "learning_rate",
        "vqfw.learning_rates",
        "training.optimizer.learning_rate",
        ("keras.optimizers.schedules:LearningRateSchedule",),
        "a learning rate that follows the step",
        plain="number",
        hidden=frozenset({"name"}),
    ),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}


def article(noun: str) -> str:
    """The indefinite article of a noun, such as a kind."""
    return "an" if noun[0] in "aeiou" else "a"
