"""Observers are told what the specification says, and harm nothing when they fail."""

from __future__ import annotations

import inspect
import json

import pytest

from vqfw.errors import ExperimentError
from vqfw.kinds.hooks import Hooks
from vqfw.registry import hooks

GROUP = {"vqfw": "watch = MODULE"}
HEAD = "from vqfw.kinds.hooks import hook\nfrom vqfw.errors import Problem\nseen = []\n"
WATCHES = (
    HEAD
    + """
@hook
def vqfw_checks(experiment):
    seen.append(("checks", experiment["name"]))
    return [Problem("my-rule", "no blue", ("seed",), severity="warning")]

@hook
def vqfw_run_start(run):
    seen.append(("start", run.id))

@hook
def vqfw_epoch_end(run, epoch, step, values):
    seen.append(("epoch", run.id, epoch, step, values["loss"] > 0))

@hook
def vqfw_run_end(run, scores):
    seen.append(("end", run.id, scores["psnr"]["value"] > 0))
"""
)


@pytest.fixture(autouse=True)
def anew():
    hooks.observers.cache_clear()
    yield
    hooks.observers.cache_clear()


def module(name):
    import sys

    return sys.modules[name]


def test_every_hook_is_told_its_moment_with_its_arguments(install, tiny):
    install("vqfw-watch", WATCHES, GROUP)
    plan = tiny().plan()
    assert [each.code for each in plan.warnings] == ["my-rule"]
    module("vqfw_watch").seen.clear()
    tiny().run(name="a")
    assert module("vqfw_watch").seen == [
        ("checks", "tiny"),
        ("start", "a"),
        ("epoch", "a", 1, 5, True),
        ("epoch", "a", 2, 10, True),
        ("epoch", "a", 3, 12, True),
        ("end", "a", True),
    ]
    assert not hooks.observers().failures


def test_a_check_of_an_observer_can_refuse_an_experiment(install, tiny):
    strict = WATCHES.replace(', severity="warning"', "")
    install("vqfw-watch", strict, GROUP)
    with pytest.raises(ExperimentError, match="no blue"):
        tiny().plan()


def test_one_that_raises_is_reported_once_detached_and_recorded(
    install, tiny, root, capsys
):
    source = WATCHES.replace(
        'seen.append(("epoch"', 'raise ValueError("oh")\n    seen.append(("epoch"'
    )
    install("vqfw-bad", source, GROUP)
    install("vqfw-watch", WATCHES, GROUP)
    run = tiny().run(name="a")
    assert run.scores["test"]["psnr"]["value"] > 0
    told = [line for line in capsys.readouterr().err.splitlines() if "observer" in line]
    (line,) = told
    assert line == (
        'observer "vqfw-bad/watch" failed in vqfw_epoch_end (ValueError: oh) and is '
        "detached: repair or uninstall vqfw-bad"
    )
    record = json.loads((root / "checkpoints/a/detached_observers.json").read_text())
    failure = {"observer": "vqfw-bad/watch", "hook": "vqfw_epoch_end"}
    assert record == {"detached": [{**failure, "error": "ValueError: oh"}]}
    assert module("vqfw_bad").seen == [("checks", "tiny"), ("start", "a")]
    assert module("vqfw_watch").seen[-1] == ("end", "a", True)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ValueError('x')", "ValueError: x"),
        ("raise SystemExit(3)", "exit code 3"),
        (WATCHES.replace("vqfw_run_end", "vqfw_run_ends"), 'mean "vqfw_run_end"'),
        (WATCHES.replace("(run, scores)", "(run, score)"), "score"),
    ],
)
def test_one_that_cannot_be_used_is_left_out(install, source, reason, capsys):
    install("vqfw-bad", source, GROUP)
    (failure,) = hooks.observers().failures
    assert reason in failure["error"]
    assert hooks.observers().tell("vqfw_run_start", run=None) == []
    (line,) = [x for x in capsys.readouterr().err.splitlines() if "observer" in x]
    assert "vqfw-bad" in line


def test_no_plugins_means_no_observers(install, monkeypatch):
    install("vqfw-watch", WATCHES, GROUP)
    monkeypatch.setenv("VQFW_NO_PLUGINS", "1")
    assert hooks.observers().tell("vqfw_checks", experiment={"name": "x"}) == []


@pytest.mark.parametrize("name", hooks._NAMES)
def test_the_documentation_of_a_hook_names_its_exact_arguments(name):
    function = getattr(Hooks, name)
    from vqfw.registry.parameters import arguments_section

    documented = arguments_section(inspect.getdoc(function) or "")
    arguments = [
        each for each in inspect.signature(function).parameters if each != "self"
    ]
    assert list(documented) == arguments
    assert f"def {name}({', '.join(arguments)}):" in WATCHES
