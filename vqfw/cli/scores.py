"""The scores of a run as text and as data for ``--json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vqfw.cli.talk import echo

if TYPE_CHECKING:
    from vqfw.api import Run


def scores_of(run: Run, split: str, recorded: Mapping[str, Any]) -> dict[str, Any]:
    """The run and its scores for ``--json``."""
    values = {
        name: entry["value"]
        for name, entry in recorded.items()
        if isinstance(entry, Mapping)
    }
    return {
        "run": run.id,
        "path": str(run.folder.path),
        "split": split,
        "images": recorded.get("images", 0),
        "scores": values,
    }


def scored(run: Run) -> tuple[str, Mapping[str, Any]]:
    """The split on which a finished run was scored, and its scores."""
    scores = run.scores
    split = "test" if "test" in scores else "validation"
    return split, scores.get(split, {})


def show_scores(
    run: Run, split: str, recorded: Mapping[str, Any], seconds: float | None = None
) -> None:
    """Prints a score a line: value, interval, expected value."""
    expected = run.folder.resolved.get("expected", {}) if split == "test" else {}
    images = recorded.get("images")
    counted = f"{images:,} image{'' if images == 1 else 's'}" if images else ""
    scored = f"{split} · {counted}" if images else "not scored"
    echo(f"run {run.id} · {scored}")
    for name, entry in recorded.items():
        if isinstance(entry, Mapping):
            echo(_line(name, entry, expected.get(name)))
    if bits := recorded.get("bits_per_image"):
        echo(f"  {'bits an image':<16} {bits:.0f}")
    if seconds is not None:
        beside = _beside(expected.get("minutes"))
        echo(f"  {'minutes':<16} {seconds / 60:.1f}{beside}")


def _line(name: str, entry: Mapping[str, Any], expected: float | None) -> str:
    value = entry["value"]
    if value is None:
        return f"  {name:<16} does not apply"
    unit = f" {entry['unit']}" if entry.get("unit") else ""
    line = f"  {name:<16} {value:.4g}{unit}"
    if entry.get("interval"):
        half = (entry["interval"][1] - entry["interval"][0]) / 2
        line += f" ± {half:.2g}"
    return line + _beside(expected)


def _beside(expected: float | None) -> str:
    return "" if expected is None else f"   (expected {expected:g})"
