"""How problems are printed: for a person, for a terminal, and as data."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from vqfw.errors import Place, Problem
from vqfw.problems.printing import as_data, render

PROBLEM = Problem(
    "unknown-key",
    'unknown key "sead"',
    ("sead",),
    'did you mean "seed"?',
    "an experiment accepts seed=0",
    Place("x.json", 3, 3, 6, '  "sead": 1'),
)


def test_the_layout_is_fixed() -> None:
    assert render([PROBLEM], color=False) == (
        'error[unknown-key]: unknown key "sead"\n'
        "  --> x.json:3:3   at sead\n"
        '3 |   "sead": 1\n'
        "  |   ^^^^^^\n"
        '  = help: did you mean "seed"?\n'
        "  = note: an experiment accepts seed=0\n"
        "\n"
        "1 problem in x.json. Nothing was run.   (vqfw explain unknown-key)"
    )


def test_coloured_output_has_the_text_of_plain_output() -> None:
    import re

    colored = render([PROBLEM], color=True)
    assert "\x1b[" in colored
    plain = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert plain == render([PROBLEM], color=False)


@pytest.mark.parametrize(
    ("terminal", "no_color", "colored"),
    [(True, None, True), (True, "1", False), (False, None, False), (True, "", True)],
)
def test_colours_need_a_terminal_and_no_color_unset(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, no_color: str | None, colored: bool
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert ("\x1b[" in render([PROBLEM])) is colored


def test_terminal_control_characters_are_not_printed(
    problems: Callable[..., list[Problem]], valid: dict[str, Any]
) -> None:
    text = json.dumps({**valid, "\x1b[31m\u202e": 1}, ensure_ascii=False)
    text = text.replace("\\u001b", "\x1b")
    printed = render(problems(text), color=False)
    assert "\x1b" not in printed
    assert "\u202e" not in printed


def test_a_warning_alone_does_not_claim_that_nothing_was_run() -> None:
    warning = Problem("upscaling", "enlarged", severity="warning")
    assert render([warning], color=False).splitlines()[-1] == "1 warning."


def test_json_output_has_everything_that_is_printed(
    problems: Callable[..., list[Problem]], valid: dict[str, Any]
) -> None:
    found = problems({**valid, "sead": 1}, "training.stepps=2")
    data = json.loads(json.dumps(as_data(found)))
    assert data[0]["code"] == "unknown-key"
    assert data[0]["severity"] == "error"
    assert data[0]["path"] == "sead"
    assert data[0]["keys"] == ["sead"]
    assert data[0]["line"] == 1
    assert data[0]["column"] > 1
    assert data[0]["help"] == 'did you mean "seed"?'
    assert data[1]["source"] == "--set training.stepps=2"
    assert data[1]["line"] is None


def test_lists_in_messages_name_what_is_installed_and_accepted(
    problems: Callable[..., list[Problem]], valid: dict[str, Any]
) -> None:
    valid["model"]["quantizer"] = {"type": "emma"}
    names = problems(valid)[0].note.removeprefix("installed: ").split(", ")
    assert {"ema", "gradient"} <= set(names)
    valid["model"]["quantizer"] = {"type": "gradient", "tau": 1}
    note = problems(valid)[0].note
    assert note.startswith('quantizer "gradient" (vqfw ')
    assert "num_embeddings=512" in note


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("column", [1, 50, 190])
def test_problems_fit_the_terminal_and_carets_stay_under_their_place(
    width: int, column: int
) -> None:
    excerpt = "".join(chr(97 + each % 26) for each in range(200))
    place = Place("x.json", 3, column, 4, excerpt)
    note = f"an experiment accepts {', '.join(f'key_{each}=0' for each in range(40))}"
    problem = Problem("unknown-key", "m " * 80, ("k",), "h " * 80, note, place)
    lines = render([problem], color=False, width=width).splitlines()
    assert max(map(len, lines)) <= width
    line, carets = next(pair for pair in pairwise(lines) if "^" in pair[1])
    marked = line[carets.index("^") : carets.rindex("^") + 1]
    assert marked == excerpt[column - 1 : column + 3]


def test_a_command_in_a_repair_is_not_folded() -> None:
    command = "go on with: vqfw run experiments/experiment.json --set training.steps=5"
    problem = replace(PROBLEM, help=command)
    assert f"  = help: {command}\n" in render([problem], color=False, width=60)
