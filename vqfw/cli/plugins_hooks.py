"""``vqfw plugins hooks``: the moments at which packages may look on, and who does."""

from __future__ import annotations

from dataclasses import asdict

import click

from vqfw.cli.talk import echo, json_option, print_json, say


@click.command("hooks")
@json_option
def command(as_json: bool) -> None:
    """Every hook with its exact arguments; nothing is imported.

    The installed packages that observe are named on stderr.
    """
    from vqfw import api
    from vqfw.authoring.hook_reference import as_markdown

    found = api.hooks()
    observers = [f"{each.qualified} ({each.owner})" for each in api.observers()]
    if as_json:
        hooks = [asdict(each) for each in found]
        print_json({"hooks": hooks, "observers": observers})
        return
    echo(as_markdown(found), nl=False)
    say(f"installed observers: {', '.join(observers) or 'none'}")
