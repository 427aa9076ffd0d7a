"""The Keras backends: which are installed, and which one Keras takes; none is imported."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch")
"""The backends that Keras can train on."""


def installed_backends() -> tuple[str, ...]:
    """Those of ``BACKENDS`` that are installed."""
    return tuple(name for name in BACKENDS if find_spec(name) is not None)


def chosen_backend() -> str:
    """The backend that Keras takes: of ``KERAS_BACKEND``, or of its ``keras.json``."""
    if named := os.environ.get("KERAS_BACKEND"):
        return named
    try:
        settings = json.loads(keras_file().read_text("utf-8"))
    except (OSError, ValueError):
        return "tensorflow"
    is_valid = isinstance(settings, dict)
    return str(settings.get("backend", "tensorflow")) if is_valid else "tensorflow"


def keras_file() -> Path:
    """Where Keras looks for its settings."""
    if "KERAS_HOME" in os.environ:
        return Path(os.path.expanduser(os.environ["KERAS_HOME"]), "keras.json")
    home = os.path.expanduser("~")
    return Path(home if os.access(home, os.W_OK) else "/tmp", ".keras", "keras.json")
