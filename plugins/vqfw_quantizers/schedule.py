"""An option that follows a schedule: its value, and the state that moves it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from vqfw.kinds import BetaScheduler
from vqfw.kinds.tensors import Scalar, Tokens
from vqfw.kinds.usage import MovingHistogram

# Images after which an observation of usage counts half: the engine's default for beta.
# Another value for beta in an experiment does not change it.
HALF_LIFE = 1024.0


class Schedule(keras.layers.Layer):
    """Follows a schedule with a step counter and a usage histogram of its own.

    Args:
        scheduler: a function of the step, the usage of the codes, and its last value.
        num_embeddings: codes in the book.
        name: of the option.
    """

    def __init__(
        self, scheduler: BetaScheduler, num_embeddings: int, name: str
    ) -> None:
        super().__init__(name=name, dtype="float32")
        self.scheduler = scheduler
        self.step = self._state("step", dtype="int32")
        self.previous = self._state("previous", value=scheduler.initial)
        self.shares = self._state("shares", (num_embeddings,))
        self.mass = self._state("mass")
        self.built = True

    @property
    def value(self) -> Scalar:
        """The value for the coming step; it has no gradient."""
        usage = MovingHistogram(self.shares, self.mass).usage
        return ops.stop_gradient(self.scheduler(self.step, usage, self.previous))

    def advance(self, value: Scalar, tokens: Tokens) -> None:
        """Moves the state on by one training step.

        Args:
            value: of this step.
            tokens: (batch, ...) int32, the codes chosen in this step.
        """
        images = ops.cast(ops.shape(tokens)[0], "float32")
        usage = MovingHistogram(self.shares, self.mass)
        usage = usage.moved(tokens, ops.power(0.5, images / HALF_LIFE))
        self.shares.assign(usage.shares)
        self.mass.assign(usage.mass)
        self.previous.assign(ops.cast(value, "float32"))
        self.step.assign(self.step + 1)

    @property
    def last(self) -> Scalar:
        """The value of the last step."""
        return ops.convert_to_tensor(self.previous)

    def _state(
        self,
        name: str,
        shape: tuple[int, ...] = (),
        value: float = 0,
        dtype: str = "float32",
    ) -> Any:
        return self.add_weight(
            shape=shape,
            initializer=keras.initializers.Constant(value),
            trainable=False,
            name=name,
            dtype=dtype,
        )


def scheduled_weight(
    scheduler: BetaScheduler | None, num_embeddings: int, name: str
) -> Schedule | None:
    """The schedule of a weight, or None for a term that is left out."""
    return None if scheduler is None else Schedule(scheduler, num_embeddings, name)


def scheduled_term(
    weight: Schedule | None, term: Callable[[], Scalar], tokens: Tokens, training: bool
) -> Scalar:
    """Weight times term, 0 without a weight; in training, moves the schedule on.

    Args:
        weight: of the term; None leaves it out.
        term: computes it; not called where it is left out.
        tokens: (batch, ...) int32, the codes chosen in this step.
        training: whether this is a training step.
    """
    if weight is None:
        return 0.0
    value = weight.value
    if training:
        weight.advance(value, tokens)
    return value * term()


def last_values(*schedules: Schedule | None) -> Mapping[str, Scalar]:
    """The values of the last step by name, without schedules that are None."""
    return {each.name: each.last for each in schedules if each is not None}
