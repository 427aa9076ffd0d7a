"""An option that follows a schedule: its value now, and the state that takes it on."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from vqfw.kinds import BetaScheduler
from vqfw.kinds.tensors import Scalar, Tokens
from vqfw.kinds.usage import MovingHistogram

# Images after which an observation of usage counts half: the engine's default for beta,
# whatever an experiment sets there.
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
        """What the schedule says for the step that comes; no gradient."""
        usage = MovingHistogram(self.shares, self.mass).usage
        return ops.stop_gradient(self.scheduler(self.step, usage, self.previous))

    def advance(self, value: Scalar, tokens: Tokens) -> None:
        """Closes a training step.

        Args:
            value: what was in force.
            tokens: (batch, ...) int32, the codes that the step chose.
        """
        images = ops.cast(ops.shape(tokens)[0], "float32")
        seen = MovingHistogram(self.shares, self.mass)
        seen = seen.moved(tokens, ops.power(0.5, images / HALF_LIFE))
        self.shares.assign(seen.shares)
        self.mass.assign(seen.mass)
        self.previous.assign(ops.cast(value, "float32"))
        self.step.assign(self.step + 1)

    @property
    def last(self) -> Scalar:
        """What was in force in the last step."""
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
