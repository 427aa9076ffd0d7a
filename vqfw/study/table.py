"""The table of a study: one row an arm, mean and spread over its seeds. Nothing is written.

The spread is the sample standard deviation (n - 1 in the denominator); a single run has
none. Where every row is one run, a score keeps its confidence interval over the images. A
score that does not apply to a run (a VAE has no perplexity) leaves its cell empty.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from vqfw.results.recorded import (
    Column,
    columns_of,
    numbers_of,
    scored_on,
    scores_of,
)
from vqfw.runs import RunFolder
from vqfw.runs.exactness import differing
from vqfw.study.grid import Arm, Grid
from vqfw.study.standing import Standing

_RECORDED = (
    "git",
    "versions",
    "python",
    "backend",
    "devices",
    "precision",
    "threads",
    "processor",
    "platform",
    "data_fingerprint",
)


@dataclass(frozen=True)
class Cell:
    """One number of one arm over its finished runs.

    Args:
        values: of each run, in the order of the seeds.
        expected: the mean that the author of the study expects.
        interval: 95 % confidence over the images, low and high, of a single run.
    """

    values: tuple[float, ...]
    expected: float | None = None
    interval: tuple[float, float] | None = None

    @property
    def mean(self) -> float | None:
        """Over the runs; None without any."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """Sample standard deviation over the runs; None for fewer than two."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def half_width(self) -> float | None:
        """Of the interval; None where there is none."""
        return (self.interval[1] - self.interval[0]) / 2 if self.interval else None


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
        made_by: versions, commit and machine of the last finished run, in a sentence.
        notes: what to know when reading it, a sentence each.
        unlike: what differs between the runs although no setting says it, by name: how
            it is in each.
        records: commit, versions, precision and the like of every finished run, by id.
        failures: of this call.
    """

    name: str
    description: str
    command: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    made_by: str
    notes: tuple[str, ...]
    unlike: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    failures: tuple[Failure, ...] = field(default=())

    @property
    def is_of_single_runs(self) -> bool:
        """Whether no row is to have more than one run."""
        return all(row.wanted <= 1 for row in self.rows)

    def data(self) -> dict[str, Any]:
        """The same as plain data, with the values of every run."""
        return {
            "study": self.name,
            "description": self.description,
            "command": self.command,
            "made_by": self.made_by,
            "notes": list(self.notes),
            "unlike": {name: list(values) for name, values in self.unlike.items()},
            "columns": [asdict(each) for each in self.columns],
            "rows": [_row_data(each) for each in self.rows],
            "records": {run: dict(each) for run, each in self.records.items()},
            "failures": [asdict(each) for each in self.failures],
        }

    def _repr_html_(self) -> str:
        from vqfw.study.writing import as_html

        return as_html(self)


def table_from(data: Mapping[str, Any]) -> Table:
    """The table that ``Table.data`` made plain data of.

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


def table_of(
    study: Grid,
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
        unlike=_unlike(used),
        records={run.id: _record(run) for run in used},
        failures=tuple(failures),
    )


def _row(
    study: Grid, arm: Arm, columns: Sequence[Column], runs: Mapping[str, RunFolder]
) -> Row:
    points = study.of(arm)
    mine = [runs[point.id] for point in points if point.id in runs]
    numbers = [numbers_of(run) for run in mine]
    intervals = _intervals(mine[0]) if len(mine) == 1 else {}
    expected = study.expected.get(arm.label, {})
    cells = {
        column.name: Cell(
            tuple(each[column.name] for each in numbers if column.name in each),
            expected.get(column.name),
            intervals.get(column.name),
        )
        for column in columns
    }
    return Row(arm, len(points), tuple(run.id for run in mine), cells)


def _intervals(run: RunFolder) -> dict[str, tuple[float, float]]:
    return {
        name: (entry["interval"][0], entry["interval"][1])
        for name, entry in scores_of(run).items()
        if isinstance(entry, Mapping) and entry.get("interval")
    }


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
                "interval": cell.interval and list(cell.interval),
            }
            for name, cell in row.cells.items()
        },
    }


def _row_from(data: Mapping[str, Any]) -> Row:
    cells = {
        name: Cell(
            tuple(each["values"]),
            each["expected"],
            each["interval"] and (each["interval"][0], each["interval"][1]),
        )
        for name, each in data["cells"].items()
    }
    arm = Arm(data["arm"], data["settings"])
    return Row(arm, data["wanted"], tuple(data["runs"]), cells)


def _record(run: RunFolder) -> dict[str, Any]:
    """What made a run, as far as a reader elsewhere can use it: no paths of a machine."""
    environment = run.environment
    return {name: environment.get(name) for name in _RECORDED}


def _made_by(runs: Sequence[RunFolder]) -> str:
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


def _notes(rows: Sequence[Row], runs: Sequence[RunFolder]) -> Iterator[str]:
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
    elif any(cell.interval for row in rows for cell in row.cells.values()):
        yield "± is half of the 95 % confidence interval over these images."
    if "data" in differing([run.environment for run in runs]):
        yield "Not a fair comparison: the runs did not all see the same images."


def _unlike(runs: Sequence[RunFolder]) -> dict[str, tuple[str, ...]]:
    found = differing([run.environment for run in runs])
    return {
        name: tuple(value or "none" for value in values)
        for name, values in found.items()
        if name != "data"
    }
