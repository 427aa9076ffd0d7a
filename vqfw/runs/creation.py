"""Makes the folders of a new run under a name that is free."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from vqfw.errors import RunError
from vqfw.runs.folder import RunFolder

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_RESERVED = {"latest", "studies", "con", "prn", "aux", "nul", "readme.md"}


def create_run(root: Path, experiment_name: str, name: str | None) -> RunFolder:
    """Makes the folders of a new run.

    Args:
        root: the folder that holds ``checkpoints/`` and ``images_saved/``.
        experiment_name: becomes part of a generated id.
        name: the id to use; None generates one from the time.

    Raises:
        RunError: if a run or its pictures have the name already, the name is not
            allowed, or the folder cannot be written.
    """
    if name is not None:
        run = RunFolder(_checked(name), root)
        obstacle = _claim(run)
        if obstacle is not None:
            problem, repair = _taken(run, obstacle)
            raise RunError(f"{problem}: choose another --name, or {repair}")
        return run
    moment = datetime.now().strftime("%Y-%m-%d_%H%M%S")
    base = f"{moment}_{experiment_name}"
    attempt = 1
    while True:
        run = RunFolder(base if attempt == 1 else f"{base}.{attempt}", root)
        if _claim(run) is None:
            return run
        attempt += 1


def _checked(name: str) -> str:
    if not _NAME.match(name) or name in _RESERVED or ".." in name:
        raise RunError(
            f"{name!r} cannot name a run: use up to 64 of a-z 0-9 . _ -, starting with a "
            'letter or digit, and not "latest" or "studies"'
        )
    return name


def _claim(run: RunFolder) -> Path | None:
    """Makes the folders of a run, or returns the one that exists already."""
    try:
        for folder in (run.path, run.pictures):
            folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            run.path.mkdir()
        except FileExistsError:
            return run.path
        try:
            run.pictures.mkdir()
        except FileExistsError:
            if not run.pictures.is_dir() or any(run.pictures.iterdir()):
                run.path.rmdir()
                return run.pictures
    except OSError as error:
        with suppress(OSError):
            run.path.rmdir()
        raise RunError(
            f"{error.filename} cannot be made ({error.strerror}): make room, or set "
            "VQFW_ROOT to a folder that can be written"
        ) from error
    return None


def _taken(run: RunFolder, obstacle: Path) -> tuple[str, str]:
    """The fact that a name is taken, and its repair."""
    if obstacle == run.pictures:
        return f"{obstacle} exists, but no run of this name", "move it away"
    problem = f'run "{run.id}" exists already'
    if run.is_recorded:
        return problem, f"continue it with: vqfw run --resume {run.quoted}"
    if (obstacle / "lock").exists():  # another process may just be starting the run
        run.require_free()
    return problem, f"remove {obstacle}, which holds no experiment"
