"""Early stopping: ends a training whose validation scores no longer improve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vqfw.evaluation.score import Evaluation
from vqfw.schema.settings import EarlyStopping


class Patience:
    """Counts validations without an improvement.

    Args:
        rule: when to stop; None never.
    """

    def __init__(self, rule: EarlyStopping | None) -> None:
        self._rule = rule
        self._best: float | None = None
        self._waited = 0

    @property
    def is_over(self) -> bool:
        """Whether it is time to stop."""
        return self._rule is not None and self._waited >= self._rule.patience

    def see(self, validation: Evaluation) -> None:
        """Takes the scores of a validation."""
        if self._rule is None:
            return
        score = validation.values[self._rule.metric]
        if score is None:
            return
        if validation.metrics[self._rule.metric].better == "lower":
            score = -score
        if self._best is None or score > self._best + self._rule.min_delta:
            self._best, self._waited = score, 0
        else:
            self._waited += 1

    def counters(self) -> dict[str, Any]:
        """The numbers that a checkpoint keeps."""
        return {"best": self._best, "waited": self._waited}

    def restore(self, counters: Mapping[str, Any]) -> None:
        """Sets the best score and the waiting time to those of a checkpoint."""
        self._best, self._waited = counters["best"], counters["waited"]
