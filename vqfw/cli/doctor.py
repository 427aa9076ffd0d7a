"""``vqfw doctor``: what this machine offers, or why the codebook of a run collapsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from vqfw.cli.talk import hushed, json_option, print_json, say, start_backend


@click.command("doctor")
@click.argument("wanted", metavar="[RUN]", required=False)
@json_option
def command(wanted: str | None, as_json: bool) -> int:
    """Name the cause of a codebook's collapse, and the setting to change.

    RUN is the id of a run, its beginning, latest, or best:METRIC. Without it: versions,
    devices and plugins of this machine; then exit code 3 says that a plugin is broken.
    """
    if wanted is None:
        return _machine(as_json)
    from vqfw import api

    found = api.open_run(wanted).diagnose()
    if as_json:
        print_json(found.as_data())
    else:
        click.echo("\n".join(found.lines()))
    return 0


def _machine(as_json: bool) -> int:
    from vqfw import api

    start_backend(None)
    with hushed():
        found = api.doctor()
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(_told(found)))
    for reason in found["broken"]:
        say(f"broken: {reason}")
    return 3 if found["broken"] else 0


def _told(found: Mapping[str, Any]) -> list[str]:
    versions = " · ".join(
        f"{name} {number}" for name, number in found["versions"].items()
    )
    return [
        versions,
        f"python {found['python']} · {found['platform']}",
        f"processor  {found['processor'] or 'unknown'} · {found['threads']} threads",
        f"backend    {found['backend']} on {', '.join(found['devices'])}",
        f"precision  auto is {found['precision']}",
        f"runs       {found['root']}",
        f"cache      {found['cache']}",
        f"components {found['components']}, {len(found['broken'])} broken",
    ]
