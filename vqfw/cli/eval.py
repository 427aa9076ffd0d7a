"""``vqfw eval``: scores a run again, or on other pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vqfw.cli.backend import start_backend
from vqfw.cli.options import (
    data_path_option,
    json_option,
    quiet_option,
    reading_options,
    run_option,
    run_plugin_option,
)
from vqfw.cli.scores import scores_of, show_scores
from vqfw.cli.talk import print_json

if TYPE_CHECKING:
    from vqfw.api.pictures import BadImage, Crop


@click.command("eval")
@run_option
@click.option(
    "--split",
    type=click.Choice(["validation", "test"]),
    default="test",
    show_default=True,
    help="Images of the run's own data to score.",
)
@click.option("--data", metavar="PATH", help="Score a folder or archive of pictures.")
@click.option(
    "--weights",
    type=click.Choice(["averaged", "last"]),
    default="averaged",
    help="Of a run that averages its weights: the averages, or the last weights.",
)
@reading_options
@data_path_option
@run_plugin_option
@json_option
@quiet_option
def command(
    wanted: str,
    split: str,
    data: str | None,
    weights: str,
    crop: Crop | None,
    on_bad_image: BadImage | None,
    data_path: str | None,
    plugins: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Score a run, and check that its tokens decode to the same pictures."""
    from vqfw import api

    run = api.open_run(wanted, plugins=plugins)
    start_backend(run.threads)
    scores = run.evaluate(
        split,  # type: ignore[arg-type]  # click.Choice allows no other
        data,
        quiet,
        weights,  # type: ignore[arg-type]  # click.Choice allows no other
        data_path,
        crop,
        on_bad_image,
    )
    name = ("data" if data else split) + "_last_weights" * (weights == "last")
    if as_json:
        print_json(scores_of(run, name, scores.record()))
    else:
        show_scores(run, name, scores.record())
