"""The origin of each value of an experiment, and the differences of two experiments."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqfw.errors import KeyPath, dotted
from vqfw.terminal import beside
from vqfw.text.tree import Node


@dataclass(frozen=True)
class Origin:
    """The source of a value: a file, a ``--set`` argument or a default.

    Args:
        source: ``file:line:column``, the ``--set`` argument, or ``default of`` a
            distribution and its version.
        folder: of the file that says it; None for other sources.
        replaced: what it took the place of, the latest first: value and source.
    """

    source: str
    folder: Path | None = None
    replaced: tuple[tuple[Any, str], ...] = ()

    @property
    def overridden(self) -> bool:
        """Whether the value came from ``--set`` and not from a file or a default."""
        return self.source.startswith("--set ")


def origins_of(tree: Node, files: Mapping[str, Path]) -> dict[str, Origin]:
    """The origin of every value, by its dotted path.

    Args:
        tree: a whole experiment.
        files: real paths by the names that places have for them.
    """
    return {dotted(path): _origin(node, files) for path, node in _below(tree, ())}


def _below(node: Node, path: KeyPath) -> Iterator[tuple[KeyPath, Node]]:
    for part, child in node.children():
        yield (*path, part), child
        yield from _below(child, (*path, part))


def _origin(node: Node, files: Mapping[str, Path]) -> Origin:
    file = files.get(node.place.source) if node.place.line else None
    replaced = []
    below = node.replaced
    while below is not None:
        replaced.append((below.plain(), str(below.place)))
        below = below.replaced
    return Origin(str(node.place), file.parent if file else None, tuple(replaced))


def rows(
    values: Mapping[str, Any], origins: Mapping[str, Origin]
) -> list[dict[str, Any]]:
    """Path, value, source, and what the value replaced, for every value."""
    return [
        {
            "path": path,
            "value": value,
            "source": origins[path].source,
            "replaced": [
                {"value": was, "source": source}
                for was, source in origins[path].replaced
                if was != value or not source.startswith("default")
            ],
        }
        for path, value in leaves(values)
    ]


def table(rows: Sequence[Mapping[str, Any]], width: int | None = None) -> str:
    """Rows as lines of text: in columns where they fit, else each folded by itself."""
    if width is not None:
        return "\n".join(_folded(row, width) for row in rows)
    cells = [(row["path"], _json(row["value"]), row["source"]) for row in rows]
    widths = [min(48, max(len(cell[column]) for cell in cells)) for column in range(3)]
    lines = []
    for row, cell in zip(rows, cells, strict=True):
        line = "   ".join(
            text.ljust(width) for text, width in zip(cell, widths, strict=True)
        )
        lines.append(f"{line} {_was(row)}".rstrip())
    return "\n".join(lines)


def _folded(row: Mapping[str, Any], width: int) -> str:
    left = f"{row['path']} = {_json(row['value'])}".ljust(min(44, width // 2))
    for right in (row["source"], _was(row).strip()):
        if right:
            left = beside(left, right, width)
    return left


def _was(row: Mapping[str, Any]) -> str:
    """The replaced values in brackets; empty if there are none."""
    was = "; ".join(f"was {_json(e['value'])}, {e['source']}" for e in row["replaced"])
    return f"  ({was})" if was else ""


def html_table(name: str, description: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a table for a notebook, folded away under the name."""
    body = "".join(
        "<tr>"
        + "".join(
            f"<td>{html.escape(text)}</td>"
            for text in (row["path"], _json(row["value"]), row["source"])
        )
        + "</tr>"
        for row in rows
    )
    return (
        f"<details><summary><b>{html.escape(name)}</b> {html.escape(description)}</summary>"
        "<table><thead><tr><th>setting</th><th>value</th><th>set by</th></tr></thead>"
        f"<tbody>{body}</tbody></table></details>"
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    """What differs between two resolved experiments, sorted by path.

    Returns:
        Dotted path, old value and new value; None stands for a value that is not there.
    """
    before, after = dict(leaves(old)), dict(leaves(new))
    return [
        (path, before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if json.dumps(before.get(path)) != json.dumps(after.get(path))
        and not _same_number(before.get(path), after.get(path))
    ]


def _same_number(one: Any, other: Any) -> bool:
    numbers = all(
        isinstance(each, int | float) and not isinstance(each, bool)
        for each in (one, other)
    )
    return numbers and bool(one == other)


def leaves(values: Any, path: KeyPath = ()) -> Iterator[tuple[str, Any]]:
    """Scalars and empty containers with their dotted paths."""
    if isinstance(values, Mapping) and values:
        for key, each in values.items():
            yield from leaves(each, (*path, key))
    elif isinstance(values, list | tuple) and values:
        for index, each in enumerate(values):
            yield from leaves(each, (*path, index))
    else:
        yield dotted(path), values
