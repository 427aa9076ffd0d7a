"""Trackers hear what a run reports; one that fails is dropped, and the run goes on."""

import pytest

from vqfw.errors import PluginError
from vqfw.kinds import Tracker
from vqfw.training import trackers as room
from vqfw.training.trackers import Trackers


class Ear(Tracker):
    def __init__(self, fails_in=None):
        self.heard, self.shown, self.closed, self.fails_in = [], [], False, fails_in

    def scalars(self, step, values):
        self.fail("scalars")
        self.heard.append((step, dict(values)))

    def images(self, step, name, images):
        self.fail("images")
        self.shown.append((step, name, images.shape))

    def close(self):
        self.fail("close")
        self.closed = True

    def fail(self, method):
        if method == self.fails_in:
            raise ConnectionError("the server is gone")


@pytest.fixture
def named(monkeypatch, tiny):
    """Trains the smallest experiment with trackers in place of the one that it names."""

    def train(**ears):
        monkeypatch.setattr(
            room, "build", lambda kind, options, known, path: ears["ear"]
        )
        return tiny('training.trackers=["csv"]', "training.steps=4").run(name="a")

    return train


def test_a_run_tells_its_tracker_every_step_and_every_grid(named):
    ear = Ear()
    run = named(ear=ear)
    steps = [step for step, values in ear.heard if "loss" in values]
    assert steps == [1, 2, 3, 4]
    assert "validation_psnr" in str(ear.heard)
    assert ear.shown[-1][1] == "grid"
    assert ear.closed
    assert run.folder.failures == []


@pytest.mark.parametrize("method", ["scalars", "images", "close"])
def test_a_tracker_that_fails_is_dropped_and_recorded_and_the_run_goes_on(
    named, method, capsys
):
    run = named(ear=Ear(fails_in=method))
    assert run.trained.steps == 4
    assert run.scores["test"]["psnr"]["value"] > 0
    reason = "ConnectionError: the server is gone"
    assert run.folder.failures == [{"tracker": "csv", "hook": method, "error": reason}]


class Named:
    """A plan as far as trackers look at it."""

    def __init__(self, *names):
        self.supplied = {}
        self.experiment = self.training = self
        self.trackers = [{"type": name} for name in names]


class Folder:
    """A run as far as trackers look at it."""

    def __init__(self, path):
        self.path, self.failures = path, []

    def note_failure(self, failure):
        self.failures.append(failure)


def test_one_that_fails_is_reported_once_and_the_others_hear_on(monkeypatch, tmp_path):
    ears = {"good": Ear(), "bad": Ear(fails_in="scalars")}
    monkeypatch.setattr(
        room, "build", lambda kind, options, known, path: ears[options["type"]]
    )
    said = []
    with Trackers(Named("bad", "good"), Folder(tmp_path), said.append) as trackers:
        for step in (1, 2, 3):
            trackers.scalars(step, {"loss": 1.0 / step})
    assert [step for step, _ in ears["good"].heard] == [1, 2, 3]
    (told,) = said
    assert told == (
        'tracker "bad" failed in scalars and was dropped; the run goes on '
        "(ConnectionError: the server is gone)"
    )
    assert ears["good"].closed
    assert not ears["bad"].closed


def test_a_tracker_cannot_change_what_the_others_are_told(monkeypatch, tmp_path):
    class Thief(Ear):
        def scalars(self, step, values):
            values.clear()

    ears = {"thief": Thief(), "good": Ear()}
    monkeypatch.setattr(
        room, "build", lambda kind, options, known, path: ears[options["type"]]
    )
    values = {"loss": 1.0}
    with Trackers(Named(*ears), Folder(tmp_path), pytest.fail) as trackers:
        trackers.scalars(1, values)
    assert ears["good"].heard == [(1, {"loss": 1.0})]
    assert values == {"loss": 1.0}


def test_what_a_tracker_prints_stays_out_of_the_output(named, capsys):
    class Loud(Ear):
        def scalars(self, step, values):
            print("noise")

    named(ear=Loud())
    found = capsys.readouterr()
    assert "noise" not in found.out
    assert "noise" in found.err


def test_one_that_cannot_be_made_ends_a_run_before_its_first_step(install, tiny, root):
    source = """
from vqfw.kinds import Tracker

class Odd(Tracker):
    def __init__(self):
        raise ConnectionError("no server")
    def scalars(self, step, values): ...
    def images(self, step, name, images): ...
    def close(self): ...
"""
    install("vqfw-odd", source, {"vqfw.trackers": "odd = MODULE:Odd"})
    with pytest.raises(PluginError, match='tracker "odd" of vqfw-odd') as caught:
        tiny('training.trackers=["odd"]').run(name="a")
    assert caught.value.exit_code == 3
    assert not (root / "checkpoints" / "a").exists()
