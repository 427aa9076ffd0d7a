"""The sizes and steps of an experiment, for a component that checks its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Context:
    """The experiment around a component, for ``check(options, context)``.

    Args:
        image_size: pixels along one side of the square images.
        steps: optimizer steps of the whole training; None where they depend on the size
            of data that has not been read yet.
        batch_size: images a step.
        experiment: the whole resolved experiment, as plain data; not to be changed.
    """

    image_size: int
    steps: int | None
    batch_size: int
    experiment: Mapping[str, Any]
