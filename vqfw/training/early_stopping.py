"""When a training ends before its last step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vqfw.assembly.assemble import build_metrics
from vqfw.plan import Plan


class Patience:
    """Counts validations without an improvement.

    Args:
        plan: with or without an ``early_stopping`` rule.
    """

    def __init__(self, plan: Plan) -> None:
        self._rule = plan.experiment.training.early_stopping
        self._best: float | None = None
        self._waited = 0
        self._sign = 1.0
        if self._rule is not None:
            metric = build_metrics(plan)[self._rule.metric]
            self._sign = -1.0 if metric.better == "lower" else 1.0

    @property
    def is_over(self) -> bool:
        """Whether it is time to stop."""
        return self._rule is not None and self._waited >= self._rule.patience

    def see(self, scores: Mapping[str, float | None]) -> None:
        """Takes the scores of a validation."""
        if self._rule is None or scores[self._rule.metric] is None:
            return
        value = self._sign * float(scores[self._rule.metric] or 0.0)
        if self._best is None or value > self._best + self._rule.min_delta:
            self._best, self._waited = value, 0
        else:
            self._waited += 1

    def counters(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""
        return {"best": self._best, "waited": self._waited}

    def restore(self, counters: Mapping[str, Any]) -> None:
        """Goes on from kept counters."""
        self._best, self._waited = counters["best"], counters["waited"]
