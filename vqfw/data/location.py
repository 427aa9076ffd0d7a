"""Finds the folder or archive of a dataset on this machine.

Any path that this person can read is allowed. The paths in a run of somebody else are
checked where a run is opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from vqfw.errors import DataError
from vqfw.runs.places import cache_folder

_REPAIR = "give its path with --set data.dataset.path=..."


def locate(
    path: str,
    *,
    usual_names: Sequence[str] = (),
    experiment_folder: Path | None = None,
    typed: bool = True,
    repair: str = _REPAIR,
) -> Path:
    """Finds the folder or archive of a dataset.

    A relative path is tried below the folder of the file that sets it, ``VQFW_DATA`` and
    the cache, in this order; if it was typed, below the working directory first.

    Args:
        path: as given; empty to look for one of the usual names.
        usual_names: names of the data to look for where no path is given, best first.
        experiment_folder: of the file that sets the path; None without a file.
        typed: whether the path was typed on the command line or in Python.
        repair: how to give another path, for the error message.

    Returns:
        An absolute path to a folder or a regular file.

    Raises:
        DataError: if nothing is found, or neither a folder nor a regular file.
    """
    if not path:
        return _usual(usual_names)
    given = _given(path)
    folders = [Path()] if typed else []
    if experiment_folder is not None:
        folders.append(experiment_folder)
    if data := os.environ.get("VQFW_DATA"):
        folders.append(Path(data))
    folders += _cache()
    return _first([(folder / given).absolute() for folder in folders], repair)


def _cache() -> list[Path]:
    """The cache folder, if there is one."""
    cache = cache_folder()
    return [] if cache is None else [cache]


def _given(path: str) -> Path:
    """The path with ``~`` expanded; a ``DataError`` if it is not allowed as a path."""
    try:
        os.fsencode(path)
        if "\0" in path:
            raise ValueError("it holds a NUL character")
        return Path(path).expanduser()
    except (ValueError, RuntimeError) as error:  # half a character; no such home
        raise DataError(f"{path!r} cannot be a path ({error}): correct it") from error


def _usual(names: Sequence[str]) -> Path:
    if not names:
        raise DataError(
            '"data.dataset.path" is missing: set it with --set data.dataset.path=...'
        )
    places = []
    if named := os.environ.get("VQFW_DATA"):
        data = Path(named).absolute()
        if data.is_file() or data.name in names:
            places.append(data)
        places += [data / name for name in names]
    places += [cache / name for cache in _cache() for name in names]
    return _first(places, _REPAIR)


def _first(places: Sequence[Path], repair: str) -> Path:
    """The first place that exists, which must be a folder or a regular file."""
    tried = []
    for place in dict.fromkeys(places):  # an absolute path is the same everywhere
        # ".." is resolved, because the path is printed and recorded.
        shown = Path(os.path.realpath(place)) if ".." in place.parts else place
        try:
            mode = place.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            tried.append(str(shown))
            continue
        except OSError as error:
            tried.append(f"{shown} ({error.strerror})")
            continue
        if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
            return shown
        raise DataError(
            f"{shown} is neither a folder nor a regular file, such as an archive: {repair}"
        )
    unset = "" if os.environ.get("VQFW_DATA") else " (it is not set)"
    raise DataError(
        f"the data was not found; tried {', '.join(tried)}: set VQFW_DATA{unset} to the "
        f"folder that holds it, or {repair}"
    )
