"""``vqfw runs``: the runs of this folder, with scores and paths."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from vqfw.cli.options import json_option
from vqfw.cli.screen import Screen
from vqfw.cli.talk import echo, print_json, say
from vqfw.errors import RecordError, VqfwError
from vqfw.terminal import BETWEEN, beside, columns, inline

if TYPE_CHECKING:
    from vqfw.api import Run


@click.group("runs", cls=Screen)
def command() -> None:
    """List, show and find runs."""


@command.command("list")
@json_option
def list_runs(as_json: bool) -> None:
    """List the runs with date, steps, model and test scores, oldest first."""
    from vqfw import api

    runs = api.list_runs()
    if as_json:
        print_json({"runs": [_listed(run) for run in runs]})
        return
    width = columns(sys.stdout)
    rows = [tuple(map(inline, (run.id, *_brief(run)))) for run in runs]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for run, row in zip(runs, rows, strict=True):
        left = "  ".join(
            cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)
        )
        echo(beside(left, inline(_scores(run)), width))


def _listed(run: Run) -> dict[str, Any]:
    """The scores of a run for ``--json``; ``error`` says why they cannot be read."""
    from vqfw.cli.scores import scores_of

    try:
        return scores_of(run, "test", run.scores.get("test", {}))
    except RecordError as error:
        return {**scores_of(run, "test", {}), "error": str(error)}


def _brief(run: Run) -> tuple[str, str, str]:
    """Date, saved steps and model of a run; ``unreadable`` where its records are damaged."""
    from vqfw.runs import checkpoint

    try:
        began = time.localtime((run.folder.path / "resolved.json").stat().st_mtime)
        steps = max(checkpoint.steps(run.folder.states), default=0)
        model = run.folder.resolved["model"]
        names = [model["type"], model.get("quantizer", {}).get("type", "")]
        shown = "-".join(filter(None, map(str, names)))
    except (VqfwError, OSError, ValueError, LookupError, TypeError, AttributeError):
        return "", "", "unreadable"
    saved = f"{steps:,} steps" if steps else "no checkpoint"
    return time.strftime("%Y-%m-%d %H:%M", began), saved, shown


def _scores(run: Run) -> str:
    """The scores of a run in a line, or why they cannot be read."""
    try:
        recorded = run.scores.get("test", {})
    except RecordError as error:
        return str(error)
    scores = BETWEEN.join(
        f"{name} {entry['value']:.4g}"
        for name, entry in recorded.items()
        if isinstance(entry, Mapping) and entry["value"] is not None
    )
    return scores or "not scored yet"


@command.command("show")
@click.argument("wanted", metavar="RUN", default="latest")
@json_option
def show(wanted: str, as_json: bool) -> None:
    """Show a run: an id, its beginning, latest, or best:METRIC.

    Prints its experiment, steps and scores, what failed beside training, and the sections
    of installed packages.
    """
    from vqfw import api
    from vqfw.cli.scores import show_scores
    from vqfw.runs import checkpoint

    run = api.open_run(wanted)
    sections, resolved = run.sections(), run.folder.resolved
    facts = {
        "run": run.id,
        "path": str(run.path),
        "pictures": str(run.folder.pictures),
        "experiment": resolved["name"],
        "model": resolved["model"]["type"],
        "steps": max(checkpoint.steps(run.folder.states), default=0),
        "scores": run.scores,
        "failures": run.folder.failures,
    }
    if as_json:
        print_json({**facts, "sections": [vars(each) for each in sections]})
        return
    echo(f"run {run.id} · {facts['experiment']} · {facts['model']}")
    saved = f"{facts['steps']:,} steps saved" if facts["steps"] else "no checkpoint"
    echo(f"  {saved} · {facts['path']}")
    for split, recorded in run.scores.items():
        show_scores(run, split, recorded)
    for failure in run.folder.failures:
        say("failed: " + " · ".join(failure.values()))
    for section in sections:
        echo(f"\n{section.title}\n\n{section.text.rstrip()}")


@command.command("path")
@click.argument("wanted", metavar="RUN", default="latest")
def path(wanted: str) -> None:
    """Print the folder of a run: an id, its beginning, latest, or best:METRIC."""
    from vqfw import api

    echo(str(api.open_run(wanted).folder.path))
