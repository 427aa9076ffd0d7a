"""``vqfw validate``: prints every problem of an experiment."""

from __future__ import annotations

import click

from vqfw.cli.backend import use_plugins
from vqfw.cli.options import json_option, plugin_option, set_option
from vqfw.cli.talk import print_json, say


@click.command("validate")
@click.argument("file", type=click.Path())
@set_option
@plugin_option
@json_option
def command(
    file: str, overrides: tuple[str, ...], plugins: tuple[str, ...], as_json: bool
) -> None:
    """Check the experiment in FILE and show every problem; nothing is trained.

    No component is imported; vqfw plan also runs the checks of the components.

    FILE may be a folder or archive of pictures: its experiment is then written to
    NAME.json first.
    """
    from vqfw import api
    from vqfw.problems.printing import as_data, render

    use_plugins(plugins, say)
    checked = api.load(file, overrides, say=say).checked
    if as_json:
        print_json({"problems": [], "warnings": as_data(checked.warnings)})
        return
    if checked.warnings:
        say(render(checked.warnings))
    path = checked.file
    say(f"{path} is valid. Sizes and components: vqfw plan {path}")
