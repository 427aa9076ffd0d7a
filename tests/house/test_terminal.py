"""All terminal output passes one function, which escapes control characters."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vqfw.terminal import Styled, inline, printable

CLI = Path(__file__).parents[2] / "vqfw" / "cli"


def test_every_verb_prints_through_the_one_place_that_escapes():
    found = [
        path.name
        for path in CLI.glob("*.py")
        if re.search(r"click\.s?echo\(|(?<![.\w])print\(", path.read_text())
    ]
    assert found == ["talk.py"]


@pytest.mark.parametrize(
    "character",
    ["\x00", "\x07", "\r", "\x1b", "\x7f", "\x9b", "\u2028", "\u202e", "\udcff"],
)
def test_control_characters_are_printed_as_python_escapes(character):
    shown = printable(f"a{character}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert shown == f"a{character!a}b".replace("'", "")


def test_text_of_any_language_stays_and_a_line_can_be_kept():
    text = "Grüße, 你好, здравствуйте · ±\u00a0½ 🙂\n\tb"
    assert printable(text) == text
    assert inline("a\n\tb") == r"a\n\tb"
    assert printable(Styled("\x1b[1ma\x1b[0m")) == "\x1b[1ma\x1b[0m"
