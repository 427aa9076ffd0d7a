"""``vqfw plugins check``: whether a component keeps the contract of its kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vqfw.cli.talk import (
    json_option,
    print_json,
    say,
    start_backend,
    use_plugins,
)
from vqfw.errors import UsageError

if TYPE_CHECKING:
    from vqfw.registry import Entry


@click.command("check")
@click.argument("subject", metavar="KIND/NAME_OR_FILE")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set an option of the component, as in num_embeddings=16. May be repeated.",
)
@json_option
def command(subject: str, settings: tuple[str, ...], as_json: bool) -> int:
    """Run the checks of its kind on a component, or on all that a Python file defines.

    Every check that fails is printed with what it means and how it is usually mended; the
    exit code is then 1. Small sizes are quickest.
    """
    entries = _entries(subject)
    start_backend(None)
    from vqfw.testing.component import outcomes

    found: list[dict[str, Any]] = []
    for entry in entries:
        if not as_json:
            click.echo(f'{entry.kind} "{entry.name}"   {entry.owner}')
        for outcome in outcomes(entry, settings):
            component = {"kind": entry.kind, "name": entry.name}
            found.append({**component, **vars(outcome)})
            if not as_json:
                _show(outcome.check, outcome.promise, outcome.complaint)
    failed = sum(each["complaint"] is not None for each in found)
    if as_json:
        print_json({"checks": found, "failed": failed})
    say(f"{len(found)} checks; {failed or 'none'} failed")
    return 1 if failed else 0


def _entries(subject: str) -> tuple[Entry, ...]:
    from vqfw import api
    from vqfw.experiment.components import named
    from vqfw.testing import kinds

    if subject.endswith(".py") or Path(subject).is_file():
        use_plugins([subject], say)
        every = api.use_plugin(subject)
    else:
        every = (named(subject),)
    entries = tuple(entry for entry in every if entry.kind in kinds())
    if not entries:
        raise UsageError(
            f'there are no checks for kind "{every[0].kind}": there are for '
            f"{', '.join(kinds())}"
        )
    return entries


def _show(check: str, promise: str, complaint: str | None) -> None:
    if complaint is None:
        click.echo(f"  ok      {check}")
    else:
        click.echo(f"  FAILED  {check}: {promise}\n          {complaint}")
