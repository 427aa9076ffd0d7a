"""Broken experiments and what is printed about them, word by word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vqfw.errors import Problem
from vqfw.problems.explanations import CODES


def test_corpus_has_every_kind_of_mistake(corpus: Any, tmp_path: Path) -> None:
    codes = {p.code for case in corpus for p in case.problems(tmp_path)}
    # These need an installed package, a file of a certain kind, or another verb.
    elsewhere = {
        "ambiguous-component", "broken-component", "not-utf-8", "image-too-small",
        "missing-file", "warm-up-outlasts-training", "schedule-outlasts-training",
        "revival-without-codebook",
        "refused-by-component", "size-mismatch", "too-big", "nested-too-deep",
        "too-many-codes", "unknown-code", "augmentation-order",
    }  # fmt: skip
    assert codes == set(CODES) - elsewhere
    assert len(corpus) >= 80


def test_every_problem_underlines_exactly_the_wrong_text(
    case: Any, tmp_path: Path
) -> None:
    found = [case.text_at(problem) for problem in case.problems(tmp_path)]
    assert found == case.marks


def test_problems_are_printed_as_the_corpus_says(
    case: Any, shown: Callable[[tuple[Problem, ...]], str], tmp_path: Path
) -> None:
    problems = case.problems(tmp_path)
    hint = "run python tests/errors/rewrite.py and read the difference"
    assert shown(problems) == case.printed, hint
    assert all(problem.help for problem in problems), "each must say how to mend it"


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_explained_with_a_wrong_and_a_right_example(code: str) -> None:
    assert "\nwrong:  " in CODES[code]
    assert "\nright:  " in CODES[code]
