"""Components from a single file: what they are called, and what is refused."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from vqfw.errors import ExperimentError, PluginError, UsageError
from vqfw.experiment import experiment_from
from vqfw.registry import files, importing, index, load_file, load_recorded
from vqfw.registry.files import component_name, plugin_files

SOURCE = '''
from vqfw.kinds import Loss

class HalfLoss(Loss):
    """Half of nothing.

    Args:
        share: How much of it.
    """

    def __init__(self, share: float = 0.5) -> None: ...

    def __call__(self, original, reconstruction): ...
'''


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable]:
    """Writes a plugin file; afterwards the process knows none."""
    monkeypatch.setattr(files, "_LOADED", {})
    monkeypatch.setattr(sys.modules["vqfw.registry.entries"], "_FROM_FILES", {})

    def write(source: str = SOURCE, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source, "utf-8")
        return path

    yield write
    for name in [each for each in sys.modules if each.startswith("vqfw_plugin_")]:
        del sys.modules[name]
    index.cache_clear()


def losses(*given: object) -> dict[str, object]:
    return {
        "data": {"dataset": "orl"},
        "model": {
            "type": "vqvae",
            "encoder": "residual_conv",
            "quantizer": "ema",
            "decoder": "residual_conv",
        },
        "losses": list(given),
        "training": {"steps": 10},
    }


def test_a_component_of_a_file_works_by_name_with_its_options(write) -> None:
    (entry,) = load_file(write())
    assert (entry.kind, entry.name, entry.distribution) == ("loss", "half", "mine.py")
    found = experiment_from(losses({"type": "half", "share": 0.25})).losses[0]
    assert found == {"type": "half", "share": 0.25, "weight": 1.0}
    with pytest.raises(ExperimentError, match='did you mean "share"'):
        experiment_from(losses({"type": "half", "shar": 1}))


def test_imported_and_abstract_classes_are_no_components_of_the_file(write) -> None:
    source = SOURCE + "\nclass Unfinished(Loss): ...\nOther = Loss\n"
    assert [entry.name for entry in load_file(write(source))] == ["half"]


@pytest.mark.parametrize(
    ("class_name", "kind", "name"),
    [
        ("EMAQuantizer", "quantizer", "ema"),
        ("HorizontalFlip", "augmentation", "horizontal_flip"),
        ("HalfCosineBetaScheduler", "beta", "half_cosine"),
        ("LinearBeta", "beta", "linear"),
        ("VQVAE2", "model", "vqvae2"),
        ("LPIPSLoss", "loss", "lpips"),
        ("Loss", "loss", "loss"),
    ],
)
def test_the_name_is_the_class_without_its_kind(class_name, kind, name) -> None:
    assert component_name(type(class_name, (), {}), kind) == name


def test_the_attribute_name_replaces_the_name_of_the_class(write) -> None:
    named = SOURCE.replace(
        "    def __init__", '    name = "better"\n\n    def __init__'
    )
    (entry,) = load_file(write(named))
    assert entry.name == "better"
    with pytest.raises(PluginError, match="'No Name' of HalfLoss cannot name"):
        load_file(write(named.replace('"better"', '"No Name"')))


def test_a_file_cannot_replace_a_component_of_vqfw(write) -> None:
    (entry,) = load_file(write(SOURCE.replace("HalfLoss", "MSELoss")))
    assert index().spelling(entry) == "mine.py/mse"
    assert index().find("loss", "mse").first_party
    found = experiment_from(losses("mse", "mine.py/mse")).losses
    assert ("share" in found[0], "share" in found[1]) == (False, True)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import a_module_that_nobody_has", "a_module_that_nobody_has"),
        ("x = 1\nraise ValueError('no')", "ValueError: no, line 2"),
        ("x = 1\ndef broken(:", "line 2"),
        ("raise SystemExit(7)", "exit code 7"),
        ("x = 1", "defines no component"),
        (SOURCE + "\nclass Half(Loss):\n    __call__ = HalfLoss.__call__", "are both"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(
    write, source, reason
) -> None:
    before = index().entries
    with pytest.raises(PluginError, match=reason):
        load_file(write(source))
    assert index().entries == before
    assert plugin_files() == ()
    assert "vqfw_plugin_mine" not in sys.modules


BODY = """
    def records(self): ...
    def fingerprint(self): ...
"""


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("x = 1", "it has no class: write a class derived from Quantizer, Loss or"),
        ("def half(a, b): ...", "it has no class, only function half: write a class"),
        (
            "class Half: ...",
            "class Half has no kind: derive it from Quantizer, Loss or",
        ),
        (
            "class Half:\n    vqfw_kind = 'lose'",
            "'lose', which is unknown: set vqfw_kind",
        ),
        (
            "from vqfw.kinds import Loss\nclass Half(Loss): ...",
            r"class Half of kind loss lacks __call__\(\): write it",
        ),
        (
            "from vqfw.kinds import Quantizer\nclass Half(Quantizer): ...",
            r"class Half of kind quantizer lacks call\(\) and embed\(\)",
        ),
        (
            "from vqfw.kinds import Encoder\nclass Half(Encoder): ...",
            r"class Half of kind encoder lacks call\(\)",
        ),
        (
            "from vqfw.kinds import Dataset\nclass Half(Dataset):"
            + BODY
            + "    def __init__(self):\n        self.channels = 3",
            "lacks channels: set it in the body of the class",
        ),
    ],
    ids=lambda each: each[:40],
)
def test_the_message_for_a_file_without_a_component_names_what_it_defines(
    write, source, told
) -> None:
    with pytest.raises(PluginError, match=f"defines no component: .*{told}"):
        load_file(write(source))


def test_a_base_class_of_another_class_in_the_file_is_no_component(write) -> None:
    source = (
        "from vqfw.kinds import Quantizer\nclass Base(Quantizer):\n    def call(self): ...\n"
        "class Half(Base):\n    def embed(self, tokens): ...\n"
    )
    assert [entry.name for entry in load_file(write(source))] == ["half"]


def test_a_file_that_hangs_is_given_up(write, monkeypatch) -> None:
    monkeypatch.setattr(importing, "IMPORT_SECONDS", 0.2)
    started = time.monotonic()
    swallows = (
        "import time\ntry:\n    time.sleep(60)\nexcept Exception:\n    time.sleep(60)"
    )
    with pytest.raises(PluginError, match=r"took more than 0\.2 seconds"):
        load_file(write(swallows))
    assert time.monotonic() - started < 30


def test_what_a_file_prints_does_not_reach_the_output_of_a_verb(write, capsys) -> None:
    load_file(write(SOURCE + "\nprint('noise')"))
    assert capsys.readouterr() == ("", "noise\n")


def test_a_missing_file_is_a_mistake_of_the_command_line(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.py cannot be read"):
        load_file(tmp_path / "nowhere.py")


def test_a_file_runs_once_and_again_when_it_changed(write) -> None:
    source = (
        SOURCE + "\nimport sys\nsys.stderr.runs = getattr(sys.stderr, 'runs', 0) + 1"
    )
    path = write(source)
    sys.stderr.runs = 0  # type: ignore[attr-defined]
    assert load_file(path) == load_file(path)
    assert sys.stderr.runs == 1  # type: ignore[attr-defined]
    write(source.replace("0.5", "0.75"))
    load_file(path)
    assert experiment_from(losses("half")).losses[0]["share"] == 0.75
    assert len(plugin_files()) == 1


def test_two_files_of_one_name_are_refused(write) -> None:
    load_file(write())
    with pytest.raises(PluginError, match="have the same name"):
        load_file(write(name="other/mine.py"))


def test_a_recorded_file_must_be_there_unchanged(write) -> None:
    path = write()
    load_file(path)
    recorded = plugin_files()
    files._LOADED.clear()
    load_recorded(recorded)
    files._LOADED.clear()
    marker = path.with_name("ran")
    write(SOURCE + f"\nopen({str(marker)!r}, 'w').close()")
    with pytest.raises(PluginError, match="has changed since the run was made"):
        load_recorded(recorded)
    assert not marker.exists()
    path.unlink()
    with pytest.raises(PluginError, match="is missing: put the file back"):
        load_recorded(recorded)


@pytest.mark.parametrize("path", ["/dev/zero", "/", "pipe", "a\0b", ""])
def test_a_recorded_plugin_with_a_bad_path_is_loaded_only_if_it_ran_here(
    write, tmp_path, monkeypatch, path
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    load_file(write())
    trusted = replace(plugin_files()[0], path=path)
    unknown = replace(trusted, sha256="0" * 64)
    files._LOADED.clear()
    with pytest.raises(PluginError, match="you have not run on this machine"):
        load_recorded([unknown])
    load_recorded([trusted])  # from where this person ran it
    assert plugin_files()[0].path == str(tmp_path / "mine.py")


def test_a_renamed_file_keeps_the_name_of_the_record(write) -> None:
    load_file(write(SOURCE.replace("HalfLoss", "MSELoss")))
    recorded = plugin_files()
    files._LOADED.clear()
    sys.modules["vqfw.registry.entries"]._FROM_FILES.clear()
    renamed = write(SOURCE.replace("HalfLoss", "MSELoss"), name="copy.py")
    load_recorded(recorded, [renamed])
    assert experiment_from(losses("mine.py/mse")).losses[0]["share"] == 0.5
