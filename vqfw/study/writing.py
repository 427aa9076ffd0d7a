"""A table of a study as Markdown, CSV, JSON and HTML, and as a page shows it. It counts nothing."""

from __future__ import annotations

import csv
import html
import io
import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from vqfw.results.recorded import Column
from vqfw.runs.outputs import write_output
from vqfw.study.table import Cell, Row, Table

_ARROWS = {"higher": " ↑", "lower": " ↓"}


def write_table(table: Table, folder: Path) -> None:
    """Writes ``table.md``, ``table.csv`` and ``table.json``, each whole or not at all.

    Raises:
        VqfwError: if one cannot be written.
    """
    write_output(folder / "table.md", as_markdown(table).encode())
    write_output(folder / "table.csv", as_csv(table).encode())
    write_output(folder / "table.json", as_json(table).encode())


def as_json(table: Table) -> str:
    """The table as data, with the values and the records of every run."""
    data = json.dumps(table.data(), indent=2, ensure_ascii=False, allow_nan=False)
    return data + "\n"


def as_markdown(table: Table) -> str:
    """The table ready to paste, with the command that makes it."""
    grid = _grid([*_head(table)], [[*_cells(table, row)] for row in table.rows])
    text = [*grid, "", "```sh", table.command, "```", "", *_below(table)]
    return "\n".join(text).rstrip() + "\n"


def as_page(table: Table, title: str = "", columns: Sequence[str] = ()) -> str:
    """The table for a page that a person writes: no command, no versions, no expectations.

    Args:
        table: what to show; rows without a finished run are left out.
        title: of the first column; the name of the study where there is none.
        columns: names of those to show, in order; all where there is none.
    """
    known = {each.name: each for each in table.columns}
    shown = [known[name] for name in columns or known if name in known]
    rows = [row for row in table.rows if row.runs]
    head = [title or table.name]
    if not table.is_of_single_runs:
        head.append("runs")
    head += [_titled(each) for each in shown]
    grid = _grid(head, [_page_cells(table, row, shown) for row in rows])
    remarks = list(table.notes)
    if table.unlike:
        remarks.append(f"The runs differ in {', '.join(table.unlike)}.")
    return "\n".join([*grid, "", *textwrap.wrap(" ".join(remarks), 96)]) + "\n"


def _page_cells(table: Table, row: Row, columns: Sequence[Column]) -> list[str]:
    bare = {name: replace(cell, expected=None) for name, cell in row.cells.items()}
    label, runs, *cells = _cells(
        replace(table, columns=tuple(columns)), replace(row, cells=bare)
    )
    return [label, *cells] if table.is_of_single_runs else [label, runs, *cells]


def as_csv(table: Table) -> str:
    """The table for a spreadsheet: mean, spread and number of runs of every cell."""
    parts = ("mean", "spread", "n")
    names = [f"{column.name}_{part}" for column in table.columns for part in parts]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["arm", "wanted", "runs", *names])
    for row in table.rows:
        cells = [row.cells[column.name] for column in table.columns]
        numbers = [
            "" if number is None else number
            for cell in cells
            for number in (cell.mean, cell.spread, len(cell.values))
        ]
        runs = " ".join(row.runs)
        writer.writerow([_inert(row.arm.label), row.wanted, runs, *numbers])
    return text.getvalue()


def as_html(table: Table) -> str:
    """The table for a notebook."""
    head = "".join(f"<th>{html.escape(each)}</th>" for each in _head(table))
    body = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(each)}</td>" for each in _cells(table, row))
        + "</tr>"
        for row in table.rows
    )
    below = "".join(f"<p>{html.escape(each)}</p>" for each in _below(table) if each)
    return (
        f"<table><caption>study {html.escape(table.name)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"
    )


def _head(table: Table) -> Iterator[str]:
    yield table.name
    yield "runs"
    yield from map(_titled, table.columns)


def _titled(column: Column) -> str:
    return f"{column.title}{_ARROWS.get(column.better, '')}"


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield _line(head)
    yield _line(["---", *["---:"] * (len(head) - 1)])
    for row in rows:
        yield _line([_escaped(each) for each in row])


def _cells(table: Table, row: Row) -> Iterator[str]:
    yield row.arm.label
    done = len(row.runs)
    yield str(done) if done == row.wanted else f"{done} of {row.wanted}"
    for column in table.columns:
        cells = [each.cells[column.name] for each in table.rows]
        digits = column.digits([value for cell in cells for value in cell.values])
        beside = "half_width" if table.is_of_single_runs else "spread"
        cell = row.cells[column.name]
        yield _cell(cell, getattr(cell, beside), digits, row.wanted)


def _cell(cell: Cell, beside: float | None, digits: int, wanted: int) -> str:
    if cell.mean is None:
        return "\N{EN DASH}"
    text = f"{cell.mean:,.{digits}f}"
    if beside is not None and (beside or not cell.mean.is_integer()):
        text += f" ± {beside:,.{digits}f}"
    if 0 < len(cell.values) < wanted:
        text += f" (n = {len(cell.values)})"
    if cell.expected is not None:
        text += f" (expected {cell.expected:g})"
    return text


def _below(table: Table) -> Iterator[str]:
    remarks = [*table.notes, *_unlike(table)]
    if remarks:
        yield " ".join(remarks)
    if table.made_by:
        yield f"Made with {table.made_by}."
    for each in table.failures:
        yield f"Failed: {each.label}: {each.reason} ({each.log})"


def _unlike(table: Table) -> Iterator[str]:
    if table.unlike:
        told = "; ".join(
            f"{name} {' or '.join(dict.fromkeys(values))}"
            for name, values in table.unlike.items()
        )
        yield f"Not the same in all runs: {told}."


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _inert(text: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
