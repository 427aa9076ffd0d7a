"""The hooks, at which packages observe a run, or add checks, callbacks and verbs.

An observer is a module or object registered in the entry-point group ``vqfw``, with a
function for each hook that it wants, under the hook's name and with any of its arguments:

    from vqfw.kinds.hooks import hook

    @hook
    def vqfw_run_end(run, scores):
        print(run.id, scores)

Observers cannot change a result, except through a callback. One that raises, or returns
something else than its hook says, is reported once, detached, and recorded with the run,
which goes on. ``vqfw --help`` imports the module of an observer too: import Keras, or
whatever takes long, in the functions that need it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

from vqfw.errors import Problem
from vqfw.kinds.catalog import OBSERVER_GROUP

if TYPE_CHECKING:
    import click
    import keras

hook = pluggy.HookimplMarker(OBSERVER_GROUP)
"""Marks a function as an implementation of the hook of its name."""
_spec = pluggy.HookspecMarker(OBSERVER_GROUP)


class ObservedRun(Protocol):
    """The run that an observer gets."""

    @property
    def id(self) -> str:
        """The name of its folders."""

    @property
    def path(self) -> Path:
        """The folder of records and weights."""

    @property
    def pictures(self) -> Path:
        """The folder of originals, reconstructions and grids."""

    @property
    def resolved(self) -> dict[str, Any]:
        """The experiment with every default filled in."""

    @property
    def scores(self) -> dict[str, Any]:
        """Scores by split; empty before the first evaluation."""


@dataclass(frozen=True)
class Section:
    """A section of the page of a run.

    Args:
        title: one line.
        text: plain text, of any number of lines.
    """

    title: str
    text: str


class Hooks(Protocol):
    """The specifications of all hooks."""

    @_spec
    def vqfw_checks(self, experiment: Mapping[str, Any]) -> Sequence[Problem]:
        """Finds problems of an experiment, before anything runs.

        Args:
            experiment: resolved, as plain data; not to be changed.

        Returns:
            Problems with paths from the root of the experiment; empty for none. One of
            severity "warning" is printed, any other stops the run.
        """

    @_spec
    def vqfw_run_start(self, run: ObservedRun) -> None:
        """Called before training begins, or is resumed.

        Args:
            run: the run on disk.
        """

    @_spec
    def vqfw_callbacks(self, run: ObservedRun) -> Sequence[keras.callbacks.Callback]:
        """Adds Keras callbacks to a training.

        They are called at the beginning and end of the training, of each epoch and of each
        batch, as by Keras; epochs and batches count from 0, and a resumed run begins at
        the epoch and batch where it was interrupted. An interrupted training has no end.
        One that raises is detached alone. ``model.stop_training`` is ignored, with one
        message, because a run ends where its experiment says; set ``early_stopping`` in
        ``training`` instead. A callback can change weights and the learning rate; then the
        results are not those of the experiment.

        Args:
            run: the run on disk.

        Returns:
            The callbacks; ``self.model`` is the whole training model, ``self.model.model``
            the network.
        """

    @_spec
    def vqfw_epoch_end(
        self, run: ObservedRun, epoch: int, step: int, values: Mapping[str, float]
    ) -> None:
        """Called when all training images have been seen once more.

        Args:
            run: the run on disk.
            epoch: counted from 1.
            step: optimizer steps done.
            values: losses and other numbers of the last step, by name.
        """

    @_spec
    def vqfw_run_end(self, run: ObservedRun, scores: Mapping[str, Any]) -> None:
        """Called when the training has ended and was scored.

        Args:
            run: the run on disk.
            scores: as recorded, by metric; empty if there were no images to score.
        """

    @_spec
    def vqfw_report_sections(self, run: ObservedRun) -> Sequence[Section]:
        """Adds sections to the output of ``vqfw runs show``.

        Args:
            run: the run on disk; it may have been made elsewhere, without this observer,
                and may not have ended.

        Returns:
            ``Section(title, text)`` each; empty for none.
        """

    @_spec
    def vqfw_cli(self) -> Sequence[click.Command]:
        """Adds verbs to the command line.

        Returns:
            Commands of click, named like their verbs. A verb of vqfw keeps its meaning,
            and a verb of two packages is left out.
        """
