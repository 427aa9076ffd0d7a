"""A study: its arms, and the runs that it consists of. Nothing here reads or runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqfw.errors import Problem
from vqfw.experiment import CheckedExperiment


@dataclass(frozen=True)
class Arm:
    """One row of the table: what is the same in all its runs but the seed.

    Args:
        label: what the row is called.
        settings: that it lays over the experiment, by path.
    """

    label: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Point:
    """One run of a study, done or not.

    Args:
        id: names its run and its log; ends in ``key``.
        key: what makes a run count as this one; see ``identity.py``.
        arm: whose row it fills.
        experiment: checked.
    """

    id: str
    key: str
    arm: Arm
    experiment: CheckedExperiment = field(repr=False)

    @property
    def seed(self) -> int:
        """Where its random draws start from."""
        return self.experiment.seed

    def __str__(self) -> str:
        """The arm and the seed, for a person."""
        return f"{self.arm.label} · seed {self.seed}"


@dataclass(frozen=True)
class Grid:
    """Many runs of one experiment.

    Args:
        file: where it was read.
        name: of its folder and its runs.
        description: what is compared, and why.
        arms: the rows of its table, in order.
        points: its runs, in the order in which they are started: every arm with the
            first seed before any with the second, so that a whole table comes early.
        expected: mean scores that its author expects, by arm.
        table: how pages show its table: ``title`` of the first column, ``columns``.
        overrides: the ``path=value`` arguments that were laid over every run.
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
