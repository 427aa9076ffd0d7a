"""The position of a JSON reader in its text, and the errors found so far.

The grammar is in ``scalars.py`` and ``reader.py``.
"""

from __future__ import annotations

import re
import unicodedata

from vqfw.errors import Problem
from vqfw.text.tree import Locate

# A file with so many errors is not JSON; more of them would not help.
MAX_PROBLEMS = 100

_SPACE = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_REST_OF_LINE = re.compile(r"[^\r\n]*")


class StopReading(Exception):  # caught by the reader
    """Ends a reading that cannot go on; the reason is among the problems."""


class Cursor:
    """The position of a reader in a text.

    Args:
        text: what is read.
        locate: gives the place of an offset.
    """

    def __init__(self, text: str, locate: Locate) -> None:
        self.text = text
        self.locate = locate
        self.at = 0
        self.path: list[str | int] = []
        self.problems: list[Problem] = []

    def note(
        self,
        message: str,
        start: int,
        stop: int,
        *,
        repair: str = "",
        note: str = "",
        code: str = "invalid-json",
    ) -> None:
        """Records an error after which the reader continues.

        Raises:
            StopReading: if there have been too many.
        """
        place = self.locate(start, stop)
        self.problems.append(
            Problem(code, message, tuple(self.path), repair, note, place)
        )
        if len(self.problems) >= MAX_PROBLEMS:
            raise StopReading

    def stopped(
        self,
        message: str,
        repair: str = "",
        start: int | None = None,
        stop: int | None = None,
        code: str = "invalid-json",
    ) -> StopReading:
        """Records an error after which the reader cannot continue."""
        start = self.at if start is None else start
        self.note(message, start, stop or start + 1, repair=repair, code=code)
        return StopReading()

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Matches a pattern here, without moving."""
        return pattern.match(self.text, self.at)

    def shown(self) -> str:
        """The next character, for a message."""
        character = self.peek()
        if not character:
            return "the end of the text"
        if character.isprintable() and not character.isspace():
            return f"'{character}'"
        name = unicodedata.name(character, "a control character").lower()
        return f"U+{ord(character):04X} ({name})"

    def space(self) -> None:
        """Passes over white space and comments."""
        while True:
            self._over(_SPACE)
            character = self.peek()
            if character == "/":
                self._comment()
            elif character == "#":
                start = self.at
                self._over(_REST_OF_LINE)
                message = "'#' does not start a comment in JSON"
                self.note(message, start, self.at, repair="write // ...")
            elif character and (character.isspace() or character in "\u200b\ufeff"):
                message = f"{self.shown()} is not allowed as white space in JSON"
                self.note(message, self.at, self.at + 1, repair="write a plain space")
                self.at += 1
            else:
                return

    def _comment(self) -> None:
        if comment := self.match(_COMMENT):
            self.at = comment.end()
            return
        message = "a single '/' is not allowed"
        if self.text.startswith("/*", self.at):
            message = "the comment is not closed"
        repair = "write // for a comment to the end of the line, or /* ... */"
        raise self.stopped(message, repair)

    def _over(self, pattern: re.Pattern[str]) -> None:
        found = self.match(pattern)
        if found:
            self.at = found.end()
