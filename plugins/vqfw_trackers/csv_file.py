"""The numbers of a run as a CSV table: one row a step."""

from __future__ import annotations

import csv
import io
import os
import secrets
from collections.abc import Mapping
from typing import Any, TextIO

from numpy.typing import NDArray

from vqfw.kinds import RunPath, Tracker

_STEP = "step"


class CSV(Tracker):
    """Writes ``metrics.csv`` into the run's folder: a row a step, ready for a spreadsheet.

    Validation scores stand in the row of their step. Pictures are left to the run's own
    folders.
    """

    def __init__(self, run_folder: RunPath) -> None:
        self._path = run_folder / "metrics.csv"
        self._file: TextIO | None = None
        self._columns: list[str] = [_STEP]
        self._row: dict[str, str] = {}
        self._row_begins = 0

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        row = {_STEP: str(step)}
        row |= {name: f"{value:.7g}" for name, value in values.items()}
        if self._file is None:
            self._file = self._rewrite(before=step)
        if self._row.get(_STEP) == row[_STEP]:
            row = self._row | row
            self._file.seek(self._row_begins)
            self._file.truncate()
        if not row.keys() <= set(self._columns):
            self._columns += [name for name in row if name not in self._columns]
            self._file = self._rewrite(before=step)
        self._row, self._row_begins = row, self._file.tell()
        self._writer(self._file).writerow(row)
        self._file.flush()

    def images(self, step: int, name: str, images: NDArray[Any]) -> None:
        """Does nothing: a table has no pictures."""

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _rewrite(self, before: int) -> TextIO:
        """Writes the table anew, with the rows before a step, and opens it to go on."""
        self.close()
        rows = self._rows(before)
        beside = self._path.with_suffix(f".{secrets.token_hex(8)}.part")
        with beside.open("x", newline="", encoding="utf-8") as file:
            writer = self._writer(file)
            writer.writeheader()
            writer.writerows(rows)
        os.replace(beside, self._path)
        return self._path.open("a", newline="", encoding="utf-8")

    def _rows(self, before: int) -> list[dict[str, str]]:
        """The rows of the file, without an incomplete one at its end."""
        if not self._path.exists():
            return []
        text = self._path.read_text(encoding="utf-8")
        reader = csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1]))
        names = reader.fieldnames or ()
        self._columns += [name for name in names if name not in self._columns]
        return [row for row in reader if int(row[_STEP]) < before]

    def _writer(self, file: TextIO) -> csv.DictWriter[str]:
        return csv.DictWriter(file, self._columns, restval="", lineterminator="\n")
