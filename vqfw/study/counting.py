"""Fills the table of a study with the numbers of its finished runs.

The table itself and its texts are in ``vqfw.results.study_table``. Where every row is one run, a
score keeps its confidence interval over the images. A score that does not apply to a run (a
VAE has no perplexity) leaves its cell empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vqfw.results.columns import Column, columns_of
from vqfw.results.recorded import intervals_of, numbers_of, scored_on
from vqfw.results.study_table import Cell, Failure, Row, Table
from vqfw.runs import RunFolder
from vqfw.runs.exactness import differing
from vqfw.runs.origin import is_made_here
from vqfw.study.grid import Arm, Grid
from vqfw.study.standing import Standing

# Versions, commit and machine of a run, without paths.
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


def table_of(
    study: Grid,
    found: Sequence[Standing],
    command: str,
    failures: Sequence[Failure] = (),
) -> Table:
    """The table of the finished runs of a study.

    Args:
        study: its arms are the rows.
        found: its runs as they stand.
        command: that makes the table.
        failures: for the lines below it.
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
        records={
            run.id: {name: run.environment.get(name) for name in _RECORDED}
            for run in used
        },
        failures=tuple(failures),
    )


def _row(
    study: Grid, arm: Arm, columns: Sequence[Column], runs: Mapping[str, RunFolder]
) -> Row:
    points = study.of(arm)
    mine = [runs[point.id] for point in points if point.id in runs]
    numbers = [numbers_of(run) for run in mine]
    intervals = intervals_of(mine[0]) if len(mine) == 1 else {}
    expected = study.expected.get(arm.label, {})
    cells = {
        column.name: Cell(
            tuple(each[column.name] for each in numbers if column.name in each),
            expected.get(column.name),
            intervals.get(column.name),
        )
        for column in columns
    }
    ids = tuple(run.id for run in mine)
    return Row(arm.label, arm.settings, len(points), ids, cells)


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
    wanted = sum(row.wanted for row in rows)
    finished = sum(len(row.runs) for row in rows)
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
    unsigned = [run.id for run in runs if not is_made_here(run)]
    if unsigned:
        yield (
            "Not signed by the user and machine that made this table, so their scores may "
            f"have been edited: {', '.join(unsigned)}."
        )


def _unlike(runs: Sequence[RunFolder]) -> dict[str, tuple[str, ...]]:
    facts = differing([run.environment for run in runs])
    return {
        name: tuple(value or "none" for value in values)
        for name, values in facts.items()
        if name != "data"
    }
