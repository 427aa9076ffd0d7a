"""Trackers get the numbers of a run; a failed one is dropped, and the run continues."""

import asyncio
import contextlib
import io
import os
import signal
import threading
import time

import numpy as np
import pytest
from rich.console import Console

from vqfw.errors import PluginError
from vqfw.kinds import Tracker
from vqfw.training import trackers as room
from vqfw.training.bar import Bar
from vqfw.training.journal import Journal
from vqfw.training.trackers import Trackers


class Ear(Tracker):
    def __init__(self, fails_in=None):
        self.heard, self.shown, self.closed, self.fails_in = [], [], 0, fails_in

    def scalars(self, step, values):
        self.fail("scalars")
        self.heard.append((step, dict(values)))

    def images(self, step, name, images):
        self.fail("images")
        self.shown.append((step, name, images.shape))

    def close(self):
        self.closed += 1
        self.fail("close")

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


def test_a_tracker_gets_every_step_and_every_grid(named):
    ear = Ear()
    run = named(ear=ear)
    steps = [step for step, values in ear.heard if "loss" in values]
    assert steps == [1, 2, 3, 4]
    assert "validation_psnr" in str(ear.heard)
    assert ear.shown[-1][1] == "grid"
    assert ear.closed
    assert run.folder.failures == []


@pytest.mark.default_cases(1)
@pytest.mark.parametrize("method", ["scalars", "images", "close"])
def test_a_failed_tracker_is_dropped_and_recorded_and_the_run_continues(
    named, method, capsys
):
    run = named(ear=Ear(fails_in=method))
    assert run.trained.steps == 4
    assert run.scores["test"]["psnr"]["value"] > 0
    reason = "ConnectionError: the server is gone"
    assert run.folder.failures == [{"tracker": "csv", "hook": method, "error": reason}]


def test_a_tracker_whose_call_was_cancelled_is_dropped_and_recorded(named):
    class Cancelled(Ear):
        def scalars(self, step, values):
            raise asyncio.CancelledError

    run = named(ear=Cancelled())
    failure = {"tracker": "csv", "hook": "scalars", "error": "CancelledError"}
    assert run.folder.failures == [failure]


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


def test_a_failed_tracker_is_reported_once_and_the_others_get_every_step(
    monkeypatch, tmp_path
):
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
    assert [ear.closed for ear in ears.values()] == [1, 1]


def test_a_tracker_cannot_change_the_values_of_others(monkeypatch, tmp_path):
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


@pytest.mark.processes
def test_prints_of_a_tracker_go_to_standard_error(named, capsys):
    class Loud(Ear):
        def scalars(self, step, values):
            print("noise")

    named(ear=Loud())
    found = capsys.readouterr()
    assert "noise" not in found.out
    assert "noise" in found.err


class Gated(Ear):
    """Stands still in its calls until the gate is opened."""

    def __init__(self):
        super().__init__()
        self.gate, self.is_in = threading.Event(), threading.Event()

    def scalars(self, step, values):
        self.is_in.set()
        assert self.gate.wait(60)
        super().scalars(step, values)


@pytest.fixture
def watched(monkeypatch, tmp_path):
    """Trackers of a run, what they say, and its folder."""

    def watch(**ears):
        monkeypatch.setattr(
            room, "build", lambda kind, options, known, path: ears[options["type"]]
        )
        said, folder = [], Folder(tmp_path)
        return Trackers(Named(*ears), folder, said.append), said, folder

    monkeypatch.setattr(room, "AT_A_CHECKPOINT", 0.01)
    return watch


def test_a_slow_tracker_keeps_neither_training_nor_other_trackers_waiting(watched):
    slow, quick = Gated(), Ear()
    trackers, _, folder = watched(slow=slow, quick=quick)
    with trackers:
        for step in range(1, 6):
            trackers.scalars(step, {"loss": float(step)})
        assert slow.heard == []
        trackers._feeds[1].settle(60)
        assert [step for step, _ in quick.heard] == [1, 2, 3, 4, 5]
        slow.gate.set()
    assert slow.heard == quick.heard
    assert slow.closed
    assert folder.failures == []


def test_calls_are_dropped_and_counted_where_too_many_wait(watched, monkeypatch):
    monkeypatch.setattr(room, "WAITING", 3)
    slow = Gated()
    trackers, said, folder = watched(slow=slow)
    with trackers:
        trackers.scalars(1, {})
        assert slow.is_in.wait(60)
        for step in range(2, 10):
            trackers.scalars(step, {})
        slow.gate.set()
    assert [step for step, _ in slow.heard] == [1, 2, 3, 4]
    assert slow.closed
    (failure,) = folder.failures
    assert failure["error"] == "5 calls dropped: it is slower than the training"
    assert said[-1] == f'tracker "slow": {failure["error"]}'


@pytest.mark.parametrize("cut", [False, True])
def test_a_hanging_tracker_delays_the_end_for_a_bounded_time(watched, monkeypatch, cut):
    monkeypatch.setattr(room, "WHEN_CUT" if cut else "AT_THE_END", 0.05)
    monkeypatch.setattr(room, "AT_THE_END" if cut else "WHEN_CUT", 60.0)
    slow, quick = Gated(), Ear()
    trackers, said, folder = watched(slow=slow, quick=quick)
    with contextlib.suppress(InterruptedError), trackers:
        trackers.scalars(1, {})
        trackers.scalars(2, {})
        assert slow.is_in.wait(60)
        trackers._feeds[1].settle(60)
        if cut:
            raise InterruptedError
    assert not slow.closed
    assert quick.closed
    assert said[0] == (
        'tracker "slow" has 3 calls to take; waiting at most 0.05 seconds, Ctrl-C ends '
        "the wait"
    )
    (failure,) = folder.failures
    assert failure["hook"] == "close"
    assert failure["error"].startswith("3 calls left when 0.05 seconds")
    slow.gate.set()


def test_a_tracker_gets_all_queued_calls_when_a_run_is_interrupted(watched):
    slow = Gated()
    trackers, _, _ = watched(slow=slow)
    with contextlib.suppress(InterruptedError), trackers:
        trackers.scalars(1, {})
        trackers.scalars(2, {})
        slow.gate.set()
        raise InterruptedError
    assert [step for step, _ in slow.heard] == [1, 2]
    assert slow.closed


def test_queued_pictures_and_numbers_do_not_change_later(watched):
    class Keeps(Gated):
        def images(self, step, name, images):
            self.shown.append(images.max())

    slow = Keeps()
    trackers, _, _ = watched(slow=slow)
    with trackers:
        values, pictures = {"loss": 1.0}, np.zeros((1, 2, 2, 1), "uint8")
        trackers.scalars(1, values)
        trackers.images(1, "grid", pictures)
        values["loss"] = 2.0
        pictures[:] = 255
        slow.gate.set()
    assert slow.heard == [(1, {"loss": 1.0})]
    assert slow.shown == [0]


def test_a_tracker_that_raises_system_exit_is_dropped(watched):
    class Ends(Ear):
        def scalars(self, step, values):
            raise SystemExit(3)

    ends = Ends()
    trackers, said, folder = watched(ends=ends)
    with trackers:
        for step in range(3):
            trackers.scalars(step, {})
    assert [each["hook"] for each in folder.failures] == ["scalars"]
    assert len(said) == 1
    assert ends.closed == 1


def test_a_tracker_whose_close_fails_after_it_failed_is_recorded_with_both(watched):
    class Broken(Ear):
        def scalars(self, step, values):
            raise ValueError("no step")

    broken = Broken(fails_in="close")
    trackers, said, folder = watched(broken=broken)
    with trackers:
        trackers.scalars(1, {})
    assert [each["hook"] for each in folder.failures] == ["scalars", "close"]
    assert len(said) == 2
    assert broken.closed == 1


def test_ctrl_c_ends_the_final_wait_for_a_slow_tracker(watched, monkeypatch):
    monkeypatch.setattr(room, "AT_THE_END", 60.0)
    slow, stop = Gated(), threading.Event()
    trackers, _, folder = watched(slow=slow)
    trackers._stop = stop.is_set
    with trackers:
        trackers.scalars(1, {})
        assert slow.is_in.wait(60)
        threading.Timer(0.1, stop.set).start()
        begun = time.monotonic()
    assert time.monotonic() - begun < 30
    (failure,) = folder.failures
    assert failure["error"] == "2 calls left when Ctrl-C ended the wait"
    slow.gate.set()


@pytest.mark.processes
def test_a_run_whose_final_wait_ctrl_c_ended_is_scored(named, monkeypatch):
    monkeypatch.setattr(room, "AT_THE_END", 60.0)
    gate = threading.Event()

    class Stuck(Ear):
        def close(self):
            os.kill(os.getpid(), signal.SIGINT)
            assert gate.wait(120)

    run = named(ear=Stuck())
    (failure,) = run.folder.failures
    assert failure["error"] == "1 call left when Ctrl-C ended the wait"
    assert run.scores["test"]
    gate.set()


def test_only_prints_of_trackers_go_to_standard_error(watched, capsys):
    class Loud(Gated):
        def scalars(self, step, values):
            super().scalars(step, values)
            print("noise")

    loud = Loud()
    trackers, _, _ = watched(loud=loud)
    with trackers:
        trackers.scalars(1, {})
        assert loud.is_in.wait(60)
        print("answer")
        loud.gate.set()
    assert capsys.readouterr() == ("answer\n", "noise\n")


def test_a_tracker_that_outlives_its_run_prints_to_standard_error(
    watched, monkeypatch, capsys
):
    class Loud(Gated):
        def scalars(self, step, values):
            super().scalars(step, values)
            print("noise")

    monkeypatch.setattr(room, "AT_THE_END", 0.05)
    loud = Loud()
    trackers, _, _ = watched(loud=loud)
    with trackers:
        trackers.scalars(1, {})
        assert loud.is_in.wait(60)
    loud.gate.set()
    trackers._feeds[0].thread.join(60)
    print("answer")
    assert capsys.readouterr() == ("answer\n", "noise\n")


def test_a_tracker_that_outlives_a_bar_prints_to_standard_error(
    watched, monkeypatch, capsys
):
    class Loud(Gated):
        def scalars(self, step, values):
            super().scalars(step, values)
            print("noise")

    monkeypatch.setattr(room, "AT_THE_END", 0.05)
    loud = Loud()
    trackers, _, folder = watched(loud=loud)
    terminal = Console(file=io.StringIO(), force_terminal=True)
    with Journal(folder, 0, Bar(1, 0, 1, terminal), trackers):
        trackers.scalars(1, {})
        assert loud.is_in.wait(60)
    loud.gate.set()
    trackers._feeds[0].thread.join(60)
    assert capsys.readouterr().out == ""


def test_before_a_checkpoint_a_quick_tracker_has_all_calls(named):
    heard = []

    ear = Ear()
    original = room.Trackers.settle

    def settle(self):
        original(self)
        heard.append([step for step, values in ear.heard if "loss" in values][-1])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room.Trackers, "settle", settle)
        named(ear=ear)
    assert heard[0] == 4


@pytest.mark.processes
def test_a_tracker_that_cannot_be_built_ends_a_run_before_its_first_step(
    install, tiny, root
):
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
