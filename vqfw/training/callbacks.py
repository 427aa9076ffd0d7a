"""Tells the Keras callbacks of observers what Keras' own loop would tell them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras

from vqfw.assembly.autoencoder import Autoencoder
from vqfw.registry.hooks import Observers, observers
from vqfw.registry.importing import harmless
from vqfw.runs import RunFolder

Told = Callable[[keras.callbacks.CallbackList], None]


class Callbacks:
    """The callbacks of a run, each on its own; one that raises is detached.

    Args:
        run: what the observers see.
        autoencoder: the model that the callbacks see, as it is after a resume.
        total: optimizer steps of the whole training.
        per_epoch: steps of one epoch.
    """

    def __init__(
        self, run: RunFolder, autoencoder: Autoencoder, total: int, per_epoch: int
    ) -> None:
        self._watching: Observers = observers()
        self._model = autoencoder
        self._total, self._per_epoch = total, per_epoch
        self._reminded: set[str] = set()
        self._in_epoch = False
        found = self._watching.gather(
            "vqfw_callbacks", keras.callbacks.Callback, run=run
        )
        self._lists = [
            (observer, keras.callbacks.CallbackList([callback]))
            for observer, callback in found
        ]

    def begin(self) -> None:
        """The training begins, or goes on."""
        epochs = -(-self._total // self._per_epoch)
        params = {"epochs": epochs, "steps": self._per_epoch, "verbose": 0}
        self._each("set_model", lambda each: each.set_model(self._model))
        self._each("set_params", lambda each: each.set_params(params))
        self._each("on_train_begin", lambda each: each.on_train_begin())

    def before_step(self, step: int) -> None:
        """A step comes.

        Args:
            step: optimizer steps done.
        """
        epoch, batch = divmod(step, self._per_epoch)
        if not self._in_epoch:
            self._in_epoch = True
            self._each("on_epoch_begin", lambda each: each.on_epoch_begin(epoch))
        self._each(
            "on_train_batch_begin", lambda each: each.on_train_batch_begin(batch)
        )

    def after_step(self, step: int, values: Mapping[str, float]) -> None:
        """A step is done, and with it perhaps an epoch.

        Args:
            step: optimizer steps done.
            values: losses and other numbers of the step.
        """
        epoch, batch = divmod(step - 1, self._per_epoch)
        self._each(
            "on_train_batch_end",
            lambda each: each.on_train_batch_end(batch, dict(values)),
        )
        if step % self._per_epoch == 0 or step == self._total:
            self._in_epoch = False
            self._each(
                "on_epoch_end", lambda each: each.on_epoch_end(epoch, dict(values))
            )

    def end(self) -> None:
        """The training has ended, early or not; an interrupted one has not."""
        self._each("on_train_end", lambda each: each.on_train_end())

    def _each(self, method: str, tell: Told) -> None:
        for observer, one in list(self._lists):
            name = type(one.callbacks[0]).__name__
            self._model.stop_training = False
            try:
                with harmless():
                    tell(one)
            except Exception as error:
                self._lists.remove((observer, one))
                self._watching.report(observer, method, error, part=name)
            if self._model.stop_training:
                self._remind(observer, name)
        self._model.stop_training = False

    def _remind(self, observer: str, name: str) -> None:
        """Says once that what is installed does not decide where a run ends."""
        if name not in self._reminded:
            self._reminded.add(name)
            self._watching.say(
                f'{name} of observer "{observer}" asks to stop the training, which is '
                'ignored: give "early_stopping" in "training" of the experiment'
            )
