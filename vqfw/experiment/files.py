"""Reads an experiment file and the files that it extends.

A file that says ``extends`` may come from a stranger, so what it names lies in or below
its own folder. Joining the files is the subject of ``layers.py``.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vqfw.errors import Problem
from vqfw.suggestions import nearest_words
from vqfw.text.reader import MAX_BYTES, scan
from vqfw.text.tree import Node

# A chain this long is an accident; it also bounds what one file can make us open.
MAX_CHAIN = 16


@dataclass(frozen=True)
class Chain:
    """A file and all that it extends.

    Args:
        layers: the roots, the most basic file first.
        problems: of all files.
        files: the real path of each file by the name it has in messages; the file
            itself comes first.
        complete: whether every file could be read.
    """

    layers: tuple[Node, ...]
    problems: tuple[Problem, ...]
    files: Mapping[str, Path]
    complete: bool


def read_chain(path: Path | None, name: str, text: str) -> Chain:
    """Reads a file and all that it extends.

    Args:
        path: the file; None for a text that is in no file and can extend nothing.
        name: what to call it in messages.
        text: its content.
    """
    layers: list[Node] = []
    problems: list[Problem] = []
    files: dict[str, Path] = {}
    complete = False
    while True:
        files[name] = Path() if path is None else path.resolve()
        root, found = scan(text, name)
        problems += found
        if root is None:
            break
        if not isinstance(root.value, dict):
            problem = Problem("wrong-type", "an experiment must be an object")
            problems.append(replace(problem, help="write {...}", place=root.place))
            break
        layers.insert(0, root)
        base = root.value.get("extends")
        # One of a wrong type is for the schema to report.
        if base is None or not isinstance(base.value, str):
            complete = base is None
            break
        try:
            path, name, text = _base_of(path, name, base.value, files)
        except _Refused as refusal:
            problem = Problem("invalid-extends", refusal.message, ("extends",))
            problems.append(replace(problem, help=refusal.help, place=base.place))
            break
    return Chain(tuple(layers), tuple(problems), files, complete)


def chain_named_in(
    path: Path, name: str, key: str, node: Node
) -> tuple[Chain | None, str, Problem | None]:
    """Reads an experiment that another kind of file names, with all that it extends.

    Args:
        path: the file that names it.
        name: what that file is called in messages.
        key: under which it is named.
        node: the name, a string.

    Returns:
        The chain; the text of the experiment; or the problem that is in the way.
    """
    try:
        target, shown, text = _base_of(path, name, node.value, {name: path.resolve()})
    except _Refused as refusal:
        problem = Problem("invalid-extends", refusal.message, (key,))
        return None, "", replace(problem, help=refusal.help, place=node.place)
    return read_chain(target, shown, text), text, None


class _Refused(Exception):  # it becomes a problem with a place
    def __init__(self, message: str, help_: str) -> None:
        self.message = message
        self.help = help_


def _base_of(
    path: Path | None, name: str, base: str, files: Mapping[str, Path]
) -> tuple[Path, str, str]:
    """Finds and reads the file that another one extends."""
    inside = "write the path of a file in or below the folder of this one"
    if path is None:
        raise _Refused(
            '"extends" needs an experiment that is in a file', "load a file instead"
        )
    folder = path.resolve().parent
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|[/\\~]", base) or "\\" in base:
        raise _Refused(f'"{base}" is not a path relative to this file', inside)
    target = _resolved(folder / base, base)
    if not target.is_relative_to(folder):
        raise _Refused(f'"{base}" is outside the folder of this file', inside)
    if target == path.resolve():
        raise _Refused(f'"{base}" is this file itself', "remove it")
    if target in files.values():
        raise _Refused(
            f'"{base}" extends this file, which is a circle', "remove one of the two"
        )
    if len(files) >= MAX_CHAIN:
        raise _Refused(
            f"more than {MAX_CHAIN} files extend each other", "merge some of them"
        )
    try:
        if not stat.S_ISREG(target.stat().st_mode):
            raise _Refused(f'"{base}" is not a regular file', inside)
        with target.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        near = nearby(folder / base)
        help_ = f'did you mean "{near[0]}"?' if near else inside
        reason = getattr(error, "strerror", None) or str(error)
        raise _Refused(f'"{base}" cannot be read ({reason})', help_) from error
    shown = str(Path(name).parent / base)
    text, problem = decoded(content, shown)
    if problem is not None:
        raise _Refused(f'"{base}": {problem.message}', problem.help)
    return target, shown, text


def _resolved(path: Path, base: str) -> Path:
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise _Refused(
            f'"{base}" is not a valid path ({error})', "write a shorter one"
        ) from error


def decoded(content: bytes, source: str) -> tuple[str, Problem | None]:
    """The text of a file, or the problem if it is too big or not UTF-8."""
    if len(content) > MAX_BYTES:
        return "", scan(content, source)[1][0]
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        return "", scan(content, source)[1][0]


def nearby(path: Path) -> list[str]:
    """Names of JSON files in the same folder, the most similar first."""
    try:
        names = sorted(each.name for each in path.parent.glob("*.json"))
    except OSError:
        return []
    return nearest_words(path.name, names)
