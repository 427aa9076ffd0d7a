"""Types and markers for the annotations of a constructor, which declare its options.

A component's options are its constructor's parameters. The annotation carries type, unit
and range, the docstring's ``Args:`` the meaning, the default the default. An annotation
is a Python type, optionally with markers beside it:

    decay: Share = 0.99
    degrees: Annotated[float, Range(minimum=0, maximum=180)] = 5.0
    levels: Annotated[tuple[Count, ...], Length(minimum=1)]
    mode: Literal["nearest", "bilinear"] = "bilinear"
    quantizer: Quantizer                      (a slot: the experiment gives a component)
    quantizer: Copies[Quantizer]              (a slot: a function that makes components)
    revival: Annotated[Revival | None, Default("perturb_active")]

A dict of JSON Schema keywords, ``{"minimum": 0}``, is accepted in place of a marker.

Values that the engine supplies are marked ``Supplied`` and are not in the schema.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

Component = TypeVar("Component")


_MISSING: Any = object()


class Marker(ABC):
    """Says of an option what its Python type cannot."""

    @property
    @abstractmethod
    def keywords(self) -> Mapping[str, Any]:
        """The same in JSON Schema."""


@dataclass(frozen=True)
class Range(Marker):
    """The numbers that an option allows.

    Args:
        minimum: the smallest.
        maximum: the largest.
        above: a bound that is not allowed itself; all numbers are larger.
        below: a bound that is not allowed itself; all numbers are smaller.
        multiple_of: a number that divides all of them.
    """

    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    below: float | None = None
    multiple_of: float | None = None

    @property
    def keywords(self) -> Mapping[str, Any]:
        return _given(
            minimum=self.minimum,
            exclusiveMinimum=self.above,
            maximum=self.maximum,
            exclusiveMaximum=self.below,
            multipleOf=self.multiple_of,
        )


@dataclass(frozen=True)
class Length(Marker):
    """How many values a list has.

    Args:
        minimum: the fewest.
        maximum: the most.
    """

    minimum: int | None = None
    maximum: int | None = None

    @property
    def keywords(self) -> Mapping[str, Any]:
        return _given(minItems=self.minimum, maxItems=self.maximum)


@dataclass(frozen=True)
class Default(Marker):
    """The default of an option that has none in Python, such as the component of a slot.

    Args:
        value: as an experiment writes it; a tuple for a list.
    """

    value: Any

    @property
    def keywords(self) -> Mapping[str, Any]:
        value = self.value
        return {"default": list(value) if isinstance(value, tuple) else value}


@dataclass(frozen=True)
class Introduced(Marker):
    """Marks an option that was added to a component after its first release.

    A run that was recorded before the option existed and a run that has it at its default
    count as the same.

    Args:
        version: of the package, the first that has the option.
        before: the value that the component used before; without it, the default.
    """

    version: str
    before: Any = _MISSING

    @property
    def keywords(self) -> Mapping[str, Any]:
        before = {} if self.before is _MISSING else {"before": self.before}
        return {"introduced": self.version, **before}


@dataclass(frozen=True)
class Format(Marker):
    """The format of a text, a ``format`` of JSON Schema.

    Args:
        name: ``data-path`` is the only one that vqfw acts on.
    """

    name: str

    @property
    def keywords(self) -> Mapping[str, Any]:
        return {"format": self.name}


@dataclass(frozen=True)
class Supplied:
    """Marks a parameter that the engine supplies, from what it knows of the experiment.

    Args:
        name: ``seed``, ``image_shape``, ``downsampling``, ``steps`` or ``run_folder``.
    """

    name: str


@dataclass(frozen=True)
class Slot:
    """Marks a slot of a kind where the contract cannot be imported.

    A component annotates the parameter with the contract itself; this marker is for the
    sections of an experiment, which import no Keras.

    Args:
        kind: the kind of component.
    """

    kind: str


def _given(**keywords: float | None) -> Mapping[str, Any]:
    return {key: value for key, value in keywords.items() if value is not None}


Copies: TypeAlias = Callable[[int], Component]
"""A function that makes components of one slot: ``copies(index)`` gives a new one.

The copies have the same options and different seeds. Keras layers made so have the same
name; make and build each within a ``keras.name_scope`` of its own, so that their variables
have different paths.
"""

# Options.
Count = Annotated[int, Range(minimum=1)]
"""A number of things, at least one."""
Steps = Annotated[int, Range(minimum=1)]
"""A number of optimizer steps."""
Share = Annotated[float, Range(minimum=0, maximum=1)]
"""A fraction or a probability."""
Weight = Annotated[float, Range(minimum=0)]
"""Factor of a loss term."""
Positive = Annotated[float, Range(above=0)]
"""A number above zero."""
DataPath = Annotated[str, Format("data-path")]
"""A folder or an archive of a dataset; it is an absolute path when the dataset is built."""

# Supplied by the engine.
Seed = Annotated[int, Supplied("seed")]
"""Seed for the component's own ``SeedGenerator``; different at every place."""
ImageShape = Annotated[tuple[int, int, int], Supplied("image_shape")]
"""(height, width, channels) of the images of this experiment."""
Downsampling = Annotated[int, Supplied("downsampling")]
"""Pixels per position of the latents, along one side."""
TotalSteps = Annotated[int, Supplied("steps")]
"""Optimizer steps of the whole training.

Known only if the experiment sets "steps"; with "epochs" it depends on the data, and a
component that takes it cannot be built.
"""
RunPath = Annotated[Path, Supplied("run_folder")]
"""The folder of the run's records; for trackers only."""
