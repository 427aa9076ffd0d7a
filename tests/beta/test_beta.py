import numpy as np
import pytest
from keras import ops
from vqfw_beta.constant import Constant
from vqfw_beta.linear import Linear
from vqfw_beta.usage_adaptive import UsageAdaptive

from vqfw.kinds import Context, Usage

ALL = Usage(np.full(10, 0.1, "float32"))
HALF = Usage(np.array([0.2, 0] * 5, "float32"))
NONE = Usage(np.zeros(10, "float32"))


def weight(scheduler, step=0, usage=ALL, previous=0.0):
    step, previous = ops.convert_to_tensor(step), ops.convert_to_tensor(previous)
    return float(scheduler(step, Usage(ops.convert_to_tensor(usage.counts)), previous))


def test_a_constant_stays():
    assert [weight(Constant(0.4), step) for step in (0, 10**6)] == pytest.approx(
        [0.4] * 2
    )


@pytest.mark.parametrize(
    ("step", "right"), [(0, 0.1), (25, 0.2), (99, 0.496), (100, 0.5), (10**6, 0.5)]
)
def test_a_line_holds_at_its_corners(step, right):
    assert weight(Linear(0.1, 0.5, 100), step) == pytest.approx(right, rel=1e-5)


def test_a_line_of_one_step_is_a_jump():
    line = Linear(0.1, 0.5, 1)
    assert [weight(line, step) for step in (0, 1, 2)] == pytest.approx([0.1, 0.5, 0.5])


def test_a_line_may_fall():
    assert weight(Linear(0.5, 0.0, 10), 5) == pytest.approx(0.25)
    assert weight(Linear(0.5, 0.0, 10), 11) == 0


@pytest.mark.parametrize(("usage", "target"), [(NONE, 0.1), (HALF, 0.3), (ALL, 0.5)])
def test_the_adaptive_weight_goes_half_of_the_way_in_its_half_life(usage, target):
    scheduler = UsageAdaptive(lowest=0.1, highest=0.5, half_life=20)
    value = scheduler.initial
    for step in range(20):
        value = weight(scheduler, step, usage, value)
    assert value == pytest.approx((0.1 + target) / 2, rel=1e-4)
    for step in range(20, 400):
        value = weight(scheduler, step, usage, value)
    assert value == pytest.approx(target, rel=1e-4)


def test_one_adaptive_step_follows_the_formula():
    scheduler = UsageAdaptive(lowest=0.1, highest=0.5, half_life=1)
    found = weight(scheduler, usage=HALF, previous=0.2)
    assert found == pytest.approx(0.5 * 0.2 + 0.5 * (0.1 + 0.4 * 0.5))


def checked(steps, training):
    context = Context(image_size=64, steps=training, batch_size=8, experiment={})
    return Linear.check({"start": 0.1, "end": 0.2, "steps": steps}, context)


def test_a_ramp_longer_than_training_is_warned_of():
    assert not checked(1000, 1000)
    assert not checked(1000, None)
    (problem,) = checked(1001, 1000)
    assert problem.severity == "warning"
    assert problem.path == ("steps",)
    assert problem.help == 'set "steps" to at most 1000'
