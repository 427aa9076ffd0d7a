"""The versions, devices and folders of this machine, and what cannot work on it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from vqfw.api.inventory import components, survey
from vqfw.errors import in_short
from vqfw.registry.backends import BACKENDS, chosen_backend, installed_backends
from vqfw.registry.entries import FIRST_PARTY
from vqfw.runs import default_root
from vqfw.runs.places import cache_folder, state_folder


def doctor() -> dict[str, Any]:
    """The versions, devices and folders that a run would use, and what cannot work.

    The backend in use is imported, to find its devices; others are only looked up.

    Returns:
        ``versions`` of vqfw, of what it needs and of packages with components;
        ``backends``, each with its version, or None where it is not installed;
        ``backend`` in use and its ``devices``, none where it cannot be imported;
        ``precision`` (what ``auto`` means here) and ``threads``; the folders ``root``,
        ``cache``, ``data`` and ``state`` (a key and the trusted plugin files), None where
        there is none; how many ``components`` there
        are, and for each ``broken`` one the reason; ``limits``, a sentence with its
        repair for each thing that cannot work.
    """
    from vqfw.plan import settled_precision, settled_threads
    from vqfw.runs.environment import describe_environment

    owners = sorted({entry.distribution for entry in components() if not entry.file})
    named = dict.fromkeys([FIRST_PARTY, *_needed(), *owners])
    environment = describe_environment(chosen_backend())
    devices, unusable = _devices()
    found = [] if unusable else survey(check=True)
    root, cache, data = default_root(), cache_folder(), os.environ.get("VQFW_DATA")
    folders = {"root": root.resolve(), "cache": cache, "data": data}
    folders["state"] = state_folder()
    return {
        **{name: environment[name] for name in ("python", "platform", "processor")},
        "versions": {name: _version(name) for name in named},
        "backends": {name: _version(name) for name in BACKENDS},
        "backend": environment["backend"],
        "devices": devices,
        "precision": None if unusable else settled_precision("auto"),
        "threads": settled_threads(None),
        **{name: None if at is None else str(at) for name, at in folders.items()},
        "components": len(components()),
        "broken": [each.reason for each in found if each.state == "broken"],
        "limits": [*unusable, *_unmet(), *_without_package(), *_unwritable(folders)],
    }


def _devices() -> tuple[list[str], list[str]]:
    """The devices of the backend in use; and why there are none."""
    wanted, installed = chosen_backend(), installed_backends()
    others = [name for name in installed if name != wanted]
    repair = (
        f"set KERAS_BACKEND to {' or '.join(others)}"
        if others
        else f"install it, or one of {', '.join(BACKENDS)}"
    )
    if wanted not in BACKENDS:
        return [], [f'the backend "{wanted}" cannot train: {repair}']
    if wanted not in installed:
        return [], [f'the backend "{wanted}" is not installed: {repair}']
    try:
        from vqfw.plan import devices

        return devices(), []
    except Exception as error:  # whatever a broken installation raises
        fact = f'the backend "{wanted}" cannot be imported ({in_short(error)})'
        return [], [f"{fact}: install it again, or {repair}"]


def _unmet() -> Iterator[str]:
    """Requirements of vqfw that are missing or too old."""
    for name, needed in _needed().items():
        version = _version(name)
        if version is None or not needed.specifier.contains(version, prereleases=True):
            fact = "is not installed" if version is None else f"{version} is too old"
            yield f"{name} {fact}: pip install '{name}{needed.specifier}'"


def _without_package() -> Iterator[str]:
    """Components whose extra, which has the name of the component, is not installed."""
    always = _needed()
    for entry in components():
        extra = [name for name in _needed(entry.name) if name not in always]
        missing = [name for name in extra if _version(name) is None]
        if entry.first_party and missing:
            yield (
                f'{entry.kind} "{entry.name}" needs {", ".join(missing)}: '
                f"pip install '{FIRST_PARTY}[{entry.name}]'"
            )


def _unwritable(folders: Mapping[str, Path | str | None]) -> Iterator[str]:
    """Folders that are missing or cannot be written."""
    root, cache, data = folders["root"], folders["cache"], folders["data"]
    if not _is_writable(root):
        yield f"no run can be saved in {root}: set VQFW_ROOT to another folder"
    if cache is None:
        yield "there is no home, so pictures are decoded in every run: set VQFW_CACHE"
    elif not _is_writable(cache):
        yield (
            f"{cache} cannot be written, so pictures are decoded in every run: set "
            "VQFW_CACHE to another folder"
        )
    if folders["state"] is None or not _is_writable(folders["state"]):
        yield (
            "runs cannot be signed as made here, so their data and plugins have to be "
            "named again: set VQFW_STATE to a folder of your own"
        )
    if data is not None and not Path(data).exists():
        yield f"VQFW_DATA is {data}, where nothing is: set it to a folder with data"


def _is_writable(folder: Path | str | None) -> bool:
    """Whether a folder can be written, or made."""
    there = Path(folder or ".").absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    return there.is_dir() and os.access(there, os.W_OK)


def _needed(extra: str = "") -> dict[str, Requirement]:
    """The requirements of vqfw, by name, with those of an extra."""
    try:
        needed = [Requirement(text) for text in metadata.requires(FIRST_PARTY) or ()]
    except metadata.PackageNotFoundError:
        return {}
    return {
        each.name: each
        for each in needed
        if each.marker is None or each.marker.evaluate({"extra": extra})
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
