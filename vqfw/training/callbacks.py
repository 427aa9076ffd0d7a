"""Calls the Keras callbacks of observers as ``keras.Model.fit`` would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from vqfw.assembly.autoencoder import Autoencoder
from vqfw.registry.hooks import Observers, observers
from vqfw.registry.importing import harmless
from vqfw.runs import RunFolder


class Callbacks:
    """The callbacks of a run, each on its own; one that raises is detached.

    Args:
        run: is given to the observers.
        autoencoder: the model of the callbacks, after a resume.
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
        kind = keras.callbacks.Callback
        self._lists = [
            (observer, keras.callbacks.CallbackList([callback]))
            for observer, callback in self._watching.gather(
                "vqfw_callbacks", kind, run=run
            )
        ]

    def begin(self) -> None:
        """The training begins, or goes on."""
        epochs = -(-self._total // self._per_epoch)
        params = {"epochs": epochs, "steps": self._per_epoch, "verbose": 0}
        self._call("set_model", self._model)
        self._call("set_params", params)
        self._call("on_train_begin")

    def before_step(self, step: int) -> None:
        """A step begins, and with it perhaps an epoch.

        Args:
            step: optimizer steps done.
        """
        epoch, batch = divmod(step, self._per_epoch)
        if not self._in_epoch:
            self._in_epoch = True
            self._call("on_epoch_begin", epoch)
        self._call("on_train_batch_begin", batch)

    def after_step(self, step: int, values: Mapping[str, float]) -> None:
        """A step is done, and with it perhaps an epoch.

        Args:
            step: optimizer steps done.
            values: losses and other numbers of the step.
        """
        epoch, batch = divmod(step - 1, self._per_epoch)
        self._call("on_train_batch_end", batch, values)
        if step % self._per_epoch == 0 or step == self._total:
            self._in_epoch = False
            self._call("on_epoch_end", epoch, values)

    def end(self) -> None:
        """The training has ended, early or not; an interrupted one has not."""
        self._call("on_train_end")

    def _call(self, method: str, *arguments: Any) -> None:
        """Calls each callback, with mappings of its own; whether it asks to stop is ignored."""
        for observer, callback in list(self._lists):
            name = type(callback.callbacks[0]).__name__
            self._model.stop_training = False
            try:
                with harmless():
                    getattr(callback, method)(
                        *(dict(a) if isinstance(a, Mapping) else a for a in arguments)
                    )
            except Exception as error:
                self._lists.remove((observer, callback))
                self._watching.report(observer, method, error, part=name)
            if self._model.stop_training and name not in self._reminded:
                self._reminded.add(name)
                self._watching.say(
                    f'{name} of observer "{observer}" asks to stop the training, which is '
                    'ignored: give "early_stopping" in "training" of the experiment'
                )
        self._model.stop_training = False
