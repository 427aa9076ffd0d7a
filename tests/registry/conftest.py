"""Packages of other people, made on the spot and put where Python finds them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vqfw.registry import index

Install = Callable[..., Path]


@pytest.fixture
def install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Path]]:
    """Installs a package with one module: ``install("vqfw-x", source, {group: lines})``."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("VQFW_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VQFW_NO_PLUGINS", raising=False)
    modules: list[str] = []

    def install(
        distribution: str,
        source: str,
        entry_points: dict[str, str],
        version: str = "0.1",
    ) -> Path:
        module = distribution.replace("-", "_")
        modules.append(module)
        path = site / f"{module}.py"
        path.write_text(source, "utf-8")
        about = site / f"{module}-{version}.dist-info"
        about.mkdir(exist_ok=True)
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        lines = "".join(
            f"[{group}]\n{text.replace('MODULE', module)}\n"
            for group, text in entry_points.items()
        )
        (about / "entry_points.txt").write_text(lines)
        index.cache_clear()
        return path

    yield install
    for module in modules:
        sys.modules.pop(module, None)
    index.cache_clear()
