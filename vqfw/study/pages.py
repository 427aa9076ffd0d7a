"""Writes the table of a study into pages.

A page is a ``README.md`` in the folder of the study file, or in a folder above it up to the
root of the repository, that holds these two lines:

    <!-- study: NAME -->
    <!-- end -->

The text between them is written from ``FILE.table.json`` beside the study file, which is to
be committed: it holds every number and the record of every run. It is replaced by a table of
at least as many finished runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqfw.errors import UsageError
from vqfw.results.study_table import Table, table_from
from vqfw.results.study_table_files import as_json, as_page
from vqfw.runs.outputs import write_output
from vqfw.study.grid import Grid

_ROOT = (".git", "pyproject.toml")
"""Names that mark the root of a repository."""


@dataclass(frozen=True)
class Publication:
    """A table and the pages that show it.

    Args:
        table: on the pages; without pages, of the finished runs here.
        kept: whether it is that of ``source``, which has more finished runs.
        source: the committed table.
        pages: that show it.
        written: files that were changed.
    """

    table: Table
    kept: bool
    source: Path
    pages: tuple[Path, ...] = ()
    written: tuple[Path, ...] = ()


def publish(study: Grid, here: Table) -> Publication:
    """Writes the table of a study into the pages that show it, if any.

    Args:
        study: named by the markers of its pages.
        here: the table of the finished runs in this folder of runs.

    Raises:
        UsageError: if a marker has no end, the committed table cannot be read, or a column
            of the study file does not exist.
    """
    source = study.file.with_name(f"{study.file.stem}.table.json")
    pages = dict(_pages(study))
    if not pages:
        return Publication(here, False, source)
    committed = _committed(source)
    table = here if committed is None or _covers(here, committed) else committed
    block = as_page(table, study.table.get("title", ""), _columns(study, table))
    files = {source: as_json(table)}
    files |= {page: _inserted(page, text, study, block) for page, text in pages.items()}
    written = tuple(path for path, text in files.items() if _replaced(path, text))
    return Publication(table, table is committed, source, tuple(pages), written)


def _pages(study: Grid) -> Iterator[tuple[Path, str]]:
    """The pages that show a study, with their texts."""
    folders = study.file.resolve().parents
    marks = [any((each / name).exists() for name in _ROOT) for each in folders]
    last = marks.index(True) if any(marks) else 0
    for folder in folders[: last + 1]:
        page = folder / "README.md"
        try:
            text = "" if page.is_symlink() else page.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if _marker(study) in text.split("\n"):
            yield page, text


def _marker(study: Grid) -> str:
    return f"<!-- study: {study.name} -->"


def _inserted(page: Path, text: str, study: Grid, block: str) -> str:
    marker = re.escape(_marker(study))
    between = re.compile(
        rf"^({marker}\n)(?:(?!<!--).)*(<!-- end -->)$", re.DOTALL | re.MULTILINE
    )
    new, count = between.subn(lambda found: f"{found[1]}{block}{found[2]}", text)
    if not count:
        raise UsageError(
            f'{page}: "{_marker(study)}" has no end: add a line "<!-- end -->" below it'
        )
    return new


def _committed(source: Path) -> Table | None:
    try:
        data: Any = json.loads(source.read_text("utf-8"))
        return table_from(data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise UsageError(
            f"{source} is not the table of a study ({type(error).__name__}): restore it from "
            "git, or remove it to have it written again"
        ) from error


def _covers(here: Table, committed: Table) -> bool:
    """Whether every row has at least as many finished runs here."""
    finished = {row.label: len(row.runs) for row in here.rows}
    return any(finished.values()) and all(
        finished.get(row.label, len(row.runs)) >= len(row.runs)
        for row in committed.rows
    )


def _columns(study: Grid, table: Table) -> list[str]:
    wanted = list(study.table.get("columns", ()))
    names = [each.name for each in table.columns]
    for name in wanted:
        if names and name not in names:
            raise UsageError(
                f'{study.file}: "table.columns" has "{name}", which is not a column of the '
                f"table: choose from {', '.join(names)}"
            )
    return wanted


def _replaced(path: Path, text: str) -> bool:
    """Whether a file had another text, and so was written."""
    content = text.encode()
    if path.exists() and path.read_bytes() == content:
        return False
    write_output(path, content)
    return True
