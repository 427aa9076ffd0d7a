"""The checks of every beta scheduler. A factory takes no arguments and makes a fresh one."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from vqfw.kinds import BetaScheduler, Usage
from vqfw.testing.check import Factory, checks_in, require
from vqfw.testing.probe import compiling

CODES = 16
STEPS = (0, 1, 999, 1000, 10**6, 2**31 - 1)
FULL = np.full(CODES, 1 / CODES, "float32")
EMPTY = np.zeros(CODES, "float32")
ONE = np.eye(CODES, dtype="float32")[0]


class Compiled(keras.Model):
    """A scheduler inside a compiled function, fed with tensors."""

    def __init__(self, scheduler: BetaScheduler) -> None:
        super().__init__(dtype="float32")
        self.scheduler = scheduler
        self.built = True

    def call(self, batch: dict[str, Any]) -> Any:
        """The weight for the first row, as an array of one row."""
        usage = Usage(batch["counts"][0])
        previous = batch["previous"][0]
        found = self.scheduler(batch["step"][0], usage, previous)
        return ops.reshape(found, (1,))


def the_weight_is_a_float32_scalar(factory: Factory) -> None:
    """The weight is a () float32 tensor at every step."""
    for step in STEPS:
        found = _tensor(factory(), step, FULL, factory().initial)
        dtype = keras.backend.standardize_dtype(getattr(found, "dtype", type(found)))
        require(
            tuple(getattr(found, "shape", (None,))) == () and dtype == "float32",
            f"at step {step} it gives {dtype} of shape "
            f"{tuple(getattr(found, 'shape', ()))}: return a () float32 tensor",
        )


def the_weight_is_finite_and_not_negative(factory: Factory) -> None:
    """The weight is finite and not negative at every step, with any usage."""
    for counts in (EMPTY, ONE, FULL):
        scheduler = factory()
        previous = scheduler.initial
        for step in STEPS:
            previous = _value(scheduler, step, counts, previous)
            require(
                np.isfinite(previous) and previous >= 0,
                f"at step {step} the weight is {previous}: hold the last value after the "
                "end of the schedule",
            )


def the_first_weight_is_the_initial_one(factory: Factory) -> None:
    """``initial`` is a plain number, and equals the weight at step 0 before any batch."""
    initial = factory().initial
    require(
        isinstance(initial, int | float) and np.isfinite(initial) and initial >= 0,
        f"initial is {initial!r}: it must be a plain number, finite and not negative",
    )
    first = _value(factory(), 0, EMPTY, float(initial))
    require(
        abs(first - initial) <= 1e-6,
        f"initial is {initial:.6g} but step 0 gives {first:.6g}: initial must be the "
        "weight before the first batch",
    )


def the_same_arguments_give_the_same_weight(factory: Factory) -> None:
    """The weight depends on the arguments alone, not on earlier calls."""
    scheduler = factory()
    first = [_value(scheduler, step, FULL, 0.1) for step in STEPS]
    again = [_value(scheduler, step, FULL, 0.1) for step in reversed(STEPS)]
    require(
        first == again[::-1],
        "the same step, usage and previous gave two weights: keep no state, use previous",
    )


def the_weight_can_be_compiled(factory: Factory) -> None:
    """The weight is the same inside a compiled step as outside."""
    model = Compiled(factory())
    model.compile(jit_compile=keras.backend.backend() == "jax")
    for step, counts in ((0, EMPTY), (500, ONE), (10**6, FULL)):
        batch = {
            "step": np.array([step], "int32"),
            "counts": counts[None],
            "previous": np.array([0.1], "float32"),
        }
        with compiling():
            found = _compiled_value(model, batch)
        right = _value(factory(), step, counts, 0.1)
        require(
            abs(found - right) <= 1e-6 * max(1, abs(right)),
            f"at step {step} the compiled weight is {found:.6g}, the eager one "
            f"{right:.6g}: do not convert step and usage to numbers",
        )


CHECKS = checks_in(globals())


def _tensor(
    scheduler: BetaScheduler, step: int, counts: NDArray[Any], previous: float
) -> Any:
    return scheduler(
        ops.convert_to_tensor(step, "int32"),
        Usage(ops.convert_to_tensor(counts)),
        ops.convert_to_tensor(previous, "float32"),
    )


def _value(
    scheduler: BetaScheduler, step: int, counts: NDArray[Any], previous: float
) -> float:
    found = _tensor(scheduler, step, counts, previous)
    return float(np.ravel(ops.convert_to_numpy(found))[0])


def _compiled_value(model: Compiled, batch: dict[str, NDArray[Any]]) -> float:
    shapes = {
        name: keras.KerasTensor(rows.shape, str(rows.dtype))
        for name, rows in batch.items()
    }
    # The symbolic call refuses what torch, which compiles nothing here, would let pass.
    model.compute_output_spec(shapes)
    return float(np.ravel(model.predict_on_batch(batch))[0])
