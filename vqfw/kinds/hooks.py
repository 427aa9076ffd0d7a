"""The hooks: moments at which packages may look on, or add a check. They change no result.

An observer is a module or object registered in the entry-point group ``vqfw``, with a
function for each hook that it wants, under the hook's name and with any of its arguments:

    from vqfw.kinds.hooks import hook

    @hook
    def vqfw_run_end(run, scores):
        print(run.id, scores)

One that raises is reported once, detached, and recorded with the run, which goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pluggy

from vqfw.errors import Problem

GROUP = "vqfw"

hook = pluggy.HookimplMarker(GROUP)
"""Marks a function as an implementation of the hook of its name."""
_spec = pluggy.HookspecMarker(GROUP)


class Hooks:
    """What can be implemented; ``run`` has ``id``, ``path``, ``pictures``, ``resolved``."""

    @_spec
    def vqfw_checks(self, experiment: Mapping[str, Any]) -> Sequence[Problem]:
        """Says what is wrong with an experiment, before anything runs.

        Args:
            experiment: resolved, as plain data; not to be changed.

        Returns:
            Problems with paths from the root of the experiment; none if all is well.
        """
        raise NotImplementedError("a specification is not called")

    @_spec
    def vqfw_run_start(self, run: Any) -> None:
        """Training is about to begin, or to go on.

        Args:
            run: where it is recorded.
        """

    @_spec
    def vqfw_epoch_end(
        self, run: Any, epoch: int, step: int, values: Mapping[str, float]
    ) -> None:
        """The training images have been seen once more.

        Args:
            run: where it is recorded.
            epoch: counted from 1.
            step: optimizer steps done.
            values: losses and other numbers of the last step, by name.
        """

    @_spec
    def vqfw_run_end(self, run: Any, scores: Mapping[str, Any]) -> None:
        """The training has ended and was scored.

        Args:
            run: where it is recorded.
            scores: as recorded, by metric; empty where there were no images to score.
        """
