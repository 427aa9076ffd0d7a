"""Trackers hear what a run reports; one that fails is dropped, and the run goes on."""

import pytest

from vqfw.kinds import Tracker
from vqfw.training import trackers as room
from vqfw.training.trackers import Trackers


class Ear(Tracker):
    def __init__(self, fails_at=None):
        self.heard, self.shown, self.closed, self.fails_at = [], [], False, fails_at

    def scalars(self, step, values):
        if step == self.fails_at:
            raise ConnectionError("the server is gone")
        self.heard.append((step, dict(values)))

    def images(self, step, name, images):
        self.shown.append((step, name, images.shape))

    def close(self):
        self.closed = True


@pytest.fixture
def ears(monkeypatch):
    """A good tracker and one that fails at its second step, by name."""
    found = {"good": Ear(), "bad": Ear(fails_at=2)}
    monkeypatch.setattr(
        room, "build", lambda kind, options, known, path: found[options["type"]]
    )
    return found


class Named:
    """A plan as far as trackers look at it."""

    supplied = ()

    def __init__(self, *names):
        self.experiment = self.training = self
        self.trackers = [{"type": name} for name in names]


def test_a_failing_tracker_is_reported_once_and_dropped(ears):
    said = []
    with Trackers(Named("good", "bad"), said.append) as trackers:
        for step in (1, 2, 3):
            trackers.scalars(step, {"loss": 1.0 / step})
    assert [step for step, _ in ears["good"].heard] == [1, 2, 3]
    assert [step for step, _ in ears["bad"].heard] == [1]
    assert len(said) == 1
    assert '"bad"' in said[0]
    assert "the server is gone" in said[0]
    assert ears["good"].closed


def test_a_run_tells_its_tracker_every_step_and_every_grid(ears, tiny, monkeypatch):
    monkeypatch.setattr(
        "vqfw.training.loop.Trackers", lambda plan, say: Trackers(Named("good"), say)
    )
    run = tiny("training.steps=4").run()
    steps = [step for step, values in ears["good"].heard if "loss" in values]
    assert steps == [1, 2, 3, 4]
    assert "psnr" in str(ears["good"].heard)
    assert ears["good"].shown[-1][1] == "grid"
    assert run.trained.steps == 4
