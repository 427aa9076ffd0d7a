"""The fit loop: steps, revival, checkpoints, validation, pictures; in that order.

Everything that a step depends on is a function of the seed and the step, or is in the
checkpoint. So a run that was cut anywhere and resumed makes the same steps.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from vqfw.assembly.parts import Parts
from vqfw.data.arrays import Splits
from vqfw.data.batches import Batches, prefetched
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
from vqfw.training.callbacks import Callbacks
from vqfw.training.early_stopping import Patience
from vqfw.training.geometry import geometry_after
from vqfw.training.journal import Journal
from vqfw.training.progress import progress_for
from vqfw.training.revival import RevivalEngine
from vqfw.training.signals import Wishes, listening
from vqfw.training.state import arrays_of, require_finite, restore
from vqfw.training.trackers import Trackers

# Steps whose time is not counted: compilation, caches, a cold processor.
_WARM_UP = 20
# Latents that initialization looks at, at most; and images, whatever their grid.
_FIRST_LATENTS = 65_536
_FIRST_IMAGES = 1024


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
        plan: what to do.
        splits: the images.
        run: where it is recorded; the caller holds its lock.
        parts: fresh, as ``build_parts`` makes them.
        inference: of their model; for validation and pictures.
        quiet: whether to show no progress.

    Raises:
        Interrupted: after a signal; the state is committed.
        NonFiniteError: if the loss or a weight is no number; earlier checkpoints stay.
        CheckpointError: if the run's checkpoints do not fit or are all damaged.
        VqfwError: if the disk is full; earlier checkpoints stay.
    """
    training = _Training(plan, splits, run, parts, inference, quiet)
    try:
        return training.to_the_end()
    except BrokenPipeError:  # stdout was closed; not a disk error
        raise
    except OSError as error:
        if blame(error):  # another package's, and no disk that is full
            raise
        raise VqfwError(training.unwritten(error)) from error


class _Training:
    """One training in progress."""

    def __init__(
        self,
        plan: Plan,
        splits: Splits,
        run: RunFolder,
        parts: Parts,
        inference: Inference,
        quiet: bool,
    ) -> None:
        experiment = plan.experiment
        self._plan = plan
        self._settings = experiment.training
        self._splits = splits
        self._run = run
        self._autoencoder = parts.autoencoder
        self._new_metrics = parts.new_metrics
        self._inference = inference
        self._quiet = quiet
        self._batches = Batches(
            splits.train,
            batch_size=self._settings.batch_size,
            seed=experiment.seed,
            augmentations=parts.augmentations,
            image_augmentations=parts.image_augmentations,
        )
        self._total = plan.steps(len(splits.train))
        self._revival = self._revival_engine()
        self._patience = Patience(self._settings.early_stopping)
        self._times: list[float] = []
        self._step = 0
        self._marked = False

    def to_the_end(self) -> Trained:
        started = time.monotonic()
        messages = self._resume()
        epochs = math.ceil(self._total / self._batches.steps_per_epoch)
        progress = progress_for(self._quiet, self._total, self._step, epochs)
        with (
            listening() as wishes,
            Journal(
                self._run,
                self._step,
                progress,
                Trackers(
                    self._plan,
                    self._run,
                    progress.say,
                    lambda: wishes.stop is not None,
                ),
            ) as journal,
        ):
            for message in messages:
                journal.say(message)
            callbacks = Callbacks(
                self._run,
                self._autoencoder,
                self._total,
                self._batches.steps_per_epoch,
            )
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

    def unwritten(self, error: OSError) -> str:
        """What to say when a file of the run could not be written."""
        return (
            f"step {self._step} cannot be saved to {self._run.path} ({error.strerror}): "
            "make room, then "
            + (
                f"go on from the last checkpoint with: vqfw run --resume {self._run.quoted}"
                if checkpoint.steps(self._run.states)
                else "train it again; nothing was saved yet"
            )
        )

    def _run_steps(
        self, wishes: Wishes, journal: Journal, callbacks: Callbacks
    ) -> None:
        first, begun = self._step, time.perf_counter()
        threads = self._plan.threads
        with closing(prefetched(self._batches, first, self._total, threads)) as coming:
            for batch in coming:
                if self._patience.is_over:
                    return
                self._between_steps()
                callbacks.before_step(self._step)
                values = self._train_on(batch)
                self._report(values, journal)
                callbacks.after_step(self._step, values)
                begun = self._clock(first, begun)
                due = self._step % self._settings.checkpoint_every == 0
                last = self._step == self._total
                if due or last:
                    self._validate(journal)
                if due or last or wishes.commit or wishes.stop is not None:
                    self._commit(journal)
                    wishes.commit = False
                if wishes.stop is not None and not last:
                    raise Interrupted(
                        f"stopped after step {self._step} of {self._total}, which is "
                        f"saved; go on with: vqfw run --resume {self._run.quoted}",
                        wishes.stop,
                    )

    def _between_steps(self) -> None:
        """Places or revives codes; then the steps before the next checkpoint use them."""
        self._place_codes()
        if self._revival is not None:
            self._revival.before_step(self._step)

    def _clock(self, first: int, begun: float) -> float:
        """Notes how long a step took, with its wait for data; gives the time now."""
        now = time.perf_counter()
        if self._step - first > _WARM_UP:
            self._times.append(now - begun)
        return now

    def _train_on(self, batch: Mapping[str, Any]) -> dict[str, float]:
        """One optimizer step."""
        found = self._autoencoder.train_on_batch(batch, return_dict=True)
        values = {name: float(value) for name, value in found.items()}
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
        pace = self._settings.batch_size / statistics.fmean(recent) if recent else None
        per_epoch = self._batches.steps_per_epoch
        epoch = (self._step - 1) // per_epoch
        journal.step(self._step, epoch, values, pace)
        if self._step % per_epoch == 0 or self._step == self._total:
            journal.grid(self._step, epoch, self._grid())
            journal.epoch_end(self._step, epoch, values, pace)
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
            validation = evaluate(self._inference, images, self._new_metrics())
        self._patience.see(validation)
        values = {k: v for k, v in validation.values.items() if v is not None}
        journal.validation(self._step, values)

    def _grid(self) -> Pixels:
        """Originals above reconstructions, of the images that are shown in the end."""
        count = self._plan.experiment.evaluation.pictures
        shown = spread(self._shown_images(), count)
        with self._autoencoder.averaged():
            return grid([shown, self._inference.pictures(shown)])

    def _shown_images(self) -> Pixels:
        test = self._splits.test
        return (test if len(test) else self._splits.train).pixels

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
        # A checkpoint vouches for the lines of all steps before it.
        journal.sync()
        checkpoint.commit(self._run.states, state, self._settings.keep_checkpoints)
        if not self._marked:  # by its start, not by whichever run commits last
            mark_latest(self._run)
            self._marked = True

    def _resume(self) -> list[str]:
        messages: list[str] = []
        found = checkpoint.newest(self._run.states, messages.append)
        if found is None:
            return messages
        if found.counters.get("data") != self._splits.fingerprint:
            raise RunError(
                f'run "{self._run.id}" was trained on other images than the ones found '
                "now: bring the same data back, or start a new run"
            )
        restore(self._autoencoder, found.arrays)
        self._step = found.step
        try:
            self._patience.restore(found.counters["patience"])
            if self._revival is not None:
                self._revival.restore(found.counters["revival"])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(
                f'the counters of checkpoint {found.step} of run "{self._run.id}" do not '
                f"fit its experiment ({in_short(error)}): train it again"
            ) from error
        return [*messages, f"resumed after step {self._step} of {self._total}"]

    def _place_codes(self) -> None:
        """Hands the quantizer latents of training images, when its warm-up is over."""
        model = self._autoencoder.model
        if (
            model.codebook_quantizer is None
            or model.codebook_quantizer.warm_up != self._step
        ):
            return
        seed = self._plan.experiment.seed
        order = np.random.default_rng([seed, 3]).permutation(len(self._splits.train))
        latents: list[Any] = []
        for start in range(0, min(_FIRST_IMAGES, len(order)), 32):
            rows = np.sort(order[start : start + 32])
            images = self._splits.train.pixels[rows].astype("float32") / 255.0
            found = np.asarray(_on_host(model.encode(images)), dtype="float32")
            latents.append(found)
            if sum(each[..., 0].size for each in latents) >= _FIRST_LATENTS:
                break
        model.codebook_quantizer.initialize(np.concatenate(latents), seed)
        # What was counted until now were codes that are no longer there.
        self._autoencoder.monitor.forget()

    def _revival_engine(self) -> RevivalEngine | None:
        model = self._autoencoder.model
        if model.codebook_quantizer is None or model.revival is None:
            return None
        options = self._plan.experiment.model["revival"]
        seed = self._plan.experiment.seed
        return RevivalEngine(self._autoencoder, options["interval"], seed)


def _on_host(tensor: Any) -> Any:
    import keras

    return keras.ops.convert_to_numpy(tensor)
