"""``vqfw explain``: every value and who set it, or the meaning of an error code."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import click

from vqfw.cli.backend import use_plugins
from vqfw.cli.options import json_option, plugin_option, set_option
from vqfw.cli.talk import echo, print_json, say, show
from vqfw.terminal import columns

_EXAMPLE = ("wrong:", "right:", " ")


@click.command("explain")
@click.argument("subject", metavar="FILE_OR_CODE")
@set_option
@plugin_option
@json_option
def command(
    subject: str, overrides: tuple[str, ...], plugins: tuple[str, ...], as_json: bool
) -> None:
    """Show where every value of an experiment comes from, or explain an error code."""
    from vqfw import api
    from vqfw.problems.explanations import CODES, RENAMED, explanation

    if (subject in CODES or subject in RENAMED) and not Path(subject).exists():
        if as_json:
            print_json(
                {
                    "code": RENAMED.get(subject, subject),
                    "explanation": explanation(subject),
                }
            )
        else:
            show(_wrapped(explanation(subject), columns(sys.stdout)))
        return
    use_plugins(plugins, say)
    checked = api.load(subject, overrides, say=say).checked
    if as_json:
        print_json({"values": checked.explain_data()})
    else:
        echo(checked.explain(columns(sys.stdout)))


def _wrapped(text: str, width: int | None) -> str:
    """Prose wrapped anew; the lines of an example stay as they are."""
    if width is None:
        return text
    return "\n\n".join(
        each if each.startswith(_EXAMPLE) else textwrap.fill(each, width)
        for each in text.split("\n\n")
    )
