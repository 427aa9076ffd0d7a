"""Vector-quantized image autoencoders on Keras 3, assembled from plugins by one file.

    import vqfw

    run = vqfw.load("experiments/experiment.json").run()

Names are looked up when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqfw.api import (
        Experiment,
        Run,
        Study,
        compare,
        components,
        describe,
        doctor,
        init,
        list_runs,
        load,
        load_study,
        new_plugin,
        open_run,
        schema_text,
        survey,
        use_plugin,
        write_schema,
    )

__all__ = [
    "Experiment",
    "Run",
    "Study",
    "compare",
    "components",
    "describe",
    "doctor",
    "init",
    "list_runs",
    "load",
    "load_study",
    "new_plugin",
    "open_run",
    "schema_text",
    "survey",
    "use_plugin",
    "write_schema",
]


def __getattr__(name: str) -> Any:
    """Looks a public name up in ``vqfw.api``."""
    if name not in __all__:
        raise AttributeError(f"vqfw has no {name!r}: it offers {', '.join(__all__)}")
    return getattr(import_module("vqfw.api"), name)
