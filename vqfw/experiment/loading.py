"""Loads an experiment from a file or from a mapping."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vqfw.errors import ExperimentError, Place, Problem, RunError
from vqfw.experiment.experiment import CheckedExperiment, checked
from vqfw.experiment.files import decoded, nearby, read_chain
from vqfw.experiment.overrides import plain_value
from vqfw.problems.explanations import CODES, RENAMED
from vqfw.suggestions import nearest_words
from vqfw.text.reader import MAX_BYTES


def load_experiment(
    path: str | Path, overrides: Sequence[str] = ()
) -> CheckedExperiment:
    """Reads and checks an experiment file.

    Args:
        path: the file.
        overrides: ``path=value`` arguments, as given to ``--set``.

    Raises:
        ExperimentError: with all problems, sorted by position.
        PluginError: the same error, where components that cannot be used are all that
            is wrong.
    """
    path = Path(path)
    text = text_of(path)
    return checked(read_chain(path, str(path), text), path, text, tuple(overrides))


def text_of(path: Path) -> str:
    """The text of an experiment file.

    Raises:
        ExperimentError: if it cannot be read, is too big or is no UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ExperimentError([_unreadable(path, error)]) from error
    text, problem = decoded(content, str(path))
    if problem is not None:
        raise ExperimentError([problem])
    return text


def experiment_from(
    values: Mapping[str, Any], overrides: Sequence[str] = ()
) -> CheckedExperiment:
    """Checks an experiment given as a mapping.

    Args:
        values: what a file would say; numbers of NumPy and paths are taken too.
        overrides: ``path=value`` arguments, as given to ``--set``.

    Raises:
        ExperimentError: with all problems; their lines are those of ``values`` written
            as JSON with an indent of 2.
    """
    try:
        text = json.dumps(values, indent=2, ensure_ascii=False, default=plain_value)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"the values cannot be written as JSON: {error}"
        problem = Problem("wrong-type", message, help="use plain data")
        raise ExperimentError([problem]) from error
    chain = read_chain(None, "<values>", text)
    return checked(chain, None, text, tuple(overrides))


def _unreadable(path: Path, error: Exception) -> Problem:
    reason = getattr(error, "strerror", None) or str(error)
    message = f"{path} cannot be read: {reason}"
    place = Place(str(path), 0, 0, 0, "")
    folder, inside = path.parent, nearby(path)
    if isinstance(error, IsADirectoryError):
        message = f"{path} is a folder"
        folder, inside = path, nearby(path / "experiment.json")
    elif isinstance(error, FileNotFoundError):
        message = f"there is no file {path}"
        if run := _run_called(str(path)):
            message = f'"{path}" is a run, not a file'
            help_ = f"continue it with: vqfw run --resume {run}"
            return Problem("missing-file", message, help=help_, place=place)
    close = " or ".join(str(folder / each) for each in inside)
    help_ = (
        f"did you mean {close}?"
        if close
        else "vqfw init writes one; or give a folder or archive of pictures"
    )
    # "vqfw explain" takes either, so a misspelt code ends up here.
    if not close and (codes := nearest_words(str(path), {*CODES, *RENAMED})):
        help_ = f'did you mean the code "{codes[0]}"?'
    return Problem("missing-file", message, help=help_, place=place)


def _run_called(name: str) -> str:
    """The run with this id, unique prefix or ``latest``, as a shell takes it; else empty."""
    from vqfw.runs import default_root, find_run

    try:
        return find_run(default_root(), name).quoted
    except RunError:
        return ""
