"""The table of a study: one row an arm, mean and spread over its seeds. Nothing is written.

The spread is the sample standard deviation (n - 1 in the denominator); a single run has
none. A score that does not apply to a run (a VAE has no perplexity) leaves its cell empty.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from vqfw.evaluation.recorded import Column, columns_of, numbers_of, scored_on
from vqfw.runs import Run
from vqfw.runs.exactness import differing
from vqfw.study.grid import Arm, Study
from vqfw.study.standing import Standing


@dataclass(frozen=True)
class Cell:
    """One number of one arm over its finished runs.

    Args:
        values: of each run, in the order of the seeds.
        expected: the mean that the author of the study expects.
    """

    values: tuple[float, ...]
    expected: float | None = None

    @property
    def mean(self) -> float | None:
        """Over the runs; None without any."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """Sample standard deviation over the runs; None for fewer than two."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Row:
    """One arm.

    Args:
        arm: which.
        wanted: how many runs it is to have.
        runs: ids of those that are finished.
        cells: by column.
    """

    arm: Arm
    wanted: int
    runs: tuple[str, ...]
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Failure:
    """A run that did not come to its end.

    Args:
        point: id of the run within its study.
        label: arm and seed.
        reason: what it said last, or what killed it.
        log: file with all that it said.
    """

    point: str
    label: str
    reason: str
    log: str


@dataclass(frozen=True)
class Table:
    """What a study has found so far.

    Args:
        name: of the study.
        description: of the study.
        command: that makes it.
        columns: in order.
        rows: in order.
        made_by: versions, commit and machine of the finished runs, in a sentence.
        notes: what to know when reading it, a sentence each.
        failures: of this call.
    """

    name: str
    description: str
    command: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    made_by: str
    notes: tuple[str, ...]
    failures: tuple[Failure, ...] = field(default=())

    def data(self) -> dict[str, Any]:
        """The same as plain data, with the values of every run."""
        return {
            "study": self.name,
            "description": self.description,
            "command": self.command,
            "made_by": self.made_by,
            "notes": list(self.notes),
            "columns": [asdict(each) for each in self.columns],
            "rows": [_row_data(each) for each in self.rows],
            "failures": [asdict(each) for each in self.failures],
        }

    def _repr_html_(self) -> str:
        from vqfw.study.writing import as_html

        return as_html(self)


def table_of(
    study: Study,
    found: Sequence[Standing],
    command: str,
    failures: Sequence[Failure] = (),
) -> Table:
    """Counts what the finished runs of a study have reached.

    Args:
        study: whose arms are the rows.
        found: its runs as they stand.
        command: that makes the table.
        failures: to be told below it.
    """
    runs = {
        each.point.id: each.run
        for each in found
        if each.run is not None and each.state == "finished"
    }
    columns = tuple(columns_of(list(runs.values())))
    rows = tuple(_row(study, arm, columns, runs) for arm in study.arms)
    used = list({run.id: run for run in runs.values()}.values())
    return Table(
        name=study.name,
        description=study.description,
        command=command,
        columns=columns,
        rows=rows,
        made_by=_made_by(used),
        notes=tuple(_notes(rows, used)),
        failures=tuple(failures),
    )


def _row(
    study: Study, arm: Arm, columns: Sequence[Column], runs: Mapping[str, Run]
) -> Row:
    points = study.of(arm)
    mine = [runs[point.id] for point in points if point.id in runs]
    numbers = [numbers_of(run) for run in mine]
    expected = study.expected.get(arm.label, {})
    cells = {
        column.name: Cell(
            tuple(each[column.name] for each in numbers if column.name in each),
            expected.get(column.name),
        )
        for column in columns
    }
    return Row(arm, len(points), tuple(run.id for run in mine), cells)


def _row_data(row: Row) -> dict[str, Any]:
    return {
        "arm": row.arm.label,
        "settings": dict(row.arm.settings),
        "wanted": row.wanted,
        "runs": list(row.runs),
        "cells": {
            name: {
                "mean": cell.mean,
                "spread": cell.spread,
                "n": len(cell.values),
                "values": list(cell.values),
                "expected": cell.expected,
            }
            for name, cell in row.cells.items()
        },
    }


def _made_by(runs: Sequence[Run]) -> str:
    if not runs:
        return ""
    environment = runs[-1].environment
    versions = environment.get("versions", {})
    parts = [f"{name} {version}" for name, version in versions.items()]
    git = environment.get("git")
    if git:
        changed = git.get("changed_files")
        dirty = f" with {changed} changed files" if changed else ""
        parts.append(f"commit {git['commit'][:10]}{dirty}")
    parts.append(
        f"{environment.get('precision')}, {environment.get('threads')} threads"
    )
    parts.append(f"on {environment.get('processor') or environment.get('platform')}")
    return ", ".join(parts)


def _notes(rows: Sequence[Row], runs: Sequence[Run]) -> Iterator[str]:
    wanted, finished = (
        sum(row.wanted for row in rows),
        sum(len(row.runs) for row in rows),
    )
    if finished < wanted:
        yield f"{finished} of {wanted} runs are finished."
    if not runs:
        return
    yield f"Scored on {' or '.join(dict.fromkeys(map(scored_on, runs)))}."
    if any(row.wanted > 1 for row in rows):
        yield "± is the sample standard deviation over the seeds."
    environments = [run.environment for run in runs]
    unlike = differing(environments)
    if unlike.pop("data", None):
        yield "Not a fair comparison: the runs did not all see the same images."
    if unlike:
        told = "; ".join(
            f"{name} {' or '.join(dict.fromkeys(value or 'none' for value in values))}"
            for name, values in unlike.items()
        )
        yield f"Not the same in all runs: {told}."
