"""The parts of a study file, before its runs are checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqfw.errors import Place, Problem
from vqfw.experiment.files import Chain
from vqfw.experiment.overrides import Override
from vqfw.text.tree import Node


@dataclass(frozen=True)
class Layer:
    """Settings with a label, one part of an arm.

    Args:
        label: a part of the arm's.
        overrides: the settings, with their places.
    """

    label: str
    overrides: tuple[Override, ...]


@dataclass(frozen=True)
class Base:
    """The experiment that every run changes.

    Args:
        chain: its layers; the study file is first of its files, but no layer.
        text: of the experiment file.
        file: its path in messages.
    """

    chain: Chain
    text: str
    file: Path


@dataclass
class Sheet:
    """A study file while it is read: its tree, and its problems so far.

    Args:
        path: of the file.
        root: its tree, an object.
        arguments: ``path=value`` for every run.
        problems: so far.
    """

    path: Path
    root: Node
    arguments: tuple[str, ...]
    problems: list[Problem]

    def members(self, key: str) -> dict[str, Node]:
        """The members of an object; none where there is no object."""
        node = self.root.value.get(key)
        return node.value if node is not None and isinstance(node.value, dict) else {}

    def plain(self, key: str) -> Any:
        """A value as plain data; None where there is none."""
        node = self.root.value.get(key)
        return None if node is None else node.plain()

    def note(
        self, code: str, fact: str, help_: str, node: Node, place: Place | None = None
    ) -> None:
        """Adds a problem at a place; default: that of the key of a node."""
        where = place or node.key or node.place
        self.problems.append(Problem(code, fact, help=help_, place=where))
