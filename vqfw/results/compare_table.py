"""The table of ``vqfw compare``: runs side by side, for a terminal and for a notebook.

``vqfw.results.comparison`` fills it from the records of runs.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from vqfw.results.columns import Column
from vqfw.terminal import fitted, inline, printable, width_of

if TYPE_CHECKING:
    from rich.console import RenderableType

Rows = list[list[str]]

_GAP = 2
_NONE = "\N{EN DASH}"


@dataclass(frozen=True)
class Difference:
    """One setting, or one fact of the surroundings, that differs between runs.

    Args:
        name: path of the setting, or name of the fact.
        values: in each run; None where it is absent.
        origins: file or option that set it in each run; empty for facts.
    """

    name: str
    values: tuple[Any, ...]
    origins: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Result:
    """One number of every run.

    Args:
        column: its name and unit.
        values: in each run; None where it does not apply or is missing.
        intervals: 95 % confidence over the images, low and high; None where there is
            none.
    """

    column: Column
    values: tuple[float | None, ...]
    intervals: tuple[tuple[float, float] | None, ...]

    @property
    def differences(self) -> tuple[float | None, ...]:
        """Each value minus that of the first run."""
        first = self.values[0]
        return tuple(
            None if first is None or each is None else each - first
            for each in self.values
        )


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Args:
        runs: their ids.
        settings: of the experiment, those that differ.
        surroundings: versions, commit, device, precision, threads and data, if they differ.
        results: scores, steps and times.
        unfair: reasons why the results are not comparable; empty if they are.
    """

    runs: tuple[str, ...]
    settings: tuple[Difference, ...]
    surroundings: tuple[Difference, ...]
    results: tuple[Result, ...]
    unfair: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "runs": list(self.runs),
            "unfair": list(self.unfair),
            "settings": [asdict(each) for each in self.settings],
            "surroundings": [
                {"name": each.name, "values": each.values} for each in self.surroundings
            ],
            "results": [
                {
                    **asdict(each.column),
                    "values": each.values,
                    "intervals": each.intervals,
                    "differences": each.differences,
                }
                for each in self.results
            ],
        }

    @property
    def verdict(self) -> str:
        """A sentence: whether the runs had the same images and budget, or what differs."""
        if not self.unfair:
            return "A fair comparison: the same images and the same budget."
        return f"Not a fair comparison: {'; '.join(self.unfair)}."

    def _repr_html_(self) -> str:
        def cells(texts: Sequence[str], tag: str) -> str:
            inner = (html.escape(each).replace("\n", "<br>") for each in texts)
            return f"<tr>{''.join(f'<{tag}>{each}</{tag}>' for each in inner)}</tr>"

        tables = "".join(
            f"<table><thead>{cells([title, *self.runs], 'th')}</thead>"
            f"<tbody>{''.join(cells(row, 'td') for row in rows)}</tbody></table>"
            for title, rows in _tables(self)
        )
        return f"{tables}<p>{html.escape(self.verdict)}</p>"


def renderables(comparison: Comparison, width: int) -> Iterator[RenderableType]:
    """The tables for a terminal: runs have numbers; a table that is too wide becomes a list.

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
    yield Text(fitted(printable(comparison.verdict), width))


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
    """Each row as a line with its name, and below it a line for each run."""
    yield title
    for name, *cells in rows:
        yield name
        for number, cell in enumerate(cells, start=1):
            yield f"  {number}  {cell.replace(chr(10), ' ')}"


def _tables(comparison: Comparison) -> Iterator[tuple[str, Rows]]:
    if comparison.settings:
        yield "settings", [_difference(each) for each in comparison.settings]
    if comparison.surroundings:
        yield "ran on", [_difference(each) for each in comparison.surroundings]
    yield "results", [_result(each) for each in comparison.results]


def _difference(difference: Difference) -> list[str]:
    cells = [
        f"{_text(value)}\n  {origin}" if origin else _text(value)
        for value, origin in zip_longest(difference.values, difference.origins)
    ]
    return [difference.name, *cells]


def _result(result: Result) -> list[str]:
    digits = result.column.digits([each for each in result.values if each is not None])
    cells = []
    for number, (value, interval, difference) in enumerate(
        zip(result.values, result.intervals, result.differences, strict=True)
    ):
        text = _NONE if value is None else f"{value:,.{digits}f}"
        if interval is not None and value is not None:
            text += f" ± {(interval[1] - interval[0]) / 2:,.{digits}f}"
        if number and difference is not None:
            text += f" ({difference:+,.{digits}f})"
        cells.append(text)
    return [result.column.title, *cells]


def _text(value: Any) -> str:
    if value is None:
        return _NONE
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
