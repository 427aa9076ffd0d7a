"""Options of other people's components: read once, in another process, and checked."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vqfw.authoring.template import new_package
from vqfw.errors import ExperimentError, PluginError
from vqfw.experiment import experiment_from
from vqfw.registry import fragment_process, importing, index
from vqfw.registry.constructors import check_fragment
from vqfw.registry.fragments import foreign_fragments, read_fragments
from vqfw.runs.places import cache_folder
from vqfw.schema.loading import installed, packaged

Install = Callable[..., Path]

GROUP = "vqfw.revival"
ENTRY = {GROUP: "calm = MODULE:Calm"}
CALM = '''
"""A module that says so when it is imported."""
from __future__ import annotations
from typing import Annotated
from vqfw.kinds.options import Share

print("noise on the output")

class Calm:
    """Does ``nothing``.

    Args:
        share: How much of it.
        name: Whatever.
    """

    def __init__(self, share: Share = 0.5, pattern: str = "x") -> None: ...
'''
VALID: dict[str, Any] = {
    "data": {"dataset": "orl"},
    "model": {
        "type": "vqvae",
        "encoder": "residual_conv",
        "quantizer": "ema",
        "revival": {"type": "calm", "share": 0.25},
        "decoder": "residual_conv",
    },
    "training": {"steps": 10},
}


def with_revival(revival: Any) -> dict[str, Any]:
    return {**VALID, "model": {**VALID["model"], "revival": revival}}


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every process that is started to read a fragment."""
    started: list[Any] = []
    real = subprocess.Popen

    def counted(*arguments: Any, **options: Any) -> Any:
        started.append(arguments)
        return real(*arguments, **options)

    monkeypatch.setattr("vqfw.registry.fragment_process.subprocess.Popen", counted)
    return started


def test_an_experiment_names_a_component_of_an_installed_plugin_package(
    install: Install,
) -> None:
    install("vqfw-calm", CALM, ENTRY)
    revival = experiment_from(VALID).model["revival"]
    assert revival == {"type": "calm", "share": 0.25, "pattern": "x", "interval": 50}
    short = experiment_from(with_revival("calm"))
    assert short.model["revival"]["share"] == 0.5
    origin = short.origins["model.revival.share"].source
    assert origin == "default of vqfw-calm 0.1"


HIDING = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("jax", "torch"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""


@pytest.mark.processes
def test_a_component_is_read_where_tensorflow_is_the_only_backend(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = new_package("quantizer", "own", tmp_path / "own")
    source = (folder / "vqfw_own" / "quantizer.py").read_text("utf-8")
    install("vqfw-own", source, {"vqfw.quantizers": "own = MODULE:Own"})
    (tmp_path / "hiding").mkdir()
    (tmp_path / "hiding" / "sitecustomize.py").write_text(HIDING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hiding"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    model = {**VALID["model"], "quantizer": "own", "revival": None}
    found = experiment_from({**VALID, "model": model}).model["quantizer"]
    assert found["type"] == "own"
    monkeypatch.setenv("KERAS_BACKEND", "a_backend_that_nobody_has")
    entry = index().find("quantizer", "own")
    (read,) = read_fragments([entry]).values()
    assert not isinstance(read, PluginError)


@pytest.mark.processes
def test_a_component_may_be_built_on_its_contract(install: Install) -> None:
    source = CALM.replace(
        "class Calm:", "from vqfw.kinds import Revival\n\nclass Calm(Revival):"
    )
    source += "\n    def revive(self, vectors, usage, latents, rng): ...\n"
    install("vqfw-calm", source, ENTRY)
    assert experiment_from(VALID).model["revival"]["share"] == 0.25
    misplaced = {"vqfw.beta": "calm = MODULE:Calm"}
    install("vqfw-wrong", source, misplaced)
    with pytest.raises(PluginError, match="is a revival"):
        experiment_from({**VALID, "model": {**VALID["model"], "beta": "calm"}})


def test_a_default_may_be_a_component_of_another_package(install: Install) -> None:
    holder = (
        CALM.replace("class Calm", "class Holder")
        .replace(
            'pattern: str = "x"',
            'inner: Annotated[object, Slot("revival"), {"default": "calm"}] = None',
        )
        .replace("import Share", "import Share, Slot")
    )
    install("vqfw-calm", CALM, ENTRY)
    install("vqfw-holder", holder, {GROUP: "holder = MODULE:Holder"})
    found = experiment_from(with_revival("holder")).model["revival"]
    assert found["inner"] == {
        "type": "calm",
        "share": 0.5,
        "pattern": "x",
        "interval": 50,
    }


def test_options_of_a_plugin_are_checked_like_those_of_vqfw(install: Install) -> None:
    install("vqfw-calm", CALM, ENTRY)
    with pytest.raises(ExperimentError) as caught:
        experiment_from(with_revival({"type": "calm", "shar": 1, "pattern": 3}))
    assert [each.code for each in caught.value.problems] == [
        "unknown-key",
        "wrong-type",
    ]
    assert 'revival strategy "calm" (vqfw-calm 0.1) accepts' in (
        caught.value.problems[0].note
    )


def test_the_qualified_name_finds_the_same_component(install: Install) -> None:
    install("vqfw-calm", CALM, ENTRY)
    found = experiment_from(with_revival("vqfw-calm/calm")).model["revival"]
    assert (found["type"], found["share"]) == ("vqfw-calm/calm", 0.5)


def test_a_fragment_is_read_once_and_again_when_the_source_changes(
    install: Install, children: list[Any]
) -> None:
    path = install("vqfw-calm", CALM, ENTRY)
    experiment_from(VALID)
    once = len(children)
    assert once
    experiment_from(VALID)
    assert len(children) == once
    path.write_text(CALM.replace("0.5", "0.75"), "utf-8")
    assert experiment_from(with_revival("calm")).model["revival"]["share"] == 0.75
    assert len(children) > once


def test_a_component_that_no_experiment_names_is_not_imported(
    install: Install, children: list[Any]
) -> None:
    install("vqfw-calm", CALM, ENTRY)
    experiment_from(with_revival("perturb_active"))
    assert not children


def test_a_damaged_cache_is_read_anew(install: Install) -> None:
    install("vqfw-calm", CALM, ENTRY)
    experiment_from(VALID)
    kept = list((cache_folder() / "fragments").iterdir())
    assert kept
    for content in ("", "[]", "{}", '{"$ref": "file:///etc/passwd"}'):
        for each in kept:
            each.write_text(content)
        assert experiment_from(VALID).model["revival"]["share"] == 0.25


def test_a_cache_that_cannot_be_written_costs_only_time(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install("vqfw-calm", CALM, ENTRY)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VQFW_CACHE", str(tmp_path / "file" / "below"))
    assert experiment_from(VALID).model["revival"]["share"] == 0.25


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import a_module_that_nobody_has", "a_module_that_nobody_has"),
        ("raise SystemExit(7)", "exit code 7"),
        ("import os; os._exit(9)", "exit code 9"),
        ("import os; os.kill(os.getpid(), 11)", "exit code -11"),
        ("x = 1", "Calm"),
        (CALM.replace("share: Share", "share: object"), "which no JSON value can fill"),
        (CALM.replace("share: Share", "share: Nobody"), "NameError"),
        (CALM.replace('"x"', "object()"), "a default is no JSON"),
        (
            CALM.replace(": str =", ': Annotated[str, {"pattern": "(a+)+$"}] ='),
            "pattern/pattern",
        ),
        (
            CALM.replace(": str =", ': Annotated[str, {"$ref": "file:///x"}] ='),
            "file:///x",
        ),
    ],
)  # fmt: skip
def test_a_component_that_cannot_be_read_is_fatal_only_where_it_is_named(
    install: Install, source: str, reason: str
) -> None:
    install("vqfw-calm", source, ENTRY)
    assert experiment_from(with_revival("perturb_active"))
    with pytest.raises(PluginError) as caught:
        experiment_from(VALID)
    assert isinstance(caught.value, ExperimentError)
    (problem,) = caught.value.problems
    assert problem.code == "broken-component"
    assert reason in problem.message
    assert "vqfw-calm" in problem.message + problem.help
    assert problem.help
    assert problem.place is not None
    assert problem.place.line > 1


HANGS = {
    "sleeps": "import time; time.sleep(600)",
    "computes": "while True: pass",
    "catches_everything": """
import time
while True:
    try:
        time.sleep(600)
    except BaseException:
        pass
""",
}


@pytest.mark.parametrize("source", HANGS.values(), ids=list(HANGS))
def test_a_component_that_hangs_is_given_up(
    install: Install, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    install("vqfw-calm", source, ENTRY)
    monkeypatch.setattr(importing, "IMPORT_SECONDS", 0.5)
    with pytest.raises(PluginError, match=r"took more than 0\.5 seconds"):
        experiment_from(VALID)


def test_a_package_that_hangs_costs_its_seconds_once(
    install: Install, monkeypatch: pytest.MonkeyPatch, children: list[Any]
) -> None:
    hangs = "import time; time.sleep(601)"
    install("vqfw-calm", hangs, {GROUP: "calm = MODULE:Calm\nrest = MODULE:Rest"})
    monkeypatch.setattr(importing, "IMPORT_SECONDS", 0.5)
    for name in ("calm", "rest", "calm"):
        with pytest.raises(PluginError, match=f'"{name}".*took more than'):
            experiment_from(with_revival(name))
    assert len(children) == 1


@pytest.mark.processes
def test_fragments_are_read_although_other_packages_exit_hang_or_raise(
    install: Install, monkeypatch: pytest.MonkeyPatch, children: list[Any]
) -> None:
    monkeypatch.setattr(importing, "IMPORT_SECONDS", 5.0)
    sources = {
        "a": CALM,
        "ends": "import os; os._exit(9)",
        "c": CALM,
        "hangs": HANGS["sleeps"],
        "e": CALM,
        "raises": "raise ValueError('broken')",
        "g": CALM,
    }
    for name, source in sources.items():
        install(f"vqfw-{name}", source, {GROUP: f"{name} = MODULE:Calm"})
    entries = [index().find("revival", name) for name in sources]
    read = {entry.name: found for entry, found in read_fragments(entries).items()}
    whole = {name for name, found in read.items() if isinstance(found, dict)}
    assert whole == {"a", "c", "e", "g"}
    assert "exit code 9" in str(read["ends"])
    assert "took more than 5 seconds" in str(read["hangs"])
    assert "ValueError: broken" in str(read["raises"])
    assert len(children) == 3


@pytest.mark.processes
def test_an_import_that_blocks_all_threads_ends_with_its_child_process(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Native code that keeps the interpreter to itself: no thread of the child can run.
    stuck = "import ctypes; ctypes.PyDLL(None).sleep(600)"
    install("vqfw-calm", stuck, ENTRY)
    monkeypatch.setattr(fragment_process, "STUCK_SECONDS", 5.0)
    monkeypatch.setattr(importing, "IMPORT_SECONDS", 0.5)
    with pytest.raises(PluginError, match="did not end within 5 seconds"):
        experiment_from(VALID)


def test_a_name_of_two_packages_needs_the_package_as_prefix(install: Install) -> None:
    install("vqfw-calm", CALM, ENTRY)
    install("vqfw-rest", CALM, ENTRY)
    with pytest.raises(PluginError) as caught:
        experiment_from(VALID)
    assert isinstance(caught.value, ExperimentError)
    (problem,) = caught.value.problems
    assert problem.code == "ambiguous-component"
    assert problem.help == 'write "vqfw-calm/calm" or "vqfw-rest/calm"'
    found = experiment_from(with_revival("vqfw-rest/calm"))
    origin = found.origins["model.revival.share"].source
    assert origin == "default of vqfw-rest 0.1"


def test_a_plugin_cannot_replace_a_component_of_vqfw(install: Install) -> None:
    before = experiment_from(with_revival("perturb_active")).resolved_json()
    install("vqfw-calm", CALM, {GROUP: "perturb_active = MODULE:Calm"})
    after = experiment_from(with_revival("perturb_active"))
    assert after.resolved_json() == before
    theirs = experiment_from(with_revival("vqfw-calm/perturb_active"))
    assert theirs.model["revival"]["share"] == 0.5


def test_an_installed_component_is_in_the_installed_schema_only(
    install: Install,
) -> None:
    install("vqfw-calm", CALM, ENTRY)
    install(
        "vqfw-broken", "import a_module_that_nobody_has", {GROUP: "bad = MODULE:Bad"}
    )
    assert "revival.calm" in installed()["$defs"]
    assert "revival.bad" not in installed()["$defs"]
    assert "revival.calm" not in packaged()["$defs"]
    names = installed()["$defs"]["revival"]["properties"]["type"]["enum"]
    assert {"calm", "vqfw-calm/calm", "perturb_active"} <= set(names)


def test_no_plugins_hides_other_packages_and_says_so(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("vqfw-calm", CALM, ENTRY)
    monkeypatch.setenv("VQFW_NO_PLUGINS", "1")
    index.cache_clear()
    with pytest.raises(ExperimentError) as caught:
        experiment_from(VALID)
    assert "VQFW_NO_PLUGINS" in caught.value.problems[0].note


def test_the_child_process_imports_nothing_from_the_working_folder(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install("vqfw-calm", CALM, ENTRY)
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("json.py", "hashlib.py", "keras.py", "vqfw_calm.py"):
        (trap / name).write_text("open('caught', 'w').close(); raise SystemExit")
    monkeypatch.chdir(trap)
    assert experiment_from(VALID).model["revival"]["share"] == 0.25
    assert not (trap / "caught").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"$ref": "#/$defs/revival"},
        {"$id": "http://x"},
        {"patternProperties": {"^x": {}}},
        {"allOf": [{"$ref": "#/$defs/revival"}]},
        {"additionalProperties": True},
        {"properties": {"a": {"$ref": "file:///x"}}},
        {"properties": {"a": {"$ref": "#"}}},
        {"properties": {"a": {"$id": "x"}}},
        {"properties": {"a": {"items": {"pattern": "(a+)+$"}}}},
        {"properties": {"a": {"anyOf": [{"patternProperties": {}}]}}},
        {"properties": {"a": {"$dynamicRef": "#x"}}},
        {"properties": {"a": {"type": "nonsense"}}},
        {"properties": {"a": {"properties": {"b": {"unevaluatedItems": False}}}}},
    ],
)
def test_a_schema_with_outside_references_is_refused(change: dict[str, Any]) -> None:
    closed = {"type": "object", "properties": {}, "additionalProperties": False}
    entry = index().find("revival", "perturb_active")
    check_fragment(closed, entry)
    with pytest.raises(PluginError, match="perturb_active"):
        check_fragment({**closed, **change}, entry)


def test_an_option_may_be_named_like_a_schema_keyword() -> None:
    entry = index().find("revival", "perturb_active")
    properties = {"pattern": {"type": "string"}, "$ref": {"type": "string"}}
    closed = {"type": "object", "properties": properties, "additionalProperties": False}
    check_fragment(closed, entry)


def test_no_components_have_no_fragments() -> None:
    assert foreign_fragments([]) == ({}, {})


def test_the_cache_is_set_by_environment_variables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VQFW_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.delenv("VQFW_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "vqfw"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "vqfw"


def test_a_fragment_in_the_cache_is_plain_json(install: Install) -> None:
    install("vqfw-calm", CALM, ENTRY)
    experiment_from(VALID)
    for each in (cache_folder() / "fragments").iterdir():
        assert json.loads(each.read_text())["properties"]["share"]["default"] == 0.5
        assert each.name.startswith("vqfw-calm-0.1-")
