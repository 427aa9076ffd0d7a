"""Who is found under which name, and what a name that finds nobody is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vqfw.errors import PluginError
from vqfw.registry import Entry, Index, index

Install = Callable[..., Path]


def entry(name: str, distribution: str = "vqfw", kind: str = "quantizer") -> Entry:
    return Entry(kind, name, f"{distribution}:{name}", distribution, "1.0")


def test_a_first_party_name_is_reserved() -> None:
    found = Index([entry("ema", "aaa"), entry("ema")])
    assert found.find("quantizer", "ema").distribution == "vqfw"
    assert found.find("quantizer", "aaa/ema").distribution == "aaa"
    assert found.names("quantizer") == ("aaa/ema", "ema")


def test_a_name_of_two_packages_must_be_qualified() -> None:
    found = Index([entry("x", "one"), entry("x", "two")])
    with pytest.raises(PluginError, match='write "one/x" or "two/x"'):
        found.find("quantizer", "x")
    assert found.find("quantizer", "two/x").distribution == "two"
    assert found.names("quantizer") == ("one/x", "two/x")


def test_the_message_for_an_unknown_name_has_the_nearest() -> None:
    found = Index([entry("gradient"), entry("ema")])
    with pytest.raises(PluginError, match='did you mean "gradient"'):
        found.find("quantizer", "gradiant")


def test_the_message_for_a_name_of_another_kind_names_that_kind() -> None:
    found = Index([entry("ema")])
    with pytest.raises(PluginError, match='"ema" is a quantizer, not a loss'):
        found.find("loss", "ema")


def test_listing_imports_no_component(install: Install) -> None:
    import sys

    group = {"vqfw.quantizers": "odd = MODULE:Odd"}
    install("vqfw-odd", "raise RuntimeError('imported')", group)
    assert "odd" in index().names("quantizer")
    assert "vqfw_odd" not in sys.modules


def test_no_plugins_leaves_only_components_of_vqfw(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("vqfw-odd", "", {"vqfw.quantizers": "odd = MODULE:Odd"})
    monkeypatch.setenv("VQFW_NO_PLUGINS", "1")
    index.cache_clear()
    assert "odd" not in index().names("quantizer")
    assert "ema" in index().names("quantizer")
