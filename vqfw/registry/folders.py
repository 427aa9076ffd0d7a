"""Components of a folder, which are registered without an installation.

A run takes no folder: it records the one file that it was made with, or the version of an
installed package.
"""

from __future__ import annotations

import ast
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

from vqfw.errors import UsageError, in_short
from vqfw.registry.entries import FIRST_PARTY, GROUPS, Entry, register
from vqfw.registry.files import load_file

_BEGIN = "or begin a package with: vqfw plugins new KIND NAME"


def load_folder(path: str | Path) -> tuple[Entry, ...]:
    """Registers what the ``pyproject.toml`` of a folder, or its Python files, define.

    The entry points count as if the package were installed, in place of an installed one
    of the same name. A folder inside a package stands for the whole of it. Without entry
    points, each Python file in the folder is run that has a class and names ``vqfw``.

    Args:
        path: of the folder.

    Returns:
        What it registers, at least one.

    Raises:
        UsageError: if the folder has no component, or its metadata cannot be read.
        PluginError: if a file cannot be run.
    """
    folder = Path(os.path.expanduser(path)).absolute()
    home = _home(folder)
    if home is not None and _project(home).get("name") == FIRST_PARTY:
        raise UsageError(
            f"{home} is vqfw itself: name one of its components, as in vqfw plugins "
            "check quantizer/ema"
        )
    if home is not None and (entries := _registered(home)):
        register(str(home), entries)
        return entries
    files = [each for each in sorted(folder.glob("*.py")) if _has_component(each)]
    if not files:
        if home is not None:
            raise UsageError(
                f"{home / 'pyproject.toml'} registers no component: add one under "
                f'[project.entry-points."vqfw.losses"], or the group of another kind, {_BEGIN}'
            )
        raise UsageError(
            f"{folder} has no component: give a Python file or a package, {_BEGIN}"
        )
    return tuple(entry for file in files for entry in load_file(file))


def _home(folder: Path) -> Path | None:
    """The folder of the package that a folder is, or is a part of."""
    while (folder / "__init__.py").exists():
        folder = folder.parent
    candidates = (folder, folder.parent) if folder.name == "src" else (folder,)
    return next(
        (each for each in candidates if (each / "pyproject.toml").is_file()), None
    )


def _registered(folder: Path) -> tuple[Entry, ...]:
    """Puts a package on the import path and returns its entry points."""
    entries = tuple(_entries(_project(folder), folder))
    for root in (folder / "src", folder):
        if any(_holds(root, entry) for entry in entries):
            # The first on the path is the one that is imported.
            sys.path.insert(0, str(root))
    return entries


def _project(folder: Path) -> dict[str, Any]:
    """The ``[project]`` of a package; empty where it has none."""
    file = folder / "pyproject.toml"
    try:
        found = tomllib.loads(file.read_text("utf-8")).get("project", {})
    except (OSError, ValueError) as error:
        fact = f"{file} cannot be read ({in_short(error)})"
        raise UsageError(f"{fact}: correct it") from error
    return dict(found)


def _entries(project: dict[str, Any], folder: Path) -> list[Entry]:
    name = str(project.get("name", folder.name))
    version = str(project.get("version") or "?")
    return [
        Entry(GROUPS[group], point, target, name, version, str(folder))
        for group, points in project.get("entry-points", {}).items()
        if group in GROUPS
        for point, target in points.items()
    ]


def _holds(root: Path, entry: Entry) -> bool:
    top = entry.target.partition(":")[0].partition(".")[0]
    return (root / top).is_dir() or (root / f"{top}.py").is_file()


def _has_component(file: Path) -> bool:
    """Whether a file has a class and names ``vqfw``; a test or script is not run."""
    if file.name.startswith("test_") or file.name in ("conftest.py", "setup.py"):
        return False
    try:
        text = file.read_text("utf-8")
        has_class = any(isinstance(x, ast.ClassDef) for x in ast.parse(text).body)
    except SyntaxError:
        has_class = True  # loading it runs nothing and names the line
    except (OSError, ValueError):
        return False
    return has_class and ("vqfw.kinds" in text or "vqfw_kind" in text)
