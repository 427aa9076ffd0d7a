"""The checks of beta schedulers: ours pass them, and each catches its mistake."""

import keras
import pytest
from keras import ops
from vqfw_beta.constant import Constant
from vqfw_beta.cosine import Cosine
from vqfw_beta.linear import Linear
from vqfw_beta.target_perplexity import TargetPerplexity
from vqfw_beta.usage_adaptive import UsageAdaptive
from vqfw_beta.warmup import Warmup

from vqfw.kinds import BetaScheduler
from vqfw.testing import checks, parametrize_with_checks


def falling():
    return Linear(start=0.5, end=0.0, steps=10)


SCHEDULERS = (
    Constant,
    Cosine,
    Linear,
    TargetPerplexity,
    UsageAdaptive,
    Warmup,
    falling,
)


@parametrize_with_checks("beta", SCHEDULERS)
def test_a_scheduler_keeps_the_contract(check, factory):
    check(factory)


class Right(BetaScheduler):
    """Holds a quarter; the mistakes change one thing."""

    initial = 0.25

    def __call__(self, step, usage, previous):
        return ops.full((), 0.25, dtype="float32")


class OneRow(Right):
    def __call__(self, step, usage, previous):
        return ops.full((1,), 0.25, dtype="float32")


class GoesOnFalling(Right):
    def __call__(self, step, usage, previous):
        return 0.25 - ops.cast(step, "float32") / 1e5


class StartsElsewhere(Right):
    initial = 0.1


class CountsItsCalls(Right):
    calls = 0

    def __call__(self, step, usage, previous):
        self.calls += 1
        return ops.full((), 0.25 + max(0, self.calls - 7), dtype="float32")


class BranchesInPython(Right):
    def __call__(self, step, usage, previous):
        late = int(ops.convert_to_numpy(step)) > 900
        return ops.full((), 0.5 if late else 0.25, dtype="float32")


PLANTED = {
    OneRow: "the_weight_is_a_float32_scalar",
    GoesOnFalling: "the_weight_is_finite_and_not_negative",
    StartsElsewhere: "the_first_weight_is_the_initial_one",
    CountsItsCalls: "the_same_arguments_give_the_same_weight",
    BranchesInPython: "the_weight_can_be_compiled",
}


@pytest.mark.mutations
@pytest.mark.parametrize("mistake", PLANTED, ids=lambda mistake: mistake.__name__)
def test_each_planted_mistake_fails_one_check_and_passes_all_the_rest(
    mistake, complaints
):
    if mistake is BranchesInPython and keras.backend.backend() == "torch":
        pytest.skip("torch compiles nothing, so Python may look at a tensor there")
    assert complaints("beta", mistake, PLANTED[mistake]) == [PLANTED[mistake]]


def test_every_check_has_its_planted_mistake():
    assert {check.__name__ for check in checks("beta")} == set(PLANTED.values())
