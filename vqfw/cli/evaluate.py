"""``vqfw eval``: score a run again, or on other pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from vqfw.cli.talk import (
    data_path_option,
    echo,
    json_option,
    print_json,
    quiet_option,
    reading_options,
    run_option,
    run_plugin_option,
    say,
    say_nothing,
    start_backend,
)

if TYPE_CHECKING:
    from vqfw.api import Run
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
    help="Where a run averages its weights: the averages (as usual) or the last ones.",
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
    tell = say_nothing if quiet else say
    found = run.evaluate(
        split,  # type: ignore[arg-type]  # click.Choice allows no other
        data,
        quiet,
        tell,
        weights,  # type: ignore[arg-type]  # click.Choice allows no other
        data_path,
        crop,
        on_bad_image,
    )
    name = ("data" if data else split) + "_last_weights" * (weights == "last")
    if as_json:
        print_json(scores_of(run, name, found.record()))
    else:
        show_scores(run, name, found.record())


def scores_of(run: Run, split: str, recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Identity and bare scores of a run, as scripts read them."""
    values = {
        name: entry["value"]
        for name, entry in recorded.items()
        if isinstance(entry, Mapping)
    }
    return {
        "run": run.id,
        "path": str(run.folder.path),
        "split": split,
        "images": recorded.get("images", 0),
        "scores": values,
    }


def scored(run: Run) -> tuple[str, Mapping[str, Any]]:
    """The split that a finished run was scored on, and its scores."""
    scores = run.scores
    split = "test" if "test" in scores else "validation"
    return split, scores.get(split, {})


def show_scores(
    run: Run, split: str, recorded: Mapping[str, Any], seconds: float | None = None
) -> None:
    """Prints a score a line: value, interval, what the experiment expects."""
    expected = run.folder.resolved.get("expected", {}) if split == "test" else {}
    images = recorded.get("images")
    counted = f"{images:,} image{'' if images == 1 else 's'}" if images else ""
    scored = f"{split} · {counted}" if images else "not scored"
    echo(f"run {run.id} · {scored}")
    for name, entry in recorded.items():
        if isinstance(entry, Mapping):
            echo(_line(name, entry, expected.get(name)))
    if bits := recorded.get("bits_per_image"):
        echo(f"  {'bits an image':<16} {bits:.0f}")
    if seconds is not None:
        hoped = expected.get("minutes")
        beside = f"   (expected {hoped:g})" if hoped is not None else ""
        echo(f"  {'minutes':<16} {seconds / 60:.1f}{beside}")


def _line(name: str, entry: Mapping[str, Any], hoped: float | None) -> str:
    value = entry["value"]
    if value is None:
        return f"  {name:<16} does not apply"
    unit = f" {entry['unit']}" if entry.get("unit") else ""
    line = f"  {name:<16} {value:.4g}{unit}"
    if entry.get("interval"):
        half = (entry["interval"][1] - entry["interval"][0]) / 2
        line += f" ± {half:.2g}"
    return line + (f"   (expected {hoped:g})" if hoped is not None else "")
