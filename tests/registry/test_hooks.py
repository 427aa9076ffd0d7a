"""Observers are told what the specification says, and harm nothing when they fail."""

from __future__ import annotations

import json

import click
import pytest

from vqfw.authoring.template import template_folder
from vqfw.errors import ExperimentError
from vqfw.registry import hooks, index

GROUP = {"vqfw": "watch = MODULE"}
HEAD = """
import click
from keras.callbacks import LambdaCallback
from vqfw.errors import Problem
from vqfw.kinds.hooks import Section, hook
seen = []
"""
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
def vqfw_callbacks(run):
    return [LambdaCallback(on_train_begin=lambda logs: seen.append(("train", run.id)))]

@hook
def vqfw_epoch_end(run, epoch, step, values):
    seen.append(("epoch", run.id, epoch, step, values["loss"] > 0))

@hook
def vqfw_run_end(run, scores):
    seen.append(("end", run.id, scores["psnr"]["value"] > 0))

@hook
def vqfw_report_sections(run):
    return [Section("seen", run.id)]

@hook
def vqfw_cli():
    return [click.Command("watch", callback=lambda: click.echo("it watches"))]
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


def test_every_hook_is_called_with_its_arguments(install, tiny):
    install("vqfw-watch", WATCHES, GROUP)
    plan = tiny().plan()
    assert [each.code for each in plan.warnings] == ["my-rule"]
    module("vqfw_watch").seen.clear()
    tiny().run(name="a")
    assert module("vqfw_watch").seen == [
        ("checks", "tiny"),
        ("start", "a"),
        ("train", "a"),
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


def test_an_observer_that_raises_is_reported_once_detached_and_recorded(
    install, tiny, root, capsys
):
    source = WATCHES.replace(
        'seen.append(("epoch"', 'raise ValueError("oh")\n    seen.append(("epoch"'
    )
    install("vqfw-bad", source, GROUP)
    install("vqfw-watch", WATCHES, GROUP)
    run = tiny().run(name="a")
    assert run.scores["test"]["psnr"]["value"] > 0
    lines = capsys.readouterr().err.splitlines()
    (line,) = [each for each in lines if each.startswith("observer ")]
    assert line == (
        'observer "vqfw-bad/watch" failed in vqfw_epoch_end (ValueError: oh) and is '
        "detached: repair or uninstall vqfw-bad"
    )
    (record,) = (root / "checkpoints/a/failures.jsonl").read_text().splitlines()
    failure = {"observer": "vqfw-bad/watch", "hook": "vqfw_epoch_end"}
    assert json.loads(record) == {**failure, "error": "ValueError: oh"}
    assert run.folder.failures == [json.loads(record)]
    begun = [("checks", "tiny"), ("start", "a"), ("train", "a")]
    assert module("vqfw_bad").seen == begun
    assert module("vqfw_watch").seen[-1] == ("end", "a", True)


BROKEN = {
    "raises": ("raise ValueError('x')", "ValueError: x"),
    "exits": ("raise SystemExit(3)", "exit code 3"),
    "unknown_hook": (
        WATCHES.replace("vqfw_run_end", "vqfw_run_ends"),
        'there is no hook "vqfw_run_ends": did you mean "vqfw_run_end"?',
    ),
    "unknown_argument": (
        WATCHES.replace("(run, scores)", "(run, score)"),
        'vqfw_run_end has no argument "score": did you mean "scores"?',
    ),
    "argument_of_none": (
        WATCHES.replace("vqfw_cli()", "vqfw_cli(parser)"),
        'vqfw_cli has no argument "parser": it takes none',
    ),
    "not_marked": (
        WATCHES.replace("@hook\ndef vqfw_cli", "def vqfw_cli"),
        "vqfw_cli is not marked and would never be called: write @hook",
    ),
    "wraps": (
        HEAD + "@hook(wrapper=True)\ndef vqfw_run_start(run):\n    yield\n",
        "vqfw_run_start wraps the hooks of others",
    ),
    "no_hooks": ("x = 1", "it has no hooks: mark functions with @hook"),
}


@pytest.mark.parametrize(("source", "reason"), BROKEN.values(), ids=list(BROKEN))
def test_an_observer_that_cannot_be_used_is_left_out(install, source, reason, capsys):
    install("vqfw-bad", source, GROUP)
    (failure,) = hooks.observers().failures
    assert reason in failure["error"]
    assert hooks.observers().gather("vqfw_cli", click.Command) == []
    (line,) = [x for x in capsys.readouterr().err.splitlines() if "observer" in x]
    assert "vqfw-bad" in line


def test_a_package_with_unreadable_metadata_has_no_observers(install, command):
    install("vqfw-bad", WATCHES, GROUP)
    ruined = install("vqfw-ruin", "x = 1", GROUP).with_name("vqfw_ruin-0.1.dist-info")
    (ruined / "entry_points.txt").write_text("[vqfw]\nbroken")
    hooks.observers.cache_clear()
    names = [each.qualified for each in index().observers]
    assert names == ["vqfw-bad/watch"]
    assert command("--help").code == 0


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("'blue'", "it returns str: return a list of Problem"),
        ("['blue']", "it returns a list with str in it: return a list of Problem"),
    ],
)
def test_an_observer_that_returns_another_type_is_detached(install, tiny, answer, told):
    bad = HEAD + f"@hook\ndef vqfw_checks(experiment):\n    return {answer}\n"
    install("vqfw-bad", bad, GROUP)
    assert tiny().plan().warnings == ()
    (failure,) = hooks.observers().failures
    assert told in failure["error"]


def test_an_observer_cannot_change_the_experiment(install, tiny):
    thief = HEAD + (
        '@hook\ndef vqfw_checks(experiment):\n    experiment["training"]["steps"] = 1\n'
    )
    install("vqfw-thief", thief, GROUP)
    assert tiny().plan().experiment.values["training"]["steps"] == 12


def test_an_observer_may_be_an_object_with_methods(install, tiny):
    methods = HEAD + (
        "class Watch:\n    @hook\n    def vqfw_checks(self, experiment):\n"
        "        seen.append(experiment['name'])\nwatch = Watch()\n"
    )
    install("vqfw-watch", methods, {"vqfw": "watch = MODULE:watch"})
    tiny().plan()
    assert module("vqfw_watch").seen == ["tiny"]


def test_no_plugins_means_no_observers(install, monkeypatch):
    install("vqfw-watch", WATCHES, GROUP)
    monkeypatch.setenv("VQFW_NO_PLUGINS", "1")
    assert index().observers == ()
    assert hooks.observers().gather("vqfw_cli", click.Command) == []


@pytest.mark.parametrize("name", hooks.HOOKS)
def test_every_hook_is_used_with_its_exact_arguments(name):
    called = f"def {name}({', '.join(hooks.arguments_of(name))}):"
    template = template_folder() / "vqfw_template" / "observer.py"
    assert called in WATCHES
    assert called in template.read_text()
