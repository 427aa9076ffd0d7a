"""The table of a study: one row an arm, mean and spread over its seeds.

``vqfw.study.counting`` fills it from finished runs; ``vqfw.results.study_table_files`` writes it as
Markdown, CSV and JSON. The spread is the sample standard deviation (n - 1 in the
denominator); a single run has none.
"""

from __future__ import annotations

import html
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from vqfw.results.columns import Column

_ARROWS = {"higher": " ↑", "lower": " ↓"}


@dataclass(frozen=True)
class Cell:
    """One number of one arm over its finished runs.

    Args:
        values: of each run, in the order of the seeds.
        expected: mean that the study file expects.
        interval: 95 % confidence over the images, low and high, of a single run.
    """

    values: tuple[float, ...]
    expected: float | None = None
    interval: tuple[float, float] | None = None

    @property
    def mean(self) -> float | None:
        """Mean over the runs; None without runs."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """Sample standard deviation over the runs; None for fewer than two."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def half_width(self) -> float | None:
        """Half of the width of the interval; None without one."""
        return (self.interval[1] - self.interval[0]) / 2 if self.interval else None

    def text(self, beside: float | None, digits: int, wanted: int) -> str:
        """The mean as a table shows it.

        Args:
            beside: number after ``±``; None for none.
            digits: decimals.
            wanted: number of runs of the row.
        """
        if self.mean is None:
            return "\N{EN DASH}"
        text = f"{self.mean:,.{digits}f}"
        if beside is not None and (beside or not self.mean.is_integer()):
            text += f" ± {beside:,.{digits}f}"
        if 0 < len(self.values) < wanted:
            text += f" (n = {len(self.values)})"
        if self.expected is not None:
            text += f" (expected {self.expected:g})"
        return text


@dataclass(frozen=True)
class Row:
    """One arm of a study in its table.

    Args:
        label: of the arm.
        settings: of the arm, by path.
        wanted: number of runs that the study file asks for.
        runs: ids of the finished runs.
        cells: by column.
    """

    label: str
    settings: Mapping[str, Any]
    wanted: int
    runs: tuple[str, ...]
    cells: Mapping[str, Cell]

    def data(self) -> dict[str, Any]:
        """The same as plain data."""
        cells = {
            name: {
                "mean": cell.mean,
                "spread": cell.spread,
                "n": len(cell.values),
                **asdict(cell),
            }
            for name, cell in self.cells.items()
        }
        data = {"arm": self.label, **asdict(self), "cells": cells}
        del data["label"]
        return data


@dataclass(frozen=True)
class Failure:
    """A run that failed.

    Args:
        point: id of the run within its study.
        label: arm and seed.
        reason: last line of its log, or the signal that killed it.
        log: file with its output.
    """

    point: str
    label: str
    reason: str
    log: str


@dataclass(frozen=True)
class Table:
    """The results of a study so far.

    Args:
        name: of the study.
        description: of the study.
        command: that makes the table.
        made_by: versions, commit and machine of the last finished run, in a sentence.
        notes: sentences below the table.
        unlike: facts that differ between the runs although no setting differs: name →
            value in each run.
        columns: in order.
        rows: in order.
        records: run id → its commit, versions, precision and the like.
        failures: of this call.
    """

    name: str
    description: str
    command: str
    made_by: str
    notes: tuple[str, ...]
    unlike: Mapping[str, tuple[str, ...]]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    records: Mapping[str, Mapping[str, Any]]
    failures: tuple[Failure, ...]

    @property
    def is_of_single_runs(self) -> bool:
        """Whether every row has one run at most."""
        return all(row.wanted <= 1 for row in self.rows)

    def head(self) -> list[str]:
        """The titles of the columns."""
        titles = [
            f"{each.title}{_ARROWS.get(each.better, '')}" for each in self.columns
        ]
        return [self.name, "runs", *titles]

    def texts(self, row: Row) -> list[str]:
        """The cells of a row under ``head``."""
        done = len(row.runs)
        texts = [
            row.label,
            str(done) if done == row.wanted else f"{done} of {row.wanted}",
        ]
        for column in self.columns:
            cells = [each.cells[column.name] for each in self.rows]
            digits = column.digits([value for cell in cells for value in cell.values])
            cell = row.cells[column.name]
            beside = cell.half_width if self.is_of_single_runs else cell.spread
            texts.append(cell.text(beside, digits, row.wanted))
        return texts

    def below(self) -> Iterator[str]:
        """The paragraphs below the table."""
        remarks = list(self.notes)
        if self.unlike:
            facts = "; ".join(
                f"{name} {' or '.join(dict.fromkeys(values))}"
                for name, values in self.unlike.items()
            )
            remarks.append(f"Not the same in all runs: {facts}.")
        if remarks:
            yield " ".join(remarks)
        if self.made_by:
            yield f"Made with {self.made_by}."
        for each in self.failures:
            yield f"Failed: {each.label}: {each.reason} ({each.log})"

    def data(self) -> dict[str, Any]:
        """The same as plain data, with the values of every run."""
        rows = [each.data() for each in self.rows]
        data = {"study": self.name, **asdict(self), "rows": rows}
        del data["name"]
        return data

    def _repr_html_(self) -> str:
        def cells(texts: list[str], tag: str) -> str:
            inner = "".join(f"<{tag}>{html.escape(each)}</{tag}>" for each in texts)
            return f"<tr>{inner}</tr>"

        body = "".join(cells(self.texts(row), "td") for row in self.rows)
        below = "".join(f"<p>{html.escape(each)}</p>" for each in self.below())
        return (
            f"<table><caption>study {html.escape(self.name)}</caption>"
            f"<thead>{cells(self.head(), 'th')}</thead><tbody>{body}</tbody></table>{below}"
        )


def table_from(data: Mapping[str, Any]) -> Table:
    """The table whose ``data()`` is given.

    Raises:
        KeyError, TypeError: if the data is not of a table.
    """
    return Table(
        name=data["study"],
        description=data["description"],
        command=data["command"],
        columns=tuple(Column(**each) for each in data["columns"]),
        rows=tuple(_row_from(each) for each in data["rows"]),
        made_by=data["made_by"],
        notes=tuple(data["notes"]),
        unlike={name: tuple(values) for name, values in data["unlike"].items()},
        records=data["records"],
        failures=tuple(Failure(**each) for each in data["failures"]),
    )


def _row_from(data: Mapping[str, Any]) -> Row:
    cells = {
        name: Cell(
            tuple(each["values"]),
            each["expected"],
            each["interval"] and (each["interval"][0], each["interval"][1]),
        )
        for name, each in data["cells"].items()
    }
    runs = tuple(data["runs"])
    return Row(data["arm"], data["settings"], data["wanted"], runs, cells)
