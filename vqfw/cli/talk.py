"""Prints: data to stdout, words to stderr, one JSON object where ``--json`` asks for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from vqfw.errors import ExperimentError, VqfwError
from vqfw.terminal import Styled, columns, fitted, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

_WIDE = 400

ENVELOPE = 1
"""Version of the shape of ``--json`` output."""


def say(text: str) -> None:
    """Prints a line to stderr; control characters are escaped."""
    click.echo(printable(text), err=True)


def say_folded(text: str) -> None:
    """``say``, folded to the width of the terminal; a command to paste stays whole."""
    say(fitted(text, columns(sys.stderr)))


def say_nothing(text: str) -> None:
    """Prints nothing, for ``--quiet``."""


def echo(text: str, nl: bool = True) -> None:
    """Prints to stdout; control characters are escaped, also those of a stranger's run."""
    click.echo(printable(text), nl=nl)


def show(text: str) -> None:
    """``echo``, folded to the width of the terminal."""
    echo(fitted(printable(text), columns(sys.stdout)))


def draw(parts: Callable[[int], Iterable[RenderableType]]) -> None:
    """Prints rich texts, made for a width; where stdout is no terminal, none is folded."""
    from rich.console import Console

    console = Console(width=columns(sys.stdout) or _WIDE, highlight=False)
    with console.capture() as shown:
        for part in parts(console.width):
            console.print(part, soft_wrap=True)  # a path stays whole
    echo(Styled("\n".join(line.rstrip() for line in shown.get().splitlines())))


def print_json(value: Mapping[str, Any]) -> None:
    """Prints one object, with the version of the envelope."""
    click.echo(json.dumps({"vqfw": ENVELOPE, **value}, indent=2, allow_nan=False))


def show_error(error: VqfwError, as_json: bool) -> None:
    """Prints an error: problems with their places, or one sentence."""
    if isinstance(error, ExperimentError):
        from vqfw.problems.printing import as_data, render

        say(render(error.problems))
        if as_json:
            print_json({"problems": as_data(error.problems)})
    else:
        say(f"error: {error}")
        if as_json:
            print_json({"error": str(error), "exit_code": error.exit_code})
