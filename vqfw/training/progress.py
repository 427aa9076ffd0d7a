"""Progress of a training: a bar in a terminal, a line an epoch elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TextIO

from vqfw.streams import forgiving
from vqfw.terminal import BETWEEN, printable

_SHOWN = {
    "loss": "loss {:.4f}",
    "reconstruction": "recon {:.4f}",
    "commitment": "commit {:.4f}",
    "kl": "kl {:.4f}",
    "beta": "beta {:.3f}",
    "usage": "usage {:.2f}",
    "perplexity": "perplexity {:.0f}",
    "dead_codes": "dead {:.0f}",
    "revived": "revived {:.0f}",
    "surviving": "surviving {:.0%}",
    "images_per_second": "{:.0f} img/s",
}


def vitals(values: Mapping[str, float]) -> dict[str, str]:
    """The numbers of a step that are shown, by name, as text."""
    return {
        name: text.format(values[name])
        for name, text in _SHOWN.items()
        if name in values
    }


class Progress(AbstractContextManager["Progress", None]):
    """A display of the progress of a training, as a context; this one shows nothing."""

    def __exit__(self, *failure: object) -> None:
        """Ends showing."""

    def step(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Takes the numbers of a step."""

    def epoch_end(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Takes the numbers at the end of an epoch."""

    def say(self, text: str) -> None:
        """Shows a line that stays."""


class EpochLines(Progress):
    """One plain line an epoch, at most one in five seconds, for logs and pipes.

    Args:
        total: steps of the whole training.
        done: steps done before this process.
        epochs: of the whole training.
        stream: where the lines go.
        rewrites: whether a line replaces the one before it, twice a second: a notebook
            shows what follows a carriage return in the place of the line.
    """

    def __init__(
        self,
        total: int,
        done: int,
        epochs: int,
        stream: TextIO | None = None,
        rewrites: bool = False,
    ) -> None:
        self._total = total
        self._epochs = epochs
        self._stream = forgiving(stream or sys.stderr)
        self._rewrites = rewrites
        self._started = time.monotonic()
        self._done = done
        self._last = float("-inf")
        self._width = 0  # of the line that the next one replaces

    def __exit__(self, *failure: object) -> None:
        if self._width:
            print(file=self._stream, flush=True)

    def step(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        if self._rewrites:
            self.epoch_end(step, epoch, values)

    def epoch_end(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        now = time.monotonic()
        if now - self._last < (0.5 if self._rewrites else 5) and step < self._total:
            return
        self._last = now
        pace = (now - self._started) / max(1, step - self._done)
        left = int(pace * (self._total - step))
        text = (
            f"epoch {epoch + 1}/{self._epochs} · step {step}/{self._total} · "
            f"{BETWEEN.join(vitals(values).values())} · "
            f"{left // 60}:{left % 60:02d} left"
        )
        if not self._rewrites:
            self.say(text)
            return
        print(f"\r{text.ljust(self._width)}", end="", file=self._stream, flush=True)
        self._width = len(text)

    def say(self, text: str) -> None:
        shown = printable(text)
        if self._width:
            shown, self._width = f"\r{shown.ljust(self._width)}", 0
        print(shown, file=self._stream, flush=True)
