"""Whatever is done to a valid experiment: it stays valid, or its problems have a place.

``VQFW_MUTATIONS`` sets how many are tried; 10,000 take a few minutes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vqfw.errors import ExperimentError, Problem
from vqfw.experiment import load_experiment
from vqfw.problems.printing import as_data, render

EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.json"))
TEXTS = {path.name: path.read_text("utf-8") for path in EXPERIMENTS}
COUNT = int(os.environ.get("VQFW_MUTATIONS", "500"))

SNIPPETS = [
    "None", "NaN", "-Infinity", "1e400", "{", "}", "[", "]", ",", ":", '"', "'", "//",
    "/*", "\\", "\\u0000", "\\ud800", "\x00", "\ufeff", "null", "true", "-1", "0.5", "1e5",
    '"ema"', '"type"', '{"type": "ema"}', '"extends": "vae.json",', "[" * 70, "\r\n", "ω",
    "9" * 30, '"$ref": "#",', '{"type": {"type": "ema"}}', "[[1]]", '""', "\u2028",
]  # fmt: skip
PATHS = [
    "seed", "name", "model", "model.type", "model.quantizer", "model.quantizer.decay",
    "losses", "losses[0]", "losses[9].x", "data.dataset", "data.dataset.path",
    "training.optimizer.learning_rate", "training.early_stopping.metric", "expected.x",
    "evaluation.metrics[0].type", "a.b.c", "", "[0]", "notes.a", "extends", "data[0].x",
]  # fmt: skip

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["ema", "adam", "vae", "./x", "constant", "psnr", "orl"]),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.text(max_size=6) | st.sampled_from(["type", "decay", "learning_rate"]),
            below,
            max_size=3,
        )
    ),
    max_leaves=6,
)
edits = st.tuples(
    st.sampled_from(["insert", "delete", "replace", "double", "value"]),
    st.floats(0, 1),
    st.integers(0, 30),
    st.sampled_from(SNIPPETS) | st.text(max_size=3),
    json_values,
)
arguments = st.builds(
    lambda path, value: f"{path}={value}",
    st.sampled_from(PATHS) | st.text(max_size=8),
    json_values.map(json.dumps) | st.text(max_size=6) | st.sampled_from(SNIPPETS),
)


def mutated(text: str, edit: tuple[str, float, int, str, Any]) -> str:
    """A text with one edit somewhere."""
    what, where, length, snippet, value = edit
    at = int(where * len(text))
    end = at + length
    if what == "insert":
        return text[:at] + snippet + text[at:]
    if what == "delete":
        return text[:at] + text[end:]
    if what == "replace":
        return text[:at] + snippet + text[end:]
    if what == "double":
        return text[:end] + text[at:]
    # A whole value, from behind a colon to what may end one.
    colon = text.find(":", at) + 1
    end = min(
        (text.find(each, colon) for each in ",}]\n" if each in text[colon:]), default=at
    )
    return text[:colon] + json.dumps(value) + text[end:]


@pytest.mark.mutations
@settings(
    max_examples=COUNT,
    deadline=None,
    derandomize=COUNT < 1000,
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(
    name=st.sampled_from(sorted(TEXTS)),
    changes=st.lists(edits, min_size=1, max_size=3),
    overrides=st.lists(arguments, max_size=2),
    cut=st.none() | st.integers(0, 3000),
)
def test_a_mutation_is_valid_or_has_problems_with_places(
    name: str,
    changes: list[tuple[str, float, int, str, Any]],
    overrides: list[str],
    cut: int | None,
) -> None:
    text = TEXTS[name]
    for change in changes:
        text = mutated(text, change)
    content = text.encode("utf-8", "surrogatepass")
    if cut is not None:
        content = content[:cut] + b"\xff" * (cut % 2) + content[cut:]
    with TemporaryDirectory() as folder:
        for other, whole in TEXTS.items():
            Path(folder, other).write_text(whole, "utf-8")
        path = Path(folder, name)
        path.write_bytes(content)
        problems: Sequence[Problem] = ()
        try:
            experiment = load_experiment(path, overrides)
        except ExperimentError as error:
            problems = error.problems
        if problems:
            check_problems(problems)
            return
        again = Path(folder, "again.json")
        again.write_text(experiment.resolved_json(), "utf-8")
        assert load_experiment(again).resolved_json() == experiment.resolved_json()
        experiment.explain()


def check_problems(problems: Sequence[Problem]) -> None:
    """Each has a place, and all can be printed."""
    for problem in problems:
        assert problem.place is not None, problem
        assert problem.place.column >= 1, problem
        assert problem.place.length >= 1, problem
        assert problem.help, problem
    assert all(part.isprintable() for part in render(problems, color=False).split("\n"))
    json.dumps(as_data(problems))
