"""``vqfw tokenize``: pictures to tokens."""

from __future__ import annotations

import shlex

import click

from vqfw.cli.talk import (
    quiet_option,
    run_option,
    run_plugin_option,
    say,
    start_backend,
)


@click.command("tokenize")
@click.argument("pictures", type=click.Path())
@run_option
@click.option("-o", "--output", default="tokens.npz", show_default=True, help="File.")
@run_plugin_option
@quiet_option
def command(
    pictures: str, wanted: str, output: str, plugins: tuple[str, ...], quiet: bool
) -> None:
    """Write the PICTURES of a folder or archive as tokens of a run's codebook."""
    from vqfw import api

    run = api.open_run(wanted, plugins=plugins)
    start_backend(run.threads)
    count = run.tokenize(pictures, output, quiet=quiet)
    if not quiet:
        back = shlex.join(["vqfw", "reconstruct", "--run", run.id, output])
        say(f"{count} pictures written to {output}; back with: {back}")
