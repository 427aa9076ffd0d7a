"""The vocabulary of options: what a constructor's annotations may say.

A component's options are its constructor's parameters. The annotation carries type, unit
and range, the docstring's ``Args:`` the meaning, the default the default. An annotation
is a Python type, optionally with JSON Schema keywords beside it:

    decay: Share = 0.99
    levels: Annotated[tuple[Count, ...], {"minItems": 1}]
    mode: Literal["nearest", "bilinear"] = "bilinear"
    quantizer: Quantizer                                   (a slot: a component stands there)
    quantizer: Copies[Quantizer]                           (a slot, and as many as are wanted)
    revival: Annotated[Revival | None, {"default": None}]

An option that is added to a component after its first release says so, so that runs which
were recorded before it still count as the same: ``{"introduced": "1.2"}``; and, where its
default is not what the component did before, ``{"before": VALUE}``.

Some values are not for the file to choose; the engine supplies them by name. They are
marked ``Supplied`` and do not appear in the schema.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

Component = TypeVar("Component")


@dataclass(frozen=True)
class Supplied:
    """Marks a parameter that the engine fills in, from what it knows of the experiment.

    Args:
        name: ``seed``, ``image_shape``, ``downsampling``, ``steps`` or ``run_folder``.
    """

    name: str


@dataclass(frozen=True)
class Slot:
    """Marks a value where a component of a kind stands, when its class must not be named.

    A component that takes another one simply annotates the parameter with the contract;
    this marker is for the experiment's own sections, which import no Keras.

    Args:
        kind: the kind of component.
    """

    kind: str


Copies: TypeAlias = Callable[[int], Component]
"""Makes components of what stands in a slot: ``copies(index)`` gives a fresh one.

The copies share their options and nothing else: each index has a seed of its own. Two
Keras layers made so have the same name; make each of them, and build it, within a
``keras.name_scope`` of its own, or their variables cannot be told apart.
"""

# What a person chooses.
Count = Annotated[int, {"minimum": 1}]
"""How many; at least one."""
Steps = Annotated[int, {"minimum": 1}]
"""Optimizer steps, never epochs."""
Share = Annotated[float, {"minimum": 0, "maximum": 1}]
"""A fraction or a probability."""
Weight = Annotated[float, {"minimum": 0}]
"""Factor of a loss term."""
Positive = Annotated[float, {"exclusiveMinimum": 0}]
"""A number above zero."""
DataPath = Annotated[str, {"format": "data-path"}]
"""A folder or an archive of a dataset; it is an absolute path when the dataset is built."""

# What the engine knows.
Seed = Annotated[int, Supplied("seed")]
"""Seed for the component's own ``SeedGenerator``; another one for every place."""
ImageShape = Annotated[tuple[int, int, int], Supplied("image_shape")]
"""(height, width, channels) of the images of this experiment."""
Downsampling = Annotated[int, Supplied("downsampling")]
"""Pixels of the image for one position of the latents, along one side."""
TotalSteps = Annotated[int, Supplied("steps")]
"""Optimizer steps of the whole training.

Known only where the experiment gives "steps"; with "epochs" it depends on the data, and a
component that asks for it cannot be built.
"""
RunFolder = Annotated[Path, Supplied("run_folder")]
"""Where the run keeps its records; for trackers, which nothing but a run makes."""
