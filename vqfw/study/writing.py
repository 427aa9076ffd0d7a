"""A table of a study as Markdown, CSV, JSON and HTML. It counts nothing."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from vqfw.runs.files import write_whole
from vqfw.study.table import Cell, Row, Table

_ARROWS = {"higher": " ↑", "lower": " ↓"}


def write_table(table: Table, folder: Path) -> None:
    """Writes ``table.md``, ``table.csv`` and ``table.json``, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    data = json.dumps(table.data(), indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(folder / "table.md", as_markdown(table).encode())
    write_whole(folder / "table.csv", as_csv(table).encode())
    write_whole(folder / "table.json", (data + "\n").encode())


def as_markdown(table: Table) -> str:
    """The table ready to paste, with the command that makes it."""
    titles = [*_head(table)]
    lines = [
        _line(titles),
        _line(["---", *["---:"] * (len(titles) - 1)]),
        *(_line([_escaped(each) for each in _cells(table, row)]) for row in table.rows),
    ]
    text = [*lines, "", "```sh", table.command, "```", "", *_below(table)]
    return "\n".join(text).rstrip() + "\n"


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
    for column in table.columns:
        yield f"{column.title}{_ARROWS.get(column.better, '')}"


def _cells(table: Table, row: Row) -> Iterator[str]:
    yield row.arm.label
    done = len(row.runs)
    yield str(done) if done == row.wanted else f"{done} of {row.wanted}"
    for column in table.columns:
        cells = [each.cells[column.name] for each in table.rows]
        digits = column.digits([value for cell in cells for value in cell.values])
        yield _cell(row.cells[column.name], digits, row.wanted)


def _cell(cell: Cell, digits: int, wanted: int) -> str:
    if cell.mean is None:
        return "\N{EN DASH}"
    text = f"{cell.mean:,.{digits}f}"
    if cell.spread is not None and (cell.spread or not cell.mean.is_integer()):
        text += f" ± {cell.spread:,.{digits}f}"
    if 0 < len(cell.values) < wanted:
        text += f" (n = {len(cell.values)})"
    if cell.expected is not None:
        text += f" (expected {cell.expected:g})"
    return text


def _below(table: Table) -> Iterator[str]:
    if table.notes:
        yield " ".join(table.notes)
    if table.made_by:
        yield f"Made with {table.made_by}."
    for each in table.failures:
        yield f"Failed: {each.label}: {each.reason} ({each.log})"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _inert(text: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
