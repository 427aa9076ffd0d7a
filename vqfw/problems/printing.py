"""Prints problems: one printer for files, ``--set``, components' checks and plugins.

It prints what it is given; finding problems is done elsewhere.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from vqfw.errors import Place, Problem, dotted
from vqfw.streams import forgiving
from vqfw.terminal import Styled, columns, fitted, width_of

# Longer lines are shown as a window around the place.
WIDTH = 100

Segment = tuple[str, str]
"""A style of rich, and a text without line ends."""


def render(
    problems: Sequence[Problem], color: bool | None = None, width: int | None = None
) -> str:
    """The problems as a person reads them, in the order given.

    Args:
        problems: at least one.
        color: whether to colour; None colours where standard error is a terminal and
            NO_COLOR is not set.
        width: columns; None takes those of the terminal at standard error, if any.
    """
    stderr = forgiving(sys.stderr)
    width = width or columns(stderr)
    lines = [line for problem in problems for line in (*_lines(problem, width), [])]
    lines += [[("bold", each)] for each in _parts(_closing(problems), width)]
    if color is None:
        color = stderr.isatty() and not os.environ.get("NO_COLOR")
    if not color:
        return "\n".join("".join(text for _, text in line).rstrip() for line in lines)
    return _colored(lines)


def as_data(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """The problems as data, for ``--json``; lines and columns count from 1."""
    return [
        {
            "code": problem.code,
            "severity": problem.severity,
            "message": problem.message,
            "path": dotted(problem.path),
            "keys": list(problem.path),
            "help": problem.help,
            "note": problem.note,
            **{
                name: getattr(problem.place, name, None) or None
                for name in ("source", "line", "column", "length")
            },
        }
        for problem in problems
    ]


def _lines(problem: Problem, width: int | None) -> Iterator[list[Segment]]:
    style = "bold red" if problem.severity == "error" else "bold yellow"
    head = f"{problem.severity}[{problem.code}]"
    yield from _folded((style, head), f": {_safe(problem.message)}", width, "bold")
    place = problem.place
    at = f"   at {_safe(dotted(problem.path))}" if problem.path else ""
    if place is not None and place.line:
        yield [("blue", f"  --> {_safe(str(place))}"), ("", at)]
    elif at:
        yield [("blue", "  -->"), ("", at.replace("   ", " ", 1))]
    elif place is not None and not place.column:
        yield [("blue", f"  --> {_safe(place.source)}")]
    if place is not None and place.column and place.excerpt:
        yield from _excerpt(place, style, width)
    if problem.help:
        yield from _folded(("green", "  = help: "), _safe(problem.help), width)
    if problem.note:
        yield from _folded(("cyan", "  = note: "), _safe(problem.note), width)


def _folded(
    head: Segment, text: str, width: int | None, style: str = ""
) -> Iterator[list[Segment]]:
    """A head and a text, folded to the terminal; a command to paste stays whole."""
    first, *more = _parts(head[1] + text, None if "--" in text else width)
    yield [head, (style, first.removeprefix(head[1]))]
    for part in more:
        yield [(style, part)]


def _parts(text: str, width: int | None) -> list[str]:
    return fitted(text, width).split("\n")


def _excerpt(place: Place, style: str, width: int | None) -> Iterator[list[Segment]]:
    """The line and, below it, carets under the place."""
    text, start = place.excerpt, place.column - 1
    margins = len(f"{place.line} | ......")
    window = WIDTH if width is None else min(WIDTH, max(20, width - margins))
    first = max(0, start - window // 2) if len(text) > window else 0
    shown = text[first : first + window]
    before = ("..." if first else "") + _fixed(shown[: start - first])
    marked = _fixed(shown[start - first : start - first + place.length])
    after = _fixed(shown[start - first + place.length :])
    after += "..." if first + window < len(text) else ""
    number = str(place.line) if place.line else " "
    margin = " " * len(number)
    yield [("blue", f"{number} | "), ("", before + marked + after)]
    carets = "^" * max(1, width_of(marked))
    yield [("blue", f"{margin} | "), (style, " " * width_of(before) + carets)]


def _fixed(text: str) -> str:
    return _safe(text.replace("\t", "    "))


def _safe(text: str) -> str:
    """Without control characters, which could drive a terminal."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def _closing(problems: Sequence[Problem]) -> str:
    counts = Counter(problem.severity for problem in problems)
    told = [
        f"{count} {word if count == 1 else word + 's'}"
        for word, count in (
            ("problem", counts["error"]),
            ("warning", sum(counts.values()) - counts["error"]),
        )
        if count
    ]
    places = [problem.place for problem in problems if problem.place]
    files = list(dict.fromkeys(each.source for each in places if each.line))
    where = f" in {_safe(' and '.join(files))}" if files else ""
    if not counts["error"]:
        return f"{' and '.join(told)}{where}."
    first = next(each.code for each in problems if each.severity == "error")
    return f"{' and '.join(told)}{where}. Nothing was run.   (vqfw explain {first})"


def _colored(lines: Sequence[Sequence[Segment]]) -> str:
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    console = Console(
        file=StringIO(),
        force_terminal=True,
        width=10_000,
        highlight=False,
        soft_wrap=True,
    )
    with console.capture() as capture:
        for line in lines:
            console.print(Text.assemble(*((text, style) for style, text in line)))
    return Styled(capture.get().rstrip("\n"))
