"""The hooks: moments at which packages may look on, or add something beside a run.

An observer is a module or object registered in the entry-point group ``vqfw``, with a
function for each hook that it wants, under the hook's name and with any of its arguments:

    from vqfw.kinds.hooks import hook

    @hook
    def vqfw_run_end(run, scores):
        print(run.id, scores)

Observers are there to look on, and have no way to change a result but a callback's. One
that raises, or returns something else than its hook says, is reported once, detached, and
recorded with the run, which goes on. The module of an observer is imported by ``vqfw
--help`` too: what takes long to import, as Keras does, belongs into the functions that
need it.
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
    """What an observer sees of a run on disk."""

    @property
    def id(self) -> str:
        """The name of its folders."""

    @property
    def path(self) -> Path:
        """Records and weights."""

    @property
    def pictures(self) -> Path:
        """Originals, reconstructions and grids."""

    @property
    def resolved(self) -> dict[str, Any]:
        """The experiment with every default filled in."""

    @property
    def scores(self) -> dict[str, Any]:
        """Scores by split; empty before the first evaluation."""


@dataclass(frozen=True)
class Section:
    """A part of what is shown of a run.

    Args:
        title: one line.
        text: lines for a person; plain text, so that every page can show it.
    """

    title: str
    text: str


class Hooks:
    """What can be implemented."""

    @_spec
    def vqfw_checks(self, experiment: Mapping[str, Any]) -> Sequence[Problem]:
        """Says what is wrong with an experiment, before anything runs.

        Args:
            experiment: resolved, as plain data; not to be changed.

        Returns:
            Problems with paths from the root of the experiment; none if all is well. One
            of severity "warning" is printed, any other stops the run.
        """
        raise NotImplementedError("a specification is not called")

    @_spec
    def vqfw_run_start(self, run: ObservedRun) -> None:
        """Training is about to begin, or to go on.

        Args:
            run: where it is recorded.
        """

    @_spec
    def vqfw_callbacks(self, run: ObservedRun) -> Sequence[keras.callbacks.Callback]:
        """Adds Keras callbacks to a training.

        They are told the beginning and end of the training, of each epoch and of each
        batch, as Keras' own loop tells them; epochs and batches count from 0, and a run
        that is resumed begins in the epoch and at the batch where it was cut. There is
        no end for a training that is interrupted. Each stands alone: one that raises is
        detached. They look on: one that sets ``model.stop_training`` is told once that
        this is ignored, because a run ends where its experiment says, whatever is
        installed; ``early_stopping`` in ``training`` is for that. Nothing keeps one from
        changing weights or the learning rate, and a run that it changed is no longer what
        its experiment says.

        Args:
            run: where it is recorded.

        Returns:
            The callbacks; ``self.model`` is the whole training model, ``self.model.model``
            the network.
        """
        raise NotImplementedError("a specification is not called")

    @_spec
    def vqfw_epoch_end(
        self, run: ObservedRun, epoch: int, step: int, values: Mapping[str, float]
    ) -> None:
        """The training images have been seen once more.

        Args:
            run: where it is recorded.
            epoch: counted from 1.
            step: optimizer steps done.
            values: losses and other numbers of the last step, by name.
        """

    @_spec
    def vqfw_run_end(self, run: ObservedRun, scores: Mapping[str, Any]) -> None:
        """The training has ended and was scored.

        Args:
            run: where it is recorded.
            scores: as recorded, by metric; empty where there were no images to score.
        """

    @_spec
    def vqfw_report_sections(self, run: ObservedRun) -> Sequence[Section]:
        """Adds sections to what ``vqfw runs show`` tells of a run.

        Args:
            run: where it is recorded; it may have been made elsewhere, without this
                observer, and it may not have ended.

        Returns:
            ``Section(title, text)`` each; none where there is nothing to tell.
        """
        raise NotImplementedError("a specification is not called")

    @_spec
    def vqfw_cli(self) -> Sequence[click.Command]:
        """Adds verbs to the command line.

        Returns:
            Commands of click, called like their verbs. A verb of vqfw itself keeps its
            meaning, and one that two packages claim is left out.
        """
        raise NotImplementedError("a specification is not called")
