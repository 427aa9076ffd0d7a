"""``vqfw compare``: settings, versions and scores of runs side by side."""

from __future__ import annotations

import click

from vqfw.cli.options import json_option
from vqfw.cli.talk import draw, print_json


@click.command("compare")
@click.argument("wanted", metavar="RUN RUN...", nargs=-1, required=True)
@json_option
def command(wanted: tuple[str, ...], as_json: bool) -> None:
    """Compare runs with the first one: settings, versions, scores.

    RUN is an id, the beginning of one, latest, or best:METRIC. The last line says whether
    the comparison is fair.
    """
    from vqfw import api

    comparison = api.compare(wanted)
    if as_json:
        print_json(comparison.data())
        return
    from vqfw.results.compare_table import renderables

    draw(lambda width: renderables(comparison, width))
