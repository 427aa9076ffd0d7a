"""The command line of a study, for messages and for the processes of its runs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Call:
    """The options of ``vqfw study``.

    Args:
        file: of the study.
        overrides: of ``--set``.
        plugins: of ``--plugin``.
        jobs: of ``--jobs``, the number of runs at the same time.
    """

    file: Path
    overrides: Sequence[str] = ()
    plugins: Sequence[str] = ()
    jobs: int = 1

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of ``vqfw`` that all processes of the study share."""
        options = [word for each in self.overrides for word in ("--set", each)]
        options += [word for each in self.plugins for word in ("--plugin", each)]
        return ("study", str(self.file), *options)

    def __str__(self) -> str:
        """The command to paste."""
        jobs = ["--jobs", str(self.jobs)] if self.jobs > 1 else []
        return shlex.join(["vqfw", *self.arguments, *jobs])
