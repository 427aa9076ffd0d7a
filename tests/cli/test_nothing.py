"""Counts of zero are not printed: images, revived codes, checkpoints."""

import re
from dataclasses import replace

import pytest

import vqfw
from vqfw.cli.run import show
from vqfw.training.loop import Trained

NOTHING = re.compile(
    r"\b(of 0\b|0 images|an image +0\b|0 of 0|0 steps|0 components|0 broken|0\.0 MB)"
)


def finished(run, revival):
    """The run as its training process holds it."""
    return replace(run, trained=Trained(12, 60.0, None, revival, False))


@pytest.mark.parametrize(
    ("revival", "told"),
    [
        ({"revived": 32, "examined": 0, "survived": 0}, "codes revived: 32\n"),
        (
            {"revived": 32, "examined": 9, "survived": 0},
            "codes revived: 32; 0 of 9 in use 100 steps later\n",
        ),
        ({"revived": 0, "examined": 0, "survived": 0}, ""),
        ({}, ""),
    ],
)
def test_revived_codes_are_printed_with_their_survival_if_known(
    done, capsys, revival, told
):
    show(finished(done, revival))
    err = capsys.readouterr().err
    assert told in err
    assert ("codes revived" in err) == bool(told)
    assert not NOTHING.search(err)


def test_a_run_without_scores_is_shown_as_not_scored(done, capsys):
    (done.folder.path / "scores.json").unlink()
    show(finished(vqfw.open_run("done"), {}))
    shown = capsys.readouterr()
    assert shown.out.startswith("run done · not scored\n  minutes")
    assert not NOTHING.search(shown.out + shown.err)


def test_a_run_without_images_to_score_says_so_once(tiny_file, command):
    split = ["--set", "data.test=0", "--set", "data.validation=0"]
    more = ["--set", "training.steps=2", "--set", "training.checkpoint_every=2"]
    answer = command("run", str(tiny_file), "--name", "a", *split, *more)
    assert answer.code == 0, answer.err
    assert "there are no test images, so nothing was scored" in answer.err
    assert not NOTHING.search(answer.out + answer.err)
    scored = command("eval", "--run", "a")
    assert scored.code == 4
    assert "score others with: vqfw eval --run a --data PATH" in scored.err


def test_a_run_without_a_checkpoint_is_listed_without_steps(done, command):
    for state in done.folder.states.iterdir():
        for file in state.iterdir():
            file.unlink()
        state.rmdir()
    listed = command("runs", "list").out
    shown = command("runs", "show").out
    assert "  no checkpoint  " in listed
    assert "  no checkpoint · " in shown
    assert not NOTHING.search(listed + shown)


def test_an_empty_list_of_components_has_no_count(command):
    answer = command("plugins", "list", "--kind", "observer", "--check")
    assert (answer.code, answer.out) == (0, "")
    assert not NOTHING.search(answer.err)


def test_a_plan_prints_no_memory_of_an_optimizer_without_state(tiny_file, command):
    plain = '{"type": "sgd", "learning_rate": 0.1}'
    answer = command("plan", "tiny.json", "--set", f"training.optimizer={plain}")
    assert answer.code == 0
    assert not NOTHING.search(answer.out)
