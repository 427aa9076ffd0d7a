import doctest
from importlib import import_module

import numpy as np
import pytest
from keras import ops
from vqfw_beta.constant import Constant
from vqfw_beta.cosine import Cosine
from vqfw_beta.linear import Linear
from vqfw_beta.target_perplexity import TargetPerplexity
from vqfw_beta.usage_adaptive import UsageAdaptive
from vqfw_beta.warmup import Warmup

from vqfw.kinds import Context, Usage

ALL = Usage(np.full(10, 0.1, "float32"))
HALF = Usage(np.array([0.2, 0] * 5, "float32"))
NONE = Usage(np.zeros(10, "float32"))


def weight(scheduler, step=0, usage=ALL, previous=0.0):
    step, previous = ops.convert_to_tensor(step), ops.convert_to_tensor(previous)
    return float(scheduler(step, Usage(ops.convert_to_tensor(usage.counts)), previous))


def test_the_constant_weight_does_not_change():
    assert [weight(Constant(0.4), step) for step in (0, 10**6)] == pytest.approx(
        [0.4] * 2
    )


@pytest.mark.parametrize(
    ("step", "right"), [(0, 0.1), (25, 0.2), (99, 0.496), (100, 0.5), (10**6, 0.5)]
)
def test_a_linear_weight_goes_from_start_to_end_and_stays(step, right):
    assert weight(Linear(0.1, 0.5, 100), step) == pytest.approx(right, rel=1e-5)


def test_a_linear_weight_of_one_step_jumps_to_its_end():
    line = Linear(0.1, 0.5, 1)
    assert [weight(line, step) for step in (0, 1, 2)] == pytest.approx([0.1, 0.5, 0.5])


def test_a_linear_weight_may_fall():
    assert weight(Linear(0.5, 0.0, 10), 5) == pytest.approx(0.25)
    assert weight(Linear(0.5, 0.0, 10), 11) == 0


@pytest.mark.parametrize(("usage", "target"), [(NONE, 0.1), (HALF, 0.3), (ALL, 0.5)])
def test_the_usage_adaptive_weight_goes_halfway_to_its_target_in_a_half_life(
    usage, target
):
    scheduler = UsageAdaptive(lowest=0.1, highest=0.5, half_life=20)
    value = scheduler.initial
    for step in range(20):
        value = weight(scheduler, step, usage, value)
    assert value == pytest.approx((0.1 + target) / 2, rel=1e-4)
    for step in range(20, 400):
        value = weight(scheduler, step, usage, value)
    assert value == pytest.approx(target, rel=1e-4)


def test_one_step_of_usage_adaptive_follows_the_formula():
    scheduler = UsageAdaptive(lowest=0.1, highest=0.5, half_life=1)
    found = weight(scheduler, usage=HALF, previous=0.2)
    assert found == pytest.approx(0.5 * 0.2 + 0.5 * (0.1 + 0.4 * 0.5))


@pytest.mark.parametrize(
    ("step", "right"), [(0, 0.1), (25, 0.1586), (50, 0.3), (75, 0.4414), (200, 0.5)]
)
def test_a_cosine_weight_changes_slowly_at_both_ends(step, right):
    assert weight(Cosine(0.1, 0.5, 100), step) == pytest.approx(right, abs=1e-4)


@pytest.mark.parametrize(("step", "right"), [(0, 0), (5, 0.2), (10, 0.4), (11, 0.4)])
def test_a_warmup_rises_from_zero_and_stays(step, right):
    assert weight(Warmup(0.4, 10), step) == pytest.approx(right)


def steered(scheduler, usage, steps, value=None):
    value = scheduler.initial if value is None else value
    for step in range(steps):
        value = weight(scheduler, step, usage, value)
    return value


# Ten codes: HALF has a perplexity of 5, ALL of 10.
def test_the_weight_stays_at_the_target_perplexity():
    control = TargetPerplexity(target=0.5, start=0.2)
    assert steered(control, HALF, 100) == pytest.approx(0.2, rel=1e-4)


def test_low_perplexity_lowers_the_weight_and_high_perplexity_raises_it():
    control = TargetPerplexity(target=0.75, start=0.2)
    assert weight(control, usage=HALF, previous=0.2) < 0.2
    assert weight(control, usage=ALL, previous=0.2) > 0.2


def test_the_weight_moves_by_a_factor_of_two_in_a_half_life_at_most():
    control = TargetPerplexity(target=0.25, start=0.1, highest=9, half_life=20)
    assert steered(control, HALF, 20) == pytest.approx(0.2, rel=1e-4)
    assert steered(control, ALL, 20) == pytest.approx(0.2, rel=1e-4)


def test_at_a_bound_the_control_does_not_wind_up():
    control = TargetPerplexity(target=0.75, start=0.2, lowest=0.1, half_life=10)
    low = steered(control, HALF, 500)
    assert low == pytest.approx(0.1)
    assert weight(control, usage=ALL, previous=low) > 0.1
    high = steered(control, ALL, 500)
    assert high == pytest.approx(1.0)
    assert weight(control, usage=HALF, previous=high) < 1.0


def test_beta_keeps_its_start_value_until_the_first_batch():
    assert steered(TargetPerplexity(start=0.2), NONE, 50) == pytest.approx(0.2)


def test_the_control_reaches_the_target_perplexity_in_a_closed_loop():
    """A codebook whose perplexity falls as the weight grows comes to rest at the target."""
    control, value = TargetPerplexity(target=0.6, start=0.9, half_life=20), 0.9
    for step in range(400):
        active = round(100 * (1 - 0.8 * value))
        counts = np.zeros(100, "float32")
        counts[:active] = 1 / active
        value = weight(control, step, Usage(counts), value)
    assert active == pytest.approx(60, abs=2)


def test_a_start_outside_its_bounds_is_refused():
    context = Context(image_size=64, steps=10, batch_size=8, experiment={})
    options = {"start": 0.25, "lowest": 0.01, "highest": 1.0}
    assert not TargetPerplexity.check(options, context)
    (problem,) = TargetPerplexity.check({**options, "start": 2.0}, context)
    assert problem.severity == "error"
    assert problem.path == ("start",)
    assert "2, outside of 0.01 to 1" in problem.message


@pytest.mark.parametrize("name", ["cosine", "warmup"])
def test_the_examples_are_right(name):
    found = doctest.testmod(import_module(f"vqfw_beta.{name}"))
    assert found.attempted
    assert not found.failed


def checked(ramp, steps, training):
    context = Context(image_size=64, steps=training, batch_size=8, experiment={})
    return ramp.check({"steps": steps}, context)


@pytest.mark.parametrize("ramp", [Cosine, Linear, Warmup])
def test_a_ramp_longer_than_training_is_warned_of(ramp):
    assert not checked(ramp, 1000, 1000)
    assert not checked(ramp, 1000, None)
    (problem,) = checked(ramp, 1001, 1000)
    assert problem.severity == "warning"
    assert problem.path == ("steps",)
    assert problem.help == 'set "steps" to at most 1000'
