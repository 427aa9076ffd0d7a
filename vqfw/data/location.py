"""Where data lies on this machine: which folders are looked into, and in which order.

Reading pictures anywhere is the right of whoever may read the files. A run folder of
somebody else is another matter, which the opening of runs decides.
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
    """Finds a dataset's folder or archive.

    A relative path is tried below the folder of the file that says it, ``VQFW_DATA`` and
    the cache, in this order; if it was typed, below the working directory before these.

    Args:
        path: as given; empty to look for one of the usual names.
        usual_names: what the data is called where no path is given, best first.
        experiment_folder: of the file that says the path; None without a file.
        typed: whether the path was typed on the command line or in Python.
        repair: how another path is given, for the sentence that refuses this one.

    Returns:
        An absolute path to a folder or a regular file.

    Raises:
        DataError: if nothing is there, or something else is.
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
    """The path with ``~`` written out, if the system can have such a path at all."""
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
            "the dataset needs a path, and none was given: give one with "
            "--set data.dataset.path=..."
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
    """The first place where something is.

    Raises:
        DataError: if nothing is there, or what is there is no folder and no regular file.
    """
    tried = []
    for place in dict.fromkeys(places):  # an absolute path is the same everywhere
        # Without its "..", which would be printed and recorded.
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
