"""``vqfw runs``: what was run, and where it lies."""

from __future__ import annotations

from collections.abc import Mapping

import click

from vqfw.cli.talk import json_option, print_json


@click.group("runs")
def command() -> None:
    """List runs and find their folders."""


@command.command("list")
@json_option
def list_runs(as_json: bool) -> None:
    """Every run with its test scores, oldest first."""
    from vqfw import api
    from vqfw.cli.evaluate import scores_of

    found = api.list_runs()
    if as_json:
        print_json({"runs": [scores_of(run, "test") for run in found]})
        return
    for run in found:
        scores = " · ".join(
            f"{name} {entry['value']:.4g}"
            for name, entry in run.scores.get("test", {}).items()
            if isinstance(entry, Mapping) and entry["value"] is not None
        )
        click.echo(f"{run.id:<40} {scores or 'not scored yet'}")


@command.command("path")
@click.argument("wanted", metavar="RUN", default="latest")
def path(wanted: str) -> None:
    """The folder of a run: an id, its beginning, latest, or best:METRIC."""
    from vqfw import api

    click.echo(api.open_run(wanted).folder.path)
