"""Default places: the output folders and the cache."""

from __future__ import annotations

import os
from pathlib import Path


def default_root() -> Path:
    """The folder above ``checkpoints/``: ``VQFW_ROOT``, else the working directory."""
    return Path(os.environ.get("VQFW_ROOT") or ".")


def cache_folder() -> Path | None:
    """The folder of the cache: ``VQFW_CACHE``, or ``vqfw`` in ``XDG_CACHE_HOME`` or ~/.cache.

    Returns:
        None where there is no home folder; then nothing is cached.
    """
    if own := os.environ.get("VQFW_CACHE"):
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache").absolute() / "vqfw"
    except RuntimeError:
        return None
