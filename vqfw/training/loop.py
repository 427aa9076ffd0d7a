"""The fit loop: steps, revival, checkpoints, validation and pictures.

A step depends only on the seed, its number and the checkpoint. So a run that was interrupted
anywhere and resumed makes the same steps. The loss is summed in ``vqfw.assembly.loss_line``.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from vqfw.assembly.parts import Parts
from vqfw.data.arrays import Splits
from vqfw.errors import (
    CheckpointError,
    Interrupted,
    NonFiniteError,
    RunError,
    VqfwError,
    in_short,
)
from vqfw.evaluation.inference import Inference
from vqfw.evaluation.pictures import Pixels, grid, save_film, spread
from vqfw.evaluation.score import evaluate
from vqfw.plan import Plan
from vqfw.registry.hooks import observers
from vqfw.registry.tracebacks import blame
from vqfw.runs import RunFolder, checkpoint, mark_latest
from vqfw.runs.checkpoint import Checkpoint
from vqfw.training.bar import progress_for
from vqfw.training.callbacks import Callbacks
from vqfw.training.early_stopping import Patience
from vqfw.training.geometry import geometry_after
from vqfw.training.journal import Journal
from vqfw.training.revival import RevivalEngine
from vqfw.training.signals import Wishes, listening
from vqfw.training.state import arrays_of, require_finite, restore
from vqfw.training.trackers import Trackers

_WARM_UP = 20  # steps whose time is not counted: compilation, caches, a cold processor
_FIRST_LATENTS, _FIRST_IMAGES = 65_536, 1024  # at most, for the first codes


@dataclass(frozen=True)
class Trained:
    """How a training went.

    Args:
        steps: optimizer steps done in all.
        seconds: spent in this process.
        images_per_second: median over this process' steps after the first 20; None
            where there were no more.
        revival: codes revived, examined after 100 steps, and still in use then.
        stopped_early: whether validation ended it.
    """

    steps: int
    seconds: float
    images_per_second: float | None
    revival: Mapping[str, int]
    stopped_early: bool


def train(
    plan: Plan,
    splits: Splits,
    run: RunFolder,
    parts: Parts,
    inference: Inference,
    quiet: bool = False,
) -> Trained:
    """Trains to the last step, from the newest checkpoint of the run if it has one.

    Args:
        plan: of the run.
        splits: the images.
        run: its folder; the caller holds its lock.
        parts: fresh, as ``build_parts`` makes them.
        inference: of their model; for validation and pictures.
        quiet: whether to show no progress.

    Raises:
        Interrupted: after a signal; the state is committed.
        NonFiniteError: if the loss or a weight is not finite; earlier checkpoints stay.
        CheckpointError: if the run's checkpoints do not fit or are all damaged.
        VqfwError: if the disk is full; earlier checkpoints stay.
    """
    training = _Training(plan, splits, run, parts, inference, quiet)
    try:
        return training.to_the_end()
    except BrokenPipeError:  # stdout was closed; not a disk error
        raise
    except OSError as error:
        if blame(error):  # raised by another package, not by a full disk
            raise
        raise training.unwritten(error) from error


@dataclass
class _Training:
    """One training in progress."""

    _plan: Plan
    _splits: Splits
    _run: RunFolder
    _parts: Parts
    _inference: Inference
    _quiet: bool

    def __post_init__(self) -> None:
        self._settings = self._plan.experiment.training
        self._autoencoder = self._parts.autoencoder
        self._batches = self._parts.batches(self._plan, self._splits.train)
        self._total = self._plan.steps(len(self._splits.train))
        self._revival: RevivalEngine | None = None
        model, experiment = self._autoencoder.model, self._plan.experiment
        if model.codebook_quantizer is not None and model.revival is not None:
            interval = experiment.model["revival"]["interval"]
            self._revival = RevivalEngine(self._autoencoder, interval, experiment.seed)
        self._patience = Patience(self._settings.early_stopping)
        self._times: list[float] = []
        self._step = 0
        self._marked = False

    def to_the_end(self) -> Trained:
        started = time.monotonic()
        messages = self._resume()
        per_epoch = self._batches.steps_per_epoch
        epochs = math.ceil(self._total / per_epoch)
        progress = progress_for(self._quiet, self._total, self._step, epochs)
        with (
            listening() as wishes,
            Journal(
                self._run,
                self._step,
                progress,
                Trackers(self._plan, self._run, progress.say, wishes.wants_stop),
            ) as journal,
        ):
            for message in messages:
                journal.say(message)
            callbacks = Callbacks(self._run, self._autoencoder, self._total, per_epoch)
            callbacks.begin()
            self._run_steps(wishes, journal, callbacks)
            callbacks.end()
        save_film(self._run.pictures, self._run.pictures / "training.gif")
        pace = statistics.median(self._times) if self._times else None
        return Trained(
            steps=self._step,
            seconds=time.monotonic() - started,
            images_per_second=self._settings.batch_size / pace if pace else None,
            revival=self._revival.report if self._revival else {},
            stopped_early=self._step < self._total,
        )

    def unwritten(self, error: OSError) -> VqfwError:
        """A file of the run could not be written."""
        repair = "train it again; nothing was saved yet"
        if checkpoint.steps(self._run.states):
            resume = f"vqfw run --resume {self._run.quoted}"
            repair = f"go on from the last checkpoint with: {resume}"
        return VqfwError(
            f"step {self._step} cannot be saved to {self._run.path} ({error.strerror}): "
            f"make room, then {repair}"
        )

    def _run_steps(
        self, wishes: Wishes, journal: Journal, callbacks: Callbacks
    ) -> None:
        first, begun = self._step, time.perf_counter()
        threads = self._plan.threads
        with closing(self._batches.prefetched(first, self._total, threads)) as coming:
            for batch in coming:
                if self._patience.is_over:
                    return
                self._place_codes()
                if self._revival is not None:
                    self._revival.before_step(self._step)
                callbacks.before_step(self._step)
                values = self._train_on(batch)
                self._report(values, journal)
                callbacks.after_step(self._step, values)
                now = time.perf_counter()
                if self._step - first > _WARM_UP:
                    self._times.append(now - begun)  # with its wait for data
                begun = now
                due = self._step % self._settings.checkpoint_every == 0
                last = self._step == self._total
                if due or last:
                    self._validate(journal)
                if due or last or wishes.commit or wishes.wants_stop():
                    self._commit(journal)
                    wishes.commit = False
                if wishes.stop is not None and not last:
                    raise Interrupted(
                        f"stopped after step {self._step} of {self._total}, which is "
                        f"saved; go on with: vqfw run --resume {self._run.quoted}",
                        wishes.stop,
                    )

    def _train_on(self, batch: Mapping[str, Any]) -> dict[str, float]:
        """One optimizer step."""
        numbers = self._autoencoder.train_on_batch(batch, return_dict=True)
        values = {name: float(value) for name, value in numbers.items()}
        self._step += 1
        if not math.isfinite(values["loss"]):
            raise NonFiniteError(
                f"the loss of step {self._step} is {values['loss']}: lower the learning "
                'rate, or clip gradients with "global_clipnorm" in training.optimizer; '
                f"{self._what_is_saved()}"
            )
        if self._revival is not None:
            values |= self._revival.vitals
        values |= geometry_after(self._step, self._autoencoder)
        return values

    def _what_is_saved(self) -> str:
        if not checkpoint.steps(self._run.states):
            return "nothing was saved yet"
        return f"the last checkpoint is good: vqfw eval --run {self._run.quoted}"

    def _report(self, values: Mapping[str, float], journal: Journal) -> None:
        recent = self._times[-20:]
        pace = {}
        if recent:
            mean = statistics.fmean(recent)
            pace["images_per_second"] = self._settings.batch_size / mean
        per_epoch = self._batches.steps_per_epoch
        epoch = (self._step - 1) // per_epoch
        journal.step(self._step, epoch, values, pace)
        if self._step % per_epoch == 0 or self._step == self._total:
            journal.epoch_end(self._step, epoch, values, pace, self._grid())
            observers().tell(
                "vqfw_epoch_end",
                run=self._run,
                epoch=epoch + 1,
                step=self._step,
                values=dict(values),
            )

    def _validate(self, journal: Journal) -> None:
        images = self._splits.validation
        if not len(images):
            return
        with self._autoencoder.averaged():
            validation = evaluate(self._inference, images, self._parts.new_metrics())
        self._patience.see(validation)
        values = {k: v for k, v in validation.values.items() if v is not None}
        journal.validation(self._step, values)

    def _grid(self) -> Pixels:
        """Originals above reconstructions, of the images in the pictures of the run."""
        images = self._splits.test if len(self._splits.test) else self._splits.train
        shown = spread(images.pixels, self._plan.experiment.evaluation.pictures)
        with self._autoencoder.averaged():
            return grid([shown, self._inference.pictures(shown)])

    def _commit(self, journal: Journal) -> None:
        arrays = arrays_of(self._autoencoder)
        try:
            require_finite(arrays)
        except NonFiniteError as error:
            raise NonFiniteError(f"{error}; {self._what_is_saved()}") from None
        counters: dict[str, Any] = {
            "patience": self._patience.counters(),
            "data": self._splits.fingerprint,
        }
        if self._revival is not None:
            counters["revival"] = self._revival.counters()
        state = Checkpoint(self._step, arrays, counters)
        journal.sync()  # a run resumed from here keeps the log lines until this step
        checkpoint.commit(self._run.states, state, self._settings.keep_checkpoints)
        if not self._marked:  # once: LATEST is the run that started last
            mark_latest(self._run)
            self._marked = True

    def _resume(self) -> list[str]:
        messages: list[str] = []
        state = checkpoint.newest(self._run.states, messages.append)
        if state is None:
            return messages
        if state.counters.get("data") != self._splits.fingerprint:
            raise RunError(
                f'run "{self._run.id}" was trained on other images than its dataset gives '
                "now: use the same data, or start a new run"
            )
        restore(self._autoencoder, state.arrays)
        self._step = state.step
        try:
            self._patience.restore(state.counters["patience"])
            if self._revival is not None:
                self._revival.restore(state.counters["revival"])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(
                f'the counters of checkpoint {state.step} of run "{self._run.id}" do not '
                f"fit its experiment ({in_short(error)}): train it again"
            ) from error
        return [*messages, f"resumed after step {self._step} of {self._total}"]

    def _place_codes(self) -> None:
        """Hands the quantizer latents of training images, when its warm-up is over."""
        model = self._autoencoder.model
        quantizer = model.codebook_quantizer
        if quantizer is None or quantizer.warm_up != self._step:
            return
        seed = self._plan.experiment.seed
        order = np.random.default_rng([seed, 3]).permutation(len(self._splits.train))
        latents: list[Any] = []
        for start in range(0, min(_FIRST_IMAGES, len(order)), 32):
            rows = np.sort(order[start : start + 32])
            images = self._splits.train.pixels[rows].astype("float32") / 255.0
            encoded = keras.ops.convert_to_numpy(model.encode(images))
            latents.append(np.asarray(encoded, dtype="float32"))
            if sum(each[..., 0].size for each in latents) >= _FIRST_LATENTS:
                break
        quantizer.initialize(np.concatenate(latents), seed)
        # The codes that were counted until now have been replaced.
        self._autoencoder.monitor.forget()
