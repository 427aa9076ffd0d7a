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
    """Check the experiment in FILE; show every problem at once, run nothing.

    No installed component is imported: what only a component can tell is told by vqfw
    plan.
    """
    from vqfw import api
    from vqfw.experiment import as_data, render

    use_plugins(plugins, say)
    warnings = api.load(file, overrides).checked.warnings
    if as_json:
        print_json({"problems": [], "warnings": as_data(warnings)})
        return
    if warnings:
        say(render(warnings))
    say(
        f"{file} keeps the schema; sizes and components are checked by: vqfw plan {file}"
    )
