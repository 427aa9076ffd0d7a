"""``vqfw tokenize``: encodes pictures into a token file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vqfw.cli.backend import start_backend
from vqfw.cli.options import (
    quiet_option,
    reading_options,
    run_option,
    run_plugin_option,
)
from vqfw.cli.talk import say, say_nothing

if TYPE_CHECKING:
    from vqfw.api.pictures import BadImage, Crop


@click.command("tokenize")
@click.argument("pictures", type=click.Path())
@run_option
@click.option("-o", "--output", default="tokens.npz", show_default=True, help="File.")
@reading_options
@run_plugin_option
@quiet_option
def command(
    pictures: str,
    wanted: str,
    output: str,
    crop: Crop | None,
    on_bad_image: BadImage | None,
    plugins: tuple[str, ...],
    quiet: bool,
) -> None:
    """Encode the PICTURES of a folder or archive as tokens of a run."""
    from vqfw import api

    run = api.open_run(wanted, plugins=plugins)
    start_backend(run.threads)
    tell = say_nothing if quiet else say
    count = run.tokenize(pictures, output, quiet, crop, on_bad_image)
    back = shlex.join(["vqfw", "reconstruct", "--run", run.id, output])
    tell(
        f"{count} pictures written to {output}"
        + (f"; to decode them: {back}" if Path(output).is_file() else "")
    )
