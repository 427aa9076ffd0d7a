"""``vqfw reconstruct``: decodes a token file into pictures."""

from __future__ import annotations

import click

from vqfw.cli.backend import start_backend
from vqfw.cli.options import quiet_option, run_option, run_plugin_option
from vqfw.cli.talk import say


@click.command("reconstruct")
@click.argument("tokens", type=click.Path())
@run_option
@click.option(
    "-o", "--output", default="reconstructed", show_default=True, help="Folder."
)
@run_plugin_option
@quiet_option
def command(
    tokens: str, wanted: str, output: str, plugins: tuple[str, ...], quiet: bool
) -> None:
    """Decode a file of TOKENS into pictures, one PNG each."""
    from vqfw import api

    run = api.open_run(wanted, plugins=plugins)
    start_backend(run.threads)
    count = run.detokenize(tokens, output)
    if not quiet:
        say(f"{count} pictures written to {output}")
