"""Writes the table of a study as Markdown, CSV and JSON, and as the pages show it."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from vqfw.results.study_table import Table
from vqfw.runs.outputs import write_output


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
    grid = _grid(table.head(), [table.texts(row) for row in table.rows])
    text = [*grid, "", "```sh", table.command, "```", "", *table.below()]
    return "\n".join(text).rstrip() + "\n"


def as_page(table: Table, title: str = "", columns: Sequence[str] = ()) -> str:
    """The table for a README: without command, versions and expectations.

    Args:
        table: to show; rows without a finished run are left out.
        title: of the first column; default: the name of the study.
        columns: names of the columns to show, in order; default: all.
    """
    by_name = {each.name: each for each in table.columns}
    rows = tuple(
        replace(
            row,
            cells={name: replace(c, expected=None) for name, c in row.cells.items()},
        )
        for row in table.rows
    )
    shown = replace(
        table,
        name=title or table.name,
        columns=tuple(by_name[name] for name in columns or by_name if name in by_name),
        rows=rows,
    )
    lines = [shown.head(), *(shown.texts(row) for row in rows if row.runs)]
    if table.is_of_single_runs:  # the number of runs says nothing
        lines = [[label, *cells] for label, _, *cells in lines]
    remarks = list(table.notes)
    if table.unlike:
        remarks.append(f"The runs differ in {', '.join(table.unlike)}.")
    text = [*_grid(lines[0], lines[1:]), "", *textwrap.wrap(" ".join(remarks), 96)]
    return "\n".join(text) + "\n"


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
        writer.writerow([_no_formula(row.label), row.wanted, runs, *numbers])
    return text.getvalue()


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    yield _line(head)
    yield _line(["---", *["---:"] * (len(head) - 1)])
    for row in rows:
        yield _line([each.replace("|", "\\|") for each in row])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _no_formula(text: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
