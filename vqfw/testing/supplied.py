"""What the engine would supply to a component, for checks that make one themselves."""

from __future__ import annotations

import inspect
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from vqfw.testing.check import Factory

SUPPLIED = {"seed": 0, "image_shape": (16, 16, 3), "downsampling": 4, "steps": 1000}
"""For small pictures; factories of decoders are told anew."""


def made(factory: Factory) -> Any:
    """A component, told what it asks for of what the engine knows.

    Nothing is written in the folder that a tracker is told: making one opens nothing.
    """
    known = {**SUPPLIED, "run_folder": _folder()}
    asked = inspect.signature(factory).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in asked):
        return factory(**known)
    needed = {each.name for each in asked if each.default is each.empty}
    return factory(**{name: known[name] for name in known.keys() & needed})


def _folder() -> Path:
    with suppress(OSError):  # no folder for temporary files can be written
        return Path(tempfile.gettempdir())
    return Path()
