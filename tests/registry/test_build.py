"""What happens while components are made: refusals, seeds, and what is not known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vqfw.errors import ExperimentError, PluginError
from vqfw.registry import build

Install = Callable[..., Path]

STACK = """
from __future__ import annotations
from typing import Annotated
from vqfw.kinds.options import Copies, Seed, Slot, TotalSteps

Leaves = Copies[Annotated[object, Slot("revival")]]

class Leaf:
    def __init__(self, seed: Seed) -> None:
        self.seed = seed

class Stack:
    def __init__(
        self,
        seed: Seed,
        levels: tuple[Annotated[object, Slot("revival")], ...],
        last: Annotated[object, Slot("revival")],
    ) -> None:
        self.seeds = [seed, *(each.seed for each in levels), last.seed]

class Twins:
    def __init__(self, leaf: Leaves) -> None:
        self.seeds = [leaf(0).seed, leaf(1).seed, leaf(0).seed]

class Pairs:
    def __init__(self, twins: Leaves) -> None:
        self.seeds = twins(0).seeds[:2] + twins(1).seeds[:2]

class Scheduled:
    def __init__(
        self, rate: Copies[Annotated[object, Slot("learning_rate")]]
    ) -> None:
        self.rate = rate(0)

class Timed:
    def __init__(self, steps: TotalSteps) -> None:
        self.steps = steps

class Picky:
    def __init__(self, share: float = 0.5) -> None:
        raise ValueError("share is odd\\nand more")
"""
GROUP = {
    "vqfw.revival": "leaf = MODULE:Leaf\nstack = MODULE:Stack\n"
    "twins = MODULE:Twins\npairs = MODULE:Pairs\n"
    "scheduled = MODULE:Scheduled\ntimed = MODULE:Timed\npicky = MODULE:Picky"
}


def optimizer(**options: Any) -> dict[str, Any]:
    return {"type": "sgd", "learning_rate": 0.1, **options}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"clipnorm": 1.0, "global_clipnorm": 1.0}, '"clipnorm" or "global_clipnorm"'),
        ({"gradient_accumulation_steps": 1}, '"gradient_accumulation_steps"'),
        ({"momentum": 2}, '"momentum"'),
    ],
)
def test_an_error_of_a_component_about_its_options_becomes_a_problem(
    options: dict[str, Any], named: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        build("optimizer", optimizer(**options), {})
    (problem,) = caught.value.problems
    assert problem.code == "refused-by-component"
    assert problem.path == ("training", "optimizer")
    assert problem.help == f"change {named}"
    assert "\n" not in problem.message
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_refusal_in_a_slot_has_the_path_of_the_slot() -> None:
    uneven = {"boundaries": [100, 200], "values": [1e-3, 1e-4]}
    schedule = {"type": "piecewise_constant_decay", **uneven}
    with pytest.raises(ExperimentError) as caught:
        build("optimizer", optimizer(learning_rate=schedule), {})
    (problem,) = caught.value.problems
    assert problem.path == ("training", "optimizer", "learning_rate")
    assert problem.help == 'change "boundaries" or "values"'


def test_a_plugin_that_fails_to_build_is_reported_with_its_package(
    install: Install,
) -> None:
    install("vqfw-stack", STACK, GROUP)
    with pytest.raises(PluginError, match="cannot be made") as caught:
        build("revival", {"type": "picky", "share": 0.1}, {})
    assert caught.value.exit_code == 3
    assert "vqfw-stack 0.1" in str(caught.value)
    assert "ValueError: share is odd at " in str(caught.value)
    cause = caught.value.__cause__
    assert isinstance(cause, ValueError)
    assert cause.__notes__ == ['while building revival "picky" of vqfw-stack 0.1']


def seeds(seed: int = 0) -> list[int]:
    leaf = {"type": "leaf"}
    options = {"type": "stack", "levels": [leaf, leaf], "last": leaf}
    found: list[int] = build("revival", options, {"seed": seed}).seeds
    return found


def test_two_components_of_one_type_differ_in_their_seeds(install: Install) -> None:
    install("vqfw-stack", STACK, GROUP)
    assert len(set(seeds())) == 4
    assert seeds() == seeds()
    assert not set(seeds()) & set(seeds(1))
    assert all(0 <= seed < 2**31 for seed in seeds())


def test_copies_of_one_slot_differ_in_their_seeds_at_any_depth(
    install: Install,
) -> None:
    install("vqfw-stack", STACK, GROUP)
    twins = {"type": "twins", "leaf": {"type": "leaf"}}
    pairs = {"type": "pairs", "twins": twins}
    first, second, again = build("revival", twins, {"seed": 0}).seeds
    assert first == again != second
    found = build("revival", pairs, {"seed": 0}).seeds
    assert len({first, second, *found}) == 6
    assert found == build("revival", pairs, {"seed": 0}).seeds
    assert not set(found) & set(build("revival", pairs, {"seed": 1}).seeds)


def test_a_copy_that_is_refused_has_the_path_of_its_slot(install: Install) -> None:
    install("vqfw-stack", STACK, GROUP)
    uneven = {"boundaries": [100, 200], "values": [1e-3, 1e-4]}
    rate = {"type": "piecewise_constant_decay", **uneven}
    with pytest.raises(ExperimentError) as caught:
        build("revival", {"type": "scheduled", "rate": rate}, {})
    (problem,) = caught.value.problems
    assert problem.path == ("model", "revival", "rate")


def test_a_component_that_needs_steps_asks_to_set_them(
    install: Install,
) -> None:
    install("vqfw-stack", STACK, GROUP)
    assert build("revival", {"type": "timed"}, {"steps": 7}).steps == 7
    with pytest.raises(PluginError, match="needs the number of steps"):
        build("revival", {"type": "timed"}, {"seed": 0})
