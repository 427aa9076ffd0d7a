"""Every problem code in the source is explained, and ``explain`` finds it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vqfw.errors import ExperimentError
from vqfw.problems.explanations import CODES, RENAMED, explanation

ROOT = Path(__file__).parents[2]


def codes_in_source() -> Iterator[tuple[str, str]]:
    """The codes that a call of ``Problem`` names, and ``code=`` arguments besides."""
    for folder in ("vqfw", "plugins"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                given = [k.value for k in node.keywords if k.arg == "code"]
                if isinstance(node.func, ast.Name) and node.func.id == "Problem":
                    given += node.args[:1]
                for each in given:
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield each.value, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_code_in_the_source_is_explained() -> None:
    found = list(codes_in_source())
    assert len(found) > 20
    missing = [f"{code} ({where})" for code, where in found if code not in CODES]
    assert not missing, "add these to vqfw/problems/explanations.py"


def test_every_explained_code_is_in_the_source() -> None:
    used = {code for code, _ in codes_in_source()} | {"invalid-json"}
    assert set(CODES) <= used


def test_a_misspelt_code_is_answered_with_the_right_one() -> None:
    with pytest.raises(ExperimentError, match='did you mean "unknown-key"'):
        explanation("unknwon-key")


@pytest.mark.parametrize("former", sorted(RENAMED))
def test_a_renamed_code_is_explained_under_its_new_name(former: str) -> None:
    assert former not in CODES
    assert explanation(former).startswith(
        f'"{former}" is now called "{RENAMED[former]}"'
    )
    assert CODES[RENAMED[former]] in explanation(former)


def test_vqfw_explain_answers_a_renamed_code(command: Callable[..., Any]) -> None:
    answer = command("explain", "never-placed")
    assert answer.code == 0
    assert '"never-placed" is now called "warm-up-outlasts-training"' in answer.out
    answer = command("explain", "never-placed", "--json")
    assert answer.data["code"] == "warm-up-outlasts-training"
