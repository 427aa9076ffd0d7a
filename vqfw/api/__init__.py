"""The public names of ``vqfw``: every verb of the command line, as functions and objects.

Nothing here imports Keras before a model is needed.
"""

from typing import TYPE_CHECKING, Any

from vqfw.api.experiment import Experiment, init, load
from vqfw.api.inventory import (
    components,
    describe,
    hooks,
    new_plugin,
    observers,
    schema_text,
    survey,
    use_plugin,
    write_schema,
)
from vqfw.api.machine import doctor
from vqfw.api.run import Run, compare, list_runs, open_run
from vqfw.api.study import Study, load_study

if TYPE_CHECKING:
    from vqfw.api.keras_model import VQAutoencoder

__all__ = [
    "Experiment",
    "Run",
    "Study",
    "VQAutoencoder",
    "compare",
    "components",
    "describe",
    "doctor",
    "hooks",
    "init",
    "list_runs",
    "load",
    "load_study",
    "new_plugin",
    "observers",
    "open_run",
    "schema_text",
    "survey",
    "use_plugin",
    "write_schema",
]


def __getattr__(name: str) -> Any:
    """Imports the one class that needs Keras when it is asked for."""
    if name != "VQAutoencoder":
        raise AttributeError(name)
    from vqfw.api.keras_model import VQAutoencoder

    return VQAutoencoder
