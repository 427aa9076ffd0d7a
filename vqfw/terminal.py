"""Folds text to the width of a terminal, and escapes control characters."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import TextIO

BETWEEN = " · "
"""What separates the items of a line."""

# The option of a command, before its value.
_OPTION = re.compile(r" --[a-z-]+\Z")
# A label and the spaces up to its value, or the number of a list, or an indentation.
_LABEL = re.compile(r" *(?:\d+\. |[^ ]+(?: [^ ]+)* {2,})?")


# What may drive a terminal or reorder a line: control characters, halves of characters,
# separators of lines and paragraphs, and invisible signs of format.
_UNSEEN = (
    "\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e"
    "\\u2060-\\u206f\\ud800-\\udfff\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e007f"
)
_DRIVING = re.compile(f"[{_UNSEEN}]")
_BREAKING = re.compile(f"[{_UNSEEN}\\t\\n]")


class Styled(str):
    """Text with colours of ours: whoever makes one has escaped what it shows."""

    __slots__ = ()


def printable(text: str) -> str:
    r"""Text with control characters escaped, except line ends and tabs.

    >>> print(printable("a\x1b[2Jb"))
    a\x1b[2Jb
    """
    return text if isinstance(text, Styled) else _DRIVING.sub(_escape, text)


def inline(text: str) -> str:
    """Like ``printable``, with line ends and tabs escaped too."""
    return _BREAKING.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def columns(stream: TextIO | None) -> int | None:
    """The width of a stream in columns; None if it is not a terminal.

    ``COLUMNS`` of the environment is taken before what the terminal says.
    """
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    try:
        if stream is not None and stream.isatty():
            return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        pass
    return None


def width_of(text: str) -> int:
    """The width of a text in columns; a Chinese or Japanese character takes two."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    combining = sum(unicodedata.combining(each) > 0 for each in text)
    return len(text) + wide - combining


def flowed(items: Iterable[str], width: int) -> Iterator[str]:
    """Lines of items, as many in each as fit.

    >>> list(flowed(["loss 0.5", "usage 0.75", "dead 4"], 22))
    ['loss 0.5 · usage 0.75', 'dead 4']

    Args:
        items: in their order; one wider than the line has a line of its own.
        width: columns of the line.
    """
    line = ""
    for item in items:
        longer = f"{line}{BETWEEN}{item}" if line else item
        if line and width_of(longer) > width:
            yield line
            longer = item
        line = longer
    if line:
        yield line


def fitted(text: str, width: int | None) -> str:
    """Text whose lines are folded where they are too long, under their own beginning.

    A line is folded between items where it has some, else between words. A word that is
    longer than the line, such as a path, stays whole, so that it can be copied.

    >>> print(fitted("memory   weights 2 MB · optimizer 1 MB", 30))
    memory   weights 2 MB
             optimizer 1 MB

    Args:
        text: lines; a label and its value are separated by two spaces or more.
        width: columns; None leaves every line as it is.
    """
    if width is None:
        return text
    return "\n".join(part for line in text.split("\n") for part in _folded(line, width))


def _folded(line: str, width: int) -> Iterator[str]:
    hang = _hang(line, width)
    while (room := _room(line, width)) < len(line):
        cut = _cut(line, hang, room)
        if cut is None:
            break
        end, start = cut
        yield line[:end].rstrip()
        line = " " * hang + line[start:].lstrip()
    yield line


def _hang(line: str, width: int) -> int:
    """The column under which a folded line goes on."""
    indent = len(line) - len(line.lstrip())
    label = _LABEL.match(line)
    assert label is not None
    hang = label.end()
    return hang if indent < hang <= width // 2 else min(indent + 2, width // 2)


def _room(line: str, width: int) -> int:
    """How many characters of a line fit."""
    room = min(len(line), width)
    while width_of(line[:room]) > width:
        room -= 1
    return room


def _cut(line: str, hang: int, room: int) -> tuple[int, int] | None:
    """The end of a line and the start of the next; None if it cannot be folded."""
    for separator in (BETWEEN, "   ", " ─ ", " "):
        at = line.rfind(separator, hang + 1, room + len(separator))
        if separator == " " and (option := _OPTION.search(line, hang + 1, max(at, 0))):
            at = option.start()  # its value would be on the next line
        if at > hang and line[hang:at].strip():
            return at, at + (len(BETWEEN) if separator == BETWEEN else 1)
    at = line.find(" ", max(room, hang + 1))
    return (at, at + 1) if at >= 0 else None


def beside(left: str, right: str, width: int | None) -> str:
    """Two texts in a line where they fit, else the second one beneath, indented."""
    above, between, last = left.rpartition("\n")
    line = f"{last}  {right}".rstrip()
    if width is None or width_of(line) <= width:
        return f"{above}{between}{line}"
    return "\n".join(fitted(text, width) for text in (left.rstrip(), f"    {right}"))
