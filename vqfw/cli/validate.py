"""``vqfw validate``: everything that is wrong with an experiment."""

from __future__ import annotations

import click

from vqfw.cli.talk import (
    json_option,
    plugin_option,
    print_json,
    say,
    set_option,
    use_plugins,
)


@click.command("validate")
@click.argument("file", type=click.Path())
@set_option
@plugin_option
@json_option
def command(
    file: str, overrides: tuple[str, ...], plugins: tuple[str, ...], as_json: bool
) -> None:
    """Check the experiment in FILE; show every problem at once, run nothing."""
    from vqfw import api

    use_plugins(plugins, say)
    api.load(file, overrides)
    if as_json:
        print_json({"problems": []})
    else:
        say(f"{file} is valid; next: vqfw plan {file}")
