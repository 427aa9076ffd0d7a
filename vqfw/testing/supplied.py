"""The values that the engine supplies to a component, for checks that make one."""

from __future__ import annotations

import inspect
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from vqfw.testing.check import Factory

SUPPLIED = {"seed": 0, "image_shape": (16, 16, 3), "downsampling": 4, "steps": 1000}
"""For small pictures; checks of decoders supply others."""


def made(factory: Factory) -> Any:
    """A component, with those values of the engine that its factory takes.

    A tracker writes nothing into its folder, because making one opens nothing.
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
