"""Reads JSON into a tree whose every value knows where it was written.

Comments and trailing commas are allowed, anything else is RFC 8259 to the letter, with
limits on size, depth and numbers. What can be understood all the same (``None``, single
quotes, a missing comma) is reported and read on, so that one reading finds all mistakes.
The meaning of the values is not this file's subject.
"""

from __future__ import annotations

import re

from vqfw.errors import ExperimentError, Place, Problem
from vqfw.text import scalars
from vqfw.text.cursor import Cursor, StopReading
from vqfw.text.tree import Lines, Locate, Node

MAX_BYTES = 1 << 20
MAX_DEPTH = 64

_DECIMAL_COMMA = re.compile(r"(-?[0-9]+),([0-9]+)")
_CONFLICT = re.compile(r"<{7}|={7}|>{7}")


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
    content = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if len(content) > MAX_BYTES:
        return None, [_too_big(len(content), source)]
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            return None, [_undecodable(error, source)]
    text = text.removeprefix("\ufeff")
    return scan_with(text, Lines(text, source).place)


def scan_with(text: str, locate: Locate) -> tuple[Node | None, list[Problem]]:
    """Like ``scan``, for a text that is only a part of what the user wrote."""
    cursor = Cursor(text, locate)
    try:
        return _document(cursor), cursor.problems
    except StopReading:
        return None, cursor.problems


def _too_big(size: int, source: str) -> Problem:
    return Problem(
        "too-big",
        f"the file has {size:,} bytes or more, and {MAX_BYTES:,} are allowed",
        help="keep data in files of their own: an experiment is a page of settings",
        place=Place(source, 1, 1, 1, ""),
    )


def _undecodable(error: UnicodeDecodeError, source: str) -> Problem:
    # The decoder has removed a byte order mark before it counted.
    content = error.object
    before = content[: error.start].decode("utf-8", "replace")
    whole = content.decode("utf-8", "replace")
    place = Lines(whole, source).place(len(before), len(before) + 1)
    what = f"byte 0x{content[error.start]:02x} is not valid UTF-8"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        what = "the text is UTF-16"
    return Problem("not-utf-8", what, help="save the file as UTF-8", place=place)


def _document(cursor: Cursor) -> Node:
    cursor.space()
    if not cursor.peek():
        raise cursor.stopped("the file is empty", "write an object: {...}", start=0)
    root = _value(cursor)
    cursor.space()
    if cursor.peek():
        raise cursor.stopped(
            f"{cursor.shown()} is not allowed after the end of the JSON value",
            "remove what follows, or the bracket that closes too early",
        )
    return root


def _value(cursor: Cursor) -> Node:
    start, character = cursor.at, cursor.peek()
    value: object
    if character == "{":
        value = _object(cursor)
    elif character == "[":
        value = _array(cursor)
    elif character == '"':
        value = scalars.string(cursor)
    elif quoted := cursor.match(scalars.MISQUOTED):
        value = scalars.misquoted(cursor, quoted)
    elif like := cursor.match(scalars.NUMBERLIKE):
        value = scalars.number(cursor, like)
    elif word := cursor.match(scalars.WORD):
        value = scalars.word(cursor, word)
    else:
        raise _no_value(cursor)
    return Node(value, cursor.locate(start, cursor.at))


def _no_value(cursor: Cursor) -> StopReading:
    if conflict := cursor.match(_CONFLICT):
        return cursor.stopped(
            "unresolved merge conflict", "resolve it", stop=conflict.end()
        )
    if cursor.peek() == "(":
        return cursor.stopped("'(' is not allowed in JSON", "write a list in [ ]")
    if cursor.peek() in ("'", "“", "”", "„", "«"):
        return cursor.stopped("the string is not closed on its line", 'write "..."')
    return cursor.stopped(
        f"a value is missing before {cursor.shown()}", "write a value"
    )


def _open(cursor: Cursor) -> int:
    """Passes over an opening bracket."""
    # Paths and brackets grow together, so the path is as long as the nesting is deep.
    if len(cursor.path) >= MAX_DEPTH:
        message = f"brackets are nested more than {MAX_DEPTH} deep"
        repair = "use fewer levels: an experiment needs fewer than ten"
        raise cursor.stopped(message, repair, code="nested-too-deep")
    cursor.at += 1
    return cursor.at - 1


def _object(cursor: Cursor) -> dict[str, Node]:
    opened = _open(cursor)
    members: dict[str, Node] = {}
    while True:
        cursor.space()
        if cursor.peek() == "}":
            cursor.at += 1
            return members
        start = cursor.at
        key = _key(cursor, opened)
        stop = cursor.at
        cursor.path.append(key)
        _colon(cursor)
        if key in members:
            _duplicate(cursor, key, start, stop, members[key].key)
        node = _value(cursor)
        members.setdefault(
            key, Node(node.value, node.place, cursor.locate(start, stop))
        )
        cursor.path.pop()
        _separator(cursor, "}", opened)


def _key(cursor: Cursor, opened: int) -> str:
    if cursor.peek() == '"':
        return scalars.string(cursor)
    if quoted := cursor.match(scalars.MISQUOTED):
        return scalars.misquoted(cursor, quoted)
    if word := cursor.match(scalars.WORD):
        return scalars.unquoted(cursor, word)
    if not cursor.peek():
        raise _unclosed(cursor, opened)
    if cursor.match(_CONFLICT):
        raise _no_value(cursor)
    if comma := _DECIMAL_COMMA.search(cursor.text, max(0, cursor.at - 20)):
        start, stop = comma.span()
        if start < cursor.at < stop:
            number = f"{comma[1]}.{comma[2]}"
            message = f"{comma[0]} has a decimal comma"
            raise cursor.stopped(message, f"write {number}", start, stop)
    message = f"a key in double quotes is missing before {cursor.shown()}"
    raise cursor.stopped(message, 'write "key": value')


def _colon(cursor: Cursor) -> None:
    cursor.space()
    if cursor.peek() == "=":
        message = "'=' is not allowed here"
        cursor.note(message, cursor.at, cursor.at + 1, repair="write ':'")
    elif cursor.peek() != ":":
        raise cursor.stopped(f"':' is missing before {cursor.shown()}", "write ':'")
    cursor.at += 1
    cursor.space()


def _duplicate(
    cursor: Cursor, key: str, start: int, stop: int, first: Place | None
) -> None:
    where = f"first on line {first.line}; " if first and first.line else ""
    cursor.note(
        f'duplicate key "{key}"',
        start,
        stop,
        repair="keep one of the two",
        note=f"{where}other JSON readers silently keep the last value",
        code="duplicate-key",
    )


def _array(cursor: Cursor) -> list[Node]:
    opened = _open(cursor)
    items: list[Node] = []
    while True:
        cursor.space()
        if cursor.peek() == "]":
            cursor.at += 1
            return items
        if not cursor.peek():
            raise _unclosed(cursor, opened)
        cursor.path.append(len(items))
        items.append(_value(cursor))
        cursor.path.pop()
        _separator(cursor, "]", opened)


def _separator(cursor: Cursor, closing: str, opened: int) -> None:
    """Passes over a comma; says so where one is missing between two values."""
    end = cursor.at
    cursor.space()
    character = cursor.peek()
    if character == ",":
        cursor.at += 1
    elif not character:
        raise _unclosed(cursor, opened)
    elif character in "}]" and character != closing:
        where = cursor.locate(opened, opened + 1)
        line = f" on line {where.line}" if where.line else ""
        message = f"'{character}' closes what '{cursor.text[opened]}'{line} opened"
        raise cursor.stopped(message, f"write '{closing}' before it")
    elif character == ":" and closing == "]":
        where = cursor.locate(opened, opened + 1)
        line = f" from line {where.line}" if where.line else ""
        message = f"a key is not allowed in the list{line}"
        raise cursor.stopped(message, "write ']' before the key")
    elif character in ":=;)":
        raise cursor.stopped(f"{cursor.shown()} is not expected here", "write ','")
    elif character != closing:
        cursor.note("',' is missing here", end, end + 1, repair="write ',' here")


def _unclosed(cursor: Cursor, opened: int) -> StopReading:
    bracket = cursor.text[opened]
    closing = "}" if bracket == "{" else "]"
    message = f"'{bracket}' is not closed"
    return cursor.stopped(message, f"write '{closing}' at its end", opened)
