"""A study as values: its arms and its runs. Nothing here reads or trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqfw.errors import Problem
from vqfw.experiment import CheckedExperiment


@dataclass(frozen=True)
class Arm:
    """One row of the table: runs with the same settings but for the seed.

    Args:
        label: of the row.
        settings: its changes to the experiment, by path.
    """

    label: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Point:
    """One run of a study, finished or not.

    Args:
        id: name of its run folder and of its log; ends in ``key``.
        key: equal for runs that count as the same; see ``identity.py``.
        arm: its row in the table.
        experiment: checked.
    """

    id: str
    key: str
    arm: Arm
    experiment: CheckedExperiment = field(repr=False)

    @property
    def seed(self) -> int:
        """The seed of its random draws."""
        return self.experiment.seed

    def __str__(self) -> str:
        """The arm and the seed, for messages."""
        return f"{self.arm.label} · seed {self.seed}"


@dataclass(frozen=True)
class Grid:
    """Many runs of one experiment.

    Args:
        file: of the study.
        name: of its folder and its runs.
        description: of the study.
        arms: the rows of its table, in order.
        points: its runs, in the order in which they are started: every arm with the
            first seed before any with the second, so that a whole table comes early.
        expected: mean scores that the study file expects, by arm.
        table: layout in pages: ``title`` of the first column, ``columns``.
        overrides: ``path=value`` arguments, applied to every run.
        warnings: problems that do not stop it.
    """

    file: Path
    name: str
    description: str
    arms: tuple[Arm, ...]
    points: tuple[Point, ...]
    expected: Mapping[str, Mapping[str, float]]
    table: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = field(default=(), repr=False)

    def of(self, arm: Arm) -> tuple[Point, ...]:
        """The runs of a row, in the order of their seeds."""
        return tuple(point for point in self.points if point.arm is arm)
