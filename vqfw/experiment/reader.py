"""Reads JSON into a tree whose every value knows where it was written.

Comments and trailing commas are allowed, anything else is RFC 8259 to the letter, with
limits on size, depth and numbers. What can be understood all the same (``None``, single
quotes, a missing comma) is reported and read on, so that one reading finds all mistakes.
The meaning of the values is not this file's subject.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from vqfw.errors import ExperimentError, Path, Place, Problem

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
# Above this a float64, and so JavaScript and most JSON readers, would round an integer.
MAX_INTEGER = 1 << 53
# A file this wrong is no JSON at all; the rest of the list would help nobody.
MAX_PROBLEMS = 100

Locate = Callable[[int, int], Place]
"""Gives the place of the characters between two offsets of the text."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it was written.

    Args:
        value: ``dict[str, Node]``, ``list[Node]``, str, int, float, bool or None.
        place: where the value stands.
        key: where its key stands; None for list items and for the root.
        replaced: the value of a lower layer that this one took the place of.
    """

    value: Any
    place: Place
    key: Place | None = None
    replaced: Node | None = None

    def plain(self) -> Any:
        """The value and all below it as ordinary Python data."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def children(self) -> Iterator[tuple[str | int, Node]]:
        """Keys or indices with their nodes; nothing for a scalar."""
        if isinstance(self.value, dict):
            yield from self.value.items()
        elif isinstance(self.value, list):
            yield from enumerate(self.value)

    def down(self, path: Path) -> tuple[Node, int]:
        """The deepest node on a path, and how many steps of the path lead to it."""
        node = self
        for steps, part in enumerate(path):
            try:
                node = node.value[part]
            except (KeyError, IndexError, TypeError):
                return node, steps
        return node, len(path)


def read(text: str | bytes, source: str) -> Node:
    """Reads a whole JSON text.

    Args:
        text: the text, or its bytes in UTF-8 with or without a byte order mark.
        source: what to call it in messages.

    Raises:
        ExperimentError: with every mistake that could be found, each with its place.
    """
    root, problems = scan(text, source)
    if problems or root is None:
        raise ExperimentError(problems)
    return root


def scan(text: str | bytes, source: str) -> tuple[Node | None, list[Problem]]:
    """Reads as far as possible.

    Returns:
        The tree, or None if there is no telling what was meant; and all mistakes.
    """
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        message = f"the file has {size:,} bytes, more than the {MAX_BYTES:,} allowed"
        place = Place(source, 1, 1, 1, "")
        help_ = "an experiment is a page of settings: keep data in files of their own"
        return None, [Problem("too-big", message, help=help_, place=place)]
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            return None, [_undecodable(text, error, source)]
    text = text.removeprefix("\ufeff")
    return scan_with(text, Lines(text, source).place)


def scan_with(text: str, locate: Locate) -> tuple[Node | None, list[Problem]]:
    """Like ``scan``, for a text that is only a part of what the user wrote."""
    reader = _Reader(text, locate)
    try:
        root = reader.document()
    except _Stop:
        root = None
    return root, reader.problems


class Lines:
    """Finds line, column and excerpt of an offset.

    Args:
        text: the whole text.
        source: the file as the user named it.
    """

    def __init__(self, text: str, source: str) -> None:
        ends = [(m.start(), m.end()) for m in re.finditer(r"\r\n|\r|\n", text)]
        self.text = text
        self.source = source
        self.starts = [0, *(end for _, end in ends)]
        self.stops = [*(start for start, _ in ends), len(text)]

    def place(self, start: int, stop: int) -> Place:
        """The place of ``text[start:stop]``, cut off at the end of its first line."""
        number = bisect_right(self.starts, start) - 1
        first, last = self.starts[number], self.stops[number]
        length = max(1, min(stop, last) - start)
        excerpt = self.text[first:last]
        return Place(self.source, number + 1, start - first + 1, length, excerpt)


class _Stop(Exception):  # noqa: N818  # it ends a reading, it is nobody's error
    """Ends a reading that cannot go on; the reason is among the problems."""


_SPACE = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_CHARACTERS = re.compile(r'[^"\\\x00-\x1f\ud800-\udfff]+')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<rest>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_NUMBERLIKE = re.compile(r"[+\-.]*[0-9][\w.]*(?:(?<=[eE])[+-]?\w*)?|[+-][A-Za-z]\w*")
_WORD = re.compile(r"[^\W\d][\w\-.$]*")
_SINGLE = re.compile(r"'((?:[^'\\\r\n]|\\.)*)'|[“”„«]([^“”«»\"\r\n]*)[“”»\"]")
_ESCAPES = {
    '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip
_WORDS = {"true": True, "false": False, "null": None}
_FOREIGN = {
    "none": (None, "null"), "nil": (None, "null"), "undefined": (None, "null"),
    "null": (None, "null"), "true": (True, "true"), "yes": (True, "true"),
    "on": (True, "true"), "false": (False, "false"), "no": (False, "false"),
    "off": (False, "false"),
}  # fmt: skip
_NOT_FINITE = {"nan", "inf", "infinity"}


class _Reader:
    """One reading of one text, by recursive descent; ``MAX_DEPTH`` bounds it."""

    def __init__(self, text: str, locate: Locate) -> None:
        self.text = text
        self.locate = locate
        self.at = 0
        self.path: list[str | int] = []
        self.problems: list[Problem] = []

    def document(self) -> Node:
        self.space()
        if self.at == len(self.text):
            self.stop("there is nothing in it", help_='write an object: {"model": ...}')
        root = self.value()
        self.space()
        if self.at < len(self.text):
            self.stop(
                f"the text goes on with {self.shown()} after its end",
                help_="remove what follows, or the bracket that closes too early",
            )
        return root

    # What every rule needs.

    def note(
        self, message: str, start: int, stop: int, help_: str = "", code: str = "syntax"
    ) -> None:
        place = self.locate(start, stop)
        self.problems.append(
            Problem(code, message, tuple(self.path), help=help_, place=place)
        )
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop

    def stop(
        self,
        message: str,
        start: int | None = None,
        length: int = 1,
        help_: str = "",
        code: str = "syntax",
    ) -> NoReturn:
        start = self.at if start is None else start
        self.note(message, start, start + length, help_, code)
        raise _Stop

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

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
            self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]  # it always matches
            character = self.peek()
            if character == "/":
                comment = _COMMENT.match(self.text, self.at)
                if not comment:
                    self.stop(
                        "a comment that never ends"
                        if self.text.startswith("/*", self.at)
                        else "a single '/' means nothing here",
                        help_="comments are // to the end of the line, or /* ... */",
                    )
                self.at = comment.end()
            elif character == "#":
                end = re.compile(r"[^\r\n]*").match(self.text, self.at).end()  # type: ignore[union-attr]  # it always matches
                self.note("'#' starts no comment in JSON", self.at, end, "write // ...")
                self.at = end
            elif character and (character.isspace() or character in "\u200b\ufeff"):
                self.note(
                    f"{self.shown()} is no white space in JSON",
                    self.at, self.at + 1, "replace it by a space",
                )  # fmt: skip
                self.at += 1
            else:
                return

    # The rules.

    def value(self) -> Node:
        start, character = self.at, self.peek()
        if character == "{":
            return Node(self.object(), self.locate(start, self.at))
        if character == "[":
            return Node(self.array(), self.locate(start, self.at))
        if character == '"':
            return Node(self.string(), self.locate(start, self.at))
        quoted = _SINGLE.match(self.text, start)
        if quoted:
            return Node(self.misquoted(quoted), self.locate(start, self.at))
        if _NUMBERLIKE.match(self.text, start):
            return Node(self.number(), self.locate(start, self.at))
        word = _WORD.match(self.text, start)
        if word:
            return Node(self.word(word), self.locate(start, self.at))
        self.no_value()

    def no_value(self) -> NoReturn:
        if re.compile(r"<{7}|={7}|>{7}").match(self.text, self.at):
            self.stop("a merge conflict is left here", length=7, help_="resolve it")
        if self.peek() == "(":
            self.stop(
                "'(' means nothing in JSON", help_="a list stands in square brackets: [ ]"
            )
        if self.peek() in ("'", "“", "”", "„", "«"):
            self.stop("a string that is not closed on its line", help_='write "..."')
        self.stop(f"a value is missing before {self.shown()}")

    def deeper(self, start: int) -> None:
        # Paths and containers grow together, so the path is as deep as the brackets.
        if len(self.path) >= MAX_DEPTH:
            self.stop(
                f"brackets are nested more than {MAX_DEPTH} deep",
                start,
                help_="an experiment needs fewer than ten levels",
                code="too-deep",
            )

    def object(self) -> dict[str, Node]:
        opened = self.at
        self.deeper(opened)
        self.at += 1
        members: dict[str, Node] = {}
        while True:
            self.space()
            if self.peek() == "}":
                self.at += 1
                return members
            start = self.at
            key = self.key(opened)
            place = self.locate(start, self.at)
            self.path.append(key)
            self.colon()
            if key in members:
                first = members[key].key
                where = f"first on line {first.line}" if first and first.line else "twice"
                self.note(
                    f'key "{key}" is written {"twice" if where != "twice" else where}',
                    start, start + place.length,
                    "keep one of them", code="duplicate-key",
                )  # fmt: skip
                if first and first.line:
                    self.problems[-1] = _noted(
                        self.problems[-1],
                        f"{where}; a plain JSON reader would silently keep only the last",
                    )
            node = self.value()
            members.setdefault(key, Node(node.value, node.place, place))
            self.path.pop()
            self.separator("}", opened)

    def key(self, opened: int) -> str:
        start = self.at
        if self.peek() == '"':
            return self.string()
        quoted = _SINGLE.match(self.text, start)
        if quoted:
            return self.misquoted(quoted)
        word = _WORD.match(self.text, start)
        if word:
            self.at = word.end()
            self.note(
                f"key {word[0]} stands without quotes",
                start, self.at, f'put it in double quotes: "{word[0]}"',
            )  # fmt: skip
            return word[0]
        if not self.peek():
            self.unclosed("{", opened)
        self.stop(f"a key in double quotes is missing before {self.shown()}")

    def colon(self) -> None:
        self.space()
        if self.peek() == "=":
            self.note("'=' stands for ':' here", self.at, self.at + 1, "write ':'")
        elif self.peek() != ":":
            self.stop(f"':' is missing before {self.shown()}", help_="write ':'")
        self.at += 1
        self.space()

    def array(self) -> list[Node]:
        opened = self.at
        self.deeper(opened)
        self.at += 1
        items: list[Node] = []
        while True:
            self.space()
            if self.peek() == "]":
                self.at += 1
                return items
            if not self.peek():
                self.unclosed("[", opened)
            self.path.append(len(items))
            items.append(self.value())
            self.path.pop()
            self.separator("]", opened)

    def separator(self, closing: str, opened: int) -> None:
        """Passes over a comma; says so where one is missing between two values."""
        end = self.at
        self.space()
        character = self.peek()
        if character == ",":
            self.at += 1
        elif not character:
            self.unclosed(self.text[opened], opened)
        elif character in "}]" and character != closing:
            where = self.locate(opened, opened + 1)
            at = f" (line {where.line})" if where.line else ""
            self.stop(
                f"'{character}' closes what '{self.text[opened]}'{at} opened",
                help_=f"write '{closing}' before it",
            )
        elif character != closing:
            if character in ":=;)":
                self.stop(f"{self.shown()} is not expected here", help_="write ','")
            self.note("',' is missing here", end, end + 1, "write ',' after this value")

    def unclosed(self, bracket: str, opened: int) -> NoReturn:
        closing = "}" if bracket == "{" else "]"
        self.stop(
            f"'{bracket}' is never closed", opened, help_=f"write '{closing}' at its end"
        )

    def string(self) -> str:
        opened = self.at
        self.at += 1
        parts: list[str] = []
        while True:
            chunk = _CHARACTERS.match(self.text, self.at)
            if chunk:
                parts.append(chunk[0])
                self.at = chunk.end()
            character = self.peek()
            if character == '"':
                self.at += 1
                return _joined(parts)
            if character == "\\":
                parts.append(self.escape(opened))
            elif character in ("", "\n", "\r"):
                self.stop(
                    "a string that is not closed on its line",
                    opened,
                    self.at - opened,
                    help_='write \'"\' at its end, and \\n for a line break in it',
                )
            else:
                self.note(
                    f"{self.shown()} may not stand in a string",
                    self.at, self.at + 1,
                    "write \\t" if character == "\t" else "remove it",
                )  # fmt: skip
                self.at += 1

    def escape(self, opened: int) -> str:
        start = self.at
        letter = self.text[start + 1 : start + 2]
        self.at += 2
        if letter in _ESCAPES and letter:
            return _ESCAPES[letter]
        if letter == "u":
            return self.unicode_escape(start)
        if letter in ("", "\n", "\r"):
            self.at = start
            self.stop("a string that is not closed on its line", opened, start - opened)
        self.note(
            f"'\\{letter}' is no escape of JSON",
            start, start + 2,
            f"write / between folders, or \\\\{letter} for a backslash",
        )  # fmt: skip
        return letter

    def unicode_escape(self, start: int) -> str:
        unit = _hex4(self.text, start + 2)
        if unit is None:
            self.note(
                "'\\u' needs four hexadecimal digits", start, start + 2, "such as \\u00e9"
            )
            return ""
        self.at = start + 6
        if 0xD800 <= unit < 0xDC00 and self.text.startswith("\\u", self.at):
            low = _hex4(self.text, self.at + 2)
            if low is not None and 0xDC00 <= low < 0xE000:
                self.at += 6
                return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        if unit == 0 or 0xD800 <= unit < 0xE000:
            what = "half of a surrogate pair" if unit else "the NUL character"
            self.note(
                f"'{self.text[start : self.at]}' is {what}, which no text may hold",
                start, self.at, "remove it",
            )  # fmt: skip
            return "\ufffd"
        return chr(unit)

    def misquoted(self, quoted: re.Match[str]) -> str:
        self.at = quoted.end()
        text = quoted[1] if quoted[1] is not None else quoted[2]
        text = re.sub(r"\\(.)", r"\1", text)
        self.note(
            f"{quoted[0]} is not in double quotes",
            quoted.start(), quoted.end(), f'JSON writes it "{text}"',
        )  # fmt: skip
        return text

    def number(self) -> Any:
        start = self.at
        like = _NUMBERLIKE.match(self.text, start)
        exact = _NUMBER.match(self.text, start)
        assert like is not None
        self.at = like.end()
        if exact and exact.end() >= like.end():
            self.at = exact.end()
            return self.exact_number(exact)
        token = like[0]
        if token.strip("+-").lower() in _NOT_FINITE:
            return self.not_finite(token, start)
        value = _meant_number(token)
        help_ = "" if value is None else f"write {value}"
        self.note(f"{token} is no number as JSON writes it", start, self.at, help_)
        return value

    def exact_number(self, token: re.Match[str]) -> int | float:
        start, stop = token.span()
        if not token["rest"]:
            digits = token[0].lstrip("-")
            if len(digits) > 16 or int(digits) > MAX_INTEGER:
                self.note(
                    f"{_cut(token[0])} is beyond the whole numbers that JSON keeps exactly",
                    start, stop, f"stay within ±{MAX_INTEGER}", "number",
                )  # fmt: skip
                return 0
            return int(token[0])
        value = float(token[0])
        if value in (float("inf"), float("-inf")):
            self.note(
                f"{_cut(token[0])} is larger than any number that can be stored",
                start, stop, "the largest is about 1.8e308", "number",
            )  # fmt: skip
            return 0.0
        return value

    def word(self, word: re.Match[str]) -> Any:
        start, self.at = word.start(), word.end()
        if word[0] in _WORDS:
            return _WORDS[word[0]]
        if word[0].lower() in _NOT_FINITE:
            return self.not_finite(word[0], start)
        if word[0].lower() in _FOREIGN:
            value, written = _FOREIGN[word[0].lower()]
            python = word[0] in ("None", "True", "False")
            self.note(
                f"write {written}, not {word[0]}" + (" (JSON, not Python)" * python),
                start, self.at, f"write {written}",
            )  # fmt: skip
            return value
        if self.peek() in ('"', "'") and len(word[0]) <= 2:
            self.stop(f"'{word[0]}' before a string means nothing in JSON", start, 1)
        self.note(
            f"{word[0]} stands without quotes",
            start, self.at, f'put it in double quotes: "{word[0]}"',
        )  # fmt: skip
        return word[0]

    def not_finite(self, token: str, start: int) -> None:
        self.note(
            f"{token} is no number that JSON knows",
            start, self.at, "write a finite number, or null where a setting allows it",
            "number",
        )  # fmt: skip


def _noted(problem: Problem, note: str) -> Problem:
    return Problem(
        problem.code, problem.message, problem.path, problem.help, note, problem.place
    )


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "".join(parts)


def _hex4(text: str, at: int) -> int | None:
    digits = text[at : at + 4]
    return int(digits, 16) if re.fullmatch("[0-9a-fA-F]{4}", digits) else None


def _meant_number(token: str) -> int | float | None:
    """What a number in another notation comes to: 0x10, 1_000, .5, 5., +1, 007."""
    if len(token) > 40:
        return None
    for convert in (lambda: int(token, 0), lambda: int(token, 10), lambda: float(token)):
        try:
            value = convert()
        except ValueError:
            continue
        if abs(value) <= MAX_INTEGER:
            return value
    return None


def _cut(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:20]}..."


def _undecodable(text: bytes, error: UnicodeDecodeError, source: str) -> Problem:
    # The decoder counts from behind a byte order mark that it has removed.
    skipped = len(text) - len(text.removeprefix(b"\xef\xbb\xbf"))
    before = text[skipped : skipped + error.start].decode("utf-8", "replace")
    whole = text[skipped:].decode("utf-8", "replace")
    place = Lines(whole, source).place(len(before), len(before) + 1)
    sixteen = text[:2] in (b"\xff\xfe", b"\xfe\xff")
    what = "the text is UTF-16" if sixteen else f"byte 0x{error.object[error.start]:02x} is no UTF-8"
    return Problem("encoding", what, help="save the file as UTF-8", place=place)
