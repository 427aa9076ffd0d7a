"""A comparison of runs as tables for a terminal and for a notebook. It compares nothing."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from vqfw.results.comparison import Comparison, Difference, Result
from vqfw.terminal import fitted, inline, printable, width_of

if TYPE_CHECKING:
    from rich.console import RenderableType

Rows = list[list[str]]

_GAP = 2
_NONE = "\N{EN DASH}"


def renderables(comparison: Comparison, width: int) -> Iterator[RenderableType]:
    """What a terminal shows: runs go by numbers; a table too wide becomes a list.

    Args:
        comparison: of the runs.
        width: columns of the terminal.
    """
    from rich.text import Text

    for number, run in enumerate(comparison.runs, start=1):
        yield Text(f"{number}  {inline(run)}")
    for title, cells in _tables(comparison):
        rows = [[printable(each) for each in row] for row in cells]
        heads = [title, *map(str, range(1, len(comparison.runs) + 1))]
        yield Text("")
        if _natural_width([heads, *rows]) <= width:
            yield _table(heads, rows)
        else:
            yield Text(fitted("\n".join(_listed(title, rows)), width))
    yield Text("")
    yield Text(fitted(printable(verdict(comparison)), width))


def _table(heads: list[str], rows: Rows) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for head in heads:
        table.add_column(head, no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _natural_width(rows: Rows) -> int:
    def widest(cells: Sequence[str]) -> int:
        return max(width_of(line) for cell in cells for line in cell.split("\n"))

    return sum(map(widest, zip(*rows, strict=True))) + _GAP * len(rows[0])


def _listed(title: str, rows: Rows) -> Iterator[str]:
    """Each row as a line of its name and, beneath, a line a run."""
    yield title
    for name, *cells in rows:
        yield name
        for number, cell in enumerate(cells, start=1):
            yield f"  {number}  {cell.replace(chr(10), ' ')}"


def verdict(comparison: Comparison) -> str:
    """Whether the results can be compared as they stand, in a line."""
    if not comparison.unfair:
        return "A fair comparison: the same images and the same budget."
    return f"Not a fair comparison: {'; '.join(comparison.unfair)}."


def as_html(comparison: Comparison) -> str:
    """The same for a notebook."""
    heads = "".join(f"<th>{html.escape(run)}</th>" for run in comparison.runs)
    tables = "".join(
        f"<table><thead><tr><th>{html.escape(title)}</th>{heads}</tr></thead><tbody>"
        + "".join(
            "<tr>"
            + "".join(
                f"<td>{html.escape(each).replace(chr(10), '<br>')}</td>" for each in row
            )
            + "</tr>"
            for row in rows
        )
        + "</tbody></table>"
        for title, rows in _tables(comparison)
    )
    return f"{tables}<p>{html.escape(verdict(comparison))}</p>"


def _tables(comparison: Comparison) -> Iterator[tuple[str, Rows]]:
    if comparison.settings:
        yield "settings", [_setting(each) for each in comparison.settings]
    if comparison.surroundings:
        yield (
            "ran on",
            [[each.name, *_texts(each.values)] for each in comparison.surroundings],
        )
    yield "results", [_result(each) for each in comparison.results]


def _setting(difference: Difference) -> list[str]:
    cells = [
        f"{value}\n  {origin}" if origin else value
        for value, origin in zip(
            _texts(difference.values), difference.origins, strict=True
        )
    ]
    return [difference.name, *cells]


def _result(result: Result) -> list[str]:
    known = [value for value in result.values if value is not None]
    digits = result.column.digits(known)
    cells = []
    for number, (value, interval, apart) in enumerate(
        zip(result.values, result.intervals, result.differences, strict=True)
    ):
        text = _NONE if value is None else f"{value:,.{digits}f}"
        if interval is not None and value is not None:
            text += f" ± {(interval[1] - interval[0]) / 2:,.{digits}f}"
        if number and apart is not None:
            text += f" ({apart:+,.{digits}f})"
        cells.append(text)
    return [result.column.title, *cells]


def _texts(values: Sequence[Any]) -> list[str]:
    return [
        _NONE
        if each is None
        else each
        if isinstance(each, str)
        else json.dumps(each, ensure_ascii=False)
        for each in values
    ]
