"""The checks of trackers and observers: each catches its mistake, and no other does."""

import json
from types import SimpleNamespace

import pytest
from vqfw_trackers.csv_file import CSV
from vqfw_trackers.tensorboard import TensorBoard

from vqfw.kinds import Tracker
from vqfw.kinds.hooks import Section, hook
from vqfw.testing import checks, parametrize_with_checks


@parametrize_with_checks("tracker", [CSV])
def test_a_tracker_keeps_the_contract(check, factory):
    check(factory)


@parametrize_with_checks("tracker", [TensorBoard])
def test_tensorboard_keeps_the_contract(check, factory):
    pytest.importorskip("tensorboard")
    check(factory)


class Lines(Tracker):
    """Right; the mistakes change one thing."""

    def __init__(self, run_folder):
        self.path = run_folder / "lines.jsonl"

    def scalars(self, step, values):
        self.write({"step": step, **values})

    def images(self, step, name, images):
        self.write({"step": step, name: images.tolist()})

    def close(self):
        pass

    def write(self, line):
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


class BeginsAtOnce(Lines):
    def __init__(self, run_folder):
        super().__init__(run_folder)
        self.path.touch()


class FirstNamesOnly(Lines):
    names = None

    def scalars(self, step, values):
        self.names = self.names or set(values)
        for name in values:
            assert name in self.names
        super().scalars(step, values)


class ColourOnly(Lines):
    def images(self, step, name, images):
        count, height, width, _ = images.shape
        super().images(step, name, images.reshape(count, height, width, 3))


class TakesTheLoss(Lines):
    def scalars(self, step, values):
        self.best = values.pop("loss", None)
        super().scalars(step, values)


class PaintsOver(Lines):
    def images(self, step, name, images):
        images[:, 0] = 255
        super().images(step, name, images)


class ClosesWhatItNeverOpened(Lines):
    def write(self, line):
        self.last = line
        super().write(line)

    def close(self):
        del self.last


class OnlyForNewRuns(Lines):
    begun = False

    def write(self, line):
        if not self.begun:
            self.path.touch(exist_ok=False)
            self.begun = True
        super().write(line)


@hook
def vqfw_run_end(run, scores):
    assert run.id


@hook
def vqfw_report_sections(run):
    return [Section("scores", str(run.scores))]


GOOD = {each.__name__: each for each in (vqfw_run_end, vqfw_report_sections)}


def observer(**changes):
    """A right observer but for some functions."""
    return lambda: SimpleNamespace(**GOOD | changes)


@hook
def vqfw_run_ends(run): ...


@hook
def vqfw_run_start(runs): ...


def vqfw_epoch_end(run): ...


@hook
def vqfw_checks(experiment):
    return experiment["no such section"]


@hook
def vqfw_callbacks(run):
    return [lambda: None]


@hook
def vqfw_cli():
    return "a verb"


PLANTED = {
    "tracker": {
        "BeginsAtOnce": (BeginsAtOnce, "making_one_opens_nothing"),
        "FirstNamesOnly": (FirstNamesOnly, "numbers_of_any_name_are_taken"),
        "ColourOnly": (ColourOnly, "pictures_of_any_size_are_taken"),
        "TakesTheLoss": (TakesTheLoss, "numbers_and_pictures_stay_unchanged"),
        "PaintsOver": (PaintsOver, "numbers_and_pictures_stay_unchanged"),
        "Unopened": (ClosesWhatItNeverOpened, "an_unused_tracker_can_be_closed"),
        "OnlyForNewRuns": (OnlyForNewRuns, "an_interrupted_run_is_continued"),
    },
    "observer": {
        "unknown hook": (
            observer(vqfw_run_ends=vqfw_run_ends),
            "every_hook_exists",
        ),
        "unknown argument": (
            observer(vqfw_run_start=vqfw_run_start),
            "every_hook_exists",
        ),
        "not marked": (
            observer(vqfw_epoch_end=vqfw_epoch_end),
            "every_hook_exists",
        ),
        "raises": (
            observer(vqfw_checks=vqfw_checks),
            "hooks_run_and_return_their_types",
        ),
        "callbacks that are none": (
            observer(vqfw_callbacks=vqfw_callbacks),
            "hooks_run_and_return_their_types",
        ),
        "no list": (
            observer(vqfw_cli=vqfw_cli),
            "hooks_run_and_return_their_types",
        ),
    },
}


@pytest.mark.mutations
@pytest.mark.parametrize(
    ("kind", "mistake"), [(kind, each) for kind in PLANTED for each in PLANTED[kind]]
)
def test_each_planted_mistake_fails_one_check_and_passes_all_the_rest(
    kind, mistake, complaints
):
    factory, expected = PLANTED[kind][mistake]
    assert complaints(kind, factory, expected) == [expected]


@pytest.mark.mutations
@pytest.mark.parametrize(
    ("kind", "right"), [("tracker", Lines), ("observer", observer())]
)
def test_the_base_of_each_planted_mistake_passes(kind, right, complaints):
    assert [
        check for check in checks(kind) if complaints(kind, right, check.__name__)
    ] == []


@pytest.mark.parametrize("kind", PLANTED)
def test_every_check_has_its_planted_mistake(kind):
    planted = {expected for _, expected in PLANTED[kind].values()}
    assert {check.__name__ for check in checks(kind)} == planted
