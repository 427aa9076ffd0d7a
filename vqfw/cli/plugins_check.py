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
    from vqfw.testing.component import Outcome


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
                _show(outcome)
    failed = sum(each["complaint"] is not None for each in found)
    if as_json:
        print_json({"checks": found, "failed": failed})
    looked = sum(each["skipped"] is None for each in found)
    say(f"{looked} checks; {failed or 'none'} failed")
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


def _show(outcome: Outcome) -> None:
    name = outcome.check
    if outcome.complaint is not None:
        told = f"{outcome.promise}\n          {outcome.complaint}"
        click.echo(f"  FAILED  {name}: {told}")
    elif outcome.skipped is not None:
        click.echo(f"  -       {name}: {outcome.skipped}")
    else:
        click.echo(f"  ok      {name}")
