"""Default places: the output folders, the cache and the private folder."""

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
    return _personal("VQFW_CACHE", "XDG_CACHE_HOME", ".cache")


def state_folder() -> Path | None:
    """The private folder: VQFW_STATE, or ``vqfw`` in XDG_STATE_HOME or ~/.local/state.

    Returns:
        None where there is no home folder.
    """
    return _personal("VQFW_STATE", "XDG_STATE_HOME", ".local/state")


def _personal(own: str, base: str, below_home: str) -> Path | None:
    if folder := os.environ.get(own):
        return Path(folder).absolute()
    parent = os.environ.get(base)
    try:
        return (
            Path(parent) if parent else Path.home() / below_home
        ).absolute() / "vqfw"
    except RuntimeError:
        return None
