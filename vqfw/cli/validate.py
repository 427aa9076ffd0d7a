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

    For a folder or archive of pictures, its experiment is written to NAME.json first.
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
    say(
        f"{checked.file} is valid; sizes and components are checked by: "
        f"vqfw plan {checked.file}"
    )
