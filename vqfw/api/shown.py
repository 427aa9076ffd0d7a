"""A run as a notebook shows it: its name, its scores and a strip of pictures."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from html import escape
from typing import Any

from vqfw.errors import RecordError
from vqfw.runs import RunFolder
from vqfw.runs.files import read_own

_MOST = 8  # pictures in a row
_BYTES = 100_000  # of a picture, so that a notebook stays small
_PNG = b"\x89PNG\r\n\x1a\n"


def as_html(run: RunFolder) -> str:
    """Scores, and originals above reconstructions as saved by the last evaluation."""
    from vqfw.results.recorded import scored_on, scores_of

    caption, rows = f"run {run.id}", ""
    with suppress(RecordError):  # damaged scores are shown as none
        scores = scores_of(run)
        caption += f" · {scored_on(run)}" if scores else ""
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(_number(entry))}</td></tr>"
            for name, entry in scores.items()
            if isinstance(entry, Mapping) and entry["value"] is not None
        )
    strips = [_strip(run, name) for name in ("original", "recon")]
    count = min(map(len, strips))
    pictures = "".join(f"<tr>{''.join(cells[:count])}</tr>" for cells in strips)
    return (
        f"<table><caption>{escape(caption)}</caption>{rows}</table>"
        f"<table>{pictures if count else ''}</table>"
    )


def text_of(run: RunFolder) -> str:
    """The name of a run, the steps of its training and its first score, on one line."""
    from vqfw.results.recorded import scores_of

    parts = [run.id]
    if run.training:
        parts.append(f"{run.training['steps']:,} steps")
    with suppress(RecordError):
        psnr = scores_of(run).get("psnr")
        if isinstance(psnr, Mapping) and psnr["value"] is not None:
            parts.append(f"psnr {psnr['value']:.4g}")
    return ", ".join(parts)


def _number(entry: Mapping[str, Any]) -> str:
    text = f"{entry['value']:.4g}"
    if entry.get("interval"):
        low, high = entry["interval"]
        text += f" ± {(high - low) / 2:.2g}"
    return f"{text} {entry.get('unit') or ''}".rstrip()


def _strip(run: RunFolder, name: str) -> list[str]:
    """Cells with the first pictures of a name, until one is missing or no PNG."""
    cells: list[str] = []
    if run.pictures.is_symlink():  # may lead to other pictures of this person
        return cells
    with suppress(OSError):
        for number in range(1, _MOST + 1):
            content = read_own(run.pictures / f"{name}_{number}.png", _BYTES)
            if not content.startswith(_PNG):
                break
            data = f"data:image/png;base64,{base64.b64encode(content).decode()}"
            cells.append(f'<td><img alt="{name}" width="64" src="{data}"></td>')
    return cells
