"""The model as it is trained: augmentations, the model, its loss, and what a step observes.

It is a ``keras.Model``, so that Keras' own trainer compiles the step on every backend.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

from vqfw.assembly.loss_line import Total, WeightedLoss, total_loss
from vqfw.assembly.usage_monitor import UsageMonitor
from vqfw.kinds.augmentation import Augmentation
from vqfw.kinds.model import Model, Output
from vqfw.kinds.tensors import Images, Scalar

# Numbers of the usage that a step reports, besides the share of active codes.
_USAGE = ("perplexity", "entropy_bits", "dead_codes", "largest_share")


class Latest(keras.metrics.Metric):
    """Holds the value of the last step; Keras' own metrics are averages."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, dtype="float32")
        self.value = self.add_variable(shape=(), initializer="zeros", name="value")

    def update_state(self, value: Scalar) -> None:
        """Takes the value of this step."""
        self.value.assign(ops.cast(value, "float32"))

    def result(self) -> Scalar:
        """The value of the last step."""
        return ops.convert_to_tensor(self.value)


class Autoencoder(keras.Model):
    """A model with losses, augmentations, usage and averaged weights, for training.

    Args:
        model: built.
        losses: the reconstruction terms.
        augmentations: applied in this order to training images.
        usage_half_life: in images.
        batch_size: images a training step.
        image_shape: (height, width, channels).
        weight_averaging: decay of the moving average of the weights at each step; None
            keeps no average. Source: Polyak and Juditsky 1992,
            https://doi.org/10.1137/0330046.

    Attributes:
        tokens_a_step: latents that choose a code of one codebook in a training step; 0
            where the model has no tokens.
    """

    def __init__(
        self,
        model: Model,
        losses: Sequence[WeightedLoss],
        augmentations: Sequence[Augmentation],
        usage_half_life: float,
        batch_size: int,
        image_shape: tuple[int, int, int],
        weight_averaging: float | None = None,
    ) -> None:
        super().__init__(name="autoencoder", dtype="float32")
        self.weight_averaging = weight_averaging
        self.model = model
        self.terms = tuple(losses)
        self.augmentations = tuple(augmentations)
        self.monitor = UsageMonitor(model.vocabulary, usage_half_life, batch_size)
        self.step = self._state("step", "int32", 0)
        beta = model.beta.initial if model.beta is not None else 0.0
        self.beta = self._state("beta", "float32", beta)
        self.averages = [] if weight_averaging is None else self._copies()
        images = keras.KerasTensor((batch_size, *image_shape), "float32")
        output = model.compute_output_spec(images)
        self.tokens_a_step = (
            0 if output.tokens is None else math.prod(output.tokens.shape[:-1])
        )
        self.latest = {name: Latest(name) for name in self._reported(output)}
        self.built = True

    def call(
        self, batch: Mapping[str, Any], training: bool = False
    ) -> tuple[Images, Output]:
        """The images of a batch, augmented in training, and the output for them.

        Args:
            batch: ``images`` uint8 (batch, height, width, channels), and in training
                ``params``: drawn parameters of each augmentation, by its position.
            training: whether to augment, and to let the codebook move.
        """
        images = ops.cast(batch["images"], "float32") / 255.0
        if training:
            images = ops.stop_gradient(self._augmented(images, batch["params"]))
        return images, self.model(images, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Scalar:
        """The loss of a step (``total_loss``); Keras calls this before the gradients.

        The step is observed here, with the weights that it begins with.
        """
        images, output = y_pred
        beta = self._next_beta()
        total = total_loss(self.terms, images, output, beta)
        self._observe(total, output, beta)
        return total.loss

    def _observe(self, total: Total, output: Output, beta: Scalar) -> None:
        """Counts the tokens of a step, notes its numbers and moves the averages."""
        report = {**total._asdict(), **output.losses, "bits": ops.mean(output.bits)}
        if output.tokens is not None:
            self.monitor.add(output.tokens)
            usage = self.monitor.least_used()
            report["usage"] = usage.share_active
            report.update((name, getattr(usage, name)) for name in _USAGE)
        report.update(self.model.scheduled)
        if self.model.beta is not None:
            report["beta"] = beta
            self.beta.assign(beta)
        for name, metric in self.latest.items():
            metric.update_state(ops.stop_gradient(report[name]))
        self._average()
        self.step.assign(self.step + 1)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Puts the averaged weights into the model while a block runs."""
        last = [ops.convert_to_numpy(weight) for weight, _ in self._averaged_weights]
        self.use_averages()
        try:
            yield
        finally:
            for (weight, _), value in zip(self._averaged_weights, last, strict=True):
                weight.assign(value)

    def restart_averages(self, variables: Sequence[Any], mask: Any) -> None:
        """Sets the averages of some rows to the weights as they are now.

        Args:
            variables: weights of the model with one row a code.
            mask: (num_embeddings,) bool: the rows.
        """
        paths = {variable.path for variable in variables}
        for weight, average in self._averaged_weights:
            if weight.path in paths:
                before, now = map(ops.convert_to_numpy, (average, weight))
                average.assign(np.where(mask[:, None], now, before))

    def use_averages(self) -> None:
        """Puts the averaged weights into the model for good; it is not trained on."""
        for weight, average in self._averaged_weights:
            weight.assign(ops.copy(average))  # a copy, as in ``_copies``

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Scalar]:
        """The values of this step alone; Keras would average them since the start."""
        return {name: metric.result() for name, metric in self.latest.items()}

    def _average(self) -> None:
        """Moves the averages towards the weights that this step began with.

        Early on they cover a tenth of the steps so far, or the initial weights would spoil
        them for hundreds of steps.
        """
        if self.averages:
            step = ops.cast(self.step, "float32")
            keep = ops.minimum(self.weight_averaging, (1.0 + step) / (10.0 + step))
            for weight, average in self._averaged_weights:
                now = ops.stop_gradient(ops.convert_to_tensor(weight))
                average.assign(keep * average + (1 - keep) * now)

    @property
    def _averaged_weights(self) -> list[tuple[Any, Any]]:
        """The trained weights with their averages; empty where none are kept."""
        weights = self.model.trainable_variables if self.averages else []
        return list(zip(weights, self.averages, strict=True))

    def _copies(self) -> list[Any]:
        copies = []
        for i, weight in enumerate(self.model.trainable_variables):
            copy = self.add_weight(
                shape=weight.shape, trainable=False, name=f"average_{i}"
            )
            # A copy of its own: JAX refuses to hand over one buffer for two variables.
            copy.assign(ops.copy(weight))
            copies.append(copy)
        return copies

    def _augmented(self, images: Images, params: Mapping[str, Any]) -> Images:
        for i, augmentation in enumerate(self.augmentations):
            drawn = dict(params[str(i)])
            active = drawn.pop("active", None)
            changed = ops.clip(augmentation.apply(images, drawn), 0.0, 1.0)
            if active is not None:
                active = ops.reshape(active, (-1, 1, 1, 1))
                changed = ops.where(active, changed, images)
            images = changed
        return images

    def _next_beta(self) -> Scalar:
        if self.model.beta is None:
            return ops.ones(())
        usage = self.monitor.least_used()
        return ops.stop_gradient(self.model.beta(self.step, usage, self.beta))

    def _state(self, name: str, dtype: str, value: float) -> Any:
        return self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(value),
            trainable=False,
            name=name,
            dtype=dtype,
        )

    def _reported(self, output: Output) -> list[str]:
        """The names of the numbers that a step reports."""
        names = ["loss", "reconstruction", *output.losses, "bits"]
        if self.model.vocabulary:
            names += ["usage", *_USAGE]
        names += self.model.scheduled
        return names + (["beta"] if self.model.beta is not None else [])
