"""The progress of a training in a terminal: one line with a bar, its numbers beneath.

In a narrow terminal speed and epoch move beneath the line; in a very narrow one there is no
bar. No number is ever cut.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Self

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Task,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

from vqfw.streams import forgiving
from vqfw.terminal import BETWEEN, flowed, printable
from vqfw.training.progress import EpochLines, Progress, vitals

_SHORTEST = 8  # columns
_GAP = 2


def progress_for(quiet: bool, total: int, done: int, epochs: int) -> Progress:
    """Shows progress as stderr allows: a bar, a line in a notebook, lines, or nothing."""
    if quiet:
        return Progress()
    if type(sys.stderr).__module__.startswith("ipykernel."):
        return EpochLines(total, done, epochs, rewrites=True)
    if not forgiving(sys.stderr).isatty():
        return EpochLines(total, done, epochs)
    return Bar(total, done, epochs)


class Bar(Progress):
    """A bar with numbers under it, for a terminal.

    Args:
        total: steps of the whole training.
        done: steps done before this process.
        epochs: of the whole training.
        console: where it is shown; stderr where none is given.
        clock: seconds, for the time left; the time of the system where none is given.
    """

    def __init__(
        self,
        total: int,
        done: int,
        epochs: int,
        console: Console | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._shown = _Shown(
            console=console or Console(file=forgiving(sys.stderr)),
            refresh_per_second=4,
            get_time=clock,
        )
        self._epochs = epochs
        self._task = self._shown.add_task(
            "train", total=total, completed=done, epoch="", numbers={}
        )

    def __enter__(self) -> Self:
        self._shown.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._shown.stop()

    def __rich__(self) -> RenderableType:
        return self._shown.get_renderable()

    def step(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        self._shown.update(
            self._task,
            completed=step,
            epoch=f"epoch {epoch + 1}/{self._epochs}",
            numbers=vitals(values),
        )

    def say(self, text: str) -> None:
        console = self._shown.console
        for line in flowed(printable(text).split(BETWEEN), console.width):
            console.print(line, markup=False, highlight=False)


class _Shown(RichProgress):
    """Draws each task as a ``_Display``."""

    def get_renderables(self) -> Iterable[RenderableType]:
        return map(_Display, self.tasks)


class _Display:
    """A task at the width of its terminal: a line with the bar, the other numbers beneath."""

    _bar = BarColumn(bar_width=None)
    _steps = MofNCompleteColumn()
    _time = TimeRemainingColumn(elapsed_when_finished=True)

    def __init__(self, task: Task) -> None:
        self._task = task

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        numbers = dict(self._task.fields["numbers"])
        step = Text("step ") + self._steps.render(self._task)
        left = self._time.render(self._task)
        left += Text("" if self._task.finished else " left")
        shown = [step, left, *_texts(numbers.pop("loss", ""))]
        beneath: list[str] = []
        room = options.max_width - _SHORTEST - sum(map(_width, shown))
        if room < 0:
            shown, beneath = [], [each.plain for each in shown]
        speed = numbers.pop("images_per_second", "")
        for each in _texts(speed, self._task.fields["epoch"]):
            room -= _width(each)
            if room >= 0:
                shown.append(each)
            else:
                beneath.append(each.plain)
        if shown:
            yield self._line(shown)
        for line in flowed([*beneath, *numbers.values()], options.max_width):
            yield Text(line)

    def _line(self, shown: Iterable[Text]) -> Table:
        line = Table.grid(padding=(0, _GAP, 0, 0), expand=True)
        line.add_column(ratio=1)
        for _ in shown:
            line.add_column(no_wrap=True)
        line.add_row(self._bar.render(self._task), *shown)
        return line


def _texts(*each: str) -> list[Text]:
    return [Text(text) for text in each if text]


def _width(text: Text) -> int:
    return text.cell_len + _GAP
