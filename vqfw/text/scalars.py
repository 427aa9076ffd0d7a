"""Strings, numbers and words of JSON; and of Python, YAML and the like, with the repair.

Each function starts at the first character of its token and leaves the cursor behind it.
"""

from __future__ import annotations

import re
from typing import Any

from vqfw.text.cursor import Cursor

# Above this a float64, and so JavaScript and most JSON readers, would round an integer.
MAX_INTEGER = 1 << 53

MISQUOTED = re.compile(r"'((?:[^'\\\r\n]|\\.)*)'|[“”„«]([^“”«»\"\r\n]*)[“”»\"]")
NUMBERLIKE = re.compile(r"[+\-.]*[0-9][\w.]*(?:(?<=[eE])[+-]?\w*)?|[+-][A-Za-z]\w*")
WORD = re.compile(r"[^\W\d][\w\-.$]*")

_CHARACTERS = re.compile(r'[^"\\\x00-\x1f\ud800-\udfff]+')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<rest>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_HEX4 = re.compile("[0-9a-fA-F]{4}")
_ESCAPES = {
    '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip
_WORDS = {"true": True, "false": False, "null": None}
_FOREIGN_WORDS = {
    "none": "null", "nil": "null", "undefined": "null", "null": "null", "true": "true",
    "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false",
}  # fmt: skip
_NOT_FINITE = {"nan", "inf", "infinity"}


def string(cursor: Cursor) -> str:
    """A string in double quotes."""
    opened = cursor.at
    cursor.at += 1
    parts: list[str] = []
    while True:
        chunk = cursor.match(_CHARACTERS)
        if chunk:
            parts.append(chunk[0])
            cursor.at = chunk.end()
        character = cursor.peek()
        if character == '"':
            cursor.at += 1
            return "".join(parts)
        if character == "\\":
            parts.append(_escape(cursor, opened))
        elif character in ("", "\n", "\r"):
            raise cursor.stopped(
                "the string is not closed on its line",
                "write '\"' at its end, and \\n for a line break in it",
                opened,
                cursor.at,
            )
        else:
            message = f"{cursor.shown()} is not allowed in a string"
            repair = "write \\t" if character == "\t" else "remove it"
            cursor.note(message, cursor.at, cursor.at + 1, repair=repair)
            cursor.at += 1


def _escape(cursor: Cursor, opened: int) -> str:
    start = cursor.at
    letter = cursor.text[start + 1 : start + 2]
    if letter in ("", "\n", "\r"):
        message = "the string is not closed on its line"
        raise cursor.stopped(message, "write '\"' at its end", opened, start)
    cursor.at += 2
    if letter == "u":
        return _unicode_escape(cursor, start)
    if letter not in _ESCAPES:
        message = f"'\\{letter}' is not a JSON escape sequence"
        repair = f"write / between folders, or \\\\{letter} for a backslash"
        cursor.note(message, start, cursor.at, repair=repair)
    return _ESCAPES.get(letter, letter)


def _unicode_escape(cursor: Cursor, start: int) -> str:
    digits = cursor.match(_HEX4)
    if not digits:
        message = "'\\u' needs four hexadecimal digits"
        cursor.note(message, start, cursor.at, repair="write such as \\u00e9")
        return ""
    cursor.at += 4
    unit = int(digits[0], 16)
    if 0xD800 <= unit < 0xDC00 and (low := _low_surrogate(cursor)):
        return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
    if unit == 0 or 0xD800 <= unit < 0xE000:
        what = "half of a surrogate pair" if unit else "the NUL character"
        message = f"'{cursor.text[start : cursor.at]}' is {what}, which is not allowed in text"
        cursor.note(message, start, cursor.at, repair="remove it")
        return "\ufffd"
    return chr(unit)


def _low_surrogate(cursor: Cursor) -> int | None:
    """Passes over the second half of a pair, if it stands here."""
    digits = _HEX4.match(cursor.text, cursor.at + 2)
    if not cursor.text.startswith("\\u", cursor.at) or not digits:
        return None
    unit = int(digits[0], 16)
    if not 0xDC00 <= unit < 0xE000:
        return None
    cursor.at += 6
    return unit


def misquoted(cursor: Cursor, quoted: re.Match[str]) -> str:
    """A string in single or typographic quotes."""
    cursor.at = quoted.end()
    text = quoted[1] if quoted[1] is not None else quoted[2]
    text = re.sub(r"\\(.)", r"\1", text)
    message = f"{_cut(quoted[0])} is not in double quotes"
    cursor.note(message, *quoted.span(), repair=f'JSON writes it "{_cut(text)}"')
    return text


def number(cursor: Cursor, like: re.Match[str]) -> Any:
    """A number, or what looks like one."""
    exact = cursor.match(_NUMBER)
    if exact and exact.end() >= like.end():
        cursor.at = exact.end()
        return _exact(cursor, exact)
    cursor.at = like.end()
    token = like[0]
    if token.strip("+-").lower() in _NOT_FINITE:
        return _not_finite(cursor, like)
    value = meant(token)
    repair = (
        f"write {value}" if value is not None else 'write it as 0.5, or in "quotes"'
    )
    message = f"{_cut(token)} is not a valid JSON number"
    cursor.note(message, *like.span(), repair=repair)
    return value


def _exact(cursor: Cursor, token: re.Match[str]) -> int | float:
    shown = _cut(token[0])
    if token["rest"]:
        value = float(token[0])
        if abs(value) != float("inf"):
            return value
        message = f"{shown} is too large for a 64-bit number"
        repair = "write one up to 1.7e308"
    else:
        # So many digits are too many; and Python refuses to convert thousands.
        if len(token[0]) <= 17 and abs(int(token[0])) <= MAX_INTEGER:
            return int(token[0])
        message = f"{shown} exceeds the whole numbers that JSON stores exactly"
        repair = f"stay within ±{MAX_INTEGER}"
    cursor.note(message, *token.span(), repair=repair, code="invalid-number")
    return 0


def meant(token: str) -> int | float | None:
    """The value of a number in a notation that JSON lacks: 0x10, 1_000, .5, 5., +1, 007.

    None for what is no number in any.
    """
    if len(token) > 40:
        return None
    for convert in (lambda: int(token, 0), lambda: int(token), lambda: float(token)):
        try:
            value = convert()
        except ValueError:
            continue
        if abs(value) <= MAX_INTEGER:
            return value
    return None


def word(cursor: Cursor, found: re.Match[str]) -> Any:
    """true, false, null, or a word that stands for one of them elsewhere."""
    cursor.at = found.end()
    text = found[0]
    if text in _WORDS:
        return _WORDS[text]
    if text.lower() in _NOT_FINITE:
        return _not_finite(cursor, found)
    if text.lower() in _FOREIGN_WORDS:
        written = _FOREIGN_WORDS[text.lower()]
        python = " (JSON, not Python)" if text in ("None", "True", "False") else ""
        message = f"write {written}, not {text}{python}"
        cursor.note(message, *found.span(), repair=f"write {written}")
        return _WORDS[written]
    if cursor.peek() in ('"', "'") and len(text) <= 2:
        message = f"'{text}' before a string is not allowed in JSON"
        raise cursor.stopped(message, "remove it", found.start())
    unquoted(cursor, found)
    return text


def unquoted(cursor: Cursor, found: re.Match[str]) -> str:
    """A word that should be a string."""
    cursor.at = found.end()
    text = _cut(found[0])
    message = f"quotes are missing around {text}"
    repair = f'put it in double quotes: "{text}"'
    cursor.note(message, *found.span(), repair=repair)
    return found[0]


def _not_finite(cursor: Cursor, token: re.Match[str]) -> None:
    message = f"{token[0]} is not a JSON number"
    repair = "write a finite number, or null where a setting allows it"
    cursor.note(message, *token.span(), repair=repair, code="invalid-number")


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
