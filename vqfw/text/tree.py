"""JSON values with the place where each was written."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vqfw.errors import KeyPath, Place

Locate = Callable[[int, int], Place]
"""Gives the place of the characters between two offsets of a text."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it was written.

    Args:
        value: ``dict[str, Node]``, ``list[Node]``, str, int, float, bool or None.
        place: where the value stands.
        key: where its key stands; None for list items and for the root.
        replaced: the value of a lower layer that this one took the place of.
    """

    value: Any
    place: Place
    key: Place | None = None
    replaced: Node | None = None

    def plain(self) -> Any:
        """The value and all below it as ordinary Python data."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def children(self) -> Iterator[tuple[str | int, Node]]:
        """Keys or indices with their nodes; nothing for a scalar."""
        if isinstance(self.value, dict):
            yield from self.value.items()
        elif isinstance(self.value, list):
            yield from enumerate(self.value)

    def down(self, path: KeyPath) -> tuple[Node, int]:
        """The deepest existing node on a path, and the number of steps to it."""
        node = self
        for steps, part in enumerate(path):
            try:
                node = node.value[part]
            except (KeyError, IndexError, TypeError):
                return node, steps
        return node, len(path)


def defaulted(value: Any, place: Place) -> Node:
    """A tree of a plain value, all at one place."""
    if isinstance(value, Mapping):
        return Node({key: defaulted(each, place) for key, each in value.items()}, place)
    if isinstance(value, list | tuple):
        return Node([defaulted(each, place) for each in value], place)
    return Node(value, place)


def strings(trees: Iterable[Node]) -> set[str]:
    """All strings in the trees, which include the names of components."""
    found: set[str] = set()
    waiting = list(trees)
    while waiting:
        node = waiting.pop()
        if isinstance(node.value, str):
            found.add(node.value)
        waiting += [child for _, child in node.children()]
    return found


class Lines:
    """Finds line, column and excerpt of an offset.

    Args:
        text: the whole text.
        source: the file as the user named it.
    """

    def __init__(self, text: str, source: str) -> None:
        ends = [(m.start(), m.end()) for m in re.finditer(r"\r\n|\r|\n", text)]
        self.text = text
        self.source = source
        self.starts = [0, *(end for _, end in ends)]
        self.stops = [*(start for start, _ in ends), len(text)]

    def place(self, start: int, stop: int) -> Place:
        """The place of ``text[start:stop]``, cut off at the end of its first line."""
        number = bisect_right(self.starts, start) - 1
        first, last = self.starts[number], self.stops[number]
        length = max(1, min(stop, last) - start)
        excerpt = self.text[first:last]
        return Place(self.source, number + 1, start - first + 1, length, excerpt)
