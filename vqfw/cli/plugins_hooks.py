"""``vqfw plugins hooks``: the hooks that an observer may implement."""

from __future__ import annotations

from dataclasses import asdict

import click

from vqfw.cli.options import json_option
from vqfw.cli.talk import echo, print_json, say


@click.command("hooks")
@json_option
def command(as_json: bool) -> None:
    """List the hooks with their arguments; nothing is imported.

    Installed observers are named on stderr.
    """
    from vqfw import api
    from vqfw.authoring.hook_reference import as_markdown

    hooks = api.hooks()
    observers = [f"{each.qualified} ({each.owner})" for each in api.observers()]
    if as_json:
        print_json({"hooks": [*map(asdict, hooks)], "observers": observers})
        return
    echo(as_markdown(hooks), nl=False)
    say(f"installed observers: {', '.join(observers) or 'none'}")
