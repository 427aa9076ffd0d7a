"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def _plugin_option(text: str) -> Callable[[Command], Command]:
    return click.option("--plugin", "plugins", multiple=True, metavar="FILE", help=text)


json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object to stdout instead of text.",
)
quiet_option = click.option("--quiet", is_flag=True, help="Show no progress.")
run_option = click.option(
    "--run",
    "wanted",
    default="latest",
    show_default=True,
    help="Id of a run, the beginning of one, latest, or best:METRIC.",
)
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a value, as in model.quantizer.decay=0.995. May be repeated.",
)
plugin_option = _plugin_option(
    "Python file with components of your own. May be repeated."
)
run_plugin_option = _plugin_option(
    "Python file that the run was made with; needed once if you never ran it on this "
    "machine. May be repeated."
)
data_path_option = click.option(
    "--data-path",
    metavar="PATH",
    help="New path of the run's own data; other pictures are refused.",
)


def _crop(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """The crop as a number of pixels, or ``none``."""
    if value is None or value == "none":
        return value
    if value.isdecimal() and int(value):
        return int(value)
    raise click.BadParameter(
        f'"{value}" is not a number of pixels: write one from 1, or none'
    )


def reading_options(command: Command) -> Command:
    """Adds ``--crop`` and ``--on-bad-image``, for pictures that are not the run's own."""
    bad = click.option(
        "--on-bad-image",
        type=click.Choice(["error", "skip"]),
        help="Stop at a picture that cannot be read, or skip it. Default: as the run.",
    )
    crop = click.option(
        "--crop",
        callback=_crop,
        metavar="N|none",
        help="Size of the centred square to cut out, in pixels; none: the largest that "
        "fits. Default: as the run.",
    )
    return crop(bad(command))
