"""``vqfw init``: writes a first experiment."""

from __future__ import annotations

import click

from vqfw.cli.talk import say


@click.command("init")
def command() -> None:
    """Write experiments/experiment.json, with comments, and its schema for your editor."""
    from vqfw import api

    for path in api.init():
        say(f"wrote {path}")
    say("next: vqfw run experiments/experiment.json")
