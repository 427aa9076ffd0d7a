"""``vqfw run``: trains, scores and records an experiment."""

from __future__ import annotations

import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vqfw.cli.backend import start_backend, use_plugins
from vqfw.cli.options import (
    data_path_option,
    json_option,
    plugin_option,
    quiet_option,
    set_option,
)
from vqfw.cli.talk import print_json, say, say_nothing
from vqfw.errors import OutputLost

if TYPE_CHECKING:
    from vqfw.api import Run


@click.command("run")
@click.argument("file", required=False, type=click.Path())
@set_option
@plugin_option
@click.option(
    "--name", help="New name of the run. Default: time and name of the experiment."
)
@click.option("--resume", metavar="RUN", help="Continue an interrupted run.")
@data_path_option
@json_option
@quiet_option
def command(
    file: str | None,
    overrides: tuple[str, ...],
    plugins: tuple[str, ...],
    name: str | None,
    resume: str | None,
    data_path: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train the experiment in FILE, score it, and save pictures.

    Records and weights go to checkpoints/<run>/, pictures to images_saved/<run>/. Ctrl-C
    saves a checkpoint and prints the command that continues.

    FILE may be a folder or archive of pictures: its experiment is then written to
    NAME.json first.
    """
    from vqfw import api

    tell = say_nothing if quiet else say
    if resume is not None:
        if file or overrides or name:
            raise click.UsageError(
                "--resume uses the experiment of the run: remove FILE, --set and --name"
            )
        opened = api.open_run(resume, plugins=plugins)
        opened.folder.require_free()
        start_backend(opened.threads)
        with redirect_stdout(sys.stderr):  # stdout is for the result alone
            run = opened.resume(quiet=quiet, data_path=data_path)
    else:
        if not file:
            raise click.UsageError(
                "give an experiment file, as in: vqfw run experiments/experiment.json"
            )
        if data_path is not None:
            raise click.UsageError(
                "--data-path needs --resume; for a new run: --set "
                f"data.dataset.path={shlex.quote(data_path)}"
            )
        use_plugins(plugins, tell)
        experiment = api.load(file, overrides, say=tell)
        start_backend(experiment.checked.training.threads)
        with redirect_stdout(sys.stderr):
            run = experiment.run(name=name, quiet=quiet)
    try:
        if as_json:
            print_json(_result(run))
        else:
            show(run)
    except (OutputLost, BrokenPipeError):
        say(f"stdout cannot be written; the run is done: {run.folder.path}")
        if as_json:
            raise


def _result(run: Run) -> dict[str, Any]:
    """The object that ``--json`` prints."""
    from vqfw.cli.scores import scored, scores_of

    trained = run.trained
    assert trained is not None
    return {
        **scores_of(run, *scored(run)),
        "steps": trained.steps,
        "seconds": round(trained.seconds, 3),
        "images_per_second": trained.images_per_second,
        "revival": dict(trained.revival),
    }


def show(run: Run) -> None:
    """Prints the scores of a finished run beside what the experiment expects."""
    from vqfw.cli.scores import scored, show_scores

    trained = run.trained
    assert trained is not None
    show_scores(run, *scored(run), seconds=trained.seconds)
    revival = trained.revival
    if revival.get("revived"):
        later = (
            f"; {revival['survived']} of {revival['examined']} in use 100 steps later"
            if revival.get("examined")
            else ""
        )
        say(f"codes revived: {revival['revived']}{later}")
    places = {"records and weights": run.path, "pictures": run.folder.pictures}
    here = Path().absolute()
    for label, path in places.items():
        typed = path.relative_to(here) if path.is_relative_to(here) else path
        say(f"{f'{label}:':<21}{typed}")
