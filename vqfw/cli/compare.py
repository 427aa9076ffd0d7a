"""``vqfw compare``: what differs between runs, and what each has reached."""

from __future__ import annotations

import sys

import click

from vqfw.cli.talk import echo, json_option, print_json
from vqfw.terminal import Styled, columns

# Where nobody reads it in a terminal, no line is folded.
_WIDE = 400


@click.command("compare")
@click.argument("wanted", metavar="RUN RUN...", nargs=-1, required=True)
@json_option
def command(wanted: tuple[str, ...], as_json: bool) -> None:
    """Compare runs with the first one: settings, versions, scores.

    RUN is an id, the beginning of one, latest, or best:METRIC. Whether the runs can be
    compared fairly is said in the last line.
    """
    from vqfw import api

    found = api.compare(wanted)
    if as_json:
        print_json(found.data())
        return
    from rich.console import Console

    from vqfw.results.side_by_side import renderables

    console = Console(width=columns(sys.stdout) or _WIDE, highlight=False)
    with console.capture() as shown:
        for each in renderables(found, console.width):
            console.print(each, soft_wrap=True)  # a path stays whole
    echo(Styled("\n".join(line.rstrip() for line in shown.get().splitlines())))
