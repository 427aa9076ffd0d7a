"""What this machine offers to a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vqfw.api.inventory import components, survey
from vqfw.runs import default_root

if TYPE_CHECKING:
    pass


def doctor() -> dict[str, Any]:
    """What this machine offers to a run, and what is broken.

    Returns:
        Versions, ``backend``, ``devices``, ``precision`` (what ``auto`` means here),
        ``threads``, the folders ``root`` and ``cache``, how many ``components`` there
        are, and for each ``broken`` one the reason.
    """
    import keras

    from vqfw.assembly.backend import devices
    from vqfw.plan import settled_precision, settled_threads
    from vqfw.registry.fragments import cache_folder
    from vqfw.runs.environment import describe_environment

    found = survey(check=True)
    owners = sorted({entry.distribution for entry in components() if not entry.file})
    environment = describe_environment(keras.backend.backend(), owners)
    names = ("versions", "python", "platform", "processor", "backend")
    return {
        **{name: environment[name] for name in names},
        "devices": devices(),
        "precision": settled_precision("auto"),
        "threads": settled_threads(None),
        "root": str(default_root().resolve()),
        "cache": None if (cache := cache_folder()) is None else str(cache),
        "components": len(components()),
        "broken": [each.reason for each in found if each.state == "broken"],
    }
