"""Where data lies on this machine: which folders are looked into, and which are barred.

An experiment file may come from a stranger, so the paths in it lead only below its own
folder, the folder of data and the cache. A path that a person types leads anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from vqfw.errors import DataError
from vqfw.registry.fragments import cache_folder


def locate(
    path: str,
    *,
    usual_names: Sequence[str],
    experiment_folder: Path | None,
    anywhere: bool,
) -> Path:
    """Finds a dataset's folder or archive.

    A relative path is tried below the experiment's folder, ``VQFW_DATA`` and the cache,
    in this order; if it was typed, below the working directory before these.

    Args:
        path: as given; empty to look for one of the usual names.
        usual_names: what the data is called where no path is given, best first.
        experiment_folder: the folder of the experiment file; None without a file.
        anywhere: whether a person typed the path, so that it may lead anywhere.

    Returns:
        An absolute path to something that exists.

    Raises:
        DataError: if nothing is there, or the path leads outside of the three places.
    """
    if "\0" in path:
        raise DataError(f"the path {path!r} holds a NUL character: remove it")
    if not path:
        return _usual(usual_names)
    roots = tuple(_roots(experiment_folder))
    places = [root / path for root in roots]
    if anywhere:
        return _first([Path(path).expanduser().absolute(), *places])
    inside = [place for place in places if _within(place, roots)]
    if len(inside) < len(places) and not any(place.exists() for place in inside):
        raise DataError(
            f'the experiment\'s path "{path}" leads outside of the places that it may '
            f"name ({_described(experiment_folder)}): move the data there, or give the "
            f"path yourself with --set data.dataset.path={path}"
        )
    return _first(inside)


def _roots(experiment_folder: Path | None) -> Iterator[Path]:
    if experiment_folder is not None:
        yield experiment_folder.absolute()
    if data := os.environ.get("VQFW_DATA"):
        yield Path(data).absolute()
    yield cache_folder()


def _within(place: Path, roots: Sequence[Path]) -> bool:
    """Whether a path, with every link followed, lies in one of the roots."""
    real = os.path.realpath(place)
    for root in map(os.path.realpath, roots):
        try:
            if os.path.commonpath([real, root]) == root:
                return True
        except ValueError:  # another drive
            continue
    return False


def _described(experiment_folder: Path | None) -> str:
    data = os.environ.get("VQFW_DATA")
    return ", ".join(
        (
            f"the experiment's folder {experiment_folder}"
            if experiment_folder is not None
            else "the experiment's folder",
            f"VQFW_DATA {data}" if data else "VQFW_DATA, which is not set",
            f"the cache {cache_folder()}",
        )
    )


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
    places += [cache_folder() / name for name in names]
    return _first(places)


def _first(places: Sequence[Path]) -> Path:
    places = tuple(dict.fromkeys(places))  # an absolute path is the same everywhere
    for place in places:
        if place.exists():
            return place
    tried = ", ".join(str(place) for place in places)
    unset = "" if os.environ.get("VQFW_DATA") else " (it is not set)"
    raise DataError(
        f"the data was not found; tried {tried}: set VQFW_DATA{unset} to the folder that "
        "holds it, or give its path with --set data.dataset.path=..."
    )
